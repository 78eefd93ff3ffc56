"""Answers questions about a program as gdb sees it, for comparison.

The questions are read from the file that $QUESTIONS names, one JSON value a line; the answers are printed
likewise:

    ["pc", ADDR]             {"file", "line", "low", "high", "functions": innermost first}
    ["line", "file.c", N]    addresses, as "break" has them before prologues are skipped
    ["function", "name"]     entries, inlined ones included
    ["prologue", "name"]     where "break" stops
    ["ptype", "expression"]  text
    ["vars", ADDR]           names of the variables in scope, innermost block first
"""

import json
import os
import re

import gdb


def pc(addr):
    sal = gdb.find_pc_line(addr)
    functions = []
    block = gdb.block_for_pc(addr)
    while block is not None and not block.is_global and not block.is_static:
        if block.function is not None:
            functions.append(block.function.name)
        block = block.superblock
    return {
        "file": sal.symtab.fullname() if sal.symtab else "",
        "line": sal.line,
        "low": sal.pc,
        "high": (sal.last or sal.pc - 1) + 1,
        "functions": functions,
    }


def line(file, number):
    try:
        return sorted(sal.pc for sal in gdb.decode_line("%s:%d" % (file, number))[1] or [])
    except gdb.error:
        return []


def function(name):
    try:
        return sorted(sal.pc for sal in gdb.decode_line(name)[1] or [])
    except gdb.error:
        return []


def prologue(name):
    text = gdb.execute("break %s" % name, to_string=True)
    return int(re.search(r" at (0x[0-9a-f]+)", text)[1], 16)


def ptype(expression):
    try:
        return gdb.execute("ptype " + expression, to_string=True)
    except gdb.error as e:
        return "error: %s" % e


def vars(addr):
    names = []
    block = gdb.block_for_pc(addr)
    while block is not None and not block.is_global and not block.is_static:
        names += [s.name for s in block if s.is_variable or s.is_argument]
        if block.function is not None:
            break
        block = block.superblock
    return names


asks = {"pc": pc, "line": line, "function": function, "prologue": prologue, "ptype": ptype, "vars": vars}

for question in open(os.environ["QUESTIONS"]):
    name, *args = json.loads(question)
    print(json.dumps(asks[name](*args)))

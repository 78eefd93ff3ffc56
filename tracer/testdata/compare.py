"""Prints what gdb sees in cores.

Each line of standard output that begins with { is a core, in the order of the files
named in $CORES, one a line: its threads by number, and of each the frames with pc, sp,
function, whether they are inlined or a signal's, file and line; those of the thread that
stopped have their variables too, as names and texts, if $VARIABLES is not empty.
"""

import json
import os

import gdb


def variables(frame):
    frame.select()  # gdb computes the bounds of arrays there
    rows = []
    for arguments in True, False:
        block = frame.block()
        while True:
            for symbol in block:
                if symbol.is_argument if arguments else symbol.is_variable or symbol.is_constant:
                    try:
                        if str(symbol.type).startswith("&["):  # of Rust, where gdb dies of an internal error
                            rows.append([symbol.name, "<slice>", ""])
                            continue
                        text = (symbol.value(frame) if symbol.needs_frame else symbol.value()).format_string(deref_refs=True)
                    except gdb.error as e:
                        text = "<error: %s>" % e
                    rows.append([symbol.name, text, "constant" if symbol.is_constant else ""])
            if block.function:
                break
            block = block.superblock
    return rows


def stack(values):
    frames = []
    reason = ""
    try:
        frame = gdb.newest_frame()
        while frame and len(frames) < 200:
            if frame.type() == gdb.TAILCALL_FRAME:
                frames[-1]["tail"] = True
            else:
                sal = frame.find_sal()
                frames.append({
                    "pc": frame.pc(),
                    "sp": int(frame.read_register("rsp")) & (1 << 64) - 1,
                    "function": frame.name() or "",
                    "inlined": frame.type() == gdb.INLINE_FRAME,
                    "signal": frame.type() == gdb.SIGTRAMP_FRAME,
                    "file": os.path.basename(sal.symtab.filename) if sal.symtab else "",
                    "line": sal.line if sal.symtab else 0,
                    "variables": variables(frame) if values and frame.function() and len(frames) < 10 else None,
                })
            reason = gdb.frame_stop_reason_string(frame.unwind_stop_reason())
            frame = frame.older()
    except gdb.error as e:
        reason = str(e)
    return {"frames": frames, "reason": reason}


gdb.execute("set pagination off")
gdb.execute("set backtrace past-main on")
gdb.execute("set backtrace past-entry on")
gdb.execute("set stack-cache off")  # it would have what the core before had
gdb.execute("set code-cache off")
for core in os.environ["CORES"].split("\n"):
    gdb.execute("core-file", to_string=True)  # forgets the threads of the one before
    gdb.execute("core-file " + core, to_string=True)
    current = gdb.selected_thread()
    threads = {}
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        threads[thread.ptid[1]] = stack(thread.num == current.num and os.environ["VARIABLES"] != "")
    print(json.dumps({"threads": threads}), flush=True)

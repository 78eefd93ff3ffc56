"""Prints the stacks of cores as gdb sees them.

Each line of standard output that begins with { is the stack of a core, in the order
of the files named in $CORES, one a line: a list of frames with pc, sp, whether they are
inlined or a signal's, file and line.
"""

import json
import os

import gdb

gdb.execute("set pagination off")
gdb.execute("set backtrace past-main on")
gdb.execute("set backtrace past-entry on")
for core in os.environ["CORES"].split("\n"):
    gdb.execute("core-file " + core, to_string=True)
    frames = []
    try:
        frame = gdb.newest_frame()
        while frame and len(frames) < 200:
            if frame.type() == gdb.TAILCALL_FRAME:
                frame = frame.older()
                continue
            sal = frame.find_sal()
            frames.append({
                "pc": frame.pc(),
                "sp": int(frame.read_register("rsp")) & (1 << 64) - 1,
                "function": frame.name() or "",
                "inlined": frame.type() == gdb.INLINE_FRAME,
                "signal": frame.type() == gdb.SIGTRAMP_FRAME,
                "file": os.path.basename(sal.symtab.filename) if sal.symtab else "",
                "line": sal.line if sal.symtab else 0,
            })
            frame = frame.older()
    except gdb.error:
        pass
    print(json.dumps({"frames": frames}), flush=True)

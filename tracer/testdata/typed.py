# Runs a program from stop to stop and prints its arguments and variables, a line of
# JSON for each frame.
import gdb
import json

gdb.execute("set pagination off")
gdb.execute("set print frame-arguments all")
gdb.execute("set exec-wrapper env -i")
gdb.execute("run")
stop = 0
while gdb.selected_inferior().pid:
    frame = gdb.selected_frame()
    level = 0
    while frame and frame.is_valid() and frame.function():
        frame.select()
        rows = []
        for kind in "args", "locals":
            block = frame.block()
            while True:
                for s in block:
                    if s.is_argument if kind == "args" else s.is_variable:
                        try:
                            text = s.value(frame).format_string(deref_refs=True)
                        except gdb.error as e:
                            text = "<error: %s>" % e
                        rows.append([kind, s.name, text])
                if block.function:
                    break
                block = block.superblock
        print("\n" + json.dumps({"Stop": stop, "Level": level, "Function": frame.name(), "Rows": rows}))
        frame, level = frame.older(), level + 1
    stop += 1
    gdb.execute("continue")

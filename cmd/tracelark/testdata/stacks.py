# Prints how many frames the stacks at a function of the program have, and how many
# seconds one takes gdb, of those that follow the first.
import time

gdb.execute("set width 0")
gdb.execute("set backtrace past-main on")
gdb.execute("break big::bottom")
gdb.execute("run", to_string=True)
frames = gdb.execute("bt", to_string=True).count("\n")
took = 0
stops = 50
for _ in range(stops):
    gdb.execute("continue", to_string=True)
    start = time.monotonic()
    gdb.execute("bt", to_string=True)
    took += time.monotonic() - start
print("stack", frames, took / stops)

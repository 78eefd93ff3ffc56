"""Sums the arguments of work in count.c with the stop method of a breakpoint.

It prints "gdb_breakpoint NS" and "sum N": the nanoseconds from one hit to the
next, and the sum of edi over all of them.

    gdb -nx -batch -x gdbstop.py --args count
"""

import sys
import time

import gdb


class Sum(gdb.Breakpoint):
    hits = 0
    sum = 0

    def stop(self):
        self.last = time.perf_counter_ns()
        if self.hits == 0:
            self.first = self.last
        self.hits += 1
        self.sum += int(gdb.selected_frame().read_register("edi"))
        return False


gdb.execute("set pagination off")
gdb.execute("set confirm off")
work = Sum("*work", internal=True)
gdb.execute("run")
if work.hits < 2:
    print("gdbstop.py: work was not called twice", file=sys.stderr)
    gdb.execute("quit 1")
print("gdb_breakpoint %d" % ((work.last - work.first) // (work.hits - 1)))
print("sum %d" % work.sum)

# Commands for gdb that record stopped threads and their stacks as gdb sees
# them, for the tests of this package to compare with.
import base64
import gdb
import json

SAVED = ["rip", "rsp", "rbp", "rbx", "r12", "r13", "r14", "r15"]
GENERAL = SAVED + ["rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "eflags"]

stops = []


def registers(frame, names):
    values = {}
    for name in names:
        try:
            values[name] = int(frame.read_register(name)) & 0xFFFFFFFFFFFFFFFF
        except gdb.error:  # gdb does not know it
            pass
    return values


def frames(most):
    found = []
    frame = gdb.newest_frame()
    while frame is not None and len(found) < most:
        if frame.type() in (gdb.NORMAL_FRAME, gdb.SIGTRAMP_FRAME):
            found.append({
                "pc": frame.pc(),
                "signal": frame.type() == gdb.SIGTRAMP_FRAME,
                "regs": registers(frame, SAVED),
            })
        frame = frame.older()
    return found


def dump(most=1000, stack_only=False):
    inferior = gdb.selected_inferior()
    regs = registers(gdb.newest_frame(), GENERAL)
    with open("/proc/%d/maps" % inferior.pid) as f:
        maps = f.read()
    memory = []
    for line in maps.splitlines():
        lo, hi = (int(n, 16) for n in line.split()[0].split("-"))
        if lo <= regs["rsp"] < hi:
            lo = max(lo, (regs["rsp"] & -4096) - 4096)
        elif stack_only and "[vdso]" not in line:
            continue
        if line.split()[1].startswith("rw") or "[vdso]" in line:
            try:
                data = bytes(inferior.read_memory(lo, hi - lo))
            except gdb.error:
                continue
            memory.append({"addr": lo, "data": base64.b64encode(data).decode()})
    stops.append({"maps": maps, "regs": regs, "memory": memory, "frames": frames(most)})


def trace(steps):
    """Dump, and step one instruction, steps times."""
    for _ in range(steps):
        dump(stack_only=True)
        gdb.execute("stepi", to_string=True)


def save(path):
    with open(path, "w") as f:
        json.dump(stops, f)


for setting in ["backtrace past-main on", "backtrace past-entry on", "disable-randomization on", "startup-with-shell off"]:
    gdb.execute("set " + setting)

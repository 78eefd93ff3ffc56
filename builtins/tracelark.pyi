# What scripts of tracelark have predeclared. Made from the builtins' tables: tracelark doc --pyi.
from typing import Any

class Breakpoint:
    """A breakpoint. Memory reads do not show it.

    >>> p = launch("examples/targets/crash", env={}, stdout=CAPTURE)
    >>> b = p.breakpoint("set_option")
    >>> b
    <breakpoint 1 at set_option, 0 hits>
    >>> [b.id, b.location, [hex(a) for a in b.addrs], b.pending, b.process == p]
    [1, "set_option", ["0x401222"], False, True]"""
    id: int
    """Its number, counted from 1 in each process."""
    location: str | None
    """The location as it was given, if it was a name."""
    addrs: list[int]
    """The addresses where it lies; none while it waits for a library or restart, and when it was removed."""
    hits: int
    """How often it was hit, those hits counted that a handler let go on."""
    enabled: bool
    """Whether it can be hit; assign to it to change that. A removed one cannot be enabled."""
    pending: bool
    """Whether it waits for a library to be loaded, or for restart."""
    when: str | None
    """Its condition, if that was given as an expression. It is written and computes as in Starlark, but a < b < c is allowed. Names are registers and their parts, which are unsigned, flags, which are 0 or 1, arg0 to arg5, which are the registers that hold a function's arguments at its first instruction, numbers and pointers, retval, which is rax, tid, hits, which is how often the breakpoint was reached so far, this time included, whatever came of it, and symbols, which are their addresses. u8(a) to u64(a), i8(a) to i64(a) and ptr(a) read numbers from memory, cstr(a) and bytes(a, n) bytes; signed(x) is a register as a signed number of its width, addr("libc!free+8") a location. Symbols are looked up when the breakpoint is put in its place. Where the condition cannot be evaluated, the verb that runs ends with an error and the process is stopped there."""
    ignored: int
    """How many of its next hits count but neither reach the handler nor surface, as change set it."""
    temp: bool
    """Whether its first hit removes it."""
    hw: bool
    """Whether it uses a debug register of the CPU."""
    thread: Thread | None
    """The only thread that hits it, or None for all. The main thread stays the same over exec and restart; with another one its breakpoints are removed."""
    process: Process
    """The process that it is set in."""
    def change(self, when: Any = None, handler: Any = None, ignore: Any = None) -> None:
        """Give it another condition or handler, which are those of process.breakpoint, or let its next hits pass: ignore is their number. What is None stays as it is; when="" takes the condition away.

        >>> c.change(when="rdi != 0", ignore=2)
        >>> [c.when, c.ignored]
        ["rdi != 0", 2]"""
        ...
    def remove(self) -> None:
        """Remove the breakpoint. A thread that has reached it runs on unharmed; removing twice is no error.

        >>> c.remove()
        >>> p.breakpoints
        [<breakpoint 1 at set_option, 1 hits>]"""
        ...

class Case:
    """An input of a batch (tracelark batch), which its script's function case is called with.

    >>> def case(c):
    ...     \"\"\"What tracelark batch calls for each case.\"\"\"
    ...     return {"name": c.name, "index": c.index, "size": len(c.data), "argv": c.argv}
    ..."""
    path: str
    """The path of its file."""
    name: str
    """The name of its file, without the folder."""
    index: int
    """Its place among the cases, from 0."""
    data: bytes
    """What is in its file, at most 1073741824 bytes; it is read when first asked for."""
    state: Any
    """What the script's function setup returned in this worker; None without one."""
    argv: list[str] | None
    """The command that found it, if a fuzzer left that beside it, with @@ for the file."""

class Checkpoint:
    """A copy of a process, to go back to it as it was, as often as wanted. It was made by a fork that was injected and never runs. What the kernel keeps of the process is not copied: files have what was written to them since, the places in regular files alone are put back, but for those that the debugger prints to; memory that is mapped as shared stays as it is; pipes and sockets are drained. It takes the memory of the pages that the process changes, and ends with drop, with the process's detach, and with the script.

    >>> p = launch("examples/targets/crash", env={}, stdout=CAPTURE, stderr=CAPTURE)
    >>> p.until("load_config").reason
    "step"
    >>> c = p.checkpoint()
    >>> c.process == p
    True"""
    process: Process
    """The process that it was made of."""
    def restart(self) -> Process:
        """Bring the process back to where it was, whatever has become of it since, its end included, and return it. Its breakpoints, watchpoints, hooks and their handlers stay as they are now; those on what was mapped later wait. The pid and the thread are new, p.stop is what it was then. Its standard streams stay: what it printed since stays printed. It needs the permission syscall.

        >>> p.cont_fatal().signame
        "SIGSEGV"
        >>> c.restart().frame.function
        "load_config" """
        ...
    def fork(self, follow: Any = "parent") -> Process:
        """Make another process of the checkpoint, beside the one that it was made of. It is where that was, without breakpoints and hooks. follow is that of launch. It needs the permission syscall.

        >>> q = c.fork()
        >>> q.frame.function
        "load_config"
        >>> q.kill()"""
        ...
    def recycle(self, process: Any) -> None:
        """End a process that fork has made, as p.kill() does. If what it did can be undone, the next fork takes it, with the same pid, in a fraction of the time of a copy. That is so for a process of one thread that has stopped for a signal and has but read, written, opened and mapped files, and allocated memory. What it has written to files stays. From the first call on, what fork makes has a filter that tells of its system calls, and cannot be detached. It needs the permission syscall.

        >>> for _ in range(3):
        ...     q = c.fork()
        ...     print(q.cont_fatal().signame)
        ...     c.recycle(q)
        SIGSEGV
        SIGSEGV
        SIGSEGV"""
        ...
    def drop(self) -> None:
        """End the checkpoint. The processes that were made of it stay. It needs the permission syscall.

        >>> c.drop()"""
        ...

class Core:
    """Open a core. Files that the process had mapped are looked for below the directory sysroot, and its program at exe, if given. It needs the permission fs.

        A process as it was when a core was written of it, by the kernel, gdb or save_core. It has what of a process needs nothing to run; its threads, frames and registers are those of a process, for reading. What the core leaves out, such as code, is read from the files that were mapped, if their build IDs are those that the process had or, where they are no ELF files, if they were not written to after the core. The images tell which are not.

    >>> p.save_core("/tmp/tracelark-example.core")
    >>> c = core("/tmp/tracelark-example.core")
    >>> c.frame
    #0 0x401222 in set_option (name=0x40304a <text+10> "height", digits=0x403051 <text+17> "480") at crash.c:78"""
    pid: int
    """The process ID."""
    exe: str
    """The path of the program that runs."""
    argv: list[str]
    """The arguments that the program was started with, its name first."""
    regs: Regs
    """The registers of the thread that stopped last."""
    frame: Frame
    """The innermost frame of the thread that stopped last."""
    frames: list[Frame]
    """The stack of the thread that stopped last, the innermost frame first."""
    images: list[Image]
    """The ELF files that are mapped for execution, the program first."""
    main_image: Image
    """The program's own ELF file."""
    maps: list[Mapping]
    """What is mapped, in order of address."""
    path: str
    """The path of the core."""
    missing: int
    """How many bytes the core lacks at its end because it was cut, by a full disk or a limit. Reading memory that was there is an error."""
    state: str
    """"core"."""
    threads: list[Thread]
    """The threads, the one that stopped first."""
    thread: Thread | None
    """The thread that stopped; None for a core that was cut before its threads."""
    stop: Stop
    """What stopped the process when the core was written. Its reason is "signal", or "interrupt" if there was none."""
    def var(self, name: Any) -> Value:
        """The variable that a name means outside of functions: "counter", "ns::counter", or "file.c::counter" where several files have one. Of what each thread has its own, it is that of the thread that stopped last."""
        ...
    def eval(self, expr: Any, call: Any = False, timeout: Any = None, only: Any = False, names: Any = None) -> Value:
        """Evaluate an expression of C or C++ in the innermost frame of the thread that stopped last, as frame.eval does."""
        ...
    def type(self, name: Any) -> Type:
        """The type that a name means, with stars and brackets behind it: "struct item *", "int [3]". The types of C need no debug information."""
        ...
    def symbol(self, name_or_addr: Any) -> Symbol | None:
        """Return the symbol of a name or location, or the one that covers an address; None if none does. A name that matches nothing is an error."""
        ...
    def symbols(self, pattern: Any = "*") -> list[Symbol]:
        """Return the symbols of all images whose names match a pattern, as image.symbols does. An image that could not be read has none."""
        ...
    def probes(self, pattern: Any = "*") -> list[Probe]:
        """Return the probes of all images whose PROVIDER:NAME matches a pattern, as image.probes does."""
        ...
    def unwinder(self, fn: Any) -> None:
        """Have fn find the callers of frames, as of code that a compiler at run time makes and that no call frame information tells of: fn is called with a dict of the registers of a frame, as far as they are known, rip and rsp always, and returns a dict of the caller's, rip and rsp among them, or None where it cannot tell. Then the frame is unwound as ever. An error ends the stack, and is its unwind_error. Stacks that fn asks for itself are unwound without it. unwinder(None) undoes it."""
        ...
    def name_code(self, names: Any) -> None:
        """Give names to code that comes from no ELF file, as a compiler at run time makes it: names is a list of (addr, size, name). They are symbols then, of images named "[code at ADDR]" for the mappings they lie in, which frames, instructions and locations know. They hold until exec; one at the same address takes the place of another. load("std/jit.star", "jit") reads the lists that such compilers write."""
        ...
    def use_debug(self, path: Any, image: Any = None, force: Any = False) -> Image:
        """Have an image take debug information from another file, and symbols if that has any: what was stripped from it, and is not where such files are looked for. Return the image, which is the one that the file's build ID tells, or that has its layout where there are no build IDs. A file of another build is an error, unless image says which it is for and force is true. It holds for this process, the copies that are made of it and restart, whenever the image is mapped. Breakpoints that wait for a name are set where it tells. It needs the permission fs."""
        ...
    def addr(self, loc: Any) -> int:
        """Return the address of a location. One that matches nothing, or several places, is an error."""
        ...
    def line(self, addr: Any = None) -> Line | None:
        """Return the line of source that the instruction at an address, or at the pc, comes from; None if the debug information does not tell."""
        ...
    def scope(self, addr: Any = None) -> list[Any]:
        """List the arguments and variables of functions that are in scope at an address or location, or at the pc, whether the process is there or not: those of the innermost function first, within one those of the innermost block. They are structs of name, type, param (whether it is an argument), file and line (of the declaration)."""
        ...
    def disasm(self, addr: Any = None, n: Any = None, syntax: Any = "intel", end: Any = None) -> list[Inst]:
        """Disassemble n instructions at an address or location, or at the pc: 8, or with end all that begin before that address or location, at most 1048576 bytes further. So p.disasm(s, end=s.addr + s.size) is the whole function of a symbol s. syntax is "intel" or "att". An instruction that is not known is shown as its bytes, such as ".byte 0x0f, 0x0e". The list ends early where memory does."""
        ...
    def reach(self, blocks: Any, roots: Any, words: Any = []) -> list[int]:
        """Find out which blocks of memory pointers lead to, in the order of blocks: 2 to the first byte, 1 only into the middle, 0 nowhere. blocks and roots are lists of (address, size). Pointers are words at multiples of eight that are addresses in a block; they start from the memory in roots and from words, such as registers, and go on through the blocks that they lead to. Memory that cannot be read has none. Blocks that overlap are an error."""
        ...
    def read(self, addr: Any, n: Any) -> bytes:
        """Read n bytes, at most 1073741824. If not all can be read, the error says how far it got. Breakpoints do not show."""
        ...
    def read_cstr(self, addr: Any, max: Any = 4096) -> bytes:
        """Read up to the next zero byte, which is left out, or max bytes if there is none."""
        ...
    def dump(self, path: Any, addr: Any, n: Any) -> None:
        """Write n bytes of memory to a file, which is created or replaced. If not all can be read, the error says how far it got, and the file has that much. It needs the permission fs."""
        ...
    def find(self, needle: Any, start: Any = None, end: Any = None, perms: Any = "r", max: Any = None) -> list[int]:
        """Return the addresses where needle is: bytes, which may overlap, an int that stands for its eight bytes, a regex, a hex_pattern, or what is pointed to, a range of addresses or a mapping: words at multiples of eight that are addresses in it. Mappings that have all of perms, letters of "rwxps", are searched between the locations start and end; perms="" takes in those that the program itself may not read. The search ends after max hits; without max, more than 1048576 are an error."""
        ...
    def read_u8(self, addr: Any) -> int:
        """Read unsigned int of 1 bytes, little-endian."""
        ...
    def read_u16(self, addr: Any) -> int:
        """Read unsigned int of 2 bytes, little-endian."""
        ...
    def read_u32(self, addr: Any) -> int:
        """Read unsigned int of 4 bytes, little-endian."""
        ...
    def read_u64(self, addr: Any) -> int:
        """Read unsigned int of 8 bytes, little-endian."""
        ...
    def read_i8(self, addr: Any) -> int:
        """Read signed int of 1 bytes, little-endian."""
        ...
    def read_i16(self, addr: Any) -> int:
        """Read signed int of 2 bytes, little-endian."""
        ...
    def read_i32(self, addr: Any) -> int:
        """Read signed int of 4 bytes, little-endian."""
        ...
    def read_i64(self, addr: Any) -> int:
        """Read signed int of 8 bytes, little-endian."""
        ...
    def read_ptr(self, addr: Any) -> int:
        """Read unsigned int of 8 bytes, little-endian."""
        ...
    def read_f32(self, addr: Any) -> float:
        """Read float of 4 bytes, little-endian."""
        ...
    def read_f64(self, addr: Any) -> float:
        """Read float of 8 bytes, little-endian."""
        ...

class Coverage:
    """What process.cover returns: it notes which of many addresses are executed.

    >>> p = launch("examples/targets/crash", env={}, stdout=CAPTURE)
    >>> blocks = p.main_image.blocks("set_option")
    >>> [hex(addr) for addr, size in blocks]
    ["0x401222", "0x40123d", "0x40126f", "0x40127a", "0x401285"]
    >>> c = p.cover([addr for addr, size in blocks])
    >>> p.cont().signame
    "SIGSEGV"
    >>> [len(c.reached), c.left]
    [5, 0]"""
    reached: list[int]
    """The addresses that were executed, in the order in which they were for the first time."""
    left: int
    """How many addresses were not executed yet."""
    def remove(self) -> None:
        """End the noting; what was reached is kept. Removing twice is no error.

        >>> c.remove()"""
        ...

class Crash:
    """What the end of a process was: its class, why it is that, and the keys that tell it from others. It stays as it is when the process goes on or ends.

    >>> p = launch("examples/targets/crash", env={}, stdout=CAPTURE)
    >>> c = crashes.crash(p.cont())
    >>> [c.name, c.severity, c.signame, c.signal]
    ["DestAvNearNull", "PROBABLY_EXPLOITABLE", "SIGSEGV", 11]
    >>> c.tags
    ["DestAvNearNull", "AccessViolation"]
    >>> c.description
    "access violation of a write near the null pointer" """
    name: str
    """The class, as CASR names it, such as "DestAv" or "heap-buffer-overflow(write)"."""
    severity: str
    """"EXPLOITABLE", "PROBABLY_EXPLOITABLE", "NOT_EXPLOITABLE" or "UNDEFINED"."""
    tags: list[str]
    """The rules of exploitable that hold, from the worst on, such as "DestAv" and "AccessViolation"."""
    description: str
    """The class in words, with the first line of the program's own message."""
    explanation: str
    """Why it is that class, with the values that this rests on."""
    message: str | None
    """What the program said at last: the text of an assertion, of the allocator, of a C++ exception with its type, or of a panic."""
    signal: int | None
    """The signal."""
    signame: str | None
    """The signal's name, such as "SIGSEGV"."""
    fault: Any | None
    """The access to memory that was not allowed: access is "read", "write", "execute" or None, addr the address, near_null whether that is near the null pointer, canonical whether the CPU has such addresses, registers the names of those that it was computed from. If code was to be executed there, registers are those of the call or jump that went there, and loaded_from is the address of the memory that the address was taken from, as a return takes it from the stack, or None. An address that the kernel does not tell is computed from the registers."""
    frames: list[CrashFrame]
    """The stack of the thread that crashed: all of it, or the innermost 192 and the outermost 64 frames."""
    elided: int
    """How many frames are left out of frames, behind the first 192; 0 if it is all there."""
    unwind_error: str | None
    """Why the stack cannot be followed beyond frames."""
    stack: list[str]
    """What tells the stack from others: a text for each frame, without the functions of the languages' own libraries and of sanitizers, and with recursions folded. With a sanitizer's report it is that report's stack."""
    keys: Any
    """What tells the crash from others, from exact to coarse: "exact" (build IDs and offsets), "offset" (functions and offsets), "line" (functions and lines, inlined ones too), "function", all hashes of the stack, "top", the innermost function, and "crash_line", the innermost line. They do not depend on where things are loaded, on file names of inputs, or on the run."""
    registers: Any
    """The general registers by name; none if only output was looked at."""
    disassembly: list[str]
    """The instruction that crashed and those behind it, 16 in all."""
    maps: list[Mapping]
    """What was mapped, in order of address."""
    threads: list[Any]
    """The thread that this is about, for which crashed is true, and up to 256 others, each with tid, name, frames (the innermost 64) and crashed."""
    brief: Crash
    """The same, but in JSON only the evidence: without maps, threads, and what stands for it in a list of crashes (name, severity, signal, fault, stack, keys)."""
    sanitizer: Report | None
    """The report of a sanitizer, if the process printed one and its output is known."""
    def casrep(self, stdin: Any = "") -> str:
        """Return the crash as a report that CASR's tools read, in JSON. stdin is the path of what the process had as its standard input.

        >>> sorted(json.decode(c.casrep()))[:3]
        ["Architecture", "CrashLine", "CrashSeverity"]"""
        ...

class CrashFrame:
    """A frame of a crash or of a sanitizer's report, in words. Its str is a line of a backtrace.

    >>> f = c.frames[0]
    >>> [f.function, f.line, hex(f.pc), f.level, f.inlined]
    ["store", 74, "0x40121b", 0, False]"""
    level: int
    """Its place on the stack; 0 is the innermost."""
    pc: int
    """The address of the next instruction to run in the frame; 0 if a report does not tell."""
    function: str | None
    """The name of the function."""
    file: str | None
    """The path of the source file."""
    line: int | None
    """The line."""
    column: int | None
    """The column, from 1 on; 0 is the whole line."""
    image: str | None
    """The path of the ELF file."""
    image_offset: int
    """The pc in the file's own addresses."""
    build_id: str | None
    """The build ID of the file, in hexadecimal."""
    symbol: str | None
    """The name of the symbol, as linkers know it."""
    offset: int
    """How far into the symbol the pc is."""
    inlined: bool
    """Whether the function was inlined into that of the next frame."""
    text: str
    """What stands for the frame in crash.stack."""

class Crashes:
    """What std/triage.star is made of: looks at crashes, and tells them apart.

    >>> p = launch("examples/targets/crash", env={}, stdout=CAPTURE)
    >>> c = crashes.crash(p.cont())
    >>> [c.name, c.severity, c.signame, c.signal]
    ["DestAvNearNull", "PROBABLY_EXPLOITABLE", "SIGSEGV", 11]
    >>> c.tags
    ["DestAvNearNull", "AccessViolation"]
    >>> c.description
    "access violation of a write near the null pointer" """
    def crash(self, x: Any, output: Any = None, near_null: Any = 0x10000, ignore: Any = [], ignore_files: Any = [], ignore_images: Any = []) -> Crash:
        """Look at the crash of a stop, of a process that is stopped or of a core. output is what the process wrote to its standard error, in which reports of sanitizers and panics are looked for; without it that is known if the process was launched with stderr=CAPTURE. Addresses below near_null are near the null pointer. ignore, ignore_files and ignore_images are regular expressions for whole names of functions, paths of source files and names of ELF files that stack and keys leave out, besides those of the languages' own libraries and of sanitizers. Of a process that has ended, its output alone is looked at; if that has no report it is an error.

        >>> p = launch("examples/targets/crash", env={}, stdout=CAPTURE)
        >>> c = crashes.crash(p.cont())
        >>> [c.name, c.severity, c.signame, c.signal]
        ["DestAvNearNull", "PROBABLY_EXPLOITABLE", "SIGSEGV", 11]
        >>> c.tags
        ["DestAvNearNull", "AccessViolation"]
        >>> c.description
        "access violation of a write near the null pointer" """
        ...
    def sanitizer(self, text: Any) -> Report | None:
        """Return the first report of AddressSanitizer, HWAddressSanitizer, UndefinedBehaviorSanitizer, MemorySanitizer, ThreadSanitizer, LeakSanitizer or libFuzzer in a text.

        >>> r = crashes.sanitizer("==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x6020 at pc 0x1 bp 0x2 sp 0x3\\nREAD of size 4 at 0x6020 thread T0\\n    #0 0x1 in f a.c:3\\n")
        >>> [r.tool, r.type, r.access, r.size, hex(r.addr)]
        ["asan", "heap-use-after-free", "read", 4, "0x6020"]"""
        ...
    def similarity(self, frames_a: Any, frames_b: Any) -> float:
        """Return how alike two stacks are, from 0.0 to 1.0. A stack is a crash, or a list of strings or frames, the innermost first. Frames that both have in the same order count, and less the further they are from the innermost one and from each other's place.

        >>> crashes.similarity(["f", "g", "main"], ["f", "g", "main"])
        1.0"""
        ...
    def cluster(self, crashes: Any, distance: Any = 0.3, old: Any = []) -> list[list[int]]:
        """Group crashes by their stacks, so that any two of a group are less than distance (1 - similarity) apart, joining the nearest first. The result has the indices of crashes, each group sorted, in the order of their first ones; the groups are the same whatever the order of crashes. A crash is one, a dict with "stack", or a stack as similarity takes them. old has groups of such crashes, from before, that stay together: the groups of the result begin with what joins each of these, which may be nothing.

        >>> crashes.cluster([["f", "main"], ["g", "h", "start"], ["f", "main"]])
        [[0, 2], [1]]"""
        ...
    def summary(self, cases: Any, distance: Any = 0.3) -> dict:
        """Group cases, dicts of "case", "name", "severity" and "stack" such as tracelark triage leaves in cases.jsonl, as cluster does, and return what tracelark cluster prints: a dict of "cases", "unique" (distinct stacks) and "clusters", the worst first, each a dict of "id", "size", "unique", "name", "severity", "cases" and "stack".

        >>> sorted(crashes.summary([{"case": "a", "outcome": "crash", "name": "DestAv", "severity": "EXPLOITABLE", "stack": ["f", "main"]}]))
        ["cases", "clusters", "unique"]"""
        ...
    def origin(self, frame: Any, register: Any, value: Any = None, callee: Any = None) -> Any | None:
        """Say where the value in a general register of a frame comes from, by the instructions of its function. kind is "memory", with addr and size (1 to 8 bytes) of where it was loaded from and still is, "call" if a function returned it, both with inst, or "caller" if it was in the register register when the function was entered, where it was value, if that is known: ask that of the next frame, with this value, and with the address of the function for callee, which may have been entered by the jump of another one. None if it cannot be told.

        >>> o = crashes.origin(p.frames[0], "rax")
        >>> [o.kind, o.size]
        ["memory", 8]"""
        ...

class Error:
    """What attempt caught. Its str is the message.

    >>> p = launch("examples/targets/crash", env={}, stdout=CAPTURE)
    >>> _, e = attempt(p.read, 0x10, 8)
    >>> e
    read [4242] at 0x10: bad address
    >>> [e.op, e.errno, e.tid == p.pid, hex(e.addr)]
    ["read", "EFAULT", True, "0x10"]
    >>> e.message == str(e)
    True"""
    message: str
    """What failed, on what and why."""
    op: str | None
    """The operation of the debugger that failed, such as "read"."""
    errno: str | None
    """The name of the kernel's error number, such as "ESRCH"."""
    tid: int | None
    """The ID of the thread or process it failed on."""
    addr: int | None
    """The address it failed at."""

class Flags:
    """The flags of a thread by their short names, read and written by attribute, as in t.regs.flags.zf = 1.

    >>> p.regs.flags.zf = 1
    >>> [p.regs.flags.zf, p.regs.flags.cf]
    [1, 0]
    >>> p.regs.flags
    [ pf zf if ]"""
    cf: int
    """Bit 0 of eflags."""
    pf: int
    """Bit 2 of eflags."""
    af: int
    """Bit 4 of eflags."""
    zf: int
    """Bit 6 of eflags."""
    sf: int
    """Bit 7 of eflags."""
    tf: int
    """Bit 8 of eflags."""
    if_: int
    """Bit 9 of eflags."""
    df: int
    """Bit 10 of eflags."""
    of: int
    """Bit 11 of eflags."""
    iopl: int
    """Bits 12 to 13 of eflags."""
    nt: int
    """Bit 14 of eflags."""
    rf: int
    """Bit 16 of eflags."""
    vm: int
    """Bit 17 of eflags."""
    ac: int
    """Bit 18 of eflags."""
    vif: int
    """Bit 19 of eflags."""
    vip: int
    """Bit 20 of eflags."""
    id: int
    """Bit 21 of eflags."""

class Focus:
    """What commands act on: the process that was launched, attached to, opened as a core or stopped last, its thread and one of the frames of that. Assign to its attributes to choose others; the next stop undoes that.

    >>> target = launch("examples/targets/crash", env={}, stdout=CAPTURE)
    >>> [focus.process == target, focus.thread == target.thread, focus.frame.level]
    [True, True, 0]
    >>> focus.settings["example"] = 1
    >>> focus.width
    80"""
    process: Any | None
    """The process."""
    thread: Thread | None
    """The thread: the one that stopped last, unless another one was chosen. None if there is none."""
    frame: Frame | None
    """The frame: the innermost one, unless another one was chosen. None if there is no thread. An int can be assigned too, which is a level."""
    settings: dict
    """What commands keep: settings, and what one of them tells the next."""
    width: int
    """The number of columns of the terminal, 80 if there is none."""
    def constant(self, expr: Any, names: Any = None) -> Value:
        """The value of an expression of C where there is no process: of constants, C's own types and what names has for $name, as for eval.

        >>> focus.constant("1 << $n", names={"n": 4})
        16"""
        ...

class Frame:
    """The activation of a function on a stack, as it was found. Its str is a line of a backtrace.

    >>> p = launch("examples/targets/crash", env={}, stdout=CAPTURE)
    >>> p.breakpoint("set_option", temp=True)
    <breakpoint 1 at set_option, 0 hits>
    >>> p.cont()
    [4242] breakpoint 1 at 0x401222 in set_option at crash.c:78
    >>> f = p.frames[1]
    >>> f
    #1 0x401311 in parse_line (line=0x403040 <text> "width") at crash.c:93
    >>> [f.level, f.function, f.file, f.line, f.column]
    [1, "parse_line", "examples/targets/crash.c", 93, 2]"""
    level: int
    """Its place on the stack; 0 is the innermost."""
    pc: int
    """The address of the next instruction that it will execute."""
    sp: int
    """The stack pointer."""
    cfa: int | None
    """The canonical frame address: what the stack pointer was before the call. None if it was not found."""
    function: str | None
    """The name of the function, without its parameters in C++."""
    file: str | None
    """The path of the source file, as the compiler was given it, if the debug information tells."""
    line: int | None
    """The line in the source file that is executed, or that the call is in."""
    column: int | None
    """The column in that line, from 1 on, if the compiler named one."""
    inlined: bool
    """Whether the function was inlined into that of the next frame. It then shares that one's registers, and symbol is that one's."""
    symbol: Symbol | None
    """The symbol of the function."""
    offset: int | None
    """How many bytes pc lies behind the start of the function."""
    image: Image | None
    """The ELF file that the function comes from."""
    regs: Regs
    """The registers as they were in this frame. One that the stack does not keep is an error."""
    args: Any
    """The arguments of the function by name, as values: a dict, of which they are attributes too. One that the compiler has dropped is there, shows as <optimized out>, and fails with the reason when it is used. Without debug information it is an error."""
    locals: Any
    """The variables of the function that are in scope, like args, without those that one of the same name in an inner block hides."""
    thread: Thread
    """The thread on whose stack it is."""
    by: str
    """How it was found, from the surest to the least sure: "registers", "cfi", "signal-context", "walk" (the instructions up to the return), "frame-pointer" or "guess"."""
    guess: bool
    """Whether it may be none: a word on the stack looked like a return address, and nothing else told who the caller is. Its str ends in "(?)"."""
    def finish(self, timeout: Any = None, only: Any = False) -> Stop:
        """Run until the frame's function returns; inner activations of it do not count. The stop is that of process.finish, and for a function that was inlined it is behind its code, without a value. A frame that has returned already is an error.

        >>> f.finish()
        [4242] step at 0x401441 in load_config at crash.c:119"""
        ...
    def var(self, name: Any) -> Value:
        """The variable that a name means in the frame: one of the function, the innermost first, an argument, or what process.var finds, in the same source file first.

        >>> f.var("value")
        0x403046 <text+6> "640" """
        ...
    def eval(self, expr: Any, call: Any = False, timeout: Any = None, only: Any = False, names: Any = None) -> Value:
        """Evaluate an expression of C or C++ in the frame. Assignments write to the target, which needs the permission write, as calls do; $rip and the like are registers, p@n is the array of n objects from that on which p is, {type} addr the object at an address, 'file.c'::x a variable of a file, main.x that of a package of Go, offsetof(struct s, a.b[2]) where a member lies and container_of(p, struct s, a) the object whose member a is at p. Without debug information there are symbols, registers and C's own types: "*(int *)($rsp + 8)". An expression that calls a function of the target is an error unless call is True; it is then called as call does, with timeout in seconds and only. Arguments and results are of any type: numbers, structures by value, references; methods, of which C++ chooses among those of a name by the arguments' types; functions behind pointers. Strings are copied onto the stack for it. What $name means that is no register, names tells, a dict or a function of the name: a value, int, float, bool, str or bytes, or None; assignments change the dict, and call the function with the value too. Operators and methods of C++'s containers are those of their printers. An object whose class copies it itself is passed as it is, and one that is returned stays below the stack until the process moves.

        >>> f.eval("value - line")
        6
        >>> f.eval("offsetof(struct option, value) + sizeof(struct option)")
        24"""
        ...

class Hook:
    """What on and catch return.

    >>> h = p.on("signal", lambda stop: STOP, sig="SIGSEGV")
    >>> h.event
    "signal"
    >>> p.cont()
    [4242] signal SIGSEGV at 0x40121b in store at crash.c:74
    >>> h.remove()"""
    event: str
    """The event that it was made for."""
    def remove(self) -> None:
        """End it. Removing twice is no error.

        >>> h = p.on("signal", lambda stop: STOP, sig="SIGSEGV")
        >>> h.event
        "signal"
        >>> p.cont()
        [4242] signal SIGSEGV at 0x40121b in store at crash.c:74
        >>> h.remove()"""
        ...

class Image:
    """An ELF file at the addresses where a process has it. An address of the file plus bias is one of the process. addr in image tells whether it lies between base and end.

    >>> p = launch("examples/targets/crash", env={}, stdout=CAPTURE)
    >>> im = p.main_image
    >>> im
    <image crash at 0x400000>
    >>> [im.name, im.path.endswith("/crash"), hex(im.base), hex(im.end), im.bias, hex(im.entry), im.pie]
    ["crash", True, "0x400000", "0x405000", 0, "0x4014ea", False]
    >>> [im.build_id, im.error]
    ["0fe34e24b4d5bec48608092a5bbcbf5c0e86a81f", None]"""
    name: str
    """The last element of the path, such as "libc.so.6"."""
    path: str
    """The path as the process has it, or "[vdso]"."""
    base: int
    """The address of its first byte."""
    end: int
    """The address behind its last byte."""
    bias: int
    """What to add to an address of the file to get one of the process: base for code that is independent of its position, 0 for a program linked for fixed addresses."""
    entry: int | None
    """The address of its first instruction."""
    pie: bool
    """Whether it is independent of its position."""
    build_id: str | None
    """The build ID in hexadecimal."""
    error: str | None
    """Why it has no symbols: the file could not be read, or it was unloaded."""
    sources: list[str]
    """The paths of the source files that debug information has lines of, sorted; none without debug information."""
    def symbols(self, pattern: Any = "*") -> list[Symbol]:
        """Return the symbols whose names match a pattern, in which * stands for any characters and ? for one, in order of address. An image that could not be read, or was unloaded, is an error.

        >>> [s.name for s in im.symbols("*option*")]
        ["find_option", "set_option", "noptions", "options"]
        >>> [s.name for s in im.functions("pr*")]
        ["print", "print_number"]"""
        ...
    def functions(self, pattern: Any = "*") -> list[Symbol]:
        """Return the functions among the symbols, as symbols does. The part of a function that the compiler has split off as cold is none, nor is a function of which only inlined copies are left: it has no address of its own, but process.breakpoint finds the copies by name or pattern.

        >>> [s.name for s in im.symbols("*option*")]
        ["find_option", "set_option", "noptions", "options"]
        >>> [s.name for s in im.functions("pr*")]
        ["print", "print_number"]"""
        ...
    def probes(self, pattern: Any = "*") -> list[Probe]:
        """Return the probes (USDT, sys/sdt.h) whose PROVIDER:NAME matches a pattern as in symbols, in order of address.

        >>> p = launch(["gdb", "--version"], stdout=CAPTURE)
        >>> stop = p.until(p.main_image.entry)
        >>> [q.name for q in p.probes("libstdcxx:*")]
        ["catch", "throw", "rethrow"]
        >>> q = p.probes("libstdcxx:throw")[0]
        >>> [q.provider, q.name, q.addr == p.addr("libstdcxx:throw"), q.semaphore, q.operands, q.args]
        ["libstdcxx", "throw", True, None, ["8@%rdi", "8@%rsi"], None]
        >>> len(q.image.probes())
        3
        >>> stop.probe == None
        True"""
        ...
    def blocks(self, pattern: Any = "*") -> list[Any]:
        """Return the basic blocks of the functions that match a pattern, sorted, as their addresses and sizes in bytes. "*" stands for all code: functions without a symbol are found by their call frame information. Where code goes by jump tables is not known; what follows a jump counts as a block if the whole function looks like code.

        >>> p = launch("examples/targets/crash", env={}, stdout=CAPTURE)
        >>> blocks = p.main_image.blocks("set_option")
        >>> [hex(addr) for addr, size in blocks]
        ["0x401222", "0x40123d", "0x40126f", "0x40127a", "0x401285"]
        >>> c = p.cover([addr for addr, size in blocks])
        >>> p.cont().signame
        "SIGSEGV"
        >>> [len(c.reached), c.left]
        [5, 0]"""
        ...
    def types(self, pattern: Any = "*") -> list[str]:
        """Return the names of the types whose names match a pattern as in symbols, sorted. Those inside of functions and classes are left out. In C, "struct", "union" or "enum" stands before the name, and the pattern may leave it out. An image without debug information is an error.

        >>> im.types("op*")
        ["struct option"]
        >>> im.sources
        ["examples/targets/crash.c"]
        >>> im.lines("crash.c")[0]
        crash.c:23"""
        ...
    def lines(self, file: Any) -> list[Line]:
        """Return the places where statements of a source file begin, in order of lines and addresses. The file is given by its path or the end of it, such as "json.c". One that no code comes from is an error.

        >>> im.types("op*")
        ["struct option"]
        >>> im.sources
        ["examples/targets/crash.c"]
        >>> im.lines("crash.c")[0]
        crash.c:23"""
        ...

class Input:
    """The standard input of a target that was launched with stdin=PIPE.

    >>> p = launch("cat", stdin=PIPE, stdout=PIPE)
    >>> p.stdin.write("one\\ntwo\\n")
    >>> p.stdin.close()"""
    def write(self, data: Any) -> None:
        """Write bytes. It does not wait for the target to read them: up to 67108864 bytes are kept for it.

        >>> p = launch("cat", stdin=PIPE, stdout=PIPE)
        >>> p.stdin.write("one\\ntwo\\n")
        >>> p.stdin.close()"""
        ...
    def close(self) -> None:
        """Close the stream; the target reads its end behind what was written. Closing twice is no error.

        >>> p = launch("cat", stdin=PIPE, stdout=PIPE)
        >>> p.stdin.write("one\\ntwo\\n")
        >>> p.stdin.close()"""
        ...

class Inst:
    """An instruction. It can be used wherever an address is taken.

    >>> i = [i for i in p.disasm("set_option", 60) if i.kind == "call"][0]
    >>> i
    0x401292: call 0x4011a7 <find_option>
    >>> [hex(i.addr), i.size, i.data, i.text, hex(i.target), i.file, i.line]
    ["0x401292", 5, b"\\xe8\\x10\\xff\\xff\\xff", "call 0x4011a7 <find_option>", "0x4011a7", "examples/targets/crash.c", 82]
    >>> i.source == None or "store" in i.source
    True"""
    addr: int
    """The address."""
    size: int
    """The length in bytes."""
    data: bytes
    """The bytes."""
    text: str
    """The instruction in the syntax that was asked for, with the symbols of the addresses in it. One that is not known is shown as its bytes, with its real length: 3DNow!, SSE4a, XOP, FMA4, ADX, GFNI without VEX, MPX, AMX, AVX512-FP16, -ER and -4FMAPS, key locker, cmpccxadd, shadow stacks, user interrupts, clflushopt, clwb, movdiri, enqcmd, ptwrite, umwait and their like, and some of the system's, such as vmcall, clac and rdpid. APX is not decoded at all: its bytes are shown one by one."""
    kind: str
    """What it does to the flow of control: "call", "jump", "branch" (a conditional jump), "return", "syscall", "trap" (it raises an exception) or "other"."""
    target: int | None
    """Where it jumps to or what it calls, if the instruction alone tells."""
    file: str | None
    """The path of the source file that it comes from, as the compiler was given it, if the debug information tells."""
    line: int | None
    """The line there, from 1 on. 0 is no line of that file in particular."""
    source: str | None
    """The text of that line, if the file can be read. None without the permission fs."""

class Json:
    """Starlark's module json. It encodes every value.

    >>> print(json.encode({"addr": 0x401000, "data": b"ab\\xff", "ok": True}))
    {"addr":4198400,"data":"ab\\\\xff","ok":true}"""
    def encode(self, x: Any) -> str:
        """Return x in JSON. Every value can be encoded: those of the debugger are objects of what identifies them, with addresses as numbers. Bytes are a string in which \\xff stands for a byte that is not UTF-8, sequences and sets are arrays, structs and modules objects of their attributes, a time is as in RFC 3339 and a duration in seconds. A float that is no number is null, a function is its name, and so is what else JSON has no form for. Keys that are no strings are the text of what they are encoded as. A value that contains itself is an error.

        >>> print(json.encode({"addr": 0x401000, "data": b"ab\\xff", "ok": True}))
        {"addr":4198400,"data":"ab\\\\xff","ok":true}"""
        ...
    def encode_indent(self, x: Any, prefix: Any = "", indent: Any = "\t") -> str:
        """Return x in JSON in lines, as indent does.

        >>> print(json.encode_indent([1, 2], indent="  "))
        [
          1,
          2
        ]
        >>> print(json.indent('{"a":1}', indent="  "))
        {
          "a": 1
        }"""
        ...
    def decode(self, x: Any, default: Any = ...) -> Value:
        """Return the value of a str or bytes in JSON. Where it is none, return default if that is given; else it is an error.

        >>> json.decode('{"a": [1, 2.5, null]}')
        {"a": [1, 2.5, None]}
        >>> json.decode("{", default=None) == None
        True"""
        ...
    def indent(self, x: Any, prefix: Any = "", indent: Any = "\t") -> str:
        """Return a str or bytes in JSON in lines that begin with prefix and are indented with indent.

        >>> print(json.encode_indent([1, 2], indent="  "))
        [
          1,
          2
        ]
        >>> print(json.indent('{"a":1}', indent="  "))
        {
          "a": 1
        }"""
        ...

class Line:
    """A line of source, and instructions that come from it. It can be used wherever an address is taken.

    >>> l = p.line("set_option")
    >>> l
    crash.c:78
    >>> [l.file, l.line, l.column, hex(l.addr), hex(l.end)]
    ["examples/targets/crash.c", 78, 1, "0x401222", "0x401233"]"""
    file: str
    """The path of the source file, as the compiler was given it."""
    line: int
    """The number of the line, from 1 on."""
    column: int | None
    """The column, from 1 on, if the compiler named one."""
    addr: int
    """The address of the first instruction."""
    end: int
    """The address behind the last instruction. Others may come from the same line."""

class Mapping:
    """A range of addresses and what lies behind it, as in /proc/PID/maps. addr in mapping tells whether it holds an address.

    >>> m = [m for m in p.maps if p.addr("main") in m][0]
    >>> [hex(m.start), hex(m.end), m.size, m.perms, m.offset, m.path == im.path, m.deleted]
    ["0x401000", "0x402000", 4096, "r-xp", 4096, True, False]
    >>> m.inode > 0 and len(m.device) > 2
    True"""
    start: int
    """The first address."""
    end: int
    """The address behind the last."""
    size: int
    """The size in bytes."""
    perms: str
    """The permissions, such as "r-xp"; p is private, s is shared."""
    offset: int
    """The offset of start in the file."""
    path: str
    """The path of the file, a name such as "[stack]", or ""."""
    deleted: bool
    """Whether the file has been deleted."""
    inode: int
    """The file's inode number, or 0."""
    device: str
    """The file's device, as in "fe:01"."""

class Observed:
    """A process that is looked at while it runs: nothing stops it, and it is not traced. It has what of a process needs no stop; what is read may change meanwhile. The stack of a thread that sleeps is found from the few registers that the kernel tells; of one that runs there is none, and unwind_error says so. Breakpoints of a debugger that traces it show in its memory.

    >>> p = launch("examples/targets/crash", env={}, stdout=CAPTURE)
    >>> o = observe(p.pid)
    >>> o
    <observed 4242 running>
    >>> [o.state, o.pid == p.pid, len(o.threads)]
    ["running", True, 1]"""
    pid: int
    """The process ID."""
    exe: str
    """The path of the program that runs."""
    argv: list[str]
    """The arguments that the program was started with, its name first."""
    regs: Regs
    """The registers of the thread that stopped last."""
    frame: Frame
    """The innermost frame of the thread that stopped last."""
    frames: list[Frame]
    """The stack of the thread that stopped last, the innermost frame first."""
    images: list[Image]
    """The ELF files that are mapped for execution, the program first."""
    main_image: Image
    """The program's own ELF file."""
    maps: list[Mapping]
    """What is mapped, in order of address."""
    state: str
    """"running" or "exited"."""
    threads: list[Thread]
    """The threads that there are now, the one with the lowest ID first, which is the oldest as a rule."""
    thread: Thread | None
    """The first of threads; None when the process has exited."""
    def var(self, name: Any) -> Value:
        """The variable that a name means outside of functions: "counter", "ns::counter", or "file.c::counter" where several files have one. Of what each thread has its own, it is that of the thread that stopped last."""
        ...
    def eval(self, expr: Any, call: Any = False, timeout: Any = None, only: Any = False, names: Any = None) -> Value:
        """Evaluate an expression of C or C++ in the innermost frame of the thread that stopped last, as frame.eval does."""
        ...
    def type(self, name: Any) -> Type:
        """The type that a name means, with stars and brackets behind it: "struct item *", "int [3]". The types of C need no debug information."""
        ...
    def symbol(self, name_or_addr: Any) -> Symbol | None:
        """Return the symbol of a name or location, or the one that covers an address; None if none does. A name that matches nothing is an error."""
        ...
    def symbols(self, pattern: Any = "*") -> list[Symbol]:
        """Return the symbols of all images whose names match a pattern, as image.symbols does. An image that could not be read has none."""
        ...
    def probes(self, pattern: Any = "*") -> list[Probe]:
        """Return the probes of all images whose PROVIDER:NAME matches a pattern, as image.probes does."""
        ...
    def unwinder(self, fn: Any) -> None:
        """Have fn find the callers of frames, as of code that a compiler at run time makes and that no call frame information tells of: fn is called with a dict of the registers of a frame, as far as they are known, rip and rsp always, and returns a dict of the caller's, rip and rsp among them, or None where it cannot tell. Then the frame is unwound as ever. An error ends the stack, and is its unwind_error. Stacks that fn asks for itself are unwound without it. unwinder(None) undoes it."""
        ...
    def name_code(self, names: Any) -> None:
        """Give names to code that comes from no ELF file, as a compiler at run time makes it: names is a list of (addr, size, name). They are symbols then, of images named "[code at ADDR]" for the mappings they lie in, which frames, instructions and locations know. They hold until exec; one at the same address takes the place of another. load("std/jit.star", "jit") reads the lists that such compilers write."""
        ...
    def use_debug(self, path: Any, image: Any = None, force: Any = False) -> Image:
        """Have an image take debug information from another file, and symbols if that has any: what was stripped from it, and is not where such files are looked for. Return the image, which is the one that the file's build ID tells, or that has its layout where there are no build IDs. A file of another build is an error, unless image says which it is for and force is true. It holds for this process, the copies that are made of it and restart, whenever the image is mapped. Breakpoints that wait for a name are set where it tells. It needs the permission fs."""
        ...
    def addr(self, loc: Any) -> int:
        """Return the address of a location. One that matches nothing, or several places, is an error."""
        ...
    def line(self, addr: Any = None) -> Line | None:
        """Return the line of source that the instruction at an address, or at the pc, comes from; None if the debug information does not tell."""
        ...
    def scope(self, addr: Any = None) -> list[Any]:
        """List the arguments and variables of functions that are in scope at an address or location, or at the pc, whether the process is there or not: those of the innermost function first, within one those of the innermost block. They are structs of name, type, param (whether it is an argument), file and line (of the declaration)."""
        ...
    def disasm(self, addr: Any = None, n: Any = None, syntax: Any = "intel", end: Any = None) -> list[Inst]:
        """Disassemble n instructions at an address or location, or at the pc: 8, or with end all that begin before that address or location, at most 1048576 bytes further. So p.disasm(s, end=s.addr + s.size) is the whole function of a symbol s. syntax is "intel" or "att". An instruction that is not known is shown as its bytes, such as ".byte 0x0f, 0x0e". The list ends early where memory does."""
        ...
    def reach(self, blocks: Any, roots: Any, words: Any = []) -> list[int]:
        """Find out which blocks of memory pointers lead to, in the order of blocks: 2 to the first byte, 1 only into the middle, 0 nowhere. blocks and roots are lists of (address, size). Pointers are words at multiples of eight that are addresses in a block; they start from the memory in roots and from words, such as registers, and go on through the blocks that they lead to. Memory that cannot be read has none. Blocks that overlap are an error."""
        ...
    def read(self, addr: Any, n: Any) -> bytes:
        """Read n bytes, at most 1073741824. If not all can be read, the error says how far it got. Breakpoints do not show."""
        ...
    def read_cstr(self, addr: Any, max: Any = 4096) -> bytes:
        """Read up to the next zero byte, which is left out, or max bytes if there is none."""
        ...
    def dump(self, path: Any, addr: Any, n: Any) -> None:
        """Write n bytes of memory to a file, which is created or replaced. If not all can be read, the error says how far it got, and the file has that much. It needs the permission fs."""
        ...
    def find(self, needle: Any, start: Any = None, end: Any = None, perms: Any = "r", max: Any = None) -> list[int]:
        """Return the addresses where needle is: bytes, which may overlap, an int that stands for its eight bytes, a regex, a hex_pattern, or what is pointed to, a range of addresses or a mapping: words at multiples of eight that are addresses in it. Mappings that have all of perms, letters of "rwxps", are searched between the locations start and end; perms="" takes in those that the program itself may not read. The search ends after max hits; without max, more than 1048576 are an error."""
        ...
    def read_u8(self, addr: Any) -> int:
        """Read unsigned int of 1 bytes, little-endian."""
        ...
    def read_u16(self, addr: Any) -> int:
        """Read unsigned int of 2 bytes, little-endian."""
        ...
    def read_u32(self, addr: Any) -> int:
        """Read unsigned int of 4 bytes, little-endian."""
        ...
    def read_u64(self, addr: Any) -> int:
        """Read unsigned int of 8 bytes, little-endian."""
        ...
    def read_i8(self, addr: Any) -> int:
        """Read signed int of 1 bytes, little-endian."""
        ...
    def read_i16(self, addr: Any) -> int:
        """Read signed int of 2 bytes, little-endian."""
        ...
    def read_i32(self, addr: Any) -> int:
        """Read signed int of 4 bytes, little-endian."""
        ...
    def read_i64(self, addr: Any) -> int:
        """Read signed int of 8 bytes, little-endian."""
        ...
    def read_ptr(self, addr: Any) -> int:
        """Read unsigned int of 8 bytes, little-endian."""
        ...
    def read_f32(self, addr: Any) -> float:
        """Read float of 4 bytes, little-endian."""
        ...
    def read_f64(self, addr: Any) -> float:
        """Read float of 8 bytes, little-endian."""
        ...

class ObservedThread:
    """A thread of a process that is observed. Its type is "thread".

    >>> t = o.thread
    >>> [t.tid == o.pid, t.name, t.process == o, t.state, t.sigmask]
    [True, "crash", True, "traced", []]"""
    tid: int
    """The thread ID."""
    name: str
    """The thread's name, at most 15 bytes; "" if it is gone."""
    process: Process
    """The process that the thread belongs to."""
    sigmask: list[str]
    """The names of the signals that the thread blocks; assign a list of names or numbers to change that."""
    frame: Frame
    """The innermost frame of the stack."""
    state: str
    """"running", "sleeping", "waiting" (a sleep that signals do not end, for a disk as a rule), "stopped" (by job control), "traced" (and stopped) or "exited"."""
    in_syscall: Syscall | None
    """The system call in which it sleeps; None if it runs, or sleeps elsewhere."""
    regs: Regs
    """The registers that are known of a thread that sleeps: rip, rsp and the arguments of its system call. Others are an error, and so are all of a thread that runs."""
    frames: list[Frame]
    """The stack of a thread that sleeps, innermost frame first; empty for one that runs. unwind_error says why it ends early, if it does."""
    unwind_error: str | None
    """Why the stack cannot be followed beyond frames, or why there is none."""
    def var(self, name: Any) -> Value:
        """The variable that a name means outside of functions, as process.var finds it; a thread-local one is this thread's."""
        ...
    def eval(self, expr: Any, call: Any = False, timeout: Any = None, only: Any = False, names: Any = None) -> Value:
        """Evaluate an expression of C or C++ in the innermost frame, as frame.eval does."""
        ...
    def unwind(self, rip: Any, rsp: Any, **kwargs: Any) -> list[Frame]:
        """Return the stack, innermost frame first, that the thread would have with other registers: those that a coroutine or longjmp's buffer has saved, or that are right where the real ones are not. rbp and the others help where they are known. Registers of such frames cannot be written."""
        ...

class Output:
    """What a target writes to a standard stream that launch made a PIPE or CAPTURE. Reading resumes nothing, so it waits for more only if given a timeout or if the target was detached.

    >>> p.cont().exit_code
    0
    >>> print(p.stdout.read_until("one\\n"))
    one

    >>> print(p.stdout.read(2), p.stdout.read())
    tw o

    >>> p.stdout.ended
    True"""
    data: bytes
    """All bytes so far; of a PIPE, those not read yet. It holds 67108864 bytes at most; what comes when it is full is lost."""
    cut: int
    """How many bytes were lost because data was full."""
    ended: bool
    """Whether no more will come, as every process that had the stream has closed it."""
    def read(self, n: Any = None, timeout: Any = None) -> bytes:
        """Read n bytes, or those that there are. It waits up to timeout seconds for n bytes, or without n for any. What it returns is shorter when time is over or the stream has ended.

        >>> p.cont().exit_code
        0
        >>> print(p.stdout.read_until("one\\n"))
        one

        >>> print(p.stdout.read(2), p.stdout.read())
        tw o

        >>> p.stdout.ended
        True"""
        ...
    def read_until(self, needle: Any, timeout: Any = None) -> bytes:
        """Read up to and with needle. If needle does not come within timeout seconds or before the stream ends, it is an error, and nothing was read. A needle that is a regex has come as soon as what was written so far matches.

        >>> p.cont().exit_code
        0
        >>> print(p.stdout.read_until("one\\n"))
        one

        >>> print(p.stdout.read(2), p.stdout.read())
        tw o

        >>> p.stdout.ended
        True"""
        ...

class Probe:
    """A place that a program's author has marked for debuggers (USDT, sys/sdt.h). It can be used wherever an address is taken, and its name is a location: p.breakpoint("libstdcxx:throw").

    >>> p = launch(["gdb", "--version"], stdout=CAPTURE)
    >>> stop = p.until(p.main_image.entry)
    >>> [q.name for q in p.probes("libstdcxx:*")]
    ["catch", "throw", "rethrow"]
    >>> q = p.probes("libstdcxx:throw")[0]
    >>> [q.provider, q.name, q.addr == p.addr("libstdcxx:throw"), q.semaphore, q.operands, q.args]
    ["libstdcxx", "throw", True, None, ["8@%rdi", "8@%rsi"], None]
    >>> len(q.image.probes())
    3
    >>> stop.probe == None
    True"""
    provider: str
    """The part of the name before the colon, such as "libstdcxx"."""
    name: str
    """The part of the name behind the colon, such as "throw". Several probes may have the same."""
    addr: int
    """The address."""
    semaphore: int | None
    """The address of the 16-bit number that counts who looks at the probe, if it has one. While it is 0 the program may pass the probe by. A breakpoint that is set by the probe's name raises it, and lowers it when it is removed."""
    operands: list[str]
    """Where the arguments are, as an assembler writes it behind their sizes in bytes: "-4@%eax" is a signed number."""
    args: list | None
    """The arguments, ints and floats, of the probe of a stop (stop.probe) while the thread stands there. None for those of a list."""
    image: Image
    """The ELF file that has it."""

class Process:
    """A traced process. All its threads are stopped whenever a script can look. What a thread does, step, regs and the like, is there on the process too, for the thread that stopped last.

    >>> p = launch(["examples/targets/crash"], env={}, stdout=CAPTURE)
    >>> p
    <process 4242 stopped>
    >>> [p.argv, p.state, p.pid > 0, p.exe.endswith("targets/crash")]
    [["examples/targets/crash"], "stopped", True, True]"""
    pid: int
    """The process ID."""
    exe: str
    """The path of the program that runs."""
    program: Program
    """The file of the program that runs, at the addresses where it is: what can be looked at of a process that has ended."""
    argv: list[str]
    """The arguments that the program was started with, its name first."""
    state: str
    """"stopped", "running", "exited" or "detached"."""
    exit_code: int | None
    """The code that the process exited with."""
    exit_signal: int | None
    """The signal that killed the process."""
    job_stopped: bool
    """Whether job control holds the process, by a signal such as SIGTSTP: its threads wait for SIGCONT, which cont(sig="SIGCONT") sends, and do not go on before."""
    quiet_signals: list[str]
    """The names of the signals that the process gets without a stop unless on or catch asks for them. Those that it ignores it never stops for unasked."""
    threads: list[Thread]
    """The threads, the oldest first; none when the process is gone."""
    children: list[Process]
    """The children that are held, the oldest first: those that it has made since follow="both" or catch asked for them, and that have neither ended nor been detached."""
    thread: Thread | None
    """The thread that stopped last; None when the process is gone."""
    stop: Stop
    """The last stop. After launch its reason is "exec", after attach "interrupt"."""
    pending: list[Siginfo]
    """The signals that were sent to the process and wait for a thread that does not block them. A thread's pending has those sent to it too."""
    descriptors: dict
    """What the open descriptors stand for, by number, as descriptor tells it."""
    regs: Regs
    """The registers of the thread that stopped last."""
    frame: Frame
    """The innermost frame of the thread that stopped last."""
    frames: list[Frame]
    """The stack of the thread that stopped last, the innermost frame first."""
    images: list[Image]
    """The ELF files that are mapped for execution, the program first."""
    main_image: Image
    """The program's own ELF file."""
    maps: list[Mapping]
    """What is mapped, in order of address."""
    breakpoints: list[Breakpoint]
    """The breakpoints that are set, in the order of their IDs."""
    watchpoints: list[Watchpoint]
    """The watchpoints that are set, in the order of their IDs."""
    stdin: Input | None
    """The target's standard input, if it was launched with stdin=PIPE."""
    stdout: Output | None
    """The target's standard output, if it was launched with stdout=PIPE or CAPTURE."""
    stderr: Output | None
    """The target's standard error, if it was launched with stderr=PIPE or CAPTURE."""
    def cont(self, sig: Any = None, timeout: Any = None, only: Any = False) -> Stop:
        """Let the target go on until something stops it. The pending signal is delivered; sig, a number or name, replaces it, and 0 drops it. After timeout seconds the target is stopped with reason "timeout". only holds the other threads.

        >>> p.cont()
        [4242] breakpoint 1 at 0x401222 in set_option at crash.c:78
        >>> p.stop.reason
        "breakpoint" """
        ...
    def step(self, n: Any = 1, until: Any = None, out_of: Any = None, over: Any = False, timeout: Any = None, only: Any = False) -> Stop:
        """Execute n instructions. A signal or breakpoint that comes first ends that there. until goes on until it holds: an expression in registers and memory, such as "rax == 3", which the engine evaluates after each step (help("breakpoint.when") tells what it may say; hits is the number of steps so far), or a function of the stop, which is slower. out_of goes on until the thread has left a range of addresses: a pair (start, end), end not included, or a symbol that has a size. With either of them n is the most steps, and there is no limit unless it is given; at that limit the reason is "limit". over makes one step of a call with all that it calls, and of a signal's handler. only holds the other threads.

        >>> p.step()
        [4242] step at 0x401223 in set_option at crash.c:78
        >>> p.step(until="rip == find_option", n=1000)
        [4242] step at 0x4011a7 in find_option at crash.c:65"""
        ...
    def next(self, timeout: Any = None, only: Any = False) -> Stop:
        """Execute one instruction, a call with all that it calls. If longjmp or an exception leads out of the function instead, it ends where the thread goes on, behind setjmp or where the exception is caught. A program that is linked statically and stripped does not tell.

        >>> p.next()
        [4242] step at 0x40129a in set_option at crash.c:82
        >>> p.step_line()
        [4242] step at 0x401213 in store at crash.c:74
        >>> p.next_line()
        [4242] step at 0x40121f in store at crash.c:75"""
        ...
    def step_line(self, timeout: Any = None, only: Any = False) -> Stop:
        """Run until another line of source begins, or the function returns. Functions that have lines are gone into, behind their prologue, those that were inlined and begin at the pc of a breakpoint without executing anything; others run to their ends. Where no line is known it is one instruction. If longjmp or an exception leads out of the function instead, it ends where the thread goes on, behind setjmp or where the exception is caught. A program that is linked statically and stripped does not tell.

        >>> p.next()
        [4242] step at 0x40129a in set_option at crash.c:82
        >>> p.step_line()
        [4242] step at 0x401213 in store at crash.c:74
        >>> p.next_line()
        [4242] step at 0x40121f in store at crash.c:75"""
        ...
    def next_line(self, timeout: Any = None, only: Any = False) -> Stop:
        """Run until another line of source begins, or the function returns. Functions that are called, and those that were inlined, run to their ends. If longjmp or an exception leads out of the function instead, it ends where the thread goes on, behind setjmp or where the exception is caught. A program that is linked statically and stripped does not tell.

        >>> p.next()
        [4242] step at 0x40129a in set_option at crash.c:82
        >>> p.step_line()
        [4242] step at 0x401213 in store at crash.c:74
        >>> p.next_line()
        [4242] step at 0x40121f in store at crash.c:75"""
        ...
    def finish(self, timeout: Any = None, only: Any = False, frame: Any = None) -> Stop:
        """Run until the function returns, or that of a frame further out; inner activations of the same function do not count. The stop's value is then what it returned, as an unsigned word: rax, where integers and pointers are. A float or double is in xmm0 and not in value. If longjmp or an exception leads out of the function instead, it ends where the thread goes on, behind setjmp or where the exception is caught. A program that is linked statically and stripped does not tell. value is None then, and in a handler where another thread comes first to the end of the verb around it. std/calls.star sees calls end without running them.

        >>> hex(p.finish().value)
        "0x403010" """
        ...
    def until(self, loc: Any, timeout: Any = None, only: Any = False) -> Stop:
        """Run until the thread comes to a location. A name that nothing has yet is looked up when the program has loaded its libraries; it is an error then if nothing has it.

        >>> p.until("parse_line")
        [4242] step at 0x4012a9 in parse_line at crash.c:86"""
        ...
    def suspend(self) -> None:
        """Hold the thread that stopped last back when its process goes on.

        >>> t.suspend()
        >>> t.suspended
        True
        >>> t.resume()"""
        ...
    def resume(self) -> None:
        """Undo suspend.

        >>> t.suspend()
        >>> t.suspended
        True
        >>> t.resume()"""
        ...
    def set_step(self) -> None:
        """Make the thread that stopped last stop after one instruction, with reason "step", whenever its process goes on.

        >>> t.set_step()
        >>> t.clear_step()"""
        ...
    def clear_step(self) -> None:
        """Undo set_step.

        >>> t.set_step()
        >>> t.clear_step()"""
        ...
    def syscall(self, name: Any, *args: Any) -> int:
        """Let the thread make a system call, given by name or number, and return what that returns; a negative errno is an error. Arguments are ints, values that are numbers or have an address, or bytes and strings, which are copied onto the thread's stack with a zero byte behind them and passed as addresses. The other threads stay stopped, and the thread is afterwards where it was. It needs the permission syscall.

        >>> p.syscall("getpid") == p.pid
        True
        >>> attempt(p.syscall, "close", 999)[1].errno
        "EBADF" """
        ...
    def call(self, fn: Any, *args: Any, timeout: Any = None, only: Any = False) -> int:
        """Let the thread call a function and return rax, as an unsigned word; eval returns what a function returns with its type. Arguments are those of syscall, and floats, which are doubles unless the function's debug information has other parameters, and values of structures, which are passed as those are where it has one. The other threads run meanwhile, unless only holds them, and breakpoints call their handlers. The thread is afterwards where it was. If a signal, a breakpoint or another stop surfaces first, or timeout seconds are over, the call is undone likewise, and the error tells what came and where. It needs the permission write.

        >>> p.call("equal", "same", "same")
        1"""
        ...
    def expect(self, needle: Any, timeout: Any = None) -> bytes:
        """Let the target run until it has written needle to its standard output, and return what it wrote up to and with it that was not read yet. A needle that is a regex has come as soon as what was written so far matches. Any other stop, and the end of timeout seconds, is an error; p.stop tells which.

        >>> cat = launch("cat", stdin=PIPE, stdout=PIPE)
        >>> cat.stdin.write("one\\ntwo\\n")
        >>> print(cat.expect("one\\n", timeout=10))
        one

        >>> print(cat.expect(regex("t[a-z]+\\n"), timeout=10))
        two"""
        ...
    def save_core(self, path: Any) -> None:
        """Write a core of the process to a file, which replaces what is there when it is whole and is for its user alone. It has all memory that the process may have changed, and leaves out what its files have. Breakpoints do not show. It needs the permission fs.

        >>> p.save_core("/tmp/tracelark-example.core")"""
        ...
    def background(self, sig: Any = None) -> None:
        """Let the process go on as cont does, with the same sig, and return at once. Until wait has returned its stop, only interrupt, wait, kill and detach are there; observe looks at it meanwhile. What stops it for the debugger alone, such as a handler or a library that is loaded, waits for wait. The REPL shows the stop when it comes.

        >>> q = launch("true")
        >>> q.background()
        >>> q.wait()
        [4242] exit 0"""
        ...
    def wait(self, timeout: Any = None) -> Stop | None:
        """Wait for the stop of a process that background has let go on; None if it has not come after timeout seconds. Handlers are called meanwhile.

        >>> q = launch("true")
        >>> q.background()
        >>> q.wait()
        [4242] exit 0"""
        ...
    def interrupt(self) -> None:
        """End the verb that is running, or else the next one, with reason "interrupt".

        >>> p.interrupt()
        >>> p.cont().reason
        "breakpoint" """
        ...
    def detach(self, sig: Any = 0) -> None:
        """Let the process go on untraced, with the signal sig instead of a pending one.

        >>> d = launch("true")
        >>> d.detach()
        >>> d.state
        "detached" """
        ...
    def kill(self) -> None:
        """Kill the process and wait for its end.

        >>> cat.kill()
        >>> cat.exit_signal
        9"""
        ...
    def restart(self, args: Any = None, stdin: Any = None, stdout: Any = None, env: Any = None, aslr: Any = None) -> Stop:
        """Kill what is left of a process that was launched, and launch its program again with the same options; the stop is that of launch. args replaces the arguments behind the program's name, a list or a string that is divided as a shell does, stdin and stdout the streams, env the environment and aslr that, as in launch. Breakpoints, watchpoints, hooks and their handlers stay, with their ids and hits: what was set at an address is where it was in its ELF file, and watchpoints on other memory are removed. The threads, the pid and the standard streams are new; what is written to a path begins anew. Children that are held stay as they are. It needs the permission launch.

        >>> p.restart()
        [4242] exec at 0x4014ea in _start at crash.c:133"""
        ...
    def set_follow(self, follow: Any) -> None:
        """Say what becomes of the children that the process makes from now on; follow is that of launch.

        >>> p.set_follow("both")
        >>> p.set_follow("parent")"""
        ...
    def checkpoint(self) -> Checkpoint:
        """Copy the process, to go back to where it is now, or to make more of it. It is an error if it has several threads. It needs the permission syscall.

        >>> p = launch("examples/targets/crash", env={}, stdout=CAPTURE, stderr=CAPTURE)
        >>> p.until("load_config").reason
        "step"
        >>> c = p.checkpoint()
        >>> c.process == p
        True"""
        ...
    def cont_fatal(self, timeout: Any = None, memory: Any = None, send: Any = None, settle: Any = 1) -> Stop:
        """Let the process, and the children that it makes and theirs, go on until one of them is about to die of a signal (the stop's fatal is true, and its process may be a child), seccomp ends one, which nothing stops before, or the process itself ends. What it leaves behind when it exits goes on until it ends or waits for what only others can bring about, settle seconds at most. Signals that are handled or harmless are delivered, and births and exec let pass. Another stop that surfaces ends it too, such as one at a breakpoint. After timeout seconds all are stopped with reason "timeout", and when together they have more than memory bytes in RAM, which is looked at 100 times a second, with "memory". send is a pair of a port and bytes: these are sent to 127.0.0.1 as soon as something listens on that port for TCP, and that no more comes; when the server closes the connection then, all are stopped with reason "interrupt" as soon as all threads wait where they did before the bytes were sent, or for what only others can bring about, and settle seconds later at most. So they are when the time is over, if it has begun to answer. A thread that sleeps for a time is waited for, as it may crash when that is over. It fails if the processes end or the time is over before something listens. The children stay held (children).

        >>> p.cont_fatal()
        [4242] signal SIGSEGV at 0x40121b in store at crash.c:74"""
        ...
    def var(self, name: Any) -> Value:
        """The variable that a name means outside of functions: "counter", "ns::counter", or "file.c::counter" where several files have one. Of what each thread has its own, it is that of the thread that stopped last.

        >>> p.var("noptions")
        3
        >>> p.eval("options[1].name")
        0x402006 "height"
        >>> p.eval("$1 + 1", names={"1": 41})
        42"""
        ...
    def eval(self, expr: Any, call: Any = False, timeout: Any = None, only: Any = False, names: Any = None) -> Value:
        """Evaluate an expression of C or C++ in the innermost frame of the thread that stopped last, as frame.eval does.

        >>> p.var("noptions")
        3
        >>> p.eval("options[1].name")
        0x402006 "height"
        >>> p.eval("$1 + 1", names={"1": 41})
        42"""
        ...
    def type(self, name: Any) -> Type:
        """The type that a name means, with stars and brackets behind it: "struct item *", "int [3]". The types of C need no debug information.

        >>> print(p.type("struct option"))
        struct option {
            const char *name;
            long value;
        }"""
        ...
    def descriptor(self, fd: Any) -> str | None:
        """Return what a descriptor stands for, such as "/etc/passwd" or "socket:[4242]"; None if it is not open.

        >>> p.descriptor(999) == None
        True"""
        ...
    def symbol(self, name_or_addr: Any) -> Symbol | None:
        """Return the symbol of a name or location, or the one that covers an address; None if none does. A name that matches nothing is an error.

        >>> p.symbol("main")
        <symbol main at 0x401458>
        >>> p.symbol(p.addr("main") + 4).name
        "main"
        >>> [s.name for s in p.symbols("*_option")]
        ["find_option", "set_option"]"""
        ...
    def symbols(self, pattern: Any = "*") -> list[Symbol]:
        """Return the symbols of all images whose names match a pattern, as image.symbols does. An image that could not be read has none.

        >>> p.symbol("main")
        <symbol main at 0x401458>
        >>> p.symbol(p.addr("main") + 4).name
        "main"
        >>> [s.name for s in p.symbols("*_option")]
        ["find_option", "set_option"]"""
        ...
    def probes(self, pattern: Any = "*") -> list[Probe]:
        """Return the probes of all images whose PROVIDER:NAME matches a pattern, as image.probes does.

        >>> p = launch(["gdb", "--version"], stdout=CAPTURE)
        >>> stop = p.until(p.main_image.entry)
        >>> [q.name for q in p.probes("libstdcxx:*")]
        ["catch", "throw", "rethrow"]
        >>> q = p.probes("libstdcxx:throw")[0]
        >>> [q.provider, q.name, q.addr == p.addr("libstdcxx:throw"), q.semaphore, q.operands, q.args]
        ["libstdcxx", "throw", True, None, ["8@%rdi", "8@%rsi"], None]
        >>> len(q.image.probes())
        3
        >>> stop.probe == None
        True"""
        ...
    def unwinder(self, fn: Any) -> None:
        """Have fn find the callers of frames, as of code that a compiler at run time makes and that no call frame information tells of: fn is called with a dict of the registers of a frame, as far as they are known, rip and rsp always, and returns a dict of the caller's, rip and rsp among them, or None where it cannot tell. Then the frame is unwound as ever. An error ends the stack, and is its unwind_error. Stacks that fn asks for itself are unwound without it. unwinder(None) undoes it.

        >>> p.unwinder(lambda regs: {"rip": 0, "rsp": regs["rsp"] + 8})  # that nothing has called
        >>> len(p.frames)
        1
        >>> p.unwinder(None)"""
        ...
    def name_code(self, names: Any) -> None:
        """Give names to code that comes from no ELF file, as a compiler at run time makes it: names is a list of (addr, size, name). They are symbols then, of images named "[code at ADDR]" for the mappings they lie in, which frames, instructions and locations know. They hold until exec; one at the same address takes the place of another. load("std/jit.star", "jit") reads the lists that such compilers write.

        >>> p = launch("true")
        >>> p.name_code([(p.maps[-1].end, 16, "beyond")])
        >>> p.symbols("beyond")
        []"""
        ...
    def use_debug(self, path: Any, image: Any = None, force: Any = False) -> Image:
        """Have an image take debug information from another file, and symbols if that has any: what was stripped from it, and is not where such files are looked for. Return the image, which is the one that the file's build ID tells, or that has its layout where there are no build IDs. A file of another build is an error, unless image says which it is for and force is true. It holds for this process, the copies that are made of it and restart, whenever the image is mapped. Breakpoints that wait for a name are set where it tells. It needs the permission fs.

        >>> p = launch("examples/targets/crash")
        >>> p.use_debug("examples/targets/crash")
        <image crash at 0x400000>
        >>> p.line("parse_line").line
        86"""
        ...
    def addr(self, loc: Any) -> int:
        """Return the address of a location. One that matches nothing, or several places, is an error.

        >>> p.addr("set_option+4")
        0x401226 (4198950)
        >>> attempt(p.addr, "set_optoin")[1]
        no symbol "set_optoin" (did you mean set_option?)"""
        ...
    def line(self, addr: Any = None) -> Line | None:
        """Return the line of source that the instruction at an address, or at the pc, comes from; None if the debug information does not tell.

        >>> p.line("main")
        crash.c:124"""
        ...
    def scope(self, addr: Any = None) -> list[Any]:
        """List the arguments and variables of functions that are in scope at an address or location, or at the pc, whether the process is there or not: those of the innermost function first, within one those of the innermost block. They are structs of name, type, param (whether it is an argument), file and line (of the declaration).

        >>> [(v.name, v.type.name, v.param) for v in p.scope("set_option")]
        [("name", "const char *", True), ("digits", "const char *", True), ("value", "unsigned long", False)]"""
        ...
    def disasm(self, addr: Any = None, n: Any = None, syntax: Any = "intel", end: Any = None) -> list[Inst]:
        """Disassemble n instructions at an address or location, or at the pc: 8, or with end all that begin before that address or location, at most 1048576 bytes further. So p.disasm(s, end=s.addr + s.size) is the whole function of a symbol s. syntax is "intel" or "att". An instruction that is not known is shown as its bytes, such as ".byte 0x0f, 0x0e". The list ends early where memory does.

        >>> p.disasm("main", 2)
        [0x401458: push rbp, 0x401459: mov rbp, rsp]"""
        ...
    def breakpoint(self, loc: Any, handler: Any = None, when: Any = None, temp: Any = False, hw: Any = False, thread: Any = None, prologue: Any = False, inlined: Any = False) -> Breakpoint:
        """Set a breakpoint. handler is called with each stop there: if it returns None the target goes on, if STOP the stop surfaces; without a handler every one does. A hit does not count where when is false: an expression in registers and memory, such as "rdi == 3 and u32(rsi) > 7", which the engine evaluates while other threads run (help("breakpoint.when") has all of it), or a function of the stop. temp removes it after its first hit, hw uses one of the CPU's four debug registers and leaves memory as it is, thread lets only that thread hit it. prologue puts it behind the code that makes the frame of a function, where debug information finds its arguments. A function that was inlined wherever it is called is found at all of these places; one that a symbol names is stopped at there alone, unless inlined is true: then at its inlined copies in all images too, which takes reading the names of their whole debug information, a second for 250 MB without an index. A name that is not known yet waits for libraries that are still to be loaded, and what is in a library that is unloaded waits for that to be loaded again. In a process that has ended, and that was launched, all wait for restart.

        >>> p.breakpoint("set_option", when="u8(rdi) == 0x68")
        <breakpoint 1 at set_option, 0 hits>
        >>> p.breakpoints
        [<breakpoint 1 at set_option, 0 hits>]"""
        ...
    def cover(self, addrs: Any) -> Coverage:
        """Note which of many addresses are executed. Each is a breakpoint that goes when it is reached for the first time, so code that runs often is slowed once. They must be addresses of instructions, as image.blocks finds them. It ends with exec; children do not take part.

        >>> p = launch("examples/targets/crash", env={}, stdout=CAPTURE)
        >>> blocks = p.main_image.blocks("set_option")
        >>> [hex(addr) for addr, size in blocks]
        ["0x401222", "0x40123d", "0x40126f", "0x40127a", "0x401285"]
        >>> c = p.cover([addr for addr, size in blocks])
        >>> p.cont().signame
        "SIGSEGV"
        >>> [len(c.reached), c.left]
        [5, 0]"""
        ...
    def reach(self, blocks: Any, roots: Any, words: Any = []) -> list[int]:
        """Find out which blocks of memory pointers lead to, in the order of blocks: 2 to the first byte, 1 only into the middle, 0 nowhere. blocks and roots are lists of (address, size). Pointers are words at multiples of eight that are addresses in a block; they start from the memory in roots and from words, such as registers, and go on through the blocks that they lead to. Memory that cannot be read has none. Blocks that overlap are an error.

        >>> p.reach([(p.addr("text"), 4096), (p.addr("options"), 48)], [], [p.addr("options"), p.regs.rsp])
        [0, 2]"""
        ...
    def watch(self, addr: Any, size: Any = 8, access: Any = "w", handler: Any = None, when: Any = None) -> Watchpoint:
        """Watch size bytes at an address or location: access is "w" for writes, reported when they are done even if the value stays (when=lambda s: s.old != s.new leaves those out), "rw" for reads too, "x" for the execution of the instruction there. It takes one of the CPU's four debug registers for each aligned 1, 2, 4 or 8 bytes; change of std/watch.star watches more by single steps. Where those registers do not trap, as in some virtual machines, the target makes steps instead, and is a thousand times slower. handler and when are those of breakpoint. What the kernel writes for the target, as in a read, is not seen. Exec removes it, unless it is in an ELF file that the new program has too.

        >>> p.restart().reason
        "exec"
        >>> w = p.watch(p.eval("&options[0].value"))
        >>> p.watchpoints
        [<watchpoint 2 on w of 8 bytes at 0x403008, 0 hits>]
        >>> w.remove()"""
        ...
    def on(self, event: Any, handler: Any, sig: Any = None, names: Any = None, phase: Any = None, light: Any = False) -> Hook:
        """Call handler with each stop of an event: it returns None to let the target go on, or STOP. event is "signal" (sig is the only one, by number or name), "syscall" (names is a list of the only ones: names, numbers, patterns such as "open*", regular expressions behind a slash such as "/^open|stat", and the groups "%file", "%desc", "%process", "%network", "%signal", "%ipc" and "%memory"; phase is "enter" or "exit", or None for both; with light the other threads run while handler does, which costs less, and lets it look and change the call, but set or move nothing), "fork", "vfork", "vfork_done", "exec", "thread", "thread_exit", "load" and "unload" of libraries, "job_stop" (a signal such as SIGTSTP has stopped all threads, which go on with cont(sig="SIGCONT") or when something else sends that), "killed", or "exit", which is any end of the process.

        >>> calls = []
        >>> h = p.on("syscall", lambda stop: calls.append(stop.syscall.name), phase="enter")"""
        ...
    def catch(self, event: Any, sig: Any = None, names: Any = None, phase: Any = None) -> Hook:
        """Let every stop of an event surface. Events are those of on. Both wait for restart in a process that has ended, and that was launched.

        >>> c = p.catch("exit")"""
        ...
    def read(self, addr: Any, n: Any) -> bytes:
        """Read n bytes, at most 1073741824. If not all can be read, the error says how far it got. Breakpoints do not show.

        >>> p.read("options", 16)
        0000000000000000  00 20 40 00 00 00 00 00  80 02 00 00 00 00 00 00  |. @.............|
        >>> print(p.read_cstr(p.read_ptr("options")))
        width
        >>> p.dump("/tmp/tracelark-example.bin", "text", 64)"""
        ...
    def write(self, addr: Any, data: Any) -> None:
        """Write bytes, whatever the protection of the page. If not all can be written, the error says how far it got. Breakpoints stay. It needs the permission write.

        >>> p.write("text", b"depth=8\\n")"""
        ...
    def read_cstr(self, addr: Any, max: Any = 4096) -> bytes:
        """Read up to the next zero byte, which is left out, or max bytes if there is none.

        >>> p.read("options", 16)
        0000000000000000  00 20 40 00 00 00 00 00  80 02 00 00 00 00 00 00  |. @.............|
        >>> print(p.read_cstr(p.read_ptr("options")))
        width
        >>> p.dump("/tmp/tracelark-example.bin", "text", 64)"""
        ...
    def dump(self, path: Any, addr: Any, n: Any) -> None:
        """Write n bytes of memory to a file, which is created or replaced. If not all can be read, the error says how far it got, and the file has that much. It needs the permission fs.

        >>> p.read("options", 16)
        0000000000000000  00 20 40 00 00 00 00 00  80 02 00 00 00 00 00 00  |. @.............|
        >>> print(p.read_cstr(p.read_ptr("options")))
        width
        >>> p.dump("/tmp/tracelark-example.bin", "text", 64)"""
        ...
    def find(self, needle: Any, start: Any = None, end: Any = None, perms: Any = "r", max: Any = None) -> list[int]:
        """Return the addresses where needle is: bytes, which may overlap, an int that stands for its eight bytes, a regex, a hex_pattern, or what is pointed to, a range of addresses or a mapping: words at multiples of eight that are addresses in it. Mappings that have all of perms, letters of "rwxps", are searched between the locations start and end; perms="" takes in those that the program itself may not read. The search ends after max hits; without max, more than 1048576 are an error.

        >>> [hex(a) for a in p.find(b"colour", max=2)]
        ["0x403055"]"""
        ...
    def read_u8(self, addr: Any) -> int:
        """Read unsigned int of 1 bytes, little-endian.

        >>> [p.read_u8("text"), hex(p.read_u16("text")), hex(p.read_u32("text")), hex(p.read_u64("text"))]
        [100, "0x6564", "0x74706564", "0xa383d6874706564"]
        >>> [p.read_i8("text"), p.read_i16("text"), p.read_i32("text"), p.read_ptr("text") == p.read_i64("text")]
        [100, 25956, 1953523044, True]"""
        ...
    def write_u8(self, addr: Any, value: Any) -> None:
        """Write unsigned int of 1 bytes, little-endian; an int must fit it as a signed or an unsigned number. It needs the permission write.

        >>> p.write_u8("text", 255)
        >>> p.read_i8("text")
        -1
        >>> p.write_i64("text", -2)
        >>> p.read_u16("text")
        65534"""
        ...
    def read_u16(self, addr: Any) -> int:
        """Read unsigned int of 2 bytes, little-endian.

        >>> [p.read_u8("text"), hex(p.read_u16("text")), hex(p.read_u32("text")), hex(p.read_u64("text"))]
        [100, "0x6564", "0x74706564", "0xa383d6874706564"]
        >>> [p.read_i8("text"), p.read_i16("text"), p.read_i32("text"), p.read_ptr("text") == p.read_i64("text")]
        [100, 25956, 1953523044, True]"""
        ...
    def write_u16(self, addr: Any, value: Any) -> None:
        """Write unsigned int of 2 bytes, little-endian; an int must fit it as a signed or an unsigned number. It needs the permission write.

        >>> p.write_u8("text", 255)
        >>> p.read_i8("text")
        -1
        >>> p.write_i64("text", -2)
        >>> p.read_u16("text")
        65534"""
        ...
    def read_u32(self, addr: Any) -> int:
        """Read unsigned int of 4 bytes, little-endian.

        >>> [p.read_u8("text"), hex(p.read_u16("text")), hex(p.read_u32("text")), hex(p.read_u64("text"))]
        [100, "0x6564", "0x74706564", "0xa383d6874706564"]
        >>> [p.read_i8("text"), p.read_i16("text"), p.read_i32("text"), p.read_ptr("text") == p.read_i64("text")]
        [100, 25956, 1953523044, True]"""
        ...
    def write_u32(self, addr: Any, value: Any) -> None:
        """Write unsigned int of 4 bytes, little-endian; an int must fit it as a signed or an unsigned number. It needs the permission write.

        >>> p.write_u8("text", 255)
        >>> p.read_i8("text")
        -1
        >>> p.write_i64("text", -2)
        >>> p.read_u16("text")
        65534"""
        ...
    def read_u64(self, addr: Any) -> int:
        """Read unsigned int of 8 bytes, little-endian.

        >>> [p.read_u8("text"), hex(p.read_u16("text")), hex(p.read_u32("text")), hex(p.read_u64("text"))]
        [100, "0x6564", "0x74706564", "0xa383d6874706564"]
        >>> [p.read_i8("text"), p.read_i16("text"), p.read_i32("text"), p.read_ptr("text") == p.read_i64("text")]
        [100, 25956, 1953523044, True]"""
        ...
    def write_u64(self, addr: Any, value: Any) -> None:
        """Write unsigned int of 8 bytes, little-endian; an int must fit it as a signed or an unsigned number. It needs the permission write.

        >>> p.write_u8("text", 255)
        >>> p.read_i8("text")
        -1
        >>> p.write_i64("text", -2)
        >>> p.read_u16("text")
        65534"""
        ...
    def read_i8(self, addr: Any) -> int:
        """Read signed int of 1 bytes, little-endian.

        >>> [p.read_u8("text"), hex(p.read_u16("text")), hex(p.read_u32("text")), hex(p.read_u64("text"))]
        [100, "0x6564", "0x74706564", "0xa383d6874706564"]
        >>> [p.read_i8("text"), p.read_i16("text"), p.read_i32("text"), p.read_ptr("text") == p.read_i64("text")]
        [100, 25956, 1953523044, True]"""
        ...
    def write_i8(self, addr: Any, value: Any) -> None:
        """Write signed int of 1 bytes, little-endian; an int must fit it as a signed or an unsigned number. It needs the permission write.

        >>> p.write_u8("text", 255)
        >>> p.read_i8("text")
        -1
        >>> p.write_i64("text", -2)
        >>> p.read_u16("text")
        65534"""
        ...
    def read_i16(self, addr: Any) -> int:
        """Read signed int of 2 bytes, little-endian.

        >>> [p.read_u8("text"), hex(p.read_u16("text")), hex(p.read_u32("text")), hex(p.read_u64("text"))]
        [100, "0x6564", "0x74706564", "0xa383d6874706564"]
        >>> [p.read_i8("text"), p.read_i16("text"), p.read_i32("text"), p.read_ptr("text") == p.read_i64("text")]
        [100, 25956, 1953523044, True]"""
        ...
    def write_i16(self, addr: Any, value: Any) -> None:
        """Write signed int of 2 bytes, little-endian; an int must fit it as a signed or an unsigned number. It needs the permission write.

        >>> p.write_u8("text", 255)
        >>> p.read_i8("text")
        -1
        >>> p.write_i64("text", -2)
        >>> p.read_u16("text")
        65534"""
        ...
    def read_i32(self, addr: Any) -> int:
        """Read signed int of 4 bytes, little-endian.

        >>> [p.read_u8("text"), hex(p.read_u16("text")), hex(p.read_u32("text")), hex(p.read_u64("text"))]
        [100, "0x6564", "0x74706564", "0xa383d6874706564"]
        >>> [p.read_i8("text"), p.read_i16("text"), p.read_i32("text"), p.read_ptr("text") == p.read_i64("text")]
        [100, 25956, 1953523044, True]"""
        ...
    def write_i32(self, addr: Any, value: Any) -> None:
        """Write signed int of 4 bytes, little-endian; an int must fit it as a signed or an unsigned number. It needs the permission write.

        >>> p.write_u8("text", 255)
        >>> p.read_i8("text")
        -1
        >>> p.write_i64("text", -2)
        >>> p.read_u16("text")
        65534"""
        ...
    def read_i64(self, addr: Any) -> int:
        """Read signed int of 8 bytes, little-endian.

        >>> [p.read_u8("text"), hex(p.read_u16("text")), hex(p.read_u32("text")), hex(p.read_u64("text"))]
        [100, "0x6564", "0x74706564", "0xa383d6874706564"]
        >>> [p.read_i8("text"), p.read_i16("text"), p.read_i32("text"), p.read_ptr("text") == p.read_i64("text")]
        [100, 25956, 1953523044, True]"""
        ...
    def write_i64(self, addr: Any, value: Any) -> None:
        """Write signed int of 8 bytes, little-endian; an int must fit it as a signed or an unsigned number. It needs the permission write.

        >>> p.write_u8("text", 255)
        >>> p.read_i8("text")
        -1
        >>> p.write_i64("text", -2)
        >>> p.read_u16("text")
        65534"""
        ...
    def read_ptr(self, addr: Any) -> int:
        """Read unsigned int of 8 bytes, little-endian.

        >>> [p.read_u8("text"), hex(p.read_u16("text")), hex(p.read_u32("text")), hex(p.read_u64("text"))]
        [100, "0x6564", "0x74706564", "0xa383d6874706564"]
        >>> [p.read_i8("text"), p.read_i16("text"), p.read_i32("text"), p.read_ptr("text") == p.read_i64("text")]
        [100, 25956, 1953523044, True]"""
        ...
    def write_ptr(self, addr: Any, value: Any) -> None:
        """Write unsigned int of 8 bytes, little-endian; an int must fit it as a signed or an unsigned number. It needs the permission write.

        >>> p.write_u8("text", 255)
        >>> p.read_i8("text")
        -1
        >>> p.write_i64("text", -2)
        >>> p.read_u16("text")
        65534"""
        ...
    def read_f32(self, addr: Any) -> float:
        """Read float of 4 bytes, little-endian.

        >>> p.write_f64("text", 2.5)
        >>> p.read_f64("text")
        2.5
        >>> p.write_f32("text", 0.5)
        >>> p.read_f32("text")
        0.5"""
        ...
    def write_f32(self, addr: Any, value: Any) -> None:
        """Write float of 4 bytes, little-endian; an int must fit it as a signed or an unsigned number. It needs the permission write.

        >>> p.write_f64("text", 2.5)
        >>> p.read_f64("text")
        2.5
        >>> p.write_f32("text", 0.5)
        >>> p.read_f32("text")
        0.5"""
        ...
    def read_f64(self, addr: Any) -> float:
        """Read float of 8 bytes, little-endian.

        >>> p.write_f64("text", 2.5)
        >>> p.read_f64("text")
        2.5
        >>> p.write_f32("text", 0.5)
        >>> p.read_f32("text")
        0.5"""
        ...
    def write_f64(self, addr: Any, value: Any) -> None:
        """Write float of 8 bytes, little-endian; an int must fit it as a signed or an unsigned number. It needs the permission write.

        >>> p.write_f64("text", 2.5)
        >>> p.read_f64("text")
        2.5
        >>> p.write_f32("text", 0.5)
        >>> p.read_f32("text")
        0.5"""
        ...

class Program:
    """Look at the file of a program or library that does not run. bias is added to the addresses that it was linked for. It needs the permission fs.

        The file of a program or library that does not run. It has what of a process needs no thread: code and data are those of the file, as if it had just been loaded and nothing in it been relocated, at the addresses it was linked for plus a bias. It cannot be written to. argv is its path.

    >>> f = program("examples/targets/crash")
    >>> f
    <program examples/targets/crash>
    >>> [f.state, f.argv == [f.exe], f.symbol("main").name]
    ["file", True, "main"]
    >>> [p.program.exe == p.exe, p.program.addr("main") == p.addr("main")]
    [True, True]"""
    exe: str
    """The path of the program that runs."""
    argv: list[str]
    """The arguments that the program was started with, its name first."""
    images: list[Image]
    """The ELF files that are mapped for execution, the program first."""
    main_image: Image
    """The program's own ELF file."""
    maps: list[Mapping]
    """What is mapped, in order of address."""
    state: str
    """"file"."""
    def var(self, name: Any) -> Value:
        """The variable that a name means outside of functions: "counter", "ns::counter", or "file.c::counter" where several files have one. Of what each thread has its own, it is that of the thread that stopped last."""
        ...
    def eval(self, expr: Any, call: Any = False, timeout: Any = None, only: Any = False, names: Any = None) -> Value:
        """Evaluate an expression of C or C++ in the innermost frame of the thread that stopped last, as frame.eval does."""
        ...
    def type(self, name: Any) -> Type:
        """The type that a name means, with stars and brackets behind it: "struct item *", "int [3]". The types of C need no debug information."""
        ...
    def symbol(self, name_or_addr: Any) -> Symbol | None:
        """Return the symbol of a name or location, or the one that covers an address; None if none does. A name that matches nothing is an error."""
        ...
    def symbols(self, pattern: Any = "*") -> list[Symbol]:
        """Return the symbols of all images whose names match a pattern, as image.symbols does. An image that could not be read has none."""
        ...
    def probes(self, pattern: Any = "*") -> list[Probe]:
        """Return the probes of all images whose PROVIDER:NAME matches a pattern, as image.probes does."""
        ...
    def name_code(self, names: Any) -> None:
        """Give names to code that comes from no ELF file, as a compiler at run time makes it: names is a list of (addr, size, name). They are symbols then, of images named "[code at ADDR]" for the mappings they lie in, which frames, instructions and locations know. They hold until exec; one at the same address takes the place of another. load("std/jit.star", "jit") reads the lists that such compilers write."""
        ...
    def use_debug(self, path: Any, image: Any = None, force: Any = False) -> Image:
        """Have an image take debug information from another file, and symbols if that has any: what was stripped from it, and is not where such files are looked for. Return the image, which is the one that the file's build ID tells, or that has its layout where there are no build IDs. A file of another build is an error, unless image says which it is for and force is true. It holds for this process, the copies that are made of it and restart, whenever the image is mapped. Breakpoints that wait for a name are set where it tells. It needs the permission fs."""
        ...
    def addr(self, loc: Any) -> int:
        """Return the address of a location. One that matches nothing, or several places, is an error."""
        ...
    def line(self, addr: Any = None) -> Line | None:
        """Return the line of source that the instruction at an address, or at the pc, comes from; None if the debug information does not tell."""
        ...
    def scope(self, addr: Any = None) -> list[Any]:
        """List the arguments and variables of functions that are in scope at an address or location, or at the pc, whether the process is there or not: those of the innermost function first, within one those of the innermost block. They are structs of name, type, param (whether it is an argument), file and line (of the declaration)."""
        ...
    def disasm(self, addr: Any = None, n: Any = None, syntax: Any = "intel", end: Any = None) -> list[Inst]:
        """Disassemble n instructions at an address or location, or at the pc: 8, or with end all that begin before that address or location, at most 1048576 bytes further. So p.disasm(s, end=s.addr + s.size) is the whole function of a symbol s. syntax is "intel" or "att". An instruction that is not known is shown as its bytes, such as ".byte 0x0f, 0x0e". The list ends early where memory does."""
        ...
    def reach(self, blocks: Any, roots: Any, words: Any = []) -> list[int]:
        """Find out which blocks of memory pointers lead to, in the order of blocks: 2 to the first byte, 1 only into the middle, 0 nowhere. blocks and roots are lists of (address, size). Pointers are words at multiples of eight that are addresses in a block; they start from the memory in roots and from words, such as registers, and go on through the blocks that they lead to. Memory that cannot be read has none. Blocks that overlap are an error."""
        ...
    def read(self, addr: Any, n: Any) -> bytes:
        """Read n bytes, at most 1073741824. If not all can be read, the error says how far it got. Breakpoints do not show."""
        ...
    def read_cstr(self, addr: Any, max: Any = 4096) -> bytes:
        """Read up to the next zero byte, which is left out, or max bytes if there is none."""
        ...
    def dump(self, path: Any, addr: Any, n: Any) -> None:
        """Write n bytes of memory to a file, which is created or replaced. If not all can be read, the error says how far it got, and the file has that much. It needs the permission fs."""
        ...
    def find(self, needle: Any, start: Any = None, end: Any = None, perms: Any = "r", max: Any = None) -> list[int]:
        """Return the addresses where needle is: bytes, which may overlap, an int that stands for its eight bytes, a regex, a hex_pattern, or what is pointed to, a range of addresses or a mapping: words at multiples of eight that are addresses in it. Mappings that have all of perms, letters of "rwxps", are searched between the locations start and end; perms="" takes in those that the program itself may not read. The search ends after max hits; without max, more than 1048576 are an error."""
        ...
    def read_u8(self, addr: Any) -> int:
        """Read unsigned int of 1 bytes, little-endian."""
        ...
    def read_u16(self, addr: Any) -> int:
        """Read unsigned int of 2 bytes, little-endian."""
        ...
    def read_u32(self, addr: Any) -> int:
        """Read unsigned int of 4 bytes, little-endian."""
        ...
    def read_u64(self, addr: Any) -> int:
        """Read unsigned int of 8 bytes, little-endian."""
        ...
    def read_i8(self, addr: Any) -> int:
        """Read signed int of 1 bytes, little-endian."""
        ...
    def read_i16(self, addr: Any) -> int:
        """Read signed int of 2 bytes, little-endian."""
        ...
    def read_i32(self, addr: Any) -> int:
        """Read signed int of 4 bytes, little-endian."""
        ...
    def read_i64(self, addr: Any) -> int:
        """Read signed int of 8 bytes, little-endian."""
        ...
    def read_ptr(self, addr: Any) -> int:
        """Read unsigned int of 8 bytes, little-endian."""
        ...
    def read_f32(self, addr: Any) -> float:
        """Read float of 4 bytes, little-endian."""
        ...
    def read_f64(self, addr: Any) -> float:
        """Read float of 8 bytes, little-endian."""
        ...

class Ptrace:
    """The requests of ptrace(2) as FreeBSD has them, on plain IDs of processes and threads, with its errors: ESRCH no such process, EPERM not permitted or not traced, EBUSY traced by another, running, or stopped and not yet waited for, EINVAL and EFAULT bad arguments. What lets a process go on returns at once, and wait returns the next stop; until then every request is EBUSY. An ID of a process stands for its oldest thread, and where a signal is given for the one that stopped last. Memory is read as it is, with the int3 of breakpoints; what is written there goes under them.

    >>> pid = ptrace.launch("examples/targets/crash", env={}, stdout="/dev/null")
    >>> ptrace.wait(pid).event
    "exec" """
    def launch(self, argv: Any, env: Any = None, cwd: Any = None, stdin: Any = None, stdout: Any = None, stderr: Any = None, aslr: Any = False, tty: Any = None, limits: Any = None, pin: Any = True, filter: Any = None, follow: Any = "parent", group: Any = False) -> int:
        """Start a program as the predeclared launch does and return its process ID. Its first stop, with SIGTRAP, is still to be waited for. PT_TRACE_ME. It needs the permission launch.

        >>> pid = ptrace.launch("examples/targets/crash", env={}, stdout="/dev/null")
        >>> ptrace.wait(pid).event
        "exec" """
        ...
    def attach(self, pid: Any) -> None:
        """Trace a running process. Its first stop, with SIGSTOP, is still to be waited for. Oneself, a kernel thread, and an ancestor while being traced are EINVAL, a process that is traced is EBUSY. PT_ATTACH. It needs the permission attach.

        >>> ptrace.detach(q)
        >>> ptrace.kill(pid)
        >>> ptrace.wait(pid).event
        "killed"
        >>> attempt(ptrace.attach, pid)[1].errno
        "ESRCH" """
        ...
    def detach(self, pid: Any, pc: Any = None, sig: Any = 0) -> None:
        """Let a process go on untraced, at pc and with the signal sig; 0 drops what is pending. PT_DETACH.

        >>> ptrace.detach(q)
        >>> ptrace.kill(pid)
        >>> ptrace.wait(pid).event
        "killed"
        >>> attempt(ptrace.attach, pid)[1].errno
        "ESRCH" """
        ...
    def cont(self, id: Any, pc: Any = None, sig: Any = 0) -> None:
        """Let a process go on, at pc and with the signal sig; 0 drops what is pending. All threads that are not suspended run. A signal that is not in 0 to 64 is EINVAL. PT_CONTINUE.

        >>> ptrace.cont(pid)
        >>> ptrace.wait(pid).sig
        11"""
        ...
    def step(self, id: Any, pc: Any = None, sig: Any = 0) -> None:
        """Let a process go on, with a stop after one instruction of the thread. A signal that is delivered so is handled first. PT_STEP.

        >>> ptrace.step(pid)
        >>> ptrace.wait(pid).event
        "step"
        >>> ptrace.setstep(pid)
        >>> ptrace.clearstep(pid)"""
        ...
    def to_sce(self, id: Any, pc: Any = None, sig: Any = 0) -> None:
        """Let a process go on up to the next entry to a system call. PT_TO_SCE.

        >>> q = ptrace.launch("true")
        >>> ptrace.wait(q).event
        "exec"
        >>> ptrace.to_sce(q)
        >>> [ptrace.wait(q).event, ptrace.lwpinfo(q).flags]
        ["syscall", ["sce"]]
        >>> ptrace.to_scx(q)
        >>> [ptrace.wait(q).event, ptrace.lwpinfo(q).flags]
        ["syscall", ["scx"]]
        >>> ptrace.syscall(q)
        >>> ptrace.wait(q).event
        "syscall" """
        ...
    def to_scx(self, id: Any, pc: Any = None, sig: Any = 0) -> None:
        """Let a process go on up to the next exit from a system call. PT_TO_SCX.

        >>> q = ptrace.launch("true")
        >>> ptrace.wait(q).event
        "exec"
        >>> ptrace.to_sce(q)
        >>> [ptrace.wait(q).event, ptrace.lwpinfo(q).flags]
        ["syscall", ["sce"]]
        >>> ptrace.to_scx(q)
        >>> [ptrace.wait(q).event, ptrace.lwpinfo(q).flags]
        ["syscall", ["scx"]]
        >>> ptrace.syscall(q)
        >>> ptrace.wait(q).event
        "syscall" """
        ...
    def syscall(self, id: Any, pc: Any = None, sig: Any = 0) -> None:
        """Let a process go on up to the next entry to or exit from a system call. PT_SYSCALL.

        >>> q = ptrace.launch("true")
        >>> ptrace.wait(q).event
        "exec"
        >>> ptrace.to_sce(q)
        >>> [ptrace.wait(q).event, ptrace.lwpinfo(q).flags]
        ["syscall", ["sce"]]
        >>> ptrace.to_scx(q)
        >>> [ptrace.wait(q).event, ptrace.lwpinfo(q).flags]
        ["syscall", ["scx"]]
        >>> ptrace.syscall(q)
        >>> ptrace.wait(q).event
        "syscall" """
        ...
    def wait(self, id: Any = -1, timeout: Any = None) -> Any | None:
        """Wait until a process that was let go on stops or ends, and return struct(pid, tid, event, sig, status, child): event is the reason as stop.reason has it, sig the signal that stopped or killed it, status that of wait4(2), child the ID of the process or thread that was made, or None. -1 is any process. None after timeout seconds; ECHILD if there is nothing to wait for. process.interrupt stops the process that is waited for.

        >>> pid = ptrace.launch("examples/targets/crash", env={}, stdout="/dev/null")
        >>> ptrace.wait(pid).event
        "exec" """
        ...
    def kill(self, pid: Any) -> None:
        """Kill a process. Its end is still to be waited for. PT_KILL.

        >>> ptrace.detach(q)
        >>> ptrace.kill(pid)
        >>> ptrace.wait(pid).event
        "killed"
        >>> attempt(ptrace.attach, pid)[1].errno
        "ESRCH" """
        ...
    def read_i(self, id: Any, addr: Any) -> int:
        """Read a signed int of 4 bytes. PT_READ_I.

        >>> word = ptrace.peek(pid, r["rip"], size=4)
        >>> [word == u32(ptrace.read_i(pid, r["rip"])), word == u32(ptrace.read_d(pid, r["rip"]))]
        [True, True]
        >>> ptrace.poke(pid, r["rip"], word, size=4)
        >>> ptrace.write_i(pid, r["rip"], word)
        >>> ptrace.write_d(pid, r["rip"], word)"""
        ...
    def read_d(self, id: Any, addr: Any) -> int:
        """Read a signed int of 4 bytes. PT_READ_D.

        >>> word = ptrace.peek(pid, r["rip"], size=4)
        >>> [word == u32(ptrace.read_i(pid, r["rip"])), word == u32(ptrace.read_d(pid, r["rip"]))]
        [True, True]
        >>> ptrace.poke(pid, r["rip"], word, size=4)
        >>> ptrace.write_i(pid, r["rip"], word)
        >>> ptrace.write_d(pid, r["rip"], word)"""
        ...
    def write_i(self, id: Any, addr: Any, value: Any) -> None:
        """Write an int of 4 bytes, whatever the protection of the page. PT_WRITE_I. It needs the permission write.

        >>> word = ptrace.peek(pid, r["rip"], size=4)
        >>> [word == u32(ptrace.read_i(pid, r["rip"])), word == u32(ptrace.read_d(pid, r["rip"]))]
        [True, True]
        >>> ptrace.poke(pid, r["rip"], word, size=4)
        >>> ptrace.write_i(pid, r["rip"], word)
        >>> ptrace.write_d(pid, r["rip"], word)"""
        ...
    def write_d(self, id: Any, addr: Any, value: Any) -> None:
        """Write an int of 4 bytes, whatever the protection of the page. PT_WRITE_D. It needs the permission write.

        >>> word = ptrace.peek(pid, r["rip"], size=4)
        >>> [word == u32(ptrace.read_i(pid, r["rip"])), word == u32(ptrace.read_d(pid, r["rip"]))]
        [True, True]
        >>> ptrace.poke(pid, r["rip"], word, size=4)
        >>> ptrace.write_i(pid, r["rip"], word)
        >>> ptrace.write_d(pid, r["rip"], word)"""
        ...
    def peek(self, id: Any, addr: Any, size: Any = 8) -> int:
        """Read an unsigned int of 1, 2, 4 or 8 bytes; another size is EINVAL.

        >>> word = ptrace.peek(pid, r["rip"], size=4)
        >>> [word == u32(ptrace.read_i(pid, r["rip"])), word == u32(ptrace.read_d(pid, r["rip"]))]
        [True, True]
        >>> ptrace.poke(pid, r["rip"], word, size=4)
        >>> ptrace.write_i(pid, r["rip"], word)
        >>> ptrace.write_d(pid, r["rip"], word)"""
        ...
    def poke(self, id: Any, addr: Any, value: Any, size: Any = 8) -> None:
        """Write an int of 1, 2, 4 or 8 bytes; another size is EINVAL. It needs the permission write.

        >>> word = ptrace.peek(pid, r["rip"], size=4)
        >>> [word == u32(ptrace.read_i(pid, r["rip"])), word == u32(ptrace.read_d(pid, r["rip"]))]
        [True, True]
        >>> ptrace.poke(pid, r["rip"], word, size=4)
        >>> ptrace.write_i(pid, r["rip"], word)
        >>> ptrace.write_d(pid, r["rip"], word)"""
        ...
    def io(self, id: Any, op: Any, offs: Any, data_or_len: Any) -> Any:
        """Read (op "read_d" or "read_i") up to data_or_len bytes at offs, or write ("write_d", "write_i") the bytes data_or_len and return their number: short where a page is missing, EFAULT where the first is. Another op is EINVAL. PT_IO.

        >>> ptrace.io(pid, "read_d", r["rsp"], 8)
        0000000000000000  01 00 00 00 00 00 00 00                           |........|"""
        ...
    def getregs(self, tid: Any) -> Any:
        """Return the general registers by name: a dict, of which they are attributes too, so that r.rip += 1 and setregs(tid, r) is a way to change one. PT_GETREGS.

        >>> r = ptrace.getregs(pid)
        >>> ptrace.setregs(pid, r)
        >>> hex(r["rip"])
        "0x4014ea" """
        ...
    def setregs(self, tid: Any, regs: Any) -> None:
        """Write the general registers that a dict, or regs, has: all of them or none. A name or value that cannot be is EINVAL. PT_SETREGS. It needs the permission write.

        >>> r = ptrace.getregs(pid)
        >>> ptrace.setregs(pid, r)
        >>> hex(r["rip"])
        "0x4014ea" """
        ...
    def getdbregs(self, tid: Any) -> Any:
        """Return the debug registers dr0 to dr3, dr6 and dr7 by name, as getregs does. PT_GETDBREGS.

        >>> ptrace.setdbregs(pid, {"dr0": r["rip"], "dr7": 0})
        >>> sorted(ptrace.getdbregs(pid))
        ["dr0", "dr1", "dr2", "dr3", "dr6", "dr7"]"""
        ...
    def setdbregs(self, tid: Any, regs: Any) -> None:
        """Write the debug registers that a dict has: all of them or none. Addresses outside user space are EINVAL. PT_SETDBREGS. It needs the permission write.

        >>> ptrace.setdbregs(pid, {"dr0": r["rip"], "dr7": 0})
        >>> sorted(ptrace.getdbregs(pid))
        ["dr0", "dr1", "dr2", "dr3", "dr6", "dr7"]"""
        ...
    def setstep(self, tid: Any) -> None:
        """Let the thread stop after one instruction whenever its process goes on. PT_SETSTEP.

        >>> ptrace.step(pid)
        >>> ptrace.wait(pid).event
        "step"
        >>> ptrace.setstep(pid)
        >>> ptrace.clearstep(pid)"""
        ...
    def clearstep(self, tid: Any) -> None:
        """Undo setstep. PT_CLEARSTEP.

        >>> ptrace.step(pid)
        >>> ptrace.wait(pid).event
        "step"
        >>> ptrace.setstep(pid)
        >>> ptrace.clearstep(pid)"""
        ...
    def suspend(self, tid: Any) -> None:
        """Hold the thread back when its process goes on. PT_SUSPEND.

        >>> ptrace.suspend(pid)
        >>> ptrace.resume(pid)"""
        ...
    def resume(self, tid: Any) -> None:
        """Undo suspend. PT_RESUME.

        >>> ptrace.suspend(pid)
        >>> ptrace.resume(pid)"""
        ...
    def getfpregs(self, tid: Any) -> bytes:
        """Return the x87 and SSE registers, 512 bytes as FXSAVE stores them (SDM volume 1, 10.5): fcw at 0, fsw at 2, mxcsr at 24, st0 from 32 on and xmm0 from 160 on, 16 bytes each. PT_GETFPREGS.

        >>> ptrace.setfpregs(pid, ptrace.getfpregs(pid))
        >>> ptrace.setxstate(pid, ptrace.getxstate(pid))
        >>> len(ptrace.getfpregs(pid))
        512"""
        ...
    def setfpregs(self, tid: Any, regs: Any) -> None:
        """Write what getfpregs returns. Another length, and reserved bits in mxcsr, are EINVAL. PT_SETFPREGS. It needs the permission write.

        >>> ptrace.setfpregs(pid, ptrace.getfpregs(pid))
        >>> ptrace.setxstate(pid, ptrace.getxstate(pid))
        >>> len(ptrace.getfpregs(pid))
        512"""
        ...
    def getxstate(self, tid: Any) -> bytes:
        """Return the extended registers as XSAVE stores them, in its standard form.

        >>> ptrace.setfpregs(pid, ptrace.getfpregs(pid))
        >>> ptrace.setxstate(pid, ptrace.getxstate(pid))
        >>> len(ptrace.getfpregs(pid))
        512"""
        ...
    def setxstate(self, tid: Any, area: Any) -> None:
        """Write what getxstate returns. Another length, and a header that is not valid, are EINVAL. It needs the permission write.

        >>> ptrace.setfpregs(pid, ptrace.getfpregs(pid))
        >>> ptrace.setxstate(pid, ptrace.getxstate(pid))
        >>> len(ptrace.getfpregs(pid))
        512"""
        ...
    def lwpinfo(self, id: Any) -> Any:
        """Return struct(lwpid, event, flags, siginfo) of a thread, or of the one of a process that stopped last. event is "signal" if it has stopped its process or a signal waits for what becomes of it, else None. flags is a list of "sce" or "scx", where it enters or leaves a system call. siginfo is the record of its last signal, or None. PT_LWPINFO.

        >>> [ptrace.lwpinfo(pid).lwpid == pid, ptrace.numlwps(pid), ptrace.lwps(pid) == [pid]]
        [True, 1, True]"""
        ...
    def numlwps(self, pid: Any) -> int:
        """Return the number of threads. PT_GETNUMLWPS.

        >>> [ptrace.lwpinfo(pid).lwpid == pid, ptrace.numlwps(pid), ptrace.lwps(pid) == [pid]]
        [True, 1, True]"""
        ...
    def lwps(self, pid: Any, max: Any = None) -> list[int]:
        """Return the IDs of the threads, the oldest first, at most max of them. A max of 0 and below is EINVAL. PT_GETLWPLIST.

        >>> [ptrace.lwpinfo(pid).lwpid == pid, ptrace.numlwps(pid), ptrace.lwps(pid) == [pid]]
        [True, 1, True]"""
        ...
    def getfsbase(self, tid: Any) -> int:
        """Return the register fs_base.

        >>> ptrace.setfsbase(pid, 0x1000)
        >>> hex(ptrace.getfsbase(pid))
        "0x1000"
        >>> ptrace.setgsbase(pid, 0)
        >>> ptrace.getgsbase(pid)
        0"""
        ...
    def setfsbase(self, tid: Any, addr: Any) -> None:
        """Write the register fs_base. An address outside user space is EINVAL. It needs the permission write.

        >>> ptrace.setfsbase(pid, 0x1000)
        >>> hex(ptrace.getfsbase(pid))
        "0x1000"
        >>> ptrace.setgsbase(pid, 0)
        >>> ptrace.getgsbase(pid)
        0"""
        ...
    def getgsbase(self, tid: Any) -> int:
        """Return the register gs_base.

        >>> ptrace.setfsbase(pid, 0x1000)
        >>> hex(ptrace.getfsbase(pid))
        "0x1000"
        >>> ptrace.setgsbase(pid, 0)
        >>> ptrace.getgsbase(pid)
        0"""
        ...
    def setgsbase(self, tid: Any, addr: Any) -> None:
        """Write the register gs_base. An address outside user space is EINVAL. It needs the permission write.

        >>> ptrace.setfsbase(pid, 0x1000)
        >>> hex(ptrace.getfsbase(pid))
        "0x1000"
        >>> ptrace.setgsbase(pid, 0)
        >>> ptrace.getgsbase(pid)
        0"""
        ...
    def request(self, name: Any, *args: Any, **kwargs: Any) -> None:
        """Call the member called name, which may be written as PT_CONTINUE, continue or cont. An unknown one is EINVAL, but the process that the first argument names is checked before.

        >>> ptrace.request("PT_GETNUMLWPS", pid)
        1
        >>> attempt(ptrace.request, "PT_NO_SUCH", pid)[1].errno
        "EINVAL" """
        ...

class Regs:
    """The registers of a thread, read and written by attribute, as in t.regs.rip += 2. They are those of the moment they are read; vector and x87 registers are ints of their width, and writing a narrow one leaves the rest of the wide ones. regs["rax"] is regs.rax, and dict(regs) the general set. A frame's registers are those of its function, as far as the stack still has them. Written, they change where a function that was called since has saved them, from where the program restores them; one that is saved nowhere is an error, and so are vector registers.

    >>> p = launch("examples/targets/crash", env={}, stdout=CAPTURE)
    >>> p.until("main").reason
    "step"
    >>> r = p.regs
    >>> [r.rip == p.addr("main"), r.edi, r.dil, hex(r.cs)]
    [True, 1, 1, "0x33"]
    >>> r.rax = 0x1122334455667788
    >>> [hex(r.eax), hex(r.ax), hex(r.ah), hex(r["al"])]
    ["0x55667788", "0x7788", "0x77", "0x88"]
    >>> r.xmm0 = 1 << 64
    >>> r.ymm0 >> 64
    1
    >>> len(dict(r))
    27"""
    rax: int
    """The register rax, of 64 bits."""
    eax: int
    """Bits 0 to 31 of rax."""
    ax: int
    """Bits 0 to 15 of rax."""
    al: int
    """Bits 0 to 7 of rax."""
    ah: int
    """Bits 8 to 15 of rax."""
    rbx: int
    """The register rbx, of 64 bits."""
    ebx: int
    """Bits 0 to 31 of rbx."""
    bx: int
    """Bits 0 to 15 of rbx."""
    bl: int
    """Bits 0 to 7 of rbx."""
    bh: int
    """Bits 8 to 15 of rbx."""
    rcx: int
    """The register rcx, of 64 bits."""
    ecx: int
    """Bits 0 to 31 of rcx."""
    cx: int
    """Bits 0 to 15 of rcx."""
    cl: int
    """Bits 0 to 7 of rcx."""
    ch: int
    """Bits 8 to 15 of rcx."""
    rdx: int
    """The register rdx, of 64 bits."""
    edx: int
    """Bits 0 to 31 of rdx."""
    dx: int
    """Bits 0 to 15 of rdx."""
    dl: int
    """Bits 0 to 7 of rdx."""
    dh: int
    """Bits 8 to 15 of rdx."""
    rsi: int
    """The register rsi, of 64 bits."""
    esi: int
    """Bits 0 to 31 of rsi."""
    si: int
    """Bits 0 to 15 of rsi."""
    sil: int
    """Bits 0 to 7 of rsi."""
    rdi: int
    """The register rdi, of 64 bits."""
    edi: int
    """Bits 0 to 31 of rdi."""
    di: int
    """Bits 0 to 15 of rdi."""
    dil: int
    """Bits 0 to 7 of rdi."""
    rbp: int
    """The register rbp, of 64 bits."""
    ebp: int
    """Bits 0 to 31 of rbp."""
    bp: int
    """Bits 0 to 15 of rbp."""
    bpl: int
    """Bits 0 to 7 of rbp."""
    rsp: int
    """The register rsp, of 64 bits."""
    esp: int
    """Bits 0 to 31 of rsp."""
    sp: int
    """Bits 0 to 15 of rsp."""
    spl: int
    """Bits 0 to 7 of rsp."""
    r8: int
    """The register r8, of 64 bits."""
    r8d: int
    """Bits 0 to 31 of r8."""
    r8w: int
    """Bits 0 to 15 of r8."""
    r8b: int
    """Bits 0 to 7 of r8."""
    r9: int
    """The register r9, of 64 bits."""
    r9d: int
    """Bits 0 to 31 of r9."""
    r9w: int
    """Bits 0 to 15 of r9."""
    r9b: int
    """Bits 0 to 7 of r9."""
    r10: int
    """The register r10, of 64 bits."""
    r10d: int
    """Bits 0 to 31 of r10."""
    r10w: int
    """Bits 0 to 15 of r10."""
    r10b: int
    """Bits 0 to 7 of r10."""
    r11: int
    """The register r11, of 64 bits."""
    r11d: int
    """Bits 0 to 31 of r11."""
    r11w: int
    """Bits 0 to 15 of r11."""
    r11b: int
    """Bits 0 to 7 of r11."""
    r12: int
    """The register r12, of 64 bits."""
    r12d: int
    """Bits 0 to 31 of r12."""
    r12w: int
    """Bits 0 to 15 of r12."""
    r12b: int
    """Bits 0 to 7 of r12."""
    r13: int
    """The register r13, of 64 bits."""
    r13d: int
    """Bits 0 to 31 of r13."""
    r13w: int
    """Bits 0 to 15 of r13."""
    r13b: int
    """Bits 0 to 7 of r13."""
    r14: int
    """The register r14, of 64 bits."""
    r14d: int
    """Bits 0 to 31 of r14."""
    r14w: int
    """Bits 0 to 15 of r14."""
    r14b: int
    """Bits 0 to 7 of r14."""
    r15: int
    """The register r15, of 64 bits."""
    r15d: int
    """Bits 0 to 31 of r15."""
    r15w: int
    """Bits 0 to 15 of r15."""
    r15b: int
    """Bits 0 to 7 of r15."""
    rip: int
    """The register rip, of 64 bits."""
    eip: int
    """Bits 0 to 31 of rip."""
    eflags: int
    """The register eflags, of 32 bits."""
    cs: int
    """The register cs, of 16 bits."""
    ss: int
    """The register ss, of 16 bits."""
    ds: int
    """The register ds, of 16 bits."""
    es: int
    """The register es, of 16 bits."""
    fs: int
    """The register fs, of 16 bits."""
    gs: int
    """The register gs, of 16 bits."""
    fs_base: int
    """The register fs_base, of 64 bits."""
    gs_base: int
    """The register gs_base, of 64 bits."""
    orig_rax: int
    """The register orig_rax, of 64 bits."""
    fctrl: int
    """The control word of x87, of 16 bits."""
    fstat: int
    """The status word of x87, of 16 bits."""
    ftag: int
    """Which x87 registers hold values, a bit for each physical register. It is the form that FXSAVE has, of 8 bits."""
    fop: int
    """The opcode of the last x87 instruction, of 11 bits."""
    fip: int
    """The address of the last x87 instruction, of 64 bits."""
    fdp: int
    """The address of the operand of the last x87 instruction, of 64 bits."""
    st0: int
    """The register st0, of 80 bits, if the CPU has it."""
    st1: int
    """The register st1, of 80 bits, if the CPU has it."""
    st2: int
    """The register st2, of 80 bits, if the CPU has it."""
    st3: int
    """The register st3, of 80 bits, if the CPU has it."""
    st4: int
    """The register st4, of 80 bits, if the CPU has it."""
    st5: int
    """The register st5, of 80 bits, if the CPU has it."""
    st6: int
    """The register st6, of 80 bits, if the CPU has it."""
    st7: int
    """The register st7, of 80 bits, if the CPU has it."""
    mm0: int
    """The register mm0, of 64 bits, if the CPU has it."""
    mm1: int
    """The register mm1, of 64 bits, if the CPU has it."""
    mm2: int
    """The register mm2, of 64 bits, if the CPU has it."""
    mm3: int
    """The register mm3, of 64 bits, if the CPU has it."""
    mm4: int
    """The register mm4, of 64 bits, if the CPU has it."""
    mm5: int
    """The register mm5, of 64 bits, if the CPU has it."""
    mm6: int
    """The register mm6, of 64 bits, if the CPU has it."""
    mm7: int
    """The register mm7, of 64 bits, if the CPU has it."""
    mxcsr: int
    """The control and status of SSE, of 32 bits. Reserved bits are an error."""
    xmm0: int
    """The register xmm0, of 128 bits, if the CPU has it."""
    xmm1: int
    """The register xmm1, of 128 bits, if the CPU has it."""
    xmm2: int
    """The register xmm2, of 128 bits, if the CPU has it."""
    xmm3: int
    """The register xmm3, of 128 bits, if the CPU has it."""
    xmm4: int
    """The register xmm4, of 128 bits, if the CPU has it."""
    xmm5: int
    """The register xmm5, of 128 bits, if the CPU has it."""
    xmm6: int
    """The register xmm6, of 128 bits, if the CPU has it."""
    xmm7: int
    """The register xmm7, of 128 bits, if the CPU has it."""
    xmm8: int
    """The register xmm8, of 128 bits, if the CPU has it."""
    xmm9: int
    """The register xmm9, of 128 bits, if the CPU has it."""
    xmm10: int
    """The register xmm10, of 128 bits, if the CPU has it."""
    xmm11: int
    """The register xmm11, of 128 bits, if the CPU has it."""
    xmm12: int
    """The register xmm12, of 128 bits, if the CPU has it."""
    xmm13: int
    """The register xmm13, of 128 bits, if the CPU has it."""
    xmm14: int
    """The register xmm14, of 128 bits, if the CPU has it."""
    xmm15: int
    """The register xmm15, of 128 bits, if the CPU has it."""
    xmm16: int
    """The register xmm16, of 128 bits, if the CPU has it."""
    xmm17: int
    """The register xmm17, of 128 bits, if the CPU has it."""
    xmm18: int
    """The register xmm18, of 128 bits, if the CPU has it."""
    xmm19: int
    """The register xmm19, of 128 bits, if the CPU has it."""
    xmm20: int
    """The register xmm20, of 128 bits, if the CPU has it."""
    xmm21: int
    """The register xmm21, of 128 bits, if the CPU has it."""
    xmm22: int
    """The register xmm22, of 128 bits, if the CPU has it."""
    xmm23: int
    """The register xmm23, of 128 bits, if the CPU has it."""
    xmm24: int
    """The register xmm24, of 128 bits, if the CPU has it."""
    xmm25: int
    """The register xmm25, of 128 bits, if the CPU has it."""
    xmm26: int
    """The register xmm26, of 128 bits, if the CPU has it."""
    xmm27: int
    """The register xmm27, of 128 bits, if the CPU has it."""
    xmm28: int
    """The register xmm28, of 128 bits, if the CPU has it."""
    xmm29: int
    """The register xmm29, of 128 bits, if the CPU has it."""
    xmm30: int
    """The register xmm30, of 128 bits, if the CPU has it."""
    xmm31: int
    """The register xmm31, of 128 bits, if the CPU has it."""
    ymm0: int
    """The register ymm0, of 256 bits, if the CPU has it."""
    ymm1: int
    """The register ymm1, of 256 bits, if the CPU has it."""
    ymm2: int
    """The register ymm2, of 256 bits, if the CPU has it."""
    ymm3: int
    """The register ymm3, of 256 bits, if the CPU has it."""
    ymm4: int
    """The register ymm4, of 256 bits, if the CPU has it."""
    ymm5: int
    """The register ymm5, of 256 bits, if the CPU has it."""
    ymm6: int
    """The register ymm6, of 256 bits, if the CPU has it."""
    ymm7: int
    """The register ymm7, of 256 bits, if the CPU has it."""
    ymm8: int
    """The register ymm8, of 256 bits, if the CPU has it."""
    ymm9: int
    """The register ymm9, of 256 bits, if the CPU has it."""
    ymm10: int
    """The register ymm10, of 256 bits, if the CPU has it."""
    ymm11: int
    """The register ymm11, of 256 bits, if the CPU has it."""
    ymm12: int
    """The register ymm12, of 256 bits, if the CPU has it."""
    ymm13: int
    """The register ymm13, of 256 bits, if the CPU has it."""
    ymm14: int
    """The register ymm14, of 256 bits, if the CPU has it."""
    ymm15: int
    """The register ymm15, of 256 bits, if the CPU has it."""
    ymm16: int
    """The register ymm16, of 256 bits, if the CPU has it."""
    ymm17: int
    """The register ymm17, of 256 bits, if the CPU has it."""
    ymm18: int
    """The register ymm18, of 256 bits, if the CPU has it."""
    ymm19: int
    """The register ymm19, of 256 bits, if the CPU has it."""
    ymm20: int
    """The register ymm20, of 256 bits, if the CPU has it."""
    ymm21: int
    """The register ymm21, of 256 bits, if the CPU has it."""
    ymm22: int
    """The register ymm22, of 256 bits, if the CPU has it."""
    ymm23: int
    """The register ymm23, of 256 bits, if the CPU has it."""
    ymm24: int
    """The register ymm24, of 256 bits, if the CPU has it."""
    ymm25: int
    """The register ymm25, of 256 bits, if the CPU has it."""
    ymm26: int
    """The register ymm26, of 256 bits, if the CPU has it."""
    ymm27: int
    """The register ymm27, of 256 bits, if the CPU has it."""
    ymm28: int
    """The register ymm28, of 256 bits, if the CPU has it."""
    ymm29: int
    """The register ymm29, of 256 bits, if the CPU has it."""
    ymm30: int
    """The register ymm30, of 256 bits, if the CPU has it."""
    ymm31: int
    """The register ymm31, of 256 bits, if the CPU has it."""
    zmm0: int
    """The register zmm0, of 512 bits, if the CPU has it."""
    zmm1: int
    """The register zmm1, of 512 bits, if the CPU has it."""
    zmm2: int
    """The register zmm2, of 512 bits, if the CPU has it."""
    zmm3: int
    """The register zmm3, of 512 bits, if the CPU has it."""
    zmm4: int
    """The register zmm4, of 512 bits, if the CPU has it."""
    zmm5: int
    """The register zmm5, of 512 bits, if the CPU has it."""
    zmm6: int
    """The register zmm6, of 512 bits, if the CPU has it."""
    zmm7: int
    """The register zmm7, of 512 bits, if the CPU has it."""
    zmm8: int
    """The register zmm8, of 512 bits, if the CPU has it."""
    zmm9: int
    """The register zmm9, of 512 bits, if the CPU has it."""
    zmm10: int
    """The register zmm10, of 512 bits, if the CPU has it."""
    zmm11: int
    """The register zmm11, of 512 bits, if the CPU has it."""
    zmm12: int
    """The register zmm12, of 512 bits, if the CPU has it."""
    zmm13: int
    """The register zmm13, of 512 bits, if the CPU has it."""
    zmm14: int
    """The register zmm14, of 512 bits, if the CPU has it."""
    zmm15: int
    """The register zmm15, of 512 bits, if the CPU has it."""
    zmm16: int
    """The register zmm16, of 512 bits, if the CPU has it."""
    zmm17: int
    """The register zmm17, of 512 bits, if the CPU has it."""
    zmm18: int
    """The register zmm18, of 512 bits, if the CPU has it."""
    zmm19: int
    """The register zmm19, of 512 bits, if the CPU has it."""
    zmm20: int
    """The register zmm20, of 512 bits, if the CPU has it."""
    zmm21: int
    """The register zmm21, of 512 bits, if the CPU has it."""
    zmm22: int
    """The register zmm22, of 512 bits, if the CPU has it."""
    zmm23: int
    """The register zmm23, of 512 bits, if the CPU has it."""
    zmm24: int
    """The register zmm24, of 512 bits, if the CPU has it."""
    zmm25: int
    """The register zmm25, of 512 bits, if the CPU has it."""
    zmm26: int
    """The register zmm26, of 512 bits, if the CPU has it."""
    zmm27: int
    """The register zmm27, of 512 bits, if the CPU has it."""
    zmm28: int
    """The register zmm28, of 512 bits, if the CPU has it."""
    zmm29: int
    """The register zmm29, of 512 bits, if the CPU has it."""
    zmm30: int
    """The register zmm30, of 512 bits, if the CPU has it."""
    zmm31: int
    """The register zmm31, of 512 bits, if the CPU has it."""
    k0: int
    """The register k0, of 64 bits, if the CPU has it."""
    k1: int
    """The register k1, of 64 bits, if the CPU has it."""
    k2: int
    """The register k2, of 64 bits, if the CPU has it."""
    k3: int
    """The register k3, of 64 bits, if the CPU has it."""
    k4: int
    """The register k4, of 64 bits, if the CPU has it."""
    k5: int
    """The register k5, of 64 bits, if the CPU has it."""
    k6: int
    """The register k6, of 64 bits, if the CPU has it."""
    k7: int
    """The register k7, of 64 bits, if the CPU has it."""
    pkru: int
    """What the protection keys allow, of 32 bits."""
    dr0: int
    """An address that the thread's debug registers watch: one of user space, or an error."""
    dr1: int
    """An address that the thread's debug registers watch: one of user space, or an error."""
    dr2: int
    """An address that the thread's debug registers watch: one of user space, or an error."""
    dr3: int
    """An address that the thread's debug registers watch: one of user space, or an error."""
    dr4: int
    """Reserved: it reads as 0 and cannot be written."""
    dr5: int
    """Reserved: it reads as 0 and cannot be written."""
    dr6: int
    """What the debug registers have caught, with its reserved bits. Stops at watchpoints and hardware breakpoints clear it."""
    dr7: int
    """What the debug registers watch for. watch and breakpoint(hw=True) write it when they are set and removed."""
    flags: Flags
    """The flags in eflags, one by one."""

class Report:
    """What a sanitizer printed of an error.

    >>> r = crashes.sanitizer("==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x6020 at pc 0x1 bp 0x2 sp 0x3\\nREAD of size 4 at 0x6020 thread T0\\n    #0 0x1 in f a.c:3\\n")
    >>> [r.tool, r.type, r.access, r.size, hex(r.addr)]
    ["asan", "heap-use-after-free", "read", 4, "0x6020"]"""
    tool: str
    """"asan", "hwasan", "ubsan", "msan", "tsan", "lsan", "libfuzzer", or of an allocator "scudo" or "gwp-asan"."""
    type: str
    """The kind of error, such as "heap-buffer-overflow", "data-race", "signed-integer-overflow" or "memory-leaks"."""
    access: str | None
    """"read" or "write"."""
    addr: int | None
    """The address of the access."""
    size: int | None
    """How many bytes were accessed, or leaked."""
    frames: list[CrashFrame]
    """Where it happened; of a leak, where the first one was allocated."""
    freed_frames: list[CrashFrame]
    """Where the memory was released."""
    alloc_frames: list[CrashFrame]
    """Where the memory was allocated."""
    summary: str
    """The line that sums it up."""
    text: str
    """The report itself."""

class Siginfo:
    """The kernel's record of a signal, as in sigaction(2). What one has besides signo, code and errno depends on these. That of a signal that is about to be delivered can be changed, and the program's handler sees the change: assign to its attributes, or to the siginfo of the stop or thread as a whole a dict, such as {"signo": 10, "code": -1, "value": 7}, of which what is not named is 0.

    >>> p = launch("examples/targets/crash", env={}, stdout=CAPTURE)
    >>> i = p.cont().siginfo
    >>> i
    <siginfo SIGSEGV code 1 addr 0x8>
    >>> i.text
    "{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x8}"
    >>> [i.signo, i.code, i.errno, hex(i.addr)]
    [11, 1, 0, "0x8"]"""
    signo: int
    """The signal's number. Another one makes the thread get that signal."""
    code: int
    """Why it was sent: 0 and below by a process, above by the kernel."""
    errno: int
    """An error number, mostly 0."""
    addr: int | None
    """The address of the fault, for SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGTRAP from the kernel."""
    pid: int | None
    """The process that sent it, or the child that SIGCHLD tells of."""
    uid: int | None
    """The real user ID of that process."""
    value: int | None
    """The word that sigqueue or a timer has sent with it."""
    status: int | None
    """The exit code of the child that SIGCHLD tells of, or the signal that ended or stopped it."""
    text: str
    """The record as strace shows it, such as "{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL}"."""
    shared: bool | None
    """Of a pending signal, whether it was sent to the process, for any of its threads that does not block it, and not to one thread."""

class Stop:
    """Why and where a process stopped. An attribute that does not apply to the reason is None.

    >>> p = launch("examples/targets/crash", env={}, stdout=CAPTURE)
    >>> b = p.breakpoint("store")
    >>> stop = p.cont()
    >>> stop
    [4242] breakpoint 1 at 0x401207 in store at crash.c:73
    >>> [stop.reason, stop.process == p, stop.tid == p.pid, stop.thread == p.thread]
    ["breakpoint", True, True, True]
    >>> stop.pc
    0x401207 (4198919)
    >>> stop.frame
    #0 0x401207 in store (option=0x403000 <options>, value=640) at crash.c:73
    >>> [f.function for f in stop.frames[:2]]
    ["store", "set_option"]
    >>> [hex(stop.regs.rdi), stop.regs.rsi]
    ["0x403000", 640]"""
    reason: str
    """"breakpoint", "watchpoint", "step" (the verb did what it was asked to), "limit" (step was to end before that), "signal", "syscall", "fork", "vfork", "vfork_done", "exec", "thread", "thread_exit", "load", "unload", "exit", "killed", "job_stop", "interrupt", "timeout" or, after cont_fatal, "memory"."""
    process: Any
    """The process that stopped."""
    thread: Thread | None
    """The thread that stopped; None when the process is gone, or was let go to follow its child."""
    tid: int | None
    """The ID of the thread."""
    pc: int | None
    """The address of the thread's next instruction."""
    frame: Frame | None
    """The innermost frame of the thread, as it is now."""
    frames: list[Frame]
    """The thread's stack, as it is now, the innermost frame first; none when the process is gone."""
    regs: Regs | None
    """The thread's registers, as they are now: what thread.regs is."""
    signal: int | None
    """The signal that is about to be delivered ("signal"), or that killed the process ("killed")."""
    signame: str | None
    """The signal's name, such as "SIGSEGV"."""
    fatal: bool
    """Whether the signal will end the process when it is delivered: it has no handler, and its default is to end. False for other reasons."""
    siginfo: Siginfo | None
    """The kernel's record of the signal. Until the process goes on it can be changed, and a dict assigned to it."""
    breakpoint: Breakpoint | None
    """The breakpoint that was hit."""
    probe: Probe | None
    """The probe that the thread stopped at, by whatever breakpoint, with its arguments."""
    syscall: Syscall | None
    """The system call that the thread is about to make or has made ("syscall")."""
    watchpoint: Watchpoint | None
    """The watchpoint that was hit."""
    old: int | None
    """What the watched memory held when it was looked at before, as an unsigned int of its size ("watchpoint")."""
    new: int | None
    """What the watched memory holds now ("watchpoint"). Where several threads write, that may be another's value."""
    child: Any | None
    """What was made. For "fork" and "vfork" it is the child as a process, stopped at its birth and without breakpoints of its own; it is let go when the handlers let the parent go on. A child of vfork runs in its parent's memory, and its parent waits, until it execs or ends: move it first, or detach it. For "vfork_done", which says that the wait is over, it is that child's ID, for "thread" the thread's ID."""
    library: Image | None
    """The library that was loaded or unloaded ("load", "unload"), the first if there are several."""
    libraries: list[Image]
    """The libraries that were loaded or unloaded together."""
    exit_code: int | None
    """The code that the process exited with ("exit")."""
    value: int | None
    """After finish, what the function returned, as an unsigned word."""
    result: Value | None
    """After finish, what the function returned, with its type: a number of any kind, a structure, a reference. None for one that returns nothing. Without debug information, or if it is first asked for when the process has moved on, it is an error."""
    def drop(self) -> None:
        """Have the process not get the signal that is about to be delivered, however it goes on.

        >>> stop = p.cont()
        >>> [stop.signal, stop.signame, stop.fatal]
        [11, "SIGSEGV", True]
        >>> stop.siginfo
        <siginfo SIGSEGV code 1 addr 0x8>
        >>> stop.drop()
        >>> p.cont()  # the instruction is executed again
        [4242] signal SIGSEGV at 0x40121b in store at crash.c:74"""
        ...
    def replace(self, ret: Any) -> None:
        """Make the system call return ret. Before it is made, it is skipped; its exit is still reported to those who ask. It needs the permission syscall.

        >>> q = launch(["cat", "/etc/hostname"], stdout=CAPTURE, stderr=CAPTURE)
        >>> h = q.on("syscall", lambda s: s.fail("EMFILE") if q.read_cstr(s.syscall.args[1]) == b"/etc/hostname" else None, names=["openat"], phase="enter")
        >>> q.cont().exit_code
        1
        >>> q.stderr.data.elems() and b"Too many open files" in q.stderr.data
        True"""
        ...
    def fail(self, errno: Any) -> None:
        """Make the system call fail with an error, by name or number, as replace does. It needs the permission syscall.

        >>> q = launch(["cat", "/etc/hostname"], stdout=CAPTURE, stderr=CAPTURE)
        >>> h = q.on("syscall", lambda s: s.fail("EMFILE") if q.read_cstr(s.syscall.args[1]) == b"/etc/hostname" else None, names=["openat"], phase="enter")
        >>> q.cont().exit_code
        1
        >>> q.stderr.data.elems() and b"Too many open files" in q.stderr.data
        True"""
        ...
    def set_args(self, *args: Any) -> None:
        """Change the first arguments of the system call that is about to be made. The program's registers are as before after it. It needs the permission syscall.

        >>> q = launch(["cat", "/etc/hostname"], stdout=CAPTURE, stderr=CAPTURE)
        >>> h = q.on("syscall", lambda s: s.fail("EMFILE") if q.read_cstr(s.syscall.args[1]) == b"/etc/hostname" else None, names=["openat"], phase="enter")
        >>> q.cont().exit_code
        1
        >>> q.stderr.data.elems() and b"Too many open files" in q.stderr.data
        True"""
        ...
    def set_nr(self, nr: Any) -> None:
        """Make another system call, by name or number, than the one that is about to be made. It needs the permission syscall.

        >>> q = launch(["cat", "/etc/hostname"], stdout=CAPTURE, stderr=CAPTURE)
        >>> h = q.on("syscall", lambda s: s.fail("EMFILE") if q.read_cstr(s.syscall.args[1]) == b"/etc/hostname" else None, names=["openat"], phase="enter")
        >>> q.cont().exit_code
        1
        >>> q.stderr.data.elems() and b"Too many open files" in q.stderr.data
        True"""
        ...

class Symbol:
    """A name for an address. It can be used wherever an address is taken. addr in symbol tells whether it lies in what has the name.

    >>> s = p.symbol("set_option")
    >>> s
    <symbol set_option at 0x401222>
    >>> [s.name, s.function, s.linkage_name, hex(s.addr), s.size, s.kind, s.bind, s.section, s.file, s.line, s.image == im]
    ["set_option", "set_option", "set_option", "0x401222", 135, "func", "local", ".text", "examples/targets/crash.c", 77, True]"""
    name: str
    """The name as the program's source has it, such as "ns::parse(int)", without a version."""
    function: str
    """The same without parameters, as frames have it, such as "ns::parse"."""
    linkage_name: str
    """The name as linkers know it, such as "_ZN2ns5parseEi"."""
    addr: int
    """The address; of a thread-local variable, the offset in the thread's block."""
    size: int
    """The size in bytes, or 0 if the file does not tell."""
    kind: str
    """"func", "ifunc", "object", "tls", "plt" (a stub that jumps to a function of another file) or "untyped". The address of an "ifunc" is that of its resolver, while as a location its name is the function that was chosen."""
    bind: str
    """"local", "global" or "weak"."""
    section: str | None
    """The section that it lies in, such as ".text"."""
    file: str | None
    """The source file that declares the function or variable, if debug information tells."""
    line: int | None
    """The line there."""
    image: Image
    """The ELF file that has it."""

class Syscall:
    """A system call at its entry or its exit.

    >>> q = launch(["cat", "/no/such/file"], stderr=CAPTURE)
    >>> h = q.on("syscall", lambda s: STOP if q.read_cstr(s.syscall.args[1]) == b"/no/such/file" else None, names=["openat"], phase="exit")
    >>> call = q.cont().syscall
    >>> [call.name, call.nr, len(call.args), call.phase, call.ret, call.errno, call.compat]
    ["openat", 257, 6, "exit", -2, "ENOENT", False]
    >>> h.remove()"""
    nr: int
    """The number of the call, on x86-64 or where compat is true on i386."""
    name: str | None
    """The name of the call, such as "openat"; None if the number has none, and for calls of i386."""
    args: tuple[int, ...]
    """Six arguments, as unsigned words, whether the call takes them or not."""
    phase: str
    """"enter" before the call is made, "exit" after it."""
    ret: int | None
    """At the exit, what the kernel returned: a negative error number on failure."""
    errno: str | None
    """The name of the error that the call failed with, such as "ENOENT". It is "ERESTARTSYS" or one of its kind where a signal handler interrupts the call, which the program sees as EINTR or, if the call is entered once more after the handler, not at all."""
    compat: bool
    """Whether the call was made by int 0x80 or by 32-bit code, with a number of i386."""
    def decode(self, strings: Any = 32, paths: Any = False, whole: Any = False) -> tuple:
        """Return the call as strace shows it: a list of the texts of its arguments, and what it returned. At the entry the list ends before the first argument that the kernel fills in, and what it returned is None; at the exit the list has the rest. strings is the number of bytes shown of data, paths shows what descriptors stand for, whole shows structs with all their fields.

        >>> q = launch("true")
        >>> h = q.catch("syscall", names=["execve", "openat"], phase="enter")
        >>> call = q.cont().syscall
        >>> call.decode()[0][0]
        "AT_FDCWD"
        >>> call.show(strings=8).startswith("openat(AT_FDCWD, ")
        True"""
        ...
    def show(self, strings: Any = 32, paths: Any = False, whole: Any = False, column: Any = 0) -> str:
        """Return the call as a line of strace has it: at the entry what begins it, such as "read(3, ", at the exit what ends it, such as "\\"text\\", 4096) = 4". That stands at column, which is the length of what goes before. The other arguments are those of decode.

        >>> q = launch("true")
        >>> h = q.catch("syscall", names=["execve", "openat"], phase="enter")
        >>> call = q.cont().syscall
        >>> call.decode()[0][0]
        "AT_FDCWD"
        >>> call.show(strings=8).startswith("openat(AT_FDCWD, ")
        True"""
        ...

class Thread:
    """A thread of a traced process.

    >>> p = launch("examples/targets/crash", env={}, stdout=CAPTURE)
    >>> t = p.thread
    >>> [t.tid == p.pid, t.name, t.state, t.process == p]
    [True, "crash", "stopped", True]"""
    tid: int
    """The thread ID."""
    name: str
    """The thread's name, at most 15 bytes; "" if it is gone."""
    state: str
    """"stopped", "running" or "exited"; "core" in a core."""
    cpu_time: float
    """How long the thread has run on CPUs, in the program and in the kernel for it, in seconds."""
    suspended: bool
    """Whether suspend holds the thread."""
    process: Process
    """The process that the thread belongs to."""
    regs: Regs
    """The registers, read when asked for and written by assignment."""
    stop: Stop | None
    """The process's last stop, if it was this thread's."""
    in_syscall: Syscall | None
    """The system call that the thread is in the middle of, as at its entry; one that was interrupted goes on with the thread."""
    siginfo: Siginfo | None
    """The kernel's record of the signal that is delivered when the thread goes on. It can be changed, and a dict assigned to it."""
    pending: list[Siginfo]
    """The signals that wait for the thread, because it blocks them or has not run since: those sent to it, then those sent to its process, which are shared. The one that it is stopped with is not among them."""
    sigmask: list[str]
    """The names of the signals that the thread blocks; assign a list of names or numbers to change that."""
    frame: Frame
    """The innermost frame of the stack."""
    frames: list[Frame]
    """The stack, innermost frame first, at most 10000 of them. unwind_error says why it ends early, if it does."""
    unwind_error: str | None
    """Why the stack cannot be followed beyond frames, or that there are more than those; None if the last one is the outermost."""
    def cont(self, sig: Any = None, timeout: Any = None, only: Any = False) -> Stop:
        """Let the target go on until something stops it. The pending signal is delivered; sig, a number or name, replaces it, and 0 drops it. After timeout seconds the target is stopped with reason "timeout". only holds the other threads."""
        ...
    def step(self, n: Any = 1, until: Any = None, out_of: Any = None, over: Any = False, timeout: Any = None, only: Any = False) -> Stop:
        """Execute n instructions. A signal or breakpoint that comes first ends that there. until goes on until it holds: an expression in registers and memory, such as "rax == 3", which the engine evaluates after each step (help("breakpoint.when") tells what it may say; hits is the number of steps so far), or a function of the stop, which is slower. out_of goes on until the thread has left a range of addresses: a pair (start, end), end not included, or a symbol that has a size. With either of them n is the most steps, and there is no limit unless it is given; at that limit the reason is "limit". over makes one step of a call with all that it calls, and of a signal's handler. only holds the other threads."""
        ...
    def next(self, timeout: Any = None, only: Any = False) -> Stop:
        """Execute one instruction, a call with all that it calls. If longjmp or an exception leads out of the function instead, it ends where the thread goes on, behind setjmp or where the exception is caught. A program that is linked statically and stripped does not tell."""
        ...
    def step_line(self, timeout: Any = None, only: Any = False) -> Stop:
        """Run until another line of source begins, or the function returns. Functions that have lines are gone into, behind their prologue, those that were inlined and begin at the pc of a breakpoint without executing anything; others run to their ends. Where no line is known it is one instruction. If longjmp or an exception leads out of the function instead, it ends where the thread goes on, behind setjmp or where the exception is caught. A program that is linked statically and stripped does not tell."""
        ...
    def next_line(self, timeout: Any = None, only: Any = False) -> Stop:
        """Run until another line of source begins, or the function returns. Functions that are called, and those that were inlined, run to their ends. If longjmp or an exception leads out of the function instead, it ends where the thread goes on, behind setjmp or where the exception is caught. A program that is linked statically and stripped does not tell."""
        ...
    def finish(self, timeout: Any = None, only: Any = False, frame: Any = None) -> Stop:
        """Run until the function returns, or that of a frame further out; inner activations of the same function do not count. The stop's value is then what it returned, as an unsigned word: rax, where integers and pointers are. A float or double is in xmm0 and not in value. If longjmp or an exception leads out of the function instead, it ends where the thread goes on, behind setjmp or where the exception is caught. A program that is linked statically and stripped does not tell. value is None then, and in a handler where another thread comes first to the end of the verb around it. std/calls.star sees calls end without running them."""
        ...
    def until(self, loc: Any, timeout: Any = None, only: Any = False) -> Stop:
        """Run until the thread comes to a location. A name that nothing has yet is looked up when the program has loaded its libraries; it is an error then if nothing has it."""
        ...
    def suspend(self) -> None:
        """Hold the thread back when its process goes on."""
        ...
    def resume(self) -> None:
        """Undo suspend."""
        ...
    def set_step(self) -> None:
        """Make the thread stop after one instruction, with reason "step", whenever its process goes on."""
        ...
    def clear_step(self) -> None:
        """Undo set_step."""
        ...
    def syscall(self, name: Any, *args: Any) -> int:
        """Let the thread make a system call, given by name or number, and return what that returns; a negative errno is an error. Arguments are ints, values that are numbers or have an address, or bytes and strings, which are copied onto the thread's stack with a zero byte behind them and passed as addresses. The other threads stay stopped, and the thread is afterwards where it was. It needs the permission syscall."""
        ...
    def call(self, fn: Any, *args: Any, timeout: Any = None, only: Any = False) -> int:
        """Let the thread call a function and return rax, as an unsigned word; eval returns what a function returns with its type. Arguments are those of syscall, and floats, which are doubles unless the function's debug information has other parameters, and values of structures, which are passed as those are where it has one. The other threads run meanwhile, unless only holds them, and breakpoints call their handlers. The thread is afterwards where it was. If a signal, a breakpoint or another stop surfaces first, or timeout seconds are over, the call is undone likewise, and the error tells what came and where. It needs the permission write."""
        ...
    def var(self, name: Any) -> Value:
        """The variable that a name means outside of functions, as process.var finds it; a thread-local one is this thread's."""
        ...
    def eval(self, expr: Any, call: Any = False, timeout: Any = None, only: Any = False, names: Any = None) -> Value:
        """Evaluate an expression of C or C++ in the innermost frame, as frame.eval does."""
        ...
    def unwind(self, rip: Any, rsp: Any, **kwargs: Any) -> list[Frame]:
        """Return the stack, innermost frame first, that the thread would have with other registers: those that a coroutine or longjmp's buffer has saved, or that are right where the real ones are not. rbp and the others help where they are known. Registers of such frames cannot be written."""
        ...

class Type:
    """A type of the program. Its str is its definition in C.

    >>> t = p.type("struct option")
    >>> [t.name, t.kind, t.size, [f.name for f in t.fields]]
    ["struct option", "struct", 16, ["name", "value"]]
    >>> print(t.layout)
    struct option {
    	const char *name;                                  /*     0     8 */
    	long value;                                        /*     8     8 */

    	/* size: 16, cachelines: 1, members: 2 */
    	/* last cacheline: 16 bytes */
    };"""
    name: str
    """The type as C writes it, such as "struct item *"."""
    size: int | None
    """The size in bytes; None if it is not known or depends on the frame."""
    kind: str
    """"base", "pointer", "reference", "rvalue_reference", "member_pointer", "array", "struct", "class", "union", "enum", "function", "typedef", "const", "volatile", "restrict", "atomic", "unspecified" or "void"."""
    elem: Type | None
    """What a pointer points to, an array's elements, what a function returns, what a typedef, a qualifier or an enumeration stands on."""
    count: int | None
    """The number of elements of an array, along its outermost dimension, if the type tells."""
    strip: Type
    """The type without typedefs and qualifiers."""
    fields: list[Any]
    """The base classes and members of a structure, class or union as structs of name, type, offset (bytes; None of a static member and of a virtual base), bit_offset, bit_size (0 for no bit-field) and base (whether it is a base class)."""
    layout: str
    """The definition of a structure, class or union with the offset and size in bytes of each member, the holes between them, where cache lines of 64 bytes begin, and sums, as pahole prints it. Of any other type, its str."""
    enumerators: dict
    """The constants of an enumeration by name."""
    def pointer(self) -> Type:
        """The type of pointers to it.

        >>> a = p.type("int [3]")
        >>> [a.count, a.elem, a.strip.kind]
        [3, int, "array"]
        >>> a.elem.pointer()
        int *
        >>> a.elem.enumerators
        {}"""
        ...
    def at(self, addr: Any) -> Value:
        """The value of this type at an address of memory.

        >>> t.at(p.addr("options")).name
        0x402000 "width" """
        ...

class Value:
    """A variable of the program, or a part of one, with its type. Its members are its attributes, so that what every value has ends in an underscore; v["name"] is a member too. v[3] and v[1:3] are elements, of an array or behind a pointer, and an array can be iterated and has a len. Its str is that of gdb's print; int, float and bool convert it. With ints, numbers compute as ints and pointers count in elements. v.n == 3 compares its number, where the program has one, and so do two values; a Starlark value of another type is never equal to it: write not v.p, and int(v.n) where it is looked for, as in int(v.n) in [1, 2]. What the compiler has dropped shows as <optimized out>, and its use is an error with the reason. Reading goes to the target each time.

    >>> p = launch("examples/targets/crash", env={}, stdout=CAPTURE)
    >>> v = p.var("options")
    >>> v
    {{name = 0x402000 "width", value = 80}, {name = 0x402006 "height", value = 24}, {name = 0x40200d "depth", value = 8}}
    >>> [str(v.type_), hex(v.address_)]
    ["struct option [3]", "0x403000"]
    >>> v[1].name
    0x402006 "height" """
    type_: Type
    """The type."""
    address_: int | None
    """Where in memory it is; None for what is in a register or nowhere, and for a bit-field."""
    dynamic_: Value
    """The object of the class that the object really has, which its vtable tells; itself if it has none. A pointer or reference is followed."""
    error_: str | None
    """Why there is no value, such as that the compiler has dropped it."""
    def deref_(self, object: Any = None) -> Value:
        """What a pointer points to or a reference refers to; of a pointer to member, the member of an object, which is a value or a pointer to one. Nothing is read of it yet.

        >>> first = v[0].name
        >>> first.deref_()
        119 'w'
        >>> first.cast_("long")
        4202496"""
        ...
    def cast_(self, type: Any) -> Value:
        """The value converted to a type or the name of one, such as "struct item *" or "int (*)[3]".

        >>> first = v[0].name
        >>> first.deref_()
        119 'w'
        >>> first.cast_("long")
        4202496"""
        ...
    def read_(self) -> Value:
        """The number as an int, float or bool, characters as a str, a structure as a dict and an array as a list of what they hold. It is an error for more than 16384 parts, and for what cannot be read.

        >>> print(first.string_())
        width
        >>> len(v.bytes_())
        48
        >>> p.var("noptions").read_()
        3"""
        ...
    def bytes_(self) -> bytes:
        """The bytes of the value, as they are in memory.

        >>> print(first.string_())
        width
        >>> len(v.bytes_())
        48
        >>> p.var("noptions").read_()
        3"""
        ...
    def string_(self, max: Any = 4096) -> bytes:
        """The characters of an array or behind a pointer to characters, up to a zero and max bytes at most; of a string of Go or Rust, all up to max bytes.

        >>> print(first.string_())
        width
        >>> len(v.bytes_())
        48
        >>> p.var("noptions").read_()
        3"""
        ...
    def set_(self, x: Any) -> None:
        """Write a number, or bytes of the value's size, to its memory or register. One that does not fit is an error. It needs the permission write.

        >>> v[0].value.set_(7)
        >>> int(v[0].value)
        7"""
        ...

class Watchpoint:
    """A watchpoint, which uses debug registers of the CPU.

    >>> p.restart().reason
    "exec"
    >>> b.remove()
    >>> w = p.watch(p.eval("&options[1].value"), access="w")
    >>> w
    <watchpoint 3 on w of 8 bytes at 0x403018, 0 hits>
    >>> [w.id, hex(w.addr), w.size, w.access, w.process == p, w.when, w.enabled]
    [3, "0x403018", 8, "w", True, None, True]
    >>> type(w.hw)
    "bool" """
    id: int
    """Its number, counted from 1 in each process together with breakpoints."""
    addr: int
    """The address of the memory that is watched."""
    size: int
    """The number of bytes that are watched; of no meaning for "x"."""
    access: str
    """"w", "rw" or "x"."""
    when: str | None
    """The condition as it was given, if it was an expression: those of breakpoints are the same."""
    ignored: int
    """How many of its next hits count but neither reach the handler nor surface, as change set it."""
    hits: int
    """How often it was hit, those hits counted that a handler let go on."""
    old: int | None
    """What the memory held before the last hit, as an unsigned int of its size; None for "x"."""
    new: int | None
    """What the memory held at the last hit, or when it was set; None for "x"."""
    enabled: bool
    """Whether it can be hit; assign to it to change that. One that was removed, as exec does, cannot be enabled."""
    hw: bool
    """Whether the CPU's debug registers do the work. Where they do not trap, as in some virtual machines, the target makes steps, which are a thousand times slower."""
    process: Process
    """The process that it is set in."""
    def change(self, when: Any = None, handler: Any = None, ignore: Any = None) -> None:
        """Give it another condition or handler, which are those of process.breakpoint, or let its next hits pass: ignore is their number. What is None stays as it is; when="" takes the condition away.

        >>> w.change(ignore=1)
        >>> w.ignored
        1"""
        ...
    def remove(self) -> None:
        """Remove the watchpoint; removing twice is no error.

        >>> w.remove()"""
        ...

CAPTURE: Any
"""For launch: keep what the target writes to stdout or stderr, as p.stdout.data.

>>> p = launch("examples/targets/crash", stdout=CAPTURE)
>>> p.stop.reason
"exec" """

PIPE: Any
"""For launch: connect a standard stream of the target to the script, as p.stdin, p.stdout or p.stderr.

>>> p = launch("cat", stdin=PIPE, stdout=PIPE)
>>> p.stdin.write("one\\ntwo\\n")
>>> p.stdin.close()"""

STOP: Any
"""What a handler returns to surface its stop from the verb that is running.

>>> names = []
>>> def handler(stop):
...     names.append(p.read_cstr(p.regs.rdi))
...     return STOP if len(names) == 2 else None
...
>>> b = p.breakpoint("set_option", handler)
>>> p.cont()
[4242] breakpoint 1 at 0x401222 in set_option at crash.c:78
>>> names
[b"width", b"height"]
>>> b.remove()"""

def apropos(word: Any) -> str:
    """List what of the manual and of the commands has a word, a line each.

    >>> "greet" in apropos("hello")
    True"""
    ...

args: list[str]
"""The script's arguments."""

def attach(pid: Any, follow: Any = "parent", wait: Any = False, timeout: Any = None) -> Process:
    """Trace a running process, with every thread stopped. It is let go when the script ends. pid may be the name or path of the program of one process. With wait it is one that starts from now on, or begins to run the program, and is waited for, for timeout seconds at most; it is looked for a thousand times a second, so one that lives shorter may be missed. follow is that of launch. It needs the permission attach.

    >>> def look(pid):
    ...     p = attach(pid)
    ...     print("\\n".join([str(f) for f in p.frames]))
    ...     p.detach()
    ...
    >>> attempt(attach, 0)
    (None, attach to 0: no such process)"""
    ...

def attempt(fn: Any, *args: Any, **kwargs: Any) -> tuple[Any, Error | None]:
    """Call fn and return (value, None), or (None, error) if it fails. It does not stop exit, an interrupt or a limit.

    >>> value, err = attempt(p.read, 0x10, 8)
    >>> err.errno
    "EFAULT"
    >>> attempt(p.read_u8, "text")
    (119, None)"""
    ...

def command(names: Any, fn: Any, repeat: Any = None, block: Any = False, doc: Any = None, complete: Any = None) -> None:
    """Make fn a command: a line of the REPL that is not Starlark and begins with one of names, which are divided by spaces, calls it with the rest of the line as a str. A str that fn returns is shown as text, anything but None as a value, which is "_" then. The docstring of fn, or doc, is the help for it. An empty line after it calls repeat, if given, with the same words. With block the lines below it belong to it, up to one that says end, and fn gets all of them: with True they are commands, which may have blocks of their own, with "text" they are any. complete tells what may stand at the end of the line: it is called with the words before that, and returns a list of str, or None for names of the program. For a function may stand where it is, as in "std/moves.star:cont", a module of std or an absolute path; it is loaded when it is needed first. A name that has a command already gets another one.

    >>> def greet(rest):
    ...     \"\"\"Says hello.\"\"\"
    ...     return "hello " + rest
    ...
    >>> command("greet", greet)
    >>> print(run_command("greet you"))
    hello you"""
    ...

env: Any
"""The debugger's environment. It needs the permission env to be there."""

def exit(code: Any = 0) -> None:
    """End the script with an exit code of 0 to 255. What it launched is killed, what it attached to is detached.

    >>> def check(ok):
    ...     if not ok:
    ...         exit(3)
    ...
    >>> check(True)"""
    ...

def fit(text: Any, width: Any) -> str:
    """Cut each line of a text to a number of columns, of which what paint adds takes none.

    >>> paint("a\\tb\\x1b[31m", "bold") != "a\\tb"
    True
    >>> fit("a long line", 6)
    "a lon…" """
    ...

def format(x: Any, spec: Any) -> str:
    """Format a value as Python's format does: spec is [[fill]align][sign][#][0][width][,_][.precision][type], where align is <, >, ^ or = (behind the sign), and type b, d, o, x, X, e, f, g, %, s or none. What sets colors takes no columns.

    >>> [format(3.14159, "8.2f"), format(1234567, ","), format(255, "#06x"), format("left", "8") + "|", format("right", ">8"), format(0.25, ".1%")]
    ["    3.14", "1,234,567", "0x00ff", "left    |", "   right", "25.0%"]"""
    ...

def groups(pattern: Any, text: Any, all: Any = False) -> list[str] | None:
    """Return what the first match of a regular expression, in Go's syntax, is and what each of its groups has matched, or None for a group that took no part; None if it matches nowhere. With all, return a list of what each of the matches has, one behind the other.

    >>> groups(r"^(\\w+)=(\\d+)", "VmRSS=1204 kB")
    ["VmRSS=1204", "VmRSS", "1204"]
    >>> [addr for _, addr in groups("(0x[0-9a-f]+)", "from 0x10 to 0x20", all=True)]
    ["0x10", "0x20"]"""
    ...

def help(x: Any = None) -> None:
    """Print what there is to know about a value, a function, or a name such as "process.read"; without x, list what is predeclared.

    >>> help("process.kill")
    process.kill()
        Kill the process and wait for its end.

            >>> cat.kill()
            >>> cat.exit_signal
            9"""
    ...

def hex(x: Any, width: Any = 0) -> str:
    """Format an int in hexadecimal, with at least width digits.

    >>> hex(255)
    "0xff"
    >>> hex(255, 8)
    "0x000000ff" """
    ...

def hex_pattern(pattern: Any) -> Any:
    """Compile bytes in hexadecimal for find, in which ? stands for any digit and, alone between spaces, for any byte, as debuggers and YARA write them: "48 8b ?? ?4", "e8 ? ? ? ?". There may be up to 1024 bytes, and one digit must be given.

    >>> [hex(a) for a in p.find(hex_pattern("63 6f ?? ?f 75 72 3d"), start="text", max=2)]
    ["0x403055"]"""
    ...

def hexdump(data: Any, addr: Any = 0) -> str:
    """Format bytes sixteen a line, in hexadecimal and as text; addr is the address of the first.

    >>> print(hexdump(b"GET / HTTP/1.1\\r\\n", 0x1000))
    0000000000001000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  |GET / HTTP/1.1..|"""
    ...

def i16(x: Any) -> int:
    """Wrap an int to a signed number of 16 bits.

    >>> [u8(0x1ff), u16(-1), u32(-1), u64(-1) == (1 << 64) - 1]
    [255, 65535, 4294967295, True]
    >>> [i8(0xff), i16(0x8000), i32(0xffffffff), i64(1 << 63) == -(1 << 63)]
    [-1, -32768, -1, True]"""
    ...

def i32(x: Any) -> int:
    """Wrap an int to a signed number of 32 bits.

    >>> [u8(0x1ff), u16(-1), u32(-1), u64(-1) == (1 << 64) - 1]
    [255, 65535, 4294967295, True]
    >>> [i8(0xff), i16(0x8000), i32(0xffffffff), i64(1 << 63) == -(1 << 63)]
    [-1, -32768, -1, True]"""
    ...

def i64(x: Any) -> int:
    """Wrap an int to a signed number of 64 bits.

    >>> [u8(0x1ff), u16(-1), u32(-1), u64(-1) == (1 << 64) - 1]
    [255, 65535, 4294967295, True]
    >>> [i8(0xff), i16(0x8000), i32(0xffffffff), i64(1 << 63) == -(1 << 63)]
    [-1, -32768, -1, True]"""
    ...

def i8(x: Any) -> int:
    """Wrap an int to a signed number of 8 bits.

    >>> [u8(0x1ff), u16(-1), u32(-1), u64(-1) == (1 << 64) - 1]
    [255, 65535, 4294967295, True]
    >>> [i8(0xff), i16(0x8000), i32(0xffffffff), i64(1 << 63) == -(1 << 63)]
    [-1, -32768, -1, True]"""
    ...

def launch(argv: Any, env: Any = None, cwd: Any = None, stdin: Any = None, stdout: Any = None, stderr: Any = None, aslr: Any = False, tty: Any = None, limits: Any = None, pin: Any = True, filter: Any = None, follow: Any = "parent", group: Any = False) -> Process:
    """Start a program, stopped at its first instruction. argv is a list, or a string that is split into words as a shell does; no shell runs. env is a dict that replaces the environment, which a script that has not the permission env starts empty. stdin is bytes, a path or PIPE; stdout and stderr are a path, which is created and truncated, PIPE or CAPTURE; None is the debugger's own. aslr lets the kernel randomise the address space. limits is a dict of cpu (seconds), memory (bytes), files, core and fsize (bytes of a core and of any file) and procs. pin lets the debugger share a CPU with the target while stops come fast. filter names the system calls, as on takes them, that hooks will ask for: those stop faster then, and the others cost nothing. Such a process and its children cannot be let go; they end with the script. follow says what becomes of the children that it makes with fork or vfork, and of theirs: with "parent" they are let go unless catch or on asks for them; with "both" they stay, as if catch("fork") and catch("vfork") had been called in each process; with "child" that stop surfaces too, but its process has been let go by then, and stop.child is the one to go on with. tty gives the program a terminal of its own, in a session of its own: with True it is worked by p.stdin and p.stdout, and a path is that of another one. In the REPL it has one unless False or a stream is given, whose output is shown, and what is typed while it runs goes there. group gives it a process group of its own, as a session does anyway: what it sends to its group, by kill(0, n), does not reach the debugger. Of a terminal that they share it is in the background then, and is stopped when it reads from it. It needs the permission launch.

    >>> p = launch("examples/targets/crash", stdout=CAPTURE)
    >>> p.stop.reason
    "exec" """
    ...

def list_dir(path: Any = ".", details: Any = False) -> list[str]:
    """List the names in a directory, in order. With details, each is a struct of name, type ("file", "dir", "link" or "other") and size in bytes, which is 0 unless it is a file. It needs the permission fs.

    >>> list_dir("examples/embed")
    ["main.go"]
    >>> [(f.name, f.type) for f in list_dir("examples", details=True) if f.type == "dir"]
    [("embed", "dir"), ("targets", "dir")]"""
    ...

def log(*args: Any) -> None:
    """Print to standard error, with the time.

    >>> log("seen", names)
    12:00:00.000000 seen [b"width", b"height"]"""
    ...

def matches(pattern: Any, text: Any) -> bool:
    """Report whether a regular expression, in Go's syntax, matches somewhere in a str or bytes; ^ and $ are its ends.

    >>> matches("^v[0-9.]+$", "v1.2")
    True"""
    ...

def module(name: Any, **kwargs: Any) -> Any:
    """Return a module with the given members.

    >>> m = module("limits", most=3)
    >>> m.most
    3"""
    ...

def observe(pid: Any) -> Observed:
    """Look at a running process without stopping or tracing it. It needs what attach needs. It needs the permission attach.

    >>> o = observe(p.pid)
    >>> o.read_cstr("text")
    0000000000000000  77 69 64 74 68                                    |width|"""
    ...

def pack(fmt: Any, *args: Any) -> bytes:
    """Pack values as a format of Python's module struct says, little-endian unless told.

    >>> pack("<IH2s", 7, 1, b"ab") == b"\\x07\\x00\\x00\\x00\\x01\\x00ab"
    True"""
    ...

def paint(text: Any, style: Any = "") -> str:
    """Return text with all in it that controls a terminal written as in a string, and in a style if colors are shown: words such as "bold", "dim", "red", "green", "yellow", "blue", "magenta" and "cyan".

    >>> paint("a\\tb\\x1b[31m", "bold") != "a\\tb"
    True
    >>> fit("a long line", 6)
    "a lon…" """
    ...

def printer(pattern: Any, fn: Any, member: Any = None) -> None:
    """Have fn show the values of the types that match a pattern, in which * stands for any text, such as "std::vector<*>". fn takes the value and returns a string, or a list, dict or struct of parts to show. member takes a value, an operator such as "[]", "*", "->" or "==" or the name of a method, and its argument or None, and returns what that is in an expression such as v[1] or v.size(), or None. The last printer given for a type is used, and None takes the one of a pattern away. Those of std/cxx.star are there from the start: printer("std::vector<*>", None) has vectors shown as they are in memory, and its function register brings all back.

    >>> printer("option", lambda v: "%s=%d" % (v.name.string_(), int(v.value)))
    >>> p.eval("options[0]")
    b"width"=640
    >>> printer("option", str, member=lambda v, op, key: v.value if op == "*" else None)
    >>> p.eval("*options[0] / 2")
    320
    >>> printer("option", None)"""
    ...

def processes(name: Any = None) -> list[Any]:
    """List the processes of the machine as structs of pid, exe, argv and uid; only those whose program or command name is name, if given. It needs the permission attach.

    >>> len(processes()) > 1
    True
    >>> [x.argv for x in processes("crash") if x.pid == p.pid]
    [["examples/targets/crash"]]"""
    ...

def range(start: Any, stop: Any = None, step: Any = 1) -> Any:
    """Starlark's range, the ints from start, or from 0 if it is alone, to below stop. x in range(start, stop) holds for addresses too.

    >>> [i for i in range(3, 0, -1)]
    [3, 2, 1]
    >>> 0x7fff00001008 in range(0x7fff00001000, 0x7fff00002000)
    True"""
    ...

def read_file(path: Any) -> bytes:
    """Return what is in a file, at most 1073741824 bytes. It needs the permission fs.

    >>> write_file("/tmp/tracelark-example.txt", "three lines\\n")
    >>> print(len(read_file("/tmp/tracelark-example.txt")))
    12"""
    ...

def regex(pattern: Any) -> Any:
    """Compile a regular expression for find, in Go's syntax. It matches bytes: \\xff is one, and . any but a newline. A match of more than 65536 bytes may be missed, and an empty one is none. Memory has no ends for ^ and $, which need the flag (?m) and match at newlines then.

    >>> [hex(a) for a in p.find(regex("[a-z]+=[0-9]+"), start="text", max=2)]
    ["0x403055"]"""
    ...

def run_command(line: Any, text: Any = False) -> Value:
    """Run a line of words as a command, such as "x/4gx $rsp", and return what it returns, or with text what the REPL shows of that, a str or None. Of a name the beginning suffices, if no other command's name begins so.

    >>> def greet(rest):
    ...     \"\"\"Says hello.\"\"\"
    ...     return "hello " + rest
    ...
    >>> command("greet", greet)
    >>> print(run_command("greet you"))
    hello you"""
    ...

def shell(line: Any, input: Any = None) -> int:
    """Run a line with the user's shell, $SHELL or sh, untraced, and return its exit code, or 128 and the number of the signal that has ended it. It has the debugger's standard streams, but input, a str or bytes, for its standard input if given. It needs the permission env to have the debugger's environment. It needs the permission launch.

    >>> shell("grep -c o", input="one\\ntwo\\nthree\\n")
    2
    0"""
    ...

def shown(value: Any, text: Any) -> Value:
    """What a command returns to have a text shown for its value, which is "_" then, and what run_command returns.

    >>> command("answer", lambda rest: shown(42, "the answer is 42"))
    >>> run_command("answer") + 1
    43"""
    ...

def sleep(seconds: Any) -> None:
    """Let time pass; an interrupt or a limit of the script ends it. Targets are not waited for: p.cont(timeout=seconds) is what lets one run so long.

    >>> start = time.now()
    >>> sleep(0.05)
    >>> (time.now() - start).seconds >= 0.05
    True"""
    ...

def sorted(iterable: Any, key: Any = None, reverse: Any = False) -> list:
    """Starlark's sorted: a new list of the elements in ascending order, or descending with reverse, by what the function key makes of each. Equal ones keep their order.

    >>> sorted(["b", "aa"], key=len)
    ["b", "aa"]"""
    ...

def split_commands(text: Any) -> list[str]:
    """Divide lines into commands, each with the lines of its block and the line that ends it. Blank lines and those that begin with # are left out.

    >>> command("block", lambda rest: None, block=True)
    >>> split_commands("block 1\\n  greet you\\nend\\ngreet me")
    ["block 1\\n  greet you\\nend", "greet me"]"""
    ...

def split_words(line: Any) -> list[str]:
    """Split the line of a program and its arguments into words as launch and a shell do: at blanks that neither quotes nor a backslash protect. Nothing is expanded. A list is taken as the words that it has.

    >>> split_words("grep -e 'a b' \\"c\\"d")
    ["grep", "-e", "a b", "cd"]"""
    ...

def struct(**kwargs: Any) -> Any:
    """Return a value with the given attributes.

    >>> s = struct(name="width", value=640)
    >>> s.value
    640"""
    ...

def syscalls(names: Any = None) -> list[str]:
    """Return the names of system calls: those that names has, in the form that on takes, or all.

    >>> syscalls(["%network"])[:3]
    ["sendfile", "socket", "connect"]"""
    ...

def tempdir(name: Any = "", keep: Any = None) -> str:
    """Make a folder in the one for temporary files, which is removed when the session ends, and return its path. With a name it is the same one each time. keep, a list of names, is for a folder in which a target finds its files: all else that is in it is removed, and what is no file to read and write; other users, as whom a target may go on, can reach by name what is made in it. It needs the permission fs.

    >>> tempdir("mine") == tempdir("mine")
    True"""
    ...

def u16(x: Any) -> int:
    """Wrap an int to an unsigned number of 16 bits.

    >>> [u8(0x1ff), u16(-1), u32(-1), u64(-1) == (1 << 64) - 1]
    [255, 65535, 4294967295, True]
    >>> [i8(0xff), i16(0x8000), i32(0xffffffff), i64(1 << 63) == -(1 << 63)]
    [-1, -32768, -1, True]"""
    ...

def u32(x: Any) -> int:
    """Wrap an int to an unsigned number of 32 bits.

    >>> [u8(0x1ff), u16(-1), u32(-1), u64(-1) == (1 << 64) - 1]
    [255, 65535, 4294967295, True]
    >>> [i8(0xff), i16(0x8000), i32(0xffffffff), i64(1 << 63) == -(1 << 63)]
    [-1, -32768, -1, True]"""
    ...

def u64(x: Any) -> int:
    """Wrap an int to an unsigned number of 64 bits.

    >>> [u8(0x1ff), u16(-1), u32(-1), u64(-1) == (1 << 64) - 1]
    [255, 65535, 4294967295, True]
    >>> [i8(0xff), i16(0x8000), i32(0xffffffff), i64(1 << 63) == -(1 << 63)]
    [-1, -32768, -1, True]"""
    ...

def u8(x: Any) -> int:
    """Wrap an int to an unsigned number of 8 bits.

    >>> [u8(0x1ff), u16(-1), u32(-1), u64(-1) == (1 << 64) - 1]
    [255, 65535, 4294967295, True]
    >>> [i8(0xff), i16(0x8000), i32(0xffffffff), i64(1 << 63) == -(1 << 63)]
    [-1, -32768, -1, True]"""
    ...

def unpack(fmt: Any, data: Any) -> tuple:
    """Unpack bytes as a format of Python's module struct says, little-endian unless told. data must have the format's size.

    >>> unpack("<IH", b"\\x07\\x00\\x00\\x00\\x01\\x00")
    (7, 1)"""
    ...

def write(text: Any) -> None:
    """Write a str or bytes to standard output as it is, without the newline that print adds.

    >>> write(b"bytes as they are\\n")
    bytes as they are"""
    ...

def write_file(path: Any, data: Any, append: Any = False) -> None:
    """Make a file of bytes, or replace what is in it; with append, add them to its end. It needs the permission fs.

    >>> write_file("/tmp/tracelark-example.txt", "three lines\\n")
    >>> print(len(read_file("/tmp/tracelark-example.txt")))
    12"""
    ...

def core(path: Any, exe: Any = None, sysroot: Any = None) -> Core:
    """Open a core. Files that the process had mapped are looked for below the directory sysroot, and its program at exe, if given. It needs the permission fs.

        A process as it was when a core was written of it, by the kernel, gdb or save_core. It has what of a process needs nothing to run; its threads, frames and registers are those of a process, for reading. What the core leaves out, such as code, is read from the files that were mapped, if their build IDs are those that the process had or, where they are no ELF files, if they were not written to after the core. The images tell which are not.

    >>> p.save_core("/tmp/tracelark-example.core")
    >>> c = core("/tmp/tracelark-example.core")
    >>> c.frame
    #0 0x401222 in set_option (name=0x40304a <text+10> "height", digits=0x403051 <text+17> "480") at crash.c:78"""
    ...

crashes: Crashes

focus: Focus

json: Json

def program(path: Any, bias: Any = 0) -> Program:
    """Look at the file of a program or library that does not run. bias is added to the addresses that it was linked for. It needs the permission fs.

        The file of a program or library that does not run. It has what of a process needs no thread: code and data are those of the file, as if it had just been loaded and nothing in it been relocated, at the addresses it was linked for plus a bias. It cannot be written to. argv is its path.

    >>> f = program("examples/targets/crash")
    >>> f
    <program examples/targets/crash>
    >>> [f.state, f.argv == [f.exe], f.symbol("main").name]
    ["file", True, "main"]
    >>> [p.program.exe == p.exe, p.program.addr("main") == p.addr("main")]
    [True, True]"""
    ...

ptrace: Ptrace

math: Any
time: Any

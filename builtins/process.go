package builtins

import (
	"fmt"

	"go.starlark.net/starlark"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer"
)

// A process is a traced process, or one in a core. There is one value for each, so
// that processes are equal if they are the same.
type process struct {
	handle
	env     *Env
	p       *tracer.Process  // nil for a core, one that is observed, and a program
	seen    *tracer.Observed // nil unless that
	file    *tracer.Program  // nil unless it is a program
	in      target           // p, core, seen or file
	threads map[*tracer.Thread]*thread
	last    *thread // the one that was asked for last
	away    bool    // background let it go on, and wait has not returned its stop

	core *tracer.Core // nil for a live process
	dead []*thread    // of core

	stdin          *input    // nil unless a PIPE
	stdout, stderr *output   // nil unless a PIPE or CAPTURE
	past           []*output // of the process before it was restarted, while children write

	launching *launching // nil unless it was launched
	first     int        // the ID that it had before it was restarted

	word [8]byte // what read_… and write_… move
}

// process returns the value that stands for p.
func (e *Env) process(p *tracer.Process) *process {
	v, ok := e.processes[p]
	if !ok {
		v = &process{env: e, p: p, first: p.PID}
		e.add(v)
	}
	return v
}

// add makes p the value that stands for its process, and forgets those of which
// nothing more will come.
func (e *Env) add(p *process) {
	for q, v := range e.processes {
		if q.State() != tracer.Exited {
			continue
		}
		v.closeStdin()
		if v.streamsEnded() {
			delete(e.processes, q)
		}
	}
	p.in = p.p
	p.threads = make(map[*tracer.Thread]*thread)
	e.processes[p.p] = p
	p.p.Quieten(e.Quiet...)
	if e.TTY != nil { // somebody has pressed ^Z, and waits for a prompt
		p.p.On(tracer.HookOptions{Reason: tracer.ReasonJobStop})
		p.p.On(tracer.HookOptions{Reason: tracer.ReasonSignal, Signal: int(unix.SIGTSTP), Fallback: true, Handler: func(s *tracer.Stop) (bool, error) {
			return !s.Handled(), nil // the default is to do nothing, in a session of its own
		}})
	}
}

// thread returns the value that stands for t.
func (p *process) thread(t *tracer.Thread) *thread {
	if p.last != nil && p.last.t == t {
		return p.last
	}
	v, ok := p.threads[t]
	if !ok {
		for t := range p.threads {
			if t.Gone() {
				delete(p.threads, t)
			}
		}
		v = &thread{p: p, t: t, in: t}
		v.regs.t = v
		p.threads[t] = v
	}
	p.last = v
	return v
}

// current returns the thread that stopped last, for an operation op.
func (p *process) current(op string) (*thread, error) {
	switch {
	case p.core != nil:
		return p.crashed(op)
	case p.seen != nil:
		if threads := p.seen.Threads(); len(threads) > 0 {
			return p.watched(threads[0]), nil
		}
		return nil, &tracer.Error{Op: op, TID: p.pid(), Err: tracer.ErrExited}
	case p.file != nil:
		return nil, &tracer.Error{Op: op, Err: tracer.ErrNotRunning}
	}
	if t := p.p.Thread(); t != nil {
		return p.thread(t), nil
	}
	err := tracer.ErrExited
	if p.p.State() == tracer.Detached {
		err = tracer.ErrDetached
	}
	return nil, &tracer.Error{Op: op, TID: p.p.PID, Err: err}
}

var processClass = newClass("process",
	"A traced process. All its threads are stopped whenever a script can look. What a thread does, step, regs and the like, is there on the process too, for the thread that stopped last.",
	[]attribute[*process]{
		{"pid", "int", "The process ID.", func(p *process) (starlark.Value, error) {
			return starlark.MakeInt(p.pid()), nil
		}},
		{"exe", "str", "The path of the program that runs.", func(p *process) (starlark.Value, error) {
			return starlark.String(p.in.Exe()), nil
		}},
		{"program", "program", "The file of the program that runs, at the addresses where it is: what can be looked at of a process that has ended.", (*process).ran},
		{"argv", "list of str", "The arguments that the program was started with, its name first.", func(p *process) (starlark.Value, error) {
			return listOf(p.in.Argv(), newString), nil
		}},
		{"state", "str", "\"stopped\", \"running\", \"exited\" or \"detached\".", func(p *process) (starlark.Value, error) {
			return starlark.String(p.state()), nil
		}},
		{"exit_code", "int or None", "The code that the process exited with.", func(p *process) (starlark.Value, error) {
			return optionalInt(p.p.ExitCode()), nil
		}},
		{"exit_signal", "int or None", "The signal that killed the process.", func(p *process) (starlark.Value, error) {
			return optionalInt(p.p.ExitSignal()), nil
		}},
		{"job_stopped", "bool", "Whether job control holds the process, by a signal such as SIGTSTP: its threads wait for SIGCONT, which cont(sig=\"SIGCONT\") sends, and do not go on before.", func(p *process) (starlark.Value, error) {
			return starlark.Bool(p.p.JobStopped()), nil
		}},
		{"quiet_signals", "list of str", "The names of the signals that the process gets without a stop unless on or catch asks for them. Those that it ignores it never stops for unasked.", func(p *process) (starlark.Value, error) {
			var sigs []starlark.Value
			for sig := 1; sig <= 64; sig++ {
				if p.p.Quiet(sig) && (sig != int(unix.SIGTSTP) || p.env.TTY == nil) {
					sigs = append(sigs, starlark.String(tracer.SignalName(sig)))
				}
			}
			return starlark.NewList(sigs), nil
		}},
		{"threads", "list of thread", "The threads, the oldest first; none when the process is gone.", func(p *process) (starlark.Value, error) {
			return listOf(p.p.Threads(), func(t *tracer.Thread) starlark.Value { return p.thread(t) }), nil
		}},
		{"children", "list of process", "The children that are held, the oldest first: those that it has made since follow=\"both\" or catch asked for them, and that have neither ended nor been detached.", func(p *process) (starlark.Value, error) {
			return listOf(p.p.Children(), func(q *tracer.Process) starlark.Value { return p.env.process(q) }), nil
		}},
		{"thread", "thread or None", "The thread that stopped last; None when the process is gone.", func(p *process) (starlark.Value, error) {
			if t := p.p.Thread(); t != nil {
				return p.thread(t), nil
			}
			return starlark.None, nil
		}},
		{"stop", "stop", "The last stop. After launch its reason is \"exec\", after attach \"interrupt\".", func(p *process) (starlark.Value, error) {
			return p.stop(p.p.Stop()), nil
		}},
		{"pending", "list of siginfo", "The signals that were sent to the process and wait for a thread that does not block them. A thread's pending has those sent to it too.", func(p *process) (starlark.Value, error) {
			return queued(p.p.Queued())
		}},
		{"descriptors", "dict", "What the open descriptors stand for, by number, as descriptor tells it.", (*process).descriptors},
		{"regs", "regs", "The registers of the thread that stopped last.", (*process).regs},
		{"frame", "frame", "The innermost frame of the thread that stopped last.", func(p *process) (starlark.Value, error) {
			t, err := p.current("unwind")
			if err != nil {
				return nil, err
			}
			return t.frame()
		}},
		{"frames", "list of frame", "The stack of the thread that stopped last, the innermost frame first.", func(p *process) (starlark.Value, error) {
			t, err := p.current("unwind")
			if err != nil {
				return nil, err
			}
			return t.frames()
		}},
		{"images", "list of image", "The ELF files that are mapped for execution, the program first.", func(p *process) (starlark.Value, error) {
			images, err := p.in.Images()
			if err != nil {
				return nil, err
			}
			return listOf(images, newImage), nil
		}},
		{"main_image", "image", "The program's own ELF file.", func(p *process) (starlark.Value, error) {
			im, err := p.in.MainImage()
			if err != nil {
				return nil, err
			}
			return newImage(im), nil
		}},
		{"maps", "list of mapping", "What is mapped, in order of address.", func(p *process) (starlark.Value, error) {
			maps, err := p.in.Maps()
			if err != nil {
				return nil, err
			}
			return listOf(maps, newMapping), nil
		}},
		{"breakpoints", "list of breakpoint", "The breakpoints that are set, in the order of their IDs.", func(p *process) (starlark.Value, error) {
			return listOf(p.p.Breakpoints(), func(b *tracer.Breakpoint) starlark.Value { return &breakpoint{p: p, b: b} }), nil
		}},
		{"watchpoints", "list of watchpoint", "The watchpoints that are set, in the order of their IDs.", func(p *process) (starlark.Value, error) {
			return listOf(p.p.Watchpoints(), func(w *tracer.Watchpoint) starlark.Value { return &watchpoint{p: p, w: w} }), nil
		}},
		{"stdin", "input or None", "The target's standard input, if it was launched with stdin=PIPE.", func(p *process) (starlark.Value, error) {
			if p.stdin == nil {
				return starlark.None, nil
			}
			return p.stdin, nil
		}},
		{"stdout", "output or None", "The target's standard output, if it was launched with stdout=PIPE or CAPTURE.", func(p *process) (starlark.Value, error) {
			return p.stdout.value(), nil
		}},
		{"stderr", "output or None", "The target's standard error, if it was launched with stderr=PIPE or CAPTURE.", func(p *process) (starlark.Value, error) {
			return p.stderr.value(), nil
		}},
	},
	concat(
		verbs[*process](),
		switches[*process]("the thread that stopped last"),
		injections[*process](),
		[]method[*process]{
			{"expect", "(needle, timeout=None) -> bytes", "Let the target run until it has written needle to its standard output, and return what it wrote up to and with it that was not read yet. A needle that is a regex has come as soon as what was written so far matches. Any other stop, and the end of timeout seconds, is an error; p.stop tells which.", (*process).expect},
			{"save_core", "(path)", "Write a core of the process to a file, which replaces what is there when it is whole and is for its user alone. It has all memory that the process may have changed, and leaves out what its files have. Breakpoints do not show.", (*process).saveCore},
			{"background", "(sig=None)", "Let the process go on as cont does, with the same sig, and return at once. Until wait has returned its stop, only interrupt, wait, kill and detach are there; observe looks at it meanwhile. What stops it for the debugger alone, such as a handler or a library that is loaded, waits for wait. The REPL shows the stop when it comes.", (*process).background},
			{"wait", "(timeout=None) -> stop or None", "Wait for the stop of a process that background has let go on; None if it has not come after timeout seconds. Handlers are called meanwhile.", (*process).wait},
			{"interrupt", "()", "End the verb that is running, or else the next one, with reason \"interrupt\".", (*process).interrupt},
			{"detach", "(sig=0)", "Let the process go on untraced, with the signal sig instead of a pending one.", (*process).detach},
			{"kill", "()", "Kill the process and wait for its end.", (*process).kill},
			{"restart", "(args=None, stdin=None, stdout=None, env=None, aslr=None) -> stop",
				"Kill what is left of a process that was launched, and launch its program again with the same options; the stop is that of launch. args replaces the arguments behind the program's name, a list or a string that is divided as a shell does, stdin and stdout the streams, env the environment and aslr that, as in launch. Breakpoints, watchpoints, hooks and their handlers stay, with their ids and hits: what was set at an address is where it was in its ELF file, and watchpoints on other memory are removed. The threads, the pid and the standard streams are new; what is written to a path begins anew. Children that are held stay as they are.",
				(*process).restart},
			{"set_follow", "(follow)", "Say what becomes of the children that the process makes from now on; follow is that of launch.", (*process).setFollow},
			{"checkpoint", "() -> checkpoint", "Copy the process, to go back to where it is now, or to make more of it. It is an error if it has several threads.", (*process).checkpoint},
			{"cont_fatal", "(timeout=None, memory=None, send=None, settle=1) -> stop",
				"Let the process, and the children that it makes and theirs, go on until one of them is about to die of a signal (the stop's fatal is true, and its process may be a child), seccomp ends one, which nothing stops before, or the process itself ends. What it leaves behind when it exits goes on until it ends or waits for what only others can bring about, settle seconds at most. Signals that are handled or harmless are delivered, and births and exec let pass. Another stop that surfaces ends it too, such as one at a breakpoint. After timeout seconds all are stopped with reason \"timeout\", and when together they have more than memory bytes in RAM, which is looked at 100 times a second, with \"memory\". send is a pair of a port and bytes: these are sent to 127.0.0.1 as soon as something listens on that port for TCP, and that no more comes; when the server closes the connection then, all are stopped with reason \"interrupt\" as soon as all threads wait where they did before the bytes were sent, or for what only others can bring about, and settle seconds later at most. So they are when the time is over, if it has begun to answer. A thread that sleeps for a time is waited for, as it may crash when that is over. It fails if the processes end or the time is over before something listens. The children stay held (children).",
				(*process).contFatal},
			{"var", "(name) -> value", "The variable that a name means outside of functions: \"counter\", \"ns::counter\", or \"file.c::counter\" where several files have one. Of what each thread has its own, it is that of the thread that stopped last.", (*process).variable},
			{"eval", evalSignature, "Evaluate an expression of C or C++ in the innermost frame of the thread that stopped last, as frame.eval does.", (*process).eval},
			{"type", "(name) -> type", "The type that a name means, with stars and brackets behind it: \"struct item *\", \"int [3]\". The types of C need no debug information.", (*process).typeNamed},
			{"descriptor", "(fd) -> str or None", "Return what a descriptor stands for, such as \"/etc/passwd\" or \"socket:[4242]\"; None if it is not open.", (*process).descriptor},
			{"symbol", "(name_or_addr) -> symbol or None", "Return the symbol of a name or location, or the one that covers an address; None if none does. A name that matches nothing is an error.", (*process).symbol},
			{"symbols", "(pattern=\"*\") -> list of symbol", "Return the symbols of all images whose names match a pattern, as image.symbols does. An image that could not be read has none.", (*process).symbols},
			{"probes", "(pattern=\"*\") -> list of probe", "Return the probes of all images whose PROVIDER:NAME matches a pattern, as image.probes does.", (*process).probes},
			{"unwinder", "(fn)", "Have fn find the callers of frames, as of code that a compiler at run time makes and that no call frame information tells of: fn is called with a dict of the registers of a frame, as far as they are known, rip and rsp always, and returns a dict of the caller's, rip and rsp among them, or None where it cannot tell. Then the frame is unwound as ever. An error ends the stack, and is its unwind_error. Stacks that fn asks for itself are unwound without it. unwinder(None) undoes it.", (*process).unwinder},
			{"name_code", "(names)", "Give names to code that comes from no ELF file, as a compiler at run time makes it: names is a list of (addr, size, name). They are symbols then, of images named \"[code at ADDR]\" for the mappings they lie in, which frames, instructions and locations know. They hold until exec; one at the same address takes the place of another. load(\"std/jit.star\", \"jit\") reads the lists that such compilers write.", (*process).nameCode},
			{"use_debug", "(path, image=None, force=False) -> image", "Have an image take debug information from another file, and symbols if that has any: what was stripped from it, and is not where such files are looked for. Return the image, which is the one that the file's build ID tells, or that has its layout where there are no build IDs. A file of another build is an error, unless image says which it is for and force is true. It holds for this process, the copies that are made of it and restart, whenever the image is mapped. Breakpoints that wait for a name are set where it tells.", (*process).useDebug},
			{"addr", "(loc) -> int", "Return the address of a location. One that matches nothing, or several places, is an error.", (*process).addr},
			{"line", "(addr=None) -> line or None", "Return the line of source that the instruction at an address, or at the pc, comes from; None if the debug information does not tell.", (*process).line},
			{"scope", "(addr=None) -> list of struct", "List the arguments and variables of functions that are in scope at an address or location, or at the pc, whether the process is there or not: those of the innermost function first, within one those of the innermost block. They are structs of name, type, param (whether it is an argument), file and line (of the declaration).", (*process).scope},
			{"disasm", "(addr=None, n=None, syntax=\"intel\", end=None) -> list of inst",
				"Disassemble n instructions at an address or location, or at the pc: 8, or with end all that begin before that address or location, at most 1048576 bytes further. So p.disasm(s, end=s.addr + s.size) is the whole function of a symbol s. syntax is \"intel\" or \"att\". An instruction that is not known is shown as its bytes, such as \".byte 0x0f, 0x0e\". The list ends early where memory does.",
				(*process).disasm},
			{"breakpoint", "(loc, handler=None, when=None, temp=False, hw=False, thread=None, prologue=False, inlined=False) -> breakpoint",
				"Set a breakpoint. handler is called with each stop there: if it returns None the target goes on, if STOP the stop surfaces; without a handler every one does. A hit does not count where when is false: an expression in registers and memory, such as \"rdi == 3 and u32(rsi) > 7\", which the engine evaluates while other threads run (help(\"breakpoint.when\") has all of it), or a function of the stop. temp removes it after its first hit, hw uses one of the CPU's four debug registers and leaves memory as it is, thread lets only that thread hit it. prologue puts it behind the code that makes the frame of a function, where debug information finds its arguments. A function that was inlined wherever it is called is found at all of these places; one that a symbol names is stopped at there alone, unless inlined is true: then at its inlined copies in all images too, which takes reading the names of their whole debug information, a second for 250 MB without an index. A name that is not known yet waits for libraries that are still to be loaded, and what is in a library that is unloaded waits for that to be loaded again. In a process that has ended, and that was launched, all wait for restart.",
				(*process).breakpoint},
			{"cover", "(addrs) -> coverage", "Note which of many addresses are executed. Each is a breakpoint that goes when it is reached for the first time, so code that runs often is slowed once. They must be addresses of instructions, as image.blocks finds them. It ends with exec; children do not take part.", (*process).cover},
			reachRow,
			{"watch", "(addr, size=8, access=\"w\", handler=None, when=None) -> watchpoint",
				"Watch size bytes at an address or location: access is \"w\" for writes, reported when they are done even if the value stays (when=lambda s: s.old != s.new leaves those out), \"rw\" for reads too, \"x\" for the execution of the instruction there. It takes one of the CPU's four debug registers for each aligned 1, 2, 4 or 8 bytes; change of std/watch.star watches more by single steps. Where those registers do not trap, as in some virtual machines, the target makes steps instead, and is a thousand times slower. handler and when are those of breakpoint. What the kernel writes for the target, as in a read, is not seen. Exec removes it, unless it is in an ELF file that the new program has too.",
				(*process).watch},
			{"on", "(event, handler, sig=None, names=None, phase=None, light=False) -> hook", "Call handler with each stop of an event: it returns None to let the target go on, or STOP. event is \"signal\" (sig is the only one, by number or name), \"syscall\" (names is a list of the only ones: names, numbers, patterns such as \"open*\", regular expressions behind a slash such as \"/^open|stat\", and the groups \"%file\", \"%desc\", \"%process\", \"%network\", \"%signal\", \"%ipc\" and \"%memory\"; phase is \"enter\" or \"exit\", or None for both; with light the other threads run while handler does, which costs less, and lets it look and change the call, but set or move nothing), \"fork\", \"vfork\", \"vfork_done\", \"exec\", \"thread\", \"thread_exit\", \"load\" and \"unload\" of libraries, \"job_stop\" (a signal such as SIGTSTP has stopped all threads, which go on with cont(sig=\"SIGCONT\") or when something else sends that), \"killed\", or \"exit\", which is any end of the process.", (*process).on},
			{"catch", "(event, sig=None, names=None, phase=None) -> hook", "Let every stop of an event surface. Events are those of on. Both wait for restart in a process that has ended, and that was launched.", (*process).catch},
		},
		memoryMethods(),
	))

// optionalInt returns n, or None unless ok.
func optionalInt(n int, ok bool) starlark.Value {
	if !ok {
		return starlark.None
	}
	return starlark.MakeInt(n)
}

func newString(s string) starlark.Value { return starlark.String(s) }

// listOf returns a list of what value makes of the elements of s.
func listOf[T any](s []T, value func(T) starlark.Value) *starlark.List {
	elems := make([]starlark.Value, len(s))
	for i, x := range s {
		elems[i] = value(x)
	}
	return starlark.NewList(elems)
}

var _ starlark.HasAttrs = (*process)(nil)

// Hash is the same after a restart.
func (p *process) Hash() (uint32, error) {
	if p.p == nil {
		return uint32(p.pid()), nil
	}
	return uint32(p.first), nil
}

func (p *process) String() string {
	if p.core != nil {
		return fmt.Sprintf("<core %s of process %d>", p.core.Name(), p.pid())
	}
	if p.file != nil {
		return fmt.Sprintf("<program %s>", p.in.Exe())
	}
	return fmt.Sprintf("<%s %d %s>", p.Type(), p.pid(), p.state())
}

// Type returns "process", "core", "observed" or "program".
func (p *process) Type() string {
	switch {
	case p.core != nil:
		return "core"
	case p.seen != nil:
		return "observed"
	case p.file != nil:
		return "program"
	}
	return "process"
}

func (p *process) Attr(name string) (starlark.Value, error) {
	switch {
	case p.core != nil:
		return partAttr(coreClass, processClass, p, "core", "live process", name)
	case p.seen != nil:
		return partAttr(observedClass, processClass, p, "observed process", "process that is traced", name)
	case p.file != nil:
		return partAttr(programClass, processClass, p, "program that does not run", "process", name)
	}
	return processClass.attr(p, name)
}

func (p *process) AttrNames() []string {
	switch {
	case p.core != nil:
		return coreClass.names()
	case p.seen != nil:
		return observedClass.names()
	case p.file != nil:
		return programClass.names()
	}
	return processClass.names()
}

// MarshalJSON encodes what identifies the process and how it is.
func (p *process) MarshalJSON() ([]byte, error) {
	if p.core != nil {
		return encode(struct {
			Core string   `json:"core"`
			PID  int      `json:"pid"`
			Exe  string   `json:"exe"`
			Argv []string `json:"argv"`
		}{p.core.Name(), p.pid(), p.in.Exe(), p.in.Argv()})
	}
	if p.file != nil {
		return encode(struct {
			Exe string `json:"exe"`
		}{p.in.Exe()})
	}
	v := struct {
		PID        int      `json:"pid"`
		Exe        string   `json:"exe"`
		Argv       []string `json:"argv"`
		State      string   `json:"state"`
		ExitCode   *int     `json:"exit_code,omitempty"`
		ExitSignal *int     `json:"exit_signal,omitempty"`
	}{PID: p.pid(), Exe: p.in.Exe(), Argv: p.in.Argv(), State: p.state()}
	if p.seen != nil {
		return encode(v)
	}
	if code, ok := p.p.ExitCode(); ok {
		v.ExitCode = &code
	}
	if sig, ok := p.p.ExitSignal(); ok {
		v.ExitSignal = &sig
	}
	return encode(v)
}

// regs is the hottest attribute after the registers themselves.
func (p *process) regs() (starlark.Value, error) {
	t, err := p.current("read registers")
	switch {
	case err != nil:
		return nil, err
	case p.seen != nil:
		return observedThreadClass.attr(t, "regs")
	}
	return &t.regs, nil
}

func (p *process) interrupt(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	if _, err := p.current(b.Name()); err != nil {
		return nil, err
	}
	p.env.tr.Interrupt()
	return starlark.None, nil
}

func (p *process) detach(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var sig signal
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "sig?", &sig); err != nil {
		return nil, err
	}
	if err := p.p.Detach(int(sig)); err != nil {
		return nil, err
	}
	return starlark.None, nil
}

func (p *process) kill(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	if err := p.p.Kill(); err != nil {
		return nil, err
	}
	p.closeStdin()
	return starlark.None, nil
}

func (p *process) descriptor(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var fd int
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "fd", &fd); err != nil {
		return nil, err
	}
	if fd < 0 {
		return nil, fmt.Errorf("%s: %d is no descriptor", b.Name(), fd)
	}
	return optional(p.p.DescriptorPath(fd)), nil
}

func (p *process) descriptors() (starlark.Value, error) {
	fds, err := p.p.Descriptors()
	if err != nil {
		return nil, err
	}
	d := starlark.NewDict(len(fds))
	for _, fd := range fds {
		d.SetKey(starlark.MakeInt(fd), optional(p.p.DescriptorPath(fd)))
	}
	return d, nil
}

func (p *process) addr(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var loc location
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "loc", &loc); err != nil {
		return nil, err
	}
	addr, err := loc.resolve(p)
	if err != nil {
		return nil, err
	}
	return starlark.MakeUint64(addr), nil
}

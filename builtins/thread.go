package builtins

import (
	"errors"
	"fmt"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/unwind"
)

// A thread is a thread of a traced process. There is one value for each.
type thread struct {
	handle
	p    *process
	t    *tracer.Thread         // nil unless it is traced
	post *tracer.CoreThread     // nil unless it is in a core
	seen *tracer.ObservedThread // nil unless it is observed
	in   task                   // t, post or seen
	regs regs
}

// maxFrames bounds the stacks that scripts see.
const maxFrames = 10000

var threadClass = newClass("thread", "A thread of a traced process.", []attribute[*thread]{
	{"tid", "int", "The thread ID.", func(t *thread) (starlark.Value, error) {
		return starlark.MakeInt(t.tid()), nil
	}},
	{"name", "str", "The thread's name, at most 15 bytes; \"\" if it is gone.", func(t *thread) (starlark.Value, error) {
		return starlark.String(t.in.Name()), nil
	}},
	{"state", "str", "\"stopped\", \"running\" or \"exited\"; \"core\" in a core.", func(t *thread) (starlark.Value, error) {
		return starlark.String(t.state()), nil
	}},
	{"cpu_time", "float", "How long the thread has run on CPUs, in the program and in the kernel for it, in seconds.", func(t *thread) (starlark.Value, error) {
		d, err := t.t.CPUTime()
		return starlark.Float(d.Seconds()), err
	}},
	{"suspended", "bool", "Whether suspend holds the thread.", func(t *thread) (starlark.Value, error) {
		return starlark.Bool(t.t.Suspended()), nil
	}},
	{"process", "process", "The process that the thread belongs to.", func(t *thread) (starlark.Value, error) {
		return t.p, nil
	}},
	{"regs", "regs", "The registers, read when asked for and written by assignment.", func(t *thread) (starlark.Value, error) {
		return &t.regs, nil
	}},
	{"stop", "stop or None", "The process's last stop, if it was this thread's.", func(t *thread) (starlark.Value, error) {
		if t.post != nil {
			if s := t.p.crash(); s.thread() == t {
				return s, nil
			}
			return starlark.None, nil
		}
		if s := t.p.p.Stop(); s.Thread == t.t {
			return t.p.stop(s), nil
		}
		return starlark.None, nil
	}},
	{"in_syscall", "syscall or None", "The system call that the thread is in the middle of, as at its entry; one that was interrupted goes on with the thread.", func(t *thread) (starlark.Value, error) {
		c, err := t.t.InCall()
		if c == nil || err != nil {
			return starlark.None, err
		}
		return &systemCall{c: c, p: t.p}, nil
	}},
	{"siginfo", "siginfo or None", "The kernel's record of the signal that is delivered when the thread goes on. It can be changed, and a dict assigned to it.", func(t *thread) (starlark.Value, error) {
		if t.post != nil {
			if info := t.post.Siginfo(); info != nil {
				return &siginfo{info: *info}, nil
			}
			return starlark.None, nil
		}
		if t.t.Pending() == 0 {
			return starlark.None, nil
		}
		info, err := t.t.Siginfo()
		if err != nil {
			return nil, err
		}
		return &siginfo{info: *info, set: t.writeSiginfo}, nil
	}},
	{"pending", "list of siginfo", "The signals that wait for the thread, because it blocks them or has not run since: those sent to it, then those sent to its process, which are shared. The one that it is stopped with is not among them.", func(t *thread) (starlark.Value, error) {
		return queued(t.t.Queued())
	}},
	{"sigmask", "list of str", "The names of the signals that the thread blocks; assign a list of names or numbers to change that.", (*thread).sigmask},
	{"frame", "frame", "The innermost frame of the stack.", func(t *thread) (starlark.Value, error) {
		return t.frame()
	}},
	{"frames", "list of frame", fmt.Sprintf("The stack, innermost frame first, at most %d of them. unwind_error says why it ends early, if it does.", maxFrames), func(t *thread) (starlark.Value, error) {
		return t.frames()
	}},
	{"unwind_error", "str or None", "Why the stack cannot be followed beyond frames, or that there are more than those; None if the last one is the outermost.", (*thread).unwindError},
}, concat(
	verbs[*thread](),
	switches[*thread]("the thread"),
	injections[*thread](),
	[]method[*thread]{
		{"var", "(name) -> value", "The variable that a name means outside of functions, as process.var finds it; a thread-local one is this thread's.", (*thread).variable},
		{"eval", evalSignature, "Evaluate an expression of C or C++ in the innermost frame, as frame.eval does.", (*thread).eval},
		{"unwind", "(rip, rsp, **registers) -> list of frame", "Return the stack, innermost frame first, that the thread would have with other registers: those that a coroutine or longjmp's buffer has saved, or that are right where the real ones are not. rbp and the others help where they are known. Registers of such frames cannot be written.", (*thread).unwind},
	},
))

var _ starlark.HasSetField = (*thread)(nil)

func (t *thread) String() string        { return fmt.Sprintf("<thread %d %s>", t.tid(), t.state()) }
func (t *thread) Type() string          { return "thread" }
func (t *thread) Hash() (uint32, error) { return uint32(t.tid()), nil }

func (t *thread) Attr(name string) (starlark.Value, error) {
	switch {
	case t.post != nil:
		return partAttr(coreThreadClass, threadClass, t, "thread of a core", "live process", name)
	case t.seen != nil:
		return partAttr(observedThreadClass, threadClass, t, "thread of an observed process", "process that is traced", name)
	}
	return threadClass.attr(t, name)
}

func (t *thread) AttrNames() []string {
	switch {
	case t.post != nil:
		return coreThreadClass.names()
	case t.seen != nil:
		return observedThreadClass.names()
	}
	return threadClass.names()
}

// MarshalJSON encodes what identifies the thread and how it is.
func (t *thread) MarshalJSON() ([]byte, error) {
	return encode(struct {
		PID   int    `json:"pid"`
		TID   int    `json:"tid"`
		Name  string `json:"name"`
		State string `json:"state"`
	}{t.p.pid(), t.tid(), t.in.Name(), t.state()})
}

func (t *thread) state() string {
	switch {
	case t.post != nil:
		return "core"
	case t.seen != nil:
		return t.seen.State()
	case t.t.Gone():
		return tracer.Exited.String()
	case t.t.Running():
		return tracer.Running.String()
	}
	return tracer.Stopped.String()
}

// fixed returns why the registers of a thread that is not traced cannot be changed.
func (t *thread) fixed() error {
	if t.seen != nil {
		return errors.New("a process that is observed cannot be changed")
	}
	return errors.New("a core cannot be changed")
}

// frame returns the innermost frame.
func (t *thread) frame() (starlark.Value, error) {
	frames, err := t.in.Frames(1)
	if len(frames) == 0 {
		return nil, err
	}
	return &frame{t: t, f: frames[0]}, nil
}

// frames returns the stack as far as it can be followed.
func (t *thread) frames() (starlark.Value, error) {
	frames, err := t.in.Frames(maxFrames)
	if len(frames) == 0 && err != nil {
		return nil, err
	}
	return listOf(frames, func(f *tracer.Frame) starlark.Value { return &frame{t: t, f: f} }), nil
}

// unwind returns the stack that begins with other registers.
func (t *thread) unwind(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) > 2 {
		return nil, fmt.Errorf("%s: got %d arguments, want at most 2", b.Name(), len(args))
	}
	for i, v := range args {
		kwargs = append(kwargs, starlark.Tuple{starlark.String([]string{"rip", "rsp"}[i]), v})
	}
	regs, known, err := registersOf(kwargs)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	// Variables of threads are found by these, which stay.
	if own, err := t.in.Regs(); err == nil && !known.Has(arch.FSBase) {
		regs[arch.FSBase], regs[arch.GSBase] = own[arch.FSBase], own[arch.GSBase]
		known |= unwind.SetOf(arch.FSBase, arch.GSBase)
	}
	frames, err := t.p.in.FramesFrom(regs, known, maxFrames)
	if len(frames) == 0 && err != nil {
		return nil, err
	}
	return listOf(frames, func(f *tracer.Frame) starlark.Value { return &frame{t: t, f: f} }), nil
}

func (t *thread) unwindError() (starlark.Value, error) {
	frames, err := t.in.Frames(maxFrames + 1)
	switch {
	case len(frames) > maxFrames:
		return starlark.String(fmt.Sprintf("only %d frames are looked at", maxFrames)), nil
	case err == nil:
		return starlark.None, nil
	}
	return starlark.String(err.Error()), nil
}

// switches returns the rows of what is switched on and off of a thread.
func switches[T mover](what string) []method[T] {
	return []method[T]{
		{"suspend", "()", "Hold " + what + " back when its process goes on.", toggle[T]((*tracer.Thread).Suspend)},
		{"resume", "()", "Undo suspend.", toggle[T]((*tracer.Thread).Resume)},
		{"set_step", "()", "Make " + what + " stop after one instruction, with reason \"step\", whenever its process goes on.", toggle[T]((*tracer.Thread).SetStep)},
		{"clear_step", "()", "Undo set_step.", toggle[T]((*tracer.Thread).ClearStep)},
	}
}

func toggle[T mover](set func(*tracer.Thread)) func(T, *starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
	return func(v T, _ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
			return nil, err
		}
		t, err := v.mover(b.Name())
		if err != nil {
			return nil, err
		}
		set(t.t)
		return starlark.None, nil
	}
}

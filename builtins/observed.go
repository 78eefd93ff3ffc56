package builtins

import (
	"errors"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
)

// This file shows processes that are observed. The value of one is a process without
// a tracer.Process, as that of a core is.

// observe returns a process to look at while it runs.
func (e *Env) observe(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var pid int
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "pid", &pid); err != nil {
		return nil, err
	}
	o, err := e.tr.Observe(pid)
	if err != nil {
		return nil, err
	}
	p := &process{env: e, seen: o, in: o}
	if q := e.focus.process; q == nil || q.pid() != pid { // else it is looked at for a moment
		e.focus.process = p
	}
	return p, nil
}

var observedClass = func() *class[*process] {
	attributes, methods := processClass.pick(lookers()...)
	return newClass("observed",
		"A process that is looked at while it runs: nothing stops it, and it is not traced. It has what of a process needs no stop; what is read may change meanwhile. "+
			"The stack of a thread that sleeps is found from the few registers that the kernel tells; of one that runs there is none, and unwind_error says so. "+
			"Breakpoints of a debugger that traces it show in its memory.",
		append(attributes, []attribute[*process]{
			{"state", "str", "\"running\" or \"exited\".", func(p *process) (starlark.Value, error) {
				return starlark.String(p.state()), nil
			}},
			{"threads", "list of thread", "The threads that there are now, the one with the lowest ID first, which is the oldest as a rule.", func(p *process) (starlark.Value, error) {
				return listOf(p.seen.Threads(), func(t *tracer.ObservedThread) starlark.Value { return p.watched(t) }), nil
			}},
			{"thread", "thread or None", "The first of threads; None when the process has exited.", func(p *process) (starlark.Value, error) {
				threads := p.seen.Threads()
				if len(threads) == 0 {
					return starlark.None, nil
				}
				return p.watched(threads[0]), nil
			}},
		}...),
		methods)
}()

// observedThreadClass has the rows of the threads of such a process.
var observedThreadClass = func() *class[*thread] {
	attributes, methods := threadClass.pick("tid", "name", "process", "sigmask", "frame", "unwind", "var", "eval")
	return newClass("observed_thread", "A thread of a process that is observed. Its type is \"thread\".", append(attributes, []attribute[*thread]{
		{"state", "str", "\"running\", \"sleeping\", \"waiting\" (a sleep that signals do not end, for a disk as a rule), \"stopped\" (by job control), \"traced\" (and stopped) or \"exited\".", func(t *thread) (starlark.Value, error) {
			return starlark.String(t.seen.State()), nil
		}},
		{"in_syscall", "syscall or None", "The system call in which it sleeps; None if it runs, or sleeps elsewhere.", func(t *thread) (starlark.Value, error) {
			call, err := t.seen.Call()
			if errors.Is(err, tracer.ErrRuns) {
				return starlark.None, nil
			}
			if err != nil || call == nil {
				return starlark.None, err
			}
			return &systemCall{c: call}, nil
		}},
		{"regs", "regs", "The registers that are known of a thread that sleeps: rip, rsp and the arguments of its system call. Others are an error, and so are all of a thread that runs.", func(t *thread) (starlark.Value, error) {
			frames, err := t.in.Frames(1)
			if len(frames) == 0 {
				return nil, err
			}
			return &regs{t: t, frame: frames[0]}, nil
		}},
		{"frames", "list of frame", "The stack of a thread that sleeps, innermost frame first; empty for one that runs. unwind_error says why it ends early, if it does.", func(t *thread) (starlark.Value, error) {
			frames, err := t.in.Frames(maxFrames)
			if len(frames) == 0 && err != nil && !errors.Is(err, tracer.ErrRuns) {
				return nil, err
			}
			return listOf(frames, func(f *tracer.Frame) starlark.Value { return &frame{t: t, f: f} }), nil
		}},
		{"unwind_error", "str or None", "Why the stack cannot be followed beyond frames, or why there is none.", (*thread).unwindError},
	}...), methods)
}()

// watched returns the value of a thread of an observed process.
func (p *process) watched(t *tracer.ObservedThread) *thread { return &thread{p: p, seen: t, in: t} }

// state returns the state of the process.
func (p *process) state() string {
	switch {
	case p.core != nil:
		return "core"
	case p.file != nil:
		return "file"
	case p.seen == nil:
		return p.p.State().String()
	case p.seen.Running():
		return "running"
	}
	return "exited"
}

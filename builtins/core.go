package builtins

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/core"
)

// This file shows cores. The value of one is a process without a tracer.Process, and
// has the rows of process that need none.

// core opens a core.
func (e *Env) core(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var path string
	var o core.Options
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "path", &path, "exe??", &o.Exe, "sysroot??", &o.Sysroot); err != nil {
		return nil, err
	}
	for _, file := range []string{path, o.Exe, o.Sysroot} {
		if file == "" && file != path {
			continue
		}
		if err := e.allowed.file(b.Name(), file); err != nil {
			return nil, err
		}
	}
	c, err := e.tr.OpenCore(path, &o)
	if err != nil {
		return nil, err
	}
	p := &process{env: e, core: c, in: c}
	for _, t := range c.Threads() {
		v := &thread{p: p, post: t, in: t}
		v.regs.t = v
		p.dead = append(p.dead, v)
	}
	e.focus.process = p
	return p, nil
}

// lookers are the rows of process that need nothing to run or to stop.
func lookers() []string {
	names := []string{
		"pid", "exe", "argv", "regs", "frame", "frames", "images", "main_image", "maps",
		"symbol", "symbols", "probes", "name_code", "unwinder", "use_debug", "addr", "line", "scope", "var", "type", "eval", "disasm", "read", "read_cstr", "dump", "find", "reach",
	}
	for _, s := range scalars {
		names = append(names, "read_"+s.name)
	}
	return names
}

var coreClass = func() *class[*process] {
	attributes, methods := processClass.pick(lookers()...)
	return newClass("core",
		"A process as it was when a core was written of it, by the kernel, gdb or save_core. It has what of a process needs nothing to run; its threads, frames and registers are those of a process, for reading. "+
			"What the core leaves out, such as code, is read from the files that were mapped, if their build IDs are those that the process had or, where they are no ELF files, if they were not written to after the core. The images tell which are not.",
		append(attributes, []attribute[*process]{
			{"path", "str", "The path of the core.", func(p *process) (starlark.Value, error) {
				return starlark.String(p.core.Name()), nil
			}},
			{"missing", "int", "How many bytes the core lacks at its end because it was cut, by a full disk or a limit. Reading memory that was there is an error.", func(p *process) (starlark.Value, error) {
				return starlark.MakeUint64(p.core.Missing()), nil
			}},
			{"state", "str", "\"core\".", func(p *process) (starlark.Value, error) {
				return starlark.String("core"), nil
			}},
			{"threads", "list of thread", "The threads, the one that stopped first.", func(p *process) (starlark.Value, error) {
				return listOf(p.dead, func(t *thread) starlark.Value { return t }), nil
			}},
			{"thread", "thread or None", "The thread that stopped; None for a core that was cut before its threads.", func(p *process) (starlark.Value, error) {
				if len(p.dead) > 0 {
					return p.dead[0], nil
				}
				return starlark.None, nil
			}},
			{"stop", "stop", "What stopped the process when the core was written. Its reason is \"signal\", or \"interrupt\" if there was none.", func(p *process) (starlark.Value, error) {
				return p.crash(), nil
			}},
		}...),
		methods)
}()

// coreThreadClass has the rows of thread that need nothing to run.
var coreThreadClass = func() *class[*thread] {
	attributes, methods := threadClass.pick("tid", "name", "state", "process", "regs", "stop", "siginfo", "sigmask", "frame", "frames", "unwind_error", "unwind", "var", "eval")
	return members("thread", attributes, methods)
}()

// partAttr returns an attribute of what belongs to a core or to an observed process, by
// its class and that of what is traced. One that only that has is an error which says
// why it is missing.
func partAttr[T starlark.Value](part, whole *class[T], v T, what, needs, name string) (starlark.Value, error) {
	attr, err := part.attr(v, name)
	if _, ok := whole.members()[name]; ok && attr == nil && err == nil {
		return nil, fmt.Errorf("%s has no .%s, which needs a %s", what, name, needs)
	}
	return attr, err
}

// crashed returns the thread of a core that stopped, for an operation op.
func (p *process) crashed(op string) (*thread, error) {
	if len(p.dead) == 0 {
		return nil, &tracer.Error{Op: op, TID: p.pid(), Err: tracer.ErrCut}
	}
	return p.dead[0], nil
}

// crash returns the stop of a core.
func (p *process) crash() *stop { return &stop{p: p, s: p.core.Stop()} }

// pid returns the process ID.
func (p *process) pid() int {
	switch {
	case p.core != nil:
		return p.core.PID()
	case p.seen != nil:
		return p.seen.PID
	case p.file != nil:
		return 0
	}
	return p.p.PID
}

// tid returns the thread ID.
func (t *thread) tid() int {
	switch {
	case t.post != nil:
		return t.post.TID
	case t.seen != nil:
		return t.seen.TID
	}
	return t.t.TID
}

// thread returns the thread that stopped, or nil.
func (s *stop) thread() *thread {
	switch {
	case s.s.Thread != nil:
		return s.p.thread(s.s.Thread)
	case s.p.core != nil && len(s.p.dead) > 0:
		return s.p.dead[0]
	}
	return nil
}

// saveCore writes a core of a live process.
func (p *process) saveCore(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var path string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "path", &path); err != nil {
		return nil, err
	}
	if err := p.env.allowed.file(b.Name(), path); err != nil {
		return nil, err
	}
	if err := p.p.SaveCore(path); err != nil {
		if err := canceled(thread); err != nil {
			return nil, err
		}
		return nil, err
	}
	return starlark.None, nil
}

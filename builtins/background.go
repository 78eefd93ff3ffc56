package builtins

import (
	"time"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
)

// background lets the process go on without waiting for it.
func (p *process) background(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	sig := signal(-1)
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "sig??", &sig); err != nil {
		return nil, err
	}
	t, err := p.current(b.Name())
	if err != nil {
		return nil, err
	}
	if err := t.t.Start(sig.delivery()); err != nil {
		return nil, err
	}
	p.away = true
	return starlark.None, nil
}

// wait waits for the stop of a process in the background.
func (p *process) wait(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var limit timeout
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "timeout??", &limit); err != nil {
		return nil, err
	}
	s, err := p.env.await(thread, p.p.PID, time.Duration(limit))
	if s == nil || err != nil {
		return starlark.None, err
	}
	return p.stop(s), nil
}

// await waits for the stop of a process by its ID, or of any with -1.
func (e *Env) await(thread *starlark.Thread, id int, limit time.Duration) (s *tracer.Stop, err error) {
	err = e.running(thread, func() (err error) {
		s, err = e.tr.Wait(id, limit)
		return err
	})
	if s != nil && err == nil {
		p := e.process(s.Process)
		p.away = false
		if s.Gone() {
			p.closeStdin()
		}
		e.focus.process = p
	}
	return s, err
}

// Away reports whether a process runs in the background.
func (e *Env) Away() bool {
	for _, p := range e.processes {
		if p.away {
			return true
		}
	}
	return false
}

// Await waits for the stop of a process in the background and returns it, or nil if
// Wake of the tracer has come first.
func (e *Env) Await(thread *starlark.Thread) (starlark.Value, error) {
	id := 0
	for _, p := range e.processes {
		switch {
		case !p.away:
		case p.p.State() == tracer.Exited || p.p.State() == tracer.Detached:
			p.away = false // killed or let go meanwhile
		case id == 0:
			id = p.p.PID
		default:
			id = -1
		}
	}
	if id == 0 {
		return nil, nil
	}
	s, err := e.await(thread, id, 0)
	if s == nil || err != nil {
		return nil, err
	}
	return e.process(s.Process).stop(s), nil
}

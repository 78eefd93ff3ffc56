package builtins

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
)

// A mover is what verbs move: a thread, or a process for its current one.
type mover interface {
	starlark.Value
	mover(op string) (*thread, error)
}

func (p *process) mover(op string) (*thread, error) { return p.current(op) }
func (t *thread) mover(string) (*thread, error)     { return t, nil }

// verbs returns the rows of the verbs.
func verbs[T mover]() []method[T] {
	return []method[T]{
		{"cont", "(sig=None, timeout=None, only=False) -> stop", "Let the target go on until something stops it. The pending signal is delivered; sig, a number or name, replaces it, and 0 drops it. After timeout seconds the target is stopped with reason \"timeout\". only holds the other threads.", cont[T]},
		{"step", "(n=1, until=None, out_of=None, over=False, timeout=None, only=False) -> stop", "Execute n instructions. A signal or breakpoint that comes first ends that there. " +
			"until goes on until it holds: an expression in registers and memory, such as \"rax == 3\", which the engine evaluates after each step (help(\"breakpoint.when\") tells what it may say; hits is the number of steps so far), or a function of the stop, which is slower. " +
			"out_of goes on until the thread has left a range of addresses: a pair (start, end), end not included, or a symbol that has a size. With either of them n is the most steps, and there is no limit unless it is given; at that limit the reason is \"limit\". " +
			"over makes one step of a call with all that it calls, and of a signal's handler. only holds the other threads.", step[T]},
		{"next", "(timeout=None, only=False) -> stop", "Execute one instruction, a call with all that it calls." + beyond, next[T]},
		{"step_line", "(timeout=None, only=False) -> stop", "Run until another line of source begins, or the function returns. Functions that have lines are gone into, behind their prologue, those that were inlined and begin at the pc of a breakpoint without executing anything; others run to their ends. Where no line is known it is one instruction." + beyond, stepLine[T](true)},
		{"next_line", "(timeout=None, only=False) -> stop", "Run until another line of source begins, or the function returns. Functions that are called, and those that were inlined, run to their ends." + beyond, stepLine[T](false)},
		{"finish", "(timeout=None, only=False, frame=None) -> stop", "Run until the function returns, or that of a frame further out; inner activations of the same function do not count. The stop's value is then what it returned, as an unsigned word: rax, where integers and pointers are. A float or double is in xmm0 and not in value." + beyond + " value is None then, and in a handler where another thread comes first to the end of the verb around it. std/calls.star sees calls end without running them.", finish[T]},
		{"until", "(loc, timeout=None, only=False) -> stop", "Run until the thread comes to a location. A name that nothing has yet is looked up when the program has loaded its libraries; it is an error then if nothing has it.", until[T]},
	}
}

// beyond tells where a movement ends that runs functions to their ends.
const beyond = " If longjmp or an exception leads out of the function instead, it ends where the thread goes on, behind setjmp or where the exception is caught. A program that is linked statically and stripped does not tell."

func cont[T mover](v T, thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var o *tracer.MoveOptions
	if len(args) > 0 || len(kwargs) > 0 {
		sig := signal(-1)
		var limit timeout
		o = new(tracer.MoveOptions)
		if err := starlark.UnpackArgs(b.Name(), args, kwargs, "sig??", &sig, "timeout??", &limit, "only?", &o.Only); err != nil {
			return nil, err
		}
		o.Timeout = time.Duration(limit)
		o.Signal = sig.delivery()
	}
	return move(v, thread, b, func(t *tracer.Thread) (*tracer.Stop, error) { return t.Cont(o) })
}

func next[T mover](v T, thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	o, err := unpackMove(b, args, kwargs)
	if err != nil {
		return nil, err
	}
	return move(v, thread, b, func(t *tracer.Thread) (*tracer.Stop, error) { return t.Next(o) })
}

// stepLine returns the function of step_line, if it goes into functions, or next_line.
func stepLine[T mover](into bool) func(T, *starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
	return func(v T, thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		o, err := unpackMove(b, args, kwargs)
		if err != nil {
			return nil, err
		}
		return move(v, thread, b, func(t *tracer.Thread) (*tracer.Stop, error) { return t.StepLine(into, o) })
	}
}

func finish[T mover](v T, thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var limit timeout
	var f *frame
	o := new(tracer.MoveOptions)
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "timeout??", &limit, "only?", &o.Only, "frame??", &f); err != nil {
		return nil, err
	}
	o.Timeout = time.Duration(limit)
	if f != nil {
		return f.finishWith(thread, b, o)
	}
	return move(v, thread, b, func(t *tracer.Thread) (*tracer.Stop, error) { return t.Finish(o) })
}

func until[T mover](v T, thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var loc location
	o, err := unpackMove(b, args, kwargs, "loc", &loc)
	if err != nil {
		return nil, err
	}
	return move(v, thread, b, func(t *tracer.Thread) (*tracer.Stop, error) {
		if loc.name != "" {
			return t.UntilLocation(loc.name, o)
		}
		return t.Until(uint64(loc.addr), o)
	})
}

// unpackMove unpacks the arguments of a verb, which are pairs and then those that
// all have.
func unpackMove(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple, pairs ...any) (*tracer.MoveOptions, error) {
	if len(args) == 0 && len(kwargs) == 0 && len(pairs) == 0 {
		return nil, nil
	}
	var limit timeout
	o := new(tracer.MoveOptions)
	pairs = append(pairs, "timeout??", &limit, "only?", &o.Only)
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, pairs...); err != nil {
		return nil, err
	}
	o.Timeout = time.Duration(limit)
	return o, nil
}

// move moves v's thread for the verb b. Handlers run on the verb's Starlark
// thread; they may call verbs themselves.
func move[T mover](v T, thread *starlark.Thread, b *starlark.Builtin, run func(*tracer.Thread) (*tracer.Stop, error)) (starlark.Value, error) {
	t, err := v.mover(b.Name())
	if err != nil {
		return nil, err
	}
	s, err := t.p.run(thread, t.t, run)
	if err != nil {
		return nil, err
	}
	return t.p.stop(s), nil
}

// run runs a movement of t, whose handlers run on a Starlark thread. If one of
// them fails, the error is that of the handler, with its backtrace.
func (p *process) run(thread *starlark.Thread, t *tracer.Thread, move func(*tracer.Thread) (*tracer.Stop, error)) (*tracer.Stop, error) {
	var s *tracer.Stop
	err := p.env.running(thread, func() (err error) {
		s, err = move(t)
		return err
	})
	if p.p.State() == tracer.Exited {
		p.closeStdin()
	}
	if err != nil {
		return nil, err
	}
	if s != nil && s.Breakpoint != nil && s.Breakpoint.ID == 0 { // this verb is a handler's, and that around it is done
		s.Reason, s.Breakpoint = tracer.ReasonStep, nil
	}
	if s != nil && p.env.thread == nil { // else a handler moves it, and the stop is not the last
		p.env.focus.process = p.env.process(s.Process)
	}
	return s, nil
}

// running calls move, in which processes move, so that handlers run on a Starlark
// thread.
func (e *Env) running(thread *starlark.Thread, move func() error) error {
	outer := e.thread
	e.thread = thread
	defer func() { e.thread = outer }()
	if outer == nil && e.Moving != nil {
		e.Moving(true)
		defer e.Moving(false)
	}
	err := move()
	if failed, ok := errors.AsType[*starlark.EvalError](err); ok {
		return failed
	}
	return err
}

// callback returns fn, a handler, as the engine calls it.
func (e *Env) callback(fn starlark.Callable) func(*tracer.Stop) (surface bool, err error) {
	if fn == nil {
		return nil
	}
	return func(s *tracer.Stop) (bool, error) {
		v, err := starlark.Call(e.thread, fn, starlark.Tuple{e.process(s.Process).stop(s)}, nil)
		switch {
		case err != nil:
			return false, err
		case v == starlark.None:
			return false, nil
		case v == starlark.Value(surface):
			return true, nil
		}
		return false, fmt.Errorf("handler %s returned %s, want None or STOP", fn.Name(), brief(v))
	}
}

// brief returns v's text, cut to a length that an error can show.
func brief(v starlark.Value) string {
	const most = 80
	s := v.String()
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

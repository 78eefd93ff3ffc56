package builtins

import (
	"errors"
	"fmt"
	"time"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
)

// step executes instructions: a number of them, or until something holds.
func step[T mover](v T, thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) == 0 && len(kwargs) == 0 {
		return move(v, thread, b, func(t *tracer.Thread) (*tracer.Stop, error) { return t.Step(1, nil) })
	}
	var n optionalCount
	var until condition
	var out span
	var w tracer.Walk
	var limit timeout
	var o tracer.MoveOptions
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "n??", &n, "until??", &until, "out_of??", &out, "over?", &w.Over, "timeout??", &limit, "only?", &o.Only); err != nil {
		return nil, err
	}
	o.Timeout = time.Duration(limit)
	walks := until.text != "" || until.fn != nil || out.given
	if !n.given && !walks {
		n.n = 1
	}
	if !walks && !w.Over || n.given && n.n < 1 {
		return move(v, thread, b, func(t *tracer.Thread) (*tracer.Stop, error) { return t.Step(n.n, &o) })
	}
	t, err := v.mover(b.Name())
	if err != nil {
		return nil, err
	}
	if w.OutOf, err = out.resolve(t.p); err != nil {
		return nil, fmt.Errorf("%s: out_of: %w", b.Name(), err)
	}
	w.Most, w.Until, w.Condition = n.n, until.text, t.p.env.condition(until.fn)
	return move(v, thread, b, func(t *tracer.Thread) (*tracer.Stop, error) { return t.StepUntil(&w, &o) })
}

// An optionalCount is an argument that is a number of things, if it is given.
type optionalCount struct {
	n     int
	given bool
}

func (c *optionalCount) Unpack(v starlark.Value) error {
	c.given = true
	return starlark.AsInt(v, &c.n)
}

// A span is an argument that is a range of addresses: a pair of locations, the end
// not included, or a symbol.
type span struct {
	start, end location
	given      bool
}

func (r *span) Unpack(v starlark.Value) error {
	r.given = true
	switch v := v.(type) {
	case starlark.Tuple:
		if len(v) != 2 {
			return fmt.Errorf("got %d values, want a start and an end", len(v))
		}
		return errors.Join(r.start.Unpack(v[0]), r.end.Unpack(v[1]))
	case *symbol:
		if v.s.Size == 0 {
			return fmt.Errorf("symbol %s has no size", v.s.Name)
		}
		r.start.addr, r.end.addr = address(v.s.Addr), address(v.s.Addr+v.s.Size)
		return nil
	}
	return fmt.Errorf("got %s, want a pair of addresses or a symbol", v.Type())
}

// resolve returns the addresses of r in p, or nil if r is not given.
func (r *span) resolve(p *process) (*tracer.Range, error) {
	if !r.given {
		return nil, nil
	}
	start, err := r.start.resolve(p)
	if err != nil {
		return nil, err
	}
	end, err := r.end.resolve(p)
	return &tracer.Range{Start: start, End: end}, err
}

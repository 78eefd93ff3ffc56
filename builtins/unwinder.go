package builtins

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/unwind"
)

// This file has functions of scripts find the callers of frames.

// unwinder has a function find callers.
func (p *process) unwinder(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var fn starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "fn", &fn); err != nil {
		return nil, err
	}
	if fn == starlark.None {
		p.in.SetUnwinder(nil)
		return starlark.None, nil
	}
	ask, ok := fn.(starlark.Callable)
	if !ok {
		return nil, fmt.Errorf("%s: fn is %s, want a function or None", b.Name(), brief(fn))
	}
	p.in.SetUnwinder(func(f, caller *unwind.Frame) (bool, error) {
		told, err := p.env.askCaller(ask, f, caller)
		if err != nil {
			err = fmt.Errorf("unwinder %s: %w", ask.Name(), err)
		}
		return told, err
	})
	return starlark.None, nil
}

// askCaller calls a function with the registers of a frame, and sets those of its caller
// that it returns.
func (e *Env) askCaller(ask starlark.Callable, f, caller *unwind.Frame) (bool, error) {
	own := new(starlark.Dict)
	for i := range arch.Registers {
		if d := &arch.Registers[i]; f.Known.Has(d.Reg) {
			own.SetKey(starlark.String(d.Name), starlark.MakeUint64(d.Get(&f.Regs))) // a string can be hashed
		}
	}
	v, err := e.ask(ask, starlark.Tuple{own})
	if err != nil || v == starlark.None {
		return false, err
	}
	dict, ok := v.(*starlark.Dict)
	if !ok {
		return false, fmt.Errorf("returned %s, want None or a dict of registers", brief(v))
	}
	regs, known, err := registersOf(dict.Items())
	if err != nil {
		return false, err
	}
	for _, r := range []arch.Reg{arch.FSBase, arch.GSBase} { // which calls leave alone
		if !known.Has(r) && f.Known.Has(r) {
			regs[r] = f.Regs[r]
			known |= unwind.SetOf(r)
		}
	}
	caller.Regs, caller.Known = *regs, known
	return true, nil
}

// registersOf returns the registers that pairs of a name and an int tell, rip and rsp among
// them.
func registersOf(pairs []starlark.Tuple) (*arch.Regs, unwind.RegSet, error) {
	regs, known := new(arch.Regs), unwind.SetOf()
	for _, pair := range pairs {
		name, _ := starlark.AsString(pair[0])
		r := arch.Lookup(name)
		switch {
		case r == nil || r.Bits < 64:
			return nil, 0, fmt.Errorf("there is no general register %s", name)
		case known.Has(r.Reg):
			return nil, 0, fmt.Errorf("got multiple values for %s", name)
		}
		u, err := fit(pair[1], uint(r.Bits))
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", name, err)
		}
		r.Set(regs, u)
		known |= unwind.SetOf(r.Reg)
	}
	if !known.Has(arch.RIP) || !known.Has(arch.RSP) {
		return nil, 0, fmt.Errorf("rip and rsp are needed")
	}
	return regs, known, nil
}

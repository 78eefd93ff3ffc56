package builtins

import (
	"fmt"

	"go.starlark.net/starlark"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/arch"
)

// This file has the requests of module ptrace that move registers.

func (e *Env) getRegs(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	g, err := e.target("tid", b, args, kwargs)
	if err != nil {
		return nil, err
	}
	regs, err := g.Thread.Regs()
	if err != nil {
		return nil, err
	}
	dict := starlark.NewDict(len(arch.Registers))
	for _, r := range arch.Registers {
		dict.SetKey(starlark.String(r.Name), starlark.MakeUint64(r.Get(regs)))
	}
	return fields{dict, "registers"}, nil
}

// A named is an argument that has values by name.
type named struct{ starlark.IterableMapping }

func (n *named) Unpack(v starlark.Value) error {
	var ok bool
	if n.IterableMapping, ok = v.(starlark.IterableMapping); !ok {
		return fmt.Errorf("got %s, want dict", v.Type())
	}
	return nil
}

// registers calls set with each register that n has. One that set does not know, or
// a value that does not fit its bits, is EINVAL.
func (n *named) registers(b *starlark.Builtin, t *tracer.Thread, bits func(name string) uint, set func(name string, u uint64)) error {
	for _, item := range n.Items() {
		name, _ := starlark.AsString(item[0])
		err := fmt.Errorf("there is no register %s", item[0])
		if width := bits(name); width > 0 {
			var u uint64
			if u, err = fit(item[1], width); err == nil {
				set(name, u)
				continue
			}
			err = fmt.Errorf("%s: %w", name, err)
		}
		return &tracer.Error{Op: requestOp(b), TID: t.TID, Err: fmt.Errorf("%w: %w", unix.EINVAL, err)}
	}
	return nil
}

func (e *Env) setRegs(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var values named
	g, err := e.target("tid", b, args, kwargs, "regs", &values)
	if err != nil {
		return nil, err
	}
	return starlark.None, changeRegs(g.Thread, func(regs *arch.Regs) error {
		return values.registers(b, g.Thread, func(name string) uint {
			if r := arch.Lookup(name); r != nil {
				return uint(r.Bits)
			}
			return 0
		}, func(name string, u uint64) { arch.Lookup(name).Set(regs, u) })
	})
}

// changeRegs changes a copy of the thread's general registers, and then them.
func changeRegs(t *tracer.Thread, change func(*arch.Regs) error) error {
	old, err := t.Regs()
	if err != nil {
		return err
	}
	regs := *old
	if err := change(&regs); err != nil {
		return err
	}
	return t.SetRegs(&regs)
}

// debugRegs are the numbers of the debug registers by name.
var debugRegs = map[string]int{"dr0": 0, "dr1": 1, "dr2": 2, "dr3": 3, "dr6": 6, "dr7": 7}

// readDebugRegs returns the debug registers of a thread.
func readDebugRegs(t *tracer.Thread) (dr [8]uint64, err error) {
	for _, n := range debugRegs {
		if dr[n], err = t.DebugReg(n); err != nil {
			return dr, err
		}
	}
	return dr, nil
}

func (e *Env) getDebugRegs(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	g, err := e.target("tid", b, args, kwargs)
	if err != nil {
		return nil, err
	}
	dr, err := readDebugRegs(g.Thread)
	if err != nil {
		return nil, err
	}
	dict := starlark.NewDict(len(debugRegs))
	for _, name := range []string{"dr0", "dr1", "dr2", "dr3", "dr6", "dr7"} {
		dict.SetKey(starlark.String(name), starlark.MakeUint64(dr[debugRegs[name]]))
	}
	return fields{dict, "registers"}, nil
}

func (e *Env) setDebugRegs(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var values named
	g, err := e.target("tid", b, args, kwargs, "regs", &values)
	if err != nil {
		return nil, err
	}
	dr, err := readDebugRegs(g.Thread)
	if err != nil {
		return nil, err
	}
	err = values.registers(b, g.Thread, func(name string) uint {
		if _, ok := debugRegs[name]; ok {
			return 64
		}
		return 0
	}, func(name string, u uint64) { dr[debugRegs[name]] = u })
	if err != nil {
		return nil, err
	}
	return starlark.None, g.Thread.SetDebugRegs(dr)
}

// getArea returns the request that gets registers as bytes.
func getArea(get func(*tracer.Thread) ([]byte, error)) call {
	return func(e *Env, _ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		g, err := e.target("tid", b, args, kwargs)
		if err != nil {
			return nil, err
		}
		area, err := get(g.Thread)
		if err != nil {
			return nil, err
		}
		return starlark.Bytes(area), nil
	}
}

// setArea returns the request that sets registers from bytes.
func setArea(name string, set func(*tracer.Thread, []byte) error) call {
	return func(e *Env, _ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var area blob
		g, err := e.target("tid", b, args, kwargs, name, &area)
		if err != nil {
			return nil, err
		}
		return starlark.None, set(g.Thread, []byte(area))
	}
}

// xstate returns the XSAVE area of a thread.
func xstate(t *tracer.Thread) ([]byte, error) {
	state, err := t.XState()
	if err != nil {
		return nil, err
	}
	return state.Area(), nil
}

func getBase(r arch.Reg) call {
	return func(e *Env, _ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		g, err := e.target("tid", b, args, kwargs)
		if err != nil {
			return nil, err
		}
		regs, err := g.Thread.Regs()
		if err != nil {
			return nil, err
		}
		return starlark.MakeUint64(regs[r]), nil
	}
}

func setBase(r arch.Reg) call {
	return func(e *Env, _ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var loc location
		g, err := e.target("tid", b, args, kwargs, "addr", &loc)
		if err != nil {
			return nil, err
		}
		addr, err := e.at(g, &loc)
		if err != nil {
			return nil, err
		}
		return starlark.None, changeRegs(g.Thread, func(regs *arch.Regs) error {
			regs[r] = addr
			return nil
		})
	}
}

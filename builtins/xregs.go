package builtins

import (
	"fmt"
	"math/big"
	"slices"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/arch"
)

// This file shows the registers outside the general set as attributes of regs.

// An extra is such a register.
type extra struct {
	name string
	doc  string
	bits int
	get  func(t task) (*big.Int, error)
	set  func(t *tracer.Thread, v *big.Int) error
}

// extraDocs say what the registers of a letter or two are.
var extraDocs = map[string]string{
	"fctrl": "The control word of x87, of 16 bits.",
	"fstat": "The status word of x87, of 16 bits.",
	"ftag":  "Which x87 registers hold values, a bit for each physical register. It is the form that FXSAVE has, of 8 bits.",
	"fop":   "The opcode of the last x87 instruction, of 11 bits.",
	"fip":   "The address of the last x87 instruction, of 64 bits.",
	"fdp":   "The address of the operand of the last x87 instruction, of 64 bits.",
	"mxcsr": "The control and status of SSE, of 32 bits. Reserved bits are an error.",
	"pkru":  "What the protection keys allow, of 32 bits.",
	"dr6":   "What the debug registers have caught, with its reserved bits. Stops at watchpoints and hardware breakpoints clear it.",
	"dr7":   "What the debug registers watch for. watch and breakpoint(hw=True) write it when they are set and removed.",
}

// extras are the registers by name, extraNames their names in order.
var extras, extraNames = func() (map[string]*extra, []string) {
	all := make(map[string]*extra)
	var names []string
	add := func(e extra) {
		if e.doc == "" {
			e.doc = extraDocs[e.name]
		}
		all[e.name] = &e
		names = append(names, e.name)
	}
	for i := range arch.XRegisters {
		r := &arch.XRegisters[i]
		e := extra{
			name: r.Name, bits: r.Bits,
			get: func(t task) (*big.Int, error) {
				v, err := t.XReg(r)
				return bigInt(v), err
			},
			set: func(t *tracer.Thread, v *big.Int) error {
				data := v.FillBytes(make([]byte, r.Bits/8))
				slices.Reverse(data)
				return t.SetXReg(r, data)
			},
		}
		if _, ok := extraDocs[r.Name]; !ok {
			e.doc = fmt.Sprintf("The register %s, of %d bits, if the CPU has it.", r.Name, r.Bits)
		}
		add(e)
	}
	for n := range 8 {
		e := extra{
			name: fmt.Sprintf("dr%d", n), bits: 64,
			get: func(t task) (*big.Int, error) {
				v, err := t.DebugReg(n)
				return new(big.Int).SetUint64(v), err
			},
			set: func(t *tracer.Thread, v *big.Int) error { return t.SetDebugReg(n, v.Uint64()) },
		}
		switch {
		case n < 4:
			e.doc = "An address that the thread's debug registers watch: one of user space, or an error."
		case n < 6:
			e.doc = "Reserved: it reads as 0 and cannot be written."
		}
		add(e)
	}
	return all, names
}()

// extra returns the value of a register outside the general set; nil if there is no
// such register.
func (r *regs) extra(name string) (starlark.Value, error) {
	e := extras[name]
	if e == nil {
		return nil, nil
	}
	if r.frame != nil {
		return nil, fmt.Errorf("%s of frame #%d is not known: read the thread's", name, r.frame.Level)
	}
	v, err := e.get(r.t.in)
	if err != nil {
		return nil, err
	}
	return starlark.MakeBigInt(v), nil
}

// setExtra changes a register outside the general set.
func (r *regs) setExtra(e *extra, v starlark.Value) error {
	if r.frame != nil {
		return fmt.Errorf("%s of a frame cannot be written: write the thread's", e.name)
	}
	if r.t.t == nil {
		return r.t.fixed()
	}
	if err := r.t.policy().check("regs."+e.name, MayWrite); err != nil {
		return err
	}
	x, ok := v.(starlark.Int)
	if !ok {
		return fmt.Errorf("%s: got %s, want int", e.name, v.Type())
	}
	// As in fit, a negative number stands for its two's complement.
	n := x.BigInt()
	limit := new(big.Int).Lsh(big.NewInt(1), uint(e.bits))
	if n.Sign() < 0 && new(big.Int).Lsh(n, 1).CmpAbs(limit) <= 0 {
		n.Add(n, limit)
	}
	if n.Sign() < 0 || n.Cmp(limit) >= 0 {
		return fmt.Errorf("%s: %s does not fit %d bits", e.name, x, e.bits)
	}
	return e.set(r.t.t, n)
}

// sigmask returns the signals that a thread blocks.
func (t *thread) sigmask() (starlark.Value, error) {
	mask, err := t.in.Sigmask()
	if err != nil {
		return nil, err
	}
	var names []starlark.Value
	for sig := 1; sig <= tracer.MaxSignal; sig++ {
		if mask>>(sig-1)&1 != 0 {
			names = append(names, starlark.String(tracer.SignalName(sig)))
		}
	}
	return starlark.NewList(names), nil
}

// SetField changes the signals that the thread blocks, or the record of the one that
// it is about to get.
func (t *thread) SetField(name string, v starlark.Value) error {
	if t.t == nil {
		return t.fixed()
	}
	switch name {
	case "siginfo":
		return t.setSiginfo(v)
	case "sigmask":
	default:
		return fmt.Errorf("cannot assign to .%s of a thread, only to .sigmask and .siginfo", name)
	}
	if err := t.policy().check("thread.sigmask", MayWrite); err != nil {
		return err
	}
	list, ok := v.(starlark.Iterable)
	if !ok {
		return fmt.Errorf("sigmask: got %s, want a list of signals", v.Type())
	}
	var mask uint64
	for v := range starlark.Elements(list) {
		var sig signal
		if err := sig.Unpack(v); err != nil {
			return fmt.Errorf("sigmask: %w", err)
		}
		if sig == 0 {
			return fmt.Errorf("sigmask: 0 is no signal")
		}
		mask |= 1 << (sig - 1)
	}
	return t.t.SetSigmask(mask)
}

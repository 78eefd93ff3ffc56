//go:build linux && amd64

package tracer

import (
	"fmt"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
)

// Step executes n instructions of the thread. The other threads run meanwhile,
// unless the options hold them. A signal or breakpoint that comes first ends the
// movement there.
func (t *Thread) Step(n int, o *MoveOptions) (*Stop, error) {
	if n < 1 {
		return nil, &Error{Op: "step", TID: t.TID, Err: fmt.Errorf("cannot take %d steps", n)}
	}
	return t.p.move(motion{op: "step", t: t, step: true, steps: n}, o)
}

// Next is Step for one instruction, but runs a call to its end, or to where longjmp
// or an exception leads out of it.
func (t *Thread) Next(o *MoveOptions) (*Stop, error) {
	regs, err := t.Regs()
	if err != nil {
		return nil, err
	}
	var code [maxInst]byte
	n, _ := t.p.ReadAt(regs[arch.RIP], code[:])
	inst, err := disasm.Decode(code[:n], regs[arch.RIP], nil)
	if err != nil || inst.Kind != disasm.Call {
		return t.Step(1, o)
	}
	stop, _, err := t.p.runOut("next", t, inst.Next(), regs[arch.RSP], o)
	return stop, err
}

// Until runs the thread, and with it the others, until it comes to addr.
func (t *Thread) Until(addr uint64, o *MoveOptions) (*Stop, error) {
	return t.p.runTo("until", t, []uint64{addr}, nil, o)
}

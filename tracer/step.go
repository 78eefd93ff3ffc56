//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"time"

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
	stop, _, err := t.p.runTo("until", t, []uint64{addr}, nil, o)
	return stop, err
}

// UntilLocation is Until for a location. One that names nothing, or many places, is an
// error, unless the process has not loaded its libraries yet: then it is looked up again
// when they are there.
func (t *Thread) UntilLocation(loc string, o *MoveOptions) (*Stop, error) {
	places, err := t.p.Addrs(loc)
	var none *NotFoundError
	if later := len(places) > 1 || errors.As(err, &none); later && t.p.stillLoading() {
		if img, err := t.p.linker(); err == nil {
			return t.untilLoaded(img.Lookup("_dl_debug_state")[0].Addr, loc, o)
		}
	}
	addr, err := t.p.Addr(loc)
	if err != nil {
		return nil, err
	}
	return t.Until(addr, o)
}

// untilLoaded is UntilLocation for a location of a library. The dynamic linker is at
// changed when it has loaded libraries.
func (t *Thread) untilLoaded(changed uint64, loc string, o *MoveOptions) (*Stop, error) {
	begin := time.Now()
	stop, there, err := t.p.runTo("until", t, []uint64{changed}, func(*Thread) bool { return !t.p.stillLoading() }, o)
	if !there {
		return stop, err
	}
	addr, err := t.p.Addr(loc)
	if err != nil {
		return nil, err
	}
	return t.Until(addr, o.rest(begin))
}

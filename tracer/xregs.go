//go:build linux && amd64

package tracer

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

// This file reads and writes the registers outside the general set.

// An xregs is the extended state of a thread, once it was asked for.
type xregs struct {
	state *arch.XState // nil if it was not read since the thread moved
	dirty bool         // changed here and not yet in the kernel
}

// xlayout is the layout of this CPU's XSAVE areas.
var xlayout = sync.OnceValue(func() *arch.XLayout { return arch.NewXLayout(ptrace.CPUID) })

// XState returns the thread's extended state. It is read when asked for and kept
// until the thread moves; change it with SetXReg or SetXState.
func (t *Thread) XState() (*arch.XState, error) {
	const op = "read extended registers"
	if err := t.ready(); err != nil {
		return nil, &Error{Op: op, TID: t.TID, Err: err}
	}
	if t.x.state != nil {
		return t.x.state, nil
	}
	area := make([]byte, xlayout().Size)
	n, err := ptrace.GetXState(t.TID, area)
	if err == nil {
		t.x.state, err = arch.NewXState(area[:n], xlayout())
	}
	if err != nil {
		return nil, &Error{Op: op, TID: t.TID, Err: err}
	}
	t.x.dirty = false
	return t.x.state, nil
}

// SetXState replaces the thread's extended state by an XSAVE area of the standard
// form, of the size that XState has. One that the kernel refuses, because of a
// header or mxcsr that are not valid, is an error and changes nothing.
func (t *Thread) SetXState(area []byte) error {
	const op = "write extended registers"
	if err := t.ready(); err != nil {
		return &Error{Op: op, TID: t.TID, Err: err}
	}
	if err := ptrace.SetXState(t.TID, area); err != nil {
		if err == unix.EFAULT {
			err = fmt.Errorf("%w: the area is %d bytes long, which is not what this CPU has", unix.EINVAL, len(area))
		}
		return &Error{Op: op, TID: t.TID, Err: err}
	}
	t.x = xregs{}
	return nil
}

// XReg returns the value of a register of the extended state, the low byte first.
// A register that the CPU lacks is an error.
func (t *Thread) XReg(r *arch.XRegister) ([]byte, error) {
	state, err := t.XState()
	if err != nil {
		return nil, err
	}
	v, err := state.Get(r)
	if err != nil {
		return nil, &Error{Op: "read " + r.Name, TID: t.TID, Err: err}
	}
	return v, nil
}

// SetXReg changes a register of the extended state to v, the low byte first. The
// thread gets the value when it moves on.
func (t *Thread) SetXReg(r *arch.XRegister, v []byte) error {
	state, err := t.XState()
	if err != nil {
		return err
	}
	if err := state.Set(r, v); err != nil {
		return &Error{Op: "write " + r.Name, TID: t.TID, Err: err}
	}
	t.x.dirty = true
	return nil
}

// flushX writes the changed extended state to the kernel.
func (t *Thread) flushX() error {
	if t.x.state == nil || !t.x.dirty {
		return nil
	}
	t.x.dirty = false
	if err := ptrace.SetXState(t.TID, t.x.state.Area()); err != nil {
		return &Error{Op: "write extended registers", TID: t.TID, Err: err}
	}
	return nil
}

// DebugReg returns debug register n, 0 to 7, as the kernel shows it: dr6 has its
// reserved bits, dr4 and dr5 are 0.
func (t *Thread) DebugReg(n int) (uint64, error) {
	op := fmt.Sprintf("read dr%d", n)
	if err := t.ready(); err != nil {
		return 0, &Error{Op: op, TID: t.TID, Err: err}
	}
	v, err := ptrace.GetDebugReg(t.TID, n)
	if err != nil {
		return 0, &Error{Op: op, TID: t.TID, Err: err}
	}
	return v, nil
}

// SetDebugReg changes debug register n of this thread alone, at once. Detaching
// clears it.
func (t *Thread) SetDebugReg(n int, v uint64) error {
	op := fmt.Sprintf("write dr%d", n)
	if err := t.ready(); err != nil {
		return &Error{Op: op, TID: t.TID, Err: err}
	}
	err := ptrace.SetDebugReg(t.TID, n, v)
	switch {
	case err == nil:
		t.debugged = true
		return nil
	case n == 4 || n == 5:
		err = fmt.Errorf("%w: it is reserved", unix.EINVAL)
	case err == unix.EINVAL && n < 4:
		err = fmt.Errorf("%w: %#x is not an address of user space, or not aligned to the length in dr7", err, v)
	case err == unix.EINVAL && n == 7:
		err = fmt.Errorf("%w: %#x asks for what Linux does not offer, or for an address that is not aligned", err, v)
	}
	return &Error{Op: op, TID: t.TID, Err: err}
}

// Sigmask returns the signals that the thread blocks, bit n-1 for signal n.
func (t *Thread) Sigmask() (uint64, error) {
	const op = "read sigmask"
	if err := t.ready(); err != nil {
		return 0, &Error{Op: op, TID: t.TID, Err: err}
	}
	mask, err := ptrace.GetSigmask(t.TID)
	if err != nil {
		return 0, &Error{Op: op, TID: t.TID, Err: err}
	}
	return mask, nil
}

// SetSigmask changes the signals that the thread blocks, at once. SIGKILL and
// SIGSTOP are left out, as they cannot be blocked.
func (t *Thread) SetSigmask(mask uint64) error {
	const op = "write sigmask"
	if err := t.ready(); err != nil {
		return &Error{Op: op, TID: t.TID, Err: err}
	}
	t.trap.maskRead = false
	if err := ptrace.SetSigmask(t.TID, mask); err != nil {
		return &Error{Op: op, TID: t.TID, Err: err}
	}
	return nil
}

// clearDebug takes out of use what the thread's debug registers watch for. The kernel copies
// the value of dr7, though not what it stands for, to a thread that is born.
func (t *Thread) clearDebug() {
	if !t.debugged && t.p.arms == 0 {
		return
	}
	for _, n := range [...]int{7, 0, 1, 2, 3} {
		ptrace.SetDebugReg(t.TID, n, 0) // fails only if the thread is gone
	}
	t.debugged = false
}

//go:build linux && amd64

package tracer

import (
	"slices"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

// This file stands in for debug registers where they do not trap, as in some virtual
// machines. The threads of a process whose slots are in use make steps then, and what an
// instruction accesses is told from its operands before it is executed. That is a
// thousand times slower, and the same otherwise.

// A simulation is what a thread was resumed for on account of slots.
type simulation struct {
	due   bool   // a trap that it has yet to report, before anything else
	alone bool   // its step is for nothing else
	still bool   // it is to execute nothing, as it stands on a slot
	hit   uint64 // the slots whose memory the instruction accesses, as bits of dr6
}

// simulates reports whether slots of the process are in use that the CPU does not know.
func (p *Process) simulates() bool {
	return p.arms != 0 && watchable() != nil && slices.ContainsFunc(p.slots[:], slot.used)
}

func (s slot) used() bool { return len(s.users) > 0 }

// checkSlots returns the error that the kernel would have for the addresses.
func (p *Process) checkSlots() error {
	const userSpace = 1 << 47
	if slices.ContainsFunc(p.slots[:], func(s slot) bool { return s.used() && s.addr >= userSpace }) {
		return errKernelSpace
	}
	return nil
}

// simulate decides how the thread, which is about to be resumed with a signal, or to make
// a step, goes on.
func (t *Thread) simulate(sig int, step bool) {
	due := t.sim.due
	t.sim = simulation{}
	if due || !t.p.simulates() || t.guest || t.grouped || t.ending {
		return
	}
	regs, err := t.Regs()
	if err != nil {
		return
	}
	t.sim.alone = !step
	t.sim.still = sig == 0 && !step && regs[arch.EFLAGS]&resumeFlag == 0 && len(t.p.slotsAt(regs[arch.RIP])) > 0
	t.sim.hit = t.accessed(regs)
}

// accessed returns the slots whose memory the next instruction accesses.
func (t *Thread) accessed(regs *arch.Regs) (hit uint64) {
	var code [maxInst]byte
	n, _ := t.p.readRaw(regs[arch.RIP], code[:])
	t.p.hide(regs[arch.RIP], code[:n])
	inst, err := disasm.Decode(code[:n], regs[arch.RIP], nil)
	if err != nil {
		return 0
	}
	for _, a := range inst.Accesses() {
		addr, size := a.Addr(regs), uint64(max(a.Size, 1))
		for i, s := range t.p.slots {
			if s.used() && s.kind != onExecution && (a.Write || s.kind&3 == onAccess) && (addr-s.addr < s.size() || s.addr-addr < size) {
				hit |= 1 << i
			}
		}
	}
	return hit
}

// size returns how many bytes a slot watches.
func (s slot) size() uint64 {
	for n, length := range lengths {
		if s.kind>>2 == length>>2 {
			return uint64(n)
		}
	}
	return 1
}

// goStill resumes the thread to an interrupt, before which it executes nothing.
func (t *Thread) goStill() error {
	ptrace.Interrupt(t.TID)
	return ptrace.Cont(t.TID, 0)
}

// simulated makes of a stop what debug registers would have told: nothing, if it is the
// end of a step that was made on their account.
func (p *Process) simulated(t *Thread, stop *Stop) *Stop {
	s := t.sim
	t.sim = simulation{}
	regs, err := t.Regs()
	switch {
	case s.still && stop == nil && err == nil && len(p.slotsAt(regs[arch.RIP])) > 0:
		return p.newStop(ReasonBreakpoint, t)
	case stop == nil || stop.Reason != ReasonStep || s == simulation{}:
		return stop
	}
	var hit []*Breakpoint
	for i, slot := range p.slots {
		for _, b := range slot.users {
			if s.hit>>i&1 != 0 && !slices.Contains(hit, b) {
				hit = append(hit, b)
			}
		}
	}
	switch {
	case len(hit) > 0:
		stop = p.newStop(ReasonWatchpoint, t)
		stop.caught, stop.arrived = hit, !s.alone
	case s.alone && err == nil && len(p.slotsAt(regs[arch.RIP])) > 0:
		stop = p.newStop(ReasonBreakpoint, t)
	case s.alone:
		stop = nil
	}
	if s.alone {
		t.stepping = false
	}
	return stop
}

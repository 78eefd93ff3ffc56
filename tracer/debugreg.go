//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

// This file shares out the four addresses that a CPU's debug registers hold (SDM
// volume 3, 18.2) among hardware breakpoints and watchpoints. They are the same
// in all threads of a process. The kernel gives new threads and processes none,
// so a thread gets them before it first runs, and the threads that exist when
// something changes get it at once.

// A slot is one of the addresses and what the CPU is to do there.
type slot struct {
	addr  uint64
	kind  uint64 // R/W and LEN, as dr7 has them
	users []*Breakpoint
}

// Values of R/W in a slot's kind. LEN follows them.
const (
	onExecution = 0
	onWrite     = 1
	onAccess    = 3
)

// lengths are the values of LEN in a slot's kind by the number of bytes.
var lengths = map[int]uint64{1: 0 << 2, 2: 1 << 2, 4: 3 << 2, 8: 2 << 2}

// Debug registers other than the addresses, and bits of dr6.
const (
	dr6      = 6
	dr7      = 7
	dr6Clear = 0xffff0ff0
	dr6Step  = 1 << 14
)

// A resume flag in eflags makes the CPU ignore a breakpoint on the next
// instruction (SDM volume 3, 18.3.1.1).
const resumeFlag = 1 << 16

var errKernelSpace = fmt.Errorf("%w: the kernel lets only addresses of user space be watched", unix.EINVAL)

// watchable says why debug registers are of no use on this machine, or nil.
var watchable = sync.OnceValue(func() error {
	if !ptrace.CanWatch() {
		return errors.New("debug registers do not trap on this machine, which may be a virtual one without them")
	}
	return nil
})

// claim makes b a user of a slot for addr, and puts that into all threads.
func (p *Process) claim(addr, kind uint64, b *Breakpoint) error {
	var free *slot
	for i := range p.slots {
		s := &p.slots[i]
		switch {
		case len(s.users) > 0 && s.addr == addr && s.kind == kind:
			s.users = append(s.users, b)
			return nil
		case len(s.users) == 0 && free == nil:
			free = s
		}
	}
	if free == nil {
		return fmt.Errorf("all four debug registers are in use, by %s", p.slotUsers())
	}
	*free = slot{addr, kind, []*Breakpoint{b}}
	if err := p.arm(); err != nil {
		*free = slot{}
		p.arm()
		return err
	}
	return nil
}

// disclaim ends b's use of slots.
func (p *Process) disclaim(b *Breakpoint) error {
	changed := false
	for i := range p.slots {
		s := &p.slots[i]
		n := len(s.users)
		s.users = slices.DeleteFunc(s.users, func(c *Breakpoint) bool { return c == b })
		changed = changed || n > 0 && len(s.users) == 0
	}
	if !changed {
		return nil
	}
	return p.arm()
}

// slotUsers lists what uses the slots.
func (p *Process) slotUsers() string {
	var users []string
	for _, s := range p.slots {
		for _, b := range s.users {
			if name := b.describe(); !slices.Contains(users, name) {
				users = append(users, name)
			}
		}
	}
	return strings.Join(users, ", ")
}

// dropSlots forgets all slots, and the watchpoints on memory that is in no file. The
// kernel empties the debug registers at an exec.
func (p *Process) dropSlots() {
	p.slots = [4]slot{}
	p.watchpoints = slices.DeleteFunc(p.watchpoints, func(w *Watchpoint) bool {
		w.b.removed = w.b.anchor == nil
		return w.b.removed
	})
	for _, t := range p.threads {
		t.armed, t.debugged = p.arms, false
	}
}

// arm puts the slots into every thread that is stopped. The others get them when
// they go on.
func (p *Process) arm() error {
	p.arms++
	var errs []error
	for _, t := range p.threads {
		if t.state != threadStopped {
			continue
		}
		if err := t.arm(); err != nil && !gone(err) {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return errs[0]
	}
	return nil
}

// arm puts the slots into the thread's debug registers.
func (t *Thread) arm() error {
	t.armed = t.p.arms
	if watchable() != nil {
		return t.p.checkSlots()
	}
	t.debugged = true
	// Off first: the kernel checks an address against the length that was
	// there before (arch_validate_hwbkpt_settings).
	if err := ptrace.SetDebugReg(t.TID, dr7, 0); err != nil {
		return err
	}
	control := uint64(0)
	for i, s := range t.p.slots {
		if len(s.users) == 0 {
			continue
		}
		if err := ptrace.SetDebugReg(t.TID, i, s.addr); err != nil {
			if err == unix.EINVAL {
				err = errKernelSpace
			}
			return err
		}
		control |= 1<<(2*i) | s.kind<<(16+4*i)
	}
	err := ptrace.SetDebugReg(t.TID, dr7, control)
	if err == unix.ENOSPC {
		err = fmt.Errorf("%w: the kernel itself uses the debug registers, as perf does", err)
	}
	return err
}

// rearm readies the thread for going on with what the slots say. A thread whose
// stop at a slot was reported gets over it by the resume flag, which a signal
// handler that is called first keeps and gives back (setup_rt_frame). So does one
// whose system call there is restarted, which the program does not see.
func (t *Thread) rearm() error {
	p := t.p
	if p.arms == 0 || t.guest {
		return nil
	}
	if t.armed != p.arms {
		if err := t.arm(); err != nil {
			return &Error{Op: "write debug registers", TID: t.TID, Err: err}
		}
	}
	if !slices.ContainsFunc(p.slots[:], slot.executes) {
		return nil
	}
	regs, err := t.Regs()
	if err != nil {
		return err
	}
	over := t.atReported() && len(p.slotsAt(regs[arch.RIP])) > 0
	over = over || restarts(regs) && t.signal == 0 && len(p.slotsAt(regs[arch.RIP]-2)) > 0
	if over && regs[arch.EFLAGS]&resumeFlag == 0 {
		regs[arch.EFLAGS] |= resumeFlag
		t.regsDirty = true
	}
	return nil
}

func (s slot) executes() bool { return len(s.users) > 0 && s.kind == onExecution }

// slotsAt returns the breakpoints that slots hold for the execution of addr.
func (p *Process) slotsAt(addr uint64) []*Breakpoint {
	for _, s := range p.slots {
		if s.executes() && s.addr == addr {
			return s.users
		}
	}
	return nil
}

// usersAt returns the breakpoints at addr, of either kind.
func (p *Process) usersAt(addr uint64) []*Breakpoint {
	var users []*Breakpoint
	if s := p.sites[addr]; s != nil {
		users = p.own(s.users)
	}
	if p.arms == 0 {
		return users
	}
	return append(slices.Clip(users), p.slotsAt(addr)...)
}

// takeDebug handles a debug exception that is due to slots. The CPU reports an
// access when it is done, together with the step that may have done it, and an
// execution when it is yet to come. code is the si_code of its SIGTRAP.
func (p *Process) takeDebug(t *Thread, code int) (stop *Stop, ours bool) {
	if t.armed == 0 || code != ptrace.TrapHwbkp && code != ptrace.TrapTrace && code != ptrace.TrapBrkpt {
		return nil, false
	}
	status, err := ptrace.GetDebugReg(t.TID, dr6)
	if err != nil {
		return nil, true // killed meanwhile
	}
	if code == ptrace.TrapBrkpt {
		status = p.untold(t)
	}
	var hit []*Breakpoint
	execution := false
	for i, s := range p.slots {
		if status>>i&1 == 0 || len(s.users) == 0 {
			continue
		}
		if s.kind == onExecution {
			execution = true
			continue
		}
		for _, b := range s.users {
			if !slices.Contains(hit, b) {
				hit = append(hit, b)
			}
		}
	}
	if !execution && hit == nil {
		return nil, false
	}
	ptrace.SetDebugReg(t.TID, dr6, dr6Clear) // the CPU only ever adds to it
	if execution {
		// As after an int3, it stands on a breakpoint that is to be reported.
		regs, err := t.Regs()
		if err != nil {
			return nil, true // killed meanwhile
		}
		regs[arch.EFLAGS] &^= resumeFlag
		t.regsDirty = true
	}
	stepped := t.stepping && status&dr6Step != 0
	if stepped {
		t.mend()
	}
	t.stepping = false
	switch {
	case hit != nil:
		stop = p.newStop(ReasonWatchpoint, t)
		stop.caught, stop.arrived = hit, stepped
	case stepped:
		stop = p.newStop(ReasonStep, t)
	default:
		stop = p.newStop(ReasonBreakpoint, t)
	}
	return stop, true
}

// untold returns what dr6 should have told of a debug exception whose cause it does not
// tell, which the kernel then takes for an icebp of the program (exc_debug_user): busy
// hypervisors lose its bits now and then. It is 0 unless the thread stands on a
// breakpoint, and not behind an icebp.
func (p *Process) untold(t *Thread) (status uint64) {
	regs, err := t.Regs()
	if err != nil || t.stepping {
		return 0
	}
	pc := regs[arch.RIP]
	var before [1]byte
	if n, _ := p.ReadAt(pc-1, before[:]); n == 1 && before[0] == icebp {
		return 0
	}
	for i, s := range p.slots {
		if s.executes() && s.addr == pc {
			status |= 1 << i
		}
	}
	return status
}

// caught reports whether the thread's debug registers have something to tell.
func (t *Thread) caught() bool {
	if t.armed == 0 {
		return false
	}
	status, err := ptrace.GetDebugReg(t.TID, dr6)
	return err == nil && status&0xf != 0
}

//go:build linux && amd64

package tracer

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
)

type threadState uint8

const (
	threadRunning threadState = iota
	threadStopped             // in a ptrace-stop: requests are legal
	threadExiting             // past its exit event: only its end is still to come
	threadGone
	threadLeft // the leader had left its threads when they were attached to: it cannot be traced
)

// A Thread is a thread of a traced process.
type Thread struct {
	TID int

	p         *Process
	state     threadState
	stepping  bool // resumed for one instruction
	grouped   bool // in a group-stop: it is to listen, not to run
	strayed   bool // has left a group-stop for a step or a trap: it goes back where it is to run, with its next PTRACE_EVENT_STOP
	suspended bool // held back by Suspend
	single    bool // steps whenever the process goes on
	flagged   bool // has the trap flag in the frame of a signal handler
	ending    bool // stopped on its way out
	outside   bool // stopped where it is about to execute an instruction, not in the kernel
	ahead     bool // regs are those of emulated steps, which the kernel does not have yet
	vforking  bool // waits in the kernel for a vfork child
	execing   bool // waits in exec for threads that are held
	guest     bool // a vfork child in the memory of p, not one of p's threads
	born      int  // the child that it made last

	signal  int     // to be delivered when it is resumed
	info    Siginfo // of the last signal that stopped it
	mayPass bool    // in a signal-delivery-stop, where signal can be passed on
	sent    []sent  // by us: delivered without another stop
	pending *Stop   // reported by the kernel, not yet to the caller

	call      call // the system call that it is in
	trap      trap // of its steps
	announced announced
	emulated  int // steps

	regs      arch.Regs
	regsRead  bool
	regsDirty bool
	x         xregs
	kept      kept
	debugged  bool // its debug registers may be in use
	sim       simulation
	armed     uint64 // the process's arms when they were set to its slots

	// Where the last stop was reported. A breakpoint there was seen already,
	// so resuming steps over it.
	reported   uint64
	isReported bool

	// What it goes round a breakpoint by, from when that is decided until its next
	// stop.
	detour *detour

	// After a signal was delivered at a reported breakpoint, the handler
	// comes back to it: the trap with this stack pointer is not a new hit.
	skip skip
}

// A sent is a signal that the tracer sent.
type sent struct {
	signal int
	info   *Siginfo // what the program is to see, or nil for that of the sending
}

type skip struct {
	armed    bool
	addr, sp uint64
}

// Process returns the process that the thread belongs to.
func (t *Thread) Process() *Process { return t.p }

// Name returns the thread's name (comm), at most 15 bytes, or "" if it is gone.
func (t *Thread) Name() string {
	name, _ := procfs.Comm(t.TID)
	return name
}

// CPUTime returns how long the thread has run on CPUs.
func (t *Thread) CPUTime() (time.Duration, error) {
	d, err := procfs.CPUTime(t.TID)
	if err != nil {
		if procfs.Gone(err) {
			err = ErrThread
		}
		return 0, &Error{Op: "cpu time", TID: t.TID, Err: err}
	}
	return d, nil
}

// Running reports whether the thread has not been stopped or has ended.
func (t *Thread) Running() bool { return t.state == threadRunning }

// Gone reports whether the thread has ended.
func (t *Thread) Gone() bool { return t.state >= threadExiting }

// Suspend holds the thread back when its process moves on.
func (t *Thread) Suspend() { t.suspended = true }

// Resume undoes Suspend.
func (t *Thread) Resume() { t.suspended = false }

// Suspended reports whether Suspend holds the thread.
func (t *Thread) Suspended() bool { return t.suspended }

// SetStep makes the thread stop after one instruction whenever its process goes on.
func (t *Thread) SetStep() { t.single = true }

// ClearStep undoes SetStep.
func (t *Thread) ClearStep() { t.single = false }

// Pending returns the signal that will be delivered when the thread goes on, or 0.
func (t *Thread) Pending() int { return t.signal }

// ready returns why the thread's registers cannot be used, or nil.
func (t *Thread) ready() error {
	switch {
	case t.p.state == Exited:
		return ErrExited
	case t.p.state == Detached:
		return ErrDetached
	case t.p.busy():
		return ErrBusy
	case t.state == threadStopped:
		return nil
	case t.vforking:
		return ErrVfork
	case t.execing:
		return ErrExec
	}
	return ErrThread
}

// Regs returns the thread's general registers. They are read when asked for and
// kept until the thread moves; change them with SetReg.
func (t *Thread) Regs() (*arch.Regs, error) {
	if t.regsRead {
		return &t.regs, nil
	}
	if err := t.ready(); err != nil {
		return nil, &Error{Op: "read registers", TID: t.TID, Err: err}
	}
	if err := ptrace.GetRegs(t.TID, &t.regs); err != nil {
		return nil, &Error{Op: "read registers", TID: t.TID, Err: err}
	}
	t.regsRead = true
	return &t.regs, nil
}

// SetReg changes a register. The thread gets the value when it moves on; a value
// that the kernel refuses, such as a segment base outside user space, is an
// error at once and changes nothing.
//
// Writing rip in a system call that is to be restarted cancels the restart: the
// kernel would move the new rip back by two (arch_do_signal_or_restart).
func (t *Thread) SetReg(r *arch.Register, v uint64) error {
	regs, err := t.Regs()
	if err != nil {
		return err
	}
	changed := *regs
	r.Set(&changed, v)
	if r.Reg == arch.RIP {
		changed[arch.OrigRAX] = ^uint64(0)
		changed[arch.EFLAGS] &^= resumeFlag
	}
	switch r.Reg {
	case arch.FSBase, arch.GSBase, arch.CS, arch.SS, arch.DS, arch.ES, arch.FS, arch.GS, arch.EFLAGS:
		if err := ptrace.SetRegs(t.TID, &changed); err != nil {
			// The kernel stores one register after the other.
			ptrace.SetRegs(t.TID, regs)
			return &Error{Op: "write " + r.Name, TID: t.TID, Err: err}
		}
		t.regsRead = false // the kernel masks eflags
		t.regsDirty = false
		_, err := t.Regs()
		return err
	}
	*regs = changed
	t.regsDirty = true
	return nil
}

// setRegs replaces the registers; the thread gets them when it moves on.
func (t *Thread) setRegs(regs *arch.Regs) {
	t.regs = *regs
	t.regsRead, t.regsDirty = true, true
}

// flush writes changed registers to the kernel.
func (t *Thread) flush() error {
	if err := t.flushX(); err != nil || !t.regsDirty {
		return err
	}
	t.regsDirty, t.ahead = false, false
	if err := ptrace.SetRegs(t.TID, &t.regs); err != nil {
		return &Error{Op: "write registers", TID: t.TID, Err: err}
	}
	return nil
}

// dying reports whether the thread, which was stopped, has been killed.
func (t *Thread) dying() bool {
	var regs arch.Regs
	return gone(ptrace.GetRegs(t.TID, &regs))
}

// Siginfo returns the record of the signal that the thread is stopped with.
func (t *Thread) Siginfo() (*Siginfo, error) {
	if err := t.ready(); err != nil {
		return nil, &Error{Op: "read siginfo", TID: t.TID, Err: err}
	}
	var info Siginfo
	if err := ptrace.GetSiginfo(t.TID, &info); err != nil {
		return nil, &Error{Op: "read siginfo", TID: t.TID, Err: err}
	}
	return &info, nil
}

// atReported reports whether the thread stands where its last stop was reported.
func (t *Thread) atReported() bool {
	if !t.isReported {
		return false
	}
	regs, err := t.Regs()
	return err == nil && regs[arch.RIP] == t.reported
}

// run resumes the thread, for one instruction if step is set. A thread that dies
// in this moment counts as running: its end is reported by the next wait.
func (t *Thread) run(step bool) error {
	if err := t.rearm(); err != nil && !gone(err) {
		return err
	}
	sig := 0
	if t.mayPass {
		sig = t.signal
	}
	t.simulate(sig, step)
	step = step || t.sim.alone
	if step {
		t.leave()
	}
	if t.detour != nil {
		t.enterDetour()
	}
	flagged := step && !t.sim.alone && t.flag(sig)
	if err := t.flush(); err != nil && !gone(err) {
		return err
	}
	stepsCall := step && !flagged && t.stepsCall(sig)
	traps := step && !flagged && !stepsCall
	t.call.stepped = stepsCall
	t.trap.kernels = false
	t.trap.maskRead = t.trap.maskRead && traps && sig == 0
	t.trap.plain = t.trap.plain && step && sig == 0
	t.signal, t.mayPass = 0, false
	t.state, t.stepping, t.regsRead, t.isReported = threadRunning, step, false, false
	t.x.state = nil
	if t.strayed && !step {
		ptrace.Interrupt(t.TID)
	}
	t.strayed = t.strayed || step && t.grouped
	var err error
	switch {
	case t.sim.still:
		err = t.goStill()
	case traps:
		err = t.singleStep(sig)
	case t.grouped && !step:
		err = ptrace.Listen(t.TID)
	case stepsCall || t.tracesCall():
		err = ptrace.Syscall(t.TID, sig)
	default:
		err = ptrace.Cont(t.TID, sig)
	}
	t.trap.mistaken = false
	if err != nil && err != unix.ESRCH {
		t.state = threadStopped
		return &Error{Op: "resume", TID: t.TID, Err: err}
	}
	if t.ending {
		t.state = threadExiting
	}
	return nil
}

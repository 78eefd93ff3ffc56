//go:build linux && amd64

package tracer

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// This file holds ptrace's requests on plain IDs as FreeBSD's kern_ptrace has them
// (sys/kern/sys_process.c): its checks in its order, with its error numbers.

// A Target is what a request acts on: a process that is traced by this tracer,
// stopped and waited for.
type Target struct {
	Process *Process
	Thread  *Thread // the one that the ID names, or the oldest of a process
	Stopped *Thread // the one that the ID names, or the last of a process to stop
}

// Target finds what id, of a process or thread, names, for a request called op. Its
// error is ESRCH, EPERM, EINVAL or EBUSY.
func (tr *Tracer) Target(op string, id int) (*Target, error) {
	p, status, err := tr.find(id)
	switch {
	case err != nil:
	case p != nil && p.busy():
		err = fmt.Errorf("%w: %w", unix.EBUSY, ErrBusy)
	case tr.hearing:
		err = fmt.Errorf("%w: %w", unix.EBUSY, ErrRunning)
	case p != nil && p.Thread() == nil:
		err = fmt.Errorf("%w: %w", unix.ESRCH, ErrThread)
	case p != nil:
		g := &Target{p, tr.threads[id], tr.threads[id]}
		if id == p.PID {
			g.Thread, g.Stopped = p.Threads()[0], p.Thread()
		}
		return g, nil
	case status.TracerPid != 0:
		err = fmt.Errorf("%w: it is traced by process %d", unix.EBUSY, status.TracerPid)
	default:
		err = fmt.Errorf("%w: it is not traced", unix.EPERM)
	}
	return nil, &Error{Op: op, TID: id, Err: err}
}

// find checks that id names a process or thread that exists, may be traced and has
// a program. p is nil unless this tracer traces it; else status is.
func (tr *Tracer) find(id int) (p *Process, status *procfs.TaskStatus, err error) {
	for _, p := range tr.processes {
		if t := tr.threads[id]; p.PID == id || t != nil && t.p == p && !t.guest && !t.Gone() {
			return p, nil, nil
		}
	}
	if id <= 0 {
		return nil, nil, unix.ESRCH
	}
	status, err = statusOf(id)
	switch {
	case procfs.Gone(err):
		return nil, nil, unix.ESRCH
	case err != nil:
		return nil, nil, err
	case hasExited(status):
		return nil, nil, fmt.Errorf("%w: it has exited already", unix.ESRCH)
	}
	if !permitted(id) {
		return nil, nil, (&Process{PID: id}).explain(unix.EPERM)
	}
	if kernel, _ := procfs.IsKernelThread(id); kernel {
		return nil, nil, fmt.Errorf("%w: it is a kernel thread", unix.EINVAL)
	}
	return nil, status, nil
}

// AttachID is PT_ATTACH: it attaches to the process that id names, or that the
// thread belongs to. Wait returns its first stop.
func (tr *Tracer) AttachID(id int) error {
	const op = "attach"
	p, status, err := tr.find(id)
	switch {
	case err != nil:
	case p != nil:
		err = fmt.Errorf("%w: it is traced already, by this debugger", unix.EBUSY)
	case status.Tgid == os.Getpid():
		err = fmt.Errorf("%w: a process cannot trace itself", unix.EINVAL)
	case status.TracerPid != 0:
		err = fmt.Errorf("%w: it is traced already, by process %d", unix.EBUSY, status.TracerPid)
	case tracesMe(status.Tgid):
		err = fmt.Errorf("%w: it is an ancestor of this debugger, which is traced", unix.EINVAL)
	default:
		if p, err = tr.Attach(status.Tgid); err != nil {
			return err
		}
		p.Withhold()
		return nil
	}
	return &Error{Op: op, TID: id, Err: err}
}

// tracesMe reports whether this process is traced and pid one of its ancestors,
// which might wait for its tracer then, and that for us.
func tracesMe(pid int) bool {
	status, err := procfs.Status(os.Getpid())
	if err != nil || status.TracerPid == 0 {
		return false
	}
	for err == nil && status.PPid != 0 {
		if status.PPid == pid {
			return true
		}
		status, err = procfs.Status(status.PPid)
	}
	return false
}

// GoOptions say how a request lets a process go on.
type GoOptions struct {
	Step        bool // the target's thread stops after one instruction
	Entry, Exit bool // stop where a thread enters or leaves a system call
	PC          *uint64
	Signal      int // delivered to the target instead of what is pending; 0 is none
}

// Go is PT_CONTINUE and its kind: it lets all threads go on that are not suspended
// and returns at once. Every signal is a stop then, of all that there are.
func (g *Target) Go(op string, o *GoOptions) error {
	p := g.Process
	m := &motion{op: op, t: g.Thread, step: o.Step, steps: 1, sees: sight{true, o.Entry, o.Exit}}
	moves := false
	for _, t := range p.threads {
		moves = moves || m.moves(t)
	}
	if !moves {
		return &Error{Op: op, TID: p.PID, Err: ErrSuspended}
	}
	if err := g.prepare(op, o.PC, o.Signal); err != nil {
		return err
	}
	return p.release(m)
}

// prepare checks a signal, sets the pc and decides about the signal, in that order.
func (g *Target) prepare(op string, pc *uint64, sig int) error {
	if sig < 0 || sig > MaxSignal {
		return &Error{Op: op, TID: g.Thread.TID, Err: fmt.Errorf("%w: signal %d is not in 0 to %d", unix.EINVAL, sig, MaxSignal)}
	}
	if pc != nil {
		if err := g.Thread.SetReg(arch.Lookup("rip"), *pc); err != nil {
			return err
		}
	}
	return g.Stopped.deliver(op, Deliver(sig))
}

// Detach is PT_DETACH: the process goes on untraced, its thread with the signal
// instead of what is pending.
func (g *Target) Detach(pc *uint64, sig int) error {
	if err := g.prepare("detach", pc, sig); err != nil {
		return err
	}
	return g.Process.Detach(0)
}

// Kill is PT_KILL: it kills the process and returns at once. Wait returns its end.
func (g *Target) Kill() error {
	p := g.Process
	if err := p.kill(); err != nil {
		return err
	}
	p.state, p.loose = Running, &motion{op: "kill", t: g.Thread}
	return nil
}

// SetRegs replaces the thread's general registers, all or none. Values that would
// give it privileges or that the kernel refuses are EINVAL. As in SetReg, another
// rip cancels the restart of a system call, unless orig_rax is changed as well.
func (t *Thread) SetRegs(regs *arch.Regs) error {
	old, err := t.Regs()
	if err != nil {
		return err
	}
	changed := *regs
	if changed[arch.RIP] != old[arch.RIP] && changed[arch.OrigRAX] == old[arch.OrigRAX] {
		changed[arch.OrigRAX] = ^uint64(0)
	}
	if (changed[arch.EFLAGS]^old[arch.EFLAGS])&^userFlags != 0 {
		return &Error{Op: "write registers", TID: t.TID, Err: fmt.Errorf("%w: eflags %#x changes what programs may not", unix.EINVAL, changed[arch.EFLAGS])}
	}
	if err := ptrace.SetRegs(t.TID, &changed); err != nil {
		// The kernel stores one register after the other.
		ptrace.SetRegs(t.TID, old)
		if err == unix.EIO {
			err = fmt.Errorf("%w: a segment or its base is not one of user space", unix.EINVAL)
		}
		return &Error{Op: "write registers", TID: t.TID, Err: err}
	}
	t.regs, t.regsDirty = changed, false
	return nil
}

// userFlags are the flags that a tracer may change: cf, pf, af, zf, sf, tf, df, of,
// nt, rf and ac (FLAG_MASK in the kernel's arch/x86/kernel/ptrace.c).
const userFlags = 0x54dd5

// FPRegs returns the thread's x87 and SSE registers, 512 bytes in the layout of
// FXSAVE (SDM volume 1, 10.5).
func (t *Thread) FPRegs() ([]byte, error) {
	const op = "read floating-point registers"
	if err := t.ready(); err != nil {
		return nil, &Error{Op: op, TID: t.TID, Err: err}
	}
	if err := t.flushX(); err != nil {
		return nil, err
	}
	var regs ptrace.FPRegs
	if err := ptrace.GetFPRegs(t.TID, &regs); err != nil {
		return nil, &Error{Op: op, TID: t.TID, Err: err}
	}
	return regs[:], nil
}

// SetFPRegs replaces the registers that FPRegs returns. Another length, or
// reserved bits in mxcsr, is EINVAL.
func (t *Thread) SetFPRegs(area []byte) error {
	const op = "write floating-point registers"
	if err := t.ready(); err != nil {
		return &Error{Op: op, TID: t.TID, Err: err}
	}
	var regs ptrace.FPRegs
	if copy(regs[:], area) != len(area) || len(area) != len(regs) {
		return &Error{Op: op, TID: t.TID, Err: fmt.Errorf("%w: got %d bytes, want %d", unix.EINVAL, len(area), len(regs))}
	}
	if err := t.flushX(); err != nil {
		return err
	}
	if err := ptrace.SetFPRegs(t.TID, &regs); err != nil {
		return &Error{Op: op, TID: t.TID, Err: err}
	}
	t.x = xregs{}
	return nil
}

// debugRegs are the debug registers that there are.
var debugRegs = [...]int{0, 1, 2, 3, 6, 7}

// SetDebugRegs replaces dr0 to dr3, dr6 and dr7, all or none.
func (t *Thread) SetDebugRegs(dr [8]uint64) error {
	old := [8]uint64{}
	for _, n := range debugRegs {
		var err error
		if old[n], err = t.DebugReg(n); err != nil {
			return err
		}
	}
	err := t.setDebugRegs(dr)
	if err != nil {
		t.setDebugRegs(old)
	}
	return err
}

// setDebugRegs writes the addresses while none is in use: the kernel checks them
// against the lengths in dr7.
func (t *Thread) setDebugRegs(dr [8]uint64) error {
	if err := t.SetDebugReg(7, 0); err != nil {
		return err
	}
	for _, n := range debugRegs {
		if err := t.SetDebugReg(n, dr[n]); err != nil {
			return err
		}
	}
	return nil
}

// ReadRaw reads memory as it is: breakpoints show. It returns the number of bytes
// read; where that is less than len(buf), the error says why.
func (p *Process) ReadRaw(addr uint64, buf []byte) (int, error) {
	err := p.held()
	n := 0
	if err == nil {
		n, err = p.readRaw(addr, buf)
	}
	if err != nil {
		return n, &Error{Op: "read", TID: p.PID, Addr: addr + uint64(n), At: true, Err: err}
	}
	return n, nil
}

// flag prepares a step of a request that delivers sig. It ends behind the handler,
// if the signal has one, so it is made by the trap flag: the kernel saves that for
// the return from the handler, which runs without it (handle_signal).
func (t *Thread) flag(sig int) bool {
	if sig == 0 || !t.p.sees.signals {
		return false
	}
	status, err := procfs.Status(t.TID)
	if err != nil || !sigset(status.SigCgt).has(sig) {
		return false
	}
	regs, err := t.Regs()
	if err != nil {
		return false
	}
	regs[arch.EFLAGS] |= flagTF
	t.regsDirty, t.flagged = true, true
	return true
}

// unflag ends the step that flag began and reports whether there was one.
func (t *Thread) unflag() bool {
	regs, err := t.Regs()
	if !t.flagged || err != nil || regs[arch.EFLAGS]&flagTF == 0 {
		return false
	}
	regs[arch.EFLAGS] &^= flagTF
	t.regsDirty, t.flagged = true, false
	return true
}

// SyscallPhase returns where in a system call the thread is stopped, or 0.
func (t *Thread) SyscallPhase() Phase {
	var info ptrace.SyscallInfo
	if t.ready() != nil || ptrace.GetSyscallInfo(t.TID, &info) != nil {
		return 0
	}
	switch info.Op {
	case unix.PTRACE_SYSCALL_INFO_ENTRY:
		return Enter
	case unix.PTRACE_SYSCALL_INFO_EXIT:
		return Exit
	}
	return 0
}

//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/syscalls"
)

// This file follows threads through their system calls. While a hook asks for
// them, threads are resumed with PTRACE_SYSCALL and stop as they enter and leave
// each one; PTRACE_GET_SYSCALL_INFO tells which of the two it is.
//
// A call that is interrupted without a signal handler, as ours are whenever all
// threads stop, leaves with an ERESTART code and is entered again, maybe as
// restart_syscall. Neither is reported: an entry has one exit. Where a handler
// comes between, the exit is reported with that code, before the signal, because
// the handler decides whether there will be another entry.

// A Phase is one of the two stops of a system call.
type Phase uint8

// The phases.
const (
	Enter Phase = iota + 1 // the call is about to be made
	Exit                   // it has returned
)

// String returns the phase's name in scripts.
func (p Phase) String() string { return [...]string{"", "enter", "exit"}[p] }

// A Syscall is a system call at one of its stops.
type Syscall struct {
	Nr     int
	Compat bool // made by int 0x80 or 32-bit code: Nr is a number of i386
	Args   [6]uint64
	SP     uint64 // the stack pointer
	Phase  Phase
	Ret    int64 // Exit: what the kernel returned, a negative error number on failure
}

// Name returns the name of the call, or "" if it has none here: the numbers of
// i386 are not those of x86-64.
func (c *Syscall) Name() string {
	if c.Compat {
		return ""
	}
	return syscalls.Name(c.Nr)
}

// Errno returns the name of the error that the call failed with, or "". A call
// that a signal handler interrupts has ERESTARTSYS or one of its kind, which the
// program sees as EINTR or not at all (signal(7)).
func (c *Syscall) Errno() string {
	if c.Phase != Exit {
		return ""
	}
	return syscalls.Failed(c.Ret)
}

// syscallTrap is the signal of system call stops (PTRACE_O_TRACESYSGOOD).
const syscallTrap = unix.SIGTRAP | 0x80

// A call is the system call that a thread is in, as far as it was seen.
type call struct {
	Syscall
	inside     bool
	restarting bool      // interrupted: the entry that follows is no new call
	pc         uint64    // behind the instruction
	followed   bool      // the filter stopped it: it is followed to its exit
	stepped    bool      // by letting it enter and leave
	altered    bool      // Args are not those that the program passed
	passed     [6]uint64 // those
}

// argRegs are the registers of the arguments, on x86-64 and in Compat calls.
var argRegs = map[bool][6]arch.Reg{
	false: {arch.RDI, arch.RSI, arch.RDX, arch.R10, arch.R8, arch.R9},
	true:  {arch.RBX, arch.RCX, arch.RDX, arch.RSI, arch.RDI, arch.RBP},
}

// enteredCall returns the call at whose entry info was read.
func enteredCall(info *ptrace.SyscallInfo) call {
	return call{
		Syscall: Syscall{Nr: info.Nr(), Compat: info.Arch == unix.AUDIT_ARCH_I386, Args: info.Args(), SP: info.SP, Phase: Enter},
		inside:  true, pc: info.IP,
	}
}

// foundCall returns the call that a thread is in the middle of, whose entry was not
// seen.
func foundCall(info *ptrace.SyscallInfo, regs *arch.Regs) call {
	c := call{
		Syscall: Syscall{Nr: int(regs[arch.OrigRAX]), Compat: info.Arch == unix.AUDIT_ARCH_I386, SP: regs[arch.RSP], Ret: int64(regs[arch.RAX])},
		inside:  true, pc: regs[arch.RIP],
	}
	for i, r := range argRegs[c.Compat] {
		c.Args[i] = regs[r]
	}
	return c
}

// traceCalls makes threads stop at system calls from now on, and looks which of
// them are in one.
func (p *Process) traceCalls() error {
	if p.tracesCalls {
		return nil
	}
	for _, t := range p.threads {
		if t.call.altered || t.call.followed {
			continue // it was followed all the time
		}
		t.call = call{}
		if t.state != threadStopped {
			continue
		}
		var info ptrace.SyscallInfo
		switch err := ptrace.GetSyscallInfo(t.TID, &info); {
		case err == unix.EIO:
			err = fmt.Errorf("%w: system calls are reported from Linux 5.3 on (PTRACE_GET_SYSCALL_INFO)", err)
			return &Error{Op: "on syscall", TID: t.TID, Err: err}
		case err != nil: // killed
		case info.Op == unix.PTRACE_SYSCALL_INFO_ENTRY:
			t.call = enteredCall(&info)
		default:
			if regs, err := t.Regs(); err == nil && restarts(regs) {
				t.call = foundCall(&info, regs)
				t.call.restarting = true
			}
		}
	}
	p.tracesCalls = true
	return nil
}

// InCall returns the system call that a stopped thread is in the middle of, as at its
// entry, or nil if it is in none: one that is being traced, or that was interrupted and
// goes on with the thread.
func (t *Thread) InCall() (*Syscall, error) {
	regs, err := t.Regs()
	if err != nil {
		return nil, err
	}
	c := t.call
	var info ptrace.SyscallInfo
	switch {
	case c.inside:
	case !restarts(regs) || ptrace.GetSyscallInfo(t.TID, &info) != nil:
		return nil, nil
	default:
		c = foundCall(&info, regs)
	}
	c.Phase, c.Ret = Enter, 0
	return &c.Syscall, nil
}

// restarts reports whether the kernel will make the call again from which a thread
// has returned, unless a signal handler comes first (arch_do_signal_or_restart).
func restarts(regs *arch.Regs) bool {
	switch -int64(regs[arch.RAX]) {
	case 512, 513, 514, 516: // ERESTARTSYS, NOINTR, NOHAND, _RESTARTBLOCK
		return int64(regs[arch.OrigRAX]) >= 0
	}
	return false
}

// again reports whether an entry is that of the call c, which was interrupted. It
// is not if the thread was sent elsewhere meanwhile.
func (c *call) again(info *ptrace.SyscallInfo) bool {
	restart := unix.SYS_RESTART_SYSCALL
	if c.Compat {
		restart = 0
	}
	return c.restarting && info.IP == c.pc && (info.Nr() == c.Nr || info.Nr() == restart)
}

// takeCall handles the entry and the exit of a system call.
func (p *Process) takeCall(t *Thread) *Stop {
	var info ptrace.SyscallInfo
	if err := ptrace.GetSyscallInfo(t.TID, &info); err != nil {
		return nil // killed meanwhile
	}
	switch info.Op {
	case unix.PTRACE_SYSCALL_INFO_ENTRY:
		if t.call.again(&info) {
			t.call.restarting = false
			return nil
		}
		stepped := t.call.stepped
		t.call = enteredCall(&info)
		t.call.stepped = stepped
		if t.call.Nr == unix.SYS_SCHED_GETAFFINITY {
			p.tr.pin.release(0) // it is to see its own mask
		}
		return p.callStop(t)
	case unix.PTRACE_SYSCALL_INFO_EXIT:
		if ret := info.Ret(); !t.call.inside || ret <= -512 && ret >= -516 {
			regs, err := t.Regs()
			if err != nil {
				return nil // killed meanwhile
			}
			if !t.call.inside {
				t.call = foundCall(&info, regs)
			}
			t.call.restarting = restarts(regs)
		}
		t.call.Ret = info.Ret()
		if t.call.restarting {
			return nil
		}
		stop := p.endCall(t)
		if t.stepping {
			if stop == nil {
				return p.newStop(ReasonStep, t)
			}
			stop.arrived = true
		}
		return stop
	}
	return nil
}

// callStop returns the stop of the call that t is in, if a hook or request asks for it.
func (p *Process) callStop(t *Thread) *Stop {
	asks := func(h *Hook) bool { return h.o.Reason == ReasonSyscall && h.admits(&t.call.Syscall) }
	if !p.sees.call(t.call.Phase) && !slices.ContainsFunc(p.hooks, asks) {
		return nil
	}
	stop := p.newStop(ReasonSyscall, t)
	stop.PC = t.call.pc
	c := t.call.Syscall
	stop.Syscall = &c
	return stop
}

// admits reports whether the hook asks for a stop of this call, if it asks for
// system calls at all.
func (h *Hook) admits(c *Syscall) bool {
	return c == nil || (h.o.Phase == 0 || h.o.Phase == c.Phase) &&
		(h.o.Syscalls == nil || !c.Compat && slices.Contains(h.o.Syscalls, c.Nr))
}

// endCall ends the call that t is in and returns its stop, if a hook or request asks for it.
// The registers of arguments that were altered get back what the program had
// there: it relies on the kernel to keep them.
func (p *Process) endCall(t *Thread) *Stop {
	c := &t.call
	if regs, err := t.Regs(); c.altered && err == nil {
		for i, r := range argRegs[c.Compat] {
			if regs[r] == c.Args[i] {
				regs[r] = c.passed[i]
			}
		}
		t.regsDirty = true
	}
	c.Phase = Exit
	stop := p.callStop(t)
	t.call = call{}
	return stop
}

// interruptCall ends the call from which the signal that t has just stopped with
// takes it to a handler. What is to be reported of the signal is reported next.
func (p *Process) interruptCall(t *Thread, signal *Stop) *Stop {
	if !t.call.restarting || !p.catches(t.signal) {
		return signal
	}
	stop := p.endCall(t)
	if stop == nil {
		return signal
	}
	stop.then = signal
	return stop
}

// catches reports whether the process has a handler for sig; none is for 0.
func (p *Process) catches(sig int) bool {
	if sig == 0 {
		return false
	}
	status, err := procfs.Status(p.task())
	return err == nil && sigset(status.SigCgt).has(sig)
}

// passCall gives t, the thread that is left after exec, the call of the thread that
// made it.
func (p *Process) passCall(t *Thread) {
	if former, err := ptrace.EventMsg(t.TID); err == nil && p.tr.threads[int(former)] != nil {
		t.call = p.tr.threads[int(former)].call
	}
	t.call.altered = false // the new program has new registers
}

// tracesCall reports whether t is to stop at the next system call or the end of
// this one.
func (t *Thread) tracesCall() bool {
	return (t.p.tracesCalls || t.p.sees.calls()) && !t.guest || t.call.altered || t.call.followed
}

// stepsCall reports whether a step of t, to which sig is delivered, is a system
// call that is traced, or one that must not see the trap flag. Such a call is
// stepped by letting it enter and leave: under PTRACE_SINGLESTEP its exit is a
// step, and its entry is not reported.
func (t *Thread) stepsCall(sig int) bool {
	if t.p.catches(sig) {
		return false
	}
	if t.call.inside && (t.tracesCall() || t.call.stepped) {
		return true
	}
	if !t.tracesCall() {
		return t.copiesState()
	}
	regs, err := t.Regs()
	if err != nil {
		return false
	}
	var code [2]byte
	if _, err := t.p.ReadAt(regs[arch.RIP], code[:]); err != nil {
		return false
	}
	switch code {
	case [2]byte{0x0f, 0x05}, [2]byte{0xcd, 0x80}: // syscall, int 0x80
		return true
	}
	return false
}

// Why a system call cannot be changed at a stop.
var (
	errNoCall = errors.New("this is no stop at a system call")
	errMoved  = errors.New("the process has moved on since this stop")
	errMade   = errors.New("the call has been made already")
)

// changeable returns the registers of the thread that is stopped at a system call,
// to be changed.
func (s *Stop) changeable(op string) (*arch.Regs, error) {
	err := errNoCall
	if s.Syscall != nil {
		err = errMoved
		if s.Process.stop == s && s.Thread.state == threadStopped {
			return s.Thread.Regs()
		}
	}
	e := &Error{Op: op, Err: err}
	if s.Process != nil { // it has none in a core
		e.TID = s.Process.PID
	}
	return nil, e
}

// SetArgs changes the first arguments of the system call that the thread is about
// to make. When it has returned, the program's registers are as they were, unless
// the process was detached before.
func (s *Stop) SetArgs(args ...uint64) error {
	const op = "set arguments"
	regs, err := s.changeable(op)
	switch {
	case err != nil:
		return err
	case s.Syscall.Phase != Enter:
		return &Error{Op: op, TID: s.Thread.TID, Err: errMade}
	case len(args) > len(s.Syscall.Args):
		return &Error{Op: op, TID: s.Thread.TID, Err: fmt.Errorf("%d are given, a system call has 6", len(args))}
	}
	c := &s.Thread.call
	if !c.altered {
		c.altered, c.passed = true, c.Args
	}
	for i, v := range args {
		regs[argRegs[c.Compat][i]] = v
		c.Args[i], s.Syscall.Args[i] = v, v
	}
	s.Thread.regsDirty = true
	return nil
}

// SetNr makes the thread make another system call than it is about to.
func (s *Stop) SetNr(nr int) error {
	const op = "set system call"
	regs, err := s.changeable(op)
	if err != nil {
		return err
	}
	if s.Syscall.Phase != Enter {
		return &Error{Op: op, TID: s.Thread.TID, Err: errMade}
	}
	regs[arch.OrigRAX] = uint64(nr)
	s.Thread.call.Nr, s.Syscall.Nr = nr, nr
	s.Thread.regsDirty = true
	return nil
}

// Replace makes the system call return ret. At its entry that skips the call, which
// still has an exit; at its exit the call has been made.
func (s *Stop) Replace(ret int64) error {
	regs, err := s.changeable("replace")
	if err != nil {
		return err
	}
	regs[arch.RAX] = uint64(ret)
	if s.Syscall.Phase == Enter {
		regs[arch.OrigRAX] = ^uint64(0) // no call: the kernel leaves rax alone
	} else {
		s.Syscall.Ret = ret
	}
	s.Thread.regsDirty = true
	return nil
}

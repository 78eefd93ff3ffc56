//go:build linux && amd64

package tracer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/syscalls"
)

// Syscall is Thread.Syscall for the thread that stopped last.
func (p *Process) Syscall(nr int, args ...Arg) (uint64, error) {
	t, err := p.caller("syscall")
	if err != nil {
		return 0, err
	}
	return t.Syscall(nr, args...)
}

// caller returns the thread that stopped last, for an operation op.
func (p *Process) caller(op string) (*Thread, error) {
	if err := p.still(); err != nil {
		return nil, &Error{Op: op, TID: p.PID, Err: err}
	}
	if t := p.Thread(); t != nil {
		return t, nil
	}
	return nil, &Error{Op: op, TID: p.PID, Err: ErrThread}
}

// Syscall lets the thread make a system call and returns what that returns; if it
// fails, the Error's cause is the errno. The other threads stay stopped, and the
// thread is afterwards where it was: its registers, the system call that it was
// in, and its pending signal are untouched. Signals that arrive meanwhile wait.
//
// Interrupt ends a call that blocks, with EINTR. A sleep of the program that the
// thread was in ends early with EINTR too, if the call is another sleep: the
// kernel remembers but one (restart_block).
//
// A call that ends the process leaves its last Stop to Process.Stop; one that
// starts another program leaves the thread at that one's first instruction; a
// child that it forks goes on as the thread would. What makes no sense this way
// is refused: vfork, clone with shared memory, rt_sigreturn.
func (t *Thread) Syscall(nr int, args ...Arg) (uint64, error) {
	ret, err := t.syscall(nr, args)
	if err != nil {
		return 0, &Error{Op: "syscall", TID: t.TID, Err: fmt.Errorf("%s: %w", syscalls.Name(nr), err)}
	}
	return ret, nil
}

func (t *Thread) syscall(nr int, args []Arg) (ret uint64, err error) {
	if len(args) > 6 {
		return 0, fmt.Errorf("%d arguments, want 6 at most", len(args))
	}
	p := t.p
	a, err := t.setAside()
	if err != nil {
		return 0, err
	}
	words, _, undo, err := a.push(args, nil)
	if err == nil {
		a.cancelable = true
		ret, err = a.makeCall(nr, words)
		err = errors.Join(err, a.restore(undo))
	} else {
		err = errors.Join(err, a.restore(nil))
	}
	switch {
	case err != nil:
		return 0, err
	case !a.over():
	case nr == unix.SYS_EXIT || nr == unix.SYS_EXIT_GROUP:
		return 0, p.awaitEnd(nr == unix.SYS_EXIT_GROUP)
	default:
		return 0, errors.Join(ErrThread, p.awaitEnd(false))
	}
	if stop := a.t.pending; p.execs != a.execs && stop != nil && stop.Reason == ReasonExec {
		a.t.pending = nil
		p.report(stop)
		if _, err := p.consult(stop); err != nil {
			return 0, err
		}
	}
	return result(ret)
}

// result returns what a system call has left in rax, or the error that it stands for.
func result(rax uint64) (uint64, error) {
	if e := -int64(rax); e > 0 && e < 4096 {
		return 0, unix.Errno(e)
	}
	return rax, nil
}

// awaitEnd waits for the end of a process that is about to end: certainly if all is
// set, or else if it has no thread left.
func (p *Process) awaitEnd(all bool) error {
	for p.state != Exited && (all || len(p.Threads()) == 0) {
		t, status, err := p.tr.wait(false)
		if err != nil {
			return err
		}
		if stop := p.tr.dispatch(t, status); (stop == nil || !stop.Gone()) && t.p == p && t.state == threadStopped {
			t.run(false)
		}
	}
	if p.state == Exited {
		_, err := p.consult(p.stop)
		return err
	}
	return nil
}

// The results of a system call that the kernel makes again (include/linux/errno.h).
const (
	restartSys    = 512
	restartNoIntr = 513
	restartNoHand = 514
	restartBlock  = 516
)

// makeCall makes the system call.
func (a *aside) makeCall(nr int, words []uint64) (uint64, error) {
	p := a.t.p
	if err := p.refuse(nr, words); err != nil {
		return 0, err
	}
	gate, err := p.findGate()
	if err != nil {
		return 0, err
	}
	// No signal is to be delivered now, except that the kernel would take away the
	// handler of a fault that is blocked (force_sig_info_to_task).
	if nr != unix.SYS_RT_SIGPROCMASK {
		if err := ptrace.SetSigmask(a.t.TID, ^uint64(faultSignals)); err != nil {
			return 0, err
		}
	}
	regs := a.regs
	for i, w := range words {
		regs[[...]arch.Reg{arch.RDI, arch.RSI, arch.RDX, arch.R10, arch.R8, arch.R9}[i]] = w
	}
	regs[arch.EFLAGS] &^= flagTF
	begin := func(nr int) error {
		regs[arch.RIP], regs[arch.RAX], regs[arch.OrigRAX] = gate, uint64(nr), ^uint64(0)
		return ptrace.SetRegs(a.t.TID, &regs)
	}
	if err := begin(nr); err != nil {
		return 0, err
	}
	p.aside = a
	defer func() { p.aside = nil }()
	for {
		status, err := a.resume(ptrace.Syscall)
		switch {
		case err != nil || a.over():
			return 0, err
		case status.StopSignal() == syscallTrap:
			ret, exit, err := a.t.callResult()
			if err != nil {
				return 0, err
			}
			if !exit {
				continue
			}
			switch -int64(ret) {
			case restartSys, restartNoIntr, restartNoHand, restartBlock:
			default:
				if nr == unix.SYS_RT_SIGPROCMASK {
					a.mask, err = ptrace.GetSigmask(a.t.TID)
				}
				return ret, err
			}
			if again := -int64(a.regs[arch.RAX]); -int64(ret) == restartBlock && again == restartBlock {
				a.regs[arch.RAX] = errnoWord(unix.EINTR)
			}
			if a.canceled {
				return a.cancel()
			}
			again := nr
			if -int64(ret) == restartBlock {
				again = unix.SYS_RESTART_SYSCALL
			}
			if err := begin(again); err != nil {
				return 0, err
			}
		case eventOf(status) == unix.PTRACE_EVENT_STOP:
			if a.canceled {
				return a.cancel()
			}
		case eventOf(status) != 0:
		default:
			if fault, err := a.put(status); err != nil || fault != 0 {
				if err == nil {
					err = fmt.Errorf("it raised %s", SignalName(fault))
				}
				return 0, err
			}
		}
	}
}

func errnoWord(e unix.Errno) uint64 { return -uint64(e) }

// cancel is the result of a call that Interrupt ended.
func (a *aside) cancel() (uint64, error) {
	a.t.p.tr.wanted.Store(0)
	return errnoWord(unix.EINTR), nil
}

// callResult returns rax if the thread is stopped at the exit of a system call.
func (t *Thread) callResult() (ret uint64, exit bool, err error) {
	var call ptrace.SyscallInfo
	if err := ptrace.GetSyscallInfo(t.TID, &call); err != nil || call.Op != unix.PTRACE_SYSCALL_INFO_EXIT {
		return 0, false, err
	}
	regs, err := t.Regs()
	if err != nil {
		return 0, false, err
	}
	return regs[arch.RAX], true, nil
}

// refuse returns why a system call cannot be injected, or nil.
func (p *Process) refuse(nr int, words []uint64) error {
	switch {
	case nr == unix.SYS_RT_SIGRETURN:
		return fmt.Errorf("%w: rt_sigreturn would replace the registers", unix.EINVAL)
	case p.cloneFlags(nr, words)&unix.CLONE_VM != 0:
		return fmt.Errorf("%w: the child would run on this thread's stack", unix.EINVAL)
	}
	return nil
}

// cloneFlags returns the flags with which a system call makes a thread or process;
// 0 if it makes none, as fork does.
func (p *Process) cloneFlags(nr int, args []uint64) uint64 {
	switch {
	case nr == unix.SYS_VFORK:
		return unix.CLONE_VFORK | unix.CLONE_VM
	case nr == unix.SYS_CLONE && len(args) > 0:
		return args[0]
	case nr == unix.SYS_CLONE3 && len(args) > 0:
		var word [8]byte
		p.readRaw(args[0], word[:]) // if it cannot be read, the kernel says so
		return binary.LittleEndian.Uint64(word[:])
	}
	return 0
}

// findGate returns the address of a syscall instruction to borrow. The vdso has
// one, and so have the C library and static programs; bytes in the middle of other
// instructions will do as well.
func (p *Process) findGate() (uint64, error) {
	instruction := []byte{0x0f, 0x05}
	var code [2]byte
	if n, _ := p.readRaw(p.gate, code[:]); n == len(code) && bytes.Equal(code[:], instruction) {
		return p.gate, nil
	}
	maps, err := p.Maps()
	if err != nil {
		return 0, err
	}
	for _, vdso := range []bool{true, false} {
		for _, m := range maps {
			if m.Perms&procfs.X == 0 || (m.Path == "[vdso]") != vdso {
				continue
			}
			code := make([]byte, min(m.End-m.Start, maxGateSearch))
			n, _ := p.readRaw(m.Start, code)
			if i := bytes.Index(code[:n], instruction); i >= 0 {
				p.gate = m.Start + uint64(i)
				return p.gate, nil
			}
		}
	}
	return 0, errors.New("no syscall instruction is mapped")
}

// maxGateSearch bounds how much of a mapping is searched.
const maxGateSearch = 4 << 20

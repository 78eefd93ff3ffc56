//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

// This file has the seccomp filter of launched programs (LaunchOptions.Filter). The
// calls that it names stop their thread, all others cost nothing.
//
// A filter stays for the life of the process and of all that it makes, and where no
// tracer answers for it, its calls fail with ENOSYS (seccomp(2)). So such a process
// cannot be let go: detaching it is refused, and the children that nobody holds are
// carried: traced and answered, and otherwise left alone. They run while the tracer
// waits, and end with it.

// ErrFiltered says that a process cannot be let go.
var ErrFiltered = errors.New("it was launched with a filter of system calls, which cannot be taken away: kill it, or launch it without one")

// The actions of a filter (linux/seccomp.h), and a flag that leaves the CPU's
// speculation as it is.
const (
	seccompAllow     = 0x7fff0000
	seccompTrace     = 0x7ff00000
	seccompSpecAllow = 4
)

// filterProgram returns a filter that stops the calls with the numbers nrs. Those
// of 32-bit code have other numbers, and are not stopped.
func filterProgram(nrs []int) []byte {
	const nrOffset, archOffset = 0, 4 // struct seccomp_data
	const load, equal, ret = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	program := []unix.SockFilter{
		{Code: load, K: archOffset},
		{Code: equal, K: unix.AUDIT_ARCH_X86_64, Jt: 1},
		{Code: ret, K: seccompAllow},
		{Code: load, K: nrOffset},
	}
	for _, nr := range nrs {
		program = append(program,
			unix.SockFilter{Code: equal, K: uint32(nr), Jf: 1},
			unix.SockFilter{Code: ret, K: seccompTrace})
	}
	program = append(program, unix.SockFilter{Code: ret, K: seccompAllow})
	data, _ := binary.Append(nil, binary.LittleEndian, program)
	return data
}

// install has the process put a filter on itself, which stops the calls with the numbers
// nrs, if not others too. Only without CAP_SYS_ADMIN does
// it have to renounce what setuid programs would gain, which a traced process does
// not gain anyway.
func (p *Process) install(program []byte, nrs []int) error {
	t := p.threads[0]
	regs, err := t.Regs()
	if err != nil {
		return err
	}
	// struct sock_fprog and the program lie in the unused stack meanwhile.
	at := regs.SP() - uint64(len(program)) - 16
	header := binary.LittleEndian.AppendUint64(nil, uint64(len(program)/8))
	header = binary.LittleEndian.AppendUint64(header, at+16)
	old := make([]byte, 16+len(program))
	if _, err := p.ReadAt(at, old); err != nil {
		return err
	}
	if _, err := p.WriteAt(at, append(header, program...)); err != nil {
		return err
	}
	install := func() error {
		_, err := p.Syscall(unix.SYS_SECCOMP, Words(unix.SECCOMP_SET_MODE_FILTER, seccompSpecAllow, at)...)
		return err
	}
	err = install()
	if errors.Is(err, unix.EACCES) {
		if _, err = p.Syscall(unix.SYS_PRCTL, Words(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)...); err == nil {
			err = install()
		}
	}
	if err != nil {
		return fmt.Errorf("put a filter on its system calls: %w", err)
	}
	p.filter = nrs
	_, err = p.WriteAt(at, old)
	return err
}

// filtered reports whether the filter stops all calls that the hook asks for. It then
// gets those that are entered while it is there.
func (p *Process) filtered(h *Hook) bool {
	return p.filter != nil && h.o.Syscalls != nil &&
		!slices.ContainsFunc(h.o.Syscalls, func(nr int) bool { return !slices.Contains(p.filter, nr) })
}

// takeFiltered handles a call that the filter has stopped. Where all calls are
// traced, its entry has been seen already.
func (p *Process) takeFiltered(t *Thread) *Stop {
	p.stained = true
	var info ptrace.SyscallInfo
	if ptrace.GetSyscallInfo(t.TID, &info) != nil {
		return nil // killed meanwhile
	}
	if t.call.inside && !t.call.restarting {
		t.call.followed = true
		return nil
	}
	if t.call.again(&info) {
		t.call.restarting = false
		return nil
	}
	admits := func(h *Hook) bool {
		return h.o.Reason == ReasonSyscall && (h.o.Syscalls == nil || slices.Contains(h.o.Syscalls, info.Nr()))
	}
	if !slices.ContainsFunc(p.hooks, admits) {
		return nil
	}
	t.call = enteredCall(&info)
	t.call.followed = true
	return p.callStop(t)
}

// letGo lets a stopped thread go, which is no thread of p any more.
func (p *Process) letGo(tid, sig int, grouped bool) error {
	if p.filter == nil {
		return ptrace.Detach(tid, sig)
	}
	p.tr.carried[tid] = true
	if grouped {
		return ptrace.Listen(tid)
	}
	return ptrace.Cont(tid, sig)
}

// carry answers for a thread that is carried.
func (tr *Tracer) carry(tid int, status unix.WaitStatus) {
	if !status.Stopped() {
		delete(tr.carried, tid)
		return
	}
	sig := 0
	switch eventOf(status) {
	case 0:
		sig = int(status.StopSignal())
	case unix.PTRACE_EVENT_STOP:
		if inGroupStop(status) {
			ptrace.Listen(tid)
			return
		}
	case unix.PTRACE_EVENT_CLONE, unix.PTRACE_EVENT_FORK, unix.PTRACE_EVENT_VFORK:
		if msg, err := ptrace.EventMsg(tid); err == nil {
			child := int(msg)
			tr.carried[child] = true
			if _, stopped := tr.orphans[child]; stopped {
				delete(tr.orphans, child)
				ptrace.Cont(child, 0)
			}
		}
	}
	ptrace.Cont(tid, sig)
}

// endCarried kills what is carried.
func (tr *Tracer) endCarried() {
	for tid := range tr.carried {
		unix.Kill(tid, unix.SIGKILL)
	}
	for len(tr.carried) > 0 {
		tid, status, err := ptrace.Wait(-1, 0)
		if err != nil && err != unix.EINTR {
			return
		}
		if tr.carried[tid] {
			tr.carry(tid, status)
		}
	}
}

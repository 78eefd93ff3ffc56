//go:build linux && amd64

// Package ptrace makes the system calls of the tracer: ptrace(2) requests,
// wait4(2) and the calls that move a tracee's memory.
//
// It is the only package that imports unsafe. It holds no state and knows no
// policy; every function is one system call, and errors are unix.Errno values. A
// Child alone makes more, for what cannot be Go code.
//
// The kernel ties a tracee to the thread that traces it: all functions but
// Tgkill and Reap must be called on that thread. Requests on a stopped tracee never
// block, so they are raw calls that the scheduler does not see; Wait may block
// and is announced to it, or the garbage collector would wait too.
package ptrace

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
)

// The si_code values of SIGTRAP (asm-generic/siginfo.h) and two general ones.
const (
	TrapBrkpt = 1
	TrapTrace = 2
	TrapHwbkp = 4
	TrapUnk   = 5
	SIKernel  = 0x80
	SITkill   = -6
)

// A Siginfo is the kernel's siginfo_t.
type Siginfo [128]byte

// Signo returns si_signo.
func (s *Siginfo) Signo() int { return int(s.int32(0)) }

// Errno returns si_errno.
func (s *Siginfo) Errno() int { return int(s.int32(4)) }

// Code returns si_code.
func (s *Siginfo) Code() int { return int(s.int32(8)) }

// Addr returns si_addr, which only faults set.
func (s *Siginfo) Addr() uint64 {
	return uint64(uint32(s.int32(16))) | uint64(uint32(s.int32(20)))<<32
}

// PID returns si_pid, which only signals that were sent set.
func (s *Siginfo) PID() int { return int(s.int32(16)) }

// UID returns si_uid, which only signals that were sent set.
func (s *Siginfo) UID() int { return int(s.int32(20)) }

func (s *Siginfo) int32(off int) int32 {
	return int32(s[off]) | int32(s[off+1])<<8 | int32(s[off+2])<<16 | int32(s[off+3])<<24
}

// request makes a ptrace(2) call whose arguments are numbers.
func request(req, tid int, addr, data uintptr) error {
	_, _, e := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(req), uintptr(tid), addr, data, 0, 0)
	return errno(e)
}

// exchange makes a ptrace(2) call that reads or writes what data points to. The
// pointer becomes a number in the system call's own argument list only: that keeps
// the stack, on which it may lie, from being moved.
func exchange(req, tid int, addr uintptr, data unsafe.Pointer) error {
	_, _, e := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(req), uintptr(tid), addr, uintptr(data), 0, 0)
	return errno(e)
}

func errno(e unix.Errno) error {
	if e != 0 {
		return e
	}
	return nil
}

// Seize attaches to a thread without stopping it. It blocks while another thread of
// the process makes an exec.
func Seize(tid, options int) error {
	_, _, e := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(tid), 0, uintptr(options), 0, 0)
	return errno(e)
}

// SetOptions replaces the options of a stopped thread.
func SetOptions(tid, options int) error {
	return request(unix.PTRACE_SETOPTIONS, tid, 0, uintptr(options))
}

// Interrupt makes a running or listening thread stop.
func Interrupt(tid int) error { return request(unix.PTRACE_INTERRUPT, tid, 0, 0) }

// Listen lets a thread in a group-stop stay in it and report its end.
func Listen(tid int) error { return request(unix.PTRACE_LISTEN, tid, 0, 0) }

// Cont resumes a stopped thread and delivers sig unless it is 0.
func Cont(tid, sig int) error { return request(unix.PTRACE_CONT, tid, 0, uintptr(sig)) }

// Step resumes a stopped thread for one instruction.
func Step(tid, sig int) error { return request(unix.PTRACE_SINGLESTEP, tid, 0, uintptr(sig)) }

// Syscall resumes a stopped thread until it enters or leaves a system call, and
// delivers sig unless it is 0.
func Syscall(tid, sig int) error { return request(unix.PTRACE_SYSCALL, tid, 0, uintptr(sig)) }

// Detach lets a stopped thread go and delivers sig unless it is 0.
func Detach(tid, sig int) error { return request(unix.PTRACE_DETACH, tid, 0, uintptr(sig)) }

// GetRegs reads the general registers of a stopped thread.
func GetRegs(tid int, regs *arch.Regs) error {
	return exchange(unix.PTRACE_GETREGS, tid, 0, unsafe.Pointer(regs))
}

// SetRegs writes the general registers of a stopped thread.
func SetRegs(tid int, regs *arch.Regs) error {
	return exchange(unix.PTRACE_SETREGS, tid, 0, unsafe.Pointer(regs))
}

// GetSiginfo reads the siginfo of the signal that stopped a thread. It is
// EINVAL in a group-stop.
func GetSiginfo(tid int, info *Siginfo) error {
	return exchange(unix.PTRACE_GETSIGINFO, tid, 0, unsafe.Pointer(info))
}

// SetSiginfo replaces the siginfo of the signal that stopped a thread.
func SetSiginfo(tid int, info *Siginfo) error {
	return exchange(unix.PTRACE_SETSIGINFO, tid, 0, unsafe.Pointer(info))
}

// PeekSiginfo reads the signals that are queued for a stopped thread, or for its
// process if shared is set, from the one that has a number of others before it. It
// returns how many there were, which is less than len(infos) at the end.
func PeekSiginfo(tid int, shared bool, before int, infos []Siginfo) (int, error) {
	args := struct {
		off   uint64
		flags uint32
		nr    int32
	}{off: uint64(before), nr: int32(len(infos))}
	if shared {
		args.flags = unix.PTRACE_PEEKSIGINFO_SHARED
	}
	n, _, e := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_PEEKSIGINFO, uintptr(tid),
		uintptr(unsafe.Pointer(&args)), uintptr(unsafe.Pointer(unsafe.SliceData(infos))), 0, 0)
	return int(n), errno(e)
}

// EventMsg returns the message of the last PTRACE_EVENT stop.
func EventMsg(tid int) (uint64, error) {
	var msg uint64
	err := exchange(unix.PTRACE_GETEVENTMSG, tid, 0, unsafe.Pointer(&msg))
	return msg, err
}

// A SyscallInfo is the kernel's struct ptrace_syscall_info.
type SyscallInfo struct {
	Op   uint8 // unix.PTRACE_SYSCALL_INFO_ENTRY and so on
	_    [3]byte
	Arch uint32 // unix.AUDIT_ARCH_X86_64 or unix.AUDIT_ARCH_I386
	IP   uint64
	SP   uint64
	data [8]uint64 // by Op
}

// Nr returns the number of the system call, at its entry.
func (i *SyscallInfo) Nr() int { return int(i.data[0]) }

// Args returns the arguments of the system call, at its entry.
func (i *SyscallInfo) Args() [6]uint64 { return [6]uint64(i.data[1:7]) }

// Ret returns what the system call returned, at its exit.
func (i *SyscallInfo) Ret() int64 { return int64(i.data[0]) }

// GetSyscallInfo reads about the system call in which a thread is stopped. It is
// EIO before Linux 5.3.
func GetSyscallInfo(tid int, info *SyscallInfo) error {
	return exchange(unix.PTRACE_GET_SYSCALL_INFO, tid, unsafe.Sizeof(*info), unsafe.Pointer(info))
}

// PokeText writes a word of a stopped thread's memory, whatever its protection.
func PokeText(tid int, addr, word uint64) error {
	return request(unix.PTRACE_POKETEXT, tid, uintptr(addr), uintptr(word))
}

// Wait waits for a change of tid, or of any tracee or child of this thread when
// tid is -1. It returns EINTR when a signal handled without SA_RESTART arrives.
func Wait(tid, options int) (int, unix.WaitStatus, error) {
	var status uint32
	r, _, e := unix.Syscall6(unix.SYS_WAIT4, uintptr(tid), uintptr(unsafe.Pointer(&status)),
		uintptr(options|unix.WALL|unix.WNOTHREAD), 0, 0, 0)
	if e != 0 {
		return 0, 0, e
	}
	return int(r), unix.WaitStatus(status), nil
}

// WaitSoon is Wait for what is about to report, as far as that is in the kernel's hands:
// the scheduler is not told, which would look after a thread that waits.
func WaitSoon(tid int) (int, unix.WaitStatus, error) {
	var status uint32
	r, _, e := unix.RawSyscall6(unix.SYS_WAIT4, uintptr(tid), uintptr(unsafe.Pointer(&status)), unix.WALL|unix.WNOTHREAD, 0, 0, 0)
	if e != 0 {
		return 0, 0, e
	}
	return int(r), unix.WaitStatus(status), nil
}

// Reports reports whether tid, a tracee of this thread, has a change to wait for.
func Reports(tid int) bool {
	var info unix.Siginfo // stays zero where there is none (waitid(2))
	err := unix.Waitid(unix.P_PID, tid, &info, unix.WSTOPPED|unix.WEXITED|unix.WNOHANG|unix.WNOWAIT|unix.WALL|unix.WNOTHREAD, nil)
	return err != nil || info.Signo != 0
}

// Reap takes the end of tid, a tracee of any thread of this process, if it has ended.
// Any thread may call it.
func Reap(tid int) {
	unix.RawSyscall6(unix.SYS_WAIT4, uintptr(tid), 0, unix.WALL|unix.WNOHANG, 0, 0, 0)
}

// ReadMemory reads a tracee's memory with process_vm_readv(2). It returns the
// number of bytes read before the first page that cannot be read.
func ReadMemory(pid int, addr uint64, buf []byte) (int, error) {
	if len(buf) == 0 {
		return 0, nil
	}
	local := unix.Iovec{Base: &buf[0], Len: uint64(len(buf))}
	remote := unix.RemoteIovec{Base: uintptr(addr), Len: len(buf)}
	var n uintptr
	var e unix.Errno
	if len(buf) > longRead {
		n, _, e = unix.Syscall6(unix.SYS_PROCESS_VM_READV, uintptr(pid),
			uintptr(unsafe.Pointer(&local)), 1, uintptr(unsafe.Pointer(&remote)), 1, 0)
	} else {
		n, _, e = unix.RawSyscall6(unix.SYS_PROCESS_VM_READV, uintptr(pid),
			uintptr(unsafe.Pointer(&local)), 1, uintptr(unsafe.Pointer(&remote)), 1, 0)
	}
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

// WriteMemory writes a tracee's memory with process_vm_writev(2), which respects
// its protection, unlike Pwrite. It returns the number of bytes written before the
// first page that cannot be.
func WriteMemory(pid int, addr uint64, data []byte) (int, error) {
	if len(data) == 0 {
		return 0, nil
	}
	local := unix.Iovec{Base: &data[0], Len: uint64(len(data))}
	remote := unix.RemoteIovec{Base: uintptr(addr), Len: len(data)}
	n, _, e := unix.RawSyscall6(unix.SYS_PROCESS_VM_WRITEV, uintptr(pid),
		uintptr(unsafe.Pointer(&local)), 1, uintptr(unsafe.Pointer(&remote)), 1, 0)
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

// longRead is the number of bytes from which on a read takes so long that the
// scheduler has to know.
const longRead = 256 << 10

// Pread reads from a /proc/PID/mem file. Addresses from 2^63 up are valid
// offsets there.
func Pread(fd int, addr uint64, buf []byte) (int, error) {
	return transfer(unix.SYS_PREAD64, fd, addr, buf)
}

// Pwrite writes to a /proc/PID/mem file.
func Pwrite(fd int, addr uint64, buf []byte) (int, error) {
	return transfer(unix.SYS_PWRITE64, fd, addr, buf)
}

func transfer(call uintptr, fd int, addr uint64, buf []byte) (int, error) {
	if len(buf) == 0 {
		return 0, nil
	}
	n, _, e := unix.RawSyscall6(call, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), uintptr(addr), 0, 0)
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

// Personality sets the execution domain of this thread and returns the old one.
// A persona of 0xffffffff changes nothing.
func Personality(persona uint32) (uint32, error) {
	old, _, e := unix.RawSyscall(unix.SYS_PERSONALITY, uintptr(persona), 0, 0)
	if e != 0 {
		return 0, e
	}
	return uint32(old), nil
}

// Tgkill sends sig to thread tid of process pid. Any thread may call it.
func Tgkill(pid, tid, sig int) error {
	_, _, e := unix.RawSyscall(unix.SYS_TGKILL, uintptr(pid), uintptr(tid), uintptr(sig))
	return errno(e)
}

// Requeue sends a thread of process pid a signal with its record. The kernel takes
// only those that a program has sent with a record or a timer has, else it is EPERM.
func Requeue(pid, tid int, info *Siginfo) error {
	_, _, e := unix.RawSyscall6(unix.SYS_RT_TGSIGQUEUEINFO, uintptr(pid), uintptr(tid), uintptr(info.Signo()), uintptr(unsafe.Pointer(info)), 0, 0)
	if e != 0 {
		return e
	}
	return nil
}

// sigaction is the kernel's struct sigaction on x86-64.
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

// Flags of a sigaction.
const (
	saNoCldStop = 0x1
	saRestart   = 0x10000000
)

// ClearRestart makes the host's handler of sig interrupt system calls instead
// of restarting them. The handler itself stays as it is.
func ClearRestart(sig int) error { return setFlags(sig, saRestart, 0) }

// IgnoreStops ends the SIGCHLD that the host gets whenever a child or tracee stops.
// Its handler, which the Go runtime has installed, stays as it is, and is called
// when one ends.
func IgnoreStops() error { return setFlags(int(unix.SIGCHLD), 0, saNoCldStop) }

// setFlags clears and sets flags of the host's handler of sig.
func setFlags(sig int, clear, set uint64) error {
	var act sigaction
	if _, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), 0, uintptr(unsafe.Pointer(&act)), 8, 0, 0); e != 0 {
		return e
	}
	act.flags = act.flags&^clear | set
	if _, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&act)), 0, 8, 0, 0); e != 0 {
		return e
	}
	return nil
}

// CPU returns the CPU that this thread runs on, or -1 if the kernel does not say.
func CPU() int {
	var cpu uint32
	if _, _, e := unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), 0, 0); e != 0 {
		return -1
	}
	return int(cpu)
}

// SharesMemory reports whether two processes run in one address space.
func SharesMemory(pid, other int) bool {
	const kcmpVM = 1
	r, _, e := unix.RawSyscall6(unix.SYS_KCMP, uintptr(pid), uintptr(other), kcmpVM, 0, 0, 0)
	return e == 0 && r == 0
}

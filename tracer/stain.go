//go:build linux && amd64

package tracer

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// This file has the seccomp filter that tells when a copy of a checkpoint does what a
// recycler cannot undo: it is stained then. Calls that are not named here stain.

// cleanCalls leave nothing in the process but what is undone: descriptors, mappings, the
// mask of signals, or nothing at all. What they do to files and to other processes
// happens to those for good, as it does when a process is killed.
var cleanCalls = []int{
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_PREAD64, unix.SYS_PWRITE64, unix.SYS_READV, unix.SYS_WRITEV, unix.SYS_PREADV, unix.SYS_PWRITEV,
	unix.SYS_LSEEK, unix.SYS_CREAT, unix.SYS_DUP, unix.SYS_PIPE, unix.SYS_PIPE2,
	unix.SYS_STAT, unix.SYS_FSTAT, unix.SYS_LSTAT, unix.SYS_NEWFSTATAT, unix.SYS_STATX, unix.SYS_STATFS, unix.SYS_FSTATFS,
	unix.SYS_ACCESS, unix.SYS_FACCESSAT, unix.SYS_FACCESSAT2, unix.SYS_READLINK, unix.SYS_READLINKAT, unix.SYS_GETCWD,
	unix.SYS_GETDENTS, unix.SYS_GETDENTS64, unix.SYS_FADVISE64, unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_FTRUNCATE, unix.SYS_TRUNCATE,
	unix.SYS_UNLINK, unix.SYS_UNLINKAT, unix.SYS_RENAME, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_RMDIR,
	unix.SYS_POLL, unix.SYS_PPOLL, unix.SYS_SELECT, unix.SYS_PSELECT6,
	unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_SENDTO, unix.SYS_RECVFROM, unix.SYS_SENDMSG, unix.SYS_RECVMSG,
	unix.SYS_BRK, unix.SYS_MUNMAP, unix.SYS_MPROTECT, unix.SYS_MREMAP, unix.SYS_MINCORE,
	unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_RT_SIGPENDING, unix.SYS_KILL, unix.SYS_TKILL, unix.SYS_TGKILL,
	unix.SYS_GETPID, unix.SYS_GETPPID, unix.SYS_GETTID, unix.SYS_GETPGRP, unix.SYS_GETPGID, unix.SYS_GETSID,
	unix.SYS_GETUID, unix.SYS_GETEUID, unix.SYS_GETGID, unix.SYS_GETEGID, unix.SYS_GETGROUPS, unix.SYS_GETRESUID, unix.SYS_GETRESGID,
	unix.SYS_UNAME, unix.SYS_SYSINFO, unix.SYS_GETRUSAGE, unix.SYS_GETRLIMIT, unix.SYS_TIMES, unix.SYS_GETRANDOM, unix.SYS_GETCPU,
	unix.SYS_TIME, unix.SYS_GETTIMEOFDAY, unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_GETRES, unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP,
	unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_FUTEX, unix.SYS_RESTART_SYSCALL, unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
}

// A cleanUse is a call that leaves nothing if the low half of an argument, of which mask
// are the bits that count, is one of those.
type cleanUse struct {
	nr, arg int
	mask    uint32
	values  []uint32
}

// What is new for certain may be so by its name, which the process's ID can be part of:
// that stays the same.
var cleanUses = []cleanUse{
	{unix.SYS_OPEN, 1, unix.O_EXCL, []uint32{0}},
	{unix.SYS_OPENAT, 2, unix.O_EXCL, []uint32{0}},
	{unix.SYS_MMAP, 3, unix.MAP_TYPE, []uint32{unix.MAP_PRIVATE}},
	{unix.SYS_MADVISE, 2, ^uint32(0), []uint32{unix.MADV_DONTNEED, unix.MADV_FREE}},
	{unix.SYS_IOCTL, 1, ^uint32(0), []uint32{unix.TCGETS, unix.TIOCGWINSZ, unix.TIOCINQ}},
	{unix.SYS_FCNTL, 1, ^uint32(0), []uint32{unix.F_DUPFD, unix.F_DUPFD_CLOEXEC, unix.F_GETFD, unix.F_GETFL}},
	{unix.SYS_PRLIMIT64, 2, ^uint32(0), []uint32{0}}, // programs have nothing at other addresses that end like that
}

// stainProgram returns a filter that stops what stains a process that was born with
// these descriptors, in order, which it may not close.
func stainProgram(fds []int) []byte {
	const nrOffset, archOffset = 0, 4 // struct seccomp_data
	const load, and = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
	const equal, ret = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	allow, stop := unix.SockFilter{Code: ret, K: seccompAllow}, unix.SockFilter{Code: ret, K: seccompTrace}
	argument := func(n int) unix.SockFilter { return unix.SockFilter{Code: load, K: uint32(16 + 8*n)} }
	program := []unix.SockFilter{
		{Code: load, K: archOffset},
		{Code: equal, K: unix.AUDIT_ARCH_X86_64, Jt: 1},
		stop,
		{Code: load, K: nrOffset},
	}
	// use appends what is done about one call, which does not go on behind it.
	use := func(nr int, code ...unix.SockFilter) {
		program = append(append(program, unix.SockFilter{Code: equal, K: uint32(nr), Jf: uint8(len(code))}), code...)
	}
	for _, nr := range cleanCalls {
		use(nr, allow)
	}
	for _, u := range cleanUses {
		code := []unix.SockFilter{argument(u.arg), {Code: and, K: u.mask}}
		for _, v := range u.values {
			code = append(code, unix.SockFilter{Code: equal, K: v, Jf: 1}, allow)
		}
		use(u.nr, append(code, stop)...)
	}
	closes := []unix.SockFilter{argument(0)}
	for _, fd := range fds {
		closes = append(closes, unix.SockFilter{Code: equal, K: uint32(fd), Jf: 1}, stop)
	}
	use(unix.SYS_CLOSE, append(closes, allow)...)
	program = append(program, stop)
	data, _ := binary.Append(nil, binary.LittleEndian, program)
	return data
}

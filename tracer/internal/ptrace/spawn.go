//go:build linux && amd64

package ptrace

import (
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/internal/ptrace/nofile"
)

// A Child is a process that is traced before its program begins. It starts in the memory
// of this program, with all signals blocked, and waits. Once it is seized and released,
// it makes the system calls that it was given, of which the last is an execve.
//
// It costs less than syscall.ForkExec and a child that asks to be traced: that one has to
// put back each signal handler, which exec does anyway, and cannot be seized without more
// stops.
//
// A Child must be kept alive until its exec or its end has been reported.
type Child struct {
	PID int

	// Sigmask is what its program is to block: what this thread does. The child itself
	// must not come to run one of this program's handlers.
	Sigmask uint64

	orders *orders
	n      int   // of its calls
	kept   []any // what they point to
}

// orders are what the child reads and writes, in assembly.
type orders struct {
	parent   uintptr // process ID
	released uint32  // it may go on
	errno    uintptr // of the call that failed, or 0
	failed   uintptr // its number
	files    unix.Rlimit
	mask     uint64
	calls    [24]call
}

type call struct {
	nr       uintptr
	args     [6]uintptr
	optional uintptr // go on if it fails
}

// clone makes a child that shares this program's memory and follows the orders. It
// returns in the parent alone, with the process ID or the negated errno.
func clone(flags uintptr, o *orders) (pid uintptr)

// NewChild returns a child that is not born yet, and has no calls to make but one: to
// live on without this thread, as its tracer then decides on that.
func NewChild() *Child {
	c := &Child{orders: &orders{parent: uintptr(os.Getpid())}}
	c.Try(unix.SYS_PRCTL, Word(unix.PR_SET_PDEATHSIG), Word(0))
	return c
}

// An Arg is an argument of a system call.
type Arg struct {
	word uintptr
	kept any
}

// Word returns an argument that is a number.
func Word(n int) Arg { return Arg{word: uintptr(n)} }

// pointer returns an argument that points into the orders.
func pointer[T any](p *T) Arg { return Arg{word: uintptr(unsafe.Pointer(p))} }

// String returns an argument that is a string of C. It is EINVAL if s has a zero byte.
func String(s string) (Arg, error) {
	p, err := syscall.BytePtrFromString(s)
	return Arg{uintptr(unsafe.Pointer(p)), p}, err
}

// Strings returns an argument that is a list of strings, as execve takes them.
func Strings(list []string) (Arg, error) {
	p, err := syscall.SlicePtrFromStrings(list)
	return Arg{uintptr(unsafe.Pointer(unsafe.SliceData(p))), p}, err
}

// Call adds a system call to those that the child makes. If it fails, the child ends.
func (c *Child) Call(nr int, args ...Arg) {
	next := &c.orders.calls[c.n]
	next.nr = uintptr(nr)
	for i, a := range args {
		next.args[i] = a.word
		c.kept = append(c.kept, a.kept)
	}
	c.n++
}

// Try is Call for one that may fail.
func (c *Child) Try(nr int, args ...Arg) {
	c.orders.calls[c.n].optional = 1
	c.Call(nr, args...)
}

// RestoreFiles adds that the child has the limit of open files that this program was
// started with, if it is package syscall that has raised it.
func (c *Child) RestoreFiles() {
	var now unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now)
	soft, hard := nofile.Inherited[0], nofile.Inherited[1]
	if err == nil && now.Max == hard && now.Cur == hard-1 && soft < now.Cur {
		c.orders.files = unix.Rlimit{Cur: soft, Max: hard}
		c.Call(unix.SYS_PRLIMIT64, Word(0), Word(unix.RLIMIT_NOFILE), pointer(&c.orders.files))
	}
}

// Volunteer has the child ask this thread, before its execve, to trace it. That stops it
// with SIGTRAP, which it must not block.
func (c *Child) Volunteer() {
	exec := c.orders.calls[c.n-1]
	c.n--
	c.Call(unix.SYS_PTRACE, Word(unix.PTRACE_TRACEME))
	c.orders.mask = ^uint64(1 << (unix.SIGTRAP - 1))
	c.Call(unix.SYS_RT_SIGPROCMASK, Word(unix.SIG_SETMASK), pointer(&c.orders.mask), Word(0), Word(sigsetSize))
	c.orders.calls[c.n] = exec
	c.n++
}

// Start has the child born. It waits for Release.
func (c *Child) Start() error {
	all := ^uint64(0)
	syscall.ForkLock.Lock() // others may be about to mark a descriptor as theirs alone
	defer syscall.ForkLock.Unlock()
	unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&c.Sigmask)), sigsetSize, 0, 0)
	// A tracer of this program has no use for what is traced already.
	pid := int(clone(unix.CLONE_VM|unix.CLONE_UNTRACED|uintptr(unix.SIGCHLD), c.orders))
	unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&c.Sigmask)), 0, sigsetSize, 0, 0)
	if pid < 0 {
		return unix.Errno(-pid)
	}
	c.PID = pid
	return nil
}

// Release lets the child go on.
func (c *Child) Release() {
	const futexWakePrivate = 0x81
	atomic.StoreUint32(&c.orders.released, 1)
	unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&c.orders.released)), futexWakePrivate, 1, 0, 0, 0)
}

// Failed returns the number of the system call for which the child has ended, and its
// error, or nil. It is for when the end was reported.
func (c *Child) Failed() (nr int, err error) {
	return int(c.orders.failed), errno(unix.Errno(c.orders.errno))
}

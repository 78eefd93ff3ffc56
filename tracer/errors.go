//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"strings"
)

// An Error records a failed operation on a process or thread.
type Error struct {
	Op   string // operation, such as "read" or "cont"
	TID  int    // process or thread ID, or 0 if none was involved
	Addr uint64 // address, meaningful if At is set
	At   bool   // whether an address was involved
	Err  error  // cause, often a unix.Errno
}

// Error returns a text such as "read [4242] at 0x10: bad address".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.TID != 0 {
		fmt.Fprintf(&b, " [%d]", e.TID)
	}
	if e.At {
		fmt.Fprintf(&b, " at %#x", e.Addr)
	}
	return b.String() + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Causes of an Error that come from a process's state.
var (
	ErrExited    = errors.New("process has exited")
	ErrDetached  = errors.New("process was detached")
	ErrThread    = errors.New("thread has exited")
	ErrSuspended = errors.New("all threads are suspended")
	ErrBusy      = errors.New("process was let go on and not waited for since")
	ErrRunning   = errors.New("other threads run while this handler does")
	ErrVfork     = errors.New("thread waits in vfork until its child execs or exits")
	ErrExec      = errors.New("thread waits in exec until the other threads have ended")
)

package builtins

import (
	"fmt"

	"go.starlark.net/starlark"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer"
)

// A siginfo is the kernel's record of a signal.
type siginfo struct {
	handle
	info tracer.Siginfo
}

// fault reports whether the record has an address: the kernel sent the signal
// (si_code is positive) for something that an instruction did (sigaction(2)).
func (s *siginfo) fault() bool {
	switch unix.Signal(s.info.Signo()) {
	case unix.SIGILL, unix.SIGFPE, unix.SIGSEGV, unix.SIGBUS, unix.SIGTRAP:
		return s.info.Code() > 0
	}
	return false
}

// sent reports whether the record names a sender or, for SIGCHLD, the child.
func (s *siginfo) sent() bool {
	return s.info.Code() <= 0 || unix.Signal(s.info.Signo()) == unix.SIGCHLD
}

var siginfoClass = newClass("siginfo", "The kernel's record of a signal, as in sigaction(2).", []attribute[*siginfo]{
	{"signo", "int", "The signal's number.", func(s *siginfo) (starlark.Value, error) {
		return starlark.MakeInt(s.info.Signo()), nil
	}},
	{"code", "int", "Why it was sent: 0 and below by a process, above by the kernel.", func(s *siginfo) (starlark.Value, error) {
		return starlark.MakeInt(s.info.Code()), nil
	}},
	{"errno", "int", "An error number, mostly 0.", func(s *siginfo) (starlark.Value, error) {
		return starlark.MakeInt(s.info.Errno()), nil
	}},
	{"addr", "int or None", "The address of the fault, for SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGTRAP from the kernel.", func(s *siginfo) (starlark.Value, error) {
		if !s.fault() {
			return starlark.None, nil
		}
		return starlark.MakeUint64(s.info.Addr()), nil
	}},
	{"pid", "int or None", "The process that sent it, or the child that SIGCHLD tells of.", func(s *siginfo) (starlark.Value, error) {
		return optionalInt(s.info.PID(), s.sent()), nil
	}},
	{"uid", "int or None", "The real user ID of that process.", func(s *siginfo) (starlark.Value, error) {
		return optionalInt(s.info.UID(), s.sent()), nil
	}},
}, nil)

var _ starlark.HasAttrs = (*siginfo)(nil)

func (s *siginfo) Type() string                             { return "siginfo" }
func (s *siginfo) Hash() (uint32, error)                    { return 0, unhashable(s) }
func (s *siginfo) Attr(name string) (starlark.Value, error) { return siginfoClass.attr(s, name) }
func (s *siginfo) AttrNames() []string                      { return siginfoClass.names }

func (s *siginfo) String() string {
	text := fmt.Sprintf("<siginfo %s code %d", tracer.SignalName(s.info.Signo()), s.info.Code())
	if s.fault() {
		text += fmt.Sprintf(" addr %#x", s.info.Addr())
	}
	if s.sent() {
		text += fmt.Sprintf(" pid %d uid %d", s.info.PID(), s.info.UID())
	}
	return text + ">"
}

// MarshalJSON encodes the attributes that the record has.
func (s *siginfo) MarshalJSON() ([]byte, error) {
	v := struct {
		Signo int     `json:"signo"`
		Code  int     `json:"code"`
		Errno int     `json:"errno"`
		Addr  *uint64 `json:"addr,omitempty"`
		PID   *int    `json:"pid,omitempty"`
		UID   *int    `json:"uid,omitempty"`
	}{Signo: s.info.Signo(), Code: s.info.Code(), Errno: s.info.Errno()}
	if s.fault() {
		addr := s.info.Addr()
		v.Addr = &addr
	}
	if s.sent() {
		pid, uid := s.info.PID(), s.info.UID()
		v.PID, v.UID = &pid, &uid
	}
	return encode(v)
}

//go:build linux && amd64

package tracer

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/procfs"
)

// MaxSignal is the highest signal number.
const MaxSignal = 64

// SignalName returns a signal's name, such as "SIGSEGV" or "SIGRT34", or "" for
// a number that is none.
func SignalName(sig int) string {
	if name := unix.SignalName(unix.Signal(sig)); name != "" {
		return name
	}
	if sig >= 32 && sig <= MaxSignal {
		return fmt.Sprintf("SIG%d", sig)
	}
	return ""
}

// SignalNumber returns the number of a signal named with or without "SIG".
func SignalNumber(name string) (int, bool) {
	upper := strings.ToUpper(name)
	if !strings.HasPrefix(upper, "SIG") {
		upper = "SIG" + upper
	}
	for sig := 1; sig <= MaxSignal; sig++ {
		if SignalName(sig) == upper {
			return sig, true
		}
	}
	return 0, false
}

// A sigset is a set of signals, bit n-1 for signal n, as the kernel has them.
type sigset uint64

func sigsetOf(sigs ...unix.Signal) (s sigset) {
	for _, sig := range sigs {
		s |= 1 << (sig - 1)
	}
	return s
}

func (s sigset) has(sig int) bool { return s>>(sig-1)&1 != 0 }

// quietSignals are delivered without a stop unless a Hook asks: job control,
// those that mean nothing by default, what profilers and the Go runtime send by
// the thousand, and the two that glibc keeps for itself.
var quietSignals = sigsetOf(
	unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGCONT,
	unix.SIGCHLD, unix.SIGURG, unix.SIGWINCH, unix.SIGPROF, unix.SIGVTALRM, 32, 33)

// Quieten has a process get signals without a stop, unless a Hook asks, besides those that
// it gets so in any case. Children that are held from now on are to be told too.
func (p *Process) Quieten(sigs ...unix.Signal) { p.quiet |= sigsetOf(sigs...) }

// Quiet reports whether the process gets a signal without a stop unless a Hook asks.
func (p *Process) Quiet(sig int) bool { return (quietSignals | p.quiet).has(sig) }

// faultSignals are those that an instruction of the program causes. It cannot
// ignore them then.
var faultSignals = sigsetOf(unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGTRAP, unix.SIGSYS)

// isFault reports whether an instruction of the program caused a signal, and would
// cause it again.
func isFault(info *Siginfo) bool { return faultSignals.has(info.Signo()) && info.Code() > 0 }

// stopSignals are those that a group-stop reports.
var stopSignals = sigsetOf(unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU)

// ignores reports whether the process ignores sig.
func (p *Process) ignores(sig int) bool {
	status, err := procfs.Status(p.task())
	return err == nil && sigset(status.SigIgn).has(sig)
}

// harmless are the signals that do not end a process that has no handler for them
// (signal(7)).
var harmless = stopSignals | sigsetOf(unix.SIGCONT, unix.SIGCHLD, unix.SIGURG, unix.SIGWINCH)

// Handled reports whether the process has a handler for the signal that stopped it, or
// ignores that.
func (s *Stop) Handled() bool {
	status, err := procfs.Status(s.Thread.TID)
	return err == nil && sigset(status.SigCgt|status.SigIgn).has(s.Signal)
}

// Fatal reports whether the signal that stopped the process will end it when it
// is delivered: it has no handler, and its default is not to do nothing or to
// stop. A fault while the program blocks the signal is fatal too. A core does not
// tell of handlers: its signal was fatal if it may have been.
func (s *Stop) Fatal() bool {
	if s.Reason != ReasonSignal || harmless.has(s.Signal) {
		return false
	}
	if s.Thread == nil {
		return true
	}
	status, err := procfs.Status(s.Thread.TID)
	if err != nil {
		return false
	}
	s.name = status.Name
	if isFault(&s.siginfo) && sigset(status.SigBlk).has(s.Signal) {
		return true
	}
	return !sigset(status.SigCgt | status.SigIgn).has(s.Signal)
}

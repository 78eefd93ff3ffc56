//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

// A SiginfoField is a field of a Siginfo, as sigaction(2) has it without "si_".
type SiginfoField struct {
	Name   string
	Signed bool
	// In reports whether records of a signal and code have the field. Others
	// have something else in its place.
	In        func(signo, code int) bool
	off, size int
}

// SiginfoFields are the fields of a Siginfo; the first three are in all of them.
var SiginfoFields = []SiginfoField{
	{"signo", true, anySignal, 0, 4},
	{"errno", true, anySignal, 4, 4},
	{"code", true, anySignal, 8, 4},
	{"addr", false, hasAddr, 16, 8},
	{"pid", true, hasSender, 16, 4},
	{"uid", false, hasSender, 20, 4},
	{"value", false, hasValue, 24, 8},
	{"status", true, hasStatus, 24, 4},
}

func anySignal(signo, code int) bool { return true }

// hasAddr: the kernel sent it for what an instruction did.
func hasAddr(signo, code int) bool {
	return code > 0 && faultSignals.has(signo) && signo != int(unix.SIGSYS)
}

// hasSender: a process sent it, or the kernel tells of a child.
func hasSender(signo, code int) bool {
	return code <= 0 && code != codeTimer && code != codeSIGIO || signo == int(unix.SIGCHLD)
}

// hasValue: sigqueue(3) or something like it sent it.
func hasValue(signo, code int) bool {
	return code < 0 && code != codeSIGIO && code != ptrace.SITkill
}

// hasStatus: the kernel tells of a child.
func hasStatus(signo, code int) bool { return signo == int(unix.SIGCHLD) && code > 0 }

// The si_code of a timer, and of a SIGIO that says which file.
const (
	codeTimer = -2
	codeSIGIO = -5
)

// Get returns the field's value; that of a signed one is to be converted to int64.
func (f *SiginfoField) Get(info *Siginfo) uint64 {
	switch {
	case f.size == 8:
		return binary.LittleEndian.Uint64(info[f.off:])
	case f.Signed:
		return uint64(int32(binary.LittleEndian.Uint32(info[f.off:])))
	}
	return uint64(binary.LittleEndian.Uint32(info[f.off:]))
}

// Set changes the field. A value that it cannot hold is an error.
func (f *SiginfoField) Set(info *Siginfo, v uint64) error {
	changed := *info
	if f.size == 8 {
		binary.LittleEndian.PutUint64(changed[f.off:], v)
	} else {
		binary.LittleEndian.PutUint32(changed[f.off:], uint32(v))
	}
	if f.Get(&changed) != v {
		return fmt.Errorf("it does not fit 32 bits")
	}
	*info = changed
	return nil
}

// SetSiginfo replaces the record of the signal that is about to be delivered to the
// thread, and with it the signal if its number is another one.
func (t *Thread) SetSiginfo(info *Siginfo) error {
	fail := func(err error) error { return &Error{Op: "write siginfo", TID: t.TID, Err: err} }
	if err := t.ready(); err != nil {
		return fail(err)
	}
	sig := info.Signo()
	switch {
	case !t.mayPass || t.signal == 0:
		return fail(errors.New("no signal is about to be delivered"))
	case sig < 1 || sig > MaxSignal:
		return fail(fmt.Errorf("%w: signal %d is not in 1 to %d", unix.EINVAL, sig, MaxSignal))
	}
	if err := ptrace.SetSiginfo(t.TID, info); err != nil {
		return fail(err)
	}
	t.signal, t.info = sig, *info
	if stop := t.p.stop; stop != nil && stop.Thread == t && stop.hasSiginfo {
		stop.Signal, stop.siginfo = sig, *info
	}
	return nil
}

// DropSignal has the process not get the signal that is about to be delivered.
func (t *Thread) DropSignal() error {
	err := t.ready()
	if err == nil && (!t.mayPass || t.signal == 0) {
		err = errors.New("no signal is about to be delivered")
	}
	if err != nil {
		return &Error{Op: "drop signal", TID: t.TID, Err: err}
	}
	t.signal = 0
	return nil
}

// A QueuedSignal is a signal that has been sent but not delivered yet.
type QueuedSignal struct {
	Siginfo
	Shared bool // sent to the process, whose first thread that does not block it gets it
}

// maxQueued bounds how many signals are listed. A user's limit is RLIMIT_SIGPENDING.
const maxQueued = 100000

// Queued returns the signals that wait for the thread, those sent to it alone first.
// One that it is stopped with is not among them.
func (t *Thread) Queued() ([]QueuedSignal, error) {
	own, err := t.queue(false)
	if err != nil {
		return nil, err
	}
	shared, err := t.queue(true)
	return append(own, shared...), err
}

// Queued returns the signals that wait for a thread of the process to take them.
func (p *Process) Queued() ([]QueuedSignal, error) {
	t, err := p.caller("read pending signals")
	if err != nil {
		return nil, err
	}
	return t.queue(true)
}

func (t *Thread) queue(shared bool) (list []QueuedSignal, err error) {
	const op = "read pending signals"
	if err := t.ready(); err != nil {
		return nil, &Error{Op: op, TID: t.TID, Err: err}
	}
	var infos [32]Siginfo
	for len(list) < maxQueued {
		n, err := ptrace.PeekSiginfo(t.TID, shared, len(list), infos[:])
		if err != nil {
			return nil, &Error{Op: op, TID: t.TID, Err: err}
		}
		for _, info := range infos[:n] {
			list = append(list, QueuedSignal{t.asSent(info), shared})
		}
		if n == 0 { // fewer than asked for may be because of a signal for the tracer
			break
		}
	}
	return list, nil
}

// asSent returns what the program is to see of a signal that the tracer has sent
// again, for a time that suits it better.
func (t *Thread) asSent(info Siginfo) Siginfo {
	if info.Code() != ptrace.SITkill || info.PID() != os.Getpid() {
		return info
	}
	for _, s := range t.sent {
		if s.signal == info.Signo() && s.info != nil {
			return *s.info
		}
	}
	return info
}

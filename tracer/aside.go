//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

// An aside is what a thread was about when it is made to do something else, an
// injected system call or an inferior call, so that it can go on with it.
//
// To begin, and to return, the thread is parked where it is about to return to
// the program: in a stop that an interrupt or the delivery of a signal causes,
// both of which come before the kernel looks at what it has to restart
// (get_signal, called by arch_do_signal_or_restart). The registers that are put
// back there, with orig_rax and a rax of -ERESTARTSYS and its like, restart the
// interrupted system call as they would have. A stop elsewhere would not do: the
// kernel looks only if something is pending.
type aside struct {
	t    *Thread
	regs arch.Regs
	mask uint64 // the signals that it blocks
	op   uint8  // how far into a system call it is stopped: PTRACE_SYSCALL_INFO_...

	signal int // pending, with its record
	info   Siginfo
	late   []Siginfo // of signals that arrived meanwhile

	// The restartable sequence that it is in: the kernel forgets it as soon as the
	// thread runs elsewhere (rseq_ip_fixup), and would not abort it then.
	rseq     uint64 // the address of its struct rseq_cs, or 0
	rseqAddr uint64 // where that is noted

	grouped, isReported, suspended bool
	reported                       uint64
	skip                           skip
	pending                        *Stop
	execs                          int

	cancelable, canceled bool // by Interrupt

	data uint64 // where the lowest of the arguments' data is, or 0
}

// setAside keeps what thread t is about.
func (t *Thread) setAside() (*aside, error) {
	if err := t.ready(); err != nil {
		return nil, err
	}
	switch {
	case t.vforking:
		return nil, ErrVfork
	case t.ending:
		return nil, ErrThread
	}
	if err := t.flush(); err != nil {
		return nil, err
	}
	a := &aside{
		t: t, execs: t.p.execs, pending: t.pending,
		grouped: t.grouped, suspended: t.suspended, isReported: t.isReported, reported: t.reported, skip: t.skip,
	}
	mask, err := ptrace.GetSigmask(t.TID)
	if err != nil {
		return nil, err
	}
	a.mask = mask
	var call ptrace.SyscallInfo
	if err := ptrace.GetSyscallInfo(t.TID, &call); err != nil {
		return nil, err
	}
	var info Siginfo
	if err := ptrace.GetSiginfo(t.TID, &info); err != nil && err != unix.EINVAL {
		return nil, err
	}
	event := info.Code() >> 8
	inside := event > 0 && event != unix.PTRACE_EVENT_STOP
	if t.mayPass && t.signal != 0 {
		a.signal, a.info = t.signal, info
	}
	regs, err := t.Regs()
	if err != nil {
		return nil, err
	}
	a.regs = *regs
	switch {
	case call.Op == unix.PTRACE_SYSCALL_INFO_ENTRY || call.Op == unix.PTRACE_SYSCALL_INFO_SECCOMP:
		// It has not made its system call yet. It drops it and comes back.
		a.op = call.Op
		skipped := a.regs
		skipped[arch.OrigRAX] = ^uint64(0)
		if err := ptrace.SetRegs(t.TID, &skipped); err != nil {
			return nil, err
		}
		err = a.park(false)
	case inside:
		// The system call is done, but its result is not in rax yet.
		if err = a.park(false); err == nil {
			err = ptrace.GetRegs(t.TID, &a.regs)
		}
	}
	a.rseqAddr, a.rseq = t.rseq()
	if err == nil && a.over() {
		err = ErrThread
	}
	if err != nil {
		return nil, err
	}
	t.signal, t.mayPass, t.pending, t.isReported, t.skip, t.suspended, t.grouped = 0, false, nil, false, skip{}, false, false
	t.trap.maskRead = false
	return a, nil
}

// over reports whether the thread has ended, or is about to.
func (a *aside) over() bool { return a.t.Gone() || a.t.ending || a.t.p.state == Exited }

// resume resumes the thread by a request and returns what it reports next. Births
// and ends are taken in; where one was the thread's own, the status does not
// matter.
func (a *aside) resume(request func(tid, sig int) error) (unix.WaitStatus, error) {
	t, p := a.t, a.t.p
	if t.state == threadStopped {
		t.state, t.stepping, t.regsRead, t.signal, t.mayPass = threadRunning, false, false, 0, false
		if err := request(t.TID, 0); err != nil && err != unix.ESRCH {
			t.state = threadStopped
			return 0, err
		}
	}
	for {
		u, status, err := p.tr.wait(a.cancelable && !a.canceled)
		switch {
		case err != nil:
			return 0, err
		case u == nil:
			a.canceled = true
			ptrace.Interrupt(t.TID)
			continue
		case u == t && status.Stopped():
			switch eventOf(status) {
			case unix.PTRACE_EVENT_STOP:
				a.grouped = inGroupStop(status)
				return status, nil
			case 0, unix.PTRACE_EVENT_SECCOMP:
				return status, nil
			}
		}
		p.tr.dispatch(u, status)
		if p.execs != a.execs && t.Gone() && u.p == p {
			a.t, t = u, u // it has become the leader
		}
		if u == t || a.over() {
			return status, nil
		}
		if u.p == p && u.guest && u.state == threadStopped && !p.mustPass(u) {
			u.run(false)
		}
	}
}

// park takes the thread, wherever in the kernel it is stopped, to where it is
// about to return to the program, and there, if delivering is set, to the delivery
// of a signal. It executes nothing of the program on its way.
func (a *aside) park(delivering bool) error {
	t := a.t
	a.cancelable = false
	var err error
	if delivering {
		// It is to be in the delivery of any signal; which one can be changed. No
		// other one of those that wait may come instead, and SIGTRAP is not queued.
		if err := ptrace.SetSigmask(t.TID, ^uint64(faultSignals)); err != nil {
			return err
		}
		err = ptrace.Tgkill(t.p.PID, t.TID, int(unix.SIGTRAP))
	} else {
		err = ptrace.Interrupt(t.TID)
	}
	for err == nil {
		var status unix.WaitStatus
		status, err = a.resume(ptrace.Cont)
		switch {
		case err != nil || a.over():
			return err
		case eventOf(status) == unix.PTRACE_EVENT_STOP:
			if !delivering {
				return nil
			}
		case eventOf(status) != 0:
		case delivering && status.StopSignal() == unix.SIGTRAP:
			return nil
		default:
			if _, err := a.put(status); err != nil {
				return err
			}
		}
	}
	if err == unix.ESRCH {
		return nil // killed: the wait that follows tells
	}
	return err
}

// put keeps a signal that is being delivered for later if it was sent, and returns
// its number if the thread caused it.
func (a *aside) put(status unix.WaitStatus) (fault int, err error) {
	var info Siginfo
	if err := ptrace.GetSiginfo(a.t.TID, &info); err != nil {
		return 0, err
	}
	switch sig := int(status.StopSignal()); {
	case status.StopSignal() == syscallTrap:
		return 0, nil
	case info.Code() > 0:
		return sig, nil
	default:
		a.late = append(a.late, info)
		return 0, nil
	}
}

// restore lets the thread go on with what it was about. extra puts back what else
// was changed. After an exec there is nothing to go back to.
func (a *aside) restore(extra func() error) error {
	t := a.t
	if a.over() {
		return nil
	}
	fresh := t.p.execs != a.execs
	if err := a.park(a.signal != 0); err != nil || a.over() {
		return err
	}
	t.p.moves++
	t.regsRead, t.regsDirty = false, false
	t.suspended = a.suspended
	if t.grouped = a.grouped && a.signal == 0 && (fresh || a.op == 0); a.grouped {
		t.strayed = !t.grouped // it is not stopped there any more
	}
	t.signal, t.mayPass = a.signal, a.signal != 0
	var errs []error
	if a.signal != 0 {
		errs = append(errs, ptrace.SetSiginfo(t.TID, &a.info))
	}
	if !fresh {
		t.reported, t.isReported, t.skip = a.reported, a.isReported, a.skip
		if t.pending == nil {
			t.pending = a.pending
		}
		if extra != nil {
			errs = append(errs, extra())
		}
		if a.rseq != 0 {
			errs = append(errs, t.p.writeRaw(a.rseqAddr, binary.LittleEndian.AppendUint64(nil, a.rseq)))
		}
		errs = append(errs, a.reenter())
	}
	errs = append(errs, ptrace.SetSigmask(t.TID, a.mask))
	for i := range a.late {
		err := ptrace.Requeue(t.p.PID, t.TID, &a.late[i])
		if err == unix.EPERM { // of kill and its like, which say no more
			err = ptrace.Tgkill(t.p.PID, t.TID, a.late[i].Signo())
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// reenter puts the registers back, and the thread to the system call that it was
// entering.
func (a *aside) reenter() error {
	t := a.t
	if a.op == 0 {
		return ptrace.SetRegs(t.TID, &a.regs)
	}
	if err := ptrace.SetSigmask(t.TID, ^uint64(faultSignals)); err != nil {
		return err
	}
	again := a.again()
	if err := ptrace.SetRegs(t.TID, &again); err != nil {
		return err
	}
	for {
		status, err := a.resume(ptrace.Syscall)
		if err != nil || a.over() {
			return err
		}
		if eventOf(status) == 0 {
			if _, err := a.put(status); err != nil {
				return err
			}
		}
		var call ptrace.SyscallInfo
		if err := ptrace.GetSyscallInfo(t.TID, &call); err != nil {
			return err
		}
		if call.Op == a.op {
			t.regsRead = false
			return ptrace.SetRegs(t.TID, &a.regs)
		}
	}
}

// again returns the registers with which the thread comes to where it was, if that
// was the entry of a system call: before the instruction, which is two bytes long.
func (a *aside) again() arch.Regs {
	regs := a.regs
	if a.op != 0 {
		regs[arch.RAX] = regs[arch.OrigRAX]
		regs[arch.OrigRAX] = ^uint64(0)
		regs[arch.RIP] -= 2
	}
	return regs
}

// inherit gives a process that an injected call has made the state that the thread
// had before, so that it goes on from there as its copy.
func (a *aside) inherit(child int) {
	if a == nil {
		return
	}
	regs := a.again()
	ptrace.SetRegs(child, &regs)
	ptrace.SetSigmask(child, a.mask)
}

// An Arg is an argument of an injected call: a word, or data that is copied onto
// the thread's stack for the time of the call, followed by a zero byte, and passed
// as its address, or, to functions alone, an object that is passed as its type is.
type Arg struct {
	Word   uint64
	Data   []byte          // nil for a word
	Object []byte          // of the type Type
	Type   *debuginfo.Type // nil for a word and data
}

// Words returns the arguments that are the words.
func Words(words ...uint64) []Arg {
	args := make([]Arg, len(words))
	for i, w := range words {
		args[i].Word = w
	}
	return args
}

// redZone is how many bytes below rsp belong to the function that runs (System V
// ABI, AMD64 supplement, 3.2.2).
const redZone = 128

// spare returns the address below which the thread's stack, whose pointer is sp, is
// free for a call.
func (t *Thread) spare(sp uint64) uint64 {
	if k := &t.kept; k.stop == t.p.stop && k.sp == sp && k.stop != nil {
		return k.addr
	}
	return sp - redZone
}

// A kept is the objects that calls have returned below the stack: they stay until the
// process moves, so that what points into them can be followed.
type kept struct {
	stop *Stop  // of the process, when they were made
	sp   uint64 // the stack pointer
	addr uint64 // of the lowest one
}

// push writes the data of args below the thread's stack, and below that the words
// that frame makes of the arguments, if it is not nil. It returns the arguments as
// words, the address of what was written last, which is a multiple of 16, and a
// function that puts back what was there.
func (a *aside) push(args []Arg, frame func(words []uint64) []uint64) (words []uint64, sp uint64, undo func() error, err error) {
	top := a.t.spare(a.regs[arch.RSP])
	sp = top
	words = make([]uint64, len(args))
	for i, arg := range args {
		words[i] = arg.Word
		if arg.Data != nil {
			sp = (sp - uint64(len(arg.Data)) - 1) &^ 15
			words[i] = sp
		}
	}
	var stack []uint64
	if frame != nil {
		stack = frame(words)
	}
	if sp == top && len(stack) == 0 {
		return words, sp, nil, nil
	}
	sp = (sp - 8*uint64(len(stack))) &^ 15
	p := a.t.p
	before := make([]byte, top-sp)
	if _, err := p.ReadAt(sp, before); err != nil {
		return nil, 0, nil, err
	}
	data := make([]byte, 0, len(before))
	for _, w := range stack {
		data = binary.LittleEndian.AppendUint64(data, w)
	}
	data = data[:len(before)]
	for i, arg := range args {
		if arg.Data != nil {
			copy(data[words[i]-sp:], arg.Data)
		}
	}
	undo = func() error {
		// What a call has kept of its results stays.
		_, err := p.WriteAt(sp, before[:min(top, a.t.spare(a.regs[arch.RSP]))-sp])
		return err
	}
	if _, err := p.WriteAt(sp, data); err != nil {
		return nil, 0, nil, errors.Join(err, undo())
	}
	return words, sp, undo, nil
}

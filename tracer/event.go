//go:build linux && amd64

package tracer

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// This file turns what wait4 reports into Stops. take is called once for each
// report; it keeps the tables of threads and processes right and returns a Stop
// if somebody may want to hear of it, or nil if the thread can just go on.

// dispatch takes what any tracee reported. A Stop of a process that is not moving
// waits in its thread until that process moves, and what a loose one reports waits
// for Wait.
func (tr *Tracer) dispatch(t *Thread, status unix.WaitStatus) *Stop {
	p := t.p
	if p.loose != nil {
		tr.news = append(tr.news, report{t: t, status: status})
		return nil
	}
	stop := p.take(t, status)
	if t.sim != (simulation{}) && t.state != threadRunning {
		stop = p.simulated(t, stop)
	}
	if stop != nil {
		if stop.Gone() {
			p.end(stop)
		} else if p.state != Running {
			stop.Thread.pending = stop
		}
	}
	return stop
}

func (p *Process) take(t *Thread, status unix.WaitStatus) *Stop {
	switch {
	case t.guest:
		p.takeGuest(t, status)
		return nil
	case status.Exited(), status.Signaled():
		return p.takeEnd(t, status)
	}
	wasStopped := p.jobStopped
	t.grouped, p.jobStopped = false, false
	if t.detour != nil {
		t.leaveDetour(status)
	}
	switch event := eventOf(status); event {
	case 0:
		if status.StopSignal() == syscallTrap {
			return p.takeCall(t)
		}
		return p.interruptCall(t, p.takeSignal(t, int(status.StopSignal())))
	case unix.PTRACE_EVENT_STOP:
		// A group-stop names the signal that caused it; an interrupt or the
		// end of a group-stop says SIGTRAP.
		if t.grouped = inGroupStop(status); t.grouped {
			p.jobSignal = int(status.StopSignal())
		}
		t.strayed = false
		p.drainTrap(t)
		if stop := p.settled(t); stop != nil {
			return stop
		}
		return p.jobStop(t, wasStopped)
	case unix.PTRACE_EVENT_CLONE, unix.PTRACE_EVENT_FORK, unix.PTRACE_EVENT_VFORK:
		return p.takeBirth(t, event)
	case unix.PTRACE_EVENT_VFORK_DONE:
		if p.wants(ReasonVforkDone, 0) {
			stop := p.newStop(ReasonVforkDone, t)
			stop.Child = t.born
			return stop
		}
		return nil
	case unix.PTRACE_EVENT_EXEC:
		return p.takeExec(t)
	case unix.PTRACE_EVENT_SECCOMP:
		return p.takeFiltered(t)
	case unix.PTRACE_EVENT_EXIT:
		return p.takeExit(t, wasStopped)
	}
	return nil
}

// eventOf returns the PTRACE_EVENT of a stop, or 0.
func eventOf(status unix.WaitStatus) int { return int(status>>16) & 0xff }

// reclaim gives a thread the stop that the kernel reported before its birth.
func (tr *Tracer) reclaim(born *Thread) {
	if status, stopped := tr.orphans[born.TID]; stopped {
		delete(tr.orphans, born.TID)
		born.state, born.grouped = threadStopped, inGroupStop(status)
	}
}

// takeEnd handles the end of a thread. The leader's is reported last, with the
// process's status; if it cannot be traced, the last one's has to do.
func (p *Process) takeEnd(t *Thread, status unix.WaitStatus) *Stop {
	p.removeThread(t)
	if t.TID != p.PID && !p.abandoned() {
		return nil
	}
	if status.Signaled() {
		return &Stop{Reason: ReasonKilled, Process: p, Signal: int(status.Signal())}
	}
	return &Stop{Reason: ReasonExit, Process: p, ExitCode: status.ExitStatus()}
}

// takeExit handles a thread that is about to end. It is let go to its end at
// once unless a hook wants to look. It may be the last that kept the process from a job
// stop; wasStopped says that it was in one.
func (p *Process) takeExit(t *Thread, wasStopped bool) *Stop {
	if msg, err := ptrace.EventMsg(t.TID); err == nil && unix.WaitStatus(msg).Signal() == unix.SIGSYS && p.refusal == nil {
		p.refusal = t.refused()
	}
	t.ending = true
	if child := t.unreported(); child != 0 {
		p.birth(t, child, unix.PTRACE_EVENT_CLONE, false)
	}
	stop := p.jobStop(t, wasStopped)
	if p.wants(ReasonThreadExit, 0) && len(p.Threads()) > 1 {
		if stop != nil {
			stop.Thread.pending = stop
		}
		return p.newStop(ReasonThreadExit, t)
	}
	p.tr.pin.release(0)
	if p.leaving {
		t.detach()
		return nil
	}
	t.run(false)
	return stop
}

// unreported returns the child that a thread which is about to end has made in the
// system call that it was killed in. The thread did not come to report it: with a
// SIGKILL pending there are no other stops (ptrace_stop).
func (t *Thread) unreported() (child int) {
	var regs arch.Regs
	if ptrace.GetRegs(t.TID, &regs) != nil {
		return 0
	}
	switch regs[arch.OrigRAX] {
	case unix.SYS_CLONE, unix.SYS_CLONE3, unix.SYS_FORK, unix.SYS_VFORK:
		child = int(regs[arch.RAX])
	}
	if child == t.born || t.p.tr.threads[child] != nil {
		return 0
	}
	// The number may be that of another PID namespace.
	if status, err := procfs.Status(child); err != nil || status.TracerPid != t.p.tr.tid {
		return 0
	}
	return child
}

// reportedChild returns the child that a thread reports. ok is false for a thread
// that was killed meanwhile. It may have got to its exit event already, which is
// yet to be waited for, and whose message is no child; rax is not -ENOSYS there.
func (t *Thread) reportedChild() (child int, ok bool) {
	msg, err := ptrace.EventMsg(t.TID)
	var regs arch.Regs
	if err != nil || ptrace.GetRegs(t.TID, &regs) != nil || unix.Errno(-regs[arch.RAX]) != unix.ENOSYS {
		t.state = threadRunning
		return 0, false
	}
	t.born = int(msg)
	return t.born, true
}

// takeSignal handles a signal-delivery-stop, which breakpoints and steps use too.
func (p *Process) takeSignal(t *Thread, sig int) *Stop {
	var info Siginfo
	if err := ptrace.GetSiginfo(t.TID, &info); err != nil {
		return nil // killed meanwhile
	}
	t.trap.maskRead = t.trap.maskRead && info.Code() == ptrace.TrapTrace // else a system call or handler may have changed it
	if sig == int(unix.SIGTRAP) {
		if stop, ours := p.takeDebug(t, info.Code()); ours {
			return stop
		}
		switch info.Code() {
		case ptrace.TrapTrace, ptrace.TrapBrkpt, ptrace.TrapUnk:
			// The kernel says TRAP_BRKPT where a system call was stepped over
			// (user_single_step_report), SIGTRAP, which is TRAP_UNK, where the
			// step went into a signal handler (signal_delivered), and SI_KERNEL
			// for int3.
			if t.stepping && info.Code() != ptrace.TrapUnk {
				t.mend()
			}
			if t.unflag() || t.stepping && !t.ownTrap(info.Code()) {
				return p.newStop(ReasonStep, t)
			}
		case ptrace.SIKernel:
			if stop, ours := p.takeTrap(t); ours {
				return stop
			}
		}
	}
	t.signal, t.mayPass = sig, true
	ours := t.takeSent(&info)
	t.info = info
	if ours {
		return nil
	}
	if sig == int(unix.SIGINT) && info.Code() == ptrace.SIKernel && !p.wants(ReasonSignal, sig) && p.sharesTerminal() {
		t.signal = 0
		return nil
	}
	if !p.wants(ReasonSignal, sig) && (p.Quiet(sig) || !isFault(&info) && p.ignores(sig)) {
		return nil
	}
	stop := p.newStop(ReasonSignal, t)
	stop.Signal, stop.siginfo, stop.hasSiginfo = sig, info, true
	return stop
}

// mayBeOurs reports whether a signal may have been sent by the tracer. The kernel
// keeps no record of it where the program has too many signals queued, and makes one
// up (collect_signal).
func mayBeOurs(info *Siginfo) bool {
	return info.Code() == ptrace.SITkill && info.PID() == unix.Getpid() || info.Code() == 0 && info.PID() == 0
}

// takeSent reports whether the tracer sent the signal that the thread is stopped
// with. info becomes what the program is to see.
func (t *Thread) takeSent(info *Siginfo) bool {
	i := slices.IndexFunc(t.sent, func(s sent) bool {
		return s.signal == info.Signo() && (mayBeOurs(info) || s.info != nil && *s.info == *info)
	})
	if i < 0 {
		return false
	}
	if again := t.sent[i].info; again != nil {
		*info = *again
		ptrace.SetSiginfo(t.TID, info)
	}
	t.sent = slices.Delete(t.sent, i, i+1)
	return true
}

// sharesTerminal reports whether the terminal's interrupt key reaches the tracer as
// well as the process. It is meant for the tracer, which calls Interrupt.
func (p *Process) sharesTerminal() bool {
	group, err := unix.Getpgid(p.PID)
	return err == nil && group == unix.Getpgrp()
}

// drainTrap lets a thread that was interrupted report the int3 that it has just
// executed, what its debug registers have caught, or the end of its step, which may
// be a system call that was interrupted. Stops go before signals (get_signal), so the
// SIGTRAP is queued still, and would come when the breakpoint may be gone, or the
// tracer.
func (p *Process) drainTrap(t *Thread) {
	stepping := t.stepping
	if len(p.sites) == 0 && t.armed == 0 && !stepping && !t.guest {
		return
	}
	if regs, err := t.Regs(); err != nil || p.sites[regs[arch.RIP]-1] == nil && !t.caught() && !stepping && !p.withdrawn(t, regs[arch.RIP]-1) {
		return
	}
	if status, err := procfs.Status(t.TID); err == nil && sigset(status.SigPnd).has(int(unix.SIGTRAP)) {
		sim, grouped := t.sim, t.grouped
		t.sim, t.grouped, t.strayed = simulation{due: true}, false, false
		t.unmask(0) // as it was when the trap came
		t.run(false)
		t.stepping, t.sim, t.strayed = stepping, sim, grouped
	}
}

// takeTrap handles an int3: one of ours moves the thread back onto it.
func (p *Process) takeTrap(t *Thread) (stop *Stop, ours bool) {
	regs, err := t.Regs()
	if err != nil {
		return nil, true // killed meanwhile
	}
	addr := regs[arch.RIP] - 1
	s := p.sites[addr]
	if s == nil && !p.withdrawn(t, addr) || s != nil && s.saved == int3 && t.stepping && t.trap.pc == addr {
		return nil, false // it is the program's own
	}
	regs[arch.RIP] = addr
	t.regsDirty = true
	t.stepping = false
	if t.skip.armed && regs[arch.RSP] >= t.skip.sp {
		again := t.skip == skip{true, addr, regs[arch.RSP]}
		t.skip.armed = false
		if again {
			t.reported, t.isReported = addr, true
			return nil, true
		}
	}
	return p.newStop(ReasonBreakpoint, t), true
}

// takeBirth handles a new thread or process.
func (p *Process) takeBirth(t *Thread, event int) *Stop {
	child, ok := t.reportedChild()
	if !ok {
		return nil
	}
	reason, held := p.birth(t, child, event, true)
	if !p.wants(reason, 0) {
		return nil
	}
	stop := p.newStop(reason, t)
	stop.Child, stop.Held = child, held
	return stop
}

// birth takes in what t has made and returns what that was: ReasonThread,
// ReasonFork or ReasonVfork. A process is held if reported is set and somebody wants
// it, and let go otherwise.
func (p *Process) birth(t *Thread, child, event int, reported bool) (what Reason, held *Process) {
	p.tr.pin.release(child)
	what = ReasonFork
	if event == unix.PTRACE_EVENT_VFORK {
		t.vforking = true
		what = ReasonVfork
	}
	// Without CLONE_THREAD clone makes a process, whose thread is its leader.
	if event == unix.PTRACE_EVENT_CLONE && ptrace.Tgkill(child, child, 0) != nil {
		if status, err := procfs.Status(child); err != nil || status.Tgid == p.PID {
			if err == nil { // or it has ended, and was waited for
				p.tr.reclaim(p.addThread(child))
			}
			return ReasonThread, nil
		}
	}
	return what, p.bear(child, what, reported && p.wants(what, 0))
}

// takeExec handles a new program. All threads but one are gone, and that one has
// the leader's ID now, whichever it had before.
func (p *Process) takeExec(t *Thread) *Stop {
	p.passCall(t)
	for _, u := range slices.Clone(p.threads) {
		if u != t {
			p.removeThread(u)
		}
	}
	t.pending.disown()
	t.ending, t.vforking, t.isReported, t.skip, t.signal, t.pending = false, false, false, skip{}, 0, nil
	p.part()
	t.trap = trap{}
	p.execs++
	p.gate = 0
	p.reset(nil)
	return p.newStop(ReasonExec, t)
}

// newStop returns a Stop of thread t, which is stopped.
func (p *Process) newStop(reason Reason, t *Thread) *Stop {
	return &Stop{Reason: reason, Process: p, Thread: t}
}

//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

// jobStopped returns a process that job control has stopped but for one thread, which
// is held: where it is about to end and sees no signal any more, or, if sig is set, in the
// delivery of that.
func jobStopped(t *testing.T, sig unix.Signal) (p *Process, held *Thread) {
	t.Helper()
	p, target := attachTo(t, "crowd leaves", "S")
	hooks := []HookOptions{{Reason: ReasonSyscall, Syscalls: []int{unix.SYS_EXIT}, Phase: Enter}, {Reason: ReasonJobStop}}
	for _, o := range hooks {
		if _, err := p.On(o); err != nil {
			t.Fatal(err)
		}
	}
	if sig != 0 {
		unix.Tgkill(p.PID, p.Threads()[1].TID, sig)
	} else {
		fmt.Fprintln(target.Stdin)
	}
	held = cont(t, p).Thread
	stopOthers(t, p, held)
	return p, held
}

// stopOthers has job control stop all threads but one, which is held.
func stopOthers(t *testing.T, p *Process, held *Thread) {
	t.Helper()
	held.Suspend()
	unix.Kill(p.PID, unix.SIGSTOP)
	runs := func(th *Thread) bool { return th != held && !th.grouped }
	for slices.ContainsFunc(p.Threads(), runs) {
		wantMove(t, p, &MoveOptions{Timeout: time.Millisecond}, ReasonTimeout)
	}
}

// TestThreadEndsAfterJobStop takes in the end of a thread before the news that the
// others have been let go on by SIGCONT.
func TestThreadEndsAfterJobStop(t *testing.T) {
	p, leaves := jobStopped(t, 0)
	leaves.ending = true
	if err := p.run(&motion{op: "cont", t: p.Thread()}); err != nil {
		t.Fatal(err)
	}
	if p.jobStop(leaves, false) == nil || !p.jobStopped {
		t.Error("no job stop where all others wait for SIGCONT")
	}
	unix.Kill(p.PID, unix.SIGCONT)
	if p.jobStop(leaves, false) != nil || p.jobStopped {
		t.Error("a job stop after SIGCONT")
	}
	leaves.ending = false
	leaves.Resume()
	if stop := cont(t, p); stop.Reason != ReasonExit {
		t.Errorf("stop = %s, want exit", stop.Reason)
	}
}

// TestThreadEndsInJobStop ends the last thread that job control has not stopped.
func TestThreadEndsInJobStop(t *testing.T) {
	for _, surfaces := range []bool{false, true} {
		p, leaves := jobStopped(t, 0)
		if surfaces {
			surfaceEnds(t, p)
		}
		leaves.Resume()
		if surfaces {
			if stop := wantStop(t, p, 0, ReasonThreadExit); stop.Thread != leaves {
				t.Errorf("thread %d ends, want %d", stop.Thread.TID, leaves.TID)
			}
		}
		stop := wantStop(t, p, 0, ReasonJobStop)
		if stop.Signal != int(unix.SIGSTOP) || stop.Thread == leaves || !p.JobStopped() {
			t.Errorf("a job stop of thread %d by signal %d, %t, want SIGSTOP", stop.Thread.TID, stop.Signal, p.JobStopped())
		}
		unix.Kill(p.PID, unix.SIGCONT)
		for stop = cont(t, p); stop.Reason == ReasonThreadExit; {
			stop = cont(t, p)
		}
		if stop.Reason != ReasonExit || stop.ExitCode != 99 {
			t.Errorf("stop = %s, want exit with 99", stop.Reason)
		}
	}
}

// TestBornInGroupStop takes in a thread that job control had stopped before its birth
// was reported.
func TestBornInGroupStop(t *testing.T) {
	for event, want := range map[int]bool{unix.PTRACE_EVENT_STOP: true, 0: false} {
		status := unix.WaitStatus(event<<16 | int(unix.SIGTSTP)<<8 | 0x7f)
		tr := &Tracer{orphans: map[int]unix.WaitStatus{7: status}}
		born := &Thread{TID: 7}
		if tr.reclaim(born); born.state != threadStopped || born.grouped != want {
			t.Errorf("after %#x: state %d, grouped %t, want %t", status, born.state, born.grouped, want)
		}
	}
}

// TestTrapInJobStop stops a thread that job control has stopped behind an int3, whose
// SIGTRAP it is yet to report, or for a step. It goes back to where it waits for SIGCONT.
func TestTrapInJobStop(t *testing.T) {
	p, _ := attachTo(t, "trap", "S")
	defer time.AfterFunc(20*time.Second, func() { unix.Kill(p.PID, unix.SIGKILL) }).Stop() // a hang
	th := p.Thread()
	grouped := func() {
		t.Helper()
		for again := true; again; again = !th.grouped {
			wantMove(t, p, &MoveOptions{Timeout: time.Millisecond}, ReasonTimeout)
		}
	}
	unix.Kill(p.PID, unix.SIGSTOP)
	grouped()
	breakAt(t, p, "here", nil)
	addr := addrOf(t, p, "here")
	if err := errors.Join(th.SetReg(arch.Lookup("rip"), addr+1), ptrace.SetSigmask(th.TID, 0)); err != nil {
		t.Fatal(err)
	}
	// It is interrupted where it has stopped once more already.
	if err := errors.Join(p.run(&motion{op: "cont", t: th}), ptrace.Interrupt(th.TID)); err != nil {
		t.Fatal(err)
	}
	for !ptrace.Reports(th.TID) {
	}
	if stop, err := p.stopAll(); stop != nil || err != nil {
		t.Fatalf("stopping it: %+v, %v", stop, err)
	}
	if grouped(); reg(t, th, arch.RIP) != addr {
		t.Errorf("it went on from %#x to %#x", addr, reg(t, th, arch.RIP))
	}
	for _, want := range []Reason{ReasonBreakpoint, ReasonStep} {
		if stop, err := th.Step(1, nil); err != nil {
			t.Fatal(err)
		} else if stop.Reason != want {
			t.Fatalf("stop = %s, want %s", stop.Reason, want)
		}
	}
	pc := reg(t, th, arch.RIP)
	if grouped(); reg(t, th, arch.RIP) != pc {
		t.Errorf("it went on from %#x to %#x", pc, reg(t, th, arch.RIP))
	}
}

// TestSyscallInJobStop has a thread make a system call where it is to see the others'
// group-stop next. It goes on from where it was.
func TestSyscallInJobStop(t *testing.T) {
	for name, sig := range map[string]unix.Signal{"entry": 0, "delivery": unix.SIGUSR1} {
		t.Run(name, func(t *testing.T) {
			p, held := jobStopped(t, sig)
			if pid := inject(t, held, unix.SYS_GETPID); pid != uint64(p.PID) {
				t.Errorf("getpid = %d, want %d", pid, p.PID)
			}
			if held.Pending() != int(sig) {
				t.Errorf("signal %d is pending, want %d", held.Pending(), sig)
			}
			held.Resume()
			stop, err := held.Cont(&MoveOptions{Signal: Deliver(0), Timeout: 10 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			if stop.Reason != ReasonJobStop || held.Gone() != (sig == 0) {
				t.Errorf("stop = %s with %d threads, want a job stop", stop.Reason, len(p.Threads()))
			}
		})
	}
}

// TestStopSignalAtBreakpoint sends SIGCONT while a thread that stands on a breakpoint is
// about to be given SIGSTOP: that does not stop the process any more.
func TestStopSignalAtBreakpoint(t *testing.T) {
	p := injectableAt(t, "copy", "copying")
	if _, err := p.On(HookOptions{Reason: ReasonSignal, Signal: int(unix.SIGSTOP)}); err != nil {
		t.Fatal(err)
	}
	unix.Tgkill(p.PID, p.PID, unix.SIGSTOP)
	if stop := cont(t, p); stop.Signal != int(unix.SIGSTOP) || stop.PC != addrOf(t, p, "copying") {
		t.Fatalf("stop = %s at %#x, want SIGSTOP at the breakpoint", stop.Reason, stop.PC)
	}
	unix.Kill(p.PID, unix.SIGCONT)
	wantExit(t, p, 0)
}

// TestBlockedTrap stops a thread that blocks SIGTRAP but for a step, whose SIGTRAP it is
// yet to report.
func TestBlockedTrap(t *testing.T) {
	p, _ := attachTo(t, "trap", "S")
	defer time.AfterFunc(20*time.Second, func() { unix.Kill(p.PID, unix.SIGKILL) }).Stop() // a hang
	th := p.Thread()
	breakAt(t, p, "here", nil)
	addr := addrOf(t, p, "here")
	err := errors.Join(th.SetReg(arch.Lookup("rip"), addr+1), ptrace.Interrupt(th.TID), p.run(&motion{op: "step", t: th, step: true}))
	if err != nil {
		t.Fatal(err)
	}
	if stop, err := p.stopAll(); stop != nil || err != nil {
		t.Fatalf("stopping it: %+v, %v", stop, err)
	}
	if pc := reg(t, th, arch.RIP); pc != addr {
		t.Errorf("it is at %#x, want the breakpoint at %#x", pc, addr)
	}
	if mask, err := ptrace.GetSigmask(th.TID); err != nil || !sigset(mask).has(int(unix.SIGTRAP)) {
		t.Errorf("it blocks %#x, %v", mask, err)
	}
}

// TestStrayedMakesSyscalls has a thread that was about to join the group-stop report the
// exit of a system call first, with which the kernel forgets that it is interrupted.
func TestStrayedMakesSyscalls(t *testing.T) {
	p, target := attachTo(t, "crowd leaves", "S")
	surfaces := true
	_, err := p.On(HookOptions{Reason: ReasonSyscall, Syscalls: []int{unix.SYS_READ}, Handler: func(s *Stop) (bool, error) {
		return surfaces && s.Syscall.Phase == Enter, nil
	}})
	if err == nil {
		_, err = p.On(HookOptions{Reason: ReasonJobStop})
	}
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(target.Stdin, "xy")
	held := cont(t, p).Thread
	surfaces = false
	stopOthers(t, p, held)
	inject(t, held, unix.SYS_GETPID)
	held.Resume()
	wantStop(t, p, 0, ReasonJobStop)
}

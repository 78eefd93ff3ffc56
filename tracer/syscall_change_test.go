//go:build linux && amd64

package tracer

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReplaceSyscall(t *testing.T) {
	for _, test := range []struct {
		name  string
		args  []string
		nr    int
		phase Phase
		do    func(*Stop) error
		code  int
	}{
		{"skip", []string{"ask"}, unix.SYS_GETPPID, Enter, func(s *Stop) error { return s.Replace(77) }, 77},
		{"skip with a restart code", []string{"ask"}, unix.SYS_GETPPID, Enter, func(s *Stop) error { return s.Replace(-512) }, 0},
		{"result", []string{"ask"}, unix.SYS_GETPPID, Exit, func(s *Stop) error { return s.Replace(78) }, 78},
		{"fail", []string{"closing"}, unix.SYS_CLOSE, Enter, func(s *Stop) error { return s.Replace(-int64(unix.ENOENT)) }, int(unix.ENOENT)},
		{"succeed", []string{"closing"}, unix.SYS_CLOSE, Exit, func(s *Stop) error { return s.Replace(0) }, 0},
		{"args", []string{"mask"}, unix.SYS_UMASK, Enter, func(s *Stop) error {
			if s.Syscall.Args[1] != 2 {
				return nil // the second call
			}
			return s.SetArgs(0o77, 99, 98)
		}, 0o77},
		{"nr", []string{"closing"}, unix.SYS_CLOSE, Enter, func(s *Stop) error { return s.SetNr(unix.SYS_GETDENTS64) }, int(unix.EBADF)},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := launchCalls(t, test.args...)
			n := 0
			onCall(t, p, test.phase, func(s *Stop) (bool, error) {
				n++
				return false, test.do(s)
			}, test.nr)
			wantExit(t, p, test.code)
			if n == 0 {
				t.Error("no call was seen")
			}
		})
	}
}

// TestReplacedSyscallIsSeen checks that changes show at the exit, and that they
// last when the hook goes.
func TestReplacedSyscallIsSeen(t *testing.T) {
	p := launchCalls(t, "mask")
	var h *Hook
	h = onCall(t, p, Enter, func(s *Stop) (bool, error) {
		h.Remove()
		return true, s.SetArgs(0o70)
	}, unix.SYS_UMASK)
	stop := cont(t, p)
	if stop.Reason != ReasonSyscall || stop.Syscall.Args[0] != 0o70 {
		t.Fatalf("stop = %+v, want umask(070)", stop)
	}
	wantExit(t, p, 0o70) // the registers are as they were, or it would be 100

	p = launchCalls(t, "ask")
	onCall(t, p, Enter, func(s *Stop) (bool, error) { return false, s.Replace(-int64(unix.EPERM)) }, unix.SYS_GETPPID)
	onCall(t, p, Exit, nil, unix.SYS_GETPPID)
	stop = cont(t, p)
	if stop.Reason != ReasonSyscall || describe(stop) != "exit getppid 0 = -1 EPERM" {
		t.Fatalf("stop = %+v, want the exit of getppid with EPERM", stop)
	}
	if err := stop.SetArgs(1); err == nil || !strings.HasSuffix(err.Error(), "the call has been made already") {
		t.Errorf("SetArgs at an exit: %v", err)
	}
	if err := stop.Replace(5); err != nil {
		t.Fatal(err)
	}
	wantExit(t, p, 5)
	if err := stop.Replace(6); err == nil || !strings.HasSuffix(err.Error(), "the process has moved on since this stop") {
		t.Errorf("Replace after the end: %v", err)
	}
	if err := p.Stop().Replace(6); err == nil || !strings.HasSuffix(err.Error(), "this is no stop at a system call") {
		t.Errorf("Replace at the end: %v", err)
	}
}

func TestStepSyscall(t *testing.T) {
	p := launchCalls(t, "ask")
	after, err := p.Addr("after_call")
	if err != nil {
		t.Fatal(err)
	}
	breakAt(t, p, "call_site", nil)
	cont(t, p)
	seen := record(t, p)
	stop, err := p.Thread().Step(1, nil)
	if err != nil || stop.Reason != ReasonStep || stop.PC != after {
		t.Fatalf("stop = %+v, %v, want a step over the call", stop, err)
	}
	want := []string{"enter getppid 0", fmt.Sprintf("exit getppid 0 = %d", unix.Getpid())}
	wantSeen(t, *seen, want)
	if stop, err = p.Thread().Step(1, nil); err != nil || stop.Reason != ReasonStep || stop.PC == after {
		t.Fatalf("stop = %+v, %v, want another step", stop, err)
	}
	wantSeen(t, *seen, want)
	wantExit(t, p, unix.Getpid()&0xff)
}

func TestStepStopsAtSyscall(t *testing.T) {
	p := launchCalls(t, "ask")
	breakAt(t, p, "call_site", nil)
	cont(t, p)
	h := onCall(t, p, 0, nil)
	for i, phase := range []Phase{Enter, Exit} {
		stop, err := p.Thread().Step(1, nil)
		if err != nil || stop.Reason != ReasonSyscall || stop.Syscall.Phase != phase {
			t.Fatalf("step %d: stop = %+v, %v, want %s", i, stop, err, phase)
		}
	}
	stop, err := p.Thread().Next(nil)
	if err != nil || stop.Reason != ReasonStep {
		t.Fatalf("stop = %+v, %v, want a step", stop, err)
	}
	h.Remove()
	if stop, err = p.Thread().Finish(nil); err != nil || stop.Value != uint64(unix.Getpid()) {
		t.Fatalf("stop = %+v, %v, want what raw returned", stop, err)
	}
	wantExit(t, p, unix.Getpid()&0xff)
}

// TestBreakpointOnSyscall has a breakpoint on the instruction that makes the calls.
func TestBreakpointOnSyscall(t *testing.T) {
	p := launchCalls(t, "threads", "100")
	b := breakAt(t, p, "call_site", func(*Stop) (bool, error) { return false, nil })
	phases := make(map[Phase]int)
	onCall(t, p, 0, func(s *Stop) (bool, error) { phases[s.Syscall.Phase]++; return false, nil }, unix.SYS_GETPPID)
	wantExit(t, p, 0)
	if b.Hits() != 800 || phases[Enter] != 800 || phases[Exit] != 800 {
		t.Errorf("%d hits, %d entries, %d exits; want 800 each", b.Hits(), phases[Enter], phases[Exit])
	}
}

// TestSignalsInSyscalls interrupts calls with signals that have a handler, while
// other threads stop the one that they come to.
func TestSignalsInSyscalls(t *testing.T) {
	p := launch(t, "storm", "3000")
	if _, err := p.On(HookOptions{Reason: ReasonSignal, Handler: func(*Stop) (bool, error) { return false, nil }}); err != nil {
		t.Fatal(err)
	}
	inside, n := make(map[int]bool), 0
	onCall(t, p, 0, func(s *Stop) (bool, error) {
		if s.Syscall.Name() == "execve" {
			return false, nil
		}
		if n++; inside[s.Thread.TID] != (s.Syscall.Phase == Exit) {
			t.Errorf("stop %d is %s", n, describe(s))
		}
		inside[s.Thread.TID] = s.Syscall.Phase == Enter
		return false, nil
	})
	breakAt(t, p, "recurse", func(*Stop) (bool, error) { return false, nil })
	wantExit(t, p, 0)
}

// TestStepsThroughSyscalls steps a program that makes calls.
func TestStepsThroughSyscalls(t *testing.T) {
	p := launchCalls(t, "loop", "20")
	seen := record(t, p, unix.SYS_GETPPID)
	for p.State() == Stopped && len(*seen) < 40 {
		if _, err := p.Thread().Step(10, nil); err != nil {
			t.Fatal(err)
		}
	}
	for i, s := range *seen {
		if want := fmt.Sprintf("%s getppid %d", []string{"enter", "exit"}[i%2], i/2); !strings.HasPrefix(s, want) {
			t.Fatalf("stop %d is %s, want %s", i, s, want)
		}
	}
	wantExit(t, p, 0)
}

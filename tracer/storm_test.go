//go:build linux && amd64

package tracer

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

var storm = flag.Int("storm", 200, "how often TestStorm attaches and detaches")

// TestStorm attaches to a program that does everything at once, and lets it go, again
// and again; see testdata/storm.c. The program must not be able to tell, then or
// afterwards.
func TestStorm(t *testing.T) {
	target := tracertest.Start(t, tracertest.Build(t, "testdata/storm.c"))
	target.ReadLine()
	var cpus unix.CPUSet
	if err := unix.SchedGetaffinity(target.PID, &cpus); err != nil {
		t.Fatal(err)
	}
	tr := newTracer(t)
	for i := range *storm {
		p, err := tr.Attach(target.PID)
		if err != nil {
			t.Fatalf("cycle %d: %v", i, err)
		}
		if err := meddle(p, i); err != nil {
			t.Fatalf("cycle %d: %v", i, err)
		}
		if p.State() != Stopped {
			t.Fatalf("cycle %d: it is %s after %s", i, p.State(), p.Stop().Reason)
		}
		for _, q := range tr.Processes() { // a child may be held
			if err := q.Detach(0); err != nil && q.State() != Detached {
				t.Fatalf("cycle %d: %v", i, err)
			}
		}
	}
	wantUntouched(t, target.PID, &cpus)
	fmt.Fprintln(target.Stdin)
	books := target.ReadLine()
	t.Log(books)
	if status := target.Wait(); status.ExitStatus() != 0 {
		t.Errorf("it ended with status %#x: %s", status, books)
	}
}

// meddle does something to a process that lasts for a while.
func meddle(p *Process, i int) error {
	hits := 0
	enough := func(*Stop) (bool, error) { hits++; return hits == 3, nil }
	var err error
	switch i % 8 {
	case 1:
		_, err = p.Breakpoint(&BreakpointOptions{Location: "message"})
	case 2:
		_, err = p.On(HookOptions{Reason: ReasonSyscall, Handler: enough})
	case 3:
		var at uint64
		if at, err = p.Addr("pipes"); err == nil {
			_, err = p.Watch(&WatchOptions{Addr: at, Access: AccessReadWrite, Handler: enough})
		}
	case 4:
		for _, reason := range []Reason{ReasonThread, ReasonThreadExit, ReasonFork} {
			if _, err = p.On(HookOptions{Reason: reason, Handler: enough}); err != nil {
				break
			}
		}
	case 5:
		_, err = p.Thread().Step(3, &MoveOptions{Timeout: 20 * time.Millisecond})
		return err
	case 6:
		if _, err = p.Syscall(unix.SYS_GETPPID); errors.Is(err, ErrVfork) {
			return nil // where attach found it
		}
		return err
	case 7:
		_, err = p.Breakpoint(&BreakpointOptions{Location: "message", Handler: enough})
	default:
		return nil
	}
	if err == nil && i%16 < 8 {
		// Signals run on, or else they are what stops it most of the time.
		_, err = p.On(HookOptions{Reason: ReasonSignal, Handler: func(*Stop) (bool, error) { return false, nil }})
	}
	if err == nil {
		_, err = p.Cont(&MoveOptions{Timeout: time.Second})
	}
	return err
}

// wantUntouched checks that nothing of a tracer is left in a process.
func wantUntouched(t *testing.T, pid int, cpus *unix.CPUSet) {
	t.Helper()
	tids, err := procfs.Tasks(pid)
	if err != nil {
		t.Fatal(err)
	}
	for _, tid := range tids {
		status, err := procfs.Status(tid)
		if procfs.Gone(err) {
			continue
		}
		var now unix.CPUSet
		switch {
		case err != nil:
			t.Error(err)
		case strings.ContainsRune("tT", rune(status.State)) || status.TracerPid != 0:
			t.Errorf("thread %d is in state %c, traced by %d", tid, status.State, status.TracerPid)
		case sigset(status.SigPnd|status.ShdPnd).has(int(unix.SIGSTOP)) || sigset(status.SigPnd|status.ShdPnd).has(int(unix.SIGTRAP)):
			t.Errorf("thread %d has signals %#x pending", tid, status.SigPnd|status.ShdPnd)
		case unix.SchedGetaffinity(tid, &now) == nil && now != *cpus:
			t.Errorf("thread %d may run on %v, want %v", tid, now, *cpus)
		}
	}
	p := attach(t, pid)
	for _, th := range p.Threads() {
		if v, err := th.DebugReg(dr7); !errors.Is(err, ErrVfork) && (err != nil || v != 0) {
			t.Errorf("dr7 of thread %d is %#x, %v", th.TID, v, err)
		}
	}
	if err := p.Detach(0); err != nil {
		t.Error(err)
	}
}

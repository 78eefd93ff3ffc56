//go:build linux && amd64

package tracer

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// scene starts a scene of testdata/scenes.c without tracing it.
func scene(t testing.TB, args ...string) *tracertest.Target {
	t.Helper()
	return tracertest.Start(t, tracertest.Build(t, "testdata/scenes.c"), args...)
}

func attach(t testing.TB, pid int) *Process {
	t.Helper()
	p, err := newTracer(t).Attach(pid)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAttachAndDetachLeaveNothing(t *testing.T) {
	target := scene(t, "echo")
	target.ReadLine()
	tracertest.WaitState(t, target.PID, "S")
	p := attach(t, target.PID)
	if state := tracertest.State(target.PID); state != 't' {
		t.Errorf("state %c, want t", state)
	}
	sym, err := p.Addr("work")
	if err != nil {
		t.Fatal(err)
	}
	before := make([]byte, 64)
	if _, err := p.ReadAt(sym, before); err != nil {
		t.Fatal(err)
	}
	b := breakAt(t, p, "work", nil)
	fmt.Fprintln(target.Stdin, "one")
	if stop := cont(t, p); stop.Breakpoint != b {
		t.Fatalf("stop = %s, want the breakpoint", stop.Reason)
	}
	if err := p.Detach(0); err != nil {
		t.Fatal(err)
	}
	if p.State() != Detached {
		t.Errorf("state %s, want detached", p.State())
	}
	if _, err := p.Cont(nil); !errors.Is(err, ErrDetached) {
		t.Errorf("Cont after Detach: %v", err)
	}
	// The call that was stopped goes on, and later ones stop nowhere.
	for i, line := range []string{"one", "two", "three"} {
		if i > 0 {
			fmt.Fprintln(target.Stdin, line)
		}
		if got, want := target.ReadLine(), fmt.Sprintf("%d %s", i+1, line); got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
	mem, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", target.PID))
	if err != nil || bytes.Contains(mem, []byte("rwxp")) {
		t.Errorf("mappings afterwards: %v\n%s", err, mem)
	}
	status, err := procfs.Status(target.PID)
	if err != nil || status.TracerPid != 0 {
		t.Errorf("traced by %d, %v", status.TracerPid, err)
	}
	again := attach(t, target.PID)
	after := make([]byte, 64)
	if _, err := again.readRaw(sym, after); err != nil || !bytes.Equal(before, after) {
		t.Errorf("code is % x, want % x as before", after, before)
	}
}

// TestAttachDoesNotDisturbSleep checks that a system call that can restart does.
func TestAttachDoesNotDisturbSleep(t *testing.T) {
	target := scene(t, "nap", "500")
	target.ReadLine()
	tracertest.WaitState(t, target.PID, "S")
	for range 20 {
		p := attach(t, target.PID)
		if err := p.Detach(0); err != nil {
			t.Fatal(err)
		}
	}
	if status := target.Wait(); status.ExitStatus() != 0 {
		t.Errorf("the sleep ended with status %#x, want 0", status)
	}
}

func TestAttachToStoppedJob(t *testing.T) {
	target := scene(t, "echo")
	target.ReadLine()
	unix.Kill(target.PID, unix.SIGSTOP)
	tracertest.WaitState(t, target.PID, "T")
	p := attach(t, target.PID)
	if _, err := p.Thread().Regs(); err != nil {
		t.Error(err)
	}
	// It moves on into the same stop, from which SIGCONT alone wakes it.
	stop, err := p.Cont(&MoveOptions{Timeout: 10 * time.Millisecond})
	if err != nil || stop.Reason != ReasonTimeout {
		t.Fatalf("stop = %+v, %v, want timeout", stop, err)
	}
	if err := p.Detach(0); err != nil {
		t.Fatal(err)
	}
	tracertest.WaitState(t, target.PID, "T")
	unix.Kill(target.PID, unix.SIGCONT)
	fmt.Fprintln(target.Stdin, "on")
	if got := target.ReadLine(); got != "1 on" {
		t.Errorf("it says %q, want %q", got, "1 on")
	}
}

func TestGroupStopIsTransparent(t *testing.T) {
	target := scene(t, "echo")
	target.ReadLine()
	p := attach(t, target.PID)
	b := breakAt(t, p, "work", nil)
	unix.Kill(target.PID, unix.SIGSTOP)
	fmt.Fprintln(target.Stdin, "one")
	if stop, err := p.Cont(&MoveOptions{Timeout: 50 * time.Millisecond}); err != nil || stop.Reason != ReasonTimeout {
		t.Fatalf("stop = %+v, %v, want timeout: SIGSTOP holds it", stop, err)
	}
	unix.Kill(target.PID, unix.SIGCONT)
	if stop := cont(t, p); stop.Breakpoint != b {
		t.Fatalf("stop = %s, want the breakpoint after SIGCONT", stop.Reason)
	}
}

func TestAttachStopsAllThreads(t *testing.T) {
	target := scene(t, "churn", "1000000")
	for range 50 {
		p := attach(t, target.PID)
		known := make(map[int]bool)
		for _, th := range p.Threads() {
			known[th.TID] = true
			if state := tracertest.State(th.TID); state != 't' {
				t.Errorf("thread %d is in state %c, want t", th.TID, state)
			}
		}
		tids, err := procfs.Tasks(target.PID)
		if err != nil {
			t.Fatal(err)
		}
		for _, tid := range tids {
			if !known[tid] { // on its way out
				tracertest.WaitState(t, tid, "ZX\x00")
			}
		}
		if err := p.Detach(0); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDetachDeliversPendingSignal(t *testing.T) {
	target := scene(t, "spin")
	p := attach(t, target.PID)
	unix.Kill(target.PID, unix.SIGTERM)
	if stop := cont(t, p); stop.Signal != int(unix.SIGTERM) {
		t.Fatalf("stop = %s, want SIGTERM", stop.Reason)
	}
	if err := p.Detach(0); err != nil {
		t.Fatal(err)
	}
	if status := target.Wait(); status.Signal() != unix.SIGTERM {
		t.Errorf("status %#x, want killed by SIGTERM", status)
	}
}

func TestAttachRefusals(t *testing.T) {
	tr := newTracer(t)
	dead := scene(t, "loop", "1")
	dead.Wait()
	zombie := scene(t, "loop", "1")
	tracertest.WaitState(t, zombie.PID, "Z")
	traced := attach(t, scene(t, "spin").PID)
	type refusal struct {
		pid  int
		errs error
		text string
	}
	tests := []refusal{
		{0, unix.ESRCH, "no such process"},
		{-5, unix.ESRCH, "no such process"},
		{dead.PID, unix.ESRCH, "no such process"},
		{zombie.PID, unix.ESRCH, "it has exited already"},
		{os.Getpid(), unix.EINVAL, "cannot trace itself"},
		{traced.PID, unix.EBUSY, fmt.Sprintf("traced already, by process %d", traced.tr.tid)},
	}
	// A container may show none.
	if kernel, err := procfs.IsKernelThread(2); err == nil && kernel {
		tests = append(tests, refusal{2, unix.EINVAL, "it is a kernel thread"})
	}
	for _, test := range tests {
		_, err := tr.Attach(test.pid)
		if !errors.Is(err, test.errs) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("Attach(%d): %v, want %q", test.pid, err, test.text)
		}
	}
	if n := len(tr.Processes()); n != 0 {
		t.Errorf("%d processes held after refusals", n)
	}
}

func TestCloseLetsAttachedLiveAndKillsLaunched(t *testing.T) {
	target := scene(t, "echo")
	target.ReadLine()
	tr, err := New()
	if err != nil {
		t.Fatal(err)
	}
	launched, err := tr.Launch([]string{tracertest.Build(t, "testdata/scenes.c"), "spin"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := tr.Attach(target.PID)
	if err != nil {
		t.Fatal(err)
	}
	breakAt(t, p, "work", nil)
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(target.Stdin, "on")
	if got := target.ReadLine(); got != "1 on" {
		t.Errorf("it says %q, want %q", got, "1 on")
	}
	if tracertest.Alive(launched.PID) {
		t.Error("the launched process survived Close")
	}
}

// TestAttachMeetsExec attaches to a program that replaces itself all the time: the
// end of an exec that it meets is no news.
func TestAttachMeetsExec(t *testing.T) {
	target := scene(t, "reexec")
	tr := newTracer(t)
	for range 300 {
		p, err := tr.Attach(target.PID)
		if err != nil {
			t.Fatal(err)
		}
		for _, th := range p.threads {
			if th.pending != nil {
				t.Fatalf("%s is yet to be reported after Attach", th.pending.Reason)
			}
		}
		if err := p.Detach(0); err != nil {
			t.Fatal(err)
		}
	}
}

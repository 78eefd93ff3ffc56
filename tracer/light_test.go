//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// onLight asks for system calls that are seen while other threads run.
func onLight(t testing.TB, p *Process, phase Phase, handler func(*Stop) (bool, error), numbers ...int) {
	t.Helper()
	o := HookOptions{Reason: ReasonSyscall, Syscalls: numbers, Phase: phase, Handler: handler, Light: true}
	if _, err := p.On(o); err != nil {
		t.Fatal(err)
	}
}

// TestLight checks that handlers see each call of each thread in its order, while
// threads run, and that what surfaces stops all of them.
func TestLight(t *testing.T) {
	const n = 300
	p := launchCalls(t, "threads", fmt.Sprint(n))
	next, ran := make(map[int]uint64), 0
	inside := make(map[int]bool)
	onLight(t, p, 0, func(s *Stop) (bool, error) {
		tid, c := s.Thread.TID, s.Syscall
		if c.Args[0] != next[tid] || inside[tid] != (c.Phase == Exit) {
			t.Errorf("thread %d: %s, want call %d", tid, describe(s), next[tid])
		}
		for _, u := range p.Threads() {
			if u.Running() {
				ran++
			}
		}
		if _, err := p.ReadAt(s.PC, make([]byte, 2)); err != nil {
			t.Error(err)
		}
		inside[tid] = c.Phase == Enter
		if c.Phase == Exit {
			next[tid]++
		}
		return c.Phase == Exit && next[tid]%100 == 0, nil
	}, unix.SYS_GETPPID)
	surfaced := 0
	for stop := p.Stop(); !stop.Gone(); surfaced++ {
		stop = cont(t, p)
		for _, u := range p.Threads() {
			if u.Running() {
				t.Errorf("thread %d runs after a stop", u.TID)
			}
		}
	}
	if surfaced-1 != 8*n/100 {
		t.Errorf("%d stops surfaced, want %d", surfaced-1, 8*n/100)
	}
	if ran == 0 {
		t.Error("no thread ran while a handler did")
	}
	for tid, calls := range next {
		if calls != n {
			t.Errorf("thread %d: %d calls, want %d", tid, calls, n)
		}
	}
}

// TestLightVerbs checks what a light handler may not do, and that a call may be
// changed.
func TestLightVerbs(t *testing.T) {
	p := launchCalls(t, "basic")
	seen := 0
	onLight(t, p, Enter, func(s *Stop) (bool, error) {
		seen++
		_, contErr := p.Cont(nil)
		_, breakErr := p.Breakpoint(&BreakpointOptions{Location: "main"})
		_, watchErr := p.Watch(&WatchOptions{Addr: s.PC, Size: 1})
		_, callErr := p.Syscall(unix.SYS_GETPID)
		_, waitErr := p.tr.Wait(-1, 0)
		_, launchErr := p.tr.Launch([]string{"true"}, nil)
		for op, err := range map[string]error{
			"cont": contErr, "breakpoint": breakErr, "watch": watchErr, "syscall": callErr, "wait": waitErr,
			"launch": launchErr, "kill": p.Kill(), "detach": p.Detach(0),
		} {
			if !errors.Is(err, ErrRunning) {
				t.Errorf("%s: %v, want %v", op, err, ErrRunning)
			}
		}
		return false, s.Replace(-int64(unix.EPERM))
	}, unix.SYS_CLOSE)
	var failed string
	onLight(t, p, Exit, func(s *Stop) (bool, error) {
		failed = s.Syscall.Errno()
		return false, nil
	}, unix.SYS_CLOSE)
	if stop := cont(t, p); stop.Reason != ReasonExit {
		t.Errorf("stop = %s, want exit", stop.Reason)
	}
	if seen == 0 || failed != "EPERM" {
		t.Errorf("%d calls, the last failed with %q, want EPERM", seen, failed)
	}
	if _, err := p.On(HookOptions{Reason: ReasonThread, Light: true}); err == nil {
		t.Error("a light hook on threads is no error")
	}
}

// TestLightError checks that the error of a light handler ends the movement with all
// threads stopped.
func TestLightError(t *testing.T) {
	p := launchCalls(t, "threads", "100")
	failure := errors.New("failure")
	calls := 0
	onLight(t, p, Enter, func(*Stop) (bool, error) {
		if calls++; calls == 50 {
			return false, failure
		}
		return false, nil
	}, unix.SYS_GETPPID)
	if _, err := p.Cont(nil); !errors.Is(err, failure) {
		t.Fatalf("Cont: %v, want %v", err, failure)
	}
	for _, u := range p.Threads() {
		if u.Running() {
			t.Errorf("thread %d runs", u.TID)
		}
	}
	if stop := cont(t, p); !stop.Gone() || calls != 800 {
		t.Errorf("stop = %s after %d calls, want the end after 800", stop.Reason, calls)
	}
}

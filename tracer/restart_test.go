//go:build linux && amd64

package tracer

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// restart launches p again.
func restart(t testing.TB, p *Process, o *LaunchOptions) {
	t.Helper()
	before := p.PID
	stop, err := p.Restart(o)
	if err != nil {
		t.Fatal(err)
	}
	if stop.Reason != ReasonExec || stop != p.Stop() || stop.Thread != p.Thread() || stop.Thread.TID != p.PID || p.PID == before || p.State() != Stopped {
		t.Fatalf("stop = %+v of %d, want exec of another process than %d", stop, p.PID, before)
	}
	if held := p.tr.Processes(); len(held) != 1 || held[0] != p {
		t.Errorf("held are %v, want the process alone", held)
	}
}

// TestRestart launches a program again where it has not begun, in its middle and after
// its end. What was set stays, and counts on.
func TestRestart(t *testing.T) {
	o := &LaunchOptions{ASLR: true}
	p, err := newTracer(t).Launch([]string{tracertest.Build(t, "testdata/scenes.c"), "loop", "3"}, o)
	if err != nil {
		t.Fatal(err)
	}
	main := breakAt(t, p, "main", nil)
	for range 2 {
		cont(t, p)
		restart(t, p, o)
	}
	cont(t, p)
	addr, err := p.Addr("work")
	if err != nil {
		t.Fatal(err)
	}
	decline := func(*Stop) (bool, error) { return false, nil }
	var users []*Breakpoint
	for _, b := range []*BreakpointOptions{
		{Addr: addr}, {Addr: addr, Hardware: true}, {Location: "work"}, {Location: "*work"}, {Addr: addr, When: "rdi < 3 and u64(main) != 0"},
	} {
		b.Handler = decline
		user, err := p.Breakpoint(b)
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, user)
	}
	w := watch(t, p, "sum", 8, AccessWrite, decline)
	users = append(users, w.b)
	if _, err := p.Watch(&WatchOptions{Addr: reg(t, p.Thread(), arch.RSP), Handler: decline}); err != nil {
		t.Fatal(err)
	}
	end := breakAt(t, p, "libc!_exit", decline)
	seen := make(map[Reason]int)
	for _, reason := range []Reason{ReasonLoad, ReasonExit, ReasonSyscall} {
		h := HookOptions{Reason: reason, Handler: func(s *Stop) (bool, error) {
			seen[s.Reason]++
			return false, nil
		}}
		if reason == ReasonSyscall {
			h.Syscalls, h.Phase = []int{unix.SYS_EXIT_GROUP}, Enter
		}
		if _, err := p.On(h); err != nil {
			t.Fatal(err)
		}
	}
	ids := []int{1, 2, 3, 4, 5, 6, 7}
	for run := 1; run <= 3; run++ {
		if run > 1 {
			restart(t, p, o)
			if stop := cont(t, p); stop.Breakpoint != main || main.Hits() != run+2 {
				t.Fatalf("stop = %s, %d hits of main, want %d", stop.Reason, main.Hits(), run+2)
			}
		}
		wantExit(t, p, 0)
		for i, b := range users {
			if b.ID != ids[i]+1 || b.Hits() != 3*run {
				t.Errorf("run %d: %s: %d hits, want %d", run, b.describe(), b.Hits(), 3*run)
			}
		}
		if end.Hits() != run || seen[ReasonSyscall] != run || seen[ReasonExit] != run || seen[ReasonLoad] != run-1 {
			t.Errorf("run %d: %d ends, stops %v", run, end.Hits(), seen)
		}
	}
	if all := p.Watchpoints(); len(all) != 1 || all[0] != w {
		t.Errorf("watchpoints are %v, want the one that is not on the stack", all)
	}
}

// TestRestartAfterCrash restarts one that was killed by a signal, and one whose handler
// does so in the middle of a movement.
func TestRestartAfterCrash(t *testing.T) {
	p := launch(t, "crash")
	for range 2 {
		cont(t, p)
		if stop := cont(t, p); stop.Reason != ReasonKilled {
			t.Fatalf("stop = %s, want killed", stop.Reason)
		}
		restart(t, p, nil)
	}
	runs := 0
	breakAt(t, p, "main", func(*Stop) (bool, error) {
		if runs++; runs < 3 {
			restart(t, p, nil)
		}
		return false, nil
	})
	if stop := cont(t, p); stop.Reason != ReasonSignal || runs != 3 {
		t.Fatalf("stop = %s after %d runs, want the crash after 3", stop.Reason, runs)
	}
}

// TestHookAfterEnd asks for stops of a process that has ended, for the next one.
func TestHookAfterEnd(t *testing.T) {
	p := launch(t, "loop", "1")
	wantExit(t, p, 0)
	for _, o := range []HookOptions{{Reason: ReasonLoad}, {Reason: ReasonSyscall, Syscalls: []int{unix.SYS_EXIT_GROUP}}, {Reason: ReasonExit}} {
		if _, err := p.On(o); err != nil {
			t.Fatal(err)
		}
	}
	restart(t, p, nil)
	var reasons []string
	for p.State() != Exited {
		reasons = append(reasons, cont(t, p).Reason.String())
	}
	if got := strings.Join(reasons, " "); got != "load syscall exit" {
		t.Errorf("stops for %s, want load syscall exit", got)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
}

// TestRestartWithThreads restarts a process that was let go on and not waited for.
func TestRestartWithThreads(t *testing.T) {
	p := launch(t, "churn", "1000000000")
	here := breakAt(t, p, "nothing", nil)
	for range 3 {
		if stop := cont(t, p); stop.Breakpoint != here {
			t.Fatalf("stop = %s, want the breakpoint", stop.Reason)
		}
		g, err := p.tr.Target("cont", p.PID)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Go("cont", &GoOptions{}); err != nil {
			t.Fatal(err)
		}
		restart(t, p, nil)
	}
}

func TestCannotRestart(t *testing.T) {
	p := unrelated(t, "fork")
	p.SetFollow(FollowBoth)
	for _, q := range []*Process{p, wantBirth(t, p, ReasonFork)} {
		if _, err := q.Restart(nil); err == nil || !strings.Contains(err.Error(), "not launched by this debugger") || q.State() != Stopped {
			t.Errorf("Restart: %v, and it is %s", err, q.State())
		}
	}
	p = launch(t, "loop", "1")
	if err := p.Detach(0); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Restart(nil); err == nil || !strings.Contains(err.Error(), "was detached") {
		t.Errorf("Restart of a process that was let go: %v", err)
	}
	p = launch(t, "loop", "1")
	if _, err := p.Restart(&LaunchOptions{Dir: "/nowhere"}); err == nil || p.State() != Exited {
		t.Errorf("Restart in no directory: %v, and it is %s", err, p.State())
	}
	restart(t, p, nil)
	wantExit(t, p, 0)
}

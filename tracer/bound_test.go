//go:build linux && amd64

package tracer

import "testing"

// bound sets a breakpoint for one thread.
func bound(t *testing.T, th *Thread, loc string) *Breakpoint {
	t.Helper()
	b, err := th.p.Breakpoint(&BreakpointOptions{Location: loc, Thread: th})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBoundBreakpointsAtExec has a thread replace the program: what is bound to the
// main thread stays, what is bound to another one goes.
func TestBoundBreakpointsAtExec(t *testing.T) {
	p := launch(t, "threadexec")
	main := bound(t, p.Thread(), "work")
	var others []*Breakpoint
	hook, err := p.On(HookOptions{Reason: ReasonThread, Handler: func(s *Stop) (bool, error) {
		others = append(others, bound(t, p.tr.threads[s.Child], "work"))
		return false, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer hook.Remove()
	if stop := cont(t, p); stop.Reason != ReasonExec {
		t.Fatalf("stop = %s, want exec", stop.Reason)
	}
	if stop := cont(t, p); stop.Breakpoint != main || stop.Thread != main.Thread() || stop.Thread.TID != p.PID {
		t.Fatalf("stop = %+v, want the breakpoint of the main thread", stop)
	}
	if len(others) != 2 || len(p.Breakpoints()) != 1 {
		t.Errorf("%d breakpoints of others, %d in all, want 2 and 1", len(others), len(p.Breakpoints()))
	}
	for _, b := range others {
		if b.Enabled() || b.Hits() != 0 || !b.Thread().Gone() || len(b.Addrs()) != 0 {
			t.Errorf("one of another thread is enabled: %t, with %d hits, at %#x", b.Enabled(), b.Hits(), b.Addrs())
		}
	}
}

// TestBoundBreakpointsAtRestart has the same of a restart.
func TestBoundBreakpointsAtRestart(t *testing.T) {
	p := launch(t, "threads", "20")
	main := bound(t, p.Thread(), "main")
	var other *Breakpoint
	hook, err := p.On(HookOptions{Reason: ReasonThread, Handler: func(s *Stop) (bool, error) {
		other = bound(t, p.tr.threads[s.Child], "main")
		return true, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if stop := cont(t, p); stop.Breakpoint != main {
			t.Fatalf("stop = %+v, want the breakpoint at main", stop)
		}
		if stop := cont(t, p); stop.Reason != ReasonThread {
			t.Fatalf("stop = %s, want a thread", stop.Reason)
		}
		restart(t, p, nil)
		if main.Thread() != p.Thread() || other.Enabled() {
			t.Errorf("bound to thread %d, want %d; that of another thread is enabled: %t", main.Thread().TID, p.PID, other.Enabled())
		}
	}
	hook.Remove()
	cont(t, p)
	wantExit(t, p, 0)
	if main.Hits() != 3 || len(p.Breakpoints()) != 1 {
		t.Errorf("%d hits, want 3, and %d breakpoints, want 1", main.Hits(), len(p.Breakpoints()))
	}
}

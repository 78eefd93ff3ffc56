//go:build linux && amd64

package tracer

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/procfs"
)

func TestThreadsLoseNoHit(t *testing.T) {
	p := launch(t, "threads", "300")
	hits := make(map[int]int)
	b := breakAt(t, p, "work", func(s *Stop) (bool, error) {
		hits[s.Thread.TID]++
		for _, th := range p.Threads() {
			if th.Running() {
				t.Errorf("thread %d runs while thread %d is at a breakpoint", th.TID, s.Thread.TID)
			}
		}
		return false, nil
	})
	wantExit(t, p, 0)
	if b.Hits() != 8*300 || len(hits) != 8 {
		t.Errorf("%d hits in %d threads, want 2400 in 8", b.Hits(), len(hits))
	}
	for tid, n := range hits {
		if n != 300 {
			t.Errorf("thread %d: %d hits, want 300", tid, n)
		}
	}
}

// TestThreadsSurfaceEachHit moves on from every hit by Cont, with stops of other
// threads between.
func TestThreadsSurfaceEachHit(t *testing.T) {
	p := launch(t, "threads", "40")
	b := breakAt(t, p, "work", nil)
	n := 0
	stop := cont(t, p)
	for ; stop.Reason == ReasonBreakpoint; stop = cont(t, p) {
		if stop.Breakpoint != b {
			t.Fatal("stop without its breakpoint")
		}
		n++
	}
	if stop.Reason != ReasonExit || n != 8*40 {
		t.Errorf("%d hits, then %s; want 320, then exit", n, stop.Reason)
	}
}

func TestRemovedBreakpointThatOthersReached(t *testing.T) {
	p := launch(t, "threads", "1000")
	b := breakAt(t, p, "work", nil)
	if stop := cont(t, p); stop.Reason != ReasonBreakpoint {
		t.Fatalf("stop = %s, want breakpoint", stop.Reason)
	}
	if err := b.Remove(); err != nil {
		t.Fatal(err)
	}
	wantExit(t, p, 0)
}

func TestThreadBoundBreakpoint(t *testing.T) {
	p := launch(t, "threads", "50")
	first := breakAt(t, p, "work", nil)
	chosen := cont(t, p).Thread
	if err := first.Remove(); err != nil {
		t.Fatal(err)
	}
	b, err := p.Breakpoint(&BreakpointOptions{Location: "work", Thread: chosen, Handler: func(s *Stop) (bool, error) {
		if s.Thread != chosen {
			t.Errorf("hit in thread %d, want only %d", s.Thread.TID, chosen.TID)
		}
		return false, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	wantExit(t, p, 0)
	if b.Hits() != 49 { // of 50 the first was another breakpoint's
		t.Errorf("%d hits, want 49", b.Hits())
	}
}

func TestThreadBirthAndEnd(t *testing.T) {
	p := launch(t, "churn", "200")
	born, ended := 0, 0
	for reason, n := range map[Reason]*int{ReasonThread: &born, ReasonThreadExit: &ended} {
		if _, err := p.On(HookOptions{Reason: reason, Handler: func(*Stop) (bool, error) { *n++; return false, nil }}); err != nil {
			t.Fatal(err)
		}
	}
	wantExit(t, p, 0)
	if born != 200 || ended != 200 {
		t.Errorf("%d threads born, %d ended, want 200 each", born, ended)
	}
}

func TestZombieLeader(t *testing.T) {
	p := launch(t, "leaderless")
	breakAt(t, p, "here", nil)
	if stop := cont(t, p); stop.Reason != ReasonBreakpoint || stop.Thread.TID == p.PID {
		t.Fatalf("stop = %s in thread %d, want a breakpoint outside the leader", stop.Reason, stop.Thread.TID)
	}
	// The leader may be on its way out still; reading memory must not need it.
	if _, err := p.Thread().Frames(10); err != nil {
		t.Error(err)
	}
	if _, err := p.Thread().Step(20, nil); err != nil {
		t.Fatal(err)
	}
	wantExit(t, p, 5)
}

func TestOnlyHoldsTheOthers(t *testing.T) {
	p := launch(t, "threads", "100000")
	b := breakAt(t, p, "work", nil)
	stop := cont(t, p)
	if err := b.Remove(); err != nil {
		t.Fatal(err)
	}
	others := make(map[*Thread]uint64)
	for _, th := range p.Threads() {
		if th != stop.Thread {
			others[th] = reg(t, th, arch.RIP)
		}
	}
	if _, err := stop.Thread.Step(500, &MoveOptions{Only: true}); err != nil {
		t.Fatal(err)
	}
	for th, pc := range others {
		if got := reg(t, th, arch.RIP); got != pc {
			t.Errorf("thread %d went from %#x to %#x while it was held", th.TID, pc, got)
		}
	}
	wantExit(t, p, 0)
}

func TestSuspend(t *testing.T) {
	p := launch(t, "threads", "500")
	breakAt(t, p, "work", nil)
	held := cont(t, p).Thread
	held.Suspend()
	for _, b := range p.Breakpoints() {
		b.Remove()
	}
	breakAt(t, p, "work", func(s *Stop) (bool, error) {
		if s.Thread == held {
			t.Error("a suspended thread moved")
		}
		return false, nil
	})
	ended := 0
	if _, err := p.On(HookOptions{Reason: ReasonThreadExit, Handler: func(*Stop) (bool, error) {
		ended++
		return ended == 7, nil
	}}); err != nil {
		t.Fatal(err)
	}
	if stop := cont(t, p); stop.Reason != ReasonThreadExit || ended != 7 {
		t.Fatalf("stop = %s after %d threads, want thread_exit after 7", stop.Reason, ended)
	}
	for _, th := range p.Threads() {
		th.Suspend()
	}
	if _, err := p.Cont(nil); err == nil || !strings.HasSuffix(err.Error(), "all threads are suspended") {
		t.Errorf("Cont with all threads suspended: %v", err)
	}
	for _, th := range p.Threads() {
		th.Resume()
	}
	for _, b := range p.Breakpoints() {
		b.Remove()
	}
	ended = 7
	wantExit(t, p, 0)
}

func TestTimeoutAndInterrupt(t *testing.T) {
	p := launch(t, "spin")
	stop, err := p.Cont(&MoveOptions{Timeout: 10 * time.Millisecond})
	if err != nil || stop.Reason != ReasonTimeout {
		t.Fatalf("stop = %v, %v, want timeout", stop, err)
	}
	if sym, ok := p.SymbolAt(stop.PC); ok && sym.Name == "_start" {
		t.Errorf("stopped in %s", sym.Name)
	}
	go p.tr.Interrupt()
	if stop := cont(t, p); stop.Reason != ReasonInterrupt {
		t.Fatalf("stop = %s, want interrupt", stop.Reason)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if sig, ok := p.ExitSignal(); !ok || sig != int(unix.SIGKILL) {
		t.Errorf("exit signal %d, %t, want SIGKILL", sig, ok)
	}
}

func TestKilledFromOutside(t *testing.T) {
	p := launch(t, "threads", "100")
	breakAt(t, p, "work", nil)
	cont(t, p)
	if err := unix.Kill(p.PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if stop := cont(t, p); stop.Reason != ReasonKilled || stop.Signal != int(unix.SIGKILL) {
		t.Fatalf("stop = %s, want killed", stop.Reason)
	}
	if sig, ok := p.ExitSignal(); !ok || sig != int(unix.SIGKILL) {
		t.Errorf("exit signal %d, %t, want SIGKILL", sig, ok)
	}
}

func TestExecFromThread(t *testing.T) {
	for _, scene := range []string{"exec", "threadexec"} {
		t.Run(scene, func(t *testing.T) {
			p := launch(t, scene)
			b := breakAt(t, p, "work", nil)
			stop := cont(t, p)
			if stop.Reason != ReasonExec || stop.Thread.TID != p.PID || len(p.Threads()) != 1 {
				t.Fatalf("stop = %s in thread %d of %d, want exec in the leader alone", stop.Reason, stop.Thread.TID, len(p.Threads()))
			}
			for i := range uint64(3) {
				if stop = cont(t, p); stop.Reason != ReasonBreakpoint || reg(t, stop.Thread, arch.RDI) != i {
					t.Fatalf("stop %d = %s, want the breakpoint that outlived exec", i, stop.Reason)
				}
			}
			if b.Hits() != 3 {
				t.Errorf("%d hits, want 3", b.Hits())
			}
			wantExit(t, p, 0)
		})
	}
}

func TestChildrenCarryNoBreakpoint(t *testing.T) {
	for _, test := range []struct {
		scene      string
		hits, code int
	}{
		{"fork", 0, 42},
		{"vfork", 1, 44},
		{"spawn", 1, 0},
	} {
		t.Run(test.scene, func(t *testing.T) {
			p := launch(t, test.scene)
			b := breakAt(t, p, "work", func(*Stop) (bool, error) { return false, nil })
			wantExit(t, p, test.code)
			if b.Hits() != test.hits {
				t.Errorf("%d hits, want %d: the child's do not count", b.Hits(), test.hits)
			}
		})
	}
}

func TestAffinityIsRestored(t *testing.T) {
	var cpus unix.CPUSet
	if err := unix.SchedGetaffinity(0, &cpus); err != nil {
		t.Fatal(err)
	}
	p := launch(t, "affinity")
	hits := 0
	pinned := false
	breakAt(t, p, "work", func(*Stop) (bool, error) {
		hits++
		if hits == 900 {
			var now unix.CPUSet
			if err := unix.SchedGetaffinity(p.PID, &now); err != nil {
				t.Fatal(err)
			}
			pinned = now.Count() == 1
		}
		return false, nil
	})
	breakAt(t, p, "here", func(*Stop) (bool, error) {
		p.tr.pin.release(0)
		return false, nil
	})
	wantExit(t, p, cpus.Count())
	if !pinned {
		t.Error("tracer and target shared no CPU in a burst of 1000 stops")
	}
}

// TestAffinityAtStart steps a target in its first instructions, where CPUs are
// shared, and then lets it run: it must not find out.
func TestAffinityAtStart(t *testing.T) {
	var cpus unix.CPUSet
	if err := unix.SchedGetaffinity(0, &cpus); err != nil {
		t.Fatal(err)
	}
	p := launch(t, "affinity")
	if _, err := p.Thread().Step(500, nil); err != nil {
		t.Fatal(err)
	}
	wantExit(t, p, cpus.Count())
}

func TestQuietAndPendingSignals(t *testing.T) {
	p := launch(t, "signals")
	breakAt(t, p, "here", nil)
	cont(t, p)
	stop := cont(t, p) // SIGUSR2 is ignored, SIGCHLD quiet
	if stop.Reason != ReasonSignal || stop.Signal != int(unix.SIGUSR1) || stop.Siginfo().PID() != p.PID || stop.Fatal() {
		t.Fatalf("stop = %s, signal %d, fatal %t, want SIGUSR1 from itself, which it handles", stop.Reason, stop.Signal, stop.Fatal())
	}
	wantExit(t, p, 1)
}

func TestSignalDeliveries(t *testing.T) {
	for _, test := range []struct {
		name string
		sig  int
		want func(*Stop) bool
	}{
		{"drop", 0, func(s *Stop) bool { return s.Reason == ReasonExit && s.ExitCode == 0 }},
		{"replace", int(unix.SIGTERM), func(s *Stop) bool { return s.Reason == ReasonKilled && s.Signal == int(unix.SIGTERM) }},
		{"ignored", int(unix.SIGUSR2), func(s *Stop) bool { return s.Reason == ReasonExit && s.ExitCode == 0 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := launch(t, "signals")
			breakAt(t, p, "here", nil)
			cont(t, p)
			if stop := cont(t, p); stop.Signal != int(unix.SIGUSR1) {
				t.Fatalf("signal %d, want SIGUSR1", stop.Signal)
			}
			stop, err := p.Cont(&MoveOptions{Signal: Deliver(test.sig)})
			if err != nil || !test.want(stop) {
				t.Errorf("stop = %+v, %v", stop, err)
			}
		})
	}
	t.Run("inject", func(t *testing.T) {
		p := launch(t, "signals")
		breakAt(t, p, "here", nil)
		cont(t, p)
		// Nothing is pending: it is sent, and delivered without another stop.
		stop, err := p.Cont(&MoveOptions{Signal: Deliver(int(unix.SIGUSR1))})
		if err != nil || stop.Reason != ReasonSignal || stop.Siginfo().PID() != p.PID {
			t.Fatalf("stop = %+v, %v, want the target's own SIGUSR1", stop, err)
		}
		wantExit(t, p, 2)
	})
}

func TestSignalHook(t *testing.T) {
	p := launch(t, "signals")
	var seen []int
	h, err := p.On(HookOptions{Reason: ReasonSignal, Handler: func(s *Stop) (bool, error) {
		seen = append(seen, s.Signal)
		return false, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	wantExit(t, p, 1)
	want := []int{int(unix.SIGUSR2), int(unix.SIGCHLD), int(unix.SIGUSR1)}
	if len(seen) != 3 || seen[0] != want[0] || seen[1] != want[1] || seen[2] != want[2] {
		t.Errorf("signals %v, want %v", seen, want)
	}
	h.Remove()
	h.Remove()
}

// TestSignalsAtBreakpoints interrupts a function at its breakpoint with signals
// whose handler calls another one with a breakpoint.
func TestSignalsAtBreakpoints(t *testing.T) {
	p := launch(t, "storm", "5000")
	if _, err := p.On(HookOptions{Reason: ReasonSignal, Handler: func(*Stop) (bool, error) { return false, nil }}); err != nil {
		t.Fatal(err)
	}
	breakAt(t, p, "work", func(*Stop) (bool, error) { return false, nil })
	b := breakAt(t, p, "recurse", func(*Stop) (bool, error) { return false, nil })
	wantExit(t, p, 0)
	if b.Hits() != 10000 {
		t.Errorf("%d hits, want 10000: each call once", b.Hits())
	}
}

func TestOwnTrap(t *testing.T) {
	p := launch(t, "trap")
	stop := cont(t, p)
	var before [1]byte
	if _, err := p.ReadAt(stop.PC-1, before[:]); err != nil {
		t.Fatal(err)
	}
	if stop.Reason != ReasonSignal || stop.Signal != int(unix.SIGTRAP) || before[0] != int3 {
		t.Fatalf("stop = %s, signal %d, %#x before pc; want SIGTRAP behind int3", stop.Reason, stop.Signal, before[0])
	}
	stop, err := p.Cont(&MoveOptions{Signal: Deliver(0)})
	if err != nil || stop.Reason != ReasonExit || stop.ExitCode != 7 {
		t.Fatalf("stop = %+v, %v, want exit with 7", stop, err)
	}
}

func TestThreadNames(t *testing.T) {
	p := launch(t, "loop", "1")
	if name := p.Thread().Name(); name != "scenes" {
		t.Errorf("name = %q, want scenes", name)
	}
	if status, err := procfs.Status(p.PID); err != nil || status.TracerPid != p.tr.tid {
		t.Errorf("status = %+v, %v", status, err)
	}
}

// TestTimeoutsRaceWithTheEnd interrupts short-lived processes again and again.
func TestTimeoutsRaceWithTheEnd(t *testing.T) {
	for _, scene := range []string{"loop", "churn", "leaderless", "threads"} {
		for i := range 20 {
			p := launch(t, scene, "20")
			for stop := p.Stop(); !stop.Gone(); {
				var err error
				if stop, err = p.Cont(&MoveOptions{Timeout: time.Duration(1+i*7) * time.Microsecond}); err != nil {
					t.Fatal(err)
				}
				if !stop.Gone() && stop.Reason != ReasonTimeout && stop.Reason != ReasonExec {
					t.Fatalf("%s: stop = %s, want timeout", scene, stop.Reason)
				}
			}
			if code, ok := p.ExitCode(); !ok || code != map[string]int{"leaderless": 5}[scene] {
				t.Errorf("%s: exit code %d, %t", scene, code, ok)
			}
		}
	}
}

func TestForkChildIsHeld(t *testing.T) {
	p := launch(t, "fork")
	b := breakAt(t, p, "work", func(*Stop) (bool, error) { return false, nil })
	h, err := p.On(HookOptions{Reason: ReasonFork})
	if err != nil {
		t.Fatal(err)
	}
	stop := cont(t, p)
	q := stop.Held
	if stop.Reason != ReasonFork || q == nil || q.PID != stop.Child || q.State() != Stopped {
		t.Fatalf("stop = %+v, want a fork whose child is held", stop)
	}
	// The child has breakpoints of its own.
	own := breakAt(t, q, "work", nil)
	if stop := cont(t, q); stop.Breakpoint != own || reg(t, stop.Thread, arch.RDI) != 21 {
		t.Fatalf("the child's stop = %s, want its breakpoint", stop.Reason)
	}
	if p.State() != Stopped || reg(t, p.Thread(), arch.RAX) == 21 {
		t.Error("the parent moved with its child")
	}
	wantExit(t, q, 42)
	h.Remove()
	wantExit(t, p, 42)
	if b.Hits() != 0 || own.Hits() != 1 {
		t.Errorf("%d hits in the parent, %d in the child, want 0 and 1", b.Hits(), own.Hits())
	}

	// A handler that declines lets the child go too.
	p = launch(t, "fork")
	var child *Process
	if _, err := p.On(HookOptions{Reason: ReasonFork, Handler: func(s *Stop) (bool, error) {
		child = s.Held
		_, err := child.Thread().Step(3, nil)
		return false, err
	}}); err != nil {
		t.Fatal(err)
	}
	breakAt(t, p, "work", func(*Stop) (bool, error) { return false, nil })
	wantExit(t, p, 42)
	if child == nil || child.State() != Detached {
		t.Error("the child was not let go")
	}

	// One that is held when the tracer is closed is killed with its parent.
	p = launch(t, "fork")
	if _, err := p.On(HookOptions{Reason: ReasonFork}); err != nil {
		t.Fatal(err)
	}
	if stop := cont(t, p); len(p.tr.Processes()) != 2 || !stop.Held.Launched() {
		t.Errorf("%d processes are held, want 2", len(p.tr.Processes()))
	}
}

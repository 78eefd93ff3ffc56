//go:build linux && amd64

package tracer

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// race starts a scene of testdata/family.c in which a process and its child go over the
// same instruction in one memory, where each has a breakpoint that never surfaces.
// Neither has executed it.
func race(t *testing.T, scene string) (processes []*Process, breakpoints []*Breakpoint) {
	t.Helper()
	p := family(t, scene)
	catch(t, p, ReasonFork)
	processes = []*Process{p, wantBirth(t, p, ReasonFork)}
	for _, q := range processes {
		breakpoints = append(breakpoints, breakAt(t, q, "counted", never))
		if err := p.tr.letGo(q); err != nil {
			t.Fatal(err)
		}
	}
	return processes, breakpoints
}

// TestSharersPass has two processes go over a breakpoint in one memory at the same
// time: neither misses a hit while the other passes.
func TestSharersPass(t *testing.T) {
	processes, breakpoints := race(t, "sprint")
	p := processes[0]
	for p.State() != Exited {
		switch stop := waitAny(t, p.tr); {
		case stop.Gone():
		case stop.Signal == int(unix.SIGCHLD):
			if err := p.tr.letGo(p); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatalf("stop = %s, signal %d of %d at %s", stop.Reason, stop.Signal, stop.Process.PID, p.place(stop.PC))
		}
	}
	if code, _ := p.ExitCode(); code != 1 || breakpoints[0].Hits() != 200 || breakpoints[1].Hits() != 200 {
		t.Errorf("exit code %d, %d and %d hits, want 1, and 200 each", code, breakpoints[0].Hits(), breakpoints[1].Hits())
	}
}

// TestSharersInterrupted ends waits for two processes that never cease to report, and
// never surface.
func TestSharersInterrupted(t *testing.T) {
	processes, breakpoints := race(t, "marathon")
	tr := processes[0].tr
	for breakpoints[0].Hits() < 1000 || breakpoints[1].Hits() < 1000 {
		if stop, err := tr.Wait(-1, time.Millisecond); stop != nil || err != nil {
			t.Fatalf("Wait: %v, %v, want neither", stop, err)
		}
	}
	for _, p := range processes {
		tr.Interrupt()
		if stop, err := tr.Wait(p.PID, 0); err != nil || stop.Reason != ReasonInterrupt || stop.Process != p {
			t.Fatalf("stop = %+v, %v, want an interrupt of %d", stop, err, p.PID)
		}
	}
}

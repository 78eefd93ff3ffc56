//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// launchDetours starts a scene of testdata/detours.c and lets it come to main.
func launchDetours(t testing.TB, args ...string) *Process {
	t.Helper()
	path := tracertest.Build(t, "testdata/detours.c")
	p, err := newTracer(t).Launch(append([]string{path}, args...), nil)
	if err != nil {
		t.Fatal(err)
	}
	main, err := p.Addr("main")
	if err != nil {
		t.Fatal(err)
	}
	if stop, err := p.Thread().Until(main, nil); err != nil || stop.PC != main {
		t.Fatal(stop, err)
	}
	return p
}

// turn is where breakpoints lie that each turn of mix hits once, most of them on
// instructions that are not emulated.
var turn = []string{
	"mix_load", "mix_and", "mix_table", "mix_shift", "mix_string", "mix_store", "mix_add", "mix_carry", "mix_flags", "mix_swap",
	"mix_xor", "mix_call", "mix_sub", "mix_loop", "mix_inner", "mix_return",
}

// never is a handler that lets the process go on.
func never(*Stop) (bool, error) { return false, nil }

// breakTurn sets breakpoints in mix, which never surface.
func breakTurn(t testing.TB, p *Process) []*Breakpoint {
	t.Helper()
	var breakpoints []*Breakpoint
	for _, location := range append([]string{"mix_lea", "mix_jump"}, turn...) {
		breakpoints = append(breakpoints, breakAt(t, p, location, never))
	}
	return breakpoints[2:]
}

// wantTurns runs p to its end with exit code 0 and checks that each breakpoint was
// hit once in every turn.
func wantTurns(t *testing.T, p *Process, breakpoints []*Breakpoint) {
	t.Helper()
	exit := breakAt(t, p, "libc!exit", nil)
	if stop := cont(t, p); stop.Breakpoint != exit {
		t.Fatalf("stop = %s, signal %d at %s, want the call of exit", stop.Reason, stop.Signal, p.place(stop.PC))
	}
	total := turns(t, p)
	for _, b := range breakpoints {
		if b.Hits() != total {
			t.Errorf("%s: %d hits, want %d", b.Location, b.Hits(), total)
		}
	}
	wantExit(t, p, 0)
}

// turns returns how many turns of mix the program has made.
func turns(t *testing.T, p *Process) int {
	t.Helper()
	total, err := p.Addr("total")
	if err != nil {
		t.Fatal(err)
	}
	return int(binary.LittleEndian.Uint64(must(p.read(total, 8))))
}

func TestPass(t *testing.T) {
	for _, scene := range []string{"plain", "threads", "storm"} {
		t.Run(scene, func(t *testing.T) {
			p := launchDetours(t, scene, "25")
			if _, err := p.On(HookOptions{Reason: ReasonSignal, Handler: never}); err != nil {
				t.Fatal(err)
			}
			wantTurns(t, p, breakTurn(t, p))
		})
	}
}

// TestPassFalseConditions lets threads go over breakpoints while others run.
func TestPassFalseConditions(t *testing.T) {
	p := launchDetours(t, "storm", "25")
	if _, err := p.On(HookOptions{Reason: ReasonSignal, Signal: int(unix.SIGUSR1), Handler: never}); err != nil {
		t.Fatal(err)
	}
	exit := breakAt(t, p, "libc!exit", nil)
	var breakpoints []*Breakpoint
	for _, location := range turn {
		b, err := p.Breakpoint(&BreakpointOptions{Location: location, When: "hits < 0"})
		if err != nil {
			t.Fatal(err)
		}
		breakpoints = append(breakpoints, b)
	}
	if stop := cont(t, p); stop.Breakpoint != exit {
		t.Fatalf("stop = %s at %#x, want the call of exit", stop.Reason, stop.PC)
	}
	total := turns(t, p)
	for _, b := range breakpoints {
		if b.Hits() != 0 || b.reached != total {
			t.Errorf("%s: %d hits, reached %d times, want 0 and %d", b.Location, b.Hits(), b.reached, total)
		}
	}
	wantExit(t, p, 0)
}

// TestInterruptPass stops a process at random moments while its threads go over
// breakpoints.
func TestInterruptPass(t *testing.T) {
	p := launchDetours(t, "storm", "1000000")
	for _, location := range turn {
		if _, err := p.Breakpoint(&BreakpointOptions{Location: location, When: "hits < 0"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.On(HookOptions{Reason: ReasonSignal, Handler: never}); err != nil {
		t.Fatal(err)
	}
	for range 300 {
		stop, err := p.Cont(&MoveOptions{Timeout: time.Duration(1+rand.IntN(3000)) * time.Microsecond})
		if err != nil || stop.Reason != ReasonTimeout {
			t.Fatalf("stop = %+v, %v, want a timeout", stop, err)
		}
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
}

// TestPassFixed has four threads go over instructions that can be executed nowhere else,
// which takes the int3 away for a step: none may slip through meanwhile.
func TestPassFixed(t *testing.T) {
	p := launchDetours(t, "fixed", "100")
	var breakpoints []*Breakpoint
	for _, location := range []string{"fixed_call", "fixed_loop", "fixed_far"} {
		breakpoints = append(breakpoints, breakAt(t, p, location, never))
	}
	wantExit(t, p, 0)
	for _, b := range breakpoints {
		if b.Hits() != 400 {
			t.Errorf("%s: %d hits, want 400", b.Location, b.Hits())
		}
	}
	if len(p.annexes) != 0 {
		t.Errorf("%d annexes, want none", len(p.annexes))
	}
}

// TestPassWithoutAnnex has threads pass what detours are for where none can be: there is
// no room near the code, or the program may not map memory.
func TestPassWithoutAnnex(t *testing.T) {
	p := launchDetours(t, "threads", "15")
	p.noAnnex = true
	wantTurns(t, p, breakTurn(t, p))
	if len(p.annexes) != 0 {
		t.Errorf("%d annexes, want none", len(p.annexes))
	}
}

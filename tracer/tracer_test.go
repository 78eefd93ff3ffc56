//go:build linux && amd64

package tracer

import (
	"fmt"
	"os"
	"os/signal"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// newTracer returns a Tracer that lasts as long as the test.
func newTracer(t testing.TB) *Tracer {
	tr, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	})
	return tr
}

// launch starts a scene of testdata/scenes.c.
func launch(t testing.TB, args ...string) *Process {
	t.Helper()
	path := tracertest.Build(t, "testdata/scenes.c")
	p, err := newTracer(t).Launch(append([]string{path}, args...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// cont lets p go on, for half a minute at most.
func cont(t testing.TB, p *Process) *Stop {
	t.Helper()
	stop, err := p.Cont(&MoveOptions{Timeout: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return stop
}

// wantExit checks that p goes on to its end with an exit code.
func wantExit(t testing.TB, p *Process, code int) {
	t.Helper()
	if stop := cont(t, p); stop.Reason != ReasonExit || stop.ExitCode != code {
		t.Fatalf("stop = %s, signal %d, exit code %d, want exit with %d", stop.Reason, stop.Signal, stop.ExitCode, code)
	}
	if got, ok := p.ExitCode(); !ok || got != code || p.State() != Exited {
		t.Errorf("ExitCode() = %d, %t, state %s; want %d, true, exited", got, ok, p.State(), code)
	}
}

// breakAt sets a breakpoint by name.
func breakAt(t testing.TB, p *Process, loc string, handler func(*Stop) (bool, error)) *Breakpoint {
	t.Helper()
	b, err := p.Breakpoint(&BreakpointOptions{Location: loc, Handler: handler})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func reg(t testing.TB, th *Thread, r arch.Reg) uint64 {
	t.Helper()
	regs, err := th.Regs()
	if err != nil {
		t.Fatal(err)
	}
	return regs[r]
}

func TestLaunchStopsAtFirstInstruction(t *testing.T) {
	p := launch(t, "loop", "3")
	if p.State() != Stopped || p.Stop().Reason != ReasonExec {
		t.Errorf("state %s, reason %s; want stopped, exec", p.State(), p.Stop().Reason)
	}
	ld, err := p.linker()
	if err != nil {
		t.Fatal(err)
	}
	if pc, want := reg(t, p.Thread(), arch.RIP), ld.Bias+ld.File.Entry(); pc != want {
		t.Errorf("pc = %#x, want the dynamic linker's entry %#x", pc, want)
	}
	wantExit(t, p, 0)
}

func TestKilled(t *testing.T) {
	p := launch(t, "crash", "16")
	stop := cont(t, p)
	if stop.Reason != ReasonSignal || stop.Signal != int(unix.SIGSEGV) || stop.Siginfo().Addr() != 16 || !stop.Fatal() {
		t.Fatalf("stop = %s, signal %d, want SIGSEGV at 0x10", stop.Reason, stop.Signal)
	}
	sym, ok := p.SymbolAt(stop.PC)
	if !ok || sym.Name != "crash" {
		t.Errorf("crash in %q, want crash", sym.Name)
	}
	if stop = cont(t, p); stop.Reason != ReasonKilled || stop.Signal != int(unix.SIGSEGV) {
		t.Fatalf("stop = %s, signal %d, want killed by SIGSEGV", stop.Reason, stop.Signal)
	}
	if _, err := p.Cont(nil); err == nil || err.Error() != fmt.Sprintf("cont [%d]: process has exited", p.PID) {
		t.Errorf("Cont of a dead process: %v", err)
	}
}

func TestBreakpointCountsEveryCall(t *testing.T) {
	p := launch(t, "loop", "5000")
	var sum uint64
	b := breakAt(t, p, "work", func(s *Stop) (bool, error) {
		sum += reg(t, s.Thread, arch.RDI)
		return false, nil
	})
	wantExit(t, p, 0)
	if sum != 5000*4999/2 || b.Hits() != 5000 {
		t.Errorf("sum = %d after %d hits, want %d after 5000", sum, b.Hits(), 5000*4999/2)
	}
}

// TestStopsRaiseNoSignal checks that the stops of a tracee do not cost the host a
// SIGCHLD each: of all that happens, the end alone is told.
func TestStopsRaiseNoSignal(t *testing.T) {
	path := tracertest.Build(t, "testdata/scenes.c")
	told := make(chan os.Signal, 1000)
	signal.Notify(told, unix.SIGCHLD)
	defer signal.Stop(told)
	p, err := newTracer(t).Launch([]string{path, "loop", "1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if stop, err := p.Thread().Step(500, nil); err != nil || stop.Reason != ReasonStep {
		t.Fatalf("Step = %+v, %v", stop, err)
	}
	wantExit(t, p, 0)
	<-told
	if n := len(told); n > 0 {
		t.Errorf("SIGCHLD came %d times besides that for the end", n)
	}
}

// TestLateTimeout has the timer of a movement fire when another one runs, just before
// that one's.
func TestLateTimeout(t *testing.T) {
	tr := newTracer(t)
	end := tr.limit(time.Hour)
	late := tr.timed
	end()
	end = tr.limit(time.Hour)
	tr.want(ReasonTimeout, late)
	if _, wanted := tr.isWanted(); wanted {
		t.Error("the late timer ends the movement")
	}
	tr.want(ReasonTimeout, late)
	tr.want(ReasonTimeout, tr.timed)
	if why, wanted := tr.isWanted(); !wanted || why != ReasonTimeout {
		t.Errorf("%s, %t is wanted, want the movement's own timeout", why, wanted)
	}
	end()
	if why, wanted := tr.isWanted(); wanted {
		t.Errorf("%s is wanted when the movement is over", why)
	}
}

//go:build linux && amd64

package tracer

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
)

// functions returns the names of the functions on a stack.
func functions(t testing.TB, th *Thread) []string {
	t.Helper()
	frames, err := th.Frames(100)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range frames {
		sym, _, _ := f.Symbol()
		names = append(names, sym.Name)
	}
	return names
}

func TestFinishNextUntil(t *testing.T) {
	p := launch(t, "finish")
	b := breakAt(t, p, "work", nil)
	th := cont(t, p).Thread
	if got := functions(t, th); len(got) < 3 || !slices.Equal(got[:3], []string{"work", "finish", "main"}) {
		t.Errorf("stack %v, want work, finish, main first", got)
	}
	stop, err := th.Finish(nil)
	if err != nil || stop.Reason != ReasonStep || !stop.Finished || stop.Value != 40 {
		t.Fatalf("Finish = %+v, %v, want the value 40", stop, err)
	}
	if got := functions(t, th)[0]; got != "finish" {
		t.Errorf("finished in %s, want finish", got)
	}
	// Next goes over the call of recurse, which calls itself.
	calls := breakAt(t, p, "recurse", func(*Stop) (bool, error) { return false, nil })
	for calls.Hits() == 0 {
		if stop, err = th.Next(nil); err != nil || stop.Reason != ReasonStep {
			t.Fatalf("Next = %+v, %v", stop, err)
		}
		if got := functions(t, th)[0]; got != "finish" {
			t.Fatalf("Next went into %s", got)
		}
	}
	if calls.Hits() != 6 || reg(t, th, arch.RAX) != 15 {
		t.Errorf("%d calls, rax = %d, want 6, 15", calls.Hits(), reg(t, th, arch.RAX))
	}
	if b.Hits() != 1 {
		t.Errorf("%d hits of work, want 1", b.Hits())
	}
	exit, err := p.Addr("libc!exit")
	if err != nil {
		t.Fatal(err)
	}
	if stop, err = th.Until(exit, nil); err != nil || stop.Reason != ReasonStep || stop.PC != exit {
		t.Fatalf("Until(exit) = %+v, %v", stop, err)
	}
	if n := len(p.sites); n != 2 {
		t.Errorf("%d sites are left, want the user's two", n)
	}
	wantExit(t, p, 15)
}

// TestFinishInRecursion finishes an inner call: outer ones return to the same
// place.
func TestFinishInRecursion(t *testing.T) {
	p := launch(t, "finish")
	b := breakAt(t, p, "recurse", nil)
	for range 4 { // recurse(5), (4), (3), (2)
		cont(t, p)
	}
	if err := b.Remove(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []uint64{3, 6, 10, 15} {
		stop, err := p.Thread().Finish(nil)
		if err != nil || stop.Value != want {
			t.Fatalf("Finish = %+v, %v, want %d", stop, err, want)
		}
	}
}

func TestStepOntoBreakpoint(t *testing.T) {
	p := launch(t, "loop", "2")
	first := breakAt(t, p, "work", nil)
	th := cont(t, p).Thread
	// A breakpoint on the next instruction is hit once, by arriving there.
	if _, err := th.Step(1, nil); err != nil {
		t.Fatal(err)
	}
	next := reg(t, th, arch.RIP)
	cont(t, p)
	b, err := p.Breakpoint(&BreakpointOptions{Addr: next})
	if err != nil {
		t.Fatal(err)
	}
	stop, err := th.Step(1, nil)
	if err != nil || stop.Reason != ReasonBreakpoint || stop.Breakpoint != b || stop.PC != next {
		t.Fatalf("Step = %+v, %v, want the breakpoint", stop, err)
	}
	wantExit(t, p, 0)
	if first.Hits() != 2 || b.Hits() != 1 {
		t.Errorf("%d and %d hits, want 2 and 1", first.Hits(), b.Hits())
	}
}

func TestSeveralBreakpointsAtOnePlace(t *testing.T) {
	p := launch(t, "loop", "3")
	var order []string
	quiet := func(name string) func(*Stop) (bool, error) {
		return func(s *Stop) (bool, error) {
			order = append(order, fmt.Sprint(name, s.Breakpoint.ID))
			return false, nil
		}
	}
	breakAt(t, p, "work", quiet("a"))
	loud := breakAt(t, p, "work", nil)
	temp, err := p.Breakpoint(&BreakpointOptions{Location: "work", Temp: true, Handler: quiet("t")})
	if err != nil {
		t.Fatal(err)
	}
	if stop := cont(t, p); stop.Breakpoint != loud {
		t.Fatalf("stop = %+v, want the breakpoint without a handler", stop)
	}
	cont(t, p)
	if got, want := strings.Join(order, " "), "a1 t3 a1"; got != want {
		t.Errorf("handlers ran as %q, want %q", got, want)
	}
	if temp.Enabled() || temp.Hits() != 1 || len(p.Breakpoints()) != 2 {
		t.Errorf("the temporary one is there still, with %d hits", temp.Hits())
	}
	loud.SetEnabled(false)
	wantExit(t, p, 0)
}

// TestHandlersMoveTheProcess moves from within a handler.
func TestHandlersMoveTheProcess(t *testing.T) {
	p := launch(t, "loop", "10")
	var values []uint64
	breakAt(t, p, "work", func(s *Stop) (bool, error) {
		inner, err := s.Thread.Finish(nil)
		if err != nil {
			return false, err
		}
		values = append(values, inner.Value)
		return false, nil
	})
	wantExit(t, p, 0)
	if len(values) != 10 || values[9] != 18 {
		t.Errorf("values %v, want ten up to 18", values)
	}

	p = launch(t, "loop", "10")
	breakAt(t, p, "work", func(s *Stop) (bool, error) { return false, p.Kill() })
	if stop := cont(t, p); stop.Reason != ReasonKilled {
		t.Errorf("stop = %s, want killed by the handler", stop.Reason)
	}

	p = launch(t, "loop", "10")
	failed := fmt.Errorf("handler failed")
	breakAt(t, p, "work", func(s *Stop) (bool, error) { return false, failed })
	if stop, err := p.Cont(nil); err != failed || stop != nil || p.State() != Stopped {
		t.Errorf("Cont = %v, %v, state %s, want the handler's error and a stopped process", stop, err, p.State())
	}
}

func TestStepMeetsSignal(t *testing.T) {
	p := launch(t, "crash", "8")
	b := breakAt(t, p, "crash", nil)
	th := cont(t, p).Thread
	if err := b.Remove(); err != nil {
		t.Fatal(err)
	}
	stop, err := th.Step(100, nil)
	if err != nil || stop.Reason != ReasonSignal || stop.Signal != int(unix.SIGSEGV) {
		t.Fatalf("Step = %+v, %v, want SIGSEGV", stop, err)
	}
	if stop, err = th.Step(1, nil); err != nil || stop.Reason != ReasonKilled {
		t.Fatalf("Step = %+v, %v, want killed", stop, err)
	}
}

func TestWriteRegisters(t *testing.T) {
	p := launch(t, "finish")
	breakAt(t, p, "work", nil)
	th := cont(t, p).Thread
	for name, v := range map[string]uint64{"rdi": 100, "eflags": reg(t, th, arch.EFLAGS) | 1, "fs_base": reg(t, th, arch.FSBase)} {
		if err := th.SetReg(arch.Lookup(name), v); err != nil {
			t.Errorf("%s = %#x: %v", name, v, err)
		}
	}
	if err := th.SetReg(arch.Lookup("fs_base"), 1<<63); err == nil {
		t.Error("a segment base in kernel space was taken")
	}
	stop, err := th.Finish(nil)
	if err != nil || stop.Value != 200 {
		t.Errorf("Finish = %+v, %v, want 200: rdi was changed", stop, err)
	}
}

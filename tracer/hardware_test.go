//go:build linux && amd64

package tracer

import (
	"fmt"
	"testing"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

func TestHardwareBreakpoint(t *testing.T) {
	const n = 2000
	p := watched(t, "calls", fmt.Sprint(n))
	work, err := p.Addr("work")
	if err != nil {
		t.Fatal(err)
	}
	sum := uint64(0)
	b, err := p.Breakpoint(&BreakpointOptions{Location: "work", Hardware: true, Handler: func(s *Stop) (bool, error) {
		sum += reg(t, s.Thread, arch.RDI)
		return false, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	// One in memory and another in the same slot are hit with it.
	soft := breakAt(t, p, "work", func(*Stop) (bool, error) { return false, nil })
	x := watch(t, p, "work", 0, AccessExecute, func(s *Stop) (bool, error) {
		if s.Reason != ReasonWatchpoint || s.PC != work {
			t.Errorf("stop = %+v, want watchpoint", s)
		}
		return false, nil
	})
	temp, err := p.Breakpoint(&BreakpointOptions{Addr: work, Hardware: true, Temp: true})
	if err != nil {
		t.Fatal(err)
	}
	if stop := cont(t, p); stop.Breakpoint != temp || !temp.Hardware() || stop.PC != work {
		t.Fatalf("stop = %+v, want the temporary breakpoint", stop)
	}
	wantExit(t, p, 0)
	if sum != n*(n-1)/2 || b.Hits() != n || soft.Hits() != n || x.Hits() != n || temp.Hits() != 1 {
		t.Errorf("sum %d, hits %d, %d, %d and %d, want %d, %d, %d, %d and 1", sum, b.Hits(), soft.Hits(), x.Hits(), temp.Hits(), n*(n-1)/2, n, n, n)
	}
}

// TestHardwareBreakpointMoves comes to and goes from one by all verbs.
func TestHardwareBreakpointMoves(t *testing.T) {
	p := watched(t, "calls", "5")
	b, err := p.Breakpoint(&BreakpointOptions{Location: "work", Hardware: true})
	if err != nil {
		t.Fatal(err)
	}
	th := cont(t, p).Thread
	if reg(t, th, arch.EFLAGS)&resumeFlag != 0 {
		t.Error("the resume flag shows")
	}
	work := reg(t, th, arch.RIP)
	var code [1]byte
	if _, err := p.readRaw(work, code[:]); err != nil || code[0] == int3 {
		t.Errorf("memory has %#x at the breakpoint, %v", code[0], err)
	}
	if stop, err := th.Step(1, nil); err != nil || stop.Reason != ReasonStep || stop.PC == work {
		t.Fatalf("stop = %+v, %v, want a step away from it", stop, err)
	}
	if stop, err := th.Finish(nil); err != nil || stop.Value != 1 {
		t.Fatalf("stop = %+v, %v, want the value 1", stop, err)
	}
	for b.Hits() < 2 {
		stop, err := th.Step(1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if at := stop.PC == work; at != (stop.Reason == ReasonBreakpoint) {
			t.Fatalf("a step ends at %#x with %s", stop.PC, stop.Reason)
		}
	}
	// Putting the thread back onto it makes another hit.
	if _, err := th.Step(1, nil); err != nil {
		t.Fatal(err)
	}
	regs, _ := th.Regs()
	saved := *regs
	if err := th.SetReg(arch.Lookup("rip"), work); err != nil {
		t.Fatal(err)
	}
	if stop := cont(t, p); stop.Breakpoint != b || b.Hits() != 3 {
		t.Fatalf("stop = %+v after %d hits, want the third", stop, b.Hits())
	}
	th.setRegs(&saved)
	b.SetEnabled(false)
	wantExit(t, p, 0)
	if b.Hits() != 3 {
		t.Errorf("%d hits, want 3", b.Hits())
	}
}

// TestSignalsAtHardwareBreakpoints is TestSignalsAtBreakpoints with both functions
// in debug registers: the resume flag outlives the handler.
func TestSignalsAtHardwareBreakpoints(t *testing.T) {
	if watchable() != nil {
		t.Skip("debug registers do not trap on this machine: signals come faster than steps that simulate them")
	}
	const n = 20000
	p := launch(t, "storm", fmt.Sprint(n))
	signals := 0
	if _, err := p.On(HookOptions{Reason: ReasonSignal, Handler: func(*Stop) (bool, error) { signals++; return false, nil }}); err != nil {
		t.Fatal(err)
	}
	set := func(loc string, hits *int) {
		if _, err := p.Breakpoint(&BreakpointOptions{Location: loc, Hardware: true, Handler: func(*Stop) (bool, error) { *hits++; return false, nil }}); err != nil {
			t.Fatal(err)
		}
	}
	handled, recursed := 0, 0
	set("work", &handled)
	set("recurse", &recursed)
	wantExit(t, p, 0)
	if recursed != 2*n || handled != signals {
		t.Errorf("%d calls, %d signals, %d of their handler; want %d, and as many handlers as signals", recursed, signals, handled, 2*n)
	}
}

// TestHardwareBreakpointRestart has a breakpoint on a system call that is
// interrupted and restarted time and again.
func TestHardwareBreakpointRestart(t *testing.T) {
	p := watched(t, "sleeping", "300")
	b, err := p.Breakpoint(&BreakpointOptions{Location: "sleep_here", Hardware: true, Handler: func(*Stop) (bool, error) { return false, nil }})
	if err != nil {
		t.Fatal(err)
	}
	work := breakAt(t, p, "work", func(*Stop) (bool, error) { return false, nil })
	wantExit(t, p, 0)
	if b.Hits() != 1 || work.Hits() != 300 {
		t.Errorf("%d system calls, %d calls, want 1, 300", b.Hits(), work.Hits())
	}
}

// TestUntoldBreakpoint has a thread on a hardware breakpoint whose exception dr6 tells
// nothing of, as happens under busy hypervisors.
func TestUntoldBreakpoint(t *testing.T) {
	p := launch(t, "loop", "1")
	work, err := p.Addr("work")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Breakpoint(&BreakpointOptions{Addr: work, Hardware: true}); err != nil {
		t.Fatal(err)
	}
	th := p.Thread()
	regs := *must(th.Regs())
	for _, test := range []struct {
		pc   uint64
		ours bool
	}{{work, true}, {work + 1, false}} {
		regs[arch.RIP] = test.pc
		th.setRegs(&regs)
		stop, ours := p.takeDebug(th, ptrace.TrapBrkpt)
		if ours != test.ours || ours && (stop == nil || stop.Reason != ReasonBreakpoint) {
			t.Errorf("at %#x: %+v, %t, want %t", test.pc, stop, ours, test.ours)
		}
	}
	if _, err := p.WriteAt(work-1, []byte{icebp}); err != nil {
		t.Fatal(err)
	}
	regs[arch.RIP] = work
	th.setRegs(&regs)
	if stop, ours := p.takeDebug(th, ptrace.TrapBrkpt); ours {
		t.Errorf("behind an icebp of the program: %+v", stop)
	}
}

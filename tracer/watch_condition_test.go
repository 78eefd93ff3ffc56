//go:build linux && amd64

package tracer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
)

// TestWatchWhen has conditions that the engine evaluates: what does not hold is no
// hit, but still what a later hit starts from.
func TestWatchWhen(t *testing.T) {
	p := watched(t, "loop", "1000")
	addr, err := p.Addr("cell")
	if err != nil {
		t.Fatal(err)
	}
	w, err := p.Watch(&WatchOptions{Addr: addr, When: "u64(cell) % 100 == 0"})
	if err != nil {
		t.Fatal(err)
	}
	for i := uint64(1); i <= 10; i++ {
		if stop := cont(t, p); stop.Watchpoint != w || word(stop.Old) != 100*i-1 || word(stop.New) != 100*i {
			t.Fatalf("stop = %+v, want the watchpoint at %d", stop, 100*i)
		}
	}
	wantExit(t, p, 0)
	if w.Hits() != 10 {
		t.Errorf("%d hits, want 10", w.Hits())
	}
	p = watched(t, "loop", "3")
	if _, err := p.Watch(&WatchOptions{Addr: addr, When: "u64(cell"}); err == nil || p.slotUsers() != "" {
		t.Errorf("a broken condition: %v, in use: %s", err, p.slotUsers())
	}
	if w, err = p.Watch(&WatchOptions{Addr: addr, When: "u64(8) == 1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Cont(nil); err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("watchpoint 1 at %#x: condition", addr)) {
		t.Errorf("a condition that cannot be evaluated: %v", err)
	}
	if err := w.Remove(); err != nil {
		t.Fatal(err)
	}
	wantExit(t, p, 0)
}

// TestWatchStepWhen checks that a step whose access does not count is a whole one.
func TestWatchStepWhen(t *testing.T) {
	p := watched(t, "loop", "50")
	addr, err := p.Addr("cell")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Watch(&WatchOptions{Addr: addr, When: "u64(cell) == 5"}); err != nil {
		t.Fatal(err)
	}
	th := cont(t, p).Thread
	pc := reg(t, th, arch.RIP)
	for range 100 {
		var code [maxInst]byte
		n, _ := p.ReadAt(pc, code[:])
		inst, err := disasm.Decode(code[:n], pc, nil)
		if err != nil {
			t.Fatal(err)
		}
		stop, err := th.Step(1, nil)
		if err != nil || stop.Reason != ReasonStep || stop.Watchpoint != nil || stop.New != nil {
			t.Fatalf("stop = %+v, %v, want a step", stop, err)
		}
		if inst.Kind == disasm.Other && stop.PC != pc+uint64(len(inst.Data)) {
			t.Fatalf("a step went from %#x to %#x", pc, stop.PC)
		}
		pc = stop.PC
	}
}

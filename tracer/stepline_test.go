//go:build linux && amd64

package tracer

import (
	"testing"
	"time"
)

// TestStepLineLimit has a step by lines that consists of two movements, each of which
// takes more than half of its time.
func TestStepLineLimit(t *testing.T) {
	p := launch(t, "loop", "3")
	work, err := p.Addr("work")
	if err != nil {
		t.Fatal(err)
	}
	main := breakAt(t, p, "work", nil)
	cont(t, p)
	th := p.Thread()
	if _, err := th.Finish(nil); err != nil {
		t.Fatal(err)
	}
	main.Remove()
	const limit = 100 * time.Millisecond
	slow := func(*Stop) (bool, error) { time.Sleep(limit * 2 / 3); return false, nil }
	breakAt(t, p, "work", slow)
	if _, err := p.Breakpoint(&BreakpointOptions{Addr: work + 1, Handler: slow}); err != nil {
		t.Fatal(err)
	}
	for {
		stop, err := th.StepLine(true, &MoveOptions{Timeout: limit})
		if err != nil {
			t.Fatal(err)
		}
		if stop.Reason == ReasonTimeout {
			return
		}
		if end, _ := p.PrologueEnd(work); stop.Reason != ReasonStep || stop.PC == end {
			t.Fatalf("stop = %s at %s, want timeout", stop.Reason, p.place(stop.PC))
		}
	}
}

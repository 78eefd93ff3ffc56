//go:build linux && amd64

package tracer

import (
	"testing"
	"time"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestWaitLimit waits for two processes, one of which has reported whenever the other
// one's handler is done.
func TestWaitLimit(t *testing.T) {
	tr := newTracer(t)
	hits := 0
	for range 2 {
		p, err := tr.Launch([]string{tracertest.Build(t, "testdata/scenes.c"), "loop", "1000"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		breakAt(t, p, "work", func(*Stop) (bool, error) {
			hits++
			time.Sleep(20 * time.Millisecond)
			return false, nil
		})
		if err := tr.letGo(p); err != nil {
			t.Fatal(err)
		}
	}
	if stop, err := tr.Wait(-1, time.Millisecond); stop != nil || err != nil {
		t.Fatalf("Wait = %+v, %v, want neither", stop, err)
	}
	if hits > 10 {
		t.Errorf("%d hits were handled in a millisecond that take 20 each", hits)
	}
}

// TestWake ends a Wait, and no other movement: who types while a process in the
// background stops may wake late.
func TestWake(t *testing.T) {
	tr := newTracer(t)
	p, err := tr.Launch([]string{tracertest.Build(t, "testdata/scenes.c"), "spin"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tr.Wake()
	main := breakAt(t, p, "main", nil)
	if stop := cont(t, p); stop.Breakpoint != main {
		t.Fatalf("stop = %s, want the breakpoint", stop.Reason)
	}
	if err := p.Thread().Start(); err != nil {
		t.Fatal(err)
	}
	if stop, err := tr.Wait(-1, 0); stop != nil || err != nil {
		t.Fatalf("Wait = %+v, %v, want neither, as Wake came before", stop, err)
	}
	go tr.Wake()
	if stop, err := tr.Wait(-1, 0); stop != nil || err != nil {
		t.Fatalf("Wait = %+v, %v, want neither", stop, err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
}

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

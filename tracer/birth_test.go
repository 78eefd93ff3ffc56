//go:build linux && amd64

package tracer

import (
	"io"
	"os"
	"testing"
	"time"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestKilledWhileBearing ends a program while its threads make threads: one that is
// killed in clone does not report the child, which is traced all the same.
func TestKilledWhileBearing(t *testing.T) {
	for range 100 {
		wantExit(t, launch(t, "abandon"), 0)
	}
}

// TestKilledWhileForking does so while they make processes, which have copies of a
// breakpoint. Each of them runs to its end, and closes its copy of a pipe then.
func TestKilledWhileForking(t *testing.T) {
	path := tracertest.Build(t, "testdata/scenes.c")
	for range 50 {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		p, err := newTracer(t).Launch([]string{path, "abandon", "1"}, &LaunchOptions{Stdout: w})
		if err != nil {
			t.Fatal(err)
		}
		w.Close()
		breakAt(t, p, "here", nil)
		wantExit(t, p, 0)
		r.SetReadDeadline(time.Now().Add(30 * time.Second))
		if _, err := io.ReadAll(r); err != nil {
			t.Fatalf("a child did not come to its end: %v", err)
		}
		r.Close()
	}
}

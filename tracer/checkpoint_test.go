//go:build linux && amd64

package tracer

import (
	"testing"

	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestDropOfAttached checks that dropping a checkpoint leaves no zombie with the process
// that it was made of, which never waits for it.
func TestDropOfAttached(t *testing.T) {
	target := scene(t, "echo")
	target.ReadLine()
	tracertest.WaitState(t, target.PID, "S")
	p := attach(t, target.PID)
	children := func() []int {
		pids, err := procfs.Children(p.PID)
		if err != nil {
			t.Fatal(err)
		}
		return pids
	}
	for _, drop := range []func(*Checkpoint) error{(*Checkpoint).Drop, func(*Checkpoint) error { return p.Detach(0) }} {
		c, err := p.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		if len(children()) != 1 {
			t.Fatalf("with a checkpoint the process has the children %v", children())
		}
		if err := drop(c); err != nil {
			t.Fatal(err)
		}
		if left := children(); len(left) != 0 {
			t.Errorf("the process has the children %v", left)
		}
	}
}

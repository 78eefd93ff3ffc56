//go:build linux && amd64

package tracer

import (
	"testing"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestStepOverTailCall leaves functions by tail calls.
func TestStepOverTailCall(t *testing.T) {
	for _, flags := range [][]string{{"-O2"}, {"-O2", "-Wl,-z,lazy", "-fcf-protection"}, {"-O2", "-static"}} {
		path := tracertest.Build(t, "testdata/tails.c", flags...)
		c := newCourse(t, "tails.c", path)
		c.leave(c.to("leaves tail"), false, "tail", "main")
		c.leave(c.to("leaves for the library"), false, "library", "main")

		// step_line goes into what is called so, if it has lines.
		c = newCourse(t, "tails.c", path)
		c.leave(c.to("leaves tail"), true, "tail", "sink")
	}
}

// leave steps by lines out of one function, which is to lead to another.
func (c *course) leave(th *Thread, into bool, from, to string) {
	c.t.Helper()
	for range 5 {
		stop, err := th.StepLine(into, soon)
		if err != nil || stop.Reason != ReasonStep {
			c.t.Fatalf("stop = %+v, %v", stop, err)
		}
		frames, err := th.Frames(1)
		if err != nil {
			c.t.Fatal(err)
		}
		switch frames[0].Function() {
		case to:
			return
		case from:
		default:
			c.t.Fatalf("from %s to %s, want %s", from, frames[0], to)
		}
	}
	c.t.Fatalf("no way out of %s", from)
}

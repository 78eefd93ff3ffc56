//go:build linux && amd64

package tracer

import (
	"errors"
	"testing"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestInterruptedLookup checks that an interrupt ends lookups in large files, which can
// be repeated, and leaves those in small ones alone.
func TestInterruptedLookup(t *testing.T) {
	f := stoppedFrame(t, tracertest.Build(t, "testdata/eval.c", "-O0"))
	p := f.t.(*Thread).p
	lookups := []struct {
		name string
		do   func() error
	}{
		{"symbol", func() error { _, err := p.Addr("main"); return err }},
		{"line", func() error { _, err := p.Addr("eval.c:44"); return err }},
		{"variable", func() error { _, err := p.Var("second"); return err }},
		{"type", func() error { _, err := p.Types("struct item"); return err }},
		{"expression", func() error { _, err := f.Eval("sizeof(struct item) + second.flags", nil); return err }},
		{"stack", func() error { _, err := p.Thread().Frames(10); return err }},
		{"breakpoint", func() error {
			b, err := p.Breakpoint(&BreakpointOptions{Location: "main"})
			if err == nil {
				b.Remove()
			}
			return err
		}},
	}
	for _, lookup := range lookups {
		for _, small := range []bool{false, true} {
			if !small {
				defer func(was uint64) { large = was }(large)
				large = 0
			} else {
				large = 1 << 40
			}
			p.tr.Interrupt()
			if err := lookup.do(); small && err != nil || !small && !errors.Is(err, ErrInterrupted) {
				t.Errorf("%s, interrupted: got %v, files are small: %v", lookup.name, err, small)
			}
			p.tr.ClearInterrupt()
			if err := lookup.do(); err != nil {
				t.Errorf("%s: %v", lookup.name, err)
			}
			if n := len(p.Breakpoints()); n != 0 {
				t.Errorf("%s: there are %d breakpoints", lookup.name, n)
			}
		}
	}
}

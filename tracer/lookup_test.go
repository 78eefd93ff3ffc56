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

// TestInterruptedUnit checks that an interrupt ends the lookup of an address in a large
// unit that is read for it, and none in one that was read.
func TestInterruptedUnit(t *testing.T) {
	defer func(was uint64) { large = was }(large)
	large = 0
	p, err := newTracer(t).Launch([]string{tracertest.Build(t, "testdata/hugeunit.s")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	stop := cont(t, p)
	for i := range 100 { // until all units are known
		p.LineAt(stop.PC + uint64(i) + 1000)
	}
	for _, want := range []error{ErrInterrupted, nil} {
		p.tr.Interrupt()
		if _, err := p.Thread().Frames(1); err != want {
			t.Errorf("interrupted: got %v, want %v", err, want)
		}
		p.tr.ClearInterrupt()
		frames, err := p.Thread().Frames(1)
		if err != nil || frames[0].Func == nil || frames[0].Func.Name != "main" {
			t.Errorf("got frames %v, %v", frames, err)
		}
	}
}

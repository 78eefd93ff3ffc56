//go:build linux && amd64

package tracer

import (
	"strings"
	"testing"

	"github.com/tracelark/tracelark/tracer/tracertest"
	"github.com/tracelark/tracelark/tracer/value"
)

// TestArgsAtEntry reads arguments before the function has stored them.
func TestArgsAtEntry(t *testing.T) {
	for _, flags := range [][]string{{"-O0"}, {"-O1", "-fno-inline"}} {
		p, err := newTracer(t).Launch([]string{tracertest.Build(t, "testdata/entry.c", flags...)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"plain":   "a = -1, b = \"text\", c = 99 'c', d = 1.5, e = 2.5",
			"structs": "p = {a = 1, b = 2}, m = {d = 0.5, n = 3}, l = {v = {5, 6, 7, 8}}, last = 9",
			"many":    "a = 218, b = 18, c = 3, d = 4, e = 5, f = 6, g = 7",
		}
		for fn := range want {
			if _, err := p.Breakpoint(&BreakpointOptions{Location: fn}); err != nil {
				t.Fatal(err)
			}
		}
		for range len(want) {
			if stop := cont(t, p); stop.Reason != ReasonBreakpoint {
				t.Fatalf("stop is %s", stop.Reason)
			}
			frames, err := p.Thread().Frames(1)
			if err != nil {
				t.Fatal(err)
			}
			args, err := frames[0].Args()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, a := range args {
				text := a.Value.Format(&value.Format{Bare: true})
				if _, s, ok := strings.Cut(text, ` "`); ok {
					text = `"` + s
				}
				got = append(got, a.Name+" = "+text)
			}
			fn := frames[0].Function()
			if text := strings.Join(got, ", "); text != want[fn] {
				t.Errorf("%s %s: got %s, want %s", flags[0], fn, text, want[fn])
			}
		}
	}
}

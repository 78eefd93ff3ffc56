//go:build linux && amd64

package tracer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// A publicCase is a test of a public suite, by its name there: done here, or by
// another test, or not possible on Linux.
type publicCase struct {
	name string
	test func(t *testing.T)
	by   string // a test of this package, or a line of a file in the repository: "path: line"
	not  string // why there is nothing to test
}

// runCases runs the cases of a suite that has a number of them. Those that another
// test does must have that test.
func runCases(t *testing.T, n int, cases []publicCase) {
	seen := make(map[string]bool)
	for _, c := range cases {
		seen[c.name] = true
		ways := 0
		for _, there := range []bool{c.test != nil, c.by != "", c.not != ""} {
			if there {
				ways++
			}
		}
		if ways != 1 {
			t.Errorf("%s is there in %d ways, want 1", c.name, ways)
		}
		if c.by != "" && !isTest(t, c.by) {
			t.Errorf("%s: there is no %s", c.name, c.by)
		}
		if c.test != nil {
			t.Run(c.name, c.test)
		}
	}
	if len(seen) != n || len(cases) != n {
		t.Errorf("%d cases, %d of them different, want %d", len(cases), len(seen), n)
	}
}

// isTest reports whether there is a test, named as publicCase.by has it.
func isTest(t *testing.T, name string) bool {
	t.Helper()
	pattern, want := "*_test.go", "func "+name+"(t *testing.T)"
	if path, line, ok := strings.Cut(name, ": "); ok {
		pattern, want = "../"+path, line
	}
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err != nil {
			t.Fatal(err)
		} else if strings.Contains(string(text), want) {
			return true
		}
	}
	return false
}

// play starts a scene of testdata/freebsd.c up to the call of here.
func play(t *testing.T, o *LaunchOptions, args ...string) *Process {
	t.Helper()
	path := tracertest.Build(t, "testdata/freebsd.c")
	p, err := newTracer(t).Launch(append([]string{path}, args...), o)
	if err != nil {
		t.Fatal(err)
	}
	b := breakAt(t, p, "here", nil)
	if stop := cont(t, p); stop.Breakpoint != b {
		t.Fatalf("stop = %s, want the breakpoint", stop.Reason)
	}
	if err := b.Remove(); err != nil {
		t.Fatal(err)
	}
	return p
}

// hook asks for the stops of a reason.
func hook(t *testing.T, p *Process, o HookOptions) *Hook {
	t.Helper()
	h, err := p.On(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// wantStop lets p go on, with a signal unless that is 0, and checks why it stops.
func wantStop(t *testing.T, p *Process, sig int, reason Reason) *Stop {
	t.Helper()
	o := &MoveOptions{Timeout: 30 * time.Second}
	if sig != 0 {
		o.Signal = Deliver(sig)
	}
	return wantMove(t, p, o, reason)
}

// wantMove lets p go on and checks why it stops.
func wantMove(t *testing.T, p *Process, o *MoveOptions, reason Reason) *Stop {
	t.Helper()
	stop, err := p.Cont(o)
	if err != nil {
		t.Fatal(err)
	}
	if stop.Reason != reason {
		t.Fatalf("stop = %s, signal %d, exit code %d; want %s", stop.Reason, stop.Signal, stop.ExitCode, reason)
	}
	return stop
}

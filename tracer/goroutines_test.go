//go:build linux && amd64

package tracer

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestGoTarget counts calls in a program whose runtime uses signals for itself. The
// function begins with an instruction that is not emulated.
func TestGoTarget(t *testing.T) {
	path := filepath.Join(t.TempDir(), "goroutines")
	build := exec.Command("go", "build", "-o", path, "./testdata/goroutines")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, out)
	}
	p, err := newTracer(t).Launch([]string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := breakAt(t, p, "main.work", func(*Stop) (bool, error) { return false, nil })
	exit := breakAt(t, p, "runtime.exit.abi0", nil)
	if stop := cont(t, p); stop.Breakpoint != exit {
		t.Fatalf("stop = %s, want the call of exit", stop.Reason)
	}
	if len(p.annexes) != 1 {
		t.Errorf("%d annexes, want 1: the function is to begin with what is not emulated", len(p.annexes))
	}
	wantExit(t, p, 0)
	if b.Hits() != 4000 {
		t.Errorf("%d hits, want 4000", b.Hits())
	}
}

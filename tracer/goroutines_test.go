//go:build linux && amd64

package tracer

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// buildGo builds the program in testdata/goroutines.
func buildGo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "goroutines")
	build := exec.Command("go", "build", "-o", path, "./testdata/goroutines")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, out)
	}
	return path
}

// TestGoCalls has functions of Go called and finished, whose results lie where no ABI
// of C has them.
func TestGoCalls(t *testing.T) {
	p, err := newTracer(t).Launch([]string{buildGo(t)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := breakAt(t, p, "main.work", nil)
	th := cont(t, p).Thread
	if err := b.Remove(); err != nil {
		t.Fatal(err)
	}
	frames, err := th.Frames(1)
	if err != nil {
		t.Fatal(err)
	}
	const own = "functions of Go have a calling convention of their own"
	o := &EvalOptions{Call: func(t *Thread, c *Call) (*Result, error) { return t.Invoke(c, nil) }}
	if v, err := frames[0].Eval("'main.work'(3, 0)", o); err == nil || !strings.Contains(err.Error(), own) {
		t.Errorf("work(3) is %v, %v", v, err)
	}
	stop, err := th.Finish(soon)
	if err != nil || !stop.Finished {
		t.Fatalf("stop = %+v, %v", stop, err)
	}
	if v, err := stop.Result(); err == nil || !strings.Contains(err.Error(), own) {
		t.Errorf("the result is %v, %v", v, err)
	}
}

// TestGoTarget counts calls in a program whose runtime uses signals for itself. The
// function begins with an instruction that is not emulated.
func TestGoTarget(t *testing.T) {
	p, err := newTracer(t).Launch([]string{buildGo(t)}, nil)
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

//go:build linux && amd64

package tracer

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/tracertest"
	"github.com/tracelark/tracelark/tracer/unwind"
)

// stackText returns the functions of a stack, innermost first: "??" where none is known,
// those that are guesses with "?" behind them, and signals as "!". Equal ones in a row are
// written once.
func stackText(frames []*Frame) string {
	var names []string
	for _, f := range frames {
		name := f.Function()
		switch {
		case f.Signal:
			name = "!"
		case name == "":
			name = "??"
		}
		if f.By == unwind.Guess {
			name += "?"
		}
		names = append(names, name)
	}
	return strings.Join(slices.Compact(names), " ")
}

const raised = "__pthread_kill_implementation raise "

// TestHardStacks stops where stacks are hard to follow, with call frame information and
// without.
func TestHardStacks(t *testing.T) {
	for _, flags := range []string{"-O0", "-O2", "-O2 -g0 -fno-asynchronous-unwind-tables"} {
		path := tracertest.Build(t, "testdata/stacks.c", append(strings.Fields(flags), "-fno-stack-protector", "-Wno-infinite-recursion")...)
		for _, test := range []struct{ scene, want string }{
			{"handler", raised + "trap handler ! " + raised + "handle main"},
			{"alternative", raised + "trap handler ! " + raised + "handle main"},
			{"framed", raised + "trap ?? jit main"},
			{"jit", raised + "trap ?? jit main"},
			{"thread", raised + "trap begin start_thread clone3"},
			{"wild", "?? wild main"},
			{"exhausted", "exhausted"},
			{"deep", raised + "trap deep"},
		} {
			t.Run(test.scene+" "+flags, func(t *testing.T) {
				p := launchStacks(t, path, test.scene)
				stop := cont(t, p)
				for stop.Reason == ReasonSignal && stop.Signal == int(unix.SIGUSR1) {
					stop = cont(t, p)
				}
				frames, err := stop.Thread.Frames(1000)
				if err != nil {
					t.Errorf("the stack ends: %v", err)
				}
				got := stackText(frames)
				got, _, _ = strings.Cut(got, " __libc_start")
				if got != test.want && (test.scene != "deep" || !strings.HasPrefix(got, test.want)) {
					t.Errorf("stack %q, want %q", got, test.want)
				}
			})
		}
		t.Run("smashed "+flags, func(t *testing.T) {
			p := launchStacks(t, path, "smashed")
			stop := cont(t, p)
			frames, err := stop.Thread.Frames(1000)
			got := stackText(frames)
			rest, ok := strings.CutPrefix(got, "smashed")
			rest = strings.TrimPrefix(rest, " ??") // what was written over the return address
			// The rest may be anything, but says that it is a guess.
			if first, _, _ := strings.Cut(strings.TrimSpace(rest), " "); !ok || first != "" && !strings.HasSuffix(first, "?") || first == "" && err == nil {
				t.Errorf("stack %q, ends %v", got, err)
			}
		})
		t.Run("blocked "+flags, func(t *testing.T) {
			p := launchStacks(t, path, "blocked")
			if stop, err := p.Cont(&MoveOptions{Timeout: time.Second}); err != nil || stop.Reason != ReasonTimeout {
				t.Fatalf("%v, %v", stop, err)
			}
			wantStack(t, p.Thread(), "read blocked main")
		})
		t.Run("vforked "+flags, func(t *testing.T) {
			p := launchStacks(t, path, "vforked")
			catch(t, p, ReasonVfork)
			q := wantBirth(t, p, ReasonVfork)
			wantStack(t, p.Thread(), "vfork vforked main")
			wantStack(t, q.Thread(), "vfork vforked main")
		})
	}
}

func launchStacks(t *testing.T, path, scene string) *Process {
	t.Helper()
	p, err := newTracer(t).Launch([]string{path, scene}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wantStack checks the stack of a thread up to what has called main.
func wantStack(t *testing.T, th *Thread, want string) {
	t.Helper()
	frames, err := th.Frames(1000)
	if err != nil {
		t.Errorf("the stack ends: %v", err)
	}
	if got, _, _ := strings.Cut(stackText(frames), " __libc_start"); got != want {
		t.Errorf("stack %q, want %q", got, want)
	}
}

// TestStackOfNewThread stops a thread at its first instruction, and at each one until it is in its
// function.
func TestStackOfNewThread(t *testing.T) {
	p := launchStacks(t, tracertest.Build(t, "testdata/stacks.c", "-O2"), "thread")
	catch(t, p, ReasonThread)
	child := cont(t, p).Child
	threads := p.Threads()
	th := threads[slices.IndexFunc(threads, func(th *Thread) bool { return th.TID == child })]
	begin := must(p.Addr("begin"))
	for reg := must(th.Regs()); reg.PC() != begin; reg = must(th.Regs()) {
		frames, err := th.Frames(100)
		// The first ones have no call frame information.
		if got := stackText(frames); got != "clone3" && (err != nil || !strings.HasSuffix(" "+got, " start_thread clone3")) {
			t.Fatalf("at %#x: stack %q, ends %v", reg.PC(), got, err)
		}
		if stop, err := th.Step(1, &MoveOptions{Only: true}); err != nil || stop.Reason != ReasonStep {
			t.Fatalf("%v, %v", stop, err)
		}
	}
	wantStack(t, th, "begin start_thread clone3")
}

// TestStackOfReplacedFile follows the stack of a program whose file is another one now.
func TestStackOfReplacedFile(t *testing.T) {
	built, err := os.ReadFile(tracertest.Build(t, "testdata/stacks.c", "-O2"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "stacks")
	if err := os.WriteFile(path, built, 0o777); err != nil {
		t.Fatal(err)
	}
	p := launchStacks(t, path, "jit")
	other, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, other, 0o777); err != nil {
		t.Fatal(err)
	}
	cont(t, p)
	wantStack(t, p.Thread(), raised+"trap ?? jit main")
}

// TestStackOfCgo follows a stack from C to Go and again: Go's runtime runs C on other
// stacks than goroutines. What C has called before, it does not remember.
func TestStackOfCgo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cgo")
	build := exec.Command("go", "build", "-o", path, "./testdata/cgo")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, out)
	}
	p, err := newTracer(t).Launch([]string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	stop := cont(t, p)
	for stop.Reason == ReasonSignal && stop.Signal != int(unix.SIGTRAP) {
		stop = cont(t, p)
	}
	frames, err := stop.Thread.Frames(100)
	if err != nil {
		t.Errorf("the stack ends: %v", err)
	}
	got := stackText(frames)
	rest := got
	for _, name := range []string{
		"raise ", "leaf descend ", "_Cfunc_descend runtime.asmcgocall ", "runtime.cgocall main._Cfunc_descend ", "main.back ", "runtime.cgocallback ",
		"runtime.cgocall main._Cfunc_forth main.middle main.main.func1 runtime.goexit",
	} {
		_, after, ok := strings.Cut(rest, name)
		if !ok {
			t.Fatalf("stack %q, want %q in it", got, name)
		}
		rest = after
	}
	if rest != "" || strings.Contains(got, "?") {
		t.Errorf("stack %q", got)
	}
}

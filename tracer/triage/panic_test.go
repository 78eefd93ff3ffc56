package triage

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestRustPanics checks what is said of real panics, of which the output alone is left.
func TestRustPanics(t *testing.T) {
	program := filepath.Join(t.TempDir(), "panics")
	build := exec.Command(tracertest.Tool(t, "rustc"), "-g", "-C", "debug-assertions=on", "-o", program, "testdata/panics.rs")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("rustc: %v\n%s", err, out)
	}
	for _, c := range []struct{ name, message, line string }{
		{"index", "index out of bounds: the len is 3 but the index is 7", "panics.rs:6:5"},
		{"overflow", "attempt to add with overflow", "panics.rs:11:5"},
		{"unwrap", "called `Result::unwrap()` on an `Err` value: ParseIntError { kind: InvalidDigit }", "panics.rs:16:18"},
		{"explicit", "out of cheese", "panics.rs:21:5"},
	} {
		for _, backtrace := range []string{"0", "1", "full"} {
			t.Run(c.name+backtrace, func(t *testing.T) {
				run := exec.Command(program, c.name)
				run.Env = []string{"RUST_BACKTRACE=" + backtrace}
				var output strings.Builder
				run.Stderr = &output
				run.Run() // which fails
				crash, err := FromOutput(output.String(), nil)
				if err != nil || crash == nil {
					t.Fatalf("%v, %v of\n%s", crash, err, &output)
				}
				if crash.Name != "RustPanic" || crash.Message != c.message || crash.Keys.CrashLine != c.line {
					t.Errorf("%s, message %q at %s, want %q at %s", crash.Name, crash.Message, crash.Keys.CrashLine, c.message, c.line)
				}
				want := []string{"panics::" + c.name + " at " + c.line, "panics::main at "}
				if backtrace == "0" {
					want = []string{c.line}
				}
				if !slices.EqualFunc(crash.Trace, want, strings.HasPrefix) {
					t.Errorf("stack %q, want %q", crash.Trace, want)
				}
			})
		}
	}
}

// TestRustPanicsWithoutLines checks that panics in one function differ by their places, and that a
// panic that was caught is not what ends a process later.
func TestRustPanicsWithoutLines(t *testing.T) {
	text := func(line string) string {
		return "\nthread 'main' (7) panicked at src/main.rs:" + line + ":\nout of cheese\nstack backtrace:\n   0: __rustc::rust_begin_unwind\n             at /rustc/59/library/std/src/panicking.rs:689:5\n" +
			"   1: core::panicking::panic_fmt\n             at /rustc/59/library/core/src/panicking.rs:80:14\n   2: app::main\nnote: Some details are omitted\n"
	}
	for _, line := range []string{"7:5", "9:13"} {
		crash, err := FromOutput(text(line), nil)
		if err != nil || !slices.Equal(crash.Trace, []string{"app::main at main.rs:" + line}) {
			t.Errorf("%v, %v, want a stack of app::main at main.rs:%s", crash, err, line)
		}
	}
	crash, err := New(nowhere{}, &Event{Signal: int(unix.SIGSEGV), Code: 1, Addr: 8, Output: text("7:5")}, nil)
	if err != nil || crash.Name == "RustPanic" {
		t.Errorf("%v, %v, want no panic", crash, err)
	}
}

// TestGoPanics checks what is made of the text of a panic.
func TestGoPanics(t *testing.T) {
	const text = `hello
panic: runtime error: index out of range [7] with length 3 [recovered]
	panic: again

goroutine 1 [running]:
main.main.func1()
	/src/app/main.go:9 +0x65
panic({0x46b8e0?, 0xc00001c0d8?})
	/usr/lib/go/src/runtime/panic.go:785 +0x132
main.(*table).index(...)
	/src/app/main.go:12
main.main()
	/src/app/main.go:20 +0x1d
created by main.start in goroutine 7
	/src/app/main.go:30 +0x1d

goroutine 2 [runnable]:
main.other()
	/src/app/other.go:3 +0x1d
`
	crash, err := FromOutput(text, nil)
	if err != nil || crash == nil {
		t.Fatal(crash, err)
	}
	want := []string{"main.main.func1 at main.go:9", "main.(*table).index at main.go:12", "main.main at main.go:20"}
	if crash.Name != "GoPanic" || !slices.Equal(crash.Trace, want) {
		t.Errorf("%s with the stack %q, want %q", crash.Name, crash.Trace, want)
	}
}

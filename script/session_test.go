package script

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.starlark.net/starlark"
	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestRunFile(t *testing.T) {
	for _, name := range []string{"dialect.star", "modules.star"} {
		t.Run(name, func(t *testing.T) {
			s, _, _ := newFake(t, Options{})
			if err := s.RunFile("testdata/" + name); err != nil {
				t.Error(reportOf(err))
			}
		})
	}
}

// reportOf returns what a person sees of err.
func reportOf(err error) string {
	if failure, ok := errors.AsType[*Error](err); ok {
		return failure.Report
	}
	return fmt.Sprint(err)
}

func TestReports(t *testing.T) {
	scripts, err := filepath.Glob("testdata/errors/*.star")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("got %d scripts, error %v", len(scripts), err)
	}
	for _, path := range scripts {
		t.Run(filepath.Base(path), func(t *testing.T) {
			s, _, _ := newFake(t, Options{})
			got := reportOf(s.RunFile(path)) + "\n"
			golden := strings.TrimSuffix(path, ".star") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

func TestUnreadableScripts(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	missing := filepath.Join(dir, "missing.star")
	big := write("big.star", bytes.Repeat([]byte("#\n"), maxSource))
	elf := write("elf", []byte("\x7fELF\x02\x01\x01\x00\x00"))
	latin := write("latin.star", []byte("x = '\xe9'\n"))
	for path, want := range map[string]string{
		missing:          "open " + missing + ": no such file or directory",
		dir:              "read " + dir + ": is a directory",
		big:              "read " + big + ": larger than 16 MiB",
		elf:              "read " + elf + ": binary data, not a script",
		latin:            "read " + latin + ": binary data, not a script",
		"/dev/zero":      "read /dev/zero: larger than 16 MiB",
		elf + "/x":       "open " + elf + "/x: not a directory",
		"/proc/self/mem": "read /proc/self/mem: input/output error",
	} {
		s, _, _ := newFake(t, Options{})
		if err := s.RunFile(path); fmt.Sprint(err) != want {
			t.Errorf("RunFile(%s) = %v, want %s", path, err, want)
		}
	}
}

func TestModuleMended(t *testing.T) {
	lib := filepath.Join(t.TempDir(), "lib.star")
	s, _, out := newFake(t, Options{})
	code := fmt.Sprintf("load(%q, 'x')\nprint(x)", lib)
	for _, step := range []struct{ lib, want string }{
		{"x = 1 // 0", "floored division by zero"},
		{"x = 1", ""},
		{"x = 2", ""}, // already loaded
	} {
		if err := os.WriteFile(lib, []byte(step.lib), 0o666); err != nil {
			t.Fatal(err)
		}
		err := s.RunCode(code)
		if got := fmt.Sprint(err); err != nil && got != step.want || err == nil && step.want != "" {
			t.Errorf("with %q: got error %v, want %q", step.lib, err, step.want)
		}
	}
	if out.String() != "1\n1\n" {
		t.Errorf("got %q, want 1 twice", out)
	}
}

func TestExit(t *testing.T) {
	lib := filepath.Join(t.TempDir(), "lib.star")
	if err := os.WriteFile(lib, []byte("exit(5)"), 0o666); err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string]int{
		"exit()":                          0,
		"exit(0)":                         0,
		"exit(3)":                         3,
		"call(lambda: exit(4))":           4,
		fmt.Sprintf("load(%q, 'x')", lib): 5,
	} {
		s, _, _ := newFake(t, Options{})
		err := s.RunCode(code)
		exit, ok := err.(*ExitError)
		if want == 0 && err != nil || want != 0 && (!ok || exit.Code != want) {
			t.Errorf("%s: got error %v, want code %d", code, err, want)
		}
	}
}

func TestLimits(t *testing.T) {
	tests := []struct {
		opts Options
		code string
		want string
	}{
		{Options{Steps: 1000}, "while True: pass", "script ran for 1000 steps, the limit of --steps"},
		{Options{Steps: 1000}, "while True: catch(lambda: 1 // 0)", "script ran for 1000 steps, the limit of --steps"},
		{Options{Steps: 1000}, "x = 1", "<nil>"},
		{Options{Deadline: 10 * time.Millisecond}, "while True: pass", "script ran for 10ms, the limit of --deadline"},
		{Options{Deadline: 10 * time.Millisecond}, "hang()", "script ran for 10ms, the limit of --deadline"},
		{Options{Deadline: time.Hour}, "x = 1", "<nil>"},
		{Options{}, "def f(): f()\nf()", "Starlark stack overflow"},
	}
	for _, test := range tests {
		s, _, _ := newFake(t, test.opts)
		if err := s.RunCode(test.code); fmt.Sprint(err) != test.want {
			t.Errorf("%s: got error %v, want %s", test.code, err, test.want)
		}
		if err := s.RunCode("print(1)"); err != nil { // each run has limits of its own
			t.Errorf("after %s: %v", test.code, err)
		}
	}
}

func TestInterrupt(t *testing.T) {
	for _, code := range []string{
		"start()\nwhile True: pass",
		"hang()",
		"start()\nwhile True: catch(lambda: [0][1])",
		"call(hang)",
	} {
		t.Run(code, func(t *testing.T) {
			s, e, _ := newFake(t, Options{})
			s.Interrupt() // of nothing
			go func() {
				<-e.started
				s.Interrupt()
			}()
			if err := s.RunCode(code); !errors.Is(err, ErrInterrupted) {
				t.Errorf("got error %v, want %v", err, ErrInterrupted)
			}
			if s.Interrupt() {
				t.Error("a run that is over still goes on")
			}
			if err := s.RunCode("x = 1"); err != nil {
				t.Errorf("next run: %v", err)
			}
			if s.Quit(); !errors.Is(s.RunCode("x = 1"), ErrInterrupted) {
				t.Error("a run began after Quit")
			}
			if err := s.Close(); err != nil || !e.closed.Load() {
				t.Errorf("Close = %v", err)
			}
			if err := s.RunCode("x = 1"); !errors.Is(err, ErrClosed) {
				t.Errorf("a run after Close gives the error %v, want %v", err, ErrClosed)
			}
		})
	}
}

func TestStubborn(t *testing.T) {
	s, _, _ := newFake(t, Options{})
	release := make(chan struct{})
	s.loader.predeclared["busy"] = starlark.NewBuiltin("busy", func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
		if s.Interrupt() {
			t.Error("the first interrupt finds a run that was stopped before")
		}
		if !s.Interrupt() {
			t.Error("the second interrupt does not find that the run goes on")
		}
		close(release)
		return starlark.None, nil
	})
	if err := s.RunCode("busy()"); !errors.Is(err, ErrInterrupted) {
		t.Errorf("got error %v, want %v", err, ErrInterrupted)
	}
	<-release
}

func TestPanic(t *testing.T) {
	s, _, _ := newFake(t, Options{})
	err := s.RunCode("call(crash)")
	if !errors.Is(err, io.ErrUnexpectedEOF) || err.Error() != "internal error: unexpected EOF" {
		t.Errorf("got error %v", err)
	}
	report := reportOf(err)
	if !strings.HasPrefix(report, "Error: internal error: unexpected EOF\nThis is a bug in tracelark.") || !strings.Contains(report, "newFake") {
		t.Errorf("got report\n%s", report)
	}
	if err := s.RunCode("x = 1"); err != nil {
		t.Errorf("next run: %v", err)
	}
}

// A closedPipe is an output that nobody reads.
type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, unix.EPIPE }

func TestPrintFails(t *testing.T) {
	s, _, _ := newFake(t, Options{Stdout: closedPipe{}})
	if err := s.RunCode("while True: print(1)"); !errors.Is(err, ErrOutput) || !errors.Is(err, unix.EPIPE) {
		t.Errorf("print: got error %v, want %v", err, unix.EPIPE)
	}
	if err := feed(t, s, "1\n2\n"); !errors.Is(err, ErrOutput) || !errors.Is(err, unix.EPIPE) {
		t.Errorf("REPL: got error %v, want %v", err, unix.EPIPE)
	}
}

// TestTargetOutput has targets print to the files that are the session's outputs, unless
// they have others.
func TestTargetOutput(t *testing.T) {
	dir := t.TempDir()
	files := make([]*os.File, 2)
	for i, name := range []string{"out", "err"} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	s, err := New(&Options{Stdout: files[0], Stderr: files[1], Policy: Policy{Allow: MayLaunch}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const code = `
print("first")
p = launch(["sh", "-c", "echo out; echo err >&2"])
p.cont()
p.restart()
p.cont()
p = launch(["echo", "kept"], stdout = CAPTURE)
p.cont()
print(str(p.stdout.data).strip())
`
	if err := s.RunCode(code); err != nil {
		t.Fatal(reportOf(err))
	}
	for name, want := range map[string]string{"out": "first\nout\nout\nkept\n", "err": "err\nerr\n"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s has %q, error %v, want %q", name, got, err, want)
		}
	}
}

// TestMemory checks that a session ends a run for its memory, that attempt does not get
// around that, and that the next run is none the worse.
func TestMemory(t *testing.T) {
	s, err := New(&Options{Memory: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 2 {
		err := s.RunCode("def grow():\n    x = []\n    while True:\n        x.append('x' * 1000)\nattempt(grow)\nfail('attempt goes on')")
		if failure, ok := errors.AsType[*Error](err); !ok || !strings.Contains(failure.Msg, "MiB of memory, the limit of --memory is 64 MiB") {
			t.Fatalf("a run that takes all memory ends with %v", err)
		}
		if err := s.RunCode("x = ['x' * 1000] * 1000\nfor i in range(100000): x[i % 1000] = 'y' * 1000"); err != nil {
			t.Fatalf("the next run ends with %v", err)
		}
	}
}

// TestRepeat checks that * is what it is without a limit of memory, and that it is an
// error where the result would be beyond that.
func TestRepeat(t *testing.T) {
	s, err := New(&Options{Memory: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for code, want := range map[string]string{
		`x = [0] * 1000000000`:        "list of 1 elements * 1000000000 takes more memory than the limit of --memory, 64 MiB",
		`n = 1 << 29; x = n * (1, 2)`: "tuple of 2 elements * 536870912 takes more memory",
		`x = [1] * "a"`:               "unknown binary op: list * string",
		`x = [1] * [2]`:               "unknown binary op: list * list",
		`x = None * (1, 2)`:           "unknown binary op: NoneType * tuple",
		`a = 3; b = [1, 2]
if (a * b, b * a, a * a, a * "x", (1,) * a, [] * (1 << 40), b * 0, b * -5, 2.5 * a, a * b * a) != ([1, 2] * 3, [1, 2] * 3, 9, "xxx", (1, 1, 1), [], [], [], 7.5, [1, 2] * 9): fail("wrong")
a *= 2; b *= a
d = {"k": [1]}; d["k"] *= 2
if (a, len(b), d) != (6, 12, {"k": [1, 1]}): fail("wrong")`: "",
	} {
		err := s.RunCode(code)
		failure, _ := errors.AsType[*Error](err)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(failure.Msg, want) {
			t.Errorf("%s: %v, want %q", code, err, want)
		}
	}
}

// TestPrintToFullPipe checks that an interrupt ends a script that prints what nobody
// reads.
func TestPrintToFullPipe(t *testing.T) {
	for _, code := range []string{"while True: print('x' * 100)", "print('x' * 10000000)"} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
		ended := make(chan error, 1)
		made := make(chan *Session)
		go func() {
			s, err := New(&Options{Stdout: w})
			if err != nil {
				t.Error(err)
			}
			made <- s
			ended <- s.RunCode(code)
			s.Close()
		}()
		s := <-made
		if _, err := r.Read(make([]byte, 1)); err != nil { // the script has begun
			t.Fatal(err)
		}
		s.Interrupt()
		if err := <-ended; !errors.Is(err, ErrInterrupted) {
			t.Errorf("%s ends with %v", code, err)
		}
	}
}

// TestFinish checks that a session that is told to come to its end before it runs
// anything runs nothing.
func TestFinish(t *testing.T) {
	s, err := New(&Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Finish()
	if err := s.RunCode("fail('it runs')"); !errors.Is(err, ErrInterrupted) {
		t.Errorf("got %v, want that it was interrupted", err)
	}
}

//go:build linux && amd64

package tracer

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/tracer/tracertest"
	"github.com/tracelark/tracelark/tracer/triage"
)

// TestCrashOfCXX checks what is said of exceptions that nobody catches, and of calls of
// pure virtual functions, of the process and of its core.
func TestCrashOfCXX(t *testing.T) {
	for _, flags := range [][]string{{"-O0"}, {"-O2"}, {"-O2", "-static"}} {
		path := tracertest.Build(t, "testdata/uncaught.cc", append(flags, "-std=c++17", "-lstdc++", "-Wno-all", "-fno-optimize-sibling-calls")...)
		for _, c := range []struct{ name, message, top string }{
			{"runtime_error", "std::runtime_error: no such key: colour", "fail"},
			{"derived", "parse_error: line 9", "fail"},
			{"at", "std::out_of_range: vector::_M_range_check: __n (which is 9) >= this->size() (which is 3)", "fail"},
			{"int", "int: 33", "fail"},
			{"chars", "char const*: plain words", "fail"},
			{"string", "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >: words in a string that is longer than the small ones", "fail"},
			{"plain", "plain", "fail"},
			{"noexcept", "std::runtime_error: no such key: colour", "fail"},
			{"rethrow", "std::runtime_error: no such key: colour", "main"},
			{"later", "std::runtime_error: no such key: colour", "main"},
			{"pure", "pure virtual method called", "Base::run"},
			{"terminate", "", "main"},
		} {
			if c.name == "pure" && len(flags) > 1 {
				continue // the table has no function there in a static program
			}
			t.Run(c.name+strings.Join(flags, ""), func(t *testing.T) {
				for _, crash := range bothWays(t, path, c.name) {
					if crash.Name != "AbortSignal" || crash.Severity != triage.NotExploitable || crash.Message != c.message || !strings.Contains(crash.Explanation, c.message) && c.name != "pure" {
						t.Errorf("%s, %s, message %q: %s, want %q", crash.Name, crash.Severity, crash.Message, crash.Explanation, c.message)
					}
					if len(crash.Trace) == 0 || !strings.HasPrefix(crash.Trace[0], c.top) {
						t.Errorf("stack %q, want it to begin with %s", crash.Trace, c.top)
					}
				}
			})
		}
	}
}

// TestCrashOfPrinted checks what is said of programs that only what they print tells of: they are
// static and have no names, or the text is not in memory.
func TestCrashOfPrinted(t *testing.T) {
	bare := []string{"-O2", "-static", "-s"}
	bugs := tracertest.Build(t, "testdata/bugs.c", append(bugFlags("-O2"), "-static", "-s")...)
	checked := tracertest.Build(t, "testdata/bugs.c", bugFlags("-O2")...)
	flags := []string{"-std=c++17", "-lstdc++", "-Wno-all", "-D_GLIBCXX_ASSERTIONS"}
	named := tracertest.Build(t, "testdata/uncaught.cc", append(flags, "-O2")...)
	nameless := tracertest.Build(t, "testdata/uncaught.cc", append(flags, bare...)...)
	for _, c := range []struct{ path, name, class, message string }{
		{bugs, "double_free", "HeapError", "free(): double free detected in tcache 2"},
		{bugs, "top_size", "HeapError", "malloc(): corrupted top size"},
		{bugs, "smash", "StackGuard", "*** stack smashing detected ***: terminated"},
		{bugs, "fortify", "SafeFunctionCheck", "*** buffer overflow detected ***: terminated"},
		{bugs, "assertion", "AbortSignal", "Assertion `balance >= 0' failed."},
		{bugs, "aborts", "AbortSignal", ""},
		{checked, "check_failed", "AbortSignal", "Check failed: size == 3 (4 vs. 3)"},
		{nameless, "runtime_error", "AbortSignal", "std::runtime_error: no such key: colour"},
		{nameless, "later", "AbortSignal", "std::runtime_error: no such key: colour"},
		{nameless, "plain", "AbortSignal", "plain"},
		{named, "worded", "AbortSignal", "worded: its own words"},
		{named, "plain", "AbortSignal", "plain"},
		{named, "index", "AbortSignal", "Assertion '__n < this->size()' failed."},
	} {
		cmd := exec.Command(c.path, c.name)
		output := new(strings.Builder)
		cmd.Stderr = output
		cmd.Run() // which dies of SIGABRT
		crash, err := stopAt(t, c.path, c.name, false).Crash(&CrashOptions{Output: output.String()})
		if err != nil {
			t.Fatal(err)
		}
		if crash.Name != c.class || !strings.HasSuffix(crash.Message, c.message) || c.message == "" && crash.Message != "" {
			t.Errorf("%s: %s, message %q: %s, want %s %q", c.name, crash.Name, crash.Message, crash.Explanation, c.class, c.message)
		}
		if last := crash.Trace[len(crash.Trace)-1]; !strings.HasPrefix(last, "main") && c.name != "smash" && c.name != "later" { // the cold part of main
			t.Errorf("%s: the stack ends with %s, want main", c.name, last)
		}
	}
}

// bothWays returns what is said of the crash of a process, and of its core.
func bothWays(t *testing.T, path, arg string) []*triage.Crash {
	t.Helper()
	c, err := newTracer(t).OpenCore(tracertest.Core(t, path, arg), nil)
	if err != nil {
		t.Fatal(err)
	}
	post, err := c.Crash(nil)
	if err != nil {
		t.Fatal(err)
	}
	return []*triage.Crash{crashOf(t, path, arg, false), post}
}

// TestCrashOfGo checks what is said of a panic of Go. Where a program has no names, or another
// goroutine is at fault than that of the thread that ends it, what it writes tells the stack.
func TestCrashOfGo(t *testing.T) {
	for _, flags := range []string{"", "-s -w"} {
		path := filepath.Join(t.TempDir(), "prog")
		build := exec.Command("go", "build", "-ldflags", flags, "-o", path, "./testdata/panics")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
		t.Setenv("GOTRACEBACK", "crash")
		for name, c := range map[string]struct{ message, top string }{
			"nil":      {"runtime error: invalid memory address or nil pointer dereference", "main.walk at main.go:"},
			"index":    {"runtime error: index out of range [7] with length 3", "main.index at main.go:"},
			"panic":    {"out of cheese", "main.main at main.go:"},
			"far":      {"fault", "main.write at main.go:"},
			"deadlock": {"all goroutines are asleep - deadlock!", "main.wait at main.go:"},
		} {
			s := stopAt(t, path, name, false)
			cmd := exec.Command(path, name)
			output := new(strings.Builder)
			cmd.Stderr = output
			cmd.Run() // which dies of SIGABRT
			for _, said := range []string{"", output.String()} {
				if said == "" && (flags != "" || name == "deadlock") {
					continue
				}
				crash, err := s.Crash(&CrashOptions{Output: said})
				if err != nil {
					t.Fatal(err)
				}
				if crash.Name != "GoPanic" || crash.Severity != triage.NotExploitable || said != "" && crash.Message != c.message {
					t.Errorf("%s: %s, message %q: %s", name, crash.Name, crash.Message, crash.Explanation)
				}
				if name == "far" && said != "" && !strings.Contains(crash.Explanation, "SIGSEGV: segmentation violation code=0x1 addr=0x123456789000") {
					t.Errorf("%s: %s, want what the signal was of", name, crash.Explanation)
				}
				if len(crash.Trace) == 0 || !strings.HasPrefix(crash.Trace[0], c.top) {
					t.Errorf("%s %s: stack %q, want it to begin with %s", name, flags, crash.Trace, c.top)
				}
			}
		}
	}
}

// TestCrashOfCgo checks what is said where Go's runtime has handled the signal of code of C.
func TestCrashOfCgo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prog")
	build := exec.Command("go", "build", "-o", path, "./testdata/cgo")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	t.Setenv("GOTRACEBACK", "crash")
	crash := crashOf(t, path, "far", false)
	if crash.Name != "DestAv" || !strings.Contains(crash.Explanation, "writes 8 bytes at 0x123456789000") || len(crash.Trace) == 0 || !strings.HasPrefix(crash.Trace[0], "far at main.go:") {
		t.Errorf("%s: %s, stack %q", crash.Name, crash.Explanation, crash.Trace)
	}
}

package tracertest

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

const hello = `#include <stdio.h>
int main(void) { puts("hello"); return 0; }
`

// freshCache gives the test an empty cache of its own and returns its directory.
func freshCache(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir)
	return filepath.Join(dir, "tracelark", "fixtures")
}

// run returns the standard output of the executable at path.
func run(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command(path).Output()
	if err != nil {
		t.Fatalf("run %s: %v", path, err)
	}
	return string(out)
}

// A recorder is a test that f may fail.
type recorder struct {
	testing.TB
	message string
}

func (*recorder) Helper() {}

func (r *recorder) Fatal(args ...any) {
	r.message = fmt.Sprint(args...)
	runtime.Goexit()
}

func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

// fatal returns the message with which f fails its test, or "".
func fatal(t *testing.T, f func(tb testing.TB)) string {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
	return r.message
}

func TestBuildCaches(t *testing.T) {
	cache := freshCache(t)
	source := filepath.Join(t.TempDir(), "hello.c")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(source, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write(hello)
	first := Build(t, source)
	if got := run(t, first); got != "hello\n" {
		t.Errorf("the executable prints %q", got)
	}
	if filepath.Base(first) != "hello" || !strings.HasPrefix(first, cache) {
		t.Errorf("the executable is %s, want a hello in %s", first, cache)
	}
	before, err := os.Stat(first)
	if err != nil {
		t.Fatal(err)
	}
	again := Build(t, source)
	after, err := os.Stat(again)
	if err != nil {
		t.Fatal(err)
	}
	if again != first || !os.SameFile(before, after) {
		t.Errorf("the second Build made %s anew, the first was %s", again, first)
	}
	if other := Build(t, source, "-O2"); other == first {
		t.Error("other flags give the same executable")
	}
	write(strings.Replace(hello, "hello", "changed", 1))
	if got := run(t, Build(t, source)); got != "changed\n" {
		t.Errorf("after a change of the source the executable prints %q", got)
	}
}

func TestBuildParallel(t *testing.T) {
	cache := freshCache(t)
	source := Source(t, "hello.c", hello)
	paths := make([]string, 8)
	messages := make([]string, len(paths))
	var group sync.WaitGroup
	for i := range paths {
		group.Go(func() {
			messages[i] = fatal(t, func(tb testing.TB) { paths[i] = Build(tb, source) })
		})
	}
	group.Wait()
	for i, path := range paths {
		if messages[i] != "" || path != paths[0] {
			t.Fatalf("parallel builds return %q and fail with %q", paths, messages)
		}
	}
	if got := run(t, paths[0]); got != "hello\n" {
		t.Errorf("the executable prints %q", got)
	}
	entries, err := os.ReadDir(cache)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 { // the source's and the executable's
		t.Errorf("the cache holds %v", entries)
	}
}

func TestBuildAssembly(t *testing.T) {
	source := Source(t, "exit.s", `
	.globl _start
_start:
	mov $60, %eax
	mov $7, %edi
	syscall
`)
	target := Start(t, Build(t, source, "-nostdlib", "-static"))
	if status := target.Wait(); status.ExitStatus() != 7 {
		t.Errorf("exit status is %v, want 7", status.ExitStatus())
	}
}

func TestBuildDebugInfo(t *testing.T) {
	source := Source(t, "hello.c", hello)
	file, err := elf.Open(Build(t, source))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	dwarf, err := file.DWARF()
	if err != nil {
		t.Fatal(err)
	}
	unit, err := dwarf.Reader().Next()
	if err != nil {
		t.Fatal(err)
	}
	lines, err := dwarf.LineReader(unit)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range lines.Files() {
		if f != nil && f.Name == source {
			return
		}
	}
	t.Errorf("debug information does not name %s", source)
}

func TestBuildWithoutCacheDir(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	if got := run(t, Build(t, Source(t, "hello.c", hello))); got != "hello\n" {
		t.Errorf("the executable prints %q", got)
	}
}

func TestBuildFails(t *testing.T) {
	source := Source(t, "bad.c", "int main(void) { return undeclared; }\n")
	tests := []struct {
		name  string
		build func(tb testing.TB)
		want  string
	}{
		{"compile error", func(tb testing.TB) { Build(tb, source) }, "bad.c:1:25: error: 'undeclared' undeclared"},
		{"no source", func(tb testing.TB) { Build(tb, "none.c") }, "open none.c: no such file or directory"},
		{"no gcc", func(tb testing.TB) {
			t.Setenv("PATH", "")
			Build(tb, source)
		}, "install gcc (make test does it)"},
	}
	t.Setenv("LC_ALL", "C")
	for _, test := range tests {
		if got := fatal(t, test.build); !strings.Contains(got, test.want) {
			t.Errorf("%s: Build says %q, want %q", test.name, got, test.want)
		}
	}
}

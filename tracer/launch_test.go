//go:build linux && amd64

package tracer

import (
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

func TestLaunchRefusals(t *testing.T) {
	tr := newTracer(t)
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// The headers of a 32-bit and of an ARM program.
	elf := func(class, machine byte) string {
		head := make([]byte, 64)
		copy(head, "\x7fELF\x00\x01\x01")
		head[4], head[16], head[18], head[20] = class, 2, machine, 1
		return string(head)
	}
	for _, test := range []struct{ path, want string }{
		{"", "no program given"},
		{"no-such-program-anywhere", "no such program in $PATH"},
		{dir + "/missing", "no such file or directory"},
		{dir, "is a directory"},
		{write("text", "hello\n", 0o755), "neither an ELF file nor a script with a #! line"},
		{write("empty", "", 0o755), "neither an ELF file nor a script with a #! line"},
		{write("plain", "\x7fELF", 0o644), "not executable"},
		{write("short", "\x7fELF", 0o755), "too short"},
		{write("i386", elf(1, 3), 0o755), "32-bit ELF file, want x86-64"},
		{write("arm", elf(2, 183), 0o755), "ARM aarch64 ELF file, want x86-64"},
		{write("orphan", "#!/no/such/interpreter\n", 0o755), "no such file or directory"},
	} {
		p, err := tr.Launch([]string{test.path}, nil)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "launch") {
			t.Errorf("Launch(%q) = %v, %v, want %q", test.path, p, err, test.want)
		}
	}
	if n := len(tr.Processes()); n != 0 {
		t.Errorf("%d processes held after refusals", n)
	}
}

func TestLaunchScript(t *testing.T) {
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := newTracer(t).Launch([]string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantExit(t, p, 3)
}

// TestArgv compares the arguments of programs with what the kernel says of them.
func TestArgv(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh -e\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	tr := newTracer(t)
	for _, argv := range [][]string{{"true"}, {"true", "", "a b", "\n", ""}, {script, "x", ""}} {
		p, err := tr.Launch(argv, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, err := procfs.Cmdline(p.PID)
		if err != nil || !slices.Equal(p.Argv(), want) || len(want) < len(argv) {
			t.Errorf("launch of %q: arguments %q, want %q, %v", argv, p.Argv(), want, err)
		}
		if auxv, err := procfs.Auxv(p.PID); err != nil || !maps.Equal(p.auxv(), auxv) {
			t.Errorf("launch of %q: auxiliary vector %v, want %v, %v", argv, p.auxv(), auxv, err)
		}
	}
	// Another program has its own.
	p, err := tr.Launch([]string{"sh", "-c", "exec env true"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.auxv()
	if _, err := p.On(HookOptions{Reason: ReasonExec}); err != nil {
		t.Fatal(err)
	}
	for stop := cont(t, p); stop.Reason == ReasonExec; stop = cont(t, p) {
		auxv, err := procfs.Auxv(p.PID)
		if err != nil || !maps.Equal(p.auxv(), auxv) {
			t.Errorf("%q: auxiliary vector %v, want %v, %v", p.Argv(), p.auxv(), auxv, err)
		}
		if argv, err := procfs.Cmdline(p.PID); err != nil || !slices.Equal(p.Argv(), argv) {
			t.Errorf("arguments %q, want %q, %v", p.Argv(), argv, err)
		}
	}
}

func TestLaunchOptions(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	dir := t.TempDir()
	p, err := newTracer(t).Launch([]string{"sh", "-c", "pwd; echo $COLOUR; ulimit -n"}, &LaunchOptions{
		Env: []string{"COLOUR=blue"}, Dir: dir, Stdout: w,
		Limits: []Limit{{unix.RLIMIT_NOFILE, 77}},
	})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	wantExit(t, p, 0)
	out, err := io.ReadAll(r)
	if want := dir + "\nblue\n77\n"; err != nil || string(out) != want {
		t.Errorf("it says %q, %v, want %q", out, err, want)
	}
}

func TestASLR(t *testing.T) {
	path := tracertest.Build(t, "testdata/scenes.c")
	for _, aslr := range []bool{false, true} {
		seen := make(map[uint64]bool)
		for range 4 {
			p, err := newTracer(t).Launch([]string{path, "loop"}, &LaunchOptions{ASLR: aslr})
			if err != nil {
				t.Fatal(err)
			}
			seen[reg(t, p.Thread(), arch.RSP)] = true
		}
		if (len(seen) > 1) != aslr {
			t.Errorf("ASLR %t: %d different stacks in 4 runs", aslr, len(seen))
		}
	}
}

func TestPendingBreakpoint(t *testing.T) {
	p := launch(t, "threads", "1")
	b := breakAt(t, p, "libc!pthread_create", nil)
	if !b.Pending() {
		t.Fatalf("it lies at %#x before libc is loaded", b.Addrs())
	}
	if stop := cont(t, p); stop.Breakpoint != b {
		t.Fatalf("stop = %s, want the breakpoint", stop.Reason)
	}
	if _, err := p.Breakpoint(&BreakpointOptions{Location: "wrok"}); err == nil || err.Error() != `no symbol "wrok" (did you mean work?)` {
		t.Errorf("breakpoint with a typo: %v", err)
	}
	// That libraries are loaded shows without anything that waited for them.
	p = launch(t, "threads", "1")
	breakAt(t, p, "main", nil)
	cont(t, p)
	if b, err := p.Breakpoint(&BreakpointOptions{Location: "wrok"}); err == nil {
		t.Errorf("breakpoint with a typo: no error, pending %t", b.Pending())
	}
}

// TestLooseBreakpoint sets a breakpoint on a name that a method of the program has until
// libc brings a function of that name.
func TestLooseBreakpoint(t *testing.T) {
	path := tracertest.Build(t, "testdata/loose.cc", "-O0", "-g")
	for _, hardware := range []bool{false, true} {
		p, err := newTracer(t).Launch([]string{path}, nil)
		if err != nil {
			t.Fatal(err)
		}
		set := func(location string) *Breakpoint {
			b, err := p.Breakpoint(&BreakpointOptions{Location: location, Hardware: hardware})
			if err != nil || b.Pending() {
				t.Fatalf("breakpoint at %s: %v, pending %t", location, err, b.Pending())
			}
			return b
		}
		moves, stays := set("write"), set("flush")
		if stop := cont(t, p); stop.Breakpoint != stays {
			t.Fatalf("stop = %s at %#x, want flush", stop.Reason, stop.PC)
		}
		stop := cont(t, p)
		if sym, _ := p.SymbolAt(stop.PC); stop.Breakpoint != moves || !slices.Contains([]string{"write", "__write"}, sym.Name) {
			t.Fatalf("stop = %s in %s, want libc's write", stop.Reason, sym.Name)
		}
		wantExit(t, p, 0)
		if moves.Hits() != 1 || stays.Hits() != 1 {
			t.Errorf("%d and %d hits, want 1 each", moves.Hits(), stays.Hits())
		}
	}
}

// TestLaunchBadLimit launches a program with a limit that the kernel refuses.
func TestLaunchBadLimit(t *testing.T) {
	tr := newTracer(t)
	_, err := tr.Launch([]string{"true"}, &LaunchOptions{Limits: []Limit{{Resource: 1000, Value: 1}}})
	if want := "launch true: set limit 1000 to 1: invalid argument"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

//go:build linux && amd64

package tracer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/core"
	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

func openCore(t testing.TB, path string, o *core.Options) *Core {
	t.Helper()
	c, err := newTracer(t).OpenCore(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// launchCores runs testdata/cores.c with n threads until it is about to die.
func launchCores(t testing.TB, n int) *Process {
	t.Helper()
	path := tracertest.Build(t, "testdata/cores.c")
	p, err := newTracer(t).Launch([]string{path, fmt.Sprint(n), "two words"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if stop := cont(t, p); stop.Reason != ReasonSignal || stop.Signal != int(unix.SIGSEGV) {
		t.Fatalf("stop = %s, signal %d, want SIGSEGV", stop.Reason, stop.Signal)
	}
	return p
}

// gdb runs gdb and returns what it prints.
func gdb(t testing.TB, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tracertest.Tool(t, "gdb"), append([]string{"-nx", "-batch", "-iex", "set debuginfod enabled off"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("gdb: %v\n%s", err, out)
	}
	return string(out)
}

// wantCrash checks what the core of testdata/cores.c with n threads has.
func wantCrash(t *testing.T, c *Core, n int) {
	t.Helper()
	if c.Signal() != int(unix.SIGSEGV) || c.Stop().Reason != ReasonSignal || c.Stop().Siginfo().Addr() != 0 || !c.Stop().Fatal() {
		t.Errorf("the stop is %+v, want SIGSEGV at 0", c.Stop())
	}
	wantScene(t, c, n, "two words")
	if got := functionsOf(t, c.Thread()); !slices.Equal(got[:2], []string{"store", "main"}) {
		t.Errorf("the stack is %q, want store, main, ...", got)
	}
}

// wantScene checks what is the same in all cores of testdata/cores.c.
func wantScene(t *testing.T, c *Core, n int, arg string) {
	t.Helper()
	exe := tracertest.Build(t, "testdata/cores.c")
	if c.Exe() != exe || !slices.Equal(c.Argv(), []string{exe, fmt.Sprint(n), arg}) {
		t.Errorf("the program is %s, its arguments are %q", c.Exe(), c.Argv())
	}
	if len(c.Threads()) != n+1 {
		t.Fatalf("the core has %d threads, want %d", len(c.Threads()), n+1)
	}
	values := make(map[uint64]bool)
	for _, thread := range c.Threads() {
		if thread.TID == c.PID() {
			continue
		}
		xmm7, err := thread.XReg(arch.LookupX("xmm7"))
		if err != nil {
			t.Fatal(err)
		}
		value := binary.LittleEndian.Uint64(xmm7)
		if values[value] = true; ^value != binary.LittleEndian.Uint64(xmm7[8:]) || value < 1 || value > uint64(n) {
			t.Errorf("thread %d has xmm7 %x", thread.TID, xmm7)
		}
		got := functionsOf(t, thread)
		if want := append([]string{"wait_with"}, slices.Repeat([]string{"deep"}, 41)...); len(got) < 43 || !slices.Equal(got[:42], want) || got[42] != "thread" {
			t.Errorf("the stack of thread %d is %q", thread.TID, got)
		}
	}
	if len(values) != n {
		t.Errorf("%d threads have values of their own, want %d", len(values), n)
	}
	for loc, want := range map[string]string{
		"constant": "in the file", "variable": "in the core", "@heap": "on the heap", "@sparse+0x800000": "in a sparse mapping",
		"@shared": "shared without a file", "@deleted": "in a deleted file", "@private_file": "changed in private", "@guarded": "behind a guard",
	} {
		name, isPointer := strings.CutPrefix(loc, "@")
		if !isPointer {
			wantText(t, c, must(c.Addr(name)), want)
			continue
		}
		name, offset, _ := strings.Cut(name, "+")
		var delta uint64
		fmt.Sscanf(offset, "0x%x", &delta)
		wantText(t, c, pointerIn(t, c, name)+delta, want)
	}
}

func wantText(t *testing.T, c *Core, addr uint64, want string) {
	t.Helper()
	buf := make([]byte, len(want))
	if _, err := c.ReadAt(addr, buf); err != nil || string(buf) != want {
		t.Errorf("at %#x is %q, error %v, want %q", addr, buf, err, want)
	}
}

// pointerIn returns the value of a variable of the program.
func pointerIn(t testing.TB, c *Core, name string) uint64 {
	t.Helper()
	var word [8]byte
	if _, err := c.ReadAt(must(c.Addr(name)), word[:]); err != nil {
		t.Error(err)
	}
	return binary.LittleEndian.Uint64(word[:])
}

// functionsOf returns the names of the functions on a stack, "" for none.
func functionsOf(t testing.TB, thread *CoreThread) (names []string) {
	t.Helper()
	frames, err := thread.Frames(100)
	if err != nil {
		t.Errorf("the stack of thread %d ends: %v", thread.TID, err)
	}
	for _, f := range frames {
		sym, _, _ := f.Symbol()
		names = append(names, sym.Name)
	}
	return names
}

func TestCoreOfKernel(t *testing.T) {
	path := tracertest.Core(t, tracertest.Build(t, "testdata/cores.c"), "3", "two words")
	c := openCore(t, path, nil)
	wantCrash(t, c, 3)
	wantText(t, c, pointerIn(t, c, "beyond"), "before its end")
	for _, img := range must(c.Images()) {
		if img.Err != nil {
			t.Error(img.Err)
		}
	}
	if c.Missing() != 0 {
		t.Errorf("%d bytes are missing", c.Missing())
	}
	// One is in the core, the other in the program's file.
	for text, name := range map[string]string{"in the core\x00": "variable", "in the file\x00": "constant"} {
		hits := must(c.Find(must(Literal([]byte(text))), nil))
		if want := must(c.Addr(name)); !slices.Contains(hits, want) {
			t.Errorf("%q is found at %#x, want %#x", text, hits, want)
		}
	}
	var errno unix.Errno
	if _, err := c.ReadAt(1<<46-8, make([]byte, 8)); !errors.As(err, &errno) || errno != unix.EFAULT {
		t.Errorf("reading what is not mapped is error %v", err)
	}
}

func TestCoreOfGDB(t *testing.T) {
	exe := tracertest.Build(t, "testdata/cores.c")
	t.Run("at a signal", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "core")
		gdb(t, "-ex", "run", "-ex", "generate-core-file "+path, "--args", exe, "3", "two words")
		wantCrash(t, openCore(t, path, nil), 3)
	})
	t.Run("gcore", func(t *testing.T) {
		target := tracertest.Start(t, exe, "3", "wait")
		target.ReadLine()
		path := filepath.Join(t.TempDir(), "core")
		gdb(t, "-p", fmt.Sprint(target.PID), "-ex", "generate-core-file "+path)
		c := openCore(t, path, nil)
		if c.Stop().Reason != ReasonInterrupt || c.Stop().Siginfo() != nil {
			t.Errorf("the stop is %+v, want an interrupt", c.Stop())
		}
		wantScene(t, c, 3, "wait")
	})
}

// TestCoresAsGDB compares what is seen in cores that the kernel, gdb and SaveCore have
// written with what gdb sees in them, and those of SaveCore with lldb too.
func TestCoresAsGDB(t *testing.T) {
	exe := tracertest.Build(t, "testdata/cores.c")
	dir := t.TempDir()
	p := launchCores(t, 8)
	ours, gcore := filepath.Join(dir, "ours"), filepath.Join(dir, "gdb")
	if err := p.SaveCore(ours); err != nil {
		t.Fatal(err)
	}
	gdb(t, "-ex", "run", "-ex", "generate-core-file "+gcore, "--args", exe, "8", "two words")
	var opened []*Core
	cores := []string{tracertest.Core(t, exe, "8", "two words"), gcore, ours}
	for _, path := range cores {
		opened = append(opened, openCore(t, path, nil))
	}
	compareCores(t, exe, cores, opened)
	compareLLDB(t, exe, ours, opened[2])
}

// compareLLDB compares the threads, stacks and images of a core with those that lldb sees.
func compareLLDB(t *testing.T, exe, path string, c *Core) {
	t.Helper()
	out, err := exec.Command(tracertest.Tool(t, "lldb"), "--no-lldbinit", "--batch", "-o", "settings set frame-format 'frame ${frame.index} ${frame.pc}\\n'",
		"-o", "settings set thread-stop-format 'thread ${thread.id}\\n'", "-o", "bt all", "-o", "image list -b -h", "-c", path, exe).CombinedOutput()
	if err != nil {
		t.Fatalf("lldb: %v\n%s", err, out)
	}
	var want, got strings.Builder
	for _, th := range c.Threads() {
		fmt.Fprintf(&want, "thread 0x%04x\n", th.TID)
		for i, f := range must(th.Frames(100)) {
			fmt.Fprintf(&want, "frame %d 0x%016x\n", i, f.PC)
		}
	}
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimLeft(line, " *"); strings.HasPrefix(line, "thread ") || strings.HasPrefix(line, "frame ") {
			got.WriteString(line)
		}
	}
	if got.String() != want.String() {
		t.Errorf("lldb shows\n%swant\n%s", got.String(), want.String())
	}
	for _, img := range must(c.Images()) {
		if line := fmt.Sprintf("] %s 0x%016x", img.Name(), img.Bias); img.Path != "[vdso]" && !strings.Contains(string(out), line) {
			t.Errorf("lldb does not show the image %s:\n%s", line, out)
		}
	}
}

// TestCoreCut cuts a core at many places. Each opens as far as it goes, and what is
// read is right or an error.
func TestCoreCut(t *testing.T) {
	path := tracertest.Core(t, tracertest.Build(t, "testdata/cores.c"), "3", "two words")
	whole := openCore(t, path, nil)
	size := must(os.Stat(path)).Size()
	heap := pointerIn(t, whole, "heap")
	cut := filepath.Join(t.TempDir(), "core")
	if err := os.WriteFile(cut, must(os.ReadFile(path)), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int64{size - 1, size - 5000, size / 2, size / 4, 100 << 10, 40 << 10, 12000, 6000, 3000, 100, 64, 63, 0} {
		if err := os.Truncate(cut, n); err != nil {
			t.Fatal(err)
		}
		c, err := newTracer(t).OpenCore(cut, nil)
		if n < 64 {
			if err == nil {
				t.Errorf("a core of %d bytes opens", n)
			}
			continue
		}
		if err != nil {
			t.Errorf("cut to %d bytes: %v", n, err)
			continue
		}
		if n > 64+56 && c.Missing() == 0 {
			t.Errorf("cut to %d bytes nothing is missing", n)
		}
		for i, thread := range c.Threads() {
			if *must(thread.Regs()) != *must(whole.Threads()[i].Regs()) {
				t.Errorf("cut to %d bytes thread %d has other registers", n, thread.TID)
			}
			thread.Frames(100) // ends with an error where the stack is cut
		}
		if n >= 40<<10 && len(c.Threads()) != 4 {
			t.Errorf("cut to %d bytes the core has %d threads", n, len(c.Threads()))
		}
		if crash, err := c.Crash(nil); err != nil {
			if n >= 12000 {
				t.Errorf("cut to %d bytes: %v", n, err)
			}
		} else if crash.Stack.Err != nil && (slices.Contains(crash.Tags, "PossibleStackCorruption") || !strings.Contains(crash.Explanation, "The core was cut")) {
			t.Errorf("cut to %d bytes the crash has tags %q: %s", n, crash.Tags, crash.Explanation)
		}
		buf := make([]byte, 11)
		if _, err := c.ReadAt(heap, buf); err == nil && string(buf) != "on the heap" || err != nil && n > 100<<10 {
			t.Errorf("cut to %d bytes the heap has %q, error %v", n, buf, err)
		}
		stack := must(whole.Thread().Regs()).SP()
		if _, err := c.ReadAt(stack, buf); n > 12000 && n <= size/2 && (err == nil || !strings.Contains(err.Error(), "the core was cut")) {
			t.Errorf("cut to %d bytes the stack can be read: %v", n, err)
		}
	}
}

// TestCoreFiles looks for the files of a core that have changed, or are elsewhere.
func TestCoreFiles(t *testing.T) {
	build := func(flags ...string) []byte {
		return must(os.ReadFile(tracertest.Build(t, "testdata/cores.c", flags...)))
	}
	put := func(path string, data []byte) {
		t.Helper()
		os.Remove(path)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name       string
		built, now []byte // now nil: the file is gone
		id         bool
		want       string // in the error, or ""
	}{
		{"the same", build(), build(), true, ""},
		{"replaced", build(), build("-O1"), true, ", the process had "},
		{"missing", build(), nil, true, "is missing, it had build ID "},
		{"the same without an ID", build("-Wl,--build-id=none"), build("-Wl,--build-id=none"), false, ""},
		{"replaced without an ID", build("-Wl,--build-id=none"), build("-Wl,--build-id=none", "-O1"), false, "begins with other bytes"},
		{"replaced by one without an ID", build(), build("-Wl,--build-id=none"), true, "has build ID none, the process had "},
		{"replaced by a text", build(), []byte("no program"), true, "not an ELF file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "program")
			put(program, test.built)
			path := tracertest.Core(t, program, "0")
			moved := filepath.Join(t.TempDir(), "moved")
			root := t.TempDir()
			put(moved, test.built)
			put(root+program, test.built)
			if os.Remove(program); test.now != nil {
				put(program, test.now)
			}

			c := openCore(t, path, nil)
			pc := must(c.Thread().Regs()).PC()
			img, ok := c.ImageAt(pc)
			var code [4]byte
			_, err := c.ReadAt(pc, code[:])
			if test.want == "" {
				if !ok || img.Err != nil || err != nil {
					t.Errorf("the image is %+v, reading code is error %v", img, err)
				}
			} else if !ok || img.Err == nil || !strings.Contains(img.Err.Error(), test.want) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the image is %+v, reading code is error %v, want %q", img, err, test.want)
			}
			for name, o := range map[string]*core.Options{"exe": {Exe: moved}, "sysroot": {Sysroot: root}} {
				c := openCore(t, path, o)
				if got := functionsIn(c); !slices.Equal(got, []string{"store", "main"}) {
					t.Errorf("with %s the stack is %q", name, got)
				}
			}
			if test.id && test.now != nil && test.want != "" {
				if _, err := newTracer(t).OpenCore(path, &core.Options{Exe: program}); err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("with the wrong program opening is error %v, want %q", err, test.want)
				}
			}
		})
	}
}

// TestCorePlainFile looks for a file of a core that is no ELF file, which the core leaves
// out.
func TestCorePlainFile(t *testing.T) {
	program := tracertest.Build(t, "testdata/mapsfile.c")
	for _, test := range []struct {
		name, arg string
		change    func(path string) error // after the core was written
		want      string                  // in the error, or ""
	}{
		{"the same", "", func(string) error { return nil }, ""},
		{"written to", "", func(path string) error { return os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)) }, "was written to after the core"},
		{"cut", "", func(path string) error {
			return errors.Join(os.Truncate(path, 1), os.Chtimes(path, time.Time{}, time.Unix(1, 0)))
		}, "ends before it"},
		{"missing", "", os.Remove, "is missing"},
		{"a pipe", "", func(path string) error { return errors.Join(os.Remove(path), unix.Mkfifo(path, 0o666)) }, "is not a regular file"},
		{"deleted", "delete", func(path string) error {
			return errors.Join(os.WriteFile(path, bytes.Repeat([]byte("other"), 4000), 0o666), os.Chtimes(path, time.Time{}, time.Unix(1, 0)))
		}, "was deleted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(file, bytes.Repeat([]byte("text of ten"), 1000), 0o666); err != nil {
				t.Fatal(err)
			}
			path := tracertest.Core(t, program, file, test.arg)
			if err := test.change(file); err != nil {
				t.Fatal(err)
			}
			c := openCore(t, path, nil)
			var word [8]byte
			if _, err := c.ReadAt(must(c.Addr("text")), word[:]); err != nil {
				t.Fatal(err)
			}
			addr, got := binary.LittleEndian.Uint64(word[:]), make([]byte, 11)
			_, err := c.ReadAt(addr+5500, got)
			if test.want == "" {
				if string(got) != "text of ten" || err != nil {
					t.Errorf("reading the file gives %q, error %v", got, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("reading the file is error %v, want %q", err, test.want)
			}
			maps := must(c.Maps())
			i := slices.IndexFunc(maps, func(m procfs.Mapping) bool { return m.Start == addr })
			if i < 0 || maps[i].Path != file || maps[i].Perms != procfs.R {
				t.Errorf("the file is mapped as %+v", maps[max(i, 0)])
			}
			if readable := slices.ContainsFunc(c.Readable(), func(m procfs.Mapping) bool { return m.Start <= addr+5500 && addr+5500 < m.End }); readable != (err == nil) {
				t.Errorf("the file is readable: %t, reading it is error %v", readable, err)
			}
			if img, ok := c.ImageAt(addr); ok {
				t.Errorf("the file is the image %+v", img)
			}
		})
	}
}

// functionsIn returns the names of the program's own functions on the stack.
func functionsIn(c *Core) (names []string) {
	frames, _ := c.Thread().Frames(2)
	for _, f := range frames {
		sym, _, _ := f.Symbol()
		names = append(names, sym.Name)
	}
	return names
}

// TestOpenCoreRefuses opens what is no core.
func TestOpenCoreRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("no core at all"), 0o666); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o666); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none"):              "no such file or directory",
		text:                                    "not an ELF file",
		dir:                                     "is not a regular file",
		fifo:                                    "is not a regular file",
		tracertest.Build(t, "testdata/cores.c"): "a program or shared library, want a core",
	} {
		if _, err := newTracer(t).OpenCore(path, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("opening %s is error %v, want %q", path, err, want)
		}
	}
}

// BenchmarkCore opens a core of 50 threads and makes all stacks, of 43 frames and
// more.
func BenchmarkCore(b *testing.B) {
	path := tracertest.Core(b, tracertest.Build(b, "testdata/cores.c"), "50")
	tr := newTracer(b)
	for b.Loop() {
		c, err := tr.OpenCore(path, nil)
		if err != nil {
			b.Fatal(err)
		}
		for _, t := range c.Threads() {
			frames, err := t.Frames(100)
			if err != nil || len(frames) < 3 {
				b.Fatal(len(frames), err)
			}
			for _, f := range frames {
				f.Symbol()
			}
		}
	}
}

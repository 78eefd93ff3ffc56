//go:build linux && amd64

package tracer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

func TestSaveCore(t *testing.T) {
	p := launchCores(t, 3)
	// What is planted must not be seen.
	for _, name := range []string{"store", "deep", "main", "pause"} {
		if _, err := p.Breakpoint(&BreakpointOptions{Location: name}); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "core")
	if err := p.SaveCore(path); err != nil {
		t.Fatal(err)
	}
	c := openCore(t, path, nil)
	wantCrash(t, c, 3)
	wantAgree(t, c, p)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if disk := info.Sys().(*syscall.Stat_t).Blocks * 512; disk > 2<<20 || info.Mode().Perm() != 0o600 {
		t.Errorf("the core takes %d bytes of disk, with permissions %v", disk, info.Mode())
	}
	t.Run("gdb", func(t *testing.T) { wantGDB(t, p, path) })
}

// TestSaveCoreGuards saves memory in which pages are that nobody can read.
func TestSaveCoreGuards(t *testing.T) {
	p, err := newTracer(t).Launch([]string{tracertest.Build(t, "testdata/fence.c")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	cont(t, p)
	var guards [4]byte
	if _, err := p.ReadAt(must(p.Addr("guards")), guards[:]); err != nil {
		t.Fatal(err)
	}
	if guards != [4]byte{} {
		t.Skip("the kernel has no MADV_GUARD_INSTALL")
	}
	path := filepath.Join(t.TempDir(), "core")
	if err := p.SaveCore(path); err != nil {
		t.Fatal(err)
	}
	c := openCore(t, path, nil)
	fenced := pointerIn(t, c, "fenced")
	wantText(t, c, fenced, "before a fence")
	wantText(t, c, fenced+4096, "\x00\x00")
	wantText(t, c, fenced+8192, "behind a fence")
}

// wantAgree checks that a core has what the process has.
func wantAgree(t *testing.T, c *Core, p *Process) {
	t.Helper()
	coreMaps, err := c.Maps()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range must(p.Maps()) {
		if m.Path == "[vvar]" || m.Path == "[vvar_vclock]" || m.Path == "[vsyscall]" {
			continue // nobody but the process itself can read them
		}
		const piece = 256 << 10
		live, dead := make([]byte, piece), make([]byte, piece)
		for at := m.Start; at < m.End; {
			n := min(piece, m.End-at)
			i := slices.IndexFunc(coreMaps, func(o procfs.Mapping) bool { return o.Start <= at && at < o.End })
			if i < 0 || coreMaps[i].Perms != m.Perms&^procfs.Shared || m.Inode != 0 && (coreMaps[i].Path != m.Path || coreMaps[i].Deleted != m.Deleted) {
				t.Errorf("the core does not have the mapping %+v at %#x", m, at)
				break
			}
			got, liveErr := p.ReadAt(at, live[:n])
			if have, err := c.ReadAt(at, dead[:n]); have != got || !bytes.Equal(live[:got], dead[:have]) {
				t.Errorf("of %+v at %#x the core has %d bytes, error %v, the process %d, error %v; they are equal: %t", m, at, have, err, got, liveErr, bytes.Equal(live[:got], dead[:have]))
				break
			}
			if liveErr != nil {
				break
			}
			at += n
		}
	}
	for _, dead := range c.Threads() {
		live := p.tr.threads[dead.TID]
		if a, b := must(live.Regs()), must(dead.Regs()); *a != *b {
			t.Errorf("thread %d has registers %x, in the core %x", dead.TID, *a, *b)
		}
		for i := range arch.XRegisters {
			r := &arch.XRegisters[i]
			a, liveErr := live.XReg(r)
			b, err := dead.XReg(r)
			if !bytes.Equal(a, b) || (err == nil) != (liveErr == nil) {
				t.Errorf("thread %d has %s %x, in the core %x (error %v)", dead.TID, r.Name, a, b, err)
			}
		}
		if a, b := fmt.Sprint(must(live.Frames(100))), fmt.Sprint(must(dead.Frames(100))); a != b {
			t.Errorf("thread %d has the stack %s, in the core %s", dead.TID, a, b)
		}
	}
}

// wantGDB checks that gdb finds in a core what the process has.
func wantGDB(t *testing.T, p *Process, path string) {
	out := gdb(t,
		"-ex", `thread apply all printf "regs %lx %lx %lx\n", $rip, $rsp, $xmm7.v2_int64[0]`,
		"-ex", `printf "texts %s,%s,%s,%s,%s,%s\n", constant, variable, heap, shared, deleted, private_file`,
		"-ex", `printf "sparse %s,%s,%d\n", sparse + 0x800000, sparse + 0x3c00000, sparse[0x2000000]`,
		"-ex", `printf "code %x\n", *(unsigned char *)store`,
		"-ex", `printf "siginfo %d %d %lx\n", $_siginfo.si_signo, $_siginfo.si_code, (long)$_siginfo._sifields._sigfault.si_addr`,
		"-ex", "info sharedlibrary", "-ex", "bt", p.Exe(), path)
	for _, want := range []string{
		"Program terminated with signal SIGSEGV",
		"texts in the file,in the core,on the heap,shared without a file,in a deleted file,changed in private\n",
		"sparse in a sparse mapping,at its end,0\n",
		fmt.Sprintf("code %x\n", must(readCode(p, "store"))),
		"siginfo 11 1 0\n",
		"/libc.so.6", "in store", "in main",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("gdb does not show %q", want)
		}
	}
	// gdb may not know the size of the CPU's XSAVE area, in a kernel's core as in this one.
	found := regexp.MustCompile(`\(LWP (\d+)\)\):\n+(?:warning: (?:Unexpected size of section|Section) .*\n)?regs (\w+) (\w+) (\w+)\n`).FindAllStringSubmatch(out, -1)
	if len(found) != len(p.Threads()) {
		t.Errorf("gdb shows %d threads, want %d", len(found), len(p.Threads()))
	}
	for _, f := range found {
		thread := p.tr.threads[must(strconv.Atoi(f[1]))]
		regs, xmm7 := must(thread.Regs()), must(thread.XReg(arch.LookupX("xmm7")))
		want := fmt.Sprintf("%x %x %x", regs.PC(), regs.SP(), binary.LittleEndian.Uint64(xmm7))
		if got := strings.Join(f[2:], " "); got != want {
			t.Errorf("gdb shows rip, rsp and xmm7 of thread %d as %s, want %s", thread.TID, got, want)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

// readCode returns the first byte of a function.
func readCode(p *Process, name string) (byte, error) {
	var b [1]byte
	_, err := p.ReadAt(must(p.Addr(name)), b[:])
	return b[0], err
}

func TestSaveCoreFails(t *testing.T) {
	p := launchCores(t, 1)
	dir := t.TempDir()
	if err := p.SaveCore(filepath.Join(dir, "none", "core")); !errors.Is(err, unix.ENOENT) {
		t.Errorf("a core in no directory is error %v", err)
	}
	path := filepath.Join(dir, "core")
	if err := os.WriteFile(path, []byte("older"), 0o666); err != nil {
		t.Fatal(err)
	}
	p.tr.Interrupt()
	if err := p.SaveCore(path); !errors.Is(err, ErrInterrupted) {
		t.Errorf("interrupted, it is error %v", err)
	}
	if names := must(filepath.Glob(dir + "/*")); !slices.Equal(names, []string{path}) || string(must(os.ReadFile(path))) != "older" {
		t.Errorf("a core that was not written leaves %q", names)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := p.SaveCore(path); !errors.Is(err, ErrExited) {
		t.Errorf("of a process that is gone it is error %v", err)
	}
}

// BenchmarkSaveCore writes a core of 50 threads.
func BenchmarkSaveCore(b *testing.B) {
	p := launchCores(b, 50)
	path := filepath.Join(b.TempDir(), "core")
	for b.Loop() {
		if err := p.SaveCore(path); err != nil {
			b.Fatal(err)
		}
	}
}

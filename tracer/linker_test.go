//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// plugins launches testdata/plugins.c, which has its libraries, and returns the path of
// the one that it will load.
func plugins(t testing.TB, args ...string) (p *Process, path string) {
	t.Helper()
	path = tracertest.Build(t, "testdata/plugin.c", "-shared", "-fPIC")
	argv := append([]string{tracertest.Build(t, "testdata/plugins.c"), path}, args...)
	p, err := newTracer(t).Launch(argv, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p, path
}

func TestLibrariesComeAndGo(t *testing.T) {
	for name, args := range map[string][]string{"dlopen": nil, "dlmopen": {"new"}} {
		t.Run(name, func(t *testing.T) {
			p, path := plugins(t, args...)
			catch(t, p, ReasonLoad)
			catch(t, p, ReasonUnload)
			stop := cont(t, p)
			if stop.Reason != ReasonLoad || !slices.ContainsFunc(stop.Libraries, func(img *image.Image) bool { return imageMatches(img, "libc") }) {
				t.Fatalf("stop = %s of %v, want load of the C library", stop.Reason, stop.Libraries)
			}
			for range 3 {
				var img *image.Image
				for _, reason := range []Reason{ReasonLoad, ReasonUnload} {
					stop := cont(t, p)
					i := slices.IndexFunc(stop.Libraries, func(img *image.Image) bool { return img.Path == path })
					if stop.Reason != reason || i < 0 {
						t.Fatalf("stop = %s of %v, want %s of %s", stop.Reason, stop.Libraries, reason, path)
					}
					if reason == ReasonLoad {
						img = stop.Libraries[i]
						if len(img.Lookup("plug")) != 1 {
							t.Errorf("%s has no symbol plug", path)
						}
					} else if stop.Libraries[i] != img || img.Err == nil || !strings.Contains(img.Err.Error(), "was unloaded") {
						t.Errorf("unloaded is %+v, want that which was loaded", stop.Libraries[i])
					}
				}
			}
			if _, err := p.Addr("plugin!plug"); err == nil || !strings.HasSuffix(err.Error(), "plugin was unloaded") {
				t.Errorf("Addr: %v, want that it was unloaded", err)
			}
			wantExit(t, p, 0)
		})
	}
}

// TestBreakpointsOutliveLibrary unloads a library with breakpoints and a watchpoint in
// it, which come back with it.
func TestBreakpointsOutliveLibrary(t *testing.T) {
	p, _ := plugins(t)
	here := breakAt(t, p, "here", nil)
	load := catch(t, p, ReasonLoad)
	cont(t, p) // the libraries that it needs
	if stop := cont(t, p); stop.Reason != ReasonLoad {
		t.Fatalf("stop = %s, want load", stop.Reason)
	}
	load.Remove()
	byName := breakAt(t, p, "plugin!plug", nil)
	addr := byName.Addrs()[0]
	var users []*Breakpoint
	for _, o := range []*BreakpointOptions{{Addr: addr}, {Addr: addr, Hardware: true}} {
		b, err := p.Breakpoint(o)
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, b)
	}
	w := watch(t, p, "plugin!cell", 8, AccessWrite, nil)
	for n := range uint64(3) {
		if stop := cont(t, p); stop.Breakpoint != byName || reg(t, stop.Thread, arch.RDI) != n+1 {
			t.Fatalf("stop %d = %s, want the breakpoint by name", n, stop.Reason)
		}
		if stop := cont(t, p); stop.Watchpoint != w || stop.New[0] != byte(n+1) {
			t.Fatalf("stop %d = %s, want the watchpoint", n, stop.Reason)
		}
		if stop := cont(t, p); stop.Breakpoint != here {
			t.Fatalf("stop %d = %s, want here", n, stop.Reason)
		}
		for _, b := range append(users, byName, w.b) {
			if !b.Pending() {
				t.Errorf("%s is at %#x in a library that was unloaded", b.describe(), b.Addrs())
			}
		}
		if len(p.sites) != 2 { // here and the dynamic linker's
			t.Errorf("%d sites", len(p.sites))
		}
	}
	for _, b := range append(users, byName, w.b) {
		if b.Hits() != 3 {
			t.Errorf("%s: %d hits, want 3", b.describe(), b.Hits())
		}
	}
	wantExit(t, p, 0)
}

// TestDetachWithoutLibrary detaches when memory with a breakpoint in it has been
// unmapped, or replaced, which nothing has told of.
func TestDetachWithoutLibrary(t *testing.T) {
	for _, replaced := range []bool{false, true} {
		p := injectableAt(t, "plain", "here")
		const anywhere, private = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS, 0
		addr := inject(t, p.Thread(), unix.SYS_MMAP, Words(0, 2*pageSize, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, anywhere, ^uint64(0), private)...)
		if _, err := p.Breakpoint(&BreakpointOptions{Addr: addr}); err != nil {
			t.Fatal(err)
		}
		inject(t, p.Thread(), unix.SYS_MUNMAP, Words(addr, pageSize)...)
		if replaced {
			inject(t, p.Thread(), unix.SYS_MMAP, Words(addr, pageSize, unix.PROT_READ, anywhere|unix.MAP_FIXED, ^uint64(0), private)...)
		}
		if err := p.Detach(0); err != nil {
			t.Errorf("replaced=%t: %v", replaced, err)
		}
	}
}

// TestExecKeeps executes the same program again, from either thread: what was set by
// address is where it was in the image, with its hits, and hooks are there.
func TestExecKeeps(t *testing.T) {
	for _, scene := range []string{"exec", "threadexec"} {
		t.Run(scene, func(t *testing.T) {
			p, err := newTracer(t).Launch([]string{tracertest.Build(t, "testdata/scenes.c"), scene}, &LaunchOptions{ASLR: true})
			if err != nil {
				t.Fatal(err)
			}
			breakAt(t, p, "main", nil).Temp = true
			if stop := cont(t, p); stop.Reason != ReasonBreakpoint {
				t.Fatalf("stop = %s, want main", stop.Reason)
			}
			addr, err := p.Addr("work")
			if err != nil {
				t.Fatal(err)
			}
			decline := func(*Stop) (bool, error) { return false, nil }
			var users []*Breakpoint
			for _, o := range []*BreakpointOptions{
				{Addr: addr}, {Addr: addr, Hardware: true}, {Location: "work"}, {Location: "work", Hardware: true}, {Addr: addr, When: "rdi < 3"},
			} {
				o.Handler = decline
				b, err := p.Breakpoint(o)
				if err != nil {
					t.Fatal(err)
				}
				users = append(users, b)
			}
			w := watch(t, p, "sum", 8, AccessWrite, decline)
			end := breakAt(t, p, "libc!_exit", decline) // in the new program alone
			loads := 0
			if _, err := p.On(HookOptions{Reason: ReasonLoad, Handler: func(*Stop) (bool, error) {
				loads++
				return false, nil
			}}); err != nil {
				t.Fatal(err)
			}
			if _, err := p.Watch(&WatchOptions{Addr: reg(t, p.Thread(), arch.RSP)}); err != nil {
				t.Fatal(err)
			}
			execs, before := 0, 0
			if _, err := p.On(HookOptions{Reason: ReasonExec, Handler: func(*Stop) (bool, error) {
				execs++
				before = w.Hits() // of a thread that spins
				return false, nil
			}}); err != nil {
				t.Fatal(err)
			}
			wantExit(t, p, 0)
			if execs != 1 || loads != 1 || end.Hits() != 1 {
				t.Errorf("%d stops at exec, %d at loads, %d at the end, want 1 each", execs, loads, end.Hits())
			}
			for _, b := range users {
				if b.Hits() != 3 {
					t.Errorf("%s: %d hits, want 3", b.describe(), b.Hits())
				}
			}
			if n := w.Hits() - before; n != 3 {
				t.Errorf("%d accesses to sum after exec, want 3", n)
			}
			if n := len(p.Watchpoints()); n != 1 {
				t.Errorf("%d watchpoints, want the one that is not on the stack", n)
			}
		})
	}
}

// TestNoLibraries asks for libraries of a program that loads none.
func TestNoLibraries(t *testing.T) {
	p, err := newTracer(t).Launch([]string{tracertest.Build(t, "testdata/scenes.c", "-static"), "loop", "1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range []Reason{ReasonLoad, ReasonUnload} {
		if _, err := p.On(HookOptions{Reason: reason}); err == nil || !strings.Contains(err.Error(), "linked statically") {
			t.Errorf("On %s: %v, want that it is linked statically", reason, err)
		}
	}
	wantExit(t, p, 0)
}

// heap is memory from base on.
type heap struct {
	base uint64
	data []byte
}

func (h heap) ReadAt(addr uint64, buf []byte) (int, error) {
	if addr < h.base || addr-h.base >= uint64(len(h.data)) {
		return 0, unix.EFAULT
	}
	n := copy(buf, h.data[addr-h.base:])
	if n < len(buf) {
		return n, unix.EFAULT
	}
	return n, nil
}

func FuzzLinkMaps(f *testing.F) {
	const base = 0x1000
	word := func(words ...uint64) (data []byte) {
		for _, w := range words {
			data = binary.LittleEndian.AppendUint64(data, w)
		}
		return data
	}
	f.Add(word(1, base+48, 0, 0, 0, 0, 7, 0, 0x70, 0, 0, 0))
	f.Add(word(2, base+48, 0, 0, 0, base, 7, 0, 0x70, base+48))
	f.Add(word(2, 0, 0, 1, 0, base))
	f.Fuzz(func(t *testing.T, data []byte) {
		maps, settled, err := linkMaps(heap{base, data}, base)
		if err != nil && (maps != nil || settled) {
			t.Errorf("%v with %d libraries", err, len(maps))
		}
		if len(maps) > maxLinkMaps {
			t.Errorf("%d libraries", len(maps))
		}
	})
}

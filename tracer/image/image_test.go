package image

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// build returns the path of what gcc makes of testdata/source. It is shared:
// tests that change files copy them.
func build(t testing.TB, source string, flags ...string) string {
	t.Helper()
	return tracertest.Build(t, filepath.Join("testdata", source), flags...)
}

// copied returns the path of a copy of a file.
func copied(t testing.TB, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), filepath.Base(path))
	copyFile(t, path, to)
	return to
}

// run runs a program and returns what it writes.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, errs.String())
	}
	return string(out)
}

func mustOpen(t testing.TB, path string) *File {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A target is a running program made of testdata/report.c. It has written the
// addresses it knows and waits for its input to end.
type target struct {
	pid   int
	addrs map[string]uint64
}

func startTarget(t *testing.T, path string, args ...string) *target {
	t.Helper()
	running := tracertest.Start(t, path, args...)
	target := &target{running.PID, make(map[string]uint64)}
	for line := running.ReadLine(); line != "."; line = running.ReadLine() {
		var name string
		var addr uint64
		if _, err := fmt.Sscanf(line, "%s %v", &name, &addr); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		target.addrs[name] = addr
	}
	return target
}

// ReadAt implements Memory.
func (p *target) ReadAt(addr uint64, buf []byte) (int, error) {
	mem, err := os.Open(procfs.Path(p.pid, "mem"))
	if err != nil {
		return 0, err
	}
	defer mem.Close()
	return mem.ReadAt(buf, int64(addr))
}

func (p *target) images(t *testing.T) []*Image {
	t.Helper()
	maps, err := procfs.Maps(p.pid)
	if err != nil {
		t.Fatal(err)
	}
	return FromMaps(maps, p, func(m procfs.Mapping) (*File, error) { return OpenMapped(p.pid, m) }, nil)
}

func names(images []*Image) []string {
	var s []string
	for _, im := range images {
		s = append(s, im.Name())
	}
	return s
}

// check compares the addresses the target knows with those of its images, all
// of which must have been read.
func (p *target) check(t *testing.T, images []*Image) {
	t.Helper()
	for _, im := range images {
		if im.Err != nil {
			t.Errorf("%s: %v", im.Path, im.Err)
		}
	}
	for name, addr := range p.addrs {
		im := Find(images, addr)
		if im == nil {
			t.Errorf("no image contains %s at %#x", name, addr)
			continue
		}
		if s := im.Lookup(name); len(s) == 0 || s[0].Addr != addr {
			t.Errorf("%s: Lookup(%q) = %+v, want address %#x", im.Path, name, s, addr)
		}
		if s, ok := im.At(addr); !ok || s.Name != name || s.Addr != addr {
			t.Errorf("%s: At(%#x) = %+v, want %s", im.Path, addr, s, name)
		}
	}
}

func TestFromMaps(t *testing.T) {
	for _, test := range []struct {
		name   string
		flags  []string
		images []string
	}{
		{"pie", []string{"-pie", "-fPIE"}, []string{"report", "libc.so.6", "ld-linux-x86-64.so.2", "[vdso]"}},
		{"nopie", []string{"-no-pie", "-fPIC"}, []string{"report", "libc.so.6", "ld-linux-x86-64.so.2", "[vdso]"}},
		{"static", []string{"-static"}, []string{"report", "[vdso]"}},
		{"static-pie", []string{"-static-pie", "-fPIE"}, []string{"[vdso]", "report"}},
		{"old layout", []string{"-Wl,-z,noseparate-code"}, []string{"report", "libc.so.6", "ld-linux-x86-64.so.2", "[vdso]"}},
		{"lld-like gaps", []string{"-Wl,-z,max-page-size=0x200000"}, []string{"report", "libc.so.6", "ld-linux-x86-64.so.2", "[vdso]"}},
		{"high base", []string{"-no-pie", "-fPIC", "-Wl,-Ttext-segment=0x70000000"}, []string{"report", "libc.so.6", "ld-linux-x86-64.so.2", "[vdso]"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			exe := build(t, "report.c", test.flags...)
			p := startTarget(t, exe)
			images := p.images(t)
			got := names(images)
			slices.Sort(got) // the order of the libraries and the vdso varies
			slices.Sort(test.images)
			if !slices.Equal(got, test.images) {
				t.Errorf("images %q, want %q", got, test.images)
			}
			for i := 1; i < len(images); i++ {
				if images[i-1].End > images[i].Start {
					t.Errorf("%+v and %+v overlap or are not sorted", images[i-1], images[i])
				}
			}
			p.check(t, images)

			auxv, err := procfs.Auxv(p.pid)
			if err != nil {
				t.Fatal(err)
			}
			main := Find(images, auxv[procfs.AT_ENTRY])
			if main == nil || main.Path != exe || main.File.Entry()+main.Bias != auxv[procfs.AT_ENTRY] {
				t.Errorf("%+v holds the entry point %#x", main, auxv[procfs.AT_ENTRY])
			}
			if im := Find(images, auxv[procfs.AT_SYSINFO_EHDR]); im == nil || im.Path != "[vdso]" || im.Bias != auxv[procfs.AT_SYSINFO_EHDR] {
				t.Errorf("%+v holds the vdso", im)
			} else if s := im.Lookup("__vdso_clock_gettime"); len(s) != 1 || !im.Contains(s[0].Addr) {
				t.Errorf("vdso: __vdso_clock_gettime is %+v", s)
			}
			if base := auxv[procfs.AT_BASE]; base != 0 {
				if im := Find(images, base); im == nil || im.Bias != base || im.Path != main.File.Interp() && im.Name() != filepath.Base(main.File.Interp()) {
					t.Errorf("%+v holds the interpreter at %#x", im, base)
				}
			}
			for _, im := range images {
				if table, bias, err := im.CFI(); table == nil || bias != im.Bias || err != nil {
					t.Errorf("%s: CFI = %v, %#x, %v", im.Path, table, bias, err)
				}
			}
		})
	}
}

// TestDeleted has a program that was removed and a library that was replaced.
// Only who may follow the links in map_files can open the library; others read it
// from memory.
func TestDeleted(t *testing.T) {
	original := build(t, "lib.c", "-shared", "-fPIC", "-Wl,-soname=lib")
	lib := copied(t, original)
	exe := copied(t, build(t, "report.c", "-DLIBRARY", original))
	t.Setenv("LD_LIBRARY_PATH", filepath.Dir(lib))
	p := startTarget(t, exe)
	if err := os.Remove(exe); err != nil {
		t.Fatal(err)
	}
	copyFile(t, "/bin/ls", lib+".new")
	if err := os.Rename(lib+".new", lib); err != nil {
		t.Fatal(err)
	}
	images := p.images(t)
	im := Find(images, p.addrs["library_function"])
	if im == nil || im.Path != lib {
		t.Fatalf("%+v holds library_function, want %s", im, lib)
	}
	refused := lib + " has been deleted: "
	p.check(t, images)
	whole := im.File

	maps, err := procfs.Maps(p.pid)
	if err != nil {
		t.Fatal(err)
	}
	inMemory := FromMaps(maps, p, func(m procfs.Mapping) (*File, error) {
		if m.Path == lib {
			return nil, fs.ErrPermission
		}
		return OpenMapped(p.pid, m)
	}, nil)
	p.check(t, inMemory)
	copied := Find(inMemory, p.addrs["library_function"]).File
	if copied.BuildID() != whole.BuildID() {
		t.Errorf("build ID %s in memory, want %s", copied.BuildID(), whole.BuildID())
	}
	if _, err := copied.CFI(); err != nil {
		t.Error(err)
	}

	// The links of no mapping are refused to all.
	for _, im := range images {
		if im.Path == vdsoPath {
			continue
		}
		deleted := im.Path == exe || im.Path == lib
		f, err := OpenMapped(p.pid, procfs.Mapping{Start: 1, End: 1, Path: im.Path, Deleted: deleted})
		if im.Path == lib {
			if err == nil || !strings.HasPrefix(err.Error(), refused) {
				t.Errorf("%s: got error %v, want %s", im.Path, err, refused)
			}
		} else if f != im.File || err != nil {
			t.Errorf("%s: got %v, %v; want the same file", im.Path, f, err)
		}
	}
}

// TestMemfd has a program in a file that never had a path.
func TestMemfd(t *testing.T) {
	data, err := os.ReadFile(build(t, "report.c"))
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.MemfdCreate("program", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, data); err != nil {
		t.Fatal(err)
	}
	p := startTarget(t, fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd))
	images := p.images(t)
	p.check(t, images)
	if im := Find(images, p.addrs["main"]); im == nil || im.Path != "/memfd:program" {
		t.Errorf("main is in %+v", im)
	}
}

// TestMappedTwice has a process map a library once more at another bias, split
// its code by mprotect, and map a file that is not ELF as code.
func TestMappedTwice(t *testing.T) {
	lib := build(t, "lib.c", "-shared", "-fPIC")
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, make([]byte, 10000), 0o644); err != nil {
		t.Fatal(err)
	}
	p := startTarget(t, build(t, "report.c", "-DLIBRARY", lib), lib, text)
	images := p.images(t)
	var biases []uint64
	for _, im := range images {
		if im.Path == lib {
			biases = append(biases, im.Bias)
		}
		if im.Path == text {
			t.Errorf("%s is an image", text)
		}
	}
	if len(biases) != 2 || biases[0] == biases[1] {
		t.Errorf("%s has the biases %#x in %q, want two", lib, biases, names(images))
	}
	delete(p.addrs, "again") // where the second one is
	p.check(t, images)
}

// TestUnreadable keeps images whose files cannot be opened.
func TestUnreadable(t *testing.T) {
	p := startTarget(t, build(t, "report.c"))
	maps, err := procfs.Maps(p.pid)
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	refuse := errors.New("refused")
	images := FromMaps(maps, failing{}, func(m procfs.Mapping) (*File, error) {
		opened++
		return nil, refuse
	}, nil)
	// What is known is neither opened nor read.
	whole := p.images(t)
	known := FromMaps(maps, failing{}, func(m procfs.Mapping) (*File, error) {
		t.Errorf("%s is opened, though its file is known", m.Path)
		return nil, refuse
	}, func(m procfs.Mapping) *File { return Find(whole, m.Start).File })
	if got, want := names(known), names(whole); !slices.Equal(got, want) {
		t.Errorf("images %q of known files, want %q", got, want)
	}
	for _, im := range known {
		if same := Find(whole, im.Start); im.Err != nil || im.File != same.File || im.Bias != same.Bias {
			t.Errorf("%+v of a known file, want %+v", im, same)
		}
	}
	if opened != 3 || len(images) != 4 {
		t.Errorf("opened %d files for the images %q, want 3 and 4", opened, names(images))
	}
	for _, im := range images {
		want := refuse
		if im.Path == vdsoPath {
			want = io.ErrUnexpectedEOF
		}
		if !errors.Is(im.Err, want) || im.File != nil {
			t.Errorf("%s: error %v, want %v", im.Path, im.Err, want)
		}
		if s := im.Lookup("main"); s != nil {
			t.Errorf("%s: Lookup = %+v", im.Path, s)
		}
		if s, ok := im.At(im.Start); ok {
			t.Errorf("%s: At = %+v", im.Path, s)
		}
		if _, _, err := im.CFI(); !errors.Is(err, want) {
			t.Errorf("%s: CFI fails with %v, want %v", im.Path, err, want)
		}
	}
	for _, name := range []string{"main", "puts"} {
		if im := Find(images, p.addrs[name]); im == nil || im.Path == vdsoPath {
			t.Errorf("%s at %#x is in %+v", name, p.addrs[name], im)
		}
	}
}

type failing struct{}

func (failing) ReadAt(uint64, []byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestFind(t *testing.T) {
	images := []*Image{{Start: 10, End: 100}, {Start: 20, End: 30}, {Start: 200, End: 210}}
	for addr, want := range map[uint64]*Image{
		9: nil, 10: images[0], 20: images[1], 29: images[1], 30: images[0], 99: images[0], 100: nil, 209: images[2], 210: nil,
	} {
		if got := Find(images, addr); got != want {
			t.Errorf("Find(%d) = %+v, want %+v", addr, got, want)
		}
	}
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o755); err != nil {
		t.Fatal(err)
	}
}

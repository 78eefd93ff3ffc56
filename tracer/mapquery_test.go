//go:build linux && amd64

package tracer

import (
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// TestMapsLike asks for the mappings of this process, of which it knows all, none of
// those that matter, or others, and compares them with what is read.
func TestMapsLike(t *testing.T) {
	// The runtime maps nothing new meanwhile, or it is tried again.
	file := t.TempDir() + "/new\nline (deleted)"
	if err := os.WriteFile(file, make([]byte, 2*pageSize), 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	gone, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	gone.Write(make([]byte, pageSize))
	os.Remove(gone.Name())
	for _, f := range []*os.File{f, gone} {
		for _, flags := range []int{unix.MAP_PRIVATE, unix.MAP_SHARED} {
			mem, err := unix.Mmap(int(f.Fd()), 0, pageSize, unix.PROT_READ, flags)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Munmap(mem)
		}
	}
	var q ptrace.MapQuery
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	defer maps.Close()
	if err := ptrace.QueryMapping(int(maps.Fd()), 0, &q, nil); err != nil {
		t.Logf("mappings are read, as the kernel cannot be asked for them: %v", err)
	}
	pid := os.Getpid()
	read := func() []procfs.Mapping {
		maps, err := procfs.Maps(pid)
		if err != nil {
			t.Fatal(err)
		}
		return maps
	}
	for name, known := range map[string]func([]procfs.Mapping) []procfs.Mapping{
		"all":  func(all []procfs.Mapping) []procfs.Mapping { return all },
		"none": func([]procfs.Mapping) []procfs.Mapping { return nil },
		"the last two": func(all []procfs.Mapping) []procfs.Mapping {
			return all[len(all)-2:]
		},
		"others": func(all []procfs.Mapping) []procfs.Mapping {
			others := slices.Clone(all)
			for i := range others[:len(all)-1] { // the last one is vsyscall
				switch i % 4 {
				case 0:
					others[i].End += pageSize
				case 1:
					others[i].Perms ^= procfs.W
				case 2:
					others[i].Inode++
				}
			}
			return others
		},
	} {
		var want, got []procfs.Mapping
		for range 100 {
			want = read()
			if got, err = mapsLike(pid, known(want)); err != nil {
				t.Fatal(err)
			}
			if slices.Equal(want, read()) {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("with %s known it is\n%v, want\n%v", name, got, want)
		}
	}
}

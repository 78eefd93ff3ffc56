package debuginfo

import (
	"bytes"
	"debug/dwarf"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// A reading counts the bytes that are read of all sections, and fails once told to.
type reading struct {
	n   atomic.Int64
	err error
}

// A pagedSection is one that is read in pages.
type pagedSection struct {
	*reading
	data []byte
}

func (p pagedSection) ReadAt(b []byte, off int64) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	p.n.Add(int64(len(b)))
	return bytes.NewReader(p.data).ReadAt(b, off)
}

func (p pagedSection) Read([]byte) (int, error) { panic("read in order, want pages") }

// A streamedSection is one that is read in order.
type streamedSection struct {
	*reading
	r io.Reader
}

func (s streamedSection) Read(b []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Read(b)
	s.n.Add(int64(n))
	return n, err
}

// openParts opens the debug information of an ELF file so that it is read in parts,
// which together have the given size.
func openParts(t *testing.T, path string, stream bool) (d *Data, read *reading, size int) {
	t.Helper()
	load := sectionsOf(t, path)
	read = new(reading)
	d, err := Open(path, load, func(name string) (io.Reader, int64) {
		data, err := load(name)
		if err != nil {
			t.Fatal(err)
		}
		size += len(data)
		if stream {
			return streamedSection{read, bytes.NewReader(data)}, int64(len(data))
		}
		return pagedSection{read, data}, int64(len(data))
	})
	if err != nil {
		t.Fatal(err)
	}
	return d, read, size
}

// inParts calls f for sections that are read in pages and for those read in order.
func inParts(t *testing.T, f func(t *testing.T, stream bool)) {
	old := pageSize
	defer func() { pageSize = old }()
	pageSize = 256
	t.Run("pages", func(t *testing.T) { f(t, false) })
	t.Run("stream", func(t *testing.T) { f(t, true) })
}

func TestParts(t *testing.T) {
	path := goBinary(t, "-ldflags=-compressdwarf=false")
	whole := openFile(t, path)
	list, err := whole.FuncsNamed("main.main")
	if err != nil {
		t.Fatal(err)
	}
	pc := list[0].Entry
	want, err := whole.Line(pc)
	if err != nil {
		t.Fatal(err)
	}
	inParts(t, func(t *testing.T, stream bool) {
		d, read, size := openParts(t, path, stream)
		if got, err := d.Line(pc); err != nil || got != want {
			t.Errorf("Line(%#x) = %v, %v, want %v", pc, got, err, want)
		}
		places, err := d.Places("gofixture/"+filepath.Base(want.File), want.Line)
		if err != nil || len(places) == 0 || places[0].Line.Line != want.Line {
			t.Errorf("Places(%s:%d) = %+v, %v", want.File, want.Line, places, err)
		}
		if n := read.n.Load(); n > int64(size*2/3) {
			t.Errorf("a line and its places take %d bytes of %d", n, size)
		}
		all := func(string) bool { return true }
		if got, want := d.FuncNames(all), whole.FuncNames(all); !slices.Equal(got, want) {
			t.Errorf("%d functions, want %d", len(got), len(want))
		}
		if got, want := d.Sources(), whole.Sources(); !slices.Equal(got, want) {
			t.Errorf("%d sources, want %d", len(got), len(want))
		}
	})
}

// TestPartsAtOnce looks up all functions at once in files that are read in parts, some
// before all units are known.
func TestPartsAtOnce(t *testing.T) {
	for _, path := range []string{
		goBinary(t, "-ldflags=-compressdwarf=false"),
		tracertest.Build(t, "testdata/types.c"), // has .debug_aranges
	} {
		whole := openFile(t, path)
		chain := func(d *Data, pc uint64) string {
			chain, err := d.Funcs(pc)
			text := fmt.Sprint(err)
			for _, f := range chain {
				text += fmt.Sprintf(" %s %s:%d", f.Name, f.File, f.Line)
			}
			return text
		}
		var pcs []uint64
		var want []string
		for _, name := range whole.FuncNames(func(string) bool { return true }) {
			list, _ := whole.FuncsNamed(name)
			for _, f := range list {
				pcs = append(pcs, f.Entry)
				want = append(want, chain(whole, f.Entry))
			}
		}
		if len(pcs) == 0 {
			t.Fatalf("%s has no functions", path)
		}
		inParts(t, func(t *testing.T, stream bool) {
			d, _, _ := openParts(t, path, stream)
			const goroutines = 4
			var group sync.WaitGroup
			for i := range goroutines {
				group.Go(func() {
					for j := i; j < len(pcs); j += goroutines {
						if got := chain(d, pcs[j]); got != want[j] {
							t.Errorf("at %#x: %s, want %s", pcs[j], got, want[j])
							return
						}
					}
				})
			}
			group.Wait()
		})
	}
}

// TestPartsOfLists reads the location lists of arguments in files that are read in parts.
func TestPartsOfLists(t *testing.T) {
	listed := func(d *Data) (all []*Var) {
		for _, name := range d.FuncNames(func(string) bool { return true }) {
			list, _ := d.FuncsNamed(name)
			for _, f := range list {
				vars, _ := f.Vars(f.Entry)
				for _, v := range vars {
					if loc := v.e.get(dwarf.AttrLocation); !loc.isZero() && !loc.isBlock() {
						all = append(all, v)
					}
				}
			}
		}
		return all
	}
	list := func(v *Var) (text string, err error) {
		err = v.e.u.locationList(v.e.get(dwarf.AttrLocation), func(l located) bool {
			text += fmt.Sprintf("%s %#x-%#x %x\n", v.Name, l.Low, l.High, l.expr)
			return true
		})
		return text, err
	}
	for _, version := range []string{"-gdwarf-4", "-gdwarf-5"} {
		path := build(t, "shapes.cc", version, "-O2", "-lstdc++")
		want := listed(openFile(t, path))
		if len(want) < 10 {
			t.Fatalf("%d lists, want more", len(want))
		}
		inParts(t, func(t *testing.T, stream bool) {
			d, read, _ := openParts(t, path, stream)
			vars := listed(d)
			read.err = errors.New("file has changed")
			if text, err := list(vars[0]); !errors.Is(err, read.err) {
				t.Errorf("list of %s = %q, %v, want the error %v", vars[0].Name, text, err, read.err)
			}
			d, _, _ = openParts(t, path, stream)
			for i, v := range listed(d) {
				got, err := list(v)
				if want, wantErr := list(want[i]); err != nil || wantErr != nil || got != want {
					t.Errorf("list of %s = %q, %v, want %q, %v", v.Name, got, err, want, wantErr)
				}
			}
		})
	}
}

func TestPartsFail(t *testing.T) {
	path := goBinary(t, "-ldflags=-compressdwarf=false")
	list, err := openFile(t, path).FuncsNamed("fmt.Println")
	if err != nil {
		t.Fatal(err)
	}
	inParts(t, func(t *testing.T, stream bool) {
		d, read, _ := openParts(t, path, stream)
		read.err = errors.New("file has changed")
		if l, err := d.Line(list[0].Entry); !errors.Is(err, read.err) {
			t.Errorf("Line = %v, %v, want the error %v", l, err, read.err)
		}
		if list, err := d.FuncsNamed("no.such"); !errors.Is(err, read.err) {
			t.Errorf("FuncsNamed = %v, %v, want the error %v", list, err, read.err)
		}
	})
}

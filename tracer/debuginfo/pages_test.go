package debuginfo

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"testing"
)

// A reading counts the bytes that are read of all sections, and fails once told to.
type reading struct {
	n   atomic.Int64
	err error
}

// A part reads one section.
type part struct {
	*reading
	data []byte
}

func (p part) ReadAt(b []byte, off int64) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	p.n.Add(int64(len(b)))
	return bytes.NewReader(p.data).ReadAt(b, off)
}

// openPaged opens the debug information of an ELF file so that it is read in parts,
// which together have the given size.
func openPaged(t *testing.T, path string) (d *Data, read *reading, size int) {
	t.Helper()
	load := sectionsOf(t, path)
	read = new(reading)
	d, err := Open(path, load, func(name string) (io.ReaderAt, int64) {
		data, err := load(name)
		if err != nil {
			t.Fatal(err)
		}
		size += len(data)
		return part{read, data}, int64(len(data))
	})
	if err != nil {
		t.Fatal(err)
	}
	return d, read, size
}

// smallPages makes pages small for the time of a test.
func smallPages(t *testing.T) {
	old := pageSize
	t.Cleanup(func() { pageSize = old })
	pageSize = 256
}

func TestPages(t *testing.T) {
	smallPages(t)
	path := goBinary(t, "-ldflags=-compressdwarf=false")
	whole := openFile(t, path)
	d, read, size := openPaged(t, path)
	list, err := whole.FuncsNamed("main.main")
	if err != nil {
		t.Fatal(err)
	}
	pc := list[0].Entry
	want, err := whole.Line(pc)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.Line(pc); err != nil || got != want {
		t.Errorf("Line(%#x) = %v, %v, want %v", pc, got, err, want)
	}
	if n := read.n.Load(); n > int64(size/2) {
		t.Errorf("one line takes %d bytes of %d", n, size)
	}
	all := func(string) bool { return true }
	if got, want := d.FuncNames(all), whole.FuncNames(all); !slices.Equal(got, want) {
		t.Errorf("%d functions, want %d", len(got), len(want))
	}
	if got, want := d.Sources(), whole.Sources(); !slices.Equal(got, want) {
		t.Errorf("%d sources, want %d", len(got), len(want))
	}
}

func TestPagesFail(t *testing.T) {
	smallPages(t)
	path := goBinary(t, "-ldflags=-compressdwarf=false")
	list, err := openFile(t, path).FuncsNamed("fmt.Println")
	if err != nil {
		t.Fatal(err)
	}
	d, read, _ := openPaged(t, path)
	read.err = errors.New("file has changed")
	if l, err := d.Line(list[0].Entry); !errors.Is(err, read.err) {
		t.Errorf("Line = %v, %v, want the error %v", l, err, read.err)
	}
	if list, err := d.FuncsNamed("no.such"); !errors.Is(err, read.err) {
		t.Errorf("FuncsNamed = %v, %v, want the error %v", list, err, read.err)
	}
}

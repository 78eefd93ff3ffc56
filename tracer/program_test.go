//go:build linux && amd64

package tracer

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// A program is read as the kernel has it in memory, its end of pages and zeros too.
func TestProgramMemory(t *testing.T) {
	p := launch(t)
	q, err := p.Program()
	if err != nil {
		t.Fatal(err)
	}
	main, err := p.MainImage()
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	maps, _ := q.Maps()
	for _, m := range maps {
		if m.End > main.End || m.Start < main.Start {
			t.Errorf("%#x to %#x lies outside of the image", m.Start, m.End)
		}
		want, got := make([]byte, m.End-m.Start), make([]byte, m.End-m.Start)
		if _, err := p.ReadAt(m.Start, want); err != nil {
			t.Fatal(err)
		}
		if _, err := q.ReadAt(m.Start, got); err != nil {
			t.Error(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%#x to %#x differs from what the kernel has mapped", m.Start, m.End)
		}
		read += len(got)
	}
	if read == 0 {
		t.Error("nothing is mapped")
	}
	if n, err := q.ReadAt(main.End-4, make([]byte, 8)); n != 4 || err == nil {
		t.Errorf("over the end: read %d bytes, %v", n, err)
	}
	if _, err := q.registers(); !errors.Is(err, ErrNotRunning) {
		t.Errorf("registers: %v", err)
	}
	for _, loc := range []string{"main", "*main+4"} {
		want, _ := p.Addr(loc)
		if got, err := q.Addr(loc); got != want || err != nil {
			t.Errorf("%s is at %#x, %v, want %#x", loc, got, err, want)
		}
	}
}

// FuzzProgram opens files as programs: each is one or an error, and memory is where the
// mappings are.
func FuzzProgram(f *testing.F) {
	for _, path := range []string{tracertest.Build(f, "testdata/calls.c"), tracertest.Build(f, "testdata/find.c", "-O2", "-s")} {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < 1<<20 {
			f.Add(data, uint64(0))
			f.Add(data[:4096], uint64(1<<47))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, bias uint64) {
		path := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		p, err := newTracer(t).OpenProgram(path, bias)
		if (p == nil) != (err != nil) {
			t.Fatalf("got %v and %v", p, err)
		}
		if err != nil {
			return
		}
		maps, _ := p.Maps()
		for _, m := range maps {
			buf := make([]byte, 16)
			if n, err := p.ReadAt(m.Start, buf); n < len(buf) && err == nil {
				t.Fatalf("read %d bytes of %+v", n, m)
			}
		}
		p.Addr("main")
		p.Var("main")
		pattern, err := Masked("00 ??")
		if err != nil {
			t.Fatal(err)
		}
		p.Find(pattern, &FindOptions{Max: 10})
	})
}

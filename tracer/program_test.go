//go:build linux && amd64

package tracer

import (
	"bytes"
	"errors"
	"testing"
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

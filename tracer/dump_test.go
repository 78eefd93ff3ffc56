//go:build linux && amd64

package tracer

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"golang.org/x/sys/unix"
)

// A shortWriter takes some bytes and no more.
type shortWriter struct{ left int }

func (w *shortWriter) Write(data []byte) (int, error) {
	n := min(len(data), w.left)
	w.left -= n
	if n < len(data) {
		return n, unix.ENOSPC
	}
	return n, nil
}

func TestDump(t *testing.T) {
	p := launchFind(t)
	dense := pointer(t, p, "dense")
	want := make([]byte, 3<<20)
	if _, err := p.ReadAt(dense, want); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 256 << 10, 1<<20 + 1, len(want)} {
		var got bytes.Buffer
		if done, err := p.Dump(&got, dense, uint64(n)); err != nil || done != uint64(n) || !bytes.Equal(got.Bytes(), want[:n]) {
			t.Errorf("Dump of %d bytes = %d, %v, with %d bytes", n, done, err, got.Len())
		}
	}
	// What lies behind a page that the file does not fill cannot be read.
	cut := pointer(t, p, "cut")
	var got bytes.Buffer
	done, err := p.Dump(&got, cut, 2*findPage)
	var e *Error
	if done != findPage || got.Len() != findPage || !errors.As(err, &e) || e.Addr != cut+findPage || !errors.Is(err, unix.EFAULT) {
		t.Errorf("Dump over the end = %d, %v, with %d bytes", done, err, got.Len())
	}
	if done, err := p.Dump(&shortWriter{300 << 10}, dense, 1<<20); done != 300<<10 || err != unix.ENOSPC {
		t.Errorf("Dump to a full device = %d, %v", done, err)
	}
	p.tr.Interrupt()
	if done, err := p.Dump(io.Discard, dense, 1<<20); done != 0 || !errors.Is(err, ErrInterrupted) {
		t.Errorf("Dump = %d, %v, want that it is interrupted", done, err)
	}
}

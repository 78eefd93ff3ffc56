//go:build linux && amd64

package tracer

import (
	"github.com/tracelark/tracelark/tracer/cancel"
	"github.com/tracelark/tracelark/tracer/image"
)

// large is how many bytes of a file may take so long to look through that Interrupt
// should not wait. Tests make it small.
var large uint64 = 16 << 20

// lookUpAt calls find, which looks up an address in the debug information of a file, as
// lookUp does where that is slow.
func lookUpAt[T any](tr *Tracer, img *image.Image, addr uint64, slow func(uint64) bool, find func(uint64) (T, error)) (T, error) {
	if img.FileSize() < large || !slow(addr) {
		return find(addr)
	}
	return lookUp(tr, func() (T, error) { return find(addr) }, img)
}

// lookUp calls f, which looks up a name in files, and gives up with ErrInterrupted if the
// tracer is interrupted: the tables that f makes when a file is asked for the first time
// are made for the next lookup. The interrupt is still there for the next movement. f must
// not ask for anything of a process, as it runs on another thread.
func lookUp[T any](tr *Tracer, f func() (T, error), files ...*image.Image) (v T, err error) {
	var size uint64
	for _, img := range files {
		size += img.FileSize()
	}
	if size < large || tr == nil || tr.patient {
		return f()
	}
	interrupted := func() error {
		if tr.wanted.Load() == uint64(ReasonInterrupt) {
			return ErrInterrupted
		}
		return nil
	}
	if err := interrupted(); err != nil {
		return v, err
	}
	return cancel.Call(f, interrupted)
}

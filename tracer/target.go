//go:build linux && amd64

package tracer

import (
	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/unwind"
)

// A target is what can be looked at, whether it runs or not: memory, and the images,
// symbols, places and stacks that are in it. A Process and a Core are targets.
type target struct {
	of      subject
	tr      *Tracer
	images  imageCache
	callers func(f, caller *unwind.Frame) (bool, error) // see SetUnwinder, or nil
}

// A subject is what a target is of.
type subject interface {
	ReadAt(addr uint64, buf []byte) (int, error)
	Maps() ([]procfs.Mapping, error)

	id() int
	held() error   // why it cannot be looked at, or nil
	epoch() uint64 // another one after each movement
	auxv() map[uint64]uint64
	open(procfs.Mapping) (*image.File, error)
	registers() (*arch.Regs, error) // of the current thread

	// searchable returns the mappings that can be read, and which of their pages
	// were never touched.
	searchable() ([]procfs.Mapping, *pagemap, error)
}

func (p *Process) id() int       { return p.PID }
func (p *Process) epoch() uint64 { return p.moves }

// auxv returns the auxiliary vector, which is the program's for its life.
func (p *Process) auxv() map[uint64]uint64 {
	if len(p.vector) == 0 {
		p.vector, _ = procfs.Auxv(p.task())
	}
	return p.vector
}

func (p *Process) open(m procfs.Mapping) (*image.File, error) {
	return image.OpenMapped(p.task(), m)
}

func (p *Process) registers() (*arch.Regs, error) {
	t := p.Thread()
	if t == nil {
		return nil, ErrThread
	}
	return t.Regs()
}

func (p *Process) searchable() ([]procfs.Mapping, *pagemap, error) {
	maps, err := p.Maps()
	if err != nil {
		return nil, nil, err
	}
	return maps, openPagemap(p.task()), nil
}

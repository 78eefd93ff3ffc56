package unwind

import (
	"encoding/binary"
	"io"
)

// Memory is what the unwinder reads of its target: a live process or a core.
type Memory interface {
	// ReadAt reads len(buf) bytes at addr. Like io.ReaderAt it returns how
	// many it read, and an error if they are fewer.
	ReadAt(addr uint64, buf []byte) (int, error)
}

const pageSize = 4096

// pages reads memory a page at a time and keeps the last few: reading a word
// of a live process takes as long as reading a page.
type pages struct {
	mem  Memory
	slot [4]page // by the low bits of the page number
}

type page struct {
	tag  uint64 // the address | 1, or 0 if the slot is free
	n    int    // how many bytes could be read
	err  error  // why not more
	data [pageSize]byte
}

func (p *pages) load(base uint64) *page {
	s := &p.slot[base/pageSize%uint64(len(p.slot))]
	if s.tag != base|1 {
		s.tag = base | 1
		s.n, s.err = p.mem.ReadAt(base, s.data[:])
		if s.n < pageSize && s.err == nil {
			s.err = io.ErrUnexpectedEOF
		}
	}
	return s
}

// read fills buf from addr.
func (p *pages) read(addr uint64, buf []byte) error {
	for len(buf) > 0 {
		off := addr % pageSize
		s := p.load(addr - off)
		want := min(len(buf), pageSize-int(off))
		if s.n < int(off)+want {
			return s.err
		}
		copy(buf[:want], s.data[off:])
		addr += uint64(want)
		buf = buf[want:]
	}
	return nil
}

// word reads the eight bytes at addr.
func (p *pages) word(addr uint64) (uint64, error) {
	if off := addr % pageSize; off <= pageSize-8 {
		if s := p.load(addr - off); s.n >= int(off)+8 {
			return binary.LittleEndian.Uint64(s.data[off:]), nil
		}
	}
	var buf [8]byte
	err := p.read(addr, buf[:])
	return binary.LittleEndian.Uint64(buf[:]), err
}

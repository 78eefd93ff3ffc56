package unwind

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
	"sync"
)

// An index finds the FDE of a pc: by the table that the linker left in
// .eh_frame_hdr or, without one, by a list made of the whole section when it
// is first needed.
type index struct {
	header header

	once sync.Once
	list []listed // sorted by lo
	err  error    // of the first entry that list lacks
}

type listed struct {
	lo, hi uint64
	off    int
}

// A header is the binary search table of .eh_frame_hdr: pairs of 32-bit
// numbers, the start of an FDE's code and the address of the FDE, both counted
// from addr and sorted by the former (Linux Standard Base Core, 10.6.2).
type header struct {
	pairs []byte
	addr  uint64
}

// parseHeader returns the search table of s.EHFrameHdr. It returns an empty
// one if there is none, if it is of a form that no linker writes, or if it
// does not belong to s.EHFrame or is not sorted: then the section itself is
// to be read.
func parseHeader(s *Sections) header {
	sec := &section{name: ".eh_frame_hdr", data: s.EHFrameHdr, addr: s.EHFrameHdrAddr, textAddr: s.TextAddr, dataAddr: s.EHFrameHdrAddr}
	r := sec.reader(span{0, len(sec.data)})
	version, frameEnc, countEnc, pairEnc := r.uint(1), byte(r.uint(1)), byte(r.uint(1)), r.uint(1)
	frame := r.pointer(frameEnc)
	count := r.pointer(countEnc)
	if r.err != nil || version != 1 || pairEnc != peDataRel|peSData4 || frame != s.EHFrameAddr || count > uint64(r.end-r.off)/8 {
		return header{}
	}
	h := header{r.take(count * 8), sec.addr}
	for i := 1; i < h.len(); i++ {
		if h.lo(i) < h.lo(i-1) {
			return header{}
		}
	}
	return h
}

func (h *header) len() int { return len(h.pairs) / 8 }

// lo returns the start of the code of FDE number i.
func (h *header) lo(i int) uint64 { return h.value(8 * i) }

// fde returns the address of FDE number i.
func (h *header) fde(i int) uint64 { return h.value(8*i + 4) }

func (h *header) value(off int) uint64 {
	return h.addr + uint64(int32(binary.LittleEndian.Uint32(h.pairs[off:])))
}

// find returns the FDE that covers pc, if there is one.
func (s *section) find(pc uint64) (f fde, ok bool, err error) {
	off, err := s.candidate(pc)
	if off < 0 || err != nil {
		return fde{}, false, err
	}
	e, err := s.entry(off)
	if err == nil {
		f, err = s.fde(e, s.cie)
	}
	return f, err == nil && f.lo <= pc && pc < f.hi, err
}

// row returns the row that holds for pc, or nil.
func (s *section) row(pc uint64) (*row, error) {
	f, ok, err := s.find(pc)
	if !ok {
		return nil, err
	}
	return f.row(pc)
}

// candidate returns the offset of the FDE with the highest start that is not
// above pc, or -1 if there is none.
func (s *section) candidate(pc uint64) (int, error) {
	h := &s.header
	if h.len() == 0 {
		s.once.Do(s.scan)
		i := sort.Search(len(s.list), func(i int) bool { return s.list[i].lo > pc })
		if i == 0 || pc >= s.list[i-1].hi {
			return -1, s.err
		}
		return s.list[i-1].off, nil
	}
	i := sort.Search(h.len(), func(i int) bool { return h.lo(i) > pc })
	if i == 0 {
		return -1, nil
	}
	off := h.fde(i-1) - s.addr
	if off >= uint64(len(s.data)) {
		return -1, fmt.Errorf(".eh_frame_hdr: FDE of %#x at %#x, outside .eh_frame", h.lo(i-1), h.fde(i-1))
	}
	return int(off), nil
}

// scan lists the FDEs of the section, up to the entry that ends .eh_frame or
// one whose length is wrong. It leaves out those it cannot read.
func (s *section) scan() {
	type result struct {
		cie cie
		err error
	}
	cies := make(map[uint64]result)
	cached := func(off uint64) (cie, error) {
		r, ok := cies[off]
		if !ok {
			r.cie, r.err = s.cie(off)
			cies[off] = r
		}
		return r.cie, r.err
	}
	for off, end := 0, 0; off < len(s.data); off = end {
		e, err := s.entry(off)
		if e.empty && s.eh {
			break
		}
		if err == nil && !e.isCIE && !e.empty {
			var f fde
			if f, err = s.fde(e, cached); err == nil && f.lo < f.hi {
				s.list = append(s.list, listed{f.lo, f.hi, off})
			}
		}
		if s.err == nil {
			s.err = err
		}
		if end = e.body.end; end == 0 { // The length is wrong.
			break
		}
	}
	slices.SortStableFunc(s.list, func(a, b listed) int {
		return cmp.Or(cmp.Compare(a.lo, b.lo), cmp.Compare(a.hi, b.hi))
	})
}

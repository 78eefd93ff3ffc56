package unwind

import (
	"bytes"
	"fmt"
)

// A section is .eh_frame or .debug_frame: a sequence of entries, each either a
// common information entry (CIE) or a frame description entry (FDE) of one
// range of pcs that refers to a CIE (DWARF 5, 6.4.1; Linux Standard Base Core,
// 10.6).
type section struct {
	name     string
	data     []byte
	addr     uint64 // of data[0]
	textAddr uint64
	dataAddr uint64
	eh       bool // .eh_frame
	index
}

// A span is a range of offsets in a section.
type span struct{ begin, end int }

func (s *section) reader(at span) reader { return reader{sec: s, off: at.begin, end: at.end} }

// An entry is what CIEs and FDEs have in common.
type entry struct {
	body  span // what follows the CIE pointer
	empty bool // neither: it has length 0, which ends .eh_frame
	isCIE bool
	cie   uint64 // offset of an FDE's CIE
}

// entry reads the head of the entry at off.
func (s *section) entry(off int) (entry, error) {
	r := s.reader(span{off, len(s.data)})
	n := r.uint(4)
	wide := n == 0xffffffff
	if wide {
		n = r.uint(8)
	}
	begin := r.off
	if r.take(n); r.err != nil {
		return entry{}, fmt.Errorf("%s+%#x: entry of %d bytes is truncated", s.name, off, n)
	}
	if n == 0 {
		return entry{body: span{begin, begin}, empty: true}, nil
	}
	r = s.reader(span{begin, r.off})
	var e entry
	switch {
	case s.eh: // The pointer has four bytes even in a 64-bit entry.
		id := r.uint(4)
		e.isCIE = id == 0
		e.cie = uint64(begin) - id
	case wide:
		e.cie = r.uint(8)
		e.isCIE = e.cie == 1<<64-1
	default:
		e.cie = r.uint(4)
		e.isCIE = e.cie == 1<<32-1
	}
	e.body = span{r.off, r.end}
	return e, r.err
}

// A cie holds what its FDEs share.
type cie struct {
	program    span // initial instructions
	codeFactor uint64
	dataFactor int64
	ra         uint64 // DWARF register of the return address
	encoding   byte   // of pointers to code
	augmented  bool   // FDEs have augmentation data
	signal     bool   // signal trampoline
	cfaOnly    bool   // its FDEs do not tell what becomes of the registers
}

// goDataFactor is the data alignment factor that the Go linker writes. All
// others have -8 on x86-64.
const goDataFactor = -4

// maxAugmentation bounds the augmentation string; the longest in use has six
// letters.
const maxAugmentation = 16

// cie parses the CIE at off.
func (s *section) cie(off uint64) (cie, error) {
	if off >= uint64(len(s.data)) {
		return cie{}, fmt.Errorf("%s+%#x: CIE outside the section", s.name, off)
	}
	e, err := s.entry(int(off))
	if err != nil {
		return cie{}, err
	}
	if !e.isCIE {
		return cie{}, fmt.Errorf("%s+%#x: not a CIE", s.name, off)
	}
	r := s.reader(e.body)
	version := r.uint(1)
	if r.err == nil && version != 1 && version != 3 && version != 4 {
		r.fail(int(off), "CIE version %d", version)
	}
	augmentation, _, ended := bytes.Cut(s.data[r.off:min(r.off+maxAugmentation, r.end)], []byte{0})
	if !ended {
		r.fail(r.off, "augmentation string without an end")
	}
	r.take(uint64(len(augmentation) + 1))
	if string(augmentation) == "eh" { // GCC 2: a pointer to exception data
		r.take(8)
	}
	var c cie
	if version == 4 {
		switch size := r.uint(1); {
		case size == 4:
			c.encoding = peUData4
		case size != 8:
			r.fail(int(off), "addresses of %d bytes", size)
		}
		if n := r.uint(1); n != 0 {
			r.fail(int(off), "segment selectors of %d bytes", n)
		}
	}
	c.codeFactor = r.uleb()
	c.dataFactor = r.sleb()
	c.cfaOnly = c.dataFactor == goDataFactor
	if version == 1 {
		c.ra = r.uint(1)
	} else {
		c.ra = r.uleb()
	}
	if c.augmented = bytes.HasPrefix(augmentation, []byte("z")); c.augmented {
		data := s.reader(r.block())
		data.err = r.err
		c.augment(&data, augmentation[1:])
		r.err = data.err
	} else if len(augmentation) > 0 && string(augmentation) != "eh" {
		r.fail(int(off), "augmentation %q", augmentation)
	}
	c.program = span{r.off, r.end}
	return c, r.err
}

// augment reads the augmentation data that letters describe. The data after an
// unknown letter has no known form, but its length is known, so it does not
// matter.
func (c *cie) augment(r *reader, letters []byte) {
	for _, letter := range letters {
		switch letter {
		case 'R':
			c.encoding = byte(r.uint(1))
			if c.encoding&peIndirect != 0 {
				r.fail(r.off-1, "indirect pointers to code")
			}
		case 'P': // personality routine
			r.pointer(byte(r.uint(1)))
		case 'L': // encoding of pointers to language-specific data
			r.take(1)
		case 'S':
			c.signal = true
		case 'B': // AArch64's second pointer authentication key
		default:
			return
		}
	}
}

// An fde describes the frames of the pcs from lo to hi.
type fde struct {
	sec     *section
	cie     cie
	lo, hi  uint64
	program span
}

// fde parses the FDE e. cieAt gives its CIE, from the section or a cache.
func (s *section) fde(e entry, cieAt func(off uint64) (cie, error)) (fde, error) {
	if e.isCIE || e.empty {
		return fde{}, fmt.Errorf("%s+%#x: not an FDE", s.name, e.body.begin)
	}
	c, err := cieAt(e.cie)
	if err != nil {
		return fde{}, err
	}
	r := s.reader(e.body)
	lo := r.pointer(c.encoding)
	n := r.pointer(c.encoding & peFormat)
	if lo+n < lo {
		r.fail(e.body.begin, "%#x bytes of code at %#x", n, lo)
	}
	if c.augmented {
		r.block()
	}
	return fde{s, c, lo, lo + n, span{r.off, r.end}}, r.err
}

//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// FindOptions say where Find looks. The zero value and nil mean: everywhere, for
// all there are.
type FindOptions struct {
	Start, End uint64 // the first address and the one behind the last; an End of 0 is that of memory
	Perms      string // what mappings must have of "rwxps", where p is private and s is shared
	Max        int    // matches after which the search ends; 0 is no limit
}

// ErrInterrupted ends Find, Dump and lookups of names when Interrupt is called.
var ErrInterrupted = errors.New("interrupted")

// Find returns the addresses where pat is in memory, in ascending order. Those of
// bytes may overlap; matches of an expression do not, as with regexp.FindAll.
// A match may lie across mappings that touch each other.
//
// Memory of the process's own that was never touched is known to be zero and not
// read. Pages that cannot be read are passed over, breakpoints do not show.
// Interrupt ends the search with ErrInterrupted.
func (x *target) Find(pat *Pattern, o *FindOptions) ([]uint64, error) {
	if o == nil {
		o = &FindOptions{}
	}
	s := &search{in: x, pat: pat, max: o.Max, chunk: findChunk, keep: pat.longest(), zeros: pat.inZeros()}
	if err := s.run(o); err != nil {
		return nil, &Error{Op: "find", TID: x.of.id(), Err: cause(err)}
	}
	return s.hits, nil
}

// findChunk is the chunk of searches: what fits a CPU's cache.
const findChunk = 256 << 10

// A search moves a window over memory.
type search struct {
	in    *target
	pat   *Pattern
	max   int
	chunk int  // bytes that are read at once
	keep  int  // bytes that may have to be seen together
	zeros bool // pat is in zeros
	hits  []uint64
	pages *pagemap

	window []byte
	base   uint64 // address of window[0]
	pos    int    // where in window matches may begin; what is before it is context
	wide   []byte // the window, where it is not ASCII, for an expression
}

// A span is a part of a mapping.
type span struct {
	lo, hi uint64 // hi is behind it
	sparse bool
}

func (s *search) run(o *FindOptions) error {
	if err := s.in.of.held(); err != nil {
		return err
	}
	end := o.End
	if end == 0 {
		end = 1<<64 - 1
	}
	if end < o.Start {
		return fmt.Errorf("the end, %#x, is before the start, %#x", end, o.Start)
	}
	if strings.Trim(o.Perms, "rwxps") != "" {
		return fmt.Errorf("permissions %q are not letters of \"rwxps\"", o.Perms)
	}
	maps, pages, err := s.in.of.searchable()
	if err != nil {
		return err
	}
	s.pages = pages
	defer s.pages.close()
	s.window = make([]byte, 0, 2*(s.keep+1)+s.chunk)
	last := o.Start
	s.begin(last)
	for _, m := range maps {
		part := span{max(m.Start, o.Start), min(m.End, end), sparse(&m)}
		if part.lo >= part.hi || strings.Trim(o.Perms, m.Perms.String()) != "" {
			continue
		}
		if part.lo != last {
			s.match(true)
			s.begin(part.lo)
		}
		if err := s.span(part); err != nil || s.done() {
			return err
		}
		last = part.hi
	}
	s.match(true)
	return nil
}

func (s *search) done() bool { return s.max > 0 && len(s.hits) >= s.max }

// span searches a part of a mapping.
func (s *search) span(part span) error {
	for at := part.lo; at < part.hi && !s.done(); {
		lo, hi := at, part.hi
		if part.sparse {
			// The kernel counts in pages.
			lo, hi = s.pages.next(at&^(pageSize-1), (part.hi+pageSize-1)&^(pageSize-1))
			lo, hi = max(lo, at), min(hi, part.hi)
			lo = min(lo, part.hi)
		}
		if err := s.skip(at, lo); err != nil {
			return err
		}
		for at = lo; at < hi && !s.done(); {
			if s.in.tr.interrupted() {
				return ErrInterrupted
			}
			var err error
			if at, err = s.read(at, hi); err != nil {
				return err
			}
		}
	}
	return nil
}

// read searches memory from at to end, or a part of it, and returns how far it got.
func (s *search) read(at, end uint64) (uint64, error) {
	have := len(s.window)
	n, err := s.in.of.ReadAt(at, s.window[have:have+int(min(uint64(s.chunk), end-at))])
	s.window = s.window[:have+n]
	s.match(err != nil)
	at += uint64(n)
	switch {
	case err == nil:
		return at, nil
	case !errors.Is(err, unix.EFAULT):
		return at, err
	}
	at = at&^(pageSize-1) + pageSize
	s.begin(at)
	return at, nil
}

// skip searches from at to end, where all is zero. What is far from both ends need
// not be looked at, unless zeros are looked for.
func (s *search) skip(at, end uint64) error {
	zero := func(n uint64) {
		have := len(s.window)
		s.window = s.window[:have+int(n)]
		clear(s.window[have:])
	}
	near := uint64(s.keep)
	if end-at > 2*near+1 && !s.zeros {
		zero(near)
		s.match(true)
		at = end - near
		s.begin(at)
		s.window[0] = 0
	}
	for at < end && !s.done() {
		if s.in.tr.interrupted() {
			return ErrInterrupted
		}
		n := min(uint64(s.chunk), end-at)
		zero(n)
		at += n
		s.match(false)
	}
	return nil
}

// begin makes the window empty, for memory at addr. A newline is its context.
func (s *search) begin(addr uint64) {
	s.window = append(s.window[:0], '\n')
	s.base, s.pos = addr-1, 1
}

// match takes the matches in the window and drops what is of no more use. Unless
// what follows cannot be seen, matches that might come to include it have to wait.
func (s *search) match(final bool) {
	switch {
	case s.pat.pointers:
		s.matchPointers()
	case s.pat.re != nil:
		s.matchRegexp(final)
	default:
		s.matchBytes()
	}
	s.base += uint64(s.pos - 1)
	s.window = s.window[:copy(s.window, s.window[s.pos-1:])]
	s.pos = 1
}

func (s *search) matchBytes() {
	for !s.done() {
		n := s.pat.index(s.window[s.pos:])
		if n < 0 {
			break
		}
		s.hits = append(s.hits, s.base+uint64(s.pos+n))
		s.pos += n + 1
	}
	s.pos = max(s.pos, len(s.window)-len(s.pat.bytes)+1)
}

func (s *search) matchPointers() {
	s.pos += int(-(s.base + uint64(s.pos)) & 7)
	for ; s.pos+8 <= len(s.window) && !s.done(); s.pos += 8 {
		if v := binary.LittleEndian.Uint64(s.window[s.pos:]); v-s.pat.low < s.pat.high-s.pat.low {
			s.hits = append(s.hits, s.base+uint64(s.pos))
		}
	}
	s.pos = min(s.pos, len(s.window))
}

func (s *search) matchRegexp(final bool) {
	last := len(s.window) // matches that begin behind it wait
	if !final {
		last = max(s.pos, len(s.window)-s.keep)
	}
	text := s.window[s.pos-1:]
	if !isASCII(text) {
		s.wide = widen(s.wide[:0], text)
		text = s.wide
	}
	// The context is a byte of text, and s.pos is where text begins without it.
	for {
		_, context := utf8.DecodeRune(text)
		start, end, ok := s.pat.find(text, context)
		if !ok || s.done() {
			s.pos = max(s.pos, last)
			return
		}
		pos := s.pos + utf8.RuneCount(text[context:start])
		if pos >= last && !final {
			s.pos = pos
			return
		}
		if start < end {
			s.hits = append(s.hits, s.base+uint64(pos))
		} else {
			_, n := utf8.DecodeRune(text[end:])
			end += n
		}
		if s.pos = pos + utf8.RuneCount(text[start:end]); end == len(text) {
			s.pos = max(s.pos, last)
			return
		}
		_, n := utf8.DecodeLastRune(text[:end])
		text = text[end-n:]
	}
}

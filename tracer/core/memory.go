package core

import (
	"fmt"
	"io"
	"sort"
	"syscall"

	"github.com/tracelark/tracelark/tracer/procfs"
)

// ReadAt reads memory as the process had it. It returns the number of bytes read;
// where that is less than len(buf), the error says why.
func (c *Core) ReadAt(addr uint64, buf []byte) (int, error) {
	done := 0
	for done < len(buf) {
		at := addr + uint64(done)
		if at < addr {
			return done, syscall.EFAULT
		}
		n, err := c.readSome(at, buf[done:])
		if err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}

// readSome reads one byte at least.
func (c *Core) readSome(addr uint64, buf []byte) (int, error) {
	s := c.segmentAt(addr)
	r := c.rangeAt(addr)
	switch {
	case s != nil && addr-s.start < s.size:
		return c.fromCore(s, addr, buf)
	case s != nil && s.perms&procfs.W != 0 && r != nil:
		return 0, fmt.Errorf("%w: the core leaves out this memory, which the process could write to", syscall.EFAULT)
	case r != nil:
		end := r.end
		if s == nil {
			end = min(end, c.nextSegment(addr))
		} else {
			end = min(end, s.end)
		}
		return c.fromFile(r, addr, buf[:min(uint64(len(buf)), end-addr)])
	case s == nil:
		return 0, fmt.Errorf("%w: nothing is mapped there, or the core does not tell of it", syscall.EFAULT)
	case s.size > 0:
		// As in a program, what is behind the part in the file is zero.
		n := int(min(uint64(len(buf)), s.end-addr))
		clear(buf[:n])
		return n, nil
	}
	return 0, fmt.Errorf("%w: the core leaves it out: it was never touched, or was not to be dumped", syscall.EFAULT)
}

// held reads what the core itself has of memory, in one segment.
func (c *Core) held(addr uint64, buf []byte) (int, error) {
	s := c.segmentAt(addr)
	if s == nil || addr-s.start >= s.size {
		return 0, syscall.EFAULT
	}
	n, err := c.fromCore(s, addr, buf)
	if err == nil && n < len(buf) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// fromCore reads from the core's file.
//
// Precondition: the core has, or should have, the byte at addr.
func (c *Core) fromCore(s *segment, addr uint64, buf []byte) (int, error) {
	skip := addr - s.start
	off, n := s.off+skip, min(uint64(len(buf)), s.size-skip)
	if off >= c.size {
		return 0, fmt.Errorf("%w: the core was cut: its last %d bytes are missing, and with them this memory", syscall.EFAULT, c.absent)
	}
	got, err := c.r.ReadAt(buf[:min(n, c.size-off)], int64(off))
	if got == 0 {
		return 0, fmt.Errorf("%w: read the core at offset %#x: %w", syscall.EFAULT, off, err)
	}
	return got, nil
}

// segmentAt returns the segment that holds an address, or nil.
func (c *Core) segmentAt(addr uint64) *segment {
	i := c.searchSegment(addr)
	if i < len(c.segments) && c.segments[i].start <= addr {
		return &c.segments[i]
	}
	return nil
}

// nextSegment returns where the first segment behind an address begins, or the end of
// memory.
func (c *Core) nextSegment(addr uint64) uint64 {
	if i := c.searchSegment(addr); i < len(c.segments) {
		return c.segments[i].start
	}
	return ^uint64(0)
}

// searchSegment returns the index of the first segment that ends behind an address.
func (c *Core) searchSegment(addr uint64) int {
	return sort.Search(len(c.segments), func(i int) bool { return c.segments[i].end > addr })
}

// Readable returns the parts of the mappings that can be read: what the core has, and
// what files have. Parts of one mapping may touch each other.
func (c *Core) Readable() []procfs.Mapping {
	var parts []procfs.Mapping
	add := func(m procfs.Mapping, start, end uint64) {
		if start < end {
			m.Offset += start - m.Start
			m.Start, m.End = start, end
			parts = append(parts, m)
		}
	}
	for _, m := range c.Maps() { // each lies in one segment, or in none
		rest := m.Start
		if s := c.segmentAt(m.Start); s != nil {
			here := min(s.size, c.size-min(s.off, c.size))
			add(m, m.Start, min(m.End, s.start+here))
			rest = max(rest, s.start+s.size)
		}
		if r := c.rangeAt(m.Start); r != nil && m.Perms&procfs.W == 0 {
			if file, err := c.contents(r); err == nil {
				end := m.Start + (file.Size()-min(file.Size(), m.Offset)+pageSize-1)&^(pageSize-1)
				add(m, rest, min(m.End, max(end, m.Start)))
			}
		}
	}
	return parts
}

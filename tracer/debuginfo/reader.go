package debuginfo

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// A reader decodes part of a section. Its first error sticks: from then on
// every read returns zero and no offset moves.
type reader struct {
	sec  section // for errors
	data []byte
	base int  // offset of data in the section, 0 but for what a scan reads
	off  int  // offset in data
	end  int  // where reading stops
	wide bool // whether offsets have 8 bytes (64-bit DWARF)
	err  error
}

func newReader(sec section, data []byte, off uint64) reader {
	r := reader{sec: sec, data: data, end: len(data)}
	r.seek(off)
	return r
}

// fail records an error and leaves nothing to read.
func (r *reader) fail(off int, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%v+%#x: %s", r.sec, off, fmt.Sprintf(format, args...))
	}
	r.off = r.end
}

func (r *reader) seek(off uint64) {
	if off > uint64(r.end) {
		r.fail(r.end, "offset %#x lies outside", off)
		return
	}
	if r.err == nil {
		r.off = int(off)
	}
}

// take returns the next n bytes, or nil if there are not as many.
func (r *reader) take(n uint64) []byte {
	if n > uint64(r.end-r.off) || r.err != nil {
		r.fail(r.off, "truncated")
		return nil
	}
	b := r.data[r.off : r.off+int(n) : r.off+int(n)]
	r.off += int(n)
	return b
}

func (r *reader) u8() uint8 {
	if r.off >= r.end {
		r.fail(r.off, "truncated")
		return 0
	}
	b := r.data[r.off]
	r.off++
	return b
}

func (r *reader) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// uint reads an integer of 1 to 8 bytes.
func (r *reader) uint(size int) uint64 {
	switch size {
	case 1:
		return uint64(r.u8())
	case 2:
		return uint64(r.u16())
	case 4:
		return uint64(r.u32())
	case 8:
		return r.u64()
	}
	if size < 1 || size > 8 {
		r.fail(r.off, "integer of %d bytes", size)
		return 0
	}
	var buf [8]byte
	copy(buf[:], r.take(uint64(size)))
	return binary.LittleEndian.Uint64(buf[:])
}

// int reads an integer of 1 to 8 bytes and extends its sign.
func (r *reader) int(size int) int64 {
	v := r.uint(size)
	shift := 64 - 8*uint(size)
	return int64(v<<shift) >> shift
}

// offset reads an offset of the size that the DWARF format has.
func (r *reader) offset() uint64 {
	if r.wide {
		return r.u64()
	}
	return uint64(r.u32())
}

// length reads the initial length of a unit, which tells the format, and
// returns the offset of the unit's end.
func (r *reader) length() (end int) {
	start := r.off
	n := uint64(r.u32())
	r.wide = n == 0xffffffff
	if r.wide {
		n = r.u64()
	} else if n >= 0xfffffff0 {
		r.fail(start, "reserved length %#x", n)
	}
	if n > uint64(r.end-r.off) {
		r.fail(start, "length %#x exceeds the section", n)
	}
	return r.off + int(min(n, uint64(r.end-r.off)))
}

// uleb reads an unsigned LEB128 number; bits above 64 are lost.
func (r *reader) uleb() uint64 {
	if r.off < r.end {
		if b := r.data[r.off]; b < 0x80 {
			r.off++
			return uint64(b)
		}
	}
	v, _ := r.leb()
	return v
}

// sleb reads a signed LEB128 number.
func (r *reader) sleb() int64 {
	v, width := r.leb()
	if width < 64 && v>>(width-1)&1 != 0 {
		v |= ^uint64(0) << width
	}
	return int64(v)
}

// leb reads a LEB128 number and tells how many bits it was written with. One without an
// end is 0.
func (r *reader) leb() (v uint64, width uint) {
	for {
		b := r.u8()
		if width < 64 {
			v |= uint64(b&0x7f) << width
		}
		width += 7
		if r.err != nil {
			return 0, width
		}
		if b&0x80 == 0 {
			return v, width
		}
	}
}

func (r *reader) skipLEB() {
	for r.u8()&0x80 != 0 {
	}
}

// str reads a string that ends in a zero byte.
func (r *reader) str() []byte {
	n := bytes.IndexByte(r.data[r.off:r.end], 0)
	if n < 0 {
		r.fail(r.off, "string without end")
		return nil
	}
	b := r.data[r.off : r.off+n]
	r.off += n + 1
	return b
}

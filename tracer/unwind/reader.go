package unwind

import (
	"encoding/binary"
	"fmt"
)

// A reader decodes part of a section. Its first error sticks: from then on
// every read returns zero.
type reader struct {
	sec      *section
	off, end int // offsets in sec.data
	err      error
}

func (r *reader) fail(off int, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%s+%#x: %s", r.sec.name, off, fmt.Sprintf(format, args...))
	}
}

// take returns the next n bytes, or nil if there are not as many.
func (r *reader) take(n uint64) []byte {
	if r.err != nil || n > uint64(r.end-r.off) {
		r.fail(r.off, "truncated")
		return nil
	}
	b := r.sec.data[r.off : r.off+int(n)]
	r.off += int(n)
	return b
}

// uint reads a little-endian integer of size 1, 2, 4 or 8.
func (r *reader) uint(size uint64) uint64 {
	b := r.take(size)
	if b == nil {
		return 0
	}
	switch size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

// int reads a little-endian integer of size 1, 2, 4 or 8 and extends its sign.
func (r *reader) int(size uint64) int64 {
	shift := 64 - 8*size
	return int64(r.uint(size)<<shift) >> shift
}

// uleb reads an unsigned LEB128 number; bits above 64 are lost.
func (r *reader) uleb() uint64 {
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

// leb reads a LEB128 number and tells how many bits it was written with.
func (r *reader) leb() (v uint64, width uint) {
	for {
		b := r.uint(1)
		if width < 64 {
			v |= b & 0x7f << width
		}
		width += 7
		if b&0x80 == 0 {
			return v, width
		}
	}
}

// block reads a length in LEB128 and returns the offsets of as many bytes.
func (r *reader) block() span {
	n := r.uleb()
	begin := r.off
	r.take(n)
	return span{begin, r.off}
}

// Pointer encodings (Linux Standard Base Core, 10.5.1): the low four bits are
// the format, the next three what the value counts from.
const (
	peAbsPtr   = 0x00
	peULEB128  = 0x01
	peUData2   = 0x02
	peUData4   = 0x03
	peUData8   = 0x04
	peSLEB128  = 0x09
	peSData2   = 0x0a
	peSData4   = 0x0b
	peSData8   = 0x0c
	peFormat   = 0x0f
	pePCRel    = 0x10
	peTextRel  = 0x20
	peDataRel  = 0x30
	peAligned  = 0x50
	peBase     = 0x70
	peIndirect = 0x80
	peOmit     = 0xff
)

// pointer reads an encoded pointer. It leaves DW_EH_PE_indirect to the caller:
// the value is then the address of the pointer.
func (r *reader) pointer(enc byte) uint64 {
	if enc == peOmit {
		return 0
	}
	start := r.off
	var base uint64
	switch enc & peBase {
	case 0:
	case pePCRel:
		base = r.sec.addr + uint64(r.off)
	case peTextRel:
		base = r.sec.textAddr
	case peDataRel:
		base = r.sec.dataAddr
	case peAligned:
		r.take(-(r.sec.addr + uint64(r.off)) % 8)
	default:
		r.fail(start, "pointer encoding %#x", enc)
		return 0
	}
	switch enc & peFormat {
	case peAbsPtr, peUData8, peSData8:
		return base + r.uint(8)
	case peUData4:
		return base + r.uint(4)
	case peUData2:
		return base + r.uint(2)
	case peSData4:
		return base + uint64(r.int(4))
	case peSData2:
		return base + uint64(r.int(2))
	case peULEB128:
		return base + r.uleb()
	case peSLEB128:
		return base + uint64(r.sleb())
	}
	r.fail(start, "pointer encoding %#x", enc)
	return 0
}

package arch

import (
	"encoding/binary"
	"fmt"
)

// This file describes the extended state: the registers of x87, MMX, SSE, AVX,
// AVX-512 and protection keys, as an XSAVE area of the standard form holds them
// (SDM volume 1, 13.4). PTRACE_GETREGSET gives one for NT_X86_XSTATE, and a core
// keeps one in the note of that name.

// A component is a part of the extended state that the CPU saves as a whole
// (SDM volume 1, 13.1).
type component uint8

const (
	x87      component = 0
	sse      component = 1
	avx      component = 2 // the upper halves of ymm0 to ymm15
	opmask   component = 5
	zmmHi256 component = 6 // the upper halves of zmm0 to zmm15
	hi16ZMM  component = 7 // zmm16 to zmm31
	pkru     component = 9
)

// Offsets in the area. The first 512 bytes are those of FXSAVE.
const (
	fstatAt  = 2
	mxcsrAt  = 24
	maskAt   = 28 // MXCSR_MASK, the bits of mxcsr that the CPU has
	stAt     = 32
	xmmAt    = 160
	legacy   = 416 // the end of xmm15
	xcr0At   = 464 // in bytes left to software, where Linux tells XCR0 (struct _fpx_sw_bytes)
	inUseAt  = 512 // XSTATE_BV: a component whose bit is clear is in its initial state
	header   = 576 // the end of the header
	initCtrl = 0x37f
)

// An XRegister names a register of the extended state.
type XRegister struct {
	Name string
	Bits int // its width, a multiple of 8

	parts []part // from the low bits up
	mmx   bool   // it is an x87 register by number, not by its place on the stack
}

// A part is where some of a register's bytes are.
type part struct {
	component    component
	offset, size int // in the component; in the area for x87 and sse
}

// XRegisters lists the registers of the extended state in the order of manuals.
var XRegisters = func() (list []XRegister) {
	add := func(name string, parts ...part) *XRegister {
		r := XRegister{Name: name, parts: parts}
		for _, p := range parts {
			r.Bits += 8 * p.size
		}
		list = append(list, r)
		return &list[len(list)-1]
	}
	number := func(prefix string, i int) string { return fmt.Sprintf("%s%d", prefix, i) }

	add("fctrl", part{x87, 0, 2})
	add("fstat", part{x87, fstatAt, 2})
	add("ftag", part{x87, 4, 1})
	add("fop", part{x87, 6, 2})
	add("fip", part{x87, 8, 8})
	add("fdp", part{x87, 16, 8})
	for i := range 8 {
		add(number("st", i), part{x87, stAt + 16*i, 10})
	}
	for i := range 8 {
		add(number("mm", i), part{x87, stAt + 16*i, 8}).mmx = true
	}
	add("mxcsr", part{sse, mxcsrAt, 4})
	for _, v := range []struct {
		name string
		size int
	}{{"xmm", 16}, {"ymm", 32}, {"zmm", 64}} {
		for i := range 16 {
			parts := []part{{sse, xmmAt + 16*i, 16}, {avx, 16 * i, 16}, {zmmHi256, 32 * i, 32}}
			n := map[int]int{16: 1, 32: 2, 64: 3}[v.size]
			add(number(v.name, i), parts[:n]...)
		}
		for i := range 16 {
			add(number(v.name, 16+i), part{hi16ZMM, 64 * i, v.size})
		}
	}
	for i := range 8 {
		add(number("k", i), part{opmask, 8 * i, 8})
	}
	add("pkru", part{pkru, 0, 4})
	return list
}()

var xByName = func() map[string]*XRegister {
	m := make(map[string]*XRegister, len(XRegisters))
	for i := range XRegisters {
		m[XRegisters[i].Name] = &XRegisters[i]
	}
	return m
}()

// LookupX returns the register of the extended state called name, or nil.
func LookupX(name string) *XRegister { return xByName[name] }

// An XLayout says where the components are in a CPU's XSAVE areas.
type XLayout struct {
	Size    int // of the largest area that the CPU saves
	offsets [64]int
	sizes   [64]int
}

// NewXLayout asks the CPU for its layout (SDM volume 1, 13.2: CPUID leaf 0xD).
func NewXLayout(cpuid func(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)) *XLayout {
	const leaf = 0xd
	l := new(XLayout)
	if last, _, _, _ := cpuid(0, 0); last < leaf {
		return l
	}
	_, _, size, _ := cpuid(leaf, 0)
	l.Size = int(size)
	for c := avx; int(c) < len(l.offsets); c++ {
		eax, ebx, ecx, _ := cpuid(leaf, uint32(c))
		if supervisor := ecx&1 != 0; !supervisor {
			l.sizes[c], l.offsets[c] = int(eax), int(ebx)
		}
	}
	return l
}

// An XState is the extended state of a thread.
type XState struct {
	area   []byte
	layout *XLayout
}

// NewXState returns the state that area holds, which the XState takes over.
// Components that are in their initial state get its values there: all zero but
// fctrl (SDM volume 1, 13.6). The CPU saves mxcsr in any case.
func NewXState(area []byte, layout *XLayout) (*XState, error) {
	if len(area) < header {
		return nil, fmt.Errorf("an XSAVE area of %d bytes lacks its header", len(area))
	}
	s := &XState{area, layout}
	used := binary.LittleEndian.Uint64(area[inUseAt:])
	if used>>x87&1 == 0 {
		clear(area[:mxcsrAt])
		clear(area[stAt:xmmAt])
		binary.LittleEndian.PutUint16(area, initCtrl)
	}
	if used>>sse&1 == 0 {
		clear(area[xmmAt:legacy])
	}
	for c := avx; int(c) < len(layout.sizes); c++ {
		at, size := layout.offsets[c], layout.sizes[c]
		if used>>c&1 == 0 && size > 0 && at >= header && at+size <= len(area) {
			clear(area[at : at+size])
		}
	}
	return s, nil
}

// Area returns the XSAVE area itself.
func (s *XState) Area() []byte { return s.area }

// Get returns the value of a register, the low byte first. A register that the
// CPU lacks, or that the kernel does not let programs use, is an error.
func (s *XState) Get(r *XRegister) ([]byte, error) {
	places, err := s.places(r)
	if err != nil {
		return nil, err
	}
	v := make([]byte, 0, r.Bits/8)
	for _, place := range places {
		v = append(v, place...)
	}
	return v, nil
}

// Set changes a register to v, the low byte first, and takes its components out
// of their initial state. Other registers that it is a part of keep their other
// bits, as they do when SSE instructions write xmm registers. Reserved bits of
// mxcsr are an error.
func (s *XState) Set(r *XRegister, v []byte) error {
	if len(v) != r.Bits/8 {
		return fmt.Errorf("%s: got %d bytes, want %d", r.Name, len(v), r.Bits/8)
	}
	places, err := s.places(r)
	if err != nil {
		return err
	}
	if r.parts[0] == (part{sse, mxcsrAt, 4}) {
		reserved := binary.LittleEndian.Uint32(v) &^ binary.LittleEndian.Uint32(s.area[maskAt:])
		if reserved != 0 {
			return fmt.Errorf("bits %#x of mxcsr are reserved", reserved)
		}
	}
	used := binary.LittleEndian.Uint64(s.area[inUseAt:])
	for i, place := range places {
		v = v[copy(place, v):]
		used |= 1 << r.parts[i].component
	}
	binary.LittleEndian.PutUint64(s.area[inUseAt:], used)
	return nil
}

// xcr0Of returns the components that the kernel uses, as an area tells them.
func xcr0Of(area []byte) uint64 {
	if len(area) < header {
		return 0
	}
	return binary.LittleEndian.Uint64(area[xcr0At:])
}

// places returns the bytes of the area that hold a register.
func (s *XState) places(r *XRegister) ([][]byte, error) {
	xcr0 := xcr0Of(s.area)
	places := make([][]byte, 0, len(r.parts))
	for _, p := range r.parts {
		at := p.offset
		if p.component >= avx {
			at += s.layout.offsets[p.component]
		} else if r.mmx {
			// Register i is st(i - TOP): the area holds them in the stack's order.
			top := int(s.area[fstatAt+1] >> 3 & 7)
			at = stAt + ((p.offset-stAt)/16-top)&7*16
		}
		known := p.component < avx || s.layout.sizes[p.component] >= p.offset+p.size
		if xcr0>>p.component&1 == 0 || !known || at+p.size > len(s.area) {
			return nil, fmt.Errorf("this CPU has no %s, or its kernel does not use it", r.Name)
		}
		places = append(places, s.area[at:at+p.size])
	}
	return places, nil
}

package disasm

import (
	"encoding/binary"
	"math/bits"

	"golang.org/x/arch/x86/x86asm"

	"github.com/tracelark/tracelark/tracer/arch"
)

// NoReg stands for the register that an address does without.
const NoReg = arch.Reg(arch.NumRegs)

// An Access is memory that an instruction reads or writes.
type Access struct {
	Read, Write bool
	Size        int // in bytes; 0 if it is not known

	// The address is Base + Index<<Scale + Disp, and the base of a segment.
	Base, Index, Segment arch.Reg // or NoReg
	Scale                uint8
	Disp                 uint64

	// Stack is set if it is what the instruction pushes or pops.
	Stack bool
	// Vector is set if a vector register has many indices, so that there is no one
	// address.
	Vector bool

	bits   arch.Reg // holds the number of a bit, counted from the address on, or NoReg
	table  bool     // al is added
	narrow bool     // the address is cut off at 32 bits
	next   uint64   // what rip stands for
}

// Addr returns the address, where the registers are as they were before the
// instruction.
func (a *Access) Addr(regs *arch.Regs) uint64 {
	get := func(r arch.Reg) uint64 {
		switch r {
		case NoReg:
			return 0
		case arch.RIP:
			return a.next
		}
		return regs[r]
	}
	addr := a.Disp + get(a.Base) + get(a.Index)<<a.Scale
	if a.table {
		addr += regs[arch.RAX] & 0xff
	}
	if a.bits != NoReg { // which is one of the operand that it lies in
		n, unused := regs[a.bits], 64-8*a.Size
		addr += uint64(int64(n<<unused) >> unused >> bits.TrailingZeros(uint(8*a.Size)) * int64(a.Size))
	}
	if a.narrow {
		addr = uint64(uint32(addr))
	}
	return addr + get(a.Segment)
}

// Registers returns the registers that the address is computed from, but for rip and those of
// segments.
func (a *Access) Registers() (list []arch.Reg) {
	for _, r := range []arch.Reg{a.Base, a.Index, a.bits} {
		if r != NoReg && r != arch.RIP {
			list = append(list, r)
		}
	}
	return list
}

// What an instruction does to the operand in memory that its ModRM byte names, by
// its opcode (SDM volume 2, appendix A): 'r' reads it, 'w' writes it, 'm' does both,
// '.' does neither or has none, and 'g' leaves it to the rest of the ModRM byte.
var accesses = [...]string{
	primary: "" +
		/* 0 */ "mmrr....mmrr...." +
		/* 1 */ "mmrr....mmrr...." +
		/* 2 */ "mmrr....mmrr...." +
		/* 3 */ "mmrr....rrrr...." +
		/* 4 */ "................" +
		/* 5 */ "................" +
		/* 6 */ "...r.....r.r...." +
		/* 7 */ "................" +
		/* 8 */ "gg.grrmmwwrrw.rw" +
		/* 9 */ "................" +
		/* A */ "................" +
		/* B */ "................" +
		/* C */ "mm....ww........" +
		/* D */ "mmmm....gggggggg" +
		/* E */ "................" +
		/* F */ "......gg......gg",
	after0F: "" +
		/* 0 */ "ggrr............" +
		/* 1 */ "rwrwrrrw........" +
		/* 2 */ "........rwrwrrrr" +
		/* 3 */ "................" +
		/* 4 */ "rrrrrrrrrrrrrrrr" +
		/* 5 */ "rrrrrrrrrrrrrrrr" +
		/* 6 */ "rrrrrrrrrrrrrrrr" +
		/* 7 */ "r...rrr.wrrrrrgw" +
		/* 8 */ "................" +
		/* 9 */ "wwwwwwwwwwwwwwww" +
		/* A */ "...rmm.....mmmgr" +
		/* B */ "mmrmrrrrr.gmrrrr" +
		/* C */ "mmrwr.rg........" +
		/* D */ "rrrrrrwrrrrrrrrr" +
		/* E */ "rrrrrrrwrrrrrrrr" +
		/* F */ "rrrrrrr.rrrrrrr.",
}

// groups are what accesses leaves to the field reg of the ModRM byte, by map and
// opcode.
var groups = map[[2]byte]string{
	{0, 0x80}: "mmmmmmmr", {0, 0x81}: "mmmmmmmr", {0, 0x83}: "mmmmmmmr",
	{0, 0xd8}: "rrrrrrrr", {0, 0xd9}: "r.wwrrww", {0, 0xda}: "rrrrrrrr", {0, 0xdb}: "rwww.r.w",
	{0, 0xdc}: "rrrrrrrr", {0, 0xdd}: "rwwwr.ww", {0, 0xde}: "rrrrrrrr", {0, 0xdf}: "rwwwrrww",
	{0, 0xf6}: "rrmmrrrr", {0, 0xf7}: "rrmmrrrr", {0, 0xfe}: "mm......", {0, 0xff}: "mmrrrrr.",
	{1, 0x00}: "wwrrrr..", {1, 0x01}: "wwrrw.r.", {1, 0xae}: "wrrwwrwr", {1, 0xba}: "....rmmm", {1, 0xc7}: ".m.rwwrw",
}

// access returns what the instruction does to the operand of its ModRM byte.
func (e *encoding) access() byte {
	op := e.opcode
	switch {
	case e.opmap <= after0F && !e.vex:
	case e.opmap == after0F:
		switch {
		case op == 0x90: // kmov
			return 'r'
		case op == 0x78, op == 0x79, op == 0x7a, op == 0x7b: // conversions of AVX-512
			return 'r'
		case op&0xf0 == 0x90:
			return 'w'
		}
	case e.opmap == after0F38:
		switch {
		case e.vex && (op == 0x2e || op == 0x2f || op == 0x8e): // vmaskmov
			return 'w'
		case e.evex && (op == 0x63 || op == 0x8a || op == 0x8b || op >= 0xa0 && op <= 0xa3): // vpcompress, scatter
			return 'w'
		case e.evex && e.rep == 0xf3 && op&0xf < 6 && op >= 0x10 && op < 0x40: // vpmovqb and its like
			return 'w'
		case op == 0xc6, op == 0xc7: // prefetches
			return '.'
		case !e.vex && (op == 0xf9 || op == 0xf1 && e.rep == 0): // movdiri, movbe
			return 'w'
		}
		return 'r'
	case e.opmap == after0F3A:
		switch {
		case op >= 0x14 && op <= 0x17, e.vex && (op&^0x22 == 0x19 || op == 0x1d): // pextr, vextract, vcvtps2ph
			return 'w'
		}
		return 'r'
	case e.opmap == evexMap5 && (op == 0x11 || op == 0x7e):
		return 'w'
	default:
		return 'r'
	}
	c := accesses[e.opmap][op]
	if c != 'g' {
		return c
	}
	if e.opmap == after0F && op == 0x7e { // movd, or movq from memory
		if e.rep == 0xf3 {
			return 'r'
		}
		return 'w'
	}
	return groups[[2]byte{byte(e.opmap), op}][e.modrm>>3&7]
}

// Accesses returns the memory that the instruction reads and writes, in the order in
// which it does. What fetches code, and prefetches, are none.
func (i *Inst) Accesses() []Access {
	e, err := parse(i.Data)
	if err != nil {
		return nil
	}
	var list []Access
	add := func(kind byte, a Access) {
		a.Read, a.Write = kind == 'r' || kind == 'm', kind == 'w' || kind == 'm'
		a.narrow, a.next = e.addr32, i.Next()
		if kind != '.' {
			list = append(list, a)
		}
	}
	if memory := e.memory(); memory != nil {
		add(e.access(), *memory)
	}
	for _, x := range e.implicit() {
		x.bits = NoReg
		add(x.kind, x.Access)
	}
	return list
}

// memory returns the operand that the ModRM byte names, or nil if it is a register
// or there is none.
func (e *encoding) memory() *Access {
	if e.modAt == 0 || e.modrm>>6 == 3 {
		return nil
	}
	a := Access{Base: NoReg, Index: NoReg, Segment: e.segment, bits: NoReg}
	x, err := x86asm.Decode(e.data, 64)
	if err == nil && x.Len == len(e.data) {
		a.Size = x.MemBytes
		switch x.Op {
		case x86asm.BT, x86asm.BTC, x86asm.BTR, x86asm.BTS:
			if r, _, ok := generalReg(x.Args[1]); ok {
				a.bits = r
			}
		}
	}
	mod, rm, rest := e.modrm>>6, e.modrm&7, e.data[e.modAt+1:]
	if rm == 4 {
		sib := rest[0]
		rest = rest[1:]
		a.Scale, rm = sib>>6, sib&7
		if n := sib>>3&7 | e.rexX; e.vsib() {
			a.Vector = true
		} else if n != 4 {
			a.Index = numbered[n]
		}
		if mod != 0 || rm != 5 {
			a.Base = numbered[rm|e.rexB]
		}
	} else if mod == 0 && rm == 5 {
		a.Base = arch.RIP
	} else {
		a.Base = numbered[rm|e.rexB]
	}
	switch {
	case mod == 1:
		a.Disp = uint64(int8(rest[0]))
		if e.evex { // which multiplies it by a size that depends on the instruction
			for _, arg := range x.Args {
				if m, ok := arg.(x86asm.Mem); ok && err == nil {
					a.Disp = uint64(int64(int32(m.Disp)))
				}
			}
		}
	case mod == 2, mod == 0 && rm == 5:
		a.Disp = uint64(int32(binary.LittleEndian.Uint32(rest)))
	}
	return &a
}

// vsib reports whether the index of the SIB byte is a vector register.
func (e *encoding) vsib() bool {
	if !e.vex || e.opmap != after0F38 {
		return false
	}
	return e.opcode&^3 == 0x90 || e.evex && (e.opcode&^3 == 0xa0 || e.opcode == 0xc6 || e.opcode == 0xc7)
}

// An implied is an access that no ModRM byte names.
type implied struct {
	kind byte
	Access
}

// implicit returns the accesses that the opcode implies.
func (e *encoding) implicit() []implied {
	push := implied{'w', Access{Base: arch.RSP, Index: NoReg, Segment: NoReg, Disp: ^uint64(7), Size: 8, Stack: true}}
	pop := implied{'r', Access{Base: arch.RSP, Index: NoReg, Segment: NoReg, Size: 8, Stack: true}}
	at := func(kind byte, r arch.Reg) implied {
		segment := NoReg
		if r == arch.RSI {
			segment = e.segment
		}
		return implied{kind, Access{Base: r, Index: NoReg, Segment: segment, Size: e.stringSize()}}
	}
	op, reg := e.opcode, e.modrm>>3&7
	if e.opmap == after0F && op == 0xf7 { // maskmovq, maskmovdqu, of which a mask chooses bytes
		x := at('w', arch.RDI)
		x.Size = 0
		return []implied{x}
	}
	if e.opmap == after0F && !e.vex {
		switch op {
		case 0xa0, 0xa8: // push fs, push gs
			return []implied{push}
		case 0xa1, 0xa9:
			return []implied{pop}
		}
	}
	if e.opmap != primary || e.vex {
		return nil
	}
	switch {
	case op&^7 == 0x50, op == 0x68, op == 0x6a, op == 0x9c, op == 0xc8, op == 0xe8, op == 0xff && (reg == 2 || reg == 6):
		return []implied{push}
	case op == 0xff && reg == 3: // a far call pushes cs too
		return []implied{push}
	case op&^7 == 0x58, op == 0x9d, op&^1 == 0xc2, op&^1 == 0xca, op == 0xcf, op == 0x8f:
		return []implied{pop}
	case op == 0xc9: // leave
		pop.Base = arch.RBP
		return []implied{pop}
	case op&^1 == 0xa4: // movs
		return []implied{at('r', arch.RSI), at('w', arch.RDI)}
	case op&^1 == 0xa6: // cmps
		return []implied{at('r', arch.RSI), at('r', arch.RDI)}
	case op&^1 == 0xaa, op&^1 == 0x6c: // stos, ins
		return []implied{at('w', arch.RDI)}
	case op&^1 == 0xac, op&^1 == 0x6e: // lods, outs
		return []implied{at('r', arch.RSI)}
	case op&^1 == 0xae: // scas
		return []implied{at('r', arch.RDI)}
	case op == 0xd7: // xlat
		return []implied{{'r', Access{Base: arch.RBX, Index: NoReg, Segment: e.segment, Size: 1, table: true}}}
	case op&^3 == 0xa0: // mov with an address
		a := Access{Base: NoReg, Index: NoReg, Segment: e.segment, Size: e.stringSize()}
		if len(e.data) >= 9 && !e.addr32 {
			a.Disp = binary.LittleEndian.Uint64(e.data[len(e.data)-8:])
		} else {
			a.Disp = uint64(binary.LittleEndian.Uint32(e.data[len(e.data)-4:]))
		}
		return []implied{{"rrww"[op&3], a}}
	}
	return nil
}

// stringSize returns the size of the operand of an instruction whose last bit says
// whether that is a byte.
func (e *encoding) stringSize() int {
	switch {
	case e.opcode&1 == 0:
		return 1
	case e.wide:
		return 8
	case e.short:
		return 2
	}
	return 4
}

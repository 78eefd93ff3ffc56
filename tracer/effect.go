//go:build linux && amd64

package tracer

import (
	"bytes"
	"encoding/binary"

	"github.com/tracelark/tracelark/tracer/arch"
)

// This file compiles instructions to closures over the registers of a thread: what
// programs execute most, but for vector instructions (SDM volume 2, chapter 2 and
// appendix A).
//
// Where other threads run, memory is touched on the stack alone, and where a call
// finds its target. What else an instruction reads or writes may be shared, and
// others would notice if the kernel copied piece by piece what the CPU accesses as a
// whole.

// An effect does what an instruction does. It reports false, having changed no
// register, if only the CPU can do it.
type effect func(c *cpu) bool

// general is the general registers in the order of their numbers in machine code.
var general = [16]arch.Reg{
	arch.RAX, arch.RCX, arch.RDX, arch.RBX, arch.RSP, arch.RBP, arch.RSI, arch.RDI,
	arch.R8, arch.R9, arch.R10, arch.R11, arch.R12, arch.R13, arch.R14, arch.R15,
}

// noReg stands for the register that an operand does without.
const noReg = arch.Reg(arch.NumRegs)

// compile returns the effect of the first instruction of code and its length, or a
// nil effect if it is left to the CPU.
func compile(code []byte) (do effect, n int) {
	endbr64 := []byte{0xf3, 0x0f, 0x1e, 0xfa}
	if bytes.HasPrefix(code, endbr64) {
		return nop, len(endbr64)
	}
	s := source{code: code, segment: noReg}
	op := s.byte()
	plain, branch := true, true // what the prefixes leave
	for more := true; more; {
		switch op {
		case 0x2e, 0x3e: // which mean nothing, but to a branch for its prediction
		case 0xf2, 0xf3: // which mean nothing to a branch
			plain = false
		case 0x64:
			s.segment, branch = arch.FSBase, false
		case 0x65:
			s.segment, branch = arch.GSBase, false
		case 0x66:
			s.short16, branch = true, false
		default:
			more = false
		}
		if more {
			op = s.byte()
		}
		if s.pos > 4 {
			return nil, 0
		}
	}
	if op&0xf0 == 0x40 {
		s.rex, op = op, s.byte()
	}
	opcode := int(op)
	if op == 0x0f {
		opcode = 0x0f00 | int(s.byte())
	}
	start := s.pos
	if branch {
		do = s.branch(opcode)
	}
	for _, form := range [...]func(*source, int) effect{(*source).stack, (*source).arithmetic, (*source).move, (*source).shift} {
		if do == nil && plain {
			s.pos = start
			do = form(&s, opcode)
		}
	}
	if s.short {
		return nil, 0
	}
	return do, s.pos
}

func nop(*cpu) bool { return true }

// always stands for the condition that a jump does without.
const always = -1

// jump returns the effect of a jump that depends on a condition.
func jump(condition int, rel uint64) effect {
	return func(c *cpu) bool {
		return condition != always && !c.holds(condition) || c.jump(c.regs[arch.RIP]+rel)
	}
}

// branch returns the effect of what goes elsewhere.
func (s *source) branch(op int) effect {
	switch {
	case op == 0xe8: // call rel32
		rel := s.signed(4)
		return func(c *cpu) bool { return c.call(c.regs[arch.RIP] + rel) }
	case op == 0xe9: // jmp rel32
		return jump(always, s.signed(4))
	case op == 0xeb: // jmp rel8
		return jump(always, s.signed(1))
	case op&^0xf == 0x0f80: // jcc rel32
		return jump(op&0xf, s.signed(4))
	case op&^0xf == 0x70: // jcc rel8
		return jump(op&0xf, s.signed(1))
	case op == 0xc2, op == 0xc3: // ret imm16, ret
		var more uint64
		if op == 0xc2 {
			more = uint64(s.byte()) | uint64(s.byte())<<8
		}
		return func(c *cpu) bool { return c.ret(more) }
	case op == 0xff:
		digit, _, rm := s.modrm()
		target := func(c *cpu) (uint64, bool) { return c.regs[rm.reg], true }
		if rm.reg == noReg {
			target = func(c *cpu) (uint64, bool) { return c.load(rm.addr(&c.regs), 64) }
		}
		switch digit {
		case 2: // call r/m64
			return func(c *cpu) bool {
				to, ok := target(c)
				return ok && c.call(to)
			}
		case 4: // jmp r/m64
			return func(c *cpu) bool {
				to, ok := target(c)
				return ok && c.jump(to)
			}
		}
	}
	return nil
}

// A source is the bytes of an instruction, as far as they were read.
type source struct {
	code  []byte
	pos   int
	short bool // it has fewer than were asked for
	rex   byte

	short16 bool     // operands have 16 bits
	segment arch.Reg // whose base is added to addresses, or noReg
}

// bits returns the width of operands that have no width of their own.
func (s *source) bits() int {
	switch {
	case s.rex&8 != 0:
		return 64
	case s.short16:
		return 16
	}
	return 32
}

// immediate returns the number behind the operands: of their width, or of 32 bits
// if they have 64.
func (s *source) immediate(bits int) uint64 { return s.signed(min(bits, 32) / 8) }

func (s *source) byte() byte {
	if s.pos >= len(s.code) {
		s.short = true
		return 0
	}
	s.pos++
	return s.code[s.pos-1]
}

// signed returns the number in the next bytes, extended with its sign.
func (s *source) signed(size int) uint64 {
	var word [8]byte
	for i := range size {
		word[i] = s.byte()
	}
	unused := 64 - 8*size
	return uint64(int64(binary.LittleEndian.Uint64(word[:])<<unused) >> unused)
}

// A place is a register or, if that is noReg, memory.
type place struct {
	reg         arch.Reg
	shift       uint8 // of the operand in the register: 8 for ah and its like
	base, index arch.Reg
	segment     arch.Reg
	scale       uint8
	disp        uint64
}

// addr returns the address of a place in memory.
func (p *place) addr(regs *arch.Regs) uint64 {
	addr := p.disp
	if p.base != noReg {
		addr += regs[p.base]
	}
	if p.index != noReg {
		addr += regs[p.index] << p.scale
	}
	if p.segment != noReg {
		addr += regs[p.segment]
	}
	return addr
}

// byteReg returns the 8-bit register with a number.
func (s *source) byteReg(n byte) place {
	if s.rex == 0 && n >= 4 {
		return place{reg: general[n-4], shift: 8}
	}
	return place{reg: general[n]}
}

// operands reads a ModRM byte whose operands have a number of bits.
func (s *source) operands(bits int) (digit byte, reg, rm place) {
	b := byte(0)
	if s.pos < len(s.code) {
		b = s.code[s.pos]
	}
	digit, r, rm := s.modrm()
	reg = place{reg: r}
	if bits == 8 {
		reg = s.byteReg(digit | s.rex&4<<1)
		if rm.reg != noReg {
			rm = s.byteReg(b&7 | s.rex&1<<3)
		}
	}
	return digit, reg, rm
}

// modrm reads a ModRM byte with what belongs to it. digit is the field that may
// hold a part of the opcode, or a register's number.
func (s *source) modrm() (digit byte, reg arch.Reg, rm place) {
	b := s.byte()
	mod, digit, low := b>>6, b>>3&7, b&7
	reg = general[digit|s.rex&4<<1]
	if mod == 3 {
		return digit, reg, place{reg: general[low|s.rex&1<<3]}
	}
	rm = place{reg: noReg, index: noReg, segment: s.segment}
	if low == 4 {
		sib := s.byte()
		low, rm.scale = sib&7, sib>>6
		if index := sib>>3&7 | s.rex&2<<2; index != 4 {
			rm.index = general[index]
		}
		rm.base = noReg // for what follows
	} else {
		rm.base = arch.RIP
	}
	if mod != 0 || low != 5 {
		rm.base = general[low|s.rex&1<<3]
	}
	switch {
	case mod == 1:
		rm.disp = s.signed(1)
	case mod == 2, low == 5 && mod == 0:
		rm.disp = s.signed(4)
	}
	return digit, reg, rm
}

//go:build linux && amd64

package tracer

import (
	"bytes"
	"encoding/binary"

	"github.com/tracelark/tracelark/tracer/arch"
)

// This file compiles instructions to closures over the registers of a thread:
// those that functions and their blocks begin with, and calls and branches, which
// cannot be executed anywhere but where they are. Operands have 32 or 64 bits (SDM
// volume 2, chapter 2 and appendix A).
//
// Memory is touched on the stack alone, and where a call finds its target. What
// else an instruction reads or writes may be shared, and others would notice if the
// kernel copied piece by piece what the CPU accesses as a whole.

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
	s := source{code: code}
	op := s.byte()
	prefixed := false
	switch op {
	case 0x2e, 0x3e, 0xf2, 0xf3: // which mean nothing to a branch
		prefixed, op = true, s.byte()
	}
	if op&0xf0 == 0x40 {
		s.rex, op = op, s.byte()
	}
	opcode := int(op)
	if op == 0x0f {
		opcode = 0x0f00 | int(s.byte())
	}
	if do = s.branch(opcode); do == nil && !prefixed {
		do = s.other(opcode)
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
			target = func(c *cpu) (uint64, bool) { return c.load(rm.addr(&c.regs)) }
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

// other returns the effect of what goes on to the next instruction.
func (s *source) other(op int) effect {
	bits := 32
	if s.rex&8 != 0 {
		bits = 64
	}
	low := general[op&7|int(s.rex)&1<<3]
	switch {
	case op == 0x90 && low == arch.RAX: // nop
		return nop
	case op == 0x0f1f: // nop r/m
		s.modrm()
		return nop
	case op&^7 == 0x50: // push r64
		return func(c *cpu) bool { return c.push(c.regs[low]) }
	case op&^7 == 0x58: // pop r64
		return func(c *cpu) bool { return c.pop(low) }
	case op == 0x68: // push imm32
		v := s.signed(4)
		return func(c *cpu) bool { return c.push(v) }
	case op == 0x6a: // push imm8
		v := s.signed(1)
		return func(c *cpu) bool { return c.push(v) }
	case op == 0xc9: // leave
		return (*cpu).leave
	case op&^7 == 0xb8: // mov r, imm
		v := s.signed(bits / 8)
		return func(c *cpu) bool { return c.set(low, v, bits) }
	case op == 0xa9: // test eax, imm32
		return compute(and, arch.RAX, noReg, s.signed(4), bits, false)
	case op < 0x40 && op&7 == 5: // add eax, imm32 and its like
		return compute(operation(op>>3), arch.RAX, noReg, s.signed(4), bits, true)
	}

	digit, reg, rm := s.modrm()
	switch {
	case rm.reg == noReg:
		if op == 0x8d { // lea
			return func(c *cpu) bool { return c.set(reg, rm.addr(&c.regs), bits) }
		}
	case op < 0x40 && op&7 == 1: // add r/m, r and its like
		return compute(operation(op>>3), rm.reg, reg, 0, bits, true)
	case op < 0x40 && op&7 == 3: // add r, r/m
		return compute(operation(op>>3), reg, rm.reg, 0, bits, true)
	case op == 0x81: // add r/m, imm32
		return compute(operation(digit), rm.reg, noReg, s.signed(4), bits, true)
	case op == 0x83: // add r/m, imm8
		return compute(operation(digit), rm.reg, noReg, s.signed(1), bits, true)
	case op == 0x85: // test r/m, r
		return compute(and, rm.reg, reg, 0, bits, false)
	case op == 0xf7 && digit <= 1: // test r/m, imm32
		return compute(and, rm.reg, noReg, s.signed(4), bits, false)
	case op == 0x89: // mov r/m, r
		return func(c *cpu) bool { return c.set(rm.reg, c.regs[reg], bits) }
	case op == 0x8b: // mov r, r/m
		return func(c *cpu) bool { return c.set(reg, c.regs[rm.reg], bits) }
	case op == 0xc7 && digit == 0: // mov r/m, imm32
		v := s.signed(4)
		return func(c *cpu) bool { return c.set(rm.reg, v, bits) }
	}
	return nil
}

// compute returns the effect of an operation on dst and on src or, without that, a
// value. Where store is not set, only the flags count.
func compute(op operation, dst, src arch.Reg, v uint64, bits int, store bool) effect {
	if op == adc || op == sbb {
		return nil
	}
	store = store && op != cmp
	return func(c *cpu) bool {
		if src != noReg {
			v = c.regs[src]
		}
		r := c.compute(op, c.regs[dst], v, bits)
		return !store || c.set(dst, r, bits)
	}
}

// A source is the bytes of an instruction, as far as they were read.
type source struct {
	code  []byte
	pos   int
	short bool // it has fewer than were asked for
	rex   byte
}

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
	base, index arch.Reg
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
	return addr
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
	rm = place{reg: noReg, index: noReg}
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

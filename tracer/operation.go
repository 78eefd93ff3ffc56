//go:build linux && amd64

package tracer

import (
	"math/bits"

	"github.com/tracelark/tracelark/tracer/arch"
)

// This file compiles what goes on to the next instruction. Operands have 8 to 64
// bits, in registers or in memory.

// stack returns the effect of what pushes and pops. It has 64 bits.
func (s *source) stack(op int) effect {
	low := general[op&7|int(s.rex)&1<<3]
	if s.short16 {
		return nil
	}
	switch {
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
	case op == 0xff: // push r/m64
		if digit, _, rm := s.operands(64); digit == 6 {
			return func(c *cpu) bool {
				v, ok := c.get(&rm, 64)
				return ok && c.push(v)
			}
		}
	case op == 0xc9: // leave
		return (*cpu).leave
	}
	return nil
}

// arithmetic returns the effect of what computes and sets flags, but for shifts, and
// for multiplications, whose flags other than CF and OF some CPUs set and some leave.
func (s *source) arithmetic(op int) effect {
	width := s.bits()
	if op < 0x100 && op&1 == 0 {
		width = 8
	}
	rax := place{reg: arch.RAX}
	switch {
	case op < 0x40 && op&7 >= 4 && op&7 <= 5: // add eax, imm and its like
		return compute(operation(op>>3), rax, nil, s.immediate(width), width, true)
	case op&^1 == 0xa8: // test eax, imm
		return compute(and, rax, nil, s.immediate(width), width, false)
	case op < 0x40 && op&7 < 4, op&^1 == 0x84, op&^1 == 0x80, op == 0x83, op&^1 == 0xf6, op&^1 == 0xfe:
	default:
		return nil
	}
	digit, reg, rm := s.operands(width)
	switch {
	case op < 0x40 && op&7 < 2: // add r/m, r and its like
		return compute(operation(op>>3), rm, &reg, 0, width, true)
	case op < 0x40: // add r, r/m
		return compute(operation(op>>3), reg, &rm, 0, width, true)
	case op&^1 == 0x84: // test r/m, r
		return compute(and, rm, &reg, 0, width, false)
	case op == 0x83: // add r/m, imm8
		return compute(operation(digit), rm, nil, s.signed(1), width, true)
	case op&^1 == 0x80: // add r/m, imm
		return compute(operation(digit), rm, nil, s.immediate(width), width, true)
	case op&^1 == 0xfe && digit <= 1: // inc, dec, which leave the carry flag alone
		change := [...]operation{add, sub}[digit]
		return func(c *cpu) bool {
			v, ok := c.get(&rm, width)
			carry := c.regs[arch.EFLAGS] & flagCF
			v = c.compute(change, v, 1, width)
			c.regs[arch.EFLAGS] = c.regs[arch.EFLAGS]&^flagCF | carry
			return ok && c.update(&rm, v, width)
		}
	case op&^1 == 0xf6 && digit <= 1: // test r/m, imm
		return compute(and, rm, nil, s.immediate(width), width, false)
	case op&^1 == 0xf6 && digit == 2: // not
		return func(c *cpu) bool {
			v, ok := c.get(&rm, width)
			return ok && c.update(&rm, ^v, width)
		}
	case op&^1 == 0xf6 && digit == 3: // neg
		return func(c *cpu) bool {
			v, ok := c.get(&rm, width)
			return ok && c.update(&rm, c.compute(sub, 0, v, width), width)
		}
	}
	return nil
}

// compute returns the effect of an operation on dst and on src or, without that, a
// value. Where store is not set, only the flags count.
func compute(op operation, dst place, src *place, v uint64, width int, store bool) effect {
	store = store && op != cmp
	return func(c *cpu) bool {
		a, ok := c.get(&dst, width)
		b := v
		if src != nil && ok {
			b, ok = c.get(src, width)
		}
		if !ok {
			return false
		}
		r := c.compute(op, a, b, width)
		return !store || c.update(&dst, r, width)
	}
}

// extend returns the low bits of v as a signed number.
func extend(v uint64, width int) uint64 { return uint64(int64(v<<(64-width)) >> (64 - width)) }

// move returns the effect of what sets no flags.
func (s *source) move(op int) effect {
	width := s.bits()
	low := place{reg: general[op&7|int(s.rex)&1<<3]}
	rax := place{reg: arch.RAX}
	switch {
	case op == 0x90 && low.reg == arch.RAX: // nop
		return nop
	case op == 0x0f1f, op == 0x0f18: // nop r/m, prefetch
		s.modrm()
		return nop
	case op&^7 == 0xb0: // mov r8, imm
		low = s.byteReg(byte(op)&7 | s.rex&1<<3)
		v := s.signed(1)
		return func(c *cpu) bool { return c.put(&low, v, 8) }
	case op&^7 == 0xb8: // mov r, imm
		v := s.signed(width / 8)
		return func(c *cpu) bool { return c.put(&low, v, width) }
	case op == 0x98: // cbw, cwde, cdqe
		return func(c *cpu) bool { return c.put(&rax, extend(c.regs[arch.RAX], width/2), width) }
	case op == 0x99: // cwd, cdq, cqo
		rdx := place{reg: arch.RDX}
		return func(c *cpu) bool { return c.put(&rdx, uint64(int64(extend(c.regs[arch.RAX], width))>>63), width) }
	case op&^7 == 0x0fc8 && width >= 32: // bswap
		return func(c *cpu) bool { return c.put(&low, bits.ReverseBytes64(c.regs[low.reg])>>(64-width), width) }
	}
	switch op {
	case 0x88, 0x8a, 0xc6, 0x86:
		width = 8
	case 0x89, 0x8b, 0xc7, 0x87, 0x8d, 0x63, 0x0fb6, 0x0fb7, 0x0fbe, 0x0fbf:
	default:
		if op&^0xf == 0x0f90 {
			width = 8
		} else if op&^0xf != 0x0f40 {
			return nil
		}
	}
	from := width
	switch op {
	case 0x63:
		from = 32
	case 0x0fb6, 0x0fbe:
		from = 8
	case 0x0fb7, 0x0fbf:
		from = 16
	}
	digit, reg, rm := s.operands(from)
	if from != width {
		reg = place{reg: general[digit|s.rex&4<<1]}
	}
	switch {
	case op == 0x8d: // lea, which knows no segments
		rm.segment = noReg
		if rm.reg != noReg {
			return nil
		}
		return func(c *cpu) bool { return c.put(&reg, rm.addr(&c.regs), width) }
	case op == 0x88 || op == 0x89: // mov r/m, r
		return func(c *cpu) bool {
			v, _ := c.get(&reg, width)
			return c.put(&rm, v, width)
		}
	case op == 0x8a || op == 0x8b: // mov r, r/m
		return func(c *cpu) bool {
			v, ok := c.get(&rm, width)
			return ok && c.put(&reg, v, width)
		}
	case (op == 0xc6 || op == 0xc7) && digit == 0: // mov r/m, imm
		v := s.immediate(width)
		return func(c *cpu) bool { return c.put(&rm, v, width) }
	case (op == 0x86 || op == 0x87) && rm.reg != noReg: // xchg, which locks memory
		return func(c *cpu) bool {
			a, _ := c.get(&reg, width)
			b, _ := c.get(&rm, width)
			return c.put(&reg, b, width) && c.put(&rm, a, width)
		}
	case op == 0x0fb6 || op == 0x0fb7: // movzx
		return func(c *cpu) bool {
			v, ok := c.get(&rm, from)
			return ok && c.put(&reg, v, width)
		}
	case op == 0x63 && width > 16, op == 0x0fbe, op == 0x0fbf: // movsxd, movsx
		return func(c *cpu) bool {
			v, ok := c.get(&rm, from)
			return ok && c.put(&reg, extend(v, from), width)
		}
	case op&^0xf == 0x0f40: // cmov, which reads and writes in any case
		return func(c *cpu) bool {
			v, ok := c.get(&rm, width)
			if !c.holds(op & 0xf) {
				v, _ = c.get(&reg, width)
			}
			return ok && c.put(&reg, v, width)
		}
	case op&^0xf == 0x0f90: // set
		return func(c *cpu) bool {
			v := uint64(0)
			if c.holds(op & 0xf) {
				v = 1
			}
			return c.put(&rm, v, 8)
		}
	}
	return nil
}

// shift returns the effect of shl, shr and sar, and of bit tests.
func (s *source) shift(op int) effect {
	width := s.bits()
	switch op {
	case 0xc0, 0xd0, 0xd2:
		width = 8
	case 0xc1, 0xd1, 0xd3:
	case 0x0fa3: // bt r/m, r
		_, reg, rm := s.operands(width)
		if rm.reg == noReg {
			return nil // which may be far from its address
		}
		return func(c *cpu) bool { return c.test(&rm, c.regs[reg.reg], width) }
	case 0x0fba: // bt r/m, imm8
		digit, _, rm := s.operands(width)
		if n := s.signed(1); digit == 4 {
			return func(c *cpu) bool { return c.test(&rm, n, width) }
		}
		return nil
	default:
		return nil
	}
	digit, _, rm := s.operands(width)
	by := uint64(1)
	if op&^1 == 0xc0 {
		by = s.signed(1)
	}
	if digit != 4 && digit != 5 && digit != 7 {
		return nil
	}
	return func(c *cpu) bool {
		n := by
		if op&^1 == 0xd2 {
			n = c.regs[arch.RCX]
		}
		if n &= 31; width == 64 {
			n = n&31 | by&32
			if op == 0xd3 {
				n = c.regs[arch.RCX] & 63
			}
		}
		v, ok := c.get(&rm, width)
		switch {
		case !ok:
			return false
		case n == 0:
			return c.update(&rm, v, width) // the flags stay
		case n > uint64(width):
			return false // what the flags are then is up to the CPU
		}
		return c.update(&rm, c.shift(digit, v, n, width), width)
	}
}

// shift returns v shifted by n and sets the flags (SDM volume 2, SAL). The overflow
// flag is undefined unless n is 1; CPUs make it what it would be then.
func (c *cpu) shift(digit byte, v, n uint64, width int) (r uint64) {
	mask := ^uint64(0) >> (64 - width)
	var carry, over bool
	switch digit {
	case 4: // shl
		r = v << n & mask
		carry = v>>(uint64(width)-n)&1 != 0
		over = (v^v<<1)>>(width-1)&1 != 0
	case 5: // shr
		r = v >> n
		carry = v>>(n-1)&1 != 0
		over = v>>(width-1) != 0
	case 7: // sar
		r = uint64(int64(extend(v, width))>>n) & mask
		carry = uint64(int64(extend(v, width))>>(n-1))&1 != 0
	}
	c.setFlags(r, width, carry, false, over)
	return r
}

// test sets the carry flag to a bit of an operand.
func (c *cpu) test(rm *place, n uint64, width int) bool {
	v, ok := c.get(rm, width)
	c.regs[arch.EFLAGS] = c.regs[arch.EFLAGS]&^flagCF | v>>(n&uint64(width-1))&1
	return ok
}

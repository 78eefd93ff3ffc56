//go:build linux && amd64

package tracer

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// emulate executes the instruction under the breakpoint that t stands on without
// running the thread, if it has an effect, and reports whether it did. It spares
// two stops, and other threads need not be held.
func (p *Process) emulate(t *Thread) bool {
	if t.state != threadStopped || t.faulted() || !p.mustPass(t) {
		return false
	}
	s := p.sites[t.reported]
	p.prepare(s)
	if s.effect == nil || t.regs[arch.EFLAGS]&(flagTF|flagAC) != 0 {
		return false
	}
	c := cpu{t: t, regs: t.regs}
	c.regs[arch.RIP] += uint64(s.size)
	c.regs[arch.OrigRAX] = ^uint64(0) // no system call is to be restarted
	if !s.effect(&c) {
		return false
	}
	t.setRegs(&c.regs)
	return true
}

// prepare reads the site's instruction and compiles it, if it is not what it was the
// last time: programs that make code change it too. Of an instruction of one byte,
// such as push rbp, that byte is known: it is the one below the breakpoint.
func (p *Process) prepare(s *site) {
	if s.effect != nil && s.size == 1 && s.code[0] == s.saved {
		return
	}
	var code [maxInst]byte
	n, _ := p.ReadAt(s.addr, code[:])
	if n == 0 || bytes.Equal(s.code, code[:n]) {
		return
	}
	s.leave()
	s.code = bytes.Clone(code[:n])
	s.effect, s.size = compile(s.code)
}

// A cpu is what an effect works on: a thread's registers, of which rip is that of
// the next instruction, and its stack.
type cpu struct {
	t      *Thread
	regs   arch.Regs
	alone  bool // nothing else runs, so that other memory than the stack can be touched
	stored bool // memory was written
}

// Flags (SDM volume 1, 3.4.3).
const (
	flagCF = 1 << 0
	flagPF = 1 << 2
	flagAF = 1 << 4
	flagZF = 1 << 6
	flagSF = 1 << 7
	flagTF = 1 << 8 // the CPU traps after each instruction
	flagOF = 1 << 11
	flagAC = 1 << 18 // the CPU faults where addresses are not aligned
)

// get returns the operand at a place.
func (c *cpu) get(p *place, size int) (v uint64, ok bool) {
	if p.reg != noReg {
		return c.regs[p.reg] >> p.shift & (^uint64(0) >> (64 - size)), true
	}
	if !c.alone {
		return 0, false
	}
	return c.load(p.addr(&c.regs), size)
}

// put stores the low bits of v at a place. In a register it does as the CPU does: the
// upper half becomes zero if the operation has 32 bits, and stays if it has fewer.
func (c *cpu) put(p *place, v uint64, size int) bool {
	if p.reg == noReg {
		return c.alone && c.store(p.addr(&c.regs), v, size)
	}
	mask := ^uint64(0) >> (64 - size)
	if v &= mask; size < 32 {
		v = c.regs[p.reg]&^(mask<<p.shift) | v<<p.shift
	}
	c.regs[p.reg] = v
	return true
}

// update is put where the operand was read before. Doing that to memory twice is
// not the same as once, so it is left to the CPU where the thread might have to: if
// the tracer ends before the registers are written.
func (c *cpu) update(p *place, v uint64, size int) bool {
	return (p.reg != noReg || c.t.p.launched) && c.put(p, v, size)
}

// An operation is one of those that share their forms, by its number in opcodes.
type operation byte

const (
	add operation = iota
	or
	adc
	sbb
	and
	sub
	xor
	cmp
)

// compute returns a op b and sets the flags (SDM volume 2, at the operations). What
// is undefined after and, or and xor is zero.
func (c *cpu) compute(op operation, a, b uint64, size int) uint64 {
	mask := ^uint64(0) >> (64 - size)
	a, b = a&mask, b&mask
	var r, over uint64 // the result, and the overflow in the place of its sign
	var half uint64    // the carry into bit 4, in that place
	var carry bool
	in := uint64(0) // the carry that goes into it
	if op == adc || op == sbb {
		in = c.regs[arch.EFLAGS] & flagCF
	}
	switch op {
	case add, adc:
		r = (a + b + in) & mask
		carry, half, over = r < a || in != 0 && r == a, a^b^r, (a^r)&(b^r)
	case sub, sbb, cmp:
		r = (a - b - in) & mask
		carry, half, over = a < b || in != 0 && a == b, a^b^r, (a^b)&(a^r)
	case and:
		r = a & b
	case or:
		r = a | b
	case xor:
		r = a ^ b
	}
	c.setFlags(r, size, carry, half>>4&1 != 0, over>>(size-1) != 0)
	return r
}

// setFlags sets the flags that tell of a result.
func (c *cpu) setFlags(r uint64, size int, carry, half, over bool) {
	flags := c.regs[arch.EFLAGS] &^ (flagCF | flagPF | flagAF | flagZF | flagSF | flagOF)
	if carry {
		flags |= flagCF
	}
	if bits.OnesCount8(uint8(r))%2 == 0 {
		flags |= flagPF
	}
	if half {
		flags |= flagAF
	}
	if r == 0 {
		flags |= flagZF
	}
	if r>>(size-1) != 0 {
		flags |= flagSF
	}
	if over {
		flags |= flagOF
	}
	c.regs[arch.EFLAGS] = flags
}

// holds reports whether a condition holds, by its number in opcodes (SDM volume 1,
// appendix B).
func (c *cpu) holds(condition int) bool {
	f := c.regs[arch.EFLAGS]
	less := f&flagSF != 0 != (f&flagOF != 0)
	held := [...]bool{
		f&flagOF != 0, f&flagCF != 0, f&flagZF != 0, f&(flagCF|flagZF) != 0,
		f&flagSF != 0, f&flagPF != 0, less, less || f&flagZF != 0,
	}[condition>>1]
	return held != (condition&1 != 0) // odd ones are the opposites
}

// jump goes to an address, unless the CPU would fault: those of user space have 47
// bits.
func (c *cpu) jump(to uint64) bool {
	if to>>47 != 0 {
		return false
	}
	c.regs[arch.RIP] = to
	return true
}

func (c *cpu) call(to uint64) bool {
	return to>>47 == 0 && !ptrace.HasShadowStack(c.t.TID) && c.push(c.regs[arch.RIP]) && c.jump(to)
}

// ret returns and drops more bytes of arguments.
func (c *cpu) ret(more uint64) bool {
	to, ok := c.load(c.regs[arch.RSP], 64)
	if !ok || ptrace.HasShadowStack(c.t.TID) || !c.jump(to) {
		return false
	}
	c.regs[arch.RSP] += 8 + more
	return true
}

func (c *cpu) push(v uint64) bool {
	sp := c.regs[arch.RSP] - 8
	if !c.store(sp, v, 64) {
		return false
	}
	c.regs[arch.RSP] = sp
	return true
}

func (c *cpu) pop(r arch.Reg) bool {
	v, ok := c.load(c.regs[arch.RSP], 64)
	if !ok {
		return false
	}
	c.regs[arch.RSP] += 8
	c.regs[r] = v // which may be rsp
	return true
}

func (c *cpu) leave() bool {
	rbp, ok := c.load(c.regs[arch.RBP], 64)
	if !ok {
		return false
	}
	c.regs[arch.RSP] = c.regs[arch.RBP] + 8
	c.regs[arch.RBP] = rbp
	return true
}

// load reads an operand of up to 64 bits as the program may.
func (c *cpu) load(addr uint64, size int) (v uint64, ok bool) {
	var data [8]byte
	if c.guarded(addr, size/8) || c.alone && !c.t.p.terrain.has(addr, size/8, procfs.R) {
		return 0, false
	}
	n, err := ptrace.ReadMemory(c.t.TID, addr, data[:size/8])
	return binary.LittleEndian.Uint64(data[:]), n == size/8 && err == nil
}

// store writes an operand as the program may.
func (c *cpu) store(addr, v uint64, size int) bool {
	var data [8]byte
	binary.LittleEndian.PutUint64(data[:], v)
	if c.guarded(addr, size/8) || c.alone && (!c.t.p.terrain.has(addr, size/8, procfs.W) || c.t.announced.overlaps(addr)) {
		return false
	}
	c.stored = true
	n, err := ptrace.WriteMemory(c.t.TID, addr, data[:size/8])
	return n == size/8 && err == nil
}

// guarded reports whether an access to n bytes at addr has to be seen by a
// watchpoint, or meets a breakpoint of ours.
func (c *cpu) guarded(addr uint64, n int) bool {
	p := c.t.p
	if len(p.sites) > 0 {
		for i := range n {
			if p.sites[addr+uint64(i)] != nil {
				return true
			}
		}
	}
	return p.watches(addr, n)
}

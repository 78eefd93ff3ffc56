//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"math/bits"

	"github.com/tracelark/tracelark/tracer/arch"
)

// emulate executes the instruction under the breakpoint that t stands on without
// running the thread, if it is one of those that functions begin with: endbr64,
// nop, push, mov between registers, sub rsp and jmp. It reports whether it did.
// It spares two stops, and other threads need not be held.
func (p *Process) emulate(t *Thread) bool {
	if t.state != threadStopped || t.faulted() || !p.mustPass(t) {
		return false
	}
	after, word, push, ok := emulate(p.sites[t.reported].code, t.regs)
	if !ok {
		return false
	}
	if push {
		if p.watches(after[arch.RSP], 8) {
			return false // the CPU has to write it
		}
		var data [8]byte
		binary.LittleEndian.PutUint64(data[:], word)
		if _, err := p.WriteAt(after[arch.RSP], data[:]); err != nil {
			return false // let the CPU fault
		}
	}
	t.setRegs(&after)
	return true
}

// general is the general registers in the order of their numbers in machine code.
var general = [16]arch.Reg{
	arch.RAX, arch.RCX, arch.RDX, arch.RBX, arch.RSP, arch.RBP, arch.RSI, arch.RDI,
	arch.R8, arch.R9, arch.R10, arch.R11, arch.R12, arch.R13, arch.R14, arch.R15,
}

// emulate computes the registers after the first instruction of code. Where push
// is set, word is to be stored at the new rsp.
func emulate(code []byte, regs arch.Regs) (after arch.Regs, word uint64, push, ok bool) {
	var rex byte
	op := code
	if len(op) > 0 && op[0]&0xf0 == 0x40 {
		rex, op = op[0], op[1:]
	}
	at := func(i int) byte {
		if i < len(op) {
			return op[i]
		}
		return 0
	}
	n := 0 // length of op
	switch b := at(0); {
	case rex == 0 && b == 0xf3 && at(1) == 0x0f && at(2) == 0x1e && at(3) == 0xfa: // endbr64
		n = 4
	case rex == 0 && b == 0x90: // nop
		n = 1
	case b >= 0x50 && b <= 0x57 && rex&^0x41 == 0: // push r64
		n = 1
		word = regs[general[b&7|rex&1<<3]]
		regs[arch.RSP] -= 8
		push = true
	case rex&0xf8 == 0x48 && b == 0x89 && at(1) >= 0xc0: // mov r/m64, r64
		n = 2
		regs[general[at(1)&7|rex&1<<3]] = regs[general[at(1)>>3&7|rex&4<<1]]
	case rex&0xf8 == 0x48 && b == 0x8b && at(1) >= 0xc0: // mov r64, r/m64
		n = 2
		regs[general[at(1)>>3&7|rex&4<<1]] = regs[general[at(1)&7|rex&1<<3]]
	case rex == 0x48 && b == 0x83 && at(1) == 0xec: // sub rsp, imm8
		n = 3
		subtract(&regs, arch.RSP, uint64(int8(at(2))))
	case rex == 0x48 && b == 0x81 && at(1) == 0xec && len(op) >= 6: // sub rsp, imm32
		n = 6
		subtract(&regs, arch.RSP, uint64(int32(binary.LittleEndian.Uint32(op[2:]))))
	case rex == 0 && b == 0xeb: // jmp rel8
		n = 2
		regs[arch.RIP] += uint64(int8(at(1)))
	case rex == 0 && b == 0xe9 && len(op) >= 5: // jmp rel32
		n = 5
		regs[arch.RIP] += uint64(int32(binary.LittleEndian.Uint32(op[1:])))
	}
	if n == 0 || n > len(op) {
		return regs, 0, false, false
	}
	if rex != 0 {
		n++
	}
	regs[arch.RIP] += uint64(n)
	regs[arch.OrigRAX] = ^uint64(0) // no system call is to be restarted
	return regs, word, push, true
}

// subtract computes r -= v with the flags that the CPU sets (SDM volume 2, SUB).
func subtract(regs *arch.Regs, r arch.Reg, v uint64) {
	a := regs[r]
	d := a - v
	regs[r] = d
	const cf, pf, af, zf, sf, of = 1 << 0, 1 << 2, 1 << 4, 1 << 6, 1 << 7, 1 << 11
	flags := regs[arch.EFLAGS] &^ (cf | pf | af | zf | sf | of)
	set := func(when bool, flag uint64) {
		if when {
			flags |= flag
		}
	}
	set(a < v, cf)
	set(bits.OnesCount8(uint8(d))%2 == 0, pf)
	set((a^v^d)&0x10 != 0, af)
	set(d == 0, zf)
	set(d>>63 != 0, sf)
	set((a^v)&(a^d)>>63 != 0, of)
	regs[arch.EFLAGS] = flags
}

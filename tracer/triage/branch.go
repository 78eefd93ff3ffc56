package triage

import (
	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
)

// This file finds what goes to where no code is.

// An aim is where a branch goes.
type aim struct {
	addr uint64
	regs []arch.Reg // that it, or the address in from, is computed from
	from uint64     // the address of the memory that it is read from, or 0
}

// aim returns where an instruction, which may be nil, goes with the given registers, as far
// as that can be known.
func (x *examination) aim(i *disasm.Inst, regs *arch.Regs) (a aim, ok bool) {
	if i == nil {
		return a, false
	}
	switch i.Kind {
	case disasm.Return:
		a.from = regs[arch.RSP]
	case disasm.Call, disasm.Jump:
		for _, register := range []func([]byte) (arch.Reg, bool){disasm.CallRegister, disasm.JumpRegister} {
			if r, ok := register(i.Data); ok {
				return aim{addr: regs[r], regs: []arch.Reg{r}}, true
			}
		}
		for _, access := range i.Accesses() {
			if access.Read && access.Size == 8 { // a far one reads the segment, too
				a.from, a.regs = access.Addr(regs), access.Registers()
				break
			}
		}
	}
	if a.from != 0 {
		a.addr, ok = x.word(a.from)
	}
	return a, ok
}

// arrival returns what led to the pc, where no code is: a call, which has left its return
// address, or a return, which has just taken its from the stack.
func (x *examination) arrival() (aim, bool) {
	if ra, ok := x.word(x.sp); ok {
		regs := x.Regs
		regs[arch.RSP] += 8
		for n := 2; n <= 8; n++ { // bytes of a call through a register or memory
			code := make([]byte, n)
			if got, _ := x.p.ReadAt(ra-uint64(n), code); got < n {
				continue
			}
			if i, err := disasm.Skim(code, ra-uint64(n)); err == nil && len(i.Data) == n && i.Kind == disasm.Call {
				if a, ok := x.aim(&i, &regs); ok && a.addr == x.pc {
					return a, true
				}
			}
		}
	}
	addr, ok := x.word(x.sp - 8)
	return aim{addr: addr, from: x.sp - 8}, ok && addr == x.pc
}

package disasm

import (
	"slices"

	"golang.org/x/arch/x86/x86asm"

	"github.com/tracelark/tracelark/tracer/arch"
)

// A Flow is where an instruction takes values from in general registers, and where
// it leaves them. The addresses of operands in memory are not part of it.
type Flow struct {
	Read, Written []arch.Reg
	// Partial is set if what is written keeps a part of what was there.
	Partial bool
}

// onlyRead are the instructions that write no operand, but for what they push.
var onlyRead = []x86asm.Op{
	x86asm.CMP, x86asm.TEST, x86asm.PUSH, x86asm.CALL, x86asm.JMP, x86asm.BT, x86asm.NOP, x86asm.LCALL, x86asm.LJMP,
	x86asm.MUL, x86asm.DIV, x86asm.IDIV, x86asm.UCOMISS, x86asm.UCOMISD, x86asm.COMISS, x86asm.COMISD, x86asm.PTEST,
}

// onlyWritten are those whose first operand does not depend on what it held.
var onlyWritten = []x86asm.Op{
	x86asm.MOV, x86asm.MOVZX, x86asm.MOVSX, x86asm.MOVSXD, x86asm.MOVBE, x86asm.LEA, x86asm.POP, x86asm.POPCNT, x86asm.LZCNT,
	x86asm.TZCNT, x86asm.BSF, x86asm.BSR, x86asm.MOVD, x86asm.MOVQ, x86asm.RORX, x86asm.SARX, x86asm.SHLX, x86asm.SHRX, x86asm.ANDN,
	x86asm.BEXTR, x86asm.BLSI, x86asm.BLSR, x86asm.BLSMSK, x86asm.BZHI, x86asm.PEXT, x86asm.PDEP, x86asm.MULX,
	x86asm.CVTTSD2SI, x86asm.CVTTSS2SI, x86asm.CVTSD2SI, x86asm.CVTSS2SI, x86asm.PMOVMSKB,
}

// impliedRegs are registers that instructions use without naming them.
var impliedRegs = map[x86asm.Op]Flow{
	x86asm.MUL:   {Read: []arch.Reg{arch.RAX}, Written: []arch.Reg{arch.RAX, arch.RDX}},
	x86asm.DIV:   {Read: []arch.Reg{arch.RAX, arch.RDX}, Written: []arch.Reg{arch.RAX, arch.RDX}},
	x86asm.IDIV:  {Read: []arch.Reg{arch.RAX, arch.RDX}, Written: []arch.Reg{arch.RAX, arch.RDX}},
	x86asm.CWD:   {Read: []arch.Reg{arch.RAX}, Written: []arch.Reg{arch.RDX}},
	x86asm.CDQ:   {Read: []arch.Reg{arch.RAX}, Written: []arch.Reg{arch.RDX}},
	x86asm.CQO:   {Read: []arch.Reg{arch.RAX}, Written: []arch.Reg{arch.RDX}},
	x86asm.CBW:   {Read: []arch.Reg{arch.RAX}, Written: []arch.Reg{arch.RAX}},
	x86asm.CWDE:  {Read: []arch.Reg{arch.RAX}, Written: []arch.Reg{arch.RAX}},
	x86asm.CDQE:  {Read: []arch.Reg{arch.RAX}, Written: []arch.Reg{arch.RAX}},
	x86asm.LEAVE: {Read: []arch.Reg{arch.RBP}, Written: []arch.Reg{arch.RSP, arch.RBP}},
	x86asm.CPUID: {Read: []arch.Reg{arch.RAX}, Written: []arch.Reg{arch.RAX, arch.RBX, arch.RCX, arch.RDX}},
}

// Flow returns the instruction's flow of values, as far as it is known.
func (i *Inst) Flow() Flow {
	x, err := x86asm.Decode(i.Data, 64)
	if err != nil || x.Len != len(i.Data) {
		return Flow{}
	}
	flow := impliedRegs[x.Op]
	flow.Read, flow.Written = slices.Clone(flow.Read), slices.Clone(flow.Written)
	first, firstBits, _ := generalReg(x.Args[0])
	zeroes := (x.Op == x86asm.XOR || x.Op == x86asm.SUB) && x.Args[0] == x.Args[1]
	for n, arg := range x.Args {
		if x.Op == x86asm.LEA && n == 1 {
			m := arg.(x86asm.Mem)
			for _, part := range []x86asm.Reg{m.Base, m.Index} {
				if r, _, ok := generalReg(part); ok {
					flow.Read = append(flow.Read, r)
				}
			}
			continue
		}
		r, _, ok := generalReg(arg)
		if !ok || zeroes && n <= 1 {
			continue
		}
		threeOperands := x.Op == x86asm.IMUL && x.Args[2] != nil
		if n > 0 || !threeOperands && !slices.Contains(onlyWritten, x.Op) {
			flow.Read = append(flow.Read, r)
		}
		if n == 1 && (x.Op == x86asm.XCHG || x.Op == x86asm.XADD) {
			flow.Written = append(flow.Written, r)
		}
	}
	if _, _, ok := generalReg(x.Args[0]); ok && !slices.Contains(onlyRead, x.Op) {
		flow.Written = append(flow.Written, first)
		flow.Partial = firstBits < 32 && !zeroes
	}
	return flow
}

// generalReg returns the general register that an operand is, or is a part of, and
// the number of its bits.
func generalReg(arg x86asm.Arg) (r arch.Reg, bits int, ok bool) {
	reg, isReg := arg.(x86asm.Reg)
	switch {
	case !isReg:
	case x86asm.AL <= reg && reg <= x86asm.BL:
		return numbered[reg-x86asm.AL], 8, true
	case x86asm.AH <= reg && reg <= x86asm.BH:
		return numbered[reg-x86asm.AH], 8, true
	case x86asm.SPB <= reg && reg <= x86asm.R15B:
		return numbered[4+reg-x86asm.SPB], 8, true
	case x86asm.AX <= reg && reg <= x86asm.R15W:
		return numbered[reg-x86asm.AX], 16, true
	case x86asm.EAX <= reg && reg <= x86asm.R15L:
		return numbered[reg-x86asm.EAX], 32, true
	case x86asm.RAX <= reg && reg <= x86asm.R15:
		return numbered[reg-x86asm.RAX], 64, true
	}
	return 0, 0, false
}

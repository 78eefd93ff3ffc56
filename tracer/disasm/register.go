package disasm

import "github.com/tracelark/tracelark/tracer/arch"

// numbered are the general registers in the order in which instructions count them
// (SDM volume 2, table 2-2).
var numbered = [16]arch.Reg{
	arch.RAX, arch.RCX, arch.RDX, arch.RBX, arch.RSP, arch.RBP, arch.RSI, arch.RDI,
	arch.R8, arch.R9, arch.R10, arch.R11, arch.R12, arch.R13, arch.R14, arch.R15,
}

// JumpRegister returns the register that holds where the instruction in data jumps
// to; ok is false if it is no near jump to what a register holds.
func JumpRegister(data []byte) (r arch.Reg, ok bool) {
	e, err := parse(data)
	if err != nil || e.opmap != primary || e.opcode != 0xff || e.modrm&^7 != 0xe0 {
		return 0, false
	}
	n := e.modrm & 7
	if i := len(e.data) - 3; i >= 0 && data[i]&0xf1 == 0x41 { // REX.B
		n |= 8
	}
	return numbered[n], true
}

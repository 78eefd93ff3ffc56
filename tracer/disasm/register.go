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
func JumpRegister(data []byte) (r arch.Reg, ok bool) { return targetRegister(data, 0xe0) }

// CallRegister returns the register that holds what the instruction in data calls; ok
// is false if it is no near call of what a register holds.
func CallRegister(data []byte) (r arch.Reg, ok bool) { return targetRegister(data, 0xd0) }

// targetRegister returns the register of a branch whose ModRM byte is modrm but for
// that.
func targetRegister(data []byte, modrm byte) (r arch.Reg, ok bool) {
	e, err := parse(data)
	if err != nil || e.opmap != primary || e.opcode != 0xff || e.modrm&^7 != modrm {
		return 0, false
	}
	return numbered[e.modrm&7|e.rexB], true
}

// MoveSource returns the general register that the instruction in data copies to rsp; ok
// is false if it is no such mov.
func MoveSource(data []byte) (r arch.Reg, ok bool) {
	if len(data) != 3 || data[0]&0xf8 != 0x48 {
		return 0, false
	}
	reg, rm := data[2]>>3&7|data[0]&4<<1, data[2]&7|data[0]&1<<3
	if data[1] == 0x8b {
		reg, rm = rm, reg
	} else if data[1] != 0x89 {
		return 0, false
	}
	return numbered[reg], data[2]>>6 == 3 && rm == 4
}

// PopRegister returns the register that the instruction in data pops; ok is false if it
// is no pop of one.
func PopRegister(data []byte) (r arch.Reg, ok bool) {
	switch {
	case len(data) == 1 && data[0]&0xf8 == 0x58:
		return numbered[data[0]&7], true
	case len(data) == 2 && data[0]&0xf1 == 0x41 && data[1]&0xf8 == 0x58:
		return numbered[data[1]&7|8], true
	}
	return 0, false
}

package disasm

import "encoding/binary"

// Relocate returns the instruction that data begins with, which lies at from, in
// the form in which it does the same at to, except that the next one follows it
// there. ok is false if it has no such form, because
//
//   - it calls, branches, returns, traps or makes a system call, which depends on
//     its address or keeps it. What jumps to an address that it finds in a register
//     or in memory has a form;
//   - it is one of the x87 unit, which keeps the address of the last one;
//   - it may change how the CPU takes exceptions after the instruction that follows:
//     popf and what loads ss;
//   - what it refers to relative to rip is out of its reach at to.
func Relocate(data []byte, from, to uint64) (moved []byte, ok bool) {
	e, err := parse(data)
	if err != nil || !e.movable() {
		return nil, false
	}
	moved = append(moved, e.data...)
	if e.disp > 0 {
		field := moved[e.disp:]
		disp := int64(int32(binary.LittleEndian.Uint32(field))) + int64(from-to)
		if e.addr32 || disp != int64(int32(disp)) {
			return nil, false
		}
		binary.LittleEndian.PutUint32(field, uint32(disp))
	}
	return moved, true
}

// movable reports whether Relocate has a form of the instruction, as far as the
// opcode tells.
func (e *encoding) movable() bool {
	op := e.opcode
	switch e.kind() {
	case Other:
	case Jump:
		return op == 0xff && e.modrm>>3&7 == 4 // to what its operand holds
	default:
		return false
	}
	switch {
	case e.vex:
	case e.opmap == primary:
		return op&0xf8 != 0xd8 && op != 0x9d && op != 0x8e // x87, popf, mov to a segment register
	case e.opmap == after0F:
		return op != 0x01 || e.modrm != 0xec // uiret
	}
	return true
}

package unwind

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
)

// This file unwinds code without call frame information by following its
// instructions to the return: compilers keep the depth of the stack at an
// instruction the same on all ways to it, so any way will do. It is trusted only
// if what lies at the top of the stack there is a return address.

// maxWalk limits the instructions followed for a frame.
const maxWalk = 4000

// A walk is a way through a function: where it stands, and what the registers that
// a function keeps for its caller are there. Not all languages keep them, so those
// are kept that the function itself pops, and rbp.
type walk struct {
	pc     uint64
	regs   arch.Regs
	known  RegSet
	kept   RegSet
	stores []store             // on the way, to the stack
	loaded map[arch.Reg]uint64 // where it has read registers, if that is asked for
}

type store struct {
	addr, value uint64
	known       bool
}

// byWalk finds the caller of f by the instructions from its PC on. If there is none
// although they return, slot is where the word is that they return to.
func (u *unwinder) byWalk(f, caller *Frame) (more, ok bool, slot uint64) {
	ways := []walk{{pc: f.PC, regs: f.Regs, known: f.Known, kept: SetOf(arch.RBP)}}
	seen := make(map[uint64]bool)
	for steps := 0; len(ways) > 0 && steps < maxWalk; steps++ {
		w := &ways[len(ways)-1]
		inst, known := u.instruction(w.pc)
		if !known || seen[w.pc] {
			ways = ways[:len(ways)-1]
			continue
		}
		seen[w.pc] = true
		if above, ok := isReturn(&inst); ok {
			at := w.regs.SP()
			for last := at + above; at < last && !u.returns(at); {
				at += 8
			}
			if word, err := u.mem.word(at); err == nil && word != 0 && above == 0 {
				slot = at
			}
			if u.returns(at) && at+8 > f.SP {
				if more, err := u.pop(f, caller, at, Walk, volatile); err == nil {
					for _, r := range calleeSaved {
						caller.Known &^= SetOf(r)
						if (w.known & w.kept).Has(r) {
							caller.set(r, w.regs[r])
							u.kept(r, w, f)
						}
					}
					return more, true, 0
				}
			}
			ways = ways[:len(ways)-1]
			continue
		}
		w.stores = slices.Clip(w.stores) // branch may append to them, too
		branch := *w
		branch.pc = inst.Target
		w.pc = inst.Next()
		switch inst.Kind {
		case disasm.Jump:
			w.pc = inst.Target
			if !inst.HasTarget {
				ways = ways[:len(ways)-1]
			}
		case disasm.Branch:
			// The way straight on stays on top.
			ways = append(ways[:len(ways)-1], branch, *w)
		case disasm.Call:
			if next, ok := u.instruction(w.pc); !ok || startsFunction(&next) {
				ways = ways[:len(ways)-1] // it does not return
			}
		case disasm.Trap, disasm.Return:
			ways = ways[:len(ways)-1]
		default:
			if !u.follow(w, inst.Data) {
				ways = ways[:len(ways)-1]
			}
		}
	}
	return false, false, slot
}

// kept notes where a way out of f has found the register r of its caller.
func (u *unwinder) kept(r arch.Reg, w *walk, f *Frame) {
	addr, loaded := w.loaded[r]
	v, err := u.mem.word(addr)
	switch {
	case loaded && err == nil && v == w.regs[r]:
		u.put(r, addr)
	case u.at != nil && (loaded || w.regs[r] != f.Regs[r]):
		u.at[r] = Place{}
	}
}

var calleeSaved = [...]arch.Reg{arch.RBX, arch.RBP, arch.R12, arch.R13, arch.R14, arch.R15}

// instruction decodes the instruction at pc.
func (u *unwinder) instruction(pc uint64) (disasm.Inst, bool) {
	var code [15]byte
	n := len(code)
	if u.mem.read(pc, code[:]) != nil {
		if n = int(-pc % pageSize); n >= len(code) || u.mem.read(pc, code[:n]) != nil {
			return disasm.Inst{}, false
		}
	}
	inst, err := disasm.Skim(code[:n], pc)
	return inst, err == nil
}

// isReturn reports whether inst leaves its function with the return address on
// top of the stack, or up to so many bytes above: a near return, or the jump of a
// stub through a word of the global offset table. Stubs for lazy binding push two
// words for the dynamic linker before.
func isReturn(inst *disasm.Inst) (above uint64, ok bool) {
	data := inst.Data
	for len(data) > 1 && (data[0] == 0xf2 || data[0] == 0xf3) { // bnd, rep
		data = data[1:]
	}
	switch data[0] {
	case 0xc3, 0xc2:
		return 0, true
	case 0xff:
		return 16, data[1] == 0x25 // jmp *disp(%rip)
	}
	return 0, false
}

// startsFunction reports whether inst is what compilers put after the end of a
// function, so that a call before it does not return.
func startsFunction(inst *disasm.Inst) bool {
	const endbr64 = "\xf3\x0f\x1e\xfa"
	data := inst.Data
	padding := len(data) > 1 && (data[0] == 0x0f || data[0] == 0x66 || data[0] == 0x2e) // nop with operands, cs nop
	return inst.Kind == disasm.Trap || string(data) == endbr64 || data[0] == 0x55 || padding && data[len(data)-1] == 0
}

// returns reports whether the word at slot is where a function may return to.
func (u *unwinder) returns(slot uint64) bool {
	if _, ok := u.returnAddress(slot); ok {
		return true
	}
	ra, err := u.mem.word(slot)
	return err == nil && u.executable(ra) && u.atTrampoline(ra)
}

// follow applies to w what the instruction in data does to the stack pointer and
// to the registers that are kept for the caller. It returns false if the stack
// pointer is lost. Opcodes and operands are those of SDM volume 2, appendix A.
func (u *unwinder) follow(w *walk, data []byte) bool {
	rex := byte(0)
	if data[0]&0xf0 == 0x40 {
		rex, data = data[0], data[1:]
	}
	wide, extendReg, extendRM := rex&8 != 0, rex&4 != 0, rex&1 != 0
	op, rest := data[0], data[1:]
	sp := w.regs.SP()
	switch {
	case op&0xf8 == 0x50: // push
		w.push(number(op&7, extendRM))
		return true
	case op == 0x68, op == 0x6a, op == 0x9c: // push of an immediate or the flags
		w.push(0)
		return true
	case op&0xf8 == 0x58: // pop
		w.regs[arch.RSP] = sp + 8
		w.kept |= SetOf(byNumber[number(op&7, extendRM)])
		return u.load(w, number(op&7, extendRM), sp)
	case op == 0x9d: // popf
		w.regs[arch.RSP] = sp + 8
		return true
	case op == 0xc9: // leave
		if !w.known.Has(arch.RBP) {
			return false
		}
		w.regs[arch.RSP] = w.regs[arch.RBP] + 8
		return u.load(w, 5, w.regs[arch.RBP])
	case len(rest) == 0:
		return true
	}
	modrm := rest[0]
	mod, reg, rm := modrm>>6, modrm>>3&7, modrm&7
	target := number(rm, extendRM)
	switch op {
	case 0xff:
		if reg == 6 { // push
			w.push(0)
			return true
		}
	case 0x8f: // pop into memory
		return false
	case 0x83, 0x81:
		if mod != 3 || target != 4 {
			break
		}
		n := uint64(int8(rest[1]))
		if op == 0x81 {
			n = uint64(int32(binary.LittleEndian.Uint32(rest[1:])))
		}
		switch reg {
		case 0:
			w.regs[arch.RSP] = sp + n
		case 5:
			w.regs[arch.RSP] = sp - n
		case 4:
			w.regs[arch.RSP] = sp & n
		case 7: // cmp
		default:
			return false
		}
		return wide
	case 0x89: // mov reg, r/m
		if mod == 3 && wide {
			return w.move(target, number(reg, extendReg))
		}
		if addr, ok := w.operand(rest, extendRM); ok {
			w.store(addr, number(reg, extendReg))
		}
	case 0x8b, 0x8d: // mov r/m, reg; lea
		dest := number(reg, extendReg)
		addr, ok := w.operand(rest, extendRM)
		switch {
		case mod == 3 && wide:
			return w.move(dest, target)
		case ok && wide && op == 0x8b:
			return u.load(w, dest, addr)
		case ok && wide:
			w.put(dest, addr)
			return true
		}
		w.forget(dest)
		return dest != 4
	case 0x87: // xchg
		if mod == 3 {
			w.forget(target)
			w.forget(number(reg, extendReg))
			return target != 4 && number(reg, extendReg) != 4
		}
	case 0x01, 0x03, 0x29, 0x2b, 0x21, 0x23, 0x09, 0x0b, 0x31, 0x33: // arithmetic
		dest := target
		if op&2 != 0 {
			dest = number(reg, extendReg)
		} else if mod != 3 {
			return true
		}
		w.forget(dest)
		return dest != 4
	}
	return true
}

// number returns the number of a register with the bit that REX adds.
func number(low byte, extend bool) byte {
	if extend {
		low |= 8
	}
	return low
}

// byNumber are the registers that matter in the order in which instructions count
// them; the others are RIP.
var byNumber = [16]arch.Reg{
	arch.RIP, arch.RIP, arch.RIP, arch.RBX, arch.RSP, arch.RBP, arch.RIP, arch.RIP,
	arch.RIP, arch.RIP, arch.RIP, arch.RIP, arch.R12, arch.R13, arch.R14, arch.R15,
}

func (w *walk) put(n byte, v uint64) {
	if r := byNumber[n]; r != arch.RIP {
		w.regs[r] = v
		w.known |= SetOf(r)
	}
}

// push pushes a register; one that does not matter stands for any value.
func (w *walk) push(n byte) {
	w.regs[arch.RSP] -= 8
	w.store(w.regs.SP(), n)
}

func (w *walk) store(addr uint64, n byte) {
	r := byNumber[n]
	w.stores = append(w.stores, store{addr, w.regs[r], r != arch.RIP && w.known.Has(r)})
}

func (w *walk) forget(n byte) {
	if r := byNumber[n]; r != arch.RIP {
		w.known &^= SetOf(r)
	}
}

// move copies a register. It returns false if that loses the stack pointer.
func (w *walk) move(to, from byte) bool {
	if r := byNumber[from]; r != arch.RIP && w.known.Has(r) {
		w.put(to, w.regs[r])
		return true
	}
	w.forget(to)
	return to != 4
}

// load reads a register from memory. It returns false if that loses the stack
// pointer.
func (u *unwinder) load(w *walk, to byte, addr uint64) bool {
	if byNumber[to] == arch.RIP {
		return true
	}
	for _, s := range slices.Backward(w.stores) {
		if s.addr != addr {
			continue
		}
		if s.known {
			w.put(to, s.value)
			return true
		}
		w.forget(to)
		return to != 4
	}
	if v, err := u.mem.word(addr); err == nil {
		w.put(to, v)
		if u.at != nil {
			w.loaded = maps.Clone(w.loaded)
			if w.loaded == nil {
				w.loaded = make(map[arch.Reg]uint64)
			}
			w.loaded[byNumber[to]] = addr
		}
		return true
	}
	w.forget(to)
	return to != 4
}

// operand returns the address of an operand in memory that counts from the stack
// pointer or a known frame pointer.
func (w *walk) operand(b []byte, extendRM bool) (uint64, bool) {
	mod, rm := b[0]>>6, b[0]&7
	base, rest := w.regs.SP(), b[1:]
	switch {
	case extendRM:
		return 0, false
	case rm == 4 && len(rest) > 0 && rest[0] == 0x24: // SIB of rsp alone
		rest = rest[1:]
	case rm == 5 && mod != 0 && w.known.Has(arch.RBP):
		base = w.regs[arch.RBP]
	default:
		return 0, false
	}
	switch {
	case mod == 0:
		return base, true
	case mod == 1 && len(rest) >= 1:
		return base + uint64(int8(rest[0])), true
	case mod == 2 && len(rest) >= 4:
		return base + uint64(int32(binary.LittleEndian.Uint32(rest))), true
	}
	return 0, false
}

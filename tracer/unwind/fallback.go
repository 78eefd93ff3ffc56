package unwind

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
)

// byFramePointer finds the caller of code without call frame information; err
// says what is wrong with it if there is some.
//
// A function that sets up a frame pointer leaves the caller's rbp at [rbp] and
// the return address above it (System V ABI, AMD64 supplement, 3.2.2). An rbp
// of 0 marks the outermost frame (3.4.1).
func (u *unwinder) byFramePointer(f, caller *Frame, err error) (bool, error) {
	rbp, known := f.Regs[arch.RBP], f.Known.Has(arch.RBP)
	base := rbp
	if f.interrupted() {
		switch u.frameState(f) {
		case frameless:
			return u.pop(f, caller, f.SP, FramePointer, volatile)
		case pushed:
			base, known = f.SP, true
		}
	}
	if known && base >= f.SP && base%8 == 0 && base+16 > base {
		saved, errSaved := u.mem.word(base)
		ra, errRA := u.mem.word(base + 8)
		if errSaved == nil && errRA == nil && (ra == 0 || u.returns(base+8) || saved == 0 && u.executable(ra)) {
			more, err := u.pop(f, caller, base+8, FramePointer, volatile|preserved)
			caller.set(arch.RBP, saved)
			u.put(arch.RBP, base)
			return more, err
		}
	}
	if _, ok := u.returnAddress(f.SP); ok && f.interrupted() {
		return u.pop(f, caller, f.SP, Guess, volatile)
	}
	if known && rbp == 0 {
		return false, nil
	}
	why := fmt.Errorf("no call frame information for %#x", f.PC)
	if err != nil {
		why = fmt.Errorf("call frame information for %#x: %w", f.PC, err)
	}
	if !known {
		return false, fmt.Errorf("%w, and rbp is not known", why)
	}
	return false, fmt.Errorf("%w, and rbp %#x is no frame pointer", why, rbp)
}

// A frameState tells how far a function is in setting up its frame pointer or
// dropping it.
type frameState int

const (
	framed    frameState = iota // done, as far as one can tell
	frameless                   // rsp points to the return address
	pushed                      // rsp points to the caller's rbp
)

// frameState tells the state of f by the instructions around its PC and by the
// call that led to it.
func (u *unwinder) frameState(f *Frame) frameState {
	target, called := u.returnAddress(f.SP)
	if called && (target == f.PC || u.calledThrough(f)) {
		return frameless
	}
	var code [6]byte // from PC-1
	if u.mem.read(f.PC-1, code[:]) != nil {
		return framed
	}
	at := func(insns string) bool { return strings.HasPrefix(string(code[1:]), insns) }
	const push, endbr = "\x55", "\xf3\x0f\x1e\xfa" // push rbp, endbr64
	switch {
	case called && (at(push) || at(endbr+push) || at("\xc3") || at("\xc2") || at("\xf3\xc3")): // ret, ret n, rep ret
		return frameless
	case code[0] == push[0] && (at("\x48\x89\xe5") || at("\x48\x8b\xec")): // mov rbp, rsp
		return pushed
	}
	return framed
}

// calledThrough reports whether the call that left the return address on top of the stack was
// one through a register, which still holds the PC.
func (u *unwinder) calledThrough(f *Frame) bool {
	ra, err := u.mem.word(f.SP)
	for n := uint64(2); err == nil && n <= 3; n++ { // bytes of the call
		code := make([]byte, n)
		if u.mem.read(ra-n, code) != nil {
			break
		}
		if r, ok := disasm.CallRegister(code); ok && f.Known.Has(r) && f.Regs[r] == f.PC {
			return true
		}
	}
	return false
}

// byBadCall finds the caller of an address that is not executable: what
// branched there was a call through a bad pointer, if its return address is on top of
// the stack. It left every register as it was.
func (u *unwinder) byBadCall(f, caller *Frame) (bool, error) {
	if target, ok := u.returnAddress(f.SP); !ok || target != 0 && target != f.PC {
		return false, fmt.Errorf("pc %#x is not in executable memory, and no return address is at rsp %#x", f.PC, f.SP)
	}
	return u.pop(f, caller, f.SP, Walk, 0)
}

// pop makes caller what f becomes by a return whose address is at slot. It
// does not know the registers in lost.
func (u *unwinder) pop(f, caller *Frame, slot uint64, by Method, lost RegSet) (bool, error) {
	ra, err := u.mem.word(slot)
	if err == nil {
		err = u.enter(f, slot+8)
	}
	if err != nil {
		return false, fmt.Errorf("frame of %#x: %w", f.PC, err)
	}
	*caller = *f
	caller.Known &^= lost
	caller.set(arch.RSP, slot+8)
	caller.set(arch.RIP, ra)
	u.put(arch.RIP, slot)
	if u.at != nil {
		u.at[arch.RSP] = Place{}
	}
	return u.leave(f, caller, by)
}

// executable reports whether a call may return to ra.
func (u *unwinder) executable(ra uint64) bool {
	_, _, ok := u.images.CFI(ra - 1)
	return ok
}

// returnAddress reports whether the word at slot is the address after a near
// call instruction, which is E8 with 32 bits of displacement or FF /2 (SDM
// volume 2, CALL). target is where the former went.
func (u *unwinder) returnAddress(slot uint64) (target uint64, ok bool) {
	ra, err := u.mem.word(slot)
	if err != nil || !u.executable(ra) {
		return 0, false
	}
	var code [7]byte
	if u.mem.read(ra-uint64(len(code)), code[:]) != nil {
		return 0, false
	}
	if code[2] == 0xe8 {
		return ra + uint64(int32(binary.LittleEndian.Uint32(code[3:]))), true
	}
	for i := range len(code) - 1 {
		if modrm := code[i+1:]; code[i] == 0xff && modrm[0]>>3&7 == 2 && len(modrm) == modrmLen(modrm) {
			return 0, true
		}
	}
	return 0, false
}

// modrmLen returns the length of a memory or register operand in 64-bit mode:
// ModRM, SIB and displacement (SDM volume 2, 2.1.5).
func modrmLen(b []byte) int {
	mod, rm := b[0]>>6, b[0]&7
	n := 1
	if mod != 3 && rm == 4 {
		n++
		if len(b) > 1 {
			rm = b[1] & 7 // a base of 5 without displacement means one of 32 bits
		}
	}
	switch {
	case mod == 1:
		n++
	case mod == 2, mod == 0 && rm == 5:
		n += 4
	}
	return n
}

// sigreturn is the trampoline to which signal handlers return: mov $15, %rax;
// syscall. Debuggers know it by these bytes, so libraries keep to them.
var sigreturn = []byte{0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05}

const sigreturnSyscall = 7 // offset of its second instruction

// atTrampoline reports whether pc is at an instruction of a signal trampoline.
func (u *unwinder) atTrampoline(pc uint64) bool {
	var code [9]byte
	for _, start := range []uint64{pc, pc - sigreturnSyscall} {
		if u.mem.read(start, code[:]) == nil && bytes.Equal(code[:], sigreturn) {
			return true
		}
	}
	return false
}

// The place of struct sigcontext in the struct ucontext to which rsp points in
// a trampoline, and the order of the registers there
// (arch/x86/include/uapi/asm/sigcontext.h).
const contextOffset = 40

var contextRegs = [...]arch.Reg{
	arch.R8, arch.R9, arch.R10, arch.R11, arch.R12, arch.R13, arch.R14, arch.R15,
	arch.RDI, arch.RSI, arch.RBP, arch.RBX, arch.RDX, arch.RAX, arch.RCX, arch.RSP, arch.RIP, arch.EFLAGS,
}

// bySignalContext finds the frame that a signal interrupted by the registers
// that the kernel saved.
func (u *unwinder) bySignalContext(f, caller *Frame) (bool, error) {
	f.Signal, f.Lookup = true, f.PC
	var context [8 * len(contextRegs)]byte
	if err := u.mem.read(f.SP+contextOffset, context[:]); err != nil {
		return false, fmt.Errorf("signal context at %#x: %w", f.SP, err)
	}
	*caller = *f
	caller.Known &^= SetOf(arch.OrigRAX)
	for i, r := range contextRegs {
		caller.set(r, binary.LittleEndian.Uint64(context[8*i:]))
		u.put(r, f.SP+contextOffset+8*uint64(i))
	}
	if err := u.enter(f, caller.Regs.SP()); err != nil {
		return false, fmt.Errorf("frame of %#x: %w", f.PC, err)
	}
	return u.leave(f, caller, SignalContext)
}

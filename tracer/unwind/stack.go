// Package unwind makes stacks: it reads the call frame information of ELF files
// and finds, from the registers and memory of a stopped thread, the frames of
// its callers.
//
// Where code has no call frame information, it follows the instructions to the
// return, then falls back to frame pointers, and at last to any word on the stack
// that looks like a return address. Frame.By says so. It knows no
// symbols: Frame.Lookup is the address to look up in a symbol table or in
// package debuginfo.
//
// Everything it reads may be corrupt. A stack then ends with an error; work and
// memory are bounded by the size of the sections and the number of frames.
package unwind

import (
	"errors"
	"fmt"

	"github.com/tracelark/tracelark/tracer/arch"
)

// Images finds the code around a pc.
type Images interface {
	// CFI returns the call frame information of the file mapped at pc and the
	// file's load bias. The table is nil if the file has none or no file is
	// mapped there; ok says whether pc lies in executable memory.
	CFI(pc uint64) (table *Table, bias uint64, ok bool)

	// Role returns what is special about the function at pc, of a Go program.
	Role(pc uint64) Role

	// Caller sets the registers of the caller of f, as far as known, rip and rsp among
	// them, if something else than the code tells what they are. Where it tells nothing
	// it returns false. An error ends the stack.
	Caller(f, caller *Frame) (bool, error)
}

// A Role is what is special about a function of Go's runtime.
type Role int

const (
	Plain    Role = iota // nothing, as of most
	Switches             // it calls others on another stack than that of its own frame
	Injected             // others call it between any two instructions, when a signal comes
)

// A Frame is the activation of a function on a stack.
type Frame struct {
	PC uint64 // the next instruction to run in this frame
	SP uint64

	// Lookup is the address that finds the frame's function and line. It is
	// PC, or PC-1 where PC is a return address: the call may be the last
	// instruction of its line, or of its function.
	Lookup uint64

	// CFA is the canonical frame address: the stack pointer before the call
	// that made the frame. It is 0 if the frame's caller could not be found.
	CFA uint64

	// Regs are the registers as they were in this frame, as far as Known.
	Regs  arch.Regs
	Known RegSet

	// Signal is set for the frame of a signal trampoline. The next frame was
	// not calling it but interrupted.
	Signal bool

	By Method
}

// interrupted reports whether f was running at PC, not calling.
func (f *Frame) interrupted() bool { return f.Lookup == f.PC }

// A RegSet is a set of registers.
type RegSet uint32

// Has reports whether r is in the set.
func (s RegSet) Has(r arch.Reg) bool { return s>>r&1 != 0 }

// SetOf returns the set of regs.
func SetOf(regs ...arch.Reg) RegSet {
	var s RegSet
	for _, r := range regs {
		s |= 1 << r
	}
	return s
}

// AllRegs are all registers.
const AllRegs = RegSet(1<<arch.NumRegs - 1)

var (
	// volatile are the registers that a function may change for its caller
	// (System V ABI, AMD64 supplement, 3.2.1), and those that say nothing of
	// the caller.
	volatile = SetOf(arch.RAX, arch.RCX, arch.RDX, arch.RSI, arch.RDI, arch.R8, arch.R9, arch.R10, arch.R11, arch.EFLAGS, arch.OrigRAX)

	// preserved are those that a function keeps for its caller, but rsp.
	preserved = SetOf(arch.RBX, arch.RBP, arch.R12, arch.R13, arch.R14, arch.R15)
)

// set stores a register that has become known.
func (f *Frame) set(r arch.Reg, v uint64) {
	f.Regs[r] = v
	f.Known |= 1 << r
}

// dwarfReg returns the register with DWARF number n.
func (f *Frame) dwarfReg(n uint64) (uint64, error) {
	if n >= arch.NumDWARF {
		return 0, fmt.Errorf("no DWARF register %d", n)
	}
	r := arch.FromDWARF[n]
	if !f.Known.Has(r) {
		return 0, fmt.Errorf("%s is not known", r)
	}
	return f.Regs[r], nil
}

// A Method is a way to find a frame.
type Method uint8

// The methods, from the surest to the least sure, and what was told instead.
const (
	Registers     Method = iota // the thread's own registers: the innermost frame
	CFI                         // call frame information
	SignalContext               // the registers that the kernel saved for a signal handler
	Walk                        // the instructions up to the return, or the call that led to where no code is
	FramePointer                // the chain of rbp, or the instructions that set it up
	Guess                       // a word on the stack that looks like a return address
	Told                        // what Images.Caller says
)

// String returns the method's name.
func (m Method) String() string {
	return [...]string{"registers", "cfi", "signal-context", "walk", "frame-pointer", "guess", "told"}[m]
}

// Stack returns the frames of a thread with the registers regs, innermost
// first and max at most. The error says why the stack cannot be followed
// beyond the frames returned; it is nil if the last frame is the outermost one
// or number max.
func Stack(mem Memory, images Images, regs *arch.Regs, max int) (frames []Frame, err error) {
	if max <= 0 {
		return nil, nil
	}
	err = Follow(mem, images, regs, AllRegs, func(f *Frame) bool {
		frames = append(frames, *f)
		return len(frames) < max
	})
	return frames, err
}

// Follow calls f with the frames that Stack returns, until f returns false, for a thread
// of which some registers are known, rip and rsp among them. f must not keep the frame.
func Follow(mem Memory, images Images, regs *arch.Regs, known RegSet, f func(*Frame) bool) error {
	u := unwinder{mem: pages{mem: mem}, images: images}
	frame := &Frame{Regs: *regs, Known: known, By: Registers}
	frame.PC, frame.SP, frame.Lookup = regs.PC(), regs.SP(), regs.PC()
	for caller := new(Frame); ; frame, caller = caller, frame {
		more, err := u.step(frame, caller)
		if !f(frame) {
			return nil
		}
		if err != nil || !more {
			return err
		}
	}
}

// An unwinder follows one stack.
type unwinder struct {
	mem    pages
	images Images
	lowest uint64                 // the least CFA that the next frame may have
	seen   map[[2]uint64]struct{} // rip and rsp where signals changed to a lower stack
	at     *places                // of the registers of the last frame, or nil if nobody asks

	// goBP is where the frame pointer of the next frame is, or 0: functions of Go save
	// it, and their call frame information does not tell.
	goBP uint64
}

// step finds the caller of f and completes f. It returns false if f is the
// outermost frame.
func (u *unwinder) step(f, caller *Frame) (bool, error) {
	if told, err := u.images.Caller(f, caller); err != nil {
		return false, err
	} else if told {
		return u.byCaller(f, caller)
	}
	more, err := u.byCode(f, caller)
	if err != nil && !f.Signal {
		return u.byScan(f, caller, err)
	}
	return more, err
}

// byCaller takes the caller's registers as Images.Caller has set them. It may be on another
// stack.
func (u *unwinder) byCaller(f, caller *Frame) (bool, error) {
	caller.PC, caller.SP = caller.Regs.PC(), caller.Regs.SP()
	if u.enter(f, caller.SP) != nil {
		if err := u.once(f, caller); err != nil {
			return false, err
		}
		f.CFA, u.lowest = caller.SP, caller.SP+1
	}
	if u.at != nil {
		*u.at = places{} // which nobody tells
	}
	return u.leave(f, caller, Told)
}

// byCode finds the caller of f by what is known of its code.
func (u *unwinder) byCode(f, caller *Frame) (bool, error) {
	table, bias, executable := u.images.CFI(f.Lookup)
	var r *row
	var err error
	if table != nil {
		r, err = table.row(f.Lookup - bias)
	}
	// A trampoline is entered at its first instruction without a call, so the
	// address before it may belong to another function.
	if (r == nil || r.fde.hi == f.PC-bias) && u.atTrampoline(f.PC) {
		return u.bySignalContext(f, caller)
	}
	role := Plain
	if r != nil && r.fde.cie.cfaOnly {
		role = u.images.Role(f.Lookup)
	}
	switch {
	case role == Switches && !f.interrupted():
		return u.byOtherStack(f, caller)
	case r != nil:
		more, err := u.byRow(f, caller, r, bias)
		if role == Injected {
			caller.Lookup = caller.PC // at which nothing has returned yet
		}
		return more, err
	case executable:
		more, ok, slot := u.byWalk(f, caller)
		if ok {
			return more, nil
		}
		more, err = u.byFramePointer(f, caller, err)
		if err == nil && !more && slot != 0 && f.CFA == 0 { // rbp is 0 by chance
			err = fmt.Errorf("what the function at %#x returns to, at %#x, is no return address", f.PC, slot)
		}
		return more, err
	case f.interrupted():
		return u.byBadCall(f, caller)
	}
	return false, fmt.Errorf("return address %#x is not in executable memory", f.PC)
}

// byRow finds the caller by the rules of a row.
func (u *unwinder) byRow(f, caller *Frame, r *row, bias uint64) (bool, error) {
	cie := &r.fde.cie
	if f.Signal = cie.signal; f.Signal {
		f.Lookup = f.PC
	}
	cfa, _, err := u.value(&r.cfa, r, f, bias)
	if cie.ra < arch.NumDWARF && r.regs[cie.ra].kind == undefined {
		if err == nil {
			f.CFA = cfa
		}
		return false, nil
	}
	if err == nil {
		err = u.enter(f, cfa)
	}
	if err != nil {
		return false, fmt.Errorf("frame of %#x: %w", f.PC, err)
	}
	*caller = *f
	caller.Known &^= volatile | SetOf(arch.RIP)
	if cie.cfaOnly {
		caller.Known &^= preserved
	}
	caller.set(arch.RSP, cfa)
	var before places
	if u.at != nil {
		before, u.at[arch.RSP] = *u.at, Place{}
	}
	for n := range r.regs {
		rule := &r.regs[n]
		if rule.kind == unspecified {
			continue
		}
		reg := arch.FromDWARF[n]
		v, addr, err := u.value(rule, r, f, bias, cfa)
		switch {
		case err == nil:
			caller.set(reg, v)
			u.apply(reg, rule, addr, &before)
		case reg == arch.RSP || uint64(n) == cie.ra:
			return false, fmt.Errorf("%s of the caller of %#x: %w", reg, f.PC, err)
		default:
			caller.Known &^= SetOf(reg)
		}
	}
	ra, err := caller.dwarfReg(cie.ra)
	if err != nil {
		return false, fmt.Errorf("return address of the frame of %#x: %w", f.PC, err)
	}
	caller.set(arch.RIP, ra)
	if u.at != nil {
		u.at[arch.RIP] = u.at[arch.FromDWARF[cie.ra]]
	}
	if u.goBP = 0; cie.cfaOnly && cfa-f.SP >= 16 {
		u.goBP = cfa - 16
	}
	return u.leave(f, caller, CFI)
}

// byOtherStack finds the caller of a function that has changed the stack, by the frame
// pointer that it has set up before. It is 0 where the function does not return.
func (u *unwinder) byOtherStack(f, caller *Frame) (bool, error) {
	bp, known := f.Regs[arch.RBP], f.Known.Has(arch.RBP)
	if !known && u.goBP != 0 {
		var err error
		bp, err = u.mem.word(u.goBP)
		known = err == nil
	}
	saved, err := u.mem.word(bp)
	switch {
	case known && bp == 0:
		return false, nil
	case !known || err != nil || !u.returns(bp+8):
		return false, fmt.Errorf("%#x was called on another stack, and its frame there was not found", f.PC)
	}
	u.lowest = 0
	more, err := u.pop(f, caller, bp+8, FramePointer, volatile|preserved)
	if err != nil || !more {
		return false, err
	}
	caller.set(arch.RBP, saved)
	u.put(arch.RBP, bp)
	return true, u.once(f, caller)
}

var errNoRule = errors.New("no rule")

// value applies a rule of r to f; addr is where it has read the value, if that was in
// memory. The values of initial are on the stack of the rule's expression when it starts.
func (u *unwinder) value(rule *rule, r *row, f *Frame, bias uint64, initial ...uint64) (v, addr uint64, err error) {
	switch rule.kind {
	case inRegister:
		v, err = f.dwarfReg(uint64(rule.reg))
		return v + uint64(rule.offset), 0, err
	case isCFA:
		return f.CFA + uint64(rule.offset), 0, nil
	case valExpression:
		v, err = evaluate(r.fde.sec, rule.expr, &u.mem, f, bias, initial...)
		return v, 0, err
	case atCFA:
		addr = f.CFA + uint64(rule.offset)
	case expression:
		addr, err = evaluate(r.fde.sec, rule.expr, &u.mem, f, bias, initial...)
	default:
		err = errNoRule
	}
	if err != nil {
		return 0, 0, err
	}
	if v, err = u.mem.word(addr); err != nil {
		err = fmt.Errorf("at %#x: %w", addr, err)
	}
	return v, addr, err
}

// enter sets f.CFA. A frame must lie above the one it called, or the stack
// might never end; only a signal handler may run on another stack.
func (u *unwinder) enter(f *Frame, cfa uint64) error {
	if cfa < u.lowest && !f.Signal {
		return fmt.Errorf("CFA %#x does not lie above the callee's", cfa)
	}
	f.CFA, u.lowest = cfa, cfa+1
	if f.Signal { // The interrupted frame may be empty.
		u.lowest = cfa
	}
	return nil
}

// leave completes caller, whose registers are set. It returns false if there
// is none: a return address of 0 ends a stack, too.
func (u *unwinder) leave(f, caller *Frame, by Method) (bool, error) {
	caller.PC, caller.SP = caller.Regs.PC(), caller.Regs.SP()
	caller.Lookup, caller.CFA, caller.Signal, caller.By = caller.PC, 0, false, by
	if !f.Signal {
		caller.Lookup--
		return caller.PC != 0, nil
	}
	if caller.SP <= f.SP {
		if err := u.once(f, caller); err != nil {
			return false, err
		}
	}
	return true, nil
}

// once returns an error if the stack has come to caller from another one before.
func (u *unwinder) once(f, caller *Frame) error {
	at := [2]uint64{caller.PC, caller.SP}
	if _, ok := u.seen[at]; ok {
		return fmt.Errorf("frame of %#x on another stack leads back to %#x", f.PC, caller.PC)
	}
	if u.seen == nil {
		u.seen = make(map[[2]uint64]struct{})
	}
	u.seen[at] = struct{}{}
	return nil
}

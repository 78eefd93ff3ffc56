package unwind

import (
	"fmt"

	"github.com/tracelark/tracelark/tracer/arch"
)

// This file finds where a stack keeps the registers of its frames, so that they can be
// changed.

// A Place is where a register of a frame is.
type Place struct {
	Kind PlaceKind
	Reg  arch.Reg // Live
	Addr uint64   // Saved
}

// A PlaceKind says what kind of place a register is at.
type PlaceKind uint8

const (
	Computed PlaceKind = iota // it is nowhere, but follows from others, as rsp does
	Live                      // it is in a register of the thread still
	Saved                     // it is in memory
)

type places [arch.NumRegs]Place

// Locate returns where the register r of a frame is that Stack has found: the frame with
// this PC and SP. It is an error if the stack has no such frame any more.
func Locate(mem Memory, images Images, regs *arch.Regs, frame *Frame, r arch.Reg) (Place, error) {
	at := new(places)
	for i := range at {
		at[i] = Place{Kind: Live, Reg: arch.Reg(i)}
	}
	u := unwinder{mem: pages{mem: mem}, images: images, at: at}
	f := Frame{Regs: *regs, Known: AllRegs, By: Registers}
	f.PC, f.SP, f.Lookup = regs.PC(), regs.SP(), regs.PC()
	for range maxFrames {
		if f.PC == frame.PC && f.SP == frame.SP {
			return at[r], nil
		}
		var caller Frame
		more, err := u.step(&f, &caller)
		if err != nil {
			return Place{}, err
		}
		if !more {
			break
		}
		f = caller
	}
	return Place{}, fmt.Errorf("the stack has no frame of %#x any more", frame.PC)
}

// maxFrames limits how far Locate looks.
const maxFrames = 1 << 20

// put notes that a register of the caller is in memory.
func (u *unwinder) put(r arch.Reg, addr uint64) {
	if u.at != nil {
		u.at[r] = Place{Kind: Saved, Addr: addr}
	}
}

// apply notes where a rule finds the register r of the caller; addr is that of the memory
// that the rule reads.
func (u *unwinder) apply(r arch.Reg, rule *rule, addr uint64, before *places) {
	switch {
	case u.at == nil:
	case rule.kind == atCFA || rule.kind == expression:
		u.put(r, addr)
	case rule.kind == inRegister && rule.offset == 0:
		u.at[r] = before[arch.FromDWARF[rule.reg]]
	default:
		u.at[r] = Place{}
	}
}

package triage

import (
	"fmt"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
)

// taintWindow is how many bytes of code are looked at for the uses of a value.
const taintWindow = 64

// taint follows the value that the instruction would have loaded through the rest of
// its basic block. It returns a sentence of what the program would do with it, if that is worse
// than the load, and the class of that.
func (x *examination) taint() (use, class string) {
	const value = "The value that it would load "
	tainted := make(map[arch.Reg]bool)
	for _, r := range x.inst.Flow().Written {
		tainted[r] = true
	}
	follows := func(regs []arch.Reg) bool {
		for _, r := range regs {
			if tainted[r] {
				return true
			}
		}
		return false
	}
	code := make([]byte, taintWindow)
	at := x.inst.Next()
	n, _ := x.p.ReadAt(at, code)
	for i := range disasm.All(code[:n], at, x.symbol) {
		var loads, stores bool
		for _, a := range i.Accesses() {
			depends := follows(a.Registers())
			loads = loads || depends && a.Read
			stores = stores || depends && a.Write && !a.Stack
		}
		flow := i.Flow()
		does := fmt.Sprintf("at %#x (%s).", i.Addr, i.Text)
		switch {
		case stores:
			return value + "is the address of a write " + does, "DestAvTainted"
		case i.Kind == disasm.Call && (loads || follows(flow.Read)):
			return value + "is called " + does, "CallAvTainted"
		case i.Kind == disasm.Jump && (loads || follows(flow.Read)):
			return value + "is jumped to " + does, "BranchAvTainted"
		case i.Kind == disasm.Return && tainted[arch.RSP]:
			if x.culprit.Stack && x.culprit.Base == arch.RBP { // leave, which loads rbp
				return fmt.Sprintf("rbp becomes the stack pointer of a return %s", does), "ReturnAv"
			}
			return value + "is the stack pointer of a return " + does, "ReturnAv"
		case i.Kind != disasm.Other:
			return "", ""
		}
		from := loads || follows(flow.Read)
		for _, r := range flow.Written {
			tainted[r] = from || flow.Partial && tainted[r]
		}
	}
	return "", ""
}

package unwind

import "github.com/tracelark/tracelark/tracer/arch"

// maxScan limits how far up the stack a return address is looked for, in bytes.
const maxScan = 32 << 10

// byScan finds the caller of f, which nothing else could because of err, as the
// next word on the stack that may be a return address. It may be one left by a call
// that is over. f's own frame ends below it.
func (u *unwinder) byScan(f, caller *Frame, err error) (bool, error) {
	start := (f.SP + 7) &^ 7
	for slot := start; slot-start < maxScan; slot += 8 {
		if _, readErr := u.mem.word(slot); readErr != nil {
			break
		}
		if !u.returns(slot) {
			continue
		}
		if more, popErr := u.pop(f, caller, slot, Guess, volatile|preserved); popErr == nil {
			u.restore(f, caller)
			return more, nil
		}
	}
	f.CFA = 0
	return false, err
}

// restore takes registers of the caller from where the code of f says that it has kept
// them, where the CFA is known and what that is computed from, most likely rbp, was not.
func (u *unwinder) restore(f, caller *Frame) {
	table, bias, _ := u.images.CFI(f.Lookup)
	if table == nil {
		return
	}
	r, err := table.row(f.Lookup - bias)
	if err != nil || r == nil || r.cfa.kind != inRegister {
		return
	}
	if base := arch.FromDWARF[r.cfa.reg]; base != arch.RSP && !f.Known.Has(base) {
		f.set(base, f.CFA-uint64(r.cfa.offset))
	}
	for n, rule := range r.regs {
		if rule.kind != atCFA || uint64(n) == r.fde.cie.ra {
			continue
		}
		if v, err := u.mem.word(f.CFA + uint64(rule.offset)); err == nil {
			caller.set(arch.FromDWARF[n], v)
		}
	}
}

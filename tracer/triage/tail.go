package triage

import (
	"slices"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
)

// This file follows functions that end in a jump to another one (tail calls), which leave
// no frame of their own.

const (
	maxJumps = 3  // functions that jump on
	maxStub  = 32 // bytes of one whose end is not known
)

// jumped returns where a value comes from that o.Reg held when the function callee was entered,
// by a call in the function of f or by jumps of what that has called: of OfCaller, the value was
// in a register at the call. It is unknown if the jumps may be several.
func (f *finder) jumped(p *Place, call *disasm.Inst, callee uint64, o Origin) Origin {
	if !call.HasTarget || callee == 0 || call.Target == callee {
		return o
	}
	path := f.path(p, call.Target, callee, maxJumps)
	if path == nil && !o.Exact {
		return Origin{}
	}
	for n, insts := range slices.Backward(path) {
		regs := p.Regs
		regs[arch.RSP] -= 8 // the call has left its return address
		t := finder{mem: f.mem, regs: &regs, insts: insts, known: func(r arch.Reg) bool {
			return p.Known(r) && !slices.Contains(volatile, r)
		}}
		if n == 0 {
			t.entry = func(r arch.Reg) (uint64, bool) { return f.before(len(f.insts), r, 8) }
		}
		if o = t.find(len(insts), o.Reg, o.Value, o.Exact); o.Kind != OfCaller {
			return o
		}
	}
	return o
}

// path returns the instructions by which the function that begins at start jumps to the one
// at goal, those of functions between them too, or nil if there is no way or there are several.
func (f *finder) path(p *Place, start, goal uint64, depth int) (path [][]disasm.Inst) {
	end := p.End(start)
	stub := end == 0
	if stub || end-start > maxFunction {
		end = start + maxStub
	}
	insts, _ := decodeAll(f.mem, start, end)
	ways := 0
	for n := range insts {
		i := &insts[n]
		if i.Kind != disasm.Jump && i.Kind != disasm.Branch {
			continue
		}
		if to, ok := f.target(i); ok && (to < start || to >= end) {
			var on [][]disasm.Inst
			if to != goal && depth > 0 {
				on = f.path(p, to, goal, depth-1)
			}
			if to == goal || on != nil {
				ways++
				path = append([][]disasm.Inst{insts[:n]}, on...)
			}
		}
		if stub && i.Kind == disasm.Jump {
			break
		}
	}
	if ways != 1 {
		return nil
	}
	return path
}

// target returns where a jump goes, also one that a linkage table has made.
func (f *finder) target(i *disasm.Inst) (uint64, bool) {
	if i.HasTarget {
		return i.Target, true
	}
	for _, a := range i.Accesses() {
		if a.Read && a.Base == arch.RIP && a.Index == disasm.NoReg {
			return f.word(a.Addr(f.regs), 8)
		}
	}
	return 0, false
}

package debuginfo

import (
	"cmp"
	"debug/dwarf"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/tracelark/tracelark/tracer/internal/dw"
)

// entryValue pushes what a register had when the function was entered. The
// caller knows it, if it has said at the call what it put there.
func (m *machine) entryValue(expr []byte) {
	in := machine{reader: newReader(secExpr, expr, 0), u: m.u, ev: m.ev}
	var t baseType
	op := in.u8()
	reg := uint64(op - dw.OpReg0)
	switch {
	case op == dw.OpRegx:
		reg = in.uleb()
	case op == dw.OpRegvalType || op == dw.OpGNURegvalType:
		reg = in.uleb()
		t = in.baseTypeAt()
	case op < dw.OpReg0 || op > dw.OpReg31:
		m.fail(m.off, "entry value of operator %#x", op)
		return
	}
	if in.err != nil || in.off != in.end {
		m.fail(m.off, "entry value of %d bytes", len(expr))
		return
	}
	v, err := m.ev.entryReg(reg)
	m.check(err)
	m.pushOperand(t.of(v))
}

// parameter pushes the value of an argument that the compiler has dropped. Callers say
// what it would have been.
func (m *machine) parameter() {
	to, off, err := m.u.ref(value{form: formRef4, u: uint64(m.u32())})
	if err != nil {
		m.check(err)
		return
	}
	v, err := m.ev.passed(func(p *entry) bool {
		param := p.firstOf(dwarf.AttrCallParameter, dwarf.AttrAbstractOrigin)
		if param.isZero() {
			return false
		}
		u, at, err := p.u.ref(param)
		return err == nil && u == to && at == off
	})
	m.check(err)
	m.push(v)
}

func (ev *evaluator) entryReg(reg uint64) (uint64, error) {
	return ev.passed(func(p *entry) bool {
		loc := p.get(dwarf.AttrLocation).b
		return len(loc) == 1 && uint64(loc[0]) == dw.OpReg0+reg || len(loc) > 1 && loc[0] == dw.OpRegx && regxOf(loc) == reg
	})
}

// passed returns the value of the argument that the caller's call site describes in the
// entry for which is returns true.
func (ev *evaluator) passed(is func(p *entry) bool) (uint64, error) {
	const reason = "known to the caller alone"
	f := ev.frame
	if ev.depth >= maxCallers {
		return 0, &AbsentError{Reason: "known to a caller alone, too many frames away"}
	}
	if f.Caller == nil || ev.fn == nil {
		return 0, &AbsentError{Reason: reason}
	}
	d, caller, err := f.Caller()
	if err != nil {
		return 0, &AbsentError{Reason: fmt.Sprintf("%s: %v", reason, err)}
	}
	if d == nil || caller == nil {
		return 0, &AbsentError{Reason: reason + ", which has no debug information"}
	}
	callee := ev.fn
	for callee.Caller != nil {
		callee = callee.Caller
	}
	return d.argument(caller, callee, f.Bias, is, ev.depth+1)
}

// argument returns the value of the argument for which is returns true that caller passes
// to callee, whose addresses need bias added.
func (d *Data) argument(caller *Frame, callee *Func, bias uint64, is func(p *entry) bool, depth int) (uint64, error) {
	fn, err := d.function(caller.PC)
	if errors.Is(err, ErrNotFound) {
		return 0, &AbsentError{Reason: "known to the caller alone, which has no debug information"}
	}
	if err != nil {
		return 0, err
	}
	site, inner := fn.callAt(caller.PC)
	if site == nil {
		return 0, &AbsentError{Reason: "the caller does not say what it passes"}
	}
	if err := site.calls(caller, inner, callee, bias, depth); err != nil {
		return 0, err
	}
	var found []byte
	if i := slices.IndexFunc(site.params, is); i >= 0 {
		found = site.params[i].firstOf(dwarf.AttrCallValue, attrGNUCallSiteValue).b
	}
	if len(found) == 0 {
		return 0, &AbsentError{Reason: "the caller does not say what it passes"}
	}
	return site.u.evalWord(found, caller, inner, depth)
}

func regxOf(loc []byte) uint64 {
	r := newReader(secExpr, loc, 1)
	return r.uleb()
}

// A callSite is what a function says of one of its calls.
type callSite struct {
	*entry
	behind uint64 // the address behind the call
	params []*entry

	calleeOnce sync.Once
	callee     *FuncDecl // that the call names, or nil
}

// callAt returns the call that pc is in or behind, and the function that it is
// written in, or nil.
func (f *Func) callAt(pc uint64) (site *callSite, inner *Func) {
	f.root.at(pc, func(b *block) {
		if b.fn != nil {
			inner = b.fn
		}
		b.callsOnce.Do(func() { b.calls = f.u.callSites(b) })
		for _, c := range b.calls {
			// The address of a frame may lie anywhere in the call: it is at most 15 bytes long.
			if c.behind >= pc && c.behind-pc <= 15 && (site == nil || c.behind < site.behind) {
				site = c
			}
		}
	})
	return site, inner
}

// callSites returns the calls in a block, but not those in blocks within it.
func (u *unit) callSites(b *block) (sites []*callSite) {
	e, err := u.readEntry(b.off)
	if err != nil || e.ab == nil {
		return nil
	}
	e.children(func(c *entry) bool {
		if c.ab.tag != dwarf.TagCallSite && c.ab.tag != tagGNUCallSite {
			return true
		}
		// Before DWARF 5 the address behind the call was its low_pc.
		behind, ok := u.addr(c.firstOf(dwarf.AttrCallReturnPC, dwarf.AttrLowpc))
		if !ok {
			return true
		}
		site := &callSite{entry: c, behind: behind}
		c.children(func(p *entry) bool {
			if p.ab.tag == dwarf.TagCallSiteParameter || p.ab.tag == tagGNUCallSiteParameter {
				site.params = append(site.params, p)
			}
			return true
		})
		sites = append(sites, site)
		return true
	})
	return sites
}

// calls returns an error unless the call site calls callee. It may call another
// function that has ended in a jump to callee: what it passes is then not what
// callee got.
func (site *callSite) calls(caller *Frame, inner, callee *Func, bias uint64, depth int) error {
	site.calleeOnce.Do(func() {
		if o, _ := site.inheritedCallee(); o != nil {
			site.callee = o.funcDecl()
		}
	})
	if decl := site.callee; decl != nil {
		if decl.Name == callee.Name && decl.Linkage == callee.Linkage || decl.Linkage != "" && decl.Linkage == callee.Linkage {
			return nil
		}
		if caller.Named != nil && caller.Named(cmp.Or(decl.Linkage, decl.Name), callee.Entry+bias) {
			return nil // an alias
		}
		return &AbsentError{Reason: fmt.Sprintf("known to the caller alone, which called %s", decl.Name)}
	}
	target := site.firstOf(dwarf.AttrCallTarget, attrGNUCallSiteTarget)
	if !target.isBlock() {
		return &AbsentError{Reason: "the caller does not say what it calls"}
	}
	addr, err := site.u.evalWord(target.b, caller, inner, depth)
	if err != nil {
		return err
	}
	if addr != callee.Entry+bias {
		return &AbsentError{Reason: fmt.Sprintf("known to the caller alone, which called %#x", addr)}
	}
	return nil
}

// inheritedCallee returns the entry of the function that a call names.
func (site *entry) inheritedCallee() (*entry, error) {
	if o, err := site.follow(dwarf.AttrCallOrigin); o != nil || err != nil {
		return o, err
	}
	return site.follow(dwarf.AttrAbstractOrigin)
}

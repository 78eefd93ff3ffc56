package debuginfo

import (
	"debug/dwarf"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tracelark/tracelark/tracer/internal/dw"
)

// A Var is a variable or an argument.
type Var struct {
	Name       string
	Param      bool // an argument
	Static     bool // at one place for as long as the program runs, or the thread
	Artificial bool // made by the compiler, such as "this"
	Private    bool // of Globals: another unit's own
	File       string
	Line       int

	fn     *Func // the function that it is in, or nil
	e      *entry
	typ    value
	typeOf *entry // that has typ, e or what it completes, or nil
}

func newVar(e *entry, fn *Func) *Var {
	v := &Var{Name: e.name(), Param: e.ab.tag == dwarf.TagFormalParameter, fn: fn, e: e}
	v.File, v.Line = e.declared()
	v.typ, v.typeOf = e.inherited(dwarf.AttrType)
	artificial, _ := e.inherited(dwarf.AttrArtificial)
	v.Artificial = artificial.u != 0
	if loc := e.get(dwarf.AttrLocation); loc.isBlock() && len(loc.b) > 0 && fn != nil {
		switch loc.b[0] {
		case dw.OpAddr, dw.OpAddrx, dw.OpGNUAddrIndex:
			v.Static = true
		default: // thread-locals push an offset first
			last := loc.b[len(loc.b)-1]
			v.Static = last == dw.OpFormTLSAddress || last == dw.OpGNUPushTLSAddress
		}
	} else if fn == nil {
		v.Static = true
	}
	return v
}

// Vars returns the arguments and variables of f that are in scope at pc: those
// of the innermost block first, within a block in the order of the source. What
// has been inlined into f has its own.
func (f *Func) Vars(pc uint64) ([]*Var, error) {
	var blocks []*block
	own := f
	f.root.at(pc, func(b *block) {
		if b.fn != nil {
			own = b.fn
		}
		if own == f {
			blocks = append(blocks, b)
		}
	})
	var list []*Var
	for i := len(blocks) - 1; i >= 0; i-- {
		b := blocks[i]
		b.varsOnce.Do(func() { b.vars, b.varsErr = f.blockVars(b) })
		if b.varsErr != nil {
			return nil, b.varsErr
		}
		list = append(list, b.vars...)
	}
	return list, nil
}

// blockVars returns the variables of a block. An instance of a function may leave
// out those that nothing is left of: they are taken from the abstract one.
func (f *Func) blockVars(b *block) ([]*Var, error) {
	e, err := f.u.readEntry(b.off)
	if err != nil || e.ab == nil {
		return nil, err
	}
	var list []*Var
	seen := make(map[uint64]bool)
	err = e.children(func(c *entry) bool {
		if !c.isVar() || c.flag(dwarf.AttrDeclaration) { // "extern" in a block means one outside
			return true
		}
		if v := c.get(dwarf.AttrAbstractOrigin); !v.isZero() {
			if _, off, err := c.u.ref(v); err == nil {
				seen[off] = true
			}
		}
		list = append(list, newVar(c, f))
		return true
	})
	if origin := e.origin(); err == nil && origin != nil && origin.ab.tag == e.ab.tag || b.fn != nil && origin != nil {
		err = origin.children(func(c *entry) bool {
			if c.isVar() && !seen[c.off] && !c.flag(dwarf.AttrDeclaration) && e.get(dwarf.AttrSpecification).isZero() {
				list = append(list, newVar(c, f))
			}
			return true
		})
	}
	return list, err
}

// isVar reports whether e is a variable that has a name.
func (e *entry) isVar() bool {
	switch e.ab.tag {
	case dwarf.TagFormalParameter, dwarf.TagVariable, dwarf.TagConstant:
		return e.name() != ""
	}
	return false
}

// Globals returns the variables called name outside of functions, those of the
// unit with the code at pc first. The error is ErrNotFound if there is none.
func (d *Data) Globals(name string, pc uint64) ([]*Var, error) {
	var near, far []*Var
	here := make(map[*unit]bool)
	d.unitsAt(pc, func(u *unit) bool {
		here[u] = true
		return true
	})
	d.named(name, varName, func(e *entry) bool {
		if !matches(e.qualifiedName(), name) {
			return true
		}
		v := newVar(e, nil)
		if here[e.u.home()] {
			near = append(near, v)
		} else {
			external, _ := e.inherited(dwarf.AttrExternal)
			v.Private = external.u == 0
			far = append(far, v)
		}
		return true
	})
	if near = append(near, far...); len(near) == 0 {
		return nil, d.noName("variable", name)
	}
	return near, nil
}

// Type returns the type of the variable.
func (v *Var) Type() (*Type, error) {
	if v.typeOf == nil {
		return nil, fmt.Errorf("%s: %w", v.Name, &AbsentError{Reason: "has no type"})
	}
	return v.typeOf.u.typeOf(v.typ)
}

// Location returns where the variable is in frame f. The error is an
// AbsentError if the compiler has not kept it.
func (v *Var) Location(f *Frame) (Location, error) { return v.location(f, 0) }

func (v *Var) location(f *Frame, depth int) (Location, error) {
	if depth > maxCalls {
		return Location{}, fmt.Errorf("%s: its location depends on itself", v.Name)
	}
	u := v.e.u
	if loc := v.e.get(dwarf.AttrLocation); !loc.isZero() {
		expr, found, err := u.locationAt(loc, f.PC)
		if err != nil {
			return Location{}, fmt.Errorf("%s: %w", v.Name, err)
		}
		if !found {
			return Location{}, &AbsentError{v.Name, "optimised out here"}
		}
		l, err := u.evalNested(expr, f, v.fn, depth)
		if err != nil {
			if absent := new(AbsentError); errors.As(err, &absent) {
				return Location{}, &AbsentError{v.Name, absent.Error()}
			}
			return Location{}, fmt.Errorf("%s: %w", v.Name, err)
		}
		if l.Kind == OptimisedOut {
			return Location{}, &AbsentError{v.Name, "optimised out here"}
		}
		return l, nil
	}
	if c, at := v.e.inherited(dwarf.AttrConstValue); at != nil {
		return v.constant(at.u, c)
	}
	if v.e.flag(dwarf.AttrDeclaration) {
		return Location{}, &AbsentError{v.Name, "declared here, defined elsewhere"}
	}
	if o := v.e.origin(); o != nil && !o.get(dwarf.AttrLocation).isZero() {
		return newVar(o, v.fn).location(f, depth+1) // static in an inlined function
	}
	return Location{}, &AbsentError{v.Name, "optimised out"}
}

// constant returns the location of a value that the debug information holds.
func (v *Var) constant(u *unit, c value) (Location, error) {
	l := Location{Kind: Known}
	switch {
	case c.isBlock() || c.form == formData16:
		l.Bytes = c.b
	case c.isConst():
		l.Bytes = binary.LittleEndian.AppendUint64(nil, c.u)
	default:
		l.Bytes = append(u.strBytes(c), 0)
	}
	return l, nil
}

// frameBase returns the address that the variables of f's frame are relative to.
func (f *Func) frameBase(frame *Frame, depth int) (uint64, error) {
	for f.Caller != nil {
		f = f.Caller
	}
	if depth > maxCalls {
		return 0, fmt.Errorf("frame base of %s depends on itself", f.Name)
	}
	e, err := f.u.readEntry(f.off)
	if err != nil {
		return 0, err
	}
	v := e.get(dwarf.AttrFrameBase)
	if v.isZero() {
		return 0, fmt.Errorf("%s has no frame base", f.Name)
	}
	expr, found, err := f.u.locationAt(v, frame.PC)
	if err != nil {
		return 0, err
	}
	if !found {
		return 0, fmt.Errorf("%s has no frame base at %#x", f.Name, frame.PC)
	}
	return f.u.evalWord(expr, frame, f, depth)
}

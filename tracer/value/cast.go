package value

import (
	"fmt"
	"strings"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// Cast returns the value converted to a type: numbers and pointers as C's cast does
// it, but classes are not searched for bases. To a type that is none of numbers, what
// is in memory is reinterpreted.
func (v *Value) Cast(t *debuginfo.Type) (*Value, error) {
	if t == nil {
		return New(v.in, nil, debuginfo.Location{Kind: debuginfo.Known}), nil
	}
	under, err := t.Strip()
	if err != nil {
		return nil, err
	}
	if under == nil {
		return New(v.in, nil, debuginfo.Location{Kind: debuginfo.Known}), nil
	}
	switch under.Kind {
	case debuginfo.Reference, debuginfo.RvalueReference:
		p, err := v.AddressOf()
		if err != nil {
			return nil, err
		}
		return FromBytes(v.in, t, p.loc.Bytes), nil
	}
	to, notScalar := scalarType(t)
	if notScalar != nil {
		if addr, ok := v.Address(); ok {
			return At(v.in, t, addr), nil
		}
		if from, err := v.Size(); err == nil && from == under.Size {
			w := *v
			w.typ = t
			return &w, nil
		}
		return nil, fmt.Errorf("%s cannot be cast to %s", v.typ, t)
	}
	if v.loc.Kind == debuginfo.ImplicitPointer && to.Kind == debuginfo.Pointer {
		w := *v
		w.typ = t
		return &w, nil
	}
	if v.IsFloat() && isFloat(to) {
		w, err := v.referent()
		if err != nil {
			return nil, err
		}
		f, err := w.bigFloat()
		if err != nil {
			return nil, err
		}
		if f != nil {
			b, err := encodeFloat(t, f)
			if err != nil {
				return nil, err
			}
			return FromBytes(v.in, t, b), nil
		}
	}
	if v.IsFloat() {
		f, err := v.Float()
		if err != nil {
			return nil, err
		}
		return FromFloat(v.in, t, f)
	}
	n, err := v.Int()
	if err != nil {
		return nil, fmt.Errorf("cast to %s: %w", t, err)
	}
	return FromInt(v.in, t, n)
}

// Dynamic returns the object that a pointer or reference to a class, or an object of
// one, really is or is part of, by its vtable (Itanium C++ ABI, 2.5.2): its class is
// in the symbol of the vtable, and how far up it starts is two words before the
// functions. What has no vtable, or one without a symbol, is returned as it is: the
// object itself, where v points to it.
func (v *Value) Dynamic() (*Value, error) {
	v, t, err := v.aggregate()
	if err != nil {
		return nil, err
	}
	addr, ok := v.Address()
	if !ok || !hasVtable(t, new(int)) {
		return v, nil
	}
	vptr, err := At(v.in, debuginfo.NewBase("unsigned long", 8, encUnsigned), addr).Uint64()
	if err != nil {
		return nil, err
	}
	name, _, ok := v.in.SymbolAt(vptr)
	name, isVtable := strings.CutPrefix(name, "vtable for ")
	if !ok || !isVtable {
		return v, nil
	}
	top, err := At(v.in, debuginfo.NewBase("long", 8, encSigned), vptr-16).Uint64()
	if err != nil {
		return nil, err
	}
	types, err := v.in.Types(name)
	if err != nil || len(types) == 0 {
		return v, nil
	}
	return At(v.in, types[0], addr+top), nil
}

// hasVtable reports whether objects of a class start with a vtable pointer. seen counts
// the classes that were looked at.
func hasVtable(t *debuginfo.Type, seen *int) bool {
	fields, err := t.Fields()
	if *seen++; err != nil || *seen > maxClasses {
		return false
	}
	for i := range fields {
		f := &fields[i]
		if strings.HasPrefix(f.Name, "_vptr") || f.Virtual {
			return true
		}
		if f.IsBase {
			base, err := f.Type()
			if err == nil {
				if base, err = stripped(base); err == nil && base != nil && hasVtable(base, seen) {
					return true
				}
			}
		}
	}
	return false
}

// maxClasses limits how many classes are looked at that lie within each other.
const maxClasses = 1000

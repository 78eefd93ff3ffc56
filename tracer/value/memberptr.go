package value

import (
	"errors"
	"fmt"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// This file shows and follows pointers to members. That of a member is its offset, or
// -1; that of a method is its address, or one more than its offset in the vtable if it
// is virtual, and what is to be added to this (Itanium C++ ABI, 2.3).

// A memberPointer is a pointer to a member, taken apart.
type memberPointer struct {
	class  *debuginfo.Type // that the member is of
	elem   *debuginfo.Type // what it points to
	method bool
	n      int64 // the first word
	adjust int64 // the second one, of a method
}

func (v *Value) memberPointer(t *debuginfo.Type) (p memberPointer, err error) {
	b, err := v.Bytes()
	if err != nil {
		return p, err
	}
	if p.class, err = t.Container(); err == nil {
		p.class, err = stripped(p.class)
	}
	if err == nil && p.class == nil {
		err = fmt.Errorf("%s belongs to no class", v.typ)
	}
	if err == nil {
		p.elem, err = t.Elem()
	}
	if err != nil {
		return p, err
	}
	under, err := stripped(p.elem)
	p.method = under != nil && under.Kind == debuginfo.Function
	p.n = integer(b[:min(8, len(b))], true).Int64()
	if p.method && len(b) == 16 {
		p.adjust = integer(b[8:], true).Int64()
	}
	return p, err
}

func (p *memberPointer) isNull() bool { return p.method && p.n == 0 || !p.method && p.n == -1 }

// isVirtual reports whether the method is found in the vtable of the object.
func (p *memberPointer) isVirtual() bool { return p.method && p.n&1 != 0 }

// memberPointer writes the name of a member, or the address of a method.
func (w *writer) memberPointer(v *Value, t *debuginfo.Type) error {
	p, err := v.memberPointer(t)
	switch {
	case err != nil:
		return err
	case p.isNull():
		w.b.WriteString("NULL")
	case p.isVirtual():
		name, ok := methodAt(p.class, (p.n-1)/8, 0)
		if !ok {
			name = fmt.Sprintf("table offset %d", p.n-1)
		}
		w.b.WriteString("&virtual " + name)
	case p.method:
		fmt.Fprintf(&w.b, "(%s) %#x", v.typ, p.n)
		w.symbol(v.in, uint64(p.n))
		if p.adjust != 0 {
			fmt.Fprintf(&w.b, ", this adjustment %d", p.adjust)
		}
	default:
		w.b.WriteString(fieldAt(p.class, p.n))
	}
	return nil
}

// fieldAt returns the name of the member of a class, or of its bases, at an offset, or
// the offset.
func fieldAt(class *debuginfo.Type, offset int64) string {
	type part struct {
		class  *debuginfo.Type
		offset int64 // in it
	}
	parts := []part{{class, offset}}
	for i := 0; i < min(len(parts), maxDepth); i++ {
		p := parts[i]
		fields, _ := p.class.Fields()
		for j := range fields {
			switch f := &fields[j]; {
			case f.IsBase && !f.Virtual:
				base, err := f.Type()
				if err == nil {
					base, err = stripped(base)
				}
				if err == nil && base != nil {
					parts = append(parts, part{base, p.offset - f.Offset})
				}
			case f.Offset == p.offset && !f.IsBase && !f.Static && f.Name != "":
				return "&" + p.class.Name + "::" + f.Name
			}
		}
	}
	return fmt.Sprint(offset)
}

// methodAt returns the name of the method at a place of a class's vtable.
func methodAt(class *debuginfo.Type, slot int64, depth int) (string, bool) {
	methods, _ := class.Methods()
	for i := range methods {
		m := &methods[i]
		if m.Slot != slot {
			continue
		}
		name := class.Name + "::" + m.Name + "()"
		if t, err := m.Type(); err == nil && (&callee{typ: t}).constant() {
			name += " const"
		}
		return name, true
	}
	if depth == maxDepth {
		return "", false
	}
	fields, _ := class.Fields()
	for i := range fields {
		if f := &fields[i]; f.IsBase && f.Offset == 0 {
			if base, err := f.Type(); err == nil {
				if base, err = stripped(base); err == nil && base != nil {
					return methodAt(base, slot, depth+1)
				}
			}
		}
	}
	return "", false
}

// MemberOf returns the member of an object that v, a pointer to member, points to; the
// object may be a pointer or a reference to one. That of a method is the function.
func (v *Value) MemberOf(object *Value) (*Value, error) {
	p, object, err := v.bind(object)
	if err != nil {
		return nil, err
	}
	if !p.method {
		size, err := v.sizeOf(p.elem)
		if err != nil {
			return nil, err
		}
		if p.n < 0 || p.n > maxRead || size > maxRead {
			return nil, fmt.Errorf("%s does not point into an object", v.typ)
		}
		return object.part(p.elem, uint64(p.n)*8, uint64(size)*8, false), nil
	}
	addr, err := p.function(object)
	if err != nil {
		return nil, err
	}
	return At(v.in, p.elem, addr), nil
}

// bind returns v, a pointer to member, taken apart, and the object moved to the class
// that it is for.
func (v *Value) bind(object *Value) (p memberPointer, base *Value, err error) {
	v, t, err := v.resolve()
	if err != nil {
		return p, nil, err
	}
	if t.Kind != debuginfo.MemberPointer {
		return p, nil, fmt.Errorf("%s is no pointer to member", v.typ)
	}
	if p, err = v.memberPointer(t); err != nil {
		return p, nil, err
	}
	if p.isNull() {
		return p, nil, errors.New("the pointer to member is null")
	}
	object, class, err := object.aggregate()
	if err != nil {
		return p, nil, err
	}
	if class.Name != p.class.Name {
		if object, err = object.Field(p.class.Name); err != nil || !isBase(object, p.class) {
			return p, nil, fmt.Errorf("%s is a pointer to a member of %s, not of %s", v.typ, p.class, class)
		}
	}
	return p, object, nil
}

// function returns the address of the method for an object.
func (p *memberPointer) function(object *Value) (uint64, error) {
	if !p.isVirtual() {
		return uint64(p.n), nil
	}
	addr, ok := object.Address()
	if !ok {
		return 0, object.noAddress()
	}
	return object.virtual(addr+uint64(p.adjust), uint64(p.n-1))
}

// virtual returns the function at an offset of the vtable of the object at addr.
func (v *Value) virtual(addr, offset uint64) (uint64, error) {
	vptr, err := At(v.in, ulongType, addr).Uint64()
	if err != nil {
		return 0, err
	}
	return At(v.in, ulongType, vptr+offset).Uint64()
}

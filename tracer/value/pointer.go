package value

import (
	"errors"
	"fmt"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// referent returns what a reference refers to, and any other value itself.
func (v *Value) referent() (*Value, error) {
	for range 8 {
		if v.typ == nil {
			return v, nil
		}
		t, err := v.typ.Strip()
		if err != nil {
			return nil, err
		}
		if t == nil || t.Kind != debuginfo.Reference && t.Kind != debuginfo.RvalueReference {
			return v, nil
		}
		if v, err = v.Deref(); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("reference to a reference")
}

// resolve returns the value, or what it refers to, and its type without typedefs and
// qualifiers.
func (v *Value) resolve() (*Value, *debuginfo.Type, error) {
	v, err := v.referent()
	if err != nil {
		return nil, nil, err
	}
	t, err := v.strip()
	return v, t, err
}

// Deref returns what a pointer points to or a reference refers to. Nothing is read of
// it. An array is taken for a pointer to its first element.
func (v *Value) Deref() (*Value, error) {
	t, err := v.strip()
	if err != nil {
		return nil, err
	}
	switch t.Kind {
	case debuginfo.Array:
		return v.Index(0)
	case debuginfo.Reference, debuginfo.RvalueReference:
	default:
		if v, t, err = v.resolve(); err != nil {
			return nil, err
		}
		if t.Kind == debuginfo.MemberPointer {
			return nil, fmt.Errorf("%s points into an object: name one, as in object.*pointer", v.typ)
		}
		if t.Kind != debuginfo.Pointer {
			return nil, fmt.Errorf("%s is no pointer", v.typ)
		}
	}
	elem, err := t.Elem()
	if err != nil {
		return nil, err
	}
	if err := v.Err(); err != nil {
		return nil, err
	}
	if elem == nil {
		return nil, errors.New("a void * points to nothing that has a type: cast it")
	}
	if v.loc.Kind == debuginfo.ImplicitPointer {
		return v.implicit(elem)
	}
	b, err := v.read(8)
	if err != nil {
		return nil, err
	}
	return At(v.in, elem, integer(b, false).Uint64()), nil
}

// implicit returns what a pointer points to that has itself no address.
func (v *Value) implicit(elem *debuginfo.Type) (*Value, error) {
	loc, err := v.loc.Target.Location(v.in.Frame())
	if err != nil {
		if absent := new(debuginfo.AbsentError); errors.As(err, &absent) {
			return Absent(v.in, elem, err), nil
		}
		return nil, err
	}
	if v.loc.Offset < 0 || v.loc.Offset > maxRead {
		return nil, fmt.Errorf("%s points outside of %s", v.typ, v.loc.Target.Name)
	}
	size, err := v.sizeOf(elem)
	if err != nil {
		return nil, err
	}
	if size > maxRead {
		return nil, fmt.Errorf("%s is too large", elem)
	}
	return New(v.in, elem, cut(loc, uint64(v.loc.Offset)*8, uint64(size)*8)), nil
}

// AddressOf returns a pointer to the value. One that is not in memory is an error.
func (v *Value) AddressOf() (*Value, error) {
	if v.typ != nil {
		t, err := v.typ.Strip()
		if err != nil {
			return nil, err
		}
		if t != nil && (t.Kind == debuginfo.Reference || t.Kind == debuginfo.RvalueReference) {
			if v, err = v.Deref(); err != nil {
				return nil, err
			}
		}
	}
	addr, ok := v.Address()
	if !ok {
		return nil, v.noAddress()
	}
	return pointer(v.in, debuginfo.PointerTo(v.typ), addr), nil
}

// noAddress says why the value has no address.
func (v *Value) noAddress() error {
	if err := v.Err(); err != nil {
		return err
	}
	switch {
	case v.bits > 0:
		return errors.New("a bit-field has no address")
	case v.loc.Kind == debuginfo.InRegister:
		return fmt.Errorf("the value is in a register (DWARF number %d) and has no address", v.loc.Reg)
	case v.loc.Kind == debuginfo.Known:
		return errors.New("the value is a constant and has no address")
	}
	return errors.New("the value is not in memory and has no address")
}

// pointer returns a pointer of type t.
func pointer(in Context, t *debuginfo.Type, addr uint64) *Value {
	b := make([]byte, 8)
	for i := range b {
		b[i] = byte(addr >> (8 * i))
	}
	return FromBytes(in, t, b)
}

// Add returns a pointer n elements further. An array is taken for a pointer to its
// first element. The size of void and of functions is 1, as GCC has it.
func (v *Value) Add(n int64) (*Value, error) {
	v, t, err := v.resolve()
	if err != nil {
		return nil, err
	}
	var elem *debuginfo.Type
	pt := v.typ
	switch t.Kind {
	case debuginfo.Array:
		if elem, err = t.Row(); err == nil {
			pt = debuginfo.PointerTo(elem)
		}
	case debuginfo.Pointer:
		elem, err = t.Elem()
	default:
		err = fmt.Errorf("%s is no pointer", v.typ)
	}
	if err != nil {
		return nil, err
	}
	addr, err := v.Uint64()
	if err != nil {
		return nil, err
	}
	size := int64(1)
	if elem != nil {
		if size, err = v.sizeOf(elem); err != nil {
			return nil, err
		}
	}
	return pointer(v.in, pt, addr+uint64(n)*uint64(size)), nil
}

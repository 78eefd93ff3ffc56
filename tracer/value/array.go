package value

import (
	"errors"
	"fmt"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// Len returns the number of elements of an array, along its outermost dimension. A
// flexible array member has none.
func (v *Value) Len() (int64, error) {
	v, t, err := v.resolve()
	if err != nil {
		return 0, err
	}
	if t.Kind != debuginfo.Array {
		return 0, fmt.Errorf("%s has no length", v.typ)
	}
	dims := t.Dims()
	if len(dims) == 0 {
		return max(t.Size, 0), nil // a string of Fortran or Pascal
	}
	n, err := t.CountIn(dims[0], v.in.Frame())
	if absent := new(debuginfo.AbsentError); errors.As(err, &absent) {
		return 0, nil
	}
	return n, err
}

// Index returns the element i of an array, or of a slice of Go or Rust, or what a pointer to an array's first
// element has at i. An index outside of an array is not an error if the array is in
// memory, as in C.
func (v *Value) Index(i int64) (*Value, error) {
	v, t, err := v.resolve()
	if err != nil {
		return nil, err
	}
	switch t.Kind {
	case debuginfo.Pointer:
		if i == 0 {
			return v.Deref()
		}
		p, err := v.Add(i)
		if err != nil {
			return nil, err
		}
		return p.Deref()
	case debuginfo.Array:
		elem, err := t.Row()
		if err != nil {
			return nil, err
		}
		if elem == nil {
			return nil, fmt.Errorf("%s has elements of an unknown type", v.typ)
		}
		if dims := t.Dims(); len(dims) > 0 {
			i -= dims[0].Low
		}
		size, err := v.sizeOf(elem)
		if err != nil {
			return nil, err
		}
		if addr, ok := v.Address(); ok {
			return At(v.in, elem, addr+uint64(i)*uint64(size)), nil
		}
		n, err := v.Len()
		if err != nil {
			return nil, err
		}
		if i < 0 || i >= n || size > maxRead || i > maxRead/max(size, 1) {
			return nil, fmt.Errorf("index %d is outside of %s, which is not in memory", i, v.typ)
		}
		return v.part(elem, uint64(i*size)*8, uint64(size)*8, false), nil
	case debuginfo.Struct:
		if s, ok := v.slice(t); ok {
			if n, err := s.Len(); err == nil && (i < 0 || i >= n) {
				return nil, fmt.Errorf("index %d is outside of %s, which has %d elements", i, v.typ, n)
			}
			return s.Index(i)
		}
	}
	return nil, fmt.Errorf("%s is no array and no pointer", v.typ)
}

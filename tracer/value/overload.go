package value

import (
	"errors"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// This file has what classes of C++ define themselves, as far as the scope tells it: of
// most of their operators and methods the program has no code that could be called.

// overloaded returns what an operator or a method makes of an object of a class. ok is
// false if the scope does not tell.
func (e *evaluator) overloaded(op string, x *Value, args ...*Value) (v *Value, ok bool, err error) {
	x, t, err := x.resolve()
	if err != nil || !isClass(t) {
		return nil, false, nil
	}
	v, err = e.Operator(op, x, args)
	return v, !errors.Is(err, debuginfo.ErrNotFound), err
}

// pointee returns what -> goes to the members of.
func (e *evaluator) pointee(x *Value) (*Value, error) {
	if v, ok, err := e.overloaded("->", x); ok {
		return v, err
	}
	return x, nil
}

// object returns the object that a call is of, or nil.
func (e *evaluator) objectOf(n *node) (*Value, error) {
	if n.op != "." && n.op != "->" {
		return nil, nil
	}
	x, err := e.eval(n.x)
	if err == nil && n.op == "->" {
		x, err = e.pointee(x)
	}
	return x, err
}

// method returns what a method of an object, or of what a pointer to one points to,
// returns. ok is false if the scope does not tell.
func (e *evaluator) method(object *Value, name string, args []*Value) (v *Value, ok bool, err error) {
	if x, t, err := object.resolve(); err == nil && t.Kind == debuginfo.Pointer {
		if object, err = x.Deref(); err != nil {
			return nil, false, nil
		}
	}
	return e.overloaded(name, object, args...)
}

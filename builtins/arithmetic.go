package builtins

import (
	"errors"
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Binary computes with numbers and pointers.
func (v *typed) Binary(op syntax.Token, y starlark.Value, side starlark.Side) (starlark.Value, error) {
	other, err := asNumber(y)
	if err != nil {
		return nil, nil
	}
	if w := asTyped(y); v.isPointer() && w != nil && w.isPointer() && op == syntax.MINUS {
		return v.difference(w, side)
	}
	if v.isPointer() && (op == syntax.PLUS || op == syntax.MINUS && side == starlark.Left) {
		n, ok := other.(starlark.Int)
		if !ok {
			return nil, fmt.Errorf("a pointer moves by whole elements, got %s", y.Type())
		}
		by, ok := n.Int64()
		if !ok {
			return nil, fmt.Errorf("a pointer cannot move by %s elements", n)
		}
		if op == syntax.MINUS {
			by = -by
		}
		p, err := v.v.Add(by)
		if err != nil {
			return nil, err
		}
		return v.e.typed(p), nil
	}
	own, err := v.number()
	if err != nil {
		return nil, err
	}
	if side == starlark.Right {
		return starlark.Binary(op, other, own)
	}
	return starlark.Binary(op, own, other)
}

// difference returns how many elements lie between two pointers.
func (v *typed) difference(w *typed, side starlark.Side) (starlark.Value, error) {
	if side == starlark.Right {
		v, w = w, v
	}
	a, err := v.v.Uint64()
	if err != nil {
		return nil, err
	}
	b, err := w.v.Uint64()
	if err != nil {
		return nil, err
	}
	next, err := v.v.Add(1)
	if err != nil {
		return nil, err
	}
	after, err := next.Uint64()
	if err != nil {
		return nil, err
	}
	size := int64(after - a)
	if size == 0 {
		return nil, errors.New("pointers to what has no size have no difference")
	}
	return starlark.MakeInt64(int64(a-b) / size), nil
}

// Unary computes -v, +v and ~v.
func (v *typed) Unary(op syntax.Token) (starlark.Value, error) {
	n, err := v.number()
	if err != nil {
		return nil, err
	}
	return starlark.Unary(op, n)
}

// CompareSameType compares the numbers of two values.
func (v *typed) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	w := asTyped(y)
	a, err := v.number()
	if err == nil {
		var b starlark.Value
		if b, err = w.number(); err == nil {
			return starlark.CompareDepth(op, a, b, depth)
		}
	}
	if !v.v.IsScalar() && !w.v.IsScalar() {
		at, ok := v.v.Address()
		other, and := w.v.Address()
		return equality(v, op, v == w || ok && and && at == other)
	}
	return false, err
}

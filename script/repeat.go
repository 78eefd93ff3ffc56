package script

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// This file bounds what * makes of sequences. Starlark lets [0] * n have 2^30 elements, 16
// GiB, which are copied in one piece that nothing can interrupt.

// repeatName is the predeclared function that wraps operands of *; scripts cannot write it.
const repeatName = "*"

// guardRepeats has each * of f with a list or tuple that is written out ask first whether
// there is the memory. Others, which are numbers nearly always, cost what they did.
func guardRepeats(f *syntax.File) {
	wrap := func(x syntax.Expr, op syntax.Position) syntax.Expr {
		return &syntax.CallExpr{Fn: &syntax.Ident{NamePos: op, Name: repeatName}, Lparen: op, Args: []syntax.Expr{x}, Rparen: op}
	}
	syntax.Walk(f, func(n syntax.Node) bool {
		if n, ok := n.(*syntax.BinaryExpr); ok && n.Op == syntax.STAR {
			if isSequence(n.X) {
				n.X = wrap(n.X, n.OpPos)
			}
			if isSequence(n.Y) {
				n.Y = wrap(n.Y, n.OpPos)
			}
		}
		return true
	})
}

// isSequence reports whether x is a list or a tuple that is written out.
func isSequence(x syntax.Expr) bool {
	switch x := x.(type) {
	case *syntax.ParenExpr:
		return isSequence(x.X)
	case *syntax.ListExpr, *syntax.TupleExpr, *syntax.Comprehension:
		return true
	}
	return false
}

// A repeated is a sequence as an operand of *.
type repeated struct {
	starlark.Sequence
	size  uint64 // bytes that an element takes
	limit uint64 // bytes
}

// repeater returns the function that wraps operands of *.
func repeater(limit uint64) *starlark.Builtin {
	return starlark.NewBuiltin(repeatName, func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		switch x := args[0].(type) {
		case *starlark.List:
			return repeated{x, 16, limit}, nil
		case starlark.Tuple:
			return repeated{x, 16, limit}, nil
		}
		return args[0], nil
	})
}

// Binary implements starlark.HasBinary.
func (r repeated) Binary(op syntax.Token, y starlark.Value, side starlark.Side) (starlark.Value, error) {
	if other, ok := y.(repeated); ok {
		y = other.Sequence
	}
	if n, ok := y.(starlark.Int); ok {
		if n, ok := n.Uint64(); ok && r.Len() > 0 && n > r.limit/r.size/uint64(r.Len()) {
			return nil, fmt.Errorf("%s of %d elements %s %d takes more memory than the limit of --memory, %d MiB", r.Type(), r.Len(), op, n, r.limit>>20)
		}
	}
	if side == starlark.Right {
		return starlark.Binary(op, y, r.Sequence)
	}
	return starlark.Binary(op, r.Sequence, y)
}

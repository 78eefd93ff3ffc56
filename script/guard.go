package script

import (
	"fmt"
	"math"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// This file has operations whose result may be far larger than what it is made of ask
// first whether there is the memory: Starlark makes such a result in one piece, which
// nothing can interrupt, and Go ends the process where it cannot have the memory at once.

// The predeclared functions that wrap operands; scripts cannot write their names.
const (
	factorName = "*"
	textName   = "."
)

const (
	maxFactor  = 64      // by which anything may be multiplied unasked
	maxIntBits = 1 << 22 // of a product: what is done with such a number takes no time that anybody notices
)

// A guard refuses what would take more memory than its limit in bytes, if that is not 0.
type guard struct{ limit uint64 }

// check returns an error if n elements of some bytes are too many.
func (g guard) check(n, size uint64, what string) error {
	if n <= g.limit/size {
		return nil
	}
	return fmt.Errorf("%s takes more memory than the limit of --memory, %d MiB", what, g.limit>>20)
}

// rewrite has the operations of f ask. Products with a small number that is written out
// cost what they did.
func (g guard) rewrite(f *syntax.File) {
	showOperands(f)
	compareNumbers(f)
	if g.limit == 0 {
		return
	}
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.AssignStmt:
			if x, ok := n.LHS.(*syntax.Ident); ok && n.Op == syntax.STAR_EQ {
				n.Op, n.RHS = syntax.EQ, &syntax.BinaryExpr{X: &syntax.Ident{NamePos: x.NamePos, Name: x.Name}, OpPos: n.OpPos, Op: syntax.STAR, Y: n.RHS}
			}
		case *syntax.BinaryExpr:
			if n.Op == syntax.STAR && !isFactor(n.X) && !isFactor(n.Y) {
				n.X = wrap(factorName, n.X, n.OpPos)
			}
		case *syntax.DotExpr:
			if n.Name.Name == "replace" || n.Name.Name == "join" {
				n.X = wrap(textName, n.X, n.Dot)
			}
		}
		return true
	})
}

// isFactor reports whether x is a number that is written out, and small.
func isFactor(x syntax.Expr) bool {
	literal, ok := x.(*syntax.Literal)
	if !ok {
		return false
	}
	n, ok := literal.Value.(int64)
	return ok && n <= maxFactor
}

// predeclare returns names with the functions that wrap operands, and those of Starlark
// that make lists as long as a range is.
func (g guard) predeclare(names starlark.StringDict) starlark.StringDict {
	names = textual(names)
	if g.limit == 0 {
		return names
	}
	names[factorName] = builtin(factorName, func(args starlark.Tuple) (starlark.Value, error) { return factor{args[0], g}, nil })
	names[textName] = builtin(textName, func(args starlark.Tuple) (starlark.Value, error) {
		if s, ok := args[0].(starlark.String); ok {
			return text{s, s, g}, nil
		}
		return args[0], nil
	})
	for _, name := range []string{"list", "tuple", "set", "reversed", "enumerate", "zip"} {
		if names.Has(name) {
			continue // the host has one
		}
		fn := starlark.Universe[name].(*starlark.Builtin)
		names[name] = starlark.NewBuiltin(name, func(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			if len(args) > 0 {
				n := max(starlark.Len(args[0]), 0)
				for _, x := range args[1:] { // of zip
					n = min(n, max(starlark.Len(x), 0))
				}
				if err := g.check(uint64(n), 16, fmt.Sprintf("%s of %d elements", b.Name(), n)); err != nil {
					return nil, err
				}
			}
			return fn.CallInternal(thread, args, kwargs)
		})
	}
	return names
}

func builtin(name string, f func(starlark.Tuple) (starlark.Value, error)) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		return f(args)
	})
}

// A factor is the left operand of *.
type factor struct {
	starlark.Value
	g guard
}

// Binary implements starlark.HasBinary.
func (f factor) Binary(op syntax.Token, y starlark.Value, _ starlark.Side) (starlark.Value, error) {
	err := f.fits(f.Value, y)
	if err == nil {
		err = f.fits(y, f.Value)
	}
	if err != nil {
		return nil, err
	}
	return starlark.Binary(op, f.Value, y)
}

// fits returns an error if x times y, which is an int if it matters, is too large.
func (f factor) fits(x, y starlark.Value) error {
	n, ok := y.(starlark.Int)
	if !ok || n.Sign() <= 0 {
		return nil
	}
	size := uint64(1)
	switch x := x.(type) {
	case starlark.Int:
		if a, b := bits(x), bits(n); a+b > maxIntBits {
			return fmt.Errorf("a product of ints of %d and %d bits is too long, %d bits are the most", a, b, maxIntBits)
		}
		return nil
	case starlark.String, starlark.Bytes:
	case *starlark.List, starlark.Tuple:
		size = 16
	default:
		return nil
	}
	times, ok := n.Uint64()
	if !ok {
		times = math.MaxUint64
	}
	length := uint64(starlark.Len(x))
	if length == 0 {
		return nil
	}
	return f.g.check(times, size*length, fmt.Sprintf("%s of %d elements * %s", x.Type(), length, n))
}

// bits returns the length of x, or 64 for what is shorter.
func bits(x starlark.Int) int {
	if _, ok := x.Int64(); ok {
		return 64
	}
	return x.BigInt().BitLen()
}

// A text is a string whose method replace or join is called.
type text struct {
	starlark.Value // s
	s              starlark.String
	g              guard
}

// AttrNames implements starlark.HasAttrs.
func (t text) AttrNames() []string { return t.s.AttrNames() }

// Attr implements starlark.HasAttrs.
func (t text) Attr(name string) (starlark.Value, error) {
	method, err := t.s.Attr(name)
	if err != nil {
		return nil, err
	}
	return starlark.NewBuiltin(name, func(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		size := t.joined
		if name == "replace" {
			size = t.replaced
		}
		if err := t.g.check(size(args), 1, "the result"); err != nil {
			return nil, err
		}
		return method.(*starlark.Builtin).CallInternal(thread, args, kwargs)
	}).BindReceiver(t.s), nil
}

// joined returns the length of t.join, or more than the limit if it is that. It is 0
// where the arguments are wrong, which the method will say.
func (t text) joined(args starlark.Tuple) (size uint64) {
	if len(args) != 1 {
		return 0
	}
	parts, ok := args[0].(starlark.Iterable)
	if !ok {
		return 0
	}
	for part := range starlark.Elements(parts) {
		s, ok := part.(starlark.String)
		if size += uint64(len(s) + len(t.s)); !ok || size > t.g.limit {
			break
		}
	}
	return size
}

// replaced returns the length of t.replace, or 0 where the arguments are wrong.
func (t text) replaced(args starlark.Tuple) uint64 {
	count := -1
	var from, to string
	if starlark.UnpackPositionalArgs("", args, nil, 2, &from, &to, &count) != nil {
		return 0
	}
	n := strings.Count(string(t.s), from)
	if count >= 0 {
		n = min(n, count)
	}
	return uint64(len(t.s) + n*(len(to)-len(from)))
}

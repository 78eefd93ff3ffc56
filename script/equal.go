package script

import (
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/builtins"
)

// This file has == and != compare a value of the program with a number. To Starlark they
// are of different types, and so never equal, without a word.

// equalName is the predeclared function that wraps the operands; scripts cannot write its
// name.
const equalName = "=="

// compareNumbers has the operators == and != of f take the numbers of their operands.
func compareNumbers(f *syntax.File) {
	syntax.Walk(f, func(n syntax.Node) bool {
		if n, ok := n.(*syntax.BinaryExpr); ok && (n.Op == syntax.EQL || n.Op == syntax.NEQ) && mayBeNumber(n.X) && mayBeNumber(n.Y) {
			for _, x := range []*syntax.Expr{&n.X, &n.Y} {
				if !isNumber(*x) {
					*x = wrap(equalName, *x, n.OpPos)
				}
			}
		}
		return true
	})
}

// mayBeNumber reports whether x is not plainly something else.
func mayBeNumber(x syntax.Expr) bool {
	switch x := x.(type) {
	case *syntax.Literal:
		return isNumber(x)
	case *syntax.Ident:
		return x.Name != "None" && x.Name != "True" && x.Name != "False"
	case *syntax.ListExpr, *syntax.TupleExpr, *syntax.DictExpr, *syntax.Comprehension:
		return false
	case *syntax.ParenExpr:
		return mayBeNumber(x.X)
	}
	return true
}

func equalOperand(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	return builtins.Number(args[0])
}

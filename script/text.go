package script

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/builtins"
)

// This file has Starlark's functions and operator that make text of values. An interrupt or
// a limit ends them.

// The predeclared functions that wrap the right operand of %, and what has a method
// format; scripts cannot write their names.
const (
	shownName  = "%"
	formatName = "{}"
)

// textual returns names with those functions, unless the host has its own.
func textual(names starlark.StringDict) starlark.StringDict {
	names = maps.Clone(names)
	for name, f := range map[string]func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error){
		"str": str, "repr": repr, "print": printLine, "fail": fail, shownName: shownOperand, formatName: formatted, equalName: equalOperand,
	} {
		if !names.Has(name) {
			names[name] = starlark.NewBuiltin(name, f)
		}
	}
	return names
}

// showOperands has the operator % of f, and the method format, use Text.
func showOperands(f *syntax.File) {
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.BinaryExpr:
			if n.Op == syntax.PERCENT && !isNumber(n.X) && !isNumber(n.Y) {
				n.Y = wrap(shownName, n.Y, n.OpPos)
			}
		case *syntax.AssignStmt:
			if n.Op == syntax.PERCENT_EQ && !isNumber(n.RHS) {
				n.RHS = wrap(shownName, n.RHS, n.OpPos)
			}
		case *syntax.DotExpr:
			if n.Name.Name == "format" {
				n.X = wrap(formatName, n.X, n.Dot)
			}
		}
		return true
	})
}

// wrap returns the call of a function that is predeclared with an operand.
func wrap(name string, x syntax.Expr, at syntax.Position) syntax.Expr {
	return &syntax.CallExpr{Fn: &syntax.Ident{NamePos: at, Name: name}, Lparen: at, Args: []syntax.Expr{x}, Rparen: at}
}

// isNumber reports whether x is a number that is written out.
func isNumber(x syntax.Expr) bool {
	literal, ok := x.(*syntax.Literal)
	return ok && (literal.Token == syntax.INT || literal.Token == syntax.FLOAT)
}

func str(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) == 1 && len(kwargs) == 0 && isLarge(args[0]) {
		s, err := builtins.Text(thread, args[0])
		return starlark.String(s), err
	}
	return starlark.Universe["str"].(*starlark.Builtin).CallInternal(thread, args, kwargs)
}

func repr(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) == 1 && len(kwargs) == 0 && isLarge(args[0]) {
		s, err := builtins.Text(thread, args[0])
		return starlark.String(s), err
	}
	return starlark.Universe["repr"].(*starlark.Builtin).CallInternal(thread, args, kwargs)
}

func printLine(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	line, err := joinText(thread, b, args, kwargs)
	if err != nil {
		return nil, err
	}
	if thread.Print != nil {
		thread.Print(thread, line)
	} else {
		fmt.Fprintln(os.Stderr, line)
	}
	return starlark.None, nil
}

func fail(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	line, err := joinText(thread, b, args, kwargs)
	if err != nil {
		return nil, err
	}
	return nil, errors.New("fail: " + line)
}

// joinText returns the texts of the arguments of print or fail in a line.
func joinText(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (string, error) {
	separator := " "
	if err := starlark.UnpackArgs(b.Name(), nil, kwargs, "sep?", &separator); err != nil {
		return "", err
	}
	var line strings.Builder
	for i, x := range args {
		if i > 0 {
			line.WriteString(separator)
		}
		switch x := x.(type) {
		case starlark.String:
			line.WriteString(string(x))
		case starlark.Bytes:
			if b.Name() == "print" {
				line.WriteString(string(x))
			} else {
				line.WriteString(x.String())
			}
		default:
			s, err := builtins.Text(thread, x)
			if err != nil {
				return "", err
			}
			line.WriteString(s)
		}
	}
	return line.String(), nil
}

// isLarge reports whether a value may have a text that takes long to write.
func isLarge(x starlark.Value) bool {
	switch x.(type) {
	case *starlark.List, starlark.Tuple, *starlark.Dict, *starlark.Set, *starlarkstruct.Struct:
		return true
	}
	return false
}

// shownOperand returns the right operand of % with the texts of what is large in it.
func shownOperand(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	operand, ok := args[0].(starlark.Tuple)
	if !ok {
		return show(thread, args[0]), nil
	}
	return showAll(thread, operand), nil
}

// showAll returns values with the texts of what is large among them.
func showAll(thread *starlark.Thread, values starlark.Tuple) starlark.Tuple {
	changed := slices.Clone(values)
	for i, x := range changed {
		changed[i] = show(thread, x)
	}
	return changed
}

func show(thread *starlark.Thread, x starlark.Value) starlark.Value {
	if d, ok := x.(*starlark.Dict); ok {
		return shownDict{shown{x, thread}, d}
	}
	if !isLarge(x) {
		return x
	}
	return shown{x, thread}
}

// A shown is a value whose text is written by Text.
type shown struct {
	starlark.Value
	thread *starlark.Thread
}

// String returns the text, or nothing when the script is to end.
func (s shown) String() string {
	text, _ := builtins.Text(s.thread, s.Value)
	return text
}

// A shownDict is a dict whose text, and that of what is large in it, is written so.
type shownDict struct {
	shown
	d *starlark.Dict
}

// Get implements starlark.Mapping.
func (s shownDict) Get(key starlark.Value) (starlark.Value, bool, error) {
	x, ok, err := s.d.Get(key)
	if ok {
		x = show(s.thread, x)
	}
	return x, ok, err
}

// formatted returns the left operand of a dot before format: a string's method shows what is
// large among its arguments.
func formatted(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	if s, ok := args[0].(starlark.String); ok {
		return template{s, s}, nil
	}
	return args[0], nil
}

// A template is a string whose method format is called.
type template struct {
	starlark.Value // s
	s              starlark.String
}

// AttrNames implements starlark.HasAttrs.
func (t template) AttrNames() []string { return t.s.AttrNames() }

// Attr implements starlark.HasAttrs.
func (t template) Attr(name string) (starlark.Value, error) {
	method, err := t.s.Attr(name)
	if err != nil {
		return nil, err
	}
	return starlark.NewBuiltin(name, func(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		named := make([]starlark.Tuple, len(kwargs))
		for i, pair := range kwargs {
			named[i] = showAll(thread, pair)
		}
		return method.(*starlark.Builtin).CallInternal(thread, showAll(thread, args), named)
	}).BindReceiver(t.s), nil
}

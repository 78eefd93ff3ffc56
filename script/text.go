package script

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/builtins"
)

// This file has Starlark's functions and operator that make text of values. An interrupt or
// a limit ends them.

// shownName wraps the right operand of %; scripts cannot write it.
const shownName = "%"

// textual returns names with those functions, unless the host has its own.
func textual(names starlark.StringDict) starlark.StringDict {
	names = maps.Clone(names)
	for name, f := range map[string]func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error){
		"str": str, "repr": repr, "print": printLine, "fail": fail, shownName: shownOperand,
	} {
		if !names.Has(name) {
			names[name] = starlark.NewBuiltin(name, f)
		}
	}
	return names
}

// showOperands has the operator % of f use Text.
func showOperands(f *syntax.File) {
	syntax.Walk(f, func(n syntax.Node) bool {
		if n, ok := n.(*syntax.BinaryExpr); ok && n.Op == syntax.PERCENT {
			if text, ok := n.X.(*syntax.Literal); ok && text.Token == syntax.STRING {
				n.Y = &syntax.CallExpr{Fn: &syntax.Ident{NamePos: n.OpPos, Name: shownName}, Lparen: n.OpPos, Args: []syntax.Expr{n.Y}, Rparen: n.OpPos}
			}
		}
		return true
	})
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
		if _, ok := args[0].(starlark.Mapping); !ok && isLarge(args[0]) {
			return show(thread, args[0])
		}
		return args[0], nil
	}
	var changed starlark.Tuple
	for i, x := range operand {
		if !isLarge(x) {
			continue
		}
		s, err := show(thread, x)
		if err != nil {
			return nil, err
		}
		if changed == nil {
			changed = append(changed, operand...)
		}
		changed[i] = s
	}
	if changed != nil {
		return changed, nil
	}
	return operand, nil
}

func show(thread *starlark.Thread, x starlark.Value) (starlark.Value, error) {
	s, err := builtins.Text(thread, x)
	return shown{x, s}, err
}

// A shown is a value whose text is known.
type shown struct {
	starlark.Value
	text string
}

func (s shown) String() string { return s.text }

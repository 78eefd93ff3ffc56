package script

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/builtins"
)

// maxInference bounds how many steps a type is followed.
const maxInference = 20

// calls checks the attributes and the calls of m whose types are known.
func (c *checker) calls(m *checked) {
	syntax.Walk(m.file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.DotExpr:
			c.attribute(m, n)
		case *syntax.CallExpr:
			if name, sig := c.callee(m, n.Fn); sig != nil {
				c.arguments(name, sig, n)
			}
		}
		return true
	})
}

// attribute checks that x.name is there.
func (c *checker) attribute(m *checked, dot *syntax.DotExpr) {
	what, names := "", []string(nil)
	if fields, ok := c.fields(m, dot.X); ok {
		what, names = dot.X.(*syntax.Ident).Name, fields
	} else if class := classOf(c.typeOf(m, dot.X, 0)); class != "" {
		what, names = class, builtins.Members(class)
	} else {
		return
	}
	if name := dot.Name.Name; !slices.Contains(names, name) {
		c.report(dot.Name.NamePos, "%s has no .%s%s", what, name, hint(name, names))
	}
}

// fields returns the names of the members of a module, or of a struct that is loaded. ok
// is false if x is neither.
func (c *checker) fields(m *checked, x syntax.Expr) (names []string, ok bool) {
	id, ok := x.(*syntax.Ident)
	if !ok {
		return nil, false
	}
	if isPredeclared(id) {
		if module := c.predeclaredModule(id.Name); module != nil {
			return module.Members.Keys(), true
		}
		return nil, false
	}
	k, call := m.made(id)
	if k == nil {
		return nil, false
	}
	for _, arg := range call.Args {
		named, ok := arg.(*syntax.BinaryExpr)
		if !ok || named.Op != syntax.EQ {
			if lit, ok := arg.(*syntax.Literal); ok && lit == call.Args[0] { // the name of a module
				continue
			}
			return nil, false
		}
		names = append(names, named.X.(*syntax.Ident).Name)
	}
	return names, true
}

// made returns the call of struct or module whose value id stands for, and the module
// that has the call, or nil if there is none such.
func (m *checked) made(id *syntax.Ident) (*checked, *syntax.CallExpr) {
	v, k := m.variable(id), m
	if v == nil {
		return nil, nil
	}
	if len(v.defs) == 1 {
		if e, ok := m.loads[v.defs[0]]; ok {
			v, k = e.from.global(e.name), e.from
		}
	}
	if v == nil || len(v.defs) != 1 {
		return nil, nil
	}
	call, ok := v.value.(*syntax.CallExpr)
	if !ok {
		return nil, nil
	}
	if fn, ok := call.Fn.(*syntax.Ident); !ok || !isPredeclared(fn) || fn.Name != "struct" && fn.Name != "module" {
		return nil, nil
	}
	return k, call
}

func isPredeclared(id *syntax.Ident) bool {
	b, ok := id.Binding.(*resolve.Binding)
	return ok && b.Scope == resolve.Predeclared
}

// callee returns the signature of the function that fn is, and its name, or nil if it
// is not known.
func (c *checker) callee(m *checked, fn syntax.Expr) (string, *builtins.Signature) {
	switch fn := fn.(type) {
	case *syntax.ParenExpr:
		return c.callee(m, fn.X)
	case *syntax.Ident:
		if isPredeclared(fn) {
			sig, _ := builtins.SignatureOf(fn.Name)
			return fn.Name, sig
		}
		v := m.variable(fn)
		if v == nil || len(v.defs) != 1 {
			return "", nil
		}
		if e, ok := m.loads[v.defs[0]]; ok {
			v = e.from.global(e.name)
		}
		if v == nil || len(v.defs) != 1 || v.def == nil {
			return "", nil
		}
		return fn.Name, builtins.DefSignature(v.def.Params)
	case *syntax.DotExpr:
		return c.member(m, fn)
	}
	return "", nil
}

// member is callee for a method, or a member of a module or struct.
func (c *checker) member(m *checked, fn *syntax.DotExpr) (string, *builtins.Signature) {
	name := fn.Name.Name
	if id, ok := fn.X.(*syntax.Ident); ok {
		if isPredeclared(id) && c.predeclaredModule(id.Name) != nil {
			name = id.Name + "." + name
			sig, _ := builtins.SignatureOf(name)
			return name, sig
		}
		if k, call := m.made(id); k != nil {
			for _, arg := range call.Args {
				if named, ok := arg.(*syntax.BinaryExpr); ok && named.Op == syntax.EQ && named.X.(*syntax.Ident).Name == name {
					if value, ok := named.Y.(*syntax.Ident); ok {
						_, sig := c.callee(k, value)
						return id.Name + "." + name, sig
					}
				}
			}
			return "", nil
		}
	}
	class := classOf(c.typeOf(m, fn.X, 0))
	if class == "" {
		return "", nil
	}
	sig, _ := builtins.SignatureOf(class + "." + name)
	return name, sig
}

// dynamic are the types whose attributes are those of what they stand for.
var dynamic = []string{"value", "variables", "struct", "module", "error"}

// classOf returns the type that a row's text means and that the manual has, or "".
func classOf(typ string) string {
	typ = strings.TrimSuffix(typ, " or None")
	if slices.Contains(dynamic, typ) || len(builtins.Members(typ)) == 0 {
		return ""
	}
	return typ
}

// elemOf returns the type of the elements of a list.
func elemOf(typ string) string {
	elem, _ := strings.CutPrefix(strings.TrimSuffix(typ, " or None"), "list of ")
	if elem == typ {
		return ""
	}
	return elem
}

// typeOf returns the type of an expression as rows have it, or "" if it is not known.
func (c *checker) typeOf(m *checked, x syntax.Expr, depth int) string {
	if depth > maxInference {
		return ""
	}
	switch x := x.(type) {
	case *syntax.ParenExpr:
		return c.typeOf(m, x.X, depth+1)
	case *syntax.Ident:
		v := m.variable(x)
		switch {
		case v == nil || len(v.defs) != 1:
		case v.value != nil:
			return c.typeOf(m, v.value, depth+1)
		case v.elems != nil:
			return elemOf(c.typeOf(m, v.elems, depth+1))
		}
	case *syntax.IndexExpr:
		return elemOf(c.typeOf(m, x.X, depth+1))
	case *syntax.DotExpr:
		if class := classOf(c.typeOf(m, x.X, depth+1)); class != "" {
			typ, ok := builtins.TypeOf(class + "." + x.Name.Name)
			if ok {
				return typ
			}
		}
	case *syntax.CallExpr:
		return c.resultOf(m, x.Fn, depth)
	}
	return ""
}

// resultOf returns the type of what a function returns.
func (c *checker) resultOf(m *checked, fn syntax.Expr, depth int) string {
	switch fn := fn.(type) {
	case *syntax.Ident:
		if sig, ok := builtins.SignatureOf(fn.Name); ok && isPredeclared(fn) {
			return sig.Result
		}
	case *syntax.DotExpr:
		if class := classOf(c.typeOf(m, fn.X, depth+1)); class != "" {
			if sig, ok := builtins.SignatureOf(class + "." + fn.Name.Name); ok {
				return sig.Result
			}
		}
	}
	return ""
}

// arguments checks those of a call.
func (c *checker) arguments(name string, sig *builtins.Signature, call *syntax.CallExpr) {
	given := make(map[string]bool)
	spread := false // *args or **kwargs may be anything
	positional := 0
	for _, arg := range call.Args {
		switch arg := arg.(type) {
		case *syntax.UnaryExpr:
			if arg.Op == syntax.STAR || arg.Op == syntax.STARSTAR {
				spread = true
				continue
			}
		case *syntax.BinaryExpr:
			if arg.Op == syntax.EQ {
				c.keyword(name, sig, arg.X.(*syntax.Ident), given)
				continue
			}
		}
		if positional++; positional == len(sig.Params)-sig.Keywords()+1 && !sig.Args {
			start, _ := arg.Span()
			c.report(start, "%s takes %s", name, counted(len(sig.Params)-sig.Keywords(), "argument"))
		}
	}
	for i, p := range sig.Params {
		if i < positional && !p.Keyword {
			if given[p.Name] {
				c.report(call.Lparen, "%s: the argument %s is given twice", name, p.Name)
			}
			continue
		}
		if p.Default == "" && !given[p.Name] && !spread {
			c.report(call.Lparen, "%s: the argument %s is missing", name, p.Name)
			return
		}
	}
}

// keyword checks the name of an argument.
func (c *checker) keyword(name string, sig *builtins.Signature, key *syntax.Ident, given map[string]bool) {
	given[key.Name] = true
	var names []string
	for _, p := range sig.Params {
		names = append(names, p.Name)
	}
	if !sig.Kwargs && !slices.Contains(names, key.Name) {
		c.report(key.NamePos, "%s has no argument %s%s", name, key.Name, hint(key.Name, names))
	}
}

// counted returns a number of things in words, such as "at most 2 arguments".
func counted(n int, what string) string {
	switch n {
	case 0:
		return "no " + what + "s"
	case 1:
		return "at most 1 " + what
	}
	return fmt.Sprintf("at most %d %ss", n, what)
}

package script

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/builtins"
	"github.com/tracelark/tracelark/stdlib"
)

// A Problem is a mistake that Check finds in a script.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"` // from 1 on
	Message string `json:"message"`

	text string // the line with a mark below the column
}

// String returns the position and the message, and the line of source below them.
func (p *Problem) String() string {
	return fmt.Sprintf("%s:%d:%d: %s\n%s", p.File, p.Line, p.Column, p.Message, p.text)
}

// Check looks for mistakes in the script at path without running it: syntax, names that
// nothing defines or that are loaded and not used, modules that do not load or lack
// a name, and calls of builtins and of the script's own functions with arguments that they
// do not take. What it cannot tell for sure it passes over. The error says why the file
// could not be read.
func Check(path string) ([]Problem, error) {
	env := builtins.New(nil, nil, Policy{})
	l := newLoader(stdlib.FS, Policy{Allow: MayFS}, env.Predeclared())
	m, err := l.open(path)
	if err != nil {
		return nil, err
	}
	c := &checker{loader: l, modules: make(map[string]*checked)}
	main := c.module(m)
	for _, e := range main.errors {
		c.report(e.Pos, "%s", e.Msg)
	}
	if len(main.errors) == 0 {
		c.names(main)
		c.calls(main)
	}
	slices.SortStableFunc(c.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(c.problems), nil
}

// A checker checks one script.
type checker struct {
	loader   *loader
	modules  map[string]*checked // by key
	problems []Problem
}

// A checked is a module whose source is parsed and whose names are resolved.
type checked struct {
	*module
	file   *syntax.File
	errors []resolve.Error // of syntax, and names that nothing defines
	vars   map[*syntax.Ident]*variable
	loads  map[*syntax.Ident]export // what names stand for that are loaded, by definition
}

// A variable is what the identifiers stand for that have one definition in common.
type variable struct {
	defs []*syntax.Ident
	uses []*syntax.Ident
	// Where it is defined once, by one of these:
	def   *syntax.DefStmt
	value syntax.Expr // that is assigned
	elems syntax.Expr // that is iterated over
}

// An export is what a module exports under a name.
type export struct {
	from *checked
	name string
}

func (c *checker) report(pos syntax.Position, format string, args ...any) {
	var text strings.Builder
	e := resolve.Error{Pos: pos, Msg: fmt.Sprintf(format, args...)}
	c.loader.writeLocated(&text, e)
	_, source, _ := strings.Cut(text.String(), "\n")
	c.problems = append(c.problems, Problem{
		File: pos.Filename(), Line: int(pos.Line), Column: int(pos.Col), Message: e.Msg, text: strings.TrimSuffix(source, "\n"),
	})
}

// module parses and resolves m.
func (c *checker) module(m *module) *checked {
	l := c.loader
	l.lines[m.name] = strings.Split(m.source, "\n")
	k := &checked{module: m, vars: make(map[*syntax.Ident]*variable), loads: make(map[*syntax.Ident]export)}
	c.modules[m.key] = k
	file, err := fileOptions.Parse(m.name, m.source, 0)
	if err == nil {
		err = resolve.File(file, l.predeclared.Has, starlark.Universe.Has)
	}
	if err != nil {
		k.errors = l.located(err, l.predeclared)
		return k
	}
	k.file = file
	k.collect()
	return k
}

// load returns the module that a statement of m names, or an error as load has it.
func (c *checker) load(from *checked, name string) (*checked, error) {
	l := c.loader
	l.running = append(l.running, from.module)
	defer func() { l.running = l.running[:len(l.running)-1] }()
	m, err := l.locate(name)
	if err != nil {
		return nil, err
	}
	for _, r := range l.running {
		if r.key == m.key {
			return nil, fmt.Errorf("cycle in load graph: it loads itself")
		}
	}
	if done := c.modules[m.key]; done != nil {
		return done, nil
	}
	if err := l.fetch(m); err != nil {
		if path, ok := errors.AsType[*fs.PathError](err); ok {
			err = path.Err
		}
		return nil, err
	}
	k := c.module(m)
	// What it loads may lead back.
	for _, stmt := range k.loadStmts() {
		if _, err := c.load(k, stmt.ModuleName()); err != nil {
			return nil, fmt.Errorf("cannot load %s at %s: %w", stmt.ModuleName(), stmt.Load, err)
		}
	}
	return k, nil
}

// loadStmts returns the load statements of k.
func (k *checked) loadStmts() (stmts []*syntax.LoadStmt) {
	if k.file == nil {
		return nil
	}
	syntax.Walk(k.file, func(n syntax.Node) bool {
		if stmt, ok := n.(*syntax.LoadStmt); ok {
			stmts = append(stmts, stmt)
		}
		return true
	})
	return stmts
}

// exports returns the names that other modules may load from k.
func (k *checked) exports() (names []string) {
	if k.file == nil || k.file.Module == nil {
		return nil
	}
	for _, b := range k.file.Module.(*resolve.Module).Globals {
		if !strings.HasPrefix(b.First.Name, "_") {
			names = append(names, b.First.Name)
		}
	}
	return names
}

// global returns the variable of k called name, or nil.
func (k *checked) global(name string) *variable {
	for _, b := range k.file.Module.(*resolve.Module).Globals {
		if b.First.Name == name {
			return k.vars[b.First]
		}
	}
	return nil
}

// variable returns what an identifier of k stands for, or nil if that is predeclared.
func (k *checked) variable(id *syntax.Ident) *variable {
	if b, ok := id.Binding.(*resolve.Binding); ok && b.First != nil {
		return k.vars[b.First]
	}
	return nil
}

// collect finds the definitions and the uses of all variables of k.
func (k *checked) collect() {
	defined := make(map[*syntax.Ident]bool)
	at := func(id *syntax.Ident) *variable {
		b, ok := id.Binding.(*resolve.Binding)
		if !ok || b.First == nil {
			return new(variable)
		}
		v := k.vars[b.First]
		if v == nil {
			v = new(variable)
			k.vars[b.First] = v
		}
		return v
	}
	define := func(id *syntax.Ident) *variable {
		defined[id] = true
		v := at(id)
		v.defs = append(v.defs, id)
		v.def, v.value, v.elems = nil, nil, nil
		return v
	}
	syntax.Walk(k.file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.AssignStmt:
			if n.Op != syntax.EQ {
				break
			}
			if id, ok := n.LHS.(*syntax.Ident); ok {
				if v := define(id); len(v.defs) == 1 {
					v.value = n.RHS
				}
				break
			}
			targets(n.LHS, func(id *syntax.Ident) { define(id) })
		case *syntax.ForStmt:
			loopVars(n.Vars, n.X, define)
		case *syntax.ForClause:
			loopVars(n.Vars, n.X, define)
		case *syntax.DefStmt:
			if v := define(n.Name); len(v.defs) == 1 {
				v.def = n
			}
			params(n.Params, define)
		case *syntax.LambdaExpr:
			params(n.Params, define)
		case *syntax.LoadStmt:
			for _, to := range n.To {
				define(to)
			}
		}
		return true
	})
	syntax.Walk(k.file, func(n syntax.Node) bool {
		if id, ok := n.(*syntax.Ident); ok && !defined[id] && id.Binding != nil {
			v := at(id)
			v.uses = append(v.uses, id)
		}
		return true
	})
	// x += 1 is an assignment too.
	syntax.Walk(k.file, func(n syntax.Node) bool {
		if n, ok := n.(*syntax.AssignStmt); ok && n.Op != syntax.EQ {
			if id, ok := n.LHS.(*syntax.Ident); ok {
				v := at(id)
				v.defs = append(v.defs, id)
				v.def, v.value, v.elems = nil, nil, nil
			}
		}
		return true
	})
}

// targets calls define with the names that an assignment binds.
func targets(lhs syntax.Expr, define func(*syntax.Ident)) {
	switch lhs := lhs.(type) {
	case *syntax.Ident:
		define(lhs)
	case *syntax.ParenExpr:
		targets(lhs.X, define)
	case *syntax.TupleExpr:
		for _, x := range lhs.List {
			targets(x, define)
		}
	case *syntax.ListExpr:
		for _, x := range lhs.List {
			targets(x, define)
		}
	}
}

func loopVars(vars, x syntax.Expr, define func(*syntax.Ident) *variable) {
	if id, ok := vars.(*syntax.Ident); ok {
		if v := define(id); len(v.defs) == 1 {
			v.elems = x
		}
		return
	}
	targets(vars, func(id *syntax.Ident) { define(id) })
}

func params(list []syntax.Expr, define func(*syntax.Ident) *variable) {
	for _, p := range list {
		switch p := p.(type) {
		case *syntax.Ident:
			define(p)
		case *syntax.BinaryExpr:
			define(p.X.(*syntax.Ident))
		case *syntax.UnaryExpr:
			if id, ok := p.X.(*syntax.Ident); ok {
				define(id)
			}
		}
	}
}

// predeclaredModule returns the predeclared module called name, or nil.
func (c *checker) predeclaredModule(name string) *starlarkstruct.Module {
	m, _ := c.loader.predeclared[name].(*starlarkstruct.Module)
	return m
}

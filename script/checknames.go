package script

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/syntax"
)

// names checks the names of m: those that it loads, and those that it defines for
// nothing.
func (c *checker) names(m *checked) {
	for _, stmt := range m.loadStmts() {
		c.loaded(m, stmt)
	}
	for _, v := range m.vars {
		c.unused(v)
	}
	c.block(m.file.Stmts, true)
	syntax.Walk(m.file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.DefStmt:
			c.block(n.Body, true)
		case *syntax.IfStmt:
			c.block(n.True, false)
			c.block(n.False, false)
		case *syntax.ForStmt:
			c.block(n.Body, false)
		case *syntax.WhileStmt:
			c.block(n.Body, false)
		case *syntax.DictExpr:
			c.keys(n)
		}
		return true
	})
}

// loaded checks a load statement.
func (c *checker) loaded(m *checked, stmt *syntax.LoadStmt) {
	name := stmt.ModuleName()
	k, err := c.load(m, name)
	if err == nil && len(k.errors) > 0 {
		err = k.errors[0]
	}
	if err != nil {
		c.report(stmt.Module.TokenPos, "cannot load %s: %v", name, err)
	}
	for i, to := range stmt.To {
		from := stmt.From[i].Name
		if err == nil {
			if exports := k.exports(); slices.Contains(exports, from) {
				m.loads[to] = export{k, from}
			} else {
				c.report(stmt.From[i].NamePos, "load: name %s not found in module %s%s", from, name, hint(from, exports))
			}
		}
		if v := m.variable(to); v != nil && len(v.uses) == 0 {
			c.report(to.NamePos, "%s is loaded and not used", to.Name)
		}
	}
}

// unused checks a variable of a function for one whose value is of no use. What calls
// something may be there for its effect.
func (c *checker) unused(v *variable) {
	if len(v.defs) == 0 || len(v.uses) > 0 || v.value == nil || calls(v.value) {
		return
	}
	id := v.defs[0]
	if b := id.Binding.(*resolve.Binding); b.Scope != resolve.Local && b.Scope != resolve.Cell || strings.HasPrefix(id.Name, "_") {
		return
	}
	c.report(id.NamePos, "%s is assigned and not used", id.Name)
}

// calls reports whether an expression calls anything.
func calls(x syntax.Expr) (found bool) {
	syntax.Walk(x, func(n syntax.Node) bool {
		_, call := n.(*syntax.CallExpr)
		found = found || call
		return !found
	})
	return found
}

// block checks statements that follow each other. The first of a file or function may be
// a docstring.
func (c *checker) block(stmts []syntax.Stmt, whole bool) {
	defs := make(map[string]*syntax.DefStmt)
	for i, stmt := range stmts {
		if i > 0 && ends(stmts[i-1]) {
			start, _ := stmt.Span()
			c.report(start, "this is never reached: %s", endName(stmts[i-1]))
		}
		switch stmt := stmt.(type) {
		case *syntax.DefStmt:
			if first := defs[stmt.Name.Name]; first != nil && !usedBetween(stmts, first, stmt) {
				c.report(stmt.Name.NamePos, "%s is defined twice: the one of line %d is lost", stmt.Name.Name, first.Def.Line)
			}
			defs[stmt.Name.Name] = stmt
		case *syntax.ExprStmt:
			if lit, ok := stmt.X.(*syntax.Literal); ok && lit.Token == syntax.STRING || calls(stmt.X) {
				continue
			}
			if _, ok := stmt.X.(*syntax.Comprehension); ok {
				continue
			}
			start, _ := stmt.X.Span()
			c.report(start, "%s", useless(stmt.X))
		}
	}
}

// useless returns what is wrong with an expression that is a statement.
func useless(x syntax.Expr) string {
	switch x := x.(type) {
	case *syntax.DotExpr:
		return fmt.Sprintf("this does nothing: .%s is not called", x.Name.Name)
	case *syntax.Ident:
		return fmt.Sprintf("this does nothing: %s is not called", x.Name)
	case *syntax.BinaryExpr:
		if x.Op == syntax.EQL {
			return "this does nothing: == compares, and = assigns"
		}
	}
	return "this does nothing: its value is not used"
}

// ends reports whether nothing follows a statement.
func ends(stmt syntax.Stmt) bool { return endName(stmt) != "" }

func endName(stmt syntax.Stmt) string {
	switch stmt := stmt.(type) {
	case *syntax.ReturnStmt:
		return "it is behind a return"
	case *syntax.BranchStmt:
		if stmt.Token != syntax.PASS {
			return "it is behind a " + stmt.Token.String()
		}
	}
	return ""
}

// usedBetween reports whether statements between two definitions of a function use its
// name.
func usedBetween(stmts []syntax.Stmt, first, second *syntax.DefStmt) (used bool) {
	between := stmts[slices.Index(stmts, syntax.Stmt(first))+1 : slices.Index(stmts, syntax.Stmt(second))]
	for _, stmt := range between {
		syntax.Walk(stmt, func(n syntax.Node) bool {
			id, ok := n.(*syntax.Ident)
			used = used || ok && id.Name == first.Name.Name
			return !used
		})
	}
	return used
}

// keys checks the keys of a dict that are literals.
func (c *checker) keys(d *syntax.DictExpr) {
	seen := make(map[any]bool)
	for _, x := range d.List {
		key, ok := x.(*syntax.DictEntry).Key.(*syntax.Literal)
		if !ok {
			continue
		}
		if seen[key.Value] {
			c.report(key.TokenPos, "the key %s is there twice", key.Raw)
		}
		seen[key.Value] = true
	}
}

package stdlib

import (
	"fmt"
	"path"
	"strings"

	"go.starlark.net/syntax"
)

// Modules returns the names of the modules as scripts load them, such as "std/hist.star",
// sorted.
func Modules() (names []string) {
	entries, _ := FS.ReadDir(".") // which is embedded
	for _, entry := range entries {
		names = append(names, "std/"+entry.Name())
	}
	return names
}

// Doc returns the manual of a module: its docstring, and what it defines for others with
// theirs. The name may leave out the folder and the suffix.
func Doc(name string) (text string, ok bool) {
	file := strings.TrimSuffix(strings.TrimPrefix(name, "std/"), ".star") + ".star"
	source, err := FS.ReadFile(path.Clean(file))
	if err != nil {
		return "", false
	}
	f, err := (&syntax.FileOptions{Set: true, TopLevelControl: true}).Parse(file, source, 0)
	if err != nil {
		return "", false
	}
	lines := strings.Split(string(source), "\n")
	functions := make(map[string]*syntax.DefStmt)
	var b strings.Builder
	fmt.Fprintf(&b, "std/%s\n", file)
	describe := func(name string, def *syntax.DefStmt) {
		_, params, _ := strings.Cut(lines[def.Def.Line-1], "(")
		fmt.Fprintf(&b, "\n%s(%s\n", name, strings.TrimSuffix(strings.TrimSpace(params), ":"))
		if doc := docstring(def.Body); doc != "" {
			fmt.Fprintf(&b, "    %s\n", doc)
		}
	}
	for i, stmt := range f.Stmts {
		switch stmt := stmt.(type) {
		case *syntax.DefStmt:
			functions[stmt.Name.Name] = stmt
			if !strings.HasPrefix(stmt.Name.Name, "_") {
				describe(stmt.Name.Name, stmt)
			}
		case *syntax.AssignStmt: // hist = struct(log2 = _log2, ...)
			name, _ := stmt.LHS.(*syntax.Ident)
			call, isCall := stmt.RHS.(*syntax.CallExpr)
			if name == nil || !isCall {
				continue
			}
			for _, arg := range call.Args {
				member, isMember := arg.(*syntax.BinaryExpr)
				if !isMember || member.Op != syntax.EQ {
					continue
				}
				if fn, ok := member.Y.(*syntax.Ident); ok && functions[fn.Name] != nil {
					describe(name.Name+"."+member.X.(*syntax.Ident).Name, functions[fn.Name])
				}
			}
		case *syntax.ExprStmt:
			if i == 0 {
				fmt.Fprintf(&b, "    %s\n", indent(docstring(f.Stmts)))
			}
		}
	}
	return strings.TrimSuffix(b.String(), "\n"), true
}

// docstring returns the string that a function or file begins with, or "".
func docstring(body []syntax.Stmt) string {
	if stmt, ok := body[0].(*syntax.ExprStmt); ok {
		if literal, ok := stmt.X.(*syntax.Literal); ok && literal.Token == syntax.STRING {
			return strings.TrimSpace(literal.Value.(string))
		}
	}
	return ""
}

// indent indents the lines behind the first one.
func indent(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\n", "\n    "), "\n    \n", "\n\n")
}

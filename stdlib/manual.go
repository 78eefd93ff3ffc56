package stdlib

import (
	"fmt"
	"path"
	"slices"
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
// theirs. The name may leave out the folder and the suffix, and go on with that of one
// thing that the module defines, as in "triage.run".
func Doc(name string) (text string, ok bool) {
	name = strings.TrimSuffix(strings.TrimPrefix(name, "std/"), ".star")
	if module, member, found := strings.Cut(name, "."); found {
		text, _ := Doc(module)
		return section(text, name, member)
	}
	file := name + ".star"
	f, functions, err := parse(file)
	if err != nil {
		return "", false
	}
	var b strings.Builder
	fmt.Fprintf(&b, "std/%s\n", file)
	describe := func(name string, fn function) {
		fmt.Fprintf(&b, "\n%s(%s\n", name, fn.params)
		if fn.doc != "" {
			fmt.Fprintf(&b, "    %s\n", fn.doc)
		}
	}
	for i, stmt := range f.Stmts {
		switch stmt := stmt.(type) {
		case *syntax.LoadStmt: // of what a module hands on
			_, others, _ := parse(stmt.ModuleName())
			for k, from := range stmt.From {
				if fn, ok := others[from.Name]; ok {
					functions[stmt.To[k].Name] = fn
				}
			}
		case *syntax.DefStmt:
			if !strings.HasPrefix(stmt.Name.Name, "_") {
				describe(stmt.Name.Name, functions[stmt.Name.Name])
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
				full := name.Name + "." + member.X.(*syntax.Ident).Name
				switch value := member.Y.(type) {
				case *syntax.Ident:
					if fn, ok := functions[value.Name]; ok {
						describe(full, fn)
					}
				case *syntax.DotExpr:
					if of, ok := value.X.(*syntax.Ident); ok {
						fmt.Fprintf(&b, "\n%s\n    The builtin %s.%s.\n", full, of.Name, value.Name.Name)
					}
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

// section returns what a manual has under the first of its headings that is one of the
// names.
func section(text string, names ...string) (string, bool) {
	var found []string
	for line := range strings.Lines(text) {
		if heading := line != "\n" && line[0] != ' '; heading && found != nil {
			break
		} else if name, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "("); heading && slices.Contains(names, name) || found != nil {
			found = append(found, line)
		}
	}
	return strings.TrimRight(strings.Join(found, ""), "\n"), found != nil
}

// A function is what there is to say of one.
type function struct{ params, doc string }

// parse returns the contents of a module's file, and its functions by name.
func parse(file string) (*syntax.File, map[string]function, error) {
	source, err := FS.ReadFile(path.Clean(file))
	if err != nil {
		return nil, nil, err
	}
	f, err := (&syntax.FileOptions{Set: true, TopLevelControl: true}).Parse(file, source, 0)
	if err != nil {
		return nil, nil, err
	}
	lines := strings.Split(string(source), "\n")
	functions := make(map[string]function)
	for _, stmt := range f.Stmts {
		if def, ok := stmt.(*syntax.DefStmt); ok {
			_, params, _ := strings.Cut(lines[def.Def.Line-1], "(")
			functions[def.Name.Name] = function{strings.TrimSuffix(strings.TrimSpace(params), ":"), docstring(def.Body)}
		}
	}
	return f, functions, nil
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

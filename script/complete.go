package script

import (
	"regexp"
	"slices"
	"strings"

	"go.starlark.net/starlark"
)

// chain matches the identifiers joined by dots at the end of a line.
var chain = regexp.MustCompile(`(?:[\pL_][\pL\pN_]*\.)*(?:[\pL_][\pL\pN_]*)?$`)

// complete returns the names that could stand at the end of text, sorted, and how
// many bytes of them are there already. It follows attributes but calls nothing.
func (s *Session) complete(text string) (names []string, prefix int) {
	var lex lexer
	lex.scan(text)
	expr := chain.FindString(text)
	before := strings.TrimSuffix(text, expr)
	if lex.quote != "" || strings.Contains(before, "#") || expr == "" || partOfOperand(before) {
		return nil, 0
	}
	path := strings.Split(expr, ".")
	last := path[len(path)-1]
	// As a run, so that a panic or a slow attribute is not the end of the session.
	s.exec(func(*starlark.Thread) error {
		names = s.namesIn(path[:len(path)-1])
		return nil
	})
	names = slices.DeleteFunc(names, func(name string) bool {
		return !strings.HasPrefix(name, last) || last == "" && strings.HasPrefix(name, "_")
	})
	slices.Sort(names)
	return slices.Compact(names), len(last)
}

// partOfOperand reports whether what follows text is the rest of a longer operand,
// as in "f().x" or "0x1f", and not a name by itself.
func partOfOperand(text string) bool {
	return text != "" && (strings.HasSuffix(text, ".") || isIdent(rune(text[len(text)-1])))
}

// namesIn returns the names of the attributes of the value at path, or those of
// all variables if that is empty.
func (s *Session) namesIn(path []string) []string {
	if len(path) == 0 {
		return append(s.globals.Keys(), starlark.Universe.Keys()...)
	}
	v := s.globals[path[0]]
	if v == nil {
		v = starlark.Universe[path[0]]
	}
	for _, name := range path[1:] {
		x, ok := v.(starlark.HasAttrs)
		if !ok {
			return nil
		}
		var err error
		if v, err = x.Attr(name); err != nil || v == nil {
			return nil
		}
	}
	if x, ok := v.(starlark.HasAttrs); ok {
		return x.AttrNames()
	}
	return nil
}

package debuginfo

import "strings"

// anonymous is what the entries of namespaces without a name are called.
const anonymous = "(anonymous namespace)"

// parts splits a name at the double colons outside of template arguments and
// parentheses.
func parts(name string) []string {
	var list []string
	depth, start := 0, 0
	for i := 0; i < len(name); i++ {
		switch name[i] {
		case '<', '(', '{', '[':
			depth++
		case '>', ')', '}', ']':
			depth--
		case ':':
			if depth == 0 && strings.HasPrefix(name[i:], "::") {
				list = append(list, name[start:i])
				i++
				start = i + 1
			}
		case 'o':
			// The brackets of operator<< and the like do not nest.
			if depth == 0 && i == start && isOperator(name[i:]) {
				return append(list, name[start:])
			}
		}
	}
	return append(list, name[start:])
}

// isOperator reports whether name is that of an operator function.
func isOperator[T string | []byte](name T) bool {
	const word = "operator"
	return len(name) > len(word) && string(name[:len(word)]) == word && !isWord(name[len(word)])
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isIdentifier(name string) bool {
	for i := range len(name) {
		if !isWord(name[i]) {
			return false
		}
	}
	return name != ""
}

// isHidden reports whether names may leave out the scope called name: namespaces
// without a name and those that libraries hide, such as std::__cxx11.
func isHidden(name string) bool { return name == anonymous || strings.HasPrefix(name, "__") }

// stripArgs returns a part of a name without template arguments.
func stripArgs[T string | []byte](name T) T {
	n := len(name)
	if n == 0 || name[n-1] != '>' || isOperator(name) {
		return name
	}
	for i := 1; i < n; i++ {
		if name[i] == '<' {
			return name[:i]
		}
	}
	return name
}

// goBase returns a name of Go without the path before its package: "http.Get" of
// "net/http.Get". Those of other languages have no path.
func goBase[T string | []byte](name T) T {
	if isOperator(name) {
		return name
	}
	start := 0
	for i := range len(name) {
		switch name[i] {
		case '[', '(', '<':
			return name[start:]
		case '/':
			start = i + 1
		}
	}
	return name[start:]
}

// matches reports whether name means what is called full with all its scopes.
// It may leave out template arguments and hidden scopes, in Go the path before the
// package, and unless it starts with :: outer scopes.
func matches(full, name string) bool {
	want, have := parts(name), parts(full)
	absolute := want[0] == "" && len(want) > 1
	if absolute {
		want = want[1:]
	}
	for len(want) > 0 {
		if len(have) == 0 {
			return false
		}
		h, w := have[len(have)-1], want[len(want)-1]
		switch {
		case h == w || stripArgs(h) == w || goBase(h) == w:
			want = want[:len(want)-1]
		case !isHidden(h):
			return false
		}
		have = have[:len(have)-1]
	}
	return !absolute || len(have) == 0
}

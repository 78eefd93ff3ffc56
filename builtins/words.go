package builtins

import (
	"errors"
	"strings"

	"go.starlark.net/starlark"
)

// splitWords is split_words.
func (e *Env) splitWords(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var line words
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "line", &line); err != nil {
		return nil, err
	}
	return listOf(line, func(word string) starlark.Value { return starlark.String(word) }), nil
}

// splitWords splits a command line into words as a shell does (POSIX.1-2017,
// 2.2 and 2.6.5): at blanks, tabs and newlines that neither a backslash nor
// quotes protect. Nothing is expanded, and operators are ordinary characters.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		if strings.HasPrefix(line[i:], "\\\n") { // a line that goes on
			i++
			continue
		}
		if strings.IndexByte(" \t\n", c) >= 0 {
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
			continue
		}
		inWord = true
		switch c {
		case '\\':
			if i++; i == len(line) {
				return nil, errors.New("backslash at the end")
			}
			word.WriteByte(line[i])
		case '\'':
			n := strings.IndexByte(line[i+1:], '\'')
			if n < 0 {
				return nil, errors.New("single quote without an end")
			}
			word.WriteString(line[i+1 : i+1+n])
			i += 1 + n
		case '"':
			n, err := quoted(&word, line[i+1:])
			if err != nil {
				return nil, err
			}
			i += n
		default:
			word.WriteByte(c)
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// quoted appends to word what stands before the next double quote in s, where a
// backslash protects only itself and the characters that are special there. It
// returns how many bytes it took, the quote included.
func quoted(word *strings.Builder, s string) (int, error) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '"' {
			return i + 1, nil
		}
		if c == '\\' && i+1 < len(s) && strings.IndexByte("$`\"\\\n", s[i+1]) >= 0 {
			if i++; s[i] == '\n' {
				continue
			}
			c = s[i]
		}
		word.WriteByte(c)
	}
	return 0, errors.New("double quote without an end")
}

package debuginfo

import (
	"slices"
	"strings"
)

// spellings returns the other ways in which compilers write the name of an instance of a
// template than demanglers do: GCC has "box<long int, 4>" and clang "box<long, 4UL>" for
// "box<long, 4ul>".
func spellings(name string) []string {
	if !strings.Contains(name, "<") {
		return nil
	}
	gcc := respell(name, true, func(string) string { return "" })
	clang := respell(name, false, strings.ToUpper)
	return slices.DeleteFunc([]string{gcc, clang}, func(s string) bool { return s == name })
}

// respell writes the types of numbers in a name as GCC does, if long is set, and the
// suffixes of constants as suffix does.
func respell(name string, long bool, suffix func(string) string) string {
	var b strings.Builder
	var run []string // of words that make up the type of a number
	flush := func() {
		if len(run) > 0 {
			words := strings.Join(run, " ")
			if full, ok := longNames[words]; ok && long {
				words = full
			}
			b.WriteString(words)
			run = nil
		}
	}
	for i := 0; i < len(name); {
		j := i
		for j < len(name) && isWord(name[j]) {
			j++
		}
		word := name[i:j]
		switch {
		case j == i:
			if name[i] != ' ' || len(run) == 0 || i+1 == len(name) || !numberWord(name[i+1:]) {
				flush()
				b.WriteByte(name[i])
			}
			j++
		case '0' <= word[0] && word[0] <= '9':
			flush()
			digits := strings.TrimRight(word, "uUlL")
			b.WriteString(digits + suffix(word[len(digits):]))
		case numberWord(word):
			run = append(run, word)
		default:
			flush()
			b.WriteString(word)
		}
		i = j
	}
	flush()
	return b.String()
}

// numberWord reports whether text begins with a word of the type of a number.
func numberWord(text string) bool {
	end := 0
	for end < len(text) && isWord(text[end]) {
		end++
	}
	switch text[:end] {
	case "unsigned", "long", "short", "int":
		return true
	}
	return false
}

// longNames are the names that GCC has for types whose names are short in C.
var longNames = func() map[string]string {
	m := make(map[string]string)
	for long, short := range baseNames {
		m[short] = long
	}
	return m
}()

package builtins

import (
	"slices"
	"strings"
	"testing"
)

func TestSplitWords(t *testing.T) {
	for _, test := range []struct {
		line string
		want []string
		err  string
	}{
		{"", nil, ""},
		{" \t\n", nil, ""},
		{"prog a  b\tc\n", []string{"prog", "a", "b", "c"}, ""},
		{`prog 'a b' "c d" e\ f`, []string{"prog", "a b", "c d", "e f"}, ""},
		{`a'b'"c"d`, []string{"abcd"}, ""},
		{`'' "" x`, []string{"", "", "x"}, ""},
		{`'a\b"c'`, []string{`a\b"c`}, ""},
		{`"a\"b\\c\$d\e'f"`, []string{`a"b\c$d\e'f`}, ""},
		{"a\\\nb \\\n c \"d\\\ne\"", []string{"ab", "c", "de"}, ""},
		{"a | b > $c; *", []string{"a", "|", "b", ">", "$c;", "*"}, ""},
		{`\'`, []string{"'"}, ""},
		{"\xff\x00", []string{"\xff\x00"}, ""},
		{"'a", nil, "single quote without an end"},
		{`"a\"`, nil, "double quote without an end"},
		{`a\`, nil, "backslash at the end"},
	} {
		got, err := splitWords(test.line)
		if err != nil && err.Error() != test.err || err == nil && test.err != "" || !slices.Equal(got, test.want) {
			t.Errorf("splitWords(%q) = %q, %v; want %q, %q", test.line, got, err, test.want, test.err)
		}
	}
}

// FuzzSplitWords checks that words that are quoted come back as they were.
func FuzzSplitWords(f *testing.F) {
	f.Add("a 'b'", `c"d\`)
	f.Fuzz(func(t *testing.T, line, word string) {
		if words, err := splitWords(line); err != nil && words != nil {
			t.Errorf("splitWords(%q) = %q, %v", line, words, err)
		}
		words, err := splitWords(quote(word) + " " + quote(line))
		if err != nil || !slices.Equal(words, []string{word, line}) {
			t.Errorf("splitWords of the quoted %q and %q = %q, %v", word, line, words, err)
		}
	})
}

// quote quotes s for a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

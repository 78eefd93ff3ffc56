package report

import (
	"fmt"
	"strings"
)

// A Delivery says how cases reach the program, if not in files or on standard input.
type Delivery struct {
	Argument int    // the number of the argument that a case is, or 0
	Variable string // the variable that a case is, or ""
	Port     int    // the TCP port that a case is sent to, or 0
}

// Command returns a line for a shell that runs the case outside of the debugger, or shows it,
// if it is a core.
func (c *Case) Command() string {
	path := c.Case
	if strings.HasPrefix(path, "-") {
		path = "./" + path // not an option
	}
	if len(c.Argv) == 0 {
		return "tracelark bt " + quote(path)
	}
	// A shell takes newlines at the end away, and none where something follows.
	read, content := "x=$(cat "+quote(path)+"; echo .); ", `"${x%.}"`
	by := c.delivery
	words := make([]string, 0, len(c.Argv)+1)
	file := false
	for i, word := range c.Argv {
		if by.Argument > 0 && i == by.Argument {
			words = append(words, content)
			continue
		}
		file = file || strings.Contains(word, "@@")
		words = append(words, quote(strings.ReplaceAll(word, "@@", path)))
	}
	if by.Argument > 0 && by.Argument == len(c.Argv) {
		words = append(words, content)
	}
	line := "setarch -R " + strings.Join(words, " ")
	switch {
	case by.Variable != "":
		return read + by.Variable + "=" + content + " " + line
	case by.Port > 0:
		return fmt.Sprintf("%s & sleep 1; nc 127.0.0.1 %d < %s", line, by.Port, quote(path))
	case by.Argument > 0:
		return read + line
	case !file:
		return line + " < " + quote(path)
	}
	return line
}

// quote returns a word as a shell takes it.
func quote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:,+@%=", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	if text := strings.TrimRight(word, "\n"); strings.ContainsFunc(text, func(r rune) bool { return r == '\t' || unseen(r) }) {
		return `"$(printf -- '` + escape(text) + `')"` + strings.Repeat("'\n'", len(word)-len(text))
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// escape writes text as printf(1) takes it between single quotes.
func escape(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c < ' ' || c >= 0x7f || strings.IndexByte(`'\%`, c) >= 0 {
			fmt.Fprintf(&b, `\%03o`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

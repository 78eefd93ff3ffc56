package builtins

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape returns text with all that is neither visible nor a space, a tab or a
// newline written as Starlark would write it in a string: control characters,
// those that change the direction of writing, and bytes that are not UTF-8. If
// colors is set, the sequences that set colors and fonts (ECMA-48, "select graphic
// rendition") stay.
func Escape(text string, colors bool) string {
	var b strings.Builder
	clean := 0 // what precedes it is in b
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		n := 0
		if colors && r == '\x1b' {
			n = graphicRendition(text[i:])
		}
		switch {
		case n > 0:
			size = n
		case r == utf8.RuneError && size == 1:
			b.WriteString(text[clean:i])
			fmt.Fprintf(&b, `\x%02x`, text[i])
			clean = i + size
		case r != '\n' && r != '\t' && !unicode.IsGraphic(r):
			b.WriteString(text[clean:i])
			quoted := strconv.QuoteRuneToGraphic(r)
			b.WriteString(quoted[1 : len(quoted)-1])
			clean = i + size
		}
		i += size
	}
	if clean == 0 {
		return text
	}
	b.WriteString(text[clean:])
	return b.String()
}

// graphicRendition returns the length of the sequence ESC [ numbers m with which
// text starts, or 0.
func graphicRendition(text string) int {
	rest, ok := strings.CutPrefix(text, "\x1b[")
	if !ok {
		return 0
	}
	rest, ok = strings.CutPrefix(strings.TrimLeft(rest, "0123456789;"), "m")
	if !ok {
		return 0
	}
	return len(text) - len(rest)
}

// Fit cuts each line of text to a number of columns, of which the sequences that set
// colors take none.
func Fit(text string, width int) string {
	var b strings.Builder
	columns, cut := 0, false
	for i := 0; i < len(text); {
		if n := graphicRendition(text[i:]); n > 0 {
			b.WriteString(text[i : i+n])
			i += n
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '\n':
			columns, cut = 0, false
			b.WriteByte('\n')
		case cut:
		case columns == width-1 && !endsLine(text[i+size:]):
			b.WriteString("…")
			cut = true
		default:
			b.WriteString(text[i : i+size])
			columns++
		}
		i += size
	}
	return b.String()
}

// endsLine reports whether nothing that is seen comes before the end of the line.
func endsLine(text string) bool {
	for {
		n := graphicRendition(text)
		if n == 0 {
			return text == "" || text[0] == '\n'
		}
		text = text[n:]
	}
}

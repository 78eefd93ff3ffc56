package value

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// This file splits expressions into tokens.

type tokenKind uint8

const (
	tokEnd      tokenKind = iota
	tokName               // an identifier or keyword
	tokQuoted             // a name in single quotes, such as 'file.c'
	tokRegister           // $rip, $1, $; text is without the first dollar
	tokNumber
	tokChar // text is the prefix; value the code
	tokString
	tokSymbol
)

type token struct {
	kind  tokenKind
	text  string // as in the source, except of strings and quoted names: their contents
	code  uint64 // of a character
	wide  string // of characters and strings: "", "L", "u", "U" or "u8"
	start int    // offset in the source
	end   int
}

func (t token) String() string {
	switch t.kind {
	case tokEnd:
		return "end"
	case tokRegister:
		return strconv.Quote("$" + t.text)
	case tokString:
		return "a string"
	case tokChar:
		return "a character"
	}
	return strconv.Quote(t.text)
}

// symbols are the operators of more than one character, longer ones first.
var symbols = []string{
	"<<=", ">>=", "->*", "...",
	"<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "->", "++", "--", "::", ".*",
	"+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=",
}

// An ExprError is a mistake in an expression, or a part of one that has no value.
type ExprError struct {
	Text string // the expression
	At   int    // offset of the part in Text
	Err  error
}

func (e *ExprError) Error() string {
	if e.Text == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("%s: column %d: %v", clip(e.Text), utf8.RuneCountInString(e.Text[:e.At])+1, e.Err)
}

func (e *ExprError) Unwrap() error { return e.Err }

// clip shortens the text of an expression for an error.
func clip(text string) string {
	const limit = 80
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "..."
	}
	return strconv.Quote(text)
}

// maxExpr limits the length of an expression in bytes.
const maxExpr = 64 << 10

// tokenize splits an expression. The last token is the end.
func tokenize(text string) ([]token, error) {
	if len(text) > maxExpr {
		return nil, fmt.Errorf("expression of %d bytes, want %d at most", len(text), maxExpr)
	}
	var list []token
	for pos := 0; ; {
		t, err := nextToken(text, pos)
		if err != nil {
			return nil, &ExprError{text, t.start, err}
		}
		list = append(list, t)
		if t.kind == tokEnd {
			return list, nil
		}
		pos = t.end
	}
}

func nextToken(text string, pos int) (token, error) {
	for pos < len(text) && strings.IndexByte(" \t\r\n\f\v", text[pos]) >= 0 {
		pos++
	}
	t := token{start: pos, end: len(text)}
	rest := text[pos:]
	take := func(kind tokenKind, n int) (token, error) {
		t.kind, t.text, t.end = kind, rest[:n], pos+n
		return t, nil
	}
	if rest == "" {
		return t, nil
	}
	for _, wide := range []string{"", "L", "u8", "u", "U"} {
		if after, ok := strings.CutPrefix(rest, wide); ok && after != "" && (after[0] == '"' || after[0] == '\'') {
			t.wide = wide
			return t.quoted(text, pos+len(wide))
		}
	}
	switch c := rest[0]; {
	case isDigit(c), c == '.' && len(rest) > 1 && isDigit(rest[1]):
		return take(tokNumber, numberLength(rest))
	case c == '$':
		t.kind = tokRegister
		n := 1 + nameLength(rest[1:])
		if n == 1 { // $1, $, $$ and $$2
			if strings.HasPrefix(rest, "$$") {
				n++
			}
			for n < len(rest) && isDigit(rest[n]) {
				n++
			}
		}
		t.text, t.end = rest[1:n], pos+n
		return t, nil
	}
	if n := nameLength(rest); n > 0 {
		return take(tokName, n)
	}
	for _, s := range symbols {
		if strings.HasPrefix(rest, s) {
			return take(tokSymbol, len(s))
		}
	}
	if strings.IndexByte("+-*/%&|^~!<>=?:,.()[]{}@", rest[0]) >= 0 {
		return take(tokSymbol, 1)
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return t, fmt.Errorf("unexpected character %q", r)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// nameLength returns how long the identifier is that s begins with, or 0.
func nameLength(s string) int {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || r != '$' && !unicode.IsDigit(r)) {
			return i
		}
	}
	return len(s)
}

// numberLength returns how long the number is that s begins with: what the C
// preprocessor takes for one.
func numberLength(s string) int {
	i := 0
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case isDigit(c), c == '.', c == '_', 'a' <= c|0x20 && c|0x20 <= 'z':
		case c == '\'' && i+1 < len(s) && i > 0 && isAlnum(s[i+1]) && isAlnum(s[i-1]):
		case (c == '+' || c == '-') && i > 0 && isExponent(s[:i]):
		default:
			return i
		}
	}
	return i
}

func isAlnum(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' }

// isExponent reports whether a sign may follow s in a number: 1e in 1e+5, but not
// 0x1e.
func isExponent(s string) bool {
	last := s[len(s)-1] | 0x20
	if hex := len(s) > 1 && s[0] == '0' && s[1]|0x20 == 'x'; hex {
		return last == 'p'
	}
	return last == 'e'
}

// quoted reads what begins with a quote at pos: a string, a character, or a name.
func (t token) quoted(text string, pos int) (token, error) {
	quote := text[pos]
	var value []byte
	codes, last := 0, uint64(0)
	for i := pos + 1; i < len(text); {
		c := text[i]
		if c == quote {
			t.text, t.end, t.code = string(value), i+1, last
			switch {
			case quote == '"':
				t.kind = tokString
			case codes == 1:
				t.kind = tokChar
			case codes == 0:
				return t, errors.New("'' without a character")
			case t.wide != "":
				return t, fmt.Errorf("more than one character in %s'%s'", t.wide, value)
			default:
				t.kind = tokQuoted
			}
			return t, nil
		}
		codes++
		if c != '\\' {
			r, n := utf8.DecodeRuneInString(text[i:])
			last = uint64(r)
			if r == utf8.RuneError && n <= 1 || t.wide == "" && n > 1 && quote == '\'' {
				last, n = uint64(c), 1
			}
			value = append(value, text[i:i+n]...)
			i += n
			continue
		}
		code, isByte, n, err := escape(text[i+1:])
		if err != nil {
			t.start = i
			return t, err
		}
		last = code
		if isByte && t.wide == "" {
			value = append(value, byte(code))
		} else {
			value = utf8.AppendRune(value, rune(code))
		}
		i += 1 + n
	}
	return t, fmt.Errorf("%c without its end", quote)
}

var escapes = map[byte]byte{
	'n': '\n', 't': '\t', 'r': '\r', 'a': 7, 'b': 8, 'e': 27, 'f': 12, 'v': 11,
	'\\': '\\', '\'': '\'', '"': '"', '?': '?',
}

// escape reads what follows a backslash: its code, whether that is one of a byte
// and not of Unicode, and its length.
func escape(s string) (code uint64, isByte bool, n int, err error) {
	if s == "" {
		return 0, false, 0, errors.New("\\ at the end")
	}
	if c, ok := escapes[s[0]]; ok {
		return uint64(c), true, 1, nil
	}
	digits := func(from, most int, base int) (uint64, bool, int, error) {
		n := from
		for n < len(s) && n-from < most {
			if _, err := strconv.ParseUint(s[n:n+1], base, 8); err != nil {
				break
			}
			n++
		}
		code, err := strconv.ParseUint(s[from:n], base, 32)
		if err != nil {
			return 0, false, 0, fmt.Errorf("bad number in escape \\%c", s[0])
		}
		return code, true, n, nil
	}
	switch {
	case s[0] == 'x':
		return digits(1, 8, 16)
	case '0' <= s[0] && s[0] <= '7':
		return digits(0, 3, 8)
	case s[0] == 'u' || s[0] == 'U':
		most := 4
		if s[0] == 'U' {
			most = 8
		}
		code, _, n, err := digits(1, most, 16)
		if err == nil && n-1 != most {
			err = fmt.Errorf("\\%c wants %d hexadecimal digits", s[0], most)
		}
		return code, false, n, err
	}
	r, _ := utf8.DecodeRuneInString(s)
	return 0, false, 0, fmt.Errorf("unknown escape \\%c", r)
}

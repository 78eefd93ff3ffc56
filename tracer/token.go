package tracer

import (
	"slices"
	"strconv"
	"strings"
)

// This file splits the source of conditions into tokens.

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokNumber
	tokText
	tokName
	tokSymbol // an operator, a keyword or a parenthesis
)

type token struct {
	kind tokenKind
	text string // as in the source, but of tokText its value
	at   int
}

func (t token) String() string {
	if t.kind == tokEnd {
		return "end"
	}
	return strconv.Quote(t.text)
}

// spellings are the symbols of more than one character, and mistakes for them with
// what to write instead.
var spellings = []struct{ text, instead string }{
	{"<<", ""}, {">>", ""}, {"<=", ""}, {">=", ""}, {"==", ""}, {"!=", ""}, {"//", ""},
	{"&&", "and"}, {"||", "or"}, {"!", "not"}, {"=", "=="}, {"/", "//"},
}

func isName(c byte) bool {
	return c == '_' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// next reads a token.
func (p *conditionParser) next() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
	at, rest := p.pos, p.text[p.pos:]
	take := func(kind tokenKind, n int) {
		p.pos += n
		p.tok = token{kind, rest[:n], at}
	}
	// scan returns how long a name is that may hold more characters.
	scan := func(more string) (n int) {
		for n < len(rest) && (isName(rest[n]) || strings.IndexByte(more, rest[n]) >= 0) {
			n++
		}
		return n
	}
	switch {
	case rest == "":
		take(tokEnd, 0)
		return
	case rest[0] == '"', rest[0] == '\'', strings.HasPrefix(rest, `b"`), strings.HasPrefix(rest, "b'"):
		p.quoted(at)
		return
	case '0' <= rest[0] && rest[0] <= '9':
		take(tokNumber, scan(""))
		return
	case isName(rest[0]), rest[0] == '$':
		take(tokName, scan(".$@"))
		if slices.Contains([]string{"and", "or", "not", "in"}, p.tok.text) {
			p.tok.kind = tokSymbol
		}
		return
	}
	for _, s := range spellings {
		if strings.HasPrefix(rest, s.text) {
			if take(tokSymbol, len(s.text)); s.instead != "" {
				p.fail(at, "%q is no operator here, write %q", s.text, s.instead)
			}
			return
		}
	}
	if strings.IndexByte("+-*%&|^~<>(),[]", rest[0]) >= 0 {
		take(tokSymbol, 1)
		return
	}
	p.fail(at, "unexpected character %q", []rune(rest)[0])
}

var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', '0': 0, '\\': '\\', '\'': '\'', '"': '"'}

// quoted reads text in quotes.
func (p *conditionParser) quoted(at int) {
	if p.text[p.pos] == 'b' {
		p.pos++
	}
	quote := p.text[p.pos]
	var value []byte
	for i := p.pos + 1; i < len(p.text); i++ {
		c := p.text[i]
		switch {
		case c == quote:
			p.pos = i + 1
			p.tok = token{tokText, string(value), at}
			return
		case c != '\\':
			value = append(value, c)
			continue
		}
		rest := p.text[i+1:]
		if rest == "" {
			break
		}
		if code, err := strconv.ParseUint(rest[1:min(3, len(rest))], 16, 8); rest[0] == 'x' && err == nil && len(rest) >= 3 {
			value = append(value, byte(code))
			i += 3
		} else if c, ok := escapes[rest[0]]; ok {
			value = append(value, c)
			i++
		} else {
			p.fail(i, "unknown escape %q", p.text[i:min(i+2, len(p.text))])
			return
		}
	}
	p.fail(at, "text without an end")
}

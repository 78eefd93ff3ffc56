package value

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// This file parses names, of types too, and numbers.

// scanName returns the name that begins i tokens ahead, as debug information has it,
// and how many tokens it takes, or 0 if none begins there. What stands in angle
// brackets belongs to it if such a name is known.
func (p *parser) scanName(i int) (text string, n int) {
	j := i
	if p.peekAt(j).is("::") {
		text = "::"
		j++
	}
	for {
		t := p.peekAt(j)
		if t.kind != tokName && t.kind != tokQuoted {
			return "", 0
		}
		text += t.text
		j++
		if p.peekAt(j).is("<") && t.kind == tokName {
			args, n := p.templateArgs(j)
			if n > 0 && (p.names(text+args) != unknown || p.peekAt(j+n).is("::")) {
				text += args
				j += n
			}
		}
		if next := p.peekAt(j + 1); !p.peekAt(j).is("::") || next.kind != tokName && next.kind != tokQuoted {
			return text, j - i
		}
		text += "::"
		j++
	}
}

// maxTemplate limits how many tokens the arguments of a template have.
const maxTemplate = 256

// templateArgs returns the arguments of a template that begin i tokens ahead, spaced
// as GCC spaces them, and how many tokens they take.
func (p *parser) templateArgs(i int) (text string, n int) {
	var b strings.Builder
	level, last := 0, token{}
	for n < maxTemplate {
		t := p.peekAt(i + n)
		n++
		isWord := t.kind == tokName || t.kind == tokNumber || t.kind == tokChar
		switch {
		case t.is("<"):
			level++
		case t.is(">", ">>"):
			for range t.text {
				if level--; strings.HasSuffix(b.String(), ">") {
					b.WriteByte(' ')
				}
				b.WriteByte('>')
			}
			if level <= 0 {
				if level < 0 {
					return "", 0
				}
				return b.String(), n
			}
			last = t
			continue
		case t.kind == tokChar:
			t.text = fmt.Sprintf("(char)%d", t.code)
		case t.is(","):
			t.text = ", "
		case isWord && (last.kind == tokName || last.is("*", "&", ">")):
			b.WriteByte(' ')
		case !isWord && !t.is("::", "*", "&", "&&", "(", ")", "[", "]", "-"):
			return "", 0
		}
		b.WriteString(t.text)
		last = t
	}
	return "", 0
}

// name takes a name.
func (p *parser) name() string {
	text, n := p.scanName(0)
	if n == 0 {
		p.fail(p.peek().start, "unexpected %s, want a name", p.peek())
	}
	for range n {
		p.take()
	}
	return text
}

// wantClose takes the end of the arguments of a cast, which may be half of a token.
func (p *parser) wantClose() {
	if t := p.peek(); t.is(">>") {
		t.text, t.start = ">", t.start+1
		p.toks[0] = t
		return
	}
	p.want(">")
}

// typeWords are the words that types of C are made of.
var typeWords = map[string]bool{
	"char": true, "short": true, "int": true, "long": true, "signed": true, "unsigned": true, "float": true,
	"double": true, "void": true, "_Bool": true, "bool": true, "__int128": true, "_Complex": true,
}

// qualifierWords are those that change nothing for an expression.
var qualifierWords = []string{
	"const", "volatile", "restrict", "__restrict", "__restrict__", "_Atomic", "typename", "register", "static",
}

var tagWords = []string{"struct", "union", "enum", "class"}

// startsType reports whether a type begins i tokens ahead.
func (p *parser) startsType(i int) bool {
	t := p.peekAt(i)
	if t.kind == tokName && (typeWords[t.text] || slices.Contains(qualifierWords, t.text) || slices.Contains(tagWords, t.text)) {
		return true
	}
	name, n := p.scanName(i)
	return n > 0 && p.names(name) == isType
}

// typeName takes a type: "struct item *", "int (*)[3]".
func (p *parser) typeName() *typeName {
	t := p.specifier()
	t.steps = p.declarator()
	return t
}

// specifier takes a type without stars and brackets. Qualifiers are dropped.
func (p *parser) specifier() *typeName {
	t := &typeName{at: p.peek().start}
	words := make(map[string]int)
	for {
		next := p.peek()
		switch {
		case next.kind == tokName && slices.Contains(qualifierWords, next.text):
			p.take()
		case next.kind == tokName && typeWords[next.text] && t.name == "":
			words[p.take().text]++
		case next.kind == tokName && slices.Contains(tagWords, next.text) && t.name == "" && len(words) == 0:
			p.take()
			t.name = next.text + " " + strings.TrimPrefix(p.name(), "::")
		case t.name == "" && len(words) == 0:
			t.name = strings.TrimPrefix(p.name(), "::")
			if p.err != nil {
				return t
			}
		default:
			if t.name == "" {
				t.basic = true
				name, err := basicName(words)
				if err != nil {
					p.fail(t.at, "%w", err)
				}
				t.name = name
			}
			return t
		}
		if p.err != nil {
			return t
		}
	}
}

// basicName returns the name of a basic type whose words may come in any order.
func basicName(words map[string]int) (string, error) {
	signed, unsigned, long := words["signed"], words["unsigned"], words["long"]
	kinds := 0
	base := "int"
	for w, n := range words {
		switch w {
		case "signed", "unsigned", "long":
		case "int":
			kinds += n - 1 // goes with short and long
		default:
			kinds += n
			base = w
		}
	}
	bad := func() (string, error) { return "", errors.New("no type is made of these words") }
	if kinds > 1 || signed+unsigned > 1 || long > 2 || words["int"] > 1 ||
		words["int"] == 1 && base != "int" && base != "short" {
		return bad()
	}
	switch base {
	case "int":
		base = [...]string{"int", "long", "long long"}[long]
	case "short", "char", "__int128":
		if long > 0 {
			return bad()
		}
		if base == "char" && signed > 0 {
			base = "signed char"
		}
	case "double":
		if long > 1 || signed+unsigned > 0 {
			return bad()
		}
		if long == 1 {
			base = "long double"
		}
	default:
		if long+signed+unsigned > 0 || base == "_Complex" {
			return bad()
		}
	}
	if unsigned > 0 {
		base = "unsigned " + base
	}
	return base, nil
}

// declarator takes the stars, brackets and parameters of a type without a name.
func (p *parser) declarator() []step {
	defer func() { p.depth-- }()
	if !p.nest() {
		return nil
	}
	var steps, inner []step
	for {
		t := p.peek()
		switch {
		case t.is("*", "&"):
			steps = append(steps, step{kind: t.text[0]})
		case t.is("&&"):
			steps = append(steps, step{kind: '&'})
		case t.kind == tokName && slices.Contains(qualifierWords, t.text):
		default:
			nested := t.is("(") && p.peekAt(1).is("*", "&", "(")
			if nested {
				p.take()
				inner = p.declarator()
				p.want(")")
			}
			return append(append(steps, p.suffixes(nested)...), inner...)
		}
		if len(steps) > maxNesting {
			p.fail(t.start, "more than %d pointers to each other", maxNesting)
		}
		p.take()
	}
}

// suffixes takes dimensions, the innermost of which comes first in the result, and
// the parameters of a function if there may be any.
func (p *parser) suffixes(params bool) []step {
	var steps []step
	for {
		switch {
		case p.accept("["):
			s := step{kind: '['}
			if t := p.peek(); t.kind == tokNumber {
				n, err := parseNumber(t.text)
				if err != nil || n.num == nil || !n.num.IsInt64() {
					p.fail(t.start, "%s elements are no array", t)
					return nil
				}
				s.count = n.num.Int64()
				p.take()
			}
			p.want("]")
			steps = append(steps, s)
		case params && p.accept("("):
			s := step{kind: '('}
			for !p.accept(")") && p.err == nil {
				if p.accept("...") {
					s.more = true
				} else {
					s.params = append(s.params, p.typeName())
				}
				if !p.peek().is(")") {
					p.want(",")
				}
			}
			steps = append(steps, s)
		default:
			slices.Reverse(steps)
			return steps
		}
		if len(steps) > maxNesting {
			p.fail(p.peek().start, "more than %d dimensions", maxNesting)
			return nil
		}
	}
}

// parseNumber returns the node of a number. Its text is the suffix, in lower case.
func parseNumber(text string) (*node, error) {
	bad := fmt.Errorf("%q is no number", text)
	s := strings.ToLower(strings.ReplaceAll(text, "'", ""))
	if strings.Contains(s, "_") {
		return nil, bad
	}
	hex := strings.HasPrefix(s, "0x")
	if strings.Contains(s, ".") || !hex && strings.Contains(s, "e") || hex && strings.Contains(s, "p") {
		digits := strings.TrimRight(s, "fl")
		if hex && !strings.Contains(s, "p") {
			return nil, bad
		}
		f, _, err := big.ParseFloat(digits, 0, 128, big.ToNearestEven)
		if suffix := s[len(digits):]; err != nil || len(suffix) > 1 {
			return nil, bad
		} else {
			return &node{op: opNumber, real: f, text: suffix}, nil
		}
	}
	digits := strings.TrimRight(s, "ul")
	suffix := s[len(digits):]
	switch suffix {
	case "", "u", "l", "ul", "lu", "ll", "ull", "llu":
	default:
		return nil, bad
	}
	if !hex && strings.HasSuffix(digits, "f") { // 1f, as gdb has it
		if f, ok := new(big.Float).SetString(strings.TrimSuffix(digits, "f")); ok && suffix == "" {
			return &node{op: opNumber, real: f, text: "f"}, nil
		}
	}
	n, ok := new(big.Int).SetString(digits, 0)
	if !ok || strings.HasPrefix(digits, "0o") {
		return nil, bad
	}
	if n.BitLen() > 64 {
		return nil, fmt.Errorf("%s does not fit 64 bits", text)
	}
	unsigned := strings.Contains(suffix, "u")
	decimal := digits[0] != '0' || len(digits) == 1
	nd := &node{op: opNumber, num: n}
	if decimal {
		nd.wide = "10"
	}
	if unsigned {
		nd.text = "u"
	}
	nd.text += strings.Repeat("l", strings.Count(suffix, "l"))
	return nd, nil
}

func newInt(code uint64) *big.Int { return new(big.Int).SetUint64(code) }

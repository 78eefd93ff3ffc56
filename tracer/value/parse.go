package value

import (
	"fmt"
	"slices"
)

// This file parses expressions by precedence climbing. The first mistake is kept,
// and no token but the end follows it.

// A meaning is what a name stands for where an expression is parsed, which decides
// whether (x)(y) is a cast or a call and x<y>(z) two comparisons.
type meaning uint8

const (
	unknown meaning = iota
	isObject
	isType
)

type parser struct {
	text  string
	toks  []token // from the next one on
	names func(name string) meaning
	depth int
	err   error
}

// parse returns the tree of an expression.
func parse(text string, names func(name string) meaning) (*node, error) {
	toks, err := tokenize(text)
	if err != nil {
		return nil, err
	}
	p := &parser{text: text, toks: toks, names: names}
	n := p.comma()
	if t := p.peek(); p.err == nil && t.kind != tokEnd {
		p.fail(t.start, "unexpected %s, want an operator or the end", t)
	}
	return n, p.err
}

// fail records a mistake, unless there was one.
func (p *parser) fail(at int, format string, args ...any) {
	if p.err == nil {
		p.err = &ExprError{p.text, at, fmt.Errorf(format, args...)}
	}
	p.toks = p.toks[len(p.toks)-1:]
}

func (p *parser) peek() token { return p.toks[0] }

// peekAt returns the token i behind the next one.
func (p *parser) peekAt(i int) token { return p.toks[min(i, len(p.toks)-1)] }

func (p *parser) take() token {
	t := p.toks[0]
	if len(p.toks) > 1 {
		p.toks = p.toks[1:]
	}
	return t
}

func (t token) is(symbols ...string) bool {
	return t.kind == tokSymbol && slices.Contains(symbols, t.text)
}

// accept takes a symbol if it is next.
func (p *parser) accept(symbol string) bool {
	if !p.peek().is(symbol) {
		return false
	}
	p.take()
	return true
}

// want takes a symbol, which must be next.
func (p *parser) want(symbol string) {
	if !p.accept(symbol) {
		p.fail(p.peek().start, "unexpected %s, want %q", p.peek(), symbol)
	}
}

// maxNesting limits how deep expressions and types lie within each other.
const maxNesting = 200

// nest counts a level, and reports whether there may be one. The caller leaves it
// by p.depth--.
func (p *parser) nest() bool {
	if p.depth++; p.depth > maxNesting {
		p.fail(p.peek().start, "more than %d parts within each other", maxNesting)
		return false
	}
	return true
}

func (p *parser) comma() *node {
	x := p.assignment()
	for p.peek().is(",") {
		t := p.take()
		x = p.join(x, t, p.assignment())
	}
	return x
}

// join returns the node of a binary operator.
func (p *parser) join(x *node, t token, y *node) *node {
	return &node{op: t.text, at: t.start, x: x, y: y}
}

var assignments = []string{"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="}

func (p *parser) assignment() *node {
	defer func() { p.depth-- }()
	if !p.nest() {
		return nil
	}
	x := p.binary(1)
	switch t := p.peek(); {
	case t.is(assignments...):
		p.take()
		return p.join(x, t, p.assignment())
	case t.is("?"):
		p.take()
		then := p.comma()
		p.want(":")
		return &node{op: "?:", at: t.start, x: x, y: then, args: []*node{p.assignment()}}
	}
	return x
}

// levels tell how tightly binary operators bind. That of @ is gdb's.
var levels = map[string]int{
	"||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6,
	"<": 7, ">": 7, "<=": 7, ">=": 7, "<<": 8, ">>": 8, "@": 9,
	"+": 10, "-": 10, "*": 11, "/": 11, "%": 11, ".*": 12, "->*": 12,
}

// maxLength limits how many operators follow each other: a tree may be as deep.
const maxLength = 1000

// binary parses operators that bind at least as tightly as a level.
func (p *parser) binary(level int) *node {
	x := p.unary()
	for i := 0; ; i++ {
		t := p.peek()
		l := levels[t.text]
		if t.kind != tokSymbol || l < max(level, 1) {
			return x
		}
		if i == maxLength {
			p.fail(t.start, "more than %d operators in a row", maxLength)
			return x
		}
		p.take()
		x = p.join(x, t, p.binary(l+1))
	}
}

func (p *parser) unary() *node {
	defer func() { p.depth-- }()
	if !p.nest() {
		return nil
	}
	t := p.peek()
	switch {
	case t.is("+", "-", "!", "~", "*", "&", "++", "--"):
		p.take()
		return &node{op: t.text + "x", at: t.start, x: p.unary()}
	case t.is("&&"):
		p.fail(t.start, "unexpected \"&&\", want a value (labels have no addresses here)")
	case t.is("{"):
		p.take()
		typ := p.typeName()
		p.want("}")
		return &node{op: opAt, at: t.start, typ: typ, x: p.unary()}
	case t.is("(") && p.startsType(1):
		p.take()
		typ := p.typeName()
		p.want(")")
		return &node{op: opCast, at: t.start, typ: typ, x: p.unary()}
	case t.kind == tokName && (t.text == "sizeof" || t.text == "alignof" || t.text == "_Alignof" || t.text == "__alignof__"):
		p.take()
		n := &node{op: opAlignof, at: t.start}
		if t.text == "sizeof" {
			n.op = opSizeof
		}
		if p.peek().is("(") && p.startsType(1) {
			p.take()
			n.typ = p.typeName()
			p.want(")")
		} else {
			n.x = p.unary()
		}
		return n
	case t.kind == tokName && (t.text == "offsetof" || t.text == "__builtin_offsetof") && p.isMacro():
		p.take()
		p.take()
		return p.offset(p.typeName(), t.start)
	case t.kind == tokName && t.text == "container_of" && p.isMacro():
		p.take()
		p.take()
		x := &node{op: opCast, at: t.start, typ: pointerTo(&typeName{at: t.start, name: "char", basic: true}), x: p.assignment()}
		p.want(",")
		typ := p.typeName()
		x = &node{op: "-", at: t.start, x: x, y: p.offset(typ, t.start)}
		return p.postfix(&node{op: opCast, at: t.start, typ: pointerTo(typ), x: x})
	}
	return p.postfix(p.primary())
}

// isMacro reports whether the next word is called and is no name of the program's.
func (p *parser) isMacro() bool { return p.peekAt(1).is("(") && p.names(p.peek().text) == unknown }

// offset reads the rest of offsetof(typ, MEMBER), and is what its macro was in C before
// compilers had it built in.
func (p *parser) offset(typ *typeName, at int) *node {
	p.want(",")
	name := p.take()
	if name.kind != tokName {
		p.fail(name.start, "unexpected %s, want the name of a member", name)
	}
	null := &node{op: opCast, at: at, typ: pointerTo(typ), x: &node{op: opNumber, at: at, num: newInt(0)}}
	x := p.postfix(&node{op: "->", at: name.start, x: null, text: name.text})
	p.want(")")
	return &node{op: opCast, at: at, typ: &typeName{at: at, name: "unsigned long", basic: true}, x: &node{op: "&x", at: at, x: x}}
}

func pointerTo(t *typeName) *typeName {
	return &typeName{at: t.at, name: t.name, basic: t.basic, steps: append(slices.Clone(t.steps), step{kind: '*'})}
}

func (p *parser) postfix(x *node) *node {
	for i := 0; ; i++ {
		t := p.peek()
		if i == maxLength {
			p.fail(t.start, "more than %d operators in a row", maxLength)
		}
		switch {
		case t.is(".", "->"):
			p.take()
			name := p.take()
			if name.kind != tokName {
				p.fail(name.start, "unexpected %s, want the name of a member", name)
			}
			text := name.text
			for p.peek().is("::") { // x.Base::member
				p.take()
				text += "::" + p.take().text
			}
			x = &node{op: t.text, at: name.start, x: x, text: text}
		case t.is("["):
			p.take()
			i := p.comma()
			p.want("]")
			x = &node{op: opIndex, at: t.start, x: x, y: i}
		case t.is("("):
			p.take()
			n := &node{op: opCall, at: t.start, x: x}
			for !p.accept(")") && p.err == nil {
				n.args = append(n.args, p.assignment())
				if !p.peek().is(")") {
					p.want(",")
				}
			}
			x = n
		case t.is("++", "--"):
			p.take()
			x = &node{op: "x" + t.text, at: t.start, x: x}
		default:
			return x
		}
	}
}

// casts are the words of C++'s casts.
var casts = map[string]string{
	"static_cast": opCast, "const_cast": opCast, "reinterpret_cast": opReread, "dynamic_cast": opDynamic,
}

func (p *parser) primary() *node {
	t := p.peek()
	switch t.kind {
	case tokNumber:
		p.take()
		n, err := parseNumber(t.text)
		if err != nil {
			p.fail(t.start, "%w", err)
			return nil
		}
		n.at = t.start
		return n
	case tokChar:
		p.take()
		return &node{op: opChar, at: t.start, wide: t.wide, num: newInt(t.code)}
	case tokString:
		n := &node{op: opString, at: t.start, wide: t.wide}
		for p.peek().kind == tokString {
			s := p.take()
			if n.wide == "" {
				n.wide = s.wide
			} else if s.wide != "" && s.wide != n.wide {
				p.fail(s.start, "strings of %s and %s next to each other", n.wide, s.wide)
			}
			n.text += s.text
		}
		return n
	case tokRegister:
		p.take()
		return &node{op: opRegister, at: t.start, text: t.text}
	case tokName:
		if op := casts[t.text]; op != "" && p.peekAt(1).is("<") {
			p.take()
			p.take()
			typ := p.typeName()
			p.wantClose()
			p.want("(")
			x := p.comma()
			p.want(")")
			return &node{op: op, at: t.start, typ: typ, x: x}
		}
	case tokSymbol:
		if t.text == "(" {
			p.take()
			x := p.comma()
			p.want(")")
			return x
		}
	}
	if t.kind == tokName || t.kind == tokQuoted || t.is("::") {
		if p.startsType(0) {
			typ := p.specifier()
			if !p.peek().is("(") {
				p.fail(t.start, "a type where a value is wanted: use sizeof, or cast a value to it")
				return nil
			}
			p.take()
			x := p.comma()
			p.want(")")
			return &node{op: opCast, at: t.start, typ: typ, x: x}
		}
		return &node{op: opName, at: t.start, text: p.name()}
	}
	p.fail(t.start, "unexpected %s, want a value", t)
	return nil
}

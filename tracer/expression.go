package tracer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/tracelark/tracelark/tracer/arch"
)

// This file parses the source of conditions, by recursive descent, and makes
// closures of it. The first mistake is kept, and no token but the end follows it.

// An operand is a compiled part of a condition. One of the functions is set, or
// none after a mistake.
type operand struct {
	num   func(*scope) number
	truth func(*scope) bool
	text  func(*scope) []byte
	bits  uint8 // the width of the register that it is, or 0
	at    int   // offset in the source
}

func (x *operand) String() string {
	switch {
	case x.num != nil:
		return "a number"
	case x.text != nil:
		return "text"
	}
	return "a truth value"
}

type conditionParser struct {
	text  string
	addr  func(string) (uint64, error)
	pos   int // behind tok
	tok   token
	depth int
	err   error
}

// fail records a mistake, unless there was one.
func (p *conditionParser) fail(at int, format string, args ...any) {
	if p.err == nil {
		p.err = &ConditionError{p.text, at, fmt.Sprintf(format, args...)}
	}
	p.pos = len(p.text)
	p.tok = token{kind: tokEnd, at: p.pos}
}

// accept takes a symbol if it is next.
func (p *conditionParser) accept(text string) bool {
	if p.tok.kind != tokSymbol || p.tok.text != text {
		return false
	}
	p.next()
	return true
}

// want takes a symbol, which must be next.
func (p *conditionParser) want(text string) {
	if !p.accept(text) {
		p.fail(p.tok.at, "unexpected %s, want %q", p.tok, text)
	}
}

func (p *conditionParser) or() operand {
	if p.depth++; p.depth > maxDepth {
		p.fail(p.tok.at, "more than %d parentheses in each other", maxDepth)
	}
	defer func() { p.depth-- }()
	x := p.and()
	for p.accept("or") {
		l, r := p.truth(x), p.truth(p.and())
		x = operand{truth: func(s *scope) bool { return l(s) || r(s) }, at: x.at}
	}
	return x
}

func (p *conditionParser) and() operand {
	x := p.not()
	for p.accept("and") {
		l, r := p.truth(x), p.truth(p.not())
		x = operand{truth: func(s *scope) bool { return l(s) && r(s) }, at: x.at}
	}
	return x
}

func (p *conditionParser) not() operand {
	at := p.tok.at
	nots := 0
	for p.accept("not") {
		nots++
	}
	x := p.comparison()
	if nots == 0 {
		return x
	}
	f := p.truth(x)
	return operand{truth: func(s *scope) bool { return f(s) != (nots%2 == 1) }, at: at}
}

// relations tell what the sign of a difference must be.
var relations = map[string]func(sign int) bool{
	"==": func(sign int) bool { return sign == 0 },
	"!=": func(sign int) bool { return sign != 0 },
	"<":  func(sign int) bool { return sign < 0 },
	"<=": func(sign int) bool { return sign <= 0 },
	">":  func(sign int) bool { return sign > 0 },
	">=": func(sign int) bool { return sign >= 0 },
}

func (p *conditionParser) comparison() operand {
	x := p.binary(1)
	if p.accept("in") {
		return operand{truth: p.in(x), at: x.at}
	}
	if p.accept("not") {
		p.want("in")
		in := p.in(x)
		return operand{truth: func(s *scope) bool { return !in(s) }, at: x.at}
	}
	list := []operand{x}
	var rels []func(int) bool
	for p.tok.kind == tokSymbol && relations[p.tok.text] != nil {
		rels = append(rels, relations[p.tok.text])
		at := p.tok.at
		p.next()
		y := p.binary(1)
		p.comparable(x, y, at)
		list = append(list, y)
	}
	if len(list) == 1 {
		return x
	}
	if x.num != nil {
		return operand{truth: chain(numsOf(list), rels, compareNumbers), at: x.at}
	}
	return operand{truth: chain(textsOf(list), rels, bytes.Compare), at: x.at}
}

// comparable checks that x and y, which an operator at an offset compares, are both
// numbers or both text.
func (p *conditionParser) comparable(x, y operand, at int) {
	if (x.num == nil || y.num == nil) && (x.text == nil || y.text == nil) {
		p.fail(at, "%s cannot be compared with %s", &x, &y)
	}
}

func numsOf(list []operand) (values []func(*scope) number) {
	for _, x := range list {
		values = append(values, x.num)
	}
	return values
}

func textsOf(list []operand) (values []func(*scope) []byte) {
	for _, x := range list {
		values = append(values, x.text)
	}
	return values
}

// chain returns the comparison of each operand with the next.
func chain[T any](values []func(*scope) T, rels []func(int) bool, compare func(x, y T) int) func(*scope) bool {
	return func(s *scope) bool {
		x := values[0](s)
		for i, rel := range rels {
			y := values[i+1](s)
			if !rel(compare(x, y)) {
				return false
			}
			x = y
		}
		return true
	}
}

// in parses what follows "x in": a tuple, a list or text.
func (p *conditionParser) in(x operand) func(*scope) bool {
	at := p.tok.at
	closing := ""
	switch {
	case p.accept("("):
		closing = ")"
	case p.accept("["):
		closing = "]"
	default:
		return p.part(x, p.binary(1), at)
	}
	var list []operand
	for !p.accept(closing) && p.err == nil {
		y := p.or()
		if len(list) == 0 && closing == ")" && p.accept(")") {
			return p.part(x, y, at)
		}
		p.comparable(x, y, y.at)
		list = append(list, y)
		if !p.accept(",") {
			p.want(closing)
			break
		}
	}
	if x.num != nil {
		return among(x.num, numsOf(list), compareNumbers)
	}
	return among(x.text, textsOf(list), bytes.Compare)
}

// among returns the test whether a value is equal to one of a list.
func among[T any](value func(*scope) T, list []func(*scope) T, compare func(x, y T) int) func(*scope) bool {
	return func(s *scope) bool {
		x := value(s)
		return slices.ContainsFunc(list, func(y func(*scope) T) bool { return compare(x, y(s)) == 0 })
	}
}

// part returns the test whether text is a part of other text.
func (p *conditionParser) part(x, y operand, at int) func(*scope) bool {
	if x.text == nil || y.text == nil {
		p.fail(at, "want a tuple, such as (1, 2)")
	}
	return func(s *scope) bool { return bytes.Contains(y.text(s), x.text(s)) }
}

// binary parses operators that bind at least as tightly as a level.
func (p *conditionParser) binary(level int) operand {
	x := p.unary()
	for p.tok.kind == tokSymbol {
		op := operators[p.tok.text]
		if op == nil || op.level < level {
			break
		}
		p.next()
		l, r := p.number(x), p.number(p.binary(op.level+1))
		x = operand{num: func(s *scope) number {
			z, err := op.apply(l(s), r(s))
			if err != nil {
				s.fail(err)
			}
			return z
		}, at: x.at}
	}
	return x
}

func (p *conditionParser) unary() operand {
	at := p.tok.at
	var signs []string
	for p.tok.kind == tokSymbol && strings.Contains("+-~", p.tok.text) {
		signs = append(signs, p.tok.text)
		p.next()
	}
	x := p.primary()
	for _, sign := range slices.Backward(signs) {
		// Both are differences: -x is 0 - x, ~x is -1 - x.
		from, f := number{}, p.number(x)
		switch sign {
		case "+":
			continue
		case "~":
			from.small = -1
		}
		x = operand{num: func(s *scope) number {
			z, _ := operators["-"].apply(from, f(s))
			return z
		}, at: at}
	}
	return x
}

// number returns x, which must be a number.
func (p *conditionParser) number(x operand) func(*scope) number {
	if x.num == nil {
		p.fail(x.at, "want a number, not %s", &x)
	}
	return x.num
}

// truth returns whether x, which must not be text, holds.
func (p *conditionParser) truth(x operand) func(*scope) bool {
	switch {
	case x.truth != nil:
		return x.truth
	case x.num == nil:
		p.fail(x.at, "text neither holds nor does not: compare it")
	}
	return func(s *scope) bool { return x.num(s) != number{} }
}

func (p *conditionParser) primary() operand {
	t := p.tok
	switch t.kind {
	case tokNumber:
		n, ok := new(big.Int).SetString(t.text, 0)
		if !ok || t.text[0] == '0' && len(t.text) > 1 && '0' <= t.text[1] && t.text[1] <= '9' {
			p.fail(t.at, "%q is no number", t.text)
			break
		}
		p.next()
		value := narrow(n)
		return operand{num: func(*scope) number { return value }, at: t.at}
	case tokText:
		p.next()
		value := []byte(t.text)
		return operand{text: func(*scope) []byte { return value }, at: t.at}
	case tokName:
		p.next()
		if p.accept("(") {
			return p.call(t)
		}
		return p.name(t)
	case tokSymbol:
		if p.accept("(") {
			x := p.or()
			x.at = t.at
			p.want(")")
			return x
		}
	}
	p.fail(t.at, "unexpected %s, want a value", t)
	return operand{}
}

// conventional are the registers that hold what functions are given and return (System V
// ABI, AMD64 Architecture Processor Supplement, section 3.2.3).
var conventional = map[string]string{
	"arg0": "rdi", "arg1": "rsi", "arg2": "rdx", "arg3": "rcx", "arg4": "r8", "arg5": "r9", "retval": "rax",
}

// name returns what a name stands for.
func (p *conditionParser) name(t token) operand {
	name := strings.TrimPrefix(t.text, "$")
	r := arch.Lookup(name)
	if given, ok := conventional[name]; ok {
		r = arch.Lookup(given)
	}
	if r == nil {
		r = arch.LookupFlag(name)
	}
	switch {
	case r != nil:
		return operand{num: func(s *scope) number { return unsigned(r.Get(s.regs)) }, bits: r.Bits, at: t.at}
	case name == "tid":
		return operand{num: func(s *scope) number { return number{small: int64(s.tid)} }, at: t.at}
	case name == "hits":
		return operand{num: func(s *scope) number { return number{small: int64(s.hits)} }, at: t.at}
	}
	near := nearNames(name)
	if p.addr != nil {
		addr, err := p.addr(name)
		if err == nil {
			return p.constant(t, addr)
		}
		var none *NotFoundError
		if !errors.As(err, &none) {
			p.fail(t.at, "%s", err)
		} else if len(near) == 0 {
			near = none.Near()
		}
	}
	advice := didYouMean(near)
	if len(near) == 0 {
		advice = " (a condition that looks at variables of functions is a function of the stop)"
	}
	p.fail(t.at, "unknown register or symbol %q%s", name, advice)
	return operand{}
}

func (p *conditionParser) constant(t token, addr uint64) operand {
	value := unsigned(addr)
	return operand{num: func(*scope) number { return value }, at: t.at}
}

// nearNames returns the registers and flags whose names differ from name in one
// character; none for a name of one, which is another variable's as likely.
func nearNames(name string) (near []string) {
	if len(name) < 2 {
		return nil
	}
	for _, list := range [][]arch.Register{arch.Registers, arch.Parts, arch.Flags} {
		for i := range list {
			if len(near) < 3 && isNear(name, list[i].Name) {
				near = append(near, list[i].Name)
			}
		}
	}
	for _, other := range slices.Sorted(maps.Keys(conventional)) {
		if len(near) < 3 && isNear(name, other) {
			near = append(near, other)
		}
	}
	return near
}

func isNear(s, t string) bool {
	for s != "" && t != "" && s[0] == t[0] {
		s, t = s[1:], t[1:]
	}
	for s != "" && t != "" && s[len(s)-1] == t[len(t)-1] {
		s, t = s[:len(s)-1], t[:len(t)-1]
	}
	return len(s) <= 1 && len(t) <= 1
}

// loads are the functions that read a number from memory.
var loads = map[string]struct {
	size   int
	signed bool
}{
	"u8": {1, false}, "u16": {2, false}, "u32": {4, false}, "u64": {8, false}, "ptr": {8, false},
	"i8": {1, true}, "i16": {2, true}, "i32": {4, true}, "i64": {8, true},
}

// call parses the arguments of a function, behind its parenthesis.
func (p *conditionParser) call(t token) operand {
	if t.text == "addr" {
		loc := p.tok
		if loc.kind != tokText || p.addr == nil {
			p.fail(loc.at, "want a location in quotes")
			return operand{}
		}
		addr, err := p.addr(loc.text)
		if err != nil {
			p.fail(loc.at, "%s", err)
		}
		p.next()
		p.want(")")
		return p.constant(t, addr)
	}
	load, isLoad := loads[t.text]
	if !isLoad && t.text != "signed" && t.text != "cstr" && t.text != "bytes" {
		p.fail(t.at, "unknown function %q, want u8 u16 u32 u64 i8 i16 i32 i64 ptr cstr bytes signed or addr", t.text)
	}
	x := p.or()
	a := p.number(x)
	result := operand{at: t.at}
	switch {
	case isLoad:
		result.num = func(s *scope) number {
			s.word = [8]byte{}
			if !s.read(a(s).low64(), s.word[:load.size]) {
				return number{}
			}
			u := binary.LittleEndian.Uint64(s.word[:])
			if load.signed {
				return signed(u, uint8(8*load.size))
			}
			return unsigned(u)
		}
	case t.text == "signed":
		bits := x.bits
		if bits == 0 {
			bits = 64
		}
		result.num = func(s *scope) number { return signed(a(s).low64(), bits) }
	case t.text == "cstr":
		buf := make([]byte, maxCStr)
		result.text = func(s *scope) []byte { return s.cstr(a(s).low64(), buf) }
	case t.text == "bytes":
		p.want(",")
		size := p.number(p.or())
		var buf []byte
		result.text = func(s *scope) []byte {
			addr, n := a(s).low64(), size(s)
			length, ok := n.within(maxBytes)
			if !ok {
				s.fail(fmt.Errorf("bytes: n is %s, want 0 to %d", n, maxBytes))
				return nil
			}
			buf = slices.Grow(buf[:0], length)[:length]
			s.read(addr, buf)
			return buf
		}
	}
	p.want(")")
	return result
}

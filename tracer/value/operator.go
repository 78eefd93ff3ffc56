package value

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// This file computes what operators do.

// bool returns a truth value, which has type int in C.
func (e *evaluator) bool(x bool) (*Value, error) {
	n, t := new(big.Int), intType
	if e.Language() == debuginfo.CPlusPlus {
		t = boolType
	}
	if x {
		n.SetInt64(1)
	}
	return e.int(t, n)
}

// deref returns what *x means.
func deref(x *Value) (*Value, error) {
	x, t, err := x.resolve()
	if err != nil {
		return nil, err
	}
	if t.Kind == debuginfo.Function {
		return x, nil
	}
	return x.Deref()
}

func (e *evaluator) addressOf(x *Value) (*Value, error) {
	if _, ok := x.literal(); ok {
		return nil, errors.New("the string is not in the target and has no address")
	}
	return x.AddressOf()
}

// array returns the array of y objects from x on.
func (e *evaluator) array(x, y *Value) (*Value, error) {
	x, err := x.referent()
	if err != nil {
		return nil, err
	}
	n, err := index(y)
	if err != nil {
		return nil, err
	}
	addr, ok := x.Address()
	switch {
	case !ok:
		return nil, fmt.Errorf("@ wants an object in memory at its left, such as *p: %w", x.noAddress())
	case x.typ == nil:
		return nil, errors.New("void has no values")
	case n < 1 || n > 1<<31-1:
		return nil, fmt.Errorf("an array of %d elements", n)
	}
	return At(e.Scope, debuginfo.ArrayOf(x.typ, n), addr), nil
}

func (e *evaluator) unary(op byte, x *Value) (*Value, error) {
	if op == '!' {
		truth, err := x.Truth()
		if err != nil {
			return nil, err
		}
		return e.bool(!truth)
	}
	x, err := e.promote(x)
	if err != nil {
		return nil, err
	}
	t, err := x.strip()
	if err != nil {
		return nil, err
	}
	if t.Kind == debuginfo.Pointer && op == '+' {
		return x, nil
	}
	if t.Kind != debuginfo.Base || isFloat(t) && op == '~' || !x.IsScalar() {
		return nil, fmt.Errorf("%c does not take %s", op, x.typ)
	}
	if isFloat(t) {
		if op == '+' {
			return x, nil
		}
		b, err := x.Bytes()
		if err != nil {
			return nil, err
		}
		l, err := layoutOf(t, len(b))
		if err != nil {
			return nil, err
		}
		b = append([]byte(nil), b...)
		sign := l.man + l.exp
		b[sign/8] ^= 1 << (sign % 8)
		return FromBytes(e.Scope, x.typ, b), nil
	}
	n, err := x.Int()
	if err != nil {
		return nil, err
	}
	switch op {
	case '-':
		n.Neg(n)
	case '~':
		n.Not(n)
	}
	return e.int(x.typ, n)
}

// increment changes x by one. The result is x itself, or what it was before.
func (e *evaluator) increment(op string, x *Value) (*Value, error) {
	one, err := e.int(intType, big.NewInt(1))
	if err != nil {
		return nil, err
	}
	sign := "+"
	if op == "--x" || op == "x--" {
		sign = "-"
	}
	if x, err = x.referent(); err != nil {
		return nil, err
	}
	b, err := x.Bytes()
	if err != nil {
		return nil, err
	}
	before := FromBytes(e.Scope, x.typ, b)
	y, err := e.binary(sign, x, one)
	if err == nil {
		x, err = e.assign(x, y)
	}
	if err == nil && op[0] == 'x' {
		x = before
	}
	return x, err
}

// assign writes y, converted, to x and returns x.
func (e *evaluator) assign(x, y *Value) (*Value, error) {
	x, err := x.referent()
	if err != nil {
		return nil, err
	}
	if y, err = y.referent(); err != nil {
		return nil, err
	}
	to, err := x.strip()
	if err != nil {
		return nil, err
	}
	if x.loc.Kind == debuginfo.Known {
		return nil, errors.New("the left side is no object that can be assigned to")
	}
	switch to.Kind {
	case debuginfo.Function:
		return nil, errors.New("a function cannot be assigned to")
	case debuginfo.Struct, debuginfo.Class, debuginfo.Union, debuginfo.Array:
		from, err := y.strip()
		if err != nil {
			return nil, err
		}
		if from.Kind != to.Kind || from.Name != to.Name || from.Size != to.Size {
			return nil, fmt.Errorf("%s cannot be assigned to %s", y.typ, x.typ)
		}
	default:
		if y, err = e.cast(y, x.typ, false); err != nil {
			return nil, err
		}
	}
	b, err := y.Bytes()
	if err != nil {
		return nil, err
	}
	dest := *x
	dest.in = e.Scope // which may refuse it, though the scope that x was found in would not
	return x, dest.Set(b)
}

// both returns what f makes of each side of an operator.
func both[T any](x, y *Value, f func(*Value) (T, error)) (a, b T, err error) {
	if a, err = f(x); err == nil {
		b, err = f(y)
	}
	return a, b, err
}

// comparisons tell what the sign of a difference must be.
var comparisons = map[string]func(sign int) bool{
	"==": func(sign int) bool { return sign == 0 },
	"!=": func(sign int) bool { return sign != 0 },
	"<":  func(sign int) bool { return sign < 0 },
	"<=": func(sign int) bool { return sign <= 0 },
	">":  func(sign int) bool { return sign > 0 },
	">=": func(sign int) bool { return sign >= 0 },
}

// binary returns what an operator makes of two values.
func (e *evaluator) binary(op string, x, y *Value) (*Value, error) {
	x, y, err := both(x, y, e.promote)
	if err != nil {
		return nil, err
	}
	a, b, err := both(x, y, (*Value).strip)
	if err != nil {
		return nil, err
	}
	if a.Kind == debuginfo.Pointer || b.Kind == debuginfo.Pointer {
		return e.pointers(op, x, y, a, b)
	}
	if !x.IsScalar() || !y.IsScalar() || a.Kind != debuginfo.Base || b.Kind != debuginfo.Base {
		return nil, fmt.Errorf("%s does not take %s and %s", op, x.typ, y.typ)
	}
	if op == "<<" || op == ">>" {
		return e.shift(op, x, y)
	}
	t := usual(x, y, a, b)
	if isFloat(t) {
		return e.floats(op, x, y, t)
	}
	if x, y, err = both(x, y, func(v *Value) (*Value, error) { return e.convert(v, t) }); err != nil {
		return nil, err
	}
	m, n, err := both(x, y, (*Value).Int)
	if err != nil {
		return nil, err
	}
	if is := comparisons[op]; is != nil {
		return e.bool(is(m.Cmp(n)))
	}
	switch op {
	case "+":
		m.Add(m, n)
	case "-":
		m.Sub(m, n)
	case "*":
		m.Mul(m, n)
	case "/", "%":
		if n.Sign() == 0 {
			return nil, errors.New("division by zero")
		}
		if op == "/" {
			m.Quo(m, n)
		} else {
			m.Rem(m, n)
		}
	case "&":
		m.And(m, n)
	case "|":
		m.Or(m, n)
	case "^":
		m.Xor(m, n)
	}
	return e.int(t, m)
}

// convert returns an integer as type t has it.
func (e *evaluator) convert(v *Value, t *debuginfo.Type) (*Value, error) {
	n, err := v.Int()
	if err != nil {
		return nil, err
	}
	return e.int(t, n)
}

// usual returns the type that arithmetic on two promoted numbers has (C17, 6.3.1.8).
func usual(x, y *Value, a, b *debuginfo.Type) *debuginfo.Type {
	switch fa, fb := isFloat(a), isFloat(b); {
	case fa && fb && b.Size > a.Size:
		return y.typ
	case fa:
		return x.typ
	case fb:
		return y.typ
	case a.Size > b.Size:
		return x.typ
	case b.Size > a.Size:
		return y.typ
	case x.signed() == y.signed():
		if rank(b) > rank(a) {
			return y.typ
		}
		return x.typ
	}
	unsigned := x
	if x.signed() {
		unsigned = y
	}
	if a.Size == 8 && max(rank(a), rank(b)) > 0 {
		return basicTypes["unsigned long long"]
	}
	return unsigned.typ
}

// rank tells long long from long.
func rank(t *debuginfo.Type) int {
	if t.Name == "long long" || t.Name == "unsigned long long" {
		return 1
	}
	return 0
}

func (e *evaluator) shift(op string, x, y *Value) (*Value, error) {
	t, err := x.strip()
	if err != nil {
		return nil, err
	}
	if x.IsFloat() || y.IsFloat() {
		return nil, fmt.Errorf("%s does not take %s and %s", op, x.typ, y.typ)
	}
	m, n, err := both(x, y, (*Value).Int)
	if err != nil {
		return nil, err
	}
	if n.Sign() < 0 || n.Cmp(big.NewInt(t.Size*8)) >= 0 {
		return nil, fmt.Errorf("a shift by %s bits, want 0 to %d", n, t.Size*8-1)
	}
	if op == "<<" {
		m.Lsh(m, uint(n.Int64()))
	} else {
		m.Rsh(m, uint(n.Int64()))
	}
	return e.int(x.typ, m)
}

// floats computes with the precision of the result. A NaN is not less, equal or
// greater than anything.
func (e *evaluator) floats(op string, x, y *Value, t *debuginfo.Type) (*Value, error) {
	p, q, err := both(x, y, (*Value).exact)
	if err != nil {
		return nil, err
	}
	if is := comparisons[op]; is != nil {
		if p == nil || q == nil {
			return e.bool(op == "!=")
		}
		return e.bool(is(p.Cmp(q)))
	}
	// What is no number, or makes none, is left to the CPU's arithmetic.
	special := p == nil || q == nil || p.IsInf() || q.IsInf() || op == "/" && q.Sign() == 0
	if special {
		f, g, err := both(x, y, (*Value).Float)
		if err != nil {
			return nil, err
		}
		switch op {
		case "+":
			f += g
		case "-":
			f -= g
		case "*":
			f *= g
		case "/":
			f /= g
		default:
			return nil, fmt.Errorf("%s does not take %s and %s", op, x.typ, y.typ)
		}
		return FromFloat(e.Scope, t, f)
	}
	z := new(big.Float).SetPrec(256)
	switch op {
	case "+":
		z.Add(p, q)
	case "-":
		z.Sub(p, q)
	case "*":
		z.Mul(p, q)
	case "/":
		z.Quo(p, q)
	default:
		return nil, fmt.Errorf("%s does not take %s and %s", op, x.typ, y.typ)
	}
	b, err := encodeFloat(t, z)
	if err != nil {
		return nil, err
	}
	return FromBytes(e.Scope, t, b), nil
}

// exact returns the value of a number without rounding, or nil for a NaN.
func (v *Value) exact() (*big.Float, error) {
	if v.IsFloat() {
		return v.bigFloat()
	}
	n, err := v.Int()
	if err != nil {
		return nil, err
	}
	return new(big.Float).SetPrec(128).SetInt(n), nil
}

// pointers computes with at least one pointer.
func (e *evaluator) pointers(op string, x, y *Value, a, b *debuginfo.Type) (*Value, error) {
	two := a.Kind == debuginfo.Pointer && b.Kind == debuginfo.Pointer
	if x.IsFloat() || y.IsFloat() || !x.IsScalar() || !y.IsScalar() {
		return nil, fmt.Errorf("%s does not take %s and %s", op, x.typ, y.typ)
	}
	switch {
	case comparisons[op] != nil:
		m, n, err := both(x, y, (*Value).Uint64)
		if err != nil {
			return nil, err
		}
		return e.bool(comparisons[op](newInt(m).Cmp(newInt(n))))
	case op == "-" && two:
		elem, err := a.Elem()
		if err != nil {
			return nil, err
		}
		other, err := b.Elem()
		if err != nil {
			return nil, err
		}
		size, err := e.stride(elem)
		if err != nil {
			return nil, err
		}
		if n, err := e.stride(other); err != nil || n != size || size == 0 {
			return nil, fmt.Errorf("pointers to objects of different sizes are not subtracted: %s and %s", x.typ, y.typ)
		}
		m, n, err := both(x, y, (*Value).Uint64)
		if err != nil {
			return nil, err
		}
		return e.int(longType, big.NewInt(int64(m-n)/size))
	case two:
	case op == "+" && a.Kind == debuginfo.Pointer, op == "-" && a.Kind == debuginfo.Pointer, op == "+":
		if a.Kind != debuginfo.Pointer {
			x, y = y, x
		}
		n, err := index(y)
		if err != nil {
			return nil, err
		}
		if op == "-" {
			n = -n
		}
		return x.Add(n)
	}
	return nil, fmt.Errorf("%s does not take %s and %s: cast a pointer to long to compute with it", op, x.typ, y.typ)
}

// stride returns how far apart the elements lie that pointers point to.
func (e *evaluator) stride(elem *debuginfo.Type) (int64, error) {
	if elem == nil {
		return 1, nil
	}
	return At(e.Scope, elem, 0).Size()
}

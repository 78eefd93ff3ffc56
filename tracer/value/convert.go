package value

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// This file makes the types and the constants of expressions, and converts values as C
// does.

var (
	boolType  = debuginfo.NewBase("bool", 1, encBoolean)
	intType   = debuginfo.NewBase("int", 4, encSigned)
	uintType  = debuginfo.NewBase("unsigned int", 4, encUnsigned)
	longType  = debuginfo.NewBase("long", 8, encSigned)
	ulongType = debuginfo.NewBase("unsigned long", 8, encUnsigned)
)

// basicTypes are the types that expressions know without debug information.
var basicTypes = func() map[string]*debuginfo.Type {
	m := map[string]*debuginfo.Type{"void": nil}
	for _, t := range []*debuginfo.Type{
		boolType, debuginfo.NewBase("_Bool", 1, encBoolean), intType, uintType, longType, ulongType,
		debuginfo.NewBase("char", 1, encSignedChar),
		debuginfo.NewBase("signed char", 1, encSignedChar),
		debuginfo.NewBase("unsigned char", 1, encUnsignedChar),
		debuginfo.NewBase("short", 2, encSigned),
		debuginfo.NewBase("unsigned short", 2, encUnsigned),
		debuginfo.NewBase("long long", 8, encSigned),
		debuginfo.NewBase("unsigned long long", 8, encUnsigned),
		debuginfo.NewBase("__int128", 16, encSigned),
		debuginfo.NewBase("unsigned __int128", 16, encUnsigned),
		debuginfo.NewBase("float", 4, encFloat),
		debuginfo.NewBase("double", 8, encFloat),
		debuginfo.NewBase("long double", 16, encFloat),
		debuginfo.NewBase("wchar_t", 4, encSigned),
		debuginfo.NewBase("char8_t", 1, encUTF),
		debuginfo.NewBase("char16_t", 2, encUTF),
		debuginfo.NewBase("char32_t", 4, encUTF),
	} {
		m[t.Name] = t
	}
	m["unsigned int"] = uintType
	for name, under := range map[string]string{
		"int8_t": "signed char", "int16_t": "short", "int32_t": "int", "int64_t": "long",
		"uint8_t": "unsigned char", "uint16_t": "unsigned short", "uint32_t": "unsigned int", "uint64_t": "unsigned long",
		"size_t": "unsigned long", "ssize_t": "long", "intptr_t": "long", "uintptr_t": "unsigned long", "ptrdiff_t": "long",
	} {
		m[name] = m[under]
	}
	return m
}()

// typeNamed returns the type called name.
func typeNamed(in Context, name string) (*debuginfo.Type, error) {
	name = strings.TrimPrefix(name, "::")
	list, err := in.Types(name)
	if err == nil && len(list) > 0 {
		return list[0], nil
	}
	if t, ok := basicTypes[name]; ok {
		return t, nil
	}
	if err == nil {
		err = fmt.Errorf("no type %s: %w", name, debuginfo.ErrNotFound)
	}
	return nil, err
}

// typeOf returns the type that is written as t.
func typeOf(in Context, t *typeName) (*debuginfo.Type, error) {
	if t == nil {
		return nil, nil
	}
	typ, ok := basicTypes[t.name]
	if !t.basic || !ok {
		var err error
		if typ, err = typeNamed(in, t.name); err != nil {
			return nil, &nodeError{t.at, err}
		}
	}
	for _, s := range t.steps {
		if typ == nil && s.kind != '*' && s.kind != '(' {
			return nil, &nodeError{t.at, errors.New("void has no values")}
		}
		switch s.kind {
		case '*':
			typ = debuginfo.PointerTo(typ)
		case '&':
			typ = debuginfo.ReferenceTo(typ)
		case '[':
			typ = debuginfo.ArrayOf(typ, s.count)
		case '(':
			params := make([]debuginfo.Param, 0, len(s.params))
			for _, p := range s.params {
				pt, err := typeOf(in, p)
				if err != nil {
					return nil, err
				}
				if pt != nil { // f(void)
					params = append(params, debuginfo.Param{Type: pt})
				}
			}
			typ = debuginfo.FunctionOf(typ, params, s.more)
		}
	}
	return typ, nil
}

// literal returns the value of a number, a character or a string. A character is a
// char in C too, as gdb has it.
func (e *evaluator) literal(n *node) (*Value, error) {
	char := basicTypes[map[string]string{"": "char", "L": "wchar_t", "u": "char16_t", "U": "char32_t", "u8": "char8_t"}[n.wide]]
	switch {
	case n.real != nil:
		name := map[string]string{"": "double", "f": "float", "l": "long double"}[n.text]
		b, err := encodeFloat(basicTypes[name], n.real)
		if err != nil {
			return nil, err
		}
		return FromBytes(e.Scope, basicTypes[name], b), nil
	case n.op == opChar:
		return e.int(char, n.num)
	case n.op == opString:
		var b []byte
		if n.wide == "" || n.wide == "u8" {
			b = append([]byte(n.text), 0)
			return FromBytes(e.Scope, debuginfo.ArrayOf(char, int64(len(b))), b), nil
		}
		for _, r := range n.text + "\x00" {
			switch {
			case char.Size == 4:
				b = binary.LittleEndian.AppendUint32(b, uint32(r))
			case r >= 0x10000: // a surrogate pair
				b = binary.LittleEndian.AppendUint16(b, uint16(0xd800+(r-0x10000)>>10))
				b = binary.LittleEndian.AppendUint16(b, uint16(0xdc00+(r-0x10000)&0x3ff))
			default:
				b = binary.LittleEndian.AppendUint16(b, uint16(r))
			}
		}
		return FromBytes(e.Scope, debuginfo.ArrayOf(char, int64(len(b))/char.Size), b), nil
	}
	// The first type that holds the number (C17, 6.4.4.1).
	unsigned, long := strings.HasPrefix(n.text, "u"), strings.Count(n.text, "l")
	bits, decimal := n.num.BitLen(), n.wide == "10"
	var name string
	switch {
	case long == 0 && bits < 32 && !unsigned:
		name = "int"
	case long == 0 && bits <= 32 && (unsigned || !decimal):
		name = "unsigned int"
	case bits < 64 && !unsigned:
		name = "long"
	default:
		name = "unsigned long"
	}
	if long == 2 {
		name = strings.Replace(name, "long", "long long", 1)
	}
	return e.int(basicTypes[name], n.num)
}

func isReference(t *debuginfo.Type) bool {
	return t.Kind == debuginfo.Reference || t.Kind == debuginfo.RvalueReference
}

func isPointerOrArray(v *Value) bool {
	v, err := v.referent()
	if err != nil {
		return false
	}
	t, err := stripped(v.typ)
	return err == nil && t != nil && (t.Kind == debuginfo.Pointer || t.Kind == debuginfo.Array)
}

// promote returns the value of an integer as arithmetic has it: of type int at least
// (C17, 6.3.1.1), and floating-point numbers as they are.
func (e *evaluator) promote(v *Value) (*Value, error) {
	v, t, err := v.resolve()
	if err != nil {
		return nil, err
	}
	switch t.Kind {
	case debuginfo.Array, debuginfo.Function:
		return v.decay()
	case debuginfo.Base, debuginfo.Enum, debuginfo.Unspecified:
	default:
		return v, nil
	}
	if !v.IsScalar() {
		return nil, fmt.Errorf("%s is no number", v.typ)
	}
	if isFloat(t) {
		return v, nil
	}
	n, err := v.Int()
	if err != nil {
		return nil, err
	}
	size, signed := t.Size, v.signed()
	to := t
	switch {
	case v.bits > 0 && (v.bits < 32 || v.bits == 32 && signed):
		to = intType
	case v.bits == 32:
		to = uintType
	case size < 4 || t.Kind == debuginfo.Unspecified && size < 4:
		to = intType
	case t.Kind == debuginfo.Base && (t.Encoding == encSigned || t.Encoding == encUnsigned):
	case size == 4 && signed:
		to = intType
	case size == 4:
		to = uintType
	case signed:
		to = longType
	default:
		to = ulongType
	}
	return e.int(to, n)
}

// decay returns the pointer that an array or a function turns into. A string that is
// nowhere in the target stays what it is.
func (v *Value) decay() (*Value, error) {
	t, err := v.strip()
	if err != nil {
		return nil, err
	}
	if _, ok := v.literal(); ok || t.Kind != debuginfo.Array && t.Kind != debuginfo.Function {
		return v, nil
	}
	addr, ok := v.Address()
	if !ok {
		return nil, v.noAddress()
	}
	elem := v.typ
	if t.Kind == debuginfo.Array {
		if elem, err = t.Row(); err != nil {
			return nil, err
		}
	}
	return pointer(v.in, debuginfo.PointerTo(elem), addr), nil
}

// cast converts a value to a type. Pointers and references to classes are moved to the
// base, or from it, unless they are to be kept as they are.
func (e *evaluator) cast(v *Value, t *debuginfo.Type, keep bool) (*Value, error) {
	under, err := stripped(t)
	if err != nil {
		return nil, err
	}
	if under == nil {
		return New(e.Scope, nil, debuginfo.Location{Kind: debuginfo.Known}), nil
	}
	if isReference(under) {
		elem, err := under.Elem()
		if err != nil {
			return nil, err
		}
		p, err := e.addressOf(v)
		if err == nil {
			p, err = e.cast(p, debuginfo.PointerTo(elem), keep)
		}
		if err != nil {
			return nil, err
		}
		return p.Deref()
	}
	if v, err = v.referent(); err != nil {
		return nil, err
	}
	from, err := stripped(v.typ)
	if err != nil {
		return nil, err
	}
	if from == nil {
		return nil, errors.New("a value of type void cannot be cast")
	}
	if under.Kind == debuginfo.Array && from.Kind != debuginfo.Array && v.loc.Kind == debuginfo.Known {
		return nil, fmt.Errorf("%s cannot be cast to %s", v.typ, t)
	}
	if isClass(under) && isClass(from) && !keep && under.Name != from.Name {
		if base, err := v.Field(under.Name); err == nil {
			return base, nil
		}
	}
	if under.Kind == debuginfo.Pointer && (from.Kind == debuginfo.Array || from.Kind == debuginfo.Function) {
		if v, err = v.decay(); err != nil {
			return nil, err
		}
		if _, ok := v.literal(); ok {
			return nil, errors.New("the string is not in the target and has no address")
		}
		return v.Cast(t)
	}
	if under.Kind == debuginfo.Pointer && from.Kind == debuginfo.Pointer && !keep {
		if w, err := e.castPointer(v, from, under); w != nil || err != nil {
			return w, err
		}
	}
	return v.Cast(t)
}

func isClass(t *debuginfo.Type) bool {
	return t.Kind == debuginfo.Struct || t.Kind == debuginfo.Class
}

// castPointer converts a pointer to a class to one to its base, or to a class that it
// is the base of. It returns nil if they are not related.
func (e *evaluator) castPointer(v *Value, from, to *debuginfo.Type) (*Value, error) {
	a, b, err := pointees(from, to)
	if err != nil || a == nil || b == nil || !isClass(a) || !isClass(b) || a.Name == b.Name || a.Name == "" || b.Name == "" {
		return nil, err
	}
	addr, err := v.Uint64()
	if err != nil || addr == 0 {
		return nil, err
	}
	if base, err := At(e.Scope, a, addr).Field(b.Name); err == nil && isBase(base, b) {
		p, err := base.AddressOf()
		if err != nil {
			return nil, err
		}
		return p.Cast(debuginfo.PointerTo(b))
	}
	const somewhere = 1 << 20 // where an object may lie to learn where its base is
	if base, err := At(e.Scope, b, somewhere).Field(a.Name); err == nil && isBase(base, a) {
		if at, ok := base.Address(); ok {
			return pointer(e.Scope, debuginfo.PointerTo(b), addr-(at-somewhere)), nil
		}
	}
	return nil, nil
}

func pointees(from, to *debuginfo.Type) (a, b *debuginfo.Type, err error) {
	if a, err = from.Elem(); err == nil {
		a, err = stripped(a)
	}
	if err == nil {
		b, err = to.Elem()
	}
	if err == nil {
		b, err = stripped(b)
	}
	return a, b, err
}

// isBase reports whether what was found by the name of a class is of that class, not
// a member with the same name.
func isBase(v *Value, t *debuginfo.Type) bool {
	under, err := stripped(v.typ)
	return err == nil && under != nil && under.Name == t.Name
}

// dynamicCast converts a pointer or a reference to what the object really is.
func (e *evaluator) dynamicCast(v *Value, t *debuginfo.Type) (*Value, error) {
	under, err := stripped(t)
	if err != nil {
		return nil, err
	}
	if under == nil || under.Kind != debuginfo.Pointer && !isReference(under) {
		return nil, errors.New("dynamic_cast wants a pointer or a reference")
	}
	elem, err := under.Elem()
	if err != nil {
		return nil, err
	}
	if elem, err = stripped(elem); err != nil {
		return nil, err
	}
	object, err := v.Dynamic()
	if err != nil {
		return nil, err
	}
	is, err := object.strip()
	if err != nil {
		return nil, err
	}
	if elem != nil && is.Name != elem.Name {
		if object, err = object.Field(elem.Name); err != nil || !isBase(object, elem) {
			if isReference(under) {
				return nil, fmt.Errorf("the object is a %s, no %s", is.Name, elem.Name)
			}
			return pointer(e.Scope, t, 0), nil
		}
	}
	if isReference(under) {
		return object, nil
	}
	addr, ok := object.Address()
	if !ok {
		return nil, object.noAddress()
	}
	return pointer(e.Scope, t, addr), nil
}

// index returns a number of elements.
func index(v *Value) (int64, error) {
	if v.IsFloat() {
		return 0, fmt.Errorf("%s is no integer", v.typ)
	}
	n, err := v.Int()
	if err != nil {
		return 0, err
	}
	if !n.IsInt64() {
		if !n.IsUint64() {
			return 0, fmt.Errorf("%s is too large", n)
		}
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), 64)) // wraps around, as addresses do
	}
	return n.Int64(), nil
}

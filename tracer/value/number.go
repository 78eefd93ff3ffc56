package value

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"slices"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// Encodings of base types (DWARF 5, 7.8).
const (
	encBoolean      = 0x02
	encComplex      = 0x03
	encFloat        = 0x04
	encSigned       = 0x05
	encSignedChar   = 0x06
	encUnsigned     = 0x07
	encUnsignedChar = 0x08
	encUTF          = 0x10
)

// signed reports whether the value is a signed number.
func (v *Value) signed() bool {
	t, err := v.strip()
	if err == nil && t.Kind == debuginfo.Enum {
		return enumSigned(t)
	}
	return err == nil && t.Kind == debuginfo.Base && (t.Encoding == encSigned || t.Encoding == encSignedChar)
}

// enumSigned reports whether the constants of an enumeration are signed.
func enumSigned(t *debuginfo.Type) bool {
	if elem, err := t.Elem(); err == nil && elem != nil {
		if elem, err = elem.Strip(); err == nil && elem != nil {
			return elem.Encoding == encSigned || elem.Encoding == encSignedChar
		}
	}
	list, _ := t.Enumerators()
	return slices.ContainsFunc(list, func(e debuginfo.Enumerator) bool { return e.Value < 0 })
}

// isFloat reports whether t, stripped, is a real floating-point type.
func isFloat(t *debuginfo.Type) bool { return t.Kind == debuginfo.Base && t.Encoding == encFloat }

// IsFloat reports whether the value is a floating-point number.
func (v *Value) IsFloat() bool {
	_, t, err := v.resolve()
	return err == nil && isFloat(t)
}

// IsScalar reports whether the value is a number, an enumeration, a pointer or a
// reference to one of them.
func (v *Value) IsScalar() bool {
	_, t, err := v.resolve()
	if err != nil {
		return false
	}
	switch t.Kind {
	case debuginfo.Base:
		return t.Encoding != encComplex
	case debuginfo.Pointer, debuginfo.Enum, debuginfo.Unspecified:
		return true
	case debuginfo.MemberPointer:
		return t.Size == 8
	}
	return false
}

// Int returns the value of an integer, a character, a boolean, an enumeration, a
// pointer or a reference to one of them. That of a floating-point number is
// truncated.
func (v *Value) Int() (*big.Int, error) {
	v, t, err := v.resolve()
	if err != nil {
		return nil, err
	}
	switch {
	case isFloat(t):
		f, err := v.bigFloat()
		if err != nil {
			return nil, err
		}
		if f == nil {
			return nil, fmt.Errorf("a NaN is no int")
		}
		if f.IsInf() {
			return nil, fmt.Errorf("an infinity is no int")
		}
		n, _ := f.Int(nil)
		return n, nil
	case t.Kind == debuginfo.Array || t.Kind == debuginfo.Function:
		if addr, ok := v.Address(); ok {
			return new(big.Int).SetUint64(addr), nil
		}
	case v.IsScalar():
		b, err := v.Bytes()
		if err != nil {
			return nil, err
		}
		return integer(b, v.signed()), nil
	}
	return nil, fmt.Errorf("%s is no number", v.typ)
}

// integer returns the number that b is.
func integer(b []byte, signed bool) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	n := new(big.Int).SetBytes(b)
	if signed && len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
	}
	return n
}

// Uint64 returns the low 64 bits of what Int returns, in two's complement.
func (v *Value) Uint64() (uint64, error) {
	n, err := v.Int()
	if err != nil {
		return 0, err
	}
	var buf [8]byte
	putInt(buf[:], n)
	return binary.LittleEndian.Uint64(buf[:]), nil
}

// putInt writes the low bytes of n in two's complement.
func putInt(b []byte, n *big.Int) {
	m := new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8)
	m.Mod(n, m).FillBytes(b)
	slices.Reverse(b)
}

// Float returns the value of a number. One with more digits than a float64 is rounded.
func (v *Value) Float() (float64, error) {
	v, t, err := v.resolve()
	if err != nil {
		return 0, err
	}
	if !isFloat(t) {
		n, err := v.Int()
		if err != nil {
			return 0, err
		}
		f, _ := new(big.Float).SetInt(n).Float64()
		return f, nil
	}
	f, err := v.bigFloat()
	if err != nil {
		return 0, err
	}
	if f == nil {
		return math.NaN(), nil
	}
	x, _ := f.Float64()
	return x, nil
}

// Truth reports whether a number or a pointer is other than zero.
func (v *Value) Truth() (bool, error) {
	if v.IsFloat() {
		f, err := v.Float()
		return f != 0, err
	}
	n, err := v.Int()
	return err == nil && n.Sign() != 0, err
}

// bigFloat returns a floating-point number, or nil if it is a NaN.
func (v *Value) bigFloat() (*big.Float, error) {
	b, err := v.Bytes()
	if err != nil {
		return nil, err
	}
	l, err := layoutOf(v.typ, len(b))
	if err != nil {
		return nil, err
	}
	f, _ := l.decode(b)
	return f, nil
}

// FromInt returns a number of type t, which is an integer, a floating-point number,
// an enumeration or a pointer. What does not fit is cut off, as a cast does.
func FromInt(in Context, t *debuginfo.Type, n *big.Int) (*Value, error) {
	b, err := encodeInt(t, n)
	if err != nil {
		return nil, err
	}
	return FromBytes(in, t, b), nil
}

func encodeInt(t *debuginfo.Type, n *big.Int) ([]byte, error) {
	under, err := scalarType(t)
	if err != nil {
		return nil, err
	}
	if isFloat(under) {
		return encodeFloat(t, new(big.Float).SetInt(n))
	}
	b := make([]byte, under.Size)
	if under.Encoding == encBoolean && under.Kind == debuginfo.Base {
		if n.Sign() != 0 {
			b[0] = 1
		}
		return b, nil
	}
	putInt(b, n)
	return b, nil
}

// scalarType returns the type under t if it is one of numbers or pointers.
func scalarType(t *debuginfo.Type) (*debuginfo.Type, error) {
	if t == nil {
		return nil, fmt.Errorf("void has no values")
	}
	under, err := t.Strip()
	if err != nil {
		return nil, err
	}
	if under != nil && under.Size > 0 && under.Size <= 16 {
		switch under.Kind {
		case debuginfo.Base:
			if under.Encoding != encComplex {
				return under, nil
			}
		case debuginfo.Pointer, debuginfo.Enum, debuginfo.Reference, debuginfo.RvalueReference, debuginfo.MemberPointer, debuginfo.Unspecified:
			return under, nil
		}
	}
	return nil, fmt.Errorf("%s is no type of numbers", t)
}

// FromFloat returns a number of type t. An integer is truncated towards zero.
func FromFloat(in Context, t *debuginfo.Type, f float64) (*Value, error) {
	under, err := scalarType(t)
	if err != nil {
		return nil, err
	}
	if !isFloat(under) {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("%v does not fit %s", f, t)
		}
		n, _ := big.NewFloat(f).Int(nil)
		return FromInt(in, t, n)
	}
	b, err := encodeFloat64(t, f)
	if err != nil {
		return nil, err
	}
	return FromBytes(in, t, b), nil
}

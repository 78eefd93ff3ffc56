package debuginfo

import (
	"debug/dwarf"
	"encoding/binary"
	"math"

	"github.com/tracelark/tracelark/tracer/internal/dw"
)

// Encodings of base types (DWARF 5, 7.8).
const (
	encAddress      = 0x01
	encBoolean      = 0x02
	encFloat        = 0x04
	encSigned       = 0x05
	encSignedChar   = 0x06
	encUnsigned     = 0x07
	encUnsignedChar = 0x08
	encUTF          = 0x10
)

// A baseType is the type of an operand. The zero one is generic: an integer of
// eight bytes, signed where that matters.
type baseType struct {
	size     int
	encoding uint64
}

func (t baseType) isFloat() bool { return t.encoding == encFloat }

func (t baseType) isUnsigned() bool {
	switch t.encoding {
	case encAddress, encBoolean, encUnsigned, encUnsignedChar, encUTF:
		return true
	}
	return false
}

// An operand is a value on the stack of an expression.
type operand struct {
	bits uint64 // of a float those that IEEE 754 gives it
	baseType
}

func (v operand) bytes() []byte {
	b := binary.LittleEndian.AppendUint64(nil, v.bits)
	if v.size > 0 {
		b = b[:min(v.size, 8)]
	}
	return b
}

// int returns an integer with its sign extended, or without if it has none.
func (v operand) int() int64 {
	if v.size == 0 || v.size >= 8 {
		return int64(v.bits)
	}
	shift := 64 - 8*uint(v.size)
	if v.isUnsigned() {
		return int64(v.bits << shift >> shift)
	}
	return int64(v.bits<<shift) >> shift
}

func (v operand) float() float64 {
	if v.size == 4 {
		return float64(math.Float32frombits(uint32(v.bits)))
	}
	return math.Float64frombits(v.bits)
}

// of returns an integer as one of type t.
func (t baseType) of(n uint64) operand {
	if t.size > 0 && t.size < 8 {
		n &= 1<<(8*uint(t.size)) - 1
	}
	return operand{n, t}
}

func (t baseType) ofFloat(x float64) operand {
	if t.size == 4 {
		return operand{uint64(math.Float32bits(float32(x))), t}
	}
	return operand{math.Float64bits(x), t}
}

// convert returns v as a value of type t.
func (v operand) convert(t baseType) operand {
	switch {
	case v.isFloat() && t.isFloat():
		return t.ofFloat(v.float())
	case t.isFloat() && v.isUnsigned():
		return t.ofFloat(float64(uint64(v.int())))
	case t.isFloat():
		return t.ofFloat(float64(v.int()))
	case v.isFloat() && t.isUnsigned():
		return t.of(uint64(v.float()))
	case v.isFloat():
		return t.of(uint64(int64(v.float())))
	}
	return t.of(uint64(v.int()))
}

// baseTypeAt reads a reference to a base type; 0 is the generic one.
func (m *machine) baseTypeAt() baseType {
	off := m.uleb()
	if off == 0 || m.err != nil {
		return baseType{}
	}
	e, err := m.u.followRef(value{form: formRefUdata, u: off})
	if err != nil {
		m.check(err)
		return baseType{}
	}
	size, enc := e.get(dwarf.AttrByteSize), e.get(dwarf.AttrEncoding)
	t := baseType{int(min(size.u, 1<<16)), enc.u}
	if e.ab.tag != dwarf.TagBaseType || t.size == 0 || t.size > 8 || t.isFloat() && t.size != 4 && t.size != 8 {
		m.fail(m.off, "operand of type %s, %d bytes", e.name(), size.u)
		return baseType{}
	}
	return t
}

// typed runs the operators on values with types.
func (m *machine) typed(op uint8) {
	switch op {
	case dw.OpConstType, dw.OpGNUConstType:
		t := m.baseTypeAt()
		b := m.take(uint64(m.u8()))
		if len(b) > 8 {
			m.fail(m.off, "constant of %d bytes", len(b))
			return
		}
		var buf [8]byte
		copy(buf[:], b)
		m.pushOperand(operand{binary.LittleEndian.Uint64(buf[:]), t})
	case dw.OpRegvalType, dw.OpGNURegvalType:
		n := m.uleb()
		t := m.baseTypeAt()
		v, err := m.ev.frame.word(n)
		m.check(err)
		m.pushOperand(t.of(v))
	case dw.OpDerefType, dw.OpGNUDerefType:
		size := int(m.u8())
		t := m.baseTypeAt()
		m.load(m.pop().bits, size, t)
	case dw.OpConvert, dw.OpGNUConvert:
		t := m.baseTypeAt()
		m.pushOperand(m.pop().convert(t))
	case dw.OpReinterpret, dw.OpGNUReinterpret:
		t := m.baseTypeAt()
		m.pushOperand(t.of(m.pop().bits))
	case dw.OpGNUParameterRef:
		m.parameter()
	default:
		m.fail(m.off-1, "operator %#x", op)
	}
}

// arithmetic runs the operators that compute.
func (m *machine) arithmetic(op uint8) {
	switch op {
	case dw.OpAbs:
		v := m.pop()
		switch {
		case v.isFloat():
			m.pushOperand(v.ofFloat(math.Abs(v.float())))
		case v.int() < 0 && !v.isUnsigned():
			m.pushOperand(v.of(-v.bits))
		default:
			m.pushOperand(v)
		}
		return
	case dw.OpNeg:
		if v := m.pop(); v.isFloat() {
			m.pushOperand(v.ofFloat(-v.float()))
		} else {
			m.pushOperand(v.of(-v.bits))
		}
		return
	case dw.OpNot:
		v := m.pop()
		m.pushOperand(v.of(^v.bits))
		return
	case dw.OpPlusUconst:
		v := m.pop()
		m.pushOperand(v.of(v.bits + m.uleb()))
		return
	}
	b, a := m.pop(), m.pop()
	if a.isFloat() {
		m.floats(op, a, b.convert(a.baseType))
		return
	}
	m.integers(op, a, b)
}

func truth(is bool) uint64 {
	if is {
		return 1
	}
	return 0
}

func (m *machine) floats(op uint8, a, b operand) {
	x, y := a.float(), b.float()
	switch op {
	case dw.OpPlus:
		m.pushOperand(a.ofFloat(x + y))
	case dw.OpMinus:
		m.pushOperand(a.ofFloat(x - y))
	case dw.OpMul:
		m.pushOperand(a.ofFloat(x * y))
	case dw.OpDiv:
		m.pushOperand(a.ofFloat(x / y))
	case dw.OpEq:
		m.push(truth(x == y))
	case dw.OpNe:
		m.push(truth(x != y))
	case dw.OpGe:
		m.push(truth(x >= y))
	case dw.OpGt:
		m.push(truth(x > y))
	case dw.OpLe:
		m.push(truth(x <= y))
	case dw.OpLt:
		m.push(truth(x < y))
	default:
		m.fail(m.off-1, "operator %#x on floating point numbers", op)
	}
}

// integers runs an operator on two integers. Generic ones are signed in
// divisions and comparisons, not in remainders (DWARF 5, 2.5.1.4).
func (m *machine) integers(op uint8, a, b operand) {
	x, y := a.int(), b.int()
	ux, uy := uint64(x), uint64(y)
	unsigned := a.isUnsigned()
	if y == 0 && (op == dw.OpDiv || op == dw.OpMod) {
		m.fail(m.off-1, "divides by zero")
		return
	}
	less := x < y
	if unsigned {
		less = ux < uy
	}
	switch op {
	case dw.OpAnd:
		m.pushOperand(a.of(ux & uy))
	case dw.OpOr:
		m.pushOperand(a.of(ux | uy))
	case dw.OpXor:
		m.pushOperand(a.of(ux ^ uy))
	case dw.OpPlus:
		m.pushOperand(a.of(ux + uy))
	case dw.OpMinus:
		m.pushOperand(a.of(ux - uy))
	case dw.OpMul:
		m.pushOperand(a.of(ux * uy))
	case dw.OpDiv:
		if unsigned {
			m.pushOperand(a.of(ux / uy))
		} else {
			m.pushOperand(a.of(uint64(x / y)))
		}
	case dw.OpMod:
		if unsigned || a.size == 0 {
			m.pushOperand(a.of(ux % uy))
		} else {
			m.pushOperand(a.of(uint64(x % y)))
		}
	case dw.OpShl:
		m.pushOperand(a.of(ux << uy))
	case dw.OpShr:
		m.pushOperand(a.of(a.of(ux).bits >> uy))
	case dw.OpShra:
		m.pushOperand(a.of(uint64(x >> uy)))
	case dw.OpEq:
		m.push(truth(x == y))
	case dw.OpNe:
		m.push(truth(x != y))
	case dw.OpLt:
		m.push(truth(less))
	case dw.OpGe:
		m.push(truth(!less))
	case dw.OpLe:
		m.push(truth(less || x == y))
	case dw.OpGt:
		m.push(truth(!less && x != y))
	}
}

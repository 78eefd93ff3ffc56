package unwind

import (
	"encoding/binary"
	"fmt"
)

// DWARF expression operators that may appear in call frame information
// (DWARF 5, 2.5.1 and 6.4.2). Those that need a compilation unit may not.
const (
	opAddr           = 0x03
	opDeref          = 0x06
	opConst1u        = 0x08
	opConst1s        = 0x09
	opConst2u        = 0x0a
	opConst2s        = 0x0b
	opConst4u        = 0x0c
	opConst4s        = 0x0d
	opConst8u        = 0x0e
	opConst8s        = 0x0f
	opConstu         = 0x10
	opConsts         = 0x11
	opDup            = 0x12
	opDrop           = 0x13
	opOver           = 0x14
	opPick           = 0x15
	opSwap           = 0x16
	opRot            = 0x17
	opAbs            = 0x19
	opAnd            = 0x1a
	opDiv            = 0x1b
	opMinus          = 0x1c
	opMod            = 0x1d
	opMul            = 0x1e
	opNeg            = 0x1f
	opNot            = 0x20
	opOr             = 0x21
	opPlus           = 0x22
	opPlusUconst     = 0x23
	opShl            = 0x24
	opShr            = 0x25
	opShra           = 0x26
	opXor            = 0x27
	opBra            = 0x28
	opEq             = 0x29
	opGe             = 0x2a
	opGt             = 0x2b
	opLe             = 0x2c
	opLt             = 0x2d
	opNe             = 0x2e
	opSkip           = 0x2f
	opLit0           = 0x30
	opLit31          = 0x4f
	opReg0           = 0x50
	opReg31          = 0x6f
	opBreg0          = 0x70
	opBreg31         = 0x8f
	opRegx           = 0x90
	opBregx          = 0x92
	opDerefSize      = 0x94
	opNop            = 0x96
	opGNUEncodedAddr = 0xf1
)

// Bounds of an expression. The longest in use, that of a PLT, takes eight
// steps and four values.
const (
	maxSteps = 1000
	maxDepth = 64
)

// An evaluator runs a DWARF expression: a machine with a stack of 64-bit
// values.
type evaluator struct {
	reader
	mem   *pages
	frame *Frame
	bias  uint64
	stack [maxDepth]uint64
	depth int
}

// evaluate computes expr of sec in the frame f, starting with initial on the
// stack.
func evaluate(sec *section, expr span, mem *pages, f *Frame, bias uint64, initial ...uint64) (uint64, error) {
	e := evaluator{reader: sec.reader(expr), mem: mem, frame: f, bias: bias}
	for _, v := range initial {
		e.push(v)
	}
	for step := 0; e.err == nil && e.off < e.end; step++ {
		if step == maxSteps {
			e.fail(expr.begin, "expression of more than %d steps", maxSteps)
			break
		}
		e.step(expr)
	}
	v := e.pop()
	if e.err != nil {
		return 0, e.err
	}
	return v, nil
}

func (e *evaluator) push(v uint64) {
	if e.depth == maxDepth {
		e.fail(e.off, "expression with more than %d values", maxDepth)
		return
	}
	e.stack[e.depth] = v
	e.depth++
}

func (e *evaluator) pop() uint64 {
	if e.depth == 0 {
		e.fail(e.off, "expression lacks a value")
		return 0
	}
	e.depth--
	return e.stack[e.depth]
}

// pick pushes the value n below the top.
func (e *evaluator) pick(n uint64) {
	if n >= uint64(e.depth) {
		e.fail(e.off, "expression lacks a value")
		return
	}
	e.push(e.stack[e.depth-1-int(n)])
}

// register pushes a register plus offset.
func (e *evaluator) register(n uint64, offset int64) {
	v, err := e.frame.dwarfReg(n)
	if err != nil && e.err == nil {
		e.err = err
	}
	e.push(v + uint64(offset))
}

// load pushes the size bytes at addr.
func (e *evaluator) load(addr, size uint64) {
	if size == 0 || size > 8 {
		e.fail(e.off, "load of %d bytes", size)
		return
	}
	var buf [8]byte
	if err := e.mem.read(addr, buf[:size]); err != nil && e.err == nil {
		e.err = fmt.Errorf("read %#x: %w", addr, err)
	}
	e.push(binary.LittleEndian.Uint64(buf[:]))
}

// jump moves delta bytes within expr.
func (e *evaluator) jump(delta int64, expr span) {
	to := e.off + int(delta)
	if to < expr.begin || to > expr.end {
		e.fail(e.off, "expression jumps out of itself")
		return
	}
	e.off = to
}

// step runs one operator of expr.
func (e *evaluator) step(expr span) {
	at := e.off
	switch op := e.uint(1); op {
	case opNop:
	case opAddr:
		e.push(e.uint(8) + e.bias)
	case opGNUEncodedAddr:
		enc := byte(e.uint(1))
		e.push(e.pointer(enc) + e.bias)
		if enc&peIndirect != 0 {
			e.load(e.pop(), 8)
		}
	case opConst1u:
		e.push(e.uint(1))
	case opConst2u:
		e.push(e.uint(2))
	case opConst4u:
		e.push(e.uint(4))
	case opConst8u, opConst8s:
		e.push(e.uint(8))
	case opConst1s:
		e.push(uint64(e.int(1)))
	case opConst2s:
		e.push(uint64(e.int(2)))
	case opConst4s:
		e.push(uint64(e.int(4)))
	case opConstu:
		e.push(e.uleb())
	case opConsts:
		e.push(uint64(e.sleb()))
	case opRegx:
		e.register(e.uleb(), 0)
	case opBregx:
		e.register(e.uleb(), e.sleb())

	case opDeref:
		e.load(e.pop(), 8)
	case opDerefSize:
		size := e.uint(1)
		e.load(e.pop(), size)

	case opDup:
		e.pick(0)
	case opOver:
		e.pick(1)
	case opPick:
		e.pick(e.uint(1))
	case opDrop:
		e.pop()
	case opSwap:
		b, a := e.pop(), e.pop()
		e.push(b)
		e.push(a)
	case opRot:
		c, b, a := e.pop(), e.pop(), e.pop()
		e.push(c)
		e.push(a)
		e.push(b)

	case opAbs:
		v := e.pop()
		e.push(min(v, -v)) // unsigned, the negative one of the two is greater
	case opNeg:
		e.push(-e.pop())
	case opNot:
		e.push(^e.pop())
	case opPlusUconst:
		e.push(e.pop() + e.uleb())
	case opSkip:
		e.jump(e.int(2), expr)
	case opBra:
		if delta := e.int(2); e.pop() != 0 {
			e.jump(delta, expr)
		}

	default:
		switch {
		case op >= opLit0 && op <= opLit31:
			e.push(op - opLit0)
		case op >= opReg0 && op <= opReg31: // the value, as GCC's unwinder has it
			e.register(op-opReg0, 0)
		case op >= opBreg0 && op <= opBreg31:
			e.register(op-opBreg0, e.sleb())
		case op >= opAnd && op <= opNe:
			e.binary(op, at)
		default:
			e.fail(at, "expression operator %#x", op)
		}
	}
}

// binary replaces the two values on top by what op makes of them. Division and
// comparisons are signed (DWARF 5, 2.5.1.4 and 2.5.1.5).
func (e *evaluator) binary(op uint64, at int) {
	b, a := e.pop(), e.pop()
	if b == 0 && (op == opDiv || op == opMod) {
		e.fail(at, "expression divides by zero")
		return
	}
	var v uint64
	var is bool
	switch op {
	case opAnd:
		v = a & b
	case opOr:
		v = a | b
	case opXor:
		v = a ^ b
	case opPlus:
		v = a + b
	case opMinus:
		v = a - b
	case opMul:
		v = a * b
	case opDiv:
		v = uint64(int64(a) / int64(b))
	case opMod:
		v = a % b
	case opShl:
		v = a << b
	case opShr:
		v = a >> b
	case opShra:
		v = uint64(int64(a) >> b)
	case opEq:
		is = a == b
	case opNe:
		is = a != b
	case opGe:
		is = int64(a) >= int64(b)
	case opGt:
		is = int64(a) > int64(b)
	case opLe:
		is = int64(a) <= int64(b)
	case opLt:
		is = int64(a) < int64(b)
	}
	if is {
		v = 1
	}
	e.push(v)
}

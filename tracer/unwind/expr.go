package unwind

import (
	"encoding/binary"
	"fmt"

	"github.com/tracelark/tracelark/tracer/internal/dw"
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
	case dw.OpNop:
	case dw.OpAddr:
		e.push(e.uint(8) + e.bias)
	case dw.OpGNUEncodedAddr:
		enc := byte(e.uint(1))
		e.push(e.pointer(enc) + e.bias)
		if enc&peIndirect != 0 {
			e.load(e.pop(), 8)
		}
	case dw.OpConst1u:
		e.push(e.uint(1))
	case dw.OpConst2u:
		e.push(e.uint(2))
	case dw.OpConst4u:
		e.push(e.uint(4))
	case dw.OpConst8u, dw.OpConst8s:
		e.push(e.uint(8))
	case dw.OpConst1s:
		e.push(uint64(e.int(1)))
	case dw.OpConst2s:
		e.push(uint64(e.int(2)))
	case dw.OpConst4s:
		e.push(uint64(e.int(4)))
	case dw.OpConstu:
		e.push(e.uleb())
	case dw.OpConsts:
		e.push(uint64(e.sleb()))
	case dw.OpRegx:
		e.register(e.uleb(), 0)
	case dw.OpBregx:
		e.register(e.uleb(), e.sleb())

	case dw.OpDeref:
		e.load(e.pop(), 8)
	case dw.OpDerefSize:
		size := e.uint(1)
		e.load(e.pop(), size)

	case dw.OpDup:
		e.pick(0)
	case dw.OpOver:
		e.pick(1)
	case dw.OpPick:
		e.pick(e.uint(1))
	case dw.OpDrop:
		e.pop()
	case dw.OpSwap:
		b, a := e.pop(), e.pop()
		e.push(b)
		e.push(a)
	case dw.OpRot:
		c, b, a := e.pop(), e.pop(), e.pop()
		e.push(c)
		e.push(a)
		e.push(b)

	case dw.OpAbs:
		v := e.pop()
		e.push(min(v, -v)) // unsigned, the negative one of the two is greater
	case dw.OpNeg:
		e.push(-e.pop())
	case dw.OpNot:
		e.push(^e.pop())
	case dw.OpPlusUconst:
		e.push(e.pop() + e.uleb())
	case dw.OpSkip:
		e.jump(e.int(2), expr)
	case dw.OpBra:
		if delta := e.int(2); e.pop() != 0 {
			e.jump(delta, expr)
		}

	default:
		switch {
		case op >= dw.OpLit0 && op <= dw.OpLit31:
			e.push(op - dw.OpLit0)
		case op >= dw.OpReg0 && op <= dw.OpReg31: // the value, as GCC's unwinder has it
			e.register(op-dw.OpReg0, 0)
		case op >= dw.OpBreg0 && op <= dw.OpBreg31:
			e.register(op-dw.OpBreg0, e.sleb())
		case op >= dw.OpAnd && op <= dw.OpNe:
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
	if b == 0 && (op == dw.OpDiv || op == dw.OpMod) {
		e.fail(at, "expression divides by zero")
		return
	}
	var v uint64
	var is bool
	switch op {
	case dw.OpAnd:
		v = a & b
	case dw.OpOr:
		v = a | b
	case dw.OpXor:
		v = a ^ b
	case dw.OpPlus:
		v = a + b
	case dw.OpMinus:
		v = a - b
	case dw.OpMul:
		v = a * b
	case dw.OpDiv:
		v = uint64(int64(a) / int64(b))
	case dw.OpMod:
		v = a % b
	case dw.OpShl:
		v = a << b
	case dw.OpShr:
		v = a >> b
	case dw.OpShra:
		v = uint64(int64(a) >> b)
	case dw.OpEq:
		is = a == b
	case dw.OpNe:
		is = a != b
	case dw.OpGe:
		is = int64(a) >= int64(b)
	case dw.OpGt:
		is = int64(a) > int64(b)
	case dw.OpLe:
		is = int64(a) <= int64(b)
	case dw.OpLt:
		is = int64(a) < int64(b)
	}
	if is {
		v = 1
	}
	e.push(v)
}

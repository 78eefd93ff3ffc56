package debuginfo

import (
	"debug/dwarf"
	"encoding/binary"
	"fmt"

	"github.com/tracelark/tracelark/tracer/internal/dw"
)

// Package unwind has an evaluator of its own. That one runs once a frame, has
// no units, types or pieces, and allocates nothing; this one would be four times
// as slow at it.

// Bounds of an expression, with all that it calls. Real ones take some tens of
// steps.
const (
	maxSteps   = 10000
	maxStack   = 256
	maxCalls   = 16
	maxPieces  = 1000
	maxCallers = 8 // how far entry values are followed
)

// An evaluator runs DWARF expressions (DWARF 5, 2.5 and 2.6).
type evaluator struct {
	frame *Frame
	fn    *Func // whose frame base is meant
	steps int
	depth int // of calls
	stack []operand
}

// eval computes an expression of u, starting with initial on the stack.
func (u *unit) eval(expr []byte, f *Frame, fn *Func, initial ...uint64) (Location, error) {
	return u.evalNested(expr, f, fn, 0, initial...)
}

func (u *unit) evalNested(expr []byte, f *Frame, fn *Func, depth int, initial ...uint64) (Location, error) {
	if len(expr) == 0 {
		return Location{Kind: OptimisedOut}, nil
	}
	ev := evaluator{frame: f, fn: fn, depth: depth}
	for _, v := range initial {
		ev.stack = append(ev.stack, operand{bits: v})
	}
	return ev.run(u, expr)
}

// evalWord computes an expression whose result is a number.
func (u *unit) evalWord(expr []byte, f *Frame, fn *Func, depth int, initial ...uint64) (uint64, error) {
	l, err := u.evalNested(expr, f, fn, depth, initial...)
	if err != nil {
		return 0, err
	}
	switch l.Kind {
	case InMemory:
		return l.Addr, nil
	case InRegister:
		return f.word(uint64(l.Reg))
	case Known:
		var buf [8]byte
		copy(buf[:], l.Bytes)
		return binary.LittleEndian.Uint64(buf[:]), nil
	}
	return 0, fmt.Errorf("expression is no number")
}

// A machine is an expression that is being run.
type machine struct {
	reader
	u     *unit
	ev    *evaluator
	found *Location // where the value is, if it is not at the address on the stack
}

// run computes an expression and the pieces of its result.
func (ev *evaluator) run(u *unit, expr []byte) (Location, error) {
	m := machine{reader: newReader(secExpr, expr, 0), u: u, ev: ev}
	m.wide = u.wide
	var pieces []Piece
	for m.err == nil && m.off < m.end {
		if ev.steps++; ev.steps > maxSteps {
			m.fail(m.off, "more than %d steps", maxSteps)
			break
		}
		op := m.u8()
		if op != dw.OpPiece && op != dw.OpBitPiece {
			if m.found != nil && op != dw.OpStackValue && op != dw.OpGNUUninit && op != dw.OpNop {
				m.fail(m.off-1, "operator %#x behind a location", op)
				break
			}
			m.step(op)
			continue
		}
		p := Piece{Location: m.result(true)}
		if op == dw.OpPiece {
			if p.Bits = m.uleb(); p.Bits > maxValue {
				m.fail(m.off, "piece of %d bytes", p.Bits)
			}
			p.Bits *= 8
		} else {
			p.Bits, p.Offset = m.uleb(), m.uleb()
		}
		if len(pieces) == maxPieces {
			m.fail(m.off, "more than %d pieces", maxPieces)
		}
		pieces = append(pieces, p)
		m.found, ev.stack = nil, ev.stack[:0]
	}
	var l Location
	if pieces != nil {
		l = Location{Kind: InPieces, Pieces: pieces}
	} else {
		l = m.result(false)
	}
	if m.err != nil {
		return Location{}, m.err
	}
	return l, nil
}

// result returns what the expression has found so far. In front of a piece that
// may be nothing.
func (m *machine) result(piece bool) Location {
	if m.found != nil {
		return *m.found
	}
	if piece && len(m.ev.stack) == 0 {
		return Location{Kind: OptimisedOut}
	}
	return Location{Kind: InMemory, Addr: m.pop().bits}
}

func (m *machine) pushOperand(v operand) {
	if len(m.ev.stack) == maxStack {
		m.fail(m.off, "more than %d values", maxStack)
		return
	}
	m.ev.stack = append(m.ev.stack, v)
}

func (m *machine) push(v uint64) { m.pushOperand(operand{bits: v}) }

func (m *machine) pop() operand {
	n := len(m.ev.stack)
	if n == 0 {
		m.fail(m.off, "lacks a value")
		return operand{}
	}
	v := m.ev.stack[n-1]
	m.ev.stack = m.ev.stack[:n-1]
	return v
}

// check records an error of what an operator has asked for.
func (m *machine) check(err error) {
	if err != nil && m.err == nil {
		m.err = err
	}
}

// pick pushes the value n below the top.
func (m *machine) pick(n int) {
	if n >= len(m.ev.stack) {
		m.fail(m.off, "lacks a value")
		return
	}
	m.pushOperand(m.ev.stack[len(m.ev.stack)-1-n])
}

func (m *machine) jump(delta int64) {
	to := int64(m.off) + delta
	if m.err == nil && (to < 0 || to > int64(m.end)) {
		m.fail(m.off, "jumps out of itself")
		return
	}
	if m.err == nil {
		m.off = int(to)
	}
}

// load pushes the size bytes at an address.
func (m *machine) load(addr uint64, size int, t baseType) {
	if size < 1 || size > 8 {
		m.fail(m.off, "load of %d bytes", size)
		return
	}
	var buf [8]byte
	m.check(m.ev.frame.read(addr, buf[:size]))
	m.pushOperand(operand{binary.LittleEndian.Uint64(buf[:]), t})
}

// register pushes a register plus offset.
func (m *machine) register(n uint64, offset int64) {
	v, err := m.ev.frame.word(n)
	m.check(err)
	m.push(v + uint64(offset))
}

func (m *machine) at(l Location) { m.found = &l }

// step runs one operator other than those of pieces.
func (m *machine) step(op uint8) {
	switch {
	case op >= dw.OpLit0 && op <= dw.OpLit31:
		m.push(uint64(op - dw.OpLit0))
	case op >= dw.OpReg0 && op <= dw.OpReg31:
		m.at(Location{Kind: InRegister, Reg: int(op - dw.OpReg0)})
	case op >= dw.OpBreg0 && op <= dw.OpBreg31:
		m.register(uint64(op-dw.OpBreg0), m.sleb())
	case op >= dw.OpConst1u && op <= dw.OpConsts:
		m.constant(op)
	case op >= dw.OpDup && op <= dw.OpRot:
		m.shuffle(op)
	case op >= dw.OpAbs && op <= dw.OpNe && op != dw.OpBra:
		m.arithmetic(op)
	default:
		m.other(op)
	}
}

func (m *machine) constant(op uint8) {
	switch op {
	case dw.OpConst1u:
		m.push(m.uint(1))
	case dw.OpConst1s:
		m.push(uint64(m.int(1)))
	case dw.OpConst2u:
		m.push(m.uint(2))
	case dw.OpConst2s:
		m.push(uint64(m.int(2)))
	case dw.OpConst4u:
		m.push(m.uint(4))
	case dw.OpConst4s:
		m.push(uint64(m.int(4)))
	case dw.OpConst8u, dw.OpConst8s:
		m.push(m.uint(8))
	case dw.OpConstu:
		m.push(m.uleb())
	case dw.OpConsts:
		m.push(uint64(m.sleb()))
	}
}

func (m *machine) shuffle(op uint8) {
	switch op {
	case dw.OpDup:
		m.pick(0)
	case dw.OpOver:
		m.pick(1)
	case dw.OpPick:
		m.pick(int(m.u8()))
	case dw.OpDrop:
		m.pop()
	case dw.OpSwap:
		b, a := m.pop(), m.pop()
		m.pushOperand(b)
		m.pushOperand(a)
	case dw.OpRot:
		c, b, a := m.pop(), m.pop(), m.pop()
		m.pushOperand(c)
		m.pushOperand(a)
		m.pushOperand(b)
	}
}

func (m *machine) other(op uint8) {
	f := m.ev.frame
	switch op {
	case dw.OpNop, dw.OpGNUUninit:
	case dw.OpAddr:
		m.push(m.u64() + f.Bias)
	case dw.OpAddrx, dw.OpGNUAddrIndex, dw.OpConstx, dw.OpGNUConstIndex:
		addr, ok := m.u.addrx(m.uleb())
		if !ok {
			m.fail(m.off, "no such address in %v", secAddr)
		}
		if op == dw.OpAddrx || op == dw.OpGNUAddrIndex {
			addr += f.Bias
		}
		m.push(addr)
	case dw.OpRegx:
		m.at(Location{Kind: InRegister, Reg: int(min(m.uleb(), 1<<16))})
	case dw.OpBregx:
		m.register(m.uleb(), m.sleb())
	case dw.OpFbreg:
		m.frameBase(m.sleb())
	case dw.OpCallFrameCFA:
		m.ask(f.CFA, "the frame address")
	case dw.OpPushObjectAddress:
		m.ask(f.Object, "the object")
	case dw.OpFormTLSAddress, dw.OpGNUPushTLSAddress:
		offset := m.pop().bits
		if f.TLS == nil {
			m.fail(m.off-1, "thread-local storage is not known here")
			return
		}
		addr, err := f.TLS(offset)
		m.check(err)
		m.push(addr)
	case dw.OpDeref:
		m.load(m.pop().bits, 8, baseType{})
	case dw.OpDerefSize:
		size := int(m.u8())
		m.load(m.pop().bits, size, baseType{})
	case dw.OpSkip:
		m.jump(m.int(2))
	case dw.OpBra:
		if delta := m.int(2); m.pop().bits != 0 {
			m.jump(delta)
		}
	case dw.OpStackValue:
		if m.found == nil {
			v := m.pop()
			m.at(Location{Kind: Known, Bytes: v.bytes()})
		}
	case dw.OpImplicitValue:
		m.at(Location{Kind: Known, Bytes: m.take(m.uleb())})
	case dw.OpImplicitPointer, dw.OpGNUImplicitPointer:
		m.implicitPointer()
	case dw.OpCall2, dw.OpCall4, dw.OpCallRef:
		m.call(op)
	case dw.OpEntryValue, dw.OpGNUEntryValue:
		m.entryValue(m.take(m.uleb()))
	case dw.OpGNUVariableValue:
		m.variableValue()
	default:
		m.typed(op)
	}
}

// ask pushes what the frame knows.
func (m *machine) ask(f func() (uint64, error), what string) {
	if f == nil {
		m.fail(m.off-1, "%s is not known here", what)
		return
	}
	v, err := f()
	m.check(err)
	m.push(v)
}

// frameBase pushes an address relative to the frame base of the function.
func (m *machine) frameBase(offset int64) {
	if m.ev.fn == nil {
		m.fail(m.off-1, "frame base outside of a function")
		return
	}
	base, err := m.ev.fn.frameBase(m.ev.frame, m.ev.depth+1)
	m.check(err)
	m.push(base + uint64(offset))
}

// refValue reads an offset of .debug_info in the form that op has.
func (m *machine) refValue(op uint8) value {
	switch op {
	case dw.OpCall2:
		return value{form: formRef2, u: m.uint(2)}
	case dw.OpCall4:
		return value{form: formRef4, u: m.uint(4)}
	}
	if m.u.version == 2 {
		return value{form: formRefAddr, u: m.u64()}
	}
	return value{form: formRefAddr, u: m.offset()}
}

// call runs the expression that another entry has for its location.
func (m *machine) call(op uint8) {
	e, err := m.u.followRef(m.refValue(op))
	if err != nil {
		m.check(err)
		return
	}
	if m.ev.depth++; m.ev.depth > maxCalls {
		m.fail(m.off, "more than %d calls", maxCalls)
		return
	}
	if v := e.get(dwarf.AttrLocation); v.isBlock() && m.err == nil {
		called := machine{reader: newReader(secExpr, v.b, 0), u: e.u, ev: m.ev}
		called.wide = e.u.wide
		for called.err == nil && called.off < called.end {
			if m.ev.steps++; m.ev.steps > maxSteps {
				called.fail(called.off, "more than %d steps", maxSteps)
				break
			}
			called.step(called.u8())
		}
		m.check(called.err)
		m.found = called.found
	}
	m.ev.depth--
}

func (m *machine) implicitPointer() {
	v := m.refValue(dw.OpImplicitPointer)
	offset := m.sleb()
	if v.u == 0 && m.err == nil { // GCC loses the reference if debug information is split
		m.check(&AbsentError{Reason: "points to a variable that has no address"})
		return
	}
	e, err := m.u.followRef(v)
	if err != nil {
		m.check(err)
		return
	}
	m.at(Location{Kind: ImplicitPointer, Target: newVar(e, m.ev.fn), Offset: offset})
}

// variableValue pushes the value of a variable.
func (m *machine) variableValue() {
	e, err := m.u.followRef(m.refValue(dw.OpGNUVariableValue))
	if err != nil {
		m.check(err)
		return
	}
	v := newVar(e, m.ev.fn)
	size := int64(8)
	if t, err := v.Type(); err == nil && t != nil && t.Size > 0 && t.Size < 8 {
		size = t.Size
	}
	l, err := v.location(m.ev.frame, m.ev.depth+1)
	if err != nil {
		m.check(err)
		return
	}
	b, err := m.ev.frame.Read(l, int(size))
	if err != nil {
		m.check(err)
		return
	}
	var buf [8]byte
	copy(buf[:], b)
	m.push(binary.LittleEndian.Uint64(buf[:]))
}

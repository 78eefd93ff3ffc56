//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/unwind"
	"github.com/tracelark/tracelark/tracer/value"
)

// This file passes arguments and results as the System V ABI has it (AMD64 supplement,
// 3.2.3): to functions that are called, and from functions that stand at their first
// instruction or have returned. Code that is not optimised stores its arguments where
// its debug information says only behind that.

// A class is where an eightbyte is passed.
type class uint8

const (
	classNone class = iota
	classInteger
	classSSE
	classSSEUp // in the same register as the one before
	classX87
	classX87Up
	classMemory
)

// The DWARF numbers of the registers of arguments, in their order, and of results.
var (
	integerArgs    = []int{5, 4, 1, 2, 8, 9} // rdi rsi rdx rcx r8 r9
	integerResults = []int{0, 1}             // rax rdx
)

const (
	sseArgs    = 8
	sseResults = 2

	dwarfRBP = 6
	dwarfRSP = 7
)

// pieces returns where an object of some classes lies, if the registers with the numbers
// ints, and then those of vectors from dwarfXMM0+sse up to limit, are free, and how many
// of both it takes. There are none if they do not do.
func pieces(classes []class, ints []int, sse, limit int) (list []debuginfo.Piece, n, m int) {
	for _, c := range classes {
		p := debuginfo.Piece{Location: debuginfo.Location{Kind: debuginfo.InRegister}, Bits: 64}
		switch {
		case c == classInteger && n < len(ints):
			p.Reg = ints[n]
			n++
		case c == classSSE && sse+m < limit:
			p.Reg = dwarfXMM0 + sse + m
			m++
		case c == classSSEUp && m > 0:
			list[len(list)-1].Bits += 64
			continue
		default:
			return nil, 0, 0
		}
		list = append(list, p)
	}
	return list, n, m
}

// located returns the place that pieces make up.
func located(list []debuginfo.Piece) debuginfo.Location {
	if len(list) == 1 {
		return list[0].Location
	}
	return debuginfo.Location{Kind: debuginfo.InPieces, Pieces: list}
}

// A passing is arguments on their way to a function.
type passing struct {
	words   []uint64 // for the registers integerArgs
	vectors [][]byte // for xmm0 and so on
	stack   []uint64
}

// pass adds an argument; word is that of one which is no object.
func (p *passing) pass(word uint64, a *Arg) {
	if a.Type == nil {
		if len(p.words) < len(integerArgs) {
			p.words = append(p.words, word)
		} else {
			p.stack = append(p.stack, word)
		}
		return
	}
	classes := classify(a.Type)
	if len(classes) == 0 {
		return // an object without members
	}
	data := append(append([]byte(nil), a.Object...), make([]byte, 16)...)
	list, _, _ := pieces(classes, integerArgs[len(p.words):], len(p.vectors), sseArgs)
	if len(list) == 0 {
		if alignedBy16(a.Type) && len(p.stack)%2 != 0 {
			p.stack = append(p.stack, 0)
		}
		for at := 0; at < len(a.Object); at += 8 {
			p.stack = append(p.stack, binary.LittleEndian.Uint64(data[at:]))
		}
		return
	}
	at := 0
	for _, piece := range list {
		n := int(piece.Bits / 8)
		if piece.Reg >= dwarfXMM0 {
			p.vectors = append(p.vectors, append(append([]byte(nil), data[at:at+n]...), make([]byte, 16-n)...))
		} else {
			p.words = append(p.words, binary.LittleEndian.Uint64(data[at:]))
		}
		at += n
	}
}

// alignedBy16 reports whether a type, as far as its parts tell, is aligned to 16 bytes.
func alignedBy16(t *debuginfo.Type) bool {
	n, err := value.Alignment(t)
	return err == nil && n >= 16
}

// returnedInMemory reports whether a function of a type of result is given the address
// to store it at.
func returnedInMemory(t *debuginfo.Type) (bool, error) {
	if t == nil {
		return false, nil
	}
	under, err := t.Strip()
	if err != nil || under == nil {
		return false, err
	}
	if under.Size < 0 {
		return false, fmt.Errorf("the size of the result, %s, is not known", t)
	}
	if under.ByReference() {
		return true, nil
	}
	classes := classify(under)
	return len(classes) > 0 && classes[0] == classMemory && !isComplexLong(under), nil
}

// isComplexLong reports whether a type is long double _Complex, which is returned in two
// registers.
func isComplexLong(t *debuginfo.Type) bool {
	return t.Kind == debuginfo.Base && t.Encoding == complexEncoding && t.Size == 32
}

// fetch reads a result of type t that a function has just returned.
func (t *Thread) fetch(r *Result, typ *debuginfo.Type) error {
	v, err := t.returned(t.p.scope(nil, nil, t), r.Word, typ)
	if err != nil {
		return err
	}
	if r.Object, err = v.Bytes(); err == nil {
		if under, stripErr := typ.Strip(); stripErr == nil && under.ByReference() {
			r.Addr, _ = v.Address()
		}
	}
	return err
}

// returned returns the result of type typ of a function that has just returned with a
// word in rax, as a value that registers may be read for at once.
func (t *Thread) returned(s *context, word uint64, typ *debuginfo.Type) (*value.Value, error) {
	inMemory, err := returnedInMemory(typ)
	if err != nil {
		return nil, err
	}
	if inMemory {
		return value.At(s, typ, word), nil
	}
	under, err := typ.Strip()
	if err != nil || under == nil {
		return nil, err
	}
	classes := classify(under)
	var numbers []int // of the registers, and how many bytes of each
	var sizes []int
	switch {
	case isComplexLong(under):
		numbers, sizes = []int{dwarfST0, dwarfST0 + 1}, []int{16, 16}
	case len(classes) == 2 && classes[0] == classX87:
		numbers, sizes = []int{dwarfST0}, []int{16}
	default:
		list, _, _ := pieces(classes, integerResults, 0, sseResults)
		if len(list) == 0 && len(classes) > 0 {
			return nil, fmt.Errorf("results of type %s are not known", typ)
		}
		for _, p := range list {
			numbers, sizes = append(numbers, p.Reg), append(sizes, int(p.Bits/8))
		}
	}
	data := make([]byte, 0, under.Size+16)
	for i, n := range numbers {
		b, err := t.register(n)
		if err != nil {
			return nil, err
		}
		b = append(append([]byte(nil), b...), make([]byte, 16)...)
		data = append(data, b[:sizes[i]]...)
	}
	data = append(data, make([]byte, under.Size)...)
	return value.FromBytes(s, typ, data[:under.Size]), nil
}

// register returns a register of the thread by its DWARF number.
func (t *Thread) register(n int) ([]byte, error) {
	if x := xreg(n); x != nil {
		return t.XReg(x)
	}
	regs, err := t.Regs()
	if err != nil {
		return nil, err
	}
	return binary.LittleEndian.AppendUint64(nil, regs[arch.FromDWARF[n]]), nil
}

// followsABI returns an error if functions of type t in a language are not called as those
// of C: Go has a convention of its own, and Rust promises nothing but for numbers and
// pointers.
func followsABI(l debuginfo.Language, t *debuginfo.Type) error {
	if l == debuginfo.Go {
		return errors.New("functions of Go have a calling convention of their own, which is not known here")
	}
	if l != debuginfo.Rust {
		return nil
	}
	params, _, err := t.Params()
	if err != nil {
		return err
	}
	ret, err := t.Elem()
	if err != nil {
		return err
	}
	for _, p := range append(params[:len(params):len(params)], debuginfo.Param{Type: ret}) {
		if under, err := p.Type.Strip(); err != nil || under != nil && (isCompound(under) || under.Size > 8) {
			return errors.New("functions of Rust pass structures in ways that are not known here")
		}
	}
	return nil
}

func isCompound(t *debuginfo.Type) bool {
	switch t.Kind {
	case debuginfo.Struct, debuginfo.Class, debuginfo.Union, debuginfo.Array:
		return true
	}
	return false
}

// atEntry reports whether the frame is at the first instruction of its function.
func (f *Frame) atEntry(s *context) bool {
	return f.By == unwind.Registers && !f.Inlined && s.frame.PC == f.Func.Entry
}

// passed replaces arguments that are to be stored yet by the registers or the place on
// the stack that they are passed in.
func (f *Frame) passed(s *context, args []Variable) {
	t, err := f.Func.Type()
	if err != nil || followsABI(f.Func.Language(), t) != nil {
		return
	}
	result, err := t.Elem()
	if err != nil {
		return
	}
	integers, sses, stack := 0, 0, f.CFA
	if inMemory, err := returnedInMemory(result); err != nil {
		return
	} else if inMemory {
		integers = 1 // the address of the result
	}
	word := func() debuginfo.Location {
		if integers < len(integerArgs) {
			integers++
			return debuginfo.Location{Kind: debuginfo.InRegister, Reg: integerArgs[integers-1]}
		}
		stack += 8
		return debuginfo.Location{Kind: debuginfo.InMemory, Addr: stack - 8}
	}
	for i := range args {
		a := &args[i]
		t := a.Value.Type()
		if t == nil {
			return
		}
		if t.ByReference() {
			// The debug information has it behind the place of the address, which is to
			// be stored, too.
			if v, err := value.New(s, debuginfo.PointerTo(t), word()).Deref(); err == nil {
				a.Value = v
			}
			continue
		}
		classes := classify(t)
		list, n, m := pieces(classes, integerArgs[integers:], sses, sseArgs)
		integers, sses = integers+n, sses+m
		switch {
		case len(classes) == 0:
		case len(list) > 0:
			if f.stored(s, a) {
				a.Value = value.New(s, t, located(list))
			}
		default:
			if alignedBy16(t) {
				stack = (stack + 15) &^ 15
			}
			if f.stored(s, a) {
				a.Value = value.At(s, t, stack)
			}
			if size, err := a.Value.Size(); err == nil {
				stack += uint64(size+7) &^ 7
			}
		}
	}
}

// stored reports whether the debug information says that an argument is in the frame,
// or nowhere, where it is not yet when the function begins. Clang counts from rbp or rsp,
// which are still the caller's then.
func (f *Frame) stored(s *context, a *Variable) bool {
	addr, ok := a.Value.Address()
	if !ok {
		return a.Value.Err() != nil
	}
	moved := s.frame
	moved.Reg = func(n int) ([]byte, error) {
		b, err := s.reg(n)
		if err == nil && (n == dwarfRBP || n == dwarfRSP) {
			b = binary.LittleEndian.AppendUint64(nil, binary.LittleEndian.Uint64(b)+1)
		}
		return b, err
	}
	loc, err := a.Location(&moved)
	return addr < f.CFA || err != nil || loc.Addr != addr
}

// classify returns the classes of the eightbytes of a type: one that is passed in
// memory has classMemory alone, one without members none.
func classify(t *debuginfo.Type) []class {
	memory := []class{classMemory}
	under, err := t.Strip()
	if err != nil || under == nil || under.Size <= 0 || under.Size > 16 {
		return memory
	}
	classes := make([]class, (under.Size+7)/8)
	budget := 100
	if !addClasses(classes, under, 0, &budget) {
		return memory
	}
	if classes[0] == classNone && under.Kind != debuginfo.Base {
		if len(classes) == 1 {
			return nil
		}
		return memory
	}
	for _, c := range classes[1:] {
		if c == classNone {
			return memory
		}
	}
	return classes
}

// Encodings of numbers (DW_ATE_complex_float, DW_ATE_float).
const complexEncoding, floatEncoding = 3, 4

// addClasses enters what lies at offset of an object of at most 16 bytes. It returns
// false if such an object is passed in memory.
func addClasses(classes []class, t *debuginfo.Type, offset int64, budget *int) bool {
	*budget--
	t, err := t.Strip()
	if err != nil || t == nil || t.Size <= 0 || offset < 0 || offset+t.Size > int64(len(classes))*8 || *budget < 0 {
		return false
	}
	enter := func(c class) bool {
		for i := offset / 8; i <= (offset+t.Size-1)/8; i++ {
			if classes[i] != classInteger {
				classes[i] = c
			}
		}
		return true
	}
	pair := func(low, high class) bool {
		if offset != 0 || classes[0] != classNone || classes[1] != classNone {
			return false // of a union with something else
		}
		classes[0], classes[1] = low, high
		return true
	}
	switch t.Kind {
	case debuginfo.Base:
		switch {
		case t.Encoding != floatEncoding && t.Encoding != complexEncoding:
			return enter(classInteger)
		case t.Size <= 8 || t.Encoding == complexEncoding && t.Size == 16:
			return enter(classSSE)
		case t.Size == 16 && t.Name == "long double":
			return pair(classX87, classX87Up)
		case t.Size == 16 && t.Encoding == floatEncoding:
			return pair(classSSE, classSSEUp)
		}
		return false
	case debuginfo.Pointer, debuginfo.Reference, debuginfo.RvalueReference, debuginfo.Enum, debuginfo.MemberPointer:
		return enter(classInteger)
	case debuginfo.Array:
		if t.IsVector() && t.Size == 16 {
			return pair(classSSE, classSSEUp)
		}
		if t.IsVector() {
			return t.Size == 8 && enter(classSSE)
		}
		elem, err := t.Elem()
		if err != nil || elem == nil || elem.Size <= 0 {
			return false
		}
		for at := int64(0); at+elem.Size <= t.Size; at += elem.Size {
			if !addClasses(classes, elem, offset+at, budget) {
				return false
			}
		}
		return true
	case debuginfo.Struct, debuginfo.Class, debuginfo.Union:
		fields, err := t.Fields()
		if err != nil {
			return false
		}
		for i := range fields {
			f := &fields[i]
			if f.Static {
				continue
			}
			ft, err := f.Type()
			if err != nil || ft == nil || f.Offset < 0 {
				return false
			}
			if f.BitSize > 0 {
				classes[min((offset+f.Offset)/8, int64(len(classes)-1))] = classInteger
				continue
			}
			if !addClasses(classes, ft, offset+f.Offset, budget) {
				return false
			}
		}
		return true
	}
	return false
}

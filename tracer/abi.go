//go:build linux && amd64

package tracer

import (
	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/unwind"
	"github.com/tracelark/tracelark/tracer/value"
)

// This file finds arguments at the first instruction of a function (System V ABI,
// AMD64 supplement, 3.2.3). Code that is not optimised stores them where its debug
// information says only behind it.

// A class is where an eightbyte is passed.
type class uint8

const (
	classNone class = iota
	classInteger
	classSSE
	classMemory
)

// The DWARF numbers of the registers of arguments, in their order.
var integerArgs = []int{5, 4, 1, 2, 8, 9} // rdi rsi rdx rcx r8 r9

const sseArgs = 8

// atEntry reports whether the frame is at the first instruction of its function.
func (f *Frame) atEntry(s *context) bool {
	return f.By == unwind.Registers && !f.Inlined && s.frame.PC == f.Func.Entry
}

// passed replaces arguments that are to be stored yet by the registers that they are
// passed in.
func (f *Frame) passed(s *context, args []Variable) {
	integers, sses := 0, 0
	t, err := f.Func.Type()
	if err != nil {
		return
	}
	if result, err := t.Elem(); err != nil {
		return
	} else if result != nil && classify(result)[0] == classMemory {
		integers = 1 // the address of the result
	}
	for i := range args {
		a := &args[i]
		t := a.Value.Type()
		if t == nil {
			return
		}
		classes := classify(t)
		var pieces []debuginfo.Piece
		n, m := integers, sses
		for _, c := range classes {
			p := debuginfo.Piece{Location: debuginfo.Location{Kind: debuginfo.InRegister}, Bits: 64}
			switch {
			case c == classInteger && n < len(integerArgs):
				p.Reg = integerArgs[n]
				n++
			case c == classSSE && m < sseArgs:
				p.Reg = dwarfXMM0 + m
				m++
			default:
				continue
			}
			pieces = append(pieces, p)
		}
		if len(pieces) < len(classes) {
			continue // on the stack, which the debug information knows
		}
		integers, sses = n, m
		addr, ok := a.Value.Address()
		if !ok || addr >= f.CFA {
			continue
		}
		loc := pieces[0].Location
		if len(pieces) > 1 {
			loc = debuginfo.Location{Kind: debuginfo.InPieces, Pieces: pieces}
		}
		a.Value = value.New(s, t, loc)
	}
}

// classify returns the classes of the eightbytes of a type: one that is passed in
// memory has classMemory alone.
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
	for _, c := range classes {
		if c == classNone {
			return memory
		}
	}
	return classes
}

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
	const complexEncoding, floatEncoding = 3, 4 // DW_ATE_complex_float, DW_ATE_float
	switch t.Kind {
	case debuginfo.Base:
		if t.Encoding == floatEncoding || t.Encoding == complexEncoding {
			return t.Size <= 8 && enter(classSSE)
		}
		return enter(classInteger)
	case debuginfo.Pointer, debuginfo.Reference, debuginfo.RvalueReference, debuginfo.Enum, debuginfo.MemberPointer:
		return enter(classInteger)
	case debuginfo.Array:
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
	case debuginfo.Struct, debuginfo.Union: // a class may have a constructor, and pass by reference
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

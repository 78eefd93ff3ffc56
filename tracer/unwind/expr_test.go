package unwind

import (
	"bytes"
	"math"
	"testing"

	"github.com/tracelark/tracelark/tracer/arch"
)

func TestExpressions(t *testing.T) {
	mem := &room{words: map[uint64]uint64{0x8000: 0x8877665544332211, 0x8010: 0x1234}}
	for _, test := range []struct {
		name string
		expr []byte
		want uint64
		err  string
	}{
		{"addr", []byte{opAddr, 0x10, 0, 0, 0, 0, 0, 0, 0}, 0x100010, ""},
		{"encoded addr", []byte{opGNUEncodedAddr, pePCRel | peSData4, 0x10, 0, 0, 0}, 0x100012, ""},
		{"encoded indirect addr", []byte{opGNUEncodedAddr, peIndirect | peSData4, 0x10, 0x80, 0xf0, 0xff}, 0x1234, ""},
		{"deref", []byte{opBreg0 + 7, 0x10, opDeref}, 0x1234, ""},
		{"deref_size", []byte{opBreg0 + 7, 0, opDerefSize, 3}, 0x332211, ""},
		{"deref_size 9", []byte{opBreg0 + 7, 0, opDerefSize, 9}, 0, "x+0x4: load of 9 bytes"},
		{"const1u", []byte{opConst1u, 0xff}, 0xff, ""},
		{"const1s", []byte{opConst1s, 0xff}, math.MaxUint64, ""},
		{"const2u", []byte{opConst2u, 0xfe, 0xff}, 0xfffe, ""},
		{"const2s", []byte{opConst2s, 0xfe, 0xff}, math.MaxUint64 - 1, ""},
		{"const4u", []byte{opConst4u, 0, 0, 0, 0x80}, 0x80000000, ""},
		{"const4s", []byte{opConst4s, 0, 0, 0, 0x80}, 0xffffffff80000000, ""},
		{"const8u", []byte{opConst8u, 1, 0, 0, 0, 0, 0, 0, 0x80}, 1<<63 + 1, ""},
		{"const8s", []byte{opConst8s, 1, 0, 0, 0, 0, 0, 0, 0x80}, 1<<63 + 1, ""},
		{"constu", []byte{opConstu, 0xe5, 0x8e, 0x26}, 624485, ""},
		{"constu, padded", []byte{opConstu, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0}, 1, ""},
		{"consts", []byte{opConsts, 0xc0, 0xbb, 0x78}, ^uint64(123456) + 1, ""},
		{"consts, minimum", []byte{opConsts, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}, 1 << 63, ""},
		{"dup", []byte{opLit0 + 3, opDup, opMul}, 9, ""},
		{"drop", []byte{opLit0 + 3, opLit0, opDrop}, 3, ""},
		{"over", []byte{opLit0 + 3, opLit0 + 4, opOver, opMinus}, 1, ""},
		{"pick", []byte{opLit0 + 3, opLit0 + 4, opLit0 + 5, opPick, 2}, 3, ""},
		{"pick too deep", []byte{opLit0, opPick, 2}, 0, "x+0x3: expression lacks a value"},
		{"swap", []byte{opLit0 + 3, opLit0 + 4, opSwap, opMinus}, 1, ""},
		{"rot", []byte{opLit0 + 1, opLit0 + 2, opLit0 + 3, opRot, opLit0 + 10, opMul, opPlus, opLit0 + 10, opMul, opPlus}, 213, ""},
		{"abs", []byte{opConst1s, 0xfb, opAbs}, 5, ""},
		{"and or xor not", []byte{opLit0 + 12, opLit0 + 10, opAnd, opLit0 + 1, opOr, opLit0 + 31, opXor, opNot}, ^uint64(22), ""},
		{"div", []byte{opConst1s, 0xf9, opLit0 + 2, opDiv}, ^uint64(2), ""},
		{"div, overflow", []byte{opConst8u, 0, 0, 0, 0, 0, 0, 0, 0x80, opConst1s, 0xff, opDiv}, 1 << 63, ""},
		{"div by zero", []byte{opLit0 + 1, opLit0, opDiv}, 0, "x+0x2: expression divides by zero"},
		{"mod", []byte{opLit0 + 7, opLit0 + 4, opMod}, 3, ""},
		{"mod by zero", []byte{opLit0 + 1, opLit0, opMod}, 0, "x+0x2: expression divides by zero"},
		{"neg", []byte{opLit0 + 1, opNeg}, math.MaxUint64, ""},
		{"plus_uconst", []byte{opLit0 + 1, opPlusUconst, 0x80, 0x01}, 129, ""},
		{"shl", []byte{opLit0 + 1, opLit0 + 31, opShl}, 1 << 31, ""},
		{"shl too far", []byte{opLit0 + 1, opConst1u, 64, opShl}, 0, ""},
		{"shr", []byte{opConst1s, 0x80, opLit0 + 31, opShr}, 0x1ffffffff, ""},
		{"shra", []byte{opConst1s, 0x80, opLit0 + 4, opShra}, ^uint64(7), ""},
		{"eq", []byte{opLit0 + 1, opLit0 + 1, opEq}, 1, ""},
		{"ne", []byte{opLit0 + 1, opLit0 + 1, opNe}, 0, ""},
		{"ge", []byte{opLit0, opConst1s, 0xff, opGe}, 1, ""},
		{"gt", []byte{opLit0, opLit0, opGt}, 0, ""},
		{"le", []byte{opConst1s, 0xff, opLit0, opLe}, 1, ""},
		{"lt", []byte{opLit0, opLit0, opLt}, 0, ""},
		{"skip", []byte{opLit0 + 1, opSkip, 1, 0, opLit0 + 2}, 1, ""},
		{"skip out", []byte{opSkip, 1, 0}, 0, "x+0x3: expression jumps out of itself"},
		{"skip back", []byte{opSkip, 0xfc, 0xff}, 0, "x+0x3: expression jumps out of itself"},
		{"bra", []byte{opLit0 + 5, opLit0 + 1, opMinus, opDup, opBra, 0xfa, 0xff}, 0, ""},
		{"endless", []byte{opSkip, 0xfd, 0xff}, 0, "x+0x0: expression of more than 1000 steps"},
		{"reg", []byte{opReg0 + 7}, 0x8000, ""},
		{"regx", []byte{opRegx, 7}, 0x8000, ""},
		{"breg", []byte{opBreg0 + 7, 0x78}, 0x7ff8, ""},
		{"bregx", []byte{opBregx, 7, 8}, 0x8008, ""},
		{"unknown register", []byte{opBreg0 + 6, 0}, 0, "rbp is not known"},
		{"no register", []byte{opBregx, 99, 0}, 0, "no DWARF register 99"},
		{"nop", []byte{opLit0 + 1, opNop}, 1, ""},
		{"plt", []byte{opBreg0 + 7, 8, opBreg0 + 16, 0, opLit0 + 15, opAnd, opLit0 + 11, opGe, opLit0 + 3, opShl, opPlus}, 0x8010, ""},
		{"empty", nil, 0, "x+0x0: expression lacks a value"},
		{"too deep", bytes.Repeat([]byte{opLit0}, maxDepth+1), 0, "x+0x41: expression with more than 64 values"},
		{"truncated", []byte{opConst8u, 1, 2}, 0, "x+0x1: truncated"},
		{"piece", []byte{0x93, 8}, 0, "x+0x0: expression operator 0x93"},
	} {
		f := &Frame{}
		f.set(arch.RSP, 0x8000)
		f.set(arch.RIP, 0x100b)
		sec := &section{name: "x", data: test.expr}
		got, err := evaluate(sec, span{0, len(test.expr)}, &pages{mem: mem}, f, 0x100000)
		if got != test.want || err != nil && err.Error() != test.err || err == nil && test.err != "" {
			t.Errorf("%s: %#x, %v; want %#x, %s", test.name, got, err, test.want, test.err)
		}
	}
}

package unwind

import (
	"bytes"
	"math"
	"testing"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/dw"
)

func TestExpressions(t *testing.T) {
	mem := &room{words: map[uint64]uint64{0x8000: 0x8877665544332211, 0x8010: 0x1234}}
	for _, test := range []struct {
		name string
		expr []byte
		want uint64
		err  string
	}{
		{"addr", []byte{dw.OpAddr, 0x10, 0, 0, 0, 0, 0, 0, 0}, 0x100010, ""},
		{"encoded addr", []byte{dw.OpGNUEncodedAddr, pePCRel | peSData4, 0x10, 0, 0, 0}, 0x100012, ""},
		{"encoded indirect addr", []byte{dw.OpGNUEncodedAddr, peIndirect | peSData4, 0x10, 0x80, 0xf0, 0xff}, 0x1234, ""},
		{"deref", []byte{dw.OpBreg0 + 7, 0x10, dw.OpDeref}, 0x1234, ""},
		{"deref_size", []byte{dw.OpBreg0 + 7, 0, dw.OpDerefSize, 3}, 0x332211, ""},
		{"deref_size 9", []byte{dw.OpBreg0 + 7, 0, dw.OpDerefSize, 9}, 0, "x+0x4: load of 9 bytes"},
		{"const1u", []byte{dw.OpConst1u, 0xff}, 0xff, ""},
		{"const1s", []byte{dw.OpConst1s, 0xff}, math.MaxUint64, ""},
		{"const2u", []byte{dw.OpConst2u, 0xfe, 0xff}, 0xfffe, ""},
		{"const2s", []byte{dw.OpConst2s, 0xfe, 0xff}, math.MaxUint64 - 1, ""},
		{"const4u", []byte{dw.OpConst4u, 0, 0, 0, 0x80}, 0x80000000, ""},
		{"const4s", []byte{dw.OpConst4s, 0, 0, 0, 0x80}, 0xffffffff80000000, ""},
		{"const8u", []byte{dw.OpConst8u, 1, 0, 0, 0, 0, 0, 0, 0x80}, 1<<63 + 1, ""},
		{"const8s", []byte{dw.OpConst8s, 1, 0, 0, 0, 0, 0, 0, 0x80}, 1<<63 + 1, ""},
		{"constu", []byte{dw.OpConstu, 0xe5, 0x8e, 0x26}, 624485, ""},
		{"constu, padded", []byte{dw.OpConstu, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0}, 1, ""},
		{"consts", []byte{dw.OpConsts, 0xc0, 0xbb, 0x78}, ^uint64(123456) + 1, ""},
		{"consts, minimum", []byte{dw.OpConsts, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}, 1 << 63, ""},
		{"dup", []byte{dw.OpLit0 + 3, dw.OpDup, dw.OpMul}, 9, ""},
		{"drop", []byte{dw.OpLit0 + 3, dw.OpLit0, dw.OpDrop}, 3, ""},
		{"over", []byte{dw.OpLit0 + 3, dw.OpLit0 + 4, dw.OpOver, dw.OpMinus}, 1, ""},
		{"pick", []byte{dw.OpLit0 + 3, dw.OpLit0 + 4, dw.OpLit0 + 5, dw.OpPick, 2}, 3, ""},
		{"pick too deep", []byte{dw.OpLit0, dw.OpPick, 2}, 0, "x+0x3: expression lacks a value"},
		{"swap", []byte{dw.OpLit0 + 3, dw.OpLit0 + 4, dw.OpSwap, dw.OpMinus}, 1, ""},
		{"rot", []byte{dw.OpLit0 + 1, dw.OpLit0 + 2, dw.OpLit0 + 3, dw.OpRot, dw.OpLit0 + 10, dw.OpMul, dw.OpPlus, dw.OpLit0 + 10, dw.OpMul, dw.OpPlus}, 213, ""},
		{"abs", []byte{dw.OpConst1s, 0xfb, dw.OpAbs}, 5, ""},
		{"and or xor not", []byte{dw.OpLit0 + 12, dw.OpLit0 + 10, dw.OpAnd, dw.OpLit0 + 1, dw.OpOr, dw.OpLit0 + 31, dw.OpXor, dw.OpNot}, ^uint64(22), ""},
		{"div", []byte{dw.OpConst1s, 0xf9, dw.OpLit0 + 2, dw.OpDiv}, ^uint64(2), ""},
		{"div, overflow", []byte{dw.OpConst8u, 0, 0, 0, 0, 0, 0, 0, 0x80, dw.OpConst1s, 0xff, dw.OpDiv}, 1 << 63, ""},
		{"div by zero", []byte{dw.OpLit0 + 1, dw.OpLit0, dw.OpDiv}, 0, "x+0x2: expression divides by zero"},
		{"mod", []byte{dw.OpLit0 + 7, dw.OpLit0 + 4, dw.OpMod}, 3, ""},
		{"mod by zero", []byte{dw.OpLit0 + 1, dw.OpLit0, dw.OpMod}, 0, "x+0x2: expression divides by zero"},
		{"neg", []byte{dw.OpLit0 + 1, dw.OpNeg}, math.MaxUint64, ""},
		{"plus_uconst", []byte{dw.OpLit0 + 1, dw.OpPlusUconst, 0x80, 0x01}, 129, ""},
		{"shl", []byte{dw.OpLit0 + 1, dw.OpLit0 + 31, dw.OpShl}, 1 << 31, ""},
		{"shl too far", []byte{dw.OpLit0 + 1, dw.OpConst1u, 64, dw.OpShl}, 0, ""},
		{"shr", []byte{dw.OpConst1s, 0x80, dw.OpLit0 + 31, dw.OpShr}, 0x1ffffffff, ""},
		{"shra", []byte{dw.OpConst1s, 0x80, dw.OpLit0 + 4, dw.OpShra}, ^uint64(7), ""},
		{"eq", []byte{dw.OpLit0 + 1, dw.OpLit0 + 1, dw.OpEq}, 1, ""},
		{"ne", []byte{dw.OpLit0 + 1, dw.OpLit0 + 1, dw.OpNe}, 0, ""},
		{"ge", []byte{dw.OpLit0, dw.OpConst1s, 0xff, dw.OpGe}, 1, ""},
		{"gt", []byte{dw.OpLit0, dw.OpLit0, dw.OpGt}, 0, ""},
		{"le", []byte{dw.OpConst1s, 0xff, dw.OpLit0, dw.OpLe}, 1, ""},
		{"lt", []byte{dw.OpLit0, dw.OpLit0, dw.OpLt}, 0, ""},
		{"skip", []byte{dw.OpLit0 + 1, dw.OpSkip, 1, 0, dw.OpLit0 + 2}, 1, ""},
		{"skip out", []byte{dw.OpSkip, 1, 0}, 0, "x+0x3: expression jumps out of itself"},
		{"skip back", []byte{dw.OpSkip, 0xfc, 0xff}, 0, "x+0x3: expression jumps out of itself"},
		{"bra", []byte{dw.OpLit0 + 5, dw.OpLit0 + 1, dw.OpMinus, dw.OpDup, dw.OpBra, 0xfa, 0xff}, 0, ""},
		{"endless", []byte{dw.OpSkip, 0xfd, 0xff}, 0, "x+0x0: expression of more than 1000 steps"},
		{"reg", []byte{dw.OpReg0 + 7}, 0x8000, ""},
		{"regx", []byte{dw.OpRegx, 7}, 0x8000, ""},
		{"breg", []byte{dw.OpBreg0 + 7, 0x78}, 0x7ff8, ""},
		{"bregx", []byte{dw.OpBregx, 7, 8}, 0x8008, ""},
		{"unknown register", []byte{dw.OpBreg0 + 6, 0}, 0, "rbp is not known"},
		{"no register", []byte{dw.OpBregx, 99, 0}, 0, "no DWARF register 99"},
		{"nop", []byte{dw.OpLit0 + 1, dw.OpNop}, 1, ""},
		{"plt", []byte{dw.OpBreg0 + 7, 8, dw.OpBreg0 + 16, 0, dw.OpLit0 + 15, dw.OpAnd, dw.OpLit0 + 11, dw.OpGe, dw.OpLit0 + 3, dw.OpShl, dw.OpPlus}, 0x8010, ""},
		{"empty", nil, 0, "x+0x0: expression lacks a value"},
		{"too deep", bytes.Repeat([]byte{dw.OpLit0}, maxDepth+1), 0, "x+0x41: expression with more than 64 values"},
		{"truncated", []byte{dw.OpConst8u, 1, 2}, 0, "x+0x1: truncated"},
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

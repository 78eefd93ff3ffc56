// Package disasm decodes x86-64 machine code: the text of an instruction, its
// length and what it does to the flow of control.
//
// Lengths and control flow come from a small decoder of its own, which knows
// the forms of all encodings up to AVX-512, XOP and 3DNow!. The text comes from
// golang.org/x/arch/x86/x86asm; what that gets wrong is put right. An
// instruction that it does not know is shown as its bytes, such as
// ".byte 0x8f, 0xe9, 0x78, 0xe1, 0xc1", and the next one begins where it really
// does. It lacks 3DNow!, SSE4a, XOP, FMA4, ADX, GFNI without VEX, MPX, AMX,
// AVX512-FP16, -ER and -4FMAPS, key locker, cmpccxadd, shadow stacks, user
// interrupts, clflushopt, clwb, movdiri, enqcmd, ptwrite, umwait and their like,
// system instructions such as vmcall, clac or rdpid, and VEX and EVEX
// with a bit W or L that is set where compilers leave it 0. APX is not decoded
// at all. Bytes that are no instruction are shown one by one.
//
// The package knows no process. It wants the original code, without
// breakpoints.
package disasm

import (
	"encoding/binary"
	"fmt"
	"iter"
	"strings"
)

// An Inst is a decoded instruction.
type Inst struct {
	Addr uint64
	Data []byte // its bytes, a part of what was decoded
	Text string // in Intel syntax; ATT returns the other one

	Kind Kind

	// Target is where a branch or a call goes, if the instruction alone tells.
	Target    uint64
	HasTarget bool
}

// Next returns the address of the instruction after i.
func (i *Inst) Next() uint64 { return i.Addr + uint64(len(i.Data)) }

// A Kind says what an instruction does to the flow of control.
type Kind uint8

// The kinds.
const (
	Other   Kind = iota // goes on to the next instruction
	Call                // call
	Jump                // jmp
	Branch              // a conditional jump: jcc, jrcxz, loop, xbegin
	Return              // ret, iret
	Syscall             // syscall, sysenter, int 0x80
	Trap                // raises an exception: int3, int n, int1, ud2, hlt
)

// String returns the kind's name in lower case.
func (k Kind) String() string {
	return [...]string{"other", "call", "jump", "branch", "return", "syscall", "trap"}[k]
}

// A Symbols names addresses: it returns the symbol that addr lies in and where
// that begins, or an empty name.
type Symbols = func(addr uint64) (name string, base uint64)

// Decode decodes the instruction that data begins with, which lies at addr.
// Addresses that it refers to are shown with their symbols unless sym is nil.
// Bytes that are no instruction make an Inst of the first one. The error tells
// that data ends within the instruction.
func Decode(data []byte, addr uint64, sym Symbols) (Inst, error) {
	i, e, err := decode(data, addr)
	switch err {
	case nil:
	case errInvalid:
		return Inst{Addr: addr, Data: data[:1], Text: bytesText(data[:1])}, nil
	default:
		return Inst{}, fmt.Errorf("decode %#x: %w", addr, err)
	}
	i.Text = render(&i, &e, sym, intelSyntax)
	return i, nil
}

// Skim decodes the instruction that data begins with as Decode does, without its
// text, which takes most of the time. Bytes that are no instruction are an error.
func Skim(data []byte, addr uint64) (Inst, error) {
	i, _, err := decode(data, addr)
	if err != nil {
		return Inst{}, fmt.Errorf("decode %#x: %w", addr, err)
	}
	return i, nil
}

func decode(data []byte, addr uint64) (Inst, encoding, error) {
	e, err := parse(data)
	if err != nil {
		return Inst{}, e, err
	}
	i := Inst{Addr: addr, Data: e.data, Kind: e.kind()}
	if n := len(e.data) - e.rel; e.rel > 0 {
		rel := e.data[n:]
		switch e.rel {
		case 1:
			i.Target = uint64(int8(rel[0]))
		case 2:
			i.Target = uint64(int16(binary.LittleEndian.Uint16(rel)))
		case 4:
			i.Target = uint64(int32(binary.LittleEndian.Uint32(rel)))
		}
		i.Target += i.Next()
		i.HasTarget = true
	}
	return i, e, nil
}

// All decodes data, which lies at addr, instruction by instruction. It ends
// before an instruction of which data lacks a part.
func All(data []byte, addr uint64, sym Symbols) iter.Seq[Inst] {
	return func(yield func(Inst) bool) {
		for len(data) > 0 {
			i, err := Decode(data, addr, sym)
			if err != nil || !yield(i) {
				return
			}
			data, addr = data[len(i.Data):], i.Next()
		}
	}
}

// kind tells the kind by the opcode (SDM volume 2, appendix A).
func (e *encoding) kind() Kind {
	reg := e.modrm >> 3 & 7
	switch op := e.opcode; {
	case e.vex:
	case e.opmap == after0F:
		switch {
		case op == 0x05, op == 0x34:
			return Syscall
		case op == 0x07, op == 0x35:
			return Return
		case op == 0x0b, op == 0xb9, op == 0xff:
			return Trap
		case op&0xf0 == 0x80:
			return Branch
		}
	case e.opmap == primary:
		switch {
		case op == 0xe8, op == 0xff && (reg == 2 || reg == 3):
			return Call
		case op == 0xe9, op == 0xeb, op == 0xff && (reg == 4 || reg == 5):
			return Jump
		case op&0xf0 == 0x70, op >= 0xe0 && op <= 0xe3, op == 0xc7 && e.modrm == xbegin:
			return Branch
		case op == 0xc2, op == 0xc3, op == 0xca, op == 0xcb, op == 0xcf:
			return Return
		case op == 0xcd && e.data[len(e.data)-1] == 0x80:
			return Syscall
		case op == 0xcc, op == 0xcd, op == 0xf1, op == 0xf4:
			return Trap
		}
	}
	return Other
}

// bytesText shows data as an assembler would take it.
func bytesText(data []byte) string {
	var b strings.Builder
	for i, c := range data {
		if i == 0 {
			b.WriteString(".byte ")
		} else {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%#02x", c)
	}
	return b.String()
}

package image

import (
	"bytes"
	"debug/elf"
	"slices"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
)

// This file finds where a function is left otherwise than to its caller, as longjmp and
// the unwinders of exceptions do it: they load the stack pointer and jump. Symbols tell
// more, but a stripped program has none.

// An Ending is code that loads the stack pointer and then jumps or returns.
type Ending struct {
	Addr uint64 // of its first instruction, or of the last one if Kind is EndingLast
	Kind EndingKind

	// Of EndingMove: the stack pointer is copied from a register, some are popped, and
	// the jump goes to what one holds; RIP stands for a return.
	From   arch.Reg
	Popped []arch.Reg
	To     arch.Reg
}

// An EndingKind says what is known of an ending.
type EndingKind uint8

const (
	EndingMove EndingKind = iota // all of it
	EndingBuf                    // rdi points to a jmp_buf
	EndingLast                   // its last instruction alone, a return or a jump to what a register holds
)

// Endings returns the endings in the code of a file without symbols, and none of one
// that has some.
func (f *File) Endings() []Ending { return f.endings() }

// maxEnding is how much code an ending takes at most, in bytes.
const maxEnding = 64

func (f *File) findEndings() []Ending {
	if !f.Stripped() {
		return nil
	}
	var list []Ending
	for _, s := range f.segments {
		if s.Flags&elf.PF_X == 0 {
			continue
		}
		const chunk = 1 << 20
		for at := uint64(0); at < s.Filesz; at += chunk {
			code, err := f.read(s.Off+at, min(chunk+maxEnding, s.Filesz-at))
			if err != nil {
				break
			}
			for _, e := range endingsIn(code, s.Vaddr+at) {
				if e.Addr < s.Vaddr+at+chunk {
					list = append(list, e)
				}
			}
		}
	}
	return list
}

// endingsIn returns the endings in code that lies at addr, in no order.
func endingsIn(code []byte, addr uint64) (list []Ending) {
	for _, op := range []byte{0x89, 0x8b} { // mov, with REX.W, to rsp
		for i := 0; ; i++ {
			n := bytes.IndexByte(code[i:], op)
			if n < 0 {
				break
			}
			if i += n; i == 0 || i+1 == len(code) || code[i-1]&0xf8 != 0x48 || !loadsSP(code[i-1], op, code[i+1]) {
				continue
			}
			if e, ok := parseEnding(code[i-1:min(len(code), i-1+maxEnding)], addr+uint64(i-1)); ok {
				list = append(list, e)
			}
		}
	}
	return slices.Clip(list)
}

// loadsSP reports whether a mov with a REX prefix sets rsp to what a register holds,
// other than rbp, which ends ordinary functions, or to a word of what rdi points to, as
// a jmp_buf.
func loadsSP(rex, op, modrm byte) bool {
	mod, reg, rm := modrm>>6, modrm>>3&7|rex&4<<1, modrm&7|rex&1<<3
	if op == 0x89 {
		reg, rm = rm, reg
		if mod != 3 {
			return false
		}
	}
	return reg == 4 && (mod == 3 && rm != 5 && rm != 4 || mod == 1 && rm == 7)
}

// parseEnding looks at code that loads the stack pointer, and reports whether a return or
// a jump soon ends it.
func parseEnding(code []byte, addr uint64) (e Ending, ok bool) {
	e = Ending{Addr: addr, To: arch.RIP}
	for i := range 6 {
		inst, err := disasm.Skim(code, addr)
		if err != nil {
			return e, false
		}
		to, jumps := disasm.JumpRegister(inst.Data)
		popped, pops := disasm.PopRegister(inst.Data)
		switch {
		case inst.Kind == disasm.Return || jumps:
			if e.Kind == EndingLast {
				e.Addr = addr
			} else if jumps {
				e.To = to
			}
			return e, true
		case inst.Kind == disasm.Jump && len(inst.Data) == 3 && inst.Data[1] == 0x67: // to what rdi points to
			e.Kind = EndingBuf
			return e, true
		case inst.Kind != disasm.Other:
			return e, false
		case i == 0:
			if e.From, ok = disasm.MoveSource(inst.Data); !ok {
				e.Kind = EndingLast
			}
		case pops:
			e.Popped = append(e.Popped, popped)
		case len(inst.Data) != 3 || inst.Data[1] != 0x89 || inst.Data[2]&0xc7 != 0xc5: // other than mov to rbp
			e.Kind = EndingLast
		}
		code, addr = code[len(inst.Data):], inst.Next()
	}
	return e, false
}

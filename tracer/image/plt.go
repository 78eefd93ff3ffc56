package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"math"
	"strings"
)

// pltSuffix marks the symbol of a stub, as objdump and gdb do.
const pltSuffix = "@plt"

// appendStubs appends symbols for the stubs of the procedure linkage table: each
// jumps to where a word of the global offset table leads, and the relocation of
// that word names the function. Those of an IFUNC in a static program have the
// name that symbols give the resolver.
//
// A table for lazy binding and indirect-branch tracking is in two parts. The
// stubs that are called are in .plt.sec; those in .plt, which only push a number
// for the dynamic linker, get no name.
func (f *File) appendStubs(symbols []Symbol) []Symbol {
	relocs, _ := f.relocs()
	if len(relocs) == 0 {
		return symbols
	}
	var resolvers map[uint64]*Symbol
	own := symbols
	resolver := func(addr uint64) string {
		if resolvers == nil {
			resolvers = make(map[uint64]*Symbol)
			for i := range own {
				if s := &own[i]; s.Kind == IFunc && (resolvers[s.Addr] == nil || s.better(resolvers[s.Addr])) {
					resolvers[s.Addr] = s
				}
			}
		}
		if s := resolvers[addr]; s != nil {
			return s.Name
		}
		return ""
	}
	bySlot := make(map[uint64]*reloc, len(relocs))
	for i := range relocs {
		bySlot[relocs[i].addr] = &relocs[i]
	}
	for i := range f.sections {
		s := &f.sections[i]
		if i > math.MaxUint16 || !f.hasStubs(s) {
			continue
		}
		data, err := f.read(s.Off, s.Size)
		if err != nil {
			continue
		}
		first := len(symbols)
		for off := 0; off < len(data); off += 8 {
			slot, ok := stubSlot(data[off:], s.Addr+uint64(off))
			r := bySlot[slot]
			if !ok || r == nil {
				continue
			}
			name := r.name
			if name == "" {
				name = resolver(r.resolver)
			}
			if name == "" {
				continue
			}
			stub := Symbol{Name: name + pltSuffix, Addr: s.Addr + uint64(off), Kind: PLT, section: uint16(i)}
			stub.Size = min(16, uint64(len(data)-off))
			if n := len(symbols); n > first {
				last := &symbols[n-1]
				last.Size = min(last.Size, stub.Addr-last.Addr)
			}
			symbols = append(symbols, stub)
		}
	}
	return symbols
}

var (
	endbr64  = []byte{0xf3, 0x0f, 0x1e, 0xfa}
	movR11   = []byte{0x41, 0xbb} // mov $index, %r11d, as mold has it
	bndJump  = []byte{0xf2}
	slotJump = []byte{0xff, 0x25} // jmp *slot(%rip)
)

// stubSlot returns the address of the word through which the stub in code, which
// lies at addr, jumps.
func stubSlot(code []byte, addr uint64) (slot uint64, ok bool) {
	rest := bytes.TrimPrefix(code, endbr64)
	if after, ok := bytes.CutPrefix(rest, movR11); ok && len(after) >= 4 {
		rest = after[4:]
	}
	rest, ok = bytes.CutPrefix(bytes.TrimPrefix(rest, bndJump), slotJump)
	if !ok || len(rest) < 4 {
		return 0, false
	}
	next := addr + uint64(len(code)-len(rest)) + 4
	return next + uint64(int32(binary.LittleEndian.Uint32(rest))), true
}

// hasStubs reports whether a section is of the procedure linkage table.
func (f *File) hasStubs(s *elf.Section64) bool {
	if elf.SectionFlag(s.Flags)&elf.SHF_EXECINSTR == 0 {
		return false
	}
	name, ok := cString(f.names, uint64(s.Name))
	return ok && (strings.HasPrefix(name, ".plt") || name == ".iplt")
}

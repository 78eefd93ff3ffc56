package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"math"
	"slices"

	"github.com/tracelark/tracelark/tracer/disasm"
)

// findStart returns symbols for the functions _start and main of a program without symbols,
// or none. What the C compiler links in front (crt1.o of glibc) passes main as the first
// argument to __libc_start_main, and a relocation tells whether it is that which is called;
// a static program has none. The size of main is that of its call frame information.
func (f *File) findStart() []Symbol {
	code, err := f.readAddr(f.Entry(), 64)
	if err != nil {
		return nil
	}
	code, entry := bytes.TrimPrefix(code, endbr64), f.Entry()
	entry += uint64(64 - len(code))
	if !bytes.HasPrefix(code, []byte{0x31, 0xed}) { // xor %ebp, %ebp
		return nil
	}
	var last disasm.Inst
	var main, start Symbol
	for inst := range disasm.All(code, entry, nil) {
		if inst.Kind != disasm.Call {
			last = inst
			continue
		}
		end := inst.Next() - entry
		addr, loads := loadedRDI(last)
		if !loads || end >= uint64(len(code)) || code[end] != 0xf4 || !f.startsProgram(inst) { // hlt
			return nil
		}
		main = Symbol{Name: "main", Addr: addr, Size: 1, Kind: Func, section: f.sectionAt(addr)}
		start = Symbol{Name: "_start", Addr: f.Entry(), Size: inst.Next() + 1 - f.Entry(), Kind: Func, section: f.sectionAt(entry)}
		break
	}
	if !slices.ContainsFunc(f.segments, func(s Segment) bool { return s.Flags&elf.PF_X != 0 && main.Addr-s.Vaddr < s.Memsz }) {
		return nil
	}
	if table, err := f.CFI(); err == nil {
		for _, r := range table.Ranges() {
			if r.Low == main.Addr {
				main.Size = r.High - r.Low
			}
		}
	}
	return []Symbol{start, main}
}

// sectionAt returns the number of the section that has an address, or of none.
func (f *File) sectionAt(addr uint64) uint16 {
	for i := range f.sections[:min(len(f.sections), math.MaxUint16)] {
		if s := &f.sections[i]; addr-s.Addr < s.Size {
			return uint16(i)
		}
	}
	return math.MaxUint16
}

// loadedRDI returns the address that an instruction loads into %rdi.
func loadedRDI(inst disasm.Inst) (addr uint64, ok bool) {
	d := inst.Data
	if len(d) < 5 {
		return 0, false
	}
	operand := binary.LittleEndian.Uint32(d[len(d)-4:])
	switch {
	case len(d) == 7 && bytes.HasPrefix(d, []byte{0x48, 0x8d, 0x3d}): // lea operand(%rip), %rdi
		return inst.Next() + uint64(int32(operand)), true
	case len(d) == 7 && bytes.HasPrefix(d, []byte{0x48, 0xc7, 0xc7}): // mov $operand, %rdi
		return uint64(int32(operand)), true
	case len(d) == 5 && d[0] == 0xbf: // mov $operand, %edi
		return uint64(operand), true
	}
	return 0, false
}

// startsProgram reports whether a call is one of __libc_start_main, as far as relocations
// tell: a direct one is of a static program or of a stub.
func (f *File) startsProgram(call disasm.Inst) bool {
	d := call.Data
	if len(d) != 6 || d[0] != 0xff || d[1] != 0x15 {
		return call.HasTarget
	}
	slot := call.Next() + uint64(int32(binary.LittleEndian.Uint32(d[2:])))
	relocs, _ := f.relocs()
	return slices.ContainsFunc(relocs, func(r reloc) bool { return r.addr == slot && r.name == "__libc_start_main" })
}

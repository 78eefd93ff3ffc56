package triage

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
)

// A sparse is memory by address.
type sparse map[uint64]byte

func (m sparse) ReadAt(addr uint64, buf []byte) (int, error) {
	for i := range buf {
		b, ok := m[addr+uint64(i)]
		if !ok {
			return i, unix.EFAULT
		}
		buf[i] = b
	}
	return len(buf), nil
}

func (m sparse) put(addr uint64, data []byte) {
	for i, b := range data {
		m[addr+uint64(i)] = b
	}
}

func TestFindOrigin(t *testing.T) {
	const start = 0x1000
	for name, c := range map[string]struct {
		code string
		reg  arch.Reg
		want Origin
	}{
		"load":     {"\x48\x8b\x47\x08", arch.RAX, Origin{Kind: OfMemory, Addr: 0x2008, Size: 8}},                     // mov rax, [rdi+8]
		"copied":   {"\x48\x8b\x57\x08\x48\x89\xd0", arch.RAX, Origin{Kind: OfMemory, Addr: 0x2008, Size: 8}},         // ...; mov rax, rdx
		"computed": {"\x48\x8b\x57\x08\x48\x8d\x42\x10", arch.RAX, Origin{Kind: OfMemory, Addr: 0x2008, Size: 8}},     // ...; lea rax, [rdx+16]
		"through":  {"\x48\x8b\x45\xf8\x48\x8b\x00", arch.RAX, Origin{Kind: OfMemory, Addr: 0x2008, Size: 8}},         // mov rax, [rbp-8]; mov rax, [rax]
		"changed":  {"\x48\x8b\x47\x10", arch.RAX, Origin{}},                                                          // mov rax, [rdi+16], which is not what rax is
		"constant": {"\x31\xc0", arch.RAX, Origin{}},                                                                  // xor eax, eax
		"returned": {"\xe8\x00\x00\x00\x00\x48\x89\xc3", arch.RBX, Origin{Kind: OfCall}},                              // call; mov rbx, rax
		"clobber":  {"\xe8\x00\x00\x00\x00\x90", arch.RDI, Origin{}},                                                  // call
		"caller":   {"\x90\x48\x89\xf0", arch.RAX, Origin{Kind: OfCaller, Reg: arch.RSI}},                             // mov rax, rsi
		"kept":     {"\xe8\x00\x00\x00\x00\x90", arch.RBX, Origin{Kind: OfCaller, Reg: arch.RBX}},                     // call
		"in call":  {"\x48\x8b\x47\x08\xe8\x00\x00\x00\x00", arch.RAX, Origin{Kind: OfMemory, Addr: 0x2008, Size: 8}}, // ...; the call of the frame
		"at once":  {"", arch.RDI, Origin{Kind: OfCaller, Reg: arch.RDI}},
		"garbage":  {"\x06\x06", arch.RAX, Origin{}},
	} {
		mem := make(sparse)
		mem.put(start, []byte(c.code))
		word := func(addr, v uint64) { mem.put(addr, binary.LittleEndian.AppendUint64(nil, v)) }
		word(0x2008, 0xbad)
		word(0x2010, 0x900d)
		word(0x3000, 0x2008) // [rbp-8]
		regs := arch.Regs{arch.RAX: 0xbad, arch.RDX: 0xbad, arch.RDI: 0x2000, arch.RBP: 0x3008, arch.RBX: 7, arch.RSI: 9}
		all := func(arch.Reg) bool { return true }
		got := FindOrigin(mem, &Place{Start: start, PC: start + uint64(len(c.code)), Regs: regs, Known: all}, Wanted{Reg: c.reg})
		got.Inst = disasm.Inst{}
		if got.Kind != c.want.Kind || got.Addr != c.want.Addr || got.Size != c.want.Size || got.Reg != c.want.Reg {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

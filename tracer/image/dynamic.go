package image

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
)

// dynamicTable returns the dynamic symbol table: that of the sections, or
// without sections that which the dynamic linker would find.
func (f *File) dynamicTable() (*rawTable, error) {
	if len(f.sections) > 0 {
		return f.sectionTable(elf.SHT_DYNSYM)
	}
	dynamic, err := f.dynamic()
	if err != nil {
		return nil, fmt.Errorf("dynamic section: %w", err)
	}
	t := new(rawTable)
	symtab := dynamic[elf.DT_SYMTAB]
	if symtab == 0 {
		return t, nil
	}
	n, err := f.countSymbols(dynamic)
	if err != nil {
		return nil, fmt.Errorf("count: %w", err)
	}
	if t.entries, err = f.readAddr(symtab, n*elf.Sym64Size); err != nil {
		return nil, err
	}
	if t.names, err = f.readAddr(dynamic[elf.DT_STRTAB], dynamic[elf.DT_STRSZ]); err != nil {
		return nil, err
	}
	if versions := dynamic[elf.DT_VERSYM]; versions != 0 {
		t.versions, err = f.readAddr(versions, n*2)
	}
	return t, err
}

// dynamic returns the entries of the dynamic section by their tags. No real one
// comes near the 64 KiB that it reads.
func (f *File) dynamic() (map[elf.DynTag]uint64, error) {
	entries := make(map[elf.DynTag]uint64)
	for i := range f.progs {
		p := &f.progs[i]
		if elf.ProgType(p.Type) != elf.PT_DYNAMIC {
			continue
		}
		data, err := f.read(p.Off, min(p.Filesz, 1<<16))
		if err != nil {
			return nil, err
		}
		for ; len(data) >= 16; data = data[16:] {
			tag := elf.DynTag(binary.LittleEndian.Uint64(data))
			if tag == elf.DT_NULL {
				break
			}
			entries[tag] = f.restore(tag, binary.LittleEndian.Uint64(data[8:]))
		}
		break
	}
	return entries, nil
}

// countSymbols returns the number of dynamic symbols, which only the hash
// tables tell. The older kind has it as its second word.
func (f *File) countSymbols(dynamic map[elf.DynTag]uint64) (uint64, error) {
	if hash := dynamic[elf.DT_HASH]; hash != 0 {
		words, err := f.readAddr(hash, 8)
		if err != nil {
			return 0, err
		}
		return uint64(binary.LittleEndian.Uint32(words[4:])), nil
	}
	hash := dynamic[elf.DT_GNU_HASH]
	if hash == 0 {
		return 0, nil
	}
	// The table is a header of four words, a Bloom filter of 8-byte words,
	// the first symbol of each bucket, and a chain with a word for each
	// symbol, in the order of the symbols and their buckets alike. So the
	// last symbol ends the chain of the last bucket in use; bit 0 marks it.
	header, err := f.readAddr(hash, 16)
	if err != nil {
		return 0, err
	}
	buckets := uint64(binary.LittleEndian.Uint32(header))
	first := uint64(binary.LittleEndian.Uint32(header[4:]))
	filter := uint64(binary.LittleEndian.Uint32(header[8:]))
	bucketsAddr := hash + 16 + 8*filter
	data, err := f.readAddr(bucketsAddr, 4*buckets)
	if err != nil {
		return 0, err
	}
	var last uint64
	for ; len(data) > 0; data = data[4:] {
		last = max(last, uint64(binary.LittleEndian.Uint32(data)))
	}
	if last < first {
		return first, nil // no symbol is hashed
	}
	off, n, ok := f.offset(bucketsAddr + 4*buckets + 4*(last-first))
	if !ok {
		return 0, fmt.Errorf("hash chain of symbol %d is in no segment", last)
	}
	if data, err = f.read(off, min(n, f.size-min(off, f.size))); err != nil {
		return 0, err
	}
	for ; len(data) >= 4; data = data[4:] {
		last++
		if data[0]&1 != 0 {
			return last, nil
		}
	}
	return 0, fmt.Errorf("hash chain does not end")
}

// readAddr returns n bytes of the file at an address.
func (f *File) readAddr(addr, n uint64) ([]byte, error) {
	off, rest, ok := f.offset(addr)
	if !ok || n > rest {
		return nil, fmt.Errorf("%d bytes at address %#x are in no segment", n, addr)
	}
	return f.read(off, n)
}

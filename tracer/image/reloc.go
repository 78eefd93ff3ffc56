package image

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"strings"
)

// A reloc is a word of the file that the dynamic linker fills with the address
// of a function or a variable.
type reloc struct {
	addr     uint64
	name     string // of the symbol, or "" if resolver tells
	resolver uint64 // of an IFUNC of the same file (R_X86_64_IRELATIVE)
	copied   bool   // at addr is no word but a copy of the variable (R_X86_64_COPY)
}

// loadRelocs reads the relocations that name a symbol or call a resolver.
func (f *File) loadRelocs() ([]reloc, error) {
	tables, err := f.relocTables()
	if err != nil {
		return nil, err
	}
	dynamic, err := f.dynamicTable()
	if err != nil {
		return nil, err
	}
	name := dynamic.namer()
	var relocs []reloc
	for _, table := range tables {
		for ; len(table) >= 24; table = table[24:] { // elf.Rela64
			info := binary.LittleEndian.Uint64(table[8:])
			r := reloc{addr: binary.LittleEndian.Uint64(table)}
			switch elf.R_X86_64(elf.R_TYPE64(info)) {
			case elf.R_X86_64_JMP_SLOT, elf.R_X86_64_GLOB_DAT, elf.R_X86_64_64, elf.R_X86_64_COPY:
				r.copied = elf.R_X86_64(elf.R_TYPE64(info)) == elf.R_X86_64_COPY
				if r.name, err = name(elf.R_SYM64(info)); err != nil {
					return nil, err
				}
				if r.name == "" {
					continue
				}
			case elf.R_X86_64_IRELATIVE:
				r.resolver = binary.LittleEndian.Uint64(table[16:])
			default:
				continue
			}
			relocs = append(relocs, r)
		}
	}
	return relocs, nil
}

// namer returns a function that returns the name of a symbol by its index in t,
// or "" if it has none.
func (t *rawTable) namer() func(index uint32) (string, error) {
	names := string(t.names)
	budget := nameBudget(names, len(t.entries)/elf.Sym64Size)
	known := make(map[uint32]string)
	return func(index uint32) (string, error) {
		at := uint64(index) * elf.Sym64Size
		if name, ok := known[index]; ok || at+elf.Sym64Size > uint64(len(t.entries)) {
			return name, nil
		}
		start := uint64(binary.LittleEndian.Uint32(t.entries[at:]))
		if start >= uint64(len(names)) {
			return "", nil
		}
		n := strings.IndexByte(names[start:], 0)
		if budget -= n; budget < 0 {
			return "", errNamesOverlap
		}
		if n > 0 {
			known[index] = names[start:][:n]
		}
		return known[index], nil
	}
}

// relocTables returns the tables that the dynamic linker would find, or start-up
// code in a static program.
func (f *File) relocTables() ([][]byte, error) {
	var tables [][]byte
	if len(f.sections) == 0 {
		dynamic, err := f.dynamic()
		if err != nil {
			return nil, err
		}
		for _, tags := range [][2]elf.DynTag{{elf.DT_JMPREL, elf.DT_PLTRELSZ}, {elf.DT_RELA, elf.DT_RELASZ}} {
			if dynamic[tags[0]] == 0 {
				continue
			}
			table, err := f.readAddr(dynamic[tags[0]], dynamic[tags[1]])
			if err != nil {
				return nil, err
			}
			tables = append(tables, table)
		}
		return tables, nil
	}
	total := uint64(0)
	for i := range f.sections {
		s := &f.sections[i]
		if elf.SectionType(s.Type) != elf.SHT_RELA || elf.SectionFlag(s.Flags)&elf.SHF_ALLOC == 0 {
			continue
		}
		if total += s.Size; total > f.size {
			return nil, errors.New("relocations overlap")
		}
		table, err := f.read(s.Off, s.Size)
		if err != nil {
			return nil, err
		}
		tables = append(tables, table)
	}
	return tables, nil
}

// ResolvedBy returns the addresses of the words that hold the address of the
// implementation that the resolver at an address has chosen, once the dynamic
// linker has filled them in. Only the file that has the resolver knows them.
func (f *File) ResolvedBy(resolver uint64) []uint64 {
	return f.slots(func(r *reloc) bool { return r.name == "" && r.resolver == resolver })
}

// Slots returns the addresses of the words that hold the address of the symbol
// called name, once the dynamic linker has filled them in.
func (f *File) Slots(name string) []uint64 {
	return f.slots(func(r *reloc) bool { return r.name == name && !r.copied })
}

// findCopies returns the addresses of the variables of libraries that a program has
// copies of, by name. All files use the copies.
func (f *File) findCopies() map[string]uint64 {
	copies := make(map[string]uint64)
	relocs, _ := f.relocs()
	for i := range relocs {
		if r := &relocs[i]; r.copied {
			copies[r.name] = r.addr
		}
	}
	return copies
}

func (f *File) slots(wanted func(*reloc) bool) []uint64 {
	relocs, _ := f.relocs()
	var addrs []uint64
	for i := range relocs {
		if wanted(&relocs[i]) {
			addrs = append(addrs, relocs[i].addr)
		}
	}
	return addrs
}

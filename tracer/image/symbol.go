package image

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Symbol is a name for an address of a file or of an image.
type Symbol struct {
	Name   string // as linkers know it, without its version
	Addr   uint64 // of a TLS symbol, the offset in the thread's block
	Size   uint64 // in bytes, or 0 if the file does not tell
	Kind   Kind
	Bind   Bind
	Compat bool // of a version that only programs linked long ago use

	section uint16 // index of its section
}

// A Kind tells what a symbol stands for.
type Kind uint8

// The kinds of symbols.
const (
	Untyped Kind = iota // a label in assembly, or a mark set by the linker
	Func
	IFunc // a function that returns the address of the function to use
	Object
	TLS // a variable each thread has
	PLT // a stub that jumps to a function of another file; its name ends in @plt
)

var kinds = [...]string{"untyped", "func", "ifunc", "object", "tls", "plt"}

// String returns the kind in lower case, such as "func".
func (k Kind) String() string { return kinds[k] }

// A Bind tells where a symbol can be seen.
type Bind uint8

// The bindings of symbols.
const (
	Local Bind = iota // in its object file
	Global
	Weak // everywhere, unless there is a global one of that name
)

var binds = [...]string{"local", "global", "weak"}

// String returns the binding in lower case, such as "global".
func (b Bind) String() string { return binds[b] }

// better reports whether s is the better symbol to call an address by than t,
// if both cover it. It is a strict order but for symbols alike in all.
func (s *Symbol) better(t *Symbol) bool { return s.compare(t) < 0 }

func (s *Symbol) compare(t *Symbol) int {
	return cmp.Or(
		cmp.Compare(s.rank(), t.rank()),
		cmp.Compare(underscores(s.Name), underscores(t.Name)),
		cmp.Compare(len(s.Name), len(t.Name)),
		strings.Compare(s.Name, t.Name),
	)
}

// rank is the lower, the better: first come symbols that are not local, then
// functions, then what new programs are linked with.
func (s *Symbol) rank() (rank int) {
	if s.Bind == Local {
		rank += 4
	}
	if s.Kind != Func && s.Kind != IFunc {
		rank += 2
	}
	if s.Compat {
		rank++
	}
	return rank
}

func underscores(name string) int { return len(name) - len(strings.TrimLeft(name, "_")) }

// A rawTable is a symbol table as it stands in the file.
type rawTable struct {
	entries  []byte // of 24 bytes: elf.Sym64
	names    []byte
	versions []byte // 2 bytes for each entry, or none at all (SHT_GNU_VERSYM)
}

var errNamesOverlap = errors.New("names overlap as no linker makes them")

// nameBudget limits the length of all names together. Linkers let a name be the
// end of another. In a hostile table all can be one long name, each starting a
// byte later.
func nameBudget(names string, symbols int) int { return 16*len(names) + 256*symbols }

// decode appends the symbols of t that have an address to symbols. Their names
// share one string.
func (t *rawTable) decode(symbols []Symbol) ([]Symbol, error) {
	names := string(t.names)
	budget := nameBudget(names, len(t.entries)/elf.Sym64Size)
	for i := 0; len(t.entries)-i >= elf.Sym64Size; i += elf.Sym64Size {
		entry := t.entries[i : i+elf.Sym64Size]
		name := binary.LittleEndian.Uint32(entry)
		section := binary.LittleEndian.Uint16(entry[6:])
		s := Symbol{
			Addr:    binary.LittleEndian.Uint64(entry[8:]),
			Size:    binary.LittleEndian.Uint64(entry[16:]),
			section: section,
		}
		// What is absolute is no address: version names, sizes.
		if elf.SectionIndex(section) == elf.SHN_UNDEF || elf.SectionIndex(section) == elf.SHN_ABS || elf.SectionIndex(section) == elf.SHN_COMMON {
			continue
		}
		switch elf.ST_TYPE(entry[4]) {
		case elf.STT_NOTYPE:
		case elf.STT_FUNC:
			s.Kind = Func
		case elf.STT_GNU_IFUNC:
			s.Kind = IFunc
		case elf.STT_OBJECT:
			s.Kind = Object
		case elf.STT_TLS:
			s.Kind = TLS
		default:
			continue // a section, a source file
		}
		switch elf.ST_BIND(entry[4]) {
		case elf.STB_LOCAL:
		case elf.STB_WEAK:
			s.Bind = Weak
		default: // STB_GLOBAL, STB_GNU_UNIQUE
			s.Bind = Global
		}

		if uint64(name) >= uint64(len(names)) {
			continue
		}
		n := strings.IndexByte(names[name:], 0)
		if budget -= n; budget < 0 {
			return symbols, errNamesOverlap
		}
		if n <= 0 {
			continue
		}
		s.Name = names[name:][:n]
		// The dynamic table keeps versions apart from names, the other writes
		// name@OLD and name@@CURRENT.
		if at := strings.IndexByte(s.Name, '@'); at > 0 {
			s.Compat = !strings.HasPrefix(s.Name[at:], "@@")
			s.Name = s.Name[:at]
		} else if v := i / elf.Sym64Size * 2; v+2 <= len(t.versions) {
			const hidden = 0x8000 // VERSYM_HIDDEN
			s.Compat = binary.LittleEndian.Uint16(t.versions[v:])&hidden != 0
		}
		symbols = append(symbols, s)
	}
	return symbols, nil
}

// loadSymbols reads the symbol tables and merges them.
func (f *File) loadSymbols() (*symbolTable, error) {
	var errs []error
	var symbols []Symbol
	add := func(from *File, read func() (*rawTable, error)) {
		raw, err := read()
		first := len(symbols)
		if err == nil {
			symbols = slices.Grow(symbols, len(raw.entries)/elf.Sym64Size)
			symbols, err = raw.decode(symbols)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: read symbols: %w", from.name, err))
		}
		if from != f {
			f.adopt(symbols[first:], from)
		}
	}
	from, err := f.symbolFile()
	if err != nil {
		errs = append(errs, err)
	}
	if from != nil {
		add(from, func() (*rawTable, error) { return from.sectionTable(elf.SHT_SYMTAB) })
	}
	add(f, f.dynamicTable)
	symbols = f.appendStubs(symbols)
	if from == nil {
		for _, s := range f.findStart() {
			if !slices.ContainsFunc(symbols, func(t Symbol) bool { return t.Name == s.Name }) {
				symbols = append(symbols, s)
			}
		}
	}
	return newSymbolTable(f, symbols), errors.Join(errs...)
}

// sectionTable returns the symbol table in the first section of type typ. It
// is empty if there is none.
func (f *File) sectionTable(typ elf.SectionType) (*rawTable, error) {
	t := new(rawTable)
	for i := range f.sections {
		s := &f.sections[i]
		if elf.SectionType(s.Type) != typ {
			continue
		}
		if s.Link >= uint32(len(f.sections)) || elf.SectionType(f.sections[s.Link].Type) != elf.SHT_STRTAB {
			return nil, fmt.Errorf("section %d has no string table", i)
		}
		names := &f.sections[s.Link]
		var err error
		if t.entries, err = f.read(s.Off, s.Size); err != nil {
			return nil, err
		}
		if t.names, err = f.read(names.Off, names.Size); err != nil {
			return nil, err
		}
		if v := f.section(".gnu.version"); v != nil && typ == elf.SHT_DYNSYM {
			t.versions, err = f.read(v.Off, v.Size)
		}
		return t, err
	}
	return t, nil
}

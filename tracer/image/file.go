// Package image knows ELF files: their segments, sections, symbols and build
// IDs; and images, which are files at the addresses where a process has them.
//
// A File is parsed once and shared by all who open it: everything that takes
// time is done when it is first asked for, and nothing changes afterwards. An
// Image is a File with a load bias, the difference between the addresses of a
// process and those of the file, and costs nothing to make.
//
// The files may be hostile. Only x86-64 files are read, so that one decoder
// over bytes, which checks every bound, does for all; package debug/elf lends
// the names of the format and its decompressors.
package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/unwind"
)

const (
	headerSize  = 64 // of elf.Header64
	progSize    = 56 // of elf.Prog64
	sectionSize = 64 // of elf.Section64
	pageSize    = 4096

	// maxProgs limits the program headers. The kernel takes no more of a
	// program (load_elf_phdrs).
	maxProgs = 65536 / progSize

	// maxRead limits what is read of a file at once: no real section is as
	// long, but a sparse file may pretend to anything.
	maxRead = 1 << 30
)

// ErrNotELF is the error for a file that does not start as ELF files do.
var ErrNotELF = errors.New("not an ELF file")

// A File is an x86-64 ELF executable or shared library. It does not change,
// and any number of goroutines may use it at the same time. Its addresses are
// those the file was linked for.
type File struct {
	name     string
	r        io.ReaderAt
	size     uint64
	head     []byte // the first page: most of what opening needs
	header   elf.Header64
	progs    []elf.Prog64
	segments []Segment
	sections []elf.Section64
	names    []byte // of the sections
	interp   string
	buildID  string
	moved    uint64 // the load bias that pointers have in a copy of memory
	given    *File  // has its debug information and symbols, or nil

	symbols func() (*symbolTable, error)
	relocs  func() ([]reloc, error)
	copies  func() map[string]uint64
	debug   func() (*File, error)
	cfi     func() (*unwind.Table, error)
	endings func() []Ending
	probes  func() []Probe
	dwarf   func() (*debuginfo.Data, error)

	covering recall[int32] // numbers of symbols
	lines    recall[debuginfo.Line]
	funcs    recall[[]*debuginfo.Func]
}

// A Segment is a part of a file that is loaded into memory.
type Segment struct {
	Vaddr, Memsz uint64 // range of addresses; what exceeds Filesz is zero
	Off, Filesz  uint64 // range of the file
	Flags        elf.ProgFlag
}

// Parse parses the ELF file of the given size in r, which is called name in
// errors. It is meant for images in memory; Open shares what it parses.
//
// Section headers are not needed to run a program, and memory may lack them.
// Without them, or if they are not to be understood, the file has no sections,
// its symbols are the dynamic ones, and its call frame information is found
// through the program headers.
func Parse(r io.ReaderAt, size int64, name string) (*File, error) {
	return parse(r, size, name, false)
}

// parse parses a file; that of an object must be asked for.
func parse(r io.ReaderAt, size int64, name string, object bool) (*File, error) {
	f := &File{name: name, r: r, size: uint64(max(size, 0))}
	if err := f.parse(object); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f.prepare()
	return f, nil
}

// prepare sets what is made when it is first asked for.
func (f *File) prepare() {
	f.symbols = sync.OnceValues(f.loadSymbols)
	f.relocs = sync.OnceValues(f.loadRelocs)
	f.copies = sync.OnceValue(f.findCopies)
	f.debug = sync.OnceValues(f.findDebug)
	f.cfi = sync.OnceValues(f.loadCFI)
	f.endings = sync.OnceValue(f.findEndings)
	f.probes = sync.OnceValue(f.loadProbes)
	f.dwarf = sync.OnceValues(f.loadDWARF)
}

func (f *File) parse(object bool) error {
	head, err := f.read(0, min(f.size, pageSize))
	if err != nil {
		return err
	}
	f.head = head
	if err := checkHeader(head, object); err != nil {
		return err
	}
	decode(head[:headerSize], &f.header)
	if err := f.readSegments(); err != nil {
		return err
	}
	f.readSections()
	f.readNotes()
	return nil
}

// checkHeader returns an error that tells what the file that starts with head
// is, unless it is an x86-64 executable or shared library, or an object if that will do.
func checkHeader(head []byte, object bool) error {
	if !bytes.HasPrefix(head, []byte(elf.ELFMAG)) {
		return ErrNotELF
	}
	if len(head) < headerSize {
		return fmt.Errorf("ELF file of %d bytes, too short for its header", len(head))
	}
	typ := elf.Type(binary.LittleEndian.Uint16(head[16:]))
	machine := elf.Machine(binary.LittleEndian.Uint16(head[18:]))
	kind := ""
	switch {
	case elf.Data(head[elf.EI_DATA]) == elf.ELFDATA2MSB:
		kind = "big-endian"
	case elf.Class(head[elf.EI_CLASS]) == elf.ELFCLASS32 && machine == elf.EM_X86_64:
		kind = "x32"
	case elf.Class(head[elf.EI_CLASS]) == elf.ELFCLASS32:
		kind = "32-bit"
	case elf.Class(head[elf.EI_CLASS]) != elf.ELFCLASS64 || elf.Data(head[elf.EI_DATA]) != elf.ELFDATA2LSB:
		kind = "corrupt"
	case machine == elf.EM_AARCH64:
		kind = "ARM aarch64"
	case machine != elf.EM_X86_64:
		kind = strings.TrimPrefix(machine.String(), "EM_")
	}
	if kind != "" {
		return fmt.Errorf("%s ELF file, want x86-64", kind)
	}
	switch typ {
	case elf.ET_EXEC, elf.ET_DYN:
		return nil
	case elf.ET_REL:
		if object {
			return nil
		}
		kind = "object"
	case elf.ET_CORE:
		kind = "core"
	default:
		kind = fmt.Sprintf("ELF (type %d)", uint16(typ))
	}
	return fmt.Errorf("%s file, want an executable or shared library", kind)
}

func (f *File) readSegments() error {
	if f.header.Phnum > 0 && f.header.Phentsize != progSize {
		return fmt.Errorf("program headers of %d bytes, want %d", f.header.Phentsize, progSize)
	}
	if f.header.Phnum > maxProgs {
		return fmt.Errorf("%d program headers, more than %d", f.header.Phnum, maxProgs)
	}
	data, err := f.read(f.header.Phoff, uint64(f.header.Phnum)*progSize)
	if err != nil {
		return fmt.Errorf("read program headers: %w", err)
	}
	f.progs = make([]elf.Prog64, f.header.Phnum)
	decode(data, f.progs)
	for i := range f.progs {
		p := &f.progs[i]
		switch elf.ProgType(p.Type) {
		case elf.PT_LOAD:
			const top = 1<<64 - pageSize // rounding must not wrap around
			if p.Vaddr > top || p.Memsz > top-p.Vaddr || p.Off > top || p.Filesz > top-p.Off {
				return fmt.Errorf("program header %d: segment too large", i)
			}
			if p.Filesz > p.Memsz { // the kernel loads none such either
				return fmt.Errorf("program header %d: %d bytes in the file for %d in memory", i, p.Filesz, p.Memsz)
			}
			f.segments = append(f.segments, Segment{p.Vaddr, p.Memsz, p.Off, p.Filesz, elf.ProgFlag(p.Flags)})
		case elf.PT_INTERP:
			if path, err := f.read(p.Off, min(p.Filesz, pageSize)); err == nil {
				f.interp, _ = cString(path, 0)
			}
		}
	}
	return nil
}

// readNotes finds the build ID in the notes. Nothing but the program headers
// tells where they are in memory, nothing but the section headers is right in
// a file of separate debug information.
func (f *File) readNotes() {
	for i := range f.progs {
		if p := &f.progs[i]; elf.ProgType(p.Type) == elf.PT_NOTE && f.buildID == "" {
			f.readNote(p.Off, p.Filesz, p.Align)
		}
	}
	for i := range f.sections {
		if s := &f.sections[i]; elf.SectionType(s.Type) == elf.SHT_NOTE && f.buildID == "" {
			f.readNote(s.Off, s.Size, s.Addralign)
		}
	}
}

// readNote looks for a build ID in the notes at off. It takes no more than a
// page of them, since a hostile file may have as many as it has headers.
func (f *File) readNote(off, size, align uint64) {
	const buildID = 3 // NT_GNU_BUILD_ID
	if align != 8 {
		align = 4
	}
	data, err := f.read(off, min(size, pageSize))
	for err == nil && len(data) >= 12 {
		nameSize := uint64(binary.LittleEndian.Uint32(data))
		descSize := uint64(binary.LittleEndian.Uint32(data[4:]))
		typ := binary.LittleEndian.Uint32(data[8:])
		desc := alignUp(12+nameSize, align)
		next := alignUp(desc+descSize, align)
		if desc+descSize > uint64(len(data)) {
			return
		}
		if typ == buildID && string(data[12:12+nameSize]) == "GNU\x00" {
			f.buildID = hex.EncodeToString(data[desc : desc+descSize])
			return
		}
		data = data[min(next, uint64(len(data))):]
	}
}

// read returns n bytes of the file at off, which the caller must not modify.
func (f *File) read(off, n uint64) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	if off > f.size || n > f.size-off {
		return nil, fmt.Errorf("%d bytes at offset %#x lie outside the file", n, off)
	}
	if off+n <= uint64(len(f.head)) {
		return f.head[off : off+n : off+n], nil
	}
	if n > maxRead {
		return nil, fmt.Errorf("%d bytes at offset %#x are more than %d", n, off, maxRead)
	}
	if m, ok := f.r.(inMemory); ok {
		return m[off : off+n : off+n], nil
	}
	data := make([]byte, n)
	// A ReaderAt may return io.EOF along with the last byte.
	if got, err := f.r.ReadAt(data, int64(off)); got < len(data) {
		return nil, fmt.Errorf("read %d bytes at offset %#x: %w", n, off, err)
	}
	return data, nil
}

// offset returns the place in the file of an address, and how many bytes of
// the segment the file holds from there.
func (f *File) offset(addr uint64) (off, n uint64, ok bool) {
	for i := range f.segments {
		if s := &f.segments[i]; addr >= s.Vaddr && addr-s.Vaddr < s.Filesz {
			skip := addr - s.Vaddr
			return s.Off + skip, s.Filesz - skip, true
		}
	}
	return 0, 0, false
}

// Name returns the path by which the file was first opened, or the name given
// to Parse.
func (f *File) Name() string { return f.name }

// BuildID returns the build ID as hexadecimal digits, or "" if there is none.
func (f *File) BuildID() string { return f.buildID }

// Entry returns the address of the first instruction.
func (f *File) Entry() uint64 { return f.header.Entry }

// Type returns elf.ET_EXEC for a program linked for fixed addresses, elf.ET_DYN
// for one that is independent of its position and for a shared library.
func (f *File) Type() elf.Type { return elf.Type(f.header.Type) }

// Segments returns the parts that are loaded into memory, in the order of the
// file. The caller must not modify them.
func (f *File) Segments() []Segment { return f.segments }

// ReadLoaded reads what is at an address when the file is loaded, to the end of the pages
// of its segment at most. It returns the number of bytes read, 0 where there is no segment.
func (f *File) ReadLoaded(addr uint64, buf []byte) (int, error) {
	for _, s := range f.segments {
		end := alignUp(s.Vaddr+s.Memsz, pageSize)
		if addr < pageDown(s.Vaddr) || addr >= end {
			continue
		}
		written := end // what is behind it is zero
		if s.Memsz > s.Filesz {
			written = s.Vaddr + s.Filesz
		}
		if addr >= written {
			n := min(uint64(len(buf)), end-addr)
			clear(buf[:n])
			return int(n), nil
		}
		n := min(uint64(len(buf)), written-addr)
		got, err := f.r.ReadAt(buf[:n], int64(s.Off+addr-s.Vaddr))
		if uint64(got) < n && err != io.EOF {
			return got, fmt.Errorf("%s at offset %#x: %w", f.name, s.Off+addr-s.Vaddr, err)
		}
		clear(buf[got:n])
		return int(n), nil
	}
	return 0, nil
}

// TLS returns the size and the alignment of the file's thread-local storage, in bytes.
func (f *File) TLS() (size, align uint64, ok bool) {
	for i := range f.progs {
		if p := &f.progs[i]; elf.ProgType(p.Type) == elf.PT_TLS {
			return p.Memsz, p.Align, true
		}
	}
	return 0, 0, false
}

// Interp returns the path of the dynamic linker the program asks for, or "".
func (f *File) Interp() string { return f.interp }

// decode decodes data, of the right length, into a structure or a slice of
// them.
func decode(data []byte, v any) {
	if _, err := binary.Decode(data, binary.LittleEndian, v); err != nil {
		panic(err) // the length does not fit
	}
}

// cString returns the string at off in data up to the first zero byte.
func cString(data []byte, off uint64) (string, bool) {
	if off >= uint64(len(data)) {
		return "", false
	}
	n := bytes.IndexByte(data[off:], 0)
	if n < 0 {
		return "", false
	}
	return string(data[off:][:n]), true
}

// alignUp rounds n up to a multiple of align, a power of two.
func alignUp(n, align uint64) uint64 { return (n + align - 1) &^ (align - 1) }

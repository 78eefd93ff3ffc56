package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrNoSection is the error for a section that a file does not have.
var ErrNoSection = errors.New("no such section")

// readSections reads the section headers, or leaves none if they are bad.
func (f *File) readSections() {
	off, n, names := f.header.Shoff, uint64(f.header.Shnum), uint32(f.header.Shstrndx)
	if off == 0 || f.header.Shentsize != sectionSize {
		return
	}
	// What is too large for the header stands in the first section
	// (elf(5), e_shnum and e_shstrndx).
	if n == 0 || names == uint32(elf.SHN_XINDEX) {
		data, err := f.read(off, sectionSize)
		if err != nil {
			return
		}
		var first elf.Section64
		decode(data, &first)
		if n == 0 {
			n = first.Size
		}
		if names == uint32(elf.SHN_XINDEX) {
			names = first.Link
		}
	}
	if n > f.size/sectionSize {
		return
	}
	data, err := f.read(off, n*sectionSize)
	if err != nil {
		return
	}
	sections := make([]elf.Section64, n)
	decode(data, sections)
	if uint64(names) >= n {
		return
	}
	if f.names, err = f.read(sections[names].Off, sections[names].Size); err == nil {
		f.sections = sections
	}
}

// section returns the first section called name that holds data, or nil.
func (f *File) section(name string) *elf.Section64 {
	for i := range f.sections {
		if f.isNamed(&f.sections[i], name) {
			return &f.sections[i]
		}
	}
	return nil
}

// isNamed reports whether a section is called name and holds data.
func (f *File) isNamed(s *elf.Section64, name string) bool {
	if int64(s.Name) >= int64(len(f.names)) || elf.SectionType(s.Type) == elf.SHT_NOBITS {
		return false
	}
	rest := f.names[s.Name:]
	return len(rest) > len(name) && rest[len(name)] == 0 && string(rest[:len(name)]) == name
}

// Section returns the contents, decompressed, and the address of the section
// called name. One that occupies no space in the file, as .bss, does not
// count. The error is ErrNoSection if there is none. Each call reads anew. The
// caller must not modify data.
func (f *File) Section(name string) (data []byte, addr uint64, err error) {
	s := f.section(name)
	if s == nil {
		return nil, 0, fmt.Errorf("%s: %s: %w", f.name, name, ErrNoSection)
	}
	if data, err = f.sectionData(s); err != nil {
		return nil, 0, fmt.Errorf("%s: %s: %w", f.name, name, err)
	}
	return data, s.Addr, nil
}

func (f *File) sectionData(s *elf.Section64) ([]byte, error) {
	data, err := f.read(s.Off, s.Size)
	if err != nil || elf.SectionFlag(s.Flags)&elf.SHF_COMPRESSED == 0 {
		return data, err
	}
	return decompress(data)
}

// decompress decompresses the contents of a section of type SHF_COMPRESSED.
// Package debug/elf holds the only zstd decoder of the standard library, so
// the section is given to it as the one of a file made up for it.
func decompress(data []byte) (_ []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("decompress: %v", r)
		}
	}()
	sections := [2]elf.Section64{1: {
		Type:  uint32(elf.SHT_PROGBITS),
		Flags: uint64(elf.SHF_COMPRESSED),
		Off:   headerSize + 2*sectionSize,
		Size:  uint64(len(data)),
	}}
	header := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Shoff: headerSize, Shentsize: sectionSize, Shnum: uint16(len(sections)),
	}
	var buf bytes.Buffer
	binary.Write(&buf, binary.LittleEndian, header)
	binary.Write(&buf, binary.LittleEndian, sections)
	buf.Write(data)
	file, err := elf.NewFile(bytes.NewReader(buf.Bytes()))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	section := file.Sections[1]

	if section.Size > maxDecompressed(uint64(len(data))) {
		return nil, fmt.Errorf("decompress: %d bytes would become %d", len(data), section.Size)
	}
	out := bytes.NewBuffer(make([]byte, 0, min(section.Size, 64*uint64(len(data)))+bytes.MinRead))
	n, err := out.ReadFrom(io.LimitReader(section.Open(), int64(section.Size)))
	if err == nil && uint64(n) != section.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	return out.Bytes(), nil
}

// maxDecompressed returns how many bytes so many may become, in a section. Debug
// information shrinks to a third or a tenth.
func maxDecompressed(size uint64) uint64 { return min(max(64*size, 16<<20), maxRead) }

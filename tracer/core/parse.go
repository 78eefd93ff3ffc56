package core

import (
	"bufio"
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tracelark/tracelark/tracer/procfs"
)

const (
	headerSize  = 64 // of elf.Header64
	progSize    = 56 // of elf.Prog64
	sectionSize = 64 // of elf.Section64
	pageSize    = 4096

	// extended is the number of program headers that stands for one that does not
	// fit: the first section header has it then (PN_XNUM, elf(5)).
	extended = 0xffff

	// maxProgs bounds the program headers, one for each mapping.
	maxProgs = 1 << 22
)

// A segment is memory that the core knows of.
type segment struct {
	start, end uint64 // addresses
	off, size  uint64 // what the core holds of it, from start on
	perms      procfs.Perms
}

// parse reads the headers and the notes.
func (c *Core) parse() error {
	var head [headerSize]byte
	n, err := c.r.ReadAt(head[:], 0)
	if err != nil && err != io.EOF {
		return err
	}
	if !bytes.HasPrefix(head[:n], []byte(elf.ELFMAG)) {
		return errors.New("not an ELF file")
	}
	if n < headerSize {
		return fmt.Errorf("ELF file of %d bytes, too short for its header", n)
	}
	if err := checkHeader(head[:]); err != nil {
		return err
	}
	var h elf.Header64
	decode(head[:], &h)
	if h.Phentsize != progSize {
		return fmt.Errorf("program headers of %d bytes, want %d", h.Phentsize, progSize)
	}
	count := c.numProgs(&h)
	if count > maxProgs {
		return fmt.Errorf("%d program headers, more than %d", count, maxProgs)
	}
	notes, err := c.readProgs(h.Phoff, count)
	if err != nil {
		return err
	}
	for _, p := range notes {
		c.readNotes(p.Off, p.Filesz)
	}
	if len(c.threads) == 0 && c.absent == 0 {
		return errors.New("the core has no threads")
	}
	if c.info.PID == 0 && len(c.threads) > 0 {
		c.info.PID = c.threads[0].TID
	}
	return nil
}

// checkHeader returns an error that tells what a file is that is no core of x86-64.
func checkHeader(head []byte) error {
	machine := elf.Machine(binary.LittleEndian.Uint16(head[18:]))
	if elf.Class(head[elf.EI_CLASS]) != elf.ELFCLASS64 || elf.Data(head[elf.EI_DATA]) != elf.ELFDATA2LSB || machine != elf.EM_X86_64 {
		return errors.New("the ELF file is of another machine, or of 32 bits: want a core of x86-64")
	}
	switch typ := elf.Type(binary.LittleEndian.Uint16(head[16:])); typ {
	case elf.ET_CORE:
		return nil
	case elf.ET_EXEC, elf.ET_DYN:
		return errors.New("a program or shared library, want a core")
	default:
		return fmt.Errorf("ELF file of type %d, want a core", uint16(typ))
	}
}

// numProgs returns the number of program headers. The section header that has a
// large one is the last thing that the kernel writes. Where it was cut, the number
// follows from the notes, which begin right behind the program headers.
func (c *Core) numProgs(h *elf.Header64) uint64 {
	if h.Phnum != extended {
		return uint64(h.Phnum)
	}
	var buf [sectionSize]byte
	if c.read(h.Shoff, buf[:]) == nil {
		var s elf.Section64
		decode(buf[:], &s)
		return uint64(s.Info)
	}
	var first elf.Prog64
	if c.read(h.Phoff, buf[:progSize]) != nil {
		return 0
	}
	decode(buf[:progSize], &first)
	if elf.ProgType(first.Type) != elf.PT_NOTE || first.Off < h.Phoff {
		return extended
	}
	return (first.Off - h.Phoff) / progSize
}

// readProgs reads the program headers and returns those of notes.
func (c *Core) readProgs(off, count uint64) (notes []elf.Prog64, err error) {
	whole := uint64(0) // where the file should end
	if off > c.size || count*progSize > c.size-off {
		whole = off + count*progSize
		count = (c.size - min(off, c.size)) / progSize
	}
	in := bufio.NewReaderSize(io.NewSectionReader(c.r, int64(off), int64(count*progSize)), 64<<10)
	var buf [progSize]byte
	for range count {
		if _, err := io.ReadFull(in, buf[:]); err != nil {
			return nil, fmt.Errorf("read program headers: %w", err)
		}
		var p elf.Prog64
		decode(buf[:], &p)
		switch elf.ProgType(p.Type) {
		case elf.PT_NOTE:
			notes = append(notes, p)
		case elf.PT_LOAD:
			c.addSegment(&p)
		default:
			continue
		}
		whole = max(whole, p.Off+min(p.Filesz, ^p.Off))
	}
	if whole > c.size {
		c.absent = whole - c.size
	}
	slices.SortFunc(c.segments, func(a, b segment) int { return cmp.Compare(a.start, b.start) })
	c.segments = disjoint(c.segments)
	return notes, nil
}

// addSegment takes in the memory of a program header.
func (c *Core) addSegment(p *elf.Prog64) {
	s := segment{start: p.Vaddr, end: p.Vaddr + min(p.Memsz, ^p.Vaddr), off: p.Off, size: min(p.Filesz, p.Memsz, ^p.Vaddr, ^p.Off)}
	if s.start == s.end {
		return
	}
	for flag, perm := range map[elf.ProgFlag]procfs.Perms{elf.PF_R: procfs.R, elf.PF_W: procfs.W, elf.PF_X: procfs.X} {
		if elf.ProgFlag(p.Flags)&flag != 0 {
			s.perms |= perm
		}
	}
	c.segments = append(c.segments, s)
}

// disjoint cuts from segments, which are sorted, what an earlier one has already.
func disjoint(sorted []segment) []segment {
	kept := sorted[:0]
	end := uint64(0)
	for _, s := range sorted {
		if s.start < end {
			cut := min(end-s.start, s.end-s.start)
			s.start += cut
			s.off += min(cut, s.size)
			s.size -= min(cut, s.size)
		}
		if s.start < s.end {
			kept = append(kept, s)
			end = s.end
		}
	}
	return kept
}

// read fills buf from the file at off.
func (c *Core) read(off uint64, buf []byte) error {
	if off > c.size || uint64(len(buf)) > c.size-off {
		return io.ErrUnexpectedEOF
	}
	// A ReaderAt may return io.EOF along with the last byte.
	if n, err := c.r.ReadAt(buf, int64(off)); n < len(buf) {
		return err
	}
	return nil
}

// decode decodes data, which has its size, into a structure.
func decode(data []byte, v any) {
	if _, err := binary.Decode(data, binary.LittleEndian, v); err != nil {
		panic(err) // the length does not fit
	}
}

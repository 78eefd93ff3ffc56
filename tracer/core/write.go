package core

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"syscall"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// This file writes cores, as the kernel does (fs/binfmt_elf.c) and readers know them.

// A Snapshot is a process that stands still, for Write.
type Snapshot struct {
	Psinfo  Psinfo
	Signal  int     // that the process was stopped by, or 0
	Threads []Saved // the one that the signal is for first
	XLayout *arch.XLayout
	Auxv    []byte
	Maps    []procfs.Mapping
	Memory  Memory
}

// A Saved is a thread of a Snapshot.
type Saved struct {
	Thread
	XSave []byte // in the form of NT_X86_XSTATE, or nil
}

// Memory is the memory of a process that a core is written of.
type Memory interface {
	ReadAt(addr uint64, buf []byte) (int, error)

	// Changed returns the first run of pages from addr to end, in a private mapping,
	// that the process may have changed: others are zero, or as in the mapping's
	// file. The run is empty, at end, if there is none.
	Changed(m *procfs.Mapping, addr, end uint64) (lo, hi uint64)
}

// A File is what Write writes to; *os.File is one.
type File interface {
	io.WriterAt
	Truncate(size int64) error
}

const (
	chunk = 256 << 10 // memory that is copied at once

	// maxGap is the most memory of zeros that a segment has in the file, where it
	// takes no place, but in the size of the file.
	maxGap = 16 << 20
)

// Write writes a core. It has all private memory that the process may have changed,
// what is shared and has no file, and the memory of files that have been deleted.
// Of other files it has the first page of those that are ELF, which has the build
// ID. Zeros take no place where the file system knows holes.
func Write(f File, s *Snapshot) error {
	var parts []segment
	for i := range s.Maps {
		parts = s.parts(parts, &s.Maps[i])
	}
	notes := s.notes()
	head, end := layout(parts, notes)
	if _, err := f.WriteAt(head, 0); err != nil {
		return err
	}
	if _, err := f.WriteAt(notes, int64(len(head))); err != nil {
		return err
	}
	if err := f.Truncate(int64(end)); err != nil {
		return err
	}
	buf := make([]byte, chunk)
	next := 0 // the first mapping that may lie in the part
	for i := range parts {
		p := &parts[i]
		for s.Maps[next].End <= p.start {
			next++
		}
		if err := s.copy(f, &s.Maps[next], p, buf); err != nil {
			return err
		}
	}
	return nil
}

// copy writes what a part holds, pages of zeros left out.
func (s *Snapshot) copy(f File, m *procfs.Mapping, p *segment, buf []byte) error {
	for at, end := p.start, p.start+p.size; at < end; {
		hi := end
		if anonymous(m) {
			if at, hi = s.Memory.Changed(m, at, end); at == hi {
				continue
			}
		}
		for at < hi {
			part := buf[:min(chunk, hi-at)]
			if n, err := s.Memory.ReadAt(at, part); n < len(part) {
				if !errors.Is(err, syscall.EFAULT) {
					return err
				}
				// A page that nobody can read, as madvise makes them for guards, is zero.
				n &^= pageSize - 1
				part = part[:min(n+pageSize, len(part))]
				clear(part[n:])
			}
			if err := writePages(f, part, int64(p.off+at-p.start)); err != nil {
				return err
			}
			at += uint64(len(part))
		}
	}
	return nil
}

var zeros [pageSize]byte

// writePages writes the pages of buf that are not zero, neighbours at once.
func writePages(f File, buf []byte, off int64) error {
	start := 0
	for at := 0; at <= len(buf); at += pageSize {
		if at < len(buf) && !bytes.Equal(buf[at:min(at+pageSize, len(buf))], zeros[:min(pageSize, len(buf)-at)]) {
			continue
		}
		if start < at {
			if _, err := f.WriteAt(buf[start:at], off+int64(start)); err != nil {
				return err
			}
		}
		start = at + pageSize
	}
	return nil
}

// anonymous reports whether memory of a mapping that the process has not changed is
// zero.
func anonymous(m *procfs.Mapping) bool {
	return m.Inode == 0 && m.Perms&procfs.Shared == 0 &&
		(m.Path == "" || m.Path == "[heap]" || m.Path == "[stack]" || strings.HasPrefix(m.Path, "[anon:"))
}

// parts appends the segments of a mapping.
func (s *Snapshot) parts(parts []segment, m *procfs.Mapping) []segment {
	whole := segment{start: m.Start, end: m.End, perms: m.Perms}
	file := m.Inode != 0 && !m.Deleted
	switch {
	case anonymous(m):
		return s.anonymousParts(parts, m)
	case file && m.Perms&procfs.Shared != 0:
		return append(parts, whole)
	case file && m.Perms&procfs.W == 0:
		return s.fileParts(parts, m)
	}
	// It may not be readable to its end, such as behind that of a file.
	at := m.Start
	buf := make([]byte, chunk)
	for at < m.End {
		n, err := s.Memory.ReadAt(at, buf[:min(chunk, m.End-at)])
		if at += uint64(n); err != nil {
			at &^= pageSize - 1
			break
		}
	}
	return split(parts, whole, at)
}

// split appends a segment that has its memory up to an address.
func split(parts []segment, s segment, at uint64) []segment {
	if s.start < at {
		parts = append(parts, segment{start: s.start, end: at, size: at - s.start, perms: s.perms})
	}
	if at < s.end {
		parts = append(parts, segment{start: at, end: s.end, perms: s.perms})
	}
	return parts
}

// anonymousParts appends the segments of an anonymous mapping. What is behind the
// part that a segment has in the file is zero, so that long gaps take no place even
// in the size of the file.
func (s *Snapshot) anonymousParts(parts []segment, m *procfs.Mapping) []segment {
	p := segment{start: m.Start, end: m.End, perms: m.Perms}
	used := m.Start // the end of what was changed
	for at := m.Start; at < m.End; {
		var lo uint64
		lo, at = s.Memory.Changed(m, at, m.End)
		if lo == at {
			continue
		}
		if lo-used > maxGap {
			p.end, p.size = lo, max(used-p.start, pageSize)
			parts = append(parts, p)
			p = segment{start: lo, end: m.End, perms: m.Perms}
		}
		used = at
	}
	p.size = p.end - p.start
	if kept := m.Perms&(procfs.R|procfs.W|procfs.X) == 0; kept || m.End-used > maxGap { // kept for later, or from others
		p.size = max(used-p.start, pageSize)
	}
	return append(parts, p)
}

// fileParts appends the segments of a private mapping of a file that the process may
// not write to: the first page of an ELF file, and what was changed all the same, as
// by relocations.
func (s *Snapshot) fileParts(parts []segment, m *procfs.Mapping) []segment {
	p := segment{start: m.Start, end: m.End, perms: m.Perms}
	var magic [len(elf.ELFMAG)]byte
	if n, _ := s.Memory.ReadAt(m.Start, magic[:]); m.Offset == 0 && n == len(magic) && string(magic[:]) == elf.ELFMAG {
		p.size = pageSize
	}
	for at := m.Start; at < m.End; {
		var lo uint64
		lo, at = s.Memory.Changed(m, at, m.End)
		if lo == at {
			continue
		}
		if lo > p.start+p.size {
			p.end = lo
			parts = append(parts, p)
			p = segment{start: lo, end: m.End, perms: m.Perms}
		}
		p.size = at - p.start
	}
	return append(parts, p)
}

// layout sets where parts are in the file and returns its beginning, and its end.
func layout(parts []segment, notes []byte) (head []byte, end uint64) {
	count := uint64(len(parts)) + 1
	headSize := headerSize + count*progSize
	h := elf.Header64{
		Type: uint16(elf.ET_CORE), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Phoff: headerSize, Ehsize: headerSize, Phentsize: progSize, Phnum: uint16(min(count, extended)),
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	if count >= extended {
		h.Shoff, h.Shentsize, h.Shnum = headSize, sectionSize, 1
		headSize += sectionSize
	}
	head = appendStruct(head, &h)
	head = appendStruct(head, &elf.Prog64{Type: uint32(elf.PT_NOTE), Off: headSize, Filesz: uint64(len(notes)), Align: 4})
	end = (headSize + uint64(len(notes)) + pageSize - 1) &^ (pageSize - 1)
	for i := range parts {
		p := &parts[i]
		p.off = end
		end += p.size
		flags := elf.ProgFlag(0)
		for perm, flag := range map[procfs.Perms]elf.ProgFlag{procfs.R: elf.PF_R, procfs.W: elf.PF_W, procfs.X: elf.PF_X} {
			if p.perms&perm != 0 {
				flags |= flag
			}
		}
		head = appendStruct(head, &elf.Prog64{
			Type: uint32(elf.PT_LOAD), Flags: uint32(flags), Off: p.off, Vaddr: p.start,
			Filesz: p.size, Memsz: p.end - p.start, Align: pageSize,
		})
	}
	if count >= extended {
		head = appendStruct(head, &elf.Section64{Type: uint32(elf.SHT_NULL), Size: 1, Info: uint32(count)})
	}
	return head, end
}

func appendStruct(data []byte, v any) []byte {
	data, err := binary.Append(data, binary.LittleEndian, v)
	if err != nil {
		panic(err) // v is of no fixed size
	}
	return data
}

// notes returns the notes, in the order of the kernel.
func (s *Snapshot) notes() []byte {
	var data []byte
	for i := range s.Threads {
		t := &s.Threads[i]
		data = appendNote(data, "CORE", ntPrstatus, s.prstatus(t))
		if i == 0 {
			data = appendNote(data, "CORE", ntPrpsinfo, s.Psinfo.encode())
		}
		if t.Siginfo != nil {
			data = appendNote(data, "CORE", ntSiginfo, t.Siginfo)
		}
		if i == 0 {
			data = appendNote(data, "CORE", ntAuxv, s.Auxv)
			data = appendNote(data, "CORE", ntFile, s.files())
		}
		if len(t.XSave) >= fxSize {
			data = appendNote(data, "CORE", ntFpregset, t.XSave[:fxSize])
			data = appendNote(data, "LINUX", ntXState, t.XSave)
		}
	}
	if s.XLayout != nil {
		var layout []byte
		for _, c := range s.XLayout.Components() {
			layout = appendStruct(layout, []uint32{uint32(c.Number), uint32(c.Size), uint32(c.Offset), 0})
		}
		data = appendNote(data, "LINUX", ntXSaveLayout, layout)
	}
	return data
}

func appendNote(data []byte, name string, typ uint32, desc []byte) []byte {
	data = appendStruct(data, []uint32{uint32(len(name) + 1), uint32(len(desc)), typ})
	data = append(data, name...)
	data = append(data, make([]byte, align(uint64(len(name)+1))-uint64(len(name)))...)
	data = append(data, desc...)
	return append(data, make([]byte, align(uint64(len(desc)))-uint64(len(desc)))...)
}

func (s *Snapshot) prstatus(t *Saved) []byte {
	data := make([]byte, prstatusSize)
	// All threads say it: gdb takes that of the last.
	binary.LittleEndian.PutUint32(data, uint32(s.Signal))
	binary.LittleEndian.PutUint16(data[cursigAt:], uint16(s.Signal))
	binary.LittleEndian.PutUint64(data[sigpendAt:], t.Pending)
	binary.LittleEndian.PutUint64(data[sigholdAt:], t.Sigmask)
	for i, id := range []int{t.TID, s.Psinfo.PPID, s.Psinfo.PGID, s.Psinfo.SID} {
		binary.LittleEndian.PutUint32(data[prPidAt+4*i:], uint32(id))
	}
	for i, v := range t.Regs {
		binary.LittleEndian.PutUint64(data[regsAt+8*i:], v)
	}
	if len(t.XSave) >= fxSize {
		data[fpvalidAt] = 1
	}
	return data
}

func (p *Psinfo) encode() []byte {
	const stopped = 3 // the place of T in RSDTZW
	data := make([]byte, prpsinfoSize)
	data[0], data[1] = stopped, 'T'
	for i, id := range []int{p.UID, p.GID, p.PID, p.PPID, p.PGID, p.SID} {
		binary.LittleEndian.PutUint32(data[psUIDAt+4*i:], uint32(id))
	}
	copy(data[psNameAt:psArgsAt-1], p.Name)
	copy(data[psArgsAt:prpsinfoSize-1], p.Args)
	return data
}

// files returns the contents of NT_FILE.
func (s *Snapshot) files() []byte {
	var numbers []uint64
	var names []byte
	for i := range s.Maps {
		m := &s.Maps[i]
		if m.Inode == 0 {
			continue
		}
		numbers = append(numbers, m.Start, m.End, m.Offset/pageSize)
		names = append(names, m.Path...)
		if m.Deleted {
			names = append(names, deletedSuffix...)
		}
		names = append(names, 0)
	}
	data := appendStruct(nil, []uint64{uint64(len(numbers) / 3), pageSize})
	return append(appendStruct(data, numbers), names...)
}

package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"

	"github.com/tracelark/tracelark/tracer/procfs"
)

// maxMapped limits what is copied of a file that only memory has.
const maxMapped = 256 << 20

// readMapped returns the file that maps[i] is of, as far as the process has it
// mapped: a library that has been deleted and whose inode may not be opened. It has
// no sections. The process may die, so it is copied at once, and it is not shared.
func readMapped(mem Memory, maps []procfs.Mapping, i int) (*File, error) {
	m := maps[i]
	var data []byte
	for _, part := range maps {
		if part.Inode != m.Inode || part.Dev != m.Dev || part.Path != m.Path || part.Perms&procfs.R == 0 {
			continue
		}
		n := part.End - part.Start
		if n > maxMapped || part.Offset > maxMapped-n {
			return nil, fmt.Errorf("%s: more than %d bytes are mapped", m.Path, maxMapped)
		}
		if grow := int(part.Offset+n) - len(data); grow > 0 {
			data = append(data, make([]byte, grow)...)
		}
		// A page behind the end of the file cannot be read.
		if got, err := mem.ReadAt(part.Start, data[part.Offset:][:n]); got == 0 {
			return nil, fmt.Errorf("%s: %w", m.Path, err)
		}
	}
	if len(data) >= headerSize {
		binary.LittleEndian.PutUint64(data[40:], 0) // e_shoff
	}
	f, err := Parse(bytes.NewReader(data), int64(len(data)), m.Path)
	if err != nil {
		return nil, err
	}
	f.moved, err = f.bias(m)
	return f, err
}

// restore undoes what the dynamic linker does to the pointers of a dynamic section
// in memory: it adds the load bias (glibc's elf_get_dynamic_info).
func (f *File) restore(tag elf.DynTag, v uint64) uint64 {
	switch tag {
	case elf.DT_HASH, elf.DT_GNU_HASH, elf.DT_SYMTAB, elf.DT_STRTAB, elf.DT_VERSYM, elf.DT_JMPREL, elf.DT_RELA:
		if _, _, ok := f.offset(v); !ok {
			return v - f.moved
		}
	}
	return v
}

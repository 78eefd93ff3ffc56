package core

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"sort"
	"strings"
	"syscall"

	"github.com/tracelark/tracelark/tracer/image"
)

// This file knows the files that the process had mapped.

// A fileRange is a range of addresses with a part of a file (NT_FILE).
type fileRange struct {
	start, end uint64
	off        uint64 // of start in the file
	path       string
	deleted    bool
}

// A mapped is a file that the process had mapped, as it is here.
type mapped struct {
	file *image.File
	err  error // why it cannot be used
}

// deletedSuffix is what the kernel appends to the path of a deleted file (d_path).
const deletedSuffix = " (deleted)"

// parseFiles parses NT_FILE (fill_files_note): the number of ranges and the size of
// a page, start, end and page offset of each, and then their paths.
func parseFiles(data []byte) []fileRange {
	if len(data) < 16 {
		return nil
	}
	count, page := binary.LittleEndian.Uint64(data), binary.LittleEndian.Uint64(data[8:])
	data = data[16:]
	if count > uint64(len(data)/24) {
		return nil
	}
	numbers, names := data[:count*24], data[count*24:]
	ranges := make([]fileRange, 0, count)
	for ; len(numbers) > 0; numbers = numbers[24:] {
		var name []byte
		name, names, _ = bytes.Cut(names, []byte{0})
		r := fileRange{start: binary.LittleEndian.Uint64(numbers), end: binary.LittleEndian.Uint64(numbers[8:])}
		at := binary.LittleEndian.Uint64(numbers[16:])
		if r.start >= r.end || page != 0 && at > (math.MaxInt64-(r.end-r.start))/page {
			continue
		}
		r.off = at * page
		r.path, r.deleted = strings.CutSuffix(string(name), deletedSuffix)
		ranges = append(ranges, r)
	}
	slices.SortFunc(ranges, func(a, b fileRange) int { return cmp.Compare(a.start, b.start) })
	end := uint64(0)
	return slices.DeleteFunc(ranges, func(r fileRange) bool {
		if r.start < end {
			return true
		}
		end = r.end
		return false
	})
}

// rangeAt returns the range that holds an address, or nil.
func (c *Core) rangeAt(addr uint64) *fileRange {
	i := sort.Search(len(c.ranges), func(i int) bool { return c.ranges[i].end > addr })
	if i < len(c.ranges) && c.ranges[i].start <= addr {
		return &c.ranges[i]
	}
	return nil
}

// open opens a file that the process had mapped. It is looked for once.
func (c *Core) open(path string) (*image.File, error) {
	m, ok := c.files[path]
	if !ok {
		m.file, m.err = c.find(path)
		c.files[path] = m
	}
	return m.file, m.err
}

func (c *Core) find(path string) (*image.File, error) {
	id, page := c.identity(path)
	local := c.local(path)
	file, err := image.Open(local)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s is missing%s", local, ofBuild(id))
	case errors.Is(err, image.ErrNotELF) && bytes.HasPrefix(page, []byte(elf.ELFMAG)):
		// That error would mean that the process had mapped no ELF file.
		return nil, fmt.Errorf("%s is not the file that the process had: it is not an ELF file%s", local, ofBuild(id))
	case err != nil:
		return nil, err
	case id != "" && file.BuildID() != id:
		return nil, fmt.Errorf("%s has build ID %s, the process had %s", local, cmp.Or(file.BuildID(), "none"), id)
	case id == "" && page != nil:
		have := make([]byte, len(page))
		if n, _ := file.ReadAt(have, 0); !bytes.Equal(have[:n], page) {
			return nil, fmt.Errorf("%s is not the file that the process had: it begins with other bytes", local)
		}
	}
	return file, nil
}

func ofBuild(id string) string {
	if id == "" {
		return ""
	}
	return fmt.Sprintf(", it had build ID %s", id)
}

// identity returns the build ID of a file in the memory of the process, or, if that
// is not there, its first page. Both are empty for a file of which the core does not
// have that page.
func (c *Core) identity(path string) (id string, page []byte) {
	if c.starts == nil {
		c.starts = make(map[string]*fileRange)
		for i := range c.ranges {
			if r := &c.ranges[i]; r.off == 0 && c.starts[r.path] == nil {
				c.starts[r.path] = r
			}
		}
	}
	r := c.starts[path]
	if r == nil {
		return "", nil
	}
	page = make([]byte, min(pageSize, r.end-r.start))
	if _, err := c.held(r.start, page); err != nil {
		return "", nil
	}
	// The ID is in the page, as a rule, and section headers never are.
	file, err := image.Parse(&heldMemory{c, r.start}, int64(r.end-r.start), path)
	if err != nil {
		return "", page
	}
	return file.BuildID(), page
}

// heldMemory reads what the core has of memory from an address on.
type heldMemory struct {
	c    *Core
	base uint64
}

func (m *heldMemory) ReadAt(p []byte, off int64) (int, error) { return m.c.held(m.base+uint64(off), p) }

// fromFile reads memory that the core leaves out from the file behind it.
func (c *Core) fromFile(r *fileRange, addr uint64, buf []byte) (int, error) {
	file, err := c.open(r.path)
	if err != nil {
		return 0, fmt.Errorf("%w: the core leaves it out, and %w", syscall.EFAULT, err)
	}
	// The rest of a file's last page is zero, what is behind has no memory.
	off, size := r.off+addr-r.start, file.Size()
	end := (size + pageSize - 1) &^ (pageSize - 1)
	if off >= end {
		return 0, fmt.Errorf("%w: %s ends before it", syscall.EFAULT, r.path)
	}
	buf = buf[:min(uint64(len(buf)), end-off)]
	here := buf[:min(uint64(len(buf)), max(size, off)-off)]
	if n, err := file.ReadAt(here, int64(off)); n < len(here) {
		if n > 0 {
			return n, nil
		}
		return 0, fmt.Errorf("%w: read %s: %w", syscall.EFAULT, r.path, err)
	}
	clear(buf[len(here):])
	return len(buf), nil
}

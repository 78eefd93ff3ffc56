package core

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
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
	file  *image.File
	err   error // why it is no image
	plain *plain
	cause error // why it is neither
}

// A plain is a file that is no image.
type plain struct {
	*os.File
	size uint64
}

func (p *plain) Size() uint64 { return p.size }

// contents are the bytes of a file.
type contents interface {
	io.ReaderAt
	Size() uint64
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
func (c *Core) open(path string) *mapped {
	if c.files[path] == nil {
		c.files[path] = c.find(path)
	}
	return c.files[path]
}

// contents returns the file of a range. A file that is no image counts as that of the
// process unless it was deleted, or find has seen that it is another.
func (c *Core) contents(r *fileRange) (contents, error) {
	switch m := c.open(r.path); {
	case m.err == nil:
		return m.file, nil
	case m.plain == nil:
		return nil, m.cause
	case r.deleted:
		return nil, fmt.Errorf("the process had a file that was deleted, %s is another", r.path)
	default:
		return m.plain, nil
	}
}

func (c *Core) find(path string) *mapped {
	m := new(mapped)
	id, page := c.identity(path)
	local := c.local(path)
	m.file, m.err = image.Open(local)
	switch {
	case errors.Is(m.err, fs.ErrNotExist):
		m.err = fmt.Errorf("%s is missing%s", local, ofBuild(id))
	case errors.Is(m.err, image.ErrNotELF) && bytes.HasPrefix(page, []byte(elf.ELFMAG)):
		// That error would mean that the process had mapped no ELF file.
		m.err = fmt.Errorf("%s is not the file that the process had: it is not an ELF file%s", local, ofBuild(id))
	case m.err != nil && id == "":
		m.plain, m.cause = c.openPlain(local, page)
	case m.err != nil:
	case id != "" && m.file.BuildID() != id:
		m.err = fmt.Errorf("%s has build ID %s, the process had %s", local, cmp.Or(m.file.BuildID(), "none"), id)
	case id == "":
		m.err = begins(m.file, local, page)
	}
	if m.cause == nil {
		m.cause = m.err
	}
	return m
}

// openPlain opens a file that is no image. It is an error if it was written to after the
// core, or does not begin with page where that is of an ELF file: others may have been
// changed by the process, in private.
func (c *Core) openPlain(path string, page []byte) (*plain, error) {
	// Opening a pipe would wait for its other end.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s: is not a regular file", path)
	case !c.written.IsZero() && info.ModTime().After(c.written):
		err = fmt.Errorf("%s is not the file that the process had: it was written to after the core", path)
	case bytes.HasPrefix(page, []byte(elf.ELFMAG)):
		err = begins(file, path, page)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return &plain{file, uint64(info.Size())}, nil
}

// begins returns an error unless a file begins with page.
func begins(file io.ReaderAt, path string, page []byte) error {
	have := make([]byte, len(page))
	if n, _ := file.ReadAt(have, 0); !bytes.Equal(have[:n], page) {
		return fmt.Errorf("%s is not the file that the process had: it begins with other bytes", path)
	}
	return nil
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
	file, err := c.contents(r)
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

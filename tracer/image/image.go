package image

import (
	"bytes"
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/unwind"
)

// An Image is a file at the addresses where a process has it. Its methods are
// those of File in the addresses of the process.
type Image struct {
	Path       string // as the process has it, or "[vdso]"
	File       *File  // or nil if Err is not
	Bias       uint64 // what to add to addresses of the file, modulo 2⁶⁴
	Start, End uint64 // [Start, End) holds all segments
	Err        error  // why the file cannot be used
}

// New returns the image of file with a load bias, which is 0 for the file as
// it was linked.
func New(path string, file *File, bias uint64) *Image {
	im := &Image{Path: path, File: file, Bias: bias}
	if len(file.segments) > 0 {
		first, last := file.segments[0], file.segments[0]
		for _, s := range file.segments {
			if s.Vaddr < first.Vaddr {
				first = s
			}
			if s.Vaddr+s.Memsz > last.Vaddr+last.Memsz {
				last = s
			}
		}
		im.Start = bias + pageDown(first.Vaddr)
		im.End = bias + alignUp(last.Vaddr+last.Memsz, pageSize)
	}
	return im
}

// NewNamed returns what stands for an image where code lies that comes from no file: it
// has these symbols and nothing else.
func NewNamed(name string, start, end uint64, symbols []Symbol) *Image {
	f := &File{name: name}
	f.prepare()
	f.symbols = sync.OnceValues(func() (*symbolTable, error) { return newSymbolTable(f, symbols), nil })
	return &Image{Path: name, File: f, Start: start, End: end}
}

// Name returns the last element of the path, such as "libc.so.6".
func (im *Image) Name() string { return path.Base(im.Path) }

// FileSize returns how many bytes the file has, or the one with its debug information.
func (im *Image) FileSize() uint64 {
	if im.File == nil {
		return 0
	}
	debug, _ := im.File.Debug()
	return max(im.File.size, debug.size)
}

// Contains reports whether addr lies between the image's start and its end.
func (im *Image) Contains(addr uint64) bool { return im.Start <= addr && addr < im.End }

// Lookup returns the symbols called name, as File.Lookup does. The address of
// a TLS symbol remains an offset.
func (im *Image) Lookup(name string) []Symbol {
	if im.File == nil {
		return nil
	}
	return im.relocate(im.File.Lookup(name))
}

// LookupDemangled returns the symbols that a name in C++ or Rust means, as
// File.LookupDemangled does.
func (im *Image) LookupDemangled(name string) []Symbol {
	if im.File == nil {
		return nil
	}
	return im.relocate(im.File.LookupDemangled(name))
}

// Copy returns the address of the variable that is used in place of the one at addr of a
// library: the image, a program, may have a copy of it (R_X86_64_COPY).
func (im *Image) Copy(library *Image, addr uint64) uint64 {
	if im.File == nil {
		return addr
	}
	for name, copied := range im.File.copies() {
		if slices.ContainsFunc(library.Lookup(name), func(s Symbol) bool { return s.Addr == addr && s.Kind == Object }) {
			return copied + im.Bias
		}
	}
	return addr
}

// ResolvedBy returns what File.ResolvedBy does.
func (im *Image) ResolvedBy(resolver uint64) []uint64 {
	if im.File == nil {
		return nil
	}
	return im.addBias(im.File.ResolvedBy(resolver - im.Bias))
}

// Slots returns what File.Slots does.
func (im *Image) Slots(name string) []uint64 {
	if im.File == nil {
		return nil
	}
	return im.addBias(im.File.Slots(name))
}

func (im *Image) addBias(addrs []uint64) []uint64 {
	for i := range addrs {
		addrs[i] += im.Bias
	}
	return addrs
}

// Match returns the symbols whose names match pattern, as File.Match does. The
// address of a TLS symbol remains an offset.
func (im *Image) Match(pattern string) []Symbol {
	if im.File == nil {
		return nil
	}
	return im.relocate(im.File.Match(pattern))
}

func (im *Image) relocate(symbols []Symbol) []Symbol {
	for i := range symbols {
		if symbols[i].Kind != TLS {
			symbols[i].Addr += im.Bias
		}
	}
	return symbols
}

// At returns the symbol that covers addr, as File.At does.
func (im *Image) At(addr uint64) (Symbol, bool) {
	if im.File == nil || !im.Contains(addr) {
		return Symbol{}, false
	}
	s, ok := im.File.At(addr - im.Bias)
	s.Addr += im.Bias
	return s, ok
}

// CFI returns the table of the file's call frame information, and the bias to
// take from addresses before they are looked up in it.
func (im *Image) CFI() (*unwind.Table, uint64, error) {
	if im.File == nil {
		return nil, 0, im.Err
	}
	table, err := im.File.CFI()
	return table, im.Bias, err
}

// Find returns the image that contains addr, or nil. The images are in the
// order of FromMaps.
func Find(images []*Image, addr uint64) *Image {
	i := sort.Search(len(images), func(i int) bool { return images[i].Start > addr })
	for i--; i >= 0; i-- {
		if images[i].Contains(addr) {
			return images[i]
		}
	}
	return nil
}

// Memory reads the memory of a process.
type Memory interface {
	ReadAt(addr uint64, buf []byte) (int, error)
}

// vdsoPath is what the kernel calls the mapping of the vdso (vdso(7)).
const vdsoPath = "[vdso]"

// FromMaps returns the images in the mappings of a process, which are in the
// order of their addresses, in the order of their starts: the program, its
// libraries, the dynamic linker, the vdso. A file counts if it is ELF and
// mapped to be executed, and counts again for each bias it has.
//
// Files are opened by open, such as OpenMapped for a process; the vdso is read
// from mem, and so are deleted files that open may not open. Where that fails, Err of the image says why, and its range is that
// of the mappings of the file that lie side by side. What known returns a file for is not
// looked at; known may be nil.
func FromMaps(maps []procfs.Mapping, mem Memory, open func(procfs.Mapping) (*File, error), known func(procfs.Mapping) *File) []*Image {
	type fileID struct {
		dev   string
		inode uint64
		path  string
	}
	type opened struct {
		file *File
		err  error
	}
	found := make(map[fileID]opened)
	type place struct {
		file *File
		bias uint64
	}
	seen := make(map[place]bool) // a mapping may have been split
	var images []*Image
	bad := new(Image) // the last one with an error
	for i, m := range maps {
		if m.Perms&procfs.X == 0 || !strings.HasPrefix(m.Path, "/") && m.Path != vdsoPath {
			continue
		}
		id := fileID{m.Dev, m.Inode, m.Path}
		o, ok := found[id]
		if !ok && known != nil {
			o.file = known(m)
		}
		if !ok && o.file == nil {
			if m.Path == vdsoPath {
				o.file, o.err = readVDSO(mem, m)
			} else {
				o.file, o.err = open(m)
			}
			if m.Deleted && (errors.Is(o.err, fs.ErrPermission) || errors.Is(o.err, fs.ErrNotExist)) {
				o.file, o.err = readMapped(mem, maps, i)
			}
		}
		found[id] = o
		if errors.Is(o.err, ErrNotELF) {
			continue
		}
		var bias uint64
		if o.err == nil {
			bias, o.err = o.file.bias(m)
		}
		switch p := (place{o.file, bias}); {
		case o.err == nil && !seen[p]:
			seen[p] = true
			images = append(images, New(m.Path, o.file, bias))
		case o.err != nil && !(bad.Path == m.Path && bad.Contains(m.Start)):
			bad = &Image{Path: m.Path, Err: o.err}
			bad.Start, bad.End = neighbours(maps, i)
			images = append(images, bad)
		}
	}
	slices.SortStableFunc(images, func(a, b *Image) int { return cmp.Compare(a.Start, b.Start) })
	return images
}

// neighbours returns the range of the mappings around maps[i] that are of its
// file.
func neighbours(maps []procfs.Mapping, i int) (start, end uint64) {
	same := func(j int) bool { return maps[j].Path == maps[i].Path && maps[j].Inode == maps[i].Inode }
	first, last := i, i
	for first > 0 && same(first-1) {
		first--
	}
	for last+1 < len(maps) && same(last+1) {
		last++
	}
	return maps[first].Start, maps[last].End
}

// bias returns the load bias of f in a process that has the mapping m of it.
// Where segments meet, both have the page of the file, at different addresses:
// the one meant is that which is executable and starts there, if any is.
func (f *File) bias(m procfs.Mapping) (uint64, error) {
	best, bias := 0, uint64(0)
	for i := range f.segments {
		s := &f.segments[i]
		off := pageDown(s.Off)
		if m.Offset < off || m.Offset >= s.Off+s.Filesz {
			continue
		}
		fit := 1
		if s.Flags&elf.PF_X != 0 {
			fit += 2
		}
		if m.Offset == off {
			fit++
		}
		if fit > best {
			best, bias = fit, m.Start-(m.Offset-off)-pageDown(s.Vaddr)
		}
	}
	if best == 0 {
		return 0, fmt.Errorf("%s: no segment holds offset %#x", f.name, m.Offset)
	}
	return bias, nil
}

// readVDSO returns the file in the mapping m, which no path leads to.
func readVDSO(mem Memory, m procfs.Mapping) (*File, error) {
	buf := make([]byte, min(m.End-m.Start, 1<<20)) // it has a few pages
	if _, err := mem.ReadAt(m.Start, buf); err != nil {
		return nil, fmt.Errorf("%s: %w", vdsoPath, err)
	}
	if v := lastVDSO.Load(); v != nil && bytes.Equal(v.data, buf) {
		return v.file, nil
	}
	f, err := Parse(bytes.NewReader(buf), int64(len(buf)), vdsoPath)
	if err != nil {
		return nil, err
	}
	v := &vdso{buf, files.share(f)}
	lastVDSO.Store(v)
	return v.file, nil
}

// A vdso is the kernel's library, which is the same in every process.
type vdso struct {
	data []byte
	file *File
}

var lastVDSO atomic.Pointer[vdso]

// OpenMapped opens the file that process pid has in the mapping m, by whatever
// path: the file may have been deleted or replaced since, and the process may
// have another root directory. Without CAP_CHECKPOINT_RESTORE, of deleted files
// only the program can be opened.
func OpenMapped(pid int, m procfs.Mapping) (*File, error) {
	// To look into map_files takes the kernel long.
	if info, err := os.Stat(m.Path); err == nil && isMapped(info, m) {
		if f := files.get(fileKey(info)); f != nil {
			return f, nil
		}
	}
	f, err := open(procfs.Path(pid, fmt.Sprintf("map_files/%x-%x", m.Start, m.End)), m.Path)
	if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if !m.Deleted {
		return open(procfs.Path(pid, "root"+m.Path), m.Path)
	}
	if exe, exeErr := procfs.Exe(pid); exeErr == nil && exe == m.Path {
		return open(procfs.Path(pid, "exe"), m.Path)
	}
	return nil, fmt.Errorf("%s has been deleted: %w", m.Path, err)
}

// isMapped reports whether a file is the one of a mapping, as far as maps tells what
// stat does: on some file systems the devices differ.
func isMapped(info fs.FileInfo, m procfs.Mapping) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Ino == m.Inode && m.Dev == fmt.Sprintf("%02x:%02x", unix.Major(stat.Dev), unix.Minor(stat.Dev))
}

func pageDown(n uint64) uint64 { return n &^ (pageSize - 1) }

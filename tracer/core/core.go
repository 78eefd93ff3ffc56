// Package core reads and writes ELF cores: what was left of a process when it was
// killed, or what a debugger wrote of one that lives.
//
// A core has the registers of all threads, and the memory that the process had
// changed. What it leaves out, such as code, is read from the files that were mapped,
// where they are those that the process had, as far as can be told: ELF files by their
// build ID, or by their first page if they have none and the core has it; others if they
// were not deleted by then, and not written to since. Package tracer finds images,
// symbols and stacks in it as it does in a live process.
//
// The file may be hostile, and it may be cut short. Nothing is read before it is
// asked for but headers and notes, and what is read is bounded by the file's size.
package core

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// A Core is an open core. It is used by one goroutine at a time.
type Core struct {
	name    string
	r       io.ReaderAt
	size    uint64
	file    *os.File  // or nil, if Parse made it
	written time.Time // when the file was last, or zero if Parse made it
	opts    Options

	segments []segment // in the order of their addresses
	threads  []*Thread // the one that the signal was for first
	signal   int
	info     Psinfo
	auxv     []byte
	ranges   []fileRange           // in the order of their addresses
	starts   map[string]*fileRange // of files, by path, once they were asked for
	maps     []procfs.Mapping
	xlayout  []arch.XComponent
	files    map[string]*mapped // files that were looked for, by their paths
	absent   uint64             // bytes that are not in the file, which was cut
}

// Options say where the files are that the process had mapped.
type Options struct {
	Exe     string // the program; "" is the one that the core names
	Sysroot string // a directory that paths in the core are relative to; "" is /
}

// Open opens the core at path.
func Open(path string, o *Options) (*Core, error) {
	// Opening a pipe would wait for its other end.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	c, err := openFile(file, path, o)
	if err != nil {
		file.Close()
		return nil, err
	}
	c.file = file
	return c, nil
}

func openFile(file *os.File, path string, o *Options) (*Core, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is not a regular file", path)
	}
	c, err := Parse(file, info.Size(), path, o)
	if err != nil {
		return nil, err
	}
	c.written = info.ModTime()
	if c.opts.Exe != "" {
		// A program that is named and not the right one is a mistake.
		if _, err := c.program(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Parse parses the core of the given size in r, which is called name in errors.
func Parse(r io.ReaderAt, size int64, name string, o *Options) (*Core, error) {
	if o == nil {
		o = &Options{}
	}
	c := &Core{name: name, r: r, size: uint64(max(size, 0)), opts: *o, files: make(map[string]*mapped)}
	if err := c.parse(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// Close closes the file. What was read of it remains.
func (c *Core) Close() error {
	if c.file == nil {
		return nil
	}
	return c.file.Close()
}

// Name returns the path of the core.
func (c *Core) Name() string { return c.name }

// Missing returns how many bytes the core lacks at its end, because it was cut: the
// disk was full, or a limit reached.
func (c *Core) Missing() uint64 { return c.absent }

// Signal returns the signal that the process was killed or stopped by, or 0.
func (c *Core) Signal() int { return c.signal }

// Psinfo returns what the core tells of the process as a whole.
func (c *Core) Psinfo() *Psinfo { return &c.info }

// Threads returns the threads, the one that the signal was for first. A core that
// was cut early has none.
func (c *Core) Threads() []*Thread { return c.threads }

// Auxv returns the auxiliary vector, as procfs.Auxv does.
func (c *Core) Auxv() map[uint64]uint64 {
	auxv, err := procfs.ParseAuxv(c.auxv)
	if err != nil {
		return nil
	}
	return auxv
}

// Maps returns the mappings in the order of their addresses. The device and inode of
// their files are not known, and a name such as "[stack]" only of some.
func (c *Core) Maps() []procfs.Mapping {
	if c.maps == nil {
		c.maps = c.mappings()
	}
	return c.maps
}

// Exe returns the path of the program, or what the core tells of its name.
func (c *Core) Exe() string {
	if r := c.main(); r != nil {
		return r.path
	}
	return c.info.Name
}

// main returns the range of the program that holds its first instruction, or nil.
func (c *Core) main() *fileRange { return c.rangeAt(c.Auxv()[procfs.AT_ENTRY]) }

// program returns the file of the program.
func (c *Core) program() (*image.File, error) {
	r := c.main()
	if r == nil {
		return nil, errors.New("the core does not tell which file the program is")
	}
	m := c.open(r.path)
	return m.file, m.err
}

// OpenMapped opens the file of a mapping, as image.FromMaps wants it. A file that is
// not the one that the process had is an error.
func (c *Core) OpenMapped(m procfs.Mapping) (*image.File, error) {
	file := c.open(m.Path)
	return file.file, file.err
}

// local returns the path of a file here.
func (c *Core) local(path string) string {
	if c.opts.Exe != "" && path == c.Exe() {
		return c.opts.Exe
	}
	return filepath.Join(c.opts.Sysroot, path)
}

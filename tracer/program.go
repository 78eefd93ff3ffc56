//go:build linux && amd64

package tracer

import (
	"debug/elf"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sort"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/value"
)

// A Program is the file of a program, which is looked at as if it had been loaded: its
// code and data are there as the file has them. It has no threads.
type Program struct {
	target
	path string
	file *image.File
	bias uint64
	maps []procfs.Mapping
}

// ErrNotRunning is the error for what only a process has.
var ErrNotRunning = errors.New("the program does not run")

// OpenProgram opens the ELF file at path. It is looked at with a load bias, which is 0 for
// the addresses that it was linked for.
func (tr *Tracer) OpenProgram(path string, bias uint64) (*Program, error) {
	file, err := image.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open program: %w", err)
	}
	p := &Program{target: target{tr: tr}, file: file, bias: bias}
	p.of = p
	if p.path, err = filepath.Abs(path); err != nil {
		return nil, fmt.Errorf("open program: %w", err)
	}
	for _, s := range file.Segments() {
		if end := s.Off + s.Filesz; end > file.Size() {
			return nil, fmt.Errorf("open program: %s is truncated: it has %d bytes, and a segment up to %d", path, file.Size(), end)
		}
		p.load(s)
	}
	sort.Slice(p.maps, func(i, j int) bool { return p.maps[i].Start < p.maps[j].Start })
	if _, err := p.Images(); err != nil {
		return nil, fmt.Errorf("open program: %s: %w", path, cause(err))
	}
	return p, nil
}

// NoProgram returns a program without a file, in which expressions of constants can be
// evaluated.
func (tr *Tracer) NoProgram() *Program {
	p := &Program{target: target{tr: tr}, file: new(image.File)}
	p.of = p
	return p
}

// Program returns the file of the program that the process runs or has run, at the
// addresses that it has or had there.
func (p *Process) Program() (*Program, error) {
	var bias uint64
	for _, img := range p.images.images {
		if img.Path == p.exe {
			bias = img.Bias
		}
	}
	return p.tr.OpenProgram(p.exe, bias)
}

// load adds what the kernel would map for a segment.
func (p *Program) load(s image.Segment) {
	first, last := s.Vaddr&^(pageSize-1), (s.Vaddr+s.Memsz+pageSize-1)&^(pageSize-1)
	end := (s.Vaddr + s.Filesz + pageSize - 1) &^ (pageSize - 1)
	m := procfs.Mapping{Start: p.bias + first, End: p.bias + end, Offset: s.Off &^ (pageSize - 1), Path: p.path}
	for flag, perm := range map[elf.ProgFlag]procfs.Perms{elf.PF_R: procfs.R, elf.PF_W: procfs.W, elf.PF_X: procfs.X} {
		if s.Flags&flag != 0 {
			m.Perms |= perm
		}
	}
	if first < end {
		p.maps = append(p.maps, m)
	}
	if end < last {
		p.maps = append(p.maps, procfs.Mapping{Start: p.bias + end, End: p.bias + last, Perms: m.Perms})
	}
}

// Exe returns the path of the file.
func (p *Program) Exe() string { return p.path }

// Argv returns how the program would be started.
func (p *Program) Argv() []string { return []string{p.path} }

// ReadAt reads memory as it would be when the program has been loaded, before anything in it
// has run or was relocated.
func (p *Program) ReadAt(addr uint64, buf []byte) (int, error) {
	done, err := 0, error(nil)
	for err == nil && done < len(buf) {
		var n int
		if n, err = p.file.ReadLoaded(addr+uint64(done)-p.bias, buf[done:]); n == 0 && err == nil {
			err = unix.EFAULT
		}
		done += n
	}
	if err != nil {
		err = &Error{Op: "read", Addr: addr + uint64(done), At: true, Err: err}
	}
	return done, err
}

// Maps returns what the kernel would map of the file, in order of address.
func (p *Program) Maps() ([]procfs.Mapping, error) { return p.maps, nil }

// Var returns the variable called name outside of functions.
func (p *Program) Var(name string) (*value.Value, error) { return p.variable(name, nil, nil) }

// Scope returns what values are read from.
func (p *Program) Scope() value.Context { return p.scope(nil, nil, nil) }

func (p *Program) id() int                                  { return 0 }
func (p *Program) held() error                              { return nil }
func (p *Program) epoch() uint64                            { return 0 }
func (p *Program) open(procfs.Mapping) (*image.File, error) { return p.file, nil }
func (p *Program) registers() (*arch.Regs, error)           { return nil, ErrNotRunning }

func (p *Program) auxv() map[uint64]uint64 {
	return map[uint64]uint64{procfs.AT_ENTRY: p.bias + p.file.Entry()}
}

// searchable leaves out what is zero, which may be much.
func (p *Program) searchable() ([]procfs.Mapping, *pagemap, error) {
	filled := slices.DeleteFunc(slices.Clone(p.maps), func(m procfs.Mapping) bool { return m.Path == "" })
	return filled, &pagemap{fd: -1}, nil
}

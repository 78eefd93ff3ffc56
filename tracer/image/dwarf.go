package image

import (
	"bufio"
	"compress/zlib"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// DWARF returns the debug information that belongs to the file: its own, or that of
// its separate debug file. The error is debuginfo.ErrNoDWARF if it has none.
func (f *File) DWARF() (*debuginfo.Data, error) { return f.dwarf() }

func (f *File) loadDWARF() (*debuginfo.Data, error) {
	file, mismatch := f.Debug()
	data, err := file.ownDWARF()
	if errors.Is(err, debuginfo.ErrNoDWARF) && mismatch != nil {
		err = fmt.Errorf("%w: %w", err, mismatch)
	}
	if err == nil {
		data.SetSupplementary(file.supplementary(data))
		data.SetSplit(f.splitOpener(file, data))
	}
	return data, err
}

// ownDWARF returns the debug information that stands in f itself.
func (f *File) ownDWARF() (*debuginfo.Data, error) {
	return debuginfo.Open(f.name, f.contents, f.ranges)
}

// contents returns the contents of the section called name, nil if there is none.
func (f *File) contents(name string) ([]byte, error) {
	data, _, err := f.optional(name)
	return data, err
}

// ranges returns a reader of the section called name if it is large: an io.ReaderAt, or
// where zlib has compressed it one that decompresses it.
func (f *File) ranges(name string) (io.Reader, int64) {
	const large = 1 << 20
	s := f.section(name)
	if s == nil || s.Off > f.size || s.Size > f.size-s.Off {
		return nil, 0
	}
	r := io.NewSectionReader(f.r, int64(s.Off), int64(s.Size))
	if elf.SectionFlag(s.Flags)&elf.SHF_COMPRESSED == 0 {
		if s.Size < large || s.Size > maxRead {
			return nil, 0
		}
		return r, int64(s.Size)
	}
	var header elf.Chdr64
	if err := binary.Read(r, binary.LittleEndian, &header); err != nil || elf.CompressionType(header.Type) != elf.COMPRESS_ZLIB || header.Size < large || header.Size > maxDecompressed(s.Size) {
		return nil, 0
	}
	z, err := zlib.NewReader(bufio.NewReaderSize(r, 64<<10))
	if err != nil {
		return nil, 0 // reading all of it says why
	}
	return z, int64(header.Size)
}

// DWARF returns File.DWARF. Its addresses are those of the process without Bias.
func (im *Image) DWARF() (*debuginfo.Data, error) {
	if im.File == nil {
		return nil, im.Err
	}
	return im.File.DWARF()
}

// Line returns the line of source that the instruction at addr comes from.
func (im *Image) Line(addr uint64) (debuginfo.Line, error) {
	data, err := im.DWARF()
	if err != nil {
		return debuginfo.Line{}, err
	}
	line, err := im.File.lines.at(addr-im.Bias, data.Line)
	line.Low += im.Bias
	line.High += im.Bias
	return line, err
}

// SlowLine reports whether Line may take long at addr, as debuginfo.Data.SlowLine does.
func (im *Image) SlowLine(addr uint64) bool {
	data, err := im.DWARF()
	return err == nil && data.SlowLine(addr-im.Bias)
}

// SlowFuncs reports whether Funcs may take long at addr.
func (im *Image) SlowFuncs(addr uint64) bool {
	data, err := im.DWARF()
	return err == nil && data.SlowFuncs(addr-im.Bias)
}

// Places returns where breakpoints on a line of a source file belong, as
// debuginfo.Data.Places does.
func (im *Image) Places(file string, line int) ([]debuginfo.Place, error) {
	data, err := im.DWARF()
	if err != nil {
		return nil, err
	}
	places, err := data.Places(file, line)
	for i := range places {
		places[i].Addr += im.Bias
		places[i].Low += im.Bias
		places[i].High += im.Bias
	}
	return places, err
}

// Funcs returns the functions around addr, the innermost first. Their own addresses
// are those of the file.
func (im *Image) Funcs(addr uint64) ([]*debuginfo.Func, error) {
	data, err := im.DWARF()
	if err != nil {
		return nil, err
	}
	funcs, err := im.File.funcs.at(addr-im.Bias, data.Funcs)
	return slices.Clip(funcs), err
}

// Inlined returns the first instructions of the copies of a function, or of all that
// match a pattern, that debug information knows, and the copies: the innermost where
// several begin.
func (im *Image) Inlined(name string) map[uint64]*debuginfo.Func {
	data, err := im.DWARF()
	if err != nil {
		return nil
	}
	names := []string{name}
	if strings.ContainsAny(name, "*?") {
		names = data.FuncNames(func(full string) bool { return match(name, full) })
	}
	copies := make(map[uint64]*debuginfo.Func)
	for _, name := range names {
		funcs, _ := data.FuncsNamed(name)
		for _, f := range funcs {
			if outer := copies[f.Entry+im.Bias]; outer == nil || f.In(outer) {
				copies[f.Entry+im.Bias] = f
			}
		}
	}
	return copies
}

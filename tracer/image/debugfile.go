package image

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
)

// This file finds what was stripped from a file: the separate file that
// distributions install for debuggers, or the compressed symbols that remain.

// DebugPathVariable names the environment variable that lists directories of
// separate debug files, as PATH does those of programs. They are searched before
// /usr/lib/debug.
const DebugPathVariable = "TRACELARK_DEBUG_PATH"

func debugDirs() []string {
	dirs := filepath.SplitList(os.Getenv(DebugPathVariable))
	dirs = append(dirs, "/usr/lib/debug")
	return slices.DeleteFunc(dirs, func(dir string) bool { return dir == "" })
}

// Debug returns the file that has the debug information: the one given to WithDebug,
// or f itself, or else the separate file that is found by f's build ID or by its .gnu_debuglink (GDB's
// manual, "Debugging Information in Separate Files"). It is f too if there is
// none. The error says why one that is there is not the one.
func (f *File) Debug() (*File, error) { return f.debug() }

func (f *File) findDebug() (*File, error) {
	if f.given != nil {
		return f.given, nil
	}
	if f.section(".debug_info") != nil {
		return f, nil
	}
	var errs []error
	try := func(path string, check func(*File) error) *File {
		debug, err := Open(path)
		if err == nil && debug != f {
			err = check(debug)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: separate debug file %s: %w", f.name, path, err))
		case debug != f:
			return debug
		}
		return nil
	}
	dirs := debugDirs()
	if id := f.buildID; len(id) > 2 {
		for _, dir := range dirs {
			path := filepath.Join(dir, ".build-id", id[:2], id[2:]+".debug")
			if debug := try(path, f.sameBuildID); debug != nil {
				return debug, nil
			}
		}
	}
	if name, crc, ok := f.debugLink(); ok {
		dir := filepath.Dir(f.name)
		paths := []string{filepath.Join(dir, name), filepath.Join(dir, ".debug", name)}
		for _, debugDir := range dirs {
			paths = append(paths, filepath.Join(debugDir, dir, name))
		}
		for _, path := range paths {
			check := func(debug *File) error { return cmp.Or(f.sameBuildID(debug), debug.hasCRC(crc)) }
			if debug := try(path, check); debug != nil {
				return debug, nil
			}
		}
	}
	return f, errors.Join(errs...)
}

// sameBuildID returns an error if debug was not made of f.
func (f *File) sameBuildID(debug *File) error {
	if f.buildID != debug.buildID {
		return fmt.Errorf("it has %s, want %s", describeID(debug.buildID), describeID(f.buildID))
	}
	return nil
}

func describeID(id string) string {
	if id == "" {
		return "no build ID"
	}
	return "build ID " + id
}

// hasCRC returns an error if the checksum of f's bytes is another.
func (f *File) hasCRC(want uint32) error {
	if f.size > maxRead {
		return fmt.Errorf("it has %d bytes, more than %d", f.size, maxRead)
	}
	hash := crc32.NewIEEE()
	if _, err := io.Copy(hash, io.NewSectionReader(f.r, 0, int64(f.size))); err != nil {
		return err
	}
	if got := hash.Sum32(); got != want {
		return fmt.Errorf("it has CRC %08x, want %08x", got, want)
	}
	return nil
}

// WithDebug returns a file that is f but takes its debug information from another file,
// and the full symbol table if that has one. Others who have opened f do not see it.
//
// It is an error if the other file has neither, or if Matches says that it was not made of
// f and force is not set.
func (f *File) WithDebug(debug *File, force bool) (*File, error) {
	err := f.Matches(debug)
	switch {
	case f.r == nil:
		return nil, errors.New("the code is of no file")
	case debug.section(".debug_info") == nil && !debug.hasSymtab():
		return nil, errors.New("it has neither debug information nor a full symbol table")
	case err != nil && !force:
		return nil, err
	}
	g := &File{
		name: f.name, r: f.r, size: f.size, head: f.head, header: f.header, progs: f.progs, segments: f.segments,
		sections: f.sections, names: f.names, interp: f.interp, buildID: f.buildID, moved: f.moved, given: debug,
	}
	g.prepare()
	return g, nil
}

// Matches returns an error if debug was not made of f, as far as build IDs tell or, where
// both have none, the addresses and sizes of what is loaded into memory.
func (f *File) Matches(debug *File) error {
	if f.buildID != "" || debug.buildID != "" {
		return f.sameBuildID(debug)
	}
	if len(f.segments) != len(debug.segments) {
		return fmt.Errorf("it has %d segments, want %d", len(debug.segments), len(f.segments))
	}
	for i, want := range f.segments {
		if got := debug.segments[i]; got.Vaddr != want.Vaddr || got.Memsz != want.Memsz {
			return fmt.Errorf("it has a segment of %d bytes at %#x, want %d bytes at %#x", got.Memsz, got.Vaddr, want.Memsz, want.Vaddr)
		}
	}
	for i := range f.sections {
		want := &f.sections[i]
		name, _ := cString(f.names, uint64(want.Name))
		got := debug.section(name)
		if elf.SectionFlag(want.Flags)&elf.SHF_ALLOC == 0 || got == nil || want != f.section(name) {
			continue
		}
		if got.Addr != want.Addr || got.Size != want.Size {
			return fmt.Errorf("it has %s of %d bytes at %#x, want %d bytes at %#x", name, got.Size, got.Addr, want.Size, want.Addr)
		}
	}
	return nil
}

// debugLink returns the name of the separate file and its checksum. The section
// is the name, padded with zeros to a multiple of four, and the checksum.
func (f *File) debugLink() (name string, crc uint32, ok bool) {
	data, _, err := f.Section(".gnu_debuglink")
	if err != nil {
		return "", 0, false
	}
	name, ok = cString(data, 0)
	at := alignUp(uint64(len(name))+1, 4)
	if !ok || at+4 > uint64(len(data)) || name == "" || name != filepath.Base(name) {
		return "", 0, false
	}
	return name, binary.LittleEndian.Uint32(data[at:]), true
}

// symbolFile returns the file that has the full symbol table of f: the one given to
// WithDebug, f itself, its separate debug file, or the one in .gnu_debugdata, which holds the functions
// that .dynsym lacks. It is nil if there is none.
func (f *File) symbolFile() (*File, error) {
	if f.hasSymtab() && (f.given == nil || !f.given.hasSymtab()) {
		return f, nil
	}
	debug, err := f.Debug()
	if debug.hasSymtab() {
		return debug, nil
	}
	data, _, dataErr := f.Section(".gnu_debugdata")
	if errors.Is(dataErr, ErrNoSection) {
		return nil, err
	}
	name := f.name + ": .gnu_debugdata"
	if dataErr == nil {
		data, dataErr = unxz(data)
	}
	if dataErr != nil {
		return nil, fmt.Errorf("%s: %w", name, dataErr)
	}
	return Parse(bytes.NewReader(data), int64(len(data)), name)
}

// Stripped reports whether the file has no full table of symbols: neither its own, nor
// that of a debug file or of .gnu_debugdata.
func (f *File) Stripped() bool {
	from, _ := f.symbolFile()
	return from == nil
}

func (f *File) hasSymtab() bool {
	return slices.ContainsFunc(f.sections, func(s elf.Section64) bool { return elf.SectionType(s.Type) == elf.SHT_SYMTAB })
}

// adopt makes symbols, which come from another file for the same code, symbols
// of f: the section of each is f's section at the same place.
func (f *File) adopt(symbols []Symbol, from *File) {
	own := make([]uint16, len(from.sections))
	for i := range from.sections {
		s := &from.sections[i]
		own[i] = math.MaxUint16 // none
		for j := range f.sections[:min(len(f.sections), math.MaxUint16)] {
			if t := &f.sections[j]; t.Addr == s.Addr && t.Size == s.Size && t.Flags == s.Flags {
				own[i] = uint16(j)
				break
			}
		}
	}
	for i := range symbols {
		if s := &symbols[i]; int(s.section) < len(own) {
			s.section = own[s.section]
		}
	}
}

package image

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// splitOpener returns what opens the parts of data, the debug information in debug that
// belongs to f, that -gsplit-dwarf has put into other files. They are in a package beside
// the program, or where the compiler has put them, beside the program, or in the
// directories of debug files.
func (f *File) splitOpener(debug *File, data *debuginfo.Data) func(name, dir string, id uint64) (*debuginfo.Data, error) {
	packed := sync.OnceValues(func() (*debuginfo.Data, error) { return f.openPackage(debug, data) })
	return func(name, dir string, id uint64) (*debuginfo.Data, error) {
		pack, packErr := packed()
		if pack != nil && pack.Holds(id) {
			return pack, nil
		}
		errs := []error{packErr}
		for _, path := range f.splitPaths(name, dir) {
			file, err := readObject(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			var split *debuginfo.Data
			if err == nil {
				split, err = data.OpenSplit(path, file.joined, nil)
			}
			if err == nil && split.Holds(id) {
				return split, nil
			}
			if err == nil {
				err = fmt.Errorf("%s is of another build: it has no unit with ID %#016x", path, id)
			}
			errs = append(errs, err)
		}
		if pack != nil {
			errs = append(errs, fmt.Errorf("the package beside the program has no unit with ID %#016x", id))
		}
		if err := errors.Join(errs...); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("it does not exist: put it there, beside the program or into a directory of %s", DebugPathVariable)
	}
}

// openPackage opens the package of split debug information, if there is one.
func (f *File) openPackage(debug *File, data *debuginfo.Data) (*debuginfo.Data, error) {
	paths := []string{f.name + ".dwp", debug.name + ".dwp", strings.TrimSuffix(debug.name, ".debug") + ".dwp"}
	for _, path := range paths {
		file, err := openObject(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return data.OpenSplit(path, file.contents, file.ranges)
	}
	return nil, nil
}

// splitPaths returns where the file that the compiler has called name may be.
func (f *File) splitPaths(name, dir string) []string {
	var paths []string
	if filepath.IsAbs(name) {
		paths = append(paths, name)
	} else {
		paths = append(paths, filepath.Join(dir, name))
	}
	for _, dir := range append([]string{filepath.Dir(f.name)}, debugDirs()...) {
		if !filepath.IsAbs(name) {
			paths = append(paths, filepath.Join(dir, name))
		}
		paths = append(paths, filepath.Join(dir, filepath.Base(name)))
	}
	return slices.Compact(paths)
}

// readObject reads an object file, all at once: a program may have more of them than a
// process may have files open.
func readObject(path string) (*File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is not a regular file", path)
	}
	if info.Size() > maxRead {
		return nil, fmt.Errorf("%s: %d bytes are more than %d", path, info.Size(), maxRead)
	}
	data := make(inMemory, info.Size())
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return parse(data, int64(len(data)), path, true)
}

// joined returns the contents of all sections called name, one behind the other: units of
// types have one each.
func (f *File) joined(name string) ([]byte, error) {
	var all []byte
	for i := range f.sections {
		if !f.isNamed(&f.sections[i], name) {
			continue
		}
		data, err := f.sectionData(&f.sections[i])
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", f.name, name, err)
		}
		if all == nil {
			all = data
		} else {
			all = append(all, data...)
		}
	}
	return all, nil
}

// inMemory is a file that has been read.
type inMemory []byte

// ReadAt implements io.ReaderAt.
func (m inMemory) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off > int64(len(m)) {
		return 0, io.EOF
	}
	n := copy(p, m[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

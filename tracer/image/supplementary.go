package image

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// supplementary returns the debug information of the file to which dwz has moved what f
// has in common with others. It lies where .gnu_debugaltlink says, from f's directory on,
// or is found by its build ID. Without any, the result is nil; the error says why one that
// is there is not the one.
func (f *File) supplementary(data *debuginfo.Data) (*debuginfo.Data, error) {
	path, id := data.Supplementary()
	if path == "" {
		return nil, nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(f.name), path)
	}
	paths := []string{path}
	want := hex.EncodeToString(id)
	if len(want) > 2 {
		for _, dir := range debugDirs() {
			paths = append(paths, filepath.Join(dir, ".build-id", want[:2], want[2:]+".debug"))
		}
	}
	var errs []error
	for _, path := range paths {
		sup, err := openObject(path)
		if err == nil && sup.buildID != want {
			err = fmt.Errorf("%s has %s, want %s", path, describeID(sup.buildID), describeID(want))
		}
		if err == nil {
			var d *debuginfo.Data
			if d, err = sup.ownDWARF(); err == nil {
				return d, nil
			}
		}
		if !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return nil, errors.Join(errs...)
}

// openObject opens a file that holds debug information for another one, and is an object
// file to those who run programs.
func openObject(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if f := files.get(fileKey(info)); f != nil {
		return f, nil
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	d := &disk{file: file, key: fileKey(info)}
	f, err := parse(d, info.Size(), path, true)
	if err != nil {
		file.Close()
		return nil, err
	}
	files.put(d.key, f)
	return f, nil
}

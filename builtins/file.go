package builtins

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// readFile returns what is in a file.
func (e *Env) readFile(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var path string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "path", &path); err != nil {
		return nil, err
	}
	f, err := e.allowed.Open(b.Name(), path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	data, err := contents(f, info, path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return data, nil
}

// contents returns what is in a file. One of unknown size, as in /proc, is read to its
// end, and none is read that is no file: a pipe might never end.
func contents(f *os.File, info fs.FileInfo, path string) (starlark.Bytes, error) {
	if info.IsDir() {
		return "", fmt.Errorf("%s is a directory", path)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a regular file", path)
	}
	if info.Size() > maxRead {
		return "", fmt.Errorf("%s has %d bytes, at most %d can be read", path, info.Size(), maxRead)
	}
	data := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead))
	n, err := data.ReadFrom(io.LimitReader(f, maxRead+1))
	if err == nil && n > maxRead {
		err = fmt.Errorf("%s has more than %d bytes", path, maxRead)
	}
	return starlark.Bytes(data.String()), err
}

// writeFile makes or replaces a file.
func (e *Env) writeFile(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var path string
	var data blob
	var add bool
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "path", &path, "data", &data, "append?", &add); err != nil {
		return nil, err
	}
	// A file that is emptied and written anew has ext4 write it to the disk at once.
	flag := os.O_RDWR | os.O_CREATE
	if add {
		flag |= os.O_APPEND
	}
	f, err := e.allowed.openFile(b.Name(), path, flag)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	n, err := f.WriteString(string(data))
	if info, failed := f.Stat(); !add && failed == nil && info.Mode().IsRegular() && info.Size() > int64(n) {
		err = errors.Join(err, f.Truncate(int64(n)))
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return starlark.None, nil
}

// listDir lists a directory.
func (e *Env) listDir(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	path, details := ".", false
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "path?", &path, "details?", &details); err != nil {
		return nil, err
	}
	f, err := e.allowed.Open(b.Name(), path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return listOf(entries, func(entry os.DirEntry) starlark.Value {
		if !details {
			return starlark.String(entry.Name())
		}
		size := int64(0)
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
		return starlarkstruct.FromStringDict(starlarkstruct.Default, starlark.StringDict{
			"name": starlark.String(entry.Name()),
			"type": starlark.String(kindOf(entry.Type())),
			"size": starlark.MakeInt64(size),
		})
	}), nil
}

// kindOf returns what a directory entry is.
func kindOf(mode os.FileMode) string {
	switch {
	case mode.IsRegular():
		return "file"
	case mode.IsDir():
		return "dir"
	case mode&os.ModeSymlink != 0:
		return "link"
	}
	return "other"
}

// environ returns the value of env: a dict, or what stands for one that may not be
// read.
func (e *Env) environ() starlark.Value {
	if err := e.allowed.check("env", MayEnv); err != nil {
		return denied{err}
	}
	environ := os.Environ()
	dict := starlark.NewDict(len(environ))
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		dict.SetKey(starlark.String(name), starlark.String(value))
	}
	return dict
}

// A denied value is not there: whatever is asked of it is an error.
type denied struct{ err error }

var (
	_ starlark.Mapping  = denied{}
	_ starlark.HasAttrs = denied{}
)

func (denied) Freeze()                                            {}
func (denied) Truth() starlark.Bool                               { return starlark.False }
func (d denied) Hash() (uint32, error)                            { return 0, d.err }
func (d denied) String() string                                   { return "<" + d.err.Error() + ">" }
func (d denied) Type() string                                     { return d.String() }
func (d denied) Get(starlark.Value) (starlark.Value, bool, error) { return nil, false, d.err }
func (d denied) Attr(string) (starlark.Value, error)              { return nil, d.err }
func (denied) AttrNames() []string                                { return nil }
func (denied) MarshalJSON() ([]byte, error)                       { return []byte("null"), nil }

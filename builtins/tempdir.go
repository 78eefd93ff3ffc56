package builtins

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"go.starlark.net/starlark"
)

// tempDir makes a folder for the session. Its path is as long in every process, as a
// path among its arguments moves a target's stack.
func (e *Env) tempDir(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var name string
	var keep *starlark.List
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name?", &name, "keep??", &keep); err != nil {
		return nil, err
	}
	mode := fs.FileMode(0o700)
	if keep != nil {
		mode = 0o711
	}
	if dir, ok := e.tempDirs[name]; ok && name != "" {
		if info, err := os.Lstat(dir); err == nil && !info.IsDir() { // a target has put a link there
			os.Remove(dir)
		}
		if err := os.Mkdir(dir, mode); err != nil && !errors.Is(err, fs.ErrExist) { // a target may have removed it
			return nil, fmt.Errorf("%s: %w", b.Name(), err)
		}
		if keep != nil {
			removeOthers(dir, keep)
		}
		return starlark.String(dir), nil
	}
	const most = 10000
	for n := range most {
		dir := filepath.Join(os.TempDir(), fmt.Sprintf("%s%04d", TempPrefix(os.Getpid()), n))
		err := os.Mkdir(dir, mode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.Name(), err)
		}
		e.tempDirs[cmp.Or(name, dir)] = dir
		if e.allowed.Roots != nil {
			e.allowed.Roots = append(e.allowed.Roots[:len(e.allowed.Roots):len(e.allowed.Roots)], dir)
		}
		return starlark.String(dir), nil
	}
	return nil, fmt.Errorf("%s: there are %d already", b.Name(), most)
}

// removeOthers removes what is in a folder under other names than those, and under
// those what is no file to read and write: a target may have made it so, and may have
// closed the folder. What cannot be removed stays: most targets do not mind it.
func removeOthers(dir string, names *starlark.List) {
	kept := slices.Collect(names.Elements())
	if info, err := os.Lstat(dir); err == nil && info.IsDir() && info.Mode().Perm()&0o700 != 0o700 {
		os.Chmod(dir, info.Mode().Perm()|0o700)
	}
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		info, err := entry.Info()
		whole := err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o600 == 0o600
		if !whole || !slices.Contains(kept, starlark.Value(starlark.String(entry.Name()))) {
			removeAll(filepath.Join(dir, entry.Name()))
		}
	}
}

// removeAll is os.RemoveAll, also of folders that a target has closed.
func removeAll(path string) {
	if os.RemoveAll(path) == nil {
		return
	}
	filepath.WalkDir(path, func(path string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			os.Chmod(path, 0o700)
		}
		return nil
	})
	os.RemoveAll(path)
}

// TempPrefix returns how the names of the folders begin that the scripts of a process
// make in os.TempDir with tempdir.
func TempPrefix(pid int) string { return fmt.Sprintf("tracelark-%010d-", pid) }

// removeTempDirs removes what tempdir has made.
func (e *Env) removeTempDirs() {
	for _, dir := range e.tempDirs {
		removeAll(dir)
	}
	clear(e.tempDirs)
}

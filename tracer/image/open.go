package image

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
)

// Open returns the ELF file at path. It must be a regular file, and an x86-64
// executable or shared library.
//
// Who opens a file gets what others got who opened the same one, or one with
// the same build ID and size: symbols and unwinding rules are read once in the
// life of a program. A stripped copy has the build ID of the whole, but not
// the size.
func Open(path string) (*File, error) { return open(path, path) }

// open opens the file at path, which is called name in errors.
func open(path, name string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s: is a directory", name)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is not a regular file", name)
	}
	if f := files.get(fileKey(info)); f != nil {
		return f, nil
	}
	// Should a pipe have taken the place of the file, opening must not wait
	// for its other end.
	d := new(disk)
	if d.file, err = os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0); err != nil {
		return nil, err
	}
	f, err := d.parse(name)
	if err != nil {
		d.file.Close()
	}
	return f, err
}

func (d *disk) parse(name string) (*File, error) {
	info, err := d.file.Stat()
	if err != nil {
		return nil, err
	}
	d.key = fileKey(info)
	f, err := Parse(d, info.Size(), name)
	if err != nil {
		return nil, err
	}
	shared := files.share(f)
	files.put(d.key, shared)
	if shared != f {
		d.file.Close()
	}
	return shared, nil
}

// A disk reads a file for as long as nobody has written to it. The file is
// closed when the garbage collector finds it unused.
type disk struct {
	file *os.File
	key  key
}

// ReadAt implements io.ReaderAt.
func (d *disk) ReadAt(p []byte, off int64) (int, error) {
	n, err := d.file.ReadAt(p, off)
	if changed := d.changed(); changed != nil {
		return 0, changed
	}
	return n, err
}

func (d *disk) changed() error {
	info, err := d.file.Stat()
	if err == nil && fileKey(info) != d.key {
		err = errors.New("file has changed since it was opened")
	}
	return err
}

// A key tells files apart: those that have a build ID by that and their size,
// others by what stat(2) says of them.
type key struct {
	buildID    string
	dev, inode uint64
	size       int64
	mtime      syscall.Timespec
}

func fileKey(info os.FileInfo) key {
	st := info.Sys().(*syscall.Stat_t)
	return key{dev: st.Dev, inode: st.Ino, size: st.Size, mtime: st.Mtim}
}

// cacheSize limits the files kept, each under one key or two, for the next who
// opens them. A large program maps some two hundred.
const cacheSize = 1024

// A cache holds the files opened last.
type cache struct {
	mu      sync.Mutex
	entries map[key]*entry
	clock   uint64 // counts uses
}

type entry struct {
	file *File
	used uint64 // when it was used last
}

var files = cache{entries: make(map[key]*entry)}

// get returns the file under k, or nil. One that has been written to since it
// was opened is forgotten.
func (c *cache) get(k key) *File {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[k]
	if e == nil {
		return nil
	}
	if d, ok := e.file.r.(*disk); ok && d.changed() != nil {
		delete(c.entries, k)
		return nil
	}
	c.clock++
	e.used = c.clock
	return e.file
}

// put keeps f under k, in place of the file not used for longest.
func (c *cache) put(k key, f *File) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.entries[k]; !ok && len(c.entries) >= cacheSize {
		oldest, least := key{}, c.clock+1
		for k, e := range c.entries {
			if e.used < least {
				oldest, least = k, e.used
			}
		}
		delete(c.entries, oldest)
	}
	c.clock++
	c.entries[k] = &entry{f, c.clock}
}

// share returns the file with f's build ID and size, which is f if there was
// none.
func (c *cache) share(f *File) *File {
	if f.buildID == "" {
		return f
	}
	k := key{buildID: f.buildID, size: int64(f.size)}
	if shared := c.get(k); shared != nil {
		return shared
	}
	c.put(k, f)
	return f
}

// Package procfs reads what /proc/PID tells as text: mappings, the auxiliary
// vector, threads, state.
//
// Each file has a parser over bytes, which knows no process, and a reader,
// which adds the path. Wherever a process ID is asked for, that of a thread
// will do: the kernel keeps a directory for each, listed or not (proc(5)).
//
// A process may vanish at any moment. The error then is os.ErrNotExist, from
// opening, or syscall.ESRCH, from reading: Gone tells both.
package procfs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Gone reports whether err says that the process or thread does not exist.
func Gone(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

// Path returns the path of the file called name in pid's directory.
func Path(pid int, name string) string {
	return "/proc/" + strconv.Itoa(pid) + "/" + name
}

// enough is the size of most of the files.
const enough = 16 << 10

var buffers = sync.Pool{New: func() any { return new([enough]byte) }}

// single are the files that the kernel makes as a whole (single_open): a read that does
// not fill its buffer has all.
var single = []string{"comm", "stat", "statm", "status"}

// Read appends what is in the file called name in pid's directory to buf.
func Read(pid int, name string, buf []byte) ([]byte, error) {
	return readAll(Path(pid, name), slices.Contains(single, name), slices.Grow(buf, enough))
}

// read parses the file called name in pid's directory. parse must not keep the data.
func read[T any](pid int, name string, parse func([]byte) (T, error)) (T, error) {
	var zero T
	buf := buffers.Get().(*[enough]byte)
	defer buffers.Put(buf)
	data, err := Read(pid, name, buf[:0])
	if err != nil {
		return zero, err
	}
	v, err := parse(data)
	if err != nil {
		return zero, fmt.Errorf("parse %s: %w", Path(pid, name), err)
	}
	return v, nil
}

// readAll appends what is in a file, which may be single, to buf. An os.File asks the
// kernel first what kind of file it is, which takes as long as the rest.
func readAll(path string, single bool, buf []byte) ([]byte, error) {
	fail := func(op string, err error) ([]byte, error) { return nil, &os.PathError{Op: op, Path: path, Err: err} }
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	for err == syscall.EINTR {
		fd, err = syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	}
	if err != nil {
		return fail("open", err)
	}
	defer syscall.Close(fd)
	for {
		n, err := syscall.Read(fd, buf[len(buf):cap(buf)])
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return fail("read", err)
		case n == 0:
			return buf, nil
		}
		if buf = buf[:len(buf)+n]; single && len(buf) < cap(buf) {
			return buf, nil
		}
		buf = slices.Grow(buf, 1)
	}
}

// Processes returns the process IDs of the machine in ascending order.
func Processes() ([]int, error) { return ids("/proc") }

// Tasks returns the thread IDs of pid in ascending order.
func Tasks(pid int) ([]int, error) { return ids(Path(pid, "task")) }

// ids returns the names in a directory that are numbers.
func ids(path string) ([]int, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	ids := make([]int, 0, len(names))
	for _, name := range names {
		if id, err := strconv.Atoi(name); err == nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// Exe returns the path of pid's executable. If the file has been deleted, it
// is the path it had; Path(pid, "exe") opens the file all the same.
func Exe(pid int) (string, error) {
	path, err := os.Readlink(Path(pid, "exe"))
	return strings.TrimSuffix(path, deletedSuffix), err
}

// Cmdline returns the arguments of pid, its name included, as they stand in
// its memory now. A kernel thread and a zombie have none.
func Cmdline(pid int) ([]string, error) {
	return read(pid, "cmdline", func(data []byte) ([]string, error) {
		if len(data) == 0 {
			return nil, nil
		}
		return strings.Split(string(bytes.TrimSuffix(data, []byte{0})), "\x00"), nil
	})
}

// Comm returns the name of a thread, at most 15 bytes.
func Comm(tid int) (string, error) {
	return read(tid, "comm", func(data []byte) (string, error) {
		return string(bytes.TrimSuffix(data, []byte{'\n'})), nil
	})
}

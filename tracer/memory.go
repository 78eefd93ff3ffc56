//go:build linux && amd64

package tracer

import (
	"iter"

	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// ReadAt reads memory as the program has it: breakpoints do not show. It returns
// the number of bytes read; where that is less than len(buf), the error says why.
// Pages that the program itself may not read are read too.
func (p *Process) ReadAt(addr uint64, buf []byte) (int, error) {
	if err := p.held(); err != nil {
		return 0, &Error{Op: "read", TID: p.PID, Addr: addr, At: true, Err: err}
	}
	n, err := p.readRaw(addr, buf)
	p.hide(addr, buf[:n])
	if err != nil {
		return n, &Error{Op: "read", TID: p.PID, Addr: addr + uint64(n), At: true, Err: err}
	}
	return n, nil
}

// readRaw reads what is in memory, breakpoints included.
func (p *Process) readRaw(addr uint64, buf []byte) (int, error) {
	if addr+uint64(len(buf)) < addr && addr+uint64(len(buf)) != 0 {
		return 0, unix.EFAULT
	}
	done := 0
	for done < len(buf) {
		n, err := ptrace.ReadMemory(p.task(), addr+uint64(done), buf[done:])
		if n == 0 && p.memory() >= 0 {
			// The program may not read the page.
			n, err = ptrace.Pread(p.mem, addr+uint64(done), page(addr+uint64(done), buf[done:]))
		}
		if n == 0 {
			if err != unix.ESRCH {
				err = unix.EFAULT // the memory file says EIO or EINVAL
			}
			return done, err
		}
		done += n
	}
	return done, nil
}

// page returns the part of buf that lies in the page of addr.
func page(addr uint64, buf []byte) []byte {
	return buf[:min(uint64(len(buf)), pageSize-addr%pageSize)]
}

const pageSize = 4096

// sitesIn returns the sites in n bytes at addr.
func (p *Process) sitesIn(addr uint64, n int) iter.Seq[*site] {
	return func(yield func(*site) bool) {
		if len(p.sites) > n {
			for i := range n {
				if s := p.sites[addr+uint64(i)]; s != nil && !yield(s) {
					return
				}
			}
			return
		}
		for at, s := range p.sites {
			if at-addr < uint64(n) && !yield(s) {
				return
			}
		}
	}
}

// hide puts the program's own bytes over breakpoints.
func (p *Process) hide(addr uint64, buf []byte) {
	for s := range p.sitesIn(addr, len(buf)) {
		buf[s.addr-addr] = s.saved
	}
}

// WriteAt writes memory, whatever its protection: a page that the program may not
// write is copied for it. Breakpoints stay. It returns the number of bytes
// written; where that is less than len(data), the error says why.
func (p *Process) WriteAt(addr uint64, data []byte) (int, error) {
	if err := p.held(); err != nil {
		return 0, &Error{Op: "write", TID: p.PID, Addr: addr, At: true, Err: err}
	}
	raw := data
	if len(p.sites) > 0 {
		raw = append([]byte(nil), data...)
		for s := range p.sitesIn(addr, len(raw)) {
			raw[s.addr-addr] = int3
		}
	}
	done := 0
	var err error
	for done < len(raw) && err == nil {
		var n int
		n, err = p.writePage(addr+uint64(done), page(addr+uint64(done), raw[done:]))
		done += n
	}
	for s := range p.sitesIn(addr, done) {
		s.saved = data[s.addr-addr]
	}
	p.written(addr, done)
	if err != nil {
		return done, &Error{Op: "write", TID: p.PID, Addr: addr + uint64(done), At: true, Err: cause(err)}
	}
	return done, nil
}

// writeRaw writes all of data as it is.
func (p *Process) writeRaw(addr uint64, data []byte) error {
	for len(data) > 0 {
		n, err := p.writePage(addr, page(addr, data))
		if err != nil {
			return err
		}
		addr, data = addr+uint64(n), data[n:]
	}
	return nil
}

// writePage writes data, which lies in one page. Kernels may be built to refuse
// forced writes through the memory file, so words are poked then.
func (p *Process) writePage(addr uint64, data []byte) (int, error) {
	if p.memory() >= 0 {
		if n, err := ptrace.Pwrite(p.mem, addr, data); n > 0 {
			return n, nil
		} else if err == unix.ESRCH {
			return 0, err
		}
	}
	var t *Thread
	for _, u := range append(p.threads, p.guests...) {
		if u.state == threadStopped {
			t = u
		}
	}
	if t == nil {
		return 0, unix.ESRCH
	}
	word := addr &^ 7
	var buf [8]byte
	if n, err := p.readRaw(word, buf[:]); n < len(buf) {
		return 0, err
	}
	n := copy(buf[addr-word:], data)
	if err := ptrace.PokeText(t.TID, word, binary.LittleEndian.Uint64(buf[:])); err != nil {
		if err == unix.EIO {
			err = unix.EFAULT
		}
		return 0, err
	}
	return n, nil
}

// unopened stands for a memory file that is opened when it is needed.
const unopened = -2

// memory returns the process's memory file, or -1 if it cannot be opened: memory is
// poked then.
func (p *Process) memory() int {
	if p.mem == unopened {
		p.mem = -1
		p.openMemory()
	}
	return p.mem
}

// openMemory opens the process's memory file. A file that was opened before an
// exec still is the old program's.
func (p *Process) openMemory() error {
	mem, err := unix.Open(procfs.Path(p.task(), "mem"), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return &Error{Op: "open memory", TID: p.PID, Err: err}
	}
	if p.mem >= 0 {
		p.tr.salvage.drop(p)
		unix.Close(p.mem)
	}
	p.mem = mem
	return nil
}

// Maps returns the process's mappings in order of address. What the tracer has mapped
// does not show.
func (p *Process) Maps() ([]procfs.Mapping, error) {
	if err := p.held(); err != nil {
		return nil, &Error{Op: "maps", TID: p.PID, Err: err}
	}
	maps, err := mapsLike(p.task(), p.images.maps)
	if err != nil {
		return nil, &Error{Op: "maps", TID: p.PID, Err: err}
	}
	return slices.DeleteFunc(maps, func(m procfs.Mapping) bool { return p.annexAt(m.Start) }), nil
}

// DescriptorPath returns what a descriptor of the process, or unix.AT_FDCWD, stands
// for, such as "/etc/passwd" or "socket:[4242]", or "" if it is not open.
func (p *Process) DescriptorPath(fd int) string {
	name := "cwd"
	if fd != unix.AT_FDCWD {
		name = "fd/" + strconv.Itoa(fd)
	}
	path, _ := os.Readlink(procfs.Path(p.task(), name))
	return path
}

// Descriptors returns the open descriptors of the process, in order.
func (p *Process) Descriptors() ([]int, error) {
	if err := p.held(); err != nil {
		return nil, &Error{Op: "list descriptors", TID: p.PID, Err: err}
	}
	entries, err := os.ReadDir(procfs.Path(p.task(), "fd"))
	if err != nil {
		return nil, &Error{Op: "list descriptors", TID: p.PID, Err: err}
	}
	var fds []int
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil {
			fds = append(fds, fd)
		}
	}
	slices.Sort(fds)
	return fds, nil
}

// cause returns what an Error from within was about, so that it is not said twice.
func cause(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"io"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// A pagemap tells which pages of a process have never been touched, from
// /proc/PID/pagemap.
type pagemap struct {
	fd     int    // -1 if it cannot be read
	read   bool   // entry by entry: the kernel has no PAGEMAP_SCAN
	buf    []byte // entries, eight bytes each
	lo, hi uint64 // the addresses that buf tells of
}

func openPagemap(tid int) *pagemap {
	fd, err := unix.Open(procfs.Path(tid, "pagemap"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		fd = -1
	}
	return &pagemap{fd: fd}
}

func (m *pagemap) close() {
	if m.fd >= 0 {
		unix.Close(m.fd)
	}
}

// sparse reports whether pages of a mapping that are neither in memory nor swapped
// out are zero. It is so where nothing but the process's own writes is: not in
// files, in memory that is shared, or in what the kernel maps.
func sparse(m *procfs.Mapping) bool {
	return m.Inode == 0 && m.Perms&procfs.Shared == 0 &&
		(m.Path == "" || m.Path == "[heap]" || m.Path == "[stack]" || strings.HasPrefix(m.Path, "[anon:"))
}

// next returns the first run of pages from addr to end, in a sparse mapping, that
// may not be zero. It may look at a part only and return an empty run at the end of
// that.
func (m *pagemap) next(addr, end uint64) (lo, hi uint64) {
	if m.fd < 0 {
		return addr, end
	}
	if !m.read {
		lo, hi, err := ptrace.ScanPages(m.fd, addr, end)
		if err == nil {
			return lo, hi
		}
		m.read = true
	}
	return m.run(addr, end, holds)
}

// own is next for a private mapping of a file: it returns the first run of pages that
// are the process's own, and not the file's.
func (m *pagemap) own(addr, end uint64) (lo, hi uint64) {
	return m.run(addr, end, func(entry uint64) bool { return holds(entry) && entry&pageOfFile == 0 })
}

// Bits of entries (Documentation/admin-guide/mm/pagemap.rst). A page that is swapped
// out is no file's.
const (
	pagePresentOrSwapped = 3 << 62
	pageSwapped          = 1 << 62
	pageOfFile           = 1 << 61 // or shared
	pageOfOne            = 1 << 56 // of all processes
)

// holds reports whether the page of an entry is in memory or swapped out.
func holds(entry uint64) bool { return entry&pagePresentOrSwapped != 0 }

// run reads entries and returns the first run of those for which is holds.
func (m *pagemap) run(addr, end uint64, is func(entry uint64) bool) (lo, hi uint64) {
	if m.fd < 0 {
		return addr, end
	}
	if addr < m.lo || addr >= m.hi {
		if m.buf == nil {
			m.buf = make([]byte, 64<<10)
		}
		n := min(uint64(len(m.buf)), (end-addr)/pageSize*8)
		got, err := unix.Pread(m.fd, m.buf[:n], int64(addr/pageSize*8))
		if err != nil || got < 8 {
			return addr, end
		}
		m.lo, m.hi = addr, addr+uint64(got)/8*pageSize
	}
	entry := func(addr uint64) uint64 { return binary.LittleEndian.Uint64(m.buf[(addr-m.lo)/pageSize*8:]) }
	end = min(end, m.hi)
	for lo = addr; lo < end && !is(entry(lo)); {
		lo += pageSize
	}
	for hi = lo; hi < end && is(entry(hi)); {
		hi += pageSize
	}
	return lo, hi
}

// each calls f with the entry of each page from addr to end.
func (m *pagemap) each(addr, end uint64, f func(addr, entry uint64)) error {
	if m.buf == nil {
		m.buf = make([]byte, 64<<10)
	}
	for addr < end {
		n := min(uint64(len(m.buf)), (end-addr)/pageSize*8)
		got, err := unix.Pread(m.fd, m.buf[:n], int64(addr/pageSize*8))
		if err == nil && got < 8 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		for b := m.buf[:got]; len(b) >= 8; b, addr = b[8:], addr+pageSize {
			f(addr, binary.LittleEndian.Uint64(b))
		}
	}
	return nil
}

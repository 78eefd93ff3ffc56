//go:build linux && amd64

package tracer

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// mapsLike returns the mappings of a process, of which most are as in known, a list that
// was read. To ask for each takes less than half the time of reading, for which the kernel
// writes out paths and numbers: those of known mappings are known.
func mapsLike(pid int, known []procfs.Mapping) ([]procfs.Mapping, error) {
	fd, err := unix.Open(procfs.Path(pid, "maps"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil || len(known) == 0 {
		unix.Close(fd)
		return procfs.Maps(pid) // says why
	}
	defer unix.Close(fd)
	last := known[len(known)-1]
	maps := make([]procfs.Mapping, 0, len(known)+1)
	for addr := uint64(0); ; {
		var q ptrace.MapQuery
		err := ptrace.QueryMapping(fd, addr, &q, nil)
		if err == unix.ENOENT && len(maps) > 0 {
			break
		}
		for len(known) > 0 && known[0].Start < q.Start {
			known = known[1:]
		}
		if len(known) > 0 && isMapping(&q, &known[0]) {
			maps = append(maps, known[0])
		} else if err == nil {
			var m procfs.Mapping
			m, err = newMapping(fd, &q, maps)
			maps = append(maps, m)
		}
		if err != nil {
			return procfs.Maps(pid) // the kernel is an older one, or the process is gone
		}
		addr = q.End
	}
	if last.Path == "[vsyscall]" { // which is the kernel's, the same for all
		maps = append(maps, last)
	}
	return maps, nil
}

// isMapping reports whether m is what q tells.
func isMapping(q *ptrace.MapQuery, m *procfs.Mapping) bool {
	return m.Start == q.Start && m.End == q.End && uint64(m.Perms) == q.Flags && m.Offset == q.Offset && m.Inode == q.Inode &&
		m.Dev == string(device(q, make([]byte, 0, 32)))
}

// newMapping returns the mapping that q tells, behind others. Its name is asked for,
// unless it is one more of the file that lies right before.
func newMapping(fd int, q *ptrace.MapQuery, before []procfs.Mapping) (procfs.Mapping, error) {
	m := procfs.Mapping{Start: q.Start, End: q.End, Perms: procfs.Perms(q.Flags), Offset: q.Offset, Inode: q.Inode, Dev: string(device(q, nil))}
	if n := len(before) - 1; n >= 0 && m.Inode != 0 && before[n].End == m.Start && before[n].Inode == m.Inode && before[n].Dev == m.Dev {
		m.Dev, m.Path, m.Deleted = before[n].Dev, before[n].Path, before[n].Deleted
		return m, nil
	}
	var name [unix.PathMax]byte
	err := ptrace.QueryMapping(fd, q.Start, q, name[:])
	m.Path, m.Deleted = strings.CutSuffix(string(name[:q.NameLen()]), " (deleted)")
	return m, err
}

// device appends the device as maps has it.
func device(q *ptrace.MapQuery, b []byte) []byte {
	for i, n := range []uint32{q.Major, q.Minor} {
		if i > 0 {
			b = append(b, ':')
		}
		if n < 16 {
			b = append(b, '0')
		}
		b = strconv.AppendUint(b, uint64(n), 16)
	}
	return b
}

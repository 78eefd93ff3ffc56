//go:build linux && amd64

package ptrace

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// A MapQuery is struct procmap_query (linux/fs.h).
type MapQuery struct {
	size, flags, addr uint64

	Start, End       uint64 // of the mapping
	Flags            uint64 // 1 may be read, 2 written, 4 executed, 8 is shared
	pageSize         uint64
	Offset, Inode    uint64
	Major, Minor     uint32 // of the device
	nameSize, idSize uint32
	name             *byte
	idBuffer         uint64
}

// NameLen returns how long the name is.
func (q *MapQuery) NameLen() int { return max(0, int(q.nameSize)-1) }

// QueryMapping tells of the mapping that addr lies in, or else of the next one, and puts
// its name, as it stands in maps but for what is escaped there, into name, unless that is
// nil. fd is a /proc/PID/maps file. It is ENOENT behind the last one. It needs Linux 6.11;
// older kernels say ENOTTY.
func QueryMapping(fd int, addr uint64, q *MapQuery, name []byte) error {
	const (
		procmapQuery   = 0xc0686611 // _IOWR('f', 17, struct procmap_query)
		coveringOrNext = 0x10
	)
	*q = MapQuery{size: uint64(unsafe.Sizeof(*q)), flags: coveringOrNext, addr: addr}
	q.name, q.nameSize = unsafe.SliceData(name), uint32(len(name))
	_, _, e := unix.RawSyscall(unix.SYS_IOCTL, uintptr(fd), procmapQuery, uintptr(unsafe.Pointer(q)))
	return errno(e)
}

//go:build linux && amd64

package ptrace

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// probe is the variable that CanWatch watches.
var probe atomic.Uint64

// CanWatch reports whether the CPU traps where its debug registers say: it lets
// the kernel count writes to a variable of this thread (perf_event_open(2)) and
// makes one. Where the kernel does not let it count, that is not known and taken
// for granted.
func CanWatch() bool {
	const onWrite = 2 // HW_BREAKPOINT_W
	attr := unix.PerfEventAttr{
		Type:    unix.PERF_TYPE_BREAKPOINT,
		Size:    uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Bits:    unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv,
		Bp_type: onWrite,
		Ext1:    uint64(uintptr(unsafe.Pointer(&probe))), // bp_addr
		Ext2:    uint64(unsafe.Sizeof(probe)),            // bp_len
	}
	fd, err := unix.PerfEventOpen(&attr, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return true
	}
	defer unix.Close(fd)
	probe.Add(1)
	var count [8]byte
	n, err := unix.Read(fd, count[:])
	return err != nil || n != len(count) || count != [8]byte{}
}

//go:build linux && amd64

package ptrace

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// A pageRegion is struct page_region (linux/fs.h): start, end and categories.
type pageRegion [3]uint64

// A pageScan is struct pm_scan_arg (linux/fs.h).
type pageScan struct {
	size, flags                                     uint64
	start, end, walkEnd                             uint64
	vec                                             *pageRegion
	vecLen, maxPages                                uint64
	categoryInverted, categoryMask, categoryAnyMask uint64
	returnMask                                      uint64
}

// ScanPages returns the first run of pages from start to end that are in memory or
// swapped out, or an empty one at end. fd is a /proc/PID/pagemap file. It needs Linux
// 6.7; older kernels say ENOTTY.
func ScanPages(fd int, start, end uint64) (lo, hi uint64, err error) {
	const (
		pagemapScan = 0xc0606610 // _IOWR('f', 16, struct pm_scan_arg)
		present     = 1 << 3
		swapped     = 1 << 4
	)
	var region pageRegion
	arg := pageScan{start: start, end: end, vec: &region, vecLen: 1, categoryAnyMask: present | swapped}
	arg.size = uint64(unsafe.Sizeof(arg))
	n, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), pagemapScan, uintptr(unsafe.Pointer(&arg)))
	switch {
	case e != 0:
		return 0, 0, e
	case n == 0:
		return end, end, nil
	}
	return region[0], region[1], nil
}

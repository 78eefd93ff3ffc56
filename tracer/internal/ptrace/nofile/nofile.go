//go:build linux && amd64

// Package nofile knows what limit of open files this program was started with. Package
// syscall raises the soft one at its start, and only itself puts it back for what it
// starts.
package nofile

// Inherited is the soft limit and the hard one (setrlimit(2), RLIMIT_NOFILE). It is read
// before syscall is initialized: this package imports nothing, and those that could be
// initialized next are taken in the order of their paths (The Go Programming Language
// Specification, "Package initialization").
var Inherited = read()

func read() (limit [2]uint64) {
	getrlimit(&limit)
	return limit
}

// getrlimit leaves limit as it is if the kernel refuses.
//
//go:noescape
func getrlimit(limit *[2]uint64)

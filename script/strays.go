package script

import (
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/procfs"
)

// strays are the processes that targets leave behind: children that were let go, those
// that became daemons. As the worker is their reaper, they are its children as soon as
// their parents have ended (prctl(2), PR_SET_CHILD_SUBREAPER).
//
// The kernel gives them to the first thread of the worker; what the tracer's own has
// made, and let go, are its children.
type strays struct {
	lists  []int        // the files that tell of the children of the two threads
	kept   map[int]bool // children that are none
	traced func(pid int) bool
}

// newStrays is to be called on the thread that traces.
func newStrays(traced func(pid int) bool) *strays {
	s := &strays{kept: make(map[int]bool), traced: traced}
	for _, tid := range slices.Compact([]int{os.Getpid(), unix.Gettid()}) {
		path := procfs.Path(os.Getpid(), fmt.Sprintf("task/%d/children", tid))
		if fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
			s.lists = append(s.lists, fd)
		}
	}
	return s
}

// close lets go of the files.
func (s *strays) close() {
	for _, fd := range s.lists {
		unix.Close(fd)
	}
}

// keep leaves alone the children that there are now.
func (s *strays) keep() {
	for _, pid := range s.children() {
		s.kept[pid] = true
	}
}

// maxSweeps bounds how often strays are looked for, each of whose children is one
// when it has ended. What forks as fast as it is killed is left to the next sweep.
const maxSweeps = 1000

// kill kills the strays and waits for their ends.
func (s *strays) kill() {
	for range maxSweeps {
		found := false
		for _, pid := range s.children() {
			if !s.kept[pid] && !s.traced(pid) {
				found = true
				unix.Kill(pid, unix.SIGKILL)
				unix.Wait4(pid, nil, unix.WALL, nil)
			}
		}
		if !found {
			return
		}
	}
}

// children returns the children of this process.
func (s *strays) children() (pids []int) {
	var text []byte
	for _, fd := range s.lists {
		for at, n := int64(0), 1; n > 0; at += int64(n) {
			var buf [1 << 12]byte
			n, _ = unix.Pread(fd, buf[:], at)
			text = append(text, buf[:max(0, n)]...)
		}
	}
	pids, _ = procfs.ParseChildren(text)
	return pids
}

package script

import (
	"os"

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
	tracer int          // thread
	kept   map[int]bool // children that are none
}

// newStrays is to be called on the thread that traces.
func newStrays() *strays { return &strays{tracer: unix.Gettid(), kept: make(map[int]bool)} }

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
			if !s.kept[pid] {
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
func (s *strays) children() []int {
	pids, _ := procfs.Children(os.Getpid())
	if s.tracer != os.Getpid() {
		more, _ := procfs.Children(s.tracer)
		pids = append(pids, more...)
	}
	return pids
}

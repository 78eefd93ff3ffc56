package script

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/procfs"
)

// strays are the processes that targets leave behind: children that were let go, those
// that became daemons. As the worker is their reaper, they are its children as soon as
// their parents have ended (prctl(2), PR_SET_CHILD_SUBREAPER).
type strays struct {
	kept map[int]bool // children that are none
}

func newStrays() *strays { return &strays{kept: make(map[int]bool)} }

// keep leaves alone the children that there are now.
func (s *strays) keep() {
	for _, pid := range children() {
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
		for _, pid := range children() {
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
func children() (pids []int) {
	tids, _ := procfs.Tasks(os.Getpid())
	for _, tid := range tids {
		more, _ := procfs.Children(tid) // none of a thread that has ended
		pids = append(pids, more...)
	}
	return pids
}

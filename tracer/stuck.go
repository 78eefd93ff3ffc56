//go:build linux && amd64

package tracer

import (
	"os"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// This file finds the threads that do not stop when they are interrupted, because
// they wait in the kernel for something that may not happen before they are let
// go on: in vfork for the child, in exec for the ends of the other threads
// (de_thread), one of which is held on its way out. Who stops a process must not
// wait for them.

// patience is how long threads may take to stop before it is looked what they are
// about. Nothing depends on it but how soon stuck threads are found.
const patience = 5 * time.Millisecond

// stuck reports whether the thread cannot be stopped now.
func (t *Thread) stuck() bool { return t.vforking || t.execing }

// nudge makes waitOnce return every now and then, until the function that it
// returns is called.
func (tr *Tracer) nudge() (end func()) {
	var ended atomic.Bool
	timer := time.AfterFunc(patience, func() {
		for !ended.Load() {
			ptrace.Tgkill(os.Getpid(), tr.tid, int(wakeSignal))
			time.Sleep(patience)
		}
	})
	return func() {
		timer.Stop()
		ended.Store(true)
	}
}

// findStuck looks which of the threads that run are stuck. A guess that is wrong
// does no harm: the thread stops a little later.
func (p *Process) findStuck() {
	for _, t := range p.threads {
		if t.state != threadRunning || t.stuck() {
			continue
		}
		if state, err := procfs.State(t.TID); err != nil || state != 'D' {
			continue
		}
		call, err := procfs.Syscall(t.TID)
		switch {
		case err != nil:
		case call.Nr == unix.SYS_EXECVE || call.Nr == unix.SYS_EXECVEAT:
			t.execing = p.holdsEnd()
		case p.cloneFlags(call.Nr, call.Args[:])&unix.CLONE_VFORK != 0:
			t.vforking = true
			p.adoptAll()
		}
	}
}

// holdsEnd reports whether a thread is stopped on its way out.
func (p *Process) holdsEnd() bool {
	return slices.ContainsFunc(p.threads, func(t *Thread) bool { return t.ending && t.state == threadStopped })
}

// adoptAll makes guests of the vfork children that were made before the process was
// attached to.
func (p *Process) adoptAll() {
	pids, _ := procfs.Processes()
	for _, pid := range pids {
		if p.tr.threads[pid] != nil {
			continue
		}
		status, err := procfs.Status(pid)
		if err != nil || status.PPid != p.PID || !ptrace.SharesMemory(p.task(), pid) {
			continue
		}
		if ptrace.Seize(pid, traceOptions) == nil {
			p.adopt(pid)
		}
	}
}

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
const patience = 10 * time.Millisecond

// stuck reports whether the thread cannot be stopped now.
func (t *Thread) stuck() bool { return t.vforking || t.execing }

// impatiently calls help, on another thread, every now and then until the function
// that it returns is called.
func impatiently(help func()) (end func()) {
	var ended atomic.Bool
	timer := time.AfterFunc(patience, func() {
		for !ended.Load() {
			help()
			time.Sleep(patience)
		}
	})
	return func() {
		timer.Stop()
		ended.Store(true)
	}
}

// nudge makes waitOnce return every now and then, until the function that it
// returns is called.
func (tr *Tracer) nudge() (end func()) {
	return impatiently(func() { ptrace.Tgkill(os.Getpid(), tr.tid, int(wakeSignal)) })
}

// seize attaches to a thread of the process. While another one makes an exec, that
// blocks in the kernel, which holds cred_guard_mutex up to the ends of the threads
// that were attached to before, and these have to be waited for. So they are from
// another thread, and do not stop for their exit events yet.
//
// seize returns missed if the thread needs not be attached to: it is dead, such as a
// leader that has left its threads, or the child of a thread that was seized, and so
// traced from birth. At the end of an exec it is refused for a moment, when the
// leader is dead and the next one has not got its ID.
func (p *Process) seize(tid int) (missed bool, err error) {
	defer impatiently(p.reapDead)()
	for range 100 {
		if err = ptrace.Seize(tid, traceOptions&^unix.PTRACE_O_TRACEEXIT); err != unix.EPERM {
			return false, err
		}
		status, statusErr := procfs.Status(tid)
		switch {
		case statusErr != nil || status.State == 'Z' || status.State == 'X' || status.TracerPid == p.tr.tid:
			return true, nil
		case status.TracerPid != 0 || !permitted(tid):
			return false, err
		}
	}
	return false, err
}

// reapDead waits for the ends of threads that have ended. It may be called on any
// thread.
func (p *Process) reapDead() {
	tids, _ := procfs.Tasks(p.PID)
	for _, tid := range tids {
		if status, err := procfs.Status(tid); err == nil && status.State == 'Z' && status.TracerPid == p.tr.tid && tid != p.PID {
			ptrace.Reap(tid)
		}
	}
}

// forgetLost forgets the threads that are not traced any more, and reports whether
// there were such. The kernel says nothing of a leader that it replaces by a thread
// that is not traced itself (de_thread), nor of one that was killed while it was
// being resumed, and has gone past its exit event: its end is reported last.
func (p *Process) forgetLost() (lost bool) {
	traced := func(tid int) (ours, dead bool) {
		status, err := procfs.Status(tid)
		if err != nil {
			return !procfs.Gone(err), false
		}
		return status.TracerPid == p.tr.tid, status.State == 'Z'
	}
	for _, t := range slices.Clone(p.threads) {
		if t.state != threadRunning {
			continue
		}
		ours, dead := traced(t.TID)
		if !ours && p.replaced() {
			ours, _ = traced(p.PID)
		}
		switch {
		case ours && dead:
			t.state = threadExiting
		case ours:
			continue
		default:
			p.removeThread(t)
		}
		lost = true
	}
	return lost
}

// replaced reports whether the leader is not traced, as far as is known. If it is
// nevertheless, a thread has got its ID by an exec that is yet to be reported.
func (p *Process) replaced() bool {
	leader := p.tr.threads[p.PID]
	return leader != nil && leader.p == p && (leader.state == threadGone || leader.state == threadLeft)
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

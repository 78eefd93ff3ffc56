//go:build linux && amd64

package tracer

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// JobStopped reports whether job control holds the process: all its threads wait for
// SIGCONT, and do not go on before that when they are let.
func (p *Process) JobStopped() bool { return p.jobStopped }

// inGroupStop reports whether a thread has stopped because job control stops its
// process.
func inGroupStop(status unix.WaitStatus) bool {
	return eventOf(status) == unix.PTRACE_EVENT_STOP && stopSignals.has(int(status.StopSignal()))
}

// jobStop looks, when t has reported, whether job control has stopped all threads but
// those that are on their way out. It returns a Stop if it had not before.
func (p *Process) jobStop(t *Thread, before bool) *Stop {
	threads := slices.DeleteFunc(p.Threads(), func(t *Thread) bool { return t.ending })
	p.jobStopped = len(threads) > 0 && !slices.ContainsFunc(threads, func(u *Thread) bool {
		return !u.grouped || !before && u != t && !u.listens()
	})
	if !p.jobStopped || before || !p.wants(ReasonJobStop, 0) {
		return nil
	}
	if !t.grouped {
		t = threads[0]
	}
	stop := p.newStop(ReasonJobStop, t)
	stop.Signal = p.jobSignal
	return stop
}

// listens reports whether a thread in a group-stop waits for SIGCONT still. That has come
// where the thread runs or has something to report.
func (t *Thread) listens() bool {
	state, err := procfs.State(t.TID)
	return err == nil && state == 't' && !ptrace.Reports(t.TID)
}

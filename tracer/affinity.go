//go:build linux && amd64

package tracer

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

// A pin makes the tracer's thread and a single-threaded tracee share a CPU while
// stops come fast: handing over on one CPU takes a quarter of the time that
// waking another one does. The masks are put back when the rate falls, so that a
// target that asks for its affinity outside such a burst sees its own.
type pin struct {
	burst    int       // stops that came fast, one after the other
	resumed  time.Time // the last time the target went on
	tracerID int       // thread ID of the tracer
	stepping bool      // the last movement was a step

	mu      sync.Mutex
	tracee  int         // thread ID, or 0 when nothing is pinned
	stops   int         // since it was pinned
	shared  unix.CPUSet // the mask of both while pinned
	tracers unix.CPUSet // the masks before
	tracees unix.CPUSet
}

const (
	burstStops = 16                     // that come fast before CPUs are shared
	burstGap   = 500 * time.Microsecond // from going on to the stop
	burstEnd   = 5 * time.Millisecond   // without a stop
)

// moving notes that a process goes on, for one instruction if step is set. A target
// that was stepped while it was being loaded, and now runs, gets its own mask back.
func (n *pin) moving(p *Process, step bool) {
	step = step || p.simulates()
	if n.stepping && !step && p.stillLoading() {
		n.release(0)
	}
	n.stepping = step
	if !p.noPin && len(p.threads) == 1 {
		n.resumed = time.Now()
	}
}

// stopped notes that a process reported something. One that is still being loaded
// shares a CPU only for steps: it is about to find out what machine it runs on.
func (n *pin) stopped(p *Process, step bool) {
	step = step || p.simulates()
	switch {
	case p.noPin || len(p.threads) != 1 || len(p.guests) != 0 || time.Since(n.resumed) > burstGap:
		n.burst = 0
	case n.burst < burstStops:
		n.burst++
	case !step && p.stillLoading():
		n.burst = 0
	default:
		n.share(p.threads[0].TID)
	}
}

// share puts both threads on the tracer's CPU, if the tracee may run there.
func (n *pin) share(tid int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stops++
	if n.tracee == tid {
		return
	}
	n.restore()
	n.burst = 0
	cpu := ptrace.CPU()
	if cpu < 0 || unix.SchedGetaffinity(0, &n.tracers) != nil || unix.SchedGetaffinity(tid, &n.tracees) != nil || !n.tracees.IsSet(cpu) {
		return
	}
	n.shared.Zero()
	n.shared.Set(cpu)
	if unix.SchedSetaffinity(tid, &n.shared) != nil {
		return
	}
	if unix.SchedSetaffinity(0, &n.shared) != nil {
		unix.SchedSetaffinity(tid, &n.tracees)
		return
	}
	n.tracee, n.stops = tid, 1
	go n.watch(tid)
}

// watch ends the sharing when no stop came for a while.
func (n *pin) watch(tid int) {
	for last := 0; ; {
		time.Sleep(burstEnd)
		n.mu.Lock()
		if n.tracee != tid {
			n.mu.Unlock()
			return
		}
		if n.stops == last {
			n.restore()
			n.mu.Unlock()
			return
		}
		last = n.stops
		n.mu.Unlock()
	}
}

// release ends the sharing. A child that was born meanwhile has inherited the
// mask, so it gets its parent's own too; 0 means none was.
func (n *pin) release(child int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.tracee != 0 && child != 0 {
		unix.SchedSetaffinity(child, &n.tracees)
	}
	n.restore()
	n.burst = 0
}

// restore puts the masks back, but not over one that somebody else has set.
func (n *pin) restore() {
	if n.tracee == 0 {
		return
	}
	for tid, before := range map[int]*unix.CPUSet{n.tracee: &n.tracees, n.tracerID: &n.tracers} {
		var now unix.CPUSet
		if unix.SchedGetaffinity(tid, &now) == nil && now == n.shared {
			unix.SchedSetaffinity(tid, before)
		}
	}
	n.tracee = 0
}

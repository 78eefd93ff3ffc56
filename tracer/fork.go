//go:build linux && amd64

package tracer

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// This file handles the children of a traced process. A child of fork has a copy
// of the memory, with our int3 in it: they are removed, and the child is let go
// unless a hook asks for it. A child of vfork runs in the parent's memory: it stays
// traced, as a guest, until it execs or exits, and breakpoints do not exist for
// it.

// bear handles a child that was just made: it is held if hold is set, and let go
// otherwise. It returns the process that is held, if there is one.
func (p *Process) bear(child int, hold bool) *Process {
	if ptrace.SharesMemory(p.task(), child) {
		p.adopt(child)
		return nil
	}
	if _, stopped := p.tr.orphans[child]; stopped {
		delete(p.tr.orphans, child)
	} else if _, err := expectStop(child, 0); err != nil {
		return nil // killed
	}
	if len(p.sites) > 0 {
		if mem, err := unix.Open(procfs.Path(child, "mem"), unix.O_RDWR|unix.O_CLOEXEC, 0); err == nil {
			for addr, s := range p.sites {
				ptrace.Pwrite(mem, addr, []byte{s.saved})
			}
			unix.Close(mem)
		}
	}
	p.aside.inherit(child)
	if !hold {
		p.letGo(child, 0, false)
		return nil
	}
	q := p.tr.newProcess(child)
	q.launched, q.noPin, q.loading = p.launched, p.noPin, p.loading
	q.exe, q.argv, q.filter = p.exe, p.argv, p.filter
	q.sites = make(map[uint64]*site)
	q.addThread(child).state = threadStopped
	q.openMemory() // what cannot be opened is poked
	q.report(q.newStop(ReasonFork, q.threads[0]))
	return q
}

// adopt makes a child that runs in the process's memory a guest.
func (p *Process) adopt(child int) {
	g := &Thread{TID: child, p: p, guest: true}
	p.guests = append(p.guests, g)
	p.tr.threads[child] = g
	p.tr.reclaim(g)
}

// takeGuest handles what a guest reported.
func (p *Process) takeGuest(g *Thread, status unix.WaitStatus) {
	if !status.Stopped() {
		p.removeThread(g)
		return
	}
	g.grouped = false
	sig := int(status.StopSignal())
	switch event := int(status>>16) & 0xff; event {
	case 0:
		var info Siginfo
		if ptrace.GetSiginfo(g.TID, &info) != nil {
			return
		}
		if sig == int(unix.SIGTRAP) {
			if g.stepping && (info.Code() == ptrace.TrapTrace || info.Code() == ptrace.TrapBrkpt) {
				g.stepping = false
				g.mend()
				return
			}
			if info.Code() == ptrace.SIKernel {
				if stop, ours := p.takeTrap(g); ours {
					if stop != nil {
						g.reported, g.isReported = g.regs.PC(), true
					}
					return
				}
			}
		}
		g.signal, g.mayPass = sig, true
	case unix.PTRACE_EVENT_STOP:
		g.grouped = stopSignals.has(sig)
		p.drainTrap(g)
	case unix.PTRACE_EVENT_EXEC:
		g.detach()
		p.removeThread(g)
	case unix.PTRACE_EVENT_EXIT:
		g.ending = true
		if child := g.unreported(); child != 0 {
			p.bear(child, false)
		}
		g.run(false)
	case unix.PTRACE_EVENT_CLONE, unix.PTRACE_EVENT_FORK, unix.PTRACE_EVENT_VFORK:
		if child, ok := g.reportedChild(); ok {
			p.bear(child, false)
		}
	}
}

// releaseGuests detaches the guests.
func (p *Process) releaseGuests() {
	for _, g := range slices.Clone(p.guests) {
		if g.state == threadRunning {
			p.halt(g)
		}
		if g.state == threadStopped {
			g.detach()
		}
		p.removeThread(g)
	}
}

//go:build linux && amd64

package tracer

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

// This file handles the children of a traced process. A child of fork has a copy
// of the memory, with our int3 in it: they are removed, and the child is let go
// unless a hook asks for it. A child of vfork runs in the parent's memory: held, it
// shares that with its parent. Let go, it stays traced, as a guest, until it execs or
// exits, and breakpoints do not exist for it.

// A Follow says which processes stay traced when one makes a child. The children
// inherit it.
type Follow uint8

// The ways to follow.
const (
	FollowParent Follow = iota // the child is let go unless a hook asks for it
	FollowChild                // the parent is let go
	FollowBoth                 // neither is
)

// String returns the name in scripts.
func (f Follow) String() string { return [...]string{"parent", "child", "both"}[f] }

// SetFollow says what becomes of the process and the children that it makes from now
// on. Unless it is FollowParent, every birth of a child surfaces, with the child
// held. With FollowChild the stop's process is detached by then.
func (p *Process) SetFollow(f Follow) { p.following = f }

// Children returns the children of the process that are held, the oldest first.
func (p *Process) Children() []*Process {
	return slices.DeleteFunc(p.tr.Processes(), func(q *Process) bool { return q.parent != p })
}

// bear handles a child that was just made by fork or vfork: it is held if hold is
// set, and let go otherwise. It returns the process that is held, if there is one.
func (p *Process) bear(child int, what Reason, hold bool) *Process {
	shared := what == ReasonVfork || ptrace.SharesMemory(p.task(), child)
	if shared && !hold {
		p.adopt(child)
		return nil
	}
	if _, stopped := p.tr.orphans[child]; stopped {
		delete(p.tr.orphans, child)
	} else if _, err := expectStop(child, 0); err != nil {
		return nil // killed
	}
	if !shared {
		p.cleanse(child)
	}
	p.aside.inherit(child)
	if !hold {
		p.letGo(child, 0, false)
		return nil
	}
	q := p.offspring(child)
	if shared {
		p.share(q)
	}
	q.report(q.newStop(what, q.threads[0]))
	return q
}

// offspring makes a child known that has stopped at its birth.
func (p *Process) offspring(child int) *Process {
	q := p.tr.newProcess(child)
	q.launched, q.noPin, q.loading, q.parent = p.launched, p.noPin, p.loading, p
	q.exe, q.argv, q.filter, q.following = p.exe, p.argv, p.filter, p.following
	q.sites, q.mem = make(map[uint64]*site), unopened
	q.addThread(child).state = threadStopped
	return q
}

// pursue decides what becomes of the process and the child that it has made, which
// hooks want to surface or not.
func (p *Process) pursue(stop *Stop, wanted bool) (surface bool, err error) {
	q := stop.Held
	switch {
	case q == nil || p.state != Stopped || p.stop != stop:
		return wanted, nil
	case p.following == FollowChild:
		err = p.Detach(0)
		stop.Thread = nil
		return true, err
	case wanted || p.following == FollowBoth:
		return true, nil
	case q.held() == nil:
		err = q.drop(0)
	}
	return false, err
}

// disown lets the child go whose birth will not be reported: what it was born to has
// ended or runs another program.
func (s *Stop) disown() {
	if s != nil && s.Held != nil && s.Held.held() == nil {
		s.Held.drop(0)
	}
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
	switch event := eventOf(status); event {
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
		g.grouped = inGroupStop(status)
		p.drainTrap(g)
	case unix.PTRACE_EVENT_EXEC:
		if g.detach(); g.state == threadGone {
			p.removeThread(g)
		}
	case unix.PTRACE_EVENT_EXIT:
		g.ending = true
		if child := g.unreported(); child != 0 {
			p.bear(child, ReasonFork, false)
		}
		g.run(false)
	case unix.PTRACE_EVENT_CLONE, unix.PTRACE_EVENT_FORK, unix.PTRACE_EVENT_VFORK:
		if child, ok := g.reportedChild(); ok {
			p.bear(child, ReasonFork, false)
		}
	}
}

// releaseGuests detaches the guests, the youngest first: one that waits in vfork
// stops when its child is gone. Nothing else is waited for.
func (p *Process) releaseGuests() {
	for _, g := range slices.Backward(slices.Clone(p.guests)) {
		if g.state == threadRunning {
			ptrace.Interrupt(g.TID)
		}
		for g.state != threadGone {
			if g.state == threadStopped {
				if g.detach() != nil {
					break
				}
				continue
			}
			tid, status, err := ptrace.Wait(g.TID, 0)
			if err == unix.EINTR {
				continue
			}
			if err != nil {
				break
			}
			p.tr.recognize(tid, status)
			p.takeGuest(g, status)
		}
		p.removeThread(g)
	}
}

//go:build linux && amd64

package tracer

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// A space is an address space in which several processes that are held run: a
// child of vfork shares its parent's until it execs or exits. The processes have
// one table of sites, and each hits its own breakpoints alone.
type space struct{ processes []*Process } // the oldest first

// share makes q, a child that runs in the process's memory, share its sites.
func (p *Process) share(q *Process) {
	if p.space == nil {
		p.space = &space{[]*Process{p}}
	}
	p.space.processes = append(p.space.processes, q)
	q.space, q.sites, q.exposed = p.space, p.sites, p.exposed
}

// sharers returns the other processes that run in the process's memory.
func (p *Process) sharers() []*Process {
	if p.space == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.space.processes), func(q *Process) bool { return q == p })
}

// own returns the process's own of the users of a site.
func (p *Process) own(users []*Breakpoint) []*Breakpoint {
	if p.space == nil {
		return users
	}
	return slices.DeleteFunc(slices.Clone(users), func(b *Breakpoint) bool { return b.p != p })
}

// withdrawn reports whether an int3 that a thread has executed was removed meanwhile: by
// another process, which shares the memory, or while t, a guest, ran on.
func (p *Process) withdrawn(t *Thread, addr uint64) bool {
	if p.space == nil && !t.guest {
		return false
	}
	var code [1]byte
	n, _ := p.readRaw(addr, code[:])
	return n == 1 && code[0] != int3
}

// part ends the process's use of memory that others go on in: its breakpoints are
// removed from there, and its guests are theirs.
func (p *Process) part() {
	others := p.sharers()
	if len(others) == 0 {
		p.abandon()
		return
	}
	p.lowerAll(others[0])
	for addr, s := range p.sites {
		s.users = slices.DeleteFunc(s.users, func(b *Breakpoint) bool { return b.p == p })
		if len(s.users) == 0 {
			delete(p.sites, addr)
			s.withdraw(others[0])
		}
	}
	for _, g := range p.guests {
		g.p = others[0]
	}
	others[0].guests = append(others[0].guests, p.guests...)
	p.guests = nil
	p.leave()
}

// leave takes the process off the list of those that share its memory.
func (p *Process) leave() {
	if others := p.sharers(); len(others) == 1 {
		others[0].space = nil
	} else {
		p.space.processes = others
	}
	p.space, p.sites = nil, nil
}

// abandon lets the guests go that stay behind in memory which the process leaves.
func (p *Process) abandon() {
	if len(p.guests) > 0 {
		p.cleanse(p.guests[0].TID)
		p.releaseGuests()
	}
}

// cleanse puts the program's own bytes over the int3 in the memory of a thread,
// which is the process's or a copy of it.
func (p *Process) cleanse(tid int) {
	if len(p.sites) == 0 && len(p.breakpoints) == 0 {
		return
	}
	mem, err := unix.Open(procfs.Path(tid, "mem"), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(mem)
	for addr, s := range p.sites {
		ptrace.Pwrite(mem, addr, []byte{s.saved})
	}
	p.lowerIn(mem)
}

// lodge lets the process go as guests of host, in whose memory it runs. Signals that
// are pending are delivered when they go on.
func (p *Process) lodge(host *Process) error {
	var guests []*Thread
	for _, t := range p.threads {
		if t.Gone() {
			continue
		}
		if t.state == threadStopped {
			if err := t.flush(); err != nil && !gone(err) {
				return err
			}
			t.clearDebug()
		}
		if t.signal != 0 && !t.mayPass {
			ptrace.Tgkill(p.PID, t.TID, t.signal)
		}
		guests = append(guests, &Thread{
			TID: t.TID, p: host, guest: true, state: t.state, grouped: t.grouped, vforking: t.vforking, born: t.born,
			signal: t.signal, info: t.info, mayPass: t.mayPass,
		})
	}
	p.close(Detached)
	for _, g := range guests {
		host.guests = append(host.guests, g)
		host.tr.threads[g.TID] = g
		if host.state == Running && g.state == threadStopped {
			if err := g.run(false); err != nil {
				return err
			}
		}
	}
	return nil
}

// expose readies those that share the process's memory for its being let go: no
// int3 may be where it runs untraced, so their breakpoints are pending until they
// have memory of their own.
func (p *Process) expose() {
	others := p.sharers()
	if len(others) == 0 {
		return
	}
	p.leave()
	sites := make(map[uint64]*site)
	for _, q := range others {
		q.sites, q.exposed, q.linkHook = sites, true, nil
		for _, b := range q.breakpoints {
			if !b.hardware {
				b.addrs = nil
			}
		}
	}
}

// exposure says why no int3 can be put into the process's memory, or nil.
func (p *Process) exposure() error {
	if p.exposed {
		return fmt.Errorf("the memory is that of another process too, which is not traced: wait for the exec, or use a hardware breakpoint")
	}
	return nil
}

// steady stops what else runs in the process's memory: processes that were let go
// on and not waited for. They stay where they are until Wait.
func (p *Process) steady() error {
	others := p.sharers()
	running := func() (n int) {
		for _, q := range others {
			for _, t := range q.threads {
				// The end of one may be among what waits to be looked at.
				if t.state == threadRunning && !t.stuck() && !slices.ContainsFunc(p.tr.news, func(r report) bool { return r.t == t }) {
					n++
				}
			}
		}
		return n
	}
	if running() == 0 {
		return nil
	}
	for _, q := range others {
		for _, t := range q.threads {
			if t.state == threadRunning && !t.stuck() {
				ptrace.Interrupt(t.TID)
			}
		}
	}
	defer p.tr.nudge()()
	for running() > 0 {
		t, status, err := p.tr.waitOnce()
		switch {
		case err != nil:
			return err
		case t == nil:
			for _, q := range others {
				q.findStuck()
			}
		default:
			if stop := p.tr.dispatch(t, status); stop != nil && t.p == p && !stop.Gone() {
				t.pending = stop
			}
		}
	}
	return nil
}

// awaited returns the process that the thread waits for in vfork, if it is held.
func (t *Thread) awaited() *Process {
	if t.vforking {
		for _, q := range t.p.sharers() {
			if q.PID == t.born {
				return q
			}
		}
	}
	return nil
}

// stalled returns an error if all threads that move wait in vfork for a process
// that stands still.
func (p *Process) stalled(m *motion) error {
	var child *Process
	for _, t := range p.threads {
		if !m.moves(t) || t.Gone() {
			continue
		}
		q := t.awaited()
		if q == nil || q.loose != nil || t.pending != nil {
			return nil
		}
		child = q
	}
	if child == nil {
		return nil
	}
	return fmt.Errorf("%w, and process %d is held: move or detach it first", ErrVfork, child.PID)
}

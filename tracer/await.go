//go:build linux && amd64

package tracer

import (
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

// This file splits a movement in two: a request lets a process go on and returns
// at once, and Wait returns the stop. Between the two the process is loose, and
// nothing else may be asked of it. Handlers run inside Wait, as they run inside
// any movement; a loose process that reports while another one moves stays where
// it is until the next Wait.

// A sight is what a request asks to see that movements pass over.
type sight struct {
	signals     bool // those too that are not worth a stop
	entry, exit bool // of system calls
}

func (s sight) calls() bool { return s.entry || s.exit }

func (s sight) call(phase Phase) bool { return phase == Enter && s.entry || phase == Exit && s.exit }

// A report is something that a loose process reported, as wait4 gave it or as a
// Stop that its movement began with.
type report struct {
	t      *Thread
	status unix.WaitStatus
	stop   *Stop
}

// busy reports whether the process is loose, or stopped and not yet waited for.
func (p *Process) busy() bool { return p.loose != nil || p.due != nil }

// Withhold makes the last stop of a process that stands still one that Wait is yet
// to return.
func (p *Process) Withhold() { p.due = p.stop }

// release lets a movement begin and makes the process loose.
func (p *Process) release(m *motion) error {
	for _, t := range p.threads {
		if t.pending != nil && t.pending.Reason == ReasonStep {
			t.pending = nil // of an earlier movement
		}
	}
	stop, err := p.begin(m)
	if err != nil {
		p.state = Stopped
		return err
	}
	p.loose = m
	if stop != nil {
		p.tr.news = append(p.tr.news, report{t: m.t, stop: stop})
	}
	return nil
}

// begin resumes the process, unless there is a Stop to look at first.
func (p *Process) begin(m *motion) (*Stop, error) {
	if err := p.removeOrphans(); err != nil {
		return nil, err
	}
	p.state = Running
	p.tr.pin.moving(p, m.step)
	if stop := p.takePending(m); stop != nil {
		return stop, nil
	}
	return p.start(m)
}

// takeNews returns what the process has reported since it was let loose.
func (p *Process) takeNews() (reports []report) {
	p.tr.news = slices.DeleteFunc(p.tr.news, func(r report) bool {
		if r.t.p == p {
			reports = append(reports, r)
		}
		return r.t.p == p
	})
	return reports
}

// recall stops a process that is loose. What it has reported is pending then.
func (p *Process) recall() error {
	p.due, p.loose = nil, nil
	p.tr.ended = slices.DeleteFunc(p.tr.ended, func(q *Process) bool { return q == p })
	for _, r := range p.takeNews() {
		stop := r.stop
		if stop == nil {
			stop = p.tr.dispatch(r.t, r.status)
		}
		if stop != nil && !stop.Gone() {
			stop.Thread.pending = stop
		}
	}
	if p.state != Running {
		return nil
	}
	_, err := p.stopAll()
	return err
}

// Wait blocks until a process that a request let go on, or whose first stop was
// not waited for, stops or ends, and returns that stop. All its threads are
// stopped then. id names the process, or one of its threads; -1 stands for any.
// Wait returns nil when limit, unless it is 0, has passed, and an Error with ECHILD
// when there is nothing to wait for. Interrupt stops the process that is waited
// for, or one of them, with ReasonInterrupt.
func (tr *Tracer) Wait(id int, limit time.Duration) (*Stop, error) {
	if tr.hearing {
		return nil, &Error{Op: "wait", TID: max(id, 0), Err: fmt.Errorf("%w: %w", unix.EBUSY, ErrRunning)}
	}
	if limit > 0 {
		defer tr.limit(limit)()
	}
	polls := -1 // that may still find something once the limit has passed
	for {
		for len(tr.news) > 0 {
			if err := tr.news[0].t.p.catchUp(); err != nil {
				return nil, err
			}
		}
		if stop := tr.takeDue(id); stop != nil {
			return stop, nil
		}
		loose := slices.IndexFunc(tr.processes, func(p *Process) bool { return p.loose != nil && p.answers(id) })
		if loose < 0 {
			return nil, &Error{Op: "wait", TID: max(id, 0), Err: fmt.Errorf("%w: no such process was let go on", unix.ECHILD)}
		}
		if err := tr.deadlock(id); err != nil {
			return nil, err
		}
		tr.awaiting.Store(true)
		t, status, err := tr.wait(true)
		tr.awaiting.Store(false)
		switch {
		case err != nil:
			return nil, err
		case t != nil:
			tr.dispatch(t, status)
			continue
		}
		why, _ := tr.isWanted()
		tr.wanted.Store(0)
		if why == ReasonInterrupt {
			p := tr.processes[loose]
			m := p.loose
			p.loose = nil
			stop, settled, err := p.attend(m, nil, &Stop{Reason: why, Process: p, Thread: m.t})
			if err := p.settle(m, stop, settled, err); err != nil {
				return nil, err
			}
			continue
		}
		// What has happened by now is looked at, once for each thread: they may
		// never cease to report what does not surface.
		if polls < 0 {
			polls = len(tr.threads)
		}
		if polls--; polls < 0 {
			return nil, nil
		}
		t, status = tr.poll()
		if t == nil {
			return nil, nil
		}
		tr.dispatch(t, status)
		tr.wanted.CompareAndSwap(0, timeoutOf(tr.timed)) // unless an interrupt has come
	}
}

// deadlock returns an error if each process that id names, and was let go on, waits
// for one that was not.
func (tr *Tracer) deadlock(id int) (err error) {
	for _, p := range tr.processes {
		if p.loose == nil || !p.answers(id) {
			continue
		}
		stalled := p.stalled(p.loose)
		if stalled == nil {
			return nil
		}
		err = &Error{Op: "wait", TID: p.PID, Err: fmt.Errorf("%w: %w", unix.EDEADLK, stalled)}
	}
	return err
}

// poll returns what a tracee has reported, or a nil thread.
func (tr *Tracer) poll() (*Thread, unix.WaitStatus) {
	for {
		tid, status, err := ptrace.Wait(tr.waitable(), unix.WNOHANG)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil || tid == 0:
			return nil, 0
		}
		if t := tr.recognize(tid, status); t != nil {
			return t, status
		}
	}
}

// answers reports whether id, as Wait takes it, names the process.
func (p *Process) answers(id int) bool {
	t := p.tr.threads[id]
	return id == -1 || id == p.PID || t != nil && t.p == p && !t.guest
}

// takeDue returns a stop that is due of the processes that id names.
func (tr *Tracer) takeDue(id int) *Stop {
	for _, p := range slices.Concat(tr.processes, tr.ended) {
		if p.due != nil && p.answers(id) {
			stop := p.due
			p.due = nil
			tr.ended = slices.DeleteFunc(tr.ended, func(q *Process) bool { return q == p })
			return stop
		}
	}
	return nil
}

// catchUp handles what a loose process has reported: it goes on, or its stop is
// due.
func (p *Process) catchUp() error {
	m := p.loose
	p.loose = nil
	var stop *Stop
	settled := false
	reports := p.takeNews()
	// All are taken in first, because going on resumes every thread that has no
	// stop pending.
	for _, r := range reports {
		if r.stop != nil {
			stop, settled = r.stop, true
		} else if r.t.pending = p.tr.dispatch(r.t, r.status); r.t.pending != nil && r.t.pending.Gone() {
			stop, settled = r.t.pending, true
		}
	}
	var err error
	for i := 0; i < len(reports) && !settled && err == nil; i++ {
		t := reports[i].t
		news := t.pending
		t.pending = nil
		stop, settled, err = p.attend(m, t, news)
	}
	return p.settle(m, stop, settled, err)
}

// settle ends what attend has begun on a process that was loose: it is loose again
// unless a stop surfaces, which is due then.
func (p *Process) settle(m *motion, stop *Stop, settled bool, err error) error {
	for settled && err == nil {
		if stop != nil {
			if p.state == Running {
				p.state = Stopped
			}
			var last *Stop
			last, err = p.decide(m, stop)
			if p.busy() || p.state == Detached && !last.left() {
				return err // a handler let it go on, or go
			}
			if last != nil {
				m.t.writeBack()
				p.due = last
				if p.state != Stopped {
					p.tr.ended = append(p.tr.ended, p)
				}
			}
			if last != nil || err != nil {
				return err
			}
		}
		stop, err = p.begin(m)
		settled = stop != nil
	}
	if err != nil {
		p.state = Stopped
		return err
	}
	p.loose = m
	return nil
}

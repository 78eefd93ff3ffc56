//go:build linux && amd64

package tracer

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

// A MoveOptions says how to move. The zero value and nil mean: deliver the signal
// that is pending, all threads run, no limit of time.
type MoveOptions struct {
	Signal  Delivery
	Only    bool          // the other threads are held
	Timeout time.Duration // after it the process is stopped with ReasonTimeout; 0 is no limit
}

// A Delivery says what becomes of the signal that a thread is stopped with.
type Delivery struct {
	replace bool
	signal  int
}

// Deliver returns the Delivery of sig instead of what is pending; 0 drops that.
func Deliver(sig int) Delivery { return Delivery{true, sig} }

// A motion is one movement: who moves and how.
type motion struct {
	op    string
	t     *Thread
	step  bool        // t steps
	steps int         // how often
	only  bool        // the other threads are held
	until *Breakpoint // where it is to end, or nil
	walk  *walker     // decides after each step whether it ends, or nil
	aims  *Breakpoint // where what is to be one step ends, and stepping goes on, or nil

	deadline time.Time // zero if there is none
	sees     sight     // what a request asks to see besides
}

// Cont lets the process go on until something stops it.
func (p *Process) Cont(o *MoveOptions) (*Stop, error) {
	return p.move(motion{op: "cont", t: p.Thread()}, o)
}

// Cont is Process.Cont with t as the current thread, whose signal the options
// speak of.
func (t *Thread) Cont(o *MoveOptions) (*Stop, error) {
	return t.p.move(motion{op: "cont", t: t}, o)
}

// move makes a movement and returns the stop that surfaced.
func (p *Process) move(m motion, o *MoveOptions) (*Stop, error) {
	if err := p.still(); err != nil {
		return nil, &Error{Op: m.op, TID: p.PID, Err: err}
	}
	if m.t == nil || m.t.Gone() {
		return nil, &Error{Op: m.op, TID: p.PID, Err: ErrThread}
	}
	if err := p.stalled(&m); err != nil {
		return nil, &Error{Op: m.op, TID: p.PID, Err: err}
	}
	if o != nil {
		m.only = o.Only
		if err := m.t.deliver(m.op, o.Signal); err != nil {
			return nil, err
		}
		if o.Timeout > 0 {
			m.deadline = time.Now().Add(o.Timeout)
			defer p.tr.limit(o.Timeout)()
		}
	}
	if !slices.ContainsFunc(p.threads, m.moves) {
		return nil, &Error{Op: m.op, TID: p.PID, Err: ErrSuspended}
	}
	for _, t := range p.threads {
		if t.pending != nil && t.pending.Reason == ReasonStep {
			t.pending = nil // of an earlier movement
		} else if t.pending != nil {
			t.pending.arrived = false
		}
	}
	defer m.forget()
	for {
		if !m.deadline.IsZero() && !time.Now().Before(m.deadline) {
			// It passed while a handler ran.
			p.tr.want(ReasonTimeout, p.tr.timed)
		}
		stop, err := p.advance(&m)
		if err != nil {
			return nil, err
		}
		if last, err := p.decide(&m, stop); last != nil || err != nil {
			p.calm()
			m.t.writeBack()
			return last, err
		}
	}
}

// decide reports a stop and returns the one that the movement ends with, or nil if
// it goes on.
func (p *Process) decide(m *motion, stop *Stop) (*Stop, error) {
	if stop.Gone() {
		_, err := p.consult(stop)
		return stop, err
	}
	if m.ownStep(stop) {
		p.note(stop)
	} else {
		p.report(stop)
	}
	surface, err := p.consult(stop)
	switch {
	case p.state != Stopped:
		// A handler ended the process, or let it go on behind our back.
		return p.stop, err
	case err != nil:
		return nil, err
	case p.stop != stop:
		// A handler moved the process, so a step is over. It may have come to
		// where this movement was to end.
		if surface || m.step && m.aims == nil || m.arrived() {
			return p.stop, nil
		}
		if m.t.Gone() && p.Thread() != nil {
			m.t = p.Thread() // it restarted the program
		}
		return nil, nil
	case stop.arrived && m.step && stop.Thread == m.t && !surface:
		// The step came to a breakpoint, hit a watchpoint, or made a system
		// call, whose handlers let it go on.
		stop.Reason, stop.Breakpoint, stop.Watchpoint, stop.Syscall, surface = ReasonStep, nil, nil, nil, true
	}
	if surface && m.aims != nil && stop.Breakpoint == m.aims {
		stop.Reason, stop.Breakpoint = ReasonStep, nil
		if err := m.forget(); err != nil {
			return nil, err
		}
	}
	if stop.Reason == ReasonStep && stop.Thread == m.t {
		if m.enterSequence() {
			return nil, nil
		}
		if m.walk != nil {
			surface, err = m.walk.next(m, stop)
			switch {
			case err != nil:
				return nil, err
			case p.state != Stopped || p.stop != stop:
				return p.stop, nil // the condition moved the process
			}
		}
	}
	if stop.Reason == ReasonStep && m.steps > 1 {
		m.steps--
	} else if surface {
		return stop, nil
	}
	return nil, nil
}

// aim lets the thread run to one of some addresses, which ends its step, where
// accept allows that.
func (m *motion) aim(accept func(*Thread) bool, addrs ...uint64) error {
	p := m.t.p
	b := &Breakpoint{p: p, thread: m.t, internal: true, accept: accept}
	m.aims = b
	for _, addr := range addrs {
		if err := p.plant(addr, b); err != nil {
			m.forget()
			return err
		}
		b.addrs = append(b.addrs, addr)
	}
	m.until = b
	return nil
}

// forget undoes aim.
func (m *motion) forget() error {
	if m.aims == nil {
		return nil
	}
	b := m.aims
	m.aims, m.until = nil, nil
	return b.Remove()
}

// ownStep reports whether a stop is a step on the way, which nobody hears of unless the
// movement ends with it.
func (m *motion) ownStep(stop *Stop) bool {
	return stop.Reason == ReasonStep && stop.Thread == m.t && (m.steps > 1 || m.walk != nil && (m.walk.Condition == nil || m.walk.own))
}

// advance moves the process until there is a Stop to look at. All threads are
// stopped then.
func (p *Process) advance(m *motion) (*Stop, error) {
	p.state = Running
	defer func() {
		if p.state == Running {
			p.state = Stopped
		}
	}()
	if err := p.removeOrphans(); err != nil {
		return nil, err
	}
	p.tr.pin.moving(p, m.step)
	for {
		if stop := p.takePending(m); stop != nil {
			return stop, nil
		}
		if stop, err := p.start(m); stop != nil || err != nil {
			return stop, err
		}
		if stop, err := p.await(m); stop != nil || err != nil {
			return stop, err
		}
	}
}

// await waits for a Stop to look at and stops all threads for it. It returns nil
// when all are stopped because one has to be started with care.
func (p *Process) await(m *motion) (*Stop, error) {
	for {
		t, status, err := p.tr.wait(true)
		if err != nil {
			return nil, err
		}
		var stop *Stop
		if t == nil {
			why, _ := p.tr.isWanted()
			p.tr.wanted.Store(0)
			stop = &Stop{Reason: why, Process: p, Thread: m.t}
		} else if stop = p.tr.dispatch(t, status); t.p != p {
			continue
		}
		if stop, settled, err := p.attend(m, t, stop); settled || err != nil {
			return stop, err
		}
	}
}

// attend handles what thread t reported; t is nil where the movement is to end.
// settled says that all threads are stopped: for the Stop that is returned, or
// because one has to be started with care.
func (p *Process) attend(m *motion, t *Thread, stop *Stop) (last *Stop, settled bool, err error) {
	if t != nil {
		switch {
		case stop != nil && stop.Gone():
			return stop, true, nil
		case stop != nil && stop.Reason == ReasonBreakpoint && !p.reaches(stop):
			t.reported, t.isReported = t.regs[arch.RIP], true
			stop = nil
		case stop != nil && stop.Reason == ReasonWatchpoint && !stop.arrived && !p.reaches(stop):
			stop = nil
		case stop != nil && !m.step && p.hears(stop):
			stop = nil
		}
		p.tr.pin.stopped(p, m.step)
	}
	switch {
	case stop == nil && m.moves(t) && !m.isStep(t) && p.evade(t):
	case stop != nil || p.mustPass(t):
		if last, err := p.sweep(); last != nil || err != nil || stop == nil {
			stop.disown()
			return last, true, err
		}
		if stop.Reason == ReasonSyscall && (stop.Thread.Gone() || stop.Thread.pending != nil) {
			// An exec in another thread has ended this one meanwhile, or made
			// it the new program's.
			return nil, true, nil
		}
		if stop.Thread.Gone() || stop.Thread.stuck() && stop.Thread.state == threadRunning {
			stop.Thread = p.Thread()
		}
		if stop.Thread == nil {
			stop.disown()
			return nil, false, nil // all are on their way out, and the end is next
		}
		return p.arrive(stop), true, nil
	}
	p.tr.pin.moving(p, m.step)
	return nil, false, p.run(m)
}

// arrive turns the end of a step onto a breakpoint into a hit of it.
func (p *Process) arrive(stop *Stop) *Stop {
	if stop.Reason == ReasonStep && p.reaches(stop) {
		stop.Reason, stop.arrived = ReasonBreakpoint, true
	}
	return stop
}

// takePending returns a Stop that the kernel reported while the process was being
// stopped for another one.
func (p *Process) takePending(m *motion) *Stop {
	for _, t := range p.threads {
		if t.pending != nil && m.moves(t) {
			stop := t.pending
			t.pending = nil
			return stop
		}
	}
	return nil
}

// arrived reports whether the thread is where the movement is to end.
func (m *motion) arrived() bool {
	if m.until == nil || !m.t.atReported() {
		return false
	}
	there, err := m.until.accepts(m.t)
	return there && err == nil && slices.Contains(m.until.addrs, m.t.reported)
}

func (m *motion) moves(t *Thread) bool {
	return t.guest || !t.suspended && (!m.only || t == m.t)
}

// isStep reports whether t goes on for one instruction.
func (m *motion) isStep(t *Thread) bool {
	return (m.step && t == m.t || t.single) && (m.aims == nil || t != m.t)
}

// start gets the threads over the breakpoints that they stand on and resumes
// them. It returns a Stop if one of them got no further.
func (p *Process) start(m *motion) (*Stop, error) {
	p.sees = m.sees
	if stop := p.emulateStep(m); stop != nil {
		return stop, nil
	}
	for _, t := range p.tasks() {
		if t.state != threadStopped || t.pending != nil || !m.moves(t) || !p.mustPass(t) {
			continue
		}
		over, stop, err := p.pass(t, m.isStep(t))
		switch {
		case stop != nil || err != nil:
			return stop, err
		case over && m.isStep(t):
			return p.arrive(p.newStop(ReasonStep, t)), nil
		}
	}
	return nil, p.run(m)
}

// run resumes every thread that is stopped and moves.
func (p *Process) run(m *motion) error {
	for _, list := range [...][]*Thread{p.threads, p.guests} {
		for _, t := range list {
			if t.state == threadStopped && t.pending == nil && m.moves(t) {
				if err := t.run(m.isStep(t)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// tasks returns the threads and guests, which may change while they are walked.
func (p *Process) tasks() []*Thread {
	if len(p.guests) == 0 && len(p.threads) == 1 {
		return p.threads
	}
	return append(slices.Clone(p.threads), p.guests...)
}

// sweep stops every thread that runs, except those that are stuck: all are
// interrupted first, then waited for. If the process ends meanwhile, it returns that.
func (p *Process) sweep() (*Stop, error) {
	running := func() (n int) {
		for _, t := range p.threads {
			if t.state == threadRunning && !t.stuck() {
				n++
			}
		}
		return n
	}
	if running() == 0 {
		return nil, nil
	}
	for _, t := range p.threads {
		if t.state == threadRunning && !t.stuck() {
			ptrace.Interrupt(t.TID)
		}
	}
	defer p.tr.nudge()()
	for running() > 0 {
		t, status, err := p.tr.waitOnce()
		if t == nil {
			if !p.forgetLost() && err != nil {
				return nil, err
			}
			p.findStuck()
			continue
		}
		stop := p.tr.dispatch(t, status)
		switch {
		case t.p != p:
		case stop == nil:
			if t.guest && t.state == threadStopped {
				t.run(false)
			}
		case stop.Gone():
			return stop, nil
		case stop.Reason != ReasonBreakpoint:
			// The thread is on its breakpoint again, or it waits with its
			// own news.
			stop.Thread.pending = stop
		}
	}
	return nil, nil
}

// stopAll is sweep for a process that is not moving.
func (p *Process) stopAll() (*Stop, error) {
	p.state = Running
	last, err := p.sweep()
	if p.state == Running {
		p.state = Stopped
	}
	return last, err
}

// halt stops one thread and returns what it reported.
func (p *Process) halt(t *Thread) (*Stop, error) {
	if err := ptrace.Interrupt(t.TID); err != nil && err != unix.ESRCH {
		return nil, &Error{Op: "interrupt", TID: t.TID, Err: err}
	}
	defer p.tr.nudge()()
	for t.state == threadRunning && p.state != Exited {
		u, status, err := p.tr.waitOnce()
		if u == nil {
			if !p.forgetLost() && err != nil {
				return nil, err
			}
			continue
		}
		if stop := p.tr.dispatch(u, status); u == t && stop != nil {
			return stop, nil
		}
	}
	return nil, nil
}

// deliver decides what becomes of the thread's pending signal.
func (t *Thread) deliver(op string, d Delivery) error {
	if !d.replace {
		return nil
	}
	if d.signal < 0 || d.signal > MaxSignal {
		return &Error{Op: op, TID: t.TID, Err: unix.EINVAL}
	}
	if t.mayPass || d.signal == 0 {
		t.signal = d.signal
		return nil
	}
	// The kernel takes a signal only where it stopped for one.
	t.sent = append(t.sent, sent{signal: d.signal})
	if err := ptrace.Tgkill(t.p.PID, t.TID, d.signal); err != nil {
		return &Error{Op: op, TID: t.TID, Err: err}
	}
	return nil
}

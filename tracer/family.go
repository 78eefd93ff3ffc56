//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/procfs"
)

// maxFamily bounds how many processes run together, for the sake of the machine.
const maxFamily = 512

// memoryEach is how often their memory is looked at.
const memoryEach = 10 * time.Millisecond

// A RunOptions bounds a run of ContFatal. The zero value and nil are no bounds.
type RunOptions struct {
	Timeout time.Duration // after it all are stopped with ReasonTimeout
	Memory  int64         // that all of them may have in RAM, in bytes; beyond it all are stopped with ReasonMemory

	// Talk is called beside the run, on a goroutine of its own. Before it asks the
	// processes for something it may call ready, which notes where their threads wait,
	// and answered when they have begun to answer. When it has returned true and they are
	// done, as all wait there again or for what only others can bring about, all are
	// stopped with ReasonInterrupt; Settle later at most. So they are at the end of
	// Timeout, if they have answered. It is to return when over is closed.
	Talk func(over <-chan struct{}, ready, answered func()) bool

	// Settle is also what those have that the process leaves behind when it exits: the
	// run goes on until they end, all of them wait for what only others can bring about,
	// or Talk decides, if it has called ready.
	Settle time.Duration
}

// ContFatal lets the process, and the children that it makes and theirs, go on until
// one of them is about to die of a signal, whose Stop may be that of a child, or the
// process itself ends, and those that it leaves behind are done (RunOptions.Settle). A
// process that seccomp ends has no stop before its end, which is its Stop then. Signals
// that the program handles are delivered, births are let pass. Another stop that
// surfaces, such as one at a breakpoint, ends it too. All are stopped and held when it
// returns; see Process.Children.
func (p *Process) ContFatal(o *RunOptions) (*Stop, error) {
	if err := p.held(); err != nil {
		return nil, &Error{Op: "cont_fatal", TID: p.PID, Err: err}
	}
	if o == nil {
		o = new(RunOptions)
	}
	tr := p.tr
	for _, q := range tr.processes {
		if q.busy() {
			return nil, &Error{Op: "cont_fatal", TID: p.PID, Err: fmt.Errorf("process %d runs: wait for it first", q.PID)}
		}
	}
	f := &kin{p: p, members: append([]*Process{p}, p.descendants()...)}
	for _, q := range f.members {
		defer func(old Follow) { q.following = old }(q.following)
		q.following = FollowBoth
	}
	f.pids.Store(f.ids())
	if o.Talk != nil {
		defer f.talk(o)()
	}
	stop, err := f.run(o)
	for _, q := range f.members {
		if q.busy() || q.state == Running {
			err = errors.Join(err, q.recall())
		}
	}
	return stop, err
}

// descendants returns the children that are held, and theirs.
func (p *Process) descendants() (all []*Process) {
	for _, q := range p.Children() {
		all = append(append(all, q), q.descendants()...)
	}
	return all
}

// A kin is processes that run together.
type kin struct {
	p       *Process
	members []*Process // those that are held
	pids    atomic.Pointer[[]int]

	asked, answered atomic.Bool // see RunOptions.Talk
}

func (f *kin) ids() *[]int {
	pids := make([]int, len(f.members))
	for i, q := range f.members {
		pids[i] = q.PID
	}
	return &pids
}

// talk makes what is said to the processes end the run, until the function that it
// returns is called.
func (f *kin) talk(o *RunOptions) (end func()) {
	over, ended := make(chan struct{}), make(chan struct{})
	tr := f.p.tr
	interrupted := false
	go func() {
		defer close(ended)
		r := &rest{pids: func() []int { return *f.pids.Load() }}
		if !o.Talk(over, func() { r.note(); f.asked.Store(true) }, func() { f.answered.Store(true) }) {
			return
		}
		f.answered.Store(true)
		if r.await(over, o.Settle) {
			interrupted = true
			tr.Interrupt()
		}
	}()
	return func() {
		close(over)
		<-ended
		if interrupted {
			tr.ClearInterrupt()
		}
	}
}

// outlived reports whether only those run yet that the process has left behind, of which
// nobody has asked anything.
func (f *kin) outlived() bool { return f.p.state == Exited && !f.asked.Load() }

// will returns how the run ends after the exit of the process, with those left that it
// leaves behind.
func (f *kin) will(o *RunOptions) *RunOptions {
	return &RunOptions{Settle: o.Settle, Talk: func(over <-chan struct{}, _, _ func()) bool {
		if o.Talk == nil {
			return true
		}
		select {
		case <-over:
			return false
		case <-time.After(o.Settle): // one may be about to listen
			return !f.asked.Load()
		}
	}}
}

// memory returns how many bytes the processes have in RAM.
func (f *kin) memory() (sum int64) {
	for _, q := range f.members {
		size, _ := procfs.Resident(q.PID) // none if it has ended
		sum += size
	}
	return sum
}

// run lets all go on until the run is over, and returns why. Some may run still.
func (f *kin) run(o *RunOptions) (*Stop, error) {
	tr := f.p.tr
	deadline, look := time.Now().Add(o.Timeout), time.Now().Add(memoryEach)
	for {
		for _, q := range f.members {
			if q.loose != nil || q.state != Stopped || q.Thread() == nil {
				continue
			}
			if err := q.release(&motion{op: "cont_fatal", t: q.Thread()}); err != nil {
				return nil, err
			}
		}
		if o.Memory > 0 && !time.Now().Before(look) {
			if f.memory() > o.Memory {
				return f.halted(ReasonMemory)
			}
			look = time.Now().Add(memoryEach)
		}
		wait := deadline
		if o.Memory > 0 && (o.Timeout == 0 || look.Before(deadline)) {
			wait = look
		}
		left := time.Duration(0)
		if o.Memory > 0 || o.Timeout > 0 {
			left = max(time.Until(wait), 1) // what has happened by now is taken in
		}
		stop, err := tr.Wait(-1, left)
		if err != nil {
			return nil, err
		}
		if stop == nil {
			if o.Timeout > 0 && !time.Now().Before(deadline) {
				if f.outlived() {
					return f.p.stop, nil
				}
				why := ReasonTimeout
				if f.answered.Load() {
					why = ReasonInterrupt
				}
				return f.halted(why)
			}
			continue
		}
		switch stop.Reason {
		case ReasonExit, ReasonKilled:
			f.members = slices.DeleteFunc(f.members, func(q *Process) bool { return q == stop.Process })
			if f.p.state == Exited && (len(f.members) == 0 || f.p.stop.Reason == ReasonKilled) {
				return f.p.stop, nil
			}
			if stop.Reason == ReasonKilled && stop.Signal == int(unix.SIGSYS) {
				return stop, nil // of seccomp, for which there was no stop
			}
			if stop.Process == f.p {
				defer f.talk(f.will(o))()
			}
		case ReasonSignal:
			// The kernel sends SIGHUP to a group with stopped processes that the exit of
			// the process has left to nobody (kill_orphaned_pgrp).
			if stop.Fatal() && !(f.p.state == Exited && stop.Signal == int(unix.SIGHUP)) {
				return stop, nil
			}
		case ReasonFork, ReasonVfork:
			if stop.Held != nil {
				f.members = append(f.members, stop.Held)
			}
			if len(f.members) > maxFamily {
				return nil, &Error{Op: "cont_fatal", TID: f.p.PID, Err: fmt.Errorf("it has made %d processes that run at once, the most is %d", len(f.members)-1, maxFamily)}
			}
		case ReasonExec:
		case ReasonInterrupt:
			if f.outlived() {
				return f.p.stop, nil
			}
			return stop, nil
		default:
			return stop, nil
		}
		f.pids.Store(f.ids())
	}
}

// halted stops all and returns that as a stop of the first process that is there. Those
// that are about to end have no thread to stop: if all are, it is the end of the first one.
func (f *kin) halted(why Reason) (*Stop, error) {
	for _, q := range f.members {
		if err := q.recall(); err != nil {
			return nil, err
		}
	}
	for _, q := range f.members {
		if t := q.Thread(); t != nil {
			stop := q.newStop(why, t)
			q.report(stop)
			return stop, nil
		}
	}
	for _, q := range f.members {
		if err := q.Kill(); err != nil { // which comes too late to change how it ends
			return nil, err
		}
	}
	return f.p.stop, nil
}

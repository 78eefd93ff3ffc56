//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/tracelark/tracelark/tracer/procfs"
)

// maxFamily bounds how many processes run together, for the sake of the machine.
const maxFamily = 512

// memoryEach is how often their memory is looked at.
const memoryEach = 10 * time.Millisecond

// A RunOptions bounds a run of ContFatal. The zero value and nil are no bounds.
type RunOptions struct {
	Timeout time.Duration   // after it all are stopped with ReasonTimeout
	Memory  int64           // that all of them may have in RAM, in bytes; beyond it all are stopped with ReasonMemory
	Done    <-chan struct{} // when it is closed all are stopped with ReasonInterrupt
}

// ContFatal lets the process, and the children that it makes and theirs, go on until
// one of them is about to die of a signal, whose Stop may be that of a child, or the
// process itself ends. Signals that the program handles are delivered, births are let
// pass. Another stop that surfaces, such as one at a breakpoint, ends it too. All are
// stopped and held when it returns; see Process.Children.
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
	f.pids.Store(f.ids())
	for _, q := range f.members {
		defer func(old Follow) { q.following = old }(q.following)
		q.following = FollowBoth
	}
	if o.Memory > 0 || o.Done != nil {
		defer f.watch(o)()
	}
	stop, err := f.run(o.Timeout)
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
	full    atomic.Bool // their memory is over its limit
}

func (f *kin) ids() *[]int {
	pids := make([]int, len(f.members))
	for i, q := range f.members {
		pids[i] = q.PID
	}
	return &pids
}

// watch ends the wait for the processes when their memory is over its limit or they are
// done, until the function that it returns is called.
func (f *kin) watch(o *RunOptions) (end func()) {
	over, ended := make(chan struct{}), make(chan struct{})
	tr := f.p.tr
	interrupted := false
	go func() {
		defer close(ended)
		tick := time.NewTicker(memoryEach)
		defer tick.Stop()
		for !interrupted {
			select {
			case <-over:
				return
			case <-o.Done:
				interrupted = true
			case <-tick.C:
				f.full.Store(o.Memory > 0 && f.memory() > o.Memory)
				interrupted = f.full.Load()
			}
		}
		tr.Interrupt()
	}()
	return func() {
		close(over)
		<-ended
		if interrupted {
			tr.ClearInterrupt()
		}
	}
}

// memory returns how many bytes the processes have in RAM.
func (f *kin) memory() (sum int64) {
	for _, pid := range *f.pids.Load() {
		size, _ := procfs.Resident(pid) // none if it has ended
		sum += size
	}
	return sum
}

// run lets all go on until the run is over, and returns why. Some may run still.
func (f *kin) run(limit time.Duration) (*Stop, error) {
	tr := f.p.tr
	deadline := time.Now().Add(limit)
	for {
		for _, q := range f.members {
			if q.loose != nil || q.state != Stopped || q.Thread() == nil {
				continue
			}
			if err := q.release(&motion{op: "cont_fatal", t: q.Thread()}); err != nil {
				return nil, err
			}
		}
		left := time.Duration(0)
		if limit > 0 {
			if left = time.Until(deadline); left <= 0 {
				left = 1 // what has happened by now is taken in
			}
		}
		stop, err := tr.Wait(-1, left)
		switch {
		case err != nil:
			return nil, err
		case stop == nil:
			return f.halted(ReasonTimeout)
		}
		switch stop.Reason {
		case ReasonExit, ReasonKilled:
			if stop.Process == f.p {
				return stop, nil
			}
			f.members = slices.DeleteFunc(f.members, func(q *Process) bool { return q == stop.Process })
		case ReasonSignal:
			if stop.Fatal() {
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
			if f.full.Load() {
				return f.halted(ReasonMemory)
			}
			return stop, nil
		default:
			return stop, nil
		}
		f.pids.Store(f.ids())
	}
}

// halted stops all and returns that as a stop of the first process.
func (f *kin) halted(why Reason) (*Stop, error) {
	for _, q := range f.members {
		if err := q.recall(); err != nil {
			return nil, err
		}
	}
	if f.p.state == Exited {
		return f.p.stop, nil
	}
	stop := f.p.newStop(why, f.p.Thread())
	f.p.report(stop)
	return stop, nil
}

//go:build linux && amd64

package tracer

import (
	"sync"
	"time"
)

// A clock ends the movement that runs when its time is over. To set a timer wakes the
// thread that waits for timers, which costs more than many a movement takes. So one that
// is set already to an earlier time stays as it is, and is set to the right one when it
// rings in vain.
type clock struct {
	movements uint64 // counts those with a limit

	mu       sync.Mutex
	timer    *time.Timer
	rings    time.Time // when the timer does; zero if it is not set
	movement uint64    // the one that runs
	end      time.Time // of its time; zero if it has no limit
}

// limit ends the movement that begins after a time. The function that it returns
// is to be called at the movement's end.
func (tr *Tracer) limit(d time.Duration) (end func()) {
	c := &tr.clock
	outer, outerEnd := tr.timed, c.end
	c.movements++
	movement := c.movements
	tr.timed = movement
	tr.set(movement, time.Now().Add(d))
	return func() {
		tr.set(outer, outerEnd) // waits for a ring that is under way, or it would be in the way of the next movement
		tr.wanted.CompareAndSwap(timeoutOf(movement), 0)
		tr.timed = outer
	}
}

// set lets the clock ring at the end of a movement, unless that is the zero time.
func (tr *Tracer) set(movement uint64, end time.Time) {
	c := &tr.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	c.movement, c.end = movement, end
	if !end.IsZero() && (c.rings.IsZero() || end.Before(c.rings)) {
		tr.wind()
	}
}

// wind sets the timer.
//
// Precondition: the clock's mu is locked.
func (tr *Tracer) wind() {
	c := &tr.clock
	c.rings = c.end
	if c.timer == nil {
		c.timer = time.AfterFunc(time.Until(c.end), tr.ring)
	} else {
		c.timer.Reset(time.Until(c.end))
	}
}

// ring is called when the timer has come to its end.
func (tr *Tracer) ring() {
	c := &tr.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.rings = (time.Time{}); {
	case c.end.IsZero():
	case time.Now().Before(c.end):
		tr.wind()
	default:
		tr.want(ReasonTimeout, c.movement)
	}
}

//go:build linux && amd64

package tracer

import (
	"sync"
	"time"
)

// An alarm tells the tracer's thread that the time of a movement is over. Its timer is
// not set anew for each movement, as the runtime wakes a thread for that: one that fires
// too early is set then to when it is wanted. Movements that end in time cost nothing.
type alarm struct {
	mu       sync.Mutex
	at       time.Time // when it is wanted; zero for not at all
	movement uint64    // that ends then
	timer    *time.Timer
	fires    time.Time // when the timer does; zero for not at all
}

// set makes the alarm ring for a movement, and returns what it was set to before.
func (a *alarm) set(at time.Time, movement uint64, ring func()) (was time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	was = a.at
	a.at, a.movement = at, movement
	if at.IsZero() || !a.fires.IsZero() && !at.Before(a.fires) {
		return was
	}
	if a.timer == nil {
		a.timer = time.AfterFunc(time.Until(at), ring)
	} else {
		a.timer.Reset(time.Until(at))
	}
	a.fires = at
	return was
}

// due returns the movement whose time is over, if it is.
func (a *alarm) due() (movement uint64, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fires = time.Time{}
	if a.at.IsZero() {
		return 0, false
	}
	if left := time.Until(a.at); left > 0 {
		a.fires = a.at
		a.timer.Reset(left)
		return 0, false
	}
	a.at = time.Time{}
	return a.movement, true
}

// ring ends the movement whose time is over.
func (tr *Tracer) ring() {
	if movement, ok := tr.alarm.due(); ok {
		tr.want(ReasonTimeout, movement)
	}
}

// limit ends the movement that begins after a time. The function that it returns
// is to be called at the movement's end. A late end of time is told from that of the
// next movement by its number.
func (tr *Tracer) limit(d time.Duration) (end func()) {
	outer := tr.timed
	tr.clock++
	movement := tr.clock
	tr.timed = movement
	before := tr.alarm.set(time.Now().Add(d), movement, tr.ring)
	return func() {
		tr.alarm.set(before, outer, tr.ring)
		tr.wanted.CompareAndSwap(timeoutOf(movement), 0)
		tr.timed = outer
	}
}

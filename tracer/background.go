//go:build linux && amd64

package tracer

// Start lets all threads of the process go on, with a signal as Cont does, and returns at
// once. Wait returns the stop; until then only Interrupt, Kill and Detach may be called.
func (t *Thread) Start(sig Delivery) error {
	p := t.p
	err := p.held()
	if err == nil && t.Gone() {
		err = ErrThread
	}
	m := &motion{op: "cont", t: t}
	if err == nil {
		err = p.stalled(m)
	}
	if err != nil {
		return &Error{Op: m.op, TID: p.PID, Err: err}
	}
	if err := t.deliver(m.op, sig); err != nil {
		return err
	}
	return p.release(m)
}

// Wake makes the Wait that is running return nil, as if its limit had passed. When none
// is running, the next one does so at once, unless ClearInterrupt comes first; other
// movements go on. It may be called from any goroutine.
func (tr *Tracer) Wake() {
	if tr.wanted.CompareAndSwap(0, woken) {
		tr.rouse(woken, &tr.awaiting)
	}
}

// woken is what Wake wants.
var woken = timeoutOf(0)

//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// A Breakpoint is what the user asked for; a site is an address where its int3
// lies. Several breakpoints may share a site, and one may have several sites.
// Those in hardware have slots of the debug registers instead.
type Breakpoint struct {
	ID       int
	Location string // as it was given, or "" for an address
	When     string // its condition, or ""
	Temp     bool   // removed when it is hit

	p         *Process
	addr      uint64  // where Location is ""
	anchor    *anchor // where addr is found again, or nil
	thread    *Thread
	addrs     []uint64
	begin     map[uint64]*debuginfo.Func // as locate returns it, by addrs
	raised    map[uint64]uint64          // the semaphores of probes among addrs, by these
	hits      int
	reached   int // hits and those that When says are none
	ignore    int // of the next hits, how many count alone
	disabled  bool
	removed   bool
	prologue  bool               // lies behind the prologue of its function
	inlined   bool               // lies at the copies of its function too
	loose     bool               // libraries that are to come may have what Location names better
	internal  bool               // of a movement or of the linker, not the user's
	hardware  bool               // in debug registers, not in memory
	watch     *Watchpoint        // what it is for, if it is not a breakpoint of its own
	accept    func(*Thread) bool // asked while other threads run; nil is yes
	when      *Condition         // When, or nil
	condition func(*Stop) (bool, error)
	handler   func(*Stop) (bool, error)
}

// BreakpointOptions describe a new breakpoint.
type BreakpointOptions struct {
	Addr     uint64
	Location string // instead of Addr: a name, which may match at several places
	Temp     bool
	Hardware bool // use a debug register, and leave the program's memory alone
	// Thread is the only one that hits it, or nil for all. The breakpoint is removed
	// when that has ended; exec and Restart end all threads but the main one.
	Thread *Thread
	// Inlined adds the places where a function that Location names was inlined, in all
	// images, to those that symbols tell. Finding them reads the names of the whole
	// debug information.
	Inlined  bool
	Prologue bool // if it is on a function, let it lie where PrologueEnd says
	// When is the source of a Condition: where it is false, a thread runs on
	// without a Stop, and mostly without the others being stopped. If it cannot
	// be evaluated, the process is stopped there and the movement returns why.
	When string
	// Condition says whether a hit counts. Handler is called for each that
	// does and says whether it surfaces; without one all do.
	Condition func(*Stop) (bool, error)
	Handler   func(*Stop) (surface bool, err error)
}

// Breakpoint sets a breakpoint. A location that names nothing is an error, unless
// the process has not loaded its libraries yet: then it waits for them, and what
// its condition names is looked up then too. One that names a method or an inlined
// function until then moves to the function of C that they bring, if any. In a
// process that Restart can launch again it waits for that, too.
func (p *Process) Breakpoint(o *BreakpointOptions) (*Breakpoint, error) {
	err := p.still()
	ended := err == ErrExited && p.command != nil && o.Thread == nil
	if err != nil && !ended {
		return nil, &Error{Op: "breakpoint", TID: p.PID, Err: err}
	}
	b := &Breakpoint{
		Location: o.Location, When: o.When, Temp: o.Temp,
		p: p, hardware: o.Hardware, addr: o.Addr, thread: o.Thread, prologue: o.Prologue, inlined: o.Inlined, condition: o.Condition, handler: o.Handler,
	}
	if err := b.resolve(); err != nil {
		return nil, err
	}
	p.lastID++
	b.ID = p.lastID
	p.breakpoints = append(p.breakpoints, b)
	if ended {
		if b.Location == "" {
			b.anchor = p.anchor(b.addr)
		}
		return b, nil
	}
	if b.Location == "" || strings.HasPrefix(b.Location, "*") && b.begin == nil && len(b.addrs) > 0 { // a sum
		b.anchor = p.anchor(b.addrs[0])
	}
	if b.loose || p.inLibrary(b.addrs) {
		p.watchLinker() // else it does not move, or come back if the library does
	}
	if b.Pending() {
		if err := p.watchLinker(); err != nil {
			b.Remove()
			return nil, err
		}
	}
	return b, nil
}

// resolve finds where the breakpoint lies and puts it there.
func (b *Breakpoint) resolve() error {
	addrs := []uint64{b.addr}
	switch {
	case b.p.state == Exited:
		addrs = nil // until Restart
	case b.anchor != nil:
		addr, ok := b.p.whereIs(b.anchor)
		if !ok {
			return nil
		}
		b.addr, addrs[0] = addr, addr
	case b.Location != "":
		var err error
		if addrs, b.begin, err = b.p.locate(b.Location, b.inlined); err != nil {
			var none *NotFoundError
			if !errors.As(err, &none) || !b.p.stillLoading() {
				return err
			}
			addrs = nil
		}
		b.loose = len(b.begin) > 0 && b.p.stillLoading() && !b.p.isLinked(b.Location)
	}
	if err := b.parse(b.When, len(addrs) == 0); err != nil {
		return err
	}
	if b.prologue {
		addrs = slices.Clone(addrs)
		for i, entry := range addrs {
			end, err := b.p.PrologueEnd(entry)
			if err != nil {
				return err
			}
			addrs[i] = end
			if f, ok := b.begin[entry]; ok {
				b.begin[addrs[i]] = f
			}
		}
	}
	if b.watch != nil {
		return b.watch.place()
	}
	for i, addr := range addrs {
		if err := b.plant(addr); err != nil {
			for _, done := range addrs[:i] {
				b.unplant(done)
			}
			return err
		}
	}
	b.addrs = addrs
	return nil
}

// parse makes the source of a Condition its own, or "" for none. What it names is
// looked up with the location if that is pending.
func (b *Breakpoint) parse(when string, pending bool) (err error) {
	c := (*Condition)(nil)
	if when != "" {
		addr := b.p.Addr
		if pending {
			addr = func(string) (uint64, error) { return 0, nil }
		}
		if c, err = ParseCondition(when, addr); err != nil {
			return err
		}
	}
	b.When, b.when = when, c
	return nil
}

// Breakpoints returns the breakpoints that are set, in the order of their IDs.
func (p *Process) Breakpoints() []*Breakpoint { return slices.Clone(p.breakpoints) }

// Addrs returns the addresses where the breakpoint lies; none while it waits for
// a library.
func (b *Breakpoint) Addrs() []uint64 { return slices.Clone(b.addrs) }

// Hits returns how often it was hit.
func (b *Breakpoint) Hits() int { return b.hits }

// Thread returns the only thread that hits it, or nil for all. After Restart that is
// the new main thread.
func (b *Breakpoint) Thread() *Thread { return b.thread }

// Pending reports whether it waits for a library to be loaded.
func (b *Breakpoint) Pending() bool { return len(b.addrs) == 0 && !b.removed }

// waits reports whether it goes elsewhere when libraries are loaded.
func (b *Breakpoint) waits() bool { return b.loose || b.Pending() }

// Hardware reports whether it uses a debug register.
func (b *Breakpoint) Hardware() bool { return b.hardware }

// Enabled reports whether it can be hit.
func (b *Breakpoint) Enabled() bool { return !b.disabled && !b.removed && !b.orphaned() }

// SetEnabled lets it be hit or not. It stays where it is.
func (b *Breakpoint) SetEnabled(enabled bool) { b.disabled = !enabled }

// SetCondition gives it another condition, which is the source of a Condition, a
// function, or neither.
func (b *Breakpoint) SetCondition(when string, condition func(*Stop) (bool, error)) error {
	if err := b.parse(when, b.Pending()); err != nil {
		return err
	}
	b.condition = condition
	return nil
}

// SetHandler gives it another handler, or with nil none.
func (b *Breakpoint) SetHandler(handler func(*Stop) (surface bool, err error)) { b.handler = handler }

// Ignored returns how many of its next hits count but neither reach the handler nor
// surface.
func (b *Breakpoint) Ignored() int { return b.ignore }

// Ignore lets the next n hits pass: they count, but neither reach the handler nor
// surface.
func (b *Breakpoint) Ignore(n int) { b.ignore = n }

// Remove removes it. Threads that have reached it already run on unharmed.
// Removing twice is no error.
func (b *Breakpoint) Remove() error {
	if b.removed {
		return nil
	}
	b.removed = true
	b.p.breakpoints = slices.DeleteFunc(b.p.breakpoints, func(c *Breakpoint) bool { return c == b })
	var errs []error
	for _, addr := range b.addrs {
		errs = append(errs, b.unplant(addr))
	}
	b.addrs = nil
	return errors.Join(errs...)
}

// orphaned reports whether the only thread that hits the breakpoint has ended. The
// main thread has not while the process lives: an exec brings it back.
func (b *Breakpoint) orphaned() bool {
	return b.thread != nil && b.thread.Gone() && b.thread.TID != b.p.PID
}

// removeOrphans removes the breakpoints of threads that have ended. All others are
// stopped.
func (p *Process) removeOrphans() error {
	if !slices.ContainsFunc(p.breakpoints, (*Breakpoint).orphaned) {
		return nil
	}
	var errs []error
	for _, b := range p.Breakpoints() {
		if b.orphaned() {
			errs = append(errs, b.Remove())
		}
	}
	return errors.Join(errs...)
}

// accepts reports whether t hits the breakpoint, as far as that can be said while
// other threads run.
func (b *Breakpoint) accepts(t *Thread) (bool, error) {
	if !b.Enabled() || b.thread != nil && b.thread != t || b.accept != nil && !b.accept(t) {
		return false, nil
	}
	if b.when == nil {
		return true, nil
	}
	b.reached++
	ok, err := b.when.Holds(t, b.reached)
	if err != nil && t.dying() {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", b.describe(), err)
	}
	return ok, nil
}

// reaches reports whether a thread that stopped where breakpoints are, or accessed
// memory that is watched, hits any of them, or one of them cannot tell. Each is
// asked once, as a condition may count how often.
func (p *Process) reaches(stop *Stop) bool {
	if len(p.sites) == 0 && p.arms == 0 {
		return false
	}
	if stop.asked != stop.Thread {
		regs, err := stop.Thread.Regs()
		if err != nil {
			return false
		}
		users := stop.caught
		if users == nil {
			users = p.usersAt(regs[arch.RIP])
		}
		stop.asked, stop.hit, stop.err = stop.Thread, nil, nil
		for _, b := range users {
			if b.watch != nil {
				b.watch.look()
			}
			ok, err := b.accepts(stop.Thread)
			if ok || err != nil {
				stop.hit = append(stop.hit, b)
			}
			if err != nil {
				stop.err = err
				break
			}
		}
	}
	return len(stop.hit) > 0
}

// hit lets the breakpoints or watchpoints at a stop decide whether it surfaces. The
// first that surfaces is the stop's.
func (p *Process) hit(stop *Stop) (surface bool, err error) {
	if !p.reaches(stop) {
		return false, nil
	}
	if stop.err != nil {
		stop.blame(stop.hit[len(stop.hit)-1])
		return false, stop.err
	}
	var first *Breakpoint
	for _, b := range stop.hit {
		if !b.Enabled() {
			continue // by the handler of another
		}
		stop.blame(b)
		if b.condition != nil {
			if ok, err := b.condition(stop); err != nil {
				return false, err
			} else if !ok {
				continue
			}
		}
		b.hits++
		if b.ignore > 0 {
			b.ignore--
			continue
		}
		if b.Temp {
			b.Remove()
		}
		ok := true
		if b.handler != nil {
			if ok, err = b.handler(stop); err != nil {
				return false, err
			}
		}
		if ok && (first == nil || first.internal) {
			first = b
		}
		if p.stop != stop || p.state != Stopped {
			break // the handler moved the process
		}
	}
	switch {
	case first == nil:
		stop.Breakpoint, stop.Watchpoint, stop.Old, stop.New = nil, nil, nil, nil
	case p.stop == stop:
		stop.blame(first)
	}
	return first != nil, nil
}

// blame says that the stop is due to b.
func (s *Stop) blame(b *Breakpoint) {
	s.Reason, s.Breakpoint, s.Watchpoint, s.Old, s.New = ReasonBreakpoint, b, nil, nil, nil
	if w := b.watch; w != nil {
		s.Reason, s.Breakpoint, s.Watchpoint, s.Old, s.New = ReasonWatchpoint, nil, w, w.old, w.now
	}
}

// describe names the breakpoint in errors.
func (b *Breakpoint) describe() string {
	switch {
	case b.watch != nil:
		return fmt.Sprintf("watchpoint %d at %#x", b.ID, b.addr)
	case b.Location != "":
		return fmt.Sprintf("breakpoint %d at %s", b.ID, b.Location)
	}
	return fmt.Sprintf("breakpoint %d at %#x", b.ID, b.addr)
}

// runTo moves thread t to one of some addresses. accept says whether t has arrived;
// there tells that it has.
func (p *Process) runTo(op string, t *Thread, addrs []uint64, accept func(*Thread) bool, o *MoveOptions) (stop *Stop, there bool, err error) {
	b := &Breakpoint{p: p, thread: t, internal: true, accept: accept}
	defer b.Remove()
	for _, addr := range addrs {
		if err := p.plant(addr, b); err != nil {
			return nil, false, err
		}
		b.addrs = append(b.addrs, addr)
	}
	m := motion{op: op, t: t, until: b}
	stop, err = p.move(m, o)
	// A handler may have moved it there.
	if there = err == nil && (stop.Breakpoint == b || stop.Reason == ReasonStep && stop.Thread == t && m.arrived()); there {
		stop.Reason, stop.Breakpoint = ReasonStep, nil
	}
	return stop, there, err
}

// plant puts the breakpoint at addr.
func (b *Breakpoint) plant(addr uint64) error {
	if !b.hardware {
		if err := b.p.plant(addr, b); err != nil {
			return err
		}
	} else if err := b.p.claim(addr, onExecution, b); err != nil {
		return &Error{Op: "breakpoint", TID: b.p.PID, Addr: addr, At: true, Err: err}
	}
	return b.raise(addr)
}

// unplant removes the breakpoint from addr, if it is in hardware from all places.
func (b *Breakpoint) unplant(addr uint64) error {
	b.lower(b.p, addr)
	if b.hardware {
		return b.p.disclaim(b)
	}
	return b.p.unplant(addr, b)
}

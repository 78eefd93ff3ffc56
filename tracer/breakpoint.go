//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
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
	hits      int
	reached   int // hits and those that When says are none
	disabled  bool
	removed   bool
	prologue  bool               // lies behind the prologue of its function
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
	Hardware bool    // use a debug register, and leave the program's memory alone
	Thread   *Thread // the only one that hits it, or nil for all
	Prologue bool    // if it is on a function, let it lie where PrologueEnd says
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
// its condition names is looked up then too.
func (p *Process) Breakpoint(o *BreakpointOptions) (*Breakpoint, error) {
	if err := p.held(); err != nil {
		return nil, &Error{Op: "breakpoint", TID: p.PID, Err: err}
	}
	b := &Breakpoint{
		Location: o.Location, When: o.When, Temp: o.Temp,
		p: p, hardware: o.Hardware, addr: o.Addr, thread: o.Thread, prologue: o.Prologue, condition: o.Condition, handler: o.Handler,
	}
	if err := b.resolve(); err != nil {
		return nil, err
	}
	p.lastID++
	b.ID = p.lastID
	p.breakpoints = append(p.breakpoints, b)
	if b.Location == "" || strings.HasPrefix(b.Location, "*") {
		b.anchor = p.anchor(b.addrs[0])
	}
	if p.inLibrary(b.addrs) {
		p.watchLinker() // else it does not come back if the library does
	}
	if len(b.addrs) == 0 {
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
	case b.anchor != nil:
		addr, ok := b.p.whereIs(b.anchor)
		if !ok {
			return nil
		}
		b.addr, addrs[0] = addr, addr
	case b.Location != "":
		var err error
		if addrs, err = b.p.Addrs(b.Location); err != nil {
			var none *NotFoundError
			if !b.p.loading || !errors.As(err, &none) {
				return err
			}
			addrs = nil
		}
	}
	if b.When != "" {
		addr := b.p.Addr
		if len(addrs) == 0 {
			addr = func(string) (uint64, error) { return 0, nil } // looked up with the location
		}
		var err error
		if b.when, err = ParseCondition(b.When, addr); err != nil {
			return err
		}
	}
	if b.prologue {
		addrs = slices.Clone(addrs)
		for i := range addrs {
			addrs[i] = b.p.PrologueEnd(addrs[i])
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

// Breakpoints returns the breakpoints that are set, in the order of their IDs.
func (p *Process) Breakpoints() []*Breakpoint { return slices.Clone(p.breakpoints) }

// Addrs returns the addresses where the breakpoint lies; none while it waits for
// a library.
func (b *Breakpoint) Addrs() []uint64 { return slices.Clone(b.addrs) }

// Hits returns how often it was hit.
func (b *Breakpoint) Hits() int { return b.hits }

// Thread returns the only thread that hits it, or nil for all.
func (b *Breakpoint) Thread() *Thread { return b.thread }

// Pending reports whether it waits for a library to be loaded.
func (b *Breakpoint) Pending() bool { return len(b.addrs) == 0 && !b.removed }

// Hardware reports whether it uses a debug register.
func (b *Breakpoint) Hardware() bool { return b.hardware }

// Enabled reports whether it can be hit.
func (b *Breakpoint) Enabled() bool { return !b.disabled && !b.removed }

// SetEnabled lets it be hit or not. It stays where it is.
func (b *Breakpoint) SetEnabled(enabled bool) { b.disabled = !enabled }

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

// runTo moves thread t to an address. accept says whether t has arrived.
func (p *Process) runTo(op string, t *Thread, addr uint64, accept func(*Thread) bool, o *MoveOptions) (*Stop, error) {
	b := &Breakpoint{p: p, addr: addr, thread: t, internal: true, accept: accept}
	if err := p.plant(addr, b); err != nil {
		return nil, err
	}
	b.addrs = []uint64{addr}
	defer b.Remove()
	stop, err := p.move(motion{op: op, t: t, until: b}, o)
	if err == nil && stop.Breakpoint == b {
		stop.Reason, stop.Breakpoint = ReasonStep, nil
	}
	return stop, err
}

// A site is an address with an int3 of ours.
type site struct {
	addr  uint64
	saved byte // what the program has there
	users []*Breakpoint

	code   []byte // the instruction and what follows, once it was looked at
	effect effect // of the instruction, or nil
	size   int    // of the instruction, if it has an effect

	detour *detour // round the int3, or nil
	laid   bool    // a detour was made, or there can be none
}

const int3 = 0xcc

// maxInst is the longest an x86 instruction can be.
const maxInst = 15

// plant puts the breakpoint at addr.
func (b *Breakpoint) plant(addr uint64) error {
	if !b.hardware {
		return b.p.plant(addr, b)
	}
	if err := b.p.claim(addr, onExecution, b); err != nil {
		return &Error{Op: "breakpoint", TID: b.p.PID, Addr: addr, At: true, Err: err}
	}
	return nil
}

// unplant removes the breakpoint from addr, if it is in hardware from all places.
func (b *Breakpoint) unplant(addr uint64) error {
	if b.hardware {
		return b.p.disclaim(b)
	}
	return b.p.unplant(addr, b)
}

// plant makes b a user of the site at addr, which is made if need be.
func (p *Process) plant(addr uint64, b *Breakpoint) error {
	s := p.sites[addr]
	if err := p.exposure(); err != nil {
		return &Error{Op: "breakpoint", TID: p.PID, Addr: addr, At: true, Err: err}
	}
	if s == nil {
		var code [1]byte
		if _, err := p.ReadAt(addr, code[:]); err != nil {
			return &Error{Op: "breakpoint", TID: p.PID, Addr: addr, At: true, Err: cause(err)}
		}
		s = &site{addr: addr, saved: code[0]}
		if err := s.insert(p); err != nil {
			return &Error{Op: "breakpoint", TID: p.PID, Addr: addr, At: true, Err: cause(err)}
		}
		p.sites[addr] = s
	}
	s.users = append(s.users, b)
	return nil
}

// unplant ends b's use of the site at addr, which is removed with its last user.
func (p *Process) unplant(addr uint64, b *Breakpoint) error {
	s := p.sites[addr]
	if s == nil {
		return nil
	}
	s.users = slices.DeleteFunc(s.users, func(c *Breakpoint) bool { return c == b })
	if len(s.users) > 0 {
		return nil
	}
	delete(p.sites, addr)
	s.leave()
	return s.withdraw(p)
}

func (s *site) insert(p *Process) error { return p.writeRaw(s.addr, []byte{int3}) }
func (s *site) remove(p *Process) error { return p.writeRaw(s.addr, []byte{s.saved}) }

// withdraw is remove for good. The memory may have been unmapped since, and something
// else be there.
func (s *site) withdraw(p *Process) error {
	var code [1]byte
	if n, err := p.readRaw(s.addr, code[:]); n == 0 && err == unix.EFAULT || n == 1 && code[0] != int3 {
		return nil
	}
	return s.remove(p)
}

// repeats reports whether the site's instruction is a string instruction with a prefix
// that repeats it. A step is one of the times (SDM volume 3, 18.3.1.4).
func (s *site) repeats() bool {
	repeated := false
	for _, b := range s.code {
		switch {
		case b == 0xf2 || b == 0xf3:
			repeated = true
		case b == 0x66 || b == 0x67 || b == 0x26 || b == 0x2e || b == 0x36 || b == 0x3e || b == 0x64 || b == 0x65 || b&0xf0 == 0x40:
		default:
			return repeated && (b&^3 == 0x6c || b&^3 == 0xa4 || b&^1 == 0xaa || b&^3 == 0xac)
		}
	}
	return false
}

// mustPass reports whether t stands on a site whose hit was reported already.
func (p *Process) mustPass(t *Thread) bool {
	return len(p.sites) > 0 && t.atReported() && p.sites[t.reported] != nil
}

// evade lets t, which is to run, get over the breakpoint that it stands on while other
// threads run, and reports whether it does.
func (p *Process) evade(t *Thread) bool {
	if p.emulate(t) {
		t.isReported = false
		return true
	}
	return p.mustPass(t) && !t.faulted() && t.goRound()
}

// pass gets t over the breakpoint that it stands on, by a step if step is set. All
// other threads are stopped, so the int3 can be away for a moment. It returns over =
// false when the thread can be resumed as it is, or a Stop that came first.
func (p *Process) pass(t *Thread, step bool) (over bool, stop *Stop, err error) {
	s := p.sites[t.reported]
	for {
		if p.emulate(t) {
			t.isReported = false
			return true, nil, nil
		}
		if t.faulted() {
			// The handler of the signal may return to the instruction.
			t.skip = skip{true, s.addr, t.regs[arch.RSP]}
			return false, nil, nil
		}
		if !step {
			p.layDetour(s, t)
			switch {
			case p.state == Exited:
				return false, p.stop, nil
			case t.state != threadStopped || t.goRound():
				return false, nil, nil
			}
		}
		if t.mayPass && t.signal != 0 {
			defer t.postpone()()
		}
		if err := p.steady(); err != nil {
			return false, nil, err
		}
		if err := s.remove(p); err != nil && !gone(err) {
			return false, nil, err
		}
		if err := t.run(true); err != nil {
			return false, nil, err
		}
		stop, interrupted, err := p.follow(t)
		if p.state == Exited || err != nil {
			return false, stop, err
		}
		if p.sites[s.addr] == s {
			if err := s.insert(p); err != nil && !gone(err) {
				return false, nil, err
			}
		}
		stepped := stop != nil && stop.Reason == ReasonStep
		if stepped && (step || !s.repeats()) {
			return true, nil, nil
		}
		if t.state != threadStopped {
			return false, stop, nil
		}
		regs, err := t.Regs()
		if err != nil {
			return false, nil, err
		}
		t.reported, t.isReported = s.addr, regs[arch.RIP] == s.addr
		if stop != nil && !stepped {
			return false, stop, nil
		}
		if interrupted {
			// It blocks in a system call, which the kernel will restart.
			t.skip = skip{true, s.addr, regs[arch.RSP]}
			return false, nil, nil
		}
		if !t.isReported {
			return false, nil, nil
		}
	}
}

// faulted reports whether the thread is to be given a signal that the instruction
// where it stands has caused.
func (t *Thread) faulted() bool {
	return t.mayPass && t.signal == t.info.Signo() && isFault(&t.info)
}

// postpone holds back a signal until the function that it returns is called. The
// signal would have its handler return onto the breakpoint, perhaps in another
// thread: Go moves a goroutine that SIGURG has stopped.
func (t *Thread) postpone() (send func()) {
	again := sent{signal: t.signal}
	if again.signal == t.info.Signo() {
		info := t.info
		again.info = &info
	}
	t.signal = 0
	return func() {
		t.sent = append(t.sent, again)
		ptrace.Tgkill(t.p.PID, t.TID, again.signal)
	}
}

// follow waits for one thread, which a call to Interrupt stops early.
func (p *Process) follow(t *Thread) (stop *Stop, interrupted bool, err error) {
	for {
		u, status, err := p.tr.wait(!interrupted)
		if err != nil {
			return nil, interrupted, err
		}
		if u == nil {
			interrupted = true
			ptrace.Interrupt(t.TID)
			continue
		}
		stop := p.tr.dispatch(u, status)
		switch {
		case p.state == Exited || u == t && t.state != threadRunning:
			return stop, interrupted, nil
		case u.p != p:
		case stop != nil:
			u.pending = stop
		case u.guest && u.state == threadStopped && !p.mustPass(u):
			u.run(false)
		}
	}
}

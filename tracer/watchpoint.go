//go:build linux && amd64

package tracer

import (
	"fmt"
	"math/bits"
	"slices"
)

// An Access is what a Watchpoint stops at.
type Access uint8

// The accesses. The CPU knows none for reading alone.
const (
	AccessWrite     Access = iota // after memory was written, even if its value stays
	AccessReadWrite               // after memory was read or written
	AccessExecute                 // before an instruction is executed
)

// String returns the access's name in scripts.
func (a Access) String() string { return [...]string{"w", "rw", "x"}[a] }

// A Watchpoint stops threads that access memory. It uses debug registers, of which
// there are four for each process: memory of 1, 2, 4 or 8 bytes that is aligned to
// its size takes one, other memory several. Where they do not trap, as in some virtual
// machines, threads make steps instead, which is a thousand times slower.
//
// Only the program's instructions are seen. What the kernel reads and writes for
// it, as read(2) does, is not, nor what a child does that vfork made. Values are
// looked at when a hit is noticed: of threads that write at the same time each hit
// is reported, but not always the value that it wrote.
//
// Exec removes watchpoints, except those in an ELF file: they come back when that is
// mapped again. While it is not, they wait, as they do for a library that was unloaded.
type Watchpoint struct {
	Addr   uint64
	Size   int // in bytes; of no meaning for AccessExecute
	Access Access

	b        *Breakpoint // has the hits, the condition and the handler
	old, now []byte      // the memory before the last hit, and when it was looked at last
}

// WatchOptions describe a new watchpoint. When, Condition and Handler are those of
// a breakpoint.
type WatchOptions struct {
	Addr      uint64
	Size      int // 0 is 8
	Access    Access
	When      string
	Condition func(*Stop) (bool, error)
	Handler   func(*Stop) (surface bool, err error)
}

// Watch sets a watchpoint. It is an error if the debug registers that are not in
// use do not suffice.
func (p *Process) Watch(o *WatchOptions) (*Watchpoint, error) {
	fail := func(err error) (*Watchpoint, error) {
		return nil, &Error{Op: "watch", TID: p.PID, Addr: o.Addr, At: true, Err: cause(err)}
	}
	if err := p.still(); err != nil {
		return fail(err)
	}
	w := &Watchpoint{Addr: o.Addr, Size: o.Size, Access: o.Access}
	if w.Size == 0 {
		w.Size = 8
	}
	w.b = &Breakpoint{p: p, watch: w, hardware: true, When: o.When, addr: o.Addr, condition: o.Condition, handler: o.Handler}
	w.b.ID = p.lastID + 1
	if err := w.b.resolve(); err != nil {
		return fail(err)
	}
	w.b.anchor = p.anchor(o.Addr)
	if p.inLibrary(w.b.addrs) {
		p.watchLinker() // else it does not come back if the library does
	}
	p.lastID++
	p.watchpoints = append(p.watchpoints, w)
	return w, nil
}

// place puts the watchpoint where it lies.
func (w *Watchpoint) place() error {
	p := w.b.p
	w.Addr = w.b.addr
	parts, err := w.parts()
	if err != nil {
		return err
	}
	for _, s := range parts {
		if err = p.claim(s.addr, s.kind, w.b); err != nil {
			break
		}
	}
	if err == nil && w.Access != AccessExecute {
		w.now = make([]byte, w.Size)
		_, err = p.ReadAt(w.Addr, w.now)
	}
	if err != nil {
		p.disclaim(w.b)
		return err
	}
	w.old, w.b.addrs = w.now, []uint64{w.Addr}
	return nil
}

// parts divides the memory into what a slot can watch each.
func (w *Watchpoint) parts() ([]slot, error) {
	if w.Access == AccessExecute {
		return []slot{{addr: w.Addr, kind: onExecution}}, nil
	}
	if w.Size < 0 {
		return nil, fmt.Errorf("cannot watch %d bytes", w.Size)
	}
	kind := uint64(onWrite)
	if w.Access == AccessReadWrite {
		kind = onAccess
	}
	var parts []slot
	for addr, left := w.Addr, w.Size; left > 0; {
		if len(parts) == len(w.b.p.slots) {
			return nil, fmt.Errorf("watching %d bytes there takes more than the four debug registers that there are; steps until the bytes differ can watch more", w.Size)
		}
		n := 1 << min(bits.TrailingZeros64(addr), bits.Len(uint(left))-1, 3)
		parts = append(parts, slot{addr: addr, kind: kind | lengths[n]})
		addr, left = addr+uint64(n), left-n
	}
	return parts, nil
}

// Watchpoints returns the watchpoints that are set, in the order of their IDs.
func (p *Process) Watchpoints() []*Watchpoint { return slices.Clone(p.watchpoints) }

// ID returns its number, which no breakpoint of the process has.
func (w *Watchpoint) ID() int { return w.b.ID }

// When returns the source of its Condition, or "".
func (w *Watchpoint) When() string { return w.b.When }

// Hits returns how often it was hit.
func (w *Watchpoint) Hits() int { return w.b.hits }

// Breakpoint returns what has its condition and handler, to change them.
func (w *Watchpoint) Breakpoint() *Breakpoint { return w.b }

// Enabled reports whether it can be hit.
func (w *Watchpoint) Enabled() bool { return w.b.Enabled() }

// SetEnabled lets it be hit or not. It keeps its debug registers.
func (w *Watchpoint) SetEnabled(enabled bool) { w.b.SetEnabled(enabled) }

// Hardware reports whether debug registers do the work, or steps, where those do not trap.
func (w *Watchpoint) Hardware() bool { return watchable() == nil }

// Values returns what the memory held before the last hit and then, or nil for
// AccessExecute. Before the first hit both are what it held when the watchpoint was set.
func (w *Watchpoint) Values() (old, now []byte) { return w.old, w.now }

// Remove removes it. An access that a thread has made but not reported yet is not
// reported any more. Removing twice is no error.
func (w *Watchpoint) Remove() error {
	p := w.b.p
	p.watchpoints = slices.DeleteFunc(p.watchpoints, func(v *Watchpoint) bool { return v == w })
	return w.b.Remove()
}

// look takes in what the memory holds after an access.
func (w *Watchpoint) look() {
	if w.Access == AccessExecute {
		return
	}
	now := make([]byte, w.Size)
	if _, err := w.b.p.ReadAt(w.Addr, now); err != nil {
		now = w.now // unmapped meanwhile
	}
	w.old, w.now = w.now, now
}

// overlaps reports whether the memory has any of n bytes at addr.
func (w *Watchpoint) overlaps(addr uint64, n int) bool {
	return w.Access != AccessExecute && (addr-w.Addr < uint64(w.Size) || w.Addr-addr < uint64(n))
}

// watches reports whether a watchpoint is to see an access to n bytes at addr.
func (p *Process) watches(addr uint64, n int) bool {
	return slices.ContainsFunc(p.watchpoints, func(w *Watchpoint) bool { return w.overlaps(addr, n) })
}

// written tells the watchpoints of what the tracer itself has written, so that the
// next hit does not show that as the program's.
func (p *Process) written(addr uint64, n int) {
	for _, w := range p.watchpoints {
		if w.overlaps(addr, n) {
			old := w.old
			w.look()
			w.old = old
		}
	}
}

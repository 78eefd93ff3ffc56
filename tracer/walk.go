//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"fmt"

	"github.com/tracelark/tracelark/tracer/arch"
)

// A Walk says where StepUntil ends. Each of its limits that is set can end it.
type Walk struct {
	// Until is the source of a Condition, and Condition a function. They are
	// asked after each step; hits, in Until, is the number of steps so far.
	Until     string
	Condition func(*Stop) (bool, error)
	// OutOf is a range of addresses: the walk ends where the thread leaves it.
	OutOf *Range
	// Over makes one step of a call with all that it calls, and of a signal's
	// handler, if those return.
	Over bool
	// Into says of a function that is called, by its address, whether to go
	// into it nevertheless; nil is never.
	Into func(addr uint64) bool
	// Most is the number of steps after which the walk ends with ReasonLimit,
	// or with ReasonStep if nothing else was to end it; 0 is no limit.
	Most int

	// own says that Condition is the engine's, which takes no time.
	own bool
	// lands ends the walk where longjmp or an exception leads out of what Over
	// makes one step.
	lands bool
	// frame is that of a function whose tail calls are gone over like its calls,
	// or nil: what it jumps to returns for it.
	frame *Frame
}

// A Range is the addresses from Start up to End, which it does not have.
type Range struct{ Start, End uint64 }

func (r *Range) has(addr uint64) bool { return addr-r.Start < r.End-r.Start }

// StepUntil executes instructions of the thread, one at least, until what the walk
// asks for holds; the reason is ReasonStep then. A signal or breakpoint that comes
// first ends it there. The other threads run meanwhile, unless the options hold
// them.
func (t *Thread) StepUntil(w *Walk, o *MoveOptions) (*Stop, error) {
	k, err := t.newWalker(w)
	if err != nil {
		return nil, &Error{Op: "step", TID: t.TID, Err: err}
	}
	stop, err := t.p.move(motion{op: "step", t: t, step: true, walk: k}, o)
	if undone := k.release(); err == nil {
		err = undone
	}
	return stop, err
}

func (t *Thread) newWalker(w *Walk) (*walker, error) {
	k := &walker{Walk: w, t: t}
	if w.Most < 0 {
		return nil, fmt.Errorf("cannot take %d steps", w.Most)
	}
	if r := w.OutOf; r != nil && r.Start >= r.End {
		return nil, fmt.Errorf("the range from %#x to %#x is empty", r.Start, r.End)
	}
	if w.Until != "" {
		var err error
		if k.until, err = ParseCondition(w.Until, t.p.Addr); err != nil {
			return nil, err
		}
	}
	if w.Over {
		regs, err := t.Regs()
		if err != nil {
			return nil, cause(err)
		}
		k.pc, k.sp = regs[arch.RIP], regs[arch.RSP]
	}
	return k, nil
}

// A walker is a Walk under way.
type walker struct {
	*Walk
	t      *Thread
	until  *Condition
	steps  int
	pc, sp uint64 // before the step, if it goes over calls

	jumps   jumps
	exit    *exit       // of what it goes over, or nil
	landing bool        // it has left that otherwise
	keep    *Breakpoint // on the jumps, so that they are written once, or nil
}

// next decides what follows a step of m: it returns true where the walk ends.
func (k *walker) next(m *motion, stop *Stop) (done bool, err error) {
	landed := k.landing
	k.landing = false
	if x := k.exit; x != nil {
		k.exit = nil
		if escaped, err := k.escape(m, x); escaped || err != nil {
			return false, err
		}
	}
	if k.Over && !landed {
		if entered, err := k.enter(m); entered || err != nil {
			return false, err
		}
	}
	k.steps++
	regs, err := k.t.Regs()
	if err != nil {
		return false, err
	}
	if landed && k.lands || k.OutOf != nil && !k.OutOf.has(regs[arch.RIP]) {
		return true, nil
	}
	if k.until != nil {
		if done, err = k.until.Holds(k.t, k.steps); done || err != nil {
			return done, err
		}
	}
	if k.Condition != nil {
		if done, err = k.Condition(stop); done || err != nil || k.t.p.stop != stop {
			return done, err
		}
	}
	if k.steps != k.Most {
		return false, nil
	}
	if k.OutOf != nil || k.until != nil || k.Condition != nil {
		stop.Reason = ReasonLimit
	}
	return true, nil
}

// enter lets the thread run, from now on, to the end of the function or signal
// handler that its step has gone into. It reports whether there is one.
func (k *walker) enter(m *motion) (entered bool, err error) {
	p := k.t.p
	regs, err := k.t.Regs()
	if err != nil {
		return false, err
	}
	pc, sp := k.pc, k.sp
	k.pc, k.sp = regs[arch.RIP], regs[arch.RSP]
	back, ok := uint64(0), false
	switch {
	case k.frame.leftFor(k.pc, k.sp):
		back, ok = p.word(sp)
		ok = ok && (k.Into == nil || !k.Into(k.pc))
		sp += 8
	case k.pc-pc <= maxInst || k.sp == sp:
	case sp-k.sp == 8:
		back, ok = p.word(k.sp)
		ok = ok && back-pc <= maxInst && back != pc // a call pushes what follows it
		ok = ok && (k.Into == nil || !k.Into(k.pc))
	default:
		if k.t.skip.armed {
			break // the trap where the handler returns to is spoken for
		}
		// A handler finds the frame that the kernel made for it: where it
		// returns to, then the ucontext_t, with the registers of before.
		back, ok = p.word(k.sp + savedPC)
		ok = ok && back-pc <= maxInst // past a system call that it ended
		if before, read := p.word(k.sp + savedSP); !read || before != sp {
			ok = false
		}
	}
	if !ok {
		return false, nil
	}
	if k.keep == nil {
		k.hold()
	}
	x := &exit{jumps: k.jumps, back: back, sp: sp}
	if escaped, err := k.escape(m, x); escaped || err != nil {
		return true, err // the function is longjmp itself
	}
	k.exit = x
	if m.aim(k.exit.accept, k.exit.addrs()...) != nil {
		k.exit = nil
		return false, nil // the handler of a jump to nowhere: it is stepped
	}
	k.pc, k.sp = back, sp
	return true, nil
}

// leftFor reports whether a thread at pc with the stack pointer sp has jumped out of the
// frame's function, after it took its frame down, to another one.
func (f *Frame) leftFor(pc, sp uint64) bool {
	return f != nil && sp+8 == f.CFA && !f.holds(pc)
}

// escape lets the thread run to where it goes on, if it has come to leave what it
// went over, up to x, otherwise than by returning.
func (k *walker) escape(m *motion, x *exit) (escaped bool, err error) {
	g, escaped := x.goal(k.t)
	k.landing = escaped
	if !escaped {
		return false, nil
	}
	k.pc, k.sp = g.pc, g.sp
	return true, m.aim(g.reached, g.pc)
}

// hold finds the jumps and keeps their sites until release: planting what is planted
// already costs no system call.
func (k *walker) hold() {
	p := k.t.p
	k.jumps = p.jumps()
	k.keep = &Breakpoint{p: p, thread: k.t, internal: true, accept: func(*Thread) bool { return false }}
	for addr := range k.jumps {
		if p.plant(addr, k.keep) == nil {
			k.keep.addrs = append(k.keep.addrs, addr)
		} else {
			delete(k.jumps, addr)
		}
	}
}

// release undoes hold.
func (k *walker) release() error {
	if k.keep == nil {
		return nil
	}
	return k.keep.Remove()
}

// Where a signal handler finds the registers of before above its stack pointer
// (struct rt_sigframe, and uc_mcontext in ucontext_t).
const (
	savedSP = 8 + 40 + 15*8
	savedPC = 8 + 40 + 16*8
)

// word reads a word of memory.
func (p *Process) word(addr uint64) (word uint64, ok bool) {
	var data [8]byte
	_, err := p.ReadAt(addr, data[:])
	return binary.LittleEndian.Uint64(data[:]), err == nil
}

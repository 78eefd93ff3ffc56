//go:build linux && amd64

package tracer

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

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

func (s *site) insert(p *Process) error {
	p.tr.salvage.note(p, s.addr, s.saved)
	return p.writeRaw(s.addr, []byte{int3})
}

func (s *site) remove(p *Process) error {
	p.tr.salvage.forget(p, s.addr)
	return p.writeRaw(s.addr, []byte{s.saved})
}

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

// pass gets t over the breakpoint that it stands on, by a step if step is set: by
// emulation, into a detour, by a step in the detour, or else by a step with the int3
// away, which is why all other threads are stopped. It returns over = false when the
// thread can be resumed as it is, or a Stop that came first.
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
		if t.mayPass && p.catches(t.signal) {
			defer t.postpone()()
		}
		displaced := !t.trap.mistaken && t.goRound()
		if !displaced {
			if err := p.steady(); err != nil {
				return false, nil, err
			}
			if err := s.remove(p); err != nil && !gone(err) {
				return false, nil, err
			}
		}
		if err := t.run(true); err != nil {
			return false, nil, err
		}
		stop, interrupted, err := p.follow(t)
		if p.state == Exited || err != nil {
			return false, stop, err
		}
		if !displaced && p.sites[s.addr] == s {
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
		if again.info == nil || ptrace.Requeue(t.p.PID, t.TID, again.info) != nil {
			ptrace.Tgkill(t.p.PID, t.TID, again.signal)
		}
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

//go:build linux && amd64

package tracer

import (
	"bytes"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// This file makes steps without the thread: the instruction is emulated, which takes
// a fraction of a debug exception and two switches. It must make no difference, so a
// step is a real one where the kernel, the CPU or another thread might have a part in
// it: a signal is pending, a system call is unfinished, a debug register is armed, a
// restartable sequence is under way, memory is shared or guarded.
//
// Registers change in the cache and are written when the movement ends. Memory
// changes at once. A process that lives on when the tracer is killed must be able to
// go on from the registers that the kernel has, so those of one that was not launched
// are written after each store.

// maxEmulated is how many steps in a row are emulated. A real one lets happen what
// nobody thought of, and lets timers of CPU time run.
const maxEmulated = 1000

// emulateStep makes the step of a movement by emulation. It returns nil where that
// takes a real step.
func (p *Process) emulateStep(m *motion) *Stop {
	t := m.t
	if !m.isStep(t) || !m.moves(t) || !t.emulable() {
		return nil
	}
	regs, err := t.Regs()
	if err != nil || regs[arch.EFLAGS]&(flagTF|flagAC) != 0 || restarts(regs) {
		return nil
	}
	pc := regs[arch.RIP]
	if p.sites[pc] != nil && !p.mustPass(t) {
		return nil // it is to be hit
	}
	var code [maxInst]byte
	n, _ := p.ReadAt(pc, code[:])
	do, size := p.tr.decoded.effect(pc, code[:n])
	t.trap.plain = keepsMappings(code[:n], regs)
	switch {
	case do == nil:
		return nil
	case !p.terrain.has(pc, size, procfs.X):
		p.survey()
		return nil
	case !m.alone(t) || t.announced.has(t, pc) || t.watched() || t.queued():
		return nil
	}
	if t.emulated++; t.emulated%maxEmulated == 0 {
		return nil
	}
	t.leave()
	c := cpu{t: t, regs: *regs, alone: true}
	c.regs[arch.RIP] += uint64(size)
	c.regs[arch.OrigRAX] = ^uint64(0) // no system call is to be restarted
	c.regs[arch.EFLAGS] &^= resumeFlag
	if !do(&c) {
		p.survey()
		return nil
	}
	t.setRegs(&c.regs)
	t.ahead, t.isReported = true, false
	if c.stored && !p.launched {
		t.writeBack()
	}
	return p.arrive(p.newStop(ReasonStep, t))
}

// emulable reports whether the thread is about to execute instructions, and nothing
// else.
func (t *Thread) emulable() bool {
	p := t.p
	_, wanted := p.tr.isWanted()
	return !p.tr.onCPU && !wanted && t.state == threadStopped && t.outside && !t.grouped && !t.guest && !t.ending &&
		t.signal == 0 && len(t.sent) == 0 && t.pending == nil && !t.call.inside && p.space == nil && !p.exposed && !p.parting
}

// alone reports whether t is the only thread that would run, of all that are traced.
func (m *motion) alone(t *Thread) bool {
	tr := t.p.tr
	if len(tr.carried) > 0 || len(tr.news) > 0 {
		return false
	}
	if len(tr.threads) == 1 {
		return true
	}
	for _, u := range tr.threads {
		if u != t && (u.state != threadStopped && u.state != threadLeft || u.p == t.p && m.moves(u)) {
			return false
		}
	}
	return true
}

// watched reports whether a debug register is armed.
func (t *Thread) watched() bool {
	if slices.ContainsFunc(t.p.slots[:], func(s slot) bool { return len(s.users) > 0 }) {
		return true
	}
	if !t.debugged {
		return false
	}
	v, err := ptrace.GetDebugReg(t.TID, dr7)
	return err != nil || v != 0
}

// queued reports whether a signal is pending, for the thread or the process, or the
// thread has been killed.
func (t *Thread) queued() bool {
	infos := t.p.tr.queue[:]
	for _, shared := range [...]bool{false, true} {
		if n, err := ptrace.PeekSiginfo(t.TID, shared, 0, infos); n != 0 || err != nil {
			return true
		}
	}
	return false
}

// writeBack writes what emulated steps have made of the registers. One that was killed
// needs them no more.
func (t *Thread) writeBack() {
	if t.ahead && t.state == threadStopped {
		t.ahead = false
		t.flush()
	}
}

// quietCalls change no mappings.
var quietCalls = [...]uint64{
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_CLOSE, unix.SYS_FSTAT, unix.SYS_LSEEK, unix.SYS_PREAD64, unix.SYS_OPENAT, unix.SYS_NEWFSTATAT,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_ACCESS, unix.SYS_READLINK, unix.SYS_GETDENTS64, unix.SYS_FUTEX, unix.SYS_GETPID, unix.SYS_GETRANDOM,
}

// keepsMappings reports whether executing an instruction leaves the mappings as they
// are. Those that enter the kernel may change them.
func keepsMappings(code []byte, regs *arch.Regs) bool {
	if len(code) == 0 {
		return false
	}
	switch op := skipPrefixes(code); op[0] {
	case 0xcc, 0xcd, 0xce, icebp:
		return false
	case 0x0f:
		if len(op) < 2 || op[1] == 0x34 {
			return false
		}
		return op[1] != 0x05 || slices.Contains(quietCalls[:], regs[arch.RAX])
	}
	return true
}

// An announced is the restartable sequence that a thread has announced, as far as it is
// known since the thread stopped.
type announced struct {
	known bool
	area  uint64 // its struct rseq, or 0
	sequence
}

// has reports whether addr is in the sequence, or may be.
func (r *announced) has(t *Thread, addr uint64) bool {
	if !r.known {
		note, cs := t.rseq()
		*r = announced{known: true}
		if note != 0 {
			r.area = note - 8
		}
		if cs != 0 {
			ok := false
			if r.sequence, ok = t.sequence(); !ok {
				r.start, r.end = 0, ^uint64(0) // none that is known, or one that is too long
			}
		}
	}
	return r.sequence.has(addr)
}

// overlaps reports whether a store at addr may announce a sequence.
func (r *announced) overlaps(addr uint64) bool {
	const size = 32 // of struct rseq
	return r.area != 0 && addr+8 > r.area && addr < r.area+size
}

// decodings are the effects of instructions that were executed lately.
type decodings [1 << 11]decoding

// A decoding is an instruction, and what its bytes have to be.
type decoding struct {
	addr   uint64
	code   [maxInst]byte
	n      uint8 // how many of them matter
	size   uint8 // of the instruction
	effect effect
}

// effect is compile for an instruction at addr.
func (d *decodings) effect(addr uint64, code []byte) (effect, int) {
	e := &d[addr%uint64(len(d))]
	if e.addr != addr || e.n == 0 || int(e.n) > len(code) || !bytes.Equal(e.code[:e.n], code[:e.n]) {
		do, size := compile(code)
		*e = decoding{addr: addr, n: uint8(len(code)), size: uint8(size), effect: do}
		if do != nil {
			e.n = e.size
		}
		copy(e.code[:], code)
	}
	return e.effect, int(e.size)
}

//go:build linux && amd64

package tracer

import (
	"encoding/binary"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

// This file steps over restartable sequences (rseq(2)). The kernel aborts one when
// its thread is stopped in it, and the program begins it again: stepping it would
// never end. So a step into a sequence is taken back and the thread runs from there
// to where the sequence is left, which makes one step. A breakpoint in a sequence
// aborts it each time.

// A sequence is what struct rseq_cs (linux/rseq.h) says.
type sequence struct{ start, end, abort uint64 }

func (q sequence) has(addr uint64) bool { return addr-q.start < q.end-q.start }

// maxSequence bounds the code of a sequence. They are a few instructions long.
const maxSequence = 4096

// minStore is how long an instruction at least is that stores a 64-bit register.
const minStore = 3

// sequence returns the sequence that the thread has announced; ok is false if it
// has none.
func (t *Thread) sequence() (q sequence, ok bool) {
	if t.trap.rseq == 0 {
		if t.trap.rseq = ptrace.Rseq(t.TID); t.trap.rseq == 0 {
			return q, false
		}
	}
	at, ok := t.p.word(t.trap.rseq + 8)
	if !ok || at == 0 {
		return q, false
	}
	var cs [32]byte
	if _, err := t.p.ReadAt(at, cs[:]); err != nil {
		return q, false
	}
	q.start = binary.LittleEndian.Uint64(cs[8:])
	q.end = q.start + binary.LittleEndian.Uint64(cs[16:])
	q.abort = binary.LittleEndian.Uint64(cs[24:])
	return q, q.end-q.start <= maxSequence
}

// enterSequence reports whether the step of the motion has gone into a sequence. The
// thread is then where it was before, and to run until it has left the sequence.
func (m *motion) enterSequence() bool {
	t := m.t
	regs, err := t.Regs()
	if err != nil || m.aims != nil || m.sees.signals || regs[arch.RSP] != t.trap.sp || regs[arch.RIP]-t.trap.pc-minStore > maxInst {
		return false // it has not stored the address of a sequence and gone on
	}
	q, ok := t.sequence()
	if !ok || !q.has(regs[arch.RIP]) || q.has(t.trap.pc) || m.aim(nil, t.p.exits(q)...) != nil {
		return false
	}
	// It announces the sequence again, which changes nothing.
	regs[arch.RIP] = t.trap.pc
	t.regsDirty = true
	t.reported, t.isReported = t.trap.pc, true
	return true
}

// exits returns the addresses where a sequence can be left: behind it, where it goes
// when it is aborted, and where its branches lead.
func (p *Process) exits(q sequence) []uint64 {
	exits := []uint64{q.end, q.abort}
	code := make([]byte, q.end-q.start)
	n, _ := p.ReadAt(q.start, code)
	for inst := range disasm.All(code[:n], q.start, nil) {
		if inst.HasTarget && !q.has(inst.Target) {
			exits = append(exits, inst.Target)
		}
	}
	return exits
}

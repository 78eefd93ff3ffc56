//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

// This file keeps the trap flag, with which the kernel makes the CPU stop after an
// instruction, from the program. The kernel hides it in eflags, in the frames of
// signal handlers and from children, but not where the CPU itself copies it:
// pushf to the stack, syscall to r11. That is mended after the step. System calls
// that take registers from memory or copy them are stepped without the flag.
//
// At popf and iret the kernel takes the flag for the program's, because they may
// set it, and never takes it back (enable_single_step). It forgets that when the
// thread goes on otherwise, so the next step begins with an interrupt, which stops
// the thread again before it executes anything.
//
// The SIGTRAP of a step makes the kernel forget the program's handler if the program
// blocks it (force_sig_info_to_task), as it does within that handler. So it is
// unblocked for the time of a step.
//
// A program may set the flag for itself, and has its own SIGTRAP after each
// instruction then. Under a step there is one trap for both: it is the program's,
// and a stop with ReasonSignal. Its icebp is told from the end of a system call,
// which the kernel reports in the same way.

// A trap is what there is to know of the steps of a thread.
type trap struct {
	pc, sp, flags uint64 // before the step that it makes or made last
	mistaken      bool   // the kernel would take the flag of the next step for the program's
	settling      bool   // interrupted before its step, so that the kernel forgets that
	kernels       bool   // the kernel has made the last step, and would go on to
	mask          sigset // what it blocks, if maskRead is set
	maskRead      bool
	rseq          uint64 // where its struct rseq is, if that is known
	unmasked      bool   // SIGTRAP, which it blocks, is not blocked for a step
	plain         bool   // the step leaves the mappings as they are
}

// leave notes where the thread is when it begins a step.
func (t *Thread) leave() {
	if regs, err := t.Regs(); err == nil {
		t.trap.pc, t.trap.sp, t.trap.flags = regs[arch.RIP], regs[arch.RSP], regs[arch.EFLAGS]
	}
}

// singleStep resumes the thread for one instruction and delivers sig.
func (t *Thread) singleStep(sig int) error {
	if t.trap.settling = t.trap.mistaken; t.trap.settling {
		ptrace.Interrupt(t.TID)
		return ptrace.Cont(t.TID, sig)
	}
	t.unmask(sig)
	t.trap.kernels = true
	return ptrace.Step(t.TID, sig)
}

// calm has the kernel forget that threads were stepped, unless they die with the tracer: of
// one that is killed, or cannot let its processes go, the kernel resumes them as they are,
// and a trap that nobody takes ends them. A thread that goes on only to an interrupt
// executes nothing. One that is about to be given a signal is left as it is, and one in
// vfork, which would wait for its child.
func (p *Process) calm() {
	if p.launched {
		return
	}
	for _, t := range slices.Clone(p.threads) { // one that is waited for may have ended
		if !t.trap.kernels || t.state != threadStopped || t.mayPass || t.ending || t.vforking {
			continue
		}
		var info Siginfo
		if t.flush() != nil || ptrace.GetSiginfo(t.TID, &info) != nil || ptrace.Interrupt(t.TID) != nil || ptrace.Cont(t.TID, 0) != nil {
			continue // killed
		}
		t.trap.kernels, t.trap.plain, t.state, t.stepping = false, true, threadRunning, false
		if _, _, err := p.follow(t); err != nil || t.state != threadStopped {
			continue
		}
		ptrace.SetSiginfo(t.TID, &info) // as nobody has asked for this stop
		t.grouped, t.strayed = false, t.grouped
	}
}

// ownTrap reports whether the SIGTRAP with code that ends a step of the thread is
// one that the program would have without that.
func (t *Thread) ownTrap(code int) bool {
	switch code {
	case ptrace.TrapTrace:
		return t.trap.flags&flagTF != 0
	case ptrace.TrapBrkpt:
		return t.executed() == icebp
	}
	return false
}

// mend takes the trap flag of the step that the thread has made from where the CPU
// has copied it.
func (t *Thread) mend() {
	regs, err := t.Regs()
	if err != nil {
		return
	}
	own := t.trap.flags&flagTF != 0
	if !own && regs[arch.R11]&flagTF != 0 && regs[arch.RCX] == regs[arch.RIP] && t.p.isCall(regs[arch.RIP]-2) {
		regs[arch.R11] &^= flagTF
		t.regsDirty = true
	}
	if regs[arch.RSP] == t.trap.sp && regs[arch.RIP]-t.trap.pc <= maxInst {
		return // it has neither pushed nor popped, nor jumped
	}
	switch t.executed() {
	case pushf:
		var low [2]byte
		if _, err := t.p.readRaw(regs[arch.RSP], low[:]); own || err != nil {
			return
		}
		binary.LittleEndian.PutUint16(low[:], binary.LittleEndian.Uint16(low[:])&^flagTF)
		t.p.writeRaw(regs[arch.RSP], low[:])
	case popf, iret:
		t.trap.mistaken = true
	}
}

// Opcodes of instructions that move or raise the flag.
const (
	pushf = 0x9c
	popf  = 0x9d
	iret  = 0xcf
	icebp = 0xf1
)

// executed returns the first byte of the opcode of the instruction that the thread
// has stepped, behind the prefixes. After mov ss that is the second instruction of
// two: it holds the trap back (SDM volume 3, 7.8.3).
func (t *Thread) executed() byte {
	var buf [2 * maxInst]byte
	n, _ := t.p.readRaw(t.trap.pc, buf[:])
	code := buf[:n]
	t.p.hide(t.trap.pc, code)
	op := skipPrefixes(code)
	if len(op) > 1 && op[0] == 0x8e && op[1]>>3&7 == 2 {
		inst, err := disasm.Decode(code, t.trap.pc, nil)
		if regs, _ := t.Regs(); err != nil || regs[arch.RIP] == inst.Next() {
			return op[0]
		}
		op = skipPrefixes(code[len(inst.Data):])
	}
	if len(op) == 0 {
		return 0
	}
	return op[0]
}

// isCall reports whether there is a syscall instruction at addr.
func (p *Process) isCall(addr uint64) bool {
	var code [2]byte
	_, err := p.ReadAt(addr, code[:])
	return err == nil && code == [2]byte{0x0f, 0x05}
}

// skipPrefixes returns an instruction from its opcode on.
func skipPrefixes(code []byte) []byte {
	for len(code) > 1 {
		switch b := code[0]; {
		case b&0xf0 == 0x40: // REX
		case b == 0x66, b == 0x67, b == 0xf2, b == 0xf3, b == 0x2e, b == 0x36, b == 0x3e, b == 0x26, b == 0x64, b == 0x65:
		default:
			return code
		}
		code = code[1:]
	}
	return code
}

// blocksTrap reports whether the program blocks SIGTRAP.
func (t *Thread) blocksTrap() bool {
	if !t.trap.maskRead {
		mask, err := ptrace.GetSigmask(t.TID)
		t.trap.mask, t.trap.maskRead = sigset(mask), err == nil
	}
	return t.trap.mask.has(int(unix.SIGTRAP))
}

// unmask unblocks SIGTRAP until the next stop of the thread, to which sig is
// delivered. A handler's frame must not be made then: it keeps the mask.
func (t *Thread) unmask(sig int) {
	if !t.blocksTrap() || t.p.catches(sig) {
		return
	}
	t.trap.unmasked = ptrace.SetSigmask(t.TID, uint64(t.trap.mask&^sigsetOf(unix.SIGTRAP))) == nil
}

// remask undoes unmask.
func (t *Thread) remask() {
	if t.trap.unmasked {
		ptrace.SetSigmask(t.TID, uint64(t.trap.mask))
		t.trap.unmasked = false
	}
}

// copiesState reports whether the thread is about to make a system call that a step
// must not make with the trap flag: a child would find that in its copy of r11,
// rt_sigreturn brings eflags with which the kernel mistakes the program's own
// flag for the step's, and any might tell or change that SIGTRAP is blocked.
func (t *Thread) copiesState() bool {
	regs, err := t.Regs()
	if err != nil || t.guest {
		return false
	}
	if t.blocksTrap() {
		return t.p.isCall(regs[arch.RIP])
	}
	switch regs[arch.RAX] {
	case unix.SYS_RT_SIGRETURN, unix.SYS_CLONE, unix.SYS_CLONE3, unix.SYS_FORK, unix.SYS_VFORK:
		return t.p.isCall(regs[arch.RIP])
	}
	return false
}

// settled handles the interrupt before a step. Where a signal has taken the thread
// to its handler meanwhile, that is the step.
func (p *Process) settled(t *Thread) *Stop {
	if !t.trap.settling {
		return nil
	}
	t.trap.settling = false
	regs, err := t.Regs()
	if err != nil || regs[arch.RIP] == t.trap.pc {
		return nil
	}
	return p.newStop(ReasonStep, t)
}

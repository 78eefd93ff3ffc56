package triage

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// This file finds what went wrong where a program handles the signal of it, and then ends
// itself: by abort in the handler, or by the same signal once more, which comes when the
// handler returns.

// What the kernel puts on the stack for a handler (struct rt_sigframe), from its struct
// ucontext on, which the frame that returns from the handler has its stack pointer at. The
// siginfo is there only if the handler has asked for it.
const (
	contextRegs = 40                // uc_mcontext
	contextTrap = contextRegs + 160 // trapno
	contextAddr = contextRegs + 176 // cr2
	contextSize = contextAddr + 8
)

const siTimer = -2 // si_code

// contextOrder are the registers of uc_mcontext, 8 bytes each.
var contextOrder = []arch.Reg{
	arch.R8, arch.R9, arch.R10, arch.R11, arch.R12, arch.R13, arch.R14, arch.R15, arch.RDI, arch.RSI,
	arch.RBP, arch.RBX, arch.RDX, arch.RAX, arch.RCX, arch.RSP, arch.RIP, arch.EFLAGS,
}

// exceptions are the signals and codes that the kernel makes of the CPU's exceptions (SDM
// volume 3, 6.15).
var exceptions = map[uint64]struct {
	sig  unix.Signal
	code int
}{
	0: {unix.SIGFPE, intDivide}, 6: {unix.SIGILL, 1}, 12: {unix.SIGBUS, siKernel}, 13: {unix.SIGSEGV, siKernel}, 14: {unix.SIGSEGV, 1}, 17: {unix.SIGBUS, 1},
}

// unhandle makes the event that of the instruction that a handler was called for, if the
// process has ended itself in one, and reports whether it has. A handler of the signal that it
// has ended itself with, as Go has, may have been called before that.
func (x *examination) unhandle() bool {
	frames := x.Stack.Frames
	if x.Stack.Elided > 0 {
		frames = frames[:x.Stack.After]
	}
	for at := range frames {
		if x.Code <= 0 && frames[at].Signal && x.handled(at) {
			return true
		}
	}
	return false
}

// handled makes the event that of the instruction that the kernel has called a handler for in
// the given frame, and reports whether that raises a signal.
func (x *examination) handled(at int) bool {
	context := make([]byte, contextSize)
	if n, _ := x.p.ReadAt(x.Stack.Frames[at].SP, context); n < len(context) {
		return false
	}
	raised, ok := exceptions[binary.LittleEndian.Uint64(context[contextTrap:])]
	if !ok {
		return false
	}
	e, y := *x.Event, *x
	e.Signal, e.Code, e.Sender, e.Addr = int(raised.sig), raised.code, 0, binary.LittleEndian.Uint64(context[contextAddr:])
	for i, r := range contextOrder {
		e.Regs[r] = binary.LittleEndian.Uint64(context[contextRegs+8*i:])
	}
	e.Stack.Frames = e.Stack.Frames[at+1:]
	if e.Stack.After > 0 {
		e.Stack.After -= at + 1
	}
	y.Event = &e
	if y.decode(); !y.faulty() {
		return false // the exception is one before
	}
	y.after = fmt.Sprintf(" The program's own handler of %s then ended it with %s.", signalName(e.Signal), signalName(x.Signal))
	*x = y
	return true
}

// faulty reports whether the instruction at the pc is one for which the CPU raises the signal.
func (x *examination) faulty() bool {
	switch unix.Signal(x.Signal) {
	case unix.SIGFPE:
		_, _, ok := x.divisor()
		return ok
	case unix.SIGILL:
		return x.inst == nil || x.check() != ""
	}
	return x.fault != nil && x.fault.Access != ""
}

// repeat makes a signal that the process was sent that of the instruction at the pc, if that
// is not allowed: its handler has sent it, as the CPU would when the instruction runs again, or
// the kernel, as there is no stack to call the handler on.
func (x *examination) repeat() {
	sig := unix.Signal(x.Signal)
	forced := sig == unix.SIGSEGV && x.Code == siKernel && x.executable() && x.accessed() == nil && !x.privileged()
	if x.Code > 0 && !forced || sig != unix.SIGSEGV && sig != unix.SIGBUS {
		return
	}
	e := *x.Event
	switch addr, ok := x.forbidden(); {
	case !x.executable():
		e.Addr = x.pc
	case !ok:
		return
	case !canonical(addr):
		e.Code = siKernel
	default:
		e.Addr = addr
	}
	switch {
	case forced:
		e.Code = 1 // SEGV_MAPERR
		x.after = " The program has a handler for that, which the kernel could not call on this stack."
	default:
		if e.Code <= 0 {
			e.Code = 2 // SEGV_ACCERR, or BUS_ADRERR
		}
		x.after = fmt.Sprintf(" The program handled that, and was then sent %s by %s.", signalName(x.Signal), x.sender())
	}
	x.Event = &e
}

// privileged reports whether the instruction is one that the CPU refuses before it looks at
// the memory that it would access.
func (x *examination) privileged() bool {
	words := strings.Fields(strings.Trim(x.text(), " ()"))
	return slices.ContainsFunc(words[:min(len(words), 2)], func(word string) bool { // the first may be rep
		return slices.Contains([]string{"insb", "insw", "insd", "outsb", "outsw", "outsd", "lgdt", "lidt", "lldt", "ltr", "invlpg", "invpcid"}, word)
	})
}

// sent says that no instruction is at fault.
func (x *examination) sent() string {
	return fmt.Sprintf("%s was sent by %s while the process was in %s: no instruction was at fault.", signalName(x.Signal), x.sender(), x.place())
}

// sender names the process that sent the signal. Its own id says nothing, and differs from run
// to run.
func (x *examination) sender() string {
	switch {
	case x.Code == siTimer:
		return "a timer"
	case x.Sender == 0:
		return "a process that is not known"
	case x.Sender == x.PID:
		return "itself"
	}
	return fmt.Sprintf("process %d", x.Sender)
}

// forbidden returns an address that the instruction at the pc would access and may not.
func (x *examination) forbidden() (addr uint64, ok bool) {
	for i := range x.accesses {
		a := &x.accesses[i]
		need := procfs.R
		if a.Write {
			need = procfs.W
		}
		for _, at := range []uint64{0, uint64(max(a.Size, 1)) - 1} {
			addr = a.Addr(&x.Regs) + at
			m := x.mapping(addr)
			if m == nil || m.Perms&need == 0 || unix.Signal(x.Signal) == unix.SIGBUS && !x.readable(addr, 1) {
				return addr, !a.Vector
			}
		}
	}
	return 0, false
}

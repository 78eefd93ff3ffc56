//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

// Call is Thread.Call for the thread that stopped last.
func (p *Process) Call(addr uint64, args []Arg, o *MoveOptions) (uint64, error) {
	t, err := p.caller("call")
	if err != nil {
		return 0, err
	}
	return t.Call(addr, args, o)
}

// Call lets the thread call the function at addr and returns rax. Arguments are
// passed as the System V ABI has it for integers and pointers. If the function is
// an indirect one, such as strlen, the one is called that its resolver chooses.
//
// The call is a movement: the other threads run unless the options hold them, and
// breakpoints call their handlers, which may make calls themselves. The function
// returns to the program's entry point, where nothing runs any more. The thread is
// afterwards where it was: all its registers, the arguments' place on the stack,
// the system call that it was in, and its pending signal are put back. So they are
// if a signal, a breakpoint or anything else surfaces, or the options' time runs
// out, before the function returns; the error then says what and where. A signal
// that was sent to the thread is delivered later. What the function has done to
// memory stays. Process.Stop is what it was, unless the process ended or began
// another program. Options for the delivery of a signal do not matter.
func (t *Thread) Call(addr uint64, args []Arg, o *MoveOptions) (uint64, error) {
	fn, err := addr, error(nil)
	if sym, ok := t.p.SymbolAt(addr); ok && sym.Addr == addr && sym.Kind == image.IFunc {
		fn, err = t.callOnce(addr, nil, o)
	}
	var value uint64
	if err == nil {
		value, err = t.callOnce(fn, args, o)
	}
	if err != nil {
		return 0, &Error{Op: "call", TID: t.TID, Addr: addr, At: true, Err: err}
	}
	return value, nil
}

func (t *Thread) callOnce(addr uint64, args []Arg, o *MoveOptions) (value uint64, err error) {
	p := t.p
	if err := p.held(); err != nil {
		return 0, err
	}
	if t.grouped {
		return 0, errors.New("the process is stopped by job control and needs a SIGCONT first")
	}
	main, err := p.MainImage()
	if err != nil {
		return 0, err
	}
	home := main.Bias + main.File.Entry()
	a, err := t.setAside()
	if err != nil {
		return 0, err
	}
	before, current := p.stop, p.current
	undo, err := a.enter(addr, args, home)
	if err == nil {
		value, err = a.run(home, o)
	}
	if p.state == Exited || p.execs != a.execs {
		return 0, err
	}
	p.stop, p.current = before, current
	return value, errors.Join(err, a.restore(undo))
}

// xstateSize is more than the XSAVE area of any CPU takes.
const xstateSize = 32 << 10

// enter makes the thread stand at the beginning of a function that will return to
// home. It returns what undoes that.
func (a *aside) enter(addr uint64, args []Arg, home uint64) (undo func() error, err error) {
	t := a.t
	xstate := make([]byte, xstateSize)
	n, err := ptrace.GetXState(t.TID, xstate)
	if err != nil {
		return nil, fmt.Errorf("read the extended registers: %w", err)
	}
	words, sp, clean, err := a.push(args, func(words []uint64) []uint64 {
		// Where the function begins, rsp is 8 below a multiple of 16.
		return append([]uint64{0, home}, words[min(len(words), len(wordRegs)):]...)
	})
	if err != nil {
		return nil, err
	}
	regs := a.regs
	for i := range min(len(words), len(wordRegs)) {
		regs[wordRegs[i]] = words[i]
	}
	regs[arch.RIP], regs[arch.RSP] = addr, sp+8
	regs[arch.RAX] = 0              // no vector registers hold arguments
	regs[arch.OrigRAX] = ^uint64(0) // no system call is to be restarted
	regs[arch.EFLAGS] &^= flagTF | flagDF
	t.setRegs(&regs)
	return func() error {
		return errors.Join(clean(), ptrace.SetXState(t.TID, xstate[:n]))
	}, nil
}

// wordRegs are the registers of the first arguments of a function.
var wordRegs = [...]arch.Reg{arch.RDI, arch.RSI, arch.RDX, arch.RCX, arch.R8, arch.R9}

// flagDF makes string instructions go down.
const flagDF = 1 << 10

// run runs the function that the thread is at the beginning of, and returns rax.
func (a *aside) run(home uint64, o *MoveOptions) (uint64, error) {
	t, p := a.t, a.t.p
	after := t.regs[arch.RSP] + 8
	limits := MoveOptions{}
	if o != nil {
		limits.Only, limits.Timeout = o.Only, o.Timeout
	}
	stop, err := p.runTo("call", t, []uint64{home}, func(t *Thread) bool {
		regs, err := t.Regs()
		return err == nil && regs[arch.RSP] == after
	}, &limits)
	switch {
	case p.state == Exited:
		return 0, errors.Join(err, ErrExited)
	case err != nil:
		if e, ok := err.(*Error); ok && e.Op == "call" {
			err = e.Err
		}
		return 0, err
	case stop.Reason == ReasonStep && stop.Thread == t:
		regs, err := t.Regs()
		if err != nil {
			return 0, err
		}
		a.mask, err = ptrace.GetSigmask(t.TID) // the function may have changed it
		return regs[arch.RAX], err
	}
	t.pending = nil // what else there is to say of the function
	if t.mayPass && t.signal != 0 {
		var info Siginfo
		if err := ptrace.GetSiginfo(t.TID, &info); err == nil && info.Code() <= 0 {
			a.late = append(a.late, info)
		}
	}
	return 0, p.surfaced(stop)
}

// surfaced describes a stop that came before the function returned.
func (p *Process) surfaced(stop *Stop) error {
	what := stop.Reason.String()
	switch stop.Reason {
	case ReasonExec:
		return errors.New("the process began another program")
	case ReasonSignal:
		what = SignalName(stop.Signal)
	case ReasonBreakpoint:
		if b := stop.Breakpoint; b != nil && !b.internal {
			what = fmt.Sprintf("breakpoint %d", b.ID)
		}
	}
	return fmt.Errorf("undone by %s at %s", what, p.place(stop.PC))
}

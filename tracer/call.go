//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/debuginfo"
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

// Call lets the thread call the function at addr and returns rax: see Invoke.
func (t *Thread) Call(addr uint64, args []Arg, o *MoveOptions) (uint64, error) {
	r, err := t.Invoke(&Call{Addr: addr, Args: args}, o)
	if err != nil {
		return 0, err
	}
	return r.Word, nil
}

// A Call is a function to be called, and with what.
type Call struct {
	Addr uint64
	Args []Arg
	Type *debuginfo.Type // of the result, or nil for none and for a word
}

// A Result is what a function has returned.
type Result struct {
	Word   uint64 // rax
	Object []byte // of the type that the call has asked for, or nil
	Addr   uint64 // where the object lies below the stack until the process moves, or 0
}

// Invoke lets the thread call a function. Arguments and results are passed as the
// System V ABI has it. If the function is an indirect one, such as strlen, the one is
// called that its resolver chooses.
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
func (t *Thread) Invoke(c *Call, o *MoveOptions) (*Result, error) {
	called := *c
	var err error
	if sym, ok := t.p.SymbolAt(c.Addr); ok && sym.Addr == c.Addr && sym.Kind == image.IFunc {
		var chosen *Result
		if chosen, err = t.invoke(&Call{Addr: c.Addr}, o); err == nil {
			called.Addr = chosen.Word
		}
	}
	var r *Result
	if err == nil {
		r, err = t.invoke(&called, o)
	}
	if err != nil {
		return nil, &Error{Op: "call", TID: t.TID, Addr: c.Addr, At: true, Err: err}
	}
	return r, nil
}

func (t *Thread) invoke(c *Call, o *MoveOptions) (r *Result, err error) {
	p := t.p
	if err := p.still(); err != nil {
		return nil, err
	}
	if t.grouped {
		return nil, errors.New("the process is stopped by job control and needs a SIGCONT first")
	}
	main, err := p.MainImage()
	if err != nil {
		return nil, err
	}
	home := main.Bias + main.File.Entry()
	args := c.Args
	inMemory, err := returnedInMemory(c.Type)
	if err != nil {
		return nil, err
	}
	if inMemory {
		args = append([]Arg{{Data: make([]byte, c.Type.Size)}}, args...)
	}
	a, err := t.setAside()
	if err != nil {
		return nil, err
	}
	before, current := p.stop, p.current
	undo, err := a.enter(c.Addr, args, home)
	if err == nil {
		r, err = a.run(home, o)
	}
	if err == nil && c.Type != nil {
		err = a.t.fetch(r, c.Type)
	}
	if p.state == Exited || p.execs != a.execs {
		return nil, err
	}
	p.stop, p.current = before, current
	switch {
	case r == nil:
	case r.Addr != 0:
		a.t.kept = kept{p.stop, a.regs[arch.RSP], r.Addr}
	case a.data != 0 && r.Word >= a.data && r.Word < a.regs[arch.RSP]: // it points into its arguments
		a.t.kept = kept{p.stop, a.regs[arch.RSP], a.data}
	}
	return r, errors.Join(err, a.restore(undo))
}

// ParamsAt returns the parameters of the function that begins at addr, as far as debug
// information tells.
func (p *Process) ParamsAt(addr uint64) []debuginfo.Param {
	funcs := p.funcsAt(addr)
	if len(funcs) == 0 {
		return nil
	}
	t, err := funcs[len(funcs)-1].Type()
	if err != nil {
		return nil
	}
	params, _, _ := t.Params()
	return params
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
	var placed passing
	_, sp, clean, err := a.push(args, func(words []uint64) []uint64 {
		// Where the function begins, rsp is 8 below a multiple of 16.
		placed.stack = []uint64{0, home}
		for i := range args {
			if args[i].Data != nil {
				a.data = words[i]
			}
			placed.pass(words[i], &args[i])
		}
		return placed.stack
	})
	if err != nil {
		return nil, err
	}
	regs := a.regs
	for i, w := range placed.words {
		regs[arch.FromDWARF[integerArgs[i]]] = w
	}
	regs[arch.RIP], regs[arch.RSP] = addr, sp+8
	regs[arch.RAX] = uint64(len(placed.vectors)) // how many vector registers hold arguments
	regs[arch.OrigRAX] = ^uint64(0)              // no system call is to be restarted
	regs[arch.EFLAGS] &^= flagTF | flagDF
	t.setRegs(&regs)
	for i, v := range placed.vectors {
		if err := t.SetXReg(xreg(dwarfXMM0+i), v); err != nil {
			return nil, errors.Join(err, clean())
		}
	}
	return func() error {
		t.x = xregs{}
		return errors.Join(clean(), ptrace.SetXState(t.TID, xstate[:n]))
	}, nil
}

// flagDF makes string instructions go down.
const flagDF = 1 << 10

// run runs the function that the thread is at the beginning of, and returns rax.
func (a *aside) run(home uint64, o *MoveOptions) (*Result, error) {
	t, p := a.t, a.t.p
	after := t.regs[arch.RSP] + 8
	limits := MoveOptions{}
	if o != nil {
		limits.Only, limits.Timeout = o.Only, o.Timeout
	}
	stop, there, err := p.runTo("call", t, []uint64{home}, func(t *Thread) bool {
		regs, err := t.Regs()
		return err == nil && regs[arch.RSP] == after
	}, &limits)
	switch {
	case p.state == Exited:
		return nil, errors.Join(err, ErrExited)
	case err != nil:
		if e, ok := err.(*Error); ok && e.Op == "call" {
			err = e.Err
		}
		return nil, err
	case there:
		regs, err := t.Regs()
		if err != nil {
			return nil, err
		}
		a.mask, err = ptrace.GetSigmask(t.TID) // the function may have changed it
		return &Result{Word: regs[arch.RAX]}, err
	}
	t.pending = nil // what else there is to say of the function
	if t.mayPass && t.signal != 0 {
		var info Siginfo
		if err := ptrace.GetSiginfo(t.TID, &info); err == nil && info.Code() <= 0 {
			a.late = append(a.late, info)
		}
	}
	return nil, p.surfaced(stop)
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

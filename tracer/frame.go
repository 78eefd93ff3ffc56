//go:build linux && amd64

package tracer

import (
	"errors"
	"strings"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/unwind"
)

// A Frame is the activation of a function on a thread's stack.
type Frame struct {
	unwind.Frame
	Level   int             // 0 is the innermost
	Func    *debuginfo.Func // in the addresses of its file, or nil if that does not tell
	Inlined bool            // into the function of the next frame

	in     *target
	t      owner
	epoch  uint64
	shown  string          // the arguments as Text has written them last
	callee *debuginfo.Func // that was inlined into this function where it is, or nil
	outer  []*Frame        // those of the same stack beyond it that were asked for with it
}

// Frames returns the thread's stack, innermost frame first and max frames at
// most. Where a breakpoint on a function has stopped the thread, functions that were
// inlined there and begin at the same instruction are not entered yet: they have no
// frames, until StepLine enters them one by one. The error says why the stack cannot
// be followed beyond them; it is nil if the last one is the outermost or number max.
func (t *Thread) Frames(max int) ([]*Frame, error) {
	regs, err := t.Regs()
	if err != nil {
		return nil, err
	}
	return t.p.stack(t, regs, unwind.AllRegs, max, len(t.unentered(regs[arch.RIP])))
}

// FramesFrom returns the stack that a thread would have with other registers, such as a
// coroutine has saved. Of those that known does not have there are no values.
func (x *target) FramesFrom(regs *arch.Regs, known unwind.RegSet, max int) ([]*Frame, error) {
	if err := x.of.held(); err != nil {
		return nil, &Error{Op: "unwind", TID: x.of.id(), Err: err}
	}
	return x.stack(&given{*regs}, regs, known, max, 0)
}

// A given owner of frames is none of the process's threads.
type given struct{ regs arch.Regs }

func (g *given) Regs() (*arch.Regs, error)            { return &g.regs, nil }
func (g *given) Frames(int) ([]*Frame, error)         { return nil, errGiven }
func (g *given) XReg(*arch.XRegister) ([]byte, error) { return nil, errGiven }

var errGiven = errors.New("the registers of the stack were given, and are no thread's")

// unentered returns the functions, the innermost first, that were inlined and begin
// at pc, where the thread is, but are yet to be entered, as gdb's
// stopped_by_user_bp_inline_frame has it.
func (t *Thread) unentered(pc uint64) []*debuginfo.Func {
	s := t.p.stop
	if s == nil || s.Thread != t || s.PC != pc {
		return nil
	}
	if s.Breakpoint == nil {
		return s.unentered
	}
	asked, ok := s.Breakpoint.begin[pc]
	if !ok {
		return nil
	}
	img, ok := t.p.ImageAt(pc)
	if !ok {
		return nil
	}
	funcs, _ := img.Funcs(pc)
	for i, f := range funcs {
		if f == asked || f.Caller == nil || f.Entry+img.Bias != pc {
			return funcs[:i]
		}
	}
	return nil
}

// stack returns the stack of a thread with the registers regs, as far as known. A function that was
// inlined has a frame of its own, with the registers of that which it is in; the
// innermost ones, so many as are not entered, have none.
func (x *target) stack(t owner, regs *arch.Regs, known unwind.RegSet, limit, unentered int) ([]*Frame, error) {
	if limit <= 0 {
		return nil, nil
	}
	var frames []*Frame
	var fresh []Frame // allocated, and not used yet
	interrupted := false
	err := unwind.Follow(x.of, code{x}, regs, known, func(u *unwind.Frame) bool {
		if interrupted = len(frames) > 0 && x.interrupted(u.Lookup); interrupted {
			return false
		}
		funcs, err := x.functionsAt(u.Lookup)
		if interrupted = err != nil; interrupted {
			return false
		}
		frames, fresh = x.expand(frames, fresh, t, u, funcs, limit, unentered)
		unentered = 0
		return len(frames) < limit
	})
	if interrupted {
		return nil, ErrInterrupted
	}
	for i, f := range frames {
		f.outer = frames[i+1:]
	}
	return frames, err
}

// interrupted reports whether the tracer is interrupted, and the code at an address is of a
// large file, in each of whose units the first lookup takes milliseconds.
func (x *target) interrupted(addr uint64) bool {
	if x.tr == nil || x.tr.patient || x.tr.wanted.Load() != uint64(ReasonInterrupt) {
		return false
	}
	img, ok := x.ImageAt(addr)
	return ok && img.FileSize() >= large
}

// expand appends the frames of the functions that a frame is of: those that were inlined,
// but for the innermost ones that are not entered, and the one they are in. It takes them
// from fresh, and returns what is left of that.
func (x *target) expand(frames []*Frame, fresh []Frame, t owner, u *unwind.Frame, funcs []*debuginfo.Func, limit, unentered int) ([]*Frame, []Frame) {
	const atOnce = 16
	for j := unentered; j < max(1, len(funcs)) && len(frames) < limit; j++ {
		if len(fresh) == 0 {
			fresh = make([]Frame, min(atOnce, limit-len(frames)))
		}
		f := &fresh[0]
		fresh = fresh[1:]
		*f = Frame{Frame: *u, Level: len(frames), in: x, t: t, epoch: x.of.epoch()}
		if len(funcs) > 0 {
			f.Func, f.Inlined = funcs[j], j < len(funcs)-1
		}
		if j > 0 {
			f.callee = funcs[j-1]
		}
		frames = append(frames, f)
	}
	return frames, fresh
}

// code is the target's code as the unwinder sees it.
type code struct{ in *target }

func (c code) CFI(pc uint64) (*unwind.Table, uint64, bool) {
	if !c.in.executable(pc) {
		return nil, 0, false
	}
	img, ok := c.in.ImageAt(pc)
	if !ok {
		return nil, 0, true
	}
	table, bias, _ := img.CFI()
	return table, bias, true
}

// Caller asks what SetUnwinder was given.
func (c code) Caller(f, caller *unwind.Frame) (bool, error) {
	ask := c.in.callers
	if ask == nil {
		return false, nil
	}
	c.in.callers = nil // for stacks that it looks at itself
	defer func() { c.in.callers = ask }()
	return ask(f, caller)
}

// SetUnwinder has ask find the callers of frames: it sets the registers of the caller of f
// as far as known, rip and rsp among them, or returns false where it cannot tell. Stacks
// are followed as ever then. An error ends the stack. nil undoes it.
func (x *target) SetUnwinder(ask func(f, caller *unwind.Frame) (bool, error)) { x.callers = ask }

// Role knows the functions of Go's runtime that go on to the system's stack, of which mcall
// leaves that of a goroutine for good, and those that it has others call when a signal comes.
func (c code) Role(pc uint64) unwind.Role {
	sym, ok := c.in.SymbolAt(pc)
	if !ok {
		return unwind.Plain
	}
	switch strings.TrimSuffix(sym.Name, ".abi0") {
	case "runtime.systemstack", "runtime.asmcgocall", "runtime.mcall":
		return unwind.Switches
	case "runtime.sigpanic", "runtime.sigpanic0", "runtime.asyncPreempt":
		return unwind.Injected
	}
	return unwind.Plain
}

// Image returns the ELF file that the frame's code lies in, or nil.
func (f *Frame) Image() *image.Image {
	img, _ := f.in.ImageAt(f.Lookup)
	return img
}

// Symbol returns the function that the frame's code lies in, and how far into it
// PC is.
func (f *Frame) Symbol() (sym image.Symbol, offset uint64, ok bool) {
	sym, ok = f.in.SymbolAt(f.Lookup)
	return sym, f.PC - sym.Addr, ok
}

//go:build linux && amd64

package tracer

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/image"
)

// A lineStep is a step by lines of source, under way. It ends where another line
// begins, or where its function has returned: the caller is in the middle of a
// line then.
type lineStep struct {
	t    *Thread
	into bool
	file string
	line int
	fn   *debuginfo.Func // the innermost one, inlined or not
	cfa  uint64          // of the frame, where it is known

	behind *Breakpoint // on the function behind a stub that was called, or nil
}

// StepLine executes instructions of the thread until it comes to another line of
// source. into goes into functions that have lines, the others are run to their
// ends; into one that was inlined and begins where the thread is, without executing
// anything. Where there is no line it is one instruction.
func (t *Thread) StepLine(into bool, o *MoveOptions) (*Stop, error) {
	op := "next_line"
	if into {
		op = "step_line"
	}
	begin := time.Now()
	regs, err := t.Regs()
	if err != nil {
		return nil, err
	}
	if inner := t.unentered(regs[arch.RIP]); into && len(inner) > 0 {
		t.p.report(&Stop{Reason: ReasonStep, Process: t.p, Thread: t, unentered: inner[:len(inner)-1]})
		return t.p.stop, nil
	}
	frames, err := t.Frames(1)
	if len(frames) == 0 {
		return nil, &Error{Op: op, TID: t.TID, Err: err}
	}
	line, err := frames[0].Line()
	if err != nil {
		if into {
			return t.Step(1, o)
		}
		return t.Next(o)
	}
	s := &lineStep{t: t, into: into, file: line.File, line: line.Line, fn: frames[0].Func, cfa: frames[0].CFA}
	walk := &Walk{Over: true, Into: s.enters, Condition: s.arrived, own: true, lands: true}
	if funcs := t.p.funcsAt(regs[arch.RIP]); len(funcs) > 0 && s.cfa != 0 {
		walk.frame = &Frame{Frame: frames[0].Frame, Func: funcs[len(funcs)-1], in: frames[0].in}
	}
	stop, err := t.StepUntil(walk, o)
	if b := s.behind; b != nil {
		if stop != nil && stop.Breakpoint == b {
			stop.Reason, stop.Breakpoint = ReasonStep, nil
		}
		err = errors.Join(err, b.Remove())
	}
	if err != nil || stop.Reason != ReasonStep || !into {
		return stop, err
	}
	if end, err := t.p.PrologueEnd(stop.PC); err == nil && end != stop.PC {
		return t.Until(end, o.rest(begin)) // it has come into a function
	}
	return stop, nil
}

// rest returns the options for what remains of a movement that began at a time.
func (o *MoveOptions) rest(begin time.Time) *MoveOptions {
	if o == nil {
		return nil
	}
	rest := &MoveOptions{Only: o.Only, Timeout: o.Timeout}
	if o.Timeout > 0 {
		rest.Timeout = max(1, o.Timeout-time.Since(begin))
	}
	return rest
}

// enters reports whether the step goes into the function at addr.
func (s *lineStep) enters(addr uint64) bool {
	if !s.into {
		return false
	}
	p := s.t.p
	if sym, ok := p.SymbolAt(addr); ok && sym.Kind == image.PLT {
		// The stub may lead through the dynamic linker.
		if target, err := p.Addr(strings.TrimSuffix(sym.Name, "@plt")); err == nil && p.hasLines(target) && s.behind == nil {
			b := &Breakpoint{p: p, addr: target, thread: s.t, internal: true}
			if p.plant(target, b) == nil {
				b.addrs = []uint64{target}
				s.behind = b
			}
		}
		return false
	}
	return p.hasLines(addr)
}

func (x *target) hasLines(addr uint64) bool {
	_, err := x.LineAt(addr)
	return err == nil
}

// arrived reports whether the step ends where the thread is.
func (s *lineStep) arrived(*Stop) (bool, error) {
	regs, err := s.t.Regs()
	if err != nil {
		return false, err
	}
	pc := regs[arch.RIP]
	returned := s.cfa != 0 && regs[arch.RSP] >= s.cfa
	line, err := s.t.p.LineAt(pc)
	switch {
	case returned:
		return true, nil
	case err != nil, line.File == s.file && line.Line == s.line:
		return false, nil
	case !s.into && slices.Index(s.t.p.funcsAt(pc), s.fn) > 0:
		return false, nil // in a function that was inlined into this one
	}
	return line.Low == pc && line.IsStmt, nil
}

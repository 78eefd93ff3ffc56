//go:build linux && amd64

package tracer

import (
	"errors"
	"slices"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/unwind"
	"github.com/tracelark/tracelark/tracer/value"
)

// Finish runs the thread until the function that it is in returns. The stop's
// Value is rax then, the integer or pointer that the function returned; a function
// that was inlined has none, nor has one that longjmp or an exception has led out of:
// the movement ends where the thread goes on then.
func (t *Thread) Finish(o *MoveOptions) (*Stop, error) {
	frames, err := t.Frames(1)
	if len(frames) == 0 {
		return nil, err
	}
	frame := frames[0]
	if frame.Inlined {
		return t.finishInlined(frame, o)
	}
	regs, err := t.Regs()
	if err != nil {
		return nil, err
	}
	// Of the caller no more is needed than where it goes on.
	stack, err := unwind.Stack(t.p, code{&t.p.target}, regs, 2)
	if len(stack) < 2 {
		return nil, outermost(t, err)
	}
	return t.finishOuter(frame, stack[1].PC, stack[0].CFA, o)
}

// outermost returns the error of finishing a frame whose caller is not known; err says
// why, unless there is none.
func outermost(t *Thread, err error) error {
	if err == nil {
		err = errors.New("this is the outermost function")
	}
	return &Error{Op: "finish", TID: t.TID, Err: err}
}

// maxFinish limits how far up the stack a frame is looked for that was found before
// the thread moved.
const maxFinish = 1 << 17

// FinishFrame is Finish for a frame of the thread's stack, which may be any of them.
// Inner activations of its function do not count. The frame may have been found
// before the thread moved, but it is an error if it has returned since.
func (t *Thread) FinishFrame(frame *Frame, o *MoveOptions) (*Stop, error) {
	same := func(f *Frame) bool {
		return f.CFA == frame.CFA && f.CFA != 0 && f.Inlined == frame.Inlined && f.Function() == frame.Function()
	}
	var err error
	for _, limit := range []int{frame.Level + 2, maxFinish} {
		var frames []*Frame
		frames, err = t.Frames(limit)
		// One is the outermost if nothing follows.
		if i := slices.IndexFunc(frames, same); i >= 0 && (i+1 < len(frames) || len(frames) < limit) {
			return t.finish(frames, i, err, o)
		}
	}
	return nil, &Error{Op: "finish", TID: t.TID, Err: errors.Join(errors.New("the frame is not on the stack any more"), err)}
}

// finish finishes frame i of a stack. err says why that ends, if it does.
func (t *Thread) finish(frames []*Frame, i int, err error, o *MoveOptions) (*Stop, error) {
	frame := frames[i]
	inner := i // the frame that returns, into frame if that is inlined
	for frame.Inlined && inner >= 0 && (inner == i || frames[inner].Inlined) {
		inner--
	}
	switch {
	case inner < 0:
		return t.finishInlined(frame, o)
	case inner+1 == len(frames):
		return nil, outermost(t, err)
	}
	return t.finishOuter(frame, frames[inner+1].PC, frames[inner].CFA, o)
}

// finishOuter runs the thread until the function with the CFA cfa returns to back: that
// of the frame, or one that returns into it if it is inlined.
func (t *Thread) finishOuter(frame *Frame, back, cfa uint64, o *MoveOptions) (*Stop, error) {
	stop, returned, err := t.p.runOut("finish", t, back, cfa, o)
	if err != nil || !returned {
		return stop, err
	}
	regs, err := t.Regs()
	if err != nil {
		return nil, err
	}
	if !frame.Inlined {
		stop.Value, stop.Finished, stop.finished = regs[arch.RAX], true, frame
	} else if frame.holds(regs[arch.RIP]) {
		return t.finishInlined(frame, o)
	}
	return stop, nil
}

// Result returns what the function returned that Finish has run, with its type, which
// its debug information tells; nil if that is void. It is read when it is first asked
// for, before the process moves on: an object in memory is where the function has put
// it, and may be overwritten afterwards.
func (s *Stop) Result() (*value.Value, error) {
	fail := func(err error) (*value.Value, error) {
		return nil, &Error{Op: "result", TID: s.Thread.TID, Err: err}
	}
	switch f := s.finished; {
	case s.result != nil || f == nil:
		return s.result, nil
	case f.Func == nil:
		return fail(debuginfo.ErrNoDWARF)
	case s.Process.stop != s:
		return fail(errors.New("the process has moved on since the function returned"))
	}
	t, err := s.finished.Func.Type()
	if err == nil {
		err = followsABI(s.finished.Func.Language(), t)
	}
	if err != nil {
		return fail(err)
	}
	typ, err := t.Elem()
	if err != nil || typ == nil {
		return nil, err
	}
	img, _ := s.Process.ImageAt(s.finished.Lookup)
	if s.result, err = s.Thread.returned(s.Process.scope(img, nil, s.Thread), s.Value, typ); err != nil {
		return fail(err)
	}
	return s.result, nil
}

// holds reports whether the frame's function, which is known, has an instruction at pc.
func (f *Frame) holds(pc uint64) bool {
	pc -= f.Image().Bias
	for _, r := range f.Func.Ranges {
		if r.Contains(pc) {
			return true
		}
	}
	return false
}

// finishInlined runs the thread until it has left an inlined function.
func (t *Thread) finishInlined(frame *Frame, o *MoveOptions) (*Stop, error) {
	return t.StepUntil(&Walk{Over: true, own: true, Condition: func(*Stop) (bool, error) {
		regs, err := t.Regs()
		return err == nil && (regs[arch.RSP] >= frame.CFA && frame.CFA != 0 || !frame.holds(regs[arch.RIP])), err
	}}, o)
}

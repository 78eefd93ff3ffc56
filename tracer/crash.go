//go:build linux && amd64

package tracer

import (
	"fmt"
	"math"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/triage"
	"github.com/tracelark/tracelark/tracer/unwind"
)

// This file fills in what package triage looks at.

// CrashOptions say how to look at a crash. nil is the default.
type CrashOptions struct {
	triage.Options
	// Output is what the process wrote to its standard error, where reports of
	// sanitizers and panics are looked for.
	Output string
}

// Crash says what the end of the process is that the stop is about to be. A stop by a
// timeout or an interrupt is one without a signal. Where the process is gone, what it
// wrote may tell.
func (s *Stop) Crash(o *CrashOptions) (*triage.Crash, error) {
	if o == nil {
		o = new(CrashOptions)
	}
	p := s.Process
	if s.Reason == ReasonKilled && s.Signal == int(unix.SIGSYS) {
		c, err := p.refusal.crash(o)
		return c, wrapCrash(p.PID, err)
	}
	if s.Gone() {
		c, err := triage.FromOutput(o.Output, &o.Options)
		if c == nil && err == nil {
			err = fmt.Errorf("the process is gone (%s) and wrote no report of a sanitizer: look at it when it stops with the signal", s.Reason)
		}
		return c, wrapCrash(p.PID, err)
	}
	if err := p.held(); err != nil {
		return nil, wrapCrash(p.PID, err)
	}
	t := s.Thread
	if t == nil || t.Gone() {
		return nil, wrapCrash(p.PID, ErrThread)
	}
	e := &triage.Event{PID: p.PID, Output: o.Output, TimedOut: s.Reason == ReasonTimeout, Exe: p.Exe(), Argv: p.Argv()}
	var subjects []witness
	for _, t := range p.Threads() {
		subjects = append(subjects, witness{t.TID, t})
	}
	return p.crash(p, witness{t.TID, t}, subjects, s, e, &o.Options)
}

// Crash says what the end of the process was.
func (c *Core) Crash(o *CrashOptions) (*triage.Crash, error) {
	if o == nil {
		o = new(CrashOptions)
	}
	t := c.Thread()
	if t == nil {
		return nil, wrapCrash(c.PID(), ErrCut)
	}
	var subjects []witness
	for _, t := range c.threads {
		subjects = append(subjects, witness{t.TID, t})
	}
	return c.crash(c, witness{t.TID, t}, subjects, c.stop, &triage.Event{PID: c.PID(), Output: o.Output, Missing: c.Missing(), Exe: c.Exe(), Argv: c.Argv()}, &o.Options)
}

// A witness is a thread, of a process or a core.
type witness struct {
	tid int
	t   interface {
		Name() string
		Regs() (*arch.Regs, error)
		ends(first, last int) triage.Stack
	}
}

// How many frames of a stack a crash has: of the thread that stopped, the innermost
// and the outermost ones, and of the others.
const (
	firstFrames = 192
	lastFrames  = 64
	otherFrames = 64
)

// maxOthers bounds the threads whose stacks a crash has besides the one that crashed.
const maxOthers = 256

func (x *target) crash(p triage.Process, culprit witness, all []witness, s *Stop, e *triage.Event, o *triage.Options) (*triage.Crash, error) {
	regs, err := culprit.t.Regs()
	if err != nil {
		return nil, wrapCrash(x.of.id(), err)
	}
	e.Regs = *regs
	if s.Reason == ReasonSignal {
		e.Signal = s.Signal
	}
	if info := s.Siginfo(); info != nil {
		e.Code = info.Code()
		if hasAddr(e.Signal, e.Code) {
			e.Addr = info.Addr()
		}
		if hasSender(e.Signal, e.Code) {
			e.Sender = info.PID()
		}
	}
	e.Stack = culprit.t.ends(firstFrames, lastFrames)
	others := 0
	for _, w := range all {
		if w != culprit {
			if others++; others > maxOthers {
				continue
			}
		}
		stack := e.Stack
		if w != culprit {
			stack = w.t.ends(otherFrames, 0)
		}
		name := s.name
		if w != culprit || name == "" {
			name = w.t.Name()
		}
		e.Threads = append(e.Threads, triage.Thread{TID: w.tid, Name: name, Crashed: w == culprit, Stack: stack})
	}
	c, err := triage.New(examined{p, x}, e, o)
	return c, wrapCrash(x.of.id(), err)
}

// An examined is a process whose mappings are known already.
type examined struct {
	triage.Process
	x *target
}

func (s examined) Maps() ([]procfs.Mapping, error) {
	err := s.x.updateImages()
	return s.x.images.maps, err
}

func wrapCrash(pid int, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Op: "crash", TID: pid, Err: cause(err)}
}

func (t *Thread) ends(first, last int) triage.Stack {
	regs, err := t.Regs()
	if err != nil {
		return triage.Stack{Err: err}
	}
	return t.p.ends(t, regs, first, last)
}

func (t *CoreThread) ends(first, last int) triage.Stack { return t.c.ends(t, &t.t.Regs, first, last) }

// ends describes the first and the last frames of the stack of a thread with the
// registers regs. The functions that were inlined count.
func (x *target) ends(t owner, regs *arch.Regs, first, last int) triage.Stack {
	e, err := unwind.FindEnds(x.of, code{x}, regs, first, last)
	s := triage.Stack{Err: err}
	for lookup, n := range e.Elided {
		s.Elided += n * max(1, len(x.funcsAt(lookup)))
	}
	inner, outer := x.expandAll(t, e.Inner), x.expandAll(t, e.Outer)
	if s.Elided == 0 {
		inner, outer = append(inner, outer...), nil
		if len(inner) > first+last {
			inner, outer = inner[:first], inner[first:]
		}
	}
	more := max(0, len(inner)-first)
	if len(outer) > 0 || s.Elided > 0 {
		inner = inner[:len(inner)-more]
		s.Elided += more
		more = max(0, len(outer)-last)
		outer = outer[more:]
		s.Elided += more
		s.After = len(inner)
	}
	for n, f := range append(inner, outer...) {
		if f.Level = n; n >= s.After {
			f.Level += s.Elided
		}
		s.Frames = append(s.Frames, f.Describe())
	}
	return s
}

func (x *target) expandAll(t owner, stack []unwind.Frame) (frames []*Frame) {
	var fresh []Frame
	for i := range stack {
		frames, fresh = x.expand(frames, fresh, t, &stack[i], x.funcsAt(stack[i].Lookup), math.MaxInt, 0)
	}
	return frames
}

// Describe returns the frame in words that outlive the process.
func (f *Frame) Describe() triage.Frame {
	d := triage.Frame{
		Level: f.Level, PC: f.PC, SP: f.SP, CFA: f.CFA, Function: f.Function(),
		Inlined: f.Inlined, Guess: f.By == unwind.Guess, Signal: f.Signal,
	}
	if sym, offset, ok := f.Symbol(); ok {
		d.Symbol, d.Offset = sym.Name, offset
	}
	if line, err := f.Line(); err == nil {
		d.File, d.Line, d.Column = line.File, line.Line, line.Column
	}
	if img := f.Image(); img != nil {
		d.Image, d.ImageOffset = img.Path, f.PC-img.Bias
		if img.File != nil {
			d.BuildID = img.File.BuildID()
		}
	}
	return d
}

// A refusal is where a thread was whose system call seccomp has refused by ending the process.
// That is no stop: it is looked at when the thread is about to end.
type refusal struct {
	event triage.Event
	maps  []procfs.Mapping
}

// refused returns where the thread is, or nil if it is another one's call that was refused: of
// that, seccomp leaves rax as it was.
func (t *Thread) refused() *refusal {
	regs, err := t.Regs()
	if err != nil || int64(regs[arch.OrigRAX]) < 0 || regs[arch.RAX] != regs[arch.OrigRAX] {
		return nil
	}
	stack := t.ends(firstFrames, lastFrames)
	r := &refusal{event: triage.Event{
		PID: t.p.PID, Exe: t.p.Exe(), Argv: t.p.Argv(), Regs: *regs, Stack: stack,
		Threads: []triage.Thread{{TID: t.TID, Name: t.Name(), Crashed: true, Stack: stack}},
	}}
	if t.p.updateImages() == nil {
		r.maps = t.p.images.maps
	}
	return r
}

// crash says what that end was. r may be nil, where nothing is known.
func (r *refusal) crash(o *CrashOptions) (*triage.Crash, error) {
	if r == nil {
		r = new(refusal)
	}
	e := r.event
	e.Signal, e.Code, e.Output = int(unix.SIGSYS), sysSeccomp, o.Output
	return triage.New(r, &e, &o.Options)
}

const sysSeccomp = 1 // si_code

// The memory is gone.
func (r *refusal) ReadAt(uint64, []byte) (int, error) { return 0, unix.ESRCH }
func (r *refusal) Maps() ([]procfs.Mapping, error)    { return r.maps, nil }
func (r *refusal) Images() ([]*image.Image, error)    { return nil, nil }

package builtins

import (
	"errors"
	"fmt"
	"path/filepath"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
)

// A Screen is what the REPL writes to.
type Screen struct {
	Width, Height int  // in columns and lines; 0 if it is no terminal
	Color         bool // whether it shows colors
}

// A focus is what commands act on. There is one for each Env.
type focus struct {
	handle
	env      *Env
	process  *process // or nil
	settings *starlark.Dict

	// What was chosen at the stop at; after another one it is void.
	at     *tracer.Stop
	thread *thread
	level  int
}

func newFocus(e *Env) *focus { return &focus{env: e, settings: new(starlark.Dict)} }

var focusClass = newClass("focus", "What commands act on: the process that was launched, attached to, opened as a core or stopped last, its thread and one of the frames of that. Assign to its attributes to choose others; the next stop undoes that.", []attribute[*focus]{
	{"process", "process, core or None", "The process.", func(f *focus) (starlark.Value, error) {
		if f.process == nil {
			return starlark.None, nil
		}
		return f.process, nil
	}},
	{"thread", "thread or None", "The thread: the one that stopped last, unless another one was chosen. None if there is none.", func(f *focus) (starlark.Value, error) {
		if t := f.current(); t != nil {
			return t, nil
		}
		return starlark.None, nil
	}},
	{"frame", "frame or None", "The frame: the innermost one, unless another one was chosen. None if there is no thread. An int can be assigned too, which is a level.", func(f *focus) (starlark.Value, error) {
		t := f.current()
		if t == nil {
			return starlark.None, nil
		}
		level := 0
		if f.thread == t {
			level = f.level
		}
		return t.frameAt(level)
	}},
	{"settings", "dict", "What commands keep: settings, and what one of them tells the next.", func(f *focus) (starlark.Value, error) {
		return f.settings, nil
	}},
	{"width", "int", "The number of columns of the terminal, 80 if there is none.", func(f *focus) (starlark.Value, error) {
		if w := f.env.screen.Width; w > 0 {
			return starlark.MakeInt(w), nil
		}
		return starlark.MakeInt(80), nil
	}},
}, []method[*focus]{
	{"constant", "(expr, names=None) -> value", "The value of an expression of C where there is no process: of constants, C's own types and what names has for $name, as for eval.", (*focus).constant},
})

var _ starlark.HasSetField = (*focus)(nil)

func (f *focus) String() string                           { return fmt.Sprintf("<focus on %s>", f.env.Status()) }
func (f *focus) Type() string                             { return "focus" }
func (f *focus) Hash() (uint32, error)                    { return 0, unhashable(f) }
func (f *focus) Attr(name string) (starlark.Value, error) { return focusClass.attr(f, name) }
func (f *focus) AttrNames() []string                      { return focusClass.names() }

// MarshalJSON encodes the status.
func (f *focus) MarshalJSON() ([]byte, error) { return encode(f.env.Status()) }

func (f *focus) constant(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	none := f.env.tr.NoProgram()
	p := &process{env: f.env, file: none, in: none}
	return p.evaluate(none.Eval, thread, b, args, kwargs)
}

// SetField chooses a process, thread or frame.
func (f *focus) SetField(name string, v starlark.Value) error {
	switch v := v.(type) {
	case *process:
		if name == "process" {
			f.process, f.thread = v, nil
			return nil
		}
	case *thread:
		if name == "thread" {
			return f.choose(v, 0)
		}
	case *frame:
		if name == "frame" {
			return f.choose(v.t, v.f.Level)
		}
	case starlark.Int:
		if name != "frame" {
			break
		}
		t := f.current()
		if t == nil {
			return errors.New("frame: there is no thread")
		}
		level, err := starlark.AsInt32(v)
		if err != nil || level < 0 {
			return fmt.Errorf("frame: no frame has the level %s", v)
		}
		return f.choose(t, level)
	}
	if member, ok := focusClass.members()[name]; !ok || member.get == nil || name == "settings" || name == "width" {
		return fmt.Errorf("cannot assign to .%s of focus, only to .process, .thread and .frame", name)
	}
	return fmt.Errorf("%s: got %s", name, v.Type())
}

// choose makes a frame of a thread the one to look at.
func (f *focus) choose(t *thread, level int) error {
	if _, err := t.frameAt(level); err != nil {
		return err
	}
	if t.t != nil {
		t.p.p.Select(t.t)
	}
	f.process, f.thread, f.level, f.at = t.p, t, level, t.p.lastStop()
	return nil
}

// current returns the thread, or nil.
func (f *focus) current() *thread {
	p := f.process
	if p == nil {
		return nil
	}
	t, err := p.current("look")
	if err != nil {
		return nil
	}
	if f.thread != nil && f.thread.p == p && f.at == p.lastStop() && (f.thread == t || p.p == nil) {
		return f.thread
	}
	f.thread = nil
	return t
}

// lastStop returns the last stop of a traced process, or nil.
func (p *process) lastStop() *tracer.Stop {
	if p.p == nil {
		return nil
	}
	return p.p.Stop()
}

// frameAt returns a frame by its level.
func (t *thread) frameAt(level int) (starlark.Value, error) {
	frames, err := t.in.Frames(level + 1)
	switch {
	case len(frames) > level:
		return &frame{t: t, f: frames[level]}, nil
	case err != nil:
		return nil, err
	}
	return nil, fmt.Errorf("thread %d has no frame %d, only %d", t.tid(), level, len(frames))
}

// SetScreen tells what results of commands are shown on. Without it that is no terminal.
func (e *Env) SetScreen(s Screen) { e.screen = s }

// Subject returns the process or core that commands act on, or nil.
func (e *Env) Subject() starlark.Value {
	if e.focus.process == nil {
		return nil
	}
	return e.focus.process
}

// LastStop returns the last stop of the live process that commands act on, or nil.
func (e *Env) LastStop() *tracer.Stop {
	if p := e.focus.process; p != nil {
		return p.lastStop()
	}
	return nil
}

// Status tells in a few words what commands act on: the program, the process, the
// thread if there are several, and the state. It is "" if there is nothing.
func (e *Env) Status() string {
	p := e.focus.process
	switch {
	case p == nil:
		return ""
	case p.core != nil:
		text := "core " + filepath.Base(p.core.Name())
		if t := e.focus.current(); t != nil && len(p.dead) > 1 {
			text += fmt.Sprintf(" thread %d", t.tid())
		}
		return text
	case p.file != nil:
		return "file " + filepath.Base(p.in.Exe())
	}
	text := fmt.Sprintf("%s %d", filepath.Base(p.in.Exe()), p.pid())
	if p.seen != nil {
		return text + " observed"
	}
	if state := p.p.State(); state != tracer.Stopped {
		return text + " " + state.String()
	}
	if t := e.focus.current(); t != nil && len(p.p.Threads()) > 1 {
		text += fmt.Sprintf(" thread %d", t.tid())
	}
	return text
}

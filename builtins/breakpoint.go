package builtins

import (
	"errors"
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/tracer"
)

// A breakpoint is a breakpoint of a process.
type breakpoint struct {
	handle
	p *process
	b *tracer.Breakpoint
}

var breakpointClass = newClass("breakpoint", "A breakpoint. Memory reads do not show it.", []attribute[*breakpoint]{
	{"id", "int", "Its number, counted from 1 in each process.", func(b *breakpoint) (starlark.Value, error) {
		return starlark.MakeInt(b.b.ID), nil
	}},
	{"location", "str or None", "The location as it was given, if it was a name.", func(b *breakpoint) (starlark.Value, error) {
		return optional(b.b.Location), nil
	}},
	{"addrs", "list of int", "The addresses where it lies; none while it waits for a library or restart, and when it was removed.", func(b *breakpoint) (starlark.Value, error) {
		return listOf(b.b.Addrs(), func(addr uint64) starlark.Value { return starlark.MakeUint64(addr) }), nil
	}},
	{"hits", "int", "How often it was hit, those hits counted that a handler let go on.", func(b *breakpoint) (starlark.Value, error) {
		return starlark.MakeInt(b.b.Hits()), nil
	}},
	{"enabled", "bool", "Whether it can be hit; assign to it to change that. A removed one cannot be enabled.", func(b *breakpoint) (starlark.Value, error) {
		return starlark.Bool(b.b.Enabled()), nil
	}},
	{"pending", "bool", "Whether it waits for a library to be loaded, or for restart.", func(b *breakpoint) (starlark.Value, error) {
		return starlark.Bool(b.b.Pending()), nil
	}},
	{"when", "str or None", "Its condition, if that was given as an expression. " +
		"It is written and computes as in Starlark, but a < b < c is allowed. Names are registers and their parts, which are unsigned, flags, which are 0 or 1, arg0 to arg5, " +
		"which are the registers that hold a function's arguments at its first instruction, numbers and pointers, retval, which is rax, tid, " +
		"hits, which is how often the breakpoint was reached so far, this time included, whatever came of it, and symbols, which are their addresses. " +
		"u8(a) to u64(a), i8(a) to i64(a) and ptr(a) read numbers from memory, cstr(a) and bytes(a, n) bytes; signed(x) is a register as a signed number of its width, addr(\"libc!free+8\") a location. " +
		"Symbols are looked up when the breakpoint is put in its place. Where the condition cannot be evaluated, the verb that runs ends with an error and the process is stopped there.", func(b *breakpoint) (starlark.Value, error) {
		return optional(b.b.When), nil
	}},
	{"ignored", "int", "How many of its next hits count but neither reach the handler nor surface, as change set it.", func(b *breakpoint) (starlark.Value, error) {
		return starlark.MakeInt(b.b.Ignored()), nil
	}},
	{"temp", "bool", "Whether its first hit removes it.", func(b *breakpoint) (starlark.Value, error) {
		return starlark.Bool(b.b.Temp), nil
	}},
	{"hw", "bool", "Whether it uses a debug register of the CPU.", func(b *breakpoint) (starlark.Value, error) {
		return starlark.Bool(b.b.Hardware()), nil
	}},
	{"thread", "thread or None", "The only thread that hits it, or None for all. The main thread stays the same over exec and restart; with another one its breakpoints are removed.", func(b *breakpoint) (starlark.Value, error) {
		if t := b.b.Thread(); t != nil {
			return b.p.thread(t), nil
		}
		return starlark.None, nil
	}},
	{"process", "process", "The process that it is set in.", func(b *breakpoint) (starlark.Value, error) {
		return b.p, nil
	}},
}, []method[*breakpoint]{
	{"change", changeSignature, changeDoc, (*breakpoint).change},
	{"remove", "()", "Remove the breakpoint. A thread that has reached it runs on unharmed; removing twice is no error.", (*breakpoint).remove},
})

var (
	_ starlark.HasSetField = (*breakpoint)(nil)
	_ starlark.Comparable  = (*breakpoint)(nil)
)

func (b *breakpoint) Type() string                             { return "breakpoint" }
func (b *breakpoint) Hash() (uint32, error)                    { return uint32(b.b.ID), nil }
func (b *breakpoint) Attr(name string) (starlark.Value, error) { return breakpointClass.attr(b, name) }
func (b *breakpoint) AttrNames() []string                      { return breakpointClass.names() }

func (b *breakpoint) String() string {
	place := b.b.Location
	if place == "" {
		place = "nowhere"
		if addrs := b.b.Addrs(); len(addrs) > 0 {
			place = fmt.Sprintf("%#x", addrs[0])
		}
	}
	end := ""
	if b.b.Pending() && b.p.state() == tracer.Stopped.String() {
		end = ", pending"
	}
	if t := b.b.Thread(); t != nil && t.Gone() {
		end = fmt.Sprintf(", thread %d has ended", t.TID)
	}
	return fmt.Sprintf("<breakpoint %d at %s, %d hits%s>", b.b.ID, place, b.b.Hits(), end)
}

// CompareSameType compares breakpoints: each is equal to itself alone.
func (b *breakpoint) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return equality(b, op, b.b == y.(*breakpoint).b)
}

// SetField enables or disables the breakpoint.
func (b *breakpoint) SetField(name string, v starlark.Value) error {
	if name != "enabled" {
		return fmt.Errorf("cannot assign to .%s of a breakpoint, only to .enabled", name)
	}
	enabled, ok := v.(starlark.Bool)
	if !ok {
		return fmt.Errorf("enabled: got %s, want bool", v.Type())
	}
	b.b.SetEnabled(bool(enabled))
	return nil
}

// MarshalJSON encodes all attributes but the process.
func (b *breakpoint) MarshalJSON() ([]byte, error) {
	return encode(struct {
		ID       int      `json:"id"`
		Location string   `json:"location,omitempty"`
		When     string   `json:"when,omitempty"`
		Addrs    []uint64 `json:"addrs"`
		Hits     int      `json:"hits"`
		Enabled  bool     `json:"enabled"`
		Pending  bool     `json:"pending"`
		Ignored  int      `json:"ignored"`
		Temp     bool     `json:"temp"`
		HW       bool     `json:"hw"`
	}{b.b.ID, b.b.Location, b.b.When, append([]uint64{}, b.b.Addrs()...), b.b.Hits(), b.b.Enabled(), b.b.Pending(), b.b.Ignored(), b.b.Temp, b.b.Hardware()})
}

func (b *breakpoint) remove(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs); err != nil {
		return nil, err
	}
	if err := b.b.Remove(); err != nil {
		return nil, err
	}
	return starlark.None, nil
}

const (
	changeSignature = "(when=None, handler=None, ignore=None)"
	changeDoc       = "Give it another condition or handler, which are those of process.breakpoint, or let its next hits pass: ignore is their number. What is None stays as it is; when=\"\" takes the condition away."
)

func (b *breakpoint) change(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return change(b.p.env, b.b, fn, args, kwargs)
}

// change changes a breakpoint, or that of a watchpoint.
func change(e *Env, b *tracer.Breakpoint, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var when starlark.Value
	var handler starlark.Callable
	ignore := b.Ignored()
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "when??", &when, "handler??", &handler, "ignore??", &ignore); err != nil {
		return nil, err
	}
	if ignore < 0 {
		return nil, fmt.Errorf("%s: ignore is %d, want a number of hits", fn.Name(), ignore)
	}
	if when != nil {
		var c condition
		if err := c.Unpack(when); err != nil && when != starlark.String("") {
			return nil, fmt.Errorf("%s: when: %w", fn.Name(), err)
		}
		if err := b.SetCondition(c.text, e.condition(c.fn)); err != nil {
			return nil, err
		}
	}
	if handler != nil {
		b.SetHandler(e.callback(handler))
	}
	b.Ignore(ignore)
	return starlark.None, nil
}

// breakpoint sets a breakpoint.
func (p *process) breakpoint(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var loc location
	var handler starlark.Callable
	var when condition
	var only *thread
	var o tracer.BreakpointOptions
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "loc", &loc, "handler??", &handler, "when??", &when, "temp?", &o.Temp, "hw?", &o.Hardware, "thread??", &only, "prologue?", &o.Prologue, "inlined?", &o.Inlined); err != nil {
		return nil, err
	}
	if only != nil {
		if only.p != p {
			return nil, fmt.Errorf("%s: thread %d belongs to process %d", b.Name(), only.tid(), only.p.pid())
		}
		o.Thread = only.t
	}
	o.Addr, o.Location = uint64(loc.addr), loc.name
	o.Handler, o.When, o.Condition = p.env.callback(handler), when.text, p.env.condition(when.fn)
	set, err := p.p.Breakpoint(&o)
	if err != nil {
		return nil, err
	}
	return &breakpoint{p: p, b: set}, nil
}

// A condition is an argument that says whether a hit counts: an expression, which
// the engine evaluates, or a function of the stop.
type condition struct {
	text string
	fn   starlark.Callable
}

func (c *condition) Unpack(v starlark.Value) error {
	switch v := v.(type) {
	case starlark.String:
		if c.text = string(v); v == "" {
			return errors.New("got an empty condition")
		}
	case starlark.Callable:
		c.fn = v
	default:
		return fmt.Errorf("got %s, want an expression or callable", v.Type())
	}
	return nil
}

// condition returns fn, a condition, as the engine calls it.
func (e *Env) condition(fn starlark.Callable) func(*tracer.Stop) (bool, error) {
	if fn == nil {
		return nil
	}
	return func(s *tracer.Stop) (bool, error) {
		v, err := starlark.Call(e.thread, fn, starlark.Tuple{e.process(s.Process).stop(s)}, nil)
		if err != nil {
			return false, err
		}
		return bool(v.Truth()), nil
	}
}

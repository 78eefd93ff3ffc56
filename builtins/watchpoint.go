package builtins

import (
	"fmt"
	"math/big"
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/tracer"
)

// A watchpoint is a watchpoint of a process.
type watchpoint struct {
	handle
	p *process
	w *tracer.Watchpoint
}

var watchpointClass = newClass("watchpoint", "A watchpoint, which uses debug registers of the CPU.", []attribute[*watchpoint]{
	{"id", "int", "Its number, counted from 1 in each process together with breakpoints.", func(w *watchpoint) (starlark.Value, error) {
		return starlark.MakeInt(w.w.ID()), nil
	}},
	{"addr", "int", "The address of the memory that is watched.", func(w *watchpoint) (starlark.Value, error) {
		return starlark.MakeUint64(w.w.Addr), nil
	}},
	{"size", "int", "The number of bytes that are watched; of no meaning for \"x\".", func(w *watchpoint) (starlark.Value, error) {
		return starlark.MakeInt(w.w.Size), nil
	}},
	{"access", "str", "\"w\", \"rw\" or \"x\".", func(w *watchpoint) (starlark.Value, error) {
		return starlark.String(w.w.Access.String()), nil
	}},
	{"when", "str or None", "The condition as it was given, if it was an expression: those of breakpoints are the same.", func(w *watchpoint) (starlark.Value, error) {
		return optional(w.w.When()), nil
	}},
	{"ignored", "int", "How many of its next hits count but neither reach the handler nor surface, as change set it.", func(w *watchpoint) (starlark.Value, error) {
		return starlark.MakeInt(w.w.Breakpoint().Ignored()), nil
	}},
	{"hits", "int", "How often it was hit, those hits counted that a handler let go on.", func(w *watchpoint) (starlark.Value, error) {
		return starlark.MakeInt(w.w.Hits()), nil
	}},
	{"old", "int or None", "What the memory held before the last hit, as an unsigned int of its size; None for \"x\".", func(w *watchpoint) (starlark.Value, error) {
		old, _ := w.w.Values()
		return unsigned(old), nil
	}},
	{"new", "int or None", "What the memory held at the last hit, or when it was set; None for \"x\".", func(w *watchpoint) (starlark.Value, error) {
		_, now := w.w.Values()
		return unsigned(now), nil
	}},
	{"enabled", "bool", "Whether it can be hit; assign to it to change that. One that was removed, as exec does, cannot be enabled.", func(w *watchpoint) (starlark.Value, error) {
		return starlark.Bool(w.w.Enabled()), nil
	}},
	{"hw", "bool", "Whether the CPU's debug registers do the work. Where they do not trap, as in some virtual machines, the target makes steps, which are a thousand times slower.", func(w *watchpoint) (starlark.Value, error) {
		return starlark.Bool(w.w.Hardware()), nil
	}},
	{"process", "process", "The process that it is set in.", func(w *watchpoint) (starlark.Value, error) {
		return w.p, nil
	}},
}, []method[*watchpoint]{
	{"change", changeSignature, changeDoc, (*watchpoint).change},
	{"remove", "()", "Remove the watchpoint; removing twice is no error.", (*watchpoint).remove},
})

var (
	_ starlark.HasSetField = (*watchpoint)(nil)
	_ starlark.Comparable  = (*watchpoint)(nil)
)

func (w *watchpoint) Type() string                             { return "watchpoint" }
func (w *watchpoint) Hash() (uint32, error)                    { return uint32(w.w.ID()), nil }
func (w *watchpoint) Attr(name string) (starlark.Value, error) { return watchpointClass.attr(w, name) }
func (w *watchpoint) AttrNames() []string                      { return watchpointClass.names() }

// String returns a text such as "<watchpoint 1 on w of 8 bytes at 0x404040, 3 hits>".
func (w *watchpoint) String() string {
	if w.w.Access == tracer.AccessExecute {
		return fmt.Sprintf("<watchpoint %d on x at %#x, %d hits>", w.w.ID(), w.w.Addr, w.w.Hits())
	}
	return fmt.Sprintf("<watchpoint %d on %s of %d bytes at %#x, %d hits>", w.w.ID(), w.w.Access, w.w.Size, w.w.Addr, w.w.Hits())
}

// CompareSameType compares watchpoints: each is equal to itself alone.
func (w *watchpoint) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return equality(w, op, w.w == y.(*watchpoint).w)
}

// SetField enables or disables the watchpoint.
func (w *watchpoint) SetField(name string, v starlark.Value) error {
	if name != "enabled" {
		return fmt.Errorf("cannot assign to .%s of a watchpoint, only to .enabled", name)
	}
	enabled, ok := v.(starlark.Bool)
	if !ok {
		return fmt.Errorf("enabled: got %s, want bool", v.Type())
	}
	w.w.SetEnabled(bool(enabled))
	return nil
}

// MarshalJSON encodes all attributes but the process.
func (w *watchpoint) MarshalJSON() ([]byte, error) {
	old, now := w.w.Values()
	return encode(struct {
		ID      int      `json:"id"`
		Addr    uint64   `json:"addr"`
		Size    int      `json:"size"`
		Access  string   `json:"access"`
		When    string   `json:"when,omitempty"`
		Ignored int      `json:"ignored"`
		Hits    int      `json:"hits"`
		Old     *big.Int `json:"old,omitempty"`
		New     *big.Int `json:"new,omitempty"`
		Enabled bool     `json:"enabled"`
	}{w.w.ID(), w.w.Addr, w.w.Size, w.w.Access.String(), w.w.When(), w.w.Breakpoint().Ignored(), w.w.Hits(), bigInt(old), bigInt(now), w.w.Enabled()})
}

func (w *watchpoint) remove(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	if err := w.w.Remove(); err != nil {
		return nil, err
	}
	return starlark.None, nil
}

func (w *watchpoint) change(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return change(w.p.env, w.w.Breakpoint(), fn, args, kwargs)
}

// bigInt returns little-endian bytes as a number, or nil for nil.
func bigInt(data []byte) *big.Int {
	if data == nil {
		return nil
	}
	data = slices.Clone(data)
	slices.Reverse(data)
	return new(big.Int).SetBytes(data)
}

// unsigned is bigInt as scripts have it, with None for nil.
func unsigned(data []byte) starlark.Value {
	if data == nil {
		return starlark.None
	}
	return starlark.MakeBigInt(bigInt(data))
}

// accesses are the names of what watch can watch for.
var accesses = map[string]tracer.Access{"w": tracer.AccessWrite, "rw": tracer.AccessReadWrite, "x": tracer.AccessExecute}

// watch sets a watchpoint.
func (p *process) watch(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var loc location
	var handler starlark.Callable
	var when condition
	size, access := 8, "w"
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "addr", &loc, "size?", &size, "access?", &access, "handler??", &handler, "when??", &when); err != nil {
		return nil, err
	}
	a, ok := accesses[access]
	if !ok {
		return nil, fmt.Errorf("%s: no access is named %q, want one of %s: the CPU cannot watch reads alone", b.Name(), access, quoteAll(accesses))
	}
	if size < 1 {
		return nil, fmt.Errorf("%s: cannot watch %d bytes", b.Name(), size)
	}
	addr, err := loc.resolve(p)
	if err != nil {
		return nil, err
	}
	w, err := p.p.Watch(&tracer.WatchOptions{
		Addr: addr, Size: size, Access: a,
		Handler: p.env.callback(handler), When: when.text, Condition: p.env.condition(when.fn),
	})
	if err != nil {
		return nil, err
	}
	return &watchpoint{p: p, w: w}, nil
}

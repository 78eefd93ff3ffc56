package builtins

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
)

// A hook is what on and catch return. One event may be several reasons.
type hook struct {
	handle
	event string
	hooks []*tracer.Hook
}

var hookClass = newClass("hook", "What on and catch return.", []attribute[*hook]{
	{"event", "str", "The event that it was made for.", func(h *hook) (starlark.Value, error) {
		return starlark.String(h.event), nil
	}},
}, []method[*hook]{
	{"remove", "()", "End it. Removing twice is no error.", (*hook).remove},
})

var _ starlark.HasAttrs = (*hook)(nil)

func (h *hook) String() string                           { return fmt.Sprintf("<hook on %s>", h.event) }
func (h *hook) Type() string                             { return "hook" }
func (h *hook) Hash() (uint32, error)                    { return 0, unhashable(h) }
func (h *hook) Attr(name string) (starlark.Value, error) { return hookClass.attr(h, name) }
func (h *hook) AttrNames() []string                      { return hookClass.names() }

// MarshalJSON encodes the event.
func (h *hook) MarshalJSON() ([]byte, error) {
	return encode(struct {
		Event string `json:"event"`
	}{h.event})
}

func (h *hook) remove(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	for _, hook := range h.hooks {
		hook.Remove()
	}
	return starlark.None, nil
}

// events are the names of what on and catch ask for.
var events = map[string][]tracer.Reason{
	"signal":      {tracer.ReasonSignal},
	"exec":        {tracer.ReasonExec},
	"fork":        {tracer.ReasonFork},
	"vfork":       {tracer.ReasonVfork},
	"vfork_done":  {tracer.ReasonVforkDone},
	"job_stop":    {tracer.ReasonJobStop},
	"thread":      {tracer.ReasonThread},
	"thread_exit": {tracer.ReasonThreadExit},
	"load":        {tracer.ReasonLoad},
	"unload":      {tracer.ReasonUnload},
	"exit":        {tracer.ReasonExit, tracer.ReasonKilled},
	"killed":      {tracer.ReasonKilled},
	"syscall":     {tracer.ReasonSyscall},
}

func (p *process) on(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var event string
	var handler starlark.Callable
	var f filter
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, append(append([]any{"event", &event, "handler", &handler}, f.pairs()...), "light?", &f.light)...); err != nil {
		return nil, err
	}
	return p.hook(b, event, handler, &f)
}

func (p *process) catch(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var event string
	var f filter
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, append([]any{"event", &event}, f.pairs()...)...); err != nil {
		return nil, err
	}
	return p.hook(b, event, nil, &f)
}

// A filter says which stops of an event are meant.
type filter struct {
	sig   signal      // "signal"
	names callNumbers // "syscall"
	phase phase       // "syscall"
	light bool        // "syscall"
}

func (f *filter) pairs() []any {
	return []any{"sig??", &f.sig, "names??", &f.names, "phase??", &f.phase}
}

// hook asks for the stops of an event. Without a handler all of them surface.
func (p *process) hook(b *starlark.Builtin, event string, handler starlark.Callable, f *filter) (starlark.Value, error) {
	reasons, ok := events[event]
	if !ok {
		return nil, fmt.Errorf("%s: no event is named %q, want one of %s", b.Name(), event, quoteAll(events))
	}
	if f.sig != 0 && event != "signal" {
		return nil, fmt.Errorf("%s: sig is for the event \"signal\", not for %q", b.Name(), event)
	}
	if f.light && event != "syscall" {
		return nil, fmt.Errorf("%s: light is for the event \"syscall\", not for %q", b.Name(), event)
	}
	if (f.names != nil || f.phase != 0) && event != "syscall" {
		return nil, fmt.Errorf("%s: names and phase are for the event \"syscall\", not for %q", b.Name(), event)
	}
	h := &hook{event: event}
	for _, reason := range reasons {
		hook, err := p.p.On(tracer.HookOptions{
			Reason: reason, Signal: int(f.sig), Syscalls: f.names, Phase: tracer.Phase(f.phase), Light: f.light,
			Handler: p.env.callback(handler),
		})
		if err != nil {
			return nil, err
		}
		h.hooks = append(h.hooks, hook)
	}
	return h, nil
}

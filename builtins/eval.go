package builtins

import (
	"fmt"
	"time"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/value"
)

const (
	evalSignature = "(expr, call=False, timeout=None, only=False, names=None) -> value"
	evalDoc       = "Assignments write to the target, which needs the permission write, as calls do; $rip and the like are registers, p@n is the array of n objects from that on which p is, {type} addr the object at an address, 'file.c'::x a variable of a file, main.x that of a package of Go, offsetof(struct s, a.b[2]) where a member lies and container_of(p, struct s, a) the object whose member a is at p. " +
		"Without debug information there are symbols, registers and C's own types: \"*(int *)($rsp + 8)\". " +
		"An expression that calls a function of the target is an error unless call is True; it is then called as call does, with timeout in seconds and only. " +
		"Arguments and results are of any type: numbers, structures by value, references; methods, of which C++ chooses among those of a name by the arguments' types; functions behind pointers. Strings are copied onto the stack for it. " +
		"What $name means that is no register, names tells, a dict or a function of the name: a value, int, float, bool, str or bytes, or None; assignments change the dict, and call the function with the value too. Operators and methods of C++'s containers are those of their printers. " +
		"An object whose class copies it itself is passed as it is, and one that is returned stays below the stack until the process moves."
)

// An evaluation evaluates an expression.
type evaluation func(expr string, o *tracer.EvalOptions) (*value.Value, error)

// evaluate evaluates an expression of the builtin b.
func (p *process) evaluate(do evaluation, thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var expr string
	var calls bool
	var limit timeout
	var o tracer.MoveOptions
	var names starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "expr", &expr, "call?", &calls, "timeout??", &limit, "only?", &o.Only, "names??", &names); err != nil {
		return nil, err
	}
	o.Timeout = time.Duration(limit)
	may := tracer.EvalOptions{ReadOnly: p.policy().check(b.Name(), MayWrite), Operator: p.env.operator}
	if names != nil {
		may.Name = func(in value.Context, name string) (*value.Value, error) {
			v, err := meaningOf(thread, names, name)
			if err != nil {
				return nil, err
			}
			return valueOf(in, v)
		}
		may.SetName = func(name string, v *value.Value) error {
			return setMeaning(thread, names, name, p.env.typed(v))
		}
	}
	if calls {
		if may.ReadOnly != nil {
			return nil, may.ReadOnly
		}
		may.Call = func(t *tracer.Thread, c *tracer.Call) (result *tracer.Result, err error) {
			_, err = p.run(thread, t, func(t *tracer.Thread) (_ *tracer.Stop, err error) {
				result, err = t.Invoke(c, &o)
				return nil, err
			})
			return result, err
		}
	}
	v, err := do(expr, &may)
	if err != nil {
		return nil, err
	}
	return p.env.typed(v), nil
}

// meaningOf returns what a function or a dict has for a name, or None.
func meaningOf(thread *starlark.Thread, names starlark.Value, name string) (starlark.Value, error) {
	switch names := names.(type) {
	case starlark.Callable:
		v, err := starlark.Call(thread, names, starlark.Tuple{starlark.String(name)}, nil)
		return v, plainError(err)
	case starlark.Mapping:
		v, found, err := names.Get(starlark.String(name))
		if !found {
			v = starlark.None
		}
		return v, err
	}
	return nil, fmt.Errorf("names: got %s, want a function or a dict", names.Type())
}

// setMeaning gives a name a value, which stands behind a dollar.
func setMeaning(thread *starlark.Thread, names starlark.Value, name string, v starlark.Value) error {
	switch names := names.(type) {
	case starlark.Callable:
		_, err := starlark.Call(thread, names, starlark.Tuple{starlark.String(name), v}, nil)
		return plainError(err)
	case starlark.HasSetKey:
		return names.SetKey(starlark.String(name), v)
	}
	return fmt.Errorf("$%s cannot be assigned to", name)
}

func (f *frame) eval(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return f.t.p.evaluate(f.f.Eval, thread, b, args, kwargs)
}

func (t *thread) eval(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	frames, err := t.in.Frames(1)
	if len(frames) == 0 {
		return t.p.evaluate(t.p.without(err), thread, b, args, kwargs)
	}
	return t.p.evaluate(frames[0].Eval, thread, b, args, kwargs)
}

func (p *process) eval(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	t, err := p.current("eval")
	if err != nil {
		return p.evaluate(p.without(err), thread, b, args, kwargs)
	}
	return t.eval(thread, b, args, kwargs)
}

// without evaluates in no frame, of which an error tells why there is none.
func (p *process) without(why error) evaluation {
	return func(expr string, o *tracer.EvalOptions) (*value.Value, error) {
		v, err := p.in.Eval(expr, o)
		if err != nil && why != nil && p.file == nil {
			err = why
		}
		return v, err
	}
}

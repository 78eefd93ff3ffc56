package builtins

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/value"
)

// variables returns variables by name: of those with one name, the one that the
// program means.
func (e *Env) variables(list []tracer.Variable, err error) (starlark.Value, error) {
	if err != nil {
		return nil, err
	}
	d := starlark.NewDict(len(list))
	for _, v := range list {
		if !v.Shadowed {
			if err := d.SetKey(starlark.String(v.Name), e.typed(v.Value)); err != nil {
				return nil, err
			}
		}
	}
	d.Freeze()
	return fields{d, "variables"}, nil
}

// variable returns the builtin that looks a variable up.
func variable(e *Env, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple, find func(string) (*value.Value, error)) (starlark.Value, error) {
	var name string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name", &name); err != nil {
		return nil, err
	}
	v, err := find(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return e.typed(v), nil
}

func (f *frame) variable(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return variable(f.t.p.env, b, args, kwargs, f.f.Var)
}

func (t *thread) variable(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return variable(t.p.env, b, args, kwargs, t.in.Var)
}

func (p *process) variable(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return variable(p.env, b, args, kwargs, p.in.Var)
}

// typeNamed returns a type by name.
func (p *process) typeNamed(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var name string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name", &name); err != nil {
		return nil, err
	}
	in := p.in.Scope()
	t, err := value.TypeNamed(in, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return p.env.typeValue(t, in), nil
}

func (p *process) scope(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	loc := location{name: "*rip"}
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "addr??", &loc); err != nil {
		return nil, err
	}
	addr, err := loc.resolve(p)
	if err != nil {
		return nil, err
	}
	vars, err := p.in.VarsAt(addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	in := p.in.Scope()
	var list []starlark.Value
	for _, v := range vars {
		t, err := v.Type()
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", b.Name(), v.Name, err)
		}
		list = append(list, starlarkstruct.FromStringDict(starlarkstruct.Default, starlark.StringDict{
			"name": starlark.String(v.Name), "type": p.env.typeValue(t, in), "param": starlark.Bool(v.Param),
			"file": starlark.String(v.File), "line": starlark.MakeInt(v.Line),
		}))
	}
	return starlark.NewList(list), nil
}

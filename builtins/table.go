package builtins

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"go.starlark.net/starlark"
)

// A method is the row of a builtin function: its name, its signature as
// documentation, its meaning with units and errors, and the function itself. T
// is the receiver.
type method[T any] struct {
	name, sig, doc string
	call           func(T, *starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error)
}

// builtin returns the method of a class as a Starlark function. The receiver is the
// value that the function is bound to.
func (m *method[T]) builtin(class string) *starlark.Builtin {
	call, name := m.call, m.name
	need, _ := needs(class + "." + name)
	return starlark.NewBuiltin(name, func(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		if err := allows(b.Receiver(), name, need); err != nil {
			return nil, err
		}
		v, err := call(any(b.Receiver()).(T), thread, b, args, kwargs)
		return v, m.spell(err, b, kwargs)
	})
}

// spell adds to an error about the keyword of an argument which one may be meant.
// UnpackArgs looks at the first half of the parameters only.
func (m *method[T]) spell(err error, b *starlark.Builtin, kwargs []starlark.Tuple) error {
	if err == nil || len(kwargs) == 0 {
		return err
	}
	for _, pair := range kwargs {
		keyword := string(pair[0].(starlark.String))
		if err.Error() != fmt.Sprintf("%s: unexpected keyword argument %q", b.Name(), keyword) {
			continue
		}
		var names []string
		for _, p := range (&topic{name: m.name, sig: m.sig}).signature().Params {
			names = append(names, p.Name)
		}
		return fmt.Errorf("%w%s", err, hint(keyword, names))
	}
	return err
}

// bind returns the function of e called name, which may be in a module.
func (m *method[T]) bind(e T, name string) *starlark.Builtin {
	call := m.call
	need, _ := needs(name)
	return starlark.NewBuiltin(name, func(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		if err := any(e).(*Env).allowed.check(name, need); err != nil {
			return nil, err
		}
		v, err := call(e, thread, b, args, kwargs)
		return v, m.spell(err, b, kwargs)
	})
}

// An attribute is the row of an attribute: its name, its type as documentation,
// its meaning, and the function that gets it.
type attribute[T any] struct {
	name, typ, doc string
	get            func(T) (starlark.Value, error)
}

// A class holds the rows of a type of values.
type class[T starlark.Value] struct {
	attributes []attribute[T]
	methods    []method[T]

	// These are made when they are asked for first: most types have no value in a run.
	members func() map[string]member[T]
	names   func() []string // sorted
}

// A member is an attribute, or else a method.
type member[T any] struct {
	get    func(T) (starlark.Value, error)
	method *starlark.Builtin
}

// concat joins lists of rows.
func concat[T any](lists ...[]method[T]) []method[T] { return slices.Concat(lists...) }

// newClass returns the class called name and enters its rows in the manual.
func newClass[T starlark.Value](name, doc string, attributes []attribute[T], methods []method[T]) *class[T] {
	chapters = append(chapters, func() {
		topic := newTopic(name, "", doc)
		for _, a := range attributes {
			topic.add(name+"."+a.name, ": "+a.typ, a.doc)
		}
		for _, m := range methods {
			topic.add(name+"."+m.name, m.sig, m.doc)
		}
	})
	return members(name, attributes, methods)
}

// members returns the class called name without entering it in the manual.
func members[T starlark.Value](name string, attributes []attribute[T], methods []method[T]) *class[T] {
	all := sync.OnceValue(func() map[string]member[T] {
		all := make(map[string]member[T], len(attributes)+len(methods))
		for _, a := range attributes {
			all[a.name] = member[T]{get: a.get}
		}
		for _, m := range methods {
			all[m.name] = member[T]{method: m.builtin(name)}
		}
		return all
	})
	names := sync.OnceValue(func() []string { return slices.Sorted(maps.Keys(all())) })
	return &class[T]{attributes, methods, all, names}
}

// pick returns the rows with the given names.
func (c *class[T]) pick(names ...string) (attributes []attribute[T], methods []method[T]) {
	for _, a := range c.attributes {
		if slices.Contains(names, a.name) {
			attributes = append(attributes, a)
		}
	}
	for _, m := range c.methods {
		if slices.Contains(names, m.name) {
			methods = append(methods, m)
		}
	}
	return attributes, methods
}

// attr returns v's attribute called name. An unknown one is (nil, nil): the
// evaluator then tells which name is near.
func (c *class[T]) attr(v T, name string) (starlark.Value, error) {
	m, ok := c.members()[name]
	switch {
	case !ok:
		return nil, nil
	case m.get != nil:
		return m.get(v)
	}
	return m.method.BindReceiver(v), nil
}

// A handle is what all values of this package have in common: they stand for
// something of the target, which changes whether Starlark thinks them frozen or
// not, and are true.
type handle struct{}

func (handle) Freeze()              {}
func (handle) Truth() starlark.Bool { return starlark.True }

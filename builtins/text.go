package builtins

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// maxShown bounds how deep the values are nested that are written as text: each level takes
// a part of Go's stack.
const maxShown = 100_000

// Text returns what String returns of a value, unless the thread is canceled meanwhile: a
// value that refers to another a billion times is long.
func Text(thread *starlark.Thread, x starlark.Value) (string, error) {
	w := writer{thread: thread}
	err := w.write(x)
	return w.out.String(), err
}

// A writer writes values as Starlark does.
type writer struct {
	out    strings.Builder
	thread *starlark.Thread
	path   []starlark.Value // lists and dicts that are being written
	depth  int
	count  int // values that were written
}

func (w *writer) write(x starlark.Value) error {
	if w.count++; w.count%1024 == 0 {
		if err := canceled(w.thread); err != nil {
			return err
		}
	}
	if w.depth++; w.depth > maxShown {
		return fmt.Errorf("%s is nested more than %d levels deep", x.Type(), maxShown)
	}
	defer func() { w.depth-- }()
	switch x := x.(type) {
	case starlark.String:
		w.out.WriteString(syntax.Quote(string(x), false))
	case *starlark.List:
		return w.inside(x, "[", "]", func() error { return w.elements(x) })
	case starlark.Tuple:
		w.out.WriteByte('(')
		err := w.elements(x)
		if len(x) == 1 {
			w.out.WriteByte(',')
		}
		w.out.WriteByte(')')
		return err
	case *starlark.Set:
		w.out.WriteString("set([")
		err := w.elements(x)
		w.out.WriteString("])")
		return err
	case *starlark.Dict:
		return w.inside(x, "{", "}", func() error {
			separator := ""
			for k, v := range starlark.Entries(x) {
				w.out.WriteString(separator)
				if err := w.write(k); err != nil {
					return err
				}
				w.out.WriteString(": ")
				if err := w.write(v); err != nil {
					return err
				}
				separator = ", "
			}
			return nil
		})
	case *starlarkstruct.Struct:
		return w.fields(x)
	default:
		w.out.WriteString(x.String())
	}
	return nil
}

// inside writes what a list or dict has, unless it has itself.
func (w *writer) inside(x starlark.Value, begin, end string, write func() error) (err error) {
	w.out.WriteString(begin)
	if slices.Contains(w.path, x) {
		w.out.WriteString("...")
	} else {
		w.path = append(w.path, x)
		err = write()
		w.path = w.path[:len(w.path)-1]
	}
	w.out.WriteString(end)
	return err
}

func (w *writer) elements(x starlark.Iterable) error {
	separator := ""
	for v := range starlark.Elements(x) {
		w.out.WriteString(separator)
		if err := w.write(v); err != nil {
			return err
		}
		separator = ", "
	}
	return nil
}

func (w *writer) fields(x *starlarkstruct.Struct) error {
	if name, ok := x.Constructor().(starlark.String); ok {
		w.out.WriteString(string(name))
	} else {
		w.out.WriteString(x.Constructor().String())
	}
	w.out.WriteByte('(')
	for i, name := range x.AttrNames() {
		if i > 0 {
			w.out.WriteString(", ")
		}
		w.out.WriteString(name + " = ")
		v, err := x.Attr(name)
		if err == nil {
			err = w.write(v)
		}
		if err != nil {
			return err
		}
	}
	w.out.WriteByte(')')
	return nil
}

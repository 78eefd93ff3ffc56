package builtins

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer/value"
)

// An array is a typed whose elements can be counted.
type array struct {
	*typed
	n int
}

// Len returns the number of elements.
func (a *array) Len() int { return a.n }

// Index returns an element.
func (a *array) Index(i int) starlark.Value {
	elem, err := a.v.Index(int64(i))
	if err != nil {
		elem = value.Absent(a.v.Context(), nil, err)
	}
	return a.e.typed(elem)
}

// Get returns an element by its index, which counts from the end if it is negative. One
// behind the end is an error, unless the program alone knows the length.
func (a *array) Get(key starlark.Value) (starlark.Value, bool, error) {
	n, err := asNumber(key)
	if i, ok := n.(starlark.Int); err == nil && ok && a.n > 0 {
		at, ok := i.Int64()
		if ok && at < 0 {
			at += int64(a.n)
		}
		if !ok || at < 0 || at >= int64(a.n) {
			return nil, false, fmt.Errorf("index %s out of range: %s has %d elements; a pointer, as in v + 0, has no bounds", i, a.v.Type(), a.n)
		}
		key = starlark.MakeInt64(at)
	}
	return a.typed.Get(key)
}

// Slice returns a list of elements.
func (a *array) Slice(start, end, step int) starlark.Value {
	var list []starlark.Value
	for i := start; step > 0 && i < end || step < 0 && i > end; i += step {
		list = append(list, a.Index(i))
	}
	return starlark.NewList(list)
}

// Iterate returns an iterator of the elements.
func (a *array) Iterate() starlark.Iterator { return &elements{a: a} }

type elements struct {
	a *array
	i int
}

func (it *elements) Next(p *starlark.Value) bool {
	if it.i >= it.a.n {
		return false
	}
	*p = it.a.Index(it.i)
	it.i++
	return true
}

func (it *elements) Done() {}

package builtins

import (
	"errors"
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// An ints is a Starlark range. Unlike starlark-go's, it knows of addresses whether it has
// them, and a limit or an interrupt ends what goes through it, as list and max do.
type ints struct {
	start, stop, step int
	len               int
	thread            *starlark.Thread
}

var (
	_ starlark.Indexable  = ints{}
	_ starlark.Sequence   = ints{}
	_ starlark.Comparable = ints{}
	_ starlark.Sliceable  = ints{}
	_ starlark.Container  = ints{}
)

func (e *Env) makeRange(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	start, stop, step := 0, 0, 1
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 1, &start, &stop, &step); err != nil {
		return nil, err
	}
	if len(args) == 1 {
		start, stop = 0, start
	}
	if step == 0 {
		return nil, errors.New("range: step argument must not be zero")
	}
	s := newInts(start, stop, step, thread)
	if s.len < 0 {
		return nil, fmt.Errorf("%s: more numbers than an int of 64 bits counts", b.Name())
	}
	return s, nil
}

func newInts(start, stop, step int, thread *starlark.Thread) ints {
	s := ints{start: start, stop: stop, step: step, thread: thread}
	switch {
	case step > 0 && stop > start:
		s.len = int((uint(stop)-uint(start)-1)/uint(step) + 1)
	case step < 0 && start > stop:
		s.len = int((uint(start)-uint(stop)-1)/-uint(step) + 1)
	}
	return s
}

func (s ints) Len() int                   { return s.len }
func (s ints) Index(i int) starlark.Value { return starlark.MakeInt(s.start + i*s.step) }
func (s ints) Freeze()                    {}
func (s ints) Type() string               { return "range" }
func (s ints) Truth() starlark.Bool       { return s.len > 0 }
func (s ints) Hash() (uint32, error)      { return 0, unhashable(s) }

func (s ints) String() string {
	switch {
	case s.step != 1:
		return fmt.Sprintf("range(%d, %d, %d)", s.start, s.stop, s.step)
	case s.start != 0:
		return fmt.Sprintf("range(%d, %d)", s.start, s.stop)
	}
	return fmt.Sprintf("range(%d)", s.stop)
}

func (s ints) Slice(start, end, step int) starlark.Value {
	return newInts(s.start+s.step*start, s.start+s.step*end, s.step*step, s.thread)
}

func (s ints) CompareSameType(op syntax.Token, other starlark.Value, _ int) (bool, error) {
	t := other.(ints)
	equal := s.len == t.len && (s.len == 0 || s.start == t.start && (s.len == 1 || s.step == t.step))
	switch op {
	case syntax.EQL:
		return equal, nil
	case syntax.NEQ:
		return !equal, nil
	}
	return false, fmt.Errorf("%s %s %s not implemented", s.Type(), op, other.Type())
}

func (s ints) Has(v starlark.Value) (bool, error) {
	n, err := starlark.NumberToInt(v)
	if err != nil {
		return false, fmt.Errorf("'in <range>' requires integer as left operand, not %s", v.Type())
	}
	i, ok := n.Int64()
	x, last := int(i), s.start+(s.len-1)*s.step
	return ok && s.len > 0 && min(s.start, last) <= x && x <= max(s.start, last) && (uint(max(x, s.start))-uint(min(x, s.start)))%uint(max(s.step, -s.step)) == 0, nil
}

func (s ints) Iterate() starlark.Iterator { return &intsIterator{ints: s} }

type intsIterator struct {
	ints
	i int
}

func (it *intsIterator) Next(v *starlark.Value) bool {
	const batch = 1 << 16 // numbers that take less time than anybody notices
	if it.i >= it.len || it.i%batch == batch-1 && canceled(it.thread) != nil {
		return false
	}
	*v = it.Index(it.i)
	it.i++
	return true
}

func (it *intsIterator) Done() {}

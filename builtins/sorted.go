package builtins

import (
	"sort"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// sorted is Starlark's, but a limit or an interrupt ends it.
func (e *Env) sorted(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var iterable starlark.Iterable
	var key starlark.Callable
	var reverse bool
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "iterable", &iterable, "key?", &key, "reverse?", &reverse); err != nil {
		return nil, err
	}
	type pair struct{ key, value starlark.Value }
	var pairs []pair
	for v := range starlark.Elements(iterable) {
		k := v
		if key != nil {
			var err error
			if k, err = starlark.Call(thread, key, starlark.Tuple{v}, nil); err != nil {
				return nil, err
			}
		}
		pairs = append(pairs, pair{k, v})
	}
	const batch = 1 << 14 // comparisons that take less time than anybody notices
	err := canceled(thread)
	n := 0
	sort.SliceStable(pairs, func(i, j int) bool {
		if n++; n%batch == 0 && err == nil {
			err = canceled(thread)
		}
		if err != nil {
			return false // for the rest, which takes little time
		}
		if reverse {
			i, j = j, i
		}
		var less bool
		less, err = starlark.Compare(syntax.LT, pairs[i].key, pairs[j].key)
		return less
	})
	if err != nil {
		return nil, err
	}
	values := make([]starlark.Value, len(pairs))
	for i, p := range pairs {
		values[i] = p.value
	}
	return starlark.NewList(values), nil
}

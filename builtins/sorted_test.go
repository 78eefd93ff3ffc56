package builtins

import (
	"testing"

	"go.starlark.net/starlark"
)

// TestSorted compares sorted with that of starlark-go.
func TestSorted(t *testing.T) {
	exec(t, newEnv(t), `
values = [(i * 7919 % 101, i) for i in range(3000)]
texts = [str(v) for v in values]
for x in [[], [3, 1, 2], values, texts, tuple(values), {"b": 1, "a": 2}, range(9, 0, -2), set([3, 1]), "hello".elems()]:
    for key in [None, lambda v: v, str, lambda v: 0, lambda v: v[0] if type(v) == "tuple" else v]:
        options = {"key": key} if key else {}
        for reverse in [False, True]:
            got, want = sorted(x, reverse = reverse, **options), builtin(x, reverse = reverse, **options)
            if got != want:
                fail(x, key, reverse, got, want)
for args, kwargs, want in [(([1, "a"],), {}, "not implemented"), ((3,), {}, "want iterable"), (([1],), {"key": 1}, "want callable"), (([1],), {"key": lambda v: v["x"]}, "unhandled index"), ((), {}, "missing argument")]:
    for f in [sorted, builtin]:
        _, err = attempt(f, *args, **kwargs)
        if err == None or want not in err.message:
            fail(f, args, err)
`, starlark.StringDict{"builtin": starlark.Universe["sorted"]})
}

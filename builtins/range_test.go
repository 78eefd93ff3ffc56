package builtins

import (
	"testing"

	"go.starlark.net/starlark"
)

// TestRange compares range with that of starlark-go, and holds addresses against it.
func TestRange(t *testing.T) {
	e := newEnv(t)
	exec(t, e, `
def look(r, s):
    if list(r) != list(s) or len(r) != len(s) or str(r) != str(s) or bool(r) != bool(s) or type(r) != type(s):
        fail(r, list(r), s, list(s))
    for i in range(-12, 13):
        if (i in r) != (i in s):
            fail("%d in %s" % (i, r))
    for i in range(len(s)):
        if r[i] != s[i] or r[-i - 1] != s[-i - 1]:
            fail("%s[%d]" % (r, i))

values = [-9, -4, -1, 0, 1, 2, 3, 7, 9]
ranges = []
for start in values:
    look(range(start), builtin(start))
    for stop in values:
        look(range(start, stop), builtin(start, stop))
        for step in values:
            if step == 0:
                continue
            r, s = range(start, stop, step), builtin(start, stop, step)
            look(r, s)
            look(r[1:], s[1:])
            look(r[::-1], s[::-1])
            look(r[-3:5:2], s[-3:5:2])
            ranges.append((r, list(r)))
for r, in_r in ranges:
    for s, in_s in ranges[::7]:
        if (r == s) != (in_r == in_s) or (r != s) != (in_r != in_s):
            fail(r, "==", s)

base = 0x7fff00000000
text = range(base, base + 0x1000, 8)
if base + 16 not in text or base + 17 in text or base - 8 in text or base + 0x1000 in text or 1 << 70 in text:
    fail("addresses")
if base not in range(base + 16, base - 1, -8) or base + 1 in range(base + 16, base - 1, -8):
    fail("addresses that go down")
if -(1 << 62) not in range(-(1 << 63), 0, 1 << 62) or 1 in range(-(1 << 63), 0, 1 << 62):
    fail("large steps")
for args, want in [((1, 2, 0), "must not be zero"), ((-(1 << 63), 1 << 62), "more numbers than"), (("x",), "want int"), ((), "want at least 1")]:
    _, err = attempt(range, *args)
    if err == None or want not in err.message:
        fail(args, err)
`, starlark.StringDict{"builtin": starlark.Universe["range"]})
}

package script

import (
	"strings"
	"testing"
)

// TestGuard checks that products and texts are what they are without a limit of memory,
// and that their errors are.
func TestGuard(t *testing.T) {
	for _, expr := range []string{
		"[x * y for x in (0, 3, -3, 100, 1 << 70, 2.5) for y in (0, 3, -3, 100, 1 << 70, 2.5)]",
		"[x * n for n in (-1, 0, 1, 100, True) for x in ('ab', b'ab', [1], (1, 2), '', [])]",
		"[n * x for n in (-1, 0, 1, 100) for x in ('ab', b'ab', [1], (1, 2), '', [])]",
		"[x * y for x, y in [('a', 'b')]]",
		"[1] * None",
		"{} * 2000",
		"'a-b-c'.replace('-', '+')", "'a-b-c'.replace('-', '+', 1)", "'abc'.replace('', '-')", "'a-b-c'.replace('-', '', -1)",
		"'a'.replace()", "'a'.replace(1, 2)", "'a'.replace('a', 'b', 'c')", "'a'.replace('a', new = 'b')",
		"', '.join(['a', 'b'])", "''.join([])", "', '.join(('a',))", "', '.join(['a', 1])", "', '.join(3)", "', '.join()", "''.join(x for x in [])",
		"str([1].replace)", "(1).join('a')", "str('a'.replace)", "dict(replace = 3).replace",
		"struct(replace = 3, join = lambda *a: a).join([1] * 100)", "struct(replace = 3).replace * 100",
		"list(5)", "list()", "tuple([1])", "sorted([3, 1], key = lambda x: -x)", "sorted(iterable = [2, 1], reverse = True)", "reversed('ab'.elems())", "enumerate(['a'], 3)", "str(list)",
	} {
		run := func(memory uint64) (printed, failed string) {
			var stdout, stderr strings.Builder
			s, err := New(&Options{Stdout: &stdout, Stderr: &stderr, Memory: memory})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := s.RunCode("def f():\n    x = 7\n    x *= 100\n    return x\nprint(f(), " + expr + ")"); err != nil {
				failed = err.(*Error).Report
			}
			return stdout.String(), failed
		}
		printed, failed := run(1 << 40)
		if wantPrinted, wantFailed := run(0); printed != wantPrinted || failed != wantFailed {
			t.Errorf("%s prints %q and fails with %q, want %q and %q", expr, printed, failed, wantPrinted, wantFailed)
		}
	}
}

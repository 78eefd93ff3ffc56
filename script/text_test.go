package script

import (
	"errors"
	"strings"
	"testing"

	"go.starlark.net/lib/json"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// TestText checks that texts are those of Starlark's own functions, and their errors.
func TestText(t *testing.T) {
	own := starlark.StringDict{"struct": starlark.NewBuiltin("struct", starlarkstruct.Make), "json": json.Module}
	for _, expr := range []string{
		"str([1, (2,), {'a': [b'x', 1.5]}, set([1, 2]), struct(a = 'b', c = [struct()]), None, True, len, (), [], {}])", "repr(['a', 1])", "str(b'a')", "str('a')", "str()", "str(1, 2)", "repr()",
		"[x.append(x) for x in [[1]]]", "str([[x.append(x), str(x)] for x in [[1]]])", "str([[d.update(a = d), str(d)] for d in [{}]])", "'%s|%r|%d' % ([1, 'a'], 'b', 3)", "'%s' % ([1],)", "'%s' % [1]", "'%d' % [1]", "'%d' % ([1],)", "'%(a)s' % {'a': [1]}", "'%s' % {'a': 1}", "'%s %s' % (1,)",
		"[f % x for f in ['%s', '%r'] for x in [[1], {'a': 1}, set(['x']), 'x']]", "[f % x for f in ['%(a)s'] for x in [{'a': [1]}]]", "'%(b)s' % {'a': 1}", "'%d' % {'a': 1}", "['%s'][0] % ()",
		"'{} {}'.format([1], {'a': 'b'})", "'{x!r} {0}'.format((1, 'a'), x = {'a': [1]})", "['{}'][0].format({}, 1)", "'{}{}'.format([1])", "'{y}'.format(x = [])", "struct(format = len).format([1])", "(1).format", "[a % b for a in [7] for b in [4]]",
		"7 % 4", "print([1], 'a', b'b', sep = '-')", "print(seb = 1)", "fail([1], 'a', b'b', sep = '-')", "fail()", "str(print)",
	} {
		var want, got strings.Builder
		thread := &starlark.Thread{Print: func(_ *starlark.Thread, line string) { want.WriteString(line + "\n") }}
		_, wantErr := starlark.ExecFileOptions(&syntax.FileOptions{Set: true}, thread, "<code>", "print("+expr+")", own)
		s, err := New(&Options{Stdout: &got})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		err = s.RunCode("print(" + expr + ")")
		if got.String() != want.String() || (err == nil) != (wantErr == nil) {
			t.Errorf("%s prints %q, %v, want %q, %v", expr, &got, err, &want, wantErr)
		}
		if err != nil && !strings.Contains(err.Error(), strings.TrimPrefix(wantErr.Error(), "fail: ")) {
			t.Errorf("%s fails with %q, want %q", expr, err, wantErr)
		}
	}
}

// TestTextInterrupted has values that refer to others so often that their texts do not end.
func TestTextInterrupted(t *testing.T) {
	for _, call := range []string{"str(x)", "repr(x)", "print(x)", "fail(x)", "'%s' % (x,)", "'%s' % x", "str({1: x})", "str((x,))", "'%s' % {1: x}", "'%(a)s' % {'a': x}", "y = '%s'\ny %= x", "y = '%s' % ([x],)", "y = '%r'\ny % x", "'{}'.format(x)", "'{a}'.format(a = {1: x})", "str(struct(a = x))"} {
		var s *Session
		s, err := New(&Options{Names: starlark.StringDict{"ready": starlark.NewBuiltin("ready", func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
			go s.Interrupt()
			return starlark.None, nil
		})}})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.RunCode("x = [0]\nfor i in range(60): x = [x, x]\nready()\n" + call); !errors.Is(err, ErrInterrupted) {
			t.Errorf("%s ends with %v", call, err)
		}
		s.Close()
	}
}

package builtins

import (
	"strings"
	"testing"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestHelp checks what help prints, by its first lines.
func TestHelp(t *testing.T) {
	e := newEnv(t)
	names := starlark.StringDict{"path": starlark.String(tracertest.Build(t, "testdata/loop.c"))}
	setup := `
def documented(a, b=1, *rest, c, d=2, **more):
    """Do something.

    In two paragraphs.
    """
def bare(*, x): pass
p = launch(path)
m = module("m", f=documented, n=1)
`
	for _, test := range []struct{ expr, want string }{
		{"launch", "launch(argv, env=None, cwd=None, stdin=None, stdout=None, stderr=None, aslr=False, tty=None, limits=None, pin=True, filter=None, follow=\"parent\", group=False) -> process\n    Start a program"},
		{"p.read", "process.read(addr, n) -> bytes\n    Read n bytes"},
		{"p", "process\n    A traced process. "},
		{"p.regs", "regs\n    The registers of a thread"},
		{"STOP", "STOP\n    What a handler returns"},
		{"'process.pid'", "process.pid: int\n    The process ID."},
		{"'u8'", "u8(x) -> int\n    Wrap an int to an unsigned number of 8 bits."},
		{"'nothing'", "\"nothing\"\n    A value of Starlark's type string."},
		{"1", "1\n    A value of Starlark's type int."},
		{"struct(f=documented, n=1)", "f(a, b=1, *rest, c, d=2, **more)\n    Do something."},
		{"struct(n=1)", "struct(**kwargs) -> struct\n"},
		{"len", "len\n    A function of Starlark or of one of its modules."},
		{"time.time", "time\n    A function of Starlark or of one of its modules."},
		{"json", "json\n    Starlark's module json. It encodes every value.\n\n        >>> print(json.encode({"},
		{"json.decode", "json.decode(x, default=...) -> value\n"},
		{"math", "math\n    Starlark's module math: functions of floats.\n\n    math.acos: builtin_function_or_method"},
		{"documented", "documented(a, b=1, *rest, c, d=2, **more)\n    Do something.\n\n    In two paragraphs."},
		{"bare", "bare(*, x)\n    Defined at TestHelp.star:7:1."},
		{"m", "m\n\n    m.documented(a, b=1, *rest, c, d=2, **more)\n        Do something."},
		{"", "CAPTURE         For launch: keep what the target writes"},
	} {
		var printed []string
		thread := &starlark.Thread{Print: func(_ *starlark.Thread, msg string) { printed = append(printed, msg) }}
		if _, err := starlark.ExecFileOptions(options, thread, "TestHelp.star", setup+"help("+test.expr+")", with(e, names)); err != nil {
			t.Errorf("help(%s): %v", test.expr, err)
		}
		if text := strings.Join(printed, "\n"); !strings.HasPrefix(text, test.want) {
			t.Errorf("help(%s) prints %q, want %q first", test.expr, text, test.want)
		}
	}
}

// TestHelpListsAll checks that help() lists what is predeclared, and what the
// caller added.
func TestHelpListsAll(t *testing.T) {
	e := newEnv(t)
	e.Predeclared()["extra"] = starlark.MakeInt(1)
	text := "\n" + e.describe(nil, nil)
	for name := range e.Predeclared() {
		if !strings.Contains(text, "\n"+name+" ") {
			t.Errorf("help() does not list %s", name)
		}
	}
	if want := "\nextra           A value of type int.\n"; !strings.Contains(text, want) {
		t.Errorf("help() prints %q, want %q in it", text, want)
	}
}

func TestLog(t *testing.T) {
	e := newEnv(t)
	var b strings.Builder
	e.Stderr = &b
	exec(t, e, `log("a", 1, b"c")`, nil)
	if _, text, _ := strings.Cut(b.String(), " "); text != "a 1 c\n" {
		t.Errorf("log wrote %q, want the time and %q", b.String(), "a 1 c\n")
	}
}

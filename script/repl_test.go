package script

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// feed runs the REPL over input, which is not a terminal.
func feed(t *testing.T, s *Session, input string, first ...string) error {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	go func() {
		w.WriteString(input)
		w.Close()
	}()
	return s.REPL(r, first...)
}

func TestREPL(t *testing.T) {
	tests := []struct{ name, input, want string }{
		{"values", "1 + 1\nNone\n'a\\tb'\n[]\n_\n", "2\n\"a\\tb\"\n[]\n[]\n"},
		{"addresses", "0xffff\n0x10000\n-65536\n[1, 0x10000]\n[0x10000, 'x']\nthing.address\n",
			"65535\n0x10000 (65536)\n-65536\n[1, 0x10000]\n[65536, \"x\"]\n0x7ffd00001000 (140724603457536)\n"},
		{"bytes", "b'abc'\nb''\n", "61 62 63\nb\"\"\n"},
		{"blocks", "def f(x):\n    # twice\n\n    return 2 * x\nif True:\n  f(1)\n  print(f(2))\nelse:\n  pass\nf(3)\n", "4\n6\n"},
		{"end of input", "for i in range(2):\n  print(i)", "0\n1\n"},
		{"open brackets", "f = [\n1,\n\n2\n]\nf\nx = '''a\n\nb'''\nx\n1 + \\\n1\n", "[1, 2]\n\"a\\n\\nb\"\n2\n"},
		{"latest definitions", "x = 1\ndef f():\n  return x\ndef g():\n  return f()\nx = 2\ng()\ndef f():\n  return -x\ng()\nx += 1\ng()\n", "2\n-2\n-3\n"},
		{"self reference", "x = 1\nx = x + 1\nx\nx += x\nx\nwhile x < 6: x = x + 1\nx\n", "2\n4\n6\n"},
		{"load", "load('testdata/sub/shared.star', 'state')\nstate\n", "{\"n\": 0}\n"},
		{"errors", "1 // 0\nnope\nhexdmp\ndef g():\n  g_()\ng = 3\n2 +\n3\n", `Traceback (most recent call last):
  <stdin>:1:3: in <expr>
    1 // 0
Error: floored division by zero
Error: no command or variable is named "nope"; help lists the commands
Error: no command or variable is named "hexdmp" (did you mean hexdump?); help lists the commands
<stdin>:5:3: undefined: g_ (did you mean g?)
    g_()
    ^
<stdin>:7:4: got newline, want primary expression
    2 +
       ^
3
`},
		{"old lines", "def f():\n  return 1 // 0\n\n\nf()\n", `Traceback (most recent call last):
  <stdin>:5:2: in <expr>
    f()
  <stdin>:2:12: in f
    return 1 // 0
Error: floored division by zero
`},
		{"kept by a failure", "x = 1; y = 1 // 0\nx\n", "Traceback (most recent call last):\n  <stdin>:1:14: in <toplevel>\n    x = 1; y = 1 // 0\nError: floored division by zero\n1\n"},
		{"exit", "1\nexit()\n2\n", "1\n"},
		{"control", "thing.color + '\\x1b]0;title\\x07'\nprint('\\x1b[1m')\n", "\"red\\x1b]0;title\\a\"\n\x1b[1m\n"},
		{"zero", "1\x00\n2\n", "<stdin>:1:2: unexpected input character '\ufffd'\n    1\ufffd\n     ^\n2\n"},
		{"names of a file", "needed = 1\n.load testdata/sub/needs.star\n", "testdata/sub/needs.star:1:7: undefined: needed\n    print(needed)\n          ^\n"},
		{"own names", "loads = 1\nload('testdata/sub/first.star', 'add')\nadd(2)\nloads\n", "1\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, _, out := newFake(t, Options{})
			if err := feed(t, s, test.input); err != nil {
				t.Errorf("got error %v", err)
			}
			if out.String() != test.want {
				t.Errorf("got\n%swant\n%s", out, test.want)
			}
		})
	}
}

func TestREPLPanic(t *testing.T) {
	s, _, out := newFake(t, Options{})
	if err := feed(t, s, "crash()\n1\n"); err != nil {
		t.Errorf("got error %v", err)
	}
	if got := out.String(); !strings.HasPrefix(got, "Error: internal error") || !strings.HasSuffix(got, "\n1\n") {
		t.Errorf("got %s", got)
	}
}

func TestREPLEnds(t *testing.T) {
	s, _, _ := newFake(t, Options{})
	if exit, ok := feed(t, s, "exit(4)\n").(*ExitError); !ok || exit.Code != 4 {
		t.Errorf("got error %v, want code 4", exit)
	}
	if err := feed(t, s, strings.Repeat("x", maxSource+1)); err == nil {
		t.Error("got no error for a line without end")
	}
}

func TestREPLFirst(t *testing.T) {
	s, _, out := newFake(t, Options{})
	if err := feed(t, s, "p\nq //\n", "p = 1"); err != nil || !strings.Contains(out.String(), "1\n<stdin>:3:5: ") {
		t.Errorf("got %q, error %v", out, err)
	}
	if err := feed(t, s, "2\n", "p = 1 // 0"); err == nil || strings.HasSuffix(out.String(), "2\n") {
		t.Errorf("got %q, error %v", out, err)
	}
}

func TestREPLQuit(t *testing.T) {
	t.Run("reading", func(t *testing.T) {
		s, e, _ := newFake(t, Options{})
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		w.WriteString("start()\n")
		go func() {
			<-e.started
			s.Quit()
		}()
		if err := s.REPL(r); !errors.Is(err, ErrInterrupted) {
			t.Errorf("got error %v, want %v", err, ErrInterrupted)
		}
	})
	t.Run("evaluating", func(t *testing.T) {
		s, e, out := newFake(t, Options{})
		go func() {
			<-e.started
			s.Quit()
		}()
		if err := feed(t, s, "hang()\nprint('more')\n"); !errors.Is(err, ErrInterrupted) {
			t.Errorf("got error %v, want %v", err, ErrInterrupted)
		}
		if strings.Contains(out.String(), "more") {
			t.Errorf("got %q after Quit", out)
		}
	})
}

func TestREPLInterrupt(t *testing.T) {
	s, e, out := newFake(t, Options{})
	go func() {
		<-e.started
		s.Interrupt()
	}()
	if err := feed(t, s, "hang()\n2\n"); err != nil {
		t.Errorf("got error %v", err)
	}
	want := "Traceback (most recent call last):\n  <stdin>:1:5: in <expr>\n    hang()\nError: interrupted\n2\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
}

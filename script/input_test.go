package script

import (
	"io"
	"slices"
	"strings"
	"testing"

	"go.starlark.net/syntax"
)

func TestBlocksOfCommands(t *testing.T) {
	lines := []string{"commands 1", "x", "def f():", "", "  commands 2", "  end", "  end ", "a"}
	r := &itemReader{
		prompt:    noPrompt,
		isCommand: func(line string) bool { return line != "a" },
		blockDepth: func(line string, depth int) int {
			return depth + strings.Count(line, "commands") - strings.Count(line, "end")
		},
		readLine: func(string) (string, error) {
			line := lines[0]
			lines = lines[1:]
			return line, nil
		},
	}
	for _, want := range []string{"commands 1\nx\ndef f():\n\n  commands 2\n  end\n  end \n", "a\n"} {
		if it, err := r.next(); err != nil || it.text != want {
			t.Errorf("got item %q, %v, want %q", it.text, err, want)
		}
	}
}

// split divides text into items.
func split(text string, blank bool) (items []string) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	r := &itemReader{blank: blank, prompt: noPrompt, isCommand: noCommand, readLine: func(string) (string, error) {
		if len(lines) == 0 {
			return "", io.EOF
		}
		line := lines[0]
		lines = lines[1:]
		return line, nil
	}}
	for {
		it, err := r.next()
		if err != nil {
			return items
		}
		items = append(items, it.text)
	}
}

func TestItems(t *testing.T) {
	tests := []struct {
		text            string
		pipe, terminals []string // nil if the same
	}{
		{"a\nb", []string{"a\n", "b\n"}, nil},
		{"def f():\n  a\nb", []string{"def f():\n  a\n", "b\n"}, nil},
		{"def f():\n  a\n\n  b\nc", []string{"def f():\n  a\n\n  b\n", "c\n"}, []string{"def f():\n  a\n\n", "  b\n", "c\n"}},
		{"if a:\n  b\nelif c:\n  d\n# x\nelse: e\nf", []string{"if a:\n  b\nelif c:\n  d\n# x\nelse: e\n", "f\n"}, nil},
		{"if a:\n  b\nelsewhere = 1", []string{"if a:\n  b\n", "elsewhere = 1\n"}, nil},
		{"define = 1\nb", []string{"define = 1\n", "b\n"}, nil},
		{"f(\n1)\nb", []string{"f(\n1)\n", "b\n"}, nil},
		{"f('(')\nb", []string{"f('(')\n", "b\n"}, nil},
		{"f(\"\\\"(\")\nb", []string{"f(\"\\\"(\")\n", "b\n"}, nil},
		{"a # (\nb", []string{"a # (\n", "b\n"}, nil},
		{"'''\n#(\n'''\nb", []string{"'''\n#(\n'''\n", "b\n"}, nil},
		{"''\nb", []string{"''\n", "b\n"}, nil},
		{"'a\\\nb'\nc", []string{"'a\\\nb'\n", "c\n"}, nil},
		{"'a\nb", []string{"'a\n", "b\n"}, nil},
		{"a + \\\nb\nc", []string{"a + \\\nb\n", "c\n"}, nil},
		{"def f(a,\n\nb):\n  c\nd", []string{"def f(a,\n\nb):\n  c\n", "d\n"}, nil},
		{"def f():\n  '''\nx\n  '''\nd", []string{"def f():\n  '''\nx\n  '''\n", "d\n"}, nil},
		{")\nb", []string{")\n", "b\n"}, nil},
	}
	for _, test := range tests {
		if got := split(test.text, false); !slices.Equal(got, test.pipe) {
			t.Errorf("%q: got items %q, want %q", test.text, got, test.pipe)
		}
		want := test.terminals
		if want == nil {
			want = test.pipe
		}
		if got := split(test.text, true); !slices.Equal(got, want) {
			t.Errorf("%q on a terminal: got items %q, want %q", test.text, got, want)
		}
	}
}

func noPrompt() string      { return "" }
func noCommand(string) bool { return false }

func TestRecalledItem(t *testing.T) {
	lines := []string{"def f():\n  a", "b", "x = [\n1]", "c"}
	r := &itemReader{blank: true, prompt: noPrompt, isCommand: noCommand, readLine: func(string) (string, error) {
		if len(lines) == 0 {
			return "", io.EOF
		}
		line := lines[0]
		lines = lines[1:]
		return line, nil
	}}
	for _, want := range []item{{"def f():\n  a\n\n", 1}, {"b\n", 4}, {"x = [\n1]\n", 5}, {"c\n", 7}} {
		if got, err := r.next(); got != want || err != nil {
			t.Errorf("got %+v, error %v, want %+v", got, err, want)
		}
	}
}

// FuzzItems checks that no text is lost, and that the items of a program that
// Starlark accepts are programs too, with the same statements.
func FuzzItems(f *testing.F) {
	for _, seed := range []string{"x = (1,\n2)\ny", "def f():\n  '''\n#\n'''\n  return 1\n\nf()", "if a:\n  b\n#\nelse:\n  c\nd", "r'\\'\nx \\\n+ 1", "'\\\n'"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<10 || strings.ContainsAny(text, "\r\x00") {
			return
		}
		items := split(text, false)
		if got := strings.Join(items, ""); got != strings.TrimSuffix(text, "\n")+"\n" {
			t.Fatalf("%q became %q", text, got)
		}
		whole, err := fileOptions.Parse("whole", text, 0)
		if err != nil {
			return
		}
		var stmts []syntax.Stmt
		for _, it := range items {
			part, err := fileOptions.Parse("part", it, 0)
			if err != nil {
				t.Fatalf("item %q of %q: %v", it, text, err)
			}
			stmts = append(stmts, part.Stmts...)
		}
		if len(stmts) != len(whole.Stmts) {
			t.Errorf("%q has %d statements, its items %q have %d", text, len(whole.Stmts), items, len(stmts))
		}
	})
}

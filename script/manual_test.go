package script

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/builtins"
)

// pids matches process IDs, which the manual shows as 4242, between what is around them.
var pids = regexp.MustCompile(`(\[|process |thread |observed )\d+(\] [a-z]| |>)`)

// TestManual runs the manual's examples, a file a session of the REPL, and compares what
// they print. -update writes it into the files; read it before you commit.
func TestManual(t *testing.T) {
	t.Chdir("..") // where examples/targets is
	for file, examples := range builtins.Examples() {
		t.Run(file, func(t *testing.T) {
			var statements []string
			for _, e := range examples {
				statements = append(statements, inputs(e.Text)...)
			}
			printed := session(t, statements)
			var text strings.Builder
			for i, e := range examples {
				var shown []string
				for _, statement := range inputs(e.Text) {
					shown = append(shown, prompted(statement)+printed[0])
					printed = printed[1:]
				}
				got := strings.TrimRight(strings.Join(shown, ""), "\n")
				if got != e.Text && !*update {
					t.Errorf("%s: got\n%s\nwant\n%s", e.Rows, got, e.Text)
				}
				if i > 0 {
					text.WriteString("\n")
				}
				text.WriteString("== " + e.Rows + "\n" + got + "\n")
			}
			if *update {
				if err := os.WriteFile(filepath.Join("builtins/examples", file), []byte(text.String()), 0o666); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// inputs returns the statements in an example.
func inputs(text string) (list []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if statement, ok := strings.CutPrefix(line, ">>> "); ok {
			list = append(list, statement+"\n")
		} else if more, ok := strings.CutPrefix(line+" ", "... "); ok {
			list[len(list)-1] += strings.TrimRight(more, " ") + "\n"
		}
	}
	return list
}

// prompted returns a statement as it is typed.
func prompted(statement string) string {
	text := strings.ReplaceAll(strings.TrimSuffix(statement, "\n"), "\n", "\n... ")
	return strings.TrimRight(">>> "+text, " ") + "\n"
}

// session gives statements to a REPL and returns what each prints.
func session(t *testing.T, statements []string) []string {
	const mark = "-- next --\n"
	dir := t.TempDir()
	input := filepath.Join(dir, "input")
	text := strings.Join(statements, "print("+`"-- next --"`+")\n") + `print("-- next --")` + "\n"
	text = strings.ReplaceAll(text, "/tmp/", dir+"/") // where another user's files may be
	if err := os.WriteFile(input, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(input)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(filepath.Join(dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	s, err := New(&Options{Policy: Policy{Allow: MayAll}, Stdout: out, Stderr: out, Args: []string{"one", "two"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.REPL(in); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile(`\d\d:\d\d:\d\d\.\d{6}`).ReplaceAllString(string(data), "12:00:00.000000")
	shown = regexp.MustCompile(`0x7ff[0-9a-f]{9}\b`).ReplaceAllString(shown, "0x7fffffffe018") // of the stack, where kernels differ
	shown = strings.ReplaceAll(pids.ReplaceAllString(shown, "${1}4242${2}"), mustGetwd(t)+"/", "")
	shown = strings.ReplaceAll(shown, dir+"/", "/tmp/")
	printed := strings.Split(strings.TrimSuffix(shown, mark), mark)
	if len(printed) != len(statements) {
		t.Fatalf("%d statements print %d texts: %q", len(statements), len(printed), data)
	}
	return printed
}

func mustGetwd(t *testing.T) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

package debuginfo

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// askGDB puts questions to gdb about a program and returns the answers, each
// decoded into a T. testdata/ask.py says which there are.
func askGDB[T any](tb testing.TB, program string, questions [][]any) []T {
	tb.Helper()
	var text strings.Builder
	enc := json.NewEncoder(&text)
	for _, q := range questions {
		if err := enc.Encode(q); err != nil {
			tb.Fatal(err)
		}
	}
	file := filepath.Join(tb.TempDir(), "questions")
	if err := os.WriteFile(file, []byte(text.String()), 0o666); err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(tracertest.Tool(tb, "gdb"), "-nx", "-batch", "-iex", "set debuginfod enabled off", "-iex", "set auto-load no", "-x", "testdata/ask.py", program)
	cmd.Env = append(os.Environ(), "QUESTIONS="+file)
	var msg strings.Builder
	cmd.Stderr = &msg
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("gdb: %v\n%s", err, msg.String())
	}
	var answers []T
	for line := range strings.Lines(string(out)) {
		var a T
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			tb.Fatalf("gdb answers %q: %v", line, err)
		}
		answers = append(answers, a)
	}
	if len(answers) != len(questions) {
		tb.Fatalf("gdb answered %d of %d questions:\n%s\n%s", len(answers), len(questions), out, msg.String())
	}
	return answers
}

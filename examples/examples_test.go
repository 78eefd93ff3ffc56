//go:build linux && amd64

// Package examples holds scripts that show one thing each. They end with a comment
// that gives their output, which its test checks.
package examples

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// output is the comment: a command and the lines that it prints, in which "..."
// stands for any text.
var output = regexp.MustCompile("(?m)^# Output of `tracelark (.*)`:\n((?:# ?.*\n)+)")

func TestOutput(t *testing.T) {
	command := filepath.Join(t.TempDir(), "tracelark")
	if out, err := exec.Command("go", "build", "-o", command, "../cmd/tracelark").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	scripts, err := filepath.Glob("*.star")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, script := range scripts {
		t.Run(script, func(t *testing.T) {
			text, err := os.ReadFile(script)
			if err != nil {
				t.Fatal(err)
			}
			m := output.FindSubmatch(text)
			if m == nil {
				t.Fatal("it does not end with its output")
			}
			cmd := exec.Command(command, strings.Fields(string(m[1]))...)
			cmd.Dir = ".."
			got, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v\n%s", cmd, err, got)
			}
			want := regexp.MustCompile(`(?m)^# ?`).ReplaceAll(m[2], nil)
			pattern := bytes.ReplaceAll([]byte(regexp.QuoteMeta(string(want))), []byte(`\.\.\.`), []byte(`(?s:.*?)`))
			if !regexp.MustCompile("^" + string(pattern) + "$").Match(got) {
				t.Errorf("it prints\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestEmbed(t *testing.T) {
	out, err := exec.Command("go", "run", "./embed", "parse_line", "targets/crash").CombinedOutput()
	if want := "3 calls of parse_line\n"; err != nil || string(out) != want {
		t.Errorf("it prints %q, %v, want %q", out, err, want)
	}
}

//go:build linux && amd64

// Package examples holds scripts that show one thing each. They end with a comment
// that gives their output, which its test checks.
package examples

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/tracertest"
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
			cmd := exec.Command(command, words(t, string(m[1]))...)
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

// words returns the words of a command, in which programs in targets are compiled, and
// PID is that of one that runs.
func words(t *testing.T, command string) []string {
	list := strings.Fields(command)
	for i, word := range list {
		name, ok := strings.CutPrefix(word, "examples/targets/")
		switch {
		case ok && name != "crash": // which is there
			list[i] = tracertest.Build(t, "targets/"+name+".c", "-pthread")
		case word == "PID":
			list[i] = strconv.Itoa(start(t, tracertest.Build(t, "targets/sleepy.c", "-pthread")))
		}
	}
	return list
}

// start starts a program that says when it is ready, and returns its ID.
func start(t *testing.T, path string) int {
	cmd := exec.Command(path)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatalf("%s: %q, %v", path, line, err)
	}
	tids, err := procfs.Tasks(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	for _, tid := range tids {
		tracertest.WaitState(t, tid, "S")
	}
	return cmd.Process.Pid
}

func TestEmbed(t *testing.T) {
	out, err := exec.Command("go", "run", "./embed", "parse_line", "targets/crash").CombinedOutput()
	if want := "3 calls of parse_line\n"; err != nil || string(out) != want {
		t.Errorf("it prints %q, %v, want %q", out, err, want)
	}
}

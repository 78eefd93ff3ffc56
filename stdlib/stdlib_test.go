//go:build linux && amd64

package stdlib_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/script"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// target is a line of a test that names a program it needs: the compiler, unless that is
// gcc, the source and the flags.
var target = regexp.MustCompile("(?m)^# Target: (.*)$")

// TestModules runs the test of each module: NAME_test.star in testdata. Its arguments
// are the path of a file to write, and its targets in the order in which it names them.
func TestModules(t *testing.T) {
	modules, err := filepath.Glob("*.star")
	if err != nil || len(modules) == 0 {
		t.Fatalf("no modules: %v", err)
	}
	defer unix.Umask(unix.Umask(0o022)) // another user reads what the test of outcome.star makes
	for _, module := range modules {
		t.Run(module, func(t *testing.T) {
			test := "testdata/" + strings.TrimSuffix(module, ".star") + "_test.star"
			text, err := os.ReadFile(test)
			if err != nil {
				t.Fatal(err)
			}
			args := []string{filepath.Join(t.TempDir(), "file")}
			for _, m := range target.FindAllSubmatch(text, -1) {
				words := strings.Fields(string(m[1]))
				if !strings.Contains(words[0], "/") {
					args = append(args, tracertest.BuildWith(t, words[0], words[1], words[2:]...))
				} else {
					args = append(args, tracertest.Build(t, words[0], words[1:]...))
				}
			}
			session, err := script.New(&script.Options{Args: args, Policy: script.Policy{Allow: script.MayAll}})
			if err != nil {
				t.Fatal(err)
			}
			defer session.Close()
			if err := session.RunFile(test); err != nil {
				t.Fatalf("%+v", err)
			}
		})
	}
}

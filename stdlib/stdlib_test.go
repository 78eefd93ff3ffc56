//go:build linux && amd64

package stdlib_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/script"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestModules runs the test of each module: NAME_test.star in testdata, with the
// targets of the examples, testdata/recursion.c, the path of a file to write, and
// programs with C++'s containers as arguments.
func TestModules(t *testing.T) {
	modules, err := filepath.Glob("*.star")
	if err != nil || len(modules) == 0 {
		t.Fatalf("no modules: %v", err)
	}
	for _, module := range modules {
		t.Run(module, func(t *testing.T) {
			var args []string
			for _, target := range []string{"abort", "threads", "count"} {
				args = append(args, tracertest.Build(t, "../examples/targets/"+target+".c"))
			}
			args = append(args, tracertest.Build(t, "testdata/recursion.c"))
			args = append(args, filepath.Join(t.TempDir(), "core"))
			for _, level := range []string{"-O0", "-O2"} {
				args = append(args, tracertest.Build(t, "testdata/cxx.cc", level, "-std=c++17", "-lstdc++"))
			}
			session, err := script.New(&script.Options{Args: args, Policy: script.Policy{Allow: script.MayAll}})
			if err != nil {
				t.Fatal(err)
			}
			defer session.Close()
			test := "testdata/" + strings.TrimSuffix(module, ".star") + "_test.star"
			if err := session.RunFile(test); err != nil {
				t.Fatalf("%+v", err)
			}
		})
	}
}

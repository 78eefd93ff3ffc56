package builtins

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/builtins/chunktest"
	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestScripts runs the scripts in testdata. Besides what is predeclared they have
// fixture(source, *flags), which returns the path of the program that gcc makes of
// a source in testdata, start(path, *args), which runs a program untraced and returns its
// process ID, crash(path, *args), which runs one to its death and returns the path of the
// kernel's core, and tempdir(), which returns a directory.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.star")
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata has no scripts: %v", err)
	}
	for _, file := range files {
		chunktest.Run(t, file, func(t *testing.T) starlark.StringDict {
			return with(newEnv(t), helpers(t))
		})
	}
}

// options is the dialect of scripts.
var options = &syntax.FileOptions{Set: true, While: true, TopLevelControl: true, GlobalReassign: true, Recursion: true}

// with returns what e predeclares and more names.
func with(e *Env, more starlark.StringDict) starlark.StringDict {
	names := maps.Clone(e.Predeclared())
	maps.Copy(names, more)
	return names
}

// newEnv returns an Env that lasts as long as the test, and checks at its end that
// it leaves no stream open.
func newEnv(t testing.TB) *Env {
	t.Helper()
	tr, err := tracer.New()
	if err != nil {
		t.Fatal(err)
	}
	env := New(tr, []string{"one", "two"}, Policy{Allow: MayAll})
	before := openStreams(t)
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
		env.Close()
		if after := openStreams(t); after != before {
			t.Errorf("%d streams are open at the end, %d were at the start", after, before)
		}
	})
	return env
}

// openStreams returns how many pipes and files in memory this process has open.
func openStreams(t testing.TB) (n int) {
	t.Helper()
	files, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		path, _ := os.Readlink(file)
		if strings.HasPrefix(path, "pipe:") || strings.HasPrefix(path, "/memfd:") {
			n++
		}
	}
	return n
}

// helpers returns what the scripts in testdata have besides what is predeclared.
func helpers(t *testing.T) starlark.StringDict {
	names := starlark.StringDict{"self": starlark.MakeInt(os.Getpid())}
	for name, f := range map[string]func(words []string) starlark.Value{
		"fixture": func(words []string) starlark.Value {
			return starlark.String(tracertest.Build(t, "testdata/"+words[0], words[1:]...))
		},
		"start": func(words []string) starlark.Value {
			return starlark.MakeInt(tracertest.Start(t, words[0], words[1:]...).PID)
		},
		"crash": func(words []string) starlark.Value {
			return starlark.String(tracertest.Core(t, words[0], words[1:]...))
		},
		"tempdir": func([]string) starlark.Value { return starlark.String(t.TempDir()) },
	} {
		names[name] = starlark.NewBuiltin(name, func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			var words []string
			for _, arg := range args {
				words = append(words, string(arg.(starlark.String)))
			}
			return f(words), nil
		})
	}
	return names
}

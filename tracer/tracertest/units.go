package tracertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// BuildUnits returns the path of the C++ program that g++ -g -O1 makes of a directory: of
// main.cc, and of unit.cc so many times, each with another number from 0 on as UNIT. It
// is for programs as large as those that people debug, takes minutes, and is cached as
// Build's are, by the contents of all files in the directory alone.
func BuildUnits(tb testing.TB, dir string, units int) string {
	tb.Helper()
	gxx := Tool(tb, "g++")
	version, err := compilerVersion(Tool(tb, "gcc"))
	if err != nil {
		tb.Fatalf("ask gcc for its version: %v", err)
	}
	key, sources := unitsKey(tb, version, dir, units)
	return cached(tb, key, filepath.Base(dir), func(out string) error {
		objects := make([]string, units+1)
		errs := make([]error, units+1)
		var next atomic.Int64
		var group sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			group.Go(func() {
				for i := next.Add(1) - 1; int(i) <= units; i = next.Add(1) - 1 {
					source := filepath.Join(sources, "unit.cc")
					if int(i) == units {
						source = filepath.Join(sources, "main.cc")
					}
					objects[i] = fmt.Sprintf("%s.%d.o", out, i)
					errs[i] = command(gxx, "-g", "-O1", "-c", fmt.Sprintf("-DUNIT=%d", i), "-o", objects[i], source)
				}
			})
		}
		group.Wait()
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		err := command(gxx, append([]string{"-o", out}, objects...)...)
		for _, object := range objects {
			os.Remove(object)
		}
		return err
	})
}

// BuildGoUnits returns the path of the program that go build makes with flags of a
// directory: of main.go, and of unit.go as so many packages with a function Run, each with
// another number from 0 on as the constant unit. The functions are in main's slice units.
// It is cached as those of BuildUnits are.
func BuildGoUnits(tb testing.TB, dir string, units int, flags ...string) string {
	tb.Helper()
	goTool := Tool(tb, "go")
	key, sources := unitsKey(tb, runtime.Version(), dir, units)
	return cached(tb, append(key, flags...), filepath.Base(dir), func(out string) error {
		module := tb.TempDir()
		main, err := os.ReadFile(filepath.Join(sources, "main.go"))
		if err != nil {
			return err
		}
		unit, err := os.ReadFile(filepath.Join(sources, "unit.go"))
		if err != nil {
			return err
		}
		files := map[string]string{"go.mod": "module units\n\ngo 1.26\n", "main.go": string(main)}
		var imports, list strings.Builder
		for i := range units {
			files[fmt.Sprintf("unit%d/unit.go", i)] = string(unit)
			files[fmt.Sprintf("unit%d/number.go", i)] = fmt.Sprintf("package unit\n\nconst unit = %d\n", i)
			fmt.Fprintf(&imports, "import unit%d \"units/unit%d\"\n", i, i)
			fmt.Fprintf(&list, "\tunit%d.Run,\n", i)
		}
		files["units.go"] = fmt.Sprintf("package main\n\n%s\nvar units = []func(int) int{\n%s}\n", &imports, &list)
		for name, text := range files {
			path := filepath.Join(module, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				return err
			}
			if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
				return err
			}
		}
		return command(goTool, slices.Concat([]string{"build", "-C", module, "-o", out}, flags)...)
	})
}

// unitsKey returns the key for the cache of what a compiler makes of so many units of a
// directory, and where a copy of that directory is, of which debug information may tell.
func unitsKey(tb testing.TB, compiler, dir string, units int) (key []string, sources string) {
	tb.Helper()
	abs, err := filepath.Abs(dir)
	if err != nil {
		tb.Fatal(err)
	}
	files, err := os.ReadDir(abs)
	if err != nil {
		tb.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(abs, file.Name()))
		if err != nil {
			tb.Fatal(err)
		}
		key = append(key, file.Name(), string(text))
	}
	sources = cached(tb, key, filepath.Base(abs), func(out string) error { return os.CopyFS(out, os.DirFS(abs)) })
	return append(key, compiler, fmt.Sprint(units)), sources
}

func command(name string, args ...string) error {
	if msg, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %q: %w\n%s", name, args, err, msg)
	}
	return nil
}

package tracertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// BuildUnits returns the path of the C++ program that g++ -g -O1 makes of a directory: of
// main.cc, and of unit.cc so many times, each with another number from 0 on as UNIT. It
// is for programs as large as those that people debug, takes minutes, and is cached as
// Build's are, by the contents of all files in the directory.
func BuildUnits(tb testing.TB, dir string, units int) string {
	tb.Helper()
	gxx := Tool(tb, "g++")
	version, err := compilerVersion(Tool(tb, "gcc"))
	if err != nil {
		tb.Fatalf("ask gcc for its version: %v", err)
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		tb.Fatal(err)
	}
	key := []string{version, dir, fmt.Sprint(units)}
	files, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			tb.Fatal(err)
		}
		key = append(key, file.Name(), string(text))
	}
	return cached(tb, key, filepath.Base(dir), func(out string) error {
		objects := make([]string, units+1)
		errs := make([]error, units+1)
		var next atomic.Int64
		var group sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			group.Go(func() {
				for i := next.Add(1) - 1; int(i) <= units; i = next.Add(1) - 1 {
					source := filepath.Join(dir, "unit.cc")
					if int(i) == units {
						source = filepath.Join(dir, "main.cc")
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

func command(name string, args ...string) error {
	if msg, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %q: %w\n%s", name, args, err, msg)
	}
	return nil
}

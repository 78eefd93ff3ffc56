// Package tracertest builds and runs the programs that tests of a debugger look
// at, as net/http/httptest does the servers that tests of clients talk to.
//
// Build compiles a C or assembly file and caches the executable, Start runs
// one at the other end of pipes, State tells what the kernel says of it. Nothing
// here traces. What the machine lacks fails the test: one that could not run has
// not passed.
package tracertest

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// defaultFlags precede the flags given to Build, which may overrule them.
var defaultFlags = []string{"-g", "-O0", "-pthread"}

// Build returns the path of the executable that gcc makes of source, a .c, .s
// or .S file named relative to the test's directory. It is named as the source
// is, without the extension.
//
// The flags follow -g -O0 -pthread and the source on gcc's command line, so they
// may overrule those, name libraries, or make another kind of file (-shared).
//
// Executables are cached in tracelark/fixtures below os.UserCacheDir by the
// source's path and contents, the flags and the version of gcc; the contents of
// files that the source includes do not count. Tests must not change them. The
// cache may be deleted when no test runs. Without a cache directory every
// call compiles into tb.TempDir.
func Build(tb testing.TB, source string, flags ...string) string {
	tb.Helper()
	return BuildWith(tb, "gcc", source, flags...)
}

// BuildWith is Build with another compiler that takes gcc's flags, such as clang++.
func BuildWith(tb testing.TB, compiler, source string, flags ...string) string {
	tb.Helper()
	compiler = Tool(tb, compiler)
	version, err := compilerVersion(compiler)
	if err != nil {
		tb.Fatalf("ask %s for its version: %v", compiler, err)
	}
	text, err := os.ReadFile(source)
	if err != nil {
		tb.Fatal(err)
	}
	path, err := filepath.Abs(source) // debug information has it
	if err != nil {
		tb.Fatal(err)
	}
	name := strings.TrimSuffix(filepath.Base(source), filepath.Ext(source))
	key := append([]string{compiler, version, path, string(text)}, flags...)
	return cached(tb, key, name, func(out string) error {
		args := append([]string{"-o", out}, defaultFlags...)
		args = append(append(args, source), flags...)
		if msg, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s %s: %w\n%s", compiler, strings.Join(args, " "), err, msg)
		}
		return nil
	})
}

// Source returns the path of a file called name that holds text, for Build. It
// is kept in Build's cache, where debug information finds it.
func Source(tb testing.TB, name, text string) string {
	tb.Helper()
	return cached(tb, []string{name, text}, name, func(out string) error {
		return os.WriteFile(out, []byte(text), 0o666)
	})
}

// Tool returns the path of an installed program such as "gdb" or "objdump". A
// missing one fails the test.
func Tool(tb testing.TB, name string) string {
	tb.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		tb.Fatalf("install %s (make test does it): %v", name, err)
	}
	return path
}

// compilerVersion returns a compiler's version as the distribution counts them.
func compilerVersion(compiler string) (string, error) {
	if v, ok := versions.Load(compiler); ok {
		return v.(string), nil
	}
	out, err := exec.Command(compiler, "--version").Output()
	version, _, _ := strings.Cut(string(out), "\n")
	if err == nil {
		versions.Store(compiler, version)
	}
	return version, err
}

var versions sync.Map // of compilers by their paths

// cached returns the path of the file called name in the cache's directory for
// key, which write makes where it is missing.
func cached(tb testing.TB, key []string, name string, write func(path string) error) string {
	tb.Helper()
	cache := cacheDir(tb)
	dir := filepath.Join(cache, fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%q", key)))[:32])
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err == nil {
		return path
	}

	// Others may be making the same file. A directory that is renamed when it is
	// complete shows them all of it or nothing, and the first one stays.
	tmp, err := os.MkdirTemp(cache, "new-")
	if err != nil {
		tb.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	if err := write(filepath.Join(tmp, name)); err != nil {
		tb.Fatal(err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		if _, lost := os.Stat(path); lost != nil {
			tb.Fatal(err)
		}
	}
	return path
}

// cacheDir returns the directory of the cache, or one that goes with the test
// where there can be none.
func cacheDir(tb testing.TB) string {
	if user, err := os.UserCacheDir(); err == nil {
		dir := filepath.Join(user, "tracelark", "fixtures")
		if os.MkdirAll(dir, 0o777) == nil {
			return dir
		}
	}
	return tb.TempDir()
}

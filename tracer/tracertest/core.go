package tracertest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Core runs the program at path until it dies of a signal, and returns the path of
// the core that the kernel writes. It fails the test where the machine sends cores
// elsewhere.
func Core(tb testing.TB, path string, args ...string) string {
	tb.Helper()
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil {
		tb.Fatal(err)
	}
	if strings.ContainsAny(string(pattern[:1]), "|/") {
		tb.Fatalf("the kernel gives cores to %q and not to the test: run sysctl kernel.core_pattern=core", strings.TrimSpace(string(pattern)))
	}
	t := Start(tb, "/bin/sh", append([]string{"-c", `ulimit -c unlimited && exec "$0" "$@"`, path}, args...)...)
	if status := t.Wait(); !status.CoreDump() {
		tb.Fatalf("%s ends with status %#x and without a core", path, int(status))
	}
	cores, err := filepath.Glob(filepath.Join(t.cmd.Dir, "*"))
	if err != nil || len(cores) != 1 {
		tb.Fatalf("%s leaves the files %q in its directory, want a core (core_pattern is %q)", path, cores, pattern)
	}
	return cores[0]
}

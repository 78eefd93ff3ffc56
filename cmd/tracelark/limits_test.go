//go:build linux && amd64

package main

import (
	"bytes"
	"strings"
	"testing"

	"syscall"
)

// TestMemoryLimit checks that scripts end which take too much memory, in small steps or
// at once, and that little more is taken.
func TestMemoryLimit(t *testing.T) {
	const most = 2 << 20 // KiB of memory that the command may take in all; a stack takes the most
	for _, test := range []struct{ code, want string }{
		{"x = []\nwhile True: x.append('%d' % len(x))", "Error: script takes "},
		{"x = [0]\nwhile True: x = x * 2", "script takes "},
		{"x = [0] * 1000000000", "Error: list of 1 elements * 1000000000 takes more memory than the limit"},
		{"list(range(1000000000))", "MiB; it does not end"},
		{"x = []\nx.extend(range(1000000000))", "MiB; it does not end"},
		{"x = {}\nfor i in range(1000000000): x[i] = i", "Error: script takes "},
		{"','.join(['x' * 1000000] * 1000000)", "MiB; it does not end"},
		{"x = 'x' * 10000000000", "Error: repeat count 10000000000 too large"},
		{"('a' * 1000000).replace('a', 'b' * 1000000)", "out of memory"},
		{"json.decode('[' + '[],' * 30000000 + '1]')", "script takes "},
		{"json.encode([['x' * 1000000] * 1000] * 1000)", "script takes "},
		{"1 << 1000000000", "shift count too large"},
		{"def f(): return f()\nf()", "Error: Starlark stack overflow"},
		{"def f(n): return f(n + 1) + [n]\nf(0)", "Error: Starlark stack overflow"},
		{"x = []\nfor i in range(100): x.append(read_file('/proc/self/exe'))", "Error: script takes "},
	} {
		t.Run(test.code, func(t *testing.T) {
			cmd := command(t, "run", "--memory", "64M", "-c", test.code)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Run(); status(t, err) == 0 {
				t.Errorf("it ends with %v", err)
			}
			if text := stderr.String(); !strings.Contains(text, test.want) {
				t.Errorf("it says %q, want %q", text, test.want)
			}
			if rss := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss; rss > most {
				t.Errorf("it took %d KiB", rss)
			}
		})
	}
}

// TestBusyBuiltin checks that the command ends for a limit even where the interpreter does
// not come to look at it.
func TestBusyBuiltin(t *testing.T) {
	cmd := command(t, "run", "--deadline", "2", "-c", "int('9' * 40000000)")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); status(t, err) != exitFailed {
		t.Errorf("it ends with %v", err)
	}
	if text := stderr.String(); !strings.HasPrefix(text, "tracelark: script ran for 2s, the limit of --deadline; it does not end") {
		t.Errorf("it says %q", text)
	}
}

//go:build linux && amd64

package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestMemoryLimit checks that scripts end which take too much memory, in small steps or
// at once, and that little more is taken.
func TestMemoryLimit(t *testing.T) {
	const most = 2 << 20 // KiB of memory that the command may take in all; a stack takes the most
	for _, test := range []struct{ code, want string }{
		{"x = []\nwhile True: x.append('%d' % len(x))", "Error: script takes "},
		{"x = [0]\nwhile True: x = x * 2", "script takes "},
		{"x = [0] * 1000000000", "Error: list of 1 elements * 1000000000 takes more memory than the limit"},
		{"n = 1 << 29\nx = [0]\ny = x * n", "Error: list of 1 elements * 536870912 takes more memory than the limit"},
		{"n = 1 << 29\nx = 'a'\nx *= n", "Error: string of 1 elements * 536870912 takes more memory than the limit"},
		{"n = b'ab'\nx = (1 << 100) * n", "Error: bytes of 2 elements * 1267650600228229401496703205376 takes more memory than the limit"},
		{"list(range(1000000000))", "Error in list: list of 1000000000 elements takes more memory than the limit"},
		{"sorted(range(1000000000), reverse=True)", "script takes "},
		{"x = []\nx.extend(range(1000000000))", "Error: script takes "},
		{"x = {}\nfor i in range(1000000000): x[i] = i", "Error: script takes "},
		{"','.join(['x' * 1000000] * 1000000)", "Error in join: the result takes more memory than the limit"},
		{"x = 'x' * 10000000000", "Error: string of 1 elements * 10000000000 takes more memory than the limit"},
		{"('a' * 1000000).replace('a', 'b' * 1000000)", "Error in replace: the result takes more memory than the limit"},
		{"x = int('9' * 300000)\nwhile True: x *= x", "Error: a product of ints of 3986314 and 3986314 bits is too long, 4194304 bits are the most"},
		{"int('9' * 40000000)", "Error in int: a text of 40000000 bytes, 1048576 are the most"},
		{"t = 1\nfor i in range(64): t = (t, t)\nstr(t)", "Error: script takes "},
		{"t = 1\nfor i in range(64): t = (t, t)\n'%s' % {1: t}", "Error: script takes "},
		{"zip(range(1000000000), range(3000000000))", "Error in zip: zip of 1000000000 elements takes more memory than the limit"},
		{"x = list(range(1300000))\nset(x)", "MiB; it does not end"},
		{"json.decode('[' + '[],' * 3000000 + '1]')", "script takes "},
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

// TestREPLMemory checks that a line of the REPL that takes too much memory fails, and no
// more.
func TestREPLMemory(t *testing.T) {
	cmd := command(t, "repl", "--memory", "64M")
	cmd.Stdin = strings.NewReader("n = 1 << 30\n[0] * n\nx = [1]\nx *= n\nx *= 3\nfor i in range(1 << 40): x.append(str(i))\nx = 'fine'\nx\n")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil || !strings.Contains(stdout.String(), "fine") {
		t.Errorf("it ends with %v and prints %q", err, stdout.String())
	}
	if text := stderr.String(); strings.Count(text, "takes more memory than the limit") != 2 || strings.Count(text, "script takes ") != 1 {
		t.Errorf("it says %q", text)
	}
}

// TestAbandon checks that a process that was attached to survives the end of the command
// that a script brings about, though it had breakpoints.
func TestAbandon(t *testing.T) {
	target := tracertest.Start(t, tracertest.Build(t, "testdata/ticks.c", "-g"))
	cmd := command(t, "run", "--memory", "64M", "-c", `
p = attach(int(args[0]))
p.breakpoint("ticks.c:15")
p.cont()
p.cover([p.addr("libc!clock_nanosleep")])

print(p.read_u32("ticks"))
x = list(range(1300000))
set(x)`, strconv.Itoa(target.PID))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); status(t, err) != exitFailed || !strings.Contains(stderr.String(), "it does not end") {
		t.Fatalf("it ends with %v and says %q", err, stderr.String())
	}
	var before, tick int
	if _, err := fmt.Sscan(stdout.String(), &before); err != nil {
		t.Fatal(err)
	}
	for tick < before+3 {
		line := target.ReadLine()
		if _, err := fmt.Sscanf(line, "tick %d", &tick); err != nil {
			t.Fatalf("the target prints %q, %v", line, err)
		}
	}
}

// TestBusyBuiltin checks that the command ends for a limit even where the interpreter does
// not come to look at it.
func TestBusyBuiltin(t *testing.T) {
	cmd := command(t, "run", "--deadline", "2", "-c", "a, b = 0, 0\nfor i in range(4): a, b = [a] * 2000, [b] * 2000\na == b")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); status(t, err) != exitFailed {
		t.Errorf("it ends with %v", err)
	}
	if text := stderr.String(); !strings.HasPrefix(text, "tracelark: script ran for 2s, the limit of --deadline; it does not end") {
		t.Errorf("it says %q", text)
	}
}

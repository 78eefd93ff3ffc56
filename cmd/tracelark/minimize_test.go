//go:build linux && amd64

package main

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMinimize makes inputs smaller, whatever the number of workers, and keeps their
// bugs.
func TestMinimize(t *testing.T) {
	prog := parser(t)
	t.Chdir(writeTests(t, map[string]string{
		"S": strings.Repeat("a.bcd-", 200) + "S\x07" + strings.Repeat("x.", 300), "a": "a.", "L": "a.L\x10S.", "O": "O.a.", "X": "X.",
	}))
	for _, test := range []struct{ file, want, timeout string }{{"S", "S0", "60"}, {"L", "L0", "60"}, {"O", "O0", "0.5"}} {
		for _, jobs := range []string{"1", "3"} {
			stdout, stderr, exit := run(t, command(t, "minimize", "-j", jobs, "--timeout", test.timeout, "--json", "-o", "out", test.file, "--", prog, "@@"))
			data, err := os.ReadFile("out")
			if exit != 0 || err != nil || string(data) != test.want || !strings.Contains(stdout, `"finished":true`) {
				t.Errorf("%s with -j %s: status %d, %q, want %q\n%s%s", test.file, jobs, exit, data, test.want, stdout, stderr)
			}
		}
	}
	if err := errors.Join(unix.Mkfifo("fifo", 0o600), os.WriteFile("huge", nil, 0o600), os.Truncate("huge", 1<<30+1)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		out, file string
		prog      []string
		want      string
	}{
		{"a.min", "a", []string{prog, "@@"}, "minimize a: it neither crashes nor hangs nor runs out of memory\n"},
		{"a.min", "a", []string{"sh", "-c", "echo debugger detected >&2; exit 77"}, "minimize a: it neither crashes nor hangs nor runs out of memory: it exits with 77, having written: debugger detected\n"},
		{"a.min", "a", []string{"sh", "-c", "[ -e ran ] || { >ran; kill -SEGV $$; }"}, "minimize a: it neither crashes nor hangs nor runs out of memory in 4 of 5 runs: nothing can be kept\n"},
		{"none.min", "none", []string{prog, "@@"}, "minimize none: open none: no such file or directory\n"},
		{"esc.min", "\x1b[2J", []string{prog, "@@"}, "minimize \\x1b[2J: open \\x1b[2J: no such file or directory\n"},
		{"fifo.min", "fifo", []string{prog, "@@"}, "minimize fifo: read the case: fifo is not a regular file\n"},
		{"huge.min", "huge", []string{prog, "@@"}, "minimize huge: read the case: huge has 1073741825 bytes, at most 1073741824 can be read\n"},
		{"S.min", "S", []string{"./none"}, "minimize S: launch ./none: no such file or directory\n"},
		{"none/out", "S", []string{prog, "@@"}, "open none/out: no such file or directory\n"},
	} {
		args := append([]string{"minimize", "--mode", "exec", "-o", test.out, test.file, "--"}, test.prog...)
		stdout, stderr, exit := run(t, command(t, args...))
		if _, err := os.Stat(test.out); exit != 1 || stdout != "" || stderr != "tracelark: "+test.want || err == nil {
			t.Errorf("%q ends with %d, want 1 and no file:\n%s%swant %q", args, exit, stdout, stderr, test.want)
		}
	}
	if stdout, _, exit := run(t, command(t, "minimize", "--rss", "64", "-o", "out", "X", "--", prog, "@@")); exit != 0 || !strings.Contains(stdout, "out: 2 bytes of 2, oom, after ") {
		t.Errorf("without memory: status %d\n%s", exit, stdout)
	}
	stdout, _, exit := run(t, command(t, "minimize", "--max-runs", "12", "-o", "out", "S", "--", prog, "@@"))
	if data, err := os.ReadFile("out"); exit != 0 || err != nil || len(data) >= 1802 || len(data) < 3 || !strings.Contains(stdout, "after 12 runs") || !strings.Contains(stdout, "cut short") {
		t.Errorf("with a budget: status %d, %d bytes, %v\n%s", exit, len(data), err, stdout)
	}
}

// TestMinimizeInterrupted interrupts it before it knows what to keep. Nothing lies where the
// result is to be, then or before.
func TestMinimizeInterrupted(t *testing.T) {
	t.Chdir(writeTests(t, map[string]string{"a": "a"}))
	cmd := command(t, "minimize", "--timeout", "1000", "-o", "out", "a", "--", "sh", "-c", ">runs; exec sleep 1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat("runs"); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if _, err := os.Stat("out"); err == nil {
		t.Error("there is a result before the end")
	}
	cmd.Process.Signal(unix.SIGINT)
	if got := status(t, cmd.Wait()); got != 128+int(unix.SIGINT) {
		t.Errorf("status %d", got)
	}
	if _, err := os.Stat("out"); err == nil {
		t.Error("there is a result")
	}
}

// TestMinimizeTerminal shows how far it is on a terminal, and takes that away.
func TestMinimizeTerminal(t *testing.T) {
	t.Chdir(writeTests(t, map[string]string{"in": "abcd"}))
	// It crashes on what has a b, and waits when that is found.
	const prog = `case $(cat) in b) until test -e go; do sleep 0.01; done;; *b*) ;; *) exit;; esac; kill -SEGV $$`
	c := newConsole(t, "X=", "minimize", "-j", "1", "-o", "out", "in", "--", "sh", "-c", prog)
	c.expect("\r\x1b[K2 bytes after ")
	if err := os.WriteFile("go", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	c.expect("\r\x1b[Kout: 1 bytes of 4, crash ")
	c.end(0)
}

//go:build linux && amd64

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/builtins"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// asCommand in the environment makes the test's binary the command itself.
const asCommand = "TRACELARK_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	// Under nohup, or in the background of a script, children would ignore them too.
	for _, sig := range []os.Signal{unix.SIGINT, unix.SIGHUP} {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
	if len(os.TempDir()) > 16 { // paths in it would not fit screens, and the one of a socket has a limit
		os.Setenv("TMPDIR", "/tmp")
	}
	os.Exit(m.Run())
}

// command returns the command with args, ready to start.
func command(t testing.TB, args ...string) *exec.Cmd {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Env = append(os.Environ(), asCommand+"=1", "XDG_STATE_HOME="+t.TempDir())
	return cmd
}

// status returns the exit status of a command from the error of Wait or Run.
func status(t testing.TB, err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0
}

func TestCommandLine(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "args.star")
	if err := os.WriteFile(path, []byte("print(args)\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, "broken.star")
	if err := os.WriteFile(broken, []byte("print(1)\n1 // 0\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	mistaken := filepath.Join(dir, "mistaken.star")
	if err := os.WriteFile(mistaken, []byte("lunch()\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	trace := "Traceback (most recent call last):\n  " + broken + ":2:3: in <toplevel>\n    1 // 0\nError: floored division by zero\n"
	tests := []struct {
		args   []string
		stdin  string
		status int
		stdout string
		stderr string
	}{
		{args: []string{"run", path}, stdout: "[]\n"},
		{args: []string{"run", "--steps", "1000", path, "a", "--steps", "-c", "--", "-x", "--help"}, stdout: "[\"a\", \"--steps\", \"-c\", \"--\", \"-x\", \"--help\"]\n"},
		{args: []string{"run", "-c", "print(args)", "a", "--b"}, stdout: "[\"a\", \"--b\"]\n"},
		{args: []string{"run", "-c", "print(args)", "--", "--b"}, stdout: "[\"--b\"]\n"},
		{args: []string{"run", "-c", ""}},
		{args: []string{"doc", "--pyi", "process"}, status: 2, stderr: "tracelark: doc: --pyi and \"process\" (see tracelark doc --help)\n"},
		{args: []string{"check", path}},
		{args: []string{"check", path, mistaken}, status: 1, stdout: mistaken + ":1:1: undefined: lunch (did you mean launch?)\n    lunch()\n    ^\n"},
		{args: []string{"check", "--json", mistaken}, status: 1, stdout: `[{"file":"` + mistaken + `","line":1,"column":1,"message":"undefined: lunch (did you mean launch?)"}]` + "\n"},
		{args: []string{"check", "--json", path}, stdout: "[]\n"},
		{args: []string{"check"}, status: 2, stderr: "tracelark: check: no SCRIPT (see tracelark check --help)\n"},
		{args: []string{"check", dir + "/none"}, status: 2, stderr: "tracelark: check: open " + dir + "/none: no such file or directory (see tracelark check --help)\n"},
		{args: []string{"run", "-c", "load('std/crash.star', 'explain')\nprint(type(explain))"}, stdout: "function\n"},
		{args: []string{"run", broken}, status: 1, stdout: "1\n", stderr: trace},
		{args: []string{"run", "-c", "exit()"}},
		{args: []string{"doc", "process.pending"}, stdout: "process.pending: list of siginfo\n    The signals that were sent to the process and wait for a thread that does not block them. A thread's pending has those sent to it too.\n\n        >>> p.pending\n        []\n"},
		{args: []string{"doc", "--json", "--pyi"}, status: 2, stderr: "tracelark: doc: --pyi and --json (see tracelark doc --help)\n"},
		{args: []string{"help", "nope"}, status: 2, stderr: "tracelark: help: no command is named \"nope\" (see tracelark help --help)\n"},
		{args: []string{"help", "launch"}, status: 2, stderr: "tracelark: help: no command is named \"launch\"; the manual has it: tracelark doc launch (see tracelark help --help)\n"},
		{args: []string{"triage", path, "--"}, status: 2, stderr: "tracelark: triage: no program after -- (see tracelark triage --help)\n"},
		{args: []string{"doc", "std/hsit.star"}, status: 1, stderr: "tracelark: the manual has no \"std/hsit.star\" (did you mean std/hist.star or std/jit.star or std/heap.star?)\n"},
		{args: []string{"doc", "std/triage.crash"}, stdout: "triage.crash\n    The builtin crashes.crash.\n"},
		{args: []string{"doc", "triage.nosuch"}, status: 1, stderr: "tracelark: the manual has no \"triage.nosuch\"\n"},
		{args: []string{"doc", "lanch"}, status: 1, stderr: "tracelark: the manual has no \"lanch\" (did you mean launch?)\n"},
		{args: []string{"doc", "p.cont"}, status: 1, stderr: "tracelark: the manual has no \"p.cont\" (did you mean process.cont or ptrace.cont or thread.cont?)\n"},
		{args: []string{"doc", "launch", "attach"}, status: 2, stderr: "tracelark: doc: unexpected \"attach\" (see tracelark doc --help)\n"},
		{args: []string{"run", "-c", "exit(7)"}, status: 7},
		{args: []string{"run", "--steps=1000", "-c", "while True: pass"}, status: 1,
			stderr: "Traceback (most recent call last):\n  <code>:1:1: in <toplevel>\n    while True: pass\nError: script ran for 1000 steps, the limit of --steps\n"},
		{args: []string{"run", "--deadline", "0.01", "-c", "while True: pass"}, status: 1,
			stderr: "Traceback (most recent call last):\n  <code>:1:1: in <toplevel>\n    while True: pass\nError: script ran for 10ms, the limit of --deadline\n"},
		{args: []string{"run", filepath.Join(dir, "none.star")}, status: 1, stderr: "tracelark: open " + dir + "/none.star: no such file or directory\n"},
		{args: []string{"run", dir}, status: 1, stderr: "tracelark: read " + dir + ": is a directory\n"},
		{args: []string{"run"}, status: 2, stderr: "tracelark: run: no SCRIPT and no -c CODE (see tracelark run --help)\n"},
		{args: []string{"run", "--speed", path}, status: 2, stderr: "tracelark: unknown flag: --speed (see tracelark run --help)\n"},
		{args: []string{"run", "--steps", "-1", path}, status: 2,
			stderr: "tracelark: invalid argument \"-1\" for \"--steps\" flag: want a whole number, 0 or more (see tracelark run --help)\n"},
		{args: []string{"repl", "-p", "abc"}, status: 2, stderr: "tracelark: invalid argument \"abc\" for \"--pid\" flag: want a whole number (see tracelark repl --help)\n"},
		{args: []string{"repl", "-p", "99999999999999999999"}, status: 2, stderr: "tracelark: invalid argument \"99999999999999999999\" for \"--pid\" flag: want a smaller number (see tracelark repl --help)\n"},
		{args: []string{"repl", "abc"}, status: 2, stderr: "tracelark: repl: no file is named \"abc\" (see tracelark repl --help)\n"},
		{args: []string{"repl", "4242"}, status: 2, stderr: "tracelark: repl: no file is named 4242; to attach to a process: tracelark repl -p 4242 (see tracelark repl --help)\n"},
		{args: []string{"bt", "abc"}, status: 2, stderr: "tracelark: bt: \"abc\" is no process ID, and no file (see tracelark bt --help)\n"},
		{args: []string{"run", "--deadline", "nan", path}, status: 2,
			stderr: "tracelark: invalid argument \"nan\" for \"--deadline\" flag: want a number of seconds, 0 to 1e9 (see tracelark run --help)\n"},
		{args: []string{"walk"}, status: 2, stderr: "tracelark: unknown command \"walk\" (see tracelark --help)\n"},
		{args: []string{"rnu"}, status: 2, stderr: "tracelark: unknown command \"rnu\", did you mean run? (see tracelark --help)\n"},
		{args: []string{path}, status: 2, stderr: "tracelark: unknown command \"" + path + "\"; to run a script: tracelark run " + path + " (see tracelark --help)\n"},
		{args: []string{"repl", "core", "prog"}, status: 2, stderr: "tracelark: repl: unexpected \"prog\"; a program to launch comes after -- (see tracelark repl --help)\n"},
		{args: []string{"repl", "core", "--", "prog"}, status: 2, stderr: "tracelark: repl: unexpected \"prog\"; a program to launch comes after -- (see tracelark repl --help)\n"},
		{args: []string{"repl", path}, status: 1, stderr: "tracelark: open core: " + path + ": not an ELF file\n"},
		{args: []string{"bt"}, status: 2, stderr: "tracelark: bt: no PID and no CORE (see tracelark bt --help)\n"},
		{args: []string{"bt", "1", "2"}, status: 2, stderr: "tracelark: bt: unexpected \"2\" (see tracelark bt --help)\n"},
		{args: []string{"bt", path}, status: 1, stderr: "tracelark: open core: " + path + ": not an ELF file\n"},
		{args: []string{"repl", "-p", "1", "--", "prog"}, status: 2, stderr: "tracelark: repl: both -p and a program to launch or a core (see tracelark repl --help)\n"},
		{args: []string{"repl", "--"}, status: 2, stderr: "tracelark: repl: no program after -- (see tracelark repl --help)\n"},
		{args: []string{"repl", "-p", "-4"}, status: 2, stderr: "tracelark: repl: -4 is no process ID (see tracelark repl --help)\n"},
		{args: []string{"repl", "--", "/no/such"}, status: 1, stderr: "tracelark: launch /no/such: no such file or directory\n"},
		{args: []string{"version", "x"}, status: 2, stderr: "tracelark: version: unexpected \"x\" (see tracelark version --help)\n"},
		{args: []string{"version"}, stdout: version() + "\n"},
		{args: []string{"--version"}, stdout: version() + "\n"},
		{stdin: "1 + 1\n", stdout: "2\n"},
		{args: []string{"repl", "/bin/true"}, stdin: "p.argv\np.cont().exit_code\n", stdout: "[\"/bin/true\"]\n0\n"},
		{args: []string{"/bin/true"}, status: 2, stderr: "tracelark: unknown command \"/bin/true\"; to debug a program: tracelark repl /bin/true (see tracelark --help)\n"},
		{args: []string{"repl"}, stdin: "nope\n2\nexit(3)\n4\n", status: 3, stdout: "2\n", stderr: "Error: no command or variable is named \"nope\"; help lists the commands\n"},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			cmd := command(t, test.args...)
			var stdout, stderr bytes.Buffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(test.stdin), &stdout, &stderr
			if got := status(t, cmd.Run()); got != test.status {
				t.Errorf("got status %d, want %d", got, test.status)
			}
			if stdout.String() != test.stdout {
				t.Errorf("got output\n%swant\n%s", &stdout, test.stdout)
			}
			if stderr.String() != test.stderr {
				t.Errorf("got errors\n%swant\n%s", &stderr, test.stderr)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"help", "run"}, {"repl", "-h"}, {"completion", "bash"}} {
		out, err := command(t, args...).Output()
		if err != nil || len(out) == 0 {
			t.Errorf("%q: got %q, error %v", args, out, err)
		}
	}
}

// start starts cmd and waits until it has printed "ready".
func start(t *testing.T, cmd *exec.Cmd) (stderr *bytes.Buffer) {
	stderr = new(bytes.Buffer)
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		t.Fatalf("got %q, error %v", line, err)
	}
	return stderr
}

func TestSignals(t *testing.T) {
	for _, sig := range []unix.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT} {
		t.Run(unix.SignalName(sig), func(t *testing.T) {
			cmd := command(t, "run", "-c", "print('ready')\nwhile True: pass")
			stderr := start(t, cmd)
			cmd.Process.Signal(sig)
			if got := status(t, cmd.Wait()); got != 128+int(sig) {
				t.Errorf("got status %d, want %d", got, 128+int(sig))
			}
			if !strings.HasSuffix(stderr.String(), "\nError: interrupted\n") {
				t.Errorf("got errors\n%s", stderr)
			}
		})
	}
}

// A process that a session attached to goes on without its breakpoints.
func TestLetGo(t *testing.T) {
	target := exec.CommandContext(t.Context(), "sleep", "1000")
	if err := target.Start(); err != nil {
		t.Fatal(err)
	}
	defer target.Wait()
	defer target.Process.Kill()
	tracertest.WaitState(t, target.Process.Pid, "S")
	cmd := command(t, "run", "-c", "p = attach(int(args[0]))\nb = p.breakpoint(p.regs.rip)\nprint(p.regs.rip)\np.cont()", strconv.Itoa(target.Process.Pid))
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var addr int64
	if _, err := fmt.Fscan(stdout, &addr); err != nil {
		t.Fatal(err)
	}
	cmd.Process.Signal(unix.SIGTERM)
	if got := status(t, cmd.Wait()); got != 128+int(unix.SIGTERM) {
		t.Errorf("got status %d, want that of SIGTERM", got)
	}
	proc := fmt.Sprintf("/proc/%d/", target.Process.Pid)
	state, err := os.ReadFile(proc + "status")
	if err != nil || !strings.Contains(string(state), "\nTracerPid:\t0\n") {
		t.Errorf("got error %v, status\n%s", err, state)
	}
	mem, err := os.Open(proc + "mem")
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	var code [1]byte
	if _, err := mem.ReadAt(code[:], addr); err != nil || code[0] == 0xcc {
		t.Errorf("got %x at the breakpoint, error %v", code, err)
	}
}

// A signal that is ignored when the command starts, as nohup makes it, stays so.
func TestIgnoredSignal(t *testing.T) {
	cmd := command(t, "run", "-c", "print('ready')\nwhile True: pass")
	cmd.Args = append([]string{"sh", "-c", `trap "" HUP; exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
	start(t, cmd)
	cmd.Process.Signal(unix.SIGHUP)
	cmd.Process.Signal(unix.SIGTERM)
	if got := status(t, cmd.Wait()); got != 128+int(unix.SIGTERM) {
		t.Errorf("got status %d, want that of SIGTERM", got)
	}
}

// A builtin that computes does not notice signals.
func TestStubbornScript(t *testing.T) {
	cmd := command(t, "run", "-c", "print('ready')\n[[[[0] * 2000] * 2000] * 2000] == [[[[0] * 2000] * 2000] * 2000]")
	stderr := start(t, cmd)
	ended := make(chan error)
	go func() { ended <- cmd.Wait() }()
	press := time.NewTicker(time.Second / 10)
	defer press.Stop()
	for running := true; running; {
		select {
		case <-press.C:
			cmd.Process.Signal(unix.SIGINT)
		case err := <-ended:
			if got := status(t, err); got != 128+int(unix.SIGINT) {
				t.Errorf("got status %d, want that of SIGINT", got)
			}
			running = false
		}
	}
	if want := "tracelark: the script does not stop"; !strings.HasPrefix(stderr.String(), want) {
		t.Errorf("got errors\n%s", stderr)
	}
}

func TestClosedPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	cmd := command(t, "run", "-c", "while True: print(1)")
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = w, &stderr
	if got := status(t, cmd.Run()); got != 128+int(unix.SIGPIPE) || stderr.Len() > 0 {
		t.Errorf("got status %d and errors\n%s", got, &stderr)
	}
}

// What a script prints is there at once, not when a buffer is full.
func TestOutputOrder(t *testing.T) {
	cmd := command(t, "run", "-c", "print(1)\nlog(2)\nprint(3)\nfail(4)")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd.Stdout, cmd.Stderr = w, w
	err = cmd.Run()
	w.Close()
	out, readErr := io.ReadAll(r)
	if status(t, err) != 1 || readErr != nil {
		t.Errorf("got errors %v, %v", err, readErr)
	}
	lines := strings.Split(string(out), "\n")
	if len(lines) < 4 || lines[0] != "1" || !strings.HasSuffix(lines[1], "2") || lines[2] != "3" || !strings.HasPrefix(lines[3], "Traceback") {
		t.Errorf("got %q", lines)
	}
}

// TestOutputOfCopies has a target share a file with what the script prints, which stays when
// the target is taken back.
func TestOutputOfCopies(t *testing.T) {
	cmd := command(t, "run", "-c", `
p = launch(["true"])
print("one")
c = p.checkpoint()
print("two")
c.restart()
c.fork().kill()
print("three")
`)
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	exit := status(t, cmd.Run())
	if text, err := os.ReadFile(out.Name()); err != nil || exit != 0 || string(text) != "one\ntwo\nthree\n" {
		t.Errorf("status %d, %q, %v", exit, text, err)
	}
}

// TestBacktrace prints the stacks of a process, which goes on, and of its core.
func TestBacktrace(t *testing.T) {
	target := tracertest.Start(t, tracertest.Build(t, tracertest.Source(t, "wait.c", `#include <unistd.h>
void innermost(void) { write(1, "\n", 1); pause(); }
void outer(void) { innermost(); }
int main(void) { for (;;) outer(); }
`)))
	target.ReadLine()
	core := filepath.Join(t.TempDir(), "core")
	pid := strconv.Itoa(target.PID)
	out, err := command(t, "run", "-c", "attach(int(args[0])).save_core(args[1])", pid, core).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, arg := range []string{pid, core} {
		out, err := command(t, "bt", arg).CombinedOutput()
		for _, want := range []string{"thread " + pid + " (wait)\n#0 ", " in innermost () at wait.c:2\n", " in outer () at wait.c:3\n", " in main () at wait.c:4\n"} {
			if err != nil || !strings.Contains(string(out), want) {
				t.Errorf("bt %s prints\n%sand ends with error %v, want %q", arg, out, err, want)
			}
		}
		var threads []struct {
			TID    int
			Frames []struct{ Function string }
		}
		out, err = command(t, "bt", "--json", arg).Output()
		if err == nil {
			err = json.Unmarshal(out, &threads)
		}
		if err != nil || len(threads) != 1 || threads[0].TID != target.PID || len(threads[0].Frames) < 3 {
			t.Errorf("bt --json %s prints\n%sand ends with error %v", arg, out, err)
		}
	}
	tracertest.WaitState(t, target.PID, "S")
	if status, err := os.ReadFile("/proc/" + pid + "/status"); err != nil || !strings.Contains(string(status), "\nTracerPid:\t0\n") {
		t.Errorf("the process is traced still, error %v\n%s", err, status)
	}
	repl := command(t, "repl", core)
	repl.Stdin = strings.NewReader("print(p.pid)\n") // a large number alone is shown as an address too
	if out, err := repl.CombinedOutput(); err != nil || string(out) != pid+"\n" {
		t.Errorf("repl %s prints %q and ends with error %v", core, out, err)
	}
}

// TestManualAsData has the manual as JSON: an entry with its members, and all of it.
func TestManualAsData(t *testing.T) {
	rows := func(args ...string) (rows []builtins.Row) {
		t.Helper()
		out, err := command(t, append([]string{"doc", "--json"}, args...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &rows); err != nil {
			t.Fatal(err)
		}
		return rows
	}
	got := rows("input")
	if len(got) != 3 || got[0].Name != "input" || got[1].Name != "input.close" || got[2].Signature != "(data)" || !strings.Contains(got[2].Example, ">>> p.stdin.write(") {
		t.Errorf("doc --json input = %+v", got)
	}
	if all := rows(); len(all) != len(builtins.Topics()) {
		t.Errorf("%d entries, want %d", len(all), len(builtins.Topics()))
	}
}

// TestKilledAfterStep kills the command where it is busy after a step: the process that it
// had attached to goes on. The kernel would step it once more, and the trap would end it.
func TestKilledAfterStep(t *testing.T) {
	target := tracertest.Start(t, tracertest.Build(t, "testdata/turning.c"))
	target.ReadLine()
	for _, move := range []string{"p.step()", "p.step(until='rip == %d' % (p.addr('stepped') + 4))", "p.step(n=7); p.until('stepped'); p.step()"} {
		cmd := command(t, "run", "-c", "p = attach(int(args[0]))\np.until('stepped')\n"+move+"\nprint('ready')\nwhile True: pass", strconv.Itoa(target.PID))
		start(t, cmd)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		if got := turns(t, target.PID); got == turns(t, target.PID) {
			t.Errorf("after %s the target stands still", move)
		}
	}
}

// turns waits until the process runs untraced, and returns how often it went round.
func turns(t *testing.T, pid int) (n uint64) {
	t.Helper()
	cmd := command(t, "run", "-c", `
p = observe(int(args[0]))
before = p.read_u64("turns")
while p.read_u64("turns") == before:
    pass
print(p.read_u64("turns"))
`, strconv.Itoa(pid))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: the target has ended", err)
	}
	if _, err := fmt.Sscan(string(out), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

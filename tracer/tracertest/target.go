package tracertest

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hung is how long a target or the kernel may take for what is about to happen
// before the test fails. It bounds a failure and times nothing.
const hung = 30 * time.Second

// A Target is a running program, the leader of its own process group.
type Target struct {
	PID   int
	Stdin io.WriteCloser // the pipe to its standard input

	tb     testing.TB
	cmd    *exec.Cmd
	stdout *os.File
	lines  *bufio.Reader
}

// Start runs the program at path with its standard input and output on pipes, in
// a temporary directory, where it may dump core. When the test ends, the
// target's process group is killed.
//
// Nothing waits for the target before then, unless Wait is called, so a tracer
// in the test may collect its stops and its end.
func Start(tb testing.TB, path string, args ...string) *Target {
	tb.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = tb.TempDir()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stdout, w, err := os.Pipe()
	if err != nil {
		tb.Fatal(err)
	}
	cmd.Stdout = w
	err = cmd.Start()
	w.Close()
	if err != nil {
		stdout.Close()
		tb.Fatal(err)
	}
	t := &Target{cmd.Process.Pid, stdin, tb, cmd, stdout, bufio.NewReader(stdout)}
	tb.Cleanup(t.kill)
	return t
}

// ReadLine returns the next line of the target's standard output without its
// newline. It fails the test when there is none.
func (t *Target) ReadLine() string {
	t.tb.Helper()
	t.stdout.SetReadDeadline(time.Now().Add(hung))
	line, err := t.lines.ReadString('\n')
	if err != nil {
		t.tb.Fatalf("read a line from %s [%d]: %v after %q", t.cmd.Path, t.PID, err, line)
	}
	return strings.TrimSuffix(line, "\n")
}

// Wait waits for the target's end and returns its status. The test must not
// trace the target any more: its tracer would be given the status.
func (t *Target) Wait() syscall.WaitStatus {
	t.tb.Helper()
	err := t.cmd.Wait()
	if t.cmd.ProcessState == nil {
		t.tb.Fatalf("wait for %s [%d]: %v", t.cmd.Path, t.PID, err)
	}
	return t.cmd.ProcessState.Sys().(syscall.WaitStatus)
}

// kill ends the target's process group and collects the target. A tracee may
// stop once more on its way out (PTRACE_EVENT_EXIT), which another SIGKILL ends.
func (t *Target) kill() {
	t.stdout.Close()
	done := make(chan struct{})
	go func() {
		t.cmd.Wait()
		close(done)
	}()
	for end := time.Now().Add(hung); time.Now().Before(end); {
		syscall.Kill(-t.PID, syscall.SIGKILL)
		select {
		case <-done:
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.tb.Errorf("%s [%d] survives SIGKILL in state %q", t.cmd.Path, t.PID, State(t.PID))
}

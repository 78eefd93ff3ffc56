package tracertest

import (
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const echo = `#include <stdio.h>
#include <unistd.h>

int main(void)
{
	char line[80];
	if (fork() == 0)
		for (;;)
			pause();
	printf("pid %d\n", getpid());
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		printf("echo %s", line);
		fflush(stdout);
	}
	return 3;
}
`

func TestTargetLines(t *testing.T) {
	target := Start(t, Build(t, Source(t, "echo.c", echo)))
	if got, want := target.ReadLine(), "pid "+strconv.Itoa(target.PID); got != want {
		t.Errorf("the first line is %q, want %q", got, want)
	}
	if _, err := io.WriteString(target.Stdin, "one\n"); err != nil {
		t.Fatal(err)
	}
	if got := target.ReadLine(); got != "echo one" {
		t.Errorf("the second line is %q, want %q", got, "echo one")
	}
	WaitState(t, target.PID, "S")
	target.Stdin.Close()
	if status := target.Wait(); status.ExitStatus() != 3 {
		t.Errorf("exit status is %d, want 3", status.ExitStatus())
	}
	if Alive(target.PID) {
		t.Error("the target is alive after Wait")
	}
}

func TestTargetEndOfOutput(t *testing.T) {
	path := Build(t, Source(t, "quiet.c", "int main(void) { return 0; }\n"))
	got := fatal(t, func(tb testing.TB) { Start(tb, path).ReadLine() })
	if !strings.Contains(got, "EOF after \"\"") {
		t.Errorf("ReadLine says %q, want EOF", got)
	}
}

// TestTargetKilled checks that the end of a test kills the target and the child
// that it forked, and nothing else.
func TestTargetKilled(t *testing.T) {
	path := Build(t, Source(t, "echo.c", echo))
	bystander := Start(t, path)
	bystander.ReadLine()
	var target *Target
	var child int
	t.Run("started", func(t *testing.T) {
		target = Start(t, path)
		target.ReadLine()
		child = onlyChild(t, target.PID)
		syscall.Kill(target.PID, syscall.SIGSTOP)
		WaitState(t, target.PID, "T")
	})
	if Alive(target.PID) {
		t.Errorf("the target [%d] is in state %q", target.PID, State(target.PID))
	}
	WaitState(t, child, "ZX\x00") // who adopts it may be slow to reap it
	if !Alive(bystander.PID) {
		t.Error("a target of another test was killed")
	}
}

func onlyChild(t *testing.T, pid int) int {
	t.Helper()
	id := strconv.Itoa(pid)
	text, err := os.ReadFile("/proc/" + id + "/task/" + id + "/children")
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return child
}

func TestState(t *testing.T) {
	if got := State(os.Getpid()); got != 'R' && got != 'S' {
		t.Errorf("State of the test is %q", got)
	}
	if !Alive(os.Getpid()) {
		t.Error("the test is not alive")
	}
	target := Start(t, Build(t, Source(t, "quiet.c", "int main(void) { return 0; }\n")))
	WaitState(t, target.PID, "Z")
	if Alive(target.PID) {
		t.Error("a zombie is alive")
	}
	target.Wait()
	if got := State(target.PID); got != 0 {
		t.Errorf("State of a process that is gone is %q", got)
	}
	if got := fatal(t, func(tb testing.TB) { WaitState(tb, target.PID, "S") }); !strings.Contains(got, `wait for state "S"`) {
		t.Errorf("WaitState of a process that is gone says %q", got)
	}
}

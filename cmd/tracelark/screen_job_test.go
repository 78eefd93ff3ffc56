//go:build linux && amd64

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// These tests drive the REPL in a terminal, as screen_test.go does, where it shares it with
// the target or with a shell.

// ^Z stops the debugger alone, and its shell has the terminal meanwhile.
func TestScreenSuspend(t *testing.T) {
	s := prepare(t)
	s.start(100, 40, "PS1='shell$ ' bash --norc --noprofile -i")
	s.until("a shell", func(text string) bool { return strings.HasSuffix(text, "shell$") })
	s.enter("saved=$(stty -g); " + s.env + " repl -- " + tracertest.Build(t, "testdata/ticks.c"))
	s.prompt("", "")
	s.typed("1 + ")
	s.keys("C-z")
	s.expect("Stopped", "shell$")
	s.keys("C-l")
	s.enter(`test "$saved" = "$(stty -g)" && echo same mode`)
	s.expect("\nsame mode")
	s.enter("fg")
	s.prompt("", "1 +")
	s.typed("1")
	s.keys("Enter")
	s.expect("\n2\n")
	s.do("q", "shell$")
	s.enter(`test "$saved" = "$(stty -g)" && echo restored mode`)
	s.expect("\nrestored mode")
}

// ^Z that is typed to a target stops it as a shell's job, and c lets it go on.
func TestScreenJobStop(t *testing.T) {
	s := newScreen(t, 100, 40, nil, "repl", "--", tracertest.Build(t, "testdata/ticks.c"))
	s.do("set context reason", ">>>")
	s.do("c", "tick ")
	s.keys("C-z") // a process in a session of its own it does not stop
	s.expect("signal SIGTSTP at 0x")
	s.do("c", "tick ")
	s.keys("C-c")
	s.expect("interrupt at 0x")
	s.do("handle SIGTSTP nostop noprint", "not stop the process, delivered")
	s.do("c", "tick ")
	s.tmux("clear-history")
	s.keys("C-z")
	s.expectPast("^Z", "tick ")
	s.keys("C-c")
	if text := s.expect("interrupt at 0x"); strings.Contains(text, "SIGTSTP at") {
		t.Errorf("it stops all the same:\n%s", text)
	}

	// One that stops itself then, as vim and top do, c lets go on.
	s = newScreen(t, 100, 40, nil, "repl", "--", "/bin/sh", "-c", "trap 'kill -STOP $$' TSTP; trap 'echo went on' CONT; echo ready; while :; do :; done")
	s.do("set context reason", ">>>")
	s.do("c", "ready")
	for _, again := range []string{"c", "c &"} {
		s.keys("C-z")
		s.expect("job_stop SIGSTOP at 0x")
		s.prompt("", "")
		s.do("1 + 1", "\n2\n")
		s.do(again, "went on")
	}
	s.enter("interrupt")
	s.expect("interrupt at 0x")
	s.do("q", "status 0")
}

// Signals that gdb does not stop at by default do not stop a target of the REPL.
func TestScreenSignals(t *testing.T) {
	s := newScreen(t, 100, 40, nil, "repl", "--", "/bin/sh", "-c", "trap 'echo got it' ALRM IO; kill -ALRM $$; kill -IO $$; kill -USR1 $$")
	s.do("set context reason", ">>>")
	s.do("info signals", "do not stop it: SIGALRM ", "SIGIO")
	s.do("c", "got it\ngot it", "signal SIGUSR1 at 0x")
	s.do("r", "signal SIGUSR1 at 0x")
	s.do("handle SIGALRM stop", "SIGALRM: stops the process, delivered")
	s.do("r", "signal SIGALRM at 0x")
}

// hook-stop comes before a stop is shown, which one that commands make silent is not.
func TestScreenHookStop(t *testing.T) {
	s := newScreen(t, 100, 40, nil, "repl", "--", tracertest.Build(t, count), "9")
	s.do("set context reason", ">>>")
	s.do("b work", "breakpoint 1 at")
	s.do("define hook-stop", "...")
	s.enter(`echo the hook\n`)
	s.enter("end")
	s.do("c", "\nthe hook\n", "breakpoint 1 at 0x")
	s.do("commands", "...")
	s.enter("silent")
	s.enter("p i")
	s.enter("end")
	if text := s.do("c", "$1 = 1\n", ">>>"); strings.Contains(text, "hook") || strings.Contains(text, "breakpoint 1 at") {
		t.Errorf("it is shown:\n%s", text)
	}
	s.do("context reason", "breakpoint 1 at 0x")
}

// The end of a session says what becomes of its targets.
func TestScreenEnd(t *testing.T) {
	s := newScreen(t, 100, 40, nil, "repl", "--", tracertest.Build(t, count))
	other := exec.Command("sleep", "1000")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		other.Process.Kill()
		other.Wait()
	}()
	s.do("set context off", ">>>")
	tracertest.WaitState(t, other.Process.Pid, "S")
	s.do(fmt.Sprintf("attach %d", other.Process.Pid), " in clock_nanosleep")
	s.do("file true", "exec at")
	s.do("kill", "killed")
	s.prompt("", "")
	s.keys("C-d")
	s.expect("is killed\n", fmt.Sprintf("process %d is let go\nstatus 0", other.Process.Pid))
}

// What becomes of a target or of the debugger does not change the other's terminal.
func TestScreenTerminal(t *testing.T) {
	file := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(file, []byte("some text\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := prepare(t)
	s.start(100, 30, "PS1='shell$ ' bash --norc --noprofile -i")
	s.until("a shell", func(text string) bool { return strings.HasSuffix(text, "shell$") })
	s.enter("saved=$(stty -g); clear; " + s.env + " repl -- vim -N -u NONE -i NONE --cmd \"set showmode\" " + file)
	s.do("c", "some text\n~\n~") // a program that draws on the whole screen
	s.typed("i")
	s.expect("-- INSERT --")
	s.typed("one line, ")
	s.expect("one line, some text")
	s.keys("Escape")
	s.until("the end of the insertion", func(text string) bool { return !strings.Contains(text, "INSERT") })
	s.tmux("resize-window", "-x", "70", "-y", "20")
	s.until("the new width", func(text string) bool {
		if strings.Contains(text, "columns=70") {
			return true
		}
		s.typed(":set columns?\r") // what it shows is gone when vim draws the screen anew
		return false
	})
	s.typed(":wq\r")
	s.expect("exit 0")
	if data, err := os.ReadFile(file); err != nil || string(data) != "one line, some text\n" {
		t.Errorf("vim has written %q, %v", data, err)
	}
	// One that is killed leaves nothing behind.
	s.do("set context reason", ">>>")
	kill := func(sig unix.Signal) {
		s.do("starti", "exec at 0x")
		var pid int
		text := s.do("p.pid", "\n", ">>>")
		if _, err := fmt.Sscan(strings.Split(text, "\n")[1], &pid); err != nil {
			t.Fatalf("got %q: %v", text, err)
		}
		s.do("c", "one line, some text")
		unix.Kill(pid, sig)
	}
	kill(unix.SIGKILL)
	s.expect("killed by SIGKILL")
	s.do("1 + 1", "\n2\n")
	kill(unix.SIGTERM)
	s.expect("signal SIGTERM")
	s.do("q", "shell$")
	s.enter(`test "$saved" = "$(stty -g)" && echo restored mode`)
	s.expect("\nrestored mode")
}

func TestScreenBackground(t *testing.T) {
	s := newScreen(t, 100, 40, nil, "repl", "--", tracertest.Build(t, "testdata/ticks.c"))
	s.do("set context reason", ">>>")
	s.do("c &", "tick ")
	s.typed("p ticks") // which the output does not tear
	text := s.expectPast("tick 20\n")
	s.until("the line below the output", func(text string) bool { return strings.HasSuffix(text, " running >>> p ticks") })
	if strings.Contains(strings.TrimSuffix(text, "p ticks"), "p ticks\n") || strings.Contains(text, "tick p") {
		t.Errorf("the output tears the prompt:\n%s", text)
	}
	s.keys("C-u")
	s.enter("vmmap stack") // which needs no stop
	s.expectPast("[stack]")
	s.enter("p ticks > 3")
	s.expectPast("\n$1 = 1\n")
	s.enter("si")
	s.expectPast("runs; interrupt stops")
	s.enter("interrupt")
	s.expect("interrupt at 0x")
	s.prompt("", "")
	s.do("p ticks > 3", "$2 = 1")
	s.do("c", "tick ")
	s.keys("C-c")
	s.prompt("", "")
	if text := s.text(); !strings.Contains(text, "interrupt at 0x") || strings.Contains(text, "Error:") {
		t.Errorf("after ^C the screen shows\n%s", text)
	}
	s.do("p.state", `"stopped"`)
	s.do("tb ticks.c:15", "breakpoint 1")
	s.do("c &", "breakpoint 1 at 0x") // a stop is shown when it comes
	s.prompt("", "")
	s.do("_.reason", `"breakpoint"`)
}

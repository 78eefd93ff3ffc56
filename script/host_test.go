package script

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// TestHost checks that sessions run beside each other in a program that has children,
// signal handlers and threads of its own, and leave those alone.
func TestHost(t *testing.T) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGUSR1)
	defer signal.Stop(signals)
	sleeper := exec.CommandContext(t.Context(), "sleep", "1000")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}

	var all sync.WaitGroup
	for n := range 3 {
		all.Go(func() {
			var out strings.Builder
			s, err := New(&Options{Policy: Policy{Allow: MayAll}, Stdout: &out, Args: []string{fmt.Sprint(n)}})
			if err != nil {
				t.Error(err)
				return
			}
			err = s.RunCode(`
for i in range(5):
    p = launch("../examples/targets/crash", stdout = CAPTURE)
    b = p.breakpoint("set_option", lambda stop: None)
    if p.cont().signame != "SIGSEGV" or b.hits != 3: fail("it ends otherwise")
q = launch(["sh", "-c", "exit " + args[0]])
print(q.cont().exit_code)
`)
			if err != nil || out.String() != fmt.Sprintln(n) {
				t.Errorf("session %d prints %q, %v", n, out.String(), err)
			}
			for range 2 { // the second does nothing
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
			if err := s.RunCode("launch('true')"); !errors.Is(err, ErrClosed) {
				t.Errorf("a closed session says %v, want %v", err, ErrClosed)
			}
			if err := s.REPL(os.Stdin); !errors.Is(err, ErrClosed) {
				t.Errorf("the REPL of a closed session says %v, want %v", err, ErrClosed)
			}
		})
	}
	for range 4 { // threads that start and reap children meanwhile
		all.Go(func() {
			for i := range 10 {
				out, err := exec.CommandContext(t.Context(), "sh", "-c", fmt.Sprintf("echo %d; exit %d", i, i)).Output()
				if code := status(err); string(out) != fmt.Sprintln(i) || code != i {
					t.Errorf("a child of the host prints %q and exits with %d, want %d", out, code, i)
				}
			}
		})
	}
	all.Go(func() {
		for range 20 {
			if err := unix.Kill(os.Getpid(), unix.SIGUSR1); err != nil {
				t.Error(err)
			}
			<-signals
		}
	})
	all.Wait()

	if err := unix.Kill(sleeper.Process.Pid, 0); err != nil {
		t.Errorf("a child of the host that sleeps: %v", err)
	}
	if err := sleeper.Process.Signal(unix.SIGTERM); err != nil {
		t.Error(err)
	}
	sleeper.Wait()
	if ws := sleeper.ProcessState.Sys().(interface{ Signal() unix.Signal }); ws.Signal() != unix.SIGTERM {
		t.Errorf("it ends with %v", sleeper.ProcessState)
	}
}

// status returns the exit code of a command from its error.
func status(err error) int {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

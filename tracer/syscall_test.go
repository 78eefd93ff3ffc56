//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// filterCalls is the filter that launchCalls gives its programs.
var filterCalls []int

// launchCalls starts a scene of testdata/calls.c and lets it come to main.
func launchCalls(t testing.TB, args ...string) *Process {
	t.Helper()
	path := tracertest.Build(t, "testdata/calls.c")
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	p, err := newTracer(t).Launch(append([]string{path}, args...), &LaunchOptions{Stdout: null, Filter: filterCalls})
	if err != nil {
		t.Fatal(err)
	}
	main := breakAt(t, p, "main", nil)
	if stop := cont(t, p); stop.Breakpoint != main {
		t.Fatalf("stop = %s, want main", stop.Reason)
	}
	if err := main.Remove(); err != nil {
		t.Fatal(err)
	}
	return p
}

// onCall asks for system calls.
func onCall(t testing.TB, p *Process, phase Phase, handler func(*Stop) (bool, error), numbers ...int) *Hook {
	t.Helper()
	h, err := p.On(HookOptions{Reason: ReasonSyscall, Syscalls: numbers, Phase: phase, Handler: handler})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// describe returns a text such as "exit close 12345 = -9 EBADF".
func describe(s *Stop) string {
	c := s.Syscall
	if c.Phase == Enter {
		return fmt.Sprintf("enter %s %d", c.Name(), c.Args[0])
	}
	return strings.TrimRight(fmt.Sprintf("exit %s %d = %d %s", c.Name(), c.Args[0], c.Ret, c.Errno()), " ")
}

// record notes all stops at system calls and lets them go on.
func record(t testing.TB, p *Process, numbers ...int) *[]string {
	t.Helper()
	var seen []string
	onCall(t, p, 0, func(s *Stop) (bool, error) {
		seen = append(seen, describe(s))
		return false, nil
	}, numbers...)
	return &seen
}

func wantSeen(t testing.TB, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("saw\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestSyscallArgsAndResults(t *testing.T) {
	p := launchCalls(t, "basic")
	var seen []string
	onCall(t, p, 0, func(s *Stop) (bool, error) {
		seen = append(seen, describe(s))
		if c := s.Syscall; c.Nr == unix.SYS_GETPID && c.Args[0] == 1001 && c.Args != [6]uint64{1001, 2, 3, 4, 5, 6} {
			t.Errorf("args = %v, want 1001 and 2 to 6", c.Args)
		}
		if pc := reg(t, s.Thread, arch.RIP); pc != s.PC {
			t.Errorf("pc = %#x, the stop says %#x", pc, s.PC)
		}
		return false, nil
	}, unix.SYS_GETPID, unix.SYS_KILL, unix.SYS_CLOSE, -1, unix.SYS_EXIT_GROUP)
	stop := cont(t, p)
	if stop.Reason != ReasonExit || stop.ExitCode != 7 {
		t.Fatalf("stop = %s, want exit with 7", stop.Reason)
	}
	seen = slices.DeleteFunc(seen, func(s string) bool { // that of C's getpid()
		return strings.Contains(s, "getpid") && !strings.Contains(s, "getpid 1001")
	})
	wantSeen(t, seen, []string{
		"enter getpid 1001", fmt.Sprintf("exit getpid 1001 = %d", p.PID),
		fmt.Sprintf("enter kill %d", p.PID), fmt.Sprintf("exit kill %d = 0", p.PID),
		"enter close 12345", "exit close 12345 = -9 EBADF",
		"enter  1", "exit  1 = -38 ENOSYS",
		"enter exit_group 7",
	})
}

// TestInterruptedSyscallsHaveOneEntry follows all calls of threads that wait for each
// other and are interrupted while they do.
func TestInterruptedSyscallsHaveOneEntry(t *testing.T) {
	p := launchCalls(t, "threads", "100")
	inside := make(map[int]int)
	onCall(t, p, 0, func(s *Stop) (bool, error) {
		tid, c := s.Thread.TID, s.Syscall
		switch {
		case c.Errno() != "" && c.Ret <= -512:
			t.Errorf("%s is seen", describe(s))
		case c.Phase == Enter && inside[tid] == 0:
			inside[tid] = c.Nr + 1
		case c.Phase == Exit && (inside[tid] == c.Nr+1 || inside[tid] == 0 && c.Nr != unix.SYS_RESTART_SYSCALL):
			inside[tid] = 0
		default:
			t.Errorf("thread %d: %s, in call %d", tid, describe(s), inside[tid]-1)
		}
		return false, nil
	})
	wantExit(t, p, 0)
}

func TestAttachInSleep(t *testing.T) {
	target := tracertest.Start(t, tracertest.Build(t, "testdata/calls.c"), "nap", "2000")
	target.ReadLine()
	tracertest.WaitState(t, target.PID, "S")
	p := attach(t, target.PID)
	seen := record(t, p, unix.SYS_NANOSLEEP, unix.SYS_RESTART_SYSCALL)
	wantExit(t, p, 0)
	if len(*seen) != 1 || !strings.HasPrefix((*seen)[0], "exit nanosleep") || !strings.HasSuffix((*seen)[0], "= 0") {
		t.Errorf("saw %q, want the exit of nanosleep with 0", *seen)
	}
}

func TestSleepIsInterrupted(t *testing.T) {
	p := launchCalls(t, "nap", "200")
	seen := record(t, p, unix.SYS_NANOSLEEP, unix.SYS_RESTART_SYSCALL)
	times := 0
	for stop := p.Stop(); !stop.Gone(); {
		var err error
		if stop, err = p.Cont(&MoveOptions{Timeout: 5 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		times++
	}
	if len(*seen) != 2 || !strings.HasSuffix((*seen)[1], "= 0") || times < 2 {
		t.Errorf("saw %q in %d movements, want one entry and one exit with 0 in several", *seen, times)
	}
	if code, _ := p.ExitCode(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// TestDetachInTracedSleep detaches in the middle of a call that was restarted.
func TestDetachInTracedSleep(t *testing.T) {
	target := tracertest.Start(t, tracertest.Build(t, "testdata/calls.c"), "nap", "300")
	target.ReadLine()
	tracertest.WaitState(t, target.PID, "S")
	p := attach(t, target.PID)
	record(t, p)
	for range 5 {
		if stop, err := p.Cont(&MoveOptions{Timeout: time.Millisecond}); err != nil || stop.Reason != ReasonTimeout {
			t.Fatalf("stop = %+v, %v, want timeout", stop, err)
		}
	}
	if err := p.Detach(0); err != nil {
		t.Fatal(err)
	}
	if status := target.Wait(); status.ExitStatus() != 0 {
		t.Errorf("the sleep ended with status %#x, want 0", status)
	}
}

func TestKillAtSyscall(t *testing.T) {
	for _, phase := range []Phase{Enter, Exit} {
		p := launchCalls(t, "threads", "1000")
		onCall(t, p, phase, nil, unix.SYS_GETPPID)
		if stop := cont(t, p); stop.Reason != ReasonSyscall {
			t.Fatalf("stop = %s, want syscall", stop.Reason)
		}
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		if sig, ok := p.ExitSignal(); !ok || sig != int(unix.SIGKILL) {
			t.Errorf("exit signal %d, %t, want SIGKILL", sig, ok)
		}
	}
}

// TestHandlerInSyscall sends a signal to a thread at the entry of a read that would
// block.
func TestHandlerInSyscall(t *testing.T) {
	handler := []string{"enter write", "exit write", "enter rt_sigreturn", "exit rt_sigreturn"}
	for restart, want := range map[string]struct {
		code int
		seen []string
	}{
		"0": {14, slices.Concat([]string{"enter read", "exit read ERESTARTSYS", "signal"}, handler)},
		"1": {11, slices.Concat([]string{"enter read", "exit read ERESTARTSYS", "signal"}, handler, []string{"enter read", "exit read"})},
	} {
		t.Run("restart "+restart, func(t *testing.T) {
			p := launchCalls(t, "interrupted", restart)
			var seen []string
			signals := func(s *Stop) (bool, error) { seen = append(seen, "signal"); return false, nil }
			if _, err := p.On(HookOptions{Reason: ReasonSignal, Handler: signals}); err != nil {
				t.Fatal(err)
			}
			sent := false
			onCall(t, p, 0, func(s *Stop) (bool, error) {
				text := fmt.Sprintf("%s %s", s.Syscall.Phase, s.Syscall.Name())
				if errno := s.Syscall.Errno(); strings.HasPrefix(errno, "ERESTART") {
					text += " " + errno
				}
				seen = append(seen, text)
				if !sent {
					sent = true
					return false, unix.Kill(p.PID, unix.SIGUSR1)
				}
				return false, nil
			}, unix.SYS_READ, unix.SYS_WRITE, unix.SYS_RT_SIGRETURN)
			wantExit(t, p, want.code)
			wantSeen(t, seen, want.seen)
		})
	}
}

func TestSignalInjectedAtSyscall(t *testing.T) {
	for _, phase := range []Phase{Enter, Exit} {
		t.Run(phase.String(), func(t *testing.T) {
			p := launchCalls(t, "injected")
			h := onCall(t, p, phase, nil, unix.SYS_GETPPID)
			if stop := cont(t, p); stop.Reason != ReasonSyscall || stop.Syscall.Phase != phase {
				t.Fatalf("stop = %+v, want a system call", stop)
			}
			h.Remove()
			b := breakAt(t, p, "after_call", nil)
			handler := breakAt(t, p, "on_signal", nil)
			stop, err := p.Cont(&MoveOptions{Signal: Deliver(int(unix.SIGUSR1))})
			if err != nil || stop.Breakpoint != handler {
				t.Fatalf("stop = %+v, %v, want the handler before the next instruction", stop, err)
			}
			if stop := cont(t, p); stop.Breakpoint != b {
				t.Fatalf("stop = %s, want the instruction after the call", stop.Reason)
			}
			wantExit(t, p, 1)
		})
	}
}

// needInt80 skips a test where the kernel makes no system calls of 32-bit code.
func needInt80(t *testing.T) {
	t.Helper()
	err := exec.Command(tracertest.Build(t, "testdata/calls.c"), "compat").Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Sys().(syscall.WaitStatus).Signal() == unix.SIGSEGV {
		t.Skip("int 0x80 is a fault on this machine, whose kernel has no system calls of 32-bit code")
	}
}

// TestCompatSyscall makes a call by int 0x80, whose numbers mean something else.
func TestCompatSyscall(t *testing.T) {
	needInt80(t)
	p := launchCalls(t, "compat")
	onCall(t, p, 0, func(s *Stop) (bool, error) {
		t.Errorf("%s is taken for writev", describe(s))
		return false, nil
	}, unix.SYS_WRITEV)
	var compat []Syscall
	onCall(t, p, 0, func(s *Stop) (bool, error) {
		if s.Syscall.Compat {
			compat = append(compat, *s.Syscall)
		}
		return false, nil
	})
	wantExit(t, p, 0)
	if len(compat) != 2 || compat[0].Nr != 20 || compat[0].Name() != "" || [5]uint64(compat[0].Args[:5]) != [5]uint64{1, 2, 3, 4, 5} || compat[1].Ret != int64(p.PID) {
		t.Errorf("calls %+v, want number 20 with args 1 to 5 and %d", compat, p.PID)
	}
}

func TestSyscallHookRemoved(t *testing.T) {
	p := launchCalls(t, "threads", "2000")
	n := 0
	var h *Hook
	h = onCall(t, p, 0, func(*Stop) (bool, error) {
		if n++; n == 1001 {
			h.Remove()
		}
		return false, nil
	}, unix.SYS_GETPPID)
	wantExit(t, p, 0)
	if n != 1001 {
		t.Errorf("%d stops, want 1001", n)
	}
}

// TestSyscallHookAgain removes the hook within a call and asks again later.
func TestSyscallHookAgain(t *testing.T) {
	p := launchCalls(t, "loop", "10")
	h := onCall(t, p, Enter, nil, unix.SYS_GETPPID)
	cont(t, p)
	h.Remove()
	breakAt(t, p, "raw", nil)
	cont(t, p)
	seen := record(t, p, unix.SYS_GETPPID)
	cont(t, p)
	wantSeen(t, *seen, []string{"enter getppid 1", fmt.Sprintf("exit getppid 1 = %d", unix.Getpid())})
}

func TestManySyscalls(t *testing.T) {
	const calls = 100000
	p := launchCalls(t, "loop", fmt.Sprint(calls))
	n := 0
	onCall(t, p, Exit, func(s *Stop) (bool, error) {
		if s.Syscall.Args[0] != uint64(n) {
			t.Fatalf("call %d, want %d", s.Syscall.Args[0], n)
		}
		n++
		return false, nil
	}, unix.SYS_GETPPID)
	wantExit(t, p, 0)
	if n != calls {
		t.Errorf("%d calls, want %d", n, calls)
	}
}

// TestAffinityInSyscalls has a burst of stops in which the target asks for its CPUs.
func TestAffinityInSyscalls(t *testing.T) {
	var cpus unix.CPUSet
	if err := unix.SchedGetaffinity(0, &cpus); err != nil {
		t.Fatal(err)
	}
	p := launchCalls(t, "affinity")
	shared := false
	onCall(t, p, 0, func(s *Stop) (bool, error) {
		var now unix.CPUSet
		err := unix.SchedGetaffinity(p.PID, &now)
		shared = shared || now.Count() == 1
		return false, err
	}, unix.SYS_GETPPID)
	wantExit(t, p, cpus.Count())
	if !shared {
		t.Error("tracer and target shared no CPU in a burst of 2000 stops")
	}
}

func TestRipWrittenAtSyscall(t *testing.T) {
	p := launchCalls(t, "nap", "100000")
	onCall(t, p, Enter, nil, unix.SYS_NANOSLEEP)
	cont(t, p)
	stop, err := p.Cont(&MoveOptions{Timeout: 20 * time.Millisecond})
	if err != nil || stop.Reason != ReasonTimeout {
		t.Fatalf("stop = %+v, %v, want timeout", stop, err)
	}
	// The sleep would be restarted at the wrong place.
	after, err := p.Addr("after_call")
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]uint64{"rip": after, "rax": 0} {
		if err := p.Thread().SetReg(arch.Lookup(name), v); err != nil {
			t.Fatal(err)
		}
	}
	wantExit(t, p, 0)
}

// BenchmarkSyscall measures calls that are reported, at one of their two stops, and
// calls that only make the thread stop.
func BenchmarkSyscall(b *testing.B) {
	for _, bench := range []struct {
		name string
		nr   int
	}{{"reported", unix.SYS_GETPPID}, {"unreported", unix.SYS_REBOOT}} {
		b.Run(bench.name, func(b *testing.B) {
			p := launchCalls(b, "loop", fmt.Sprint(b.N+1000))
			n := 0
			onCall(b, p, Enter, func(*Stop) (bool, error) { n++; return false, nil }, bench.nr)
			b.ResetTimer()
			wantExit(b, p, 0)
		})
	}
}

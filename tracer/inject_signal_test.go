//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestSyscallKeepsPendingSignal injects where a signal is about to be delivered,
// with the value that it carries and others of its kind behind it.
func TestSyscallKeepsPendingSignal(t *testing.T) {
	p := injectableAt(t, "queued", "here")
	for range 3 {
		stop := cont(t, p)
		if stop.Reason != ReasonSignal || stop.Siginfo() == nil {
			t.Fatalf("stop = %s, want the signal", stop.Reason)
		}
		th := stop.Thread
		before := look(t, th)
		for range 3 {
			inject(t, th, unix.SYS_GETPID)
		}
		wantSame(t, th, before)
		if info, err := th.Siginfo(); err != nil || *info != *stop.Siginfo() || th.Pending() != stop.Signal {
			t.Errorf("siginfo % x, %v, pending %d; was % x, %d", info, err, th.Pending(), stop.Siginfo(), stop.Signal)
		}
	}
	wantExit(t, p, 0)
}

// TestSyscallKeepsArrivingSignal has signals arrive during a call.
func TestSyscallKeepsArrivingSignal(t *testing.T) {
	p, target := asleep(t, "read")
	th := p.Thread()
	before := look(t, th)
	for _, sig := range []unix.Signal{unix.SIGUSR1, unix.SIGSTOP, unix.SIGSEGV} {
		inject(t, th, unix.SYS_KILL, Words(uint64(p.PID), uint64(sig))...)
	}
	wantSame(t, th, before)
	if _, err := p.On(HookOptions{Reason: ReasonSignal}); err != nil {
		t.Fatal(err)
	}
	signals := make(map[int]int)
	for o := (MoveOptions{Timeout: 30 * time.Second}); len(signals) < 3; {
		stop, err := p.Cont(&o)
		if err != nil || stop.Reason != ReasonSignal {
			t.Fatalf("stop = %+v, %v, want a signal", stop, err)
		}
		signals[stop.Signal]++
		o.Signal = Deliver(0)
		if stop.Signal == int(unix.SIGUSR1) {
			o.Signal = Delivery{}
		}
	}
	if _, err := p.Cont(&MoveOptions{Signal: Deliver(0), Timeout: 10 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	for sig, n := range signals {
		if n != 1 {
			t.Errorf("%s came %d times", SignalName(sig), n)
		}
	}
	fmt.Fprint(target.Stdin, "!")
	wantExit(t, p, '!')
}

func TestSyscallInGroupStop(t *testing.T) {
	p, target := asleep(t, "read")
	if err := p.Detach(0); err != nil {
		t.Fatal(err)
	}
	unix.Kill(target.PID, unix.SIGSTOP)
	tracertest.WaitState(t, target.PID, "T")
	p = attach(t, target.PID)
	if got := inject(t, p.Thread(), unix.SYS_GETPID); got != uint64(p.PID) {
		t.Errorf("getpid() = %d", got)
	}
	if stop, err := p.Cont(&MoveOptions{Timeout: 10 * time.Millisecond}); err != nil || stop.Reason != ReasonTimeout {
		t.Fatalf("stop = %+v, %v, want timeout: it is stopped still", stop, err)
	}
	if err := p.Detach(0); err != nil {
		t.Fatal(err)
	}
	tracertest.WaitState(t, target.PID, "T")
	unix.Kill(target.PID, unix.SIGCONT)
	fmt.Fprint(target.Stdin, "!")
	if status := target.Wait(); status.ExitStatus() != '!' {
		t.Errorf("status %#x", status)
	}
}

func TestSyscallInterrupted(t *testing.T) {
	p := injectableAt(t, "plain", "here")
	th := p.Thread()
	before := look(t, th)
	for _, call := range []struct {
		nr   int
		args []Arg
	}{
		{unix.SYS_PAUSE, nil},
		{unix.SYS_NANOSLEEP, []Arg{{Data: append(le(1000), le(0)...)}, {}}},
		{unix.SYS_POLL, Words(0, 0, 1000000)},
	} {
		go func() {
			// The call blocks from the moment on when the thread sleeps.
			if err := tracertest.AwaitState(th.TID, "S"); err != nil {
				t.Error(err)
			}
			p.tr.Interrupt()
		}()
		if _, err := th.Syscall(call.nr, call.args...); !errors.Is(err, unix.EINTR) {
			t.Errorf("call %d: %v, want EINTR", call.nr, err)
		}
		wantSame(t, th, before)
	}
	wantExit(t, p, 3)
}

// TestInjectInStormOfSignals injects where signals arrive by the thousand.
func TestInjectInStormOfSignals(t *testing.T) {
	p := launch(t, "storm", "300")
	handle := func(s *Stop) (bool, error) {
		before := look(t, s.Thread)
		inject(t, s.Thread, unix.SYS_GETPID)
		wantSame(t, s.Thread, before)
		return false, nil
	}
	signals := 0
	if _, err := p.On(HookOptions{Reason: ReasonSignal, Signal: int(unix.SIGALRM), Handler: func(s *Stop) (bool, error) {
		signals++
		return handle(s)
	}}); err != nil {
		t.Fatal(err)
	}
	b := breakAt(t, p, "recurse", handle)
	wantExit(t, p, 0)
	if b.Hits() != 600 || signals == 0 {
		t.Errorf("%d hits, want 600, and %d signals", b.Hits(), signals)
	}
}

func TestSyscallKilled(t *testing.T) {
	p := injectableAt(t, "plain", "here")
	go func() {
		if err := tracertest.AwaitState(p.PID, "S"); err != nil {
			t.Error(err)
		}
		unix.Kill(p.PID, unix.SIGKILL)
	}()
	if _, err := p.Syscall(unix.SYS_PAUSE); !errors.Is(err, ErrExited) && !errors.Is(err, ErrThread) {
		t.Errorf("Syscall: %v", err)
	}
	if sig, ok := p.ExitSignal(); !ok || sig != int(unix.SIGKILL) {
		t.Errorf("exit signal %d, %t, want SIGKILL", sig, ok)
	}
}

// A signal that comes for the tracer cuts a look at the queue short (ptrace_peek_siginfo),
// which is not the end of the queue.
func TestQueuedInterrupted(t *testing.T) {
	p, err := newTracer(t).Launch([]string{tracertest.Build(t, "../builtins/testdata/queue.c")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	queued, err := p.Addr("queued")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Thread().Until(queued, nil); err != nil {
		t.Fatal(err)
	}
	self, done, ended := unix.Gettid(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			default:
				unix.Tgkill(os.Getpid(), self, unix.SIGURG) // as Go's runtime does
			}
		}
	}()
	for range 1000 {
		if list, err := p.Queued(); len(list) != 71 || err != nil {
			t.Errorf("got %d signals, error %v, want 71", len(list), err)
			break
		}
	}
	close(done)
	<-ended
}

// TestSignalWaitsAtBreakpoint steps over a breakpoint where a signal is about to be
// delivered, and again when another one has come before it. It waits as it was sent: the
// tracer may be gone when it is delivered.
func TestSignalWaitsAtBreakpoint(t *testing.T) {
	p := injectableAt(t, "copy", "copying")
	th := p.Thread()
	info := Siginfo{0: byte(unix.SIGUSR2), 12: 7}
	binary.LittleEndian.PutUint32(info[8:], ^uint32(0)) // SI_QUEUE
	if err := ptrace.Requeue(p.PID, th.TID, &info); err != nil {
		t.Fatal(err)
	}
	step := func(want int) {
		t.Helper()
		stop, err := th.Step(1, &MoveOptions{Timeout: 10 * time.Second})
		if err != nil || stop.Signal != want || stop.PC != addrOf(t, p, "copying") {
			t.Fatalf("stop = %s with signal %d, %v, want signal %d", stop.Reason, stop.Signal, err, want)
		}
		var queue [4]Siginfo
		n, err := ptrace.PeekSiginfo(th.TID, false, 0, queue[:])
		if waits := want != int(unix.SIGUSR2); err != nil || waits != (n == 1 && queue[0] == info) {
			t.Errorf("%d signals are queued, the first % x, %v", n, queue[0], err)
		}
	}
	step(int(unix.SIGUSR2))
	step(0)
	unix.Tgkill(p.PID, th.TID, unix.SIGUSR1)
	step(int(unix.SIGUSR1))
	if err := th.DropSignal(); err != nil {
		t.Fatal(err)
	}
	step(0)
	p.Breakpoints()[0].Remove()
	wantExit(t, p, 0)
}

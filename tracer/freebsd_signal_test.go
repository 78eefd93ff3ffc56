//go:build linux && amd64

package tracer

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// This file has FreeBSD's cases of signals, PT_KILL and what a stop says of itself.

const (
	usr1    = int(unix.SIGUSR1)
	usr2    = int(unix.SIGUSR2)
	sigtrap = int(unix.SIGTRAP)
)

// noQueue lets a process queue no signal: the kernel keeps the number of those that
// come, and nothing else.
var noQueue = &LaunchOptions{Limits: []Limit{{unix.RLIMIT_SIGPENDING, 0}}}

// request asks for a process as requests do.
func request(t *testing.T, p *Process, id int) *Target {
	t.Helper()
	g, err := p.tr.Target("request", id)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// goOn is PT_CONTINUE or its like, and the stop that follows.
func goOn(t *testing.T, g *Target, o *GoOptions) *Stop {
	t.Helper()
	if err := g.Go("cont", o); err != nil {
		t.Fatal(err)
	}
	stop, err := g.Process.tr.Wait(g.Process.PID, 30*time.Second)
	if err != nil || stop == nil {
		t.Fatalf("wait: %v, %v", stop, err)
	}
	return stop
}

// wantKilled is PT_KILL: nothing but the end follows.
func wantKilled(t *testing.T, p *Process) {
	t.Helper()
	if err := request(t, p, p.PID).Kill(); err != nil {
		t.Fatal(err)
	}
	stop, err := p.tr.Wait(p.PID, 30*time.Second)
	if err != nil || stop == nil || stop.Reason != ReasonKilled || stop.Signal != int(unix.SIGKILL) {
		t.Fatalf("wait: %+v, %v, want killed by SIGKILL", stop, err)
	}
	if _, err := p.tr.Wait(p.PID, 0); !errors.Is(err, unix.ECHILD) {
		t.Errorf("wait once more: %v, want ECHILD", err)
	}
}

func killBreakpoint(t *testing.T) {
	p := launch(t, "trap")
	if stop := wantStop(t, p, 0, ReasonSignal); stop.Signal != sigtrap {
		t.Fatalf("signal %d, want SIGTRAP", stop.Signal)
	}
	wantKilled(t, p)
}

// atWork returns a process of nine threads, some of which are stopped at work.
func atWork(t *testing.T) *Process {
	t.Helper()
	p := launch(t, "threads", "1000000")
	b := breakAt(t, p, "work", nil)
	wantStop(t, p, 0, ReasonBreakpoint)
	if err := b.Remove(); err != nil {
		t.Fatal(err)
	}
	return p
}

func killThreads(t *testing.T) { wantKilled(t, atWork(t)) }

func killCompetingSignal(t *testing.T) {
	p := atWork(t)
	for _, th := range p.Threads() {
		if err := ptrace.Tgkill(p.PID, th.TID, usr1); err != nil {
			t.Fatal(err)
		}
	}
	if stop := goOn(t, request(t, p, p.PID), &GoOptions{}); stop.Signal != usr1 {
		t.Fatalf("stop = %s, want SIGUSR1", stop.Reason)
	}
	wantKilled(t, p)
}

func killCompetingStop(t *testing.T) {
	p := launch(t, "churn", "1000000")
	hook(t, p, HookOptions{Reason: ReasonThread})
	th := wantStop(t, p, 0, ReasonThread).Thread
	th.Suspend()
	if stop := goOn(t, request(t, p, p.PID), &GoOptions{Entry: true}); stop.Reason != ReasonSyscall || stop.Thread == th {
		t.Fatalf("stop = %s, want a system call of the other thread", stop.Reason)
	}
	th.Resume()
	wantKilled(t, p)
}

func killFullQueue(t *testing.T) {
	p := play(t, noQueue, "calls")
	for range 3 {
		unix.Kill(p.PID, unix.SIGUSR1)
	}
	wantKilled(t, p)
}

func continueFullQueue(t *testing.T) {
	p := play(t, noQueue, "calls")
	if stop := wantStop(t, p, usr1, ReasonExit); stop.ExitCode != 1 {
		t.Errorf("exit code %d, want 1: the signal was delivered once", stop.ExitCode)
	}
}

func continueMaskedFullQueue(t *testing.T) {
	p := play(t, noQueue, "masked")
	if stop := wantStop(t, p, usr1, ReasonExit); stop.ExitCode != 1 {
		t.Errorf("exit code %d, want 1: the signal waited for its turn", stop.ExitCode)
	}
}

// entry lets p go on to the entry of getppid.
func entry(t *testing.T, p *Process, sig int) *Stop {
	t.Helper()
	h := hook(t, p, HookOptions{Reason: ReasonSyscall, Syscalls: []int{unix.SYS_GETPPID}, Phase: Enter})
	defer h.Remove()
	return wantStop(t, p, sig, ReasonSyscall)
}

func continueSigtrap(t *testing.T) {
	p := play(t, nil, "calls")
	entry(t, p, 0)
	if stop := wantStop(t, p, sigtrap, ReasonExit); stop.ExitCode != 100 {
		t.Errorf("exit code %d, want 100", stop.ExitCode)
	}
}

func continueMix(t *testing.T) {
	p := play(t, nil, "calls")
	entry(t, p, 0)
	entry(t, p, usr1) // is delivered after the first call
	unix.Kill(p.PID, unix.SIGUSR1)
	if stop := wantStop(t, p, 0, ReasonSignal); stop.Signal != usr1 || stop.Siginfo().PID() != os.Getpid() {
		t.Fatalf("signal %d from %d, want SIGUSR1 from here", stop.Signal, stop.Siginfo().PID())
	}
	if stop := wantStop(t, p, usr2, ReasonExit); stop.ExitCode != 11 {
		t.Errorf("exit code %d, want 11: SIGUSR1 once and SIGUSR2 instead of the other", stop.ExitCode)
	}
}

func continueDescriptor(t *testing.T) {
	p := play(t, nil, "descriptor")
	if stop := wantStop(t, p, usr1, ReasonExit); stop.ExitCode != usr1 {
		t.Errorf("exit code %d, want %d", stop.ExitCode, usr1)
	}
}

func killedMasked(t *testing.T) {
	p := play(t, nil, "masked", "raise")
	if stop := wantStop(t, p, 0, ReasonSignal); stop.Signal != usr1 || stop.Siginfo().PID() != p.PID {
		t.Fatalf("signal %d, want SIGUSR1 when it is not blocked any more", stop.Signal)
	}
	wantExit(t, p, 1)
}

func continueMasked(t *testing.T) {
	p := play(t, nil, "masked")
	if stop := wantStop(t, p, usr1, ReasonExit); stop.ExitCode != 1 {
		t.Errorf("exit code %d, want 1", stop.ExitCode)
	}
}

func siginfoOfStop(t *testing.T) {
	p := launch(t, "crash", "24")
	info := wantStop(t, p, 0, ReasonSignal).Siginfo()
	if info.Signo() != int(unix.SIGSEGV) || info.Code() != 1 || info.Addr() != 24 {
		t.Errorf("a fault has signal %d, code %d, address %#x; want SIGSEGV, SEGV_MAPERR, 0x18", info.Signo(), info.Code(), info.Addr())
	}
	p = attach(t, scene(t, "spin").PID)
	unix.Kill(p.PID, unix.SIGTERM)
	info = wantStop(t, p, 0, ReasonSignal).Siginfo()
	if info.Code() != 0 || info.PID() != os.Getpid() || info.UID() != os.Getuid() {
		t.Errorf("a signal of kill has code %d, from %d, user %d", info.Code(), info.PID(), info.UID())
	}
}

func breakpointSiginfo(t *testing.T) {
	p := launch(t, "trap")
	// The kernel says SI_KERNEL on x86, where others say TRAP_BRKPT.
	if info := wantStop(t, p, 0, ReasonSignal).Siginfo(); info.Signo() != sigtrap || info.Code() != ptrace.SIKernel {
		t.Errorf("signal %d, code %d", info.Signo(), info.Code())
	}
}

func stepSiginfo(t *testing.T) {
	p := play(t, nil, "calls")
	if _, err := p.Thread().Step(1, nil); err != nil {
		t.Fatal(err)
	}
	if info, err := p.Thread().Siginfo(); err != nil || info.Signo() != sigtrap || info.Code() != ptrace.TrapTrace {
		t.Errorf("%v, %v", info, err)
	}
}

// continueDifferentThread moves on through another thread than the one that stopped.
func continueDifferentThread(t *testing.T) {
	p := launch(t, "threads", "20")
	breakAt(t, p, "work", nil)
	hits := make(map[int]int)
	stop := cont(t, p)
	for ; stop.Reason == ReasonBreakpoint; stop = cont(t, p) {
		hits[stop.Thread.TID]++
		for _, th := range p.Threads() {
			if th != stop.Thread {
				p.Select(th)
				break
			}
		}
	}
	if stop.Reason != ReasonExit || len(hits) != 8 {
		t.Fatalf("stop = %s after hits in %d threads, want exit after 8", stop.Reason, len(hits))
	}
	for tid, n := range hits {
		if n != 20 {
			t.Errorf("thread %d: %d hits, want 20", tid, n)
		}
	}
}

func staleSiginfo(t *testing.T) {
	p := play(t, nil, "calls")
	unix.Kill(p.PID, unix.SIGUSR2)
	wantStop(t, p, 0, ReasonSignal)
	stop := entry(t, p, 0)
	if stop.Siginfo() != nil {
		t.Errorf("the stop at a system call has a siginfo: %v", stop.Siginfo())
	}
	if info, err := stop.Thread.Siginfo(); err == nil && info.Signo() == usr2 {
		t.Error("the siginfo is that of the signal before")
	}
	wantExit(t, p, 10)
}

// attachInLock attaches to a process that waits for the lock of a file, which has it
// in the end.
func attachInLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	target := tracertest.Start(t, tracertest.Build(t, "testdata/freebsd.c"), "lock", path)
	target.ReadLine()
	tracertest.WaitState(t, target.PID, "S")
	p := attach(t, target.PID)
	if nr := reg(t, p.Thread(), arch.OrigRAX); nr != unix.SYS_FLOCK {
		t.Errorf("it is in system call %d, want flock", nr)
	}
	if err := p.Detach(0); err != nil {
		t.Fatal(err)
	}
	tracertest.WaitState(t, target.PID, "S")
	if err := unix.Flock(int(f.Fd()), unix.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	if status := target.Wait(); status.ExitStatus() != 0 {
		t.Errorf("flock was disturbed: status %#x", status)
	}
}

func remoteValidation(t *testing.T) {
	p := play(t, nil, "calls")
	rsp, rip := reg(t, p.Thread(), arch.RSP), reg(t, p.Thread(), arch.RIP)
	for _, nr := range []int{-1, 1 << 20, 1<<31 - 1} {
		_, err := p.Syscall(nr)
		wantErrno(t, "an unknown system call", err, unix.ENOSYS)
	}
	if _, err := p.Syscall(unix.SYS_GETPID, Words(1, 2, 3, 4, 5, 6, 7)...); err == nil {
		t.Error("a system call with seven arguments was made")
	}
	if reg(t, p.Thread(), arch.RSP) != rsp || reg(t, p.Thread(), arch.RIP) != rip {
		t.Error("the thread is not where it was")
	}
	wantExit(t, p, 0)
}

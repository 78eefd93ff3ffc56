//go:build linux && amd64

package tracer

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// This file has FreeBSD's cases of who sees the end of a process, and of births.

func wantNoChild(t *testing.T, pid int) {
	t.Helper()
	if _, _, err := ptrace.Wait(pid, unix.WNOHANG); err != unix.ECHILD {
		t.Errorf("wait for it once more: %v, want ECHILD", err)
	}
}

func waitAfterTraceMe(t *testing.T) {
	p := launch(t, "loop", "1")
	wantExit(t, p, 0)
	wantNoChild(t, p.PID)
}

func waitAfterAttach(t *testing.T) {
	target := scene(t, "echo")
	p := attach(t, target.PID)
	target.Stdin.Close()
	wantExit(t, p, 0)
	wantNoChild(t, p.PID)
}

// debugKey names the process that a test of this package is to debug for another one.
const debugKey = "TRACELARK_DEBUG"

// debugForParent has a process look for the end of its child, while a debugger that it
// has made, which is TestDebugger, sees that first.
func debugForParent(t *testing.T, unrelated ...string) {
	args := append([]string{"parent", os.Args[0], "-test.run=^TestDebugger$"}, unrelated...)
	target := tracertest.Start(t, tracertest.Build(t, "testdata/freebsd.c"), args...)
	if status := target.Wait(); status.ExitStatus() != 0 {
		t.Errorf("the parent ends with status %#x", status)
	}
}

// TestDebugger is the debugger of other tests. By itself it has nothing to do.
func TestDebugger(t *testing.T) {
	pid, err := strconv.Atoi(os.Getenv(debugKey))
	if err != nil {
		return
	}
	p := attach(t, pid)
	if err := unix.Kill(pid, unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	wantStop(t, p, 0, ReasonSignal)
	// The parent looks meanwhile: it sees nothing yet.
	for range 100 {
		runtime.Gosched()
	}
	if _, err := unix.Write(3, []byte{1}); err != nil {
		t.Fatal(err)
	}
	wantStop(t, p, 0, ReasonKilled)
}

func parentExitsBeforeChild(t *testing.T) {
	target := tracertest.Start(t, tracertest.Build(t, "testdata/freebsd.c"), "orphan")
	child, err := strconv.Atoi(target.ReadLine())
	if err != nil {
		t.Fatal(err)
	}
	p := attach(t, child)
	if err := unix.Kill(target.PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	target.Wait()
	fmt.Fprintln(target.Stdin)
	wantExit(t, p, 5)
}

func getppid(t *testing.T) {
	p := attach(t, scene(t, "spin").PID)
	if ppid, err := p.Syscall(unix.SYS_GETPPID); err != nil || int(ppid) != os.Getpid() {
		t.Errorf("its parent is %d, %v, want this process, %d", ppid, err, os.Getpid())
	}
}

// codeOfBirth looks which system call has made a child, where that is born.
func codeOfBirth(t *testing.T, reason Reason) {
	path := tracertest.Build(t, "testdata/freebsd.c")
	p, err := newTracer(t).Launch([]string{path, "birth"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := hook(t, p, HookOptions{Reason: reason})
	stop := wantStop(t, p, 0, reason)
	born := p.tr.threads[stop.Child]
	if stop.Held != nil {
		born = stop.Held.Thread()
	}
	want := map[Reason][]uint64{
		ReasonFork:   {unix.SYS_FORK, unix.SYS_CLONE},
		ReasonVfork:  {unix.SYS_VFORK, unix.SYS_CLONE},
		ReasonThread: {unix.SYS_CLONE3, unix.SYS_CLONE},
	}[reason]
	if nr := reg(t, born, arch.OrigRAX); nr != want[0] && nr != want[1] {
		t.Errorf("the child comes from system call %d, want %v", nr, want)
	}
	if ret := reg(t, born, arch.RAX); ret != 0 {
		t.Errorf("it returns %d in the child", int64(ret))
	}
	h.Remove()
	if stop.Held != nil {
		if err := stop.Held.Detach(0); err != nil {
			t.Fatal(err)
		}
	}
	wantExit(t, p, 0)
}

func execDisable(t *testing.T) {
	p := launch(t, "exec")
	hook(t, p, HookOptions{Reason: ReasonExec, Handler: func(*Stop) (bool, error) { return false, nil }})
	wantExit(t, p, 0)
}

func eventMask(t *testing.T) {
	p := launch(t, "churn", "10")
	h := hook(t, p, HookOptions{Reason: ReasonThread})
	for range 3 {
		wantStop(t, p, 0, ReasonThread)
	}
	h.Remove()
	h = hook(t, p, HookOptions{Reason: ReasonThreadExit})
	wantStop(t, p, 0, ReasonThreadExit)
	h.Remove()
	wantExit(t, p, 0)
}

// tracerExits launches a program in a debugger, TestLauncher, which sends it SIGSTOP
// and ends at once. The program must not be left behind.
func tracerExits(t *testing.T, scene ...string) {
	t.Setenv(launchKey, strings.Join(append([]string{tracertest.Build(t, "testdata/scenes.c")}, scene...), "\n"))
	debugger := tracertest.Start(t, os.Args[0], "-test.run=^TestLauncher$")
	pid, err := strconv.Atoi(debugger.ReadLine())
	if err != nil {
		t.Fatal(err)
	}
	debugger.Wait()
	tracertest.WaitEnd(t, pid)
}

// launchKey names the program that TestLauncher is to launch, and its arguments.
const launchKey = "TRACELARK_LAUNCH"

// TestLauncher is the debugger of other tests. By itself it has nothing to do.
func TestLauncher(t *testing.T) {
	argv := os.Getenv(launchKey)
	if argv == "" {
		return
	}
	p, err := newTracer(t).Launch(strings.Split(argv, "\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Cont(&MoveOptions{Timeout: 10 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	threads := p.Threads()
	last := threads[len(threads)-1].TID
	if err := ptrace.Tgkill(p.PID, last, int(unix.SIGSTOP)); err != nil {
		t.Fatal(err)
	}
	g, err := p.tr.Target("cont", p.PID)
	if err == nil {
		err = g.Go("cont", &GoOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(p.PID)
	os.Exit(0)
}

//go:build linux && amd64

package tracer

import (
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// wantErrno checks that err has an error number.
func wantErrno(t testing.TB, what string, err error, want unix.Errno) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %s", what, err, unix.ErrnoName(want))
	}
}

// TestTracedByAnother asks for a process that another tracer holds.
func TestTracedByAnother(t *testing.T) {
	target := tracertest.Start(t, tracertest.Build(t, "testdata/scenes.c"), "spin")
	held, done := make(chan error), make(chan error)
	go func() {
		tr, err := New()
		if err == nil {
			_, err = tr.Attach(target.PID)
		}
		held <- err
		<-done
		done <- tr.Close()
	}()
	if err := <-held; err != nil {
		t.Fatal(err)
	}
	tr := newTracer(t)
	_, err := tr.Target("cont", target.PID)
	wantErrno(t, "Target", err, unix.EBUSY)
	wantErrno(t, "AttachID", tr.AttachID(target.PID), unix.EBUSY)
	done <- nil
	if err := <-done; err != nil {
		t.Error(err)
	}
	_, err = tr.Target("cont", target.PID)
	wantErrno(t, "Target after it was let go", err, unix.EPERM)
}

// TestAttachAncestor has a traced process attach to its parent, which is itself a
// test of this package.
func TestAttachAncestor(t *testing.T) {
	const key = "TRACELARK_TRACED"
	if os.Getenv(key) != "" {
		wantErrno(t, "AttachID", newTracer(t).AttachID(os.Getppid()), unix.EINVAL)
		return
	}
	p, err := newTracer(t).Launch([]string{os.Args[0], "-test.run=^TestAttachAncestor$"}, &LaunchOptions{Env: append(os.Environ(), key+"=1")})
	if err != nil {
		t.Fatal(err)
	}
	wantExit(t, p, 0)
}

// TestNotPermitted asks for a process as a user who may not trace it: root's as
// nobody, or else the first process. What is not permitted is said before what is
// wrong otherwise.
func TestNotPermitted(t *testing.T) {
	tr, pid := newTracer(t), 1
	if os.Getuid() == 0 {
		pid = tracertest.Start(t, tracertest.Build(t, "testdata/scenes.c"), "spin").PID
		const nobody = 65534
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		become := func(uid int) {
			if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), uintptr(uid), ^uintptr(0)); errno != 0 {
				t.Fatal(errno)
			}
		}
		become(nobody)
		defer become(0)
	}
	_, err := tr.Target("cont", pid)
	wantErrno(t, "Target", err, unix.EPERM)
	wantErrno(t, "AttachID", tr.AttachID(pid), unix.EPERM)
}

// TestInterruptWait interrupts Wait from another goroutine, which stops a process
// that runs on.
func TestInterruptWait(t *testing.T) {
	p := launch(t, "spin")
	g, err := p.tr.Target("cont", p.PID)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Go("cont", &GoOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Cont(nil); !errors.Is(err, ErrBusy) {
		t.Errorf("Cont of a process that runs: %v", err)
	}
	go func() {
		for !p.tr.waiting.Load() {
			runtime.Gosched()
		}
		p.tr.Interrupt()
	}()
	stop, err := p.tr.Wait(-1, 30*time.Second)
	if err != nil || stop == nil || stop.Reason != ReasonInterrupt || p.State() != Stopped {
		t.Fatalf("Wait = %v, %v, state %s; want an interrupt", stop, err, p.State())
	}
	if stop, err := p.tr.Wait(-1, 0); stop != nil || !errors.Is(err, unix.ECHILD) {
		t.Errorf("Wait for nothing = %v, %v, want ECHILD", stop, err)
	}
	if err := g.Go("cont", &GoOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil { // while it runs
		t.Error(err)
	}
}

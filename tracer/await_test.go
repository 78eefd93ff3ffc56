//go:build linux && amd64

package tracer

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestWaitLimit waits for two processes, one of which has reported whenever the other
// one's handler is done.
func TestWaitLimit(t *testing.T) {
	tr := newTracer(t)
	hits := 0
	for range 2 {
		p, err := tr.Launch([]string{tracertest.Build(t, "testdata/scenes.c"), "loop", "1000"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		breakAt(t, p, "work", func(*Stop) (bool, error) {
			hits++
			time.Sleep(20 * time.Millisecond)
			return false, nil
		})
		if err := tr.letGo(p); err != nil {
			t.Fatal(err)
		}
	}
	if stop, err := tr.Wait(-1, time.Millisecond); stop != nil || err != nil {
		t.Fatalf("Wait = %+v, %v, want neither", stop, err)
	}
	if hits > 10 {
		t.Errorf("%d hits were handled in a millisecond that take 20 each", hits)
	}
}

// TestWake ends a Wait, and no other movement: who types while a process in the
// background stops may wake late.
func TestWake(t *testing.T) {
	tr := newTracer(t)
	p, err := tr.Launch([]string{tracertest.Build(t, "testdata/scenes.c"), "spin"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tr.Wake()
	main := breakAt(t, p, "main", nil)
	if stop := cont(t, p); stop.Breakpoint != main {
		t.Fatalf("stop = %s, want the breakpoint", stop.Reason)
	}
	if err := p.Thread().Start(Delivery{}); err != nil {
		t.Fatal(err)
	}
	if stop, err := tr.Wait(-1, 0); stop != nil || err != nil {
		t.Fatalf("Wait = %+v, %v, want neither, as Wake came before", stop, err)
	}
	go tr.Wake()
	if stop, err := tr.Wait(-1, 0); stop != nil || err != nil {
		t.Fatalf("Wait = %+v, %v, want neither", stop, err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
}

// TestRouse checks that a thread which does not see what is wanted for long, as others
// have the CPU, is not flooded with signals: a user's queue has room for some, and one that
// is always full keeps the thread from all else.
func TestRouse(t *testing.T) {
	runtime.LockOSThread() // and never unlock it: the thread goes with its mask
	set := unix.Sigset_t{Val: [16]uint64{1 << (wakeSignal - 1)}}
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Signalfd(-1, &set, unix.SFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	tr := &Tracer{tid: unix.Gettid()}
	tr.waiting.Store(true)
	tr.wanted.Store(uint64(ReasonInterrupt))
	began := time.Now()
	done := make(chan bool)
	go func() {
		tr.rouse(uint64(ReasonInterrupt), &tr.waiting)
		close(done)
	}()
	const signals = 200
	var info [128]byte // struct signalfd_siginfo
	for range signals {
		if _, err := unix.Read(fd, info[:]); err != nil {
			t.Fatal(err)
		}
	}
	// The first ten take a millisecond together, and each of the others one.
	if took := time.Since(began); took < (signals-20)*time.Millisecond {
		t.Errorf("%d signals came within %v", signals, took)
	}
	tr.waiting.Store(false)
	<-done
}

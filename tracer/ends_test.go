//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// attachTo starts a program of testdata/ends.c and attaches to it when the leader is in
// the state given and all other threads sleep.
func attachTo(t testing.TB, name, state string) (*Process, *tracertest.Target) {
	t.Helper()
	target := tracertest.Start(t, tracertest.Build(t, "testdata/ends.c"), name)
	target.ReadLine()
	tids, err := procfs.Tasks(target.PID)
	if err != nil {
		t.Fatal(err)
	}
	for _, tid := range tids {
		if tid == target.PID {
			tracertest.WaitState(t, tid, state)
		} else {
			tracertest.WaitState(t, tid, "S")
		}
	}
	return attach(t, target.PID), target
}

func surfaceEnds(t testing.TB, p *Process) {
	t.Helper()
	if _, err := p.On(HookOptions{Reason: ReasonThreadExit}); err != nil {
		t.Fatal(err)
	}
}

// TestThreadEndsInExec stops at the ends of threads that another one's exec brings
// about. That one cannot be stopped while they are held. It is the last to be
// resumed, because a thread that is killed before it is resumed is let go to its
// end with that.
func TestThreadEndsInExec(t *testing.T) {
	p, target := attachTo(t, "crowd execs", "S")
	surfaceEnds(t, p)
	var execs *Thread
	for _, th := range p.Threads() {
		if reg(t, th, arch.OrigRAX) == unix.SYS_READ {
			execs = th
		}
	}
	p.threads = append(slices.DeleteFunc(p.threads, func(th *Thread) bool { return th == execs }), execs)
	fmt.Fprintln(target.Stdin)
	for i := range 5 {
		stop := cont(t, p)
		if stop.Reason != ReasonThreadExit || stop.Thread == execs {
			t.Fatalf("stop %d = %s, want thread_exit of another thread", i, stop.Reason)
		}
		if _, err := execs.Regs(); !errors.Is(err, ErrExec) {
			t.Errorf("registers of a thread in exec: %v", err)
		}
	}
	if stop := cont(t, p); stop.Reason != ReasonExec || stop.Thread.TID != p.PID || len(p.Threads()) != 1 {
		t.Fatalf("stop = %s with %d threads, want exec in the leader", stop.Reason, len(p.Threads()))
	}
	wantExit(t, p, 3)
}

// TestDetachInExec lets go of a process while its exec waits for a thread that is
// held. A breakpoint that is set by name is not to find its place in the new
// program then.
func TestDetachInExec(t *testing.T) {
	p, target := attachTo(t, "crowd execs", "S")
	surfaceEnds(t, p)
	breakAt(t, p, "main", nil)
	fmt.Fprintln(target.Stdin)
	if stop := cont(t, p); stop.Reason != ReasonThreadExit {
		t.Fatalf("stop = %s, want thread_exit", stop.Reason)
	}
	if err := p.Detach(0); err != nil {
		t.Fatal(err)
	}
	if status := target.Wait(); status.ExitStatus() != 3 {
		t.Errorf("it ended with status %#x, want exit with 3", status)
	}
}

// TestKillAtThreadExit kills a process in whose exit a thread is held, by either
// interface, and one whose threads would be held on their way out.
func TestKillAtThreadExit(t *testing.T) {
	for _, end := range []bool{false, true} {
		for name, kill := range map[string]func(p *Process) error{
			"Kill": (*Process).Kill,
			"Target.Kill": func(p *Process) error {
				g, err := p.tr.Target("kill", p.PID)
				if err == nil {
					err = g.Kill()
				}
				if err == nil {
					_, err = p.tr.Wait(p.PID, 30*time.Second)
				}
				return err
			},
		} {
			t.Run(fmt.Sprintf("%s/exiting=%t", name, end), func(t *testing.T) {
				p, target := attachTo(t, "crowd quits", "S")
				surfaceEnds(t, p)
				if end {
					fmt.Fprintln(target.Stdin)
					if stop := cont(t, p); stop.Reason != ReasonThreadExit {
						t.Fatalf("stop = %s, want thread_exit", stop.Reason)
					}
				}
				if err := kill(p); err != nil || p.State() != Exited {
					t.Fatalf("killing it: %v, and it is %s", err, p.State())
				}
			})
		}
	}
}

// TestAttachWithoutLeader attaches to a thread whose leader has left it, and so
// cannot be traced.
func TestAttachWithoutLeader(t *testing.T) {
	for name, test := range map[string]struct {
		reason Reason
		code   int
	}{
		"one quits":  {ReasonExit, 7},
		"one leaves": {ReasonExit, 0},
		"one execs":  {ReasonExec, 3},
	} {
		t.Run(name, func(t *testing.T) {
			p, target := attachTo(t, name, "Z")
			if n := len(p.Threads()); n != 1 || p.Thread().TID == p.PID || p.Exe() == "" {
				t.Fatalf("%d threads, the first is %d, of %q", n, p.Thread().TID, p.Exe())
			}
			fmt.Fprintln(target.Stdin)
			stop := cont(t, p)
			if stop.Reason != test.reason {
				t.Fatalf("stop = %s, want %s", stop.Reason, test.reason)
			}
			if stop.Reason == ReasonExec {
				if stop.Thread.TID != p.PID {
					t.Errorf("thread %d is the one that is left, want the leader", stop.Thread.TID)
				}
				wantExit(t, p, test.code)
			} else if stop.ExitCode != test.code {
				t.Errorf("exit code %d, want %d", stop.ExitCode, test.code)
			}
		})
	}
	for _, name := range []string{"detach", "kill"} {
		t.Run(name, func(t *testing.T) {
			p, target := attachTo(t, "one quits", "Z")
			if name == "kill" {
				if err := p.Kill(); err != nil {
					t.Fatal(err)
				}
				if sig, ok := p.ExitSignal(); !ok || sig != int(unix.SIGKILL) {
					t.Errorf("exit signal %d, %t", sig, ok)
				}
				return
			}
			breakAt(t, p, "here", nil)
			if err := p.Detach(0); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(target.Stdin)
			if status := target.Wait(); status.ExitStatus() != 7 {
				t.Errorf("it ended with status %#x, want exit with 7", status)
			}
		})
	}
}

// TestAttachInVfork attaches to a process that waits for a vfork child. It does not
// stop before the child ends, which breakpoints must not end.
func TestAttachInVfork(t *testing.T) {
	p, target := attachTo(t, "vfork", "D")
	b := breakAt(t, p, "here", nil)
	if _, err := p.Thread().Regs(); !errors.Is(err, ErrVfork) {
		t.Errorf("registers of a thread in vfork: %v", err)
	}
	fmt.Fprintln(target.Stdin)
	if stop := cont(t, p); stop.Breakpoint != b {
		t.Fatalf("stop = %s, want the breakpoint in the parent", stop.Reason)
	}
	if b.Hits() != 1 {
		t.Errorf("%d hits, want 1: the child's do not count", b.Hits())
	}
	wantExit(t, p, 4)
}

// TestAttachMeetsExecOfThread attaches to a program that replaces itself all the time
// from a thread that is not the leader. It ends the others while they are attached
// to or let go.
func TestAttachMeetsExecOfThread(t *testing.T) {
	target := tracertest.Start(t, tracertest.Build(t, "testdata/ends.c"), "exec again")
	tr := newTracer(t)
	for i := range 300 {
		p, err := tr.Attach(target.PID)
		if err != nil {
			t.Fatalf("attach %d: %v", i, err)
		}
		if err := p.Detach(0); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDetachInStep lets a process go whose step was cut short. The trap at the end of
// a step that was made all the same would kill it.
func TestDetachInStep(t *testing.T) {
	target := scene(t, "spin")
	tr := newTracer(t)
	for i := range 300 {
		p, err := tr.Attach(target.PID)
		if err != nil {
			t.Fatalf("attach %d: %v", i, err)
		}
		if _, err := p.Thread().Step(1<<30, &MoveOptions{Timeout: time.Duration(i+1) * time.Microsecond}); err != nil {
			t.Fatal(err)
		}
		if err := p.Detach(0); err != nil {
			t.Fatal(err)
		}
	}
}

// TestThreadEndsInCoreDump stops at the ends of threads that wait for another one to
// write a core, and kills the process there.
func TestThreadEndsInCoreDump(t *testing.T) {
	for _, kill := range []bool{false, true} {
		p := atWork(t)
		surfaceEnds(t, p)
		stop, err := p.Cont(&MoveOptions{Signal: Deliver(int(unix.SIGSEGV)), Timeout: 30 * time.Second})
		if err != nil || stop.Reason != ReasonThreadExit {
			t.Fatalf("stop = %+v, %v, want thread_exit", stop, err)
		}
		if kill {
			if err := p.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		for !stop.Gone() && !kill {
			stop = cont(t, p)
		}
		if sig, ok := p.ExitSignal(); !ok || sig != int(unix.SIGSEGV) && !kill {
			t.Errorf("killed by %d, %t, want SIGSEGV", sig, ok)
		}
	}
}

// TestLeaderEndsUnseen stops a process whose leader ended while it was being resumed:
// its exit event was passed over, and its end is reported last.
func TestLeaderEndsUnseen(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	p, err := newTracer(t).Launch([]string{tracertest.Build(t, "testdata/ends.c"), "one quits"}, &LaunchOptions{Stdin: r})
	r.Close()
	if err != nil {
		t.Fatal(err)
	}
	leader := p.Thread()
	for {
		if state, err := procfs.State(p.PID); err != nil {
			t.Fatal(err)
		} else if state == 'Z' {
			break
		}
		if stop, err := p.Cont(&MoveOptions{Timeout: time.Millisecond}); err != nil || stop.Reason != ReasonTimeout {
			t.Fatalf("stop = %+v, %v, want timeout", stop, err)
		}
	}
	leader.state = threadRunning
	if stop, err := p.stopAll(); stop != nil || err != nil || !leader.Gone() {
		t.Errorf("stopping it: %v, %v, and its leader is %d", stop, err, leader.state)
	}
	fmt.Fprintln(w)
	wantExit(t, p, 7)
}

// TestBreakpointLeavesGuest removes a breakpoint when a vfork child, which nobody stops,
// has come to it, and lets the process go, or on.
func TestBreakpointLeavesGuest(t *testing.T) {
	for _, detach := range []bool{false, true} {
		p, target := attachTo(t, "vfork", "D")
		b := breakAt(t, p, "here", nil)
		guest := p.guests[0]
		if err := p.run(&motion{op: "cont", t: p.Thread()}); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(target.Stdin)
		for !ptrace.Reports(guest.TID) {
		}
		if detach {
			if err := p.Detach(0); err != nil {
				t.Fatal(err)
			}
			if status := target.Wait(); status.ExitStatus() != 4 {
				t.Errorf("it ended with %#x after detach", status)
			}
			continue
		}
		if err := b.Remove(); err != nil {
			t.Fatal(err)
		}
		wantExit(t, p, 4)
	}
}

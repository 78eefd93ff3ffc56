//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// family launches a scene of testdata/family.c.
func family(t testing.TB, scene string) *Process {
	t.Helper()
	p, err := newTracer(t).Launch([]string{tracertest.Build(t, "testdata/family.c"), scene}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// unrelated attaches to a scene of testdata/family.c that is no child of the test.
func unrelated(t testing.TB, scene string) *Process {
	t.Helper()
	target := tracertest.Start(t, "/bin/sh", "-c", `exec 3<&0; "$0" "$@" <&3 & wait`, tracertest.Build(t, "testdata/family.c"), scene, "wait")
	pid, err := strconv.Atoi(target.ReadLine())
	if err != nil {
		t.Fatal(err)
	}
	p, err := newTracer(t).Attach(pid)
	if err != nil {
		t.Fatal(err)
	}
	target.Stdin.Write([]byte("\n"))
	return p
}

// wantBirth lets p go on to where it makes a child, and returns that.
func wantBirth(t testing.TB, p *Process, reason Reason) *Process {
	t.Helper()
	stop := cont(t, p)
	q := stop.Held
	if stop.Reason != reason || q == nil || q.PID != stop.Child || q.State() != Stopped || q.Stop().Reason != reason {
		t.Fatalf("stop = %s of child %d, held %v, want %s with the child held", stop.Reason, stop.Child, q, reason)
	}
	return q
}

// wantWork lets p go on to its breakpoint b in work, and checks its argument.
func wantWork(t testing.TB, p *Process, b *Breakpoint, n uint64) {
	t.Helper()
	stop := cont(t, p)
	if stop.Process != p || stop.Breakpoint != b || reg(t, stop.Thread, arch.RDI) != n {
		t.Fatalf("stop = %s of %d at %#x, want %d at breakpoint %d", stop.Reason, stop.Process.PID, stop.PC, p.PID, b.ID)
	}
}

// catch lets every stop of a reason surface.
func catch(t testing.TB, p *Process, reason Reason) *Hook {
	t.Helper()
	h, err := p.On(HookOptions{Reason: reason})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestFreeBSDFollow is those cases of FreeBSD's tests/sys/kern/ptrace_test.c that are
// about children.
func TestFreeBSDFollow(t *testing.T) {
	for _, debugger := range []struct {
		name  string
		start func(testing.TB, string) *Process
	}{{"", family}, {"_unrelated_debugger", unrelated}} {
		t.Run("follow_fork_both_attached"+debugger.name, func(t *testing.T) {
			p := debugger.start(t, "fork")
			p.SetFollow(FollowBoth)
			q := wantBirth(t, p, ReasonFork)
			// Both go on at the same time. The child's end is seen first, as its
			// parent waits for it.
			for _, r := range []*Process{p, q} {
				if err := p.tr.letGo(r); err != nil {
					t.Fatal(err)
				}
			}
			for _, want := range []struct {
				p    *Process
				code int
			}{{q, 2}, {p, 1}} {
				stop := waitAny(t, p.tr)
				for stop.Reason == ReasonSignal { // SIGCHLD, which requests show
					if err := p.tr.letGo(stop.Process); err != nil {
						t.Fatal(err)
					}
					stop = waitAny(t, p.tr)
				}
				if stop.Process != want.p || stop.Reason != ReasonExit || stop.ExitCode != want.code {
					t.Fatalf("stop = %s %d of %d, want exit %d of %d", stop.Reason, stop.ExitCode, stop.Process.PID, want.code, want.p.PID)
				}
			}
			if _, err := p.tr.Wait(-1, 0); !errors.Is(err, unix.ECHILD) {
				t.Errorf("Wait: %v, want %v", err, unix.ECHILD)
			}
		})
		t.Run("follow_fork_child_detached"+debugger.name, func(t *testing.T) {
			p := debugger.start(t, "fork")
			p.SetFollow(FollowBoth)
			q := wantBirth(t, p, ReasonFork)
			if err := q.Detach(0); err != nil {
				t.Fatal(err)
			}
			wantExit(t, p, 1)
		})
		t.Run("follow_fork_parent_detached"+debugger.name, func(t *testing.T) {
			p := debugger.start(t, "fork")
			p.SetFollow(FollowBoth)
			q := wantBirth(t, p, ReasonFork)
			if err := p.Detach(0); err != nil {
				t.Fatal(err)
			}
			wantExit(t, q, 2)
		})
	}
	t.Run("ptrace_vfork", func(t *testing.T) {
		p := family(t, "vfork")
		var seen []Reason
		for _, reason := range []Reason{ReasonVfork, ReasonVforkDone} {
			p.On(HookOptions{Reason: reason, Handler: func(s *Stop) (bool, error) {
				seen = append(seen, s.Reason)
				return false, nil
			}})
		}
		wantExit(t, p, 1)
		if len(seen) != 2 || seen[0] != ReasonVfork || seen[1] != ReasonVforkDone {
			t.Errorf("stops = %v, want vfork and vfork_done", seen)
		}
	})
	t.Run("ptrace_vfork_follow", func(t *testing.T) {
		p := family(t, "vfork")
		p.SetFollow(FollowBoth)
		catch(t, p, ReasonVforkDone)
		q := wantBirth(t, p, ReasonVfork)
		wantExit(t, q, 2)
		if stop := cont(t, p); stop.Reason != ReasonVforkDone || stop.Child != q.PID || stop.Thread != p.Thread() {
			t.Fatalf("stop = %s of child %d, want vfork_done of %d", stop.Reason, stop.Child, q.PID)
		}
		wantExit(t, p, 1)
	})
}

// letGo lets a process go on, as the request does.
func (tr *Tracer) letGo(p *Process) error {
	g, err := tr.Target("cont", p.PID)
	if err != nil {
		return err
	}
	return g.Go("cont", &GoOptions{})
}

// waitAny waits for any process, for half a minute at most.
func waitAny(t testing.TB, tr *Tracer) *Stop {
	t.Helper()
	stop, err := tr.Wait(-1, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if stop == nil {
		t.Fatal("nothing stopped in half a minute")
	}
	return stop
}

// TestVforkChildIsHeld moves a child in its parent's memory. Each has breakpoints of
// its own, at one address, and neither hits the other's.
func TestVforkChildIsHeld(t *testing.T) {
	for _, test := range []struct {
		scene  string
		reason Reason
	}{{"vfork", ReasonVfork}, {"share", ReasonFork}} {
		t.Run(test.scene, func(t *testing.T) {
			p := family(t, test.scene)
			catch(t, p, test.reason)
			b := breakAt(t, p, "work", nil)
			q := wantBirth(t, p, test.reason)
			own := breakAt(t, q, "work", nil)
			wantWork(t, q, own, 20)
			code := make([]byte, 16)
			if _, err := q.ReadAt(own.Addrs()[0], code); err != nil || code[0] == int3 {
				t.Errorf("the child's code begins with %#x, %v", code[0], err)
			}
			wantExit(t, q, 2)
			wantWork(t, p, b, 10)
			wantExit(t, p, 1)
			if b.Hits() != 1 || own.Hits() != 1 {
				t.Errorf("%d hits in the parent, %d in the child, want 1 each", b.Hits(), own.Hits())
			}
		})
	}
}

// TestVforkParentWaits asks the parent to move while its child stands still.
func TestVforkParentWaits(t *testing.T) {
	p := family(t, "vfork")
	catch(t, p, ReasonVfork)
	q := wantBirth(t, p, ReasonVfork)
	if _, err := p.Cont(nil); !errors.Is(err, ErrVfork) {
		t.Errorf("Cont: %v, want %v", err, ErrVfork)
	}
	if err := p.tr.letGo(p); err != nil {
		t.Fatal(err)
	}
	if _, err := p.tr.Wait(-1, 0); !errors.Is(err, unix.EDEADLK) || !errors.Is(err, ErrVfork) {
		t.Errorf("Wait: %v, want %v", err, unix.EDEADLK)
	}
	if err := p.Detach(0); !errors.Is(err, ErrVfork) {
		t.Errorf("Detach: %v, want %v", err, ErrVfork)
	}
	wantExit(t, q, 2)
	wantExit(t, p, 1)
}

// TestVforkTogether lets parent and child go on at the same time, and waits for both.
func TestVforkTogether(t *testing.T) {
	for _, scene := range []string{"vfork", "vexec", "nested", "threads"} {
		t.Run(scene, func(t *testing.T) {
			p := family(t, scene)
			p.SetFollow(FollowBoth)
			hits := make(map[uint64]int)
			count := func(s *Stop) (bool, error) {
				hits[reg(t, s.Thread, arch.RDI)]++
				return false, nil
			}
			breakAt(t, p, "work", count)
			if err := p.tr.letGo(p); err != nil {
				t.Fatal(err)
			}
			for p.State() != Exited {
				stop := waitAny(t, p.tr)
				if q := stop.Held; q != nil {
					breakAt(t, q, "work", count)
					if err := p.tr.letGo(q); err != nil {
						t.Fatal(err)
					}
				}
				if stop.Gone() {
					continue
				}
				if err := p.tr.letGo(stop.Process); err != nil {
					t.Fatal(err)
				}
			}
			if code, _ := p.ExitCode(); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			want := map[string]map[uint64]int{
				"vfork": {10: 1, 20: 1}, "vexec": {10: 1, 20: 1, 30: 1}, "nested": {10: 2, 20: 1, 21: 1}, "threads": {10: 1, 20: 1, 30: 1},
			}[scene]
			delete(hits, 0)
			if len(hits) != len(want) {
				t.Errorf("hits = %v, want %v", hits, want)
			}
			for n, times := range want {
				if hits[n] != times {
					t.Errorf("%d hits with %d, want %d", hits[n], n, times)
				}
			}
		})
	}
}

// TestSpawnedChildIsHeld follows what posix_spawn, system and popen start into its new
// program, where it has breakpoints by name.
func TestSpawnedChildIsHeld(t *testing.T) {
	for _, scene := range []string{"vexec", "spawn", "system", "popen"} {
		t.Run(scene, func(t *testing.T) {
			p := family(t, scene)
			catch(t, p, ReasonVfork)
			breakAt(t, p, "work", func(*Stop) (bool, error) { return false, nil })
			line := []*Process{p, wantBirth(t, p, ReasonVfork)}
			q := line[1]
			q.SetFollow(FollowBoth)
			for q.Exe() != p.Exe() || q.Stop().Reason != ReasonExec {
				switch stop := cont(t, q); stop.Reason {
				case ReasonFork, ReasonVfork: // by a shell
					q = stop.Held
					line = append(line, q)
				case ReasonExec:
				default:
					t.Fatalf("stop = %s in %s, want exec of %s", stop.Reason, q.Exe(), p.Exe())
				}
			}
			wantWork(t, q, breakAt(t, q, "work", nil), 30)
			for len(line) > 1 {
				wantExit(t, line[len(line)-1], 2)
				line = line[:len(line)-1]
			}
			wantExit(t, p, 1)
		})
	}
}

// TestVforkChildIsLetGo lets a child go that stands in its parent's memory.
func TestVforkChildIsLetGo(t *testing.T) {
	for _, scene := range []string{"vfork", "vexec", "nested", "share"} {
		t.Run(scene, func(t *testing.T) {
			p := family(t, scene)
			catch(t, p, ReasonVfork)
			catch(t, p, ReasonFork)
			b := breakAt(t, p, "work", func(*Stop) (bool, error) { return false, nil })
			stop := cont(t, p)
			own := breakAt(t, stop.Held, "work", nil)
			wantWork(t, stop.Held, own, 20)
			if err := stop.Held.Detach(0); err != nil {
				t.Fatal(err)
			}
			if stop.Held.State() != Detached {
				t.Errorf("state = %s, want detached", stop.Held.State())
			}
			wantExit(t, p, 1)
			if b.Hits() != 1 {
				t.Errorf("%d hits, want 1", b.Hits())
			}
		})
	}
}

// TestVforkParentIsLetGo lets a parent go that shares its memory with its child: no
// breakpoint may be in it, until the child has its own.
func TestVforkParentIsLetGo(t *testing.T) {
	p := family(t, "vexec")
	catch(t, p, ReasonVfork)
	breakAt(t, p, "work", nil)
	q := wantBirth(t, p, ReasonVfork)
	own := breakAt(t, q, "work", nil)
	if err := p.Detach(0); err != nil {
		t.Fatal(err)
	}
	if !own.Pending() {
		t.Errorf("the child's breakpoint is at %#x", own.Addrs())
	}
	if _, err := q.Breakpoint(&BreakpointOptions{Location: "main"}); err == nil {
		t.Error("a breakpoint was put into the memory of a process that is not traced")
	}
	if stop := cont(t, q); stop.Reason != ReasonExec {
		t.Fatalf("stop = %s, want exec", stop.Reason)
	}
	wantWork(t, q, own, 30)
	wantExit(t, q, 2)
}

// TestFollowChild lets go of each parent and follows the youngest child.
func TestFollowChild(t *testing.T) {
	for _, test := range []struct {
		scene  string
		births []Reason
		work   uint64
		code   int
	}{
		{"fork", []Reason{ReasonFork}, 20, 2},
		{"tree", []Reason{ReasonFork, ReasonFork}, 20, 2},
		{"vfork", []Reason{ReasonVfork}, 0, 2},
		{"nested", []Reason{ReasonVfork, ReasonVfork}, 0, 2},
	} {
		t.Run(test.scene, func(t *testing.T) {
			p := family(t, test.scene)
			p.SetFollow(FollowChild)
			breakAt(t, p, "work", func(*Stop) (bool, error) { return false, nil })
			for _, birth := range test.births {
				q := wantBirth(t, p, birth)
				if p.State() != Detached || p.Stop().Thread != nil {
					t.Errorf("the parent is %s", p.State())
				}
				p = q
			}
			if test.work != 0 {
				wantWork(t, p, breakAt(t, p, "work", nil), test.work)
			}
			wantExit(t, p, test.code)
		})
	}
	t.Run("request", func(t *testing.T) {
		p := family(t, "fork")
		p.SetFollow(FollowChild)
		if err := p.tr.letGo(p); err != nil {
			t.Fatal(err)
		}
		stop := waitAny(t, p.tr)
		if stop.Process != p || stop.Reason != ReasonFork || p.State() != Detached {
			t.Fatalf("stop = %s, state %s, want the fork of a process that is let go", stop.Reason, p.State())
		}
		wantExit(t, stop.Held, 2)
	})
}

// TestUnreportedChildIsLetGo ends a process of which a thread has a birth to report.
func TestUnreportedChildIsLetGo(t *testing.T) {
	p := family(t, "breed")
	catch(t, p, ReasonFork)
	unreported := func() *Process {
		for _, u := range p.Threads() {
			if u.pending != nil && u.pending.Held != nil {
				return u.pending.Held
			}
		}
		return nil
	}
	for unreported() == nil {
		q := wantBirth(t, p, ReasonFork)
		if err := q.Detach(0); err != nil {
			t.Fatal(err)
		}
	}
	q := unreported()
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if q.State() != Detached || len(p.tr.Processes()) != 0 {
		t.Errorf("the child is %s", q.State())
	}
}

// TestFamilyDiesWithTracer kills a tracer that holds a process and its children: it is
// itself a test of this package.
func TestFamilyDiesWithTracer(t *testing.T) {
	const key = "TRACELARK_FAMILY"
	if os.Getenv(key) != "" {
		p := family(t, "fork")
		p.SetFollow(FollowBoth)
		forked := wantBirth(t, p, ReasonFork)
		r := family(t, "vfork")
		r.SetFollow(FollowBoth)
		vforked := wantBirth(t, r, ReasonVfork)
		fmt.Println(p.PID, forked.PID, r.PID, vforked.PID)
		select {}
	}
	tracer := exec.Command(os.Args[0], "-test.run=^TestFamilyDiesWithTracer$")
	tracer.Env = append(os.Environ(), key+"=1")
	out, err := tracer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tracer.Start(); err != nil {
		t.Fatal(err)
	}
	var pids [4]int
	_, err = fmt.Fscan(out, &pids[0], &pids[1], &pids[2], &pids[3])
	tracer.Process.Kill()
	tracer.Wait()
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		tracertest.WaitEnd(t, pid)
	}
}

// TestVforkInStep has a process stop for the vfork of a thread that was stepped: nothing
// waits for the child.
func TestVforkInStep(t *testing.T) {
	p := launch(t, "vfork")
	defer time.AfterFunc(20*time.Second, func() { unix.Kill(p.PID, unix.SIGKILL) }).Stop() // a hang
	if _, err := p.On(HookOptions{Reason: ReasonVfork}); err != nil {
		t.Fatal(err)
	}
	th := cont(t, p).Thread
	th.trap.kernels, p.launched = true, false // as if attached to in a vfork that a signal had made begin again
	p.calm()
	p.launched = true
	if th.state != threadStopped {
		t.Error("the thread was let go on")
	}
}

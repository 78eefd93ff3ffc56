//go:build linux && amd64

package tracer

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// recycling launches the program that does what copies may, and returns a checkpoint of
// it, and a copy to compare others with.
func recycling(t *testing.T) (c *Checkpoint, plain *Process) {
	t.Helper()
	p, err := newTracer(t).Launch([]string{tracertest.Build(t, "testdata/recycle.c", "-pthread")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Breakpoint(&BreakpointOptions{Location: "begin"})
	if err != nil {
		t.Fatal(err)
	}
	cont(t, p)
	if err := b.Remove(); err != nil {
		t.Fatal(err)
	}
	if c, err = p.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	if plain, err = c.held.Thread().fork(); err != nil {
		t.Fatal(err)
	}
	if err := c.Recycle(crashCopy(t, c, 0)); err != nil { // which says that copies are to be watched
		t.Fatal(err)
	}
	return c, plain
}

// crashCopy has the checkpoint make a process, and lets that do what mode says and crash.
func crashCopy(t *testing.T, c *Checkpoint, mode uint32) *Process {
	t.Helper()
	q, err := c.Fork()
	if err != nil {
		t.Fatal(err)
	}
	at, err := q.symbols("mode")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.WriteAt(at[0].Addr, binary.LittleEndian.AppendUint32(nil, mode)); err != nil {
		t.Fatal(err)
	}
	stop, err := q.ContFatal(nil)
	if err != nil || stop.Reason != ReasonSignal {
		t.Fatalf("mode %d ends with %v, %v", mode, stop, err)
	}
	return q
}

// TestRecycle checks that a process that was taken back is a copy like any other, byte
// for byte, whatever it did.
func TestRecycle(t *testing.T) {
	c, plain := recycling(t)
	fds, err := plain.Descriptors()
	if err != nil {
		t.Fatal(err)
	}
	state, err := plain.Thread().XState()
	if err != nil {
		t.Fatal(err)
	}
	for mode := uint32(0); mode <= 15; mode++ {
		q := crashCopy(t, c, mode)
		pid := q.PID
		if err := c.Recycle(q); err != nil {
			t.Fatal(err)
		}
		if q.State() != Exited {
			t.Errorf("mode %d: the process that was recycled is %s", mode, q.State())
		}
		back, err := c.Fork()
		if err != nil {
			t.Fatal(err)
		}
		// What was unmapped is not mapped again, and the kernel may leave apart what it
		// has split or mapped anew.
		if split := mode == 10 || mode == 11; !split && (back.PID == pid) != (mode != 8) {
			t.Errorf("mode %d: process %d was made of %d", mode, back.PID, pid)
		}
		compareCopies(t, plain, back)
		if now, err := back.Descriptors(); err != nil || !slices.Equal(now, fds) {
			t.Errorf("mode %d: the descriptors are %v, %v, want %v", mode, now, err, fds)
		}
		if now, err := back.Thread().XState(); err != nil || !bytes.Equal(now.Area(), state.Area()) {
			t.Errorf("mode %d: the extended registers differ, %v", mode, err)
		}
		if t.Failed() {
			return
		}
		if err := back.Kill(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRecycleStained checks that a process that has done what cannot be undone is killed.
func TestRecycleStained(t *testing.T) {
	c, plain := recycling(t)
	for mode := uint32(101); mode <= 114; mode++ {
		for range 3 { // so that watching pays
			if err := c.Recycle(crashCopy(t, c, 1)); err != nil {
				t.Fatal(err)
			}
		}
		q := crashCopy(t, c, mode)
		pid := q.PID
		if c.recycler.runs == 0 || q.filter == nil {
			t.Fatalf("mode %d: the process was not watched", mode)
		}
		if err := c.Recycle(q); err != nil {
			t.Fatal(err)
		}
		if err := unix.Kill(pid, 0); err != unix.ESRCH {
			t.Errorf("mode %d: the process is there (%v)", mode, err)
		}
		back, err := c.Fork()
		if err != nil {
			t.Fatal(err)
		}
		compareCopies(t, plain, back)
		if err := back.Kill(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRecyclePays checks that copies are not watched any more when none could be taken
// back, and that one is not used without end.
func TestRecyclePays(t *testing.T) {
	c, _ := recycling(t)
	for range trustedCopies {
		if err := c.Recycle(crashCopy(t, c, 104)); err != nil {
			t.Fatal(err)
		}
	}
	if q := crashCopy(t, c, 1); q.filter != nil {
		t.Error("copies are watched in vain")
	}
	c, _ = recycling(t)
	pids := make(map[int]int)
	for range maxRuns + 2 {
		q := crashCopy(t, c, 1)
		pids[q.PID]++
		if err := c.Recycle(q); err != nil {
			t.Fatal(err)
		}
	}
	if len(pids) != 2 {
		t.Errorf("%d processes were used, want 2: %v", len(pids), pids)
	}
}

// TestRecycleEnds checks what becomes of a process that waits to be used again.
func TestRecycleEnds(t *testing.T) {
	c, plain := recycling(t)
	if err := c.Recycle(plain); err == nil {
		t.Error("a process of others was recycled")
	}
	spare := func() int {
		q := crashCopy(t, c, 1)
		pid := q.PID
		if err := c.Recycle(q); err != nil {
			t.Fatal(err)
		}
		if c.recycler.spare == nil || c.p.tr.Traces(pid) == false || slices.ContainsFunc(c.p.tr.Processes(), func(p *Process) bool { return p.PID == pid }) {
			t.Fatal("no process waits to be used, or others see it")
		}
		return pid
	}
	pid := spare()
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// It stops once more on its way out, where its registers can be written.
	if err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT|unix.WALL, nil); err != nil {
		t.Fatal(err)
	}
	if q := crashCopy(t, c, 1); q.PID == pid {
		t.Error("a process that was killed was used")
	}
	q := crashCopy(t, c, 1)
	pid = spare()
	if err := c.Drop(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(pid, 0); err != unix.ESRCH {
		t.Errorf("the process is there after drop (%v)", err)
	}
	if err := c.Recycle(q); err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(q.PID, 0); err != unix.ESRCH {
		t.Errorf("a process that was recycled after drop is there (%v)", err)
	}
}

// checkpointed returns a checkpoint of the program that does what copies may.
func checkpointed(t *testing.T, o *LaunchOptions) *Checkpoint {
	t.Helper()
	p, err := newTracer(t).Launch([]string{tracertest.Build(t, "testdata/recycle.c", "-pthread")}, o)
	if err != nil {
		t.Fatal(err)
	}
	breakAt(t, p, "begin", nil)
	cont(t, p)
	c, err := p.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestRecycleFiltered recycles a process whose filter is its own, which nobody watches.
func TestRecycleFiltered(t *testing.T) {
	c := checkpointed(t, &LaunchOptions{Filter: []int{unix.SYS_GETPPID}})
	for range 2 {
		q := crashCopy(t, c, 0)
		if err := c.Recycle(q); err != nil {
			t.Fatal(err)
		}
		if err := unix.Kill(q.PID, 0); err != unix.ESRCH {
			t.Errorf("the process is there (%v)", err)
		}
	}
}

// TestGroup launches a program in a process group of its own. Its copies have
// theirs, as those that are used again.
func TestGroup(t *testing.T) {
	c := checkpointed(t, &LaunchOptions{Group: true})
	leads := func(q *Process) {
		t.Helper()
		if group, err := unix.Getpgid(q.PID); err != nil || group != q.PID {
			t.Errorf("process %d is in group %d (%v)", q.PID, group, err)
		}
	}
	leads(c.p)
	leads(c.held)
	for range 4 {
		q := crashCopy(t, c, 0)
		leads(q)
		if err := c.Recycle(q); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Restart(); err != nil {
		t.Fatal(err)
	}
	leads(c.p)
}

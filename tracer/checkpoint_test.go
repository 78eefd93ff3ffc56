//go:build linux && amd64

package tracer

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestDropOfAttached checks that dropping a checkpoint leaves no zombie with the process
// that it was made of, which never waits for it.
func TestDropOfAttached(t *testing.T) {
	target := scene(t, "echo")
	target.ReadLine()
	tracertest.WaitState(t, target.PID, "S")
	p := attach(t, target.PID)
	children := func() []int {
		pids, err := procfs.Children(p.PID)
		if err != nil {
			t.Fatal(err)
		}
		return pids
	}
	for _, drop := range []func(*Checkpoint) error{(*Checkpoint).Drop, func(*Checkpoint) error { return p.Detach(0) }} {
		c, err := p.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		if len(children()) != 1 {
			t.Fatalf("with a checkpoint the process has the children %v", children())
		}
		if err := drop(c); err != nil {
			t.Fatal(err)
		}
		if left := children(); len(left) != 0 {
			t.Errorf("the process has the children %v", left)
		}
	}
}

// TestMill checks that the copies that a loop makes are those of an injected fork, byte
// for byte, whatever signals the loop is sent meanwhile.
func TestMill(t *testing.T) {
	p, err := newTracer(t).Launch([]string{tracertest.Build(t, "testdata/conditions.c"), "1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Breakpoint(&BreakpointOptions{Location: "main"}); err != nil {
		t.Fatal(err)
	}
	cont(t, p)
	c, err := p.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	plain, err := c.held.Thread().fork()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		q, err := c.Fork()
		if err != nil {
			t.Fatal(err)
		}
		if c.mill == nil {
			t.Fatal("the copy was made by an injected fork")
		}
		compareCopies(t, plain, q)
		for _, sig := range []unix.Signal{unix.SIGUSR1, unix.SIGTERM, unix.SIGSTOP} {
			if err := unix.Kill(c.held.PID, sig); err != nil {
				t.Fatal(err)
			}
		}
		if stop := cont(t, q); stop.Reason != ReasonExit || stop.ExitCode != 0 {
			t.Errorf("the copy ends with %s, %d", stop.Reason, stop.ExitCode)
		}
	}
	if err := unix.Kill(c.held.PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fork(); err == nil {
		t.Error("what was killed has made a copy")
	}
	if err := c.Drop(); err != nil {
		t.Error(err)
	}
}

// compareCopies checks that two processes differ in their IDs alone, which the C library
// keeps, and in where they run, which the kernel notes for them (rseq(2)).
func compareCopies(t *testing.T, p, q *Process) {
	t.Helper()
	one, two := p.Thread(), q.Thread()
	var regs [2]arch.Regs
	var masks [2]uint64
	var cpus [2]unix.CPUSet
	for i, u := range []*Thread{one, two} {
		if err := ptrace.GetRegs(u.TID, &regs[i]); err != nil {
			t.Fatal(err)
		}
		mask, err := ptrace.GetSigmask(u.TID)
		if err != nil {
			t.Fatal(err)
		}
		masks[i] = mask
		if err := unix.SchedGetaffinity(u.TID, &cpus[i]); err != nil {
			t.Fatal(err)
		}
	}
	if cpus[0] != cpus[1] {
		t.Errorf("the copy may run on the CPUs %v, want %v", cpus[1], cpus[0])
	}
	if regs[0] != regs[1] || masks[0] != masks[1] {
		t.Errorf("the registers are\n%v, want\n%v, the masks %#x and %#x", regs[1], regs[0], masks[1], masks[0])
	}
	id, ok := p.findID(regs[0][arch.FSBase], one.TID)
	if at, found := q.findID(regs[1][arch.FSBase], two.TID); !ok || !found || at != id {
		t.Errorf("the thread's ID is at %#x, want %#x", at, id)
	}
	maps, err := procfs.Maps(p.PID)
	if err != nil {
		t.Fatal(err)
	}
	if others, err := procfs.Maps(q.PID); err != nil || !slices.Equal(maps, others) {
		t.Fatalf("the mappings are\n%v, want\n%v (%v)", others, maps, err)
	}
	note := ptrace.Rseq(one.TID)
	for _, m := range maps {
		a, b := make([]byte, m.End-m.Start), make([]byte, m.End-m.Start)
		n, _ := p.readRaw(m.Start, a)
		if n2, _ := q.readRaw(m.Start, b); n2 != n || m.Path == "[vvar]" {
			continue
		}
		for i := range n {
			if addr := m.Start + uint64(i); a[i] != b[i] && addr-id >= 4 && addr-note >= 32 {
				t.Fatalf("the byte at %#x is %#x, want %#x", addr, b[i], a[i])
			}
		}
	}
}

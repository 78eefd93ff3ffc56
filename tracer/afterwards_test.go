//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// A slowness is what could slow a process down.
type slowness struct {
	maps     string // sizes, permissions and files of the mappings
	seccomp  int
	policy   int
	cpus     unix.CPUSet
	faults   string // minor and major ones while it was looked at
	switches string // voluntary context switches meanwhile
}

// TestNotSlowedAfterwards attaches to a process, does to it all that is done to
// processes, and compares it afterwards with one that nobody touched. Nothing that
// could slow it down may be left. The rates of their work per CPU time are logged.
func TestNotSlowedAfterwards(t *testing.T) {
	path := tracertest.Build(t, "testdata/spin.c", "-O1")
	touched, control := tracertest.Start(t, path), tracertest.Start(t, path)
	tr := newTracer(t)
	for i := range 40 {
		p, err := tr.Attach(touched.PID)
		if err != nil {
			t.Fatal(err)
		}
		if err := pester(p, i); err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		if err := p.Detach(0); err != nil {
			t.Fatal(err)
		}
	}
	got, gotRate := lookAt(t, touched.PID)
	want, wantRate := lookAt(t, control.PID)
	if got != want {
		t.Errorf("it is now\n%+v, untouched\n%+v", got, want)
	}
	p := attach(t, touched.PID)
	if v, err := p.Thread().DebugReg(dr7); err != nil || v != 0 {
		t.Errorf("dr7 is %#x, %v", v, err)
	}
	t.Logf("it does %.3f of the work of the untouched one in the same CPU time", gotRate/wantRate)
}

// pester uses breakpoints, in hardware too, a watchpoint, steps, hooks and injected
// calls on a spinning process.
func pester(p *Process, i int) error {
	const limit = 2 * time.Millisecond
	hits := 0
	count := func(*Stop) (bool, error) { hits++; return hits == 20, nil }
	var err error
	switch i % 5 {
	case 0:
		_, err = p.Breakpoint(&BreakpointOptions{Location: "spun", Handler: count})
	case 1:
		_, err = p.Breakpoint(&BreakpointOptions{Location: "spun", Handler: count, Hardware: true})
	case 2:
		var at uint64
		if at, err = p.Addr("turns"); err == nil {
			_, err = p.Watch(&WatchOptions{Addr: at, Handler: count})
		}
	case 3:
		if _, err = p.Thread().Step(300, nil); err == nil {
			_, err = p.Syscall(unix.SYS_GETPPID)
		}
	case 4:
		_, err = p.On(HookOptions{Reason: ReasonSyscall})
	}
	if err == nil {
		_, err = p.Cont(&MoveOptions{Timeout: limit})
	}
	return err
}

// lookAt returns what could slow a process down, and how much it does in its CPU time.
func lookAt(t *testing.T, pid int) (s slowness, rate float64) {
	t.Helper()
	maps, err := procfs.Maps(pid)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, m := range maps {
		fmt.Fprintf(&text, "%x %s %s\n", m.End-m.Start, m.Perms, m.Path)
	}
	s.maps = text.String()
	status, err := procfs.Status(pid)
	if err != nil {
		t.Fatal(err)
	}
	s.seccomp = status.Seccomp
	if err := unix.SchedGetaffinity(pid, &s.cpus); err != nil {
		t.Fatal(err)
	}
	attr, err := unix.SchedGetAttr(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.policy = int(attr.Policy)
	counted := func() (faults, switches string) {
		stat, err := os.ReadFile(procfs.Path(pid, "stat"))
		if err != nil {
			t.Fatal(err)
		}
		fields := strings.Fields(string(stat))
		all, err := os.ReadFile(procfs.Path(pid, "status"))
		if err != nil {
			t.Fatal(err)
		}
		_, switches, _ = strings.Cut(string(all), "\nvoluntary_ctxt_switches:")
		switches, _, _ = strings.Cut(switches, "\n")
		return fields[9] + " " + fields[11], switches
	}
	turns := turnsOf(t, pid)
	before, beforeSwitches := counted()
	spent, done := cpuTime(t, pid), turns()
	for cpuTime(t, pid) < spent+100*time.Millisecond {
		time.Sleep(10 * time.Millisecond)
	}
	rate = float64(turns()-done) / float64(cpuTime(t, pid)-spent)
	after, afterSwitches := counted()
	if before != after {
		s.faults = before + " to " + after
	}
	if beforeSwitches != afterSwitches {
		s.switches = beforeSwitches + " to " + afterSwitches
	}
	return s, rate
}

// cpuTime returns the CPU time that a process has used (clock_getcpuclockid(3)).
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	const sched = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|sched), &ts); err != nil {
		t.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

// turnsOf returns a function that reads how often a spinning process turned.
func turnsOf(t *testing.T, pid int) func() uint64 {
	t.Helper()
	p := attach(t, pid)
	at, err := p.Addr("turns")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Detach(0); err != nil {
		t.Fatal(err)
	}
	return func() uint64 {
		var word [8]byte
		if _, err := unix.ProcessVMReadv(pid, []unix.Iovec{{Base: &word[0], Len: 8}}, []unix.RemoteIovec{{Base: uintptr(at), Len: 8}}, 0); err != nil {
			t.Fatal(err)
		}
		return binary.LittleEndian.Uint64(word[:])
	}
}

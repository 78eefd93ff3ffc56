//go:build linux && amd64

package tracer

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// allMaps returns what the kernel says is mapped.
func allMaps(t testing.TB, pid int) []procfs.Mapping {
	t.Helper()
	maps, err := procfs.Maps(pid)
	if err != nil {
		t.Fatal(err)
	}
	return maps
}

// TestDetourIsNotSeen stops a process at random moments.
func TestDetourIsNotSeen(t *testing.T) {
	p := launchDetours(t, "storm", "1000000")
	for _, location := range turn {
		if _, err := p.Breakpoint(&BreakpointOptions{Location: location, When: "hits < 0"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.On(HookOptions{Reason: ReasonSignal, Handler: never}); err != nil {
		t.Fatal(err)
	}
	program, err := p.MainImage()
	if err != nil {
		t.Fatal(err)
	}
	on := 0 // threads that stand on a breakpoint that they are going over
	for range 300 {
		stop, err := p.Cont(&MoveOptions{Timeout: time.Duration(1+rand.IntN(3000)) * time.Microsecond})
		if err != nil || stop.Reason != ReasonTimeout {
			t.Fatalf("stop = %+v, %v, want a timeout", stop, err)
		}
		for _, th := range p.Threads() {
			pc := reg(t, th, arch.RIP)
			if _, ok := p.ImageAt(pc); !ok {
				t.Fatalf("thread %d is at %#x, which is no place of the program's", th.TID, pc)
			}
			if p.mustPass(th) {
				on++
			}
		}
	}
	if len(p.annexes) != 1 || on == 0 {
		t.Errorf("%d annexes in use, %d threads were met before the instruction, want 1 and some", len(p.annexes), on)
	}
	for _, m := range must(p.Maps()) {
		if m.Start == p.annexes[0].base {
			t.Error("the annex shows among the process's mappings")
		}
	}
	if got := must(p.read(program.Bias, 4)); string(got) != "\x7fELF" {
		t.Errorf("the program begins with %q", got)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
}

// TestDetourFaults lets instructions fault in their detours. The program checks what
// its handlers are told.
func TestDetourFaults(t *testing.T) {
	for _, quiet := range []bool{false, true} {
		p := launchDetours(t, "fault")
		labels := []string{"fault_load", "fault_divide", "fault_alignment"}
		var breakpoints []*Breakpoint
		for _, location := range labels {
			breakpoints = append(breakpoints, breakAt(t, p, location, never))
		}
		var seen []string
		if _, err := p.On(HookOptions{Reason: ReasonSignal, Handler: func(s *Stop) (bool, error) {
			sym, _ := p.SymbolAt(s.PC)
			seen = append(seen, sym.Name)
			if s.Signal == int(unix.SIGFPE) && s.Siginfo().Addr() != s.PC {
				t.Errorf("a fault at %#x tells of %#x", s.PC, s.Siginfo().Addr())
			}
			return !quiet, nil
		}}); err != nil {
			t.Fatal(err)
		}
		stop := cont(t, p)
		for ; stop.Reason == ReasonSignal; stop = cont(t, p) {
			if sym, off, ok := must(stop.Thread.Frames(1))[0].Symbol(); !ok || off != 0 {
				t.Errorf("a fault in %s+%#x, want the beginning of one of %v", sym.Name, off, labels)
			}
		}
		if stop.Reason != ReasonExit || stop.ExitCode != 3 || !slices.Equal(seen, labels) {
			t.Errorf("%s with %d after faults in %v, want exit with 3 after those in %v", stop.Reason, stop.ExitCode, seen, labels)
		}
		for i, want := range []int{2, 1, 1} {
			if got := breakpoints[i].Hits(); got != want {
				t.Errorf("%s: %d hits, want %d", labels[i], got, want)
			}
		}
	}
}

// TestStepAfterDetour steps from breakpoints that have detours.
func TestStepAfterDetour(t *testing.T) {
	p := launchDetours(t, "plain", "2")
	breakpoints := breakTurn(t, p)
	surface := breakAt(t, p, "mix_flags", nil)
	for range 3 {
		stop := cont(t, p)
		if stop.Breakpoint != surface {
			t.Fatalf("stop = %s, want the breakpoint", stop.Reason)
		}
		before := stop.PC
		for _, size := range []uint64{1, 2, 7} { // pushf, pop, and: then comes xchg, a breakpoint
			stop, err := stop.Thread.Step(1, nil)
			if err != nil || stop.Reason != ReasonStep || stop.PC != before+size {
				t.Fatalf("stop = %+v, %v, want a step from %#x to the next instruction", stop, err, before)
			}
			before = stop.PC
		}
	}
	if err := surface.Remove(); err != nil {
		t.Fatal(err)
	}
	wantTurns(t, p, breakpoints)
}

// TestDisplacedStep steps from breakpoints that have detours while somebody looks at
// their int3, which must not be away.
func TestDisplacedStep(t *testing.T) {
	p := launchDetours(t, "plain", "200")
	b := breakAt(t, p, "mix_shift", nil)
	cont(t, p)
	addr := cont(t, p).PC // the detour is laid
	stopped := make(chan struct{})
	looked := make(chan [2]int)
	file, err := os.Open(fmt.Sprintf("/proc/%d/mem", p.PID))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	go func() {
		var seen [2]int // looks, and those that did not find the int3
		defer func() { looked <- seen }()
		for {
			var code [1]byte
			if _, err := file.ReadAt(code[:], int64(addr)); err != nil || code[0] != 0xcc {
				seen[1]++
			}
			seen[0]++
			select {
			case <-stopped:
				return
			default:
			}
		}
	}()
	for range 150 {
		if stop, err := p.Thread().Step(1, nil); err != nil || stop.Reason != ReasonStep || stop.PC != addr+4 {
			t.Fatalf("stop = %+v, %v, want a step from %#x to the next instruction", stop, err, addr)
		}
		if stop := cont(t, p); stop.Breakpoint != b {
			t.Fatalf("stop = %s, want the breakpoint", stop.Reason)
		}
	}
	close(stopped)
	if seen := <-looked; seen[0] == 0 || seen[1] != 0 {
		t.Errorf("%d looks of %d did not find the int3", seen[1], seen[0])
	}
	if err := b.Remove(); err != nil {
		t.Fatal(err)
	}
	wantExit(t, p, 0)
}

func TestDetachLeavesNoAnnex(t *testing.T) {
	target := tracertest.Start(t, tracertest.Build(t, "testdata/detours.c"), "threads", "100000")
	p, err := newTracer(t).Attach(target.PID)
	if err != nil {
		t.Fatal(err)
	}
	breakTurn(t, p)
	if _, err := p.Cont(&MoveOptions{Timeout: 100 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	if len(p.annexes) != 1 {
		t.Fatalf("%d annexes, want 1", len(p.annexes))
	}
	base := p.annexes[0].base
	mapped := func() bool {
		return slices.ContainsFunc(allMaps(t, target.PID), func(m procfs.Mapping) bool { return m.Start <= base && base < m.End })
	}
	if !mapped() {
		t.Error("the annex is not mapped")
	}
	if err := p.Detach(0); err != nil {
		t.Fatal(err)
	}
	if mapped() {
		t.Error("the annex is mapped after detaching")
	}
	unix.Kill(target.PID, unix.SIGTERM)
	if status := target.Wait(); status.Signal() != unix.SIGTERM {
		t.Errorf("status %#x, want killed by SIGTERM", status)
	}
}

func TestForkChildHasNoAnnex(t *testing.T) {
	p := launchDetours(t, "fork")
	breakpoints := breakTurn(t, p)
	h, err := p.On(HookOptions{Reason: ReasonFork})
	if err != nil {
		t.Fatal(err)
	}
	stop := cont(t, p)
	if stop.Reason != ReasonFork || len(p.annexes) != 1 {
		t.Fatalf("stop = %s, %d annexes, want a fork and 1", stop.Reason, len(p.annexes))
	}
	for _, m := range allMaps(t, stop.Child) {
		if m.Start <= p.annexes[0].base && p.annexes[0].base < m.End {
			t.Error("the child has inherited the annex")
		}
	}
	h.Remove()
	wantExit(t, stop.Held, 0)
	exit := breakAt(t, p, "libc!exit", nil)
	if stop := cont(t, p); stop.Breakpoint != exit {
		t.Fatalf("stop = %s, want the call of exit", stop.Reason)
	}
	for _, b := range breakpoints {
		if b.Hits() != 2 {
			t.Errorf("%s: %d hits, want 2", b.Location, b.Hits())
		}
	}
	wantExit(t, p, 0)
}

func TestDetoursAfterExec(t *testing.T) {
	p := launchDetours(t, "exec")
	breakpoints := breakTurn(t, p)
	if stop := cont(t, p); stop.Reason != ReasonExec {
		t.Fatalf("stop = %s, want exec", stop.Reason)
	}
	if len(p.annexes) != 0 {
		t.Error("the annex of the old program is kept")
	}
	if stop := cont(t, p); stop.Reason != ReasonExit || stop.ExitCode != 0 {
		t.Fatalf("stop = %s, %d, want exit with 0", stop.Reason, stop.ExitCode)
	}
	for _, b := range breakpoints {
		if b.Hits() != 1+9 {
			t.Errorf("%s: %d hits, want 10", b.Location, b.Hits())
		}
	}
}

// TestNoAnnexInSandbox sets breakpoints in a program that is killed if it maps memory.
func TestNoAnnexInSandbox(t *testing.T) {
	p := launchDetours(t, "sandbox", "20")
	wantTurns(t, p, breakTurn(t, p))
}

func TestNoAnnexForEmulation(t *testing.T) {
	p := launchDetours(t, "threads", "20")
	for _, location := range []string{"mix", "mix_lea", "mix_turn", "mix_and", "mix_call", "mix_sub", "mix_loop", "mix_return", "mix_end"} {
		breakAt(t, p, location, never)
	}
	exit := breakAt(t, p, "libc!exit", nil)
	if stop := cont(t, p); stop.Breakpoint != exit {
		t.Fatalf("stop = %s, want the call of exit", stop.Reason)
	}
	if len(p.annexes) != 0 || p.noAnnex {
		t.Error("an annex was mapped")
	}
	wantExit(t, p, 0)
}

// TestBreakpointInSequence sets breakpoints in a restartable sequence. Stopping in it
// aborts it, as being preempted does.
func TestBreakpointInSequence(t *testing.T) {
	for location, aborted := range map[string]int{"sequence_middle": 50, "sequence_commit": 50, "sequence_after": 0} {
		p := launchDetours(t, "sequence", "50")
		b := breakAt(t, p, location, never)
		wantExit(t, p, aborted)
		if b.Hits() != 50 {
			t.Errorf("%s: %d hits, want 50", location, b.Hits())
		}
	}
}

// TestManyDetours has more of them than fit into an annex.
func TestManyDetours(t *testing.T) {
	p := launchDetours(t, "many")
	first, err := p.Addr("many")
	if err != nil {
		t.Fatal(err)
	}
	const n = 3000
	for i := range uint64(n) {
		if _, err := p.Breakpoint(&BreakpointOptions{Addr: first + 2*i, When: "hits < 0"}); err != nil {
			t.Fatal(err)
		}
	}
	end := breakAt(t, p, "many_end", nil)
	if stop := cont(t, p); stop.Breakpoint != end {
		t.Fatalf("stop = %s, want the end of the function", stop.Reason)
	}
	if len(p.annexes) != 2 {
		t.Errorf("%d annexes, want 2", len(p.annexes))
	}
	for i, b := range p.Breakpoints()[:n] {
		if b.reached != 1 || p.sites[b.addr].detour == nil {
			t.Fatalf("breakpoint %d was reached %d times, its detour is %v", i, b.reached, p.sites[b.addr].detour)
		}
		if err := b.Remove(); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range p.annexes {
		if a.free() != &a.detours[0] {
			t.Error("detours of breakpoints that were removed are not free")
		}
	}
	wantExit(t, p, 0)
}

// TestBreakpointsOnCodeThatChanges has a program that writes instructions while
// breakpoints lie on them.
func TestBreakpointsOnCodeThatChanges(t *testing.T) {
	p := launchDetours(t, "patch", "50")
	move, multiply := breakAt(t, p, "patched_move", never), breakAt(t, p, "patched_multiply", never)
	wantExit(t, p, 0)
	if move.Hits() != 50 || multiply.Hits() != 50 {
		t.Errorf("%d and %d hits, want 50 each", move.Hits(), multiply.Hits())
	}
}

// TestAnnexBehindOurFilter lets the filter that stops system calls for hooks see how
// the annex is mapped.
func TestAnnexBehindOurFilter(t *testing.T) {
	path := tracertest.Build(t, "testdata/detours.c")
	filter := []int{unix.SYS_MMAP, unix.SYS_MADVISE}
	p, err := newTracer(t).Launch([]string{path, "threads", "5"}, &LaunchOptions{Filter: filter})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.On(HookOptions{Reason: ReasonSyscall, Syscalls: filter, Handler: func(s *Stop) (bool, error) {
		if slices.ContainsFunc(p.annexes, func(a *annex) bool { return s.Syscall.Args[0] == a.base }) {
			t.Errorf("a hook was called for %s of the annex", s.Syscall.Name())
		}
		return false, nil
	}}); err != nil {
		t.Fatal(err)
	}
	breakpoints := breakTurn(t, p)
	exit := breakAt(t, p, "libc!exit", nil)
	if stop := cont(t, p); stop.Breakpoint != exit {
		t.Fatalf("stop = %s, want the call of exit", stop.Reason)
	}
	if len(p.annexes) != 1 {
		t.Errorf("%d annexes, want 1", len(p.annexes))
	}
	for _, b := range breakpoints {
		if b.Hits() != 60 {
			t.Errorf("%s: %d hits, want 60", b.Location, b.Hits())
		}
	}
	wantExit(t, p, 0)
}

func TestFreeRange(t *testing.T) {
	const mb, gb = 1 << 20, 1 << 30
	for _, test := range []struct {
		maps []procfs.Mapping
		addr uint64
		want uint64
	}{
		{nil, 0x400123, (1*mb + 0x400123 - annexSize) / 2 &^ 4095},
		{nil, 0x555555554000, 0x555555554000 - gb - annexSize/2},
		{[]procfs.Mapping{{Start: 0x555555554000 - gb, End: 0x555555556000}}, 0x555555555000, 0x555555554000 - gb - gb/2 - annexSize/2},
		{[]procfs.Mapping{{Start: 0, End: 6 * mb}}, 5 * mb, 6*mb + (5*mb+2*gb-6*mb-annexSize)/2},
		{[]procfs.Mapping{{Start: 0, End: 1 << 47}}, 5 * mb, 0},
		{[]procfs.Mapping{{Start: 0, End: 10 * gb}, {Start: 10*gb + annexSize, End: 20 * gb}}, 10 * gb, 0},
	} {
		got, ok := freeRange(test.maps, test.addr)
		if got != test.want || ok != (test.want != 0) {
			t.Errorf("freeRange(%v, %#x) = %#x, %t, want %#x", test.maps, test.addr, got, ok, test.want)
		}
	}
}

// BenchmarkOver measures a breakpoint that is emulated, one that has a detour, and one
// that is stepped over, in a thread and in eight: with a condition that is false, and
// with a handler that lets the process go on.
func BenchmarkOver(b *testing.B) {
	for _, how := range []string{"emulated", "copied", "stepped"} {
		for _, scene := range []struct {
			name    string
			threads int
		}{{"call", 1}, {"calls", 8}} {
			for what, o := range map[string]BreakpointOptions{"when": {When: "hits < 0"}, "handler": {Handler: never}} {
				b.Run(fmt.Sprintf("%s/%d/%s", how, scene.threads, what), func(b *testing.B) {
					p := launchDetours(b, scene.name, strconv.Itoa(b.N/scene.threads+1))
					o.Location = how
					if _, err := p.Breakpoint(&o); err != nil {
						b.Fatal(err)
					}
					b.ResetTimer()
					if stop, err := p.Cont(nil); err != nil || stop.Reason != ReasonExit {
						b.Fatal(stop, err)
					}
				})
			}
		}
	}
}

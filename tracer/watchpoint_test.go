//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// watched starts a scene of testdata/watch.c. The dynamic linker is done where it
// is run to main.
func watched(t *testing.T, args ...string) *Process {
	t.Helper()
	p, err := newTracer(t).Launch(append([]string{tracertest.Build(t, "testdata/watch.c")}, args...), nil)
	if err != nil {
		t.Fatal(err)
	}
	if watchable() != nil { // the dynamic linker takes seconds by steps
		main := must(p.Addr("main"))
		if stop, err := p.Thread().Until(main, nil); err != nil || stop.Reason != ReasonStep {
			t.Fatalf("Until(main) = %+v, %v", stop, err)
		}
	}
	return p
}

// watch sets a watchpoint on n bytes at a location.
func watch(t *testing.T, p *Process, loc string, n int, a Access, handler func(*Stop) (bool, error)) *Watchpoint {
	t.Helper()
	addr, err := p.Addr(loc)
	if err != nil {
		t.Fatal(err)
	}
	w, err := p.Watch(&WatchOptions{Addr: addr, Size: n, Access: a, Handler: handler})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// word returns up to 8 bytes as a number.
func word(data []byte) uint64 {
	return binary.LittleEndian.Uint64(append(slices.Clone(data), make([]byte, 8)...))
}

// rounds returns n, or a share of it where debug registers are simulated, which takes its
// time.
func rounds(n int) int {
	if watchable() != nil {
		return max(n/50, 2)
	}
	return n
}

func TestWatchSizes(t *testing.T) {
	for _, n := range []int{1, 2, 4, 8} {
		p := watched(t, "sizes")
		w := watch(t, p, "cell", n, AccessWrite, nil)
		mask := ^uint64(0) >> (64 - 8*n)
		old := uint64(0)
		for _, value := range []uint64{0x11, 0x2222, 0x33333333, 0x4444444444444444} {
			stop := cont(t, p)
			if stop.Reason != ReasonWatchpoint || stop.Watchpoint != w || stop.Breakpoint != nil {
				t.Fatalf("%d bytes: stop = %+v, want watchpoint", n, stop)
			}
			if word(stop.Old) != old || word(stop.New) != value&mask || len(stop.New) != n {
				t.Errorf("%d bytes: %x to %x, want %#x to %#x", n, stop.Old, stop.New, old, value&mask)
			}
			old = value & mask
			if got := functions(t, stop.Thread)[0]; got != "sizes" {
				t.Errorf("stopped in %s", got)
			}
		}
		wantExit(t, p, 0)
		if w.Hits() != 4 {
			t.Errorf("%d bytes: %d hits, want 4", n, w.Hits())
		}
	}
}

func TestWatchAccesses(t *testing.T) {
	p := watched(t, "accesses")
	breakAt(t, p, "here", nil)
	cont(t, p)
	var writes, all []string
	note := func(list *[]string) func(*Stop) (bool, error) {
		return func(s *Stop) (bool, error) {
			*list = append(*list, fmt.Sprintf("%d %d", word(s.Old), word(s.New)))
			return false, nil
		}
	}
	watch(t, p, "cell", 8, AccessWrite, note(&writes))
	watch(t, p, "cell", 8, AccessReadWrite, note(&all))
	x := watch(t, p, "work", 0, AccessExecute, nil)
	work, _ := p.Addr("work")
	stop := cont(t, p)
	if stop.Reason != ReasonWatchpoint || stop.Watchpoint != x || stop.PC != work || stop.Old != nil || stop.New != nil {
		t.Fatalf("stop = %+v, want the watchpoint on execution", stop)
	}
	// Every write is reported, also one that changes nothing.
	if want := []string{"5 5", "5 6"}; !slices.Equal(writes, want) {
		t.Errorf("writes %q, want %q", writes, want)
	}
	if want := []string{"5 5", "5 5", "5 6", "6 6"}; !slices.Equal(all, want) {
		t.Errorf("accesses %q, want %q", all, want)
	}
	wantExit(t, p, 0)
	if x.Hits() != 1 {
		t.Errorf("%d executions, want 1", x.Hits())
	}
}

func TestWatchUnaligned(t *testing.T) {
	p := watched(t, "unaligned")
	breakAt(t, p, "here", nil)
	cont(t, p)
	var values []string
	w := watch(t, p, "cell+3", 10, AccessWrite, func(s *Stop) (bool, error) {
		values = append(values, fmt.Sprintf("%x", s.New))
		return false, nil
	})
	if used := p.slotUsers(); used != "watchpoint 2 at "+fmt.Sprintf("%#x", w.Addr) {
		t.Errorf("in use: %s", used)
	}
	free := 0
	for _, s := range p.slots {
		if len(s.users) == 0 {
			free++
		}
	}
	if free != 0 { // 1 byte at 3, 4 at 4, 4 at 8, 1 at 12
		t.Errorf("%d slots are free, want none", free)
	}
	wantExit(t, p, 0)
	want := []string{"03000000000000000000", "0300000000000000000c", "0405060708000000000c", "0405066162636400000c"}
	if !slices.Equal(values, want) {
		t.Errorf("values %q, want %q", values, want)
	}
}

// TestWatchFour watches four words that change one after the other.
func TestWatchFour(t *testing.T) {
	const n = 500
	p := watched(t, "four", fmt.Sprint(n))
	breakAt(t, p, "here", nil)
	cont(t, p)
	var order []int
	for i := range 4 {
		watch(t, p, fmt.Sprintf("counters+%d", 8*i), 8, AccessWrite, func(s *Stop) (bool, error) {
			order = append(order, i)
			if word(s.New) != word(s.Old)+uint64(i)+1 {
				t.Errorf("counter %d went from %d to %d", i, word(s.Old), word(s.New))
			}
			return false, nil
		})
	}
	_, err := p.Watch(&WatchOptions{Addr: 0x1000})
	if err == nil || !strings.Contains(err.Error(), "all four debug registers are in use, by watchpoint 2 at 0x") || strings.Count(err.Error(), "watchpoint") != 4 {
		t.Errorf("the fifth watchpoint: %v", err)
	}
	_, err = p.Breakpoint(&BreakpointOptions{Location: "work", Hardware: true})
	if err == nil || !strings.Contains(err.Error(), "all four debug registers are in use") {
		t.Errorf("the fifth slot: %v", err)
	}
	wantExit(t, p, 0)
	if len(order) != 4*n {
		t.Fatalf("%d hits, want %d", len(order), 4*n)
	}
	for i, j := range order {
		if j != i%4 {
			t.Fatalf("hit %d is of counter %d", i, j)
		}
	}
}

// TestWatchDeclined lets ten thousand writes go on.
func TestWatchDeclined(t *testing.T) {
	p := watched(t, "loop", "10000")
	next := uint64(0)
	w := watch(t, p, "cell", 8, AccessWrite, func(s *Stop) (bool, error) {
		if word(s.Old) != next || word(s.New) != next+1 {
			t.Errorf("%d to %d, want %d to %d", word(s.Old), word(s.New), next, next+1)
		}
		next++
		return false, nil
	})
	wantExit(t, p, 0)
	if w.Hits() != 10000 {
		t.Errorf("%d hits, want 10000", w.Hits())
	}
}

// TestWatchThreads sets a watchpoint and breakpoints of both kinds before the
// threads are born that hit them.
func TestWatchThreads(t *testing.T) {
	n := rounds(300)
	p := watched(t, "threads", fmt.Sprint(n))
	writes := make(map[int]int)
	w := watch(t, p, "cell", 8, AccessWrite, func(s *Stop) (bool, error) {
		writes[s.Thread.TID]++
		return false, nil
	})
	calls := make(map[int]int)
	b, err := p.Breakpoint(&BreakpointOptions{Location: "work", Hardware: true, Handler: func(s *Stop) (bool, error) {
		calls[s.Thread.TID]++
		return false, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	soft := breakAt(t, p, "writer", func(*Stop) (bool, error) { return false, nil })
	wantExit(t, p, 0)
	if w.Hits() != 4*n || b.Hits() != 4*n || soft.Hits() != 4 {
		t.Errorf("%d writes, %d calls, %d threads; want %d, %d, 4", w.Hits(), b.Hits(), soft.Hits(), 4*n, 4*n)
	}
	for tid, written := range writes {
		if written != n || calls[tid] != n {
			t.Errorf("thread %d: %d writes, %d calls, want %d each", tid, written, calls[tid], n)
		}
	}
}

// TestWatchThreadsSurface moves on from every hit by Cont, and removes the
// watchpoint when others have hit it too.
func TestWatchThreadsSurface(t *testing.T) {
	n := rounds(100)
	p := watched(t, "threads", fmt.Sprint(n))
	w := watch(t, p, "cell", 8, AccessWrite, nil)
	b, err := p.Breakpoint(&BreakpointOptions{Location: "work", Hardware: true})
	if err != nil {
		t.Fatal(err)
	}
	for w.Hits()+b.Hits() < 4*n {
		if stop := cont(t, p); stop.Reason != ReasonWatchpoint && stop.Reason != ReasonBreakpoint {
			t.Fatalf("stop = %s, signal %d", stop.Reason, stop.Signal)
		}
	}
	if err := w.Remove(); err != nil {
		t.Fatal(err)
	}
	if err := b.Remove(); err != nil {
		t.Fatal(err)
	}
	wantExit(t, p, 0)
	if w.Hits()+b.Hits() != 4*n || w.Remove() != nil || len(p.Watchpoints()) != 0 {
		t.Errorf("%d writes and %d calls, want %d together", w.Hits(), b.Hits(), 4*n)
	}
}

// TestWatchChildren checks that children have no debug registers.
func TestWatchChildren(t *testing.T) {
	p := watched(t, "children")
	var values []uint64
	watch(t, p, "cell", 8, AccessWrite, func(s *Stop) (bool, error) {
		values = append(values, word(s.New))
		return false, nil
	})
	if _, err := p.Breakpoint(&BreakpointOptions{Location: "work", Hardware: true}); err != nil {
		t.Fatal(err)
	}
	wantExit(t, p, 0)
	if !slices.Equal(values, []uint64{3}) {
		t.Errorf("writes of %v, want that of 3 alone", values)
	}
}

// TestWatchKernel checks what is documented: writes of the kernel are not seen, and
// the next one by the program is.
func TestWatchKernel(t *testing.T) {
	p := watched(t, "kernel")
	w := watch(t, p, "cell", 8, AccessWrite, nil)
	here := breakAt(t, p, "here", nil)
	if stop := cont(t, p); stop.Breakpoint != here || w.Hits() != 0 {
		t.Fatalf("stop = %s after %d hits, want the breakpoint after none", stop.Reason, w.Hits())
	}
	if stop := cont(t, p); stop.Watchpoint != w || word(stop.New) != 9 {
		t.Fatalf("stop = %+v, want the program's write", stop)
	}
	wantExit(t, p, 0)
}

func TestWatchExec(t *testing.T) {
	p := watched(t, "again")
	w := watch(t, p, "cell", 8, AccessWrite, nil)
	b, err := p.Breakpoint(&BreakpointOptions{Location: "work", Hardware: true})
	if err != nil {
		t.Fatal(err)
	}
	here, err := p.Breakpoint(&BreakpointOptions{Location: "here", Hardware: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range []Reason{ReasonWatchpoint, ReasonBreakpoint, ReasonExec} {
		if stop := cont(t, p); stop.Reason != reason {
			t.Fatalf("stop = %s, want %s", stop.Reason, reason)
		}
	}
	if w.Remove(); len(p.Watchpoints()) != 0 || w.Enabled() {
		t.Error("the watchpoint is there after it was removed")
	}
	if stop := cont(t, p); stop.Breakpoint != here {
		t.Fatalf("stop = %s, want the breakpoint in the new program", stop.Reason)
	}
	wantExit(t, p, 0)
	if b.Hits() != 1 || w.Hits() != 1 {
		t.Errorf("%d calls, %d writes, want one each", b.Hits(), w.Hits())
	}
}

func TestWatchDetach(t *testing.T) {
	target := tracertest.Start(t, tracertest.Build(t, "testdata/watch.c"), "wait")
	if line := target.ReadLine(); line != "ready" {
		t.Fatalf("it says %q", line)
	}
	tr := newTracer(t)
	p, err := tr.Attach(target.PID)
	if err != nil {
		t.Fatal(err)
	}
	watch(t, p, "cell", 8, AccessWrite, nil)
	watch(t, p, "counters", 2, AccessReadWrite, nil)
	if _, err := p.Breakpoint(&BreakpointOptions{Location: "work", Hardware: true}); err != nil {
		t.Fatal(err)
	}
	for _, th := range p.Threads() {
		if v, err := th.DebugReg(7); err != nil || (v == 0) != (watchable() != nil) {
			t.Errorf("dr7 of thread %d is %#x, %v", th.TID, v, err)
		}
	}
	if err := p.Detach(0); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(target.Stdin)
	if line := target.ReadLine(); line != "done" {
		t.Fatalf("it says %q", line)
	}
	if p, err = tr.Attach(target.PID); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 2, 3, 7} {
		if v, err := p.Thread().DebugReg(n); err != nil || v != 0 {
			t.Errorf("dr%d is %#x after detaching, %v", n, v, err)
		}
	}
	if err := p.Detach(0); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(target.Stdin)
	if status := target.Wait(); status.ExitStatus() != 7 {
		t.Errorf("it ends with status %#x, want exit code 7", status)
	}
}

// TestWatchStep checks that a step that hits a watchpoint reports that, and that
// one whose handler declines is a step still.
func TestWatchStep(t *testing.T) {
	p := watched(t, "sizes")
	breakAt(t, p, "here", nil)
	th := cont(t, p).Thread
	surface := true
	w := watch(t, p, "cell", 8, AccessWrite, func(*Stop) (bool, error) { return surface, nil })
	stop, err := th.Step(100, nil)
	if err != nil || stop.Reason != ReasonWatchpoint || word(stop.New) != 0x11 {
		t.Fatalf("stop = %+v, %v, want the watchpoint", stop, err)
	}
	surface = false
	last := stop.PC
	for w.Hits() < 2 {
		if stop, err = th.Step(1, nil); err != nil || stop.Reason != ReasonStep || stop.Watchpoint != nil || stop.New != nil {
			t.Fatalf("stop = %+v, %v, want a step", stop, err)
		}
		var code [maxInst]byte
		n, _ := p.ReadAt(last, code[:])
		if inst, err := disasm.Decode(code[:n], last, nil); err != nil || last+uint64(len(inst.Data)) != stop.PC {
			t.Fatalf("the step went from %#x to %#x", last, stop.PC)
		}
		last = stop.PC
	}
	wantExit(t, p, 0)
}

// TestWatchPush watches the word that the instruction under a breakpoint pushes.
func TestWatchPush(t *testing.T) {
	p := watched(t, "sizes")
	breakAt(t, p, "here", nil)
	th := cont(t, p).Thread
	sp := reg(t, th, arch.RSP)
	w, err := p.Watch(&WatchOptions{Addr: sp - 8})
	if err != nil {
		t.Fatal(err)
	}
	stop := cont(t, p)
	if stop.Watchpoint != w || word(stop.New) != reg(t, th, arch.RBP) || reg(t, th, arch.RSP) != sp-8 {
		t.Fatalf("stop = %+v, want the watchpoint on the push of rbp", stop)
	}
	// What the tracer writes is no hit, and not taken for the program's.
	if _, err := p.WriteAt(sp-8, []byte{1}); err != nil {
		t.Fatal(err)
	}
	if _, now := w.Values(); now[0] != 1 || w.Hits() != 1 {
		t.Errorf("after it was overwritten: %x, %d hits", now, w.Hits())
	}
}

func TestWatchErrors(t *testing.T) {
	p := watched(t, "loop", "5")
	for _, test := range []struct {
		o    WatchOptions
		want string
	}{
		{WatchOptions{Addr: 0x1000}, "watch [%d] at 0x1000: bad address"},
		{WatchOptions{Addr: 0xffffffff81000000}, "watch [%d] at 0xffffffff81000000: invalid argument: the kernel lets only addresses of user space be watched"},
		{WatchOptions{Addr: 0xffffffff81000000, Access: AccessExecute}, "watch [%d] at 0xffffffff81000000: invalid argument: the kernel lets only addresses of user space be watched"},
		{WatchOptions{Addr: 0x1001, Size: 32}, "watch [%d] at 0x1001: watching 32 bytes there takes more than the four debug registers that there are; steps until the bytes differ can watch more"},
		{WatchOptions{Addr: 0x1000, Size: 1 << 60}, "watch [%d] at 0x1000: watching 1152921504606846976 bytes there takes more than the four debug registers that there are; steps until the bytes differ can watch more"},
		{WatchOptions{Addr: 0x1000, Size: -1}, "watch [%d] at 0x1000: cannot watch -1 bytes"},
	} {
		if _, err := p.Watch(&test.o); err == nil || err.Error() != fmt.Sprintf(test.want, p.PID) {
			t.Errorf("Watch(%+v): %v, want %s", test.o, err, fmt.Sprintf(test.want, p.PID))
		}
	}
	if used := p.slotUsers(); used != "" {
		t.Errorf("slots are in use: %s", used)
	}
	watch(t, p, "cell", 32, AccessWrite, func(*Stop) (bool, error) { return false, nil })
	wantExit(t, p, 0)
	if _, err := p.Watch(&WatchOptions{Addr: 0x1000}); err == nil || !strings.HasSuffix(err.Error(), "process has exited") {
		t.Errorf("Watch in a dead process: %v", err)
	}
}

// TestWatchRemovedThatOthersHit removes a watchpoint at each hit, when other
// threads may have hit it too and have not said so.
func TestWatchRemovedThatOthersHit(t *testing.T) {
	p := watched(t, "threads", "100000")
	for range 300 {
		w := watch(t, p, "cell", 8, AccessWrite, nil)
		if stop := cont(t, p); stop.Watchpoint != w {
			t.Fatalf("stop = %s, signal %d, want the watchpoint", stop.Reason, stop.Signal)
		}
		if err := w.Remove(); err != nil {
			t.Fatal(err)
		}
	}
	wantExit(t, p, 0)
}

// TestDebugRegistersOfNewThread has nothing left in a thread that was born to one with a
// watchpoint and let go before it ran: the kernel copies dr7, but what it stands for.
func TestDebugRegistersOfNewThread(t *testing.T) {
	p := launch(t, "threads")
	if _, err := p.On(HookOptions{Reason: ReasonThread}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Watch(&WatchOptions{Addr: addrOf(t, p, "main"), Size: 8}); err != nil {
		t.Fatal(err)
	}
	stop := cont(t, p)
	if stop.Reason != ReasonThread {
		t.Fatalf("stop = %s, want thread", stop.Reason)
	}
	born := p.tr.threads[stop.Child]
	born.clearDebug()
	if v, err := ptrace.GetDebugReg(born.TID, dr7); err != nil || v != 0 {
		t.Errorf("dr7 = %#x, %v", v, err)
	}
}

//go:build linux && amd64

package tracer

import (
	"bytes"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestEmulatedStepsAsReal steps programs twice, by the CPU alone and as it is done, and
// compares the registers after each step, and the stack and what it prints at the end.
func TestEmulatedStepsAsReal(t *testing.T) {
	static := tracertest.Build(t, "testdata/mixture.c", "-static", "-O2", "-march=x86-64-v2")
	dynamic := tracertest.Build(t, "testdata/mixture.c", "-O0")
	python := tracertest.Tool(t, "python3")
	for _, test := range []struct {
		name  string
		argv  []string
		steps int
		share float64 // that is emulated at least
	}{
		{"static", []string{static}, 40000, 0.6},
		{"dynamic", []string{dynamic}, 60000, 0.6},
		{"python", []string{python, "-S", "-c", "print(sum(range(10)))"}, 60000, 0.6},
	} {
		t.Run(test.name, func(t *testing.T) {
			play := func(onCPU bool) (path []arch.Regs, emulated int, stack []byte) {
				tr := newTracer(t)
				tr.onCPU = onCPU
				out, err := os.Create(t.TempDir() + "/out")
				if err != nil {
					t.Fatal(err)
				}
				defer out.Close()
				p, err := tr.Launch(test.argv, &LaunchOptions{Env: []string{"PYTHONHASHSEED=0", "LC_ALL=C"}, Stdout: out, Stderr: out})
				if err != nil {
					t.Fatal(err)
				}
				th := p.Thread()
				fixRandom(t, p)
				for range test.steps {
					settle := th.unpredictable()
					stop, err := th.Step(1, nil)
					if err != nil {
						t.Fatal(err)
					}
					if stop.Gone() {
						return path, th.emulated, nil
					}
					if stop.Reason != ReasonStep {
						t.Fatalf("stop = %s, signal %d", stop.Reason, stop.Signal)
					}
					settle()
					regs := *must(th.Regs())
					regs[arch.EFLAGS] &^= flagAF | flagOF // undefined after shifts
					path = append(path, regs)
				}
				return path, th.emulated, must(p.read(path[len(path)-1].SP(), 512))
			}
			want, none, wantStack := play(true)
			got, emulated, gotStack := play(false)
			for i := range min(len(want), len(got)) {
				for r := range want[i] {
					if want[i][r] != got[i][r] {
						t.Fatalf("step %d from %#x: %s is %#x, by the CPU %#x", i, got[max(i, 1)-1].PC(), arch.Reg(r), got[i][r], want[i][r])
					}
				}
			}
			if len(want) != len(got) || !bytes.Equal(wantStack, gotStack) {
				t.Errorf("%d steps, by the CPU %d, or another stack", len(got), len(want))
			}
			share := float64(emulated) / float64(len(got))
			t.Logf("%d of %d steps are emulated", emulated, len(got))
			if share < test.share || none != 0 {
				t.Errorf("%.2f of the steps are emulated, want %.2f; %d in a run without", share, test.share, none)
			}
		})
	}
}

// unpredictable looks at the instruction that the thread is about to execute, and
// returns what makes its result the same each time.
func (th *Thread) unpredictable() (settle func()) {
	regs := *must(th.Regs())
	var code [3]byte
	th.p.ReadAt(regs[arch.RIP], code[:])
	set := func(name string, v uint64) {
		if err := th.SetReg(arch.Lookup(name), v); err != nil {
			panic(err)
		}
	}
	switch {
	case code[0] == 0x0f && code[1] == 0x31, code == [3]byte{0x0f, 0x01, 0xf9}: // rdtsc, rdtscp
		return func() { set("rax", 1); set("rdx", 2); set("rcx", 3) }
	case code[0] == 0x0f && code[1] == 0xa2: // cpuid, which tells the CPU's number
		return func() {
			switch regs[arch.RAX] {
			case 1:
				set("rbx", must(th.Regs())[arch.RBX]&0xffffff)
			case 0xb:
				set("rdx", 0)
			}
		}
	case code[0] == 0x0f && code[1] == 0x05:
		return func() {
			switch regs[arch.RAX] {
			case unix.SYS_GETPID, unix.SYS_GETTID, unix.SYS_SET_TID_ADDRESS:
				set("rax", 4)
			case unix.SYS_GETRANDOM:
				th.p.WriteAt(regs[arch.RDI], make([]byte, regs[arch.RSI]))
			}
		}
	}
	return func() {}
}

// fixRandom makes the bytes that the kernel gives a new program (AT_RANDOM) the same
// each time.
func fixRandom(t *testing.T, p *Process) {
	t.Helper()
	sp := reg(t, p.Thread(), arch.RSP)
	vector := false
	for {
		word, ok := p.word(sp)
		if !ok {
			t.Fatal("no auxiliary vector on the stack")
		}
		if vector && word == 25 {
			at, _ := p.word(sp + 8)
			if _, err := p.WriteAt(at, make([]byte, 16)); err != nil {
				t.Fatal(err)
			}
			return
		}
		if vector {
			sp += 16
			continue
		}
		sp += 8
		if word == 0 && sp-reg(t, p.Thread(), arch.RSP) > 16 {
			next, _ := p.word(sp)
			vector = next < 64
		}
	}
}

// spinner launches a program that loops in emulated instructions, and steps it until
// they are.
func spinner(t *testing.T) *Thread {
	t.Helper()
	p, err := newTracer(t).Launch([]string{tracertest.Build(t, "testdata/spin.c", "-O1")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	spin, err := p.Addr("spin")
	if err != nil {
		t.Fatal(err)
	}
	th := p.Thread()
	if stop, err := th.Until(spin, nil); err != nil || stop.Reason != ReasonStep {
		t.Fatalf("Until = %+v, %v", stop, err)
	}
	p.explore(t)
	before := th.emulated
	for range 50 {
		if stop, err := th.Step(1, nil); err != nil || stop.Reason != ReasonStep {
			t.Fatalf("Step = %+v, %v", stop, err)
		}
	}
	if th.emulated-before < 25 {
		t.Fatalf("%d of 50 steps are emulated", th.emulated-before)
	}
	return th
}

// TestEmulatedStepsEndInTheKernel has the kernel know where a thread is.
func TestEmulatedStepsEndInTheKernel(t *testing.T) {
	th := spinner(t)
	shown := *must(th.Regs())
	th.regsRead = false
	if got := *must(th.Regs()); got != shown {
		t.Errorf("the kernel has\n%x, shown were\n%x", got, shown)
	}
}

// TestEmulatedStepsMeetSignals has a thread that only ever emulates see a signal at
// once, and its death.
func TestEmulatedStepsMeetSignals(t *testing.T) {
	th := spinner(t)
	if err := unix.Kill(th.p.PID, unix.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	pc := reg(t, th, arch.RIP)
	stop, err := th.Step(1, nil)
	if err != nil || stop.Reason != ReasonSignal || stop.Signal != int(unix.SIGUSR1) || stop.PC != pc {
		t.Fatalf("Step = %+v, %v, want SIGUSR1 at %#x", stop, err, pc)
	}
	if _, err := th.p.Cont(&MoveOptions{Signal: Deliver(0), Timeout: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	th.p.explore(t)
	for range 20 {
		if _, err := th.Step(1, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Kill(th.p.PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if stop, err = th.Step(1000, nil); err != nil || stop.Reason != ReasonKilled {
		t.Fatalf("Step = %+v, %v, want killed", stop, err)
	}
}

// TestEmulatedStepsEnd ends walks of emulated steps by time, by Interrupt, at a
// breakpoint and at a watchpoint.
func TestEmulatedStepsEnd(t *testing.T) {
	th := spinner(t)
	p := th.p
	forever := &Walk{Until: "rip == 0"}
	if stop, err := th.StepUntil(forever, &MoveOptions{Timeout: 20 * time.Millisecond}); err != nil || stop.Reason != ReasonTimeout {
		t.Fatalf("StepUntil = %+v, %v, want timeout", stop, err)
	}
	time.AfterFunc(20*time.Millisecond, p.tr.Interrupt)
	if stop, err := th.StepUntil(forever, nil); err != nil || stop.Reason != ReasonInterrupt {
		t.Fatalf("StepUntil = %+v, %v, want interrupt", stop, err)
	}
	b := breakAt(t, p, "spun", nil)
	untilHit := func() {
		t.Helper()
		if stop, err := th.StepUntil(forever, nil); err != nil || stop.Breakpoint != b {
			t.Fatalf("StepUntil = %+v, %v, want the breakpoint", stop, err)
		}
	}
	untilHit()
	if _, err := th.Step(1, nil); err != nil { // passing it may map memory
		t.Fatal(err)
	}
	p.explore(t)
	before := th.emulated
	untilHit()
	untilHit()
	if b.Hits() != 3 || th.emulated == before {
		t.Errorf("%d hits, want 3; %d steps emulated", b.Hits(), th.emulated-before)
	}
	b.Remove()
	turns, err := p.Addr("turns")
	if err != nil {
		t.Fatal(err)
	}
	w, err := p.Watch(&WatchOptions{Addr: turns})
	if err != nil {
		t.Fatal(err)
	}
	if stop, err := th.StepUntil(forever, nil); err != nil || stop.Watchpoint != w {
		t.Fatalf("StepUntil = %+v, %v, want the watchpoint", stop, err)
	}
	if err := w.Remove(); err != nil {
		t.Fatal(err)
	}
	before = th.emulated
	p.explore(t)
	if _, err := th.Step(100, nil); err != nil || th.emulated == before {
		t.Errorf("%d steps emulated after the watchpoint, %v", th.emulated-before, err)
	}
}

// TestEmulatedStepsOfOthers does not emulate where another thread runs meanwhile, and
// lets an attached process go on from where it was stepped to.
func TestEmulatedStepsOfOthers(t *testing.T) {
	target := tracertest.Start(t, tracertest.Build(t, "testdata/spin.c", "-O1"))
	p := attach(t, target.PID)
	th := p.Thread()
	spun, err := p.Addr("spun")
	if err != nil {
		t.Fatal(err)
	}
	if stop, err := th.Until(spun, nil); err != nil || stop.Reason != ReasonStep {
		t.Fatalf("Until = %+v, %v", stop, err)
	}
	turns, err := p.Addr("turns")
	if err != nil {
		t.Fatal(err)
	}
	first, _ := p.word(turns)
	for range 200 {
		if _, err := th.Step(1, nil); err != nil {
			t.Fatal(err)
		}
		p.explore(t)
	}
	if th.emulated == 0 {
		t.Error("no step is emulated")
	}
	last, _ := p.word(turns)
	counted, err := p.Addr("again")
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := p.word(counted); last <= first || last > first+100 || again != last && again != last-1 {
		t.Errorf("it turned from %d to %d in 200 steps, or to %d", first, last, again)
	}
	if err := p.Detach(0); err != nil {
		t.Fatal(err)
	}
	p = attach(t, target.PID)
	if now, _ := p.word(turns); now < last {
		t.Errorf("it turned from %d to %d", last, now)
	}
}

// TestEmulatedStepsAttached steps a process that was attached to one by one: the real steps
// in between, after which nothing of a step may be left, do not end the emulation.
func TestEmulatedStepsAttached(t *testing.T) {
	target := tracertest.Start(t, tracertest.Build(t, "../cmd/tracelark/testdata/turning.c"))
	target.ReadLine()
	p := attach(t, target.PID)
	th := p.Thread()
	steps := func(n int) (emulated int) {
		before := th.emulated
		for range n {
			if stop, err := th.Step(1, nil); err != nil || stop.Reason != ReasonStep {
				t.Fatalf("stop = %v, %v", stop, err)
			}
		}
		return th.emulated - before
	}
	steps(1000) // so many that a look at the mappings pays
	if got := steps(500); got < 300 {
		t.Errorf("%d of 500 steps are emulated, want most", got)
	}
}

//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// special launches a case of testdata/special.c and stops it at its beginning.
func special(t testing.TB, name string) *Process {
	t.Helper()
	return specialWith(t, name, nil)
}

func specialWith(t testing.TB, name string, o *LaunchOptions) *Process {
	t.Helper()
	path := tracertest.Build(t, "testdata/special.c", "-mno-red-zone", "-static")
	p, err := newTracer(t).Launch([]string{path, name}, o)
	if err != nil {
		t.Fatal(err)
	}
	main, err := p.Addr("main")
	if err != nil {
		t.Fatal(err)
	}
	if stop, err := p.Thread().Until(main, nil); err != nil || stop.Reason != ReasonStep {
		t.Fatalf("Until(main) = %+v, %v", stop, err)
	}
	return p
}

// toDone moves a case to its end by move, over the signals that it gets, and returns
// what it has seen.
func toDone(t *testing.T, p *Process, move func(*Thread, *MoveOptions) (*Stop, error)) []int64 {
	t.Helper()
	done := breakAt(t, p, "done", nil)
	for {
		stop, err := move(p.Thread(), &MoveOptions{Timeout: 30 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if stop.Reason == ReasonSignal || stop.Reason == ReasonExec {
			continue
		}
		if stop.Reason != ReasonBreakpoint || stop.Breakpoint != done {
			t.Fatalf("stop = %s, signal %d, pc %#x, want the breakpoint at done", stop.Reason, stop.Signal, stop.PC)
		}
		break
	}
	addr, err := p.Addr("seen")
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 8*64)
	if _, err := p.ReadAt(addr, data); err != nil {
		t.Fatal(err)
	}
	var seen []int64
	for ; len(data) > 0; data = data[8:] {
		seen = append(seen, int64(binary.LittleEndian.Uint64(data)))
	}
	if regs, err := p.Thread().Regs(); err != nil || regs[arch.EFLAGS]&flagTF != 0 {
		t.Errorf("the trap flag is set at the end, %v", err)
	}
	p.Thread().ClearStep()
	wantExit(t, p, 0)
	return seen
}

// TestSpecialInstructions compares what a program sees when it runs, when it is
// stepped all the way, and when its special instruction has a breakpoint.
func TestSpecialInstructions(t *testing.T) {
	cont := (*Thread).Cont
	step := func(th *Thread, o *MoveOptions) (*Stop, error) {
		return th.StepUntil(&Walk{Until: "rip == 0"}, o)
	}
	over := func(th *Thread, o *MoveOptions) (*Stop, error) {
		return th.StepUntil(&Walk{Until: "rip == 0", Over: true}, o)
	}
	each := func(th *Thread, o *MoveOptions) (*Stop, error) {
		th.SetStep()
		for {
			if stop, err := th.Cont(o); err != nil || stop.Reason != ReasonStep {
				return stop, err
			}
		}
	}
	for _, name := range []string{
		"pushf", "popf", "iret", "owntrap", "traps", "sysenter", "system_call", "int80", "rep", "cpuid", "handlers", "vsyscall", "children", "nap", "again", "rseq", "movss",
	} {
		t.Run(name, func(t *testing.T) {
			if name == "int80" || name == "movss" {
				needInt80(t)
			}
			want := toDone(t, special(t, name), cont)
			if !slices.ContainsFunc(want, func(n int64) bool { return n != 0 }) {
				t.Fatal("it has seen nothing")
			}
			for how, move := range map[string]func(*Thread, *MoveOptions) (*Stop, error){"stepped": step, "stepped over": over, "with a flag": each} {
				if got := toDone(t, special(t, name), move); !slices.Equal(got, want) {
					t.Errorf("%s it sees\n%d, running\n%d", how, got, want)
				}
			}
			p := special(t, name)
			if _, err := p.Addr(name + "_spot"); err != nil {
				return
			}
			spot := breakAt(t, p, name+"_spot", func(*Stop) (bool, error) { return false, nil })
			if got := toDone(t, p, cont); !slices.Equal(got, want) {
				t.Errorf("with a breakpoint it sees\n%d, running\n%d", got, want)
			}
			if spot.Hits() == 0 {
				t.Error("the breakpoint was not hit")
			}
		})
	}
}

// TestMovSSTrap watches what ss is loaded from: the trap is held back until the next
// instruction is done, or is in the kernel.
func TestMovSSTrap(t *testing.T) {
	needInt80(t)
	want := toDone(t, special(t, "movss"), (*Thread).Cont)
	for how, move := range map[string]func(*Thread, *MoveOptions) (*Stop, error){"running": (*Thread).Cont, "stepped": func(th *Thread, o *MoveOptions) (*Stop, error) {
		return th.StepUntil(&Walk{Until: "rip == 0"}, o)
	}} {
		p := special(t, "movss")
		addr, err := p.Addr("stack_segment")
		if err != nil {
			t.Fatal(err)
		}
		w, err := p.Watch(&WatchOptions{Addr: addr, Size: 2, Access: AccessReadWrite, Handler: func(*Stop) (bool, error) { return false, nil }})
		if err != nil {
			t.Fatal(err)
		}
		if got := toDone(t, p, move); !slices.Equal(got, want) {
			t.Errorf("%s it sees\n%d, unwatched\n%d", how, got, want)
		}
		if w.Hits() == 0 {
			t.Errorf("%s it hits no watchpoint", how)
		}
	}
}

// TestStepInBlockingCall interrupts a step of a system call that blocks: the call
// goes on afterwards, and no trap is left.
func TestStepInBlockingCall(t *testing.T) {
	stdin, end, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	defer end.Close()
	p := specialWith(t, "block", &LaunchOptions{Stdin: stdin})
	th := p.Thread()
	stop := &Stop{}
	for reg(t, th, arch.OrigRAX) != unix.SYS_READ {
		stop, err = th.StepUntil(&Walk{Until: "rip == 0"}, &MoveOptions{Timeout: 50 * time.Millisecond})
		if err != nil || stop.Reason != ReasonTimeout {
			t.Fatalf("StepUntil = %+v, %v, want timeout", stop, err)
		}
	}
	for range 3 {
		if reg(t, th, arch.R11)&flagTF != 0 || reg(t, th, arch.EFLAGS)&flagTF != 0 {
			t.Errorf("r11 = %#x, eflags = %#x have the trap flag", reg(t, th, arch.R11), reg(t, th, arch.EFLAGS))
		}
		// It is restarted, and interrupted again.
		again, err := th.Step(1, &MoveOptions{Timeout: time.Millisecond})
		if err != nil || again.Reason != ReasonTimeout || again.PC != stop.PC {
			t.Fatalf("Step = %+v, %v, want timeout at %#x", again, err, stop.PC)
		}
	}
	end.WriteString("!")
	if seen := toDone(t, p, (*Thread).Cont); seen[0] != 1 || seen[1] != '!' {
		t.Errorf("read returned %d with %q", seen[0], rune(seen[1]))
	}
}

// TestStepToTheEnd steps the last instruction before the exit.
func TestStepToTheEnd(t *testing.T) {
	p := special(t, "popf")
	stop, err := p.Thread().StepUntil(&Walk{Until: "rip == 0"}, &MoveOptions{Timeout: 30 * time.Second})
	if err != nil || stop.Reason != ReasonExit || stop.ExitCode != 0 {
		t.Fatalf("StepUntil = %+v, %v, want exit", stop, err)
	}
}

// TestSyscallAgain sends a thread back to the system call that it has just made, as
// the kernel's ptrace_syscall test does, running and stepped.
func TestSyscallAgain(t *testing.T) {
	want := toDone(t, special(t, "system_call"), (*Thread).Cont)
	for how, move := range map[string]func(*Thread, *MoveOptions) (*Stop, error){"running": (*Thread).Cont, "stepped": func(th *Thread, o *MoveOptions) (*Stop, error) {
		return th.StepUntil(&Walk{Until: "rip == 0"}, o)
	}} {
		p := special(t, "system_call")
		calls, again := 0, 0
		if _, err := p.On(HookOptions{Reason: ReasonSyscall, Syscalls: []int{unix.SYS_GETUID}, Handler: func(s *Stop) (bool, error) {
			if calls++; calls > 2 {
				return false, nil
			}
			if s.Syscall.Phase == Enter {
				return false, nil
			}
			again++
			rax := s.Thread.SetReg(arch.Lookup("rax"), unix.SYS_GETUID)
			return false, errors.Join(rax, s.Thread.SetReg(arch.Lookup("rip"), s.PC-2))
		}}); err != nil {
			t.Fatal(err)
		}
		if got := toDone(t, p, move); !slices.Equal(got, want) {
			t.Errorf("%s it sees\n%d, left alone\n%d", how, got, want)
		}
		if calls != 8 || again != 1 {
			t.Errorf("%s there are %d stops, %d sent back, want 8 and 1", how, calls, again)
		}
	}
}

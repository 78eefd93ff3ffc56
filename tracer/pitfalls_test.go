//go:build linux && amd64

package tracer

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestPitfalls has a test for each of the things that tracers got wrong before, those
// that are only here among them.
func TestPitfalls(t *testing.T) {
	runCases(t, 37, []publicCase{
		{name: "signal while stepping", by: "TestStepMeetsSignal"},
		{name: "attach to a stopped process", by: "TestAttachToStoppedJob"},
		{name: "no stop of the tracer's is left after detach", by: "TestStorm"},
		{name: "interrupt races with another stop", by: "TestTimeoutsRaceWithTheEnd"},
		{name: "group-stop", by: "TestGroupStopIsTransparent"},
		{name: "threads born during attach", by: "TestAttachStopsAllThreads"},
		{name: "child is killed before its birth is reported", by: "TestKilledWhileBearing"},
		{name: "exec by a thread that is not the leader", by: "TestExecFromThread"},
		{name: "exec while another thread is held at its end", by: "TestThreadEndsInExec"},
		{name: "leader that has left its threads", by: "TestZombieLeader"},
		{name: "attach to threads without a leader", by: "TestAttachWithoutLeader"},
		{name: "SIGKILL at any moment", by: "TestKilledFromOutside"},
		{name: "vfork child in the memory of its parent", by: "TestChildrenCarryNoBreakpoint"},
		{name: "attach in vfork", by: "TestAttachInVfork"},
		{name: "fork child that is not followed", by: "TestForkChildIsHeld"},
		{name: "breakpoint removed that another thread has reached", by: "TestRemovedBreakpointThatOthersReached"},
		{name: "int3 of the program's own", by: "TestOwnTrap"},
		{name: "breakpoint in a page that cannot be written or read", test: breakpointsAnywhere},
		{name: "dr6 is sticky, new threads have no debug registers", by: "TestWatchThreads"},
		{name: "length of a slot that was in use", by: "TestWatchSizes"},
		{name: "instructions that are special under a step", by: "TestSpecialInstructions"},
		{name: "system call restart", by: "TestRipWrittenAtSyscall"},
		{name: "system call injected into one that sleeps", by: "TestSyscallDoesNotDisturbSleep"},
		{name: "entry and exit of system calls confused", by: "TestAttachInSleep"},
		{name: "32-bit system call", by: "TestCompatSyscall"},
		{name: "addresses that nobody can read", test: badAddresses},
		{name: "restartable sequences", by: "TestInjectInRestartableSequence"},
		{name: "shadow stacks", not: "the kernels and CPUs that tests run on have none switched on for programs"},
		{name: "Yama", by: "TestNotPermitted"},
		{name: "memory written on the tracer's thread alone", by: "TestTracedByAnother"},
		{name: "deadlock of attach with exec", by: "TestAttachMeetsExecOfThread"},
		{name: "layout of XSAVE", by: "TestXStateArea"},
		{name: "signals of the Go runtime interrupt the tracer", by: "TestInterruptWait"},
		{name: "targets that use signals for themselves", by: "TestGoTarget"},
		{name: "detach of a process that runs", by: "builtins/testdata/ptrace_errors.star: p.detach()  # is the debugger's own, and stops it first"},
		{name: "detach leaves no filter without a tracer", by: "TestFilterCannotBeDetached"},
		{name: "detach in the middle of a step", by: "TestDetachInStep"},
	})
}

// breakpointsAnywhere sets breakpoints in pages of all protections.
func breakpointsAnywhere(t *testing.T) {
	for name, test := range map[string]struct{ prot, flags uint64 }{
		"none":             {unix.PROT_NONE, unix.MAP_PRIVATE | unix.MAP_ANONYMOUS},
		"read":             {unix.PROT_READ, unix.MAP_PRIVATE | unix.MAP_ANONYMOUS},
		"execute":          {unix.PROT_EXEC, unix.MAP_PRIVATE | unix.MAP_ANONYMOUS},
		"shared and write": {unix.PROT_READ | unix.PROT_WRITE, unix.MAP_SHARED | unix.MAP_ANONYMOUS},
	} {
		t.Run(name, func(t *testing.T) {
			p := launch(t, "loop", "1")
			at, err := p.Syscall(unix.SYS_MMAP, Words(0, pageSize, test.prot, test.flags, ^uint64(0), 0)...)
			if err != nil {
				t.Fatal(err)
			}
			b, err := p.Breakpoint(&BreakpointOptions{Addr: at + 5})
			if err != nil {
				t.Fatal(err)
			}
			var code [1]byte
			if _, err := p.ReadRaw(at+5, code[:]); err != nil || code[0] != int3 {
				t.Errorf("there is %#x, %v, want an int3", code[0], err)
			}
			if err := b.Remove(); err != nil {
				t.Fatal(err)
			}
			if _, err := p.ReadRaw(at+5, code[:]); err != nil || code[0] != 0 {
				t.Errorf("there is %#x, %v, want what was there before", code[0], err)
			}
			wantExit(t, p, 0)
		})
	}
	// A shared mapping that may not be written is not copied: nothing can be set there.
	p := launch(t, "loop", "1")
	at, err := p.Syscall(unix.SYS_MMAP, Words(0, pageSize, unix.PROT_READ, unix.MAP_SHARED|unix.MAP_ANONYMOUS, ^uint64(0), 0)...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Breakpoint(&BreakpointOptions{Addr: at}); err == nil {
		t.Error("a breakpoint was set in shared memory that may not be written")
	}
	if len(p.sites) != 0 || len(p.Breakpoints()) != 0 {
		t.Error("one that could not be set is there")
	}
	wantExit(t, p, 0)
}

// badAddresses uses addresses where nothing is: unmapped ones, the kernel's, and those
// that are none for the CPU.
func badAddresses(t *testing.T) {
	p := launch(t, "loop", "3")
	for _, addr := range []uint64{0, 1, 1<<47 - 1, 1 << 47, 1 << 62, 1 << 63, 0xffff_8000_0000_0000, 0xffff_ffff_8100_0000, ^uint64(0) - 8, ^uint64(0)} {
		var word [8]byte
		if n, err := p.ReadAt(addr, word[:]); n != 0 || !errors.Is(err, unix.EFAULT) {
			t.Errorf("read at %#x: %d, %v", addr, n, err)
		}
		if n, err := p.WriteAt(addr, word[:]); n != 0 || err == nil {
			t.Errorf("write at %#x: %d, %v", addr, n, err)
		}
		if _, err := p.Breakpoint(&BreakpointOptions{Addr: addr}); addr != 0 && err == nil {
			t.Errorf("a breakpoint was set at %#x", addr)
		}
		if addr >= 1<<47 {
			if _, err := p.Breakpoint(&BreakpointOptions{Addr: addr, Hardware: true}); err == nil {
				t.Errorf("a hardware breakpoint was set at %#x", addr)
			}
			if _, err := p.Watch(&WatchOptions{Addr: addr}); err == nil {
				t.Errorf("a watchpoint was set at %#x", addr)
			}
			if err := p.Thread().SetDebugRegs([8]uint64{addr, 7: 1}); err == nil {
				t.Errorf("dr0 = %#x was taken", addr)
			}
		}
		if n, err := p.ReadAt(addr, nil); n != 0 || err != nil {
			t.Errorf("read of nothing at %#x: %d, %v", addr, n, err)
		}
	}
	th := p.Thread()
	for name, v := range map[string]uint64{"fs_base": 1 << 47, "gs_base": 1 << 63, "cs": 0x10, "ss": 0x18} {
		if err := th.SetReg(arch.Lookup(name), v); err == nil {
			t.Errorf("%s = %#x was taken", name, v)
		}
	}
	if len(p.sites) != 0 || len(p.Watchpoints()) != 0 {
		t.Errorf("%d sites and %d watchpoints are left", len(p.sites), len(p.Watchpoints()))
	}
	wantExit(t, p, 0)

	// A program counter that is none is the program's fault.
	p = launch(t, "loop", "3")
	if err := p.Thread().SetReg(arch.Lookup("rip"), 1<<63); err == nil {
		if stop := wantStop(t, p, 0, ReasonSignal); stop.Signal != int(unix.SIGSEGV) {
			t.Errorf("signal %d, want SIGSEGV", stop.Signal)
		}
	}
	if !tracertest.Alive(p.PID) {
		t.Error("it has ended")
	}
}

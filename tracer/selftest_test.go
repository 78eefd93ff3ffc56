//go:build linux && amd64

package tracer

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSelftest has the cases of ptrace and breakpoints in the Linux kernel's
// tools/testing/selftests.
func TestSelftest(t *testing.T) {
	runCases(t, 14, []publicCase{
		{name: "ptrace/get_syscall_info", by: "TestSyscallArgsAndResults"},
		{name: "ptrace/get_syscall_info seccomp", by: "TestFilter"},
		{name: "ptrace/set_syscall_info", by: "TestReplaceSyscall"},
		{name: "ptrace/set_syscall_info exit_group", test: changeExitCode},
		{name: "ptrace/get_set_sud", test: userDispatch},
		{name: "ptrace/peeksiginfo", by: "builtins/testdata/siginfo.star: # The signals that are pending, for a thread and for its process."},
		{name: "ptrace/vmaccess mem", by: "TestThreadEndsInExec"},
		{name: "ptrace/vmaccess attach", by: "TestAttachMeetsExecOfThread"},
		{name: "breakpoints/breakpoint_test x", test: func(t *testing.T) { eachSlot(t, AccessExecute) }},
		{name: "breakpoints/breakpoint_test w", test: func(t *testing.T) { eachSlot(t, AccessWrite) }},
		{name: "breakpoints/breakpoint_test rw", test: func(t *testing.T) { eachSlot(t, AccessReadWrite) }},
		{name: "breakpoints/breakpoint_test icebp", not: "the engine sets no icebp, and a program's own is a SIGTRAP, as its int3 is in TestOwnTrap"},
		{name: "breakpoints/step_after_suspend_test", not: "it suspends the machine"},
		{name: "x86/single_step_syscall", by: "TestSpecialInstructions"},
	})
}

func changeExitCode(t *testing.T) {
	p := launch(t, "loop", "1")
	hook(t, p, HookOptions{Reason: ReasonSyscall, Syscalls: []int{unix.SYS_EXIT_GROUP}, Phase: Enter, Handler: func(s *Stop) (bool, error) {
		return false, s.SetArgs(11)
	}})
	wantExit(t, p, 11)
}

// userDispatch has a program's system calls become SIGSYS, which injected ones must
// not: its selector says so from outside.
func userDispatch(t *testing.T) {
	const prSetSyscallUserDispatch = 59
	p := play(t, nil, "calls")
	if _, err := p.Syscall(unix.SYS_PRCTL, Words(prSetSyscallUserDispatch, 1, 0, 0, 0)...); err != nil {
		t.Fatal(err)
	}
	if stop := wantStop(t, p, 0, ReasonSignal); stop.Signal != int(unix.SIGSYS) {
		t.Fatalf("signal %d, want SIGSYS", stop.Signal)
	}
	if stop := wantStop(t, p, 0, ReasonKilled); stop.Signal != int(unix.SIGSYS) {
		t.Errorf("signal %d, want SIGSYS", stop.Signal)
	}
}

// eachSlot uses each of the debug registers for each length.
func eachSlot(t *testing.T, access Access) {
	for slot := range 4 {
		for _, size := range []int{1, 2, 4, 8} {
			if access == AccessExecute && size != 1 {
				continue
			}
			t.Run(fmt.Sprintf("slot=%d/size=%d", slot, size), func(t *testing.T) {
				p := launch(t, "loop", "3")
				sum, err := p.Addr("sum")
				if err != nil {
					t.Fatal(err)
				}
				unused, err := p.Addr("barrier")
				if err != nil {
					t.Fatal(err)
				}
				for i := range slot {
					if _, err := p.Watch(&WatchOptions{Addr: unused + 8*uint64(i), Access: AccessWrite}); err != nil {
						t.Fatal(err)
					}
				}
				o := &WatchOptions{Addr: sum, Size: size, Access: access}
				if access == AccessExecute {
					if o.Addr, err = p.Addr("work"); err != nil {
						t.Fatal(err)
					}
				}
				w, err := p.Watch(o)
				if err != nil {
					t.Fatal(err)
				}
				if s := p.slots[slot]; len(s.users) != 1 || s.addr != o.Addr {
					t.Fatalf("slot %d is %+v", slot, s)
				}
				if stop := wantStop(t, p, 0, ReasonWatchpoint); stop.Watchpoint != w {
					t.Errorf("it stops for another watchpoint")
				}
			})
		}
	}
}

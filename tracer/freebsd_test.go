//go:build linux && amd64

package tracer

import "testing"

// TestFreeBSD has the cases of FreeBSD's tests/sys/kern/ptrace_test.c. Two kernels
// do not agree in all: a signal that is given where none has stopped the thread is
// sent to it, remote system calls are injected, and the hooks are the event mask.
func TestFreeBSD(t *testing.T) {
	const follow = "TestFreeBSDFollow"
	const pdfork = "Linux's process descriptors, unlike pdfork's, do not change who may wait for a process, nor who its parent is"
	runCases(t, 62, []publicCase{
		{name: "parent_wait_after_trace_me", test: waitAfterTraceMe},
		{name: "parent_wait_after_attach", test: waitAfterAttach},
		{name: "parent_sees_exit_after_child_debugger", test: func(t *testing.T) { debugForParent(t) }},
		{name: "parent_sees_exit_after_unrelated_debugger", test: func(t *testing.T) { debugForParent(t, "unrelated") }},
		{name: "parent_exits_before_child", test: parentExitsBeforeChild},
		{name: "follow_fork_both_attached", by: follow},
		{name: "follow_fork_child_detached", by: follow},
		{name: "follow_fork_parent_detached", by: follow},
		{name: "follow_fork_both_attached_unrelated_debugger", by: follow},
		{name: "follow_fork_child_detached_unrelated_debugger", by: follow},
		{name: "follow_fork_parent_detached_unrelated_debugger", by: follow},
		{name: "getppid", test: getppid},
		{name: "new_child_pl_syscall_code_fork", test: func(t *testing.T) { codeOfBirth(t, ReasonFork) }},
		{name: "new_child_pl_syscall_code_vfork", test: func(t *testing.T) { codeOfBirth(t, ReasonVfork) }},
		{name: "new_child_pl_syscall_code_thread", test: func(t *testing.T) { codeOfBirth(t, ReasonThread) }},
		{name: "lwp_events", by: "TestThreadBirthAndEnd"},
		{name: "lwp_events_exec", by: "TestThreadEndsInExec"},
		{name: "siginfo", test: siginfoOfStop},
		{name: "ptrace_exec_disable", test: execDisable},
		{name: "ptrace_exec_enable", by: "TestExecFromThread"},
		{name: "event_mask", test: eventMask},
		{name: "ptrace_vfork", by: follow},
		{name: "ptrace_vfork_follow", by: follow},
		{name: "PT_KILL_breakpoint", test: killBreakpoint},
		{name: "PT_KILL_system_call", by: "builtins/testdata/ptrace_calls.star: # Killed inside a system call: its end alone follows."},
		{name: "PT_KILL_threads", test: killThreads},
		{name: "PT_KILL_competing_signal", test: killCompetingSignal},
		{name: "PT_KILL_competing_stop", test: killCompetingStop},
		{name: "PT_KILL_with_signal_full_sigqueue", test: killFullQueue},
		{name: "PT_CONTINUE_with_signal_system_call_entry", by: "TestSignalInjectedAtSyscall"},
		{name: "PT_CONTINUE_with_signal_system_call_entry_and_exit", by: "builtins/testdata/ptrace_calls.star: # Signals given at entry and at exit are both delivered."},
		{name: "PT_CONTINUE_with_signal_full_sigqueue", test: continueFullQueue},
		{name: "PT_CONTINUE_with_signal_masked_full_sigqueue", test: continueMaskedFullQueue},
		{name: "PT_CONTINUE_change_sig", by: "TestSignalDeliveries"},
		{name: "PT_CONTINUE_with_sigtrap_system_call_entry", test: continueSigtrap},
		{name: "PT_CONTINUE_with_signal_mix", test: continueMix},
		{name: "PT_CONTINUE_with_signal_kqueue", test: continueDescriptor},
		{name: "killed_with_sigmask", test: killedMasked},
		{name: "PT_CONTINUE_with_sigmask", test: continueMasked},
		{name: "PT_CONTINUE_with_signal_thread_sigmask", not: "PTRACE_CONT delivers the signal to the thread that stopped, which has taken it from the queue already; no other thread can be given it"},
		{name: "PT_REGSET", by: "TestExtendedRegistersRoundTrip"},
		{name: "parent_terminate_with_pending_sigstop1", test: func(t *testing.T) { tracerExits(t, "spin") }},
		{name: "parent_terminate_with_pending_sigstop2", test: func(t *testing.T) { tracerExits(t, "churn", "1000000000") }},
		{name: "event_mask_sigkill_discard", not: "SIGKILL is not reported to a tracer, which cannot discard it"},
		{name: "PT_ATTACH_with_SBDRY_thread", test: attachInLock},
		{name: "PT_STEP_with_signal", by: "builtins/testdata/ptrace_go.star: # A step that delivers a signal: the handler runs first, then the step ends."},
		{name: "breakpoint_siginfo", test: breakpointSiginfo},
		{name: "step_siginfo", test: stepSiginfo},
		{name: "PT_CONTINUE_different_thread", test: continueDifferentThread},
		{name: "PT_LWPINFO_stale_siginfo", test: staleSiginfo},
		{name: "syscall_args", by: "TestSyscallArgsAndResults"},
		{name: "syscall_args_anywhere", by: "TestAttachInSleep"},
		{name: "proc_reparent", not: pdfork},
		{name: "procdesc_wait_child", not: pdfork},
		{name: "procdesc_reparent_wait_child", not: pdfork},
		{name: "PT_SC_REMOTE_getpid", by: "TestSyscall"},
		{name: "PT_SC_REMOTE_syscall_validation", test: remoteValidation},
		{name: "PT_SC_REMOTE_exit", by: "TestSyscallEndsProcess"},
		{name: "PT_SC_REMOTE_execve", by: "TestSyscallExecve"},
		{name: "reap_kill_stopped", by: "TestKilledFromOutside"},
		{name: "PT_ATTACH_no_EINTR", by: "TestAttachDoesNotDisturbSleep"},
		{name: "PT_DETACH_continued", by: "TestAttachToStoppedJob"},
	})
}

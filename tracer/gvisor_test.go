//go:build linux && amd64

package tracer

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestGVisor has the cases of gVisor's test/syscalls/linux/ptrace.cc.
func TestGVisor(t *testing.T) {
	const yama = "Yama decides in the kernel who may trace whom; to the engine its refusal is EPERM, as any other, which TestNotPermitted has"
	runCases(t, 35, []publicCase{
		{name: "AttachSelf", by: "TestAttachRefusals"},
		{name: "AttachSameThreadGroup", test: attachSameThreadGroup},
		{name: "TraceParentNotAllowed", not: yama},
		{name: "TraceNonDescendantNotAllowed", by: "TestNotPermitted"},
		{name: "TraceNonDescendantWithCapabilityAllowed", by: "TestDebugger"},
		{name: "TraceDescendantsAllowed", by: "TestAttachStopsAllThreads"},
		{name: "PrctlSetPtracer", not: yama},
		{name: "PrctlSetPtracerInvalidPID", not: yama},
		{name: "PrctlSetPtracerPersistsPastTraceeThreadExit", not: yama},
		{name: "PrctlSetPtracerPersistsPastLeaderExec", not: yama},
		{name: "PrctlSetPtracerDoesNotPersistPastNonLeaderExec", not: yama},
		{name: "PrctlSetPtracerDoesNotPersistPastTracerThreadExit", not: yama},
		{name: "PrctlSetPtracerRespectsTracerThreadID", not: yama},
		{name: "PrctlClearPtracerDoesNotAffectCurrentTracer", not: yama},
		{name: "PrctlNotInherited", not: yama},
		{name: "SetYAMAPtraceScope", not: yama},
		{name: "AttachParent_PeekData_PokeData_SignalSuppression", test: attachParent},
		{name: "GetSigMask", by: "TestSigmask"},
		{name: "GetSiginfo_SetSiginfo_SignalInjection", by: "builtins/testdata/siginfo.star: # A record is changed before the handler sees it, in part and as a whole."},
		{name: "SIGKILLDoesNotCauseSignalDeliveryStop", by: "TestKilledFromOutside"},
		{name: "PtraceKill", by: "TestKillAtThreadExit"},
		{name: "GetRegSet", by: "TestExtendedRegistersRoundTrip"},
		{name: "GetRegSetPartialRead", by: "TestXStateArea"},
		{name: "ChangeRegSetInOptSyscall", by: "TestReplaceSyscall"},
		{name: "AttachingConvertsGroupStopToPtraceStop", by: "TestAttachToStoppedJob"},
		{name: "Execve_GetRegs_PeekUser_SIGKILL_TraceClone_TraceExit", by: "TestExecFromThread"},
		{name: "ExitWhenParentIsNotTracer_Syscall_TraceVfork_TraceVforkDone", by: "TestFreeBSDFollow"},
		{name: "Int3", by: "TestOwnTrap"},
		{name: "Sysemu_PokeUser", by: "TestReplaceSyscall"},
		{name: "ERESTART", by: "TestAttachDoesNotDisturbSleep"},
		{name: "Seize_Interrupt_Listen", by: "TestGroupStopIsTransparent"},
		{name: "Interrupt_Listen_RequireSeize", not: "every tracee is seized, there are no others to refuse it"},
		{name: "SingleStep", by: "TestStepOntoBreakpoint"},
		{name: "SeizeSetOptions", by: "TestThreadBirthAndEnd"},
		{name: "ExecvePtraceLockStress", by: "TestAttachMeetsExecOfThread"},
	})
}

func attachSameThreadGroup(t *testing.T) {
	tr := newTracer(t)
	other := make(chan int)
	go func() { other <- unix.Gettid() }()
	for _, id := range []int{<-other, unix.Gettid(), os.Getpid()} {
		wantErrno(t, "AttachID", tr.AttachID(id), unix.EINVAL)
	}
	if len(tr.Processes()) != 0 {
		t.Error("it traces itself")
	}
}

// attachParent has TestChildDebugger attach to its parent, a shell, whose SIGTERM it
// suppresses.
func attachParent(t *testing.T) {
	t.Setenv(parentKey, "1")
	target := tracertest.Start(t, "/bin/sh", "-c", `"$0" "-test.run=^TestChildDebugger$" && exit 3`, os.Args[0])
	if status := target.Wait(); status.ExitStatus() != 3 {
		t.Errorf("the shell ends with status %#x, want exit with 3", status)
	}
}

// parentKey asks TestChildDebugger to debug the parent of its process.
const parentKey = "TRACELARK_PARENT"

// TestChildDebugger is the debugger of another test. By itself it has nothing to do.
func TestChildDebugger(t *testing.T) {
	if os.Getenv(parentKey) == "" {
		return
	}
	p := attach(t, os.Getppid())
	regs, err := p.Thread().Regs()
	if err != nil {
		t.Fatal(err)
	}
	at := regs.SP() - 256 // below what the program uses
	if _, err := p.WriteAt(at, []byte("poked")); err != nil {
		t.Fatal(err)
	}
	peeked := make([]byte, 5)
	if _, err := p.ReadAt(at, peeked); err != nil || string(peeked) != "poked" {
		t.Errorf("peeked %q, %v", peeked, err)
	}
	if err := unix.Kill(p.PID, unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if stop := wantStop(t, p, 0, ReasonSignal); stop.Signal != int(unix.SIGTERM) {
		t.Fatalf("signal %d, want SIGTERM", stop.Signal)
	}
	o := &MoveOptions{Signal: Deliver(0), Timeout: 1}
	if stop, err := p.Cont(o); err != nil || stop.Reason != ReasonTimeout {
		t.Fatalf("stop = %+v, %v, want the parent to wait on", stop, err)
	}
	if err := p.Detach(0); err != nil {
		t.Fatal(err)
	}
}

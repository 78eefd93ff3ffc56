//go:build linux && amd64

package tracer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/syscalls"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// injectable launches a scene of testdata/inject.c.
func injectable(t testing.TB, name string) *Process {
	t.Helper()
	p, err := newTracer(t).Launch([]string{tracertest.Build(t, "testdata/inject.c"), name}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// injectableAt is injectable for a process that has come to a place.
func injectableAt(t testing.TB, name, place string) *Process {
	t.Helper()
	p := injectable(t, name)
	breakAt(t, p, place, nil)
	if stop := cont(t, p); stop.Reason != ReasonBreakpoint {
		t.Fatalf("stop = %s, want the breakpoint at %s", stop.Reason, place)
	}
	return p
}

// asleep attaches to a scene of testdata/inject.c that has begun to wait.
func asleep(t testing.TB, name string) (*Process, *tracertest.Target) {
	t.Helper()
	target := tracertest.Start(t, tracertest.Build(t, "testdata/inject.c"), name)
	target.ReadLine()
	tracertest.WaitState(t, target.PID, "S")
	return attach(t, target.PID), target
}

// A picture is all that a call from outside must leave as it was.
type picture struct {
	regs   arch.Regs
	xstate []byte
	stack  []byte
	mask   uint64
}

// look takes a picture of a thread from below the kernel's interface, its stack
// from the red zone up.
func look(t testing.TB, th *Thread) picture {
	t.Helper()
	if err := th.flush(); err != nil {
		t.Fatal(err)
	}
	var v picture
	if err := ptrace.GetRegs(th.TID, &v.regs); err != nil {
		t.Fatal(err)
	}
	area := make([]byte, 32<<10)
	n, err := ptrace.GetXState(th.TID, area)
	if err != nil {
		t.Fatal(err)
	}
	v.xstate = area[:n]
	// XSTATE_BV says which components are in their initial state, which the CPU
	// need not notice (SDM volume 1, 13.6).
	clear(v.xstate[512:520])
	v.stack = make([]byte, 1024)
	n, _ = th.p.ReadAt(v.regs.SP()-redZone, v.stack)
	v.stack = v.stack[:n]
	if v.mask, err = ptrace.GetSigmask(th.TID); err != nil {
		t.Fatal(err)
	}
	return v
}

// wantSame checks that a thread is as in a picture.
func wantSame(t testing.TB, th *Thread, before picture) {
	t.Helper()
	after := look(t, th)
	for i := range after.regs {
		if after.regs[i] != before.regs[i] {
			t.Errorf("%s is %#x, was %#x", arch.Reg(i), after.regs[i], before.regs[i])
		}
	}
	if !bytes.Equal(after.xstate, before.xstate) {
		t.Error("the extended registers have changed")
	}
	if !bytes.Equal(after.stack, before.stack) {
		t.Error("the stack has changed")
	}
	if after.mask != before.mask {
		t.Errorf("the signal mask is %#x, was %#x", after.mask, before.mask)
	}
}

// inject makes an injected system call that is to succeed.
func inject(t testing.TB, th *Thread, nr int, args ...Arg) uint64 {
	t.Helper()
	ret, err := th.Syscall(nr, args...)
	if err != nil {
		t.Fatal(err)
	}
	return ret
}

func TestSyscall(t *testing.T) {
	p := injectable(t, "plain")
	th := p.Thread()
	for _, place := range []string{"", "here"} { // the dynamic linker's first instruction, and later
		if place != "" {
			breakAt(t, p, place, nil)
			cont(t, p)
		}
		before := look(t, th)
		stop := p.Stop()
		if got := inject(t, th, unix.SYS_GETPID); got != uint64(p.PID) {
			t.Errorf("getpid() = %d, want %d", got, p.PID)
		}
		addr := inject(t, th, unix.SYS_MMAP, Words(0, 8192, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uint64(0), 0)...)
		if _, err := p.WriteAt(addr+8000, []byte("mapped")); err != nil {
			t.Error(err)
		}
		inject(t, th, unix.SYS_MUNMAP, Words(addr, 8192)...)
		if _, err := p.ReadAt(addr, make([]byte, 1)); err == nil {
			t.Error("it is mapped after munmap")
		}
		if fd := inject(t, th, unix.SYS_OPEN, Arg{Data: []byte("/proc/self/stat")}, Arg{}); inject(t, th, unix.SYS_CLOSE, Words(fd)...) != 0 {
			t.Error("close did not say 0")
		}
		for _, test := range []struct {
			nr   int
			args []Arg
			want unix.Errno
		}{
			{9999, nil, unix.ENOSYS}, {-1, nil, unix.ENOSYS}, {unix.SYS_CLOSE, Words(12345), unix.EBADF}, {unix.SYS_OPEN, Words(1, 0), unix.EFAULT},
			{unix.SYS_VFORK, nil, unix.EINVAL}, {unix.SYS_RT_SIGRETURN, nil, unix.EINVAL}, {unix.SYS_CLONE, Words(unix.CLONE_VM, 0), unix.EINVAL},
		} {
			_, err := th.Syscall(test.nr, test.args...)
			if !errors.Is(err, test.want) || !strings.HasPrefix(err.Error(), fmt.Sprintf("syscall [%d]: %s: %v", th.TID, syscalls.Name(test.nr), test.want)) {
				t.Errorf("call %d: %v, want %v", test.nr, err, test.want)
			}
		}
		if _, err := th.Syscall(unix.SYS_GETPID, make([]Arg, 7)...); err == nil {
			t.Error("seven arguments were taken")
		}
		wantSame(t, th, before)
		if p.Stop() != stop || p.State() != Stopped {
			t.Errorf("stop %+v, state %s afterwards", p.Stop(), p.State())
		}
	}
	wantExit(t, p, 3)
}

// TestSyscallChangesSignalMask checks that the mask stays as the call left it.
func TestSyscallChangesSignalMask(t *testing.T) {
	p := injectableAt(t, "plain", "here")
	set := Arg{Data: []byte{0, 2, 0, 0, 0, 0, 0, 0}} // SIGUSR1
	inject(t, p.Thread(), unix.SYS_RT_SIGPROCMASK, Arg{Word: unix.SIG_BLOCK}, set, Arg{}, Arg{Word: 8})
	if mask := look(t, p.Thread()).mask; mask != uint64(sigsetOf(unix.SIGUSR1)) {
		t.Errorf("mask %#x, want SIGUSR1 alone", mask)
	}
	wantExit(t, p, 3)
}

func TestSyscallEndsProcess(t *testing.T) {
	p := injectableAt(t, "plain", "here")
	var handled *Stop
	if _, err := p.On(HookOptions{Reason: ReasonExit, Handler: func(s *Stop) (bool, error) { handled = s; return false, nil }}); err != nil {
		t.Fatal(err)
	}
	inject(t, p.Thread(), unix.SYS_EXIT, Words(42)...)
	if code, ok := p.ExitCode(); !ok || code != 42 || handled != p.Stop() {
		t.Errorf("exit code %d, %t, handled %v; want 42", code, ok, handled)
	}
	if _, err := p.Syscall(unix.SYS_GETPID); !errors.Is(err, ErrExited) {
		t.Errorf("Syscall of a dead process: %v", err)
	}

	p = injectableAt(t, "threads", "here")
	ender := p.Threads()[2]
	inject(t, ender, unix.SYS_EXIT, Words(1)...)
	if !ender.Gone() || p.State() != Stopped || len(p.Threads()) != 4 {
		t.Errorf("state %s, %d threads after the exit of one", p.State(), len(p.Threads()))
	}
	if _, err := ender.Syscall(unix.SYS_GETPID); !errors.Is(err, ErrThread) {
		t.Errorf("Syscall of a dead thread: %v", err)
	}
	inject(t, p.Threads()[2], unix.SYS_EXIT_GROUP, Words(43)...)
	if code, ok := p.ExitCode(); !ok || code != 43 {
		t.Errorf("exit code %d, %t, want 43", code, ok)
	}

	p = injectableAt(t, "plain", "here")
	if _, err := p.Syscall(unix.SYS_KILL, Words(uint64(p.PID), uint64(unix.SIGKILL))...); !errors.Is(err, ErrExited) && !errors.Is(err, ErrThread) {
		t.Errorf("kill(SIGKILL): %v", err)
	}
	if sig, ok := p.ExitSignal(); !ok || sig != int(unix.SIGKILL) {
		t.Errorf("exit signal %d, %t, want SIGKILL", sig, ok)
	}
}

func TestSyscallExecve(t *testing.T) {
	path := tracertest.Build(t, "testdata/inject.c")
	for _, scene := range []string{"plain", "threads"} {
		p := injectableAt(t, scene, "here")
		th := p.Threads()[len(p.Threads())-1]
		mask := look(t, th).mask
		file := inject(t, th, unix.SYS_MMAP, Words(0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uint64(0), 0)...)
		text := []byte(path + "\x00plain\x00")
		argv := slices.Concat(le(file+100), le(file+101+uint64(len(path))), le(0))
		for addr, data := range map[uint64][]byte{file: argv, file + 100: text} {
			if _, err := p.WriteAt(addr, data); err != nil {
				t.Fatal(err)
			}
		}
		inject(t, th, unix.SYS_EXECVE, Arg{Data: []byte(path)}, Arg{Word: file}, Arg{})
		stop := p.Stop()
		if stop.Reason != ReasonExec || p.State() != Stopped || len(p.Threads()) != 1 || p.Argv()[1] != "plain" {
			t.Fatalf("stop = %s, argv %q", stop.Reason, p.Argv())
		}
		ld, err := p.linker()
		if err != nil {
			t.Fatal(err)
		}
		if pc := reg(t, p.Thread(), arch.RIP); pc != ld.Bias+ld.File.Entry() || pc != stop.PC {
			t.Errorf("pc %#x, stop's %#x, want the entry", pc, stop.PC)
		}
		if got := look(t, p.Thread()).mask; got != mask {
			t.Errorf("mask %#x, want %#x", got, mask)
		}
		if got := inject(t, p.Thread(), unix.SYS_GETPID); got != uint64(p.PID) {
			t.Errorf("getpid() = %d", got)
		}
		if stop := cont(t, p); stop.Reason != ReasonBreakpoint {
			t.Fatalf("stop = %s, want the breakpoint in the new program", stop.Reason)
		}
		wantExit(t, p, 3)
	}
}

// le returns the bytes of a word.
func le(w uint64) []byte { return binary.LittleEndian.AppendUint64(nil, w) }

// TestSyscallFork checks that the child goes on where the thread is: it waits for a
// child of its own, has none, and exits with 0.
func TestSyscallFork(t *testing.T) {
	p := injectableAt(t, "child", "here")
	before := look(t, p.Thread())
	child := inject(t, p.Thread(), unix.SYS_FORK)
	if child == 0 || child == uint64(p.PID) {
		t.Fatalf("fork() = %d", child)
	}
	wantSame(t, p.Thread(), before)
	wantExit(t, p, 10)
}

func TestSyscallInVfork(t *testing.T) {
	p := injectable(t, "vfork")
	if _, err := p.On(HookOptions{Reason: ReasonVfork}); err != nil {
		t.Fatal(err)
	}
	if stop := cont(t, p); stop.Reason != ReasonVfork {
		t.Fatalf("stop = %s, want vfork", stop.Reason)
	}
	if _, err := p.Syscall(unix.SYS_GETPID); !errors.Is(err, ErrVfork) {
		t.Errorf("Syscall: %v, want %v", err, ErrVfork)
	}
	if err := p.Stop().Held.Detach(0); err != nil {
		t.Fatal(err)
	}
	wantExit(t, p, 6)
}

// TestSyscallInFork injects where the kernel is inside fork.
func TestSyscallInFork(t *testing.T) {
	p := launch(t, "fork")
	if _, err := p.On(HookOptions{Reason: ReasonFork, Handler: func(s *Stop) (bool, error) {
		if got := inject(t, s.Thread, unix.SYS_GETPID); got != uint64(p.PID) {
			t.Errorf("getpid() = %d, want %d", got, p.PID)
		}
		return false, nil
	}}); err != nil {
		t.Fatal(err)
	}
	wantExit(t, p, 42)
}

// TestSyscallDoesNotDisturbSleep injects where system calls are to be restarted.
func TestSyscallDoesNotDisturbSleep(t *testing.T) {
	for _, name := range []string{"nap", "pollnap"} {
		p, target := asleep(t, name)
		for range 5 {
			before := look(t, p.Thread())
			if before.regs[arch.OrigRAX] == ^uint64(0) {
				t.Fatalf("%s: it is in no system call", name)
			}
			for range 3 {
				if got := inject(t, p.Thread(), unix.SYS_GETPID); got != uint64(p.PID) {
					t.Errorf("%s: getpid() = %d", name, got)
				}
			}
			wantSame(t, p.Thread(), before)
			stop, err := p.Cont(&MoveOptions{Timeout: 10 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if stop.Gone() {
				break // a slow machine
			}
		}
		if code, ended := p.ExitCode(); ended {
			if code != 0 {
				t.Errorf("%s: the sleep ended with exit code %d, want 0", name, code)
			}
			continue
		}
		if err := p.Detach(0); err != nil {
			t.Fatal(err)
		}
		if status := target.Wait(); status.ExitStatus() != 0 {
			t.Errorf("%s: the sleep ended with status %#x, want 0", name, status)
		}
	}
	p, target := asleep(t, "read")
	inject(t, p.Thread(), unix.SYS_GETPID)
	fmt.Fprint(target.Stdin, "!")
	wantExit(t, p, '!')
}

// TestSyscallAfterSleep checks what is said of two sleeps: the program's ends.
func TestSyscallAfterSleep(t *testing.T) {
	p, _ := asleep(t, "nap")
	nap := Arg{Data: make([]byte, 16)}
	inject(t, p.Thread(), unix.SYS_NANOSLEEP, nap, Arg{})
	wantExit(t, p, int(unix.EINTR))
}

func TestSyscallInStringInstruction(t *testing.T) {
	p := injectableAt(t, "copy", "copying")
	th := p.Thread()
	if err := p.Breakpoints()[0].Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := th.Step(100, nil); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		before := look(t, th)
		if before.regs[arch.RCX] == 0 || before.regs[arch.RCX] == 1<<16 {
			t.Fatalf("rcx = %d, want to be within the copy", before.regs[arch.RCX])
		}
		inject(t, th, unix.SYS_GETPID)
		wantSame(t, th, before)
		if _, err := th.Step(1, nil); err != nil {
			t.Fatal(err)
		}
	}
	wantExit(t, p, 0)
}

// TestInjectInRestartableSequence checks that a sequence that is interrupted is
// aborted when the thread is back in it.
func TestInjectInRestartableSequence(t *testing.T) {
	for name, disturb := range map[string]func(*Thread){
		"nothing": func(*Thread) {},
		"syscall": func(th *Thread) { inject(t, th, unix.SYS_GETPID) },
		"call":    func(th *Thread) { inferior(t, th, "work", Words(1)...) },
	} {
		p := injectableAt(t, "sequence", "critical")
		if err := p.Breakpoints()[0].Remove(); err != nil {
			t.Fatal(err)
		}
		disturb(p.Thread())
		if stop := cont(t, p); stop.ExitCode != 1 {
			t.Errorf("%s: %s with %d, want exit with 1", name, stop.Reason, stop.ExitCode)
		}
	}
}

// TestSyscallInThreads injects into each thread of a process, while the others
// sleep.
func TestSyscallInThreads(t *testing.T) {
	p := injectableAt(t, "threads", "here")
	for range 10 {
		for _, th := range p.Threads() {
			before := look(t, th)
			if got := inject(t, th, unix.SYS_GETTID); got != uint64(th.TID) {
				t.Errorf("gettid() = %d, want %d", got, th.TID)
			}
			wantSame(t, th, before)
		}
	}
	wantExit(t, p, 0)
}

// TestSyscallAtSystemCallEntry injects where the thread is about to make a system
// call of its own.
func TestSyscallAtSystemCallEntry(t *testing.T) {
	p := injectableAt(t, "plain", "here")
	th := p.Thread()
	if err := p.Breakpoints()[0].Remove(); err != nil {
		t.Fatal(err)
	}
	var call ptrace.SyscallInfo
	for call.Op != unix.PTRACE_SYSCALL_INFO_ENTRY {
		th.flush()
		th.regsRead = false
		if err := ptrace.Syscall(th.TID, 0); err != nil {
			t.Fatal(err)
		}
		if _, _, err := ptrace.Wait(th.TID, 0); err != nil {
			t.Fatal(err)
		}
		if err := ptrace.GetSyscallInfo(th.TID, &call); err != nil {
			t.Fatal(err)
		}
	}
	before := look(t, th)
	if got := inject(t, th, unix.SYS_GETPID); got != uint64(p.PID) {
		t.Errorf("getpid() = %d", got)
	}
	wantSame(t, th, before)
	if err := ptrace.GetSyscallInfo(th.TID, &call); err != nil || call.Op != unix.PTRACE_SYSCALL_INFO_ENTRY {
		t.Errorf("op %d, %v, want the entry", call.Op, err)
	}
	wantExit(t, p, 3)
}

// TestSyscallLeavesNothing checks that injected calls leave no trace in an attached
// process.
func TestSyscallLeavesNothing(t *testing.T) {
	p, target := asleep(t, "nap")
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", p.PID))
	if err != nil {
		t.Fatal(err)
	}
	inject(t, p.Thread(), unix.SYS_GETPID)
	if after, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", p.PID)); err != nil || !bytes.Equal(maps, after) {
		t.Errorf("%v, mappings were\n%s and are\n%s", err, maps, after)
	}
	if err := p.Detach(0); err != nil {
		t.Fatal(err)
	}
	if status := target.Wait(); status.ExitStatus() != 0 {
		t.Errorf("status %#x", status)
	}
}

//go:build linux && amd64

package tracer

import (
	"bufio"
	"errors"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/syscalls"
)

// TestFilter plays tests of system calls on programs that are launched with a filter
// of all.
func TestFilter(t *testing.T) {
	for _, name := range syscalls.Names() {
		nr, _ := syscalls.Number(name)
		filterCalls = append(filterCalls, nr)
	}
	defer func() { filterCalls = nil }()
	for name, test := range map[string]func(*testing.T){
		"args and results": TestSyscallArgsAndResults,
		"threads":          TestSyscallsOfThreads,
		"new threads":      TestSyscallsOfNewThreads,
		"interrupted":      TestInterruptedSyscallsHaveOneEntry,
		"sleep":            TestSleepIsInterrupted,
		"kill":             TestKillAtSyscall,
		"handler":          TestHandlerInSyscall,
		"injected":         TestSignalInjectedAtSyscall,
		"exec":             TestSyscallsAroundExec,
		"exec in a thread": TestExecEndsOtherCalls,
		"children":         TestSyscallsOfChildren,
		"compat":           TestCompatSyscall,
		"hook removed":     TestSyscallHookRemoved,
		"hook again":       TestSyscallHookAgain,
		"many":             TestManySyscalls,
		"rip written":      TestRipWrittenAtSyscall,
		"replaced":         TestReplaceSyscall,
		"replaced is seen": TestReplacedSyscallIsSeen,
		"step":             TestStepSyscall,
		"step stops":       TestStepStopsAtSyscall,
		"breakpoint":       TestBreakpointOnSyscall,
		"signals":          TestSignalsInSyscalls,
		"steps":            TestStepsThroughSyscalls,
	} {
		t.Run(name, test)
	}
}

// launchFiltered starts a shell whose files are filtered. It returns what the shell
// and its children print.
func launchFiltered(t testing.TB, tr *Tracer, script string) (*Process, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	files, _ := syscalls.Group("%file")
	p, err := tr.Launch([]string{"/bin/sh", "-c", script}, &LaunchOptions{Stdout: w, Filter: files})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return p, r
}

// TestFilterStopsNothingElse checks that a hook for filtered calls leaves the rest
// alone, and one for others does not.
func TestFilterStopsNothingElse(t *testing.T) {
	p, _ := launchFiltered(t, newTracer(t), "exit 3")
	files := record(t, p, unix.SYS_OPENAT, unix.SYS_EXECVE)
	if p.tracesCalls {
		t.Error("all calls are traced for one that the filter stops")
	}
	more := onCall(t, p, Enter, nil, unix.SYS_OPENAT, unix.SYS_EXIT_GROUP)
	if !p.tracesCalls {
		t.Error("a hook for a call that the filter does not stop gets nothing")
	}
	if stop := cont(t, p); stop.Syscall == nil || stop.Syscall.Nr != unix.SYS_OPENAT || len(*files) != 1 {
		t.Errorf("stop = %s, after %q", stop.Reason, *files)
	}
	more.Remove()
	if p.tracesCalls {
		t.Error("all calls are traced for a hook that was removed")
	}
	wantExit(t, p, 3)
	if opened := slices.DeleteFunc(*files, func(s string) bool { return !strings.Contains(s, "openat") }); len(opened) < 2 || len(opened)%2 != 0 {
		t.Errorf("saw %q, want pairs", opened)
	}
}

// TestFilterAndChildren has children make filtered calls, which would fail if nobody
// answered for them.
func TestFilterAndChildren(t *testing.T) {
	p, r := launchFiltered(t, newTracer(t), "(cat /etc/hostname >/dev/null && kill -STOP $$ && kill -CONT $$ && echo one) & (ls / | cat >/dev/null && echo two); wait; echo three")
	opens := 0
	onCall(t, p, Enter, func(s *Stop) (bool, error) { opens++; return false, nil }, unix.SYS_OPENAT)
	wantExit(t, p, 0)
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"one", "two", "three"} {
		if !strings.Contains(string(out), word) {
			t.Errorf("the shell and its children printed %q, want %s too", out, word)
		}
	}
	if opens == 0 {
		t.Error("the shell opened nothing")
	}
}

// TestFilterAndForkHook declines a child that was held.
func TestFilterAndForkHook(t *testing.T) {
	p, r := launchFiltered(t, newTracer(t), "cat /dev/null && (ls / >/dev/null; echo done)")
	forks := 0
	if _, err := p.On(HookOptions{Reason: ReasonFork, Handler: func(s *Stop) (bool, error) {
		forks++
		if err := s.Held.Detach(0); !errors.Is(err, ErrFiltered) {
			t.Errorf("detach of a child: %v, want %v", err, ErrFiltered)
		}
		return false, nil
	}}); err != nil {
		t.Fatal(err)
	}
	wantExit(t, p, 0)
	if out, err := io.ReadAll(r); string(out) != "done\n" || err != nil || forks == 0 {
		t.Errorf("printed %q, %v, after %d forks", out, err, forks)
	}
}

// TestFilterCannotBeDetached checks that a process with a filter is not let go, and
// that what it leaves behind ends with the tracer.
func TestFilterCannotBeDetached(t *testing.T) {
	tr, err := New()
	if err != nil {
		t.Fatal(err)
	}
	p, r := launchFiltered(t, tr, "sleep 1000 >/dev/null & echo $!")
	if err := p.Detach(0); !errors.Is(err, ErrFiltered) {
		t.Errorf("detach: %v, want %v", err, ErrFiltered)
	}
	wantExit(t, p, 0)
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	if status, err := procfs.Status(pid); err == nil && status.State != 'Z' {
		t.Errorf("process %d is left in state %c", pid, status.State)
	}
}

// TestFilterPrivileges checks that privileges are renounced only where a filter
// needs it.
func TestFilterPrivileges(t *testing.T) {
	noNewPrivs := func() string {
		p, r := launchFiltered(t, newTracer(t), "grep NoNewPrivs /proc/$$/status")
		wantExit(t, p, 0)
		out, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(strings.TrimPrefix(string(out), "NoNewPrivs:"))
	}
	if os.Getuid() == 0 {
		if got := noNewPrivs(); got != "0" {
			t.Errorf("as root NoNewPrivs = %s, want 0", got)
		}
		const nobody = 65534
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		become := func(uid int) {
			if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(uid), uintptr(uid), ^uintptr(0)); errno != 0 {
				t.Fatal(errno)
			}
		}
		become(nobody)
		defer become(0)
	}
	if got := noNewPrivs(); got != "1" {
		t.Errorf("as a user NoNewPrivs = %s, want 1", got)
	}
}

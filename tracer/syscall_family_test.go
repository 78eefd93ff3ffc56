//go:build linux && amd64

package tracer

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/syscalls"
)

// TestSyscallsOfThreads checks that each thread's calls come in order and that none
// is lost or seen twice, while threads stop each other all the time.
func TestSyscallsOfThreads(t *testing.T) {
	const n = 300
	p := launchCalls(t, "threads", fmt.Sprint(n))
	inside := make(map[int]bool)
	next := make(map[int]uint64)
	onCall(t, p, 0, func(s *Stop) (bool, error) {
		tid, c := s.Thread.TID, s.Syscall
		if c.Args[0] != next[tid] || inside[tid] != (c.Phase == Exit) {
			t.Errorf("thread %d: %s, want call %d", tid, describe(s), next[tid])
		}
		if c.Phase == Exit {
			if c.Ret != int64(unix.Getpid()) {
				t.Errorf("thread %d: getppid = %d", tid, c.Ret)
			}
			next[tid]++
		}
		inside[tid] = c.Phase == Enter
		return next[tid]%10 == 0, nil
	}, unix.SYS_GETPPID)
	for stop := p.Stop(); !stop.Gone(); {
		stop = cont(t, p)
		if !stop.Gone() && stop.Reason != ReasonSyscall {
			t.Fatalf("stop = %s, want syscall", stop.Reason)
		}
	}
	if len(next) != 8 {
		t.Errorf("%d threads made calls, want 8", len(next))
	}
	for tid, calls := range next {
		if calls != n {
			t.Errorf("thread %d: %d calls, want %d", tid, calls, n)
		}
	}
}

func TestSyscallsAroundExec(t *testing.T) {
	p := launchCalls(t, "exec")
	var seen []string
	onCall(t, p, 0, func(s *Stop) (bool, error) {
		seen = append(seen, fmt.Sprintf("%s %s %d leader %t", s.Syscall.Phase, s.Syscall.Name(), s.Syscall.Ret, s.Thread.TID == p.PID))
		return false, nil
	}, unix.SYS_EXECVE)
	if stop := cont(t, p); stop.Reason != ReasonExec {
		t.Fatalf("stop = %s, want exec", stop.Reason)
	}
	seen = append(seen, "exec")
	onCall(t, p, Exit, func(s *Stop) (bool, error) {
		seen = append(seen, s.Syscall.Name())
		return false, nil
	}, unix.SYS_GETPPID)
	wantExit(t, p, 0)
	wantSeen(t, seen, []string{"enter execve 0 leader false", "exec", "exit execve 0 leader true", "getppid", "getppid", "getppid"})
}

// TestExecEndsOtherCalls checks that a call whose thread an exec ends is not taken
// for the new program's.
func TestExecEndsOtherCalls(t *testing.T) {
	for range 20 {
		p := launchCalls(t, "exec", "3")
		onCall(t, p, 0, func(s *Stop) (bool, error) {
			switch regs, err := s.Thread.Regs(); {
			case err != nil:
				t.Error(err)
			case s.Syscall.Phase == Enter && regs[arch.OrigRAX] != uint64(s.Syscall.Nr):
				t.Errorf("thread %d: %s, but orig_rax is %d", s.Thread.TID, describe(s), regs[arch.OrigRAX])
			}
			return false, nil
		})
		if stop := cont(t, p); stop.Reason != ReasonExec {
			t.Fatalf("stop = %s, want exec", stop.Reason)
		}
		wantExit(t, p, 0)
	}
}

// TestSyscallsOfChildren sees those of the parent alone.
func TestSyscallsOfChildren(t *testing.T) {
	p := launchCalls(t, "children")
	var seen []string
	children := []int{}
	for _, reason := range []Reason{ReasonFork, ReasonVfork} {
		if _, err := p.On(HookOptions{Reason: reason, Handler: func(s *Stop) (bool, error) {
			seen = append(seen, s.Reason.String())
			children = append(children, s.Child)
			return false, nil
		}}); err != nil {
			t.Fatal(err)
		}
	}
	onCall(t, p, 0, func(s *Stop) (bool, error) {
		seen = append(seen, fmt.Sprintf("%s %s", s.Syscall.Phase, s.Syscall.Name()))
		if s.Syscall.Phase == Exit && (len(children) == 0 || s.Syscall.Ret != int64(children[len(children)-1])) {
			t.Errorf("%s, want the child of %v", describe(s), children)
		}
		return false, nil
	}, unix.SYS_FORK, unix.SYS_VFORK, unix.SYS_GETPPID)
	wantExit(t, p, 0)
	wantSeen(t, seen, []string{"enter fork", "fork", "exit fork", "enter vfork", "vfork", "exit vfork"})
}

// TestSyscallHookInVfork asks for system calls while a thread waits in one.
func TestSyscallHookInVfork(t *testing.T) {
	p := launchCalls(t, "children")
	var seen []string
	if _, err := p.On(HookOptions{Reason: ReasonVfork, Handler: func(s *Stop) (bool, error) {
		onCall(t, p, 0, func(s *Stop) (bool, error) {
			seen = append(seen, fmt.Sprintf("%s %s", s.Syscall.Phase, s.Syscall.Name()))
			return false, nil
		}, unix.SYS_VFORK, unix.SYS_GETPPID)
		return false, nil
	}}); err != nil {
		t.Fatal(err)
	}
	wantExit(t, p, 0)
	wantSeen(t, seen, []string{"exit vfork"})
}

func TestSyscallsOfNewThreads(t *testing.T) {
	p := launchCalls(t, "threads", "1")
	process, _ := syscalls.Group("%process")
	entries, exits, ends := 0, 0, 0
	onCall(t, p, 0, func(s *Stop) (bool, error) {
		switch name := s.Syscall.Name(); {
		case name == "exit" || name == "exit_group":
			if s.Syscall.Phase == Exit {
				t.Errorf("%s returns", name)
			}
			ends++
		case s.Syscall.Phase == Enter:
			entries++
		default:
			exits++
			if s.Syscall.Ret <= int64(p.PID) {
				t.Error(describe(s), "want a thread ID")
			}
		}
		return false, nil
	}, process...)
	wantExit(t, p, 0)
	if entries != 8 || exits != 8 || ends != 9 {
		t.Errorf("%d threads made, %d returns, %d ends; want 8, 8 and with the process 9", entries, exits, ends)
	}
}

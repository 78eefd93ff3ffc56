//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// Attach stops every thread of a running process and returns it. A process that
// job control has stopped stays so when it is let go. The process lives on when
// the tracer is closed.
func (tr *Tracer) Attach(pid int) (*Process, error) {
	if tr.hearing {
		return nil, fmt.Errorf("attach to %d: %w", pid, ErrRunning)
	}
	if err := attachable(pid); err != nil {
		return nil, fmt.Errorf("attach to %d: %w", pid, err)
	}
	p := tr.newProcess(pid)
	p.seizing = true
	if err := p.seizeAll(); err != nil {
		p.stopAll()
		p.Detach(0)
		return nil, fmt.Errorf("attach to %d: %w", pid, err)
	}
	if p.state == Exited {
		return nil, fmt.Errorf("attach to %d: %w", pid, ErrExited)
	}
	p.report(&Stop{Reason: ReasonInterrupt, Process: p, Thread: p.Thread()})
	return p, nil
}

// attachable says why a process cannot be traced, as far as /proc tells.
func attachable(pid int) error {
	if pid <= 0 {
		return unix.ESRCH
	}
	if pid == os.Getpid() {
		return fmt.Errorf("%w: a process cannot trace itself", unix.EINVAL)
	}
	status, err := statusOf(pid)
	switch {
	case procfs.Gone(err):
		return unix.ESRCH
	case err != nil:
		return err
	case status.Tgid != pid:
		return fmt.Errorf("%w: it is a thread of process %d", unix.ESRCH, status.Tgid)
	case hasExited(status):
		return fmt.Errorf("%w: it has exited already", unix.ESRCH)
	case status.TracerPid != 0:
		tracer, _ := procfs.Comm(status.TracerPid)
		return fmt.Errorf("%w: it is traced already, by process %d (%s)", unix.EBUSY, status.TracerPid, tracer)
	}
	if kernel, _ := procfs.IsKernelThread(pid); kernel {
		return fmt.Errorf("%w: it is a kernel thread", unix.EINVAL)
	}
	return nil
}

// statusOf returns the status of a process. It looks again while it sees the former
// leader of one in which another thread makes an exec.
func statusOf(pid int) (*procfs.TaskStatus, error) {
	for {
		status, err := procfs.Status(pid)
		if err != nil || status.Threads > 0 && status.State != 'X' {
			return status, err
		}
	}
}

// hasExited reports whether a process has, and not only its leader.
func hasExited(status *procfs.TaskStatus) bool {
	return status.State == 'Z' && status.Threads == 1
}

// seizeAll attaches to all threads and stops them. Threads that are born
// meanwhile are children of seized ones, or found by looking again.
func (p *Process) seizeAll() error {
	// A process whose threads have all ended has exited, or it is in an exec: the
	// thread that makes it becomes the leader then.
	for found := true; found || len(p.Threads()) == 0; {
		found = false
		if status, err := statusOf(p.PID); err != nil || hasExited(status) {
			return unix.ESRCH
		}
		tids, err := procfs.Tasks(p.PID)
		if err != nil {
			if procfs.Gone(err) {
				err = unix.ESRCH
			}
			return err
		}
		for _, tid := range tids {
			t := p.tr.threads[tid]
			if t != nil && t.state != threadLeft {
				continue
			}
			missed, err := p.seize(tid)
			switch {
			case missed:
				if tid == p.PID && t == nil {
					p.addThread(tid).state = threadLeft
				}
			case err == nil:
				found = true
				if t == nil {
					t = p.addThread(tid)
				}
				t.state = threadRunning // it may be another one that has the leader's ID now
			case err != unix.ESRCH:
				return p.explain(err)
			}
		}
		if last, err := p.stopAll(); last != nil || err != nil {
			return err
		}
		for _, t := range p.threads {
			if t.state == threadStopped && t.dying() {
				t.state, found = threadRunning, true // killed by the exec of one that is not traced yet
			}
		}
	}
	p.seizing = false
	for _, t := range p.threads {
		ptrace.SetOptions(t.TID, traceOptions)
		if t.pending != nil && t.pending.Reason == ReasonExec {
			t.pending = nil // the program that was met at its start
		}
	}
	if err := p.openMemory(); err != nil {
		return err
	}
	p.sites = make(map[uint64]*site)
	p.exe, _ = procfs.Exe(p.task())
	p.argv, _ = procfs.Cmdline(p.task())
	if main, err := p.MainImage(); err != nil {
		return err
	} else if main.Err != nil {
		return main.Err
	}
	return nil
}

// permitted reports whether a process may be traced: opening its memory asks what
// attaching does (ptrace_may_access).
func permitted(id int) bool {
	mem, err := os.Open(procfs.Path(id, "mem"))
	if err == nil {
		mem.Close()
	}
	return !errors.Is(err, os.ErrPermission)
}

// explain adds to a refusal what can be done about it.
func (p *Process) explain(err error) error { return explain(p.PID, err) }

func explain(pid int, err error) error {
	if err != unix.EPERM {
		return err
	}
	scope, _ := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope")
	switch strings.TrimSpace(string(scope)) {
	case "1":
		return fmt.Errorf("%w: /proc/sys/kernel/yama/ptrace_scope is 1, so only children may be traced: run as root, grant CAP_SYS_PTRACE, or have the target call prctl(PR_SET_PTRACER)", err)
	case "2":
		return fmt.Errorf("%w: /proc/sys/kernel/yama/ptrace_scope is 2: run as root or grant CAP_SYS_PTRACE", err)
	case "3":
		return fmt.Errorf("%w: /proc/sys/kernel/yama/ptrace_scope is 3: nothing may be traced until the next boot", err)
	}
	if status, statusErr := procfs.Status(pid); statusErr == nil && status.Uid != os.Getuid() {
		return fmt.Errorf("%w: it belongs to user %d: run as that user or as root, or grant CAP_SYS_PTRACE", err, status.Uid)
	}
	return fmt.Errorf("%w: it gained privileges, is not dumpable, or a container forbids it: run as root or grant CAP_SYS_PTRACE", err)
}

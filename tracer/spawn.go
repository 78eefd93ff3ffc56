//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/syscalls"
)

// spawn starts a program and returns its process ID. It is stopped where it begins. If it
// fails, no process is there.
func spawn(path string, argv []string, o *LaunchOptions) (int, error) {
	child, err := conceive(path, argv, o)
	if err != nil {
		return 0, err
	}
	if err := child.Start(); err != nil {
		return 0, fmt.Errorf("make a process: %w", err)
	}
	err = raise(child, o)
	runtime.KeepAlive(child)
	if err != nil {
		unix.Kill(child.PID, unix.SIGKILL)
		for waited := error(nil); waited == nil; {
			if _, waited = expectStop(child.PID, 0); waited == nil { // until it has ended
				ptrace.Cont(child.PID, 0) // from where it reports that it is about to
			}
		}
		return 0, err
	}
	return child.PID, nil
}

// conceive returns the child that is to become the program.
func conceive(path string, argv []string, o *LaunchOptions) (*ptrace.Child, error) {
	env := o.Env
	if env == nil {
		env = os.Environ()
	}
	program, err1 := ptrace.String(path)
	args, err2 := ptrace.Strings(argv)
	vars, err3 := ptrace.Strings(env)
	dir, err4 := ptrace.String(o.Dir)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, unix.EINVAL
	}
	child := ptrace.NewChild()
	switch {
	case o.Session:
		child.Call(unix.SYS_SETSID)
	case o.Group:
		child.Call(unix.SYS_SETPGID, ptrace.Word(0), ptrace.Word(0))
	}
	if o.Dir != "" {
		child.Call(unix.SYS_CHDIR, dir)
	}
	redirect(child, o)
	if o.Session {
		child.Call(unix.SYS_IOCTL, ptrace.Word(0), ptrace.Word(unix.TIOCSCTTY), ptrace.Word(1))
	}
	child.RestoreFiles()
	if !o.ASLR {
		const addrNoRandomize, query = 0x0040000, 0xffffffff
		old, err := ptrace.Personality(query)
		if err != nil {
			return nil, fmt.Errorf("turn address randomisation off: %w (launch with aslr=True)", err)
		}
		child.Call(unix.SYS_PERSONALITY, ptrace.Word(int(old|addrNoRandomize)))
	}
	child.Call(unix.SYS_EXECVE, program, args, vars)
	return child, nil
}

// redirect has the child make its streams of those that the options give it. Those that
// another one's number is needed for move out of the way first.
func redirect(child *ptrace.Child, o *LaunchOptions) {
	fds := [3]int{}
	free := len(fds)
	for i, f := range []*os.File{o.Stdin, o.Stdout, o.Stderr} {
		if f == nil {
			f = [...]*os.File{os.Stdin, os.Stdout, os.Stderr}[i]
		}
		fds[i] = int(f.Fd())
		free = max(free, fds[i]+1)
	}
	for i, fd := range fds {
		if fd >= 0 && fd < i {
			child.Call(unix.SYS_DUP3, ptrace.Word(fd), ptrace.Word(free), ptrace.Word(unix.O_CLOEXEC))
			fds[i] = free
			free++
		}
	}
	for i, fd := range fds {
		switch fd {
		case -1:
			child.Try(unix.SYS_CLOSE, ptrace.Word(i))
		case i:
			child.Call(unix.SYS_FCNTL, ptrace.Word(i), ptrace.Word(unix.F_SETFD), ptrace.Word(0))
		default:
			child.Call(unix.SYS_DUP3, ptrace.Word(fd), ptrace.Word(i), ptrace.Word(0))
		}
	}
}

// raise has the child become the program, traced, and stops it at its first instruction.
func raise(child *ptrace.Child, o *LaunchOptions) error {
	options := traceOptions | unix.PTRACE_O_EXITKILL
	if o.Filter != nil {
		options |= unix.PTRACE_O_TRACESECCOMP
	}
	pid := child.PID
	err := ptrace.Seize(pid, options)
	switch err {
	case nil:
		child.Release()
		err = awaitProgram(child)
	case unix.EPERM:
		// What it shares with this program may not be looked at, as after a change of
		// user. It has memory of its own when it has begun.
		child.Volunteer()
		child.Release()
		if _, err = expectStop(pid, 0); err == nil {
			ptrace.SetSigmask(pid, child.Sigmask)
			err = seizeVolunteer(pid, options)
		}
	}
	if err != nil {
		return blame(child, err)
	}
	for _, l := range o.Limits {
		limit := unix.Rlimit{Cur: l.Value, Max: l.Value}
		if err := unix.Prlimit(pid, l.Resource, &limit, nil); err != nil {
			return fmt.Errorf("set limit %d to %d: %w", l.Resource, l.Value, err)
		}
	}
	return nil
}

// awaitProgram waits until a child that is seized has become the program.
func awaitProgram(child *ptrace.Child) error {
	pid := child.PID
	stopped := false // by a SIGSTOP, which alone it cannot block
	for event := 0; event != unix.PTRACE_EVENT_EXEC; {
		status, err := expectStop(pid, 0)
		if err != nil {
			return err
		}
		if event = eventOf(status); event == unix.PTRACE_EVENT_EXEC {
			ptrace.Interrupt(pid) // it is in the kernel still
		} else if status.StopSignal() == unix.SIGSTOP {
			stopped = true
			unix.Kill(pid, unix.SIGCONT) // which the SIGSTOP that comes after the exec undoes
		}
		ptrace.Cont(pid, 0) // if it has been killed, the next wait says so
	}
	if _, err := expectStop(pid, 0); err != nil {
		return err
	}
	if stopped {
		unix.Kill(pid, unix.SIGSTOP)
	}
	return ptrace.SetSigmask(pid, child.Sigmask)
}

// seizeVolunteer turns the child's PTRACE_TRACEME into PTRACE_SEIZE, which alone
// can interrupt and listen: the child is let go into a stop, seized there, and
// woken with a SIGCONT that it never sees.
func seizeVolunteer(pid, options int) error {
	if err := ptrace.Detach(pid, int(unix.SIGSTOP)); err != nil {
		return err
	}
	if _, err := expectStop(pid, unix.WUNTRACED); err != nil {
		return err
	}
	if err := ptrace.Seize(pid, options); err != nil {
		return err
	}
	if _, err := expectStop(pid, 0); err != nil {
		return err
	}
	if err := unix.Kill(pid, unix.SIGCONT); err != nil {
		return err
	}
	for status := unix.WaitStatus(0); status>>8 != unix.WaitStatus(unix.SIGCONT); {
		if err := ptrace.Cont(pid, 0); err != nil {
			return err
		}
		var err error
		if status, err = expectStop(pid, 0); err != nil {
			return err
		}
	}
	if err := ptrace.Interrupt(pid); err != nil {
		return err
	}
	if err := ptrace.Cont(pid, 0); err != nil {
		return err
	}
	_, err := expectStop(pid, 0)
	return err
}

// blame returns why a child has not become the program: it failed to do something, or err.
func blame(child *ptrace.Child, err error) error {
	switch nr, failure := child.Failed(); {
	case failure == nil:
		return err
	case nr == unix.SYS_EXECVE:
		return failure
	case nr == unix.SYS_PTRACE:
		return fmt.Errorf("trace it: %w", explain(child.PID, failure))
	case nr == unix.SYS_PERSONALITY:
		return fmt.Errorf("turn address randomisation off: %w (launch with aslr=True)", failure)
	default:
		return fmt.Errorf("%s: %w", syscalls.Name(nr), failure)
	}
}

//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/unwind"
	"github.com/tracelark/tracelark/tracer/value"
)

// An Observed is a process that is looked at while it runs, without ptrace and without
// being stopped. What is read may change while it is read.
type Observed struct {
	target
	PID int

	exe   string
	argv  []string
	pidfd *os.File // is closed when nobody has it any more
}

// An ObservedThread is a thread of an Observed.
type ObservedThread struct {
	TID int
	o   *Observed
}

// ErrRuns is the error for the registers and the stack of a thread that runs: the kernel
// tells those of a sleeping one only.
var ErrRuns = errors.New("the thread is running: only of one that sleeps in the kernel are the pc and the stack pointer known without stopping it")

// errObserved is the error for what an Observed cannot have.
var errObserved = errors.New("it is not known of a process that is observed: attach to it")

// Observe returns a running process to look at. It asks for what attaching does, but a
// process that is traced can be observed too.
func (tr *Tracer) Observe(pid int) (*Observed, error) {
	o, err := tr.observe(pid)
	if err != nil {
		return nil, fmt.Errorf("observe %d: %w", pid, err)
	}
	return o, nil
}

func (tr *Tracer) observe(pid int) (*Observed, error) {
	if pid <= 0 {
		return nil, unix.ESRCH
	}
	status, err := statusOf(pid)
	switch {
	case procfs.Gone(err):
		return nil, unix.ESRCH
	case err != nil:
		return nil, err
	case status.Tgid != pid:
		return nil, fmt.Errorf("%w: it is a thread of process %d", unix.ESRCH, status.Tgid)
	case hasExited(status):
		return nil, fmt.Errorf("%w: it has exited already", unix.ESRCH)
	}
	if kernel, _ := procfs.IsKernelThread(pid); kernel {
		return nil, fmt.Errorf("%w: it is a kernel thread", unix.EINVAL)
	}
	o := &Observed{PID: pid, target: target{tr: tr}}
	o.of = o
	if !permitted(pid) {
		return nil, explain(pid, unix.EPERM)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, err
	}
	o.pidfd = os.NewFile(uintptr(fd), "pidfd")
	o.exe, _ = procfs.Exe(pid)
	o.argv, _ = procfs.Cmdline(pid)
	return o, nil
}

// Exe returns the path of the program that ran when the process was observed first.
func (o *Observed) Exe() string { return o.exe }

// Argv returns its arguments.
func (o *Observed) Argv() []string { return o.argv }

// Running reports whether the process has not exited.
func (o *Observed) Running() bool { return o.held() == nil }

// held implements subject. That the process is the same, and not another one with its
// ID, is known of the pidfd.
func (o *Observed) held() error {
	fds := []unix.PollFd{{Fd: int32(o.pidfd.Fd()), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, 0); n > 0 && err == nil {
		return ErrExited
	}
	return nil
}

func (o *Observed) id() int                                    { return o.PID }
func (o *Observed) epoch() uint64                              { return 0 }
func (o *Observed) auxv() map[uint64]uint64                    { auxv, _ := procfs.Auxv(o.PID); return auxv }
func (o *Observed) open(m procfs.Mapping) (*image.File, error) { return image.OpenMapped(o.PID, m) }

func (o *Observed) registers() (*arch.Regs, error) {
	threads := o.Threads()
	if len(threads) == 0 {
		return nil, ErrExited
	}
	return threads[0].Regs()
}

func (o *Observed) searchable() ([]procfs.Mapping, *pagemap, error) {
	maps, err := o.Maps()
	if err != nil {
		return nil, nil, err
	}
	return maps, openPagemap(o.PID), nil
}

// ReadAt reads memory, with breakpoints of whoever traces the process. It returns the
// number of bytes read; where that is less than len(buf), the error says why.
func (o *Observed) ReadAt(addr uint64, buf []byte) (int, error) {
	err := o.held()
	done := 0
	for err == nil && done < len(buf) {
		var n int
		if n, err = ptrace.ReadMemory(o.PID, addr+uint64(done), buf[done:]); n == 0 && err == nil {
			err = unix.EFAULT
		}
		done += n
	}
	if err != nil {
		err = &Error{Op: "read", TID: o.PID, Addr: addr + uint64(done), At: true, Err: err}
	}
	return done, err
}

// Maps returns the process's mappings in order of address.
func (o *Observed) Maps() ([]procfs.Mapping, error) {
	err := o.held()
	var maps []procfs.Mapping
	if err == nil {
		maps, err = procfs.Maps(o.PID)
	}
	if err != nil {
		return nil, &Error{Op: "maps", TID: o.PID, Err: err}
	}
	return maps, nil
}

// look has what is mapped be asked for again: the process moves all the time.
func (o *Observed) look() { o.images.epoch = 1 }

// Images returns the ELF files that are mapped for execution, as Process.Images does.
func (o *Observed) Images() ([]*image.Image, error) {
	o.look()
	return o.target.Images()
}

// Addr returns the address of a location, as Process.Addr does.
func (o *Observed) Addr(loc string) (uint64, error) {
	o.look()
	return o.target.Addr(loc)
}

// ImageAt returns the image that is mapped at an address.
func (o *Observed) ImageAt(addr uint64) (*image.Image, bool) {
	img, ok := o.target.ImageAt(addr)
	if !ok {
		o.look()
		img, ok = o.target.ImageAt(addr)
	}
	return img, ok
}

// Threads returns the threads that there are now, the oldest first.
func (o *Observed) Threads() []*ObservedThread {
	if o.held() != nil {
		return nil
	}
	tids, _ := procfs.Tasks(o.PID)
	threads := make([]*ObservedThread, len(tids))
	for i, tid := range tids {
		threads[i] = &ObservedThread{tid, o}
	}
	return threads
}

// Name returns the name of the thread, or "" if it is gone.
func (t *ObservedThread) Name() string {
	name, _ := procfs.Comm(t.TID)
	return name
}

// State returns what the thread does: "running", "sleeping", "waiting" for a device,
// "stopped", "traced" or "exited".
func (t *ObservedThread) State() string {
	state, err := procfs.State(t.TID)
	if err != nil || t.o.held() != nil {
		return "exited"
	}
	switch state {
	case 'R':
		return "running"
	case 'S', 'I':
		return "sleeping"
	case 'D':
		return "waiting"
	case 'T':
		return "stopped"
	case 't':
		return "traced"
	}
	return "exited"
}

// Call returns the system call in which the thread sleeps, or nil if it sleeps in
// none. The error is ErrRuns if it runs.
func (t *ObservedThread) Call() (*Syscall, error) {
	sleep, err := t.sleep("system call")
	if err != nil || sleep.Call == nil {
		return nil, err
	}
	return &Syscall{Nr: sleep.Call.Nr, Args: sleep.Call.Args, Phase: Enter}, nil
}

func (t *ObservedThread) sleep(op string) (*procfs.Sleep, error) {
	err := t.o.held()
	var sleep *procfs.Sleep
	if err == nil {
		sleep, err = procfs.SleepOf(t.TID)
	}
	switch {
	case procfs.Gone(err):
		err = ErrThread
	case err == nil && sleep == nil:
		err = ErrRuns
	}
	if err != nil {
		return nil, &Error{Op: op, TID: t.TID, Err: err}
	}
	return sleep, nil
}

// known returns the registers that the kernel tells of a sleeping thread.
func (t *ObservedThread) known() (*arch.Regs, unwind.RegSet, error) {
	sleep, err := t.sleep("read registers")
	if err != nil {
		return nil, 0, err
	}
	regs := new(arch.Regs)
	known := unwind.SetOf(arch.RIP, arch.RSP)
	regs[arch.RIP], regs[arch.RSP] = sleep.PC, sleep.SP
	if sleep.Call != nil {
		args := [...]arch.Reg{arch.RDI, arch.RSI, arch.RDX, arch.R10, arch.R8, arch.R9}
		for i, r := range args {
			regs[r] = sleep.Call.Args[i]
		}
		regs[arch.OrigRAX] = uint64(sleep.Call.Nr)
		known |= unwind.SetOf(arch.OrigRAX) | unwind.SetOf(args[:]...)
	}
	return regs, known, nil
}

// Regs returns the general registers of a thread that sleeps, 0 for those that are not
// known: all but the pc, the stack pointer and the arguments of its system call.
func (t *ObservedThread) Regs() (*arch.Regs, error) {
	regs, _, err := t.known()
	return regs, err
}

// Frames returns the stack of a thread that sleeps, as Thread.Frames does. It is as good
// as the few registers that are known allow, and that the thread sleeps on meanwhile.
func (t *ObservedThread) Frames(max int) ([]*Frame, error) {
	regs, known, err := t.known()
	if err != nil {
		return nil, err
	}
	t.o.look()
	return t.o.stack(t, regs, known, max, 0)
}

// XReg returns an error: nobody tells.
func (t *ObservedThread) XReg(r *arch.XRegister) ([]byte, error) {
	return nil, &Error{Op: "read " + r.Name, TID: t.TID, Err: errObserved}
}

// DebugReg returns an error: nobody tells.
func (t *ObservedThread) DebugReg(n int) (uint64, error) {
	return 0, &Error{Op: fmt.Sprintf("read dr%d", n), TID: t.TID, Err: errObserved}
}

// Sigmask returns the signals that the thread blocks, bit n-1 for signal n.
func (t *ObservedThread) Sigmask() (uint64, error) {
	status, err := procfs.Status(t.TID)
	if err != nil {
		return 0, &Error{Op: "sigmask", TID: t.TID, Err: ErrThread}
	}
	return status.SigBlk, nil
}

// Var returns a variable outside of functions, as Process.Var does.
func (o *Observed) Var(name string) (*value.Value, error) {
	threads := o.Threads()
	if len(threads) == 0 {
		return nil, &Error{Op: "var", TID: o.PID, Err: ErrExited}
	}
	return threads[0].Var(name)
}

// Var returns a variable outside of functions, or of the thread's own.
func (t *ObservedThread) Var(name string) (*value.Value, error) { return t.o.variable(name, nil, t) }

// Scope returns what values are read from that belong to no frame.
func (o *Observed) Scope() value.Context { return o.scope(nil, nil, nil) }

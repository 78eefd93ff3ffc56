//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// LaunchOptions describe how a program is started. Nil and the zero value mean:
// the tracer's environment, directory and streams, a layout of the address space
// that is the same each time.
type LaunchOptions struct {
	Env                   []string // as os.Environ; nil is the tracer's own
	Dir                   string
	Stdin, Stdout, Stderr *os.File // nil is the tracer's own
	Session               bool     // of its own, whose controlling terminal is Stdin
	Group                 bool     // a process group of its own, which a session brings anyway
	ASLR                  bool     // let the kernel randomise the address space
	Limits                []Limit  // apply from the first instruction on
	NoPin                 bool     // never share a CPU with the target
	// Filter has the numbers of system calls for which hooks come cheaply: a
	// seccomp filter stops the process for them, and hooks that ask for no others
	// cost the rest of its calls nothing. It cannot be taken away, so neither the
	// process nor its children can be let go: they end with the tracer. nil is none.
	Filter []int
}

// A Limit is a resource limit, soft and hard, as setrlimit(2) has it.
type Limit struct {
	Resource int // unix.RLIMIT_CPU and so on
	Value    uint64
}

// traceOptions make the kernel report births, deaths and new programs.
const traceOptions = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEFORK |
	unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACEVFORKDONE | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_TRACEEXIT

// Launch starts a program and stops it at its first instruction, which is the
// dynamic linker's if it has one. The program dies with the tracer.
func (tr *Tracer) Launch(argv []string, o *LaunchOptions) (*Process, error) {
	if len(argv) == 0 || argv[0] == "" {
		return nil, errors.New("launch: no program given")
	}
	if tr.hearing {
		return nil, fmt.Errorf("launch %s: %w", argv[0], ErrRunning)
	}
	if o == nil {
		o = &LaunchOptions{}
	}
	p := tr.unborn()
	p.command = slices.Clone(argv)
	if err := p.launch(o); err != nil {
		return nil, err
	}
	return p, nil
}

// Restart kills what is left of a process that was launched, and launches its program
// again, with the same arguments; o is as for Launch. Breakpoints, watchpoints and hooks
// stay, with their hits. What was set by address is where it was in its ELF file; where
// there is none, as on the stack, a watchpoint is removed and a breakpoint waits in
// vain. Restart returns the first stop, as Stop does after Launch. The threads are new,
// and so is PID. If the program cannot be launched again, the process has exited.
//
// Children that are held stay as they are.
func (p *Process) Restart(o *LaunchOptions) (*Stop, error) {
	if p.command == nil {
		return nil, &Error{Op: "restart", TID: p.PID, Err: errors.New("process was not launched by this debugger")}
	}
	if o == nil {
		o = &LaunchOptions{}
	}
	if err := p.Kill(); err != nil {
		return nil, &Error{Op: "restart", TID: p.PID, Err: cause(err)}
	}
	if err := p.launch(o); err != nil {
		return nil, err
	}
	return p.stop, nil
}

// SetArgs gives a program other arguments, behind its name, for when Restart launches
// it. It is of no use for what was not launched.
func (p *Process) SetArgs(args []string) {
	if p.command != nil {
		p.command = append(p.command[:1:1], args...)
	}
}

// launch starts the process's program. If it fails, no process is there.
func (p *Process) launch(o *LaunchOptions) error {
	name := p.command[0]
	if o.Dir != "" {
		if _, err := os.Stat(o.Dir + "/."); err != nil {
			return fmt.Errorf("launch %s: working directory %s: %w", name, o.Dir, errors.Unwrap(err))
		}
	}
	path, isELF, err := findProgram(name, o.Dir)
	if err != nil {
		return fmt.Errorf("launch %w", err)
	}
	pid, err := spawn(path, p.command, o)
	if err != nil {
		return fmt.Errorf("launch %s: %w", name, err)
	}
	var argv []string // a script's are those of its interpreter
	if isELF {
		argv = p.command
	}
	if err := p.enter(pid, argv, o); err != nil {
		p.Kill()
		return fmt.Errorf("launch %s: %w", name, err)
	}
	return nil
}

// enter takes in the process that was started, with arguments argv, or nil if they are
// not known.
func (p *Process) enter(pid int, argv []string, o *LaunchOptions) error {
	old := p.PID
	p.PID, p.state, p.parting, p.launched, p.noPin, p.filter = pid, Stopped, false, true, o.NoPin, nil
	p.sees, p.current, p.gate = sight{}, nil, 0
	p.execs++
	p.tr.hold(p)
	p.addThread(pid).state = threadStopped
	for _, b := range p.breakpoints {
		if b.thread != nil && b.thread.TID == old {
			b.thread = p.threads[0]
		}
	}
	if err := p.reset(argv); err != nil {
		return err
	}
	main, err := p.MainImage() // before the report, after which all is looked at anew
	p.report(p.newStop(ReasonExec, p.threads[0]))
	switch {
	case err != nil:
		return err
	case main.Err != nil:
		return main.Err // what a script's #! line names
	case o.Filter != nil:
		return p.install(filterProgram(o.Filter), o.Filter)
	}
	return nil
}

// findProgram returns the path of a program as a shell finds it, and whether it is known
// to be an ELF file, or an error that names it and says what is wrong. A relative path
// starts from dir, where the program will run.
func findProgram(name, dir string) (path string, isELF bool, err error) {
	path = name
	if !strings.ContainsRune(name, '/') {
		if path, err = exec.LookPath(name); err != nil {
			return "", false, fmt.Errorf("%s: no such program in $PATH", name)
		}
	}
	seen := path
	if dir != "" && path[0] != '/' {
		seen = dir + "/" + path
	}
	info, err := os.Stat(seen)
	switch {
	case err != nil:
		return "", false, fmt.Errorf("%s: %w", name, errors.Unwrap(err))
	case info.IsDir():
		return "", false, fmt.Errorf("%s: is a directory", name)
	case info.Mode()&0o111 == 0:
		return "", false, fmt.Errorf("%s: not executable (chmod +x?)", name)
	}
	switch _, err := image.Open(seen); {
	case err == nil:
		return path, true, nil
	case errors.Is(err, fs.ErrPermission):
		return path, false, nil // executable, not readable: the kernel knows more
	case !errors.Is(err, image.ErrNotELF):
		return "", false, err
	}
	head := make([]byte, 2)
	if f, err := os.Open(seen); err == nil {
		io.ReadFull(f, head)
		f.Close()
	}
	if string(head) != "#!" {
		return "", false, fmt.Errorf("%s: neither an ELF file nor a script with a #! line", name)
	}
	return path, false, nil
}

// expectStop waits for a child that is about to stop.
func expectStop(pid, options int) (unix.WaitStatus, error) {
	for {
		_, status, err := ptrace.Wait(pid, options)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		case status.Signaled():
			return 0, fmt.Errorf("killed by %s at its start", SignalName(int(status.Signal())))
		case status.Exited():
			return 0, fmt.Errorf("exited with %d at its start", status.ExitStatus())
		default:
			return status, nil
		}
	}
}

// newProcess makes a process known to the tracer.
func (tr *Tracer) newProcess(pid int) *Process {
	p := tr.unborn()
	p.PID = pid
	tr.hold(p)
	return p
}

// unborn returns a process that is not there yet.
func (tr *Tracer) unborn() *Process {
	p := &Process{target: target{tr: tr}, mem: -1}
	p.of = p
	return p
}

// hold makes p one of the processes that are held.
func (tr *Tracer) hold(p *Process) {
	tr.processes = append(tr.processes, p)
}

// hide makes p one that nobody else sees.
func (tr *Tracer) hide(p *Process) {
	tr.processes = slices.DeleteFunc(tr.processes, func(q *Process) bool { return q == p })
}

// reset takes in a program that has just begun: what was known of the one before
// is void, and breakpoints look for their places anew. argv is what it was started with,
// or nil if that is to be looked up.
func (p *Process) reset(argv []string) error {
	p.sites, p.exposed = make(map[uint64]*site), false
	p.dropSlots()
	p.annexes, p.noAnnex = nil, false
	p.images, p.vector = imageCache{given: p.images.given}, nil
	p.linkHook, p.libraries = nil, nil
	for _, b := range p.placed() {
		b.addrs, b.raised = nil, nil
	}
	if err := p.openMemory(); err != nil {
		return err
	}
	p.exe, _ = procfs.Exe(p.PID)
	if p.argv = slices.Clone(argv); argv == nil {
		p.argv, _ = procfs.Cmdline(p.PID)
	}
	main, err := p.MainImage()
	if err != nil || main.Err != nil {
		return nil // said when symbols are asked for
	}
	p.loading = main.File.Interp() != ""
	if err := p.resolvePending(); err != nil {
		return err
	}
	if p.loading && (p.wants(ReasonLoad, 0) || p.wants(ReasonUnload, 0) || slices.ContainsFunc(p.placed(), (*Breakpoint).waits)) {
		return p.watchLinker()
	}
	return nil
}

//go:build linux && amd64

package tracer

import (
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/value"
)

// A Reason says why a process stopped.
type Reason uint8

// The reasons, and with the events among them what a Hook can ask for.
const (
	ReasonStep       Reason = iota // the movement that was asked for is done
	ReasonBreakpoint               // a thread reached a breakpoint
	ReasonWatchpoint               // a thread accessed memory that is watched
	ReasonSignal                   // a signal is about to be delivered
	ReasonExec                     // the process runs a new program
	ReasonThread                   // a thread was born
	ReasonThreadExit               // a thread is about to end
	ReasonFork                     // a child process was made by fork
	ReasonVfork                    // a child process was made by vfork
	ReasonLoad                     // libraries were loaded
	ReasonExit                     // the process exited
	ReasonKilled                   // the process was killed by a signal
	ReasonInterrupt                // Interrupt was called
	ReasonTimeout                  // the time given to Cont ran out
	ReasonSyscall                  // a thread enters or leaves a system call
	ReasonLimit                    // the steps that StepUntil may take are used up
	ReasonUnload                   // libraries were unloaded
	ReasonVforkDone                // a thread goes on after vfork, whose child runs another program or has ended
	ReasonJobStop                  // job control has stopped the process: all threads wait for SIGCONT
	ReasonMemory                   // the memory given to ContFatal is used up
)

var reasonNames = [...]string{
	ReasonStep: "step", ReasonBreakpoint: "breakpoint", ReasonWatchpoint: "watchpoint", ReasonSignal: "signal", ReasonExec: "exec",
	ReasonThread: "thread", ReasonThreadExit: "thread_exit", ReasonFork: "fork", ReasonVfork: "vfork",
	ReasonLoad: "load", ReasonExit: "exit", ReasonKilled: "killed", ReasonInterrupt: "interrupt", ReasonTimeout: "timeout",
	ReasonUnload: "unload", ReasonSyscall: "syscall", ReasonLimit: "limit", ReasonJobStop: "job_stop", ReasonVforkDone: "vfork_done", ReasonMemory: "memory",
}

// String returns the reason's name in scripts.
func (r Reason) String() string { return reasonNames[r] }

// A Stop is the end of a movement of a process: why it stopped, and where.
type Stop struct {
	Reason     Reason
	Process    *Process
	Thread     *Thread        // nil when the process is gone, or was let go to follow its child
	PC         uint64         // of Thread; 0 when the process is gone
	Signal     int            // ReasonSignal, ReasonKilled, ReasonJobStop
	Breakpoint *Breakpoint    // ReasonBreakpoint; its ID is 0 where a movement around that of a handler comes to its end
	Watchpoint *Watchpoint    // ReasonWatchpoint
	Old, New   []byte         // ReasonWatchpoint: what the memory held before and holds; nil for AccessExecute
	ExitCode   int            // ReasonExit
	Child      int            // ReasonFork, ReasonVfork, ReasonVforkDone: process ID; ReasonThread: thread ID
	Held       *Process       // ReasonFork, ReasonVfork: the child, stopped at its birth; it is let go unless the stop surfaces
	Syscall    *Syscall       // ReasonSyscall
	Libraries  []*image.Image // ReasonLoad, ReasonUnload
	Value      uint64         // rax when Finish is done, which sets Finished
	Finished   bool

	finished  *Frame            // what Finish has run
	result    *value.Value      // of it, once it was asked for
	unentered []*debuginfo.Func // by a step to PC: see Thread.unentered

	siginfo    Siginfo
	name       string // of Thread, if Fatal has seen it
	hasSiginfo bool
	change     Reason        // what the dynamic linker has done
	arrived    bool          // by a step: ReasonBreakpoint, ReasonWatchpoint or ReasonSyscall, or else ReasonStep
	caught     []*Breakpoint // ReasonWatchpoint: those of all watchpoints that the access concerns
	then       *Stop         // of the same thread, reported next

	heard   bool // handlers were called while other threads ran
	surface bool // one of them said so

	// What the breakpoints where Thread stands, or those in caught, say once
	// they were asked.
	asked *Thread
	hit   []*Breakpoint
	err   error // of the last of them, or of the handlers that have heard of it
}

// A Siginfo is the kernel's record of a signal: its number, what sent it and,
// for a fault, the address.
type Siginfo = ptrace.Siginfo

// Siginfo returns the record of the signal that stopped the process, or nil if
// another reason did.
func (s *Stop) Siginfo() *Siginfo {
	if !s.hasSiginfo {
		return nil
	}
	return &s.siginfo
}

// Gone reports whether the process ended.
func (s *Stop) Gone() bool { return s.Reason == ReasonExit || s.Reason == ReasonKilled }

// left reports whether the process was let go to follow its child.
func (s *Stop) left() bool { return s != nil && s.Held != nil && s.Thread == nil }

// wakeSignal interrupts the tracer's wait when Interrupt is called. The host
// program must leave it alone. It is a realtime signal that neither the Go
// runtime nor a C library uses for itself.
const wakeSignal = unix.Signal(60)

// report makes stop the process's last one, which others may take their time over.
func (p *Process) report(stop *Stop) {
	p.calm()
	p.note(stop)
}

// note makes stop the process's last one.
func (p *Process) note(stop *Stop) {
	t := stop.Thread
	p.stop, p.current = stop, t
	if stop.then != nil && stop.then.Thread == t {
		t.pending = stop.then
	}
	p.moves++
	if regs, err := t.Regs(); err == nil {
		stop.PC = regs[arch.RIP]
		// Where something else stopped it, a breakpoint is yet to be hit, unless the
		// thread was on its way over it.
		again := t.isReported && t.reported == stop.PC
		t.reported = stop.PC
		t.isReported = again || stop.Reason == ReasonBreakpoint || stop.Reason == ReasonStep
	}
}

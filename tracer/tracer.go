//go:build linux && amd64

// Package tracer controls Linux x86-64 processes with ptrace(2).
//
// A Tracer launches and attaches to processes. Its Processes have Threads with
// registers, memory, breakpoints and stops; package unwind makes stacks of
// them, and package builtins shows them to scripts. It opens cores, too, which
// have what of a Process needs nothing to run.
//
// Processes are all-stop: every thread is stopped while the caller looks, and a
// movement (Cont, Step, Finish, ...) returns when all of them have stopped
// again or the process is gone. Handlers of breakpoints and hooks run inside the
// movement, with all threads stopped, and may move the process themselves.
//
// The kernel ties a tracee to the thread that traces it, so a Tracer and all
// that belongs to it must be used from the goroutine that made it, which New
// locks to its OS thread. Interrupt is the exception: it may be called from
// anywhere.
//
// The host program keeps its own children, with one condition: it must not start
// any from the tracer's goroutine, because the tracer's wait would reap them. A
// host that is notified of SIGCHLD learns that a child has ended, but not that one
// has stopped: a stopped tracee would raise it too, at each step.
//
// # Requests
//
// Tracer.Target, AttachID and Wait make of this the requests of FreeBSD's ptrace, with
// its checks and error numbers. Where Linux differs it is translated, except:
//
//   - The ID of a process is also that of its leader, as processes and threads share
//     their numbers. It stands for the process; the leader alone cannot be named.
//   - A thread that waits in vfork, or in exec for threads that are held, does not stop
//     with the others, because nothing but SIGKILL ends that wait in the kernel.
//     Requests on its registers fail until it goes on.
//   - A signal that is given where none has stopped the thread is sent to it: the kernel
//     takes one for delivery only where it is about to deliver one. So it waits while
//     the thread blocks it, and comes in the order of the other signals that are pending.
//   - SIGKILL is not reported before it ends a process, so it cannot be discarded.
//   - The siginfo of an int3 says SI_KERNEL, and of a step over a system call
//     TRAP_BRKPT, as the program's own handler would see it.
//   - Memory that is shared and may not be written is not copied to be written, unlike
//     with VM_PROT_OVERRIDE_WRITE: the kernel copies private pages only. It is EFAULT.
//   - A traced process keeps its parent, which is told of the end when the tracer has
//     been. The tracer is a thread, not a process, and the kernel does not let go of a
//     leader that has left its threads before that thread ends.
//   - A thread that another one's exec or exit kills in the moment when it is resumed
//     ends without its exit event: the kernel takes the request for one to leave that.
//   - PT_CLEARSTEP of the caller itself is EPERM like any other request on what is not
//     traced, because no process can trace itself.
package tracer

import (
	"errors"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

// A Tracer owns the processes that are traced from one OS thread.
type Tracer struct {
	tid       int // the OS thread
	processes []*Process
	threads   map[int]*Thread         // every tracee, by thread ID
	orphans   map[int]unix.WaitStatus // first stops of threads whose birth is not reported yet
	carried   map[int]bool            // threads that cannot be let go, see filter.go

	checkpoints []*Checkpoint

	wanted   atomic.Uint64 // why a movement is to end, see want
	waiting  atomic.Bool   // the thread is in wait, or about to be
	awaiting atomic.Bool   // and that in Wait
	news     []report      // of loose processes, not looked at
	ended    []*Process    // whose end Wait is to return
	hearing  bool          // a handler runs while threads of its process do
	patient  bool          // Interrupt ends no lookup
	timed    uint64        // the movement that runs, if it has a limit of time
	clock    clock
	pin      pin
	salvage  salvage

	decoded decodings
	layouts layouts
	queue   [1]Siginfo // what was pending, see queued
	onCPU   bool       // steps are not emulated, for tests
}

var installWake = sync.OnceValue(func() error {
	// Notify makes sure that the runtime's handler is there; what it sends
	// is of no use.
	signal.Notify(make(chan os.Signal, 1), wakeSignal)
	return ptrace.ClearRestart(int(wakeSignal))
})

// New returns a Tracer for the calling goroutine and locks that goroutine to its
// OS thread until Close.
func New() (*Tracer, error) {
	if err := installWake(); err != nil {
		return nil, &Error{Op: "install the wake signal", Err: err}
	}
	if err := ptrace.IgnoreStops(); err != nil {
		return nil, &Error{Op: "turn off SIGCHLD for stops", Err: err}
	}
	runtime.LockOSThread()
	tid := unix.Gettid()
	return &Tracer{
		tid:     tid,
		pin:     pin{tracerID: tid},
		threads: make(map[int]*Thread),
		orphans: make(map[int]unix.WaitStatus),
		carried: make(map[int]bool),
	}, nil
}

// Processes returns the processes that are held: launched or attached to, and
// neither gone nor detached.
func (tr *Tracer) Processes() []*Process {
	return slices.Clone(tr.processes)
}

// Traces reports whether id is that of a traced thread, be it of a process that a
// checkpoint holds.
func (tr *Tracer) Traces(id int) bool { return tr.threads[id] != nil }

// Close kills the processes that were launched, detaches from those that were
// attached to, and unlocks the goroutine.
func (tr *Tracer) Close() error {
	err := tr.release(nil, nil)
	tr.processes = nil
	tr.endCarried()
	runtime.UnlockOSThread()
	return err
}

// Mark returns a function that kills the processes that were launched since, detaches
// from those that were attached to, and drops checkpoints.
func (tr *Tracer) Mark() (release func() error) {
	processes, checkpoints := tr.Processes(), slices.Clone(tr.checkpoints)
	return func() error { return tr.release(processes, checkpoints) }
}

// release lets go of all but what is given.
func (tr *Tracer) release(processes []*Process, checkpoints []*Checkpoint) error {
	var errs []error
	for _, c := range slices.Clone(tr.checkpoints) {
		if !slices.Contains(checkpoints, c) {
			errs = append(errs, c.Drop())
		}
	}
	for _, p := range slices.Backward(tr.Processes()) { // children first: a parent may wait for one
		if slices.Contains(processes, p) {
			continue
		}
		p.recall() // it is loose, or a handler panicked
		if p.state == Exited {
			continue
		}
		if p.launched {
			errs = append(errs, p.Kill())
		} else {
			errs = append(errs, p.Detach(0))
		}
	}
	return errors.Join(errs...)
}

// Interrupt ends the movement that is running: all threads are stopped, and it
// returns a Stop with ReasonInterrupt. Find and Dump end with ErrInterrupted, and
// so do lookups of names in large files, for which tables are made the first time.
// When none is running, the next one ends so at once, unless ClearInterrupt comes
// first. It may be called from any goroutine.
func (tr *Tracer) Interrupt() { tr.want(ReasonInterrupt, 0) }

// interrupted reports whether Interrupt was called, which is settled with that.
func (tr *Tracer) interrupted() bool { return tr.wanted.CompareAndSwap(uint64(ReasonInterrupt), 0) }

// ClearInterrupt forgets an Interrupt that came when nothing was running.
func (tr *Tracer) ClearInterrupt() { tr.wanted.Store(0) }

// want asks the tracer's thread to end the movement that is running, or only the
// one with a number. The signal makes its wait return; one that arrives between
// the look at wanted and the wait itself is lost, so it is sent until it has been
// seen.
func (tr *Tracer) want(why Reason, movement uint64) {
	want := uint64(why)
	if why == ReasonInterrupt {
		tr.wanted.Store(want)
	} else {
		want = timeoutOf(movement)
		for {
			// An outer movement, which waits for this one, looks at the clock
			// itself when it goes on.
			old := tr.wanted.Load()
			if old == uint64(ReasonInterrupt) || old>>8 >= movement {
				return
			}
			if tr.wanted.CompareAndSwap(old, want) {
				break
			}
		}
	}
	tr.rouse(want, &tr.waiting)
}

// rouse makes the tracer's thread see what is wanted, while it is in a wait.
func (tr *Tracer) rouse(want uint64, waits *atomic.Bool) {
	for pause := time.Microsecond; waits.Load() && tr.wanted.Load() == want; pause = min(2*pause, time.Millisecond) {
		ptrace.Tgkill(os.Getpid(), tr.tid, int(wakeSignal))
		time.Sleep(pause)
	}
}

// timeoutOf returns what is wanted when the time of a movement is over.
func timeoutOf(movement uint64) uint64 { return movement<<8 | uint64(ReasonTimeout) }

// isWanted returns why the running movement is to end, if it is.
func (tr *Tracer) isWanted() (Reason, bool) {
	want := tr.wanted.Load()
	if want == 0 || want == woken && !tr.awaiting.Load() {
		return 0, false
	}
	if movement := want >> 8; movement != 0 && movement != tr.timed {
		tr.wanted.CompareAndSwap(want, 0) // that movement is over
		return 0, false
	}
	return Reason(want), true
}

// wait blocks until a tracee reports and returns it. It returns a nil thread when
// interruptible is set and the movement is to end.
func (tr *Tracer) wait(interruptible bool) (*Thread, unix.WaitStatus, error) {
	tr.waiting.Store(interruptible)
	defer tr.waiting.Store(false)
	for {
		if interruptible {
			if _, wanted := tr.isWanted(); wanted {
				return nil, 0, nil
			}
		}
		if t, status, err := tr.waitOnce(); t != nil || err != nil {
			return t, status, err
		}
	}
}

// waitOnce is wait, but returns a nil thread when a signal interrupts it.
func (tr *Tracer) waitOnce() (*Thread, unix.WaitStatus, error) {
	for {
		tid, status, err := ptrace.Wait(tr.waitable(), 0)
		switch {
		case err == unix.EINTR:
			return nil, 0, nil
		case err != nil:
			return nil, 0, &Error{Op: "wait", Err: err}
		}
		if t := tr.recognize(tid, status); t != nil {
			return t, status, nil
		}
	}
}

// recognize returns the thread that reported, or nil if its birth is not known yet.
func (tr *Tracer) recognize(tid int, status unix.WaitStatus) *Thread {
	t := tr.threads[tid]
	if t != nil {
		if !t.trap.plain {
			t.p.terrain.forget()
		}
		event := eventOf(status)
		t.trap.plain, t.announced.known = false, false
		t.outside = status.Stopped() && (event == 0 && status.StopSignal() != syscallTrap || event == unix.PTRACE_EVENT_STOP)
	}
	switch {
	case tr.carried[tid]:
		tr.carry(tid, status)
	case t == nil && eventOf(status) == unix.PTRACE_EVENT_EXIT:
		ptrace.Cont(tid, 0) // killed before its birth was reported
		delete(tr.orphans, tid)
	case t == nil && status.Stopped():
		tr.orphans[tid] = status
	case t != nil && status.Stopped():
		t.state = threadStopped
		t.regsRead, t.vforking, t.execing = false, false, false
		t.remask()
	}
	return t
}

// waitable returns what to wait for: the only tracee where there is one, which is
// the kernel's fast path and reaps nobody else's child, else any.
func (tr *Tracer) waitable() int {
	if len(tr.threads) == 1 && len(tr.carried) == 0 {
		for tid := range tr.threads {
			return tid
		}
	}
	return -1
}

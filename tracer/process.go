//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

// A State is what a process does, as far as its tracer is concerned.
type State uint8

// The states of a process.
const (
	Stopped  State = iota // every thread is stopped
	Running               // a movement is under way
	Exited                // it exited or was killed
	Detached              // it was let go
)

// String returns the state's name in scripts.
func (s State) String() string {
	return [...]string{"stopped", "running", "exited", "detached"}[s]
}

// A Process is a traced process.
type Process struct {
	PID int

	target
	state    State
	launched bool
	seizing  bool // not all threads are known yet
	parting  bool // it is killed or let go: nobody looks at its threads any more
	leaving  bool // it is let go
	exe      string
	argv     []string
	vector   map[uint64]uint64 // the auxiliary vector, once it was asked for
	threads  []*Thread         // in order of birth
	guests   []*Thread         // vfork children that run in this memory
	current  *Thread           // the one that stopped last
	stop     *Stop             // the last one reported
	moves    uint64            // counts movements
	loose    *motion           // under way, and not waited for
	due      *Stop             // of a loose movement, for Wait to return
	sees     sight             // what the movement asks to see

	execs int    // counts programs that were begun
	aside *aside // of the thread that makes an injected system call
	gate  uint64 // where a syscall instruction was found

	mem         int // /proc/PID/mem
	sites       map[uint64]*site
	annexes     []*annex
	noAnnex     bool // none can be mapped
	breakpoints []*Breakpoint
	lastID      int    // of a breakpoint or watchpoint
	space       *space // shared with other processes, or nil
	exposed     bool   // the memory is also that of a process that is not traced
	terrain     terrain
	slots       [4]slot
	arms        uint64 // counts changes of slots
	watchpoints []*Watchpoint
	hooks       []*Hook
	quiet       sigset // see Quieten
	jobStopped  bool   // by job control: all threads were, and none has gone on since
	jobSignal   int    // of the last group-stop of a thread
	tracesCalls bool   // a hook asks for system calls

	linkHook *Breakpoint // on the dynamic linker's notification
	loading  bool        // libraries may still be to come
	noPin    bool
	filter   []int // system calls that its seccomp filter stops; nil without one

	libraries map[uint64]*image.Image // by the address of their dynamic sections
	following Follow
	parent    *Process    // that it was born of, or nil
	command   []string    // to launch it again, or nil
	origin    *Checkpoint // whose Fork has made it, or nil
	stained   bool        // it has done what no recycler undoes, see stain.go
	refusal   *refusal    // where seccomp has ended it, or nil
}

// State returns what the process does.
func (p *Process) State() State { return p.state }

// Exe returns the path of the program that the process runs.
func (p *Process) Exe() string { return p.exe }

// Argv returns the arguments that the program was started with.
func (p *Process) Argv() []string { return p.argv }

// Launched reports whether this tracer started the process, which is then killed
// with the tracer.
func (p *Process) Launched() bool { return p.launched }

// ExitCode returns the exit code; ok is false unless the process exited.
func (p *Process) ExitCode() (code int, ok bool) {
	if p.state != Exited || p.stop.Reason != ReasonExit {
		return 0, false
	}
	return p.stop.ExitCode, true
}

// ExitSignal returns the signal that killed the process; ok is false unless one
// did.
func (p *Process) ExitSignal() (sig int, ok bool) {
	if p.state != Exited || p.stop.Reason != ReasonKilled {
		return 0, false
	}
	return p.stop.Signal, true
}

// Threads returns the threads in order of birth.
func (p *Process) Threads() []*Thread {
	threads := make([]*Thread, 0, len(p.threads))
	for _, t := range p.threads {
		if !t.Gone() {
			threads = append(threads, t)
		}
	}
	return threads
}

// Thread returns the thread that stopped last, or the oldest one if that one has
// ended; nil when the process is gone.
func (p *Process) Thread() *Thread {
	if p.current != nil && !p.current.Gone() {
		return p.current
	}
	for _, t := range p.threads {
		if !t.Gone() {
			return t
		}
	}
	return nil
}

// task returns the ID of a thread that has not ended, through which /proc shows
// the process: it shows nothing of a leader that has left its threads.
func (p *Process) task() int {
	for _, t := range p.threads {
		if !t.Gone() {
			return t.TID
		}
	}
	return p.PID
}

// Select makes t the thread that Thread returns.
func (p *Process) Select(t *Thread) { p.current = t }

// Stop returns the last stop that was reported. After Launch it is one with
// ReasonExec, after Attach one with ReasonInterrupt.
func (p *Process) Stop() *Stop { return p.stop }

// held returns why the process cannot be used, or nil.
func (p *Process) held() error {
	switch p.state {
	case Exited:
		return ErrExited
	case Detached:
		return ErrDetached
	}
	if p.busy() {
		return ErrBusy
	}
	return nil
}

// still returns why what needs all threads stopped cannot be done, or nil.
func (p *Process) still() error {
	if p.tr.hearing {
		return ErrRunning
	}
	return p.held()
}

// addThread makes a thread known to the tracer.
func (p *Process) addThread(tid int) *Thread {
	t := &Thread{TID: tid, p: p}
	p.threads = append(p.threads, t)
	p.tr.threads[tid] = t
	return t
}

// removeThread forgets a thread that has ended.
func (p *Process) removeThread(t *Thread) {
	t.pending.disown()
	t.state = threadGone
	t.regsRead = false
	delete(p.tr.threads, t.TID)
	p.threads = slices.DeleteFunc(p.threads, func(u *Thread) bool { return u == t })
	p.guests = slices.DeleteFunc(p.guests, func(u *Thread) bool { return u == t })
}

// end records the process's end.
func (p *Process) end(stop *Stop) {
	p.close(Exited)
	p.stop = stop
}

// close forgets all threads and releases what belongs to the tracer.
func (p *Process) close(state State) {
	p.tr.pin.release(0)
	for len(p.threads) > 0 {
		p.removeThread(p.threads[0])
	}
	p.part()
	p.state = state
	p.sites = nil
	if p.mem >= 0 {
		p.tr.salvage.drop(p)
		unix.Close(p.mem)
		p.mem = -1
	}
	p.tr.hide(p)
}

// Kill kills the process and waits for its end, which Stop returns then. Killing a
// process that is gone is no error.
func (p *Process) Kill() error {
	if p.tr.hearing {
		return &Error{Op: "kill", TID: p.PID, Err: ErrRunning}
	}
	if err := p.recall(); err != nil {
		return err
	}
	if p.state == Exited {
		return nil
	}
	if p.state == Detached {
		return &Error{Op: "kill", TID: p.PID, Err: ErrDetached}
	}
	if err := p.kill(); err != nil {
		return err
	}
	for p.state != Exited {
		t, status, err := p.tr.wait(false)
		if err != nil {
			return err
		}
		if stop := p.tr.dispatch(t, status); stop == nil && t.p == p && t.state == threadStopped {
			t.run(false)
		}
	}
	return nil
}

// kill sends SIGKILL and lets all threads go to their ends. A thread that is held on
// its way out may not feel the signal (prepare_signal, if the process is exiting).
func (p *Process) kill() error {
	for _, t := range p.threads {
		if t.state == threadStopped && !t.ending && p.space == nil && len(p.guests) == 0 {
			ptrace.SetOptions(t.TID, traceOptions&^unix.PTRACE_O_TRACEEXIT|unix.PTRACE_O_EXITKILL) // one stop less
		}
	}
	if err := unix.Kill(p.PID, unix.SIGKILL); err != nil {
		return &Error{Op: "kill", TID: p.PID, Err: err}
	}
	p.parting = true
	for _, t := range p.threads {
		t.pending.disown()
		t.pending = nil
	}
	p.releaseGuests()
	for _, t := range p.threads {
		if t.state == threadStopped && t.ending {
			t.run(false)
		}
	}
	return nil
}

// Detach lets the process go on as if it had never been traced: breakpoints are
// removed, a signal that is pending is delivered, a stopped job stays stopped. If
// sig is not 0 it is sent instead of a pending one. The kernel lets only stopped
// threads go, so Detach waits for the end of a vfork that one is in. A child of vfork
// that is let go before it has memory of its own carries no breakpoint, but goes on
// only while its parent does, or when that is let go too.
//
// The kernel does not let go of a leader that has left its threads: its end is
// reported to the tracer's thread, and to its parent when that thread ends.
func (p *Process) Detach(sig int) error {
	if p.filter != nil && p.state <= Running {
		return &Error{Op: "detach", TID: p.PID, Err: ErrFiltered}
	}
	return p.drop(sig)
}

// drop is Detach, but for a child that has a filter too.
func (p *Process) drop(sig int) error {
	if p.tr.hearing {
		return &Error{Op: "detach", TID: p.PID, Err: ErrRunning}
	}
	if err := p.recall(); err != nil {
		return err
	}
	if err := p.held(); err != nil {
		return &Error{Op: "detach", TID: p.PID, Err: err}
	}
	if sig < 0 || sig > MaxSignal {
		return &Error{Op: "detach", TID: p.PID, Err: unix.EINVAL}
	}
	for _, t := range p.threads {
		t.pending.disown()
		if q := t.awaited(); q != nil && t.state == threadRunning {
			return &Error{Op: "detach", TID: p.PID, Err: fmt.Errorf("%w, and process %d is held: move or detach it first", ErrVfork, q.PID)}
		}
	}
	if p.space != nil && p.space.processes[0] != p {
		if t := p.Thread(); t != nil && sig != 0 {
			t.signal = sig
		}
		return p.lodge(p.space.processes[0])
	}
	for _, c := range p.Checkpoints() {
		if err := c.Drop(); err != nil {
			return &Error{Op: "detach", TID: p.PID, Err: cause(err)}
		}
	}
	for _, q := range append(p.sharers(), p) {
		q.lowerAll(p)
	}
	for _, s := range p.sites {
		if err := s.withdraw(p); err != nil && !gone(err) {
			return &Error{Op: "detach", TID: p.PID, Err: err}
		}
	}
	p.expose()
	p.sites, p.breakpoints = nil, nil
	p.parting, p.leaving = true, true
	p.unmapAnnexes()
	p.tr.pin.release(0)
	p.releaseGuests()
	if err := p.reap(); err != nil || p.state == Exited {
		return err
	}
	if sig != 0 {
		p.Thread().signal = sig
	}
	for {
		for _, t := range p.threads {
			if t.state == threadStopped {
				if err := t.detach(); err != nil {
					return err
				}
			}
		}
		// What runs still was killed meanwhile, by those that were let go first, or
		// it was stuck, and may have waited for them.
		i := slices.IndexFunc(p.threads, (*Thread).Running)
		if i < 0 {
			break
		}
		if _, err := p.halt(p.threads[i]); err != nil || p.state == Exited {
			return err
		}
	}
	p.close(Detached)
	return nil
}

// abandoned reports whether nothing is left but a leader that cannot be traced.
func (p *Process) abandoned() bool {
	return !p.seizing && len(p.threads) == 1 && p.threads[0].state == threadLeft
}

// reap waits for the threads that are about to end: one that nobody waits for
// stays, and its process with it. Only a leader that has left its threads cannot
// be waited for.
func (p *Process) reap() error {
	ending := func(t *Thread) bool { return t.state == threadExiting && t.TID != p.PID }
	for p.state != Exited && (p.Thread() == nil && !p.seizing || slices.ContainsFunc(p.threads, ending)) {
		t, status, err := p.tr.wait(false)
		if err != nil {
			return err
		}
		p.tr.dispatch(t, status)
	}
	return nil
}

// detach lets a stopped thread go. One that was killed in this moment runs still,
// up to its exit event, where it has to be let go again: nothing else would.
func (t *Thread) detach() error {
	if err := t.flush(); err != nil && !gone(err) {
		return err
	}
	t.clearDebug()
	sig := 0
	if t.mayPass {
		sig = t.signal
	}
	switch err := t.p.letGo(t.TID, sig, t.grouped); err {
	case nil:
		t.state = threadGone
	case unix.ESRCH:
		t.state = threadRunning
		return nil
	default:
		return &Error{Op: "detach", TID: t.TID, Err: err}
	}
	if t.signal != 0 && !t.mayPass {
		ptrace.Tgkill(t.p.PID, t.TID, t.signal)
	}
	return nil
}

// gone reports whether err says that a thread or process does not exist any more.
func gone(err error) bool { return errors.Is(err, unix.ESRCH) }

//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// A Checkpoint is a copy of a process, made by a fork that was injected, from which
// the process can be restarted and others be made. The copy never runs.
//
// It has the memory that was private, the registers and what goes with a fork. The
// kernel's side of the process is not copied but shared: files that were open, their
// contents, memory that was mapped as shared. The places in regular files are put
// back when the process is restarted, but for the files that the tracer writes to.
type Checkpoint struct {
	p        *Process
	held     *Process
	stop     Stop   // the last one
	thread   Thread // the one that was copied: where it was reported
	cursors  []cursor
	signal   *Siginfo  // that was about to be delivered, or nil
	forked   bool      // the held process was asked for copies
	mill     *mill     // that makes them, or nil
	recycler *recycler // nil until Recycle is called
}

// A cursor is the offset in a file that the process had open.
type cursor struct {
	fd     int // of ours, on the same open file description
	offset int64
}

// ErrThreads says that a process has threads that a copy would lack.
var ErrThreads = errors.New("process has several threads, and a copy has but the one that makes it")

// Checkpoint makes a checkpoint. The process must have one thread. It lasts until Drop
// is called or the process is detached.
func (p *Process) Checkpoint() (*Checkpoint, error) {
	fail := func(err error) (*Checkpoint, error) {
		return nil, &Error{Op: "checkpoint", TID: p.PID, Err: cause(err)}
	}
	t, err := p.caller("checkpoint")
	if err != nil {
		return nil, err
	}
	if len(p.Threads()) > 1 {
		return fail(fmt.Errorf("%w (%d)", ErrThreads, len(p.Threads())))
	}
	c := &Checkpoint{p: p, stop: *p.stop, thread: *t}
	c.stop.asked, c.stop.hit, c.stop.then, c.stop.caught = nil, nil, nil, nil
	if t.mayPass && t.signal != 0 && !t.faulted() {
		info, err := t.Siginfo()
		if err != nil {
			return fail(err)
		}
		c.signal = info
	}
	p.updateImages() // once for all copies; one that needs them reports the error
	if c.held, err = t.fork(); err != nil {
		return fail(err)
	}
	// Nobody else is to see the copy.
	p.tr.hide(c.held)
	c.mark()
	p.tr.checkpoints = append(p.tr.checkpoints, c)
	return c, nil
}

// Process returns the process that the checkpoint was made of.
func (c *Checkpoint) Process() *Process { return c.p }

// fork makes a copy of the thread's process, which has this thread alone, stopped where
// the thread is. It is killed with the tracer, and has no breakpoints.
func (t *Thread) fork() (*Process, error) {
	p := t.p
	following, pending := p.following, t.pending
	p.following = FollowBoth
	// A copy of what was launched is the tracer's child, so that the process sees
	// neither its end nor a child that it never made. To others the end is not told.
	flags := uint64(unix.CLONE_PARENT | int(unix.SIGCHLD))
	if !p.launched {
		flags = 0
	}
	_, err := t.syscall(unix.SYS_CLONE, Words(flags, 0, 0, 0, 0))
	p.following = following
	born := t.pending
	t.pending = pending
	if born == nil || born.Held == nil {
		if err == nil {
			err = errors.New("the copy was killed at its birth")
		}
		return nil, err
	}
	q := born.Held
	q.asCopy(p)
	if !q.launched {
		q.launched = true
		err = errors.Join(err, ptrace.SetOptions(q.PID, traceOptions|unix.PTRACE_O_EXITKILL))
	}
	if err == nil {
		err = q.rename(t.TID)
	}
	if p.leads() {
		unix.Setpgid(q.PID, q.PID) // which fails in another session than the tracer's
	}
	if err != nil {
		return nil, errors.Join(err, q.Kill())
	}
	return q, nil
}

// asCopy makes a child of p one that has nothing to do with it.
func (q *Process) asCopy(p *Process) {
	q.parent, q.command, q.following = nil, nil, FollowParent
	q.images.inherit(&p.images)
}

// leads reports whether the process is the first of its process group.
func (p *Process) leads() bool {
	group, err := unix.Getpgid(p.PID)
	return err == nil && group == p.PID
}

// rename replaces the thread ID that the C library keeps in its thread control block by
// that of the copy, as its own fork does.
func (p *Process) rename(old int) error {
	t := p.threads[0]
	regs, err := t.Regs()
	if err != nil {
		return err
	}
	if at, ok := p.findID(regs[arch.FSBase], old); ok {
		return p.writeRaw(at, binary.LittleEndian.AppendUint32(nil, uint32(t.TID)))
	}
	return nil // a program without one
}

// findID returns the address of a thread's ID in its thread control block.
func (p *Process) findID(tcb uint64, id int) (addr uint64, ok bool) {
	const size = 1024 // struct pthread has it at 0x2d0 in glibc, at 0x30 in musl
	block := make([]byte, size)
	n, _ := p.readRaw(tcb, block)
	for i := 0; i+4 <= n; i += 4 {
		if binary.LittleEndian.Uint32(block[i:]) == uint32(id) {
			return tcb + uint64(i), true
		}
	}
	return 0, false
}

// mark remembers the places in regular files. A file that cannot be looked at is left
// as the process leaves it.
func (c *Checkpoint) mark() {
	pidfd, err := unix.PidfdOpen(c.p.PID, 0)
	if err != nil {
		return
	}
	defer unix.Close(pidfd)
	entries, _ := os.ReadDir(procfs.Path(c.p.PID, "fd"))
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		fd, err := unix.PidfdGetfd(pidfd, n, 0)
		if err != nil {
			continue
		}
		var info unix.Stat_t
		offset, err := unix.Seek(fd, 0, unix.SEEK_CUR)
		if err != nil || unix.Fstat(fd, &info) != nil || info.Mode&unix.S_IFMT != unix.S_IFREG || isOutput(&info) {
			unix.Close(fd)
			continue
		}
		c.cursors = append(c.cursors, cursor{fd, offset})
	}
}

// isOutput reports whether a file is the tracer's own standard output or error.
func isOutput(file *unix.Stat_t) bool {
	for fd := 1; fd <= 2; fd++ {
		var own unix.Stat_t
		if unix.Fstat(fd, &own) == nil && own.Dev == file.Dev && own.Ino == file.Ino {
			return true
		}
	}
	return false
}

// Fork makes another process of the checkpoint, beside those that there are. It is
// where the process was, without breakpoints, and is killed with the tracer.
func (c *Checkpoint) Fork() (*Process, error) {
	q := c.recycler.take()
	if q == nil {
		var err error
		if q, err = c.copy(); err == nil && c.recycler.pays() {
			q, err = c.recycler.watch(q)
		}
		if err != nil {
			return nil, err
		}
	}
	q.origin = c
	return q, nil
}

// copy makes a copy.
func (c *Checkpoint) copy() (*Process, error) {
	if c.held == nil || c.held.state != Stopped {
		return nil, &Error{Op: "checkpoint", TID: c.p.PID, Err: errors.New("it was dropped")}
	}
	t := c.held.Thread()
	if t == nil {
		return nil, &Error{Op: "checkpoint", TID: c.p.PID, Err: ErrThread}
	}
	if !c.forked {
		c.mill, c.forked = newMill(t), true
	}
	fork := t.fork
	if c.mill != nil {
		fork = c.mill.fork
	}
	q, err := fork()
	if err != nil {
		return nil, &Error{Op: "fork of a checkpoint", TID: c.p.PID, Err: cause(err)}
	}
	c.seek()
	return q, c.resend(q.threads[0])
}

// seek puts the places in files back.
func (c *Checkpoint) seek() {
	for _, at := range c.cursors {
		unix.Seek(at.fd, at.offset, unix.SEEK_SET)
	}
}

// resend gives the signal that was about to be delivered to the copy's thread. It comes
// without another stop.
func (c *Checkpoint) resend(t *Thread) error {
	if c.signal == nil {
		return nil
	}
	t.sent = append(t.sent, sent{c.signal.Signo(), c.signal})
	return ptrace.Tgkill(t.p.PID, t.TID, c.signal.Signo())
}

// Restart brings the process back to where it was, whatever has become of it: what is
// left of it is killed, and a copy stands in its place. Breakpoints, watchpoints and
// hooks stay as they are now. The thread and PID are new. Restart returns the stop that
// was the last one then.
func (c *Checkpoint) Restart() (*Stop, error) {
	p := c.p
	if p.state == Detached {
		return nil, &Error{Op: "restart", TID: p.PID, Err: ErrDetached}
	}
	q, err := c.copy()
	if err != nil {
		return nil, err
	}
	if err := p.Kill(); err != nil {
		return nil, errors.Join(err, q.Kill())
	}
	if err := p.become(q); err != nil {
		return nil, &Error{Op: "restart", TID: p.PID, Err: cause(err)}
	}
	stop := c.stop
	stop.Process, stop.Thread = p, p.threads[0]
	p.report(&stop)
	stop.Thread.reported, stop.Thread.isReported = c.thread.reported, c.thread.isReported
	return &stop, nil
}

// become makes p, which has ended, the process that q is.
func (p *Process) become(q *Process) error {
	t := q.threads[0]
	old := p.PID
	p.tr.hide(q)
	p.PID, p.state, p.launched, p.parting, p.leaving = q.PID, Stopped, true, false, false
	p.mem, q.mem = q.mem, -1
	p.threads, q.threads = q.threads, nil
	t.p = p
	p.current, p.annexes, p.noAnnex, p.exposed, p.refusal = nil, nil, false, false, nil
	p.images.valid = false
	p.terrain = terrain{}
	p.execs++
	p.moves++
	p.tr.hold(p)
	p.sites = make(map[uint64]*site)
	for _, b := range p.placed() {
		b.raised = nil
		if b.thread != nil && b.thread.TID == old {
			b.thread = t
		}
		if b.hardware {
			for _, addr := range b.addrs {
				b.raise(addr)
			}
			continue // the slots are as they were
		}
		// What was mapped later than the checkpoint is not there.
		b.addrs = slices.DeleteFunc(b.addrs, func(addr uint64) bool { return b.plant(addr) != nil })
	}
	if b := p.linkHook; b != nil {
		b.addrs = slices.DeleteFunc(b.addrs, func(addr uint64) bool { return b.plant(addr) != nil })
	}
	for _, w := range p.watchpoints {
		p.ReadAt(w.Addr, w.now) // or what was there when it was mapped
	}
	t.armed = p.arms - 1
	return p.resolvePending()
}

// Drop ends the checkpoint. Dropping twice is no error.
func (c *Checkpoint) Drop() error {
	tr := c.p.tr
	tr.checkpoints = slices.DeleteFunc(tr.checkpoints, func(d *Checkpoint) bool { return d == c })
	for _, at := range c.cursors {
		unix.Close(at.fd)
	}
	c.cursors = nil
	err := c.held.Kill()
	if c.recycler != nil && c.recycler.spare != nil {
		err = errors.Join(err, c.recycler.spare.Kill())
	}
	// The copy of what was attached to is its child, of whose end nobody has told it.
	if t, failed := c.p.caller("checkpoint"); err == nil && failed == nil && !c.p.launched {
		t.syscall(unix.SYS_WAIT4, Words(uint64(c.held.PID), 0, unix.WNOHANG|unix.WALL, 0)) // or it stays a zombie
	}
	return err
}

// Checkpoints returns the checkpoints of the process, the oldest first.
func (p *Process) Checkpoints() []*Checkpoint {
	return slices.DeleteFunc(slices.Clone(p.tr.checkpoints), func(c *Checkpoint) bool { return c.p != p })
}

//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// A recycler takes copies of a checkpoint back to where they were made. To make a copy
// and to end it is dear for what is in between: tables of pages are copied and thrown
// away, and each page that is written is a fault. A copy that has stopped for a signal
// has changed its registers and its memory, and what it has had the kernel change. A
// seccomp filter tells of the last: what cannot be undone makes a copy one to be killed.
//
// Mappings and pages need not be watched: they are compared with those of the checkpoint.
type recycler struct {
	c      *Checkpoint
	gate   uint64 // where a syscall instruction is
	mask   uint64
	state  []byte // the XSAVE area
	brk    uint64 // the end of the heap
	fds    []int
	maps   []procfs.Mapping
	extent []extent

	spare   *Process // one that was taken back, or nil
	unfit   bool     // no copy can be taken back
	watched int      // copies that got a filter
	undone  int      // and how often one was taken back
	runs    int      // of the last one
}

// Limits of what is taken back.
const (
	maxInherited  = 16             // descriptors, which the filter names
	maxUndone     = 16 << 20       // bytes of memory, beyond which a copy costs less
	maxExtent     = 256 << 20      // bytes of memory whose pages are looked at each time
	maxGap        = 256 * pageSize // between mappings whose pages are looked at together
	maxRuns       = 200            // of a copy, whose time on CPUs adds up
	trustedCopies = 8              // that may turn out not to be worth their filter
)

// An extent is memory whose pages are looked at together, with what they are at the
// checkpoint.
type extent struct {
	start uint64
	kinds []pageKind
}

// A pageKind is where what a page holds comes from.
type pageKind uint8

const (
	noPage pageKind = iota // nobody has touched it, or nothing is mapped
	filePage
	ownPage // maybe shared with copies
)

// kindOf returns what an entry of a pagemap says.
func kindOf(entry uint64) pageKind {
	switch {
	case !holds(entry):
		return noPage
	case entry&pageOfFile != 0:
		return filePage
	}
	return ownPage
}

// Recycle ends a process that the checkpoint has made, as Kill does. Where all that it
// did can be undone, Fork makes the next process of it, with the same ID, in a fraction
// of the time that a new copy takes. That is so for a process of one thread that has
// stopped for a signal and has made no system calls but such as can be undone, or leave
// nothing behind in the process: those that read and write files, and manage memory.
//
// The first call tells the checkpoint to watch the system calls of the processes that it
// makes from then on, with a seccomp filter, as LaunchOptions.Filter does: they cannot
// be detached.
func (c *Checkpoint) Recycle(q *Process) error {
	if q.origin != c {
		return &Error{Op: "recycle", TID: q.PID, Err: errors.New("the checkpoint has not made that process")}
	}
	if c.recycler == nil {
		c.recycler = newRecycler(c)
	}
	r := c.recycler
	room := !r.unfit && r.spare == nil && r.runs < maxRuns && c.held.state == Stopped
	if room && q.filter != nil && r.undo(q) {
		r.park(q)
		return nil
	}
	return q.Kill()
}

// newRecycler returns a recycler, which is unfit where copies cannot be taken back: they
// are not those of a mill, or handle the signals that they would stop for.
func newRecycler(c *Checkpoint) *recycler {
	r := &recycler{c: c, state: make([]byte, xlayout().Size)}
	r.unfit = c.mill == nil || c.signal != nil || r.study(c.held) != nil
	return r
}

// study looks at what is copied, but for its memory.
func (r *recycler) study(held *Process) error {
	t := held.Thread()
	if t == nil {
		return ErrThread
	}
	status, err := procfs.Status(t.TID)
	if err != nil {
		return err
	}
	if sigset(status.SigCgt|status.SigIgn)&faultSignals != 0 {
		return errors.New("it handles faults, and the kernel forgets the handler of one that is blocked")
	}
	if r.mask, err = ptrace.GetSigmask(t.TID); err != nil {
		return err
	}
	n, err := ptrace.GetXState(t.TID, r.state)
	if err != nil {
		return err
	}
	r.state = r.state[:n]
	if r.gate, err = held.findGate(); err != nil {
		return err
	}
	if r.fds, err = held.Descriptors(); err == nil && len(r.fds) > maxInherited {
		err = errors.New("it has too many descriptors")
	}
	return err
}

// watch has a copy that was just made tell what it does. Where that cannot be, it
// returns another one.
func (r *recycler) watch(q *Process) (*Process, error) {
	r.watched, r.runs = r.watched+1, 0
	if r.maps == nil {
		r.unfit = r.survey(q.threads[0]) != nil
	}
	if !r.unfit {
		r.unfit = ptrace.SetOptions(q.PID, traceOptions|unix.PTRACE_O_EXITKILL|unix.PTRACE_O_TRACESECCOMP) != nil ||
			q.install(stainProgram(r.fds), []int{}) != nil
		q.stained = false // by what has put the filter there
	}
	if !r.unfit {
		return q, nil
	}
	if err := q.Kill(); err != nil {
		return nil, err
	}
	return r.c.copy()
}

// pays reports whether copies are to be watched: it has been worth it, so far as it was
// tried.
func (r *recycler) pays() bool {
	return r != nil && !r.unfit && r.watched < trustedCopies+2*r.undone
}

// survey looks at the memory of a new copy, and of what it is a copy of.
func (r *recycler) survey(t *Thread) (err error) {
	if r.brk, err = t.syscall(unix.SYS_BRK, Words(0)); err != nil {
		return err
	}
	if r.maps, err = mapsLike(t.TID, r.c.held.images.maps); err != nil {
		return err
	}
	held := openPagemap(r.c.held.PID)
	defer held.close()
	size := uint64(0)
	for _, m := range r.maps {
		if m.Perms&procfs.Shared != 0 || strings.HasPrefix(m.Path, "[v") {
			continue // it is shared, or the kernel's
		}
		if size += m.End - m.Start; size > maxExtent {
			return errors.New("too much memory to look at")
		}
		last := len(r.extent) - 1
		if last < 0 || m.Start-r.extent[last].end() > maxGap {
			r.extent, last = append(r.extent, extent{start: m.Start}), last+1
		}
		e := &r.extent[last]
		e.kinds = append(e.kinds, make([]pageKind, (m.End-e.end())/pageSize)...)
		err := held.each(m.Start, m.End, func(addr, entry uint64) { e.kinds[(addr-e.start)/pageSize] = kindOf(entry) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *extent) end() uint64 { return e.start + uint64(len(e.kinds))*pageSize }

// undo takes a copy back to where it was made. It returns false for one that has done
// what cannot be undone, or on which something was set that stays.
func (r *recycler) undo(q *Process) bool {
	t := q.Thread()
	switch {
	case q.stained || q.state != Stopped || q.stop.Reason != ReasonSignal || len(q.threads) != 1 || !t.mayPass:
		return false
	case t.grouped || t.ending || len(t.sent) > 0 || t.pending != nil || t.debugged || t.queued():
		return false
	case len(q.sites)+len(q.breakpoints)+len(q.watchpoints)+len(q.hooks)+len(q.annexes)+len(q.guests) > 0:
		return false
	}
	return ptrace.SetSigmask(t.TID, ^uint64(faultSignals)) == nil &&
		r.undoMaps(q) == nil && r.undoFiles(t) == nil && r.undoPages(q) == nil &&
		ptrace.SetSigmask(t.TID, r.mask) == nil && ptrace.SetXState(t.TID, r.state) == nil
}

// undoMaps takes away what a copy has mapped.
func (r *recycler) undoMaps(q *Process) error {
	t := q.threads[0]
	if r.brk%pageSize != 0 { // part of a page is no matter of mappings
		if _, err := r.call(t, unix.SYS_BRK, r.brk); err != nil {
			return err
		}
	}
	now, err := q.mappings()
	if err != nil || slices.Equal(now, r.maps) {
		return err
	}
	for _, m := range now {
		for _, s := range excess(m, r.maps) {
			if m.Path == "[heap]" && s.hi > r.brk {
				_, err = r.call(t, unix.SYS_BRK, r.brk)
			} else {
				_, err = r.call(t, unix.SYS_MUNMAP, s.lo, s.hi-s.lo)
			}
			if err != nil {
				return err
			}
		}
	}
	now, err = mapsLike(t.TID, r.maps)
	if err == nil && !slices.Equal(now, r.maps) {
		err = errors.New("its mappings are others")
	}
	return err
}

// excess returns the parts of a mapping that lie in none of others, which are in order.
func excess(m procfs.Mapping, others []procfs.Mapping) (parts []span) {
	at := m.Start
	for _, o := range others {
		if o.End <= at || o.Start >= m.End {
			continue
		}
		if o.Start > at {
			parts = append(parts, span{lo: at, hi: o.Start})
		}
		at = o.End
	}
	if at < m.End {
		parts = append(parts, span{lo: at, hi: m.End})
	}
	return parts
}

// undoFiles closes what a copy has opened. The filter tells of those that it was born
// with.
func (r *recycler) undoFiles(t *Thread) error {
	var info unix.Stat_t
	if err := unix.Stat(procfs.Path(t.TID, "fd"), &info); err != nil || info.Size == int64(len(r.fds)) {
		return err // since Linux 6.2 the size is the number of descriptors
	}
	fds, err := t.p.Descriptors()
	for _, fd := range fds {
		if err == nil && !slices.Contains(r.fds, fd) {
			_, err = r.call(t, unix.SYS_CLOSE, uint64(fd))
		}
	}
	return err
}

// undoPages gives the pages that a copy has changed what they held.
func (r *recycler) undoPages(q *Process) error {
	mine := openPagemap(q.PID)
	defer mine.close()
	var changed []span
	size := uint64(0)
	for _, e := range r.extent {
		err := mine.each(e.start, e.end(), func(addr, entry uint64) {
			if !isChanged(e.kinds[(addr-e.start)/pageSize], entry) {
				return
			}
			if last := len(changed) - 1; last >= 0 && changed[last].hi == addr {
				changed[last].hi += pageSize
			} else {
				changed = append(changed, span{lo: addr, hi: addr + pageSize})
			}
			size += pageSize
		})
		if err != nil {
			return err
		}
	}
	if size > maxUndone {
		return errors.New("it has changed too much memory")
	}
	for _, s := range changed {
		page := make([]byte, s.hi-s.lo)
		if n, err := r.c.held.readRaw(s.lo, page); n < len(page) {
			return fmt.Errorf("read what was at %#x: %w", s.lo, err)
		}
		if n, _ := ptrace.WriteMemory(q.PID, s.lo, page); n < len(page) { // which writes nothing that is read-only
			if err := q.writeRaw(s.lo, page); err != nil {
				return err
			}
		}
	}
	return r.c.mill.rename(q.PID)
}

// isChanged reports whether a page may hold something else than in what it is a copy of,
// where it is of a kind: it is the process's own, which it was not, or not shared any
// more, or gone.
func isChanged(was pageKind, entry uint64) bool {
	if kindOf(entry) != ownPage {
		return was == ownPage
	}
	return was != ownPage || entry&(pageOfOne|pageSwapped) != 0
}

// call has a copy that is to be taken back make a system call. Its registers are lost.
func (r *recycler) call(t *Thread, nr int, args ...uint64) (uint64, error) {
	regs := r.c.mill.regs
	regs[arch.RIP], regs[arch.RAX], regs[arch.OrigRAX] = r.gate, uint64(nr), ^uint64(0)
	for i, w := range args {
		regs[[...]arch.Reg{arch.RDI, arch.RSI, arch.RDX}[i]] = w
	}
	if err := ptrace.SetRegs(t.TID, &regs); err != nil {
		return 0, err
	}
	if err := ptrace.Step(t.TID, 0); err != nil {
		return 0, err
	}
	status, err := waitSoon(t.TID)
	switch {
	case err != nil:
		return 0, err
	case !status.Stopped():
		t.p.tr.dispatch(t, status)
		return 0, ErrExited
	case eventOf(status) != 0 || status.StopSignal() != unix.SIGTRAP:
		return 0, errors.New("it stopped for " + strconv.Itoa(int(status)))
	}
	if err := ptrace.GetRegs(t.TID, &regs); err != nil {
		return 0, err
	}
	return result(regs[arch.RAX])
}

// park ends a process that was taken back, and keeps what it was of for Fork.
func (r *recycler) park(q *Process) {
	r.undone, r.runs = r.undone+1, r.runs+1
	pid, mem := q.PID, q.mem
	q.mem = -1
	q.end(&Stop{Reason: ReasonKilled, Process: q, Signal: int(unix.SIGKILL)})
	held := r.c.held
	r.spare = held.offspring(pid)
	r.spare.mem, r.spare.filter = mem, []int{}
	r.spare.asCopy(held)
	held.tr.hide(r.spare)
}

// take returns the process that was taken back, or nil if there is none.
func (r *recycler) take() *Process {
	if r == nil {
		return nil
	}
	q := r.spare
	r.spare = nil
	if q == nil || q.state != Stopped || r.c.mill.place(q.PID) != nil || q.stirs() {
		return nil // it was killed
	}
	q.tr.hold(q)
	t := q.threads[0]
	t.regs, t.regsRead = r.c.mill.regs, true
	r.c.seek()
	q.report(q.newStop(ReasonFork, t))
	return q
}

// stirs reports whether a process that nobody has continued has something to say, which
// is that it was killed, and takes it in. In the stop before its end (PTRACE_EVENT_EXIT)
// requests work as in any other.
func (p *Process) stirs() bool {
	tid, status, err := ptrace.Wait(p.PID, unix.WNOHANG)
	if err != nil || tid == 0 {
		return err != nil
	}
	if t := p.tr.recognize(tid, status); t != nil {
		p.tr.dispatch(t, status)
	}
	return true
}

//go:build linux && amd64

package tracer

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/core"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// SaveCore writes a core of the process to a file, which only its user may read, and
// which is there when it is whole. Breakpoints do not show in it. Interrupt ends it
// with ErrInterrupted.
func (p *Process) SaveCore(path string) error {
	const op = "save core"
	if err := p.still(); err != nil {
		return &Error{Op: op, TID: p.PID, Err: err}
	}
	memory := &coreMemory{p: p, pages: openPagemap(p.task())}
	defer memory.pages.close()
	s, err := p.snapshot(memory)
	if err != nil {
		return &Error{Op: op, TID: p.PID, Err: cause(err)}
	}
	// One that is there is replaced as a whole.
	temp := fmt.Sprintf("%s.%d.part", path, os.Getpid())
	f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = core.Write(f, s)
		if closed := f.Close(); err == nil {
			err = closed
		}
		if err == nil {
			err = os.Rename(temp, path)
		}
		if err != nil {
			os.Remove(temp)
		}
	}
	if err != nil {
		return &Error{Op: op, TID: p.PID, Err: err}
	}
	return nil
}

// snapshot returns what a core of the process is written of.
func (p *Process) snapshot(memory *coreMemory) (*core.Snapshot, error) {
	s := &core.Snapshot{XLayout: xlayout(), Memory: memory}
	var err error
	if s.Maps, err = p.Maps(); err != nil {
		return nil, err
	}
	if s.Auxv, err = os.ReadFile(procfs.Path(p.task(), "auxv")); err != nil {
		return nil, err
	}
	if s.Psinfo, err = p.psinfo(); err != nil {
		return nil, err
	}
	current := p.Thread()
	s.Signal = current.Pending()
	threads := []*Thread{current}
	for _, t := range p.Threads() {
		if t != current {
			threads = append(threads, t)
		}
	}
	for _, t := range threads {
		saved, err := t.save()
		if err != nil {
			return nil, err
		}
		s.Threads = append(s.Threads, saved)
	}
	return s, nil
}

func (p *Process) psinfo() (core.Psinfo, error) {
	status, err := procfs.Status(p.task())
	if err != nil {
		return core.Psinfo{}, err
	}
	name, _ := procfs.Comm(p.PID)
	// A process that is there has both.
	group, _ := unix.Getpgid(p.PID)
	session, _ := unix.Getsid(p.PID)
	return core.Psinfo{
		PID: p.PID, PPID: status.PPid, PGID: group, SID: session,
		UID: status.Uid, GID: int(p.auxv()[procfs.AT_GID]),
		Name: name, Args: strings.Join(p.argv, " "),
	}, nil
}

// save returns what a core has of the thread.
func (t *Thread) save() (saved core.Saved, err error) {
	regs, err := t.Regs()
	if err != nil {
		return saved, err
	}
	x, err := t.XState()
	if err != nil {
		return saved, err
	}
	saved.TID, saved.Regs, saved.XSave = t.TID, *regs, x.Area()
	if saved.Sigmask, err = t.Sigmask(); err != nil {
		return saved, err
	}
	if status, err := procfs.Status(t.TID); err == nil {
		saved.Thread.Pending = status.SigPnd
	}
	if t.Pending() != 0 {
		info, err := t.Siginfo()
		if err != nil {
			return saved, err
		}
		saved.Siginfo = info[:]
	}
	return saved, nil
}

// coreMemory is the memory of a process as core.Write reads it.
type coreMemory struct {
	p     *Process
	pages *pagemap
	ended bool // by Interrupt
}

func (m *coreMemory) ReadAt(addr uint64, buf []byte) (int, error) {
	if m.ended = m.ended || m.p.tr.interrupted(); m.ended {
		return 0, ErrInterrupted
	}
	return m.p.ReadAt(addr, buf)
}

func (m *coreMemory) Changed(mapping *procfs.Mapping, addr, end uint64) (lo, hi uint64) {
	next := m.pages.own
	if sparse(mapping) {
		next = m.pages.next
	}
	for addr < end {
		if lo, hi = next(addr, end); lo < hi {
			return lo, hi
		}
		addr = hi
	}
	return end, end
}

//go:build linux && amd64

package tracer

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// A mill makes copies of the process of a checkpoint fast. An injected call for each
// copy takes the thread to a place where it can be changed, and back, and keeps what it
// was about. What a checkpoint holds never runs, so its thread can be left in a loop
// that does nothing but fork: it stops at each birth, and to go on is all that it takes.
//
// The loop is in a page of its own that copies do not have (MADV_DONTFORK), so that
// they are what an injected fork would make.
//
// To hand over to a thread on the same CPU takes a fraction of what waking another CPU
// does. So the thread is bound to where its tracer is, and its copies are not.
type mill struct {
	t    *Thread
	cpu  int         // that the thread is bound to, or -1
	free unix.CPUSet // where copies may run
	lead bool        // copies lead process groups of their own
	regs arch.Regs   // of the copies
	word uint64      // the address of the word that has the thread's ID, or 0
	kept uint64      // what the word is, but for the ID
	low  bool        // the ID is the lower half of it
}

// millCode is the loop.
var millCode = []byte{
	0xb8, unix.SYS_CLONE, 0, 0, 0, // mov eax, SYS_clone
	0xbf, byte(unix.SIGCHLD), unix.CLONE_PARENT >> 8 & 0xff, 0, 0, // mov edi, CLONE_PARENT|SIGCHLD
	0x31, 0xf6, // xor esi, esi
	0x31, 0xd2, // xor edx, edx
	0x45, 0x31, 0xd2, // xor r10d, r10d
	0x45, 0x31, 0xc0, // xor r8d, r8d
	0x0f, 0x05, // syscall
	0xeb, 0xe8, // jmp to the beginning
}

// newMill makes the thread of what a checkpoint holds a mill. It returns nil where copies
// are to be made one by one: the process was attached to, has filters that may forbid
// what is needed, or is in a restartable sequence.
func newMill(t *Thread) *mill {
	p := t.p
	status, err := procfs.Status(t.TID)
	if err != nil || status.Seccomp != 0 || !p.launched {
		return nil
	}
	if _, sequence := t.rseq(); sequence != 0 {
		return nil
	}
	m := &mill{t: t, cpu: -1, lead: p.leads()}
	regs, err := t.Regs()
	if err != nil || unix.SchedGetaffinity(t.TID, &m.free) != nil {
		return nil
	}
	m.regs = *regs
	page, err := t.syscall(unix.SYS_MMAP, Words(0, pageSize, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uint64(0), 0))
	if err != nil {
		return nil
	}
	_, err = t.syscall(unix.SYS_MADVISE, Words(page, pageSize, unix.MADV_DONTFORK))
	if err == nil {
		err = p.writeRaw(page, millCode)
	}
	if err != nil {
		t.syscall(unix.SYS_MUNMAP, Words(page, pageSize))
		return nil
	}
	m.findID()
	loop := m.regs
	loop[arch.RIP], loop[arch.OrigRAX] = page, ^uint64(0)
	loop[arch.EFLAGS] &^= flagTF
	t.regsRead = false
	if ptrace.SetRegs(t.TID, &loop) != nil {
		return nil
	}
	return m
}

// findID finds the word in which the C library keeps the thread's ID, see rename.
func (m *mill) findID() {
	at, ok := m.t.p.findID(m.regs[arch.FSBase], m.t.TID)
	word, read := m.t.p.word(at &^ 7)
	if !ok || !read {
		return
	}
	m.word, m.low, m.kept = at&^7, at%8 == 0, word>>32<<32
	if !m.low {
		m.kept = word << 32 >> 32
	}
}

// fork makes a copy, as Thread.fork does.
func (m *mill) fork() (*Process, error) {
	m.follow()
	child, err := m.turn()
	if err != nil {
		return nil, err
	}
	if status, err := waitSoon(child); err != nil {
		return nil, err
	} else if !status.Stopped() {
		return nil, ErrExited
	}
	err = errors.Join(m.place(child), m.rename(child))
	if m.cpu >= 0 {
		err = errors.Join(err, unix.SchedSetaffinity(child, &m.free))
	}
	if m.lead {
		err = errors.Join(err, unix.Setpgid(child, child))
	}
	q := m.t.p.offspring(child)
	t := q.threads[0]
	t.regs, t.regsRead = m.regs, true
	q.report(q.newStop(ReasonFork, t))
	q.asCopy(m.t.p)
	if err != nil {
		return nil, errors.Join(err, q.Kill())
	}
	return q, nil
}

// place gives a copy the registers.
func (m *mill) place(copy int) error { return ptrace.SetRegs(copy, &m.regs) }

// rename gives the word of a copy its ID.
func (m *mill) rename(copy int) error {
	id := uint64(copy)
	if !m.low {
		id <<= 32
	}
	if m.word == 0 {
		return nil
	}
	return ptrace.PokeText(copy, m.word, m.kept|id)
}

// follow binds the thread to the CPU of its tracer.
func (m *mill) follow() {
	cpu := ptrace.CPU()
	if m.t.p.noPin || cpu == m.cpu || cpu < 0 || !m.free.IsSet(cpu) {
		return
	}
	var here unix.CPUSet
	here.Set(cpu)
	if unix.SchedSetaffinity(m.t.TID, &here) == nil {
		m.cpu = cpu
	}
}

// waitSoon waits for a thread that is about to stop or end.
func waitSoon(tid int) (status unix.WaitStatus, err error) {
	err = unix.EINTR
	for err == unix.EINTR {
		_, status, err = ptrace.WaitSoon(tid)
	}
	return status, err
}

// turn lets the loop make a child. Signals that it is sent are discarded: were they
// blocked, its copies would block them too.
func (m *mill) turn() (child int, err error) {
	for err = ptrace.Cont(m.t.TID, 0); err == nil; err = ptrace.Cont(m.t.TID, 0) {
		status, err := waitSoon(m.t.TID)
		switch {
		case err != nil:
			return 0, err
		case !status.Stopped():
			m.t.p.tr.dispatch(m.t, status)
			return 0, ErrExited
		case eventOf(status) == unix.PTRACE_EVENT_FORK:
			msg, err := ptrace.EventMsg(m.t.TID)
			m.t.born = int(msg)
			return m.t.born, err
		case eventOf(status) == 0 && faultSignals.has(int(status.StopSignal())):
			return 0, errors.New("the copy raised " + SignalName(int(status.StopSignal())))
		}
	}
	return 0, err
}

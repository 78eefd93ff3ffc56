//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// This file lets threads go over a breakpoint while its int3 stays where it is, so
// that no other thread has to stop, and without a debug exception: they execute a
// copy of the instruction elsewhere, which is followed by a jump to the next one.
//
// Nobody sees that. A thread is in a detour only while it runs: whenever it stops,
// whatever for, it is put to where it would be in the program before anything
// looks. So when all threads are stopped no detour is in use.
//
// A step, and going on where a signal arrived at the breakpoint, is a step in the copy.
// What can be neither emulated nor copied, pass does with all threads stopped: it takes
// the int3 away for a step. These are system calls, what loads ss or flags, far jumps,
// memory that another process shares, and restartable sequences, which a copy would
// leave unprotected.

// An annex is memory that is mapped into a process for detours. Its children do not
// inherit it.
type annex struct {
	base    uint64
	detours []detour
}

const (
	annexSize  = 16 * pageSize
	detourSize = 32 // an instruction and the jump
)

// A detour is a copy of a site's instruction and the jump behind it.
type detour struct {
	site       *site // whose it is, or nil if it is free
	addr, from uint64
	size       uint64 // of the instruction
}

// home returns what an address in the detour stands for in the program.
func (d *detour) home(addr uint64) (uint64, bool) {
	if addr != d.addr && addr != d.addr+d.size {
		return addr, false
	}
	return addr - d.addr + d.from, true
}

// goRound lets the thread take a detour when it goes on, and reports whether it can.
func (t *Thread) goRound() bool {
	s := t.p.sites[t.reported]
	if s == nil || s.detour == nil || t.guest || t.p.simulates() || t.p.space != nil || t.mayPass && t.signal != 0 {
		return false
	}
	regs, err := t.Regs()
	if err != nil || regs[arch.EFLAGS]&flagTF != 0 || t.inSequence(regs[arch.RIP]) {
		return false
	}
	t.detour = s.detour
	return true
}

// inSequence reports whether addr lies in the restartable sequence that the thread has
// noted last (struct rseq_cs in linux/rseq.h).
func (t *Thread) inSequence(addr uint64) bool {
	_, cs := t.rseq()
	if cs == 0 {
		return false
	}
	var data [32]byte // version, flags, start_ip at 8, post_commit_offset
	if n, _ := t.p.readRaw(cs, data[:]); n < len(data) {
		return true
	}
	start, size := binary.LittleEndian.Uint64(data[8:]), binary.LittleEndian.Uint64(data[16:])
	return addr-start < size
}

// rseq returns where the thread notes the restartable sequence that it is in, and
// what it has noted: the address of the sequence's struct rseq_cs, or 0.
func (t *Thread) rseq() (note, cs uint64) {
	area := ptrace.Rseq(t.TID)
	if area == 0 {
		return 0, 0
	}
	var word [8]byte
	t.p.readRaw(area+8, word[:])
	return area + 8, binary.LittleEndian.Uint64(word[:])
}

// enterDetour puts the thread, which is about to run, into its detour, unless it
// has moved or the breakpoint has gone since it was to take it.
func (t *Thread) enterDetour() {
	s := t.p.sites[t.reported]
	if !t.atReported() || s == nil || s.detour != t.detour {
		t.detour = nil
		return
	}
	t.regs[arch.RIP] = t.detour.addr
	t.regs[arch.OrigRAX] = ^uint64(0) // no system call is to be restarted
	t.regsDirty = true
}

// leaveDetour puts the thread, which has stopped, to where it would be without the
// detour. If it was about to execute the instruction, it has the breakpoint behind
// it still.
func (t *Thread) leaveDetour(status unix.WaitStatus) {
	d := t.detour
	t.detour = nil
	regs, err := t.Regs()
	if err != nil {
		return // killed meanwhile
	}
	home, inside := d.home(regs[arch.RIP])
	if !inside {
		return
	}
	regs[arch.RIP] = home
	t.regsDirty = true
	if home == d.from {
		t.reported, t.isReported = home, true
	}
	if eventOf(status) != 0 || !faultSignals.has(int(status.StopSignal())) {
		return
	}
	// SIGFPE, SIGILL and SIGTRAP tell where the instruction is.
	var info Siginfo
	if err := ptrace.GetSiginfo(t.TID, &info); err != nil || !isFault(&info) {
		return
	}
	if addr, inside := d.home(info.Addr()); inside {
		binary.LittleEndian.PutUint64(info[16:], addr)
		ptrace.SetSiginfo(t.TID, &info)
	}
}

// layDetour makes a detour for a site, if there is none yet and there can be one. All
// threads are stopped, and t makes what system calls are needed.
func (p *Process) layDetour(s *site, t *Thread) {
	if s.laid || p.space != nil {
		return // or others that run in the memory would have to be looked at too
	}
	s.laid = true
	if _, ok := disasm.Relocate(s.code, s.addr, s.addr); !ok {
		return
	}
	near := false
	for _, a := range p.annexes {
		if d := a.free(); d != nil {
			if p.fill(d, s) {
				return
			}
			near = near || a.base-s.addr+reach < 2*reach
		}
	}
	if near || p.noAnnex {
		return
	}
	a, err := p.mapAnnex(s.addr, t)
	if err != nil {
		// The program may not map memory, or not make system calls that it does
		// not make itself.
		p.noAnnex = true
		return
	}
	p.annexes = append(p.annexes, a)
	p.fill(a.free(), s)
}

func (a *annex) free() *detour {
	for i := range a.detours {
		if a.detours[i].site == nil {
			return &a.detours[i]
		}
	}
	return nil
}

// fill makes d the site's detour, if its instruction can be executed there.
func (p *Process) fill(d *detour, s *site) bool {
	code, ok := disasm.Relocate(s.code, s.addr, d.addr)
	if !ok {
		return false
	}
	size := uint64(len(code))
	code = append(code, 0xff, 0x25, 0, 0, 0, 0) // jmp [rip]
	code = binary.LittleEndian.AppendUint64(code, s.addr+size)
	if p.writeRaw(d.addr, code) != nil {
		return false
	}
	d.site, d.from, d.size = s, s.addr, size
	s.detour = d
	return true
}

// leave gives the site's detour back. A thread that is in it still can leave it.
func (s *site) leave() {
	if s.detour != nil {
		s.detour.site = nil
	}
	s.detour, s.laid = nil, false
}

// reach is how far from an instruction an annex may lie, so that what it refers to
// relative to rip is near too.
const reach = 1 << 31

// mapAnnex maps an annex near addr. It lets thread t make the system calls.
func (p *Process) mapAnnex(addr uint64, t *Thread) (*annex, error) {
	maps, err := procfs.Maps(t.TID)
	if err != nil {
		return nil, err
	}
	base, ok := freeRange(maps, addr)
	if !ok {
		return nil, unix.ENOMEM
	}
	const fixedNoReplace = 0x100000
	got, err := t.inject(unix.SYS_MMAP, base, annexSize, unix.PROT_READ|unix.PROT_EXEC,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|fixedNoReplace, ^uint64(0), 0)
	if err != nil {
		return nil, err
	}
	a := &annex{base: got, detours: make([]detour, annexSize/detourSize)}
	for i := range a.detours {
		a.detours[i].addr = got + uint64(i)*detourSize
	}
	if _, err := t.inject(unix.SYS_MADVISE, got, annexSize, unix.MADV_DONTFORK); err != nil {
		t.inject(unix.SYS_MUNMAP, got, annexSize)
		return nil, err
	}
	return a, nil
}

// freeRange returns where an annex fits into memory near addr. It is the middle of
// the largest range that is free, because at the ends of one the program's own
// mappings grow; below addr if possible, because a heap may grow above.
func freeRange(maps []procfs.Mapping, addr uint64) (base uint64, ok bool) {
	const lowest, highest = 1 << 20, 1<<47 - 1<<20
	largest := func(from, to uint64) (middle uint64, ok bool) {
		size := uint64(annexSize)
		from = (from + pageSize - 1) &^ (pageSize - 1)
		for _, m := range append(maps[:len(maps):len(maps)], procfs.Mapping{Start: to, End: to}) {
			if end := min(m.Start, to); end > from && end-from > size {
				middle, size, ok = from+(end-from-annexSize)/2&^(pageSize-1), end-from, true
			}
			from = max(from, m.End)
		}
		return middle, ok
	}
	base, ok = largest(max(addr, lowest+reach)-reach, addr)
	if !ok {
		base, ok = largest(addr, min(addr+reach, highest))
	}
	return base, ok
}

// unmapAnnexes leaves nothing of detours in a process that is let go, unless the
// program has forbidden itself the system call meanwhile.
func (p *Process) unmapAnnexes() {
	for _, t := range p.threads {
		if t.state != threadStopped || t.ending || t.vforking {
			continue
		}
		for _, a := range p.annexes {
			t.inject(unix.SYS_MUNMAP, a.base, annexSize)
		}
		break
	}
	p.annexes = nil
}

// inject is Syscall for what the tracer itself needs: Interrupt does not end the
// call, and no seccomp filter but ours sees it, which may kill the program for it.
func (t *Thread) inject(nr int, words ...uint64) (uint64, error) {
	p := t.p
	switch status, err := procfs.Status(t.TID); {
	case err != nil:
		return 0, err
	case status.Seccomp != 0 && (p.filter == nil || status.Filters != 1):
		return 0, unix.EPERM
	}
	if p.state == Running {
		p.state = Stopped // so that what others report waits
		defer func() {
			if p.state == Stopped {
				p.state = Running
			}
		}()
	}
	a, err := t.setAside()
	if err != nil {
		return 0, err
	}
	ret, err := a.makeCall(nr, words)
	if err = errors.Join(err, a.restore(nil)); err != nil {
		return 0, err
	}
	return result(ret)
}

// annexAt reports whether an annex begins at addr.
func (p *Process) annexAt(addr uint64) bool {
	for _, a := range p.annexes {
		if a.base == addr {
			return true
		}
	}
	return false
}

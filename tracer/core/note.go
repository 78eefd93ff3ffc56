package core

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/tracelark/tracelark/tracer/arch"
)

// Types of notes (elf.h, and linux/elf.h for the last ones).
const (
	ntPrstatus    = 1
	ntFpregset    = 2
	ntPrpsinfo    = 3
	ntAuxv        = 6
	ntXState      = 0x202
	ntXSaveLayout = 0x205
	ntFile        = 0x46494c45
	ntSiginfo     = 0x53494749
)

// Limits on what is read of notes.
const (
	maxNotes  = 1 << 30  // of a segment of notes
	maxNote   = 64 << 20 // of one note; the kernel makes none of more than 16 MiB
	maxXState = 1 << 20  // of an XSAVE area
)

// Places in struct elf_prstatus and struct elf_prpsinfo (linux/elfcore.h).
const (
	prstatusSize = 336
	cursigAt     = 12
	sigpendAt    = 16
	sigholdAt    = 24
	prPidAt      = 32
	regsAt       = 112
	fpvalidAt    = 328

	prpsinfoSize = 136
	psUIDAt      = 16 // then gid, pid, ppid, pgrp and sid
	psNameAt     = 40
	psArgsAt     = 56
)

const (
	siginfoSize = 128
	fxSize      = 512 // of NT_FPREGSET
)

// A Psinfo is what a core tells of its process.
type Psinfo struct {
	PID, PPID int
	PGID, SID int // process group and session
	UID, GID  int
	Name      string // of the program, at most 15 bytes
	Args      string // the first 80 bytes of the arguments, with blanks between
}

// A Thread is a thread as it was when the core was written.
type Thread struct {
	TID     int
	Regs    arch.Regs
	Siginfo []byte // the record of a signal that stopped it (siginfo_t), or nil
	Sigmask uint64 // the signals that it blocks, bit n-1 for signal n
	Pending uint64 // those that wait for it

	core   *Core
	fx, xs place // NT_FPREGSET and NT_X86_XSTATE
}

var errNoXState = errors.New("the core does not have it")

// A place is a part of the core's file.
type place struct{ off, size uint64 }

// A note is a note's type and where its contents are.
type note struct {
	name string
	typ  uint32
	place
}

// readNotes reads the notes in a segment, as far as the file has them.
func (c *Core) readNotes(off, size uint64) {
	end := min(off+min(size, maxNotes, ^off), c.size)
	w := &window{c: c}
	for {
		head := w.at(off, 12)
		if head == nil || off+12 > end {
			return
		}
		nameSize := uint64(binary.LittleEndian.Uint32(head))
		n := note{typ: binary.LittleEndian.Uint32(head[8:])}
		n.size = uint64(binary.LittleEndian.Uint32(head[4:]))
		n.off = off + 12 + align(nameSize)
		off = n.off + align(n.size)
		if n.off+n.size > end {
			return
		}
		if nameSize <= 8 { // "CORE" and "LINUX" are all that counts
			n.name = string(bytes.TrimRight(w.at(n.off-align(nameSize), nameSize), "\x00"))
			c.readNote(&n, w)
		}
	}
}

// align rounds up to the alignment of notes. They come from 32-bit numbers, so that
// nothing overflows.
func align(n uint64) uint64 { return (n + 3) &^ 3 }

// A window reads a file with few system calls.
type window struct {
	c   *Core
	off uint64
	buf []byte
}

// at returns n bytes of the file, which are valid until the next call, or nil if it
// does not have them.
func (w *window) at(off, n uint64) []byte {
	const size = 64 << 10
	if off < w.off || off+n > w.off+uint64(len(w.buf)) {
		if off > w.c.size || n > w.c.size-off || n > maxNote {
			return nil
		}
		want := min(max(n, size), w.c.size-off)
		if uint64(cap(w.buf)) < want {
			w.buf = make([]byte, want)
		}
		w.off, w.buf = off, w.buf[:want]
		if w.c.read(off, w.buf) != nil {
			w.buf = w.buf[:0]
			return nil
		}
	}
	return w.buf[off-w.off:][:n]
}

// readNote takes in a note. Those about a thread follow its NT_PRSTATUS.
func (c *Core) readNote(n *note, w *window) {
	var last *Thread
	if len(c.threads) > 0 {
		last = c.threads[len(c.threads)-1]
	}
	owner := "CORE"
	switch n.typ {
	case ntXState, ntXSaveLayout:
		owner = "LINUX"
	case ntPrstatus, ntFpregset, ntPrpsinfo, ntAuxv, ntFile, ntSiginfo:
	default:
		return
	}
	if n.name != owner {
		return
	}
	switch {
	case n.typ == ntXState && last != nil:
		last.xs = n.place
		return
	case n.typ == ntFpregset && last != nil:
		last.fx = n.place
		return
	}
	data := w.at(n.off, n.size)
	switch {
	case data == nil: // it cannot be read
	case n.typ == ntXSaveLayout && n.size <= pageSize:
		c.xlayout = parseXLayout(data)
	case n.typ == ntPrstatus && n.size >= fpvalidAt:
		c.threads = append(c.threads, c.parseThread(data))
	case n.typ == ntSiginfo && last != nil && n.size >= siginfoSize:
		last.Siginfo = bytes.Clone(data[:siginfoSize])
	case n.typ == ntPrpsinfo && n.size >= prpsinfoSize:
		c.info = parsePsinfo(data)
	case n.typ == ntAuxv && n.size <= pageSize:
		c.auxv = bytes.Clone(data)
	case n.typ == ntFile:
		c.ranges = parseFiles(data)
	}
}

func (c *Core) parseThread(data []byte) *Thread {
	if len(c.threads) == 0 { // the kernel repeats it in all threads
		c.signal = int(binary.LittleEndian.Uint16(data[cursigAt:]))
	}
	t := &Thread{
		core:    c,
		TID:     int(int32(binary.LittleEndian.Uint32(data[prPidAt:]))),
		Pending: binary.LittleEndian.Uint64(data[sigpendAt:]),
		Sigmask: binary.LittleEndian.Uint64(data[sigholdAt:]),
	}
	decode(data[regsAt:fpvalidAt], &t.Regs)
	return t
}

func parsePsinfo(data []byte) Psinfo {
	number := func(off int) int { return int(int32(binary.LittleEndian.Uint32(data[off:]))) }
	text := func(from, to int) string {
		s, _, _ := bytes.Cut(data[from:to], []byte{0})
		return string(s)
	}
	return Psinfo{
		UID: number(psUIDAt), GID: number(psUIDAt + 4),
		PID: number(psUIDAt + 8), PPID: number(psUIDAt + 12), PGID: number(psUIDAt + 16), SID: number(psUIDAt + 20),
		Name: text(psNameAt, psArgsAt), Args: string(bytes.TrimRight([]byte(text(psArgsAt, prpsinfoSize)), " ")),
	}
}

// parseXLayout parses NT_X86_XSAVE_LAYOUT, an array of struct x86_xfeat_component
// (Linux's uapi/asm/elf.h).
func parseXLayout(data []byte) (list []arch.XComponent) {
	for ; len(data) >= 16; data = data[16:] {
		number := func(off int) int { return int(int32(binary.LittleEndian.Uint32(data[off:]))) }
		list = append(list, arch.XComponent{Number: number(0), Size: number(4), Offset: number(8)})
	}
	return list
}

// Name returns the name of the thread, if the core has it: it is that of the leader.
func (t *Thread) Name() string {
	if t.TID == t.core.info.PID {
		return t.core.info.Name
	}
	return ""
}

// XState returns the extended state of the thread. A core that has only what FXSAVE
// stores gives that.
func (t *Thread) XState() (*arch.XState, error) {
	c := t.core
	if t.xs.size > 0 && t.xs.size <= maxXState {
		area := make([]byte, t.xs.size)
		if err := c.read(t.xs.off, area); err != nil {
			return nil, err
		}
		layout := arch.XLayoutOf(len(area), c.xlayout)
		if len(c.xlayout) == 0 {
			layout = arch.GuessXLayout(area)
		}
		return arch.NewXState(area, layout)
	}
	area := make([]byte, fxSize)
	if t.fx.size < fxSize {
		return nil, errNoXState
	}
	if err := c.read(t.fx.off, area); err != nil {
		return nil, err
	}
	return arch.NewFXState(area)
}

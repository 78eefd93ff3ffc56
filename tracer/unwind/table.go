package unwind

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// Sections are the parts of an ELF file that hold call frame information, and
// the addresses its encodings count from. Addresses are those of the file,
// before any load bias. Absent sections are nil.
type Sections struct {
	EHFrame        []byte // .eh_frame
	EHFrameAddr    uint64
	EHFrameHdr     []byte // .eh_frame_hdr
	EHFrameHdrAddr uint64

	// DebugFrame returns .debug_frame, decompressed. It is not called before
	// .eh_frame lacks a pc.
	DebugFrame func() ([]byte, error)

	TextAddr uint64 // of .text, for DW_EH_PE_textrel
	DataAddr uint64 // of .got, for DW_EH_PE_datarel
}

// A Table finds the unwinding rules of one ELF file. Its users cannot change
// it, and any number of goroutines may use it at the same time. It keeps and
// never writes the sections it was made of.
type Table struct {
	eh    *section // .eh_frame, or nil
	debug func() (*section, error)

	// cache remembers rows by a hash of the pc that asked for them. A pc that
	// falls on the slot of another takes it: the cache stays small and needs
	// no lock.
	cache [1 << cacheBits]atomic.Pointer[row]
}

const cacheBits = 10

// NewTable returns the table of s, which must have .eh_frame or .debug_frame.
// It does not read them yet: what is wrong with an entry shows when a stack
// needs it.
func NewTable(s Sections) (*Table, error) {
	t := new(Table)
	if len(s.EHFrame) > 0 {
		if s.EHFrameAddr+uint64(len(s.EHFrame)) < s.EHFrameAddr {
			return nil, fmt.Errorf(".eh_frame of %d bytes at %#x", len(s.EHFrame), s.EHFrameAddr)
		}
		eh := &section{name: ".eh_frame", data: s.EHFrame, addr: s.EHFrameAddr, textAddr: s.TextAddr, dataAddr: s.DataAddr, eh: true}
		eh.header = parseHeader(&s)
		t.eh = eh
	}
	if s.DebugFrame != nil {
		t.debug = sync.OnceValues(func() (*section, error) {
			data, err := s.DebugFrame()
			if err != nil {
				return nil, err
			}
			return &section{name: ".debug_frame", data: data, textAddr: s.TextAddr, dataAddr: s.DataAddr}, nil
		})
	}
	if t.eh == nil && t.debug == nil {
		return nil, errors.New("no call frame information")
	}
	return t, nil
}

// row returns the row that holds for pc, an address of the file. It is nil if
// no FDE covers pc.
func (t *Table) row(pc uint64) (*row, error) {
	const golden = 0x9e3779b97f4a7c15 // 2⁶⁴ divided by the golden ratio
	slot := &t.cache[pc*golden>>(64-cacheBits)]
	if row := slot.Load(); row != nil && row.lo <= pc && pc < row.hi {
		return row, nil
	}
	r, err := t.find(pc)
	if r != nil {
		slot.Store(r)
	}
	return r, err
}

// find returns the row for pc from .eh_frame, or else from .debug_frame.
func (t *Table) find(pc uint64) (*row, error) {
	var ehErr error
	if t.eh != nil {
		r, err := t.eh.row(pc)
		if r != nil {
			return r, nil
		}
		ehErr = err
	}
	if t.debug == nil {
		return nil, ehErr
	}
	debug, err := t.debug()
	if err != nil {
		return nil, cmp.Or(ehErr, err)
	}
	r, err := debug.row(pc)
	if r != nil {
		return r, nil
	}
	return nil, cmp.Or(ehErr, err)
}

// A Range is the code from Low up to High.
type Range struct{ Low, High uint64 }

// Ranges returns the code that there is call frame information for: functions, and
// parts of some. They are sorted within each section. Entries that cannot be read are
// left out.
func (t *Table) Ranges() []Range {
	var ranges []Range
	add := func(s *section) {
		s.once.Do(s.scan)
		for _, e := range s.list {
			ranges = append(ranges, Range{e.lo, e.hi})
		}
	}
	if t.eh != nil {
		add(t.eh)
	}
	if t.debug != nil {
		if s, err := t.debug(); err == nil {
			add(s)
		}
	}
	return ranges
}

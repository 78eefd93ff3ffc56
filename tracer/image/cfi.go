package image

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tracelark/tracelark/tracer/unwind"
)

// CFI returns the table of the file's call frame information.
func (f *File) CFI() (*unwind.Table, error) { return f.cfi() }

func (f *File) loadCFI() (*unwind.Table, error) {
	var s unwind.Sections
	var err error
	if len(f.sections) == 0 {
		if s, err = f.ehFrame(); err != nil {
			return nil, fmt.Errorf("%s: find .eh_frame: %w", f.name, err)
		}
	} else {
		if s.EHFrame, s.EHFrameAddr, err = f.optional(".eh_frame"); err != nil {
			return nil, err
		}
		if s.EHFrameHdr, s.EHFrameHdrAddr, err = f.optional(".eh_frame_hdr"); err != nil {
			return nil, err
		}
	}
	debug := f
	if f.section(".debug_frame") == nil || f.given != nil {
		debug, _ = f.Debug()
	}
	if debug.section(".debug_frame") != nil {
		s.DebugFrame = func() ([]byte, error) {
			data, _, err := debug.Section(".debug_frame")
			return data, err
		}
	}
	if text := f.section(".text"); text != nil {
		s.TextAddr = text.Addr
	}
	if got := f.section(".got"); got != nil {
		s.DataAddr = got.Addr
	}
	table, err := unwind.NewTable(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	return table, nil
}

// optional is Section without the error for one that does not exist.
func (f *File) optional(name string) ([]byte, uint64, error) {
	data, addr, err := f.Section(name)
	if errors.Is(err, ErrNoSection) {
		err = nil
	}
	return data, addr, err
}

// ehFrame finds .eh_frame without section headers: a program header leads to
// .eh_frame_hdr, and that to .eh_frame (Linux Standard Base 5.0, 10.6.2). An
// empty entry marks its end, so what else is in the segment does no harm.
func (f *File) ehFrame() (s unwind.Sections, err error) {
	for i := range f.progs {
		p := &f.progs[i]
		if elf.ProgType(p.Type) != elf.PT_GNU_EH_FRAME {
			continue
		}
		hdr, err := f.read(p.Off, p.Filesz)
		if err != nil {
			return s, err
		}
		// All linkers write a pointer relative to itself, of four bytes with
		// a sign (DW_EH_PE_pcrel|DW_EH_PE_sdata4).
		if len(hdr) < 8 || hdr[0] != 1 || hdr[1] != 0x1b {
			return s, fmt.Errorf(".eh_frame_hdr starts with % x", hdr[:min(len(hdr), 2)])
		}
		addr := p.Vaddr + 4 + uint64(int32(binary.LittleEndian.Uint32(hdr[4:])))
		off, n, ok := f.offset(addr)
		if !ok {
			return s, fmt.Errorf("address %#x is in no segment", addr)
		}
		data, err := f.read(off, n)
		if err != nil {
			return s, err
		}
		return unwind.Sections{EHFrame: data, EHFrameAddr: addr, EHFrameHdr: hdr, EHFrameHdrAddr: p.Vaddr}, nil
	}
	return s, nil
}

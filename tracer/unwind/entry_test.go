package unwind

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
)

// TestEntries reads entries of forms that no tool at hand writes.
func TestEntries(t *testing.T) {
	const addr = 0x400000
	le := binary.LittleEndian
	entry := func(parts ...[]byte) []byte {
		body := slices.Concat(parts...)
		return append(le.AppendUint32(nil, uint32(len(body))), body...)
	}
	wide := func(parts ...[]byte) []byte {
		body := slices.Concat(parts...)
		return append(le.AppendUint64([]byte{0xff, 0xff, 0xff, 0xff}, uint64(len(body))), body...)
	}
	u32 := func(v uint32) []byte { return le.AppendUint32(nil, v) }
	u64 := func(v uint64) []byte { return le.AppendUint64(nil, v) }
	rules := []byte{cfaDefCFA, 7, 8, cfaOffset | 16, 1}
	// encoded returns .eh_frame with pointers to code of an encoding.
	encoded := func(enc byte, pointers ...byte) Sections {
		cie := entry(u32(0), []byte("\x01zR\x00\x01\x78\x10\x01"), []byte{enc}, rules)
		fde := entry(u32(uint32(len(cie)+4)), pointers, []byte{0})
		return Sections{EHFrame: slices.Concat(cie, fde), EHFrameAddr: addr, TextAddr: 0x1000, DataAddr: 0x800}
	}
	debug := func(cie []byte, fde ...[]byte) Sections {
		return Sections{DebugFrame: debugFrame(slices.Concat(append([][]byte{cie}, fde...)...))}
	}
	cie3 := entry(u32(0xffffffff), []byte("\x03\x00\x01\x78\x10"), rules)
	for _, test := range []struct {
		name string
		s    Sections
		err  string // of the row of 0x1100
	}{
		{"absptr", encoded(peAbsPtr, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0), ""},
		{"udata2", encoded(peUData2, 0, 0x10, 0, 0x10), ""},
		{"udata4", encoded(peUData4, 0, 0x10, 0, 0, 0, 0x10, 0, 0), ""},
		{"sdata8", encoded(peSData8, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0), ""},
		{"uleb128", encoded(peULEB128, 0x80, 0x20, 0x80, 0x20), ""},
		{"sleb128", encoded(peSLEB128, 0x80, 0x20, 0x80, 0x20), ""},
		{"pcrel sdata4", encoded(pePCRel|peSData4, 0xe2, 0x0f, 0, 0, 0, 0x10, 0, 0), ""}, // 0x401000 - 0x40001e
		{"textrel sdata2", encoded(peTextRel|peSData2, 0, 0, 0, 0x10), ""},
		{"datarel udata2", encoded(peDataRel|peUData2, 0, 8, 0, 0x10), ""},
		{"aligned", encoded(peAligned, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0), ""},
		{"indirect", encoded(peIndirect | peUData4), ".eh_frame+0x10: indirect pointers to code"},
		{"funcrel", encoded(0x40|peUData4, 0, 0, 0, 0, 0, 0, 0, 0), ".eh_frame+0x1e: pointer encoding 0x43"},
		{"unknown format", encoded(0x05, 0, 0, 0, 0, 0, 0, 0, 0), ".eh_frame+0x1e: pointer encoding 0x5"},
		{"overflow", encoded(peUData8, 0, 0x10, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), ".eh_frame+0x1e: 0xffffffffffffffff bytes of code at 0x1000"},

		{"version 3", debug(cie3, entry(u32(0), u64(0x1000), u64(0x1000))), ""},
		{"padding", debug(cie3, u32(0), entry(u32(0), u64(0x1000), u64(0x1000))), ""},
		{"version 4", debug(entry(u32(0xffffffff), []byte("\x04\x00\x08\x00\x01\x78\x10"), rules), entry(u32(0), u64(0x1000), u64(0x1000))), ""},
		{"addresses of 4 bytes", debug(entry(u32(0xffffffff), []byte("\x04\x00\x04\x00\x01\x78\x10"), rules), entry(u32(0), u32(0x1000), u32(0x1000))), ""},
		{"addresses of 2 bytes", debug(entry(u32(0xffffffff), []byte("\x04\x00\x02\x00\x01\x78\x10"), rules), entry(u32(0))), ".debug_frame+0x0: addresses of 2 bytes"},
		{"segments", debug(entry(u32(0xffffffff), []byte("\x04\x00\x08\x01\x01\x78\x10"), rules), entry(u32(0))), ".debug_frame+0x0: segment selectors of 1 bytes"},
		{"64-bit", debug(wide(u64(1<<64-1), []byte("\x03\x00\x01\x78\x10"), rules), wide(u64(0), u64(0x1000), u64(0x1000))), ""},
		{"eh", debug(entry(u32(0xffffffff), []byte("\x01eh\x00"), u64(0), []byte("\x01\x78\x10"), rules), entry(u32(0), u64(0x1000), u64(0x1000))), ""},
		{"all letters", debug(entry(u32(0xffffffff), []byte("\x01zPLRSBx\x00\x01\x78\x10\x0d\x00"), u64(0), []byte{0, peUData4, 1, 2}, rules), entry(u32(0), u32(0x1000), u32(0x1000), []byte{0})), ""},

		{"version 5", debug(entry(u32(0xffffffff), []byte("\x05\x00\x01\x78\x10"), rules), entry(u32(0))), ".debug_frame+0x0: CIE version 5"},
		{"unknown letter", debug(entry(u32(0xffffffff), []byte("\x01y\x00\x01\x78\x10"), rules), entry(u32(0))), `.debug_frame+0x0: augmentation "y"`},
		{"endless letters", debug(entry(u32(0xffffffff), []byte("\x01zRRRRRRRRRRRRRRRRRRRRR\x00")), entry(u32(0))), ".debug_frame+0x9: augmentation string without an end"},
		{"no CIE", debug(nil, entry(u32(0x100), u64(0x1000), u64(0x1000))), ".debug_frame+0x100: CIE outside the section"},
		{"FDE for a CIE", debug(nil, entry(u32(0), u64(0x1000), u64(0x1000))), ".debug_frame+0x0: not a CIE"},
		{"length", debug(cie3, []byte{0xff, 0, 0, 0}), ".debug_frame+0x12: entry of 255 bytes is truncated"},
		{"length of 64 bits", debug(cie3, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}), ".debug_frame+0x12: entry of 9223372036854775807 bytes is truncated"},
		{"truncated FDE", debug(cie3, entry(u32(0), u32(0x1000))), ".debug_frame+0x1a: truncated"},
		{"long program", debug(cie3, entry(u32(0), u64(0x1000), u64(0x1000), make([]byte, maxProgram+1))), ".debug_frame+0x2a: 1048577 bytes of call frame instructions"},
		{"deep states", debug(cie3, entry(u32(0), u64(0x1000), u64(0x1000), slices.Repeat([]byte{cfaRememberState}, 17))), ".debug_frame+0x3a: more than 16 states remembered"},
		{"no state", debug(cie3, entry(u32(0), u64(0x1000), u64(0x1000), []byte{cfaRestoreState})), ".debug_frame+0x2a: no state to restore"},
		{"moves back", debug(cie3, entry(u32(0), u64(0x1000), u64(0x1000), []byte{cfaSetLoc}, u64(0))), ".debug_frame+0x33: location moves back from 0x1000 to 0x0"},
		{"vector CFA", debug(cie3, entry(u32(0), u64(0x1000), u64(0x1000), []byte{cfaDefCFARegister, 17})), ".debug_frame+0x2c: CFA in DWARF register 17"},
	} {
		table, err := NewTable(test.s)
		if err != nil {
			t.Fatal(err)
		}
		r, err := table.row(0x1100)
		if test.name == "pcrel sdata4" {
			r, err = table.row(0x401100)
		}
		if err != nil || test.err != "" {
			if fmt.Sprint(err) != test.err {
				t.Errorf("%s: %v, want %s", test.name, err, test.err)
			}
		} else if r == nil || r.hi-r.lo != 0x1000 || r.cfa.offset != 8 || r.regs[16].offset != -8 {
			t.Errorf("%s: %+v", test.name, r)
		}
	}
}

func TestNewTableErrors(t *testing.T) {
	for _, test := range []struct {
		s   Sections
		err string
	}{
		{Sections{}, "no call frame information"},
		{Sections{EHFrameHdr: []byte{1}}, "no call frame information"},
		{Sections{EHFrame: []byte{0, 0, 0, 0}, EHFrameAddr: 1<<64 - 2}, ".eh_frame of 4 bytes at 0xfffffffffffffffe"},
	} {
		if table, err := NewTable(test.s); table != nil || fmt.Sprint(err) != test.err {
			t.Errorf("%v, %v; want %s", table, err, test.err)
		}
	}
}

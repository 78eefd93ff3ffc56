package unwind

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/dw"
)

// seeds returns sections of real files and of every instruction and operator.
func seeds(f *testing.F) []Sections {
	list := []Sections{
		file(compile(f, "rules.s", "-nostdlib")).sections,
		file(compile(f, "deep.c", "-O2")).sections,
		file(compile(f, "deep.c", "-O2", "-g", "-nostartfiles", "-fno-asynchronous-unwind-tables")).sections,
		{EHFrame: ehFrame([]byte{cfaDefCFAExpression, 8, dw.OpBreg0 + 7, 8, dw.OpDup, dw.OpDeref, dw.OpSwap, dw.OpDrop, dw.OpLit0, dw.OpPlus})},
	}
	for op := range 0x40 {
		list = append(list, Sections{EHFrame: ehFrame([]byte{cfaDefCFA, 7, 8, byte(op), 3, 2, 1, 0})})
	}
	return list
}

func FuzzTable(f *testing.F) {
	for _, s := range seeds(f) {
		var debug []byte
		if s.DebugFrame != nil {
			debug, _ = s.DebugFrame()
		}
		f.Add(s.EHFrame, s.EHFrameAddr, s.EHFrameHdr, s.EHFrameHdrAddr, debug, uint64(0x1100))
	}
	f.Fuzz(func(t *testing.T, eh []byte, ehAddr uint64, hdr []byte, hdrAddr uint64, debug []byte, pc uint64) {
		s := Sections{EHFrame: eh, EHFrameAddr: ehAddr, EHFrameHdr: hdr, EHFrameHdrAddr: hdrAddr}
		if len(debug) > 0 {
			s.DebugFrame = debugFrame(debug)
		}
		table, err := NewTable(s)
		if (table == nil) == (err == nil) {
			t.Fatalf("NewTable = %v, %v", table, err)
		}
		if err != nil {
			return
		}
		for _, r := range table.Ranges() {
			if r.Low >= r.High {
				t.Fatalf("range %#x to %#x", r.Low, r.High)
			}
		}
		pcs := []uint64{pc}
		var sections []*section
		if table.eh != nil {
			sections = append(sections, table.eh)
		}
		if table.debug != nil {
			sec, err := table.debug()
			if err != nil {
				t.Fatal(err)
			}
			sections = append(sections, sec)
		}
		for _, sec := range sections {
			sec.once.Do(sec.scan)
			for _, l := range sec.list[:min(len(sec.list), 10)] {
				pcs = append(pcs, l.lo, l.hi-1)
			}
			for i := range min(sec.header.len(), 10) {
				pcs = append(pcs, sec.header.lo(i))
			}
		}
		for _, pc := range pcs {
			row, err := table.row(pc)
			if row != nil && err != nil {
				t.Fatalf("row of %#x = %v, %v", pc, row, err)
			}
			if row != nil && (pc < row.lo || pc >= row.hi) {
				t.Fatalf("row of %#x holds from %#x to %#x", pc, row.lo, row.hi)
			}
			if again, err := table.row(pc); err == nil && row != nil && again.rules != row.rules {
				t.Fatalf("second row of %#x is another", pc)
			}
		}
	})
}

// A slab is memory from 0x1000 on, all of it code and stack.
type slab struct {
	data  []byte
	table *Table
}

func (s slab) ReadAt(addr uint64, buf []byte) (int, error) {
	n := 0
	if off := addr - 0x1000; off < uint64(len(s.data)) {
		n = copy(buf, s.data[off:])
	}
	if n < len(buf) {
		return n, errors.New("bad address")
	}
	return n, nil
}

func (s slab) Role(pc uint64) Role { return Role(pc % 3) }

func (s slab) Caller(f, caller *Frame) (bool, error) {
	if f.PC&0xff != 7 {
		return false, nil
	}
	caller.Regs, caller.Known = f.Regs, SetOf(arch.RIP, arch.RSP)
	caller.Regs[arch.RIP] += 0x100
	caller.Regs[arch.RSP] -= f.PC >> 8 & 0xff
	return true, nil
}

func (s slab) CFI(pc uint64) (*Table, uint64, bool) {
	return s.table, 0, pc-0x1000 < uint64(len(s.data))
}

func FuzzStack(f *testing.F) {
	stack := binary.LittleEndian.AppendUint64(make([]byte, 8), 0x1200)
	for _, s := range seeds(f) {
		f.Add(s.EHFrame, stack, uint64(0x1100), uint64(0x1008), uint64(0x1000))
	}
	f.Add([]byte(nil), append(sigreturn, make([]byte, 300)...), uint64(0x1000), uint64(0x1010), uint64(0x1020))
	f.Add([]byte(nil), []byte("\x55\x48\x89\xe5\xe8\xf7\xff\xff\xff\x00\x09\x10\x00\x00\x00\x00\x00\x00"), uint64(0x1001), uint64(0x1008), uint64(0x1008))
	walked := "\x53\x48\x83\xec\x10\x48\x89\x1c\x24\x74\x02\xeb\xfe\x48\x83\xc4\x10\x5b\xc9\xff\x25\xc3\xe8\x00\x00\x00\x00"
	f.Add([]byte(nil), append([]byte(walked), stack...), uint64(0x1000), uint64(0x1020), uint64(0x1020))
	f.Fuzz(func(t *testing.T, eh, data []byte, pc, sp, bp uint64) {
		s := slab{data: data}
		s.table, _ = NewTable(Sections{EHFrame: eh})
		var regs arch.Regs
		regs[arch.RIP], regs[arch.RSP], regs[arch.RBP] = pc, sp, bp
		const most = 100
		frames, err := Stack(s, s, &regs, most)
		if len(frames) == 0 || len(frames) > most {
			t.Fatalf("%d frames, %v", len(frames), err)
		}
		for i, frame := range frames[1:] {
			last := &frames[i]
			outermost := i+2 == len(frames)              // It may have any CFA,
			told := !outermost && frames[i+2].By == Told // and so may what is told.
			if frame.CFA <= last.CFA && !frame.Signal && !last.Signal && !outermost && !told {
				t.Errorf("frame %d has CFA %#x, after %#x", i+1, frame.CFA, last.CFA)
			}
		}
	})
}

func BenchmarkStack(b *testing.B) {
	program := compile(b, "deep.c", "-O2", "-fno-optimize-sibling-calls", "-fno-omit-frame-pointer")
	s := debug(b, program, "break stop", "run", "python dump(1)")[0]
	const most = 1000
	for b.Loop() {
		if frames, err := Stack(s, s, s.regs(), most); err != nil || len(frames) != most {
			b.Fatalf("%d frames, %v", len(frames), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*most), "ns/frame")
}

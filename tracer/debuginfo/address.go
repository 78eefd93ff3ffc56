package debuginfo

import (
	"cmp"
	"debug/dwarf"
	"runtime"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
)

// A Range is the addresses from Low to below High.
type Range struct{ Low, High uint64 }

// Contains reports whether addr lies in the range.
func (r Range) Contains(addr uint64) bool { return r.Low <= addr && addr < r.High }

// An addressTable finds the units that have code at an address.
type addressTable = rangeTable[*unit]

// A rangeTable finds what has code at an address. Ranges may overlap.
type rangeTable[T any] struct {
	list []ranged[T]
	most []uint64 // the highest end of the ranges up to each
}

type ranged[T any] struct {
	Range
	of T
}

func (t *rangeTable[T]) add(r Range, of T) {
	if r.Low < r.High && r.Low != 0 && r.Low < tombstone {
		t.list = append(t.list, ranged[T]{r, of})
	}
}

func (t *rangeTable[T]) sort() {
	slices.SortStableFunc(t.list, func(a, b ranged[T]) int { return cmp.Compare(a.Low, b.Low) })
	t.most = make([]uint64, len(t.list))
	most := uint64(0)
	for i := range t.list {
		most = max(most, t.list[i].High)
		t.most[i] = most
	}
}

// at calls f with everything at addr, what starts last first, until f returns
// false.
func (t *rangeTable[T]) at(addr uint64, f func(T) bool) {
	i := sort.Search(len(t.list), func(i int) bool { return t.list[i].Low > addr })
	for i--; i >= 0 && t.most[i] > addr; i-- {
		if t.list[i].High > addr && !f(t.list[i].of) {
			return
		}
	}
}

// maxPartial limits how many addresses and files are looked up before all units are known.
// Then there will be more, and a table is worth its time.
const maxPartial = 64

// unitsAt calls f with the units that have code at pc until it returns false: what starts
// last first, but while not all units are known those that .debug_aranges tells of, and
// then what comes first in the file, which may be one of them again.
func (d *Data) unitsAt(pc uint64, f func(*unit) bool) {
	if d.whole.Load() || d.partial.Add(1) > maxPartial {
		t := d.addresses()
		d.addressed.Store(true)
		t.at(pc, f)
		return
	}
	more := true
	d.aranges().at(pc, func(off uint64) bool {
		if u := d.unitOf(off); u != nil {
			more = f(u)
		}
		return more
	})
	if !more {
		return
	}
	for u := range d.inOrder {
		if u.kind != unitType && slices.ContainsFunc(u.code(), func(r Range) bool { return r.Contains(pc) }) && !f(u) {
			return
		}
	}
}

// small is how many bytes a unit may have that is read in a few milliseconds.
const small = 1 << 20

// SlowLine reports whether Line may take long at pc: it may have to find out which unit has
// it, or to read a large one for the first time.
func (d *Data) SlowLine(pc uint64) bool {
	return d.slow(pc, func(u *unit) bool {
		l := u.home().linesRead.Load()
		return u.hasLines && (l == nil || l.err == nil && !l.ran.Load())
	})
}

// SlowFuncs reports whether Funcs may take long at pc, as SlowLine does.
func (d *Data) SlowFuncs(pc uint64) bool {
	return d.slow(pc, func(u *unit) bool { return !u.treed.Load() })
}

func (d *Data) slow(pc uint64, unread func(*unit) bool) bool {
	if !d.addressed.Load() {
		return true
	}
	slow := false
	d.addresses().at(pc, func(u *unit) bool {
		slow = (u.end-u.start >= small || u.kind == unitSkeleton) && unread(u)
		return !slow
	})
	return slow
}

// buildAddresses collects the ranges of all units: from .debug_aranges where
// that has the unit, otherwise from its first entry, and where that says
// nothing from its lines.
func (d *Data) buildAddresses() *addressTable {
	t := new(addressTable)
	known := make([]bool, len(d.allUnits()))
	for _, r := range d.aranges().list {
		if u := d.unitOf(r.of); u != nil {
			known[u.index] = true
			t.add(r.Range, u)
		}
	}
	ranges := make([][]Range, d.infos)
	d.parallel(d.units[:d.infos], func(u *unit) {
		if !known[u.index] && u.kind != unitType {
			ranges[u.index] = u.code()
		}
	})
	for i, list := range ranges {
		for _, r := range list {
			t.add(r, d.units[i])
		}
	}
	t.sort()
	return t
}

// readAranges returns the offsets of units by the addresses that .debug_aranges gives them
// (DWARF 5, 6.1.2).
func (d *Data) readAranges() *rangeTable[uint64] {
	t := new(rangeTable[uint64])
	r := newReader(secAranges, d.section(secAranges), 0)
	for r.off < r.end && r.err == nil {
		start := r.off
		end := r.length()
		set := r
		set.end = end
		version, off := set.u16(), set.offset()
		addrSize, segSize := set.u8(), set.u8()
		if version == 2 && addrSize == 8 && segSize == 0 {
			set.take(-uint64(set.off-start) % 16)
			for set.off < set.end {
				lo, n := set.u64(), set.u64()
				if lo|n != 0 && set.err == nil {
					t.add(Range{lo, lo + n}, off)
				}
			}
		}
		r.off = max(end, r.off)
	}
	t.sort()
	return t
}

// codeRanges returns where a unit has code.
func (u *unit) codeRanges() []Range {
	err := u.open()
	ranges := u.rangesOf(u.ranges, u.lowPC, u.hasLow, u.highPC)
	if len(ranges) > 0 || u.tag != dwarf.TagCompileUnit && u.tag != dwarf.TagSkeletonUnit && err == nil {
		return ranges
	}
	if t, err := u.lineTable(); err == nil {
		t.sequences(func(rows []row) {
			ranges = append(ranges, Range{rows[0].addr, rows[len(rows)-1].addr})
		})
	}
	return ranges
}

// parallel calls f with each of units, on as many goroutines as there are CPUs
// to run them.
func (d *Data) parallel(units []*unit, f func(*unit)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(units)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(units) {
					return
				}
				f(units[i])
			}
		})
	}
	wg.Wait()
}

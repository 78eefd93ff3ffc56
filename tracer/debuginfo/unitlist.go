package debuginfo

import (
	"fmt"
	"sort"
	"sync"
	"sync/atomic"
)

// A unitList is the units of a file. Where the section that has them is decompressed as it
// is needed, they become known as they are needed, too.
type unitList struct {
	whole atomic.Bool // all of them are known: what follows does not change any more
	mu    sync.Mutex  // guards what follows until then
	off   uint64      // of the next header in .debug_info
	units []*unit     // of .debug_info, then of .debug_types, each in the order of offsets
	infos int         // how many units .debug_info has
	sigs  map[uint64]*unit
}

// allUnits returns all units.
func (d *Data) allUnits() []*unit {
	d.discover(never)
	return d.units
}

// never is for discover if all units are needed.
func never(*unit) bool { return false }

// inOrder yields the units of .debug_info. It reads the header of one when it comes to it.
func (d *Data) inOrder(yield func(*unit) bool) {
	for n := 0; ; n++ {
		units, _ := d.discover(func(u *unit) bool { return u.index >= n })
		if n >= len(units) || !yield(units[n]) {
			return
		}
	}
}

// discover reads headers in .debug_info until enough is true of the last one, or all, and
// returns the units that are known of that section.
func (d *Data) discover(enough func(*unit) bool) ([]*unit, error) {
	if d.whole.Load() {
		return d.units[:d.infos], nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for !d.whole.Load() {
		if n := len(d.units); n > 0 && enough(d.units[n-1]) {
			return d.units, nil
		}
		var err error
		if d.off, err = d.readUnit(secInfo, d.off); err == nil && d.off > 0 {
			continue
		}
		d.infos = len(d.units)
		for off := uint64(0); err == nil; {
			if off, err = d.readUnit(secTypes, off); off == 0 {
				break
			}
		}
		d.whole.Store(true)
		return d.units[:d.infos], err
	}
	return d.units[:d.infos], nil
}

// readUnit reads the header of the unit at off and returns where the next one is, 0 behind
// the last one.
func (d *Data) readUnit(sec section, off uint64) (next uint64, err error) {
	size := uint64(len(d.section(sec)))
	if off >= size {
		return 0, nil
	}
	head, err := d.head(sec, off)
	if err != nil {
		return 0, err
	}
	r := reader{sec: sec, data: head, end: int(size - off)} // which is not read behind head
	u := &unit{data: d, sec: sec, index: len(d.units), off: off}
	r.end = r.length()
	if r.err != nil {
		if len(d.units) == 0 {
			return 0, fmt.Errorf("%v+%#x: unit with a bad length", sec, off)
		}
		return 0, nil // units before the bad length can be used
	}
	next = off + uint64(r.end)
	const smallest = 7 // bytes of a header, less its length
	if r.end-r.off < smallest {
		return next, nil
	}
	u.readHeader(&r)
	if r.err != nil {
		// What follows may be fine: the length tells where it is.
		u.err = r.err
		u.once.Do(func() {})
	}
	u.start, u.end = u.off+uint64(r.off), next
	u.fill = sync.OnceValue(func() error { return d.need(sec, u.start, u.end) })
	u.code = sync.OnceValue(u.codeRanges)
	u.join = sync.OnceValues(u.findSplit)
	d.units = append(d.units, u)
	if (u.kind == unitType || u.kind == unitSplitType) && u.err == nil {
		d.sigs[u.signature] = u
	}
	return next, nil
}

// unitAt returns the unit that holds off in .debug_info, and off.
func (d *Data) unitAt(off uint64) (*unit, uint64, error) {
	units, _ := d.discover(func(u *unit) bool { return u.end > off })
	i := sort.Search(len(units), func(i int) bool { return units[i].end > off })
	if i < len(units) && off >= units[i].start {
		return units[i], off, nil
	}
	return nil, 0, fmt.Errorf("%s: .debug_info+%#x: no unit has an entry there", d.name, off)
}

// unitOf returns the unit whose header is at off in .debug_info, or nil.
func (d *Data) unitOf(off uint64) *unit {
	units, _ := d.discover(func(u *unit) bool { return u.off >= off })
	return unitOf(units, off)
}

// unitOf returns the one of units whose header is at off, or nil.
func unitOf(units []*unit, off uint64) *unit {
	i := sort.Search(len(units), func(i int) bool { return units[i].off >= off })
	if i < len(units) && units[i].off == off {
		return units[i]
	}
	return nil
}

// typeUnit returns the type unit with a signature, and the offset of its type.
func (d *Data) typeUnit(signature uint64) (*unit, uint64, error) {
	d.allUnits()
	if u := d.sigs[signature]; u != nil && u.typeOff < u.end {
		return u, u.typeOff, nil
	}
	return nil, 0, fmt.Errorf("%s: no type has signature %#x", d.name, signature)
}

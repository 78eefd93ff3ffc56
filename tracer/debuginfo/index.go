package debuginfo

import (
	"bytes"
	"sort"
	"strings"
)

// An index is a section that tells which units define a name. It may be trusted
// with that: its names, with their scopes or without, are only used to choose
// the units that are scanned. Type units are scanned in any case: gdb leaves out
// some of theirs.
type index struct {
	covered []bool // by unit: those it knows

	// find calls add with the units that define a name for which match is true.
	find func(match func(name []byte) bool, add func(*unit))
}

// openIndex returns the index of the file, or nil if it has none that fits.
func (d *Data) openIndex() *index {
	if x := d.openDebugNames(); x != nil {
		return x
	}
	return d.openGDBIndex()
}

// units returns the units that may define what q looks for.
func (x *index) units(q *nameQuery) []*unit {
	last := []byte(q.last)
	seen := make(map[*unit]bool)
	var list []*unit
	x.find(func(name []byte) bool {
		if !bytes.Contains(name, last) {
			return false
		}
		return bytes.Equal(name, last) || shortName(lastPart(string(name))) == q.last
	}, func(u *unit) {
		if !seen[u] {
			seen[u] = true
			list = append(list, u)
		}
	})
	sort.Slice(list, func(i, j int) bool { return list[i].index < list[j].index })
	return list
}

// lastPart returns the name without its scopes.
func lastPart(name string) string {
	if !strings.Contains(name, "::") {
		return name
	}
	list := parts(name)
	return list[len(list)-1]
}

// openGDBIndex reads .gdb_index, versions 7 to 9 (gdb manual, Index Section
// Format).
func (d *Data) openGDBIndex() *index {
	data := d.section(secGDBIndex)
	r := newReader(secGDBIndex, data, 0)
	version := r.u32()
	cus, tus, addresses, symbols := r.u32(), r.u32(), r.u32(), r.u32()
	pool := r.u32()
	if version == 9 {
		pool = r.u32() // before it are shortcuts
	}
	symbolsEnd := pool
	n := uint64(len(data))
	if r.err != nil || version < 7 || version > 9 || cus > tus || tus > addresses || addresses > symbols || symbols > symbolsEnd || uint64(pool) > n {
		return nil
	}
	x := &index{covered: make([]bool, len(d.allUnits()))}
	var units []*unit // by number; behind them are type units
	for at := uint64(cus); at+16 <= uint64(tus); at += 16 {
		r := newReader(secGDBIndex, data, at)
		u := d.unitOf(r.u64())
		if u == nil {
			return nil // made for another file
		}
		x.covered[u.index] = true
		units = append(units, u)
	}
	x.find = func(match func([]byte) bool, add func(*unit)) {
		for at := uint64(symbols); at+8 <= uint64(symbolsEnd); at += 8 {
			r := newReader(secGDBIndex, data, at)
			name, list := uint64(r.u32()), uint64(r.u32())
			if name == 0 && list == 0 || !match(stringAt(data, uint64(pool)+name)) {
				continue
			}
			r = newReader(secGDBIndex, data, uint64(pool)+list)
			for n := r.u32(); n > 0 && r.err == nil; n-- {
				if i := r.u32() & (1<<24 - 1); r.err == nil && uint64(i) < uint64(len(units)) {
					add(units[i])
				}
			}
		}
	}
	return x
}

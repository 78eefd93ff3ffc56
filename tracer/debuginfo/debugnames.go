package debuginfo

// Attributes of index entries that name the unit (DWARF 5, 6.1.1.4.7).
const (
	idxCompileUnit = 1
	idxTypeUnit    = 2
)

// A nameIndex is one of the tables in .debug_names (DWARF 5, 6.1.1.4): linkers
// put those of the object files one behind the other.
type nameIndex struct {
	reader     // over the table
	cus        []*unit
	names      int
	strings    int // offset of the offsets of names
	entries    int // offset of the offsets of entries
	pool       int // offset of the entries
	abbrevs    map[uint64][]indexAttr
	offsetSize int
}

type indexAttr struct {
	idx  uint64
	form form
}

// openDebugNames reads the tables of .debug_names.
func (d *Data) openDebugNames() *index {
	data := d.section(secNames)
	if data == nil {
		return nil
	}
	x := &index{covered: make([]bool, len(d.allUnits()))}
	var tables []*nameIndex
	r := newReader(secNames, data, 0)
	for r.off < r.end {
		table := r
		end := table.length()
		r.off, r.err = end, table.err
		table.end = end
		t := d.readNameIndex(table)
		if t == nil {
			return nil
		}
		tables = append(tables, t)
		for _, u := range t.cus {
			x.covered[u.index] = true
		}
	}
	if r.err != nil {
		return nil
	}
	x.find = func(match func([]byte) bool, add func(*unit)) {
		for _, t := range tables {
			t.find(d, match, add)
		}
	}
	return x
}

// readNameIndex reads a table, behind whose length r is. It returns nil if the
// table is not one, or made for another file.
func (d *Data) readNameIndex(r reader) *nameIndex {
	t := &nameIndex{abbrevs: make(map[uint64][]indexAttr), offsetSize: 4}
	if r.wide {
		t.offsetSize = 8
	}
	version := r.u16()
	r.u16() // padding
	cus, tus, foreign := int(r.u32()), int(r.u32()), int(r.u32())
	buckets, names, abbrevSize := int(r.u32()), int(r.u32()), int(r.u32())
	augmentation := int(r.u32())
	r.take(uint64(augmentation+3) &^ 3)
	if size := r.end - r.off; r.err != nil || version != 5 || cus > size || tus > size || foreign > size || buckets > size || names > size {
		return nil
	}
	for range cus {
		u := d.unitOf(r.offset())
		if u == nil {
			return nil
		}
		t.cus = append(t.cus, u)
	}
	r.take(uint64(tus * t.offsetSize))
	r.take(uint64(foreign) * 8)
	r.take(uint64(buckets) * 4)
	if buckets > 0 {
		r.take(uint64(names) * 4) // hashes
	}
	t.names = names
	t.strings = r.off
	r.take(uint64(names * t.offsetSize))
	t.entries = r.off
	r.take(uint64(names * t.offsetSize))
	t.pool = r.off + abbrevSize
	for {
		code := r.uleb()
		if code == 0 || r.err != nil {
			break
		}
		r.uleb() // the tag
		var attrs []indexAttr
		for {
			a := indexAttr{r.uleb(), form(r.uleb())}
			if a == (indexAttr{}) || r.err != nil || len(attrs) == maxAttrs {
				break
			}
			attrs = append(attrs, a)
		}
		t.abbrevs[code] = attrs
	}
	if r.err != nil || t.pool > r.end {
		return nil
	}
	t.reader = r
	return t
}

// find calls add with the units of the names for which match is true.
func (t *nameIndex) find(d *Data, match func([]byte) bool, add func(*unit)) {
	for i := range t.names {
		r := t.reader
		r.off = t.strings + i*t.offsetSize
		if !match(d.string(secStr, r.offset())) {
			continue
		}
		r.off = t.entries + i*t.offsetSize
		r.seek(uint64(t.pool) + r.offset())
		for code := r.uleb(); code != 0 && r.err == nil; code = r.uleb() {
			attrs, ok := t.abbrevs[code]
			if !ok {
				break
			}
			var u *unit
			if len(t.cus) == 1 {
				u = t.cus[0] // then it need not be named
			}
			for _, a := range attrs {
				v := r.value(a.form, 0, 5)
				switch {
				case a.idx == idxCompileUnit && v.u < uint64(len(t.cus)):
					u = t.cus[v.u]
				case a.idx == idxTypeUnit:
					u = nil
				}
			}
			if u != nil && r.err == nil {
				add(u)
			}
		}
	}
}

package debuginfo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"sync"
)

// This file joins what -gsplit-dwarf takes apart: the file that was linked has a
// skeleton of each unit, with its addresses and lines; the entries are in a file of their
// own (.dwo), or in a package of such files (.dwp).

// A splitName is what a skeleton says of where its entries are.
type splitName struct{ name, dir string }

// A SplitError tells that the part of a unit's debug information that is in another file
// cannot be used. Its lines are known all the same.
type SplitError struct {
	File string // absolute, if the compiler's directory is known
	Err  error
}

func (e *SplitError) Error() string {
	return fmt.Sprintf("debug information is split into %s, which cannot be used: %v", e.File, e.Err)
}

func (e *SplitError) Unwrap() error { return e.Err }

// A contribution is where the parts of a unit start in the sections of a package.
type contribution struct{ info, abbrev, line, loc, strOffsets, rnglists uint64 }

// SetSplit makes d use open to find split debug information: the file of the unit with an
// ID, which the compiler has called name in its directory dir. It must be called before
// anything is looked up. open calls OpenSplit, and may be called on several goroutines.
func (d *Data) SetSplit(open func(name, dir string, id uint64) (*Data, error)) { d.openSplit = open }

// OpenSplit opens the part of d's debug information that is in the file called name in
// errors: the sections of a .dwo file, or of a package of them.
func (d *Data) OpenSplit(name string, sections Sections, ranges Ranges) (*Data, error) {
	s := &Data{name: name, load: sections, ranges: ranges, linked: d, splits: make(map[uint64]*unit)}
	if _, err := s.open(); err != nil {
		return nil, err
	}
	if s.section(secCUIndex) != nil {
		if err := s.readPackage(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return s, nil
	}
	for _, u := range s.allUnits() {
		if u.kind == unitType || u.kind == unitSplitType || u.err != nil {
			continue
		}
		if err := u.readSplitID(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		s.splits[u.splitID] = u
	}
	return s, nil
}

// readSplitID reads the ID of a unit that is not in a package. It is not opened yet: it has
// no skeleton.
func (u *unit) readSplitID() error {
	if u.version >= 5 {
		return nil // it stands in the header
	}
	var err error
	if u.abbrev, err = u.data.abbrevTable(u); err != nil {
		return err
	}
	e, err := u.readEntry(u.start)
	if err == nil && e.ab != nil {
		u.splitID = e.get(attrGNUDwoID).u
	}
	return err
}

// Holds reports whether d, which OpenSplit has returned, has the unit with an ID.
func (d *Data) Holds(id uint64) bool { return d.splits[id] != nil }

// sectionName returns what a section is called in the file.
func (d *Data) sectionName(s section) string {
	if d.linked != nil && s < secAranges {
		return s.String() + ".dwo"
	}
	return s.String()
}

// all returns the debug information that d is part of.
func (d *Data) all() *Data {
	if d.linked != nil {
		return d.linked
	}
	return d
}

// home returns the unit of the linked file that u belongs to: u, or its skeleton.
func (u *unit) home() *unit {
	if s := u.skeleton.Load(); s != nil {
		return s
	}
	return u
}

// whole returns the unit that has u's entries, opened: u itself, or the one that u is the
// skeleton of.
func (u *unit) whole() (*unit, error) { return u.join() }

func (u *unit) findSplit() (*unit, error) {
	if err := u.open(); err != nil || u.split == nil {
		return u, err
	}
	found, err := u.openSplit()
	if err != nil {
		file := u.split.name
		if !path.IsAbs(file) {
			file = path.Join(u.split.dir, file)
		}
		err = fmt.Errorf("%s: %w", u.data.name, &SplitError{file, err})
		u.data.missing.CompareAndSwap(nil, &err)
	}
	return found, err
}

func (u *unit) openSplit() (*unit, error) {
	d := u.data
	if d.openSplit == nil {
		return nil, errors.New("nobody looks for it")
	}
	data, err := d.openSplit(u.split.name, u.split.dir, u.splitID)
	if err != nil {
		return nil, err
	}
	found := data.splits[u.splitID]
	if found == nil {
		return nil, fmt.Errorf("%s has no unit with ID %#016x", data.name, u.splitID)
	}
	if !found.skeleton.CompareAndSwap(nil, u) {
		return nil, fmt.Errorf("ID %#016x is that of another unit too", u.splitID)
	}
	found.index = u.index
	return found, found.open()
}

// moreUnits are the units of types in split debug information. Their numbers follow those
// of the linked file.
type moreUnits struct {
	mu   sync.RWMutex
	list []*unit
}

// number gives u, a unit of types, a number.
func (d *Data) number(u *unit) {
	d.more.mu.Lock()
	defer d.more.mu.Unlock()
	u.index = len(d.allUnits()) + len(d.more.list)
	d.more.list = append(d.more.list, u)
}

// numbered returns the unit with a number that hashed has.
func (d *Data) numbered(i uint32) *unit {
	if units := d.allUnits(); int(i) < len(units) {
		return units[i]
	}
	d.more.mu.RLock()
	defer d.more.mu.RUnlock()
	return d.more.list[int(i)-len(d.allUnits())]
}

// names returns the hashes of the names that a unit defines. The first unit of split debug
// information that is asked has those of its units of types, too.
func (u *unit) names() []hashed {
	w, err := u.whole()
	if err != nil {
		return nil
	}
	list := w.scanNames()
	d := w.data
	if d.linked == nil {
		return list
	}
	d.typesOnce.Do(func() {
		d.typesWith = w
		for _, t := range d.sigs {
			d.linked.number(t)
		}
	})
	if d.typesWith == w {
		for _, t := range d.sigs {
			list = append(list, t.scanNames()...)
		}
	}
	return list
}

// Columns of the index of a package (DWARF 5, 7.3.5.3), and in version 2, which GNU tools
// wrote before.
const (
	sectInfo       = 1
	sectTypes      = 2 // version 2
	sectAbbrev     = 3
	sectLine       = 4
	sectLoc        = 5
	sectStrOffsets = 6
	sectRnglists   = 8 // version 5
)

// readPackage reads the indexes of a package: which parts of the sections each unit has.
func (d *Data) readPackage() error {
	if err := d.readUnitIndex(secCUIndex, func(id uint64, u *unit) { d.splits[id] = u }); err != nil {
		return err
	}
	return d.readUnitIndex(secTUIndex, func(signature uint64, u *unit) { d.sigs[signature] = u })
}

// readUnitIndex reads an index (DWARF 5, 7.3.5.3) and calls f with its units.
func (d *Data) readUnitIndex(sec section, f func(id uint64, u *unit)) error {
	data := d.section(sec)
	if data == nil {
		return d.sections[sec].err
	}
	r := newReader(sec, data, 0)
	version := r.u32() & 0xffff
	columns, units, slots := uint64(r.u32()), uint64(r.u32()), uint64(r.u32())
	if r.err == nil && version != 2 && version != 5 {
		return fmt.Errorf("%v of version %d, want 2 or 5", sec, version)
	}
	const signatureSize, cell = 8, 4
	le := binary.LittleEndian
	size := uint64(len(data))
	if columns > size || units > size || slots > size || columns > 0 && units > size/columns {
		r.fail(0, "%d units in %d slots, %d columns", units, slots, columns)
	}
	signatures := r.take(slots * signatureSize)
	rows := r.take(slots * cell)
	kinds := r.take(columns * cell)
	offsets := r.take(units * columns * cell)
	if r.err != nil {
		return r.err
	}
	for i := range slots {
		id, row := le.Uint64(signatures[i*signatureSize:]), uint64(le.Uint32(rows[i*cell:]))
		if row == 0 {
			continue // a free slot
		}
		if row > units {
			return fmt.Errorf("%v: row %d of %d", sec, row, units)
		}
		var base contribution
		isTypes := false
		for c := range columns {
			off := uint64(le.Uint32(offsets[((row-1)*columns+c)*cell:]))
			switch le.Uint32(kinds[c*cell:]) {
			case sectInfo, sectTypes:
				base.info = off
				isTypes = le.Uint32(kinds[c*cell:]) == sectTypes
			case sectAbbrev:
				base.abbrev = off
			case sectLine:
				base.line = off
			case sectLoc:
				base.loc = off
			case sectStrOffsets:
				base.strOffsets = off
			case sectRnglists:
				base.rnglists = off
			}
		}
		among := d.allUnits()[:d.infos]
		if isTypes {
			among = d.units[d.infos:]
		}
		u := unitOf(among, base.info)
		if u == nil {
			return fmt.Errorf("%v: no unit is at %#x", sec, base.info)
		}
		u.base = base
		f(id, u)
	}
	return nil
}

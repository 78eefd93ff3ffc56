package debuginfo

import (
	"debug/dwarf"
	"fmt"
)

// An entry is one debugging information entry (DIE).
type entry struct {
	u    *unit
	off  uint64
	next uint64  // of the entry behind it: its first child, if it can have any
	ab   *abbrev // nil for the end of a list of children
	vals []value // in the order of ab.attrs
}

// maxEntry is the size that entries hardly exceed.
const maxEntry = 4 << 10

// readEntry reads the entry at off, and not more of the unit than that needs.
func (u *unit) readEntry(off uint64) (*entry, error) {
	e := new(entry)
	r := u.readerTo(off, min(u.end, off+maxEntry))
	if u.next(&r, e); r.err == nil {
		return e, nil
	}
	r = u.reader(off)
	if u.next(&r, e); r.err != nil {
		return nil, r.err
	}
	return e, nil
}

func (u *unit) reader(off uint64) reader {
	err := u.fill()
	r := u.readerTo(off, u.end)
	if err != nil && r.err == nil {
		r.err, r.off = err, r.end
	}
	return r
}

// readerTo returns a reader of [off, end) of the unit's section, which is all that it
// makes sure to have been read.
func (u *unit) readerTo(off, end uint64) reader {
	r := newReader(u.sec, u.data.section(u.sec), off)
	r.end, r.wide = int(end), u.wide
	if off < u.start || off > u.end {
		r.fail(int(u.off), "offset %#x lies outside the unit", off)
	} else if err := u.data.need(u.sec, off, end); err != nil && r.err == nil {
		r.err, r.off = err, r.end
	}
	return r
}

// next reads an entry into e, whose values it reuses.
func (u *unit) next(r *reader, e *entry) {
	*e = entry{u: u, off: uint64(r.off), vals: e.vals[:0]}
	code := r.uleb()
	if code != 0 && r.err == nil {
		if e.ab = u.abbrev.get(code); e.ab == nil {
			r.fail(int(e.off), "no abbreviation has code %d", code)
			return
		}
		if n := len(e.ab.attrs); cap(e.vals) < n {
			e.vals = make([]value, 0, n)
		}
		for i := range e.ab.attrs {
			a := &e.ab.attrs[i]
			e.vals = append(e.vals, r.value(a.form, a.implicit, u.version))
		}
	}
	e.next = uint64(r.off)
}

// skipAttrs moves past the attributes of an entry.
func (u *unit) skipAttrs(r *reader, ab *abbrev) {
	if ab.size >= 0 {
		r.take(uint64(ab.size))
		return
	}
	for i := range ab.attrs {
		a := &ab.attrs[i]
		if a.size >= 0 {
			r.take(uint64(a.size))
		} else {
			r.skip(a.form, u.version)
		}
	}
}

// skipTree moves past an entry and all below it. r is behind its code.
func (u *unit) skipTree(r *reader, ab *abbrev) {
	for depth := 0; ; {
		if to, ok := u.skipToSibling(r, ab); ok {
			r.off = to
		} else if ab.children {
			depth++
		}
		for {
			if depth == 0 || r.err != nil {
				return
			}
			code := r.uleb()
			if code != 0 {
				if ab = u.abbrev.get(code); ab == nil {
					r.fail(r.off, "no abbreviation has code %d", code)
					return
				}
				break
			}
			depth--
		}
	}
}

// skipToSibling moves past the attributes of an entry. If they say where the
// next sibling is, it returns that.
func (u *unit) skipToSibling(r *reader, ab *abbrev) (to int, ok bool) {
	if ab.sibling < 0 || !ab.children {
		u.skipAttrs(r, ab)
		return 0, false
	}
	for i := range ab.attrs {
		a := &ab.attrs[i]
		if i == ab.sibling {
			to = u.siblingAt(r.value(a.form, a.implicit, u.version)) - r.base
		} else {
			r.skip(a.form, u.version)
		}
	}
	return to, to >= r.off // no way back
}

// siblingAt returns the offset that DW_AT_sibling means, or 0.
func (u *unit) siblingAt(v value) int {
	if off := u.off + v.u; v.u < u.end && off <= u.end {
		return int(off)
	}
	return 0
}

// skipEntry moves past what is below e, behind which r is.
func (u *unit) skipEntry(r *reader, e *entry) {
	if !e.ab.children {
		return
	}
	r.seek(e.off)
	r.uleb()
	u.skipTree(r, e.ab)
}

func (e *entry) get(attr dwarf.Attr) value {
	for i := range e.ab.attrs {
		if e.ab.attrs[i].attr == attr {
			return e.vals[i]
		}
	}
	return value{}
}

// firstOf returns the value of the first of attrs that the entry has.
func (e *entry) firstOf(attrs ...dwarf.Attr) value {
	for _, a := range attrs {
		if v := e.get(a); !v.isZero() {
			return v
		}
	}
	return value{}
}

func (e *entry) flag(attr dwarf.Attr) bool { return e.get(attr).u != 0 }

// children calls f with each child of e until it returns false.
func (e *entry) children(f func(c *entry) bool) error {
	if !e.ab.children {
		return nil
	}
	r := e.u.reader(e.next)
	for r.err == nil {
		c := new(entry)
		e.u.next(&r, c)
		if r.err != nil || c.ab == nil || !f(c) {
			break
		}
		e.u.skipEntry(&r, c)
	}
	return r.err
}

// maxOrigins limits how many entries are followed from one to the next. Two
// are usual: a function, its abstract instance, its declaration.
const maxOrigins = 8

// follow returns the entry that attr of e refers to, or nil if it has none.
func (e *entry) follow(attr dwarf.Attr) (*entry, error) {
	v := e.get(attr)
	if v.isZero() {
		return nil, nil
	}
	return e.u.followRef(v)
}

func (u *unit) followRef(v value) (*entry, error) {
	to, off, err := u.ref(v)
	if err != nil {
		return nil, err
	}
	if err := to.open(); err != nil {
		return nil, err
	}
	e, err := to.readEntry(off)
	if err == nil && e.ab == nil {
		err = fmt.Errorf("%v+%#x: reference to no entry", to.sec, off)
	}
	return e, err
}

// origin returns the entry that e completes: the abstract instance of a
// function or variable, or the declaration in its class or namespace. It is nil
// if there is none.
func (e *entry) origin() *entry {
	v := e.firstOf(dwarf.AttrAbstractOrigin, dwarf.AttrSpecification)
	if v.isZero() {
		return nil
	}
	o, err := e.u.followRef(v)
	if err != nil {
		return nil
	}
	return o
}

// inherited returns the value of the first of attrs, in e or in what it
// completes, and the entry that has it.
func (e *entry) inherited(attrs ...dwarf.Attr) (value, *entry) {
	for range maxOrigins {
		if v := e.firstOf(attrs...); !v.isZero() {
			return v, e
		}
		if e = e.origin(); e == nil {
			break
		}
	}
	return value{}, nil
}

// name returns the name of e, its own or that of what it completes.
func (e *entry) name() string {
	v, o := e.inherited(dwarf.AttrName)
	if o == nil {
		return ""
	}
	return o.u.str(v)
}

// linkage returns the name of the entry's symbol, or "".
func (e *entry) linkage() string {
	if v := e.firstOf(dwarf.AttrLinkageName, attrMIPSLinkageName); !v.isZero() {
		return e.u.str(v)
	}
	return ""
}

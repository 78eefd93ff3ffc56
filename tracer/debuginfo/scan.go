package debuginfo

import (
	"debug/dwarf"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A nameKind tells apart what may have the same name.
type nameKind uint32

const (
	funcName nameKind = iota + 1
	varName
	typeName
)

// hashName returns the hash of a name without scope and template arguments, as
// what it names.
func hashName[T string | []byte](name T, kind nameKind) uint32 {
	return hashOf(name) ^ uint32(kind)*0x9e3779b1
}

// shortName returns the part of a name that it is found by.
func shortName[T string | []byte](name T) T { return goBase(stripArgs(name)) }

func kindOf(tag dwarf.Tag) nameKind {
	switch tag {
	case dwarf.TagSubprogram:
		return funcName
	case dwarf.TagVariable, dwarf.TagConstant:
		return varName
	case dwarf.TagStructType, dwarf.TagClassType, dwarf.TagUnionType, dwarf.TagEnumerationType,
		dwarf.TagTypedef, dwarf.TagBaseType, dwarf.TagInterfaceType, dwarf.TagUnspecifiedType:
		return typeName
	}
	return 0
}

// A nameTable finds entries by their names: functions, variables and types that
// are defined outside of functions and classes. Functions are under the entry
// that names them, which for those that have been inlined is the abstract one.
type nameTable struct {
	*hashTable
	index   *index
	scanned []lazyNames // by unit, those that the index knows
}

type lazyNames struct {
	once  sync.Once
	items []hashed
}

// buildNames makes the table of the units that no index of the file covers.
func (d *Data) buildNames() *nameTable {
	t := &nameTable{index: d.openIndex(), scanned: make([]lazyNames, len(d.allUnits()))}
	if t.index == nil {
		d.needLarge(secStr)
	}
	lists := make([][]hashed, len(d.allUnits()))
	d.parallel(d.allUnits(), func(u *unit) {
		if t.index == nil || !t.index.covered[u.index] {
			lists[u.index] = u.names()
		}
	})
	t.hashTable = newHashTable(lists)
	return t
}

// namesOf returns the names of a unit that the index covers.
func (t *nameTable) namesOf(u *unit) []hashed {
	l := &t.scanned[u.index]
	l.once.Do(func() { l.items = u.names() })
	return l.items
}

// findCrossing returns the units that may have instances of other units'
// functions.
func (d *Data) findCrossing() []*unit {
	var list []*unit
	for _, u := range d.allUnits() {
		if u.open() == nil && u.abbrev.crosses() {
			list = append(list, u)
		}
	}
	return list
}

// crosses reports whether functions of a unit may be instances of others'.
func (t *abbrevTable) crosses() bool { return t.origins&(originFar|originSup) != 0 }

// noScope is the scope of what is in no namespace.
const noScope = 1

// named calls f with the entries of a kind that may be called what the last
// part of name says, until it returns false.
func (d *Data) named(name string, kind nameKind, f func(*entry) bool) {
	if d.namedHere(name, kind, f) && d.sup != nil {
		d.sup.namedHere(name, kind, f)
	}
}

// noName returns the error for a name that is not found.
func (d *Data) noName(what, name string) error {
	if path, _ := d.Supplementary(); path != "" && d.sup == nil {
		return d.errNoSup() // it may be there
	}
	if missing := d.missing.Load(); missing != nil {
		return *missing
	}
	return d.notFound("no %s %s", what, name)
}

// namedHere does what named does in the file itself. It reports whether f has
// not returned false.
func (d *Data) namedHere(name string, kind nameKind, f func(*entry) bool) bool {
	q := newNameQuery(name, kind)
	t := d.names()
	found := false
	among := func(items []hashed) (more bool) {
		for _, h := range items {
			if e := d.candidate(h, &q); e != nil {
				found = true
				if !f(e) {
					return false
				}
			}
		}
		return true
	}
	if !among(t.find(q.hash)) {
		return false
	}
	if t.index == nil {
		return true
	}
	for _, u := range t.index.units(&q) {
		if !among(t.namesOf(u)) {
			return false
		}
	}
	if found {
		return true
	}
	// Some indexes lack functions that have been inlined wherever they are called.
	d.parallel(d.allUnits(), func(u *unit) {
		if t.index.covered[u.index] {
			t.namesOf(u)
		}
	})
	for _, u := range d.allUnits() {
		if !among(t.scanned[u.index].items) {
			return false
		}
	}
	return true
}

// A nameQuery is what is looked for in a table of names.
type nameQuery struct {
	last   string // without scopes and template arguments
	hash   uint32
	scope  uint32 // hash of the scope around it, or 0 if any will do
	symbol string // what the names of its symbols contain
}

func newNameQuery(name string, kind nameKind) nameQuery {
	list := parts(name)
	q := nameQuery{last: shortName(list[len(list)-1])}
	q.hash = hashName(q.last, kind)
	for i := len(list) - 2; i >= 0; i-- {
		if isHidden(list[i]) {
			continue
		}
		scope := stripArgs(list[i])
		if q.scope = noScope; scope != "" {
			q.scope = hashOf(scope) | 2
		}
		// The Itanium ABI writes a name with its length before, the first time,
		// or abbreviates it (5.1.10, Compression).
		switch scope {
		case "", "std", "allocator", "basic_string", "string", "basic_istream", "istream", "basic_ostream", "ostream",
			"basic_iostream", "iostream":
		default:
			if isIdentifier(scope) {
				q.symbol = strconv.Itoa(len(scope)) + scope
			}
		}
		break
	}
	return q
}

// candidate returns the entry of h if it may be meant, or nil.
func (d *Data) candidate(h hashed, q *nameQuery) *entry {
	if h.hash != q.hash || q.scope != 0 && h.scope != 0 && h.scope != q.scope {
		return nil
	}
	e, err := d.hashedEntry(h)
	if err != nil || shortName(e.name()) != q.last {
		return nil
	}
	if q.symbol != "" && h.scope == 0 {
		v, o := e.inherited(dwarf.AttrLinkageName, attrMIPSLinkageName)
		if o != nil && strings.HasPrefix(o.u.str(v), "_Z") && !strings.Contains(o.u.str(v), q.symbol) {
			return nil
		}
	}
	return e
}

// hashedEntry returns the entry that h means.
func (d *Data) hashedEntry(h hashed) (*entry, error) {
	u, err := d.numbered(h.unit).whole()
	if err != nil {
		return nil, err
	}
	e, err := u.readEntry(u.off + uint64(h.off))
	if err == nil && e.ab == nil {
		err = fmt.Errorf("%v+%#x: no entry", u.sec, e.off)
	}
	return e, err
}

// scanNames returns the names of a scan.
func (u *unit) scanNames() []hashed {
	r, free := u.scanReader()
	defer free()
	names, scopes := u.scan(r)
	u.outlineOnce.Do(func() { u.outline = scopes })
	return names
}

// scanBuffers are for units whose bytes nobody needs after they are scanned.
var scanBuffers = sync.Pool{New: func() any { return new([]byte) }}

// scan returns the hashes of the names that a unit defines, and the scopes, in the order
// of entries. It reads no more than it must of what is in functions and types, which is a
// fraction of a walk, and leaves out the scopes there. r reads all of the unit.
func (u *unit) scan(r reader) (names []hashed, scopes []scope) {
	if u.open() != nil {
		return nil, nil
	}
	// In C++ there is a name every few hundred bytes.
	names = make([]hashed, 0, (u.end-u.start)/256)
	var e entry
	inner := -1                 // index of the scope around, if it is a namespace
	hashes := []uint32{noScope} // of the namespaces around, the unit first
	for depth := 0; r.err == nil && r.off < r.end; {
		off := r.off
		code := r.uleb()
		if code == 0 {
			if depth--; depth <= 0 {
				break
			}
			hashes = hashes[:depth]
			scopes[inner].end = uint64(r.base + r.off)
			inner = scopes[inner].parent
			continue
		}
		ab := u.abbrev.get(code)
		if ab == nil {
			break
		}
		kind := kindOf(ab.tag)
		switch {
		case depth == 0:
			u.skipAttrs(&r, ab)
			if !ab.children {
				return nil, nil
			}
			depth++
			continue
		case ab.children && (ab.tag == dwarf.TagNamespace || ab.tag == dwarf.TagModule):
			r.off = off
			u.next(&r, &e)
			hash := hashes[depth-1]
			if name := e.name(); name != "" && !isHidden(name) {
				hash = hashOf(name) | 2
			}
			hashes = append(hashes, hash)
			scopes = append(scopes, scope{uint64(r.base + off), u.end, inner, ab.tag})
			inner = len(scopes) - 1
			depth++
			continue
		case kind == 0 || ab.has&(hasName|hasDeclaration) != hasName:
			u.skipTree(&r, ab)
		default:
			n := u.readNames(&r, ab)
			text, hash := u.strBytes(n.name), hashes[len(hashes)-1]
			if !n.spec.isZero() {
				hash = 0
			}
			if n.name.isZero() {
				text = u.declaredName(n.spec, r)
			}
			if len(text) > 0 && r.err == nil {
				names = append(names, hashed{hashName(shortName(text), kind), hash, uint32(u.index), uint32(uint64(r.base+off) - u.off)})
			}
			if n.sibling >= r.off {
				r.off = n.sibling
			} else if ab.children {
				r.seek(uint64(off))
				r.uleb()
				u.skipTree(&r, ab)
			}
		}
		if ab.children && isScope(ab.tag) {
			scopes = append(scopes, scope{uint64(r.base + off), uint64(r.base + r.off), inner, ab.tag})
		}
	}
	return names, scopes
}

// scanReader returns a reader of all of the unit, and what to call when it is done with.
// Of a section that is read in pages it has a copy, in memory that the next one reuses:
// fresh memory for all units takes longer than the scans.
func (u *unit) scanReader() (r reader, free func()) {
	p, ok := u.data.sections[u.sec].part.(*pages)
	if !ok {
		r = u.reader(u.start)
		if err := u.fill(); err != nil {
			r.err, r.off = err, r.end
		}
		return r, func() {}
	}
	buf := scanBuffers.Get().(*[]byte)
	*buf = slices.Grow((*buf)[:0], int(u.end-u.start))[:u.end-u.start]
	r = newReader(u.sec, *buf, 0)
	r.base, r.wide = int(u.start), u.wide
	if n, err := p.r.ReadAt(*buf, int64(u.start)); n < len(*buf) {
		err = fmt.Errorf("%s: %v: read %d bytes at offset %#x: %w", u.data.name, u.sec, len(*buf), u.start, err)
		u.data.fail(err)
		r.err, r.off = err, r.end
	}
	return r, func() { scanBuffers.Put(buf) }
}

// scanned is what a scan reads of an entry.
type scanned struct {
	name, spec value
	sibling    int // offset, or 0
}

// readNames reads the attributes of an entry that a scan needs.
func (u *unit) readNames(r *reader, ab *abbrev) scanned {
	var n scanned
	for i := range ab.attrs {
		a := &ab.attrs[i]
		switch a.attr {
		case dwarf.AttrName:
			n.name = r.value(a.form, a.implicit, u.version)
		case dwarf.AttrSpecification:
			n.spec = r.value(a.form, a.implicit, u.version)
		case dwarf.AttrSibling:
			n.sibling = u.siblingAt(r.value(a.form, a.implicit, u.version)) - r.base
		default:
			if a.size >= 0 {
				r.take(uint64(a.size))
			} else {
				r.skip(a.form, u.version)
			}
		}
	}
	return n
}

// declaredName returns the name of the declaration that spec refers to. scan reads the unit.
func (u *unit) declaredName(spec value, scan reader) []byte {
	if spec.isZero() {
		return nil
	}
	to, off, err := u.ref(spec)
	if err != nil || to.open() != nil {
		return nil
	}
	r := scan
	if to != u {
		r = to.reader(off)
	} else if r.off = int(off) - r.base; r.off < 0 {
		return nil
	}
	ab := to.abbrev.get(r.uleb())
	if ab == nil {
		return nil
	}
	return to.strBytes(to.readNames(&r, ab).name)
}

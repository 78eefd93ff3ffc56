package debuginfo

import (
	"debug/dwarf"
	"fmt"
)

// An abbrev says which attributes the entries that share it have.
type abbrev struct {
	tag      dwarf.Tag
	children bool
	size     int // of the attributes of an entry, or -1 if it varies
	sibling  int // index of DW_AT_sibling in attrs, or -1
	has      abbrevHas
	attrs    []abbrevAttr
}

// An abbrevHas says which of the attributes there are that decide whether an
// entry must be read.
type abbrevHas uint8

const (
	hasCode abbrevHas = 1 << iota // DW_AT_low_pc or DW_AT_ranges
	hasOrigin
	hasName // or DW_AT_specification
	hasDeclaration
)

type abbrevAttr struct {
	attr     dwarf.Attr
	form     form
	size     int16 // of the value, or -1 if it varies
	implicit int64 // the value of DW_FORM_implicit_const
}

// An abbrevTable holds the abbreviations of a unit by their codes.
type abbrevTable struct {
	dense   []*abbrev          // by code, where codes follow each other
	sparse  map[uint64]*abbrev // the others
	origins originForms
}

// An originForms says how entries of functions refer to the abstract ones that they are
// instances of.
type originForms uint8

const (
	originNear originForms = 1 << iota // DW_FORM_ref4: in the same unit
	originFar                          // DW_FORM_ref_addr: in any unit
	originSup                          // in a supplementary file
	originOther
)

func (f form) origin() originForms {
	switch f {
	case formRef4:
		return originNear
	case formRefAddr:
		return originFar
	case formGNURefAlt, formRefSup4, formRefSup8:
		return originSup
	}
	return originOther
}

// An abbrevKey tells apart tables that are read differently: what sizes values
// have depends on the unit.
type abbrevKey struct {
	off  uint64
	v2   bool
	wide bool
}

// maxAttrs limits the attributes of an entry: values may take no space, so that
// their number were not bounded by the size of the file. Compilers use some
// twenty.
const maxAttrs = 500

func (t *abbrevTable) get(code uint64) *abbrev {
	if code < uint64(len(t.dense)) {
		return t.dense[code]
	}
	return t.sparse[code]
}

// abbrevTable returns the abbreviations of u.
func (d *Data) abbrevTable(u *unit) (*abbrevTable, error) {
	off := u.base.abbrev + u.abbrevOff
	key := abbrevKey{off, u.version == 2, u.wide}
	if t, ok := d.abbrevs.Load(key); ok {
		return t.(*abbrevTable), nil
	}
	data := d.section(secAbbrev)
	if data == nil {
		return nil, d.errSection(secAbbrev)
	}
	r := newReader(secAbbrev, data, off)
	t := &abbrevTable{}
	for {
		code := r.uleb()
		if code == 0 {
			break
		}
		ab := r.abbrev(u)
		if r.err != nil {
			break
		}
		if ab.tag == dwarf.TagInlinedSubroutine || ab.tag == dwarf.TagSubprogram {
			for _, a := range ab.attrs {
				if a.attr == dwarf.AttrAbstractOrigin {
					t.origins |= a.form.origin()
				}
			}
		}
		if code <= uint64(len(t.dense))+1 {
			for uint64(len(t.dense)) <= code {
				t.dense = append(t.dense, nil)
			}
			t.dense[code] = ab
		} else {
			if t.sparse == nil {
				t.sparse = make(map[uint64]*abbrev)
			}
			t.sparse[code] = ab
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	// Tables of real files do not overlap. Units of a hostile one might each
	// have most of the section.
	used := d.abbrevBudget.Add(int64(r.off) - int64(off))
	if used > 4*int64(len(data))+1<<20 {
		return nil, fmt.Errorf("%v+%#x: tables overlap", secAbbrev, off)
	}
	actual, _ := d.abbrevs.LoadOrStore(key, t)
	return actual.(*abbrevTable), nil
}

// abbrev reads one abbreviation behind its code.
func (r *reader) abbrev(u *unit) *abbrev {
	start := r.off
	ab := &abbrev{tag: dwarf.Tag(r.uleb()), sibling: -1}
	ab.children = r.u8() != 0
	for {
		a := abbrevAttr{attr: dwarf.Attr(r.uleb()), form: form(r.uleb())}
		if a.form == formImplicitConst {
			a.implicit = r.sleb()
		}
		if a.attr == 0 && a.form == 0 {
			break
		}
		if len(ab.attrs) == maxAttrs {
			r.fail(start, "more than %d attributes", maxAttrs)
			break
		}
		switch a.attr {
		case dwarf.AttrSibling:
			ab.sibling = len(ab.attrs)
		case dwarf.AttrLowpc, dwarf.AttrRanges:
			ab.has |= hasCode
		case dwarf.AttrAbstractOrigin:
			ab.has |= hasOrigin
		case dwarf.AttrName, dwarf.AttrSpecification:
			ab.has |= hasName
		case dwarf.AttrDeclaration:
			ab.has |= hasDeclaration
		}
		size := a.form.size(u.version, u.wide)
		a.size = int16(size)
		if ab.size >= 0 {
			ab.size += size
			if size < 0 {
				ab.size = -1
			}
		}
		ab.attrs = append(ab.attrs, a)
	}
	return ab
}

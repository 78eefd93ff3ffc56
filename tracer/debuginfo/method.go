package debuginfo

import (
	"debug/dwarf"
	"strings"

	"github.com/tracelark/tracelark/tracer/internal/dw"
)

// A Method is a member function as its class declares it.
type Method struct {
	Name    string
	Linkage string // the name of its symbol, or ""
	Static  bool   // it has no this
	Deleted bool
	Slot    int64 // its place in the vtable, or -1 if it is not virtual

	e *entry
}

// Type returns the type of the method as a function, with this for its first parameter.
func (m *Method) Type() (*Type, error) { return m.e.functionType() }

// Methods returns the member functions that a class declares, without those of its
// bases. A template has those alone that the program uses.
func (t *Type) Methods() ([]Method, error) {
	var list []Method
	err := t.e.children(func(c *entry) bool {
		if c.ab.tag != dwarf.TagSubprogram {
			return true
		}
		m := Method{Name: c.name(), Linkage: c.linkage(), Slot: -1, Static: true, Deleted: c.flag(dwarf.AttrDeleted), e: c}
		if v := c.get(dwarf.AttrVtableElemLoc); v.isBlock() {
			r := newReader(secExpr, v.b, 0)
			if op := r.u8(); op == dw.OpConstu {
				if n := r.uleb(); r.err == nil && n < 1<<20 {
					m.Slot = int64(n)
				}
			}
		}
		c.children(func(p *entry) bool {
			if p.ab.tag == dwarf.TagFormalParameter {
				m.Static = !p.flag(dwarf.AttrArtificial)
				return false
			}
			return true
		})
		list = append(list, m)
		return true
	})
	return list, err
}

// What DW_AT_calling_convention says of a class (DWARF 5, 7.15).
const (
	passByReference = 4
	passByValue     = 5
)

// ByReference reports whether objects of a class are passed to functions, and returned,
// by their address, since copying or destroying one is the business of the class
// (Itanium C++ ABI, 3.1.1). Where the debug information does not tell, the declarations
// of the class do.
func (t *Type) ByReference() bool {
	left := maxClasses
	return t.byReference(&left)
}

// maxClasses limits how many classes are looked at that lie within one: types of hostile
// files are parts of themselves.
const maxClasses = 1000

func (t *Type) byReference(left *int) bool {
	t, err := t.Strip()
	if err != nil || t == nil {
		return false
	}
	switch t.Kind {
	case Array:
		*left--
		elem, err := t.Elem()
		return *left > 0 && err == nil && elem != nil && elem.byReference(left)
	case Struct, Class, Union:
	default:
		return false
	}
	if *left--; *left < 0 {
		return false
	}
	switch t.e.get(dwarf.AttrCalling).u {
	case passByReference:
		return true
	case passByValue:
		return false
	}
	if t.Language() != CPlusPlus {
		return false
	}
	fields, _ := t.Fields()
	for i := range fields {
		f := &fields[i]
		if f.Virtual || strings.HasPrefix(f.Name, "_vptr") {
			return true
		}
		if ft, err := f.Type(); err == nil && ft != nil && !f.Static && *left > 0 && ft.byReference(left) {
			return true
		}
	}
	methods, _ := t.Methods()
	for i := range methods {
		if m := &methods[i]; m.Slot >= 0 || m.copies(t) {
			return true
		}
	}
	return false
}

// copies reports whether a method is a destructor, or a constructor that copies or
// moves, which the program has written itself.
func (m *Method) copies(class *Type) bool {
	const defaultedInClass = 1
	if m.e.flag(dwarf.AttrArtificial) || m.e.get(dwarf.AttrDefaulted).u == defaultedInClass || m.Deleted {
		return false
	}
	if strings.HasPrefix(m.Name, "~") {
		return true
	}
	plain, _, _ := strings.Cut(class.e.name(), "<")
	if name, _, _ := strings.Cut(m.Name, "<"); name != plain {
		return false
	}
	f, err := m.Type()
	if err != nil || len(f.params) != 2 || f.params[1].Type == nil {
		return false
	}
	p, err := f.params[1].Type.Strip()
	if err != nil || p == nil || p.Kind != Reference && p.Kind != RvalueReference {
		return false
	}
	to, err := p.Elem()
	if err != nil || to == nil {
		return false
	}
	to, err = to.Strip()
	return err == nil && to != nil && to.Name == class.Name
}

// IsVector reports whether an array is one that the CPU holds in a vector register.
func (t *Type) IsVector() bool { return t.Kind == Array && t.e.flag(attrGNUVector) }

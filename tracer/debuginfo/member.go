package debuginfo

import (
	"debug/dwarf"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tracelark/tracelark/tracer/internal/dw"
)

// A Field is a member of a structure, class or union, or a base class.
type Field struct {
	Name      string // "" for a base class and for an anonymous structure
	Offset    int64  // in bytes, or -1 if the object must be asked: see OffsetIn
	BitOffset int64  // of a bit-field, from the lowest bit at Offset
	BitSize   int64  // of a bit-field, or 0
	IsBase    bool
	Virtual   bool // a virtual base class
	Static    bool // it is no part of the object: Globals has it
	Hidden    bool // made by the compiler, such as a vtable pointer

	// Of a variant (Rust), the values of the discriminant that it is for; none for
	// the one for all others.
	Variant *Variant

	e   *entry
	typ *Type // of a field that no file has
}

// A Variant is one of the shapes that a type may have.
type Variant struct {
	Discriminant *Field // the member that decides, or nil
	Values       []int64
}

// Type returns the type of the field.
func (f *Field) Type() (*Type, error) {
	if f.typ != nil {
		return f.typ, nil
	}
	v := f.e.get(dwarf.AttrType)
	if v.isZero() {
		return nil, nil
	}
	return f.e.u.typeOf(v)
}

// Constant returns the value of a static member that the class gives it, the low byte
// first, in as many bytes as the debug information has.
func (f *Field) Constant() ([]byte, bool) {
	v := f.e.get(dwarf.AttrConstValue)
	switch {
	case v.isBlock():
		return v.b, true
	case v.isConst():
		return binary.LittleEndian.AppendUint64(nil, v.u), true
	}
	return nil, false
}

// Linkage returns the name of the symbol of a static member, or "".
func (f *Field) Linkage() string { return f.e.linkage() }

// Fields returns the base classes and members in the order of the source.
func (t *Type) Fields() ([]Field, error) {
	if t.fields != nil {
		return t.fields, nil
	}
	var fields []Field
	err := t.e.children(func(c *entry) bool {
		switch c.ab.tag {
		case dwarf.TagMember, dwarf.TagInheritance:
			fields = append(fields, t.newField(c))
		case dwarf.TagVariable: // static, as DWARF 5 has it
			fields = append(fields, Field{Name: c.name(), Static: true, e: c})
		case dwarf.TagVariantPart:
			fields = append(fields, t.variants(c)...)
		}
		return true
	})
	return fields, err
}

func (t *Type) newField(c *entry) Field {
	f := Field{
		Name:    c.name(),
		IsBase:  c.ab.tag == dwarf.TagInheritance,
		Virtual: c.get(dwarf.AttrVirtuality).u != 0,
		Static:  c.flag(dwarf.AttrExternal) || c.flag(dwarf.AttrDeclaration),
		Hidden:  c.flag(dwarf.AttrArtificial),
		e:       c,
	}
	loc := c.get(dwarf.AttrDataMemberLoc)
	switch {
	case loc.isConst():
		f.Offset = loc.int()
	case loc.isBlock(): // before DWARF 4, always
		r := newReader(secExpr, loc.b, 0)
		op := r.u8()
		if n := r.uleb(); op == dw.OpPlusUconst && r.err == nil && r.off == r.end {
			f.Offset = int64(n)
		} else {
			f.Offset = -1
		}
	}
	if size := c.get(dwarf.AttrBitSize); size.isConst() {
		f.BitSize = size.int()
		if off := c.get(dwarf.AttrDataBitOffset); off.isConst() {
			f.Offset, f.BitOffset = off.int()/8, off.int()%8
		} else if off := c.get(dwarf.AttrBitOffset); off.isConst() {
			// From the highest bit of the storage unit (DWARF 3, 5.5.6).
			unit := c.get(dwarf.AttrByteSize).int()
			if unit == 0 {
				if ft, err := f.Type(); err == nil && ft != nil {
					unit = ft.Size
				}
			}
			bit := f.Offset*8 + unit*8 - off.int() - f.BitSize
			f.Offset, f.BitOffset = bit>>3, bit&7
		}
	}
	return f
}

// variants returns the fields of the variants of a variant part.
func (t *Type) variants(part *entry) []Field {
	var discr *Field
	if e, err := part.follow(dwarf.AttrDiscr); err == nil && e != nil {
		f := t.newField(e)
		discr = &f
	}
	var fields []Field
	part.children(func(c *entry) bool {
		if c.ab.tag != dwarf.TagVariant {
			return true
		}
		v := &Variant{Discriminant: discr}
		if val := c.get(dwarf.AttrDiscrValue); !val.isZero() {
			v.Values = []int64{val.int()}
		}
		c.children(func(m *entry) bool {
			if m.ab.tag == dwarf.TagMember {
				f := t.newField(m)
				f.Variant = v
				fields = append(fields, f)
			}
			return true
		})
		return true
	})
	return fields
}

// OffsetIn returns where the field is in the object at addr in the memory of
// frame: the offset of a virtual base class stands in the object's vtable.
func (f *Field) OffsetIn(frame *Frame, addr uint64) (int64, error) {
	if f.Offset >= 0 {
		return f.Offset, nil
	}
	loc := f.e.get(dwarf.AttrDataMemberLoc)
	if !loc.isBlock() {
		return 0, fmt.Errorf("%s: has no offset", f.Name)
	}
	at, err := f.e.u.evalWord(loc.b, frame, nil, 0, addr)
	if err != nil {
		return 0, err
	}
	return int64(at - addr), nil
}

// An Enumerator is a constant of an enumeration.
type Enumerator struct {
	Name  string
	Value int64 // of an unsigned one of 64 bits, its bits
}

// Enumerators returns the constants of an enumeration.
func (t *Type) Enumerators() ([]Enumerator, error) {
	var list []Enumerator
	err := t.e.children(func(c *entry) bool {
		if c.ab.tag == dwarf.TagEnumerator {
			list = append(list, Enumerator{c.name(), t.enumValue(c.get(dwarf.AttrConstValue))})
		}
		return true
	})
	return list, err
}

// enumValue extends the sign of a constant with a fixed size, if the enumeration
// is signed: only its type tells.
func (t *Type) enumValue(v value) int64 {
	size := v.form.size(5, false)
	if size <= 0 || size >= 8 || !v.isConst() {
		return v.int()
	}
	elem, err := t.Elem()
	if err != nil || elem == nil {
		return v.int()
	}
	if elem, err = elem.Strip(); err != nil || elem == nil || elem.Encoding != encSigned && elem.Encoding != encSignedChar {
		return v.int()
	}
	shift := 64 - 8*uint(size)
	return int64(v.u<<shift) >> shift
}

// IsClass reports whether an enumeration is one of C++ whose constants are
// written with its name.
func (t *Type) IsClass() bool { return t.Kind == Enum && t.e.flag(dwarf.AttrEnumClass) }

// A Param is a parameter of a function type.
type Param struct {
	Type       *Type
	Artificial bool // "this"
}

// Params returns the parameters of a function type, and whether it takes more.
func (t *Type) Params() (params []Param, variadic bool, err error) {
	if t.params != nil || t.variadic {
		return t.params, t.variadic, nil
	}
	var failed error
	err = t.e.children(func(c *entry) bool {
		switch c.ab.tag {
		case dwarf.TagFormalParameter:
			var p Param
			if v := c.get(dwarf.AttrType); !v.isZero() {
				p.Type, failed = c.u.typeOf(v)
			}
			p.Artificial = c.flag(dwarf.AttrArtificial)
			params = append(params, p)
		case dwarf.TagUnspecifiedParameters:
			variadic = true
		}
		return failed == nil
	})
	if failed != nil {
		err = failed
	}
	return params, variadic, err
}

// A TemplateArg is an argument of a template.
type TemplateArg struct {
	Name  string
	Type  *Type // of the value, if the parameter is none for a type
	Value int64
	Is    bool // whether Value is one, or Type the argument itself
}

// TemplateArgs returns the arguments of the template that t was made from.
func (t *Type) TemplateArgs() ([]TemplateArg, error) {
	var list []TemplateArg
	var failed error
	err := t.e.children(func(c *entry) bool {
		switch c.ab.tag {
		case dwarf.TagTemplateTypeParameter, dwarf.TagTemplateValueParameter:
			a := TemplateArg{Name: c.name(), Is: c.ab.tag == dwarf.TagTemplateValueParameter}
			if v := c.get(dwarf.AttrType); !v.isZero() {
				a.Type, failed = c.u.typeOf(v)
			}
			a.Value = c.get(dwarf.AttrConstValue).int()
			list = append(list, a)
		}
		return failed == nil
	})
	if failed != nil {
		err = failed
	}
	return list, err
}

// Types returns the types called name, a definition before declarations of the
// same name. C's tags may be given: "struct item". The arguments of templates may be
// written as demanglers do. The error is ErrNotFound if there is none.
func (d *Data) Types(name string) ([]*Type, error) {
	list, err := d.typesCalled(name)
	if errors.Is(err, ErrNotFound) {
		for _, other := range spellings(name) {
			if list, otherErr := d.typesCalled(other); otherErr == nil {
				return list, nil
			}
		}
	}
	return list, err
}

func (d *Data) typesCalled(name string) ([]*Type, error) {
	tag, name := cutTag(name)
	var list []*Type
	var failed error
	seen := make(map[string]bool)
	add := func(e *entry) bool {
		full := e.qualifiedName()
		if !matches(full, name) && baseNames[full] != name {
			return true
		}
		t, err := e.u.typeAt(e.off)
		if err != nil {
			failed = err
			return true
		}
		key := fmt.Sprint(t.Kind, t.Size, full, t.File, t.Line)
		if tag != "" && t.keyword() != tag && !(tag == "struct" && t.Kind == Class || tag == "class" && t.Kind == Struct) || seen[key] {
			return true
		}
		seen[key] = true
		list = append(list, t)
		return true
	}
	d.named(name, typeName, add)
	for long, short := range baseNames {
		if name == short {
			d.named(long, typeName, add)
		}
	}
	if len(list) == 0 && failed != nil {
		return nil, failed
	}
	if len(list) == 0 {
		return nil, d.noName("type", name)
	}
	return list, nil
}

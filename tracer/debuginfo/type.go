package debuginfo

import (
	"debug/dwarf"
	"errors"
	"fmt"
)

// A Kind says what a type is.
type Kind int

const (
	Base Kind = iota
	Pointer
	Reference
	RvalueReference
	MemberPointer
	Array
	Struct
	Class
	Union
	Enum
	Function
	Typedef
	Const
	Volatile
	Restrict
	Atomic
	Unspecified // such as decltype(nullptr)
)

var kinds = map[dwarf.Tag]Kind{
	dwarf.TagBaseType:            Base,
	dwarf.TagPointerType:         Pointer,
	dwarf.TagReferenceType:       Reference,
	dwarf.TagRvalueReferenceType: RvalueReference,
	dwarf.TagPtrToMemberType:     MemberPointer,
	dwarf.TagArrayType:           Array,
	dwarf.TagStructType:          Struct,
	dwarf.TagClassType:           Class,
	dwarf.TagInterfaceType:       Class,
	dwarf.TagUnionType:           Union,
	dwarf.TagEnumerationType:     Enum,
	dwarf.TagSubrangeType:        Base,
	dwarf.TagSubroutineType:      Function,
	dwarf.TagTypedef:             Typedef,
	dwarf.TagTemplateAlias:       Typedef,
	dwarf.TagConstType:           Const,
	dwarf.TagVolatileType:        Volatile,
	dwarf.TagRestrictType:        Restrict,
	dwarf.TagAtomicType:          Atomic,
	dwarf.TagUnspecifiedType:     Unspecified,
	dwarf.TagStringType:          Array,
}

// A Type is a type. void is nil. What it refers to is read when it is asked for,
// so that types which refer to each other can be had.
type Type struct {
	Kind        Kind
	Name        string // with its namespaces and classes, or "" if it has none
	Size        int64  // in bytes, or -1 if it is not known or depends on the frame
	Encoding    uint64 // of a base type: DW_ATE_*
	Declaration bool   // no definition was found
	File        string // where it is declared, or ""
	Line        int

	e *entry

	// Of a type that no file has, what Elem, Dims, Fields and Params return.
	elem     *Type
	dims     []Dim
	fields   []Field
	params   []Param
	variadic bool
}

// maxTypes limits how many types are followed from one to the next, as a
// typedef of a typedef is.
const maxTypes = 100

// typeOf returns the type that v refers to.
func (u *unit) typeOf(v value) (*Type, error) {
	to, off, err := u.ref(v)
	if err != nil {
		return nil, err
	}
	return to.typeAt(off)
}

// typeAt returns the type whose entry is at off: its definition, if that one is
// a declaration.
func (u *unit) typeAt(off uint64) (*Type, error) {
	key := place{u, off}
	if t, ok := u.data.types.Load(key); ok {
		return t.(*Type), nil
	}
	if err := u.open(); err != nil {
		return nil, err
	}
	e, err := u.readEntry(off)
	if err != nil {
		return nil, err
	}
	if e.ab == nil {
		return nil, fmt.Errorf("%v+%#x: no type", u.sec, off)
	}
	if _, ok := kinds[e.ab.tag]; !ok {
		return nil, fmt.Errorf("%v+%#x: %v is no type", u.sec, off, e.ab.tag)
	}
	if e.isStub() {
		if def := e.definition(); def != nil {
			e = def
		}
	}
	t, _ := u.data.types.LoadOrStore(key, newType(e))
	return t.(*Type), nil
}

func newType(e *entry) *Type {
	t := &Type{Kind: kinds[e.ab.tag], Size: -1, e: e, Declaration: e.flag(dwarf.AttrDeclaration)}
	if t.named() {
		t.Name = e.qualifiedName()
	}
	if short, ok := baseNames[t.Name]; ok && t.Kind == Base {
		t.Name = short
	}
	t.Encoding = e.get(dwarf.AttrEncoding).u
	t.File, t.Line = e.declared()
	if size := e.get(dwarf.AttrByteSize); size.isConst() && size.int() >= 0 {
		t.Size = size.int()
	} else if bits := e.get(dwarf.AttrBitSize); bits.isConst() && t.Kind == Base {
		t.Size = (bits.int() + 7) / 8
	}
	switch t.Kind {
	case Pointer, Reference, RvalueReference:
		t.Size = 8
	case Array, Typedef, Const, Volatile, Restrict, Atomic, MemberPointer, Enum, Base:
		if t.Size < 0 {
			t.Size = t.sizeFromElem(maxTypes)
		}
	}
	return t
}

// named reports whether types of t's kind have names of their own.
func (t *Type) named() bool {
	switch t.Kind {
	case Base, Struct, Class, Union, Enum, Typedef, Unspecified:
		return true
	case Pointer: // Go's have
		return !t.e.get(dwarf.AttrName).isZero()
	}
	return false
}

// isStub reports whether e stands for a type that is defined elsewhere.
func (e *entry) isStub() bool {
	return e.flag(dwarf.AttrDeclaration) || !e.get(dwarf.AttrSignature).isZero()
}

// definition returns the definition of the type that e declares, or nil.
func (e *entry) definition() *entry {
	if sig := e.get(dwarf.AttrSignature); !sig.isZero() {
		if def, err := e.u.followRef(sig); err == nil {
			return def
		}
	}
	name := e.qualifiedName()
	if name == "" {
		return nil
	}
	var def *entry
	e.u.data.all().named(name, typeName, func(c *entry) bool {
		if sameKind(c.ab.tag, e.ab.tag) && !c.flag(dwarf.AttrDeclaration) && c.qualifiedName() == name {
			def = c
		}
		return def == nil
	})
	return def
}

// sameKind reports whether a declaration with one tag may be of a type with the
// other: a class may be declared as a struct.
func sameKind(a, b dwarf.Tag) bool {
	isClass := func(t dwarf.Tag) bool { return t == dwarf.TagStructType || t == dwarf.TagClassType }
	return a == b || isClass(a) && isClass(b)
}

// sizeFromElem computes the size of a type that has none of its own.
func (t *Type) sizeFromElem(depth int) int64 {
	if depth == 0 {
		return -1
	}
	switch t.Kind {
	case MemberPointer:
		// One to a function has the address and what to add to this.
		if elem, err := t.Elem(); err == nil && elem != nil && elem.Kind == Function {
			return 16
		}
		return 8
	}
	elem, err := t.elemBelow(depth - 1)
	if err != nil || elem == nil {
		return -1
	}
	size := elem.Size
	if t.Kind != Array {
		return size
	}
	if stride := t.e.get(dwarf.AttrStride); stride.isConst() {
		size = stride.int()
	}
	for _, d := range t.Dims() {
		if size < 0 || d.Count < 0 || d.Count > 0 && size > 1<<62/d.Count {
			return -1
		}
		size *= d.Count
	}
	return size
}

// elemBelow returns the element type without using the cache, so that types that
// are their own elements end.
func (t *Type) elemBelow(depth int) (*Type, error) {
	e, err := t.e.follow(dwarf.AttrType)
	if e == nil || err != nil {
		return nil, err
	}
	kind, ok := kinds[e.ab.tag]
	if !ok {
		return nil, fmt.Errorf("%v is no type", e.ab.tag)
	}
	if e.isStub() {
		if def := e.definition(); def != nil {
			e = def
		}
	}
	elem := &Type{Kind: kind, Size: -1, e: e}
	if size := e.get(dwarf.AttrByteSize); size.isConst() && size.int() >= 0 {
		elem.Size = size.int()
	} else if kind == Pointer || kind == Reference || kind == RvalueReference {
		elem.Size = 8
	} else {
		elem.Size = elem.sizeFromElem(depth)
	}
	return elem, nil
}

// Elem returns the type that t is made of: what a pointer points to, an array's
// elements, what a function returns, what a typedef, a qualifier or an
// enumeration stands on, what a pointer to member points to. It is nil for void,
// and for an enumeration that does not tell.
func (t *Type) Elem() (*Type, error) {
	if t.elem != nil {
		return t.elem, nil
	}
	v := t.e.get(dwarf.AttrType)
	if v.isZero() {
		return nil, nil
	}
	return t.e.u.typeOf(v)
}

// Container returns the class that a pointer to member belongs to.
func (t *Type) Container() (*Type, error) {
	v := t.e.get(dwarf.AttrContainingType)
	if v.isZero() {
		return nil, t.e.u.data.notFound("a pointer to member has no containing type")
	}
	return t.e.u.typeOf(v)
}

// Strip returns t without typedefs and qualifiers.
func (t *Type) Strip() (*Type, error) {
	start := t
	for range maxTypes {
		if t == nil {
			return nil, nil
		}
		switch t.Kind {
		case Typedef, Const, Volatile, Restrict, Atomic:
		default:
			return t, nil
		}
		var err error
		if t, err = t.Elem(); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s: type of itself", start.Name)
}

// A Dim is a dimension of an array.
type Dim struct {
	Low   int64
	Count int64 // or -1 if it is not known, or depends on the frame
	e     *entry
}

// Dims returns the dimensions of an array, the outermost first.
func (t *Type) Dims() []Dim {
	if t.dims != nil {
		return t.dims
	}
	var dims []Dim
	t.e.children(func(c *entry) bool {
		switch c.ab.tag {
		case dwarf.TagSubrangeType:
			dims = append(dims, newDim(c))
		case dwarf.TagEnumerationType:
			n := int64(0)
			c.children(func(*entry) bool { n++; return true })
			dims = append(dims, Dim{Count: n, e: c})
		}
		return true
	})
	return dims
}

func newDim(e *entry) Dim {
	d := Dim{Count: -1, e: e}
	if low := e.get(dwarf.AttrLowerBound); low.isConst() {
		d.Low = low.int()
	}
	if count := e.get(dwarf.AttrCount); count.isConst() {
		d.Count = count.int()
	} else if upper := e.get(dwarf.AttrUpperBound); upper.isConst() {
		n := upper.int()
		if upper.form == formData4 && uint32(n) == 1<<32-1 {
			n = -1 // GCC's way to write [0]
		}
		d.Count = n - d.Low + 1
	}
	if d.Count < -1 {
		d.Count = -1
	}
	return d
}

// CountIn returns the number of elements that a dimension has in frame f: that
// of a variable-length array is computed.
func (t *Type) CountIn(d Dim, f *Frame) (int64, error) {
	if d.Count >= 0 {
		return d.Count, nil
	}
	for _, a := range []dwarf.Attr{dwarf.AttrCount, dwarf.AttrUpperBound} {
		v := d.e.get(a)
		if v.isZero() {
			continue
		}
		n, err := t.numberIn(v, f)
		if err != nil {
			return 0, err
		}
		if a == dwarf.AttrUpperBound {
			n += 1 - d.Low
		}
		return max(n, 0), nil
	}
	return 0, &AbsentError{Name: t.String(), Reason: "its bound is not known"}
}

// numberIn computes an attribute that is an expression or refers to a variable.
func (t *Type) numberIn(v value, f *Frame) (int64, error) {
	u := t.e.u
	var fn *Func
	if chain, err := u.data.all().Funcs(f.PC); err == nil {
		fn = chain[0]
	}
	if v.isBlock() {
		l, err := u.eval(v.b, f, fn)
		if err != nil {
			return 0, err
		}
		if l.Kind != InMemory {
			return 0, errors.New("bound is no number")
		}
		return int64(l.Addr), nil
	}
	e, err := u.followRef(v)
	if err != nil {
		return 0, err
	}
	bound := newVar(e, fn)
	l, err := bound.location(f, 0)
	if err != nil {
		return 0, err
	}
	size := int64(8)
	if bt, err := bound.Type(); err == nil && bt != nil && bt.Size > 0 && bt.Size < 8 {
		size = bt.Size
	}
	b, err := f.Read(l, int(size))
	if err != nil {
		return 0, err
	}
	r := newReader(secExpr, b, 0)
	return r.int(int(size)), nil
}

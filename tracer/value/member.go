package value

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/image"
)

// A Member is a member of a structure, class or union, or a base class.
type Member struct {
	Field *debuginfo.Field
	Value *Value
}

// maxDepth limits how deep types lie within each other.
const maxDepth = 32

// aggregate returns the structure, class or union that v is, refers or points to.
func (v *Value) aggregate() (*Value, *debuginfo.Type, error) {
	for range maxDepth {
		var err error
		if v, err = v.referent(); err != nil {
			return nil, nil, err
		}
		t, err := v.strip()
		if err != nil {
			return nil, nil, err
		}
		switch t.Kind {
		case debuginfo.Struct, debuginfo.Class, debuginfo.Union:
			return v, t, nil
		case debuginfo.Pointer:
			if v, err = v.Deref(); err != nil {
				return nil, nil, err
			}
		default:
			return nil, nil, fmt.Errorf("%s has no members", v.typ)
		}
	}
	return nil, nil, errors.New("a pointer to a pointer has no members")
}

// Fields returns the base classes and members in the order of the source, with
// those that the compiler has made. Of a type with variants it has those of the one
// that the value is. A pointer or reference is followed.
func (v *Value) Fields() ([]Member, error) {
	v, t, err := v.aggregate()
	if err != nil {
		return nil, err
	}
	fields, err := t.Fields()
	if err != nil {
		return nil, err
	}
	if t.Declaration {
		return nil, fmt.Errorf("the definition of %s is missing", t)
	}
	var list []Member
	for i := range fields {
		f := &fields[i]
		if f.Variant != nil && !v.active(f, fields) {
			continue
		}
		list = append(list, Member{f, v.member(t, f)})
	}
	return list, nil
}

// active reports whether the value is of the variant that f belongs to.
func (v *Value) active(f *debuginfo.Field, fields []debuginfo.Field) bool {
	d := f.Variant.Discriminant
	if d == nil {
		return true
	}
	got, err := v.member(nil, d).Uint64()
	if err != nil {
		return false
	}
	size := int64(8)
	if t, err := d.Type(); err == nil && t != nil && t.Size > 0 {
		size = min(t.Size, 8)
	}
	is := func(f *debuginfo.Field) bool {
		return slices.ContainsFunc(f.Variant.Values, func(n int64) bool { return (uint64(n)^got)<<(64-8*uint(size)) == 0 })
	}
	if len(f.Variant.Values) > 0 {
		return is(f)
	}
	return !slices.ContainsFunc(fields, func(g debuginfo.Field) bool { return g.Variant != nil && is(&g) })
}

// member returns the member f of v, whose type is t. What is wrong with it shows
// when it is used.
func (v *Value) member(t *debuginfo.Type, f *debuginfo.Field) *Value {
	ft, err := f.Type()
	if err != nil {
		return Absent(v.in, nil, err)
	}
	if f.Static {
		name := t.Name + "::" + f.Name
		w, err := v.in.Var(name)
		if err == nil {
			return w
		}
		if b, ok := f.Constant(); ok && ft != nil && ft.Size >= 0 && ft.Size <= int64(len(b)) {
			return FromBytes(v.in, ft, b[:ft.Size])
		}
		// Its definition may have no debug information, as those of the libraries of
		// C++ have none.
		if addr, err := v.in.Symbol(cmp.Or(f.Linkage(), name)); err == nil {
			return At(v.in, ft, addr)
		}
		return Absent(v.in, ft, err)
	}
	if f.Offset < 0 {
		addr, ok := v.Address()
		if !ok {
			return Absent(v.in, ft, v.noAddress())
		}
		offset, err := f.OffsetIn(v.in.Frame(), addr)
		if err != nil {
			return Absent(v.in, ft, err)
		}
		return At(v.in, ft, addr+uint64(offset))
	}
	if f.BitSize > 0 {
		if f.BitSize > 128 || f.BitOffset < 0 {
			return Absent(v.in, ft, fmt.Errorf("a bit-field of %d bits", f.BitSize))
		}
		return v.part(ft, uint64(f.Offset)*8+uint64(f.BitOffset), uint64(f.BitSize), true)
	}
	size := int64(0)
	if ft != nil {
		if size, err = v.sizeOf(ft); err != nil {
			return Absent(v.in, ft, err)
		}
	}
	if size > maxRead && v.loc.Kind != debuginfo.InMemory {
		return Absent(v.in, ft, fmt.Errorf("%s is too large", ft))
	}
	return v.part(ft, uint64(f.Offset)*8, uint64(size)*8, false)
}

// Field returns the member called name, of the value itself, of what is anonymous in
// it, or of its base classes; a base class is named as its type is. A pointer or
// reference is followed. The error of an unknown name tells the near ones, that of an
// ambiguous one where it is.
func (v *Value) Field(name string) (*Value, error) {
	v, t, err := v.aggregate()
	if err != nil {
		return nil, err
	}
	f := finder{name: name, budget: maxFields}
	if err := f.look(v, t, 0); err != nil {
		return nil, err
	}
	switch {
	case len(f.found) == 0:
		return nil, noField(t, name, f.names)
	case f.ambiguous():
		return nil, fmt.Errorf("%s has several members called %s, in %s", t, name, strings.Join(f.where, " and "))
	}
	return f.found[0], nil
}

// maxFields limits the members that are looked through for one.
const maxFields = 1 << 16

// A finder looks for a member.
type finder struct {
	name   string
	budget int
	names  []string // all that were seen
	found  []*Value // on the level that has it
	where  []string
}

// ambiguous reports whether what was found are several objects: a virtual base may be
// reached on several ways. What has no size may share its address with one of another
// type.
func (f *finder) ambiguous() bool {
	v := f.found[0]
	for _, w := range f.found[1:] {
		a, ok := v.Address()
		b, _ := w.Address()
		if !ok || a != b || (v.typ == nil) != (w.typ == nil) || v.typ != nil && v.typ.String() != w.typ.String() {
			return true
		}
	}
	return false
}

// look looks in the members of v, and in its bases if they have none.
func (f *finder) look(v *Value, t *debuginfo.Type, depth int) error {
	if depth > maxDepth || t.Declaration {
		return nil
	}
	fields, err := t.Fields()
	if err != nil {
		return err
	}
	before := len(f.found)
	for pass := range 2 { // members hide those of bases
		for i := range fields {
			d := &fields[i]
			if f.budget--; f.budget < 0 {
				return fmt.Errorf("%s has too many members", t)
			}
			if pass == 0 && !d.IsBase && d.Name != "" {
				f.names = append(f.names, d.Name)
			}
			if pass == 0 && d.Name == f.name && !d.IsBase && (d.Variant == nil || v.active(d, fields)) {
				f.found, f.where = append(f.found, v.member(t, d)), append(f.where, t.String())
				continue
			}
			if d.IsBase != (pass == 1) || d.Name != "" && !d.IsBase {
				continue
			}
			inner, err := d.Type()
			if err != nil {
				return err
			}
			if inner == nil {
				continue
			}
			if inner, err = inner.Strip(); err != nil || inner == nil {
				return err
			}
			w := v.member(t, d)
			if d.IsBase && (inner.Name == f.name || plainName(inner.Name) == f.name) {
				f.found, f.where = append(f.found, w), append(f.where, t.String())
				continue
			}
			switch inner.Kind {
			case debuginfo.Struct, debuginfo.Class, debuginfo.Union:
				if err := f.look(w, inner, depth+1); err != nil {
					return err
				}
			}
		}
		if len(f.found) > before {
			return nil
		}
	}
	return nil
}

// plainName returns the last part of a name: "vector<a::b>" of "std::vector<a::b>".
func plainName(name string) string {
	depth := 0
	for i := len(name) - 1; i > 0; i-- {
		switch name[i] {
		case '>', ')':
			depth++
		case '<', '(':
			depth--
		case ':':
			if depth == 0 {
				return name[i+1:]
			}
		}
	}
	return name
}

// A NoFieldError is the error for a member that a type does not have.
type NoFieldError struct {
	Type string
	Name string
	Near []string // what may have been meant
}

func (e *NoFieldError) Error() string {
	s := fmt.Sprintf("%s has no member %s", e.Type, e.Name)
	if len(e.Near) > 0 {
		s += " (did you mean " + strings.Join(e.Near, " or ") + "?)"
	}
	return s
}

func noField(t *debuginfo.Type, name string, names []string) error {
	return &NoFieldError{t.String(), name, image.Near(name, slices.Values(names))}
}

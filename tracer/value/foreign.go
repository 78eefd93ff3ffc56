package value

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// This file shows the strings, slices and variants of Go and Rust.

// word returns a member that is a number or a pointer.
func (v *Value) word(names ...string) (uint64, bool) {
	for _, name := range names {
		m, err := v.Field(name)
		if err != nil {
			return 0, false
		}
		v = m
	}
	n, err := v.Uint64()
	return n, err == nil
}

// foreignString returns where a string of Go or Rust has its bytes, and how many.
func (v *Value) foreignString(t *debuginfo.Type) (data, n uint64, ok bool) {
	switch t.Language() {
	case debuginfo.Go:
		if t.Name != "string" {
			return 0, 0, false
		}
		data, ok = v.word("str")
		if !ok {
			return 0, 0, false
		}
		n, ok = v.word("len")
		return data, n, ok
	case debuginfo.Rust:
		switch {
		case t.Name == "&str" || t.Name == "&mut str":
			data, ok = v.word("data_ptr")
			if !ok {
				return 0, 0, false
			}
			n, ok = v.word("length")
			return data, n, ok
		case strings.HasSuffix(t.Name, "string::String"):
			vec, err := v.Field("vec")
			if err != nil {
				return 0, 0, false
			}
			return vec.rustVec()
		}
	}
	return 0, 0, false
}

// rustVec returns where a Vec has its elements, and how many: its pointer lies in
// structures whose names change from version to version.
func (v *Value) rustVec() (data, n uint64, ok bool) {
	if n, ok = v.word("len"); !ok {
		return 0, 0, false
	}
	buf, err := v.Field("buf")
	for range maxDepth {
		if err != nil {
			return 0, 0, false
		}
		var t *debuginfo.Type
		if t, err = buf.strip(); err != nil {
			return 0, 0, false
		}
		if t.Kind == debuginfo.Pointer {
			data, err = buf.Uint64()
			return data, n, err == nil
		}
		inner := (*Value)(nil)
		for _, name := range []string{"inner", "ptr", "pointer"} {
			if m, err := buf.Field(name); err == nil {
				inner = m
				break
			}
		}
		if inner == nil {
			return 0, 0, false
		}
		buf = inner
	}
	return 0, 0, false
}

// slice returns the elements of a slice of Go or Rust or of a Vec as an array.
func (v *Value) slice(t *debuginfo.Type) (*Value, bool) {
	var data, n uint64
	var ok bool
	var elem *debuginfo.Type
	switch {
	case t.Language() == debuginfo.Go && strings.HasPrefix(t.Name, "[]"):
		if data, ok = v.word("array"); ok {
			n, ok = v.word("len")
		}
		elem = v.pointee("array")
	case t.Language() == debuginfo.Rust && (strings.HasPrefix(t.Name, "&[") || strings.HasPrefix(t.Name, "&mut [")):
		if data, ok = v.word("data_ptr"); ok {
			n, ok = v.word("length")
		}
		elem = v.pointee("data_ptr")
	case t.Language() == debuginfo.Rust && strings.Contains(t.Name, "vec::Vec<"):
		data, n, ok = v.rustVec()
		if args, err := t.TemplateArgs(); err == nil && len(args) > 0 {
			elem = args[0].Type
		}
	}
	if !ok || elem == nil || n > 1<<62 {
		return nil, false
	}
	return At(v.in, debuginfo.ArrayOf(elem, int64(n)), data), true
}

// pointee returns what a member points to, or nil.
func (v *Value) pointee(name string) *debuginfo.Type {
	m, err := v.Field(name)
	if err != nil {
		return nil
	}
	t, err := m.strip()
	if err != nil || t.Kind != debuginfo.Pointer {
		return nil
	}
	elem, _ := t.Elem()
	return elem
}

// foreign writes a string, a slice or a variant, if v is one.
func (w *writer) foreign(v *Value, t *debuginfo.Type, depth int) (done bool, err error) {
	if t.Language() != debuginfo.Go && t.Language() != debuginfo.Rust {
		return false, nil
	}
	if data, n, ok := v.foreignString(t); ok {
		b := make([]byte, min(n, maxElements))
		if _, err := v.in.ReadAt(data, b); err != nil && n > 0 {
			return true, err
		}
		w.b.WriteString(strconv.Quote(string(b)))
		if n > maxElements {
			w.b.WriteString("...")
		}
		return true, nil
	}
	if s, ok := v.slice(t); ok {
		if n, err := s.Len(); err == nil && n == 0 { // it points to nothing
			w.b.WriteString("{}")
			return true, nil
		}
		w.value(s, depth)
		return true, nil
	}
	members, err := v.Fields()
	if err != nil || len(members) != 1 || members[0].Field.Variant == nil {
		return false, nil
	}
	w.b.WriteString(members[0].Field.Name)
	inner, err := members[0].Value.Fields()
	if err != nil || len(inner) == 0 {
		return true, nil
	}
	if inner[0].Field.Name != "__0" {
		w.b.WriteString(" ")
		w.value(members[0].Value, depth+1)
		return true, nil
	}
	for i, m := range inner {
		fmt.Fprint(&w.b, [...]string{"(", ", "}[min(i, 1)])
		w.value(m.Value, depth+1)
	}
	w.b.WriteString(")")
	return true, nil
}

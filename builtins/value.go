package builtins

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/value"
)

// A typed is a value with a type: a variable, a member, an element. It is read when
// it is used.
type typed struct {
	e *Env
	v *value.Value
}

// maxCount limits the elements of what can be iterated.
const maxCount = 1 << 24

// typed returns the value of a typed value.
func (e *Env) typed(v *value.Value) starlark.Value {
	t := &typed{e, v}
	if under, err := v.Type().Strip(); v.Type() != nil && err == nil && under != nil && under.Kind == debuginfo.Array {
		if n, err := v.Len(); err == nil && n <= maxCount {
			return &array{t, int(n)}
		}
	}
	return t
}

var valueClass = newClass("value",
	"A variable of the program, or a part of one, with its type. Its members are its attributes, so that what every value has ends in an underscore; v[\"name\"] is a member too. "+
		"v[3] and v[1:3] are elements, of an array or behind a pointer, and an array can be iterated and has a len. Its str is that of gdb's print; int, float and bool convert it. "+
		"With ints, numbers compute as ints and pointers count in elements. v.n == 3 compares its number, where the program has one, and so do two values; a Starlark value of another type is never equal to it: write not v.p, and int(v.n) where it is looked for, as in int(v.n) in [1, 2]. "+
		"What the compiler has dropped shows as <optimized out>, and its use is an error with the reason. Reading goes to the target each time.",
	[]attribute[*typed]{
		{"type_", "type", "The type.", func(v *typed) (starlark.Value, error) {
			return v.e.typeValue(v.v.Type(), v.v.Context()), nil
		}},
		{"address_", "int or None", "Where in memory it is; None for what is in a register or nowhere, and for a bit-field.", func(v *typed) (starlark.Value, error) {
			if addr, ok := v.v.Address(); ok {
				return starlark.MakeUint64(addr), nil
			}
			return starlark.None, nil
		}},
		{"dynamic_", "value", "The object of the class that the object really has, which its vtable tells; itself if it has none. A pointer or reference is followed.", func(v *typed) (starlark.Value, error) {
			d, err := v.v.Dynamic()
			if err != nil {
				return nil, err
			}
			return v.e.typed(d), nil
		}},
		{"error_", "str or None", "Why there is no value, such as that the compiler has dropped it.", func(v *typed) (starlark.Value, error) {
			if err := v.v.Err(); err != nil {
				return starlark.String(err.Error()), nil
			}
			return starlark.None, nil
		}},
	},
	[]method[*typed]{
		{"deref_", "(object=None) -> value", "What a pointer points to or a reference refers to; of a pointer to member, the member of an object, which is a value or a pointer to one. Nothing is read of it yet.", (*typed).deref},
		{"cast_", "(type) -> value", "The value converted to a type or the name of one, such as \"struct item *\" or \"int (*)[3]\".", (*typed).cast},
		{"read_", "() -> value", "The number as an int, float or bool, characters as a str, a structure as a dict and an array as a list of what they hold. It is an error for more than 16384 parts, and for what cannot be read.", (*typed).readAll},
		{"bytes_", "() -> bytes", "The bytes of the value, as they are in memory.", (*typed).bytes},
		{"string_", "(max=4096) -> bytes", "The characters of an array or behind a pointer to characters, up to a zero and max bytes at most; of a string of Go or Rust, all up to max bytes.", (*typed).text},
		{"set_", "(x)", "Write a number, or bytes of the value's size, to its memory or register. One that does not fit is an error.", (*typed).set},
	})

var (
	_ starlark.HasAttrs   = (*typed)(nil)
	_ starlark.Mapping    = (*typed)(nil)
	_ starlark.HasBinary  = (*typed)(nil)
	_ starlark.HasUnary   = (*typed)(nil)
	_ starlark.Comparable = (*typed)(nil)
	_ starlark.Sequence   = (*array)(nil)
	_ starlark.Sliceable  = (*array)(nil)
)

func (v *typed) String() string { return v.v.Format(&value.Format{Print: v.e.print}) }
func (v *typed) Type() string   { return "value" }
func (v *typed) Freeze()        {}

// Truth reports whether a number or pointer is not zero; what cannot be read is false,
// and anything else true.
func (v *typed) Truth() starlark.Bool {
	if !v.v.IsScalar() {
		return v.v.Err() == nil
	}
	truth, _ := v.v.Truth()
	return starlark.Bool(truth)
}

// Hash returns the hash of a number.
func (v *typed) Hash() (uint32, error) {
	n, err := v.number()
	if err != nil {
		return 0, err
	}
	return n.Hash()
}

// Attr returns an attribute, or a member.
func (v *typed) Attr(name string) (starlark.Value, error) {
	if attr, err := valueClass.attr(v, name); attr != nil || err != nil {
		return attr, err
	}
	m, err := v.v.Field(name)
	var none *value.NoFieldError
	if errors.As(err, &none) && len(none.Near) == 0 || err != nil && !v.hasMembers() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return v.e.typed(m), nil
}

// AttrNames returns the attributes and the members.
func (v *typed) AttrNames() []string {
	names := append([]string(nil), valueClass.names()...)
	members, _ := v.v.Fields()
	for _, m := range members {
		if m.Field.Name != "" {
			names = append(names, m.Field.Name)
		}
	}
	return names
}

// Get returns a member by its name, or an element by its index.
func (v *typed) Get(key starlark.Value) (starlark.Value, bool, error) {
	if name, ok := key.(starlark.String); ok {
		m, err := v.v.Field(string(name))
		if err != nil {
			return nil, false, err
		}
		return v.e.typed(m), true, nil
	}
	n, err := asNumber(key)
	if err != nil {
		return nil, false, fmt.Errorf("got %s, want the index of an element or the name of a member", key.Type())
	}
	i, isInt := n.(starlark.Int)
	at, ok := int64(0), false
	if isInt {
		at, ok = i.Int64()
	}
	if !ok {
		return nil, false, fmt.Errorf("%s is no index", n)
	}
	elem, err := v.v.Index(at)
	if err != nil {
		return nil, false, err
	}
	return v.e.typed(elem), true, nil
}

// number returns the value as an int or float.
func (v *typed) number() (starlark.Value, error) {
	if v.v.IsFloat() {
		f, err := v.v.Float()
		return starlark.Float(f), err
	}
	n, err := v.v.Int()
	if err != nil {
		return nil, err
	}
	return starlark.MakeBigInt(n), nil
}

// Number returns the number of a value of the program that is one, a pointer's address
// included, and any other value itself.
func Number(x starlark.Value) (starlark.Value, error) {
	v, ok := x.(*typed)
	if !ok || !v.v.IsScalar() {
		return x, nil
	}
	return v.number()
}

// asNumber returns the number of a typed value, and any other value itself.
func asNumber(x starlark.Value) (starlark.Value, error) {
	if v := asTyped(x); v != nil {
		return v.number()
	}
	switch x.(type) {
	case starlark.Int, starlark.Float:
		return x, nil
	}
	return nil, fmt.Errorf("%s is no number", x.Type())
}

// asTyped returns the typed value that x is, or nil.
func asTyped(x starlark.Value) *typed {
	switch x := x.(type) {
	case *typed:
		return x
	case *array:
		return x.typed
	}
	return nil
}

// hasMembers reports whether a value is, or may refer to, a structure.
func (v *typed) hasMembers() bool {
	t, err := v.v.Type().Strip()
	if v.v.Type() == nil || err != nil || t == nil {
		return false
	}
	switch t.Kind {
	case debuginfo.Struct, debuginfo.Class, debuginfo.Union, debuginfo.Pointer, debuginfo.Reference, debuginfo.RvalueReference:
		return true
	}
	return false
}

// isPointer reports whether a value counts in elements.
func (v *typed) isPointer() bool {
	t, err := v.v.Type().Strip()
	return v.v.Type() != nil && err == nil && t != nil && (t.Kind == debuginfo.Pointer || t.Kind == debuginfo.Array)
}

// target returns what is meant where an address is taken: what a pointer points to, or
// where the value is.
func (v *typed) target() (uint64, error) {
	t, err := v.v.Type().Strip()
	if v.v.Type() != nil && err == nil && t != nil && t.Kind == debuginfo.Pointer {
		return v.v.Uint64()
	}
	p, err := v.v.AddressOf()
	if err != nil {
		return 0, err
	}
	return p.Uint64()
}

func (v *typed) deref(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var object starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "object??", &object); err != nil {
		return nil, err
	}
	var d *value.Value
	var err error
	if object == nil {
		d, err = v.v.Deref()
	} else if of := asTyped(object); of != nil {
		d, err = v.v.MemberOf(of.v)
	} else {
		err = fmt.Errorf("%s: got %s, want the value of an object", b.Name(), object.Type())
	}
	if err != nil {
		return nil, err
	}
	return v.e.typed(d), nil
}

func (v *typed) cast(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var to starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "type", &to); err != nil {
		return nil, err
	}
	var t *debuginfo.Type
	switch to := to.(type) {
	case starlark.String:
		var err error
		if t, err = value.TypeNamed(v.v.Context(), string(to)); err != nil {
			return nil, err
		}
	case *typeValue:
		t = to.t
	default:
		return nil, fmt.Errorf("%s: got %s, want a type or the name of one", b.Name(), to.Type())
	}
	w, err := v.v.Cast(t)
	if err != nil {
		return nil, err
	}
	return v.e.typed(w), nil
}

func (v *typed) bytes(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	data, err := v.v.Bytes()
	return starlark.Bytes(data), err
}

func (v *typed) text(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	limit := 4096
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "max?", &limit); err != nil {
		return nil, err
	}
	if limit < 0 || limit > maxCount {
		return nil, fmt.Errorf("%s: max %d is not in 0 to %d", b.Name(), limit, maxCount)
	}
	data, err := v.v.Text(limit)
	return starlark.Bytes(data), err
}

func (v *typed) set(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var x starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "x", &x); err != nil {
		return nil, err
	}
	var err error
	switch n := x.(type) {
	case starlark.Bytes:
		err = v.v.Set([]byte(n))
	case starlark.Bool:
		err = v.v.SetInt(big.NewInt(map[starlark.Bool]int64{true: 1}[n]))
	default:
		var num starlark.Value
		if num, err = asNumber(x); err != nil {
			return nil, fmt.Errorf("%s: got %s, want a number or bytes", b.Name(), x.Type())
		}
		if i, ok := num.(starlark.Int); ok {
			err = v.v.SetInt(i.BigInt())
		} else {
			err = v.v.SetFloat(float64(num.(starlark.Float)))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return starlark.None, nil
}

func (v *typed) readAll(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	left := maxPlain
	return plain(v.v, &left)
}

// maxPlain limits the parts of a value that are read at once.
const maxPlain = 1 << 14

// plain returns what a value holds as values of Starlark.
func plain(v *value.Value, left *int) (starlark.Value, error) {
	if *left--; *left < 0 {
		return nil, fmt.Errorf("it has more than %d parts", maxPlain)
	}
	if err := v.Err(); err != nil {
		return nil, err
	}
	t, err := v.Type().Strip()
	if err != nil || t == nil {
		return starlark.None, err
	}
	switch t.Kind {
	case debuginfo.Struct, debuginfo.Class, debuginfo.Union:
		if text, err := v.Text(4096); err == nil {
			return starlark.String(text), nil
		}
		members, err := v.Fields()
		if err != nil {
			return nil, err
		}
		d := starlark.NewDict(len(members))
		for i, m := range members {
			if m.Field.Static && m.Value.Err() != nil {
				continue // no part of the object, and in no file that is mapped
			}
			name := m.Field.Name
			if m.Field.IsBase && m.Value.Type() != nil {
				name = m.Value.Type().Name
			} else if name == "" {
				name = fmt.Sprintf("_%d", i)
			}
			w, err := plain(m.Value, left)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if err := d.SetKey(starlark.String(name), w); err != nil {
				return nil, err
			}
		}
		return d, nil
	case debuginfo.Array:
		if text, err := v.Text(maxPlain); err == nil {
			return starlark.String(text), nil
		}
		n, err := v.Len()
		if err != nil {
			return nil, err
		}
		var list []starlark.Value
		for i := range n {
			elem, err := v.Index(i)
			if err != nil {
				return nil, err
			}
			w, err := plain(elem, left)
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			list = append(list, w)
		}
		return starlark.NewList(list), nil
	case debuginfo.Base:
		const boolean = 2 // DW_ATE_boolean
		if t.Encoding == boolean {
			truth, err := v.Truth()
			return starlark.Bool(truth), err
		}
	}
	if v.IsScalar() {
		w := typed{v: v}
		return w.number()
	}
	return starlark.String(v.String()), nil
}

// MarshalJSON encodes what the value holds: numbers, strings, lists and dicts; what
// cannot be read or has too many parts as its text.
func (v *typed) MarshalJSON() ([]byte, error) {
	left := maxPlain
	w, err := plain(v.v, &left)
	if err != nil {
		return encode(v.String())
	}
	data, err := toJSON(w)
	if err != nil {
		return nil, err
	}
	return encode(data)
}

// toJSON returns what plain has made as Go's encoder takes it.
func toJSON(v starlark.Value) (any, error) {
	switch v := v.(type) {
	case starlark.Int:
		return json.Number(v.String()), nil
	case starlark.Float:
		if text := v.String(); strings.ContainsAny(text, "n") { // nan and inf
			return text, nil
		}
		return float64(v), nil
	case starlark.Bool:
		return bool(v), nil
	case starlark.String:
		return string(v), nil
	case *starlark.List:
		list := make([]any, v.Len())
		for i := range list {
			var err error
			if list[i], err = toJSON(v.Index(i)); err != nil {
				return nil, err
			}
		}
		return list, nil
	case *starlark.Dict:
		m := make(map[string]any, v.Len())
		for _, item := range v.Items() {
			name, _ := starlark.AsString(item[0])
			w, err := toJSON(item[1])
			if err != nil {
				return nil, err
			}
			m[name] = w
		}
		return m, nil
	}
	return nil, nil
}

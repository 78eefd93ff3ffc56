package builtins

import (
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/value"
)

// A typeValue is a type of the program; one whose t is nil is void.
type typeValue struct {
	handle
	e  *Env
	t  *debuginfo.Type
	in value.Context
}

func (e *Env) typeValue(t *debuginfo.Type, in value.Context) *typeValue {
	return &typeValue{e: e, t: t, in: in}
}

// kindNames are the names of debuginfo.Kind.
var kindNames = [...]string{
	"base", "pointer", "reference", "rvalue_reference", "member_pointer", "array", "struct", "class", "union", "enum",
	"function", "typedef", "const", "volatile", "restrict", "atomic", "unspecified",
}

var typeClass = newClass("type", "A type of the program. Its str is its definition in C.", []attribute[*typeValue]{
	{"name", "str", "The type as C writes it, such as \"struct item *\".", func(t *typeValue) (starlark.Value, error) {
		return starlark.String(t.name()), nil
	}},
	{"size", "int or None", "The size in bytes; None if it is not known or depends on the frame.", func(t *typeValue) (starlark.Value, error) {
		if t.t == nil || t.t.Size < 0 {
			return starlark.None, nil
		}
		return starlark.MakeInt64(t.t.Size), nil
	}},
	{"kind", "str", "\"base\", \"pointer\", \"reference\", \"rvalue_reference\", \"member_pointer\", \"array\", \"struct\", \"class\", \"union\", \"enum\", \"function\", \"typedef\", \"const\", \"volatile\", \"restrict\", \"atomic\", \"unspecified\" or \"void\".", func(t *typeValue) (starlark.Value, error) {
		if t.t == nil {
			return starlark.String("void"), nil
		}
		return starlark.String(kindNames[t.t.Kind]), nil
	}},
	{"elem", "type or None", "What a pointer points to, an array's elements, what a function returns, what a typedef, a qualifier or an enumeration stands on.", func(t *typeValue) (starlark.Value, error) {
		if t.t == nil {
			return starlark.None, nil
		}
		switch t.t.Kind {
		case debuginfo.Base, debuginfo.Struct, debuginfo.Class, debuginfo.Union, debuginfo.Unspecified:
			return starlark.None, nil
		}
		elem, err := t.t.Elem()
		if err != nil {
			return nil, err
		}
		return t.e.typeValue(elem, t.in), nil
	}},
	{"count", "int or None", "The number of elements of an array, along its outermost dimension, if the type tells.", func(t *typeValue) (starlark.Value, error) {
		if t.t == nil {
			return starlark.None, nil
		}
		dims := t.t.Dims()
		if t.t.Kind != debuginfo.Array || len(dims) == 0 || dims[0].Count < 0 {
			return starlark.None, nil
		}
		return starlark.MakeInt64(dims[0].Count), nil
	}},
	{"strip", "type", "The type without typedefs and qualifiers.", func(t *typeValue) (starlark.Value, error) {
		if t.t == nil {
			return t, nil
		}
		under, err := t.t.Strip()
		if err != nil {
			return nil, err
		}
		return t.e.typeValue(under, t.in), nil
	}},
	{"fields", "list of struct", "The base classes and members of a structure, class or union as structs of name, type, offset (bytes; None of a static member and of a virtual base), bit_offset, bit_size (0 for no bit-field) and base (whether it is a base class).", func(t *typeValue) (starlark.Value, error) {
		if t.t == nil {
			return starlark.NewList(nil), nil
		}
		under, err := t.t.Strip()
		if err != nil || under == nil {
			return starlark.NewList(nil), err
		}
		fields, err := under.Fields()
		if err != nil {
			return nil, err
		}
		var list []starlark.Value
		for i := range fields {
			f := &fields[i]
			ft, err := f.Type()
			if err != nil {
				return nil, err
			}
			list = append(list, starlarkstruct.FromStringDict(starlarkstruct.Default, starlark.StringDict{
				"name":       starlark.String(f.Name),
				"type":       t.e.typeValue(ft, t.in),
				"offset":     optionalInt(int(f.Offset), f.Offset >= 0 && !f.Static),
				"bit_offset": starlark.MakeInt64(f.BitOffset),
				"bit_size":   starlark.MakeInt64(f.BitSize),
				"base":       starlark.Bool(f.IsBase),
			}))
		}
		return starlark.NewList(list), nil
	}},
	{"layout", "str", "The definition of a structure, class or union with the offset and size in bytes of each member, the holes between them, where cache lines of 64 bytes begin, and sums, as pahole prints it. Of any other type, its str.", func(t *typeValue) (starlark.Value, error) {
		if t.t == nil {
			return starlark.String(t.String()), nil
		}
		text, err := t.t.Layout()
		return starlark.String(text), err
	}},
	{"enumerators", "dict", "The constants of an enumeration by name.", func(t *typeValue) (starlark.Value, error) {
		d := new(starlark.Dict)
		if t.t == nil {
			return d, nil
		}
		under, err := t.t.Strip()
		if err != nil || under == nil || under.Kind != debuginfo.Enum {
			return d, err
		}
		list, err := under.Enumerators()
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			if err := d.SetKey(starlark.String(c.Name), starlark.MakeInt64(c.Value)); err != nil {
				return nil, err
			}
		}
		return d, nil
	}},
}, []method[*typeValue]{
	{"pointer", "() -> type", "The type of pointers to it.", (*typeValue).pointer},
	{"at", "(addr) -> value", "The value of this type at an address of memory.", (*typeValue).at},
})

var (
	_ starlark.HasAttrs   = (*typeValue)(nil)
	_ starlark.Comparable = (*typeValue)(nil)
)

func (t *typeValue) name() string {
	if t.t == nil {
		return "void"
	}
	return t.t.String()
}

func (t *typeValue) String() string {
	if t.t != nil {
		if text, err := t.t.Define(); err == nil {
			return text
		}
	}
	return t.name()
}
func (t *typeValue) Type() string                             { return "type" }
func (t *typeValue) Hash() (uint32, error)                    { return starlark.String(t.name()).Hash() }
func (t *typeValue) Attr(name string) (starlark.Value, error) { return typeClass.attr(t, name) }
func (t *typeValue) AttrNames() []string                      { return typeClass.names() }
func (t *typeValue) MarshalJSON() ([]byte, error)             { return encode(t.name()) }

// CompareSameType compares types: they are equal if C writes them alike and they have
// one size.
func (t *typeValue) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	u := y.(*typeValue)
	same := t.name() == u.name() && (t.t == nil || t.t.Size == u.t.Size)
	return equality(t, op, same)
}

func (t *typeValue) pointer(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	return t.e.typeValue(debuginfo.PointerTo(t.t), t.in), nil
}

func (t *typeValue) at(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var addr address
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "addr", &addr); err != nil {
		return nil, err
	}
	return t.e.typed(value.At(t.in, t.t, uint64(addr))), nil
}

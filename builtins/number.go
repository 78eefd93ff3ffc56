package builtins

import (
	"fmt"
	"math"
	"slices"

	"go.starlark.net/starlark"
)

// An integer is a type of fixed width.
type integer struct {
	name   string
	bits   uint
	signed bool
}

var integers = []integer{
	{"u8", 8, false}, {"u16", 16, false}, {"u32", 32, false}, {"u64", 64, false},
	{"i8", 8, true}, {"i16", 16, true}, {"i32", 32, true}, {"i64", 64, true},
}

// wrap returns the number that the low bits of u are in type t.
func (t integer) wrap(u uint64) starlark.Int {
	shift := 64 - t.bits
	if t.signed {
		return starlark.MakeInt64(int64(u<<shift) >> shift)
	}
	return starlark.MakeUint64(u << shift >> shift)
}

// builtin is the predeclared function of type t.
func (t integer) builtin(_ *Env, _ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var x starlark.Int
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 1, &x); err != nil {
		return nil, err
	}
	return t.wrap(low64(x)), nil
}

// low64 returns the low 64 bits of x in two's complement.
func low64(x starlark.Int) uint64 {
	if i, ok := x.Int64(); ok {
		return uint64(i)
	}
	u, _ := x.And(starlark.MakeUint64(math.MaxUint64)).Uint64()
	return u
}

// fit returns the low bits of v, an int that fits them as a signed or as an
// unsigned number.
func fit(v starlark.Value, bits uint) (uint64, error) {
	x, ok := v.(starlark.Int)
	if !ok {
		return 0, fmt.Errorf("got %s, want int", v.Type())
	}
	if i, ok := x.Int64(); ok && i>>(bits-1) >= -1 && (bits == 64 || i>>bits <= 0) {
		return uint64(i) << (64 - bits) >> (64 - bits), nil
	}
	if u, ok := x.Uint64(); ok && bits == 64 {
		return u, nil
	}
	return 0, fmt.Errorf("%s does not fit %d bits", x, bits)
}

// A scalar is a little-endian number in memory.
type scalar struct {
	name   string
	kind   string // as documentation
	typ    string // in Starlark
	size   int    // in bytes
	decode func(u uint64) starlark.Value
	encode func(v starlark.Value) (uint64, error)
}

// scalars are the types that process.read_… and write_… take.
var scalars = func() []scalar {
	var list []scalar
	for _, t := range append(slices.Clone(integers), integer{"ptr", 64, false}) {
		kind := "unsigned int"
		if t.signed {
			kind = "signed int"
		}
		list = append(list, scalar{
			name: t.name, kind: kind, typ: "int", size: int(t.bits / 8),
			decode: func(u uint64) starlark.Value { return t.wrap(u) },
			encode: func(v starlark.Value) (uint64, error) { return fit(v, t.bits) },
		})
	}
	return append(list,
		scalar{
			"f32", "float", "float", 4,
			func(u uint64) starlark.Value { return starlark.Float(math.Float32frombits(uint32(u))) },
			func(v starlark.Value) (uint64, error) {
				f, err := float(v)
				return uint64(math.Float32bits(float32(f))), err
			},
		},
		scalar{
			"f64", "float", "float", 8,
			func(u uint64) starlark.Value { return starlark.Float(math.Float64frombits(u)) },
			func(v starlark.Value) (uint64, error) {
				f, err := float(v)
				return math.Float64bits(f), err
			},
		})
}()

func float(v starlark.Value) (float64, error) {
	f, ok := starlark.AsFloat(v)
	if !ok {
		return 0, fmt.Errorf("got %s, want float or int", v.Type())
	}
	return f, nil
}

// maxDigits bounds the text of an int: to read a longer one takes seconds, and nothing can
// end that.
const maxDigits = 1 << 20

// toInt is Starlark's int for values of the program too.
func (e *Env) toInt(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) == 1 && len(kwargs) == 0 {
		if v := asTyped(args[0]); v != nil {
			n, err := v.v.Int()
			if err != nil {
				return nil, err
			}
			return starlark.MakeBigInt(n), nil
		}
	}
	if len(args) > 0 {
		if s, ok := args[0].(starlark.String); ok && len(s) > maxDigits {
			return nil, fmt.Errorf("%s: a text of %d bytes, %d are the most", b.Name(), len(s), maxDigits)
		}
	}
	return starlark.Call(thread, starlark.Universe["int"], args, kwargs)
}

// toFloat is Starlark's float for values of the program too.
func (e *Env) toFloat(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) == 1 && len(kwargs) == 0 {
		if v := asTyped(args[0]); v != nil {
			f, err := v.v.Float()
			return starlark.Float(f), err
		}
	}
	return starlark.Call(thread, starlark.Universe["float"], args, kwargs)
}

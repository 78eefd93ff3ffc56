package builtins

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"go.starlark.net/starlark"
)

// A field is one item of a format: count values of a code, or one of count bytes
// for the codes s, p and x.
type field struct {
	code  byte
	count int
	size  int // of one, in bytes
	pad   int // bytes of alignment before it
}

// A layout is a parsed format.
type layout struct {
	order  binary.ByteOrder
	fields []field
	size   int
}

// maxPack bounds the size of a layout in bytes, and with it the number of values
// that unpack returns.
const maxPack = 16 << 20

// parseLayout parses a format of Python's module struct. A format that does not
// begin with @ = < > or ! is little-endian, in standard sizes and unaligned. The
// codes n, N and P, which Python has in native formats only, are eight bytes
// everywhere.
func parseLayout(format string) (layout, error) {
	l := layout{order: binary.LittleEndian}
	native := false
	rest := format
	if format != "" {
		switch format[0] {
		case '@':
			native = true
		case '>', '!':
			l.order = binary.BigEndian
		case '<', '=':
		default:
			rest = " " + format
		}
	}
	if rest != "" {
		rest = rest[1:]
	}
	for i := 0; i < len(rest); i++ {
		if strings.IndexByte(" \t\n\v\f\r", rest[i]) >= 0 {
			continue
		}
		f := field{count: 1}
		if digits := len(rest[i:]) - len(strings.TrimLeft(rest[i:], "0123456789")); digits > 0 {
			f.count = 0
			for _, c := range []byte(rest[i : i+digits]) {
				f.count = min(10*f.count+int(c-'0'), maxPack+1)
			}
			if i += digits; i == len(rest) {
				return layout{}, fmt.Errorf("format %q ends with a count", format)
			}
		}
		f.code = rest[i]
		if f.size = sizeOf(f.code, native); f.size == 0 {
			return layout{}, fmt.Errorf("format %q: unknown code %q", format, f.code)
		}
		if native {
			f.pad = -l.size & (f.size - 1)
		}
		if l.size += f.pad + f.count*f.size; l.size > maxPack {
			return layout{}, fmt.Errorf("format %q takes more than %d bytes", format, maxPack)
		}
		l.fields = append(l.fields, f)
	}
	return l, nil
}

// sizeOf returns the size of a code, or 0 if there is none. In native formats, l
// and L are C's long.
func sizeOf(code byte, native bool) int {
	switch code {
	case 'x', 'c', 'b', 'B', '?', 's', 'p':
		return 1
	case 'h', 'H', 'e':
		return 2
	case 'i', 'I', 'f':
		return 4
	case 'l', 'L':
		if native {
			return 8
		}
		return 4
	case 'q', 'Q', 'd', 'n', 'N', 'P':
		return 8
	}
	return 0
}

// pack packs values as a format says.
func (e *Env) pack(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var format string
	if err := starlark.UnpackPositionalArgs(b.Name(), args[:min(1, len(args))], kwargs, 1, &format); err != nil {
		return nil, err
	}
	l, err := parseLayout(format)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	data, err := l.pack(args[1:])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return starlark.Bytes(data), nil
}

// unpack unpacks what pack packs.
func (e *Env) unpack(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var format string
	var data blob
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "fmt", &format, "data", &data); err != nil {
		return nil, err
	}
	l, err := parseLayout(format)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	if len(data) != l.size {
		return nil, fmt.Errorf("%s: format %q takes %d bytes, got %d", b.Name(), format, l.size, len(data))
	}
	return l.unpack(string(data)), nil
}

func (l *layout) pack(values starlark.Tuple) ([]byte, error) {
	data := make([]byte, 0, l.size)
	used := 0
	next := func() (starlark.Value, error) {
		if used == len(values) {
			return nil, fmt.Errorf("got %d values, want more", len(values))
		}
		used++
		return values[used-1], nil
	}
	for _, f := range l.fields {
		data = append(data, make([]byte, f.pad)...)
		switch f.code {
		case 'x':
			data = append(data, make([]byte, f.count)...)
			continue
		case 's', 'p':
			v, err := next()
			if err != nil {
				return nil, err
			}
			var d blob
			if err := d.Unpack(v); err != nil {
				return nil, fmt.Errorf("value %d: %w", used, err)
			}
			data = append(data, f.text(string(d))...)
			continue
		}
		for range f.count {
			v, err := next()
			if err != nil {
				return nil, err
			}
			u, err := f.encode(v)
			if err != nil {
				return nil, fmt.Errorf("value %d: %w", used, err)
			}
			data = l.append(data, f.size, u)
		}
	}
	if used < len(values) {
		return nil, fmt.Errorf("got %d values, want %d", len(values), used)
	}
	return data, nil
}

// text returns s as a field of code s or p has it: cut or padded with zeros to the
// field's size, in p behind a byte that counts it.
func (f field) text(s string) []byte {
	data := make([]byte, f.count)
	if f.code == 's' {
		copy(data, s)
	} else if f.count > 0 {
		data[0] = byte(min(copy(data[1:], s), math.MaxUint8))
	}
	return data
}

// encode returns the bits of v in a field of numbers.
func (f field) encode(v starlark.Value) (uint64, error) {
	switch f.code {
	case 'c':
		var d blob
		if err := d.Unpack(v); err != nil {
			return 0, err
		}
		if len(d) != 1 {
			return 0, fmt.Errorf("got %d bytes, want one", len(d))
		}
		return uint64(d[0]), nil
	case '?':
		if v.Truth() {
			return 1, nil
		}
		return 0, nil
	case 'e', 'f', 'd':
		x, err := float(v)
		if err != nil {
			return 0, err
		}
		u, ok := floatBits(x, f.size)
		if !ok {
			return 0, fmt.Errorf("%v is too large for code %q", v, f.code)
		}
		return u, nil
	}
	x, ok := v.(starlark.Int)
	if !ok {
		return 0, fmt.Errorf("got %s, want int", v.Type())
	}
	u := low64(x)
	if cmp, _ := x.Cmp(f.integer().wrap(u), 0); cmp != 0 {
		return 0, fmt.Errorf("%s is out of range for code %q", x, f.code)
	}
	return u, nil
}

// integer returns the type of a field of ints, whose code is in lower case if it
// is signed.
func (f field) integer() integer {
	return integer{bits: uint(8 * f.size), signed: f.code >= 'a'}
}

func (l *layout) append(data []byte, size int, u uint64) []byte {
	var word [8]byte
	switch size {
	case 1:
		word[0] = byte(u)
	case 2:
		l.order.PutUint16(word[:], uint16(u))
	case 4:
		l.order.PutUint32(word[:], uint32(u))
	case 8:
		l.order.PutUint64(word[:], u)
	}
	return append(data, word[:size]...)
}

func (l *layout) word(data string) uint64 {
	b := []byte(data)
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(l.order.Uint16(b))
	case 4:
		return uint64(l.order.Uint32(b))
	}
	return l.order.Uint64(b)
}

// unpack returns the values of data, which has l's size.
func (l *layout) unpack(data string) starlark.Tuple {
	var values starlark.Tuple
	take := func(n int) string {
		s := data[:n]
		data = data[n:]
		return s
	}
	for _, f := range l.fields {
		take(f.pad)
		switch f.code {
		case 'x':
			take(f.count)
		case 's':
			values = append(values, starlark.Bytes(take(f.count)))
		case 'p':
			s := take(f.count)
			if s != "" {
				s = s[1:min(len(s), 1+int(s[0]))]
			}
			values = append(values, starlark.Bytes(s))
		default:
			for range f.count {
				values = append(values, f.decode(l.word(take(f.size))))
			}
		}
	}
	return values
}

// decode returns the value with the bits u.
func (f field) decode(u uint64) starlark.Value {
	switch f.code {
	case 'c':
		return starlark.Bytes([]byte{byte(u)})
	case '?':
		return starlark.Bool(u != 0)
	case 'e', 'f', 'd':
		return starlark.Float(floatFrom(u, f.size))
	}
	return f.integer().wrap(u)
}

// floatBits returns x as an IEEE 754 number of 2, 4 or 8 bytes; ok is false if a
// finite x becomes infinite.
func floatBits(x float64, size int) (u uint64, ok bool) {
	switch size {
	case 4:
		f := float32(x)
		return uint64(math.Float32bits(f)), !math.IsInf(float64(f), 0) || math.IsInf(x, 0)
	case 8:
		return math.Float64bits(x), true
	}
	sign := math.Float64bits(x) >> 48 & 0x8000
	switch x = math.Abs(x); {
	case math.IsNaN(x):
		return sign | 0x7e00, true
	case math.IsInf(x, 1):
		return sign | 0x7c00, true
	case x == 0:
		return sign, true
	}
	// The last place of x in [2^e, 2^(e+1)) is 2^(e-10); numbers below 2^-14 keep
	// that of 2^-14.
	_, e := math.Frexp(x)
	e = max(e-1, -14)
	u = uint64(e+14)<<10 + uint64(math.RoundToEven(math.Ldexp(x, 10-e)))
	return sign | u, u < 0x7c00
}

// floatFrom is the inverse of floatBits.
func floatFrom(u uint64, size int) float64 {
	switch size {
	case 4:
		return float64(math.Float32frombits(uint32(u)))
	case 8:
		return math.Float64frombits(u)
	}
	sign := 1.0
	if u&0x8000 != 0 {
		sign = -1
	}
	fraction := float64(u & 0x3ff)
	switch e := int(u >> 10 & 0x1f); {
	case e == 0x1f && fraction != 0:
		return math.NaN()
	case e == 0x1f:
		return math.Inf(int(sign))
	case e == 0:
		return sign * math.Ldexp(fraction, -24)
	default:
		return sign * math.Ldexp(1024+fraction, e-25)
	}
}

package builtins

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	starjson "go.starlark.net/lib/json"
	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// maxNesting bounds how deep the values are nested that are encoded in JSON, and
// keeps those that contain themselves from going on for ever.
const maxNesting = 1000

// jsonFunctions are the members of the module json.
var jsonFunctions = []method[*Env]{
	{"encode", "(x) -> str",
		"Return x in JSON. Every value can be encoded: those of the debugger are objects of what identifies them, with addresses as numbers. Bytes are a string in which \\xff stands for a byte that is not UTF-8, sequences and sets are arrays, structs and modules objects of their attributes, a time is as in RFC 3339 and a duration in seconds. " +
			"A float that is no number is null, a function is its name, and so is what else JSON has no form for. Keys that are no strings are the text of what they are encoded as. A value that contains itself is an error.",
		(*Env).encodeJSON},
	{"encode_indent", "(x, prefix=\"\", indent=\"\\t\") -> str", "Return x in JSON in lines, as indent does.", (*Env).encodeIndent},
	{"decode", "(x, default=...) -> value", "Return the value of a str or bytes in JSON. Where it is none, return default if that is given; else it is an error.", (*Env).decodeJSON},
	{"indent", "(x, prefix=\"\", indent=\"\\t\") -> str", "Return a str or bytes in JSON in lines that begin with prefix and are indented with indent.", (*Env).indentJSON},
}

const jsonDoc = "Starlark's module json. It encodes every value."

func init() {
	chapters = append(chapters, func() {
		topic := newTopic("json", "", jsonDoc)
		for _, f := range jsonFunctions {
			topic.add("json."+f.name, f.sig, f.doc)
		}
	})
}

// jsonModule returns the module json.
func (e *Env) jsonModule() *starlarkstruct.Module {
	m := &starlarkstruct.Module{Name: "json", Members: make(starlark.StringDict)}
	for _, f := range jsonFunctions {
		m.Members[f.name] = f.bind(e, "json."+f.name)
	}
	return m
}

func (e *Env) encodeJSON(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var x starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "x", &x); err != nil {
		return nil, err
	}
	text, err := EncodeJSON(thread, x)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return starlark.String(text), nil
}

// EncodeJSON returns x in JSON, as json.encode does for scripts.
func EncodeJSON(thread *starlark.Thread, x starlark.Value) ([]byte, error) {
	enc := encoder{thread: thread}
	err := enc.value(x, 0)
	return enc.out, err
}

func (e *Env) encodeIndent(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var x starlark.Value
	prefix, indent := "", "\t"
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "x", &x, "prefix?", &prefix, "indent?", &indent); err != nil {
		return nil, err
	}
	text, err := EncodeJSON(thread, x)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return indented(thread, b, string(text), prefix, indent)
}

func (e *Env) indentJSON(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var text blob
	prefix, indent := "", "\t"
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "x", &text, "prefix?", &prefix, "indent?", &indent); err != nil {
		return nil, err
	}
	return indented(thread, b, string(text), prefix, indent)
}

// indented returns a text in JSON in lines, for a builtin.
func indented(thread *starlark.Thread, b *starlark.Builtin, text, prefix, indent string) (starlark.Value, error) {
	return aside(thread, len(text), func() (starlark.Value, error) {
		var out bytes.Buffer
		if err := json.Indent(&out, []byte(text), prefix, indent); err != nil {
			return nil, fmt.Errorf("%s: %w", b.Name(), err)
		}
		return starlark.String(out.String()), nil
	})
}

func (e *Env) decodeJSON(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var text blob
	var otherwise starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "x", &text, "default?", &otherwise); err != nil {
		return nil, err
	}
	v, err := aside(thread, len(text), func() (starlark.Value, error) {
		return starjson.Module.Members["decode"].(*starlark.Builtin).CallInternal(nil, starlark.Tuple{starlark.String(text)}, nil)
	})
	if canceled := canceled(thread); canceled != nil {
		return nil, canceled
	}
	if err != nil && otherwise != nil {
		return otherwise, nil
	}
	return v, err
}

// An encoder writes values in JSON.
type encoder struct {
	out    []byte
	thread *starlark.Thread
	count  int // values that were written
}

// value writes x, which is so many levels deep.
func (enc *encoder) value(x starlark.Value, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("%s is nested more than %d levels deep, or contains itself", x.Type(), maxNesting)
	}
	if enc.count++; enc.count%1024 == 0 {
		if err := canceled(enc.thread); err != nil {
			return err
		}
	}
	switch x := x.(type) {
	case json.Marshaler:
		data, err := x.MarshalJSON()
		enc.out = append(enc.out, data...)
		return err
	case starlark.NoneType:
		enc.out = append(enc.out, "null"...)
	case starlark.Bool:
		enc.out = strconv.AppendBool(enc.out, bool(x))
	case starlark.Int:
		enc.out = append(enc.out, x.String()...)
	case starlark.Float:
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			enc.out = append(enc.out, "null"...)
		} else {
			enc.out = append(enc.out, x.String()...)
		}
	case starlark.String:
		enc.string(string(x))
	case starlark.Bytes:
		enc.string(textOf(string(x)))
	case startime.Time:
		enc.string(time.Time(x).Format(time.RFC3339Nano))
	case startime.Duration:
		enc.out = fmt.Append(enc.out, time.Duration(x).Seconds())
	case starlark.IterableMapping:
		return enc.mapping(x.Items(), depth)
	case starlark.Iterable:
		return enc.elements(x, depth)
	case starlark.HasAttrs:
		return enc.attributes(x, depth)
	default:
		enc.string(x.String())
	}
	return nil
}

func (enc *encoder) string(s string) { enc.out = appendQuoted(enc.out, s) }

// appendQuoted appends a string in JSON.
func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			quoted, _ := encode(s) // which a string always can be
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// textOf returns bytes as text, with escapes for those that are not UTF-8.
func textOf(data string) string {
	if utf8.ValidString(data) {
		return data
	}
	var b strings.Builder
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRuneInString(data[i:])
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, `\x%02x`, data[i])
		} else {
			b.WriteString(data[i : i+size])
		}
		i += size
	}
	return b.String()
}

// key returns what a key of a dict is called in JSON.
func (enc *encoder) key(k starlark.Value) (string, error) {
	if s, ok := k.(starlark.String); ok {
		return string(s), nil
	}
	if data, ok := k.(starlark.Bytes); ok {
		return textOf(string(data)), nil
	}
	text, err := EncodeJSON(enc.thread, k)
	return string(text), err
}

func (enc *encoder) mapping(items []starlark.Tuple, depth int) error {
	type entry struct {
		key   string
		value starlark.Value
	}
	entries := make([]entry, len(items))
	for i, item := range items {
		key, err := enc.key(item[0])
		if err != nil {
			return err
		}
		entries[i] = entry{key, item[1]}
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	return enc.object(len(entries), depth, func(i int) (string, starlark.Value, error) {
		return entries[i].key, entries[i].value, nil
	})
}

func (enc *encoder) attributes(x starlark.HasAttrs, depth int) error {
	names := slices.Sorted(slices.Values(x.AttrNames()))
	return enc.object(len(names), depth, func(i int) (string, starlark.Value, error) {
		v, err := x.Attr(names[i])
		if v == nil && err == nil {
			v = starlark.None
		}
		return names[i], v, err
	})
}

// object writes an object of n members.
func (enc *encoder) object(n, depth int, member func(i int) (string, starlark.Value, error)) error {
	enc.out = append(enc.out, '{')
	for i := range n {
		if i > 0 {
			enc.out = append(enc.out, ',')
		}
		key, v, err := member(i)
		if err != nil {
			return err
		}
		enc.string(key)
		enc.out = append(enc.out, ':')
		if err := enc.value(v, depth+1); err != nil {
			return err
		}
	}
	enc.out = append(enc.out, '}')
	return nil
}

func (enc *encoder) elements(x starlark.Iterable, depth int) error {
	enc.out = append(enc.out, '[')
	i := 0
	for v := range starlark.Elements(x) {
		if i++; i > 1 {
			enc.out = append(enc.out, ',')
		}
		if err := enc.value(v, depth+1); err != nil {
			return err
		}
	}
	enc.out = append(enc.out, ']')
	return nil
}

package value

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// A Format says how values are written. The zero one is that of String.
type Format struct {
	// Bare leaves out the type before a pointer or reference, as it is left out
	// in arguments and members.
	Bare bool
	// Scalars writes ... for structures, unions and arrays.
	Scalars bool
	// Print writes values in another way, where ok is true.
	Print func(v *Value) (text string, ok bool)
}

// Limits of one text. The first two are gdb's.
const (
	maxElements = 200     // of an array or a string
	maxNested   = 20      // structures and arrays within each other
	maxText     = 1 << 16 // bytes
	maxParts    = 1 << 14 // values
	repeats     = 10      // equal elements that are written once
)

// String returns the value in C syntax, as gdb's print writes it. What cannot be read
// is told in its place.
func (v *Value) String() string { return v.Format(&Format{}) }

// Format returns the value as f says.
func (v *Value) Format(f *Format) string {
	w := writer{Format: f, left: maxParts}
	if !f.Bare {
		w.prefix(v)
	}
	w.value(v, 0)
	return w.b.String()
}

// A writer writes a value.
type writer struct {
	*Format
	b    strings.Builder
	left int          // values that may still be written
	seen map[any]bool // the virtual bases that were written, by address and by name
}

// prefix writes what stands before a pointer or reference that is not part of
// anything.
func (w *writer) prefix(v *Value) {
	t, err := v.strip()
	if err != nil || v.Err() != nil {
		return
	}
	switch t.Kind {
	case debuginfo.Pointer:
		if elem, err := t.Elem(); err != nil || charWidth(elem) > 0 || t.Language() > debuginfo.CPlusPlus {
			return
		}
	case debuginfo.Reference, debuginfo.RvalueReference:
	default:
		return
	}
	fmt.Fprintf(&w.b, "(%s) ", v.typ)
}

// value writes v, which lies depth deep in what is written.
func (w *writer) value(v *Value, depth int) {
	if w.left--; w.left < 0 || w.b.Len() > maxText {
		w.b.WriteString("...")
		return
	}
	if w.Print != nil {
		if text, ok := w.Print(v); ok {
			w.b.WriteString(text)
			return
		}
	}
	if err := w.write(v, depth); err != nil {
		if absent := new(debuginfo.AbsentError); errors.As(err, &absent) {
			w.b.WriteString("<optimized out>")
		} else {
			fmt.Fprintf(&w.b, "<error: %v>", err)
		}
	}
}

func (w *writer) write(v *Value, depth int) error {
	if err := v.Err(); err != nil {
		return err
	}
	if v.typ == nil {
		w.b.WriteString("void")
		return nil
	}
	t, err := v.strip()
	if err != nil {
		return err
	}
	switch t.Kind {
	case debuginfo.Base:
		return w.base(v, t)
	case debuginfo.Enum:
		return w.enum(v, t)
	case debuginfo.Pointer:
		return w.pointer(v, t)
	case debuginfo.Reference, debuginfo.RvalueReference:
		return w.reference(v, depth)
	case debuginfo.Function:
		addr, _ := v.Address()
		fmt.Fprintf(&w.b, "{%s} ", t)
		fmt.Fprintf(&w.b, "%#x", addr)
		w.symbol(v.in, addr)
		return nil
	case debuginfo.MemberPointer:
		return w.memberPointer(v, t)
	case debuginfo.Array, debuginfo.Struct, debuginfo.Class, debuginfo.Union:
		if w.Scalars {
			w.b.WriteString("...")
			return nil
		}
		if depth >= maxNested {
			w.b.WriteString("{...}")
			return nil
		}
		if t.Kind == debuginfo.Array {
			return w.array(v, t, depth)
		}
		if done, err := w.foreign(v, t, depth); done || err != nil {
			return err
		}
		return w.structure(v, depth)
	case debuginfo.Unspecified: // of nullptr
		w.b.WriteString("0")
		return nil
	}
	return fmt.Errorf("%s is a type without values", t)
}

func (w *writer) base(v *Value, t *debuginfo.Type) error {
	b, err := v.Bytes()
	if err != nil {
		return err
	}
	switch {
	case len(b) == 0:
		w.b.WriteString("<no data>")
	case t.Encoding == encFloat:
		text, err := formatFloat(t, b)
		if err != nil {
			return err
		}
		w.b.WriteString(text)
	case t.Encoding == encComplex:
		half := len(b) / 2
		part := debuginfo.NewBase(t.Name, int64(half), encFloat)
		re, err := formatFloat(part, b[:half])
		if err != nil {
			return err
		}
		im, err := formatFloat(part, b[half:])
		if err != nil {
			return err
		}
		fmt.Fprintf(&w.b, "%s + %si", re, im)
	case t.Encoding == encBoolean:
		switch n := integer(b, false); {
		case n.Sign() == 0:
			w.b.WriteString("false")
		case n.IsInt64() && n.Int64() == 1:
			w.b.WriteString("true")
		default:
			w.b.WriteString(n.String())
		}
	default:
		n := integer(b, v.signed())
		if width := charWidth(v.typ); width > 0 {
			w.b.WriteString(n.String() + " " + charPrefix(v.typ) + quote([]rune{char(b)}, '\''))
			break
		}
		w.b.WriteString(n.String())
	}
	return nil
}

func (w *writer) enum(v *Value, t *debuginfo.Type) error {
	b, err := v.Bytes()
	if err != nil {
		return err
	}
	list, err := t.Enumerators()
	if err != nil {
		return err
	}
	n := integer(b, v.signed())
	scope := ""
	if i := strings.LastIndex(t.Name, "::"); i >= 0 {
		scope = t.Name[:i+2]
	}
	if t.IsClass() {
		scope = t.Name + "::"
	}
	flags, seen := true, int64(0)
	for i := range list {
		e := &list[i]
		if n.IsInt64() && n.Int64() == e.Value || n.IsUint64() && n.Uint64() == uint64(e.Value) && !v.signed() {
			w.b.WriteString(scope + e.Name)
			return nil
		}
		flags = flags && e.Value >= 0 && e.Value&seen == 0
		seen |= e.Value
	}
	if !flags || n.Sign() <= 0 || !n.IsInt64() {
		w.b.WriteString(n.String())
		return nil
	}
	rest := n.Int64()
	var words []string
	for i := range list {
		if e := &list[i]; e.Value != 0 && rest&e.Value == e.Value {
			words = append(words, scope+e.Name)
			rest &^= e.Value
		}
	}
	if len(words) == 0 {
		fmt.Fprintf(&w.b, "(unknown: %#x)", rest)
		return nil
	}
	if rest != 0 {
		words = append(words, fmt.Sprintf("unknown: %#x", rest))
	}
	w.b.WriteString("(" + strings.Join(words, " | ") + ")")
	return nil
}

// symbol writes the symbol that an address lies in, if there is one.
func (w *writer) symbol(in Context, addr uint64) {
	name, offset, ok := in.SymbolAt(addr)
	switch {
	case !ok:
	case offset == 0:
		fmt.Fprintf(&w.b, " <%s>", name)
	default:
		fmt.Fprintf(&w.b, " <%s+%d>", name, offset)
	}
}

func (w *writer) pointer(v *Value, t *debuginfo.Type) error {
	if v.loc.Kind == debuginfo.ImplicitPointer {
		w.b.WriteString("<synthetic pointer>")
		return nil
	}
	addr, err := v.Uint64()
	if err != nil {
		return err
	}
	elem, err := t.Elem()
	if err != nil {
		return err
	}
	fmt.Fprintf(&w.b, "%#x", addr)
	w.symbol(v.in, addr)
	if charWidth(elem) > 0 {
		if addr == 0 {
			return nil
		}
		text, err := v.text(elem)
		if err != nil {
			fmt.Fprintf(&w.b, " <error: %v>", err)
			return nil
		}
		w.b.WriteString(" " + text)
	}
	return nil
}

func (w *writer) reference(v *Value, depth int) error {
	to, err := v.Deref()
	if err != nil {
		return err
	}
	if addr, ok := to.Address(); ok {
		fmt.Fprintf(&w.b, "@%#x", addr)
		if w.Scalars && !to.IsScalar() {
			return nil
		}
		w.b.WriteString(": ")
	}
	w.value(to, depth+1)
	return nil
}

func (w *writer) array(v *Value, t *debuginfo.Type, depth int) error {
	n, err := v.Len()
	if err != nil {
		return err
	}
	elem, err := t.Row()
	if err != nil {
		return err
	}
	if addr, ok := v.Address(); n == 0 && ok && elem != nil { // of a length that only the program knows
		p := pointer(v.in, debuginfo.PointerTo(elem), addr)
		w.value(p, depth+1)
		return nil
	}
	if width := charWidth(elem); width > 0 {
		text, err := v.charArray(elem, width, n)
		if err != nil {
			return err
		}
		w.b.WriteString(text)
		return nil
	}
	w.b.WriteString("{")
	last, count, written := "", int64(0), int64(0)
	flush := func() {
		if count == 0 {
			return
		}
		if written > 0 {
			w.b.WriteString(", ")
		}
		if count > repeats {
			fmt.Fprintf(&w.b, "%s <repeats %d times>", last, count)
			written += repeats
		} else {
			w.b.WriteString(last + strings.Repeat(", "+last, int(count-1)))
			written += count
		}
		count = 0
	}
	i := int64(0)
	for ; i < n && i < maxRepeats && written+min(count, repeats) < maxElements && w.left > 0 && w.b.Len() < maxText; i++ {
		low := int64(0)
		if dims := t.Dims(); len(dims) > 0 {
			low = dims[0].Low
		}
		e, err := v.Index(i + low)
		if err != nil {
			return err
		}
		part := writer{Format: w.Format, left: w.left}
		part.value(e, depth+1)
		w.left = part.left
		if text := part.b.String(); text != last || count == 0 {
			flush()
			last = text
		}
		count++
		if count > repeats {
			w.left++
		}
	}
	flush()
	if i < n {
		w.b.WriteString("...")
	}
	w.b.WriteString("}")
	return nil
}

// maxRepeats limits how many equal elements are counted.
const maxRepeats = 1 << 16

func (w *writer) structure(v *Value, depth int) error {
	members, err := v.Fields()
	if err != nil {
		return err
	}
	w.b.WriteString("{")
	first := true
	for _, m := range members {
		if m.Field.Virtual && w.again(m.Value) {
			continue
		}
		if w.left <= 0 || w.b.Len() > maxText {
			w.b.WriteString("...")
			break
		}
		if !first {
			w.b.WriteString(", ")
		}
		first = false
		switch {
		case m.Field.IsBase:
			name := "<unknown type>"
			if t, err := m.Value.typ.Strip(); err == nil && t != nil { // it may be named by a typedef
				name = t.String()
			}
			w.b.WriteString("<" + name + "> = ")
		case m.Field.Static:
			w.b.WriteString("static " + m.Field.Name + " = ")
		case m.Field.Name != "":
			w.b.WriteString(m.Field.Name + " = ")
		}
		w.value(m.Value, depth+1)
	}
	if len(members) == 0 {
		w.b.WriteString("<No data fields>")
	}
	w.b.WriteString("}")
	return nil
}

// again reports whether a virtual base has been written: it is a part of each class
// that has it, and written once.
func (w *writer) again(base *Value) bool {
	if w.seen == nil {
		w.seen = make(map[any]bool)
	}
	name := ""
	if base.typ != nil {
		name = base.typ.Name
	}
	addr, ok := base.Address()
	var key any = addr
	if !ok { // in an object whose construction is not over
		key = name
	}
	again := w.seen[key]
	w.seen[key], w.seen[name] = true, true
	return again
}

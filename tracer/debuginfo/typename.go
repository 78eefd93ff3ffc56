package debuginfo

import (
	"debug/dwarf"
	"fmt"
	"strconv"
	"strings"
)

// cutTag splits "struct item" into "struct" and "item".
func cutTag(name string) (tag, rest string) {
	for _, tag := range []string{"struct", "class", "union", "enum"} {
		if rest, ok := strings.CutPrefix(name, tag+" "); ok {
			return tag, strings.TrimSpace(rest)
		}
	}
	return "", name
}

// keyword returns the word that C puts before a type's name, or "".
func (t *Type) keyword() string {
	switch t.Kind {
	case Struct:
		return "struct"
	case Class:
		return "class"
	case Union:
		return "union"
	case Enum:
		return "enum"
	}
	return ""
}

// isC reports whether the unit is written in a version of C (DWARF 5, 7.12), where
// the names of structures have their keywords before them.
func (u *unit) isC() bool {
	switch u.language {
	case 0x0001, 0x0002, 0x000c, 0x001d, 0x002c, 0x003e, 0x8001:
		return true
	}
	return false
}

// baseNames are the names that GCC gives to types for which people write another.
var baseNames = map[string]string{
	"long int":               "long",
	"short int":              "short",
	"long long int":          "long long",
	"long unsigned int":      "unsigned long",
	"short unsigned int":     "unsigned short",
	"long long unsigned int": "unsigned long long",
}

// String returns the type as C writes it: "char *(*)[10]".
func (t *Type) String() string { return t.Declare("") }

// Declare returns the declaration of a variable called name of type t:
// "char *(*name)[10]".
func (t *Type) Declare(name string) string {
	w := writer{maxWritten}
	return w.declare(t, name)
}

// A writer writes types. It counts what it may still write: types of hostile
// files refer to each other so that their texts would never end.
type writer struct{ left int }

// maxWritten limits the types, members and constants in one text.
const maxWritten = 10000

// more counts one of them.
func (w *writer) more() bool {
	w.left--
	return w.left >= 0
}

// declare writes a declaration from the inside: what has been written of the
// declarator is name, and what is left of the type goes around it.
func (w *writer) declare(t *Type, name string) string {
	if !w.more() {
		return "... " + name
	}
	if t == nil {
		return spaced("void", name)
	}
	if t.named() {
		return spaced(t.specifier(), name)
	}
	elem, err := t.Elem()
	if err != nil {
		return spaced("<unknown type>", name)
	}
	switch t.Kind {
	case Pointer:
		return w.declare(elem, pointed(elem, "*", name))
	case Reference:
		return w.declare(elem, pointed(elem, "&", name))
	case RvalueReference:
		return w.declare(elem, pointed(elem, "&&", name))
	case MemberPointer:
		class := "<unknown type>"
		if c, err := t.Container(); err == nil {
			class = c.Name
		}
		return w.declare(elem, pointed(elem, class+"::*", name))
	case Array:
		for _, d := range t.Dims() {
			if d.Count < 0 {
				name += "[]"
			} else {
				name += "[" + strconv.FormatInt(d.Count, 10) + "]"
			}
		}
		return w.declare(elem, name)
	case Function:
		return w.declare(elem, name+w.params(t))
	}
	// Qualifiers may come in any order, and those of an array twice, for its
	// elements have them too.
	words := ""
	for _, q := range qualifiers {
		for inner := t; inner != nil && inner.isQualifier(); inner, _ = inner.Elem() {
			if !w.more() {
				break
			}
			if inner.Kind == q.kind {
				words += " " + q.word
				break
			}
		}
	}
	for range maxTypes {
		if elem == nil || !elem.isQualifier() {
			break
		}
		elem, _ = elem.Elem()
	}
	if elem != nil && elem.Kind == Array {
		if inner, _ := elem.Elem(); inner != nil && inner.isQualifier() {
			return w.declare(elem, name)
		}
	}
	// A qualified pointer has the words behind its star, all else before the rest.
	if elem.isPointer() {
		if strings.HasPrefix(name, "[") {
			return w.declare(elem, words+name)
		}
		return w.declare(elem, spaced(words, name))
	}
	return strings.TrimLeft(words, " ") + " " + w.declare(elem, name)
}

var qualifiers = []struct {
	kind Kind
	word string
}{{Const, "const"}, {Volatile, "volatile"}, {Restrict, "restrict"}, {Atomic, "_Atomic"}}

func (t *Type) isQualifier() bool {
	return t.Kind == Const || t.Kind == Volatile || t.Kind == Restrict || t.Kind == Atomic
}

// isPointer reports whether t is written with a star.
func (t *Type) isPointer() bool {
	if t == nil || t.named() {
		return false
	}
	return t.Kind == Pointer || t.Kind == Reference || t.Kind == RvalueReference || t.Kind == MemberPointer
}

// pointed puts a star before a declarator, in parentheses where what it points
// to binds closer.
func pointed(elem *Type, star, name string) string {
	name = star + name
	if elem != nil && (elem.Kind == Array || elem.Kind == Function) {
		return "(" + name + ")"
	}
	return name
}

// spaced puts a word before what is left of a declarator, if anything is.
func spaced(word, name string) string {
	if name = strings.TrimLeft(name, " "); name == "" {
		return word
	}
	return word + " " + name
}

func (t *Type) specifier() string {
	name := t.Name
	if name == "" {
		name = "{...}"
	} else if !t.e.u.isC() {
		return name
	}
	if word := t.keyword(); word != "" {
		return word + " " + name
	}
	return name
}

func (w *writer) params(t *Type) string {
	params, variadic, err := t.Params()
	if err != nil {
		return "(<unknown type>)"
	}
	var list []string
	for _, p := range params {
		list = append(list, w.declare(p.Type, "")) // this, too, as gdb has it
	}
	if variadic && (len(list) > 0 || !t.e.u.isC()) {
		list = append(list, "...")
	}
	if len(list) == 0 && !variadic && (t.e.flag(dwarf.AttrPrototyped) || !t.e.u.isC()) {
		list = []string{"void"}
	}
	return "(" + strings.Join(list, ", ") + ")"
}

// Define returns the definition of a type as C writes it, over several lines if
// it has members. Of a type with a name of its own it is that of what it stands
// for.
func (t *Type) Define() (string, error) {
	under, err := t.Strip()
	if err != nil {
		return "", err
	}
	if under == nil || t.isQualifier() {
		return t.String(), nil
	}
	switch under.Kind {
	case Struct, Class, Union:
		w := writer{maxWritten}
		return w.defineStruct(under, "")
	case Enum:
		w := writer{maxWritten}
		return w.defineEnum(under)
	}
	return under.String(), nil
}

func (w *writer) defineStruct(t *Type, indent string) (string, error) {
	var b strings.Builder
	b.WriteString(t.keyword())
	if t.Name != "" {
		b.WriteString(" " + t.Name)
	}
	fields, err := t.Fields()
	if err != nil {
		return "", err
	}
	sep := " : "
	for i := range fields {
		f := &fields[i]
		if !f.IsBase {
			continue
		}
		base, err := f.Type()
		if err != nil {
			return "", err
		}
		virtual := ""
		if f.Virtual {
			virtual = "virtual "
		}
		b.WriteString(sep + "public " + virtual + base.String())
		sep = ", "
	}
	b.WriteString(" {\n")
	if t.Declaration {
		b.WriteString(indent + "    <incomplete type>\n")
	}
	for i := range fields {
		if f := &fields[i]; !f.IsBase && !f.Hidden && w.more() {
			line, err := w.defineField(f, indent+"    ")
			if err != nil {
				return "", err
			}
			b.WriteString(line)
		}
	}
	b.WriteString(indent + "}")
	return b.String(), nil
}

// maxIndent limits how deep structures without a name are shown within others.
const maxIndent = 64

func (w *writer) defineField(f *Field, indent string) (string, error) {
	t, err := f.Type()
	if err != nil {
		return "", err
	}
	text := w.declare(t, f.Name)
	if t != nil && t.Name == "" && len(indent) < maxIndent && (t.Kind == Struct || t.Kind == Class || t.Kind == Union) {
		body, err := w.defineStruct(t, indent)
		if err != nil {
			return "", err
		}
		text = spaced(body, f.Name)
	}
	if t != nil && t.Name == "" && t.Kind == Enum {
		body, err := w.defineEnum(t)
		if err != nil {
			return "", err
		}
		text = spaced(body, f.Name)
	}
	if f.Static {
		text = "static " + text
	}
	if f.BitSize > 0 {
		text += fmt.Sprintf(" : %d", f.BitSize)
	}
	if f.Variant != nil {
		text = fmt.Sprintf("%s /* variant %v */", text, f.Variant.Values)
	}
	return indent + text + ";\n", nil
}

func (w *writer) defineEnum(t *Type) (string, error) {
	list, err := t.Enumerators()
	if err != nil {
		return "", err
	}
	text := "enum"
	if t.IsClass() {
		text += " class"
	}
	if t.Name != "" {
		text += " " + t.Name
	}
	if elem, err := t.Elem(); err == nil && elem != nil && t.IsClass() {
		text += " : " + elem.String()
	}
	var names []string
	next := int64(0)
	for _, e := range list {
		if !w.more() {
			break
		}
		name := e.Name
		if e.Value != next {
			name += fmt.Sprintf(" = %d", e.Value)
		}
		next = e.Value + 1
		names = append(names, name)
	}
	return text + " {" + strings.Join(names, ", ") + "}", nil
}

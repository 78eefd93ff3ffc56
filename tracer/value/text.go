package value

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// charName returns the name by which a type is one of wide characters: in C they are
// typedefs of integers.
func charName(t *debuginfo.Type) string {
	for range maxDepth {
		if t == nil {
			break
		}
		switch t.Name {
		case "wchar_t", "char16_t", "char32_t":
			return t.Name
		}
		elem, err := t.Elem()
		if err != nil || t.Kind == debuginfo.Base || t.Kind == debuginfo.Pointer || t.Kind == debuginfo.Array {
			break
		}
		t = elem
	}
	return ""
}

// charWidth returns the size of a character type, or 0 if t is none.
func charWidth(t *debuginfo.Type) int {
	under, err := stripped(t)
	if err != nil || under == nil || under.Kind != debuginfo.Base {
		return 0
	}
	switch {
	case under.Language() == debuginfo.Go:
	case charName(t) != "", under.Encoding == encUTF:
		if under.Size == 1 || under.Size == 2 || under.Size == 4 {
			return int(under.Size)
		}
	case under.Encoding == encSignedChar || under.Encoding == encUnsignedChar:
		if under.Size == 1 && under.Language() != debuginfo.Rust {
			return 1
		}
	}
	return 0
}

// stripped returns Type.Strip of a type that may be void.
func stripped(t *debuginfo.Type) (*debuginfo.Type, error) {
	if t == nil {
		return nil, nil
	}
	return t.Strip()
}

// charPrefix returns what C puts before a character or string of a type.
func charPrefix(t *debuginfo.Type) string {
	under, err := stripped(t)
	switch name := charName(t); {
	case name == "wchar_t":
		return "L"
	case err != nil || under == nil || under.Language() == debuginfo.Rust:
	case name == "char16_t", under.Encoding == encUTF && under.Size == 2:
		return "u"
	case name == "char32_t", under.Encoding == encUTF && under.Size == 4:
		return "U"
	}
	return ""
}

// char returns a character of one, two or four bytes; one that is no character is
// negative.
func char(b []byte) rune {
	switch len(b) {
	case 1:
		if b[0] >= utf8.RuneSelf {
			return -rune(b[0])
		}
		return rune(b[0])
	case 2:
		return rune(binary.LittleEndian.Uint16(b))
	default:
		return rune(binary.LittleEndian.Uint32(b))
	}
}

// runes returns the characters of a string. Those of one byte are UTF-8; what it stands for
// and cannot be shown is its bytes, as in gdb.
func runes(b []byte, width int) []rune {
	var list []rune
	for len(b) >= width {
		if width == 1 {
			if r, n := utf8.DecodeRune(b); n == 1 && r != utf8.RuneError || n > 1 && unicode.IsPrint(r) {
				list, b = append(list, r), b[n:]
				continue
			}
		}
		list, b = append(list, char(b[:width])), b[width:]
	}
	return list
}

// quote writes characters between quotes. What could change a terminal is escaped.
func quote(text []rune, q rune) string {
	var b strings.Builder
	b.WriteRune(q)
	for _, r := range text {
		i := strings.IndexRune("\a\b\f\n\r\t\v", r)
		switch {
		case i >= 0:
			b.WriteString(`\` + string("abfnrtv"[i]))
		case r == q || r == '\\':
			b.WriteString(`\` + string(r))
		case r >= 0 && unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0 && r >= -0xff && r <= -utf8.RuneSelf:
			fmt.Fprintf(&b, `\%03o`, -r)
		case r > 0o777 || r < 0:
			fmt.Fprintf(&b, `\x%x`, uint32(r))
		default:
			fmt.Fprintf(&b, `\%03o`, r)
		}
	}
	b.WriteRune(q)
	return b.String()
}

// quoteString writes a string with what it repeats written once.
func quoteString(text []rune, prefix string, more bool) string {
	var parts []string
	start := 0
	plain := func(end int) {
		if end > start {
			parts = append(parts, prefix+quote(text[start:end], '"'))
		}
	}
	for i := 0; i < len(text); {
		j := i + 1
		for j < len(text) && text[j] == text[i] {
			j++
		}
		if j-i > repeats {
			plain(i)
			parts = append(parts, fmt.Sprintf("%s%s <repeats %d times>", prefix, quote(text[i:i+1], '\''), j-i))
			start = j
		}
		i = j
	}
	plain(len(text))
	if len(parts) == 0 {
		parts = []string{prefix + `""`}
	}
	s := strings.Join(parts, ", ")
	if more {
		s += "..."
	}
	return s
}

// charArray returns an array of n characters as a string. It is not cut within
// equal ones.
func (v *Value) charArray(elem *debuginfo.Type, width int, n int64) (string, error) {
	b, err := v.read(min(n, maxRepeats) * int64(width))
	if err != nil {
		return "", err
	}
	text := runes(b, width)
	shown := min(len(text), maxElements)
	for shown > 0 && shown < len(text) && text[shown] == text[shown-1] {
		shown++
	}
	more := shown < len(text) || n > maxRepeats
	if !more && shown > 0 && text[shown-1] == 0 {
		shown--
	}
	return quoteString(text[:shown], charPrefix(elem), more), nil
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// text returns the string that a pointer points to.
func (v *Value) text(elem *debuginfo.Type) (string, error) {
	addr, err := v.Uint64()
	if err != nil {
		return "", err
	}
	width := charWidth(elem)
	b, ended, err := stringAt(v.in, addr, width, maxElements)
	if err != nil {
		return "", err
	}
	return quoteString(runes(b, width), charPrefix(elem), !ended), nil
}

// stringAt reads up to most characters in front of a zero.
func stringAt(in Context, addr uint64, width int, most int) (b []byte, ended bool, err error) {
	const page = 4096
	for len(b) < most*width {
		n := min(page-int(addr%page), most*width-len(b))
		if n < width {
			n = width // a character over the end of a page
		}
		n -= n % width
		chunk := make([]byte, n)
		if _, err := in.ReadAt(addr, chunk); err != nil {
			if len(b) > 0 {
				return b, false, nil
			}
			return nil, false, err
		}
		for i := 0; i < n; i += width {
			if isZero(chunk[i : i+width]) {
				return append(b, chunk[:i]...), true, nil
			}
		}
		b, addr = append(b, chunk...), addr+uint64(n)
	}
	return b, false, nil
}

// Text returns the characters of an array of characters up to a zero, or those before
// a zero where a pointer to characters points, max bytes at most; and of strings of
// Go and Rust.
func (v *Value) Text(max int) ([]byte, error) {
	v, t, err := v.resolve()
	if err != nil {
		return nil, err
	}
	switch t.Kind {
	case debuginfo.Pointer, debuginfo.Array:
		elem, err := t.Elem()
		if err != nil {
			return nil, err
		}
		width := charWidth(elem)
		if width == 0 {
			break
		}
		if t.Kind == debuginfo.Pointer {
			addr, err := v.Uint64()
			if err != nil {
				return nil, err
			}
			b, _, err := stringAt(v.in, addr, width, max/width)
			return b, err
		}
		n, err := v.Len()
		if err != nil {
			return nil, err
		}
		b, err := v.read(min(n*int64(width), int64(max)))
		for i := 0; i+width <= len(b); i += width {
			if isZero(b[i : i+width]) {
				return b[:i], err
			}
		}
		return b, err
	case debuginfo.Struct:
		if data, n, ok := v.foreignString(t); ok {
			b := make([]byte, min(n, uint64(max)))
			_, err := v.in.ReadAt(data, b)
			return b, err
		}
	}
	return nil, fmt.Errorf("%s is no string", v.typ)
}

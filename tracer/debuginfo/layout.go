package debuginfo

import (
	"fmt"
	"strings"
)

// cacheLine is the size of a line of the CPU's caches in bytes.
const cacheLine = 64

// Layout returns the definition of a structure, class or union with the offset and size
// of each member and base class in bytes, the holes between them, where lines of 64 bytes
// begin, and sums, as pahole prints it. Of other types it is what Define returns.
func (t *Type) Layout() (string, error) {
	under, err := t.Strip()
	if err != nil {
		return "", err
	}
	if under == nil || !under.hasMembers() || under.Declaration {
		return t.Define()
	}
	l := layout{writer: writer{maxWritten}}
	if err := l.write(under, 0, "\t"); err != nil {
		return "", err
	}
	return l.text.String() + "};\n", nil
}

func (t *Type) hasMembers() bool { return t.Kind == Struct || t.Kind == Class || t.Kind == Union }

// A layout is a text in the making.
type layout struct {
	writer
	text strings.Builder
	line int64 // the last cache line that was named
}

// sums are what is known of the members of a structure so far.
type sums struct {
	members                         int
	size, bits                      int64 // of the members, in bytes, and of bit-fields
	holes, bitHoles, paddings       int64 // in bytes, bits, bytes
	holeCount, bitHoleCount, padded int
	end                             int64 // of the members so far, in bits
	unit                            int64 // where the unit of the last bit-field ends, in bits, or 0
	noted                           bool  // whether a remark about the last one ends the text
}

// note writes a remark in lines of its own.
func (l *layout) note(indent, format string, args ...any) {
	fmt.Fprintf(&l.text, "\n%s/* XXX %s */\n", indent, fmt.Sprintf(format, args...))
}

// member writes a member that starts so many bytes from the start of the whole.
func (l *layout) member(indent, decl, at string, size int64) {
	width := 58 - 8*len(indent)
	fmt.Fprintf(&l.text, "%s%-*s /* %5s %5d */\n", indent, width, decl+";", at, size)
}

// write writes the members of t, which lies base bytes from the start of the whole.
func (l *layout) write(t *Type, base int64, indent string) error {
	fields, err := t.Fields()
	if err != nil {
		return err
	}
	l.text.WriteString(spaced(t.keyword(), t.Name) + " {\n")
	var s sums
	for i := range fields {
		f := &fields[i]
		if f.Static || f.Offset < 0 || !l.more() {
			continue
		}
		if err := l.writeField(t, f, &s, base, indent); err != nil {
			return err
		}
	}
	if t.Kind != Union && len(indent) == 1 {
		l.summary(t, &s)
	}
	return nil
}

func (l *layout) writeField(t *Type, f *Field, s *sums, base int64, indent string) error {
	ft, err := f.Type()
	if err != nil {
		return err
	}
	size := int64(0) // of a flexible array
	if ft != nil && ft.Size > 0 {
		size = ft.Size
	}
	start, end := f.Offset*8, (f.Offset+size)*8
	at := fmt.Sprint(base + f.Offset)
	decl := l.declare(ft, f.Name)
	if f.BitSize > 0 {
		start += f.BitOffset
		end = start + f.BitSize
		unit := min(max(size, 1), 16) * 8 // no bit-field has more
		at = fmt.Sprintf("%d:%2d", base+start/unit*unit/8, start%unit)
		decl += fmt.Sprintf(":%d", f.BitSize)
	}
	if t.Kind != Union {
		l.gap(f, ft, s, start, indent)
	}
	if line := (base + f.Offset) / cacheLine; line > l.line && f.BitSize == 0 {
		ago := ""
		if n := (base + f.Offset) % cacheLine; n > 0 {
			ago = fmt.Sprintf(" was %d bytes ago", n)
		}
		fmt.Fprintf(&l.text, "%s/* --- cacheline %d boundary (%d bytes)%s --- */\n", indent, line, line*cacheLine, ago)
		l.line = line
	}
	s.members++
	s.end, s.unit, s.noted = max(s.end, end), 0, false
	if f.BitSize > 0 {
		s.bits += f.BitSize
		unit := min(max(size, 1), 16) * 8
		s.unit = (start/unit + 1) * unit
	} else {
		s.size += size
	}
	switch {
	case f.IsBase:
		fmt.Fprintf(&l.text, "%s%-*s /* %5s %5d */\n", indent, 58-8*len(indent), "/* "+decl+" <ancestor>; */", at, size)
	case ft != nil && ft.hasMembers() && ft.Name == "" && len(indent) < maxIndent:
		l.text.WriteString(indent)
		if err := l.write(ft, base+f.Offset, indent+"\t"); err != nil {
			return err
		}
		name := f.Name
		if name != "" {
			name = " " + name
		}
		l.member(indent, "}"+name, at, size)
	default:
		l.member(indent, decl, at, size)
	}
	if padding := ft.padding(); padding > 0 && f.Name != "" || padding > 0 && f.IsBase {
		l.note(indent, "last struct has %s of padding", plural(padding, "byte"))
		s.noted = true
		s.padded, s.paddings = s.padded+1, s.paddings+padding
	}
	return nil
}

// padding returns how many bytes at the end of a structure, or of what a typedef stands
// for, belong to no member.
func (t *Type) padding() int64 {
	if t == nil {
		return 0
	}
	t, err := t.Strip()
	if err != nil || t == nil || t.Kind != Struct && t.Kind != Class {
		return 0
	}
	fields, _ := t.Fields()
	end := int64(0)
	for i := range fields {
		f := &fields[i]
		if ft, err := f.Type(); err == nil && ft != nil && ft.Size > 0 && !f.Static && f.Offset >= 0 {
			if f.BitSize > 0 {
				end = max(end, f.Offset+(f.BitOffset+f.BitSize+7)/8)
			} else {
				end = max(end, f.Offset+ft.Size)
			}
		}
	}
	if end == 0 {
		return 0 // an empty class has a byte
	}
	return max(t.Size-end, 0)
}

// gap writes what lies between the members so far and one that starts at a bit.
func (l *layout) gap(f *Field, ft *Type, s *sums, start int64, indent string) {
	gap := start - s.end
	if gap <= 0 {
		if s.noted {
			l.text.WriteString("\n")
		}
		return
	}
	bits := min(gap, max(s.unit-s.end, 0))
	if s.unit == 0 {
		bits = gap % 8
	}
	if bits > 0 {
		l.note(indent, "%s hole, try to pack", plural(bits, "bit"))
		s.bitHoleCount++
		s.bitHoles += bits
		if f.BitSize > 0 {
			l.text.WriteString(indent + l.declare(ft, "") + " :" + fmt.Sprint(bits) + ";\n")
		}
	}
	if bytes := (gap - bits) / 8; bytes > 0 {
		l.note(indent, "%s hole, try to pack", plural(bytes, "byte"))
		s.holeCount++
		s.holes += bytes
	}
	l.text.WriteString("\n")
}

func plural(n int64, unit string) string {
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}

func (l *layout) summary(t *Type, s *sums) {
	b := &l.text
	fmt.Fprintf(b, "\n\t/* size: %d, cachelines: %d, members: %d */\n", t.Size, (t.Size+cacheLine-1)/cacheLine, s.members)
	if s.holes > 0 {
		fmt.Fprintf(b, "\t/* sum members: %d, holes: %d, sum holes: %d */\n", s.size, s.holeCount, s.holes)
	} else if s.bitHoles > 0 {
		fmt.Fprintf(b, "\t/* sum members: %d */\n", s.size)
	}
	if s.bitHoles > 0 {
		fmt.Fprintf(b, "\t/* sum bitfield members: %d bits, bit holes: %d, sum bit holes: %d bits */\n", s.bits, s.bitHoleCount, s.bitHoles)
	}
	if padding := t.padding(); padding > 0 {
		fmt.Fprintf(b, "\t/* padding: %d */\n", padding)
	}
	if s.paddings > 0 {
		fmt.Fprintf(b, "\t/* paddings: %d, sum paddings: %d */\n", s.padded, s.paddings)
	}
	if rest := t.Size % cacheLine; rest > 0 {
		fmt.Fprintf(b, "\t/* last cacheline: %d bytes */\n", rest)
	}
}

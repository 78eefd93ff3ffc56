package debuginfo

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// A slab is memory from 0x1000 on.
type slab []byte

func (s slab) ReadAt(addr uint64, buf []byte) (int, error) {
	if off := addr - 0x1000; off < uint64(len(s)) {
		if n := copy(buf, s[off:]); n == len(buf) {
			return n, nil
		}
	}
	return 0, fmt.Errorf("bad address %#x", addr)
}

// TestExpressions runs operators over a frame whose register n holds n, 16 bytes
// wide, and whose memory counts from 0x1000 on.
func TestExpressions(t *testing.T) {
	d := openFile(t, build(t, "values.c", "-O2"))
	fns, err := d.FuncsNamed("leaf")
	if err != nil {
		t.Fatal(err)
	}
	mem := make(slab, 256)
	for i := range mem {
		mem[i] = byte(i)
	}
	f := &Frame{PC: fns[0].Entry, Bias: 0x10000, Memory: mem}
	f.Reg = func(n int) ([]byte, error) { return append([]byte{byte(n), 0x11}, make([]byte, 14)...), nil }
	f.CFA = func() (uint64, error) { return 0x1080, nil }
	f.TLS = func(offset uint64) (uint64, error) { return 0x5000 + offset, nil }

	for _, c := range []struct {
		expr string // hexadecimal
		want string // of the location, or of the error
	}{
		{"", "optimised out"},
		{"03 00100000 00000000", "at 0x11000"},
		{"9c", "at 0x1080"},
		{"91 70", "at 0x1070"},                       // fbreg -16, of the frame address
		{"55", "register 5"},                         // reg5
		{"90 1f", "register 31"},                     // regx
		{"75 10", "at 0x1115"},                       // breg5 16
		{"0a 0510 94 02", "at 0x605"},                // deref_size
		{"0a 0010 06", "at 0x706050403020100"},       // deref
		{"08 10 e0", "at 0x5010"},                    // TLS
		{"32 33 22 9f", "value 0500000000000000"},    // 2 + 3
		{"32 33 1c 9f", "value ffffffffffffffff"},    // 2 - 3
		{"31 08 40 24 9f", "value 0000000000000000"}, // 1 << 64
		{"09 ff 08 40 26 9f", "value ffffffffffffffff"},
		{"09 80 33 1b 9f", "value d6ffffffffffffff"}, // -128 / 3
		{"31 30 1b", "divides by zero"},
		{"09 fe 31 2d 9f", "value 0100000000000000"},      // -2 < 1
		{"31 32 33 17 9f", "value 0200000000000000"},      // rot
		{"31 32 15 01 9f", "value 0100000000000000"},      // pick
		{"30 28 0100 31 9f", "value 0100000000000000"},    // bra not taken
		{"31 28 0100 30 32 9f", "value 0200000000000000"}, // and taken
		{"2f fdff", "steps"},
		{"2f 0080", "jumps out"},
		{"22", "lacks a value"},
		{"9e 03 0a0b0c", "value 0a0b0c"},
		{"55 93 04 93 04", "pieces [register 5:32 optimised out:32]"},
		{"0a 0210 93 01 54 9d 04 02", "pieces [at 0x1002:8 register 4:4+2]"},
		{"55 31", "behind a location"},
		{"f2 01000000 00", "no unit has an entry"},
		{"f2 00000000 00", "points to a variable that has no address"},
		{"a3 01 55 9f", "known to the caller"},
		{"ff", "operator 0xff"},
		{"08", "truncated"},
		{strings.Repeat("31", 300), "values"},
	} {
		expr, err := hex.DecodeString(strings.ReplaceAll(c.expr, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		l, err := fns[0].u.eval(expr, f, fns[0])
		got := describe(l)
		if err != nil {
			got = err.Error()
		}
		if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
			t.Errorf("%s: %s, want %s", c.expr, got, c.want)
		}
	}
}

func describe(l Location) string {
	switch l.Kind {
	case InMemory:
		return fmt.Sprintf("at %#x", l.Addr)
	case InRegister:
		return fmt.Sprintf("register %d", l.Reg)
	case Known:
		return fmt.Sprintf("value %x", l.Bytes)
	case InPieces:
		var list []string
		for _, p := range l.Pieces {
			s := fmt.Sprintf("%s:%d", describe(p.Location), p.Bits)
			if p.Offset > 0 {
				s += fmt.Sprintf("+%d", p.Offset)
			}
			list = append(list, s)
		}
		return fmt.Sprintf("pieces %v", list)
	}
	return "optimised out"
}

// TestReadPieces puts values together from bytes and bits.
func TestReadPieces(t *testing.T) {
	f := &Frame{Memory: slab{0xab, 0xcd}}
	f.Reg = func(n int) ([]byte, error) { return []byte{0xf0, 0x0f}, nil }
	mem, reg := Location{Addr: 0x1000}, Location{Kind: InRegister}
	for _, c := range []struct {
		pieces []Piece
		size   int
		want   string
	}{
		{[]Piece{{mem, 8, 0}, {reg, 8, 0}}, 2, "abf0"},
		{[]Piece{{reg, 8, 8}, {mem, 8, 8}}, 2, "0fcd"},
		{[]Piece{{reg, 4, 4}, {mem, 4, 4}}, 1, "af"},
		{[]Piece{{mem, 4, 12}, {mem, 12, 0}}, 2, "bcda"},
		{[]Piece{{mem, 8, 0}}, 2, "in pieces of 8 bits"},
		{[]Piece{{mem, 8, 0}, {Location{Kind: OptimisedOut}, 8, 0}}, 2, "optimised out"},
	} {
		b, err := f.Read(Location{Kind: InPieces, Pieces: c.pieces}, c.size)
		got := hex.EncodeToString(b)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) || got == "" {
			t.Errorf("%v: %s, want %s", c.pieces, got, c.want)
		}
	}
}

// TestVirtualBase asks an object in memory where its virtual base class is.
func TestVirtualBase(t *testing.T) {
	d := openFile(t, build(t, "shapes.cc", "-lstdc++"))
	types, err := d.Types("geo::Tagged")
	if err != nil {
		t.Fatal(err)
	}
	fields, err := types[0].Fields()
	if err != nil {
		t.Fatal(err)
	}
	// The object is at 0x1000 and its vtable at 0x1080. 24 bytes before that
	// stands where the base class is (Itanium C++ ABI, 2.5.2).
	mem := make(slab, 256)
	binary.LittleEndian.PutUint64(mem, 0x1080)
	binary.LittleEndian.PutUint64(mem[0x80-24:], 48)
	found := false
	for i := range fields {
		if fields[i].IsBase {
			found = true
			off, err := fields[i].OffsetIn(&Frame{Memory: mem}, 0x1000)
			if off != 48 || err != nil || !fields[i].Virtual {
				t.Errorf("virtual base at %d, %v, want 48", off, err)
			}
		}
	}
	if !found {
		t.Error("geo::Tagged has no base class")
	}
}

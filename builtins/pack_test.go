package builtins

import (
	"bytes"
	"testing"

	"go.starlark.net/starlark"
)

// FuzzLayout checks that a format is parsed or refused, that its size is bounded,
// and that values which were unpacked are packed as bytes that unpack alike.
func FuzzLayout(f *testing.F) {
	for _, format := range []string{"<BHIQ", "@b3xd0l", ">2e f", "5s3p0p", "c?nNP", "=99999999999999999999x", "3"} {
		f.Add(format, []byte("some bytes to unpack, some more than that"))
	}
	f.Fuzz(func(t *testing.T, format string, data []byte) {
		l, err := parseLayout(format)
		if err != nil {
			if l.fields != nil || l.size != 0 {
				t.Errorf("parseLayout(%q) = %v, %v", format, l, err)
			}
			return
		}
		if l.size < 0 || l.size > maxPack {
			t.Fatalf("parseLayout(%q) has size %d", format, l.size)
		}
		if l.size > 1<<12 {
			return // as slow as it says
		}
		data = append(data, make([]byte, max(0, l.size-len(data)))...)[:l.size]
		values := l.unpack(string(data))
		packed, err := l.pack(values)
		if err != nil || len(packed) != l.size {
			t.Fatalf("%q: pack of what unpack(%x) returned is %x, %v", format, data, packed, err)
		}
		if again, err := l.pack(l.unpack(string(packed))); err != nil || !bytes.Equal(again, packed) {
			t.Errorf("%q: %x is packed as %x, %v", format, packed, again, err)
		}
	})
}

// TestHalf checks all numbers of two bytes.
func TestHalf(t *testing.T) {
	for u := range uint64(1 << 16) {
		x := floatFrom(u, 2)
		back, ok := floatBits(x, 2)
		if x == x && (back != u || !ok) {
			t.Errorf("%#04x is %v, which is %#04x, %t", u, x, back, ok)
		}
	}
	if _, err := (field{code: 'e', count: 1, size: 2}).encode(starlark.Float(65519.9)); err != nil {
		t.Errorf("65519.9: %v, want the greatest number", err)
	}
}

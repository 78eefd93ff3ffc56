package value

import (
	"strings"
	"testing"
	"time"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

func TestFormat(t *testing.T) {
	typeChar := debuginfo.NewBase("char", 1, encSignedChar)
	chars := func(s string) *Value {
		return FromBytes(&fake{}, debuginfo.ArrayOf(typeChar, int64(len(s))), []byte(s))
	}
	words := func(n int64, b ...byte) *Value {
		data := make([]byte, 4*n)
		for i, c := range b {
			data[4*i] = c
		}
		return FromBytes(&fake{}, debuginfo.ArrayOf(typeInt, n), data)
	}
	memory := &fake{base: 0x1000, mem: []byte("one\x00two")}
	for _, test := range []struct {
		v    *Value
		want string
	}{
		{FromBytes(&fake{}, typeInt, []byte{0xff, 0xff, 0xff, 0xff}), "-1"},
		{FromBytes(&fake{}, typeChar, []byte{'a'}), "97 'a'"},
		{FromBytes(&fake{}, typeChar, []byte{0xfe}), `-2 '\376'`},
		{FromBytes(&fake{}, debuginfo.NewBase("_Bool", 1, encBoolean), []byte{1}), "true"},
		{FromBytes(&fake{}, debuginfo.NewBase("char16_t", 2, encUTF), []byte{'a', 0}), "97 u'a'"},
		{FromBytes(&fake{}, debuginfo.NewBase("__int128", 16, encSigned), append(make([]byte, 8), 1, 0, 0, 0, 0, 0, 0, 0)), "18446744073709551616"},
		{FromBytes(&fake{}, debuginfo.NewBase("complex float", 8, encComplex), []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0x40}), "1 + 2i"},
		{FromBytes(&fake{}, typeDouble, []byte{0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f}), "0.10000000000000001"},
		{FromBytes(&fake{}, debuginfo.NewBase("long double", 16, encFloat), append([]byte{0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0x40}, make([]byte, 6)...)), "<invalid float value>"},
		{chars("hi\x00"), `"hi"`},
		{chars("hi" + strings.Repeat("\x00", 14)), `"hi", '\000' <repeats 13 times>`},
		{chars("\x1b[31m\n\"\xff"), `"\033[31m\n\"\377"`},
		{chars("été\x00"), `"été"`},
		{chars("\xf8\xd7\x88\xf7\u06c8\u009b2J"), `"\370\327\210\367ۈ\302\2332J"`},
		{chars(strings.Repeat("ab", 150)), `"` + strings.Repeat("ab", 100) + `"...`},
		{chars(strings.Repeat("ab", 90) + strings.Repeat("c", 300) + "d"), `"` + strings.Repeat("ab", 90) + `", 'c' <repeats 300 times>...`},
		{chars(strings.Repeat("a", 300)), `'a' <repeats 300 times>`},
		{FromBytes(&fake{}, debuginfo.NewBase("char32_t", 4, encUTF), []byte{0, 0xdc, 0xdd, 0xf7}), `4158512128 U'\xf7dddc00'`},
		{words(4, 1, 2), "{1, 2, 0, 0}"},
		{words(30, 7), "{7, 0 <repeats 29 times>}"},
		{Absent(&fake{}, typeInt, &debuginfo.AbsentError{Reason: "optimised out here"}), "<optimized out>"},
		{At(&fake{}, typeInt, 0x10), "<error: read 4 bytes at 0x10: no memory at 0x10>"},
		{pointer(memory, debuginfo.PointerTo(typeInt), 0x10), "(int *) 0x10"},
		{pointer(memory, debuginfo.PointerTo(nil), 0), "(void *) 0x0"},
	} {
		if got := test.v.String(); got != test.want {
			t.Errorf("%s: got %s, want %s", test.v.Type(), got, test.want)
		}
	}
}

// TestFormatHuge writes what has no end.
func TestFormatHuge(t *testing.T) {
	f := &fake{base: 0x1000, mem: make([]byte, 4096)}
	for _, typ := range []*debuginfo.Type{
		debuginfo.ArrayOf(typeInt, 1<<60),
		debuginfo.ArrayOf(debuginfo.ArrayOf(typeUchar, 1<<40), 1<<20),
		debuginfo.ArrayOf(debuginfo.ArrayOf(typeInt, 0), 1<<60),
		debuginfo.ArrayOf(debuginfo.NewBase("nothing", 0, encSigned), 1<<62),
	} {
		done := make(chan string, 1)
		go func() { done <- At(f, typ, 0x1000).String() }()
		select {
		case s := <-done:
			if len(s) > 4*maxText {
				t.Errorf("%s: %d bytes", typ, len(s))
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s does not end", typ)
		}
	}
}

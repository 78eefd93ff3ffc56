package disasm

import (
	"bytes"
	"strings"
	"testing"
)

func TestRelocate(t *testing.T) {
	const from, to = 0x401100, 0x301000
	for code, want := range map[string]string{
		"\x90":                         "\x90",
		"\x48\x89\x45\xf8":             "\x48\x89\x45\xf8",
		"\xf3\x48\xab":                 "\xf3\x48\xab",
		"\xff\x25\x00\x10\x00\x00":     "\xff\x25\x00\x11\x10\x00",
		"\xff\xe0":                     "\xff\xe0",
		"\x48\x8b\x05\xf9\x0f\x00\x00": "\x48\x8b\x05\xf9\x10\x10\x00",
		"\x48\x8d\x05\xf9\xfe\xff\xff": "\x48\x8d\x05\xf9\xff\x0f\x00",
		"\xc7\x05\x00\x00\x00\x00\x01\x02\x03\x04": "\xc7\x05\x00\x01\x10\x00\x01\x02\x03\x04",
		"\x66\x81\x3d\x00\x00\x00\x00\x01\x02":     "\x66\x81\x3d\x00\x01\x10\x00\x01\x02",
		"\xc4\xe3\x7d\x19\x05\x00\x00\x00\x00\x01": "\xc4\xe3\x7d\x19\x05\x00\x01\x10\x00\x01",
		"\x62\xf1\xfd\x48\x6f\x05\x00\x01\x00\x00": "\x62\xf1\xfd\x48\x6f\x05\x00\x02\x10\x00",
		"\x0f\x3a\x0f":                 "", // truncated
		"\x06":                         "", // no instruction
		"\xe8\x00\x00\x00\x00":         "",
		"\xff\xd0":                     "",
		"\xff\x28":                     "",
		"\xeb\x00":                     "",
		"\x74\x00":                     "",
		"\xe2\xfe":                     "",
		"\xc7\xf8\x00\x00\x00\x00":     "", // xbegin
		"\xc3":                         "",
		"\x0f\x05":                     "",
		"\xcd\x80":                     "",
		"\xcc":                         "",
		"\x0f\x0b":                     "",
		"\xd9\xe8":                     "", // fld1
		"\xdb\x2d\x00\x00\x00\x00":     "", // fld
		"\x9d":                         "", // popf
		"\x8e\xd0":                     "", // mov ss, eax
		"\xf3\x0f\x01\xec":             "", // uiret
		"\x67\x8b\x05\x00\x00\x00\x00": "", // mov eax, [eip]
	} {
		got, ok := Relocate([]byte(code), from, to)
		if ok != (want != "") || ok && string(got) != want {
			t.Errorf("% x: % x, %t, want % x", code, got, ok, want)
		}
	}
	far := []byte("\x48\x8b\x05\xf9\x0f\x00\x00")
	for _, to := range []uint64{from + 1<<31 + 0x2000, from + 1<<33, from + 1<<40, from + 1<<63} {
		if got, ok := Relocate(far, from, to); ok {
			t.Errorf("% x for %#x, out of reach", got, to)
		}
	}
}

// FuzzRelocate checks that the instruction that is moved is the same, and refers to
// the same address.
func FuzzRelocate(f *testing.F) {
	f.Add([]byte("\x48\x8b\x05\xf9\x0f\x00\x00"), int32(-4096))
	f.Add([]byte("\xc4\xe3\x7d\x19\x05\x00\x00\x00\x00\x01"), int32(1<<30))
	f.Add([]byte("\xff\x25\x00\x10\x00\x00"), int32(12345))
	f.Fuzz(func(t *testing.T, data []byte, by int32) {
		const from = 1 << 40
		to := uint64(from + int64(by))
		before := bytes.Clone(data)
		moved, ok := Relocate(data, from, to)
		if !bytes.Equal(data, before) {
			t.Fatal("the code itself was changed")
		}
		if !ok {
			if moved != nil {
				t.Errorf("% x: % x, though there is none", data, moved)
			}
			return
		}
		a, errA := Decode(data, from, nil)
		b, errB := Decode(moved, to, nil)
		if errA != nil || errB != nil || len(a.Data) != len(b.Data) || a.Kind != b.Kind {
			t.Fatalf("% x, moved % x: %+v, %v and %+v, %v", data, moved, a, errA, b, errB)
		}
		_, target, found := strings.Cut(a.Text, "# ")
		_, movedTarget, movedFound := strings.Cut(b.Text, "# ")
		unnamed := strings.HasPrefix(a.Text, ".byte") && strings.HasPrefix(b.Text, ".byte")
		if target != movedTarget || found != movedFound || !found && !unnamed && a.Text != b.Text {
			t.Errorf("% x is %s, moved % x is %s", data, a.Text, moved, b.Text)
		}
	})
}

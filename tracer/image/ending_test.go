package image

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/tracelark/tracelark/tracer/arch"
)

func TestEndings(t *testing.T) {
	for _, test := range []struct {
		name, code string
		want       *Ending
	}{
		{"glibc's longjmp", "\x4c\x89\xc4\x4c\x89\xcd\xff\xe2", &Ending{From: arch.R8, To: arch.RDX}},
		{"GCC's unwinder", "\x48\x89\xcc\x59\xff\xe1", &Ending{From: arch.RCX, Popped: []arch.Reg{arch.RCX}, To: arch.RCX}},
		{"an older one", "\x48\x89\xcc\xc3", &Ending{From: arch.RCX, To: arch.RIP}},
		{"musl's longjmp", "\x48\x8b\x67\x30\xff\x67\x38", &Ending{Kind: EndingBuf, To: arch.RIP}},
		{"an older one of musl", "\x48\x89\xd4\x48\x8b\x57\x38\xff\xe2", &Ending{Addr: 7, Kind: EndingLast, From: arch.RDX, To: arch.RIP}},
		{"LLVM's unwinder", "\x48\x8b\x67\x38\x5f\xc3", &Ending{Addr: 5, Kind: EndingLast, Popped: []arch.Reg{arch.RDI}, To: arch.RIP}},
		{"leave", "\x48\x89\xec\x5d\xc3", nil},
		{"a call", "\x48\x89\xcc\xff\xd1\xc3", nil},
		{"another register", "\x48\x89\xcb\xc3", nil},
		{"cut off", "\x48\x89\xcc\x59", nil},
		{"too long", "\x48\x89\xcc\x90\x90\x90\x90\x90\x90\xc3", nil},
	} {
		for _, at := range []int{0, 1, 5} {
			code := append(bytes.Repeat([]byte{0x89}, at), test.code...)
			got := endingsIn(code, 0x1000)
			if test.want == nil {
				if len(got) != 0 {
					t.Errorf("%s at %d: got %+v, want none", test.name, at, got)
				}
				continue
			}
			want := *test.want
			want.Addr += 0x1000 + uint64(at)
			if len(got) != 1 || !reflect.DeepEqual(got[0], want) {
				t.Errorf("%s at %d: got %+v, want %+v", test.name, at, got, want)
			}
		}
	}
}

// FuzzEndings has bytes of all kinds: what is found lies in them.
func FuzzEndings(f *testing.F) {
	f.Add([]byte("\x90\x48\x89\xcc\x59\xff\xe1"))
	f.Fuzz(func(t *testing.T, code []byte) {
		for _, e := range endingsIn(code, 0x1000) {
			if e.Addr < 0x1000 || e.Addr >= 0x1000+uint64(len(code)) {
				t.Fatalf("%+v in %d bytes", e, len(code))
			}
		}
	})
}

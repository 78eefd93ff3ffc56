package arch

import (
	"encoding/binary"
	"slices"
	"testing"
)

// TestGuessXLayout takes the sizes that real CPUs have.
func TestGuessXLayout(t *testing.T) {
	for _, test := range []struct {
		cpu  string
		xcr0 uint64
		size int
		want []XComponent
	}{
		{"SSE", 3, 576, nil},
		{"AVX", 7, 832, []XComponent{{2, 576, 256}}},
		{"Skylake", 0x1f, 1088, []XComponent{{2, 576, 256}, {3, 960, 64}, {4, 1024, 64}}},
		{"Skylake-X", 0x2ff, 2696, []XComponent{{2, 576, 256}, {3, 960, 64}, {4, 1024, 64}, {5, 1088, 64}, {6, 1152, 512}, {7, 1664, 1024}, {9, 2688, 8}}},
		{"Ice Lake in a virtual machine", 0xe7, 2688, []XComponent{{2, 576, 256}, {5, 1088, 64}, {6, 1152, 512}, {7, 1664, 1024}}},
		{"Zen 3", 0x207, 840, []XComponent{{2, 576, 256}, {9, 832, 8}}},
		{"Zen 4", 0x2e7, 2440, []XComponent{{2, 576, 256}, {5, 832, 64}, {6, 896, 512}, {7, 1408, 1024}, {9, 2432, 8}}},
		{"an unknown one", 0x602e7, 11008, []XComponent{{2, 576, 256}}},
		{"none", 0, 100, []XComponent{{2, 576, 256}}},
	} {
		area := make([]byte, test.size)
		if test.size >= header {
			binary.LittleEndian.PutUint64(area[xcr0At:], test.xcr0)
		}
		l := GuessXLayout(area)
		if got := l.Components(); l.Size != test.size || !slices.Equal(got, test.want) {
			t.Errorf("%s: the layout is %v, of %d bytes, want %v", test.cpu, got, l.Size, test.want)
		}
	}
}

// TestXLayoutOf gives places that no CPU has.
func TestXLayoutOf(t *testing.T) {
	l := XLayoutOf(1000, []XComponent{{-1, 600, 8}, {64, 600, 8}, {2, 100, 8}, {5, 600, -8}, {6, -600, 8}, {9, 600, 8}})
	if got, want := l.Components(), []XComponent{{9, 600, 8}}; !slices.Equal(got, want) {
		t.Errorf("the layout is %v, want %v", got, want)
	}
}

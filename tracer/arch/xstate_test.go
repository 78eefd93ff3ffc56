package arch

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// An oddCPU has AVX in another place than any real one and nothing else.
func oddCPU(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32) {
	switch {
	case leaf == 0:
		return 0xd, 0, 0, 0
	case subleaf == 0:
		return 7, 1088, 1088, 0
	case subleaf == uint32(avx):
		return 256, 832, 0, 0
	}
	return 0, 0, 0, 0
}

// newState returns the state of an oddCPU whose area has garbage wherever it is
// not in use.
func newState(t *testing.T, used uint64) *XState {
	area := bytes.Repeat([]byte{0xa5}, 1088)
	binary.LittleEndian.PutUint64(area[xcr0At:], 7)
	binary.LittleEndian.PutUint64(area[inUseAt:], used)
	binary.LittleEndian.PutUint32(area[maskAt:], 0xffff)
	s, err := NewXState(area, NewXLayout(oddCPU))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(t *testing.T, s *XState, name string) []byte {
	t.Helper()
	v, err := s.Get(LookupX(name))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestXStateInitial(t *testing.T) {
	s := newState(t, 0)
	if v := get(t, s, "fctrl"); v[0] != 0x7f || v[1] != 3 {
		t.Errorf("fctrl = %x, want 7f03", v)
	}
	for _, name := range []string{"st7", "mm0", "xmm15", "ymm0", "ymm15", "ftag"} {
		if v := get(t, s, name); !bytes.Equal(v, make([]byte, len(v))) {
			t.Errorf("%s = %x, want 0", name, v)
		}
	}
	if v := get(t, s, "mxcsr"); v[0] != 0xa5 {
		t.Errorf("mxcsr = %x, want what the area has", v)
	}
	ones := bytes.Repeat([]byte{0xff}, 16)
	if err := s.Set(LookupX("xmm3"), ones); err != nil {
		t.Fatal(err)
	}
	if used := s.Area()[inUseAt]; used != 1<<sse {
		t.Errorf("components %#x are in use after xmm3 was set, want SSE alone", used)
	}
	if v := get(t, s, "ymm3"); !bytes.Equal(v, append(ones, make([]byte, 16)...)) {
		t.Errorf("ymm3 = %x", v)
	}
}

func TestXStateUsed(t *testing.T) {
	s := newState(t, 7)
	v := bytes.Repeat([]byte{1, 2}, 16)
	if err := s.Set(LookupX("ymm15"), v); err != nil {
		t.Fatal(err)
	}
	if got := s.Area()[832+15*16:][:16]; !bytes.Equal(got, v[16:]) {
		t.Errorf("the upper half of ymm15 is %x", got)
	}
	if got := get(t, s, "ymm14"); got[0] != 0xa5 || got[31] != 0xa5 {
		t.Errorf("ymm14 changed to %x", got)
	}
	for _, name := range []string{"zmm0", "xmm16", "k1", "pkru"} {
		if _, err := s.Get(LookupX(name)); err == nil || !strings.Contains(err.Error(), "this CPU has no "+name) {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.Set(LookupX(name), make([]byte, LookupX(name).Bits/8)); err == nil {
			t.Errorf("%s can be set", name)
		}
	}
	if err := s.Set(LookupX("xmm0"), v); err == nil {
		t.Error("xmm0 can be set to 32 bytes")
	}
}

// TestMMX checks that mm registers keep their places when the top of the x87 stack
// moves.
func TestMMX(t *testing.T) {
	s := newState(t, 1)
	if err := s.Set(LookupX("fstat"), []byte{0, 6 << 3}); err != nil { // TOP = 6: st0 is register 6
		t.Fatal(err)
	}
	for i := range byte(8) {
		if err := s.Set(LookupX("st"+string('0'+i)), []byte{i, 0, 0, 0, 0, 0, 0, 0, 0, 0}); err != nil {
			t.Fatal(err)
		}
	}
	for name, st := range map[string]byte{"mm6": 0, "mm7": 1, "mm0": 2, "mm5": 7} {
		if v := get(t, s, name); v[0] != st {
			t.Errorf("%s is st%d, want st%d", name, v[0], st)
		}
	}
}

func TestShortArea(t *testing.T) {
	if _, err := NewXState(make([]byte, 512), NewXLayout(oddCPU)); err == nil {
		t.Error("an area without a header is taken")
	}
	area := make([]byte, 840)
	area[xcr0At] = 7
	s, err := NewXState(area, NewXLayout(oddCPU))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(LookupX("ymm1")); err == nil {
		t.Error("ymm1 is read from behind the area's end")
	}
}

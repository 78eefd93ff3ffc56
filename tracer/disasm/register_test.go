package disasm

import (
	"testing"

	"github.com/tracelark/tracelark/tracer/arch"
)

func TestJumpRegister(t *testing.T) {
	for code, want := range map[string]arch.Reg{
		"\xff\xe0":         arch.RAX,
		"\xff\xe1\x90\x90": arch.RCX,
		"\x41\xff\xe3":     arch.R11,
		"\xf2\x41\xff\xe3": arch.R11,
		"\x3e\xff\xe4":     arch.RSP,
		"\x48\xff\xe7":     arch.RDI,
	} {
		if r, ok := JumpRegister([]byte(code)); !ok || r != want {
			t.Errorf("% x: %s, %t, want %s", code, r, ok, want)
		}
	}
	for _, code := range []string{"\xff\x20", "\xff\xd0", "\xff\xe8", "\xeb\x00", "\xff", "\x0f\xff\xe0"} {
		if r, ok := JumpRegister([]byte(code)); ok {
			t.Errorf("% x: %s, want none", code, r)
		}
	}
}

func TestMoveSource(t *testing.T) {
	for code, want := range map[string]arch.Reg{"\x48\x89\xcc": arch.RCX, "\x4c\x89\xc4": arch.R8, "\x49\x8b\xe0": arch.R8, "\x48\x8b\xe2": arch.RDX} {
		if r, ok := MoveSource([]byte(code)); !ok || r != want {
			t.Errorf("% x: %s, %t, want %s", code, r, ok, want)
		}
	}
	for _, code := range []string{"\x48\x89\xe5", "\x89\xcc", "\x49\x89\xcc", "\x48\x8b\x21", "\x48\x8d\xcc", "\x48\x89"} {
		if r, ok := MoveSource([]byte(code)); ok {
			t.Errorf("% x: %s, want none", code, r)
		}
	}
	if r, ok := PopRegister([]byte("\x41\x5c")); !ok || r != arch.R12 {
		t.Errorf("pop r12: %s, %t", r, ok)
	}
	if r, ok := PopRegister([]byte("\x59")); !ok || r != arch.RCX {
		t.Errorf("pop rcx: %s, %t", r, ok)
	}
	if r, ok := PopRegister([]byte("\x50")); ok {
		t.Errorf("push rax: pops %s", r)
	}
}

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

package disasm

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"
)

func symbols(addr uint64) (string, uint64) {
	if addr >= 0x401000 && addr < 0x402000 {
		return "main", 0x401000
	}
	return "", 0
}

func TestDecode(t *testing.T) {
	for _, test := range []struct {
		code string
		text string
		kind Kind
		to   uint64 // target, at 0x401100
	}{
		{"\x90", "nop", Other, 0},
		{"\x55", "push rbp", Other, 0},
		{"\x48\x89\xe5", "mov rbp, rsp", Other, 0},
		{"\x48\x8b\x44\xc8\xf8", "mov rax, qword ptr [rax+8*rcx-0x8]", Other, 0},
		{"\x48\x8b\x85\x00\xff\xff\xff", "mov rax, qword ptr [rbp-0x100]", Other, 0},
		{"\x64\x48\x8b\x04\x25\x28\x00\x00\x00", "mov rax, qword ptr fs:[0x28]", Other, 0},
		{"\x48\xa1\x88\x77\x66\x55\x44\x33\x22\x11", "mov rax, qword ptr [0x1122334455667788]", Other, 0},
		{"\x48\x83\xc8\xff", "or rax, -0x1", Other, 0},
		{"\x6a\xff", "push -0x1", Other, 0},
		{"\x0f\x94\xc0", "sete al", Other, 0},
		{"\x48\x0f\x47\xc1", "cmova rax, rcx", Other, 0},
		{"\xf0\x0f\xb1\x0f", "lock cmpxchg dword ptr [rdi], ecx", Other, 0},
		{"\xf3\x48\xab", "rep stosq qword ptr [rdi]", Other, 0},
		{"\x0f\x1f\x44\x00\x00", "nop dword ptr [rax+rax]", Other, 0},
		{"\x0f\x18\x0e", "prefetcht0 byte ptr [rsi]", Other, 0},
		{"\x0f\x6f\xc1", "movq mm0, mm1", Other, 0},
		{"\xf2\x0f\xc2\xc1\x02", "cmpsd xmm0, xmm1, 0x2", Other, 0},
		{"\xdb\xc1", "fcmovnb st0, st1", Other, 0},

		// Addresses.
		{"\x48\x8d\x05\xf9\xfe\xff\xff", "lea rax, [rip-0x107] # 0x401000 <main>", Other, 0},
		{"\x48\x8b\x05\xf9\x0f\x00\x00", "mov rax, qword ptr [rip+0xff9] # 0x402100", Other, 0},
		{"\xff\x15\xfa\x0f\x00\x00", "call qword ptr [rip+0xffa] # 0x402100", Call, 0},
		{"\xc5\xf9\x6f\x05\x00\x00\x00\x00", "vmovdqa xmm0, xmmword ptr [rip] # 0x401108 <main+0x108>", Other, 0},
		{"\x62\xf1\xfd\x48\x6f\x05\x00\x01\x00\x00", "vmovdqa64 zmm0, zmmword ptr [rip+0x100] # 0x40120a <main+0x20a>", Other, 0},

		// The flow of control.
		{"\xe8\xfb\xfe\xff\xff", "call 0x401000 <main>", Call, 0x401000},
		{"\xe8\xfb\xff\xff\x7f", "call 0x80401100", Call, 0x80401100},
		{"\xff\xd0", "call rax", Call, 0},
		{"\xff\x18", "call far [rax]", Call, 0},
		{"\xe9\x00\x00\x00\x00", "jmp 0x401105 <main+0x105>", Jump, 0x401105},
		{"\xeb\xfe", "jmp 0x401100 <main+0x100>", Jump, 0x401100},
		{"\xff\x24\xc5\x00\x20\x40\x00", "jmp qword ptr [8*rax+0x402000]", Jump, 0},
		{"\x74\x10", "je 0x401112 <main+0x112>", Branch, 0x401112},
		{"\x0f\x8f\x00\x00\x00\x00", "jg 0x401106 <main+0x106>", Branch, 0x401106},
		{"\xe3\x00", "jrcxz 0x401102 <main+0x102>", Branch, 0x401102},
		{"\xe2\xfe", "loop 0x401100 <main+0x100>", Branch, 0x401100},
		{"\xc7\xf8\x00\x00\x00\x00", "xbegin 0x401106 <main+0x106>", Branch, 0x401106},
		{"\xc7\xc0\x00\x00\x00\x00", "mov eax, 0x0", Other, 0},
		{"\xc3", "ret", Return, 0},
		{"\xf3\xc3", "ret", Return, 0},
		{"\xc2\x08\x00", "ret 0x8", Return, 0},
		{"\x48\xcf", "iretq", Return, 0},
		{"\x0f\x05", "syscall", Syscall, 0},
		{"\x0f\x34", "sysenter", Syscall, 0},
		{"\xcd\x80", "int 0x80", Syscall, 0},
		{"\xcd\x03", "int 0x3", Trap, 0},
		{"\xcc", "int3", Trap, 0},
		{"\xf1", "int1", Trap, 0},
		{"\x0f\x0b", "ud2", Trap, 0},
		{"\xf4", "hlt", Trap, 0},

		// What x86asm does not know or gets wrong.
		{"\xf3\x0f\x1e\xfa", "endbr64", Other, 0},
		{"\xf3\x0f\x1e\xfb", "endbr32", Other, 0},
		{"\xc5\xf8\x77", "vzeroupper", Other, 0},
		{"\x62\xf1\x7e\x08\xe6\xc1", "vcvtdq2pd xmm0, xmm1", Other, 0},
		{"\x8f\xe9\x78\xe1\xc1", ".byte 0x8f, 0xe9, 0x78, 0xe1, 0xc1", Other, 0},                                                   // vphadduwd
		{"\xc4\xe3\xf9\x6b\xc2\x10", ".byte 0xc4, 0xe3, 0xf9, 0x6b, 0xc2, 0x10", Other, 0},                                         // vfmaddsd
		{"\x62\xf5\x6c\x48\x58\xcb", ".byte 0x62, 0xf5, 0x6c, 0x48, 0x58, 0xcb", Other, 0},                                         // vaddph
		{"\x62\xf2\x7e\x08\x28\xc1", ".byte 0x62, 0xf2, 0x7e, 0x08, 0x28, 0xc1", Other, 0},                                         // vpmovm2b
		{"\xf2\x0f\xae\xf0", ".byte 0xf2, 0x0f, 0xae, 0xf0", Other, 0},                                                             // umwait
		{"\xf3\x0f\xc7\xf0", ".byte 0xf3, 0x0f, 0xc7, 0xf0", Other, 0},                                                             // senduipi
		{"\x66\x0f\x78\xc0\x01\x02", ".byte 0x66, 0x0f, 0x78, 0xc0, 0x01, 0x02", Other, 0},                                         // extrq
		{"\x62\xf1\x7c\x18\x5a\xc1", ".byte 0x62, 0xf1, 0x7c, 0x18, 0x5a, 0xc1", Other, 0},                                         // vcvtps2pd {sae}
		{"\x64\xc5\xf8\x28\x04\x25\x00\x00\x00\x00", ".byte 0x64, 0xc5, 0xf8, 0x28, 0x04, 0x25, 0x00, 0x00, 0x00, 0x00", Other, 0}, // vmovaps

		// No instructions.
		{"\x06", ".byte 0x06", Other, 0},
		{"\x0f\x04", ".byte 0x0f", Other, 0},
		{"\x48\x66\x90", ".byte 0x48", Other, 0},
		{"\xc4\xe4\x78\x00\xc0", ".byte 0xc4", Other, 0},
		{"\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90", ".byte 0x66", Other, 0},
	} {
		i, err := Decode([]byte(test.code+"\x90\x90"), 0x401100, symbols)
		if err != nil || i.Text != test.text || i.Kind != test.kind || i.HasTarget != (test.to != 0) || i.Target != test.to {
			t.Errorf("%x: %q %s %#x, %v; want %q %s %#x", test.code, i.Text, i.Kind, i.Target, err, test.text, test.kind, test.to)
		}
		if invalid := len(i.Data) == 1 && bytes.HasPrefix([]byte(i.Text), []byte(".byte")); string(i.Data) != test.code && !invalid {
			t.Errorf("%x: length %d", test.code, len(i.Data))
		}
	}
}

// TestTruncated checks that no part of an instruction passes for another one.
func TestTruncated(t *testing.T) {
	for _, code := range opcodes() {
		i, err := Decode(code, 0, nil)
		if err != nil {
			t.Fatalf("%x: %v", code, err)
		}
		if e, err := parse(code); err != nil || len(e.data) != len(i.Data) {
			continue // no instruction
		}
		for n := range i.Data {
			if i, err := Decode(i.Data[:n], 0, nil); !errors.Is(err, errTruncated) {
				t.Errorf("%x: %s, %v; want %v", code[:n], i.Text, err, errTruncated)
			}
		}
	}
}

func TestAll(t *testing.T) {
	code := []byte("\xf3\x0f\x1e\xfa\x06\xe8\x00\x00\x00\x00\xc3\xe8\x00\x00")
	var texts []string
	next := uint64(0)
	for i := range All(code, 0, nil) {
		if i.Addr != next {
			t.Errorf("%s at %#x, want %#x", i.Text, i.Addr, next)
		}
		next = i.Next()
		texts = append(texts, i.Text)
	}
	if want := []string{"endbr64", ".byte 0x06", "call 0xa", "ret"}; !slices.Equal(texts, want) {
		t.Errorf("%q, want %q", texts, want)
	}
	for range All(code, 0, nil) {
		break
	}
}

func FuzzDecode(f *testing.F) {
	for n, code := range opcodes() {
		if n%100 == 0 {
			f.Add(code, uint64(n))
		}
	}
	f.Fuzz(func(t *testing.T, code []byte, addr uint64) {
		i, err := Decode(code, addr, symbols)
		if err != nil {
			if len(code) >= maxLen {
				t.Fatalf("%x: %v", code, err)
			}
			return
		}
		if n := len(i.Data); n < 1 || n > maxLen || !bytes.Equal(i.Data, code[:n]) || i.Text == "" || i.ATT(symbols) == "" || i.Addr != addr {
			t.Fatalf("%x: %+v", code, i)
		}
		if len(i.Data) == 1 {
			return // perhaps no instruction
		}
		if again, err := Decode(i.Data, addr, symbols); err != nil || again.Text != i.Text {
			t.Fatalf("%x: %s, and of these bytes alone %s, %v", code, i.Text, again.Text, err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	code := []byte("\x48\x8b\x85\x00\xff\xff\xff")
	for b.Loop() {
		if _, err := Decode(code, 0x401000, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func TestSkim(t *testing.T) {
	for _, code := range []string{"\x90", "\xe8\x01\x00\x00\x00", "\x74\x05", "\xc3", "\x06", "\xe8", ""} {
		want, err := Decode([]byte(code), 0x1000, nil)
		got, skimErr := Skim([]byte(code), 0x1000)
		if code == "\x06" {
			if skimErr == nil {
				t.Errorf("% x: no error", code)
			}
			continue
		}
		want.Text = ""
		if !reflect.DeepEqual(got, want) || (err == nil) != (skimErr == nil) {
			t.Errorf("% x: %+v, %v; want %+v, %v", code, got, skimErr, want, err)
		}
	}
}

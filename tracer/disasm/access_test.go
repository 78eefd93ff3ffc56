package disasm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/tracer/arch"
)

// describe shows accesses as "w8 [rax+0x8]", a push or a pop with a ! behind it.
func describe(list []Access) string {
	var parts []string
	for _, a := range list {
		kind := ""
		if a.Read {
			kind += "r"
		}
		if a.Write {
			kind += "w"
		}
		var sum []string
		if a.Segment != NoReg {
			sum = append(sum, a.Segment.String())
		}
		if a.Base != NoReg {
			sum = append(sum, a.Base.String())
		}
		if a.Index != NoReg {
			sum = append(sum, fmt.Sprintf("%s*%d", a.Index, 1<<a.Scale))
		}
		if a.Disp != 0 || len(sum) == 0 {
			sum = append(sum, fmt.Sprint(int64(a.Disp)))
		}
		s := fmt.Sprintf("%s%d [%s]", kind, a.Size, strings.Join(sum, "+"))
		if a.Stack {
			s += "!"
		}
		if a.Vector {
			s += "..."
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

func TestAccesses(t *testing.T) {
	for code, want := range map[string]string{
		"\x48\x89\x50\x08":                         "w8 [rax+8]",         // mov [rax+8], rdx
		"\x48\x8b\x44\xcb\xf0":                     "r8 [rbx+rcx*8+-16]", // mov rax, [rbx+rcx*8-16]
		"\x42\x8b\x04\xa0":                         "r4 [rax+r12*4]",     // mov eax, [rax+r12*4]
		"\x41\x8b\x45\x00":                         "r4 [r13]",           // mov eax, [r13]
		"\x48\x8b\x05\x10\x00\x00\x00":             "r8 [rip+16]",        // mov rax, [rip+16]
		"\x64\x48\x8b\x04\x25\x28\x00\x00\x00":     "r8 [fs_base+40]",    // mov rax, fs:0x28
		"\x8b\x04\x25\x00\x10\x00\x00":             "r4 [4096]",          // mov eax, [0x1000]
		"\x48\xa1\x00\x10\x00\x00\x01\x00\x00\x00": "r8 [4294971392]",    // movabs rax, [0x100001000]
		"\x01\x10":                     "rw4 [rax]",             // add [rax], edx
		"\x39\x10":                     "r4 [rax]",              // cmp [rax], edx
		"\x83\x38\x01":                 "r4 [rax]",              // cmp dword [rax], 1
		"\x83\x00\x01":                 "rw4 [rax]",             // add dword [rax], 1
		"\xf0\x0f\xb1\x11":             "rw4 [rcx]",             // lock cmpxchg [rcx], edx
		"\x0f\xc7\x0e":                 "rw8 [rsi]",             // cmpxchg8b [rsi]
		"\x87\x10":                     "rw4 [rax]",             // xchg [rax], edx
		"\xf7\x00\x01\x00\x00\x00":     "r4 [rax]",              // test dword [rax], 1
		"\xf7\x18":                     "rw4 [rax]",             // neg dword [rax]
		"\xf7\x30":                     "r4 [rax]",              // div dword [rax]
		"\x0f\x94\x00":                 "w1 [rax]",              // sete [rax]
		"\x0f\xba\x28\x03":             "rw4 [rax]",             // bts dword [rax], 3
		"\x0f\xba\x20\x03":             "r4 [rax]",              // bt dword [rax], 3
		"\x8d\x40\x08":                 "",                      // lea eax, [rax+8]
		"\x0f\x1f\x00":                 "",                      // nop [rax]
		"\x0f\x18\x08":                 "",                      // prefetcht0 [rax]
		"\x89\xd0":                     "",                      // mov eax, edx
		"\x50":                         "w8 [rsp+-8]!",          // push rax
		"\x58":                         "r8 [rsp]!",             // pop rax
		"\xff\x30":                     "r8 [rax] w8 [rsp+-8]!", // push [rax]
		"\x8f\x00":                     "w8 [rax] r8 [rsp]!",    // pop [rax]
		"\xc9":                         "r8 [rbp]!",             // leave
		"\xc3":                         "r8 [rsp]!",             // ret
		"\xe8\x00\x00\x00\x00":         "w8 [rsp+-8]!",          // call
		"\xff\x10":                     "r8 [rax] w8 [rsp+-8]!", // call [rax]
		"\xff\x20":                     "r8 [rax]",              // jmp [rax]
		"\xf3\xa4":                     "r1 [rsi] w1 [rdi]",     // rep movsb
		"\xf3\x48\xab":                 "w8 [rdi]",              // rep stosq
		"\xf2\xae":                     "r1 [rdi]",              // repne scasb
		"\x0f\x10\x00":                 "r16 [rax]",             // movups xmm0, [rax]
		"\x0f\x11\x00":                 "w16 [rax]",             // movups [rax], xmm0
		"\xf3\x0f\x7e\x00":             "r8 [rax]",              // movq xmm0, [rax]
		"\x66\x0f\x7e\x00":             "w4 [rax]",              // movd [rax], xmm0
		"\xc5\xfe\x7f\x00":             "w32 [rax]",             // vmovdqu [rax], ymm0
		"\xc4\xe3\x7d\x19\x00\x01":     "w16 [rax]",             // vextractf128 [rax], ymm0, 1
		"\xc4\xc1\x7e\x6f\x44\x24\x20": "r32 [r12+32]",          // vmovdqu ymm0, [r12+32]
		"\x62\xf1\xfe\x48\x7f\x40\x01": "w64 [rax+64]",          // vmovdqu64 [rax+64], zmm0
		"\xd9\x18":                     "w4 [rax]",              // fstp dword [rax]
		"\xd9\x00":                     "r4 [rax]",              // fld dword [rax]
		"\xdd\x18":                     "w8 [rax]",              // fstp qword [rax]
		"\x66\x0f\xf7\xc1":             "w0 [rdi]",              // maskmovdqu xmm0, xmm1
	} {
		i, err := Skim([]byte(code), 0x1000)
		if err != nil {
			t.Errorf("% x: %v", code, err)
			continue
		}
		if got := describe(i.Accesses()); got != want {
			t.Errorf("% x: %s, want %s", code, got, want)
		}
	}
}

func TestAccessAddr(t *testing.T) {
	regs := &arch.Regs{arch.RAX: 0x1005, arch.RBX: 0x2000, arch.RCX: 3, arch.RDX: 0x1000000ff, arch.RSI: 0xffffffffffffff1f, arch.FSBase: 0x7000}
	for code, want := range map[string]uint64{
		"\x48\x8b\x44\xcb\xf0":                 0x2008,     // [rbx+rcx*8-16]
		"\x48\x8b\x05\x10\x00\x00\x00":         0x1017,     // [rip+16]
		"\x64\x48\x8b\x04\x25\x28\x00\x00\x00": 0x7028,     // fs:0x28
		"\xd7":                                 0x2005,     // xlat
		"\x67\x8b\x40\x80":                     0xf85,      // [eax-0x80]
		"\x67\x8b\x44\x8b\x80":                 0x1f8c,     // [ebx+ecx*4-0x80]
		"\x67\x8b\x41\x80":                     0xffffff83, // [ecx-0x80], cut off
		"\x48\x0f\xab\x13":                     0x20002018, // bts [rbx], rdx
		"\x48\x0f\xab\x33":                     0x1fe0,     // bts [rbx], rsi, which is negative
		"\x0f\xa3\x13":                         0x201c,     // bt [rbx], edx, whose upper half is left out
		"\x66\x0f\xbb\x0b":                     0x2000,     // btc [rbx], cx
		"\x0f\xba\x23\x07":                     0x2000,     // bt dword [rbx], 7
	} {
		i, err := Skim([]byte(code), 0x1000)
		if err != nil || len(i.Accesses()) != 1 {
			t.Errorf("% x: %v, %v", code, err, i.Accesses())
			continue
		}
		if a := i.Accesses()[0]; a.Addr(regs) != want {
			t.Errorf("% x: %#x, want %#x", code, a.Addr(regs), want)
		}
	}
}

func TestFlow(t *testing.T) {
	for code, want := range map[string]string{
		"\x48\x89\xc2":     "[rax] [rdx] false",             // mov rdx, rax
		"\x48\x8b\x07":     "[] [rax] false",                // mov rax, [rdi]
		"\x48\x89\x07":     "[rax] [] false",                // mov [rdi], rax
		"\x48\x01\xc2":     "[rdx rax] [rdx] false",         // add rdx, rax
		"\x31\xc0":         "[] [rax] false",                // xor eax, eax
		"\x48\x8d\x04\x8b": "[rbx rcx] [rax] false",         // lea rax, [rbx+rcx*4]
		"\x0f\xb6\xc1":     "[rcx] [rax] false",             // movzx eax, cl
		"\x88\xc8":         "[rcx] [rax] true",              // mov al, cl
		"\x48\x39\xc2":     "[rdx rax] [] false",            // cmp rdx, rax
		"\x48\x87\xc2":     "[rdx rax] [rax rdx] false",     // xchg rdx, rax
		"\xff\xd0":         "[rax] [] false",                // call rax
		"\x58":             "[] [rax] false",                // pop rax
		"\x48\xf7\xf1":     "[rax rdx rcx] [rax rdx] false", // div rcx
	} {
		i, err := Skim([]byte(code), 0x1000)
		if err != nil {
			t.Fatal(err)
		}
		f := i.Flow()
		if got := fmt.Sprint(f.Read, f.Written, f.Partial); got != want {
			t.Errorf("% x: %s, want %s", code, got, want)
		}
	}
}

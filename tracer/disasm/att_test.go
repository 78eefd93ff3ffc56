package disasm

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestATT(t *testing.T) {
	for _, test := range []struct{ code, text string }{
		{"\x48\x89\xe5", "mov %rsp,%rbp"},
		{"\x48\x8b\x44\xc8\xf8", "mov -0x8(%rax,%rcx,8),%rax"},
		{"\x48\x83\xc8\xff", "or $-0x1,%rax"},
		{"\x55", "push %rbp"},
		{"\x6a\x01", "push $0x1"},
		{"\x66\x6a\x01", "pushw $0x1"},
		{"\xc3", "ret"},
		{"\xc9", "leave"},
		{"\x48\x98", "cltq"},
		{"\x48\x63\xd0", "movslq %eax,%rdx"},
		{"\x0f\xb6\x04\x06", "movzbl (%rsi,%rax,1),%eax"},
		{"\xc7\x45\x00\x01\x00\x00\x00", "movl $0x1,0x0(%rbp)"},
		{"\x41\xf6\x44\x24\x10\x01", "testb $0x1,0x10(%r12)"},
		{"\x48\xb8\x00\x00\x00\x00\x00\x01\x00\x00", "movabs $0x10000000000,%rax"},
		{"\x48\xa1\x88\x77\x66\x55\x44\x33\x22\x11", "movabs 0x1122334455667788,%rax"},
		{"\xa1\x00\x00\x00\x00\x00\x00\x00\x80", "movabs 0x8000000000000000,%eax"},
		{"\x64\x48\x8b\x04\x25\x00\x00\x00\x00", "mov %fs:0x0,%rax"},
		{"\x64\x48\x8b\x04\x25\xf8\xff\xff\xff", "mov %fs:0xfffffffffffffff8,%rax"},
		{"\x66\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00", "nopw 0x0(%rax,%rax,1)"},
		{"\xf3\x48\xab", "rep stos %rax,%es:(%rdi)"},
		{"\xf0\x0f\xb1\x0f", "lock cmpxchg %ecx,(%rdi)"},
		{"\x67\x67\x4c\x89\xc2", "addr32 addr32 mov %r8,%rdx"},
		{"\x0f\x07", "sysretl"},
		{"\x48\x0f\x07", "sysretq"},
		{"\xf2\x0f\x38\xf1\xc3", "crc32 %ebx,%eax"},
		{"\xf2\x0f\x38\xf1\x03", "crc32l (%rbx),%eax"},
		{"\xde\x1f", "ficomps (%rdi)"},
		{"\xc4\xe2\x43\xf7\xc9", "shrx %edi,%ecx,%ecx"},
		{"\x62\xf1\x7f\xc9\x6f\x0f", "vmovdqu8 (%rdi),%zmm1{%k1}{z}"},
		{"\xc5\xf9\xe6\x1b", "vcvttpd2dqx (%rbx),%xmm3"},
		{"\x62\xf1\xfd\x28\x5a\x1b", "vcvtpd2psy (%rbx),%xmm3"},
		{"\xc4\xe2\x65\x3b\x67\x61", "vpminud 0x61(%rdi),%ymm3,%ymm4"}, // a part of VEX is like a prefix

		{"\x48\x8d\x05\xf9\xfe\xff\xff", "lea -0x107(%rip),%rax # 0x401000 <main>"},
		{"\xff\x15\xfa\x0f\x00\x00", "call *0xffa(%rip) # 0x402100"},
		{"\xe8\xfb\xfe\xff\xff", "call 0x401000 <main>"},
		{"\x74\x10", "je 0x401112 <main+0x112>"},
		{"\xff\xd0", "call *%rax"},

		{"\xf3\x0f\x1e\xfa", "endbr64"},
		{"\x8f\xe9\x78\xe1\xc1", ".byte 0x8f, 0xe9, 0x78, 0xe1, 0xc1"}, // vphadduwd
		{"\x06", ".byte 0x06"},
	} {
		i, err := Decode([]byte(test.code), 0x401100, symbols)
		if text := i.ATT(symbols); err != nil || text != test.text {
			t.Errorf("%x: %q, %v; want %q", test.code, text, err, test.text)
		}
	}
}

var (
	// Prefixes without effect, which are not shown.
	idle = regexp.MustCompile(`^((data16|addr32|rex[.WRXB]*|[cdes]s|notrack|bnd|\{e?vex\}) )+`)
	// An index that does not exist, which is not shown.
	riz = regexp.MustCompile(`\(,%riz,\d\)|,%riz,\d`)
	// Immediates are shown with their sign.
	immediate = regexp.MustCompile(`\$-?0x[0-9a-f]+`)
	// Other names of what does the same.
	attDialect = strings.NewReplacer("repz ", "rep ", "repnz ", "repn ", "%st(0)", "%st",
		"fldenvs ", "fldenv ", "fnstenvs ", "fnstenv ", "fnsaves ", "fnsave ", "frstors ", "frstor ", "ljmpw ", "ljmp ", "lcallw ", "lcall ",
		"pcmpestriq ", "pcmpestri ", "pcmpestrmq ", "pcmpestrm ", "vdbpsadbw ", "vmpsadbw ")
)

// attCanonical brings the texts of objdump and this package to one form.
func attCanonical(text string) string {
	text = strings.Join(strings.Fields(notes.ReplaceAllString(text, "")), " ")
	text = attDialect.Replace(riz.ReplaceAllString(idle.ReplaceAllString(text, ""), ""))
	text = immediate.ReplaceAllStringFunc(text, func(s string) string {
		if v, err := strconv.ParseInt(s[1:], 0, 64); err == nil {
			return "$" + number(uint64(v))
		}
		v, _ := strconv.ParseUint(s[1:], 0, 64)
		return "$" + number(v)
	})
	if text == "xchg %ax,%ax" || text == "xchg %rax,%rax" {
		return "nop"
	}
	name, _, _ := strings.Cut(text, " ")
	if m := vague.FindString(name); m != "" {
		return m
	}
	return text
}

// compareATT compares the text of an instruction with objdump's.
func compareATT(t *testing.T, l line) (known bool) {
	t.Helper()
	i, err := Decode(l.data, l.addr, nil)
	if err != nil || len(i.Data) != len(l.data) {
		t.Errorf("%x: %s (%v), objdump has %s", l.data, i.Text, err, l.text)
		return false
	}
	text := i.ATT(nil)
	if strings.HasPrefix(text, ".byte") {
		return false
	}
	got, want := attCanonical(text), attCanonical(l.text)
	if i.HasTarget { // objdump shows it without 0x, but not all.
		if n := strings.LastIndexByte(want, ' ') + 1; !strings.HasPrefix(want[n:], "0x") {
			want = want[:n] + "0x" + want[n:]
		}
	}
	if got != want {
		t.Errorf("%x: %s, objdump has %s (%s, %s)", l.data, text, l.text, got, want)
	}
	return true
}

// TestATTAsObjdump disassembles part of libc.
func TestATTAsObjdump(t *testing.T) {
	n := 0
	const stop = 0x60000
	for l := range objdump(t, "-d", "-j", ".text", "--stop-address="+strconv.Itoa(stop), libc(t)) {
		if l.addr <= stop-maxLen && compareATT(t, l) {
			n++
		}
	}
	t.Logf("%d instructions", n)
}

// TestATTOpcodesAsObjdump tries a third of all opcodes.
func TestATTOpcodesAsObjdump(t *testing.T) {
	insns := opcodes()
	var code []byte
	for n := 0; n < len(insns); n += 3 {
		code = append(code, insns[n]...)
		code = append(code, bytes.Repeat([]byte{0x90}, slot-len(insns[n]))...)
	}
	n, unknown := 0, 0
	for l := range objdump(t, "-D", "-b", "binary", "-m", "i386:x86-64", write(t, code)) {
		if l.addr%slot != 0 || strings.Contains(l.text, "bad") {
			continue
		}
		n++
		if !compareATT(t, l) {
			unknown++
		}
	}
	t.Logf("%d instructions, %d unknown", n, unknown)
}

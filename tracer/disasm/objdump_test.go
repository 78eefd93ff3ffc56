package disasm

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A line is an instruction as objdump shows it.
type line struct {
	addr uint64
	data []byte
	text string
}

// objdump returns what objdump makes of a file.
func objdump(t *testing.T, args ...string) iter.Seq[line] {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("objdump", append([]string{"-z", "--insn-width=15"}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func(yield func(line) bool) {
		for s := bufio.NewScanner(out); s.Scan(); {
			fields := strings.SplitN(s.Text(), "\t", 3)
			if len(fields) < 3 {
				continue
			}
			addr, err := strconv.ParseUint(strings.Trim(fields[0], " :"), 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			data, err := hex.DecodeString(strings.ReplaceAll(fields[1], " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			yield(line{addr, data, fields[2]})
		}
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, stderr.Bytes())
		}
	}
}

var (
	notes  = regexp.MustCompile(`\s*(#.*|<.*>)`)
	words  = regexp.MustCompile(`[a-z_][a-z0-9_]*|-?(0x[0-9a-f]+|\d+)`)
	sizes  = regexp.MustCompile(`\b([a-z]*word|byte|tbyte|ptr|bcst|far)\b|\{1to\d+\}|\b[de]s:`)
	prefix = regexp.MustCompile(`^((data16|addr32|lock|rep[nez]*|bnd|notrack|xacquire|xrelease|[c-gs]s|rex[.wrxb]*|\{e?vex\}) )+`)
	str    = regexp.MustCompile(`^(cmps|ins|outs|movs|lods|scas|stos)[bwdq]?$`)
	// Names that hold an immediate or not, and operands that are implied.
	vague = regexp.MustCompile(`^(v?pclmul|vp?cmp|cmp[a-z]*[sp][sd]\b|v?p?blendv|lsl|xlat|v?p?movmsk)`)
)

// Mnemonics that are not the same in GNU's and XED's dialects.
var dialect = map[string]string{
	"movabs": "mov", "iret": "iretd", "retf": "ret", "retfq": "ret", "pushf": "pushfq", "popf": "popfq", "pushw": "push", "popw": "pop",
	"enterw": "enter", "leavew": "leave", "retw": "ret", "retfw": "ret", "iretw": "iretd", "pushfw": "pushfq", "popfw": "popfq",
	"sysretd": "sysret", "sysretq": "sysret", "sysexitd": "sysexit", "sysexitq": "sysexit",
	"vpcmpestri64": "vpcmpestriq", "vpcmpestrm64": "vpcmpestrmq", "vpcmpistri64": "vpcmpistri",
	"pcmpestriq": "pcmpestri", "pcmpestrmq": "pcmpestrm",
	"vdbpsadbw": "vmpsadbw", // as objdump calls both
}

// canonical brings the texts of objdump and this package to one form: the
// mnemonic, and for each operand its registers and numbers in order.
func canonical(text string) string {
	text = prefix.ReplaceAllString(notes.ReplaceAllString(strings.ToLower(text), "")+" ", "")
	name, rest, _ := strings.Cut(text, " ")
	if new, ok := dialect[name]; ok {
		name = new
	}
	if m := str.FindStringSubmatch(name); m != nil && !strings.Contains(rest, "xmm") {
		return m[1] // Operands are shown or not.
	}
	if m := vague.FindString(name); m != "" {
		if strings.HasPrefix(m, "cmp") {
			return "cmp" + m[len(m)-2:] // the condition is in the name, or an operand
		}
		return m
	}
	if operands := strings.TrimSpace(rest); name == "xchg" && (operands == "ax,ax" || operands == "rax,rax") {
		return "nop"
	}
	if name[0] == 'f' {
		return strings.TrimSuffix(name, "w") // The same.
	}
	out := []string{name}
	for operand := range strings.SplitSeq(sizes.ReplaceAllString(rest, ""), ",") {
		var list []string
		for _, w := range words.FindAllString(operand, -1) {
			if v, err := strconv.ParseInt(w, 0, 64); err == nil {
				w = number(uint64(v))
			} else if v, err := strconv.ParseUint(w, 0, 64); err == nil {
				w = number(v)
			}
			if w != "riz" && w != "1" && w != "0" {
				list = append(list, w)
			}
		}
		slices.Sort(list)
		out = append(out, strings.Join(list, " "))
	}
	return strings.TrimRight(strings.Join(out, ","), ",")
}

// number writes v, whose sign may be extended to 16, 32 or 64 bits.
func number(v uint64) string {
	if v |= v & 0x80000000 * 0x1ffffffff; v>>16 == 1<<48-1 {
		v = uint64(uint16(v))
	}
	return strconv.FormatUint(v, 16)
}

// libc returns the path of the C library.
func libc(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("gcc", "-print-file-name=libc.so.6").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// share is the number of instructions of which one is looked at: the race detector
// makes them slow, and there is nothing for it to find.
var share = 1

// cc1 returns the path of gcc's compiler proper.
func cc1(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("gcc", "-print-prog-name=cc1").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// TestAsObjdump disassembles parts of programs.
func TestAsObjdump(t *testing.T) {
	for _, file := range []struct {
		path        string
		start, stop uint64
	}{
		{libc(t), 0, 0x70000}, {libc(t), 0x150000, 0x170000}, {"/usr/bin/python3", 0x5f0000, 0x630000}, {cc1(t), 0xc00000, 0xc20000},
	} {
		t.Run(filepath.Base(file.path), func(t *testing.T) { compareWithObjdump(t, file.path, file.start, file.stop) })
	}
}

func compareWithObjdump(t *testing.T, path string, start, stop uint64) {
	n, unknown := 0, 0
	window := func(name string, addr uint64) string { return "--" + name + "-address=" + strconv.FormatUint(addr, 10) }
	for l := range objdump(t, "-M", "intel", "-d", "-j", ".text", window("start", start), window("stop", stop), path) {
		// It may be cut off, or begin in the middle of an instruction.
		if l.addr > stop-maxLen || start > 0 && l.addr < start+64 {
			continue
		}
		if n++; n%share != 0 {
			continue
		}
		i, err := Decode(l.data, l.addr, nil)
		if err != nil || len(i.Data) != len(l.data) {
			t.Errorf("%x: %s (%v), objdump has %s", l.data, i.Text, err, l.text)
			continue
		}
		want := l.text
		name := strings.Fields(prefix.ReplaceAllString(want, ""))[0]
		if kind := kindOf(name); i.Kind != kind {
			t.Errorf("%s has kind %s, want %s", l.text, i.Kind, kind)
		}
		if i.HasTarget { // objdump shows it without 0x.
			fields := strings.Fields(prefix.ReplaceAllString(want, ""))
			target, err := strconv.ParseUint(fields[1], 16, 64)
			if err != nil || i.Target != target {
				t.Errorf("%s has target %#x", l.text, i.Target)
			}
			want = fields[0] + " 0x" + fields[1]
		}
		if strings.HasPrefix(i.Text, ".byte") {
			unknown++
		} else if got, want := canonical(i.Text), canonical(want); got != want {
			t.Errorf("%x: %s, objdump has %s (%s, %s)", l.data, i.Text, l.text, got, want)
		}
	}
	if n < 10000 || unknown > n/10000 {
		t.Errorf("%d instructions, %d of them unknown", n, unknown)
	}
}

func kindOf(name string) Kind {
	switch {
	case strings.HasPrefix(name, "call"):
		return Call
	case strings.HasPrefix(name, "jmp"):
		return Jump
	case name[0] == 'j', strings.HasPrefix(name, "loop"), name == "xbegin":
		return Branch
	case strings.HasPrefix(name, "ret"), strings.HasPrefix(name, "iret"):
		return Return
	case name == "syscall":
		return Syscall
	case name == "hlt", name == "ud2", name == "int3":
		return Trap
	}
	return Other
}

const slot = 16 // bytes for each opcode that is tried, filled with nop

// write writes code to a file and returns its path.
func write(t *testing.T, code []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "code")
	if err := os.WriteFile(path, code, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOpcodesAsObjdump tries every opcode of every map.
func TestOpcodesAsObjdump(t *testing.T) {
	insns := opcodes()
	code := bytes.Repeat([]byte{0x90}, slot*len(insns))
	for n, insn := range insns {
		copy(code[n*slot:], insn)
	}
	n, unknown := 0, 0
	for l := range objdump(t, "-M", "intel", "-D", "-b", "binary", "-m", "i386:x86-64", write(t, code)) {
		if l.addr%slot != 0 || strings.Contains(l.text, "bad") {
			continue
		}
		n++
		i, err := Decode(code[l.addr:], l.addr, nil)
		if err != nil || len(i.Data) != len(l.data) {
			t.Errorf("%x: %x %s (%v), objdump has %s", l.data, i.Data, i.Text, err, l.text)
			continue
		}
		want := l.text
		if strings.HasPrefix(i.Text, ".byte") {
			unknown++
		} else if got, want := canonical(i.Text), canonical(want); got != want {
			t.Errorf("%x: %s, objdump has %s (%s, %s)", l.data, i.Text, l.text, got, want)
		}
	}
	t.Logf("%d instructions, %d unknown", n, unknown)
}

// opcodes returns the opcodes of all maps, with registers and with memory as
// operand and with each prefix that may be part of an opcode: a share of them.
func opcodes() [][]byte {
	tail := []byte{0x12, 0x34, 0x56, 0x78, 0x11, 0x22, 0x33, 0x44}
	var list [][]byte
	n := 0
	add := func(parts ...[]byte) {
		if n++; n%share == 0 {
			list = append(list, slices.Concat(append(parts, tail)...))
		}
	}
	for n := range 256 * 16 {
		op, reg, operand := byte(n), byte(n>>8&7), byte(n>>11)
		end := []byte{op, operand<<6*3 | reg<<3 | 3}
		for _, p := range []string{"", "\x66", "\xf2", "\xf3", "\x48", "\x66\x48"} {
			for _, escape := range []string{"", "\x0f", "\x0f\x38", "\x0f\x3a"} {
				switch {
				case escape == "" && (forms[primary][op] == '!' || op == 0x9b || op == 0x8c || op == 0x8e):
					// A prefix, wait, which objdump joins with the next
					// instruction, or a segment register.
				case escape == "\x0f" && (op == 0x38 || op == 0x3a):
				case p == "\x66" && (escape == "\x0f" && op&0xf0 == 0x80 || escape == "" && (op&0xfe == 0xe8 || op == 0xff)):
					// AMD's branches.
				default:
					add([]byte(p), []byte(escape), end)
				}
			}
		}
		group := op >= 0x71 && op <= 0x73 || op == 0xae || op == 0xf3 || op == 0xc6 || op == 0xc7
		if !group && reg != 3 {
			continue
		}
		for pp := range byte(4) {
			for _, w := range []byte{0, 0x80} {
				for m := byte(1); m <= 3; m++ {
					for _, v := range []byte{0x68, 0x78} { // a third register or none
						add([]byte{0xc4, 0xe0 | m, w | v | pp}, end)
						add([]byte{0xc4, 0xe0 | m, w | v | 4 | pp}, end)
					}
				}
				for _, m := range []byte{1, 2, 3, 5, 6} {
					for l := byte(0); l <= 0x40; l += 0x20 {
						add([]byte{0x62, 0xf0 | m, w | 0x6c | pp, l | 8}, end)
						add([]byte{0x62, 0xf0 | m, w | 0x7c | pp, l | 8}, end)
					}
				}
			}
		}
	}
	return list
}

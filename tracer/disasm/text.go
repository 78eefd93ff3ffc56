package disasm

import (
	"fmt"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// text returns the text of i.
func text(i *Inst, e *encoding, sym Symbols) string {
	x, err := x86asm.Decode(i.Data, 64)
	if err != nil || x.Op == 0 || x.Len != len(i.Data) || mistaken(&x, e) {
		if name, ok := unknown[string(i.Data)]; ok {
			return name
		}
		return bytesText(i.Data)
	}
	ref, hasRef := repair(&x, e)
	s := spell(&x, x86asm.IntelSyntax(x, i.Addr, nil))
	switch {
	case i.HasTarget: // the last operand
		s = fmt.Sprintf("%s%#x%s", s[:strings.LastIndexByte(s, ' ')+1], i.Target, symbol(i.Target, sym))
	case hasRef:
		ref += i.Next()
		s = fmt.Sprintf("%s # %#x%s", s, ref, symbol(ref, sym))
	}
	return s
}

// unknown names instructions that x86asm does not know.
var unknown = map[string]string{
	"\xf3\x0f\x1e\xfa": "endbr64",
	"\xf3\x0f\x1e\xfb": "endbr32",
	"\x0f\x01\xee":     "rdpkru",
	"\x0f\x01\xef":     "wrpkru",
}

// mistaken reports whether x86asm takes one instruction for another. It does
// not look at the prefix that sets newer instructions apart in some places, and
// takes maps 5 and 6 of EVEX for 1 and 2.
func mistaken(x *x86asm.Inst, e *encoding) bool {
	if e.opmap > after0F3A {
		return true
	}
	if e.opmap != after0F || e.vex {
		return false
	}
	var prefixed, rep bool // 66, F2 or F3; F3
	for _, p := range e.data[:len(e.data)-1] {
		if p == 0x0f {
			break
		}
		rep = rep || p == 0xf3
		prefixed = prefixed || p == 0x66 || p == 0xf2 || p == 0xf3
	}
	register, reg := e.modrm>>6 == 3, e.modrm>>3&7
	switch e.opcode {
	case 0x09: // wbnoinvd
		return rep
	case 0xae: // clflushopt, clwb, tpause and the like, but rdfsbase
		return prefixed && !(rep && register && reg < 4)
	case 0xc7: // senduipi, rdpid, vmptrld
		return reg >= 6 && (rep || !register || x.Args[0] == nil)
	}
	return false
}

// symbol shows the symbol of addr as in " <main+0x4>".
func symbol(addr uint64, sym Symbols) string {
	if sym == nil {
		return ""
	}
	switch name, base := sym(addr); {
	case name == "":
		return ""
	case base == addr:
		return " <" + name + ">"
	default:
		return fmt.Sprintf(" <%s+%#x>", name, addr-base)
	}
}

// repair corrects the memory operand of x: x86asm does not extend the sign of
// a displacement of 32 bits, and forgets that the one of a VEX or EVEX
// instruction may count from rip. It returns such a displacement from rip.
func repair(x *x86asm.Inst, e *encoding) (disp uint64, ok bool) {
	if e.opmap == primary && e.opcode&^3 == 0xa0 { // mov with an address of 64 bits
		return 0, false
	}
	for n, arg := range x.Args {
		m, isMem := arg.(x86asm.Mem)
		if !isMem {
			continue
		}
		m.Disp = int64(int32(m.Disp))
		if e.vex && e.modrm&0xc7 == 0x05 {
			m.Base = x86asm.RIP
		}
		if m.Base == x86asm.RIP {
			disp, ok = uint64(m.Disp), true
		}
		x.Args[n] = m
	}
	return disp, ok
}

// conditions gives conditions the names that compilers and debuggers use.
var conditions = func() *strings.Replacer {
	var pairs []string
	for _, op := range []string{"j", "set", "cmov"} {
		for from, to := range map[string]string{"nbe": "a", "nb": "ae", "nle": "g", "nl": "ge", "nz": "ne", "z": "e"} {
			pairs = append(pairs, op+from+" ", op+to+" ")
		}
	}
	return strings.NewReplacer(pairs...)
}()

// spell turns the Intel syntax of XED into the one that assemblers take.
func spell(x *x86asm.Inst, s string) string {
	s = strings.ReplaceAll(conditions.Replace(s), "mmx", "mm")
	switch x.Op {
	case x86asm.NOP: // The operand that does not exist.
		s, _, _ = strings.Cut(s, ", ")
	case x86asm.PUSH: // The sign of an immediate.
		if imm, ok := x.Args[0].(x86asm.Imm); ok {
			s = fmt.Sprintf("push %#x", int64(imm))
		}
	case x86asm.PREFETCHNTA, x86asm.PREFETCHT0, x86asm.PREFETCHT1, x86asm.PREFETCHT2, x86asm.PREFETCHW, x86asm.CLFLUSH:
		s = strings.Replace(s, "zmmword", "byte", 1)
	}
	if before, after, ok := strings.Cut(s, " ptr "); ok && !strings.HasSuffix(before, "word") && !strings.HasSuffix(before, "byte") {
		s = before + " " + after // Without a size there is no ptr.
	}
	return s
}

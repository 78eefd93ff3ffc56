package disasm

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// render returns the text of i, which syntax makes of its repaired decoding.
func render(i *Inst, e *encoding, sym Symbols, syntax func(x *x86asm.Inst, e *encoding, addr uint64) string) string {
	x, err := x86asm.Decode(i.Data, 64)
	if err != nil || x.Op == 0 || x.Len != len(i.Data) || mistaken(&x, e) {
		if name, ok := unknown[string(i.Data)]; ok {
			return name
		}
		return bytesText(i.Data)
	}
	ref, hasRef := repair(&x, e)
	s := syntax(&x, e, i.Addr)
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

// mistaken reports whether x86asm takes e for another instruction, or shows
// something else than x.
func mistaken(x *x86asm.Inst, e *encoding) bool {
	if e.opmap > after0F3A { // It takes maps 5 and 6 for 1 and 2.
		return true
	}
	switch x.Op {
	case x86asm.VPMOVM2B, x86asm.VPMOVM2W, x86asm.VPMOVM2D, x86asm.VPMOVM2Q, x86asm.VPBROADCASTMB2Q, x86asm.VPBROADCASTMW2D:
		return true // It shows the mask, which is an operand, as a write mask.
	case x86asm.VCVTPS2PD, x86asm.VCVTSS2SD:
		return x.SAE // It shows a rounding mode.
	}
	if e.vex || e.opmap != after0F {
		return false
	}
	// It does not look at the prefix that makes another instruction of these.
	prefixes, _, _ := bytes.Cut(e.data, []byte{0x0f})
	rep := slices.Contains(prefixes, 0xf3)
	prefixed := rep || slices.Contains(prefixes, 0xf2) || slices.Contains(prefixes, 0x66)
	register, reg := e.modrm>>6 == 3, e.modrm>>3&7
	switch e.opcode {
	case 0x09: // wbnoinvd
		return rep
	case 0xae: // clflushopt, clwb, tpause and more, but not rdfsbase to wrgsbase
		return prefixed && !(rep && register && reg < 4)
	case 0xc7: // senduipi, rdpid, vmptrld; it does not show the operand of rdrand
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

// repair corrects the operands of x. x86asm does not extend the sign of a
// displacement of 32 bits, forgets that the one of a VEX or EVEX instruction
// may count from rip, and shows a 256-bit register in 128-bit conversions of
// AVX-512. repair returns a displacement from rip.
func repair(x *x86asm.Inst, e *encoding) (disp uint64, ok bool) {
	if e.opmap == primary && e.opcode&^3 == 0xa0 { // mov with an address of 64 bits
		return 0, false
	}
	narrow := e.data[0] == 0x62 && e.data[3]&0x70 == 0 // EVEX.L'L and EVEX.b
	for n, arg := range x.Args {
		switch arg := arg.(type) {
		case x86asm.Reg:
			if narrow && x86asm.Y0 <= arg && arg <= x86asm.Y31 {
				x.Args[n] = arg - x86asm.Y0 + x86asm.X0
			}
		case x86asm.Mem:
			arg.Disp = int64(int32(arg.Disp))
			if e.vex && e.modrm&0xc7 == 0x05 {
				arg.Base = x86asm.RIP
			}
			if arg.Base == x86asm.RIP {
				disp, ok = uint64(arg.Disp), true
			}
			x.Args[n] = arg
		}
	}
	return disp, ok
}

// spellings are the names that assemblers use, for those of XED.
var spellings = func() *strings.Replacer {
	pairs := []string{"mmx", "mm", "cmpsd_xmm", "cmpsd", "vpextrw_c5", "vpextrw", "fcmov", "fcmov"}
	for _, op := range []string{"j", "set", "cmov"} {
		for from, to := range map[string]string{"nbe": "a", "nb": "ae", "nle": "g", "nl": "ge", "nz": "ne", "z": "e"} {
			pairs = append(pairs, op+from+" ", op+to+" ")
		}
	}
	return strings.NewReplacer(pairs...)
}()

// intelSyntax returns the Intel syntax of XED as assemblers take it.
func intelSyntax(x *x86asm.Inst, _ *encoding, addr uint64) string {
	s := spellings.Replace(x86asm.IntelSyntax(*x, addr, nil))
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

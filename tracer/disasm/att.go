package disasm

import (
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// ATT returns the text of i in AT&T syntax, as objdump writes it and GNU's
// assembler takes it. Symbols are shown as by Decode, and so are bytes that
// are no instruction or one that is not known.
func (i *Inst) ATT(sym Symbols) string {
	e, err := parse(i.Data)
	if err != nil {
		return bytesText(i.Data)
	}
	return render(i, &e, sym, attSyntax)
}

// A marker stands for a displacement that x86asm would not show as objdump does.
const marker = 1 << 40

var (
	// In 64-bit mode an operand of 64 bits goes without saying in these.
	wide = regexp.MustCompile(`\b(?:(l?call|enter|l?jmp|leave|popf?|pushf?|ret|xbegin)q|([ls][gi]dt)[lqw])\b`)
	// An index that is not multiplied, behind which objdump shows that.
	unscaled = regexp.MustCompile(`(,%[a-z0-9]+)\)`)

	attSpellings = strings.NewReplacer("cdqe", "cltq", "icebp", "int1", "addr64 ", "addr32 ", "vpextrw_c5", "vpextrw", " {", "{")
)

// attSyntax returns x in GNU's syntax as objdump writes it.
func attSyntax(x *x86asm.Inst, e *encoding, addr uint64) string {
	var disp uint64
	var marked, segment bool
	for n, arg := range x.Args {
		m, ok := arg.(x86asm.Mem)
		if !ok {
			continue
		}
		if m.Index == 0 {
			m.Scale = 0 // There would be an index that does not exist, %riz.
		}
		// An address is not negative, and x86asm shows no zero.
		absolute := m.Base == 0 && m.Index == 0
		if mod := e.modrm >> 6; absolute || m.Disp == 0 && (mod == 1 || mod == 2 || m.Base == 0 || m.Base == x86asm.RIP) {
			disp, m.Disp, marked = uint64(m.Disp), marker, true
		}
		segment = segment || m.Segment != 0
		x.Args[n] = m
	}
	vex := false
	for n, p := range x.Prefix {
		// REX tells nothing else, and parts of VEX would be taken for segments.
		hide := p.IsREX() || vex && p != 0
		switch p &^ x86asm.PrefixIgnored {
		case x86asm.PrefixCS, x86asm.PrefixDS, x86asm.PrefixES, x86asm.PrefixSS,
			x86asm.PrefixDataSize, x86asm.PrefixData16, x86asm.PrefixData32:
			hide = true // It has no effect, or the suffix tells it.
		case x86asm.PrefixFS, x86asm.PrefixGS:
			hide = hide || segment
		}
		if hide {
			x.Prefix[n] |= x86asm.PrefixImplicit
		}
		vex = vex || p.IsVEX() || p.IsEVEX()
	}
	s := x86asm.GNUSyntax(*x, addr, nil)
	if marked {
		s = strings.Replace(s, fmt.Sprintf("%#x", marker), fmt.Sprintf("%#x", disp), 1)
	}
	s = wide.ReplaceAllString(unscaled.ReplaceAllString(s, "$1,1)"), "$1$2")
	op := strings.ToLower(x.Op.String())
	if name := attName(x, e, op); name != "" {
		prefixes, rest, _ := strings.Cut(s, op)
		if _, operands, ok := strings.Cut(rest, " "); ok {
			name += " " + operands
		}
		s = prefixes + name
	}
	return attSpellings.Replace(s)
}

// attName returns the mnemonic of x, called op without a suffix, if x86asm does
// not give it the name or the suffix that GNU's tools do.
func attName(x *x86asm.Inst, e *encoding, op string) string {
	switch x.Op {
	case x86asm.ANDN, x86asm.BEXTR, x86asm.BLSI, x86asm.BLSMSK, x86asm.BLSR, x86asm.BZHI, x86asm.MULX, x86asm.PDEP, x86asm.PEXT,
		x86asm.RORX, x86asm.SARX, x86asm.SHLX, x86asm.SHRX: // The registers tell the size.
		return op
	case x86asm.CRC32:
		if _, ok := x.Args[1].(x86asm.Reg); ok {
			return op
		}
	case x86asm.FIADD, x86asm.FICOM, x86asm.FICOMP, x86asm.FIDIV, x86asm.FIDIVR, x86asm.FILD, x86asm.FIMUL, x86asm.FIST, x86asm.FISTP,
		x86asm.FISTTP, x86asm.FISUB, x86asm.FISUBR:
		if x.MemBytes == 2 {
			return op + "s"
		}
	case x86asm.LRET:
		if x.DataSize == 32 {
			return "lret"
		}
	case x86asm.MOV: // with an immediate or an address of 64 bits
		if e.opmap == primary && !e.addr32 && (e.opcode&^3 == 0xa0 || e.opcode&^7 == 0xb8 && x.DataSize == 64) {
			return "movabs"
		}
	case x86asm.MOVSXD:
		if x.DataSize == 64 {
			return "movslq"
		}
	case x86asm.SYSEXIT, x86asm.SYSRET:
		if x.DataSize == 64 {
			return op + "q"
		}
		return op + "l"
	case x86asm.VCVTNEPS2BF16, x86asm.VCVTPD2DQ, x86asm.VCVTPD2PS, x86asm.VCVTPD2UDQ, x86asm.VCVTQQ2PS, x86asm.VCVTTPD2DQ,
		x86asm.VCVTTPD2UDQ, x86asm.VCVTUQQ2PS:
		switch x.MemBytes { // The destination does not tell the size.
		case 16:
			return op + "x"
		case 32:
			return op + "y"
		}
		return op
	case x86asm.VCVTUSI2SD, x86asm.VCVTUSI2SS:
		switch x.MemBytes {
		case 4:
			return op + "l"
		case 8:
			return op + "q"
		}
	case x86asm.VFPCLASSPH:
		switch x.MemBytes {
		case 16:
			return op + "x"
		case 32:
			return op + "y"
		case 64:
			return op + "z"
		}
	}
	return ""
}

package disasm

import (
	"errors"

	"github.com/tracelark/tracelark/tracer/arch"
)

// An encoding is an instruction taken apart as far as its length and its
// control flow ask for (SDM volume 2, chapter 2).
type encoding struct {
	data   []byte // the whole instruction
	opmap  opmap
	vex    bool // VEX, EVEX or XOP
	opcode byte
	modrm  byte // 0 if there is none
	rel    int  // size of a branch's displacement, which ends the instruction, or 0
	disp   int  // where the displacement of an operand relative to rip stands, or 0
	addr32 bool // addresses are cut off at 32 bits

	// What operands in memory ask for:
	modAt      int      // where the ModRM byte stands, or 0
	segment    arch.Reg // whose base is added to addresses, or NoReg
	rexX, rexB byte     // 8 if they extend an index or a base, or else 0
	rep        byte     // f2 or f3, as a prefix or as VEX has it, or 0
	wide       bool     // REX.W
	short      bool     // the operand size prefix without that
	evex       bool
}

// An opmap is a table of opcodes, numbered as VEX, EVEX and XOP number them.
type opmap uint8

const (
	primary   opmap = 0
	after0F   opmap = 1
	after0F38 opmap = 2
	after0F3A opmap = 3
	evexMap5  opmap = 5
	evexMap6  opmap = 6
	xopMap8   opmap = 8
	xopMap9   opmap = 9
	xopMapA   opmap = 10
)

// Forms of what follows the opcodes of the first two maps (SDM volume 2,
// appendix A):
//
//	.  nothing
//	m  ModRM
//	b  8-bit immediate      B  and ModRM
//	z  32-bit immediate     Z  and ModRM; 16-bit with the operand size prefix
//	v  32-bit immediate; 64-bit with REX.W, 16-bit with the operand size prefix
//	w  16-bit immediate
//	e  16-bit and 8-bit immediate
//	a  address
//	s  8-bit displacement of a branch
//	j  32-bit displacement of a branch, whatever the prefixes; AMD's
//	   processors take one of 16 bits after the operand size prefix
//	t  ModRM, and an 8-bit immediate if it is that of TEST
//	T  ModRM, and an immediate like z if it is that of TEST
//	c  ModRM of a control register, whose mod field does not matter
//	!  no instruction of 64-bit mode, or a prefix
var forms = [...]string{
	primary: "" +
		/* 0 */ "mmmmbz!!mmmmbz!!" +
		/* 1 */ "mmmmbz!!mmmmbz!!" +
		/* 2 */ "mmmmbz!!mmmmbz!!" +
		/* 3 */ "mmmmbz!!mmmmbz!!" +
		/* 4 */ "!!!!!!!!!!!!!!!!" +
		/* 5 */ "................" +
		/* 6 */ "!!!m!!!!zZbB...." +
		/* 7 */ "ssssssssssssssss" +
		/* 8 */ "BZ!Bmmmmmmmmmmmm" +
		/* 9 */ "..........!....." +
		/* A */ "aaaa....bz......" +
		/* B */ "bbbbbbbbvvvvvvvv" +
		/* C */ "BBw.!!BZe.w..b!." +
		/* D */ "mmmm!!!.mmmmmmmm" +
		/* E */ "ssssbbbbjj!s...." +
		/* F */ "!.!!..tT......mm",
	after0F: "" +
		/* 0 */ "mmmm!.....!.!m.B" +
		/* 1 */ "mmmmmmmmmmmmmmmm" +
		/* 2 */ "cccc!!!!mmmmmmmm" +
		/* 3 */ "......!.!!!!!!!!" +
		/* 4 */ "mmmmmmmmmmmmmmmm" +
		/* 5 */ "mmmmmmmmmmmmmmmm" +
		/* 6 */ "mmmmmmmmmmmmmmmm" +
		/* 7 */ "BBBBmmm.mm!!mmmm" +
		/* 8 */ "jjjjjjjjjjjjjjjj" +
		/* 9 */ "mmmmmmmmmmmmmmmm" +
		/* A */ "...mBmmm...mBmmm" +
		/* B */ "mmmmmmmmmmBmmmmm" +
		/* C */ "mmBmBBBm........" +
		/* D */ "mmmmmmmmmmmmmmmm" +
		/* E */ "mmmmmmmmmmmmmmmm" +
		/* F */ "mmmmmmmmmmmmmmmm",
}

// xbegin is the ModRM byte that makes C7 a branch.
const xbegin = 0xf8

// form returns the form of an opcode.
func (e *encoding) form() byte {
	switch e.opmap {
	case primary:
		return forms[primary][e.opcode]
	case after0F:
		f := forms[after0F][e.opcode]
		switch {
		case !e.vex, f == 'm', f == 'B', e.opcode == 0x77: // vzeroupper
			return f
		case e.opcode == 0x7a, e.opcode == 0x7b: // conversions of AVX-512
			return 'm'
		}
	case after0F38, evexMap5, evexMap6, xopMap9:
		return 'm'
	case after0F3A, xopMap8:
		return 'B'
	case xopMapA:
		return 'Z'
	}
	return '!'
}

// maxLen is the length of the longest instruction (SDM volume 2, 2.3.11).
const maxLen = 15

var (
	errTruncated = errors.New("truncated instruction")
	errInvalid   = errors.New("invalid instruction")
)

// parse takes apart the instruction that data begins with.
func parse(data []byte) (encoding, error) {
	s := scanner{data: data}
	e := encoding{segment: NoReg}
	var opsize, rexW bool
	op := s.next()
prefixes:
	for ; ; op = s.next() {
		switch op {
		case 0x66:
			opsize = true
		case 0x67:
			e.addr32 = true
		case 0xf2, 0xf3:
			e.rep = op
		case 0x64:
			e.segment = arch.FSBase
		case 0x65:
			e.segment = arch.GSBase
		case 0xf0, 0x26, 0x2e, 0x36, 0x3e: // lock, and segments whose base is 0
		default:
			break prefixes
		}
		if s.pos > maxLen {
			return e, errInvalid
		}
	}
	if op&0xf0 == 0x40 {
		rexW = op&8 != 0
		e.rexX, e.rexB = op&2<<2, op&1<<3
		op = s.next()
	}
	switch {
	case op == 0x0f:
		e.opmap = after0F
		switch op = s.next(); op {
		case 0x38:
			e.opmap, op = after0F38, s.next()
		case 0x3a:
			e.opmap, op = after0F3A, s.next()
		}
	case op == 0xc5: // VEX of two bytes
		e.rep = vexRep[s.next()&3]
		e.vex, e.opmap, op = true, after0F, s.next()
	case op == 0xc4, op == 0x8f && s.peek()&0x1f >= byte(xopMap8): // VEX of three bytes, XOP
		e.extend(s.peek())
		e.vex, e.opmap = true, opmap(s.next()&0x1f)
		e.rep = vexRep[s.next()&3]
		op = s.next()
	case op == 0x62: // EVEX
		e.extend(s.peek())
		e.vex, e.evex, e.opmap = true, true, opmap(s.next()&0x0f)
		e.rep = vexRep[s.next()&3]
		s.next()
		op = s.next()
	}
	e.opcode, e.wide, e.short = op, rexW, opsize && !rexW

	size := 4 // of an immediate
	if e.short {
		size = 2
	}
	modAt := s.pos
	switch form := e.form(); form {
	case '!':
		if !s.short {
			return e, errInvalid
		}
	case 'm':
		e.modrm = s.operand()
		if e.opmap == after0F && !e.vex && op == 0x78 && (opsize || e.rep == 0xf2) { // extrq, insertq
			s.pos += 2
		}
	case 'c':
		e.modrm = s.next()
	case 'B':
		e.modrm = s.operand()
		s.pos++
	case 'Z':
		e.modrm = s.operand()
		if e.opmap == primary && op == 0xc7 && e.modrm == xbegin {
			e.rel = size
		} else {
			s.pos += size
		}
	case 't', 'T':
		e.modrm = s.operand()
		if e.modrm>>3&7 <= 1 {
			if form == 't' {
				size = 1
			}
			s.pos += size
		}
	case 'b':
		s.pos++
	case 'w':
		s.pos += 2
	case 'e':
		s.pos += 3
	case 'z':
		s.pos += size
	case 'v':
		if rexW {
			size = 8
		}
		s.pos += size
	case 'a':
		s.pos += 8
		if e.addr32 {
			s.pos -= 4
		}
	case 's':
		e.rel = 1
	case 'j':
		e.rel = 4
	}
	s.pos += e.rel
	switch {
	case s.pos > maxLen:
		return e, errInvalid
	case s.pos > len(data):
		return e, errTruncated
	}
	e.data, e.disp = data[:s.pos], s.disp
	if s.operands {
		e.modAt = modAt
	}
	return e, nil
}

// vexRep is the prefix that stands for the field pp of VEX and EVEX.
var vexRep = [...]byte{0, 0, 0xf3, 0xf2}

// extend takes the inverted bits X and B from a byte of VEX or EVEX.
func (e *encoding) extend(b byte) { e.rexX, e.rexB = ^b>>3&8, ^b>>2&8 }

// A scanner reads the bytes of an instruction.
type scanner struct {
	data  []byte
	pos   int
	short bool // data ended before pos
	disp  int  // as encoding.disp

	operands bool // a ModRM byte names some
}

// next returns the next byte, or 0 if there is none.
func (s *scanner) next() byte {
	b := s.peek()
	s.pos++
	return b
}

// peek returns the next byte, which stays to be read.
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	s.short = true
	return 0
}

// operand reads a ModRM byte with its SIB byte and displacement, and returns
// the former (SDM volume 2, 2.1.5).
func (s *scanner) operand() byte {
	s.operands = true
	modrm := s.next()
	mod, rm := modrm>>6, modrm&7
	if mod == 0 && rm == 5 {
		s.disp = s.pos
	}
	if mod != 3 && rm == 4 {
		rm = s.next() & 7 // the base; 5 is none if mod is 0
	}
	switch {
	case mod == 1:
		s.pos++
	case mod == 2, mod == 0 && rm == 5:
		s.pos += 4
	}
	return modrm
}

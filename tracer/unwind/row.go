package unwind

import (
	"fmt"

	"github.com/tracelark/tracelark/tracer/arch"
)

// A row holds the rules for the pcs from lo to hi (DWARF 5, 6.4.1).
type row struct {
	lo, hi uint64
	fde    fde
	rules
}

// rules recover the caller's registers.
type rules struct {
	cfa  rule // inRegister or valExpression
	regs [arch.NumDWARF]rule
}

// A rule says how to find a caller's register.
type rule struct {
	kind   ruleKind
	reg    uint8 // DWARF number
	offset int64 // added to the CFA or to reg
	expr   span
}

type ruleKind uint8

const (
	unspecified   ruleKind = iota // as the ABI says
	undefined                     // lost
	atCFA                         // in memory at the CFA plus offset
	isCFA                         // the CFA plus offset
	inRegister                    // reg plus offset
	expression                    // in memory at the address that expr computes
	valExpression                 // the value that expr computes
)

// Call frame instructions (DWARF 5, 6.4.2 and 7.24). The first three keep an
// operand in their low six bits.
const (
	cfaAdvanceLoc = 0x40
	cfaOffset     = 0x80
	cfaRestore    = 0xc0

	cfaNop              = 0x00
	cfaSetLoc           = 0x01
	cfaAdvanceLoc1      = 0x02
	cfaAdvanceLoc2      = 0x03
	cfaAdvanceLoc4      = 0x04
	cfaOffsetExtended   = 0x05
	cfaRestoreExtended  = 0x06
	cfaUndefined        = 0x07
	cfaSameValue        = 0x08
	cfaRegister         = 0x09
	cfaRememberState    = 0x0a
	cfaRestoreState     = 0x0b
	cfaDefCFA           = 0x0c
	cfaDefCFARegister   = 0x0d
	cfaDefCFAOffset     = 0x0e
	cfaDefCFAExpression = 0x0f
	cfaExpression       = 0x10
	cfaOffsetExtendedSF = 0x11
	cfaDefCFASF         = 0x12
	cfaDefCFAOffsetSF   = 0x13
	cfaValOffset        = 0x14
	cfaValOffsetSF      = 0x15
	cfaValExpression    = 0x16

	cfaMIPSAdvanceLoc8           = 0x1d
	cfaGNUArgsSize               = 0x2e
	cfaGNUNegativeOffsetExtended = 0x2f
)

// maxProgram bounds a program, in bytes. It runs anew for every pc, and takes
// about ten bytes for the prologue and epilogue of a function.
const maxProgram = 1 << 20

// maxRemembered bounds the stack of DW_CFA_remember_state; compilers use one
// level or two.
const maxRemembered = 16

// row returns the row of f that holds for pc.
func (f *fde) row(pc uint64) (*row, error) {
	for _, program := range []span{f.cie.program, f.program} {
		if n := program.end - program.begin; n > maxProgram {
			return nil, fmt.Errorf("%s+%#x: %d bytes of call frame instructions", f.sec.name, program.begin, n)
		}
	}
	r := &row{lo: f.lo, hi: f.hi, fde: *f}
	m := machine{reader: f.sec.reader(f.cie.program), row: r}
	m.run(pc)
	m.initial = r.rules
	r.lo, r.hi = f.lo, f.hi
	m.off, m.end = f.program.begin, f.program.end
	m.run(pc)
	if m.err != nil {
		return nil, m.err
	}
	return r, nil
}

// A machine runs call frame instructions.
type machine struct {
	reader
	row        *row
	initial    rules // as the CIE's program left them
	remembered []rules
}

// run runs the program up to its end or that of the row of pc.
func (m *machine) run(pc uint64) {
	for m.err == nil && m.off < m.end {
		at := m.off
		op := m.uint(1)
		switch low := op & 0x3f; op &^ 0x3f {
		case cfaAdvanceLoc:
			m.advance(low, pc)
			continue
		case cfaOffset:
			m.set(low, rule{kind: atCFA, offset: m.factored()})
			continue
		case cfaRestore:
			m.restore(low)
			continue
		}
		switch op {
		case cfaNop:
		case cfaSetLoc:
			m.move(m.pointer(m.row.fde.cie.encoding), pc)
		case cfaAdvanceLoc1:
			m.advance(m.uint(1), pc)
		case cfaAdvanceLoc2:
			m.advance(m.uint(2), pc)
		case cfaAdvanceLoc4:
			m.advance(m.uint(4), pc)
		case cfaMIPSAdvanceLoc8:
			m.advance(m.uint(8), pc)

		case cfaDefCFA:
			m.defCFA(m.uleb(), int64(m.uleb()))
		case cfaDefCFASF:
			m.defCFA(m.uleb(), m.factoredSigned())
		case cfaDefCFARegister:
			m.defCFA(m.uleb(), m.row.cfa.offset)
		case cfaDefCFAOffset:
			m.row.cfa.offset = int64(m.uleb())
		case cfaDefCFAOffsetSF:
			m.row.cfa.offset = m.factoredSigned()
		case cfaDefCFAExpression:
			m.row.cfa = rule{kind: valExpression, expr: m.block()}

		case cfaUndefined:
			m.set(m.uleb(), rule{kind: undefined})
		case cfaSameValue:
			reg := m.uleb()
			m.set(reg, rule{kind: inRegister, reg: uint8(reg)})
		case cfaOffsetExtended:
			m.set(m.uleb(), rule{kind: atCFA, offset: m.factored()})
		case cfaOffsetExtendedSF:
			m.set(m.uleb(), rule{kind: atCFA, offset: m.factoredSigned()})
		case cfaGNUNegativeOffsetExtended:
			m.set(m.uleb(), rule{kind: atCFA, offset: -m.factored()})
		case cfaValOffset:
			m.set(m.uleb(), rule{kind: isCFA, offset: m.factored()})
		case cfaValOffsetSF:
			m.set(m.uleb(), rule{kind: isCFA, offset: m.factoredSigned()})
		case cfaRegister:
			reg, from := m.uleb(), m.uleb()
			if from < arch.NumDWARF {
				m.set(reg, rule{kind: inRegister, reg: uint8(from)})
			} else {
				m.set(reg, rule{kind: undefined}) // a vector register
			}
		case cfaExpression:
			m.set(m.uleb(), rule{kind: expression, expr: m.block()})
		case cfaValExpression:
			m.set(m.uleb(), rule{kind: valExpression, expr: m.block()})
		case cfaRestoreExtended:
			m.restore(m.uleb())

		case cfaRememberState:
			if len(m.remembered) == maxRemembered {
				m.fail(at, "more than %d states remembered", maxRemembered)
				return
			}
			m.remembered = append(m.remembered, m.row.rules)
		case cfaRestoreState:
			n := len(m.remembered) - 1
			if n < 0 {
				m.fail(at, "no state to restore")
				return
			}
			m.row.rules, m.remembered = m.remembered[n], m.remembered[:n]

		case cfaGNUArgsSize: // matters to landing pads alone
			m.uleb()
		default:
			m.fail(at, "call frame instruction %#x", op)
		}
	}
}

// advance begins a new row delta units of code further on.
func (m *machine) advance(delta, pc uint64) { m.move(m.row.lo+delta*m.row.fde.cie.codeFactor, pc) }

// move begins a new row at loc, or ends the program if pc lies in the one at
// hand.
func (m *machine) move(loc, pc uint64) {
	switch {
	case loc < m.row.lo:
		m.fail(m.off, "location moves back from %#x to %#x", m.row.lo, loc)
	case loc > pc:
		m.row.hi = min(m.row.hi, loc)
		m.off = m.end
	default:
		m.row.lo = loc
	}
}

func (m *machine) factored() int64       { return int64(m.uleb()) * m.row.fde.cie.dataFactor }
func (m *machine) factoredSigned() int64 { return m.sleb() * m.row.fde.cie.dataFactor }

func (m *machine) defCFA(reg uint64, offset int64) {
	if reg >= arch.NumDWARF {
		m.fail(m.off, "CFA in DWARF register %d", reg)
		return
	}
	m.row.cfa = rule{kind: inRegister, reg: uint8(reg), offset: offset}
}

// set gives reg the rule r; registers outside the general set are ignored.
func (m *machine) set(reg uint64, r rule) {
	if reg < arch.NumDWARF {
		m.row.regs[reg] = r
	}
}

func (m *machine) restore(reg uint64) {
	if reg < arch.NumDWARF {
		m.row.regs[reg] = m.initial.regs[reg]
	}
}

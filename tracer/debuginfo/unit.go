package debuginfo

import (
	"debug/dwarf"
	"fmt"
	"sync"
	"sync/atomic"
)

// Types of units (DWARF 5, 7.5.1).
const (
	unitCompile      = 0x01
	unitType         = 0x02
	unitPartial      = 0x03
	unitSkeleton     = 0x04
	unitSplitCompile = 0x05
	unitSplitType    = 0x06
)

// A unit is what the compiler made of one source file, a part of that which
// others import, or a single type.
type unit struct {
	data      *Data
	sec       section
	index     int    // in data.units
	off       uint64 // of the header
	start     uint64 // of the first entry
	end       uint64 // behind the last entry
	version   int
	kind      int
	wide      bool
	abbrevOff uint64
	signature uint64 // of a type unit
	typeOff   uint64 // of the entry of its type
	splitID   uint64 // of a skeleton, and of the split unit that belongs to it
	base      contribution

	// What open finds out.
	once       sync.Once
	err        error
	abbrev     *abbrevTable
	tag        dwarf.Tag
	name       string
	dir        string
	language   uint64
	lowPC      uint64
	ranges     value // DW_AT_ranges
	highPC     value
	hasLow     bool
	lineOff    uint64
	hasLines   bool
	linesRead  atomic.Pointer[unitLines]
	strOffsets uint64
	addrBase   uint64
	rngBase    uint64
	locBase    uint64

	fill     func() error   // reads all of the unit
	code     func() []Range // see codeRanges
	treeOnce sync.Once
	tree     *tree
	walked   atomic.Bool // tree is there, and is the unit's own
	treed    atomic.Bool // tree is there

	outlineOnce sync.Once
	outline     []scope
	decls       sync.Map // offset of an entry → *FuncDecl

	split    *splitName            // of a skeleton: where its entries are
	join     func() (*unit, error) // of a skeleton: finds the unit with its entries
	skeleton atomic.Pointer[unit]  // of a split unit: what the linked file has of it
}

// maxUnitHeader is the size of the longest header, that of a type unit in the 64-bit
// format.
const maxUnitHeader = 40

func (u *unit) readHeader(r *reader) {
	u.wide = r.wide
	u.version = int(r.u16())
	if u.version < 2 || u.version > 5 {
		r.fail(int(u.off), "DWARF version %d, want 2 to 5", u.version)
		return
	}
	u.kind = unitCompile
	var addrSize uint8
	if u.version >= 5 {
		u.kind = int(r.u8())
		addrSize = r.u8()
		u.abbrevOff = r.offset()
	} else {
		u.abbrevOff = r.offset()
		addrSize = r.u8()
		if u.sec == secTypes {
			u.kind = unitType
		}
	}
	if addrSize != 8 && r.err == nil {
		r.fail(int(u.off), "addresses of %d bytes, want 8", addrSize)
	}
	switch u.kind {
	case unitType, unitSplitType:
		u.signature = r.u64()
		u.typeOff = u.off + r.offset()
	case unitSkeleton, unitSplitCompile:
		u.splitID = r.u64()
	}
}

// open reads the abbreviations and the first entry of a unit. It must have
// returned nil before entries are read.
func (u *unit) open() error {
	u.once.Do(func() {
		if u.err = u.readRoot(); u.err != nil {
			u.err = fmt.Errorf("%s: %w", u.data.name, u.err)
		}
	})
	return u.err
}

func (u *unit) readRoot() error {
	var err error
	if u.abbrev, err = u.data.abbrevTable(u); err != nil {
		return err
	}
	e, err := u.readEntry(u.start)
	if err != nil {
		return err
	}
	if e.ab == nil {
		return fmt.Errorf("%v+%#x: unit without an entry", u.sec, u.off)
	}
	u.tag = e.ab.tag
	// Where no base is given, the first table is meant; before DWARF 5, and in
	// split units, it has no header.
	if u.version >= 5 {
		header := uint64(8)
		if u.wide {
			header = 16
		}
		u.strOffsets, u.addrBase = header, header
		u.rngBase, u.locBase = header+4, header+4
	}
	for i, a := range e.ab.attrs {
		v := e.vals[i]
		switch a.attr {
		case dwarf.AttrStrOffsetsBase:
			u.strOffsets = v.u
		case dwarf.AttrAddrBase, attrGNUAddrBase:
			u.addrBase = v.u
		case dwarf.AttrRnglistsBase, attrGNURangesBase:
			u.rngBase = v.u
		case attrGNUDwoID:
			u.splitID = v.u
		case dwarf.AttrLoclistsBase:
			u.locBase = v.u
		case dwarf.AttrLanguage:
			u.language = v.u
		case dwarf.AttrStmtList:
			u.lineOff, u.hasLines = u.base.line+v.u, true
		case dwarf.AttrRanges:
			u.ranges = v
		case dwarf.AttrHighpc:
			u.highPC = v
		}
	}
	u.strOffsets += u.base.strOffsets
	if v := e.get(dwarf.AttrLowpc); !v.isZero() {
		u.lowPC, u.hasLow = u.addr(v)
	} else if s := u.skeleton.Load(); s != nil {
		u.lowPC, u.hasLow = s.lowPC, s.hasLow
	}
	u.name = u.str(e.get(dwarf.AttrName))
	u.dir = u.str(e.get(dwarf.AttrCompDir))
	if dwo := e.firstOf(dwarf.AttrDwoName, attrGNUDwoName); !dwo.isZero() && !e.ab.children && u.data.linked == nil {
		u.split = &splitName{u.str(dwo), u.dir}
	}
	return nil
}

package debuginfo

import (
	"debug/dwarf"
	"fmt"
)

// A form tells how an attribute's value is written (DWARF 5, 7.5.6).
type form uint32

const (
	formAddr          form = 0x01
	formBlock2        form = 0x03
	formBlock4        form = 0x04
	formData2         form = 0x05
	formData4         form = 0x06
	formData8         form = 0x07
	formString        form = 0x08
	formBlock         form = 0x09
	formBlock1        form = 0x0a
	formData1         form = 0x0b
	formFlag          form = 0x0c
	formSdata         form = 0x0d
	formStrp          form = 0x0e
	formUdata         form = 0x0f
	formRefAddr       form = 0x10
	formRef1          form = 0x11
	formRef2          form = 0x12
	formRef4          form = 0x13
	formRef8          form = 0x14
	formRefUdata      form = 0x15
	formIndirect      form = 0x16
	formSecOffset     form = 0x17
	formExprloc       form = 0x18
	formFlagPresent   form = 0x19
	formStrx          form = 0x1a
	formAddrx         form = 0x1b
	formRefSup4       form = 0x1c
	formStrpSup       form = 0x1d
	formData16        form = 0x1e
	formLineStrp      form = 0x1f
	formRefSig8       form = 0x20
	formImplicitConst form = 0x21
	formLoclistx      form = 0x22
	formRnglistx      form = 0x23
	formRefSup8       form = 0x24
	formStrx1         form = 0x25
	formStrx2         form = 0x26
	formStrx3         form = 0x27
	formStrx4         form = 0x28
	formAddrx1        form = 0x29
	formAddrx2        form = 0x2a
	formAddrx3        form = 0x2b
	formAddrx4        form = 0x2c
	formGNUAddrIndex  form = 0x1f01
	formGNUStrIndex   form = 0x1f02
	formGNURefAlt     form = 0x1f20
	formGNUStrpAlt    form = 0x1f21
)

// Attributes that package debug/dwarf does not name.
const (
	attrGNUDwoName          dwarf.Attr = 0x2130
	attrGNUDwoID            dwarf.Attr = 0x2131
	attrGNURangesBase       dwarf.Attr = 0x2132
	attrGNUAddrBase         dwarf.Attr = 0x2133
	attrMIPSLinkageName     dwarf.Attr = 0x2007
	attrGNUVector           dwarf.Attr = 0x2107
	attrGNUCallSiteValue    dwarf.Attr = 0x2111
	attrGNUCallSiteTarget   dwarf.Attr = 0x2113
	tagGNUCallSite          dwarf.Tag  = 0x4109
	tagGNUCallSiteParameter dwarf.Tag  = 0x410a
)

// A value is an attribute's value as it is written. What the forms that are
// indices or offsets stand for is found when it is asked for.
type value struct {
	form form
	u    uint64 // integer, offset, index or flag
	b    []byte // block, expression or string in place
}

// size returns the size of a form's value if it is the same everywhere in a
// unit, or -1.
func (f form) size(version int, wide bool) int {
	offset := 4
	if wide {
		offset = 8
	}
	switch f {
	case formFlagPresent, formImplicitConst:
		return 0
	case formData1, formFlag, formRef1, formStrx1, formAddrx1:
		return 1
	case formData2, formRef2, formStrx2, formAddrx2:
		return 2
	case formStrx3, formAddrx3:
		return 3
	case formData4, formRef4, formRefSup4, formStrx4, formAddrx4:
		return 4
	case formAddr, formData8, formRef8, formRefSig8, formRefSup8:
		return 8
	case formData16:
		return 16
	case formStrp, formLineStrp, formStrpSup, formSecOffset, formGNURefAlt, formGNUStrpAlt:
		return offset
	case formRefAddr:
		if version == 2 {
			return 8 // that of an address (DWARF 2, 7.5.4)
		}
		return offset
	}
	return -1
}

// value reads a value written as f; implicit is what the abbreviation has for
// DW_FORM_implicit_const.
func (r *reader) value(f form, implicit int64, version int) value {
	v := value{form: f}
	for f == formIndirect { // Each one takes a byte.
		f = form(r.uleb())
		v.form = f
	}
	switch f {
	case formFlagPresent:
		v.u = 1
	case formImplicitConst:
		v.form, v.u = formSdata, uint64(implicit)
	case formSdata:
		v.u = uint64(r.sleb())
	case formUdata, formRefUdata, formStrx, formAddrx, formLoclistx, formRnglistx, formGNUAddrIndex, formGNUStrIndex:
		v.u = r.uleb()
	case formString:
		v.b = r.str()
	case formBlock1:
		v.b = r.take(uint64(r.u8()))
	case formBlock2:
		v.b = r.take(uint64(r.u16()))
	case formBlock4:
		v.b = r.take(uint64(r.u32()))
	case formBlock, formExprloc:
		v.b = r.take(r.uleb())
	case formData16:
		v.b = r.take(16)
	default:
		size := f.size(version, r.wide)
		if size < 0 {
			r.fail(r.off, "unknown form %#x", uint32(f))
			break
		}
		v.u = r.uint(size)
	}
	return v
}

// skip moves past a value written as f.
func (r *reader) skip(f form, version int) {
	switch f {
	case formUdata, formSdata, formRefUdata, formStrx, formAddrx, formLoclistx, formRnglistx:
		r.skipLEB()
	case formExprloc, formBlock:
		r.take(r.uleb())
	default:
		if size := f.size(version, r.wide); size >= 0 {
			r.take(uint64(size))
			return
		}
		r.value(f, 0, version)
	}
}

// isBlock reports whether v is an expression or other bytes in place.
func (v value) isBlock() bool {
	switch v.form {
	case formExprloc, formBlock, formBlock1, formBlock2, formBlock4:
		return true
	}
	return false
}

// isConst reports whether v is of class constant. Before DWARF 4 two forms of
// constants served as offsets too (DWARF 3, 7.5.4), which the attribute tells.
func (v value) isConst() bool {
	switch v.form {
	case formData1, formData2, formData4, formData8, formSdata, formUdata:
		return true
	}
	return false
}

// int returns a constant. Of those with a fixed size none says whether it is
// signed; producers write negative ones as DW_FORM_sdata.
func (v value) int() int64 { return int64(v.u) }

func (v value) isZero() bool { return v.form == 0 }

// str returns the string that v stands for. A bad one is the empty string, as
// is none: no name is worth failing for.
func (u *unit) str(v value) string { return string(u.strBytes(v)) }

func (u *unit) strBytes(v value) []byte {
	switch v.form {
	case formString:
		return v.b
	case formStrp:
		return u.data.string(secStr, v.u)
	case formLineStrp:
		return stringAt(u.data.section(secLineStr), v.u)
	case formStrpSup, formGNUStrpAlt:
		if sup := u.data.sup; sup != nil {
			return sup.string(secStr, v.u)
		}
	case formStrx, formStrx1, formStrx2, formStrx3, formStrx4, formGNUStrIndex:
		size := uint64(4)
		if u.wide {
			size = 8
		}
		offsets := u.data.section(secStrOffsets)
		if v.u > uint64(len(offsets)) {
			return nil
		}
		r := newReader(secStrOffsets, offsets, u.strOffsets+v.u*size)
		r.wide = u.wide
		off := r.offset()
		if r.err == nil {
			return u.data.string(secStr, off)
		}
	}
	return nil
}

// addr returns the address that v stands for.
func (u *unit) addr(v value) (uint64, bool) {
	switch v.form {
	case formAddr:
		return v.u, true
	case formAddrx, formAddrx1, formAddrx2, formAddrx3, formAddrx4, formGNUAddrIndex:
		return u.addrx(v.u)
	}
	return 0, false
}

// addrx returns an address of the unit's part of .debug_addr.
func (u *unit) addrx(index uint64) (uint64, bool) {
	if s := u.skeleton.Load(); s != nil {
		u = s
	}
	table := u.data.section(secAddr)
	if index > uint64(len(table)) {
		return 0, false
	}
	r := newReader(secAddr, table, u.addrBase+index*8)
	addr := r.u64()
	return addr, r.err == nil
}

// ref returns the entry that v refers to.
func (u *unit) ref(v value) (*unit, uint64, error) {
	switch v.form {
	case formRef1, formRef2, formRef4, formRef8, formRefUdata:
		if off := u.off + v.u; v.u < uint64(u.end) && off < u.end {
			return u, off, nil
		}
		return nil, 0, fmt.Errorf("%v+%#x: reference to %#x outside the unit", u.sec, u.off, v.u)
	case formRefAddr:
		return u.data.unitAt(u.base.info + v.u)
	case formRefSig8:
		return u.data.typeUnit(v.u)
	case formGNURefAlt, formRefSup4, formRefSup8:
		if u.data.sup == nil {
			return nil, 0, u.data.errNoSup()
		}
		return u.data.sup.unitAt(v.u)
	}
	return nil, 0, fmt.Errorf("%v+%#x: form %#x is no reference", u.sec, u.off, uint32(v.form))
}

package debuginfo

import "debug/dwarf"

// Kinds of entries of range lists (DWARF 5, 7.25).
const (
	rleEndOfList    = 0x00
	rleBaseAddressx = 0x01
	rleStartxEndx   = 0x02
	rleStartxLength = 0x03
	rleOffsetPair   = 0x04
	rleBaseAddress  = 0x05
	rleStartEnd     = 0x06
	rleStartLength  = 0x07
)

// ranges returns where the code of an entry is.
func (e *entry) ranges() []Range {
	low, ok := e.u.addr(e.get(dwarf.AttrLowpc))
	return e.u.rangesOf(e.get(dwarf.AttrRanges), low, ok, e.get(dwarf.AttrHighpc))
}

// rangesOf returns the ranges that the attributes of an entry say. Those of
// dropped code, empty ones and ones that cannot be read are left out.
func (u *unit) rangesOf(ranges value, low uint64, hasLow bool, high value) []Range {
	if !ranges.isZero() {
		return u.rangeList(ranges)
	}
	if !hasLow || high.isZero() {
		return nil
	}
	to, isAddr := u.addr(high)
	if !isAddr {
		to = low + high.u
	}
	return appendRange(nil, low, to)
}

func appendRange(list []Range, low, high uint64) []Range {
	if low == 0 || low >= tombstone || low >= high {
		return list
	}
	return append(list, Range{low, high})
}

// rangeList returns the list that v refers to. Real lists belong to one entry
// each. Were those of a hostile file read for each entry that shares one, time
// and memory would grow with the square of its size.
func (u *unit) rangeList(v value) []Range {
	d := u.data
	limit := 8*int64(len(d.section(secRnglists))+len(d.section(secRanges))) + 1<<20
	if d.rangesRead.Load() > limit {
		return nil
	}
	var list []Range
	if u.version < 5 {
		from, off := u, v.u
		if s := u.skeleton.Load(); s != nil { // its ranges are those of the linked file
			from, off = s, off+s.rngBase
		}
		list = from.oldRangeList(off)
	} else {
		list = u.newRangeList(v)
	}
	d.rangesRead.Add(int64(len(list)))
	return list
}

// newRangeList reads a list of .debug_rnglists.
func (u *unit) newRangeList(v value) []Range {
	off := u.base.rnglists + v.u
	data := u.data.section(secRnglists)
	if v.form == formRnglistx {
		// The offsets in front of the lists count from there.
		size := uint64(4)
		if u.wide {
			size = 8
		}
		if v.u > uint64(len(data)) {
			return nil
		}
		base := u.base.rnglists + u.rngBase
		r := newReader(secRnglists, data, base+v.u*size)
		r.wide = u.wide
		if off = base + r.offset(); r.err != nil {
			return nil
		}
	}
	r := newReader(secRnglists, data, off)
	base := u.lowPC
	var list []Range
	for r.err == nil {
		var low, high uint64
		ok := true
		switch kind := r.u8(); kind {
		case rleEndOfList:
			return list
		case rleBaseAddressx:
			base, _ = u.addrx(r.uleb())
			continue
		case rleStartxEndx:
			low, ok = u.addrx(r.uleb())
			high, _ = u.addrx(r.uleb())
		case rleStartxLength:
			low, ok = u.addrx(r.uleb())
			high = low + r.uleb()
		case rleOffsetPair:
			low, high = base+r.uleb(), base+r.uleb()
			ok = base < tombstone
		case rleBaseAddress:
			base = r.u64()
			continue
		case rleStartEnd:
			low, high = r.u64(), r.u64()
		case rleStartLength:
			low = r.u64()
			high = low + r.uleb()
		default:
			r.fail(r.off-1, "range list entry of kind %#x", kind)
		}
		if ok && r.err == nil {
			list = appendRange(list, low, high)
		}
	}
	return list
}

// oldRangeList reads a list of .debug_ranges (DWARF 4, 2.17.3).
func (u *unit) oldRangeList(off uint64) []Range {
	r := newReader(secRanges, u.data.section(secRanges), off)
	base := u.lowPC
	var list []Range
	for {
		low, high := r.u64(), r.u64()
		switch {
		case r.err != nil || low == 0 && high == 0:
			return list
		case low == ^uint64(0):
			base = high
		case low < high && base < tombstone:
			list = appendRange(list, base+low, base+high)
		}
	}
}

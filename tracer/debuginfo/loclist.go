package debuginfo

// Kinds of entries of location lists (DWARF 5, 7.7.3). GCC's pairs of view
// numbers may stand among them.
const (
	lleEndOfList       = 0x00
	lleBaseAddressx    = 0x01
	lleStartxEndx      = 0x02
	lleStartxLength    = 0x03
	lleOffsetPair      = 0x04
	lleDefaultLocation = 0x05
	lleBaseAddress     = 0x06
	lleStartEnd        = 0x07
	lleStartLength     = 0x08
	lleGNUViewPair     = 0x09
)

// A located is an expression and where it holds.
type located struct {
	Range
	isDefault bool // holds where no other one does
	expr      []byte
}

// locationAt returns the expression that v, an expression or a list of them,
// has at pc. Without one, found is false.
func (u *unit) locationAt(v value, pc uint64) (expr []byte, found bool, err error) {
	if v.isBlock() {
		return v.b, true, nil
	}
	err = u.locationList(v, func(l located) bool {
		if l.isDefault && !found || l.Contains(pc) {
			expr, found = l.expr, true
		}
		return l.isDefault || !found
	})
	if found {
		err = nil
	}
	return expr, found, err
}

// maxLocated is more than what is before the expression of an entry of a list.
const maxLocated = 64

// locationList calls f with the expressions of a list until it returns false.
func (u *unit) locationList(v value, f func(located) bool) error {
	sec, off := secLoclists, u.base.loc+v.u
	split := u.version < 5 && u.data.linked != nil
	switch {
	case split:
		sec = secLoc
	case u.version < 5:
		return u.oldLocationList(off, f)
	}
	data := u.data.section(sec)
	if data == nil {
		return u.data.errSection(sec)
	}
	if v.form == formLoclistx {
		size := uint64(4)
		if u.wide {
			size = 8
		}
		base := u.base.loc + u.locBase
		r := newReader(sec, data, base+min(v.u, uint64(len(data)))*size)
		r.wide = u.wide
		u.data.ahead(&r, size)
		if off = base + r.offset(); r.err != nil {
			return r.err
		}
	}
	r := newReader(sec, data, off)
	// In .debug_loc.dwo, as GCC and Clang wrote it for DWARF 4, the kinds are the first of
	// DWARF 5, but offsets and lengths have fixed sizes.
	length, size, last := r.uleb, r.uleb, uint8(lleGNUViewPair)
	if split {
		length = func() uint64 { return uint64(r.u32()) }
		size = func() uint64 { return uint64(r.u16()) }
		last = lleOffsetPair
	}
	base := u.lowPC
	for u.data.ahead(&r, maxLocated); r.err == nil; u.data.ahead(&r, maxLocated) {
		var l located
		kind := r.u8()
		if kind > last {
			r.fail(r.off-1, "location list entry of kind %#x", kind)
			break
		}
		switch kind {
		case lleEndOfList:
			return r.err
		case lleBaseAddressx:
			base, _ = u.addrx(r.uleb())
			continue
		case lleStartxEndx:
			l.Low, _ = u.addrx(r.uleb())
			l.High, _ = u.addrx(r.uleb())
		case lleStartxLength:
			l.Low, _ = u.addrx(r.uleb())
			l.High = l.Low + length()
		case lleOffsetPair:
			l.Low, l.High = base+length(), base+length()
		case lleDefaultLocation:
			l.isDefault = true
		case lleBaseAddress:
			base = r.u64()
			continue
		case lleStartEnd:
			l.Low, l.High = r.u64(), r.u64()
		case lleStartLength:
			l.Low = r.u64()
			l.High = l.Low + r.uleb()
		case lleGNUViewPair:
			r.skipLEB()
			r.skipLEB()
			continue
		}
		n := size()
		u.data.ahead(&r, n)
		l.expr = r.take(n)
		if r.err == nil && !f(l) {
			return nil
		}
	}
	return r.err
}

// oldLocationList reads a list of .debug_loc (DWARF 4, 2.6.2).
func (u *unit) oldLocationList(off uint64, f func(located) bool) error {
	data := u.data.section(secLoc)
	if data == nil {
		return u.data.errSection(secLoc)
	}
	r := newReader(secLoc, data, off)
	base := u.lowPC
	for {
		u.data.ahead(&r, maxLocated)
		low, high := r.u64(), r.u64()
		switch {
		case r.err != nil || low == 0 && high == 0:
			return r.err
		case low == ^uint64(0):
			base = high
			continue
		}
		l := located{Range: Range{base + low, base + high}}
		n := uint64(r.u16())
		u.data.ahead(&r, n)
		l.expr = r.take(n)
		if r.err == nil && !f(l) {
			return nil
		}
	}
}

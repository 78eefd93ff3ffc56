package arch

import "math/bits"

// This file finds the layout of XSAVE areas that another CPU has saved, such as
// those in a core.

// An XComponent is the place of a component of the extended state in XSAVE areas.
type XComponent struct {
	Number       int // SDM volume 1, 13.1
	Offset, Size int
}

// XLayoutOf returns the layout with the given components, in areas of size bytes.
func XLayoutOf(size int, components []XComponent) *XLayout {
	l := &XLayout{Size: size}
	for _, c := range components {
		if c.Number >= 0 && c.Number < len(l.offsets) && c.Offset >= header && c.Size > 0 {
			l.offsets[c.Number], l.sizes[c.Number] = c.Offset, c.Size
		}
	}
	return l
}

// Components returns the components that the layout has.
func (l *XLayout) Components() (list []XComponent) {
	for n, size := range l.sizes {
		if size > 0 {
			list = append(list, XComponent{n, l.offsets[n], size})
		}
	}
	return list
}

// knownLayouts are those of the CPUs of Intel and AMD, which differ in what comes
// behind AVX: the older ones of Intel leave room for MPX.
var knownLayouts = [][]XComponent{
	{{2, 576, 256}, {3, 960, 64}, {4, 1024, 64}, {5, 1088, 64}, {6, 1152, 512}, {7, 1664, 1024}, {9, 2688, 8}},
	{{2, 576, 256}, {5, 832, 64}, {6, 896, 512}, {7, 1408, 1024}, {9, 2432, 8}},
	{{2, 576, 256}, {9, 832, 8}},
}

// GuessXLayout returns the layout of an XSAVE area that comes without one: that of
// the known CPUs whose area has the same size for the components that are in use.
// AVX has the same place in all of them.
func GuessXLayout(area []byte) *XLayout {
	xcr0 := xcr0Of(area)
	for _, known := range knownLayouts {
		var used []XComponent
		end, found := header, xcr0&3
		for _, c := range known {
			if xcr0>>c.Number&1 != 0 {
				used = append(used, c)
				end = max(end, c.Offset+c.Size)
				found |= 1 << c.Number
			}
		}
		if end == len(area) && bits.OnesCount64(found) == bits.OnesCount64(xcr0) {
			return XLayoutOf(len(area), used)
		}
	}
	return XLayoutOf(len(area), knownLayouts[0][:1])
}

// NewFXState returns the state that an area of FXSAVE holds: x87 and SSE.
func NewFXState(area []byte) (*XState, error) {
	const components = 1<<x87 | 1<<sse
	whole := make([]byte, header)
	copy(whole, area)
	whole[inUseAt] = components
	clear(whole[xcr0At:inUseAt])
	whole[xcr0At] = components
	return NewXState(whole, &XLayout{Size: header})
}

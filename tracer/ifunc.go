//go:build linux && amd64

package tracer

import (
	"encoding/binary"

	"github.com/tracelark/tracelark/tracer/image"
)

// This file finds what an IFUNC stands for. Its symbol is that of a resolver, which
// the dynamic linker calls once to choose an implementation; calls go to where the
// relocated words of the global offset tables lead.

// implementation returns the address of the function that the resolver s has
// chosen, or of the resolver itself if no word tells yet. The words that the
// resolver's own file has are surest: others may mean another version of the name.
func (x *target) implementation(s image.Symbol) uint64 {
	img, ok := x.ImageAt(s.Addr)
	if !ok {
		return s.Addr
	}
	chosen := func(slots []uint64) (uint64, bool) {
		for _, slot := range slots {
			var word [8]byte
			if _, err := x.of.ReadAt(slot, word[:]); err != nil {
				continue
			}
			// A word that is not yet filled in leads to a stub.
			addr := binary.LittleEndian.Uint64(word[:])
			if target, _ := img.At(addr); img.Contains(addr) && x.executable(addr) && addr != s.Addr && target.Kind != image.PLT {
				return addr, true
			}
		}
		return 0, false
	}
	if addr, ok := chosen(img.ResolvedBy(s.Addr)); ok {
		return addr
	}
	if s.Compat {
		return s.Addr
	}
	for _, other := range x.images.sorted {
		if addr, ok := chosen(other.Slots(s.Name)); ok {
			return addr
		}
	}
	return s.Addr
}

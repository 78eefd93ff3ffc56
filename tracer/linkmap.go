//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"errors"
)

// Bounds on the lists of the dynamic linker: those of a broken program may go on for
// ever.
const (
	maxNamespaces = 1 << 8
	maxLinkMaps   = 1 << 14
)

// A reader reads the memory of a process.
type reader interface {
	ReadAt(addr uint64, buf []byte) (int, error)
}

// A linkMap is an entry of the dynamic linker's lists (struct link_map in link.h).
type linkMap struct {
	at      uint64 // its own address
	dynamic uint64 // that of the dynamic section
}

// linkMaps returns all that the dynamic linker has in its lists, one list for each namespace, in their order. debug is the address of
// its struct r_debug (link.h). settled is false if it is about to change a list.
func linkMaps(mem reader, debug uint64) (maps []linkMap, settled bool, err error) {
	settled = true
	for n := 0; debug != 0; n++ {
		if n == maxNamespaces {
			return nil, false, errors.New("the dynamic linker has too many namespaces")
		}
		// r_version, r_map at 8, r_brk, r_state at 24, r_ldbase, and from version 2
		// on r_next at 40.
		var r [48]byte
		if _, err := mem.ReadAt(debug, r[:40]); err != nil {
			return nil, false, err
		}
		if binary.LittleEndian.Uint32(r[:]) >= 2 {
			if _, err := mem.ReadAt(debug+40, r[40:]); err != nil {
				return nil, false, err
			}
		}
		settled = settled && binary.LittleEndian.Uint32(r[24:]) == 0
		debug = binary.LittleEndian.Uint64(r[40:])
		for at := binary.LittleEndian.Uint64(r[8:]); at != 0; {
			if len(maps) == maxLinkMaps {
				return nil, false, errors.New("the dynamic linker has too many libraries")
			}
			var m [32]byte // l_addr, l_name, l_ld at 16, l_next at 24
			if _, err := mem.ReadAt(at, m[:]); err != nil {
				return nil, false, err
			}
			maps = append(maps, linkMap{at, binary.LittleEndian.Uint64(m[16:])})
			at = binary.LittleEndian.Uint64(m[24:])
		}
	}
	return maps, settled, nil
}

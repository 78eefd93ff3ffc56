//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReach(t *testing.T) {
	p := launch(t, "loop", "1")
	area := inject(t, p.Thread(), unix.SYS_MMAP, Words(0, 4*pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uint64(0), 0)...)
	inject(t, p.Thread(), unix.SYS_MUNMAP, Words(area+pageSize, pageSize)...)
	put := func(at, word uint64) {
		t.Helper()
		if _, err := p.WriteAt(area+at, binary.LittleEndian.AppendUint64(nil, word)); err != nil {
			t.Fatal(err)
		}
	}
	block := func(at, size uint64) Block { return Block{area + at, size} }
	blocks := []Block{
		block(0x2100, 0x20), // by a root
		block(0x2000, 0x20), // by the one before, in the middle
		block(0x2040, 0x20), // by a word
		block(0x2080, 0x20), // by itself alone
		block(0x2200, 0x20), // by an address behind it
		block(0x2300, 0x20), // by one that is not at a multiple of eight
		block(0x2400, 0x10), // beside a hole in the roots
	}
	put(0x2108, area+0x2010)
	put(0x2088, area+0x2080)
	put(0x10, area+0x2100)
	put(0x18, area+0x2220)
	put(0x24, area+0x2300)
	put(0x3ff8, area+0x2400)
	roots := []Block{block(0, 2*pageSize), block(3*pageSize, pageSize)}
	got, err := p.Reach(blocks, roots, []uint64{area + 0x2040, 0, 1 << 63})
	if want := []Reached{AtStart, Inside, AtStart, Unreached, Unreached, Unreached, AtStart}; err != nil || !slices.Equal(got, want) {
		t.Errorf("Reach = %v, %v, want %v", got, err, want)
	}
	if got, err := p.Reach(nil, roots, nil); err != nil || len(got) != 0 {
		t.Errorf("Reach without blocks = %v, %v", got, err)
	}
	if _, err := p.Reach([]Block{block(0, 16), block(8, 16)}, nil, nil); err == nil {
		t.Error("blocks that overlap are no error")
	}
	p.tr.Interrupt()
	if _, err := p.Reach(blocks, roots, nil); err == nil {
		t.Error("an interrupt does not end it")
	}
	p.tr.ClearInterrupt()
}

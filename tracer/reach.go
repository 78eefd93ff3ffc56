//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"fmt"
	"sort"
)

// A Block is a part of memory.
type Block struct{ Addr, Size uint64 }

// A Reached tells how pointers lead to a block.
type Reached uint8

const (
	Unreached Reached = iota // none do
	Inside                   // only into the middle of it
	AtStart                  // to its first byte
)

// Reach finds out which blocks pointers lead to: words of memory, each at a multiple of
// eight, that are addresses in a block. They start from the memory in roots and from
// words, and go on through the blocks that they lead to. Any word counts that looks like
// an address. Memory that cannot be read has no pointers. The blocks must not overlap; the
// result is in their order.
func (x *target) Reach(blocks, roots []Block, words []uint64) ([]Reached, error) {
	if err := x.of.held(); err != nil {
		return nil, &Error{Op: "reach", TID: x.of.id(), Err: err}
	}
	r := &marking{in: x, reached: make([]Reached, len(blocks)), order: make([]int, len(blocks)), blocks: blocks}
	for i := range r.order {
		r.order[i] = i
	}
	sort.Slice(r.order, func(k, l int) bool { return blocks[r.order[k]].Addr < blocks[r.order[l]].Addr })
	for k, i := range r.order {
		if b := blocks[i]; b.Addr+b.Size < b.Addr || k+1 < len(r.order) && b.Addr+b.Size > blocks[r.order[k+1]].Addr {
			return nil, fmt.Errorf("reach: the block of %d bytes at %#x overlaps another one", b.Size, b.Addr)
		}
	}
	for _, w := range words {
		r.follow(w)
	}
	for _, root := range roots {
		if err := r.scan(root); err != nil {
			return nil, err
		}
	}
	for len(r.queue) > 0 {
		i := r.queue[len(r.queue)-1]
		r.queue = r.queue[:len(r.queue)-1]
		if err := r.scan(blocks[i]); err != nil {
			return nil, err
		}
	}
	return r.reached, nil
}

// A marking follows pointers.
type marking struct {
	in      *target
	blocks  []Block
	order   []int // the indexes of blocks, sorted by address
	reached []Reached
	queue   []int // indexes of blocks that are to be scanned
	window  [findChunk]byte
}

// follow notes where a word leads.
func (r *marking) follow(word uint64) {
	k := sort.Search(len(r.order), func(k int) bool { return r.blocks[r.order[k]].Addr > word }) - 1
	if k < 0 {
		return
	}
	i := r.order[k]
	b := r.blocks[i]
	if word-b.Addr >= b.Size && word != b.Addr {
		return
	}
	if r.reached[i] == Unreached {
		r.queue = append(r.queue, i)
		r.reached[i] = Inside
	}
	if word == b.Addr {
		r.reached[i] = AtStart
	}
}

// scan follows the words in a block of memory.
func (r *marking) scan(b Block) error {
	low, high := uint64(0), uint64(0) // where blocks are at all
	if n := len(r.order); n > 0 {
		last := r.blocks[r.order[n-1]]
		low, high = r.blocks[r.order[0]].Addr, last.Addr+last.Size
	}
	end := b.Addr + b.Size
	for at := (b.Addr + 7) &^ 7; at < end; {
		if r.in.tr.interrupted() {
			return &Error{Op: "reach", TID: r.in.of.id(), Err: ErrInterrupted}
		}
		window := r.window[:min(uint64(len(r.window)), end-at)]
		n, err := r.in.of.ReadAt(at, window)
		for ; len(window) >= 8 && n >= 8; n -= 8 {
			if word := binary.LittleEndian.Uint64(window); word-low <= high-low {
				r.follow(word)
			}
			window, at = window[8:], at+8
		}
		if err != nil {
			at = at&^(pageSize-1) + pageSize
		} else if at+8 > end {
			break
		}
	}
	return nil
}

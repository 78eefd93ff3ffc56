package triage

import (
	"slices"
	"sync"

	"github.com/tracelark/tracelark/tracer/image"
)

// A listing is the disassembly at an address, and what it depends on: the code, and the
// images with the symbols. Of thousands of crashes most are in few places.
type listing struct {
	code   string
	images []*image.File
	biases []uint64
	lines  []string
}

// maxListings bounds how many are kept.
const maxListings = 1024

// listings are those that were made lately, by address.
var listings listingCache

type listingCache struct {
	mu   sync.Mutex
	kept map[uint64]listing
}

// get returns the lines of the code at an address, which make makes if need be. They are
// not to be changed.
func (c *listingCache) get(addr uint64, code []byte, images []*image.Image, make func() []string) []string {
	var l listing
	for _, im := range images {
		l.images, l.biases = append(l.images, im.File), append(l.biases, im.Bias)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.kept[addr]; old.code == string(code) && slices.Equal(old.images, l.images) && slices.Equal(old.biases, l.biases) {
		return old.lines
	}
	l.code, l.lines = string(code), make()
	if c.kept == nil || len(c.kept) == maxListings {
		c.kept = map[uint64]listing{}
	}
	c.kept[addr] = l
	return l.lines
}

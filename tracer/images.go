//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"

	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// An imageCache holds what is mapped in a target. It is compared with the
// kernel's list once after each movement.
type imageCache struct {
	valid  bool
	epoch  uint64
	looks  int // how often it was compared
	maps   []procfs.Mapping
	sorted []*image.Image // by address
	images []*image.Image // by precedence

	names    map[uint64]image.Symbol // of code that comes from no file, by address
	named    []*image.Image          // what stands for images there, by address
	unloaded map[string]*image.Image // by path, those that are not mapped any more
	jumps    jumps                   // in images, or nil if that is not known

	// The files that stand for others, which UseDebug has made of them.
	given map[*image.File]*image.File
}

// Images returns the ELF files that are mapped for execution: the program first,
// then the libraries about in the order in which they were mapped, which is that
// of the dynamic linker's search, then the dynamic linker and the vdso.
func (x *target) Images() ([]*image.Image, error) {
	if err := x.updateImages(); err != nil {
		return nil, err
	}
	return slices.Concat(x.images.images, x.images.named), nil
}

// MainImage returns the image of the program.
func (x *target) MainImage() (*image.Image, error) {
	if err := x.updateImages(); err != nil {
		return nil, err
	}
	return x.images.images[0], nil
}

func (x *target) updateImages() error {
	c := &x.images
	if c.valid && c.epoch == x.of.epoch() {
		return nil
	}
	mapped, l, err := x.mapped()
	if err != nil {
		return err
	}
	// A heap that grows is no reason to look for files.
	if !c.valid || !sameCode(mapped, c.maps) {
		sorted := l.recall(x)
		if sorted == nil {
			sorted = image.FromMaps(mapped, x.of, x.of.open, c.fileOf)
			l.remember(sorted)
		}
		if len(sorted) == 0 {
			return &Error{Op: "images", TID: x.of.id(), Err: errors.New("no ELF file is mapped")}
		}
		for _, img := range sorted {
			if file := c.given[img.File]; file != nil {
				img.File = file
			}
		}
		c.keep(sorted)
		c.sorted, c.images, c.jumps = sorted, l.byPrecedence(x, sorted), nil
		c.named = nil
	}
	c.maps, c.valid, c.epoch = mapped, true, x.of.epoch()
	if c.named == nil && len(c.names) > 0 {
		c.nameCode()
	}
	return nil
}

// mapped returns what is mapped, and the layout that it is taken from, or nil.
func (x *target) mapped() ([]procfs.Mapping, *layout, error) {
	if p, ok := x.of.(*Process); ok {
		if l := p.layout(); l != nil {
			return l.maps, l, nil
		}
	}
	maps, err := x.of.Maps()
	return maps, nil, err
}

// mappings returns what Maps does, from the cache if the process has not moved since.
func (p *Process) mappings() ([]procfs.Mapping, error) {
	if c := &p.images; c.valid && c.epoch == p.epoch() {
		return c.maps, nil
	}
	return p.Maps()
}

// fileOf returns the file of a mapping that was there before, or nil.
func (c *imageCache) fileOf(m procfs.Mapping) *image.File {
	img := image.Find(c.sorted, m.Start)
	if img == nil || img.Path != m.Path || !slices.Contains(c.maps, m) {
		return nil
	}
	return img.File
}

// inherit takes over what is mapped in a process that this one is a copy of.
func (c *imageCache) inherit(from *imageCache) {
	*c = imageCache{valid: from.valid, epoch: ^uint64(0), looks: manyLooks, maps: from.maps, names: maps.Clone(from.names), given: maps.Clone(from.given)}
	copies := make(map[*image.Image]*image.Image) // each process marks its own as unloaded
	for _, img := range from.sorted {
		own := *img
		copies[img] = &own
		c.sorted = append(c.sorted, &own)
	}
	for _, img := range from.images {
		c.images = append(c.images, copies[img])
	}
}

// sameCode reports whether two lists agree in the mappings that can be executed.
func sameCode(a, b []procfs.Mapping) bool {
	for {
		i, j := slices.IndexFunc(a, executable), slices.IndexFunc(b, executable)
		if i < 0 || j < 0 {
			return i == j
		}
		if a[i] != b[j] {
			return false
		}
		a, b = a[i+1:], b[j+1:]
	}
}

func executable(m procfs.Mapping) bool { return m.Perms&procfs.X != 0 }

// keep replaces images by those that have stood for them, so that each is the same
// value as long as it is mapped, and marks those that are mapped no more.
func (c *imageCache) keep(now []*image.Image) {
	for _, old := range c.sorted {
		i := slices.IndexFunc(now, func(img *image.Image) bool {
			return img.Path == old.Path && img.Bias == old.Bias && img.Start == old.Start && img.End == old.End && sameFile(img.File, old.File)
		})
		if i >= 0 {
			now[i] = old
			continue
		}
		old.File, old.Err = nil, fmt.Errorf("%s was unloaded", old.Path)
		if c.unloaded == nil {
			c.unloaded = make(map[string]*image.Image)
		}
		c.unloaded[old.Path] = old
	}
	for _, img := range now {
		delete(c.unloaded, img.Path)
	}
}

// sameFile reports whether two files that are mapped at one address are the same, as
// far as their build IDs tell.
func sameFile(f, g *image.File) bool {
	return f == g || f != nil && g != nil && f.BuildID() == g.BuildID()
}

// isLibrary reports whether an image is neither of those that the kernel maps: the
// program, the dynamic linker and the vdso.
func (p *Process) isLibrary(img *image.Image) bool {
	auxv := p.auxv()
	return !img.Contains(auxv[procfs.AT_ENTRY]) && !img.Contains(auxv[procfs.AT_SYSINFO_EHDR]) && !img.Contains(auxv[procfs.AT_BASE])
}

// inLibrary reports whether any of the addresses is in a library.
func (p *Process) inLibrary(addrs []uint64) bool {
	images, _ := p.Images()
	return slices.ContainsFunc(images, func(img *image.Image) bool {
		return slices.ContainsFunc(addrs, img.Contains) && p.isLibrary(img)
	})
}

// byPrecedence orders images as the dynamic linker searches them. It maps each
// library below the one before.
func (x *target) byPrecedence(sorted []*image.Image) []*image.Image {
	auxv := x.of.auxv()
	images := slices.Clone(sorted)
	slices.Reverse(images)
	rank := func(img *image.Image) int {
		switch {
		case img.Contains(auxv[procfs.AT_ENTRY]):
			return 0
		case img.Contains(auxv[procfs.AT_SYSINFO_EHDR]):
			return 3
		case img.Contains(auxv[procfs.AT_BASE]):
			return 2
		}
		return 1
	}
	slices.SortStableFunc(images, func(a, b *image.Image) int { return rank(a) - rank(b) })
	return images
}

// ImageAt returns the image that is mapped at an address.
func (x *target) ImageAt(addr uint64) (*image.Image, bool) {
	if x.updateImages() != nil {
		return nil, false
	}
	img := image.Find(x.images.sorted, addr)
	if img == nil {
		img = image.Find(x.images.named, addr)
	}
	return img, img != nil
}

// NameCode gives names to code that comes from no file, as a compiler at run time makes
// it. They hold until exec; one at the same address takes the place of another. Those
// outside of memory that can be executed wait for it.
func (x *target) NameCode(symbols []image.Symbol) error {
	if err := x.of.held(); err != nil {
		return &Error{Op: "name code", TID: x.of.id(), Err: err}
	}
	c := &x.images
	if c.names == nil {
		c.names = make(map[uint64]image.Symbol)
	}
	for _, s := range symbols {
		c.names[s.Addr] = s
	}
	c.named, c.epoch = nil, ^uint64(0)
	return nil
}

// nameCode makes an image of each mapping that can be executed, comes from no file, and
// has names.
func (c *imageCache) nameCode() {
	addrs := slices.Sorted(maps.Keys(c.names))
	for _, m := range c.maps {
		first, _ := slices.BinarySearch(addrs, m.Start)
		end, _ := slices.BinarySearch(addrs, m.End)
		if first == end || !executable(m) || image.Find(c.sorted, m.Start) != nil {
			continue
		}
		var symbols []image.Symbol
		for _, addr := range addrs[first:end] {
			symbols = append(symbols, c.names[addr])
		}
		c.named = append(c.named, image.NewNamed(fmt.Sprintf("[code at %#x]", m.Start), m.Start, m.End, symbols))
	}
}

// SymbolAt returns the symbol that covers an address.
func (x *target) SymbolAt(addr uint64) (image.Symbol, bool) {
	img, ok := x.ImageAt(addr)
	if !ok {
		return image.Symbol{}, false
	}
	return img.At(addr)
}

// executable reports whether an address lies in memory that can be executed.
func (x *target) executable(addr uint64) bool {
	if x.updateImages() != nil {
		return false
	}
	maps := x.images.maps
	i := sort.Search(len(maps), func(i int) bool { return maps[i].End > addr })
	return i < len(maps) && maps[i].Start <= addr && maps[i].Perms&procfs.X != 0
}

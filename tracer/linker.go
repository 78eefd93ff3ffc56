//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tracelark/tracelark/tracer/image"
)

// This file follows the dynamic linker. It calls an empty function of its own,
// _dl_debug_state, whenever it has changed the list of libraries (glibc's
// elf/dl-debug.c, struct r_debug in link.h).

// linker returns the image of the dynamic linker.
func (p *Process) linker() (*image.Image, error) {
	images, err := p.Images()
	if err != nil {
		return nil, err
	}
	if images[0].File != nil && images[0].File.Interp() == "" {
		return nil, errors.New("the program is linked statically and loads none")
	}
	for _, img := range images[1:] {
		if len(img.Lookup("_dl_debug_state")) > 0 {
			return img, nil
		}
	}
	return nil, fmt.Errorf("no dynamic linker with _dl_debug_state is mapped")
}

// watchLinker makes the process notice libraries that are loaded and unloaded.
func (p *Process) watchLinker() error {
	if p.linkHook != nil {
		return nil
	}
	img, err := p.linker()
	if err != nil {
		return &Error{Op: "watch for libraries", TID: p.PID, Err: err}
	}
	addr := img.Lookup("_dl_debug_state")[0].Addr
	b := &Breakpoint{p: p, addr: addr, internal: true, addrs: []uint64{addr}}
	b.handler = p.linked
	if err := p.plant(addr, b); err != nil {
		return err
	}
	p.linkHook = b
	if !p.loading {
		_, _, err = p.compareLibraries(img)
	}
	return err
}

// linked is called when the dynamic linker has changed the list of libraries, or
// is about to.
func (p *Process) linked(stop *Stop) (surface bool, err error) {
	if p.stillLoading() {
		return false, nil
	}
	img, err := p.linker()
	if err != nil {
		return false, err
	}
	loaded, unloaded, err := p.compareLibraries(img)
	if err != nil {
		return false, &Error{Op: "compare libraries", TID: p.PID, Err: err}
	}
	for _, img := range unloaded {
		if err := p.retract(img); err != nil {
			return false, err
		}
	}
	if err := p.resolvePending(); err != nil {
		return false, err
	}
	for _, change := range []struct {
		reason Reason
		images []*image.Image
	}{{ReasonUnload, unloaded}, {ReasonLoad, loaded}} {
		switch {
		case len(change.images) == 0 || !p.wants(change.reason, 0):
		case !surface:
			surface, stop.change, stop.Libraries = true, change.reason, change.images
		default: // a library took the place of another
			stop.Thread.pending = &Stop{Reason: change.reason, Process: p, Thread: stop.Thread, Libraries: change.images}
		}
	}
	return surface, nil
}

// compareLibraries takes in what the dynamic linker has in its lists and returns what
// has come and gone since it was called last.
func (p *Process) compareLibraries(linker *image.Image) (loaded, unloaded []*image.Image, err error) {
	debug := linker.Lookup("_r_debug")
	if len(debug) == 0 {
		return nil, nil, fmt.Errorf("%s has no symbol _r_debug", linker.Name())
	}
	maps, settled, err := linkMaps(p, debug[0].Addr)
	if err != nil || !settled {
		return nil, nil, err
	}
	libraries := make(map[uint64]*image.Image)
	for _, m := range maps {
		addr := m.dynamic
		if libraries[addr] != nil {
			continue // in several namespaces
		}
		if img := p.libraries[addr]; img != nil && img.Err == nil {
			libraries[addr] = img
		} else if img, ok := p.ImageAt(addr); ok && p.isLibrary(img) {
			libraries[addr] = img
			loaded = append(loaded, img)
		}
	}
	for addr, img := range p.libraries {
		if libraries[addr] != img {
			unloaded = append(unloaded, img)
		}
	}
	slices.SortFunc(unloaded, func(a, b *image.Image) int { return strings.Compare(a.Path, b.Path) })
	p.libraries = libraries
	return loaded, unloaded, nil
}

// retract takes breakpoints and watchpoints out of a library that was unloaded. They
// wait for it to be loaded again.
func (p *Process) retract(img *image.Image) error {
	for addr := range p.sites {
		if img.Contains(addr) {
			delete(p.sites, addr)
		}
	}
	for _, b := range p.placed() {
		n := len(b.addrs)
		b.addrs = slices.DeleteFunc(b.addrs, img.Contains)
		maps.DeleteFunc(b.raised, func(addr, _ uint64) bool { return img.Contains(addr) })
		if len(b.addrs) == n || !b.hardware {
			continue
		}
		err := p.disclaim(b)
		for _, addr := range b.addrs {
			if err == nil {
				err = b.plant(addr)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// placed returns all breakpoints, those of watchpoints included.
func (p *Process) placed() []*Breakpoint {
	all := p.Breakpoints()
	for _, w := range p.watchpoints {
		all = append(all, w.b)
	}
	return all
}

// An anchor is a place in an image, wherever that is mapped.
type anchor struct {
	path   string
	offset uint64 // an address of the file
}

// anchor returns the place of an address, or nil if that is in no image.
func (p *Process) anchor(addr uint64) *anchor {
	img, ok := p.ImageAt(addr)
	if !ok {
		return nil
	}
	return &anchor{img.Path, addr - img.Bias}
}

// whereIs returns the address of an anchor; ok is false if its image is not mapped.
func (p *Process) whereIs(a *anchor) (addr uint64, ok bool) {
	images, err := p.Images()
	if err != nil {
		return 0, false
	}
	for _, img := range images {
		if img.Path == a.path && img.Err == nil {
			return img.Bias + a.offset, true
		}
	}
	return 0, false
}

// resolvePending puts breakpoints and watchpoints in place whose location has become
// known, and those that lie where another place may be meant by now.
func (p *Process) resolvePending() error {
	p.tr.patient = true // nothing would ask again
	defer func() { p.tr.patient = false }()
	for _, b := range p.placed() {
		if b.loose {
			for _, addr := range b.addrs {
				if err := b.unplant(addr); err != nil {
					return err
				}
			}
			b.addrs = nil
		}
		if b.Pending() && (b.Location != "" || b.anchor != nil) {
			var none *NotFoundError
			if err := b.resolve(); err != nil && !errors.As(err, &none) {
				return err
			}
		}
	}
	return nil
}

// stillLoading reports whether the dynamic linker has not yet mapped the
// libraries that the program needs.
func (p *Process) stillLoading() bool {
	if !p.loading {
		return false
	}
	img, err := p.linker()
	if err != nil {
		return true
	}
	debug := img.Lookup("_r_debug")
	if len(debug) == 0 {
		p.loading = false
		return false
	}
	var r [32]byte // r_version, r_map at 8, r_brk, r_state at 24
	if _, err := p.ReadAt(debug[0].Addr, r[:]); err != nil {
		return true
	}
	p.loading = binary.LittleEndian.Uint64(r[8:]) == 0 || binary.LittleEndian.Uint32(r[24:]) != 0
	return p.loading
}

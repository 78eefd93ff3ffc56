//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"errors"
	"fmt"

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
	for _, img := range images[1:] {
		if len(img.Lookup("_dl_debug_state")) > 0 {
			return img, nil
		}
	}
	return nil, fmt.Errorf("no dynamic linker with _dl_debug_state is mapped")
}

// watchLinker makes the process notice libraries that are loaded.
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
	return nil
}

// linked is called when the dynamic linker has changed the list of libraries, or
// is about to.
func (p *Process) linked(*Stop) (surface bool, err error) {
	if p.stillLoading() {
		return false, nil
	}
	return p.wants(ReasonLoad, 0), p.resolvePending()
}

// resolvePending puts breakpoints in place whose location has become known.
func (p *Process) resolvePending() error {
	for _, b := range p.breakpoints {
		if b.Pending() && b.Location != "" {
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

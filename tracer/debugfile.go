//go:build linux && amd64

package tracer

import (
	"fmt"

	"github.com/tracelark/tracelark/tracer/image"
)

// UseDebug has an image take its debug information, and its symbols if there are any,
// from the file at path, as image.File.WithDebug does, whenever it is mapped in this
// target. Other targets that have the same file do not see it. If img is nil the image is
// the one that the file matches; force needs an img. It returns the image.
func (x *target) UseDebug(path string, img *image.Image, force bool) (*image.Image, error) {
	img, err := x.useDebug(path, img, force)
	if err != nil {
		return nil, &Error{Op: "use debug", TID: x.of.id(), Err: err}
	}
	return img, nil
}

// UseDebug does that, and sets the breakpoints that wait for a name which is known now.
func (p *Process) UseDebug(path string, img *image.Image, force bool) (*image.Image, error) {
	img, err := p.target.UseDebug(path, img, force)
	if err != nil {
		return nil, err
	}
	return img, p.resolvePending()
}

func (x *target) useDebug(path string, img *image.Image, force bool) (*image.Image, error) {
	if err := x.of.held(); err != nil {
		return nil, err
	}
	debug, err := image.Open(path)
	if err != nil {
		return nil, err
	}
	if err := x.updateImages(); err != nil {
		return nil, err
	}
	c := &x.images
	if img == nil {
		if img, err = c.matching(debug); err != nil {
			return nil, err
		}
	}
	if img.File == nil {
		return nil, img.Err
	}
	old := img.File
	file, err := old.WithDebug(debug, force)
	if err != nil {
		return nil, fmt.Errorf("%s is not for %s: %w", path, img.Path, err)
	}
	opened := old
	for first, given := range c.given {
		if given == old {
			opened = first
		}
	}
	if c.given == nil {
		c.given = make(map[*image.File]*image.File)
	}
	c.given[opened], c.jumps = file, nil
	for _, each := range c.sorted {
		if each.File == old {
			each.File = file
		}
	}
	return img, nil
}

// matching returns the image that a file of debug information was made of.
func (c *imageCache) matching(debug *image.File) (*image.Image, error) {
	var found *image.Image
	for _, img := range c.images {
		if img.File == nil || img.File.Matches(debug) != nil {
			continue
		}
		if found != nil && found.File != img.File {
			return nil, fmt.Errorf("%s matches %s and %s: say for which image it is", debug.Name(), found.Path, img.Path)
		}
		found = img
	}
	if found == nil {
		return nil, fmt.Errorf("%s matches no file that is mapped: say for which image it is, and force it", debug.Name())
	}
	return found, nil
}

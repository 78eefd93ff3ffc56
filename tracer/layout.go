//go:build linux && amd64

package tracer

import (
	"bytes"
	"slices"

	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// A layout is what a process was once found to have mapped. A program that is launched
// again, at the same addresses, has the same at the same places of its run: to compare
// what the kernel writes takes less than to parse it, or to ask for each mapping, and to
// look for files.
type layout struct {
	text  []byte           // of /proc/PID/maps
	maps  []procfs.Mapping // not to be changed
	files []int            // of each image its mapping in maps

	images []image.Image // by address, or nil
	order  []int         // of images, by precedence, or nil
}

// layouts are those that were found last.
type layouts struct {
	recent [8]*layout
	next   int
	buf    []byte
}

// manyLooks is how often it is looked at a program for a layout: what runs for longer is
// at other places each time.
const manyLooks = 4

// read returns the layout of a process.
func (ls *layouts) read(pid int) (*layout, error) {
	var err error
	if ls.buf, err = procfs.Read(pid, "maps", ls.buf[:0]); err != nil {
		return nil, err
	}
	for _, l := range ls.recent {
		if l != nil && bytes.Equal(l.text, ls.buf) {
			return l, nil
		}
	}
	maps, err := procfs.ParseMaps(ls.buf)
	if err != nil {
		return nil, err
	}
	l := &layout{text: slices.Clone(ls.buf), maps: maps}
	ls.recent[ls.next] = l
	ls.next = (ls.next + 1) % len(ls.recent)
	return l, nil
}

// layout returns the layout of a process that was launched not long ago, or nil.
func (p *Process) layout() *layout {
	p.images.looks++
	if !p.launched || p.images.looks > manyLooks || len(p.annexes) > 0 || p.held() != nil {
		return nil
	}
	l, err := p.tr.layouts.read(p.task())
	if err != nil {
		return nil // Maps says why
	}
	return l
}

// remember keeps the images that were found in a layout, by address. There may be none.
func (l *layout) remember(images []*image.Image) {
	if l == nil {
		return
	}
	l.images, l.files, l.order = nil, nil, nil
	for _, img := range images {
		file := slices.IndexFunc(l.maps, func(m procfs.Mapping) bool { return executable(m) && m.Path == img.Path && img.Contains(m.Start) })
		if img.Err != nil || file < 0 || l.maps[file].Deleted {
			l.images = nil
			return
		}
		l.images = append(l.images, *img)
		l.files = append(l.files, file)
	}
}

// recall returns what remember was given, or nil unless the files are still those. The
// vdso comes from the kernel, and so is the same.
func (l *layout) recall(x *target) (images []*image.Image) {
	if l == nil {
		return nil
	}
	for i := range l.images {
		img, m := l.images[i], l.maps[l.files[i]]
		if m.Path[0] == '/' && x.images.fileOf(m) != img.File {
			if file, err := x.of.open(m); err != nil || file != img.File {
				return nil
			}
		}
		images = append(images, &img)
	}
	return images
}

// byPrecedence orders the images of a layout, or of none, as the target's method does.
func (l *layout) byPrecedence(x *target, sorted []*image.Image) []*image.Image {
	if l == nil || l.order == nil {
		images := x.byPrecedence(sorted)
		for i := 0; l != nil && i < len(images); i++ {
			l.order = append(l.order, slices.Index(sorted, images[i]))
		}
		return images
	}
	images := make([]*image.Image, len(sorted))
	for i, k := range l.order {
		images[i] = sorted[k]
	}
	return images
}

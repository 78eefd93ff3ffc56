package debuginfo

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
)

// Ranges returns a reader of the section called name, and its size, for one that can
// be read in parts: it is stored as it is. The size of any other is 0.
type Ranges func(name string) (r io.ReaderAt, size int64)

// pageSize is how much of a section is read at once. A unit has some pages. Tests make
// it smaller.
var pageSize uint64 = 32 << 10

// pages is a section of which only those parts are read that are needed. A large
// allocation that is never touched takes no time and no memory, so that its bytes
// can stand where they would if all were read.
type pages struct {
	r    io.ReaderAt
	data []byte
	have []atomic.Bool  // by page
	busy [16]sync.Mutex // held while a page is read, by its number modulo 16
}

func newPages(r io.ReaderAt, size int64) *pages {
	return &pages{r: r, data: make([]byte, size), have: make([]atomic.Bool, (uint64(size)+pageSize-1)/pageSize)}
}

// need reads the pages of [low, high) that have not been read. What lies outside of
// the section does not matter.
func (p *pages) need(low, high uint64) error {
	high = min(high, uint64(len(p.data)))
	if low >= high {
		return nil
	}
	for i := low / pageSize; i <= (high-1)/pageSize; i++ {
		if !p.have[i].Load() {
			if err := p.read(i); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *pages) read(i uint64) error {
	mu := &p.busy[i%uint64(len(p.busy))]
	mu.Lock()
	defer mu.Unlock()
	if p.have[i].Load() {
		return nil // another goroutine has read it meanwhile
	}
	page := p.data[i*pageSize : min((i+1)*pageSize, uint64(len(p.data)))]
	if n, err := p.r.ReadAt(page, int64(i*pageSize)); n < len(page) {
		return fmt.Errorf("read %d bytes at offset %#x: %w", len(page), i*pageSize, err)
	}
	p.have[i].Store(true)
	return nil
}

// need reads what [low, high) of a section lacks.
func (d *Data) need(s section, low, high uint64) error {
	d.section(s)
	p := d.sections[s].pages
	if p == nil {
		return nil
	}
	err := p.need(low, high)
	if err != nil {
		err = fmt.Errorf("%s: %v: %w", d.name, s, err)
		d.fail(err)
	}
	return err
}

// head returns the bytes at off, as many as the header of a unit may have. Of a section
// that is read in parts they are read for themselves.
func (d *Data) head(s section, off uint64) ([]byte, error) {
	data := d.section(s)
	end := min(off+maxUnitHeader, uint64(len(data)))
	p := d.sections[s].pages
	if p == nil {
		return data[off:end], nil
	}
	head := make([]byte, end-off)
	if n, err := p.r.ReadAt(head, int64(off)); n < len(head) {
		return nil, fmt.Errorf("%s: %v: read %d bytes at offset %#x: %w", d.name, s, len(head), off, err)
	}
	return head, nil
}

// needLarge prepares for reading all of a section: in large pages of memory that takes half
// the time. The kernel gives them where nothing has been read yet, if at all.
func (d *Data) needLarge(s section) {
	d.section(s)
	if p := d.sections[s].pages; p != nil {
		syscall.Madvise(p.data, syscall.MADV_HUGEPAGE)
	}
}

// fail records why a section, or a part of one, cannot be read.
func (d *Data) fail(err error) { d.failed.CompareAndSwap(nil, &err) }

// string returns the string at off in a section, without the zero byte at its end.
func (d *Data) string(s section, off uint64) []byte {
	data := d.section(s)
	if d.sections[s].pages == nil || off >= uint64(len(data)) {
		return stringAt(data, off)
	}
	for end := off; end < uint64(len(data)); {
		end = min((end/pageSize+1)*pageSize, uint64(len(data)))
		if d.need(s, off, end) != nil {
			return nil
		}
		if text := stringAt(data[:end], off); text != nil {
			return text
		}
	}
	return nil
}

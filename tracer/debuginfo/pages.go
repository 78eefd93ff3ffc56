package debuginfo

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
)

// Ranges returns a reader of the section called name, and its size, for one that need not
// be read as a whole: it is read where needed if r is an io.ReaderAt, otherwise from its
// start as far as needed, as one that is compressed. The size of any other is 0.
type Ranges func(name string) (r io.Reader, size int64)

// A part is a section of which no more is read than is needed.
type part interface {
	// need reads what [low, high) lacks. What lies outside of the section does not matter.
	need(low, high uint64) error
	// head returns the bytes of [low, high), which are few.
	head(low, high uint64) ([]byte, error)
}

// pageSize is how much of a section is read at once. A unit has some pages. Tests make
// it smaller.
var pageSize uint64 = 32 << 10

// pages is a section of which those pages are read that are needed. A large
// allocation that is never touched takes no time and no memory, so that its bytes
// can stand where they would if all were read.
type pages struct {
	r    io.ReaderAt
	data []byte
	have []atomic.Bool  // by page
	busy [16]sync.Mutex // held while a page is read, by its number modulo 16
}

func newPages(r io.ReaderAt, data []byte) *pages {
	return &pages{r: r, data: data, have: make([]atomic.Bool, (uint64(len(data))+pageSize-1)/pageSize)}
}

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

// head reads the bytes for themselves.
func (p *pages) head(low, high uint64) ([]byte, error) {
	head := make([]byte, high-low)
	if n, err := p.r.ReadAt(head, int64(low)); n < len(head) {
		return nil, fmt.Errorf("read %d bytes at offset %#x: %w", len(head), low, err)
	}
	return head, nil
}

// A stream is a section that is read from its start as far as it is needed.
type stream struct {
	data []byte
	done atomic.Uint64 // how much of it has been read
	mu   sync.Mutex    // guards what follows
	r    io.Reader
	err  error
}

func (s *stream) need(low, high uint64) error {
	high = min(high, uint64(len(s.data)))
	if low >= high || high <= s.done.Load() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	done := s.done.Load()
	if high <= done || s.err != nil {
		return s.err
	}
	high = min((high+pageSize-1)/pageSize*pageSize, uint64(len(s.data)))
	n, err := io.ReadFull(s.r, s.data[done:high])
	if err != nil {
		s.err = fmt.Errorf("read %d bytes at offset %#x: %w", high-done, done, err)
	}
	s.done.Store(done + uint64(n))
	return s.err
}

func (s *stream) head(low, high uint64) ([]byte, error) { return s.data[low:high], s.need(low, high) }

// need reads what [low, high) of a section lacks.
func (d *Data) need(s section, low, high uint64) error {
	d.section(s)
	p := d.sections[s].part
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

// ahead reads what the section lacks of the next n bytes of r.
func (d *Data) ahead(r *reader, n uint64) {
	if at := uint64(r.base + r.off); r.err == nil {
		if r.err = d.need(r.sec, at, at+n); r.err != nil {
			r.off = r.end
		}
	}
}

// head returns the bytes at off, as many as the header of a unit may have.
func (d *Data) head(s section, off uint64) ([]byte, error) {
	data := d.section(s)
	end := min(off+maxUnitHeader, uint64(len(data)))
	p := d.sections[s].part
	if p == nil {
		return data[off:end], nil
	}
	head, err := p.head(off, end)
	if err != nil {
		err = fmt.Errorf("%s: %v: %w", d.name, s, err)
		d.fail(err)
	}
	return head, err
}

// needLarge prepares for reading all of a section: in large pages of memory that takes half
// the time. The kernel gives them where nothing has been read yet, if at all.
func (d *Data) needLarge(s section) {
	if data := d.section(s); d.sections[s].part != nil {
		syscall.Madvise(data, syscall.MADV_HUGEPAGE)
	}
}

// fail records why a section, or a part of one, cannot be read.
func (d *Data) fail(err error) { d.failed.CompareAndSwap(nil, &err) }

// string returns the string at off in a section, without the zero byte at its end.
func (d *Data) string(s section, off uint64) []byte {
	data := d.section(s)
	if d.sections[s].part == nil || off >= uint64(len(data)) {
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

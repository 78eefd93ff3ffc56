//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"strings"

	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

// This file has breakpoints at the probes that programs bring with them (sys/sdt.h).

// isProbe reports whether a location has the form of a probe's name: PROVIDER:NAME, with
// an image and "!" before it or not.
func isProbe(loc string) bool {
	provider, name, ok := strings.Cut(loc[strings.IndexByte(loc, '!')+1:], ":")
	return ok && provider != "" && name != "" && !strings.ContainsAny(provider, "./<( ") && !strings.ContainsAny(name, ":/<(. ")
}

// probes returns the addresses of the probes that a location names, in all images that
// it allows.
func (x *target) probes(loc string) ([]uint64, error) {
	images, name, err := x.imagesOf(loc)
	if err != nil {
		return nil, err
	}
	var addrs []uint64
	for _, img := range images {
		for _, probe := range img.MatchProbes(name) {
			addrs = append(addrs, probe.Addr)
		}
	}
	if len(addrs) == 0 {
		return nil, &NotFoundError{Name: loc, what: "symbol or probe", early: x.early(), near: func() []string {
			return image.Near(name, func(yield func(string) bool) {
				for _, img := range images {
					for _, probe := range img.MatchProbes("*") {
						if !yield(probe.String()) {
							return
						}
					}
				}
			})
		}}
	}
	return addrs, nil
}

// ProbeAt returns the probe at an address, and the image that it is in.
func (x *target) ProbeAt(addr uint64) (image.Probe, *image.Image, bool) {
	img, ok := x.ImageAt(addr)
	if !ok {
		return image.Probe{}, nil, false
	}
	probe, ok := img.ProbeAt(addr)
	return probe, img, ok
}

// raise counts the breakpoint among those who look at the probe at addr, if it was set
// on one by name.
func (b *Breakpoint) raise(addr uint64) error {
	if !isProbe(b.Location) {
		return nil
	}
	probe, _, ok := b.p.ProbeAt(addr)
	if !ok || probe.Semaphore == 0 {
		return nil
	}
	if err := count(b.p.readRaw, b.p.writeRaw, probe.Semaphore, 1); err != nil {
		return &Error{Op: "raise semaphore", TID: b.p.PID, Addr: probe.Semaphore, At: true, Err: err}
	}
	if b.raised == nil {
		b.raised = make(map[uint64]uint64)
	}
	b.raised[addr] = probe.Semaphore
	return nil
}

// lower undoes raise, in memory that may be another process's by now. A semaphore that
// is gone, or that the program has set to 0, is left alone.
func (b *Breakpoint) lower(p *Process, addr uint64) {
	if semaphore, ok := b.raised[addr]; ok {
		count(p.readRaw, p.writeRaw, semaphore, -1)
		delete(b.raised, addr)
	}
}

// lowerAll lowers what all breakpoints of the process have raised.
func (p *Process) lowerAll(in *Process) {
	for _, b := range p.breakpoints {
		for addr := range b.raised {
			b.lower(in, addr)
		}
	}
}

// lowerIn lowers what breakpoints have raised in the memory of a child, which has a copy
// of it.
func (p *Process) lowerIn(mem int) {
	read := func(addr uint64, buf []byte) (int, error) { return ptrace.Pread(mem, addr, buf) }
	write := func(addr uint64, data []byte) error {
		_, err := ptrace.Pwrite(mem, addr, data)
		return err
	}
	for _, q := range append(p.sharers(), p) {
		for _, b := range q.breakpoints {
			for _, semaphore := range b.raised {
				count(read, write, semaphore, -1)
			}
		}
	}
}

// count adds 1 or -1 to the semaphore at addr.
func count(read func(uint64, []byte) (int, error), write func(uint64, []byte) error, addr uint64, by int) error {
	var word [2]byte
	if n, err := read(addr, word[:]); n < len(word) {
		return err
	}
	n := int(binary.LittleEndian.Uint16(word[:])) + by
	if n < 0 {
		return nil
	}
	binary.LittleEndian.PutUint16(word[:], uint16(n))
	return write(addr, word[:])
}

//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/image"
)

// This file finds thread-local variables (ELF Handling For Thread-Local Storage,
// variant II; what libthread_db does for glibc).

// errNoThread is the error for a thread-local variable of a process that is asked for
// without a thread.
var errNoThread = errors.New("a thread-local variable needs a thread: ask a frame or thread for it")

// tls returns the address of what is at offset in the thread-local storage of an
// image, for a thread whose fs_base is base.
func (x *target) tls(img *image.Image, base, offset uint64) (uint64, error) {
	if img.File == nil {
		return 0, img.Err
	}
	size, align, ok := img.File.TLS()
	if !ok {
		return 0, fmt.Errorf("%s has no thread-local storage", img.Name())
	}
	if offset > size {
		return 0, fmt.Errorf("offset %#x is outside of the thread-local storage of %s", offset, img.Name())
	}
	main, err := x.MainImage()
	if err != nil {
		return 0, err
	}
	if img == main { // its block lies right below the thread's base
		if align > 1 && align&(align-1) == 0 {
			size = (size + align - 1) &^ (align - 1)
		}
		return base - size + offset, nil
	}
	module, err := x.tlsModule(img)
	if err != nil {
		return 0, fmt.Errorf("thread-local storage of %s: %w", img.Name(), err)
	}
	dtv, err := x.wordAt(base + 8)
	if err != nil {
		return 0, err
	}
	// Each entry is 16 bytes; the one before the first is the number of them.
	count, err := x.wordAt(dtv - 16)
	if err != nil {
		return 0, err
	}
	block := ^uint64(0)
	if module <= count {
		if block, err = x.wordAt(dtv + 16*module); err != nil {
			return 0, err
		}
	}
	if block == ^uint64(0) || block == 0 {
		// The dynamic linker allocates it when it is used first.
		return 0, &debuginfo.AbsentError{Reason: fmt.Sprintf("the thread has not used the thread-local storage of %s yet", img.Name())}
	}
	return block + offset, nil
}

func (x *target) wordAt(addr uint64) (uint64, error) {
	var b [8]byte
	_, err := x.of.ReadAt(addr, b[:])
	return binary.LittleEndian.Uint64(b[:]), err
}

// tlsModule returns the number by which the dynamic linker knows the thread-local
// storage of a library. Where its struct link_map has that, libc.so.6 tells debuggers.
func (x *target) tlsModule(img *image.Image) (uint64, error) {
	debug, err := x.symbols("_r_debug")
	if err != nil {
		return 0, err
	}
	field, err := x.symbols("_thread_db_link_map_l_tls_modid")
	if err != nil {
		return 0, errors.New("only that of glibc is known")
	}
	var desc [12]byte // bits, number of elements, offset
	if _, err := x.of.ReadAt(field[0].Addr, desc[:]); err != nil {
		return 0, err
	}
	maps, _, err := linkMaps(x.of, debug[0].Addr)
	if err != nil {
		return 0, err
	}
	for _, m := range maps {
		if img.Contains(m.dynamic) {
			module, err := x.wordAt(m.at + uint64(binary.LittleEndian.Uint32(desc[8:])))
			if err == nil && module == 0 {
				err = errors.New("it has not been set up yet")
			}
			return module, err
		}
	}
	return 0, errors.New("the dynamic linker does not list it")
}

// fsBase returns where a thread's own storage is.
func fsBase(t owner) (uint64, error) {
	if t == nil {
		return 0, errNoThread
	}
	regs, err := t.Regs()
	if err != nil {
		return 0, err
	}
	if regs[arch.FSBase] == 0 {
		return 0, errors.New("the thread has no storage of its own yet: its program has not set it up")
	}
	return regs[arch.FSBase], nil
}

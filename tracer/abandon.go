//go:build linux && amd64

package tracer

import (
	"sync"

	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

// A salvage knows the int3s in the processes that were attached to, for Abandon. Only a
// movement of the tracer's thread adds to it, but another reads it.
type salvage struct {
	mu     sync.Mutex
	places map[*Process]wreck
}

// A wreck is what to put back into the memory that a file is of.
type wreck struct {
	mem   int
	saved map[uint64]byte // by address
}

// note records that p has an int3 at addr, where saved was.
func (v *salvage) note(p *Process, addr uint64, saved byte) {
	if p.launched {
		return // it dies with us
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	w, ok := v.places[p]
	if !ok {
		w = wreck{p.memory(), make(map[uint64]byte)}
		if v.places == nil {
			v.places = make(map[*Process]wreck)
		}
		v.places[p] = w
	}
	w.saved[addr] = saved
}

// forget records that p has none at addr.
func (v *salvage) forget(p *Process, addr uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.places[p].saved, addr)
}

// drop forgets the memory of p, whose file is to be closed.
func (v *salvage) drop(p *Process) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.places, p)
}

// Abandon takes the breakpoints in memory out of the processes that were attached to, for
// a program that ends at once because the tracer's goroutine is busy for good. The kernel
// then lets those processes go. Watchpoints and breakpoints in hardware remain, and all
// breakpoints where the kernel lets nobody but a tracer's thread write code. It may be called from any goroutine.
func (tr *Tracer) Abandon() {
	tr.salvage.mu.Lock()
	defer tr.salvage.mu.Unlock()
	for _, w := range tr.salvage.places {
		for addr, saved := range w.saved {
			var code [1]byte
			if n, _ := ptrace.Pread(w.mem, addr, code[:]); n == 1 && code[0] == int3 {
				ptrace.Pwrite(w.mem, addr, []byte{saved})
			}
		}
	}
}

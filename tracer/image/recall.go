package image

import "sync/atomic"

// A recall remembers what was found at addresses of a file: stacks lead to the same few
// again and again. An address takes the slot of another, so that it stays small and needs
// no lock.
type recall[T any] struct {
	slots atomic.Pointer[[1 << recallBits]atomic.Pointer[recalled[T]]]
}

const recallBits = 12

type recalled[T any] struct {
	addr uint64
	v    T
}

// at returns what find has returned for an address, unless that was an error.
func (r *recall[T]) at(addr uint64, find func(addr uint64) (T, error)) (T, error) {
	const golden = 0x9e3779b97f4a7c15 // spreads addresses that are close together
	slots := r.slots.Load()
	if slots == nil {
		r.slots.CompareAndSwap(nil, new([1 << recallBits]atomic.Pointer[recalled[T]]))
		slots = r.slots.Load()
	}
	slot := &slots[addr*golden>>(64-recallBits)]
	if f := slot.Load(); f != nil && f.addr == addr {
		return f.v, nil
	}
	v, err := find(addr)
	if err == nil {
		slot.Store(&recalled[T]{addr, v})
	}
	return v, err
}

package image

import (
	"errors"
	"testing"
)

func TestRecall(t *testing.T) {
	var r recall[uint64]
	asked := 0
	twice := func(addr uint64) (uint64, error) { asked++; return 2 * addr, nil }
	for range 2 {
		for addr := range uint64(3 << recallBits) { // some share a slot
			if v, err := r.at(addr, twice); v != 2*addr || err != nil {
				t.Fatalf("at(%d) = %d, %v", addr, v, err)
			}
		}
	}
	r = recall[uint64]{}
	asked = 0
	for range 5 {
		r.at(1, twice)
	}
	if asked != 1 {
		t.Errorf("asked %d times for one address", asked)
	}
	failed := errors.New("failed")
	if _, err := r.at(2, func(uint64) (uint64, error) { return 0, failed }); err != failed {
		t.Errorf("at(2) = %v, want the error", err)
	}
	if v, err := r.at(2, twice); v != 4 || err != nil {
		t.Errorf("at(2) = %d, %v after an error", v, err)
	}
}

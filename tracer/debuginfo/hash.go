package debuginfo

// A hashTable finds items by the hashes of their names. It takes 16 bytes an
// item and up to half of that for finding them.
type hashTable struct {
	starts []uint32 // in items, of those with the same low bits
	items  []hashed
}

type hashed struct {
	hash  uint32
	scope uint32 // hash of the namespace it is in, noScope, or 0 if not known
	unit  uint32 // index of the unit
	off   uint32 // of the entry, from the unit's start
}

// newHashTable makes a table of lists.
func newHashTable(lists [][]hashed) *hashTable {
	n := 0
	for _, list := range lists {
		n += len(list)
	}
	buckets := 1
	for buckets < n {
		buckets *= 2
	}
	t := &hashTable{starts: make([]uint32, buckets+1), items: make([]hashed, n)}
	mask := uint32(buckets - 1)
	for _, list := range lists {
		for i := range list {
			t.starts[list[i].hash&mask]++
		}
	}
	sum := uint32(0)
	for i := range t.starts {
		sum += t.starts[i]
		t.starts[i] = sum
	}
	// Filled from the end, starts become what they are called.
	for l := len(lists) - 1; l >= 0; l-- {
		for i := len(lists[l]) - 1; i >= 0; i-- {
			h := &lists[l][i]
			b := h.hash & mask
			t.starts[b]--
			t.items[t.starts[b]] = *h
		}
	}
	return t
}

// find returns the items with a hash, and maybe others.
func (t *hashTable) find(hash uint32) []hashed {
	b := hash & uint32(len(t.starts)-2)
	return t.items[t.starts[b]:t.starts[b+1]]
}

// hashOf is FNV-1a.
func hashOf[T string | []byte](s T) uint32 {
	h := uint32(2166136261)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

package image

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"strings"
	"sync"
)

// A symbolTable finds the symbols of a file. Its indexes are made when they
// are first needed.
type symbolTable struct {
	symbols []Symbol // in the order of Symbols
	names   func() *nameIndex
	cover   func() *cover
	mangled func() []int32 // the indexes of symbols whose names can be demangled
}

func newSymbolTable(f *File, symbols []Symbol) *symbolTable {
	sorted, tls := sortSymbols(symbols)
	return &symbolTable{
		symbols: sorted,
		names:   sync.OnceValue(func() *nameIndex { return newNameIndex(sorted) }),
		cover:   sync.OnceValue(func() *cover { return newCover(f, sorted[:tls]) }),
		mangled: sync.OnceValue(func() []int32 { return findMangled(sorted) }),
	}
}

// sortSymbols returns symbols in the order of File.Symbols, each once: the
// tables of a file have many in common. Those of kind TLS start at index tls.
func sortSymbols(symbols []Symbol) (sorted []Symbol, tls int) {
	// Sorting small keys without pointers takes half the time.
	type sortKey struct {
		addr  uint64
		index int32
		tls   bool
	}
	keys := make([]sortKey, len(symbols))
	for i := range symbols {
		keys[i] = sortKey{symbols[i].Addr, int32(i), symbols[i].Kind == TLS}
	}
	slices.SortFunc(keys, func(a, b sortKey) int {
		switch {
		case a.tls != b.tls:
			if b.tls {
				return -1
			}
			return 1
		case a.addr != b.addr:
			return cmp.Compare(a.addr, b.addr)
		}
		s, t := &symbols[a.index], &symbols[b.index]
		return cmp.Or(cmp.Compare(t.Size, s.Size), strings.Compare(s.Name, t.Name), cmp.Compare(s.rank(), t.rank()))
	})
	sorted = make([]Symbol, 0, len(symbols))
	for _, k := range keys {
		s := &symbols[k.index]
		if n := len(sorted); n > 0 && sorted[n-1].Addr == s.Addr && sorted[n-1].Size == s.Size && sorted[n-1].Name == s.Name {
			continue
		}
		sorted = append(sorted, *s)
		if !k.tls {
			tls = len(sorted)
		}
	}
	return sorted, tls
}

// Symbols returns the symbols of the file that have an address, in the order of
// the addresses, longer ones before shorter ones, and those for thread-local
// storage behind all others. The two symbol tables of a file are merged. The caller must not modify them. If a table cannot be read, the
// error says why, and what else there is is returned along with it.
func (f *File) Symbols() ([]Symbol, error) {
	t, err := f.symbols()
	return t.symbols, err
}

// Lookup returns the symbols called name, the one most likely meant first: a
// symbol that is not local, a function, one that is not for old programs. A
// name may stand for several addresses, as each object file may have a local
// symbol of that name; it is returned once for each.
func (f *File) Lookup(name string) []Symbol {
	t, _ := f.symbols()
	var found []Symbol
	x := t.names()
	for i, ok := x.last[name]; ok && i >= 0; i = x.previous[i] {
		found = append(found, t.symbols[i])
	}
	slices.SortFunc(found, func(s, t Symbol) int {
		return cmp.Or(cmp.Compare(s.Addr, t.Addr), cmp.Compare(s.rank(), t.rank()), cmp.Compare(t.Size, s.Size))
	})
	found = slices.CompactFunc(found, func(s, t Symbol) bool { return s.Addr == t.Addr })
	slices.SortStableFunc(found, func(s, t Symbol) int { return cmp.Compare(s.rank(), t.rank()) })
	return found
}

// At returns the symbol that covers addr. One within another comes before it.
// Of several for the same place it is one that is not local, then a function,
// then the one with the fewest underscores in front, then the shortest.
//
// A symbol without a size, as assembly often leaves them, covers what comes
// before the next symbol and the end of its section, unless it lies within a
// symbol that has a size.
func (f *File) At(addr uint64) (Symbol, bool) {
	t, _ := f.symbols()
	i, _ := f.covering.at(addr, func(addr uint64) (int32, error) { return t.cover().at(addr), nil })
	if i < 0 {
		return Symbol{}, false
	}
	return t.symbols[i], true
}

// Match returns the symbols whose names match pattern, mangled or not, in the order
// of Symbols. In a pattern, * stands for any bytes, ? for any one byte, and all
// others for themselves, brackets too: names in Go and C++ have them.
func (f *File) Match(pattern string) []Symbol {
	t, _ := f.symbols()
	word := tellingWord(pattern)
	var found []Symbol
	for i := range t.symbols {
		s := &t.symbols[i]
		if match(pattern, s.Name) || isMangled(s.Name) && strings.Contains(s.Name, word) && s.matches(pattern) {
			found = append(found, *s)
		}
	}
	return found
}

// match reports whether name matches pattern. Only the last star seen needs to
// be tried with more bytes: what an earlier one could take, it can too.
func match(pattern, name string) bool {
	p, n := 0, 0
	star, retry := -1, 0 // the last star, and where what follows it was tried
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			retry++
			p, n = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// Near returns up to three names of symbols that name may be a misspelling of,
// the nearest first.
func (f *File) Near(name string) []string {
	t, _ := f.symbols()
	return Near(name, func(yield func(string) bool) {
		for i := range t.symbols {
			if !yield(t.symbols[i].Name) {
				return
			}
		}
	})
}

// Near returns up to three of names that name may be a misspelling of, or the last part
// of, as main is of main.main, the nearest first.
func Near(name string, names iter.Seq[string]) []string {
	const most = 3
	type near struct {
		name     string
		distance int
	}
	var found []near
	limit := min(most, (len(name)+2)/3)
	for other := range names {
		d := distance(name, other, limit)
		if strings.HasSuffix(other, "."+name) || strings.HasSuffix(other, "::"+name) {
			d = 0
		}
		if d > limit || slices.ContainsFunc(found, func(n near) bool { return n.name == other }) {
			continue
		}
		found = append(found, near{other, d})
		slices.SortFunc(found, func(a, b near) int {
			return cmp.Or(cmp.Compare(a.distance, b.distance), strings.Compare(a.name, b.name))
		})
		found = found[:min(len(found), most)]
	}
	nearest := make([]string, len(found))
	for i := range found {
		nearest[i] = found[i].name
	}
	return nearest
}

// distance returns how many bytes must be inserted, deleted, replaced or
// swapped with the next to make t of s, or a number above limit if there are
// more than limit.
func distance(s, t string, limit int) int {
	const longest = 256
	if len(s) > longest || len(t) > longest || max(len(s)-len(t), len(t)-len(s)) > limit {
		return limit + 1
	}
	var rows [3][longest + 1]int
	before, above, row := &rows[0], &rows[1], &rows[2] // the row of i-2, i-1, i
	for j := range len(t) + 1 {
		above[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(t); j++ {
			d := min(above[j], row[j-1]) + 1
			if s[i-1] == t[j-1] {
				d = min(d, above[j-1])
			} else {
				d = min(d, above[j-1]+1)
			}
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				d = min(d, before[j-2]+1)
			}
			row[j] = d
			least = min(least, d)
		}
		if least > limit {
			return least
		}
		before, above, row = above, row, before
	}
	return above[len(t)]
}

// A nameIndex finds symbols by name: each links to the previous one of its
// name, or to -1.
type nameIndex struct {
	last     map[string]int32
	previous []int32
}

func newNameIndex(symbols []Symbol) *nameIndex {
	x := &nameIndex{make(map[string]int32, len(symbols)), make([]int32, len(symbols))}
	for i := range symbols {
		previous, ok := x.last[symbols[i].Name]
		if !ok {
			previous = -1
		}
		x.previous[i] = previous
		x.last[symbols[i].Name] = int32(i)
	}
	return x
}

// A cover divides the addresses of a file into ranges, each covered by one
// symbol or none, so that one search finds the symbol of an address.
type cover struct {
	starts  []uint64 // of the ranges, ascending; each ends where the next starts
	symbols []int32  // the index of the symbol of each, or -1
}

// newCover makes the cover of symbols, which are sorted by address, the longer
// before the shorter.
func newCover(f *File, symbols []Symbol) *cover {
	c := new(cover)
	var open []int32 // symbols that cover what comes, the inner ones last
	top := func() int32 {
		if len(open) == 0 {
			return -1
		}
		return open[len(open)-1]
	}
	end := func(i int32) uint64 {
		s := &symbols[i]
		return s.Addr + min(s.Size, math.MaxUint64-s.Addr)
	}
	closeUntil := func(addr uint64) {
		for len(open) > 0 && end(top()) <= addr {
			last := end(top())
			for len(open) > 0 && end(top()) <= last {
				open = open[:len(open)-1]
			}
			c.add(last, top())
		}
	}
	for i := 0; i < len(symbols); {
		addr := symbols[i].Addr
		closeUntil(addr)
		label := int32(-1) // the best symbol without a size
		for ; i < len(symbols) && symbols[i].Addr == addr; i++ {
			s := &symbols[i]
			switch t := top(); {
			case s.Size == 0:
				if f.sectionEnd(s) > addr && (label < 0 || s.better(&symbols[label])) {
					label = int32(i)
				}
			// A longer one that starts here hides this one if it is better.
			case t < 0 || symbols[t].Addr != addr || s.better(&symbols[t]):
				open = append(open, int32(i))
			}
		}
		if t := top(); t >= 0 {
			c.add(addr, t)
		} else if label >= 0 {
			end := f.sectionEnd(&symbols[label])
			if i < len(symbols) {
				end = min(end, symbols[i].Addr)
			}
			c.add(addr, label)
			c.add(end, -1)
		}
	}
	closeUntil(math.MaxUint64)
	return c
}

// add starts a range. It replaces one that starts at the same address.
func (c *cover) add(start uint64, symbol int32) {
	n := len(c.starts)
	switch {
	case n > 0 && c.starts[n-1] == start:
		c.symbols[n-1] = symbol
	case n > 0 && c.symbols[n-1] == symbol:
	default:
		c.starts = append(c.starts, start)
		c.symbols = append(c.symbols, symbol)
	}
}

// at returns the index of the symbol that covers addr, or -1.
func (c *cover) at(addr uint64) int32 {
	i, found := slices.BinarySearch(c.starts, addr)
	if !found {
		i--
	}
	if i < 0 {
		return -1
	}
	return c.symbols[i]
}

// sectionEnd returns the address behind the section of s, or if the section
// is not known, behind the segment. It is s.Addr if s does not lie in it: then
// s marks its end.
func (f *File) sectionEnd(s *Symbol) uint64 {
	if int(s.section) < len(f.sections) {
		section := &f.sections[s.section]
		if s.Addr-section.Addr < section.Size && section.Addr+section.Size > section.Addr {
			return section.Addr + section.Size
		}
		return s.Addr
	}
	for i := range f.segments {
		if g := &f.segments[i]; s.Addr-g.Vaddr < g.Memsz {
			return g.Vaddr + g.Memsz
		}
	}
	return s.Addr
}

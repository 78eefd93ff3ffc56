package image

import (
	"cmp"
	"slices"

	"github.com/tracelark/tracelark/tracer/disasm"
	"github.com/tracelark/tracelark/tracer/unwind"
)

// Blocks returns the basic blocks of the functions that match a pattern, as Functions
// finds them, sorted; see disasm.Blocks. The pattern "*" stands for all code: functions
// without a symbol are found by their call frame information.
func (im *Image) Blocks(pattern string) ([]disasm.Block, error) {
	if im.File == nil {
		return nil, im.Err
	}
	var code []unwind.Range
	for _, s := range im.Functions(pattern) {
		if low := s.Addr - im.Bias; s.Size > 0 && low+s.Size > low {
			code = append(code, unwind.Range{Low: low, High: low + s.Size})
		}
	}
	code = disjoint(code)
	if pattern == "*" {
		if table, err := im.File.CFI(); err == nil {
			// Behind those with symbols, so that the ones which overlap go.
			code = disjoint(append(code, slices.DeleteFunc(table.Ranges(), im.File.isStub)...))
		}
	}
	var blocks []disasm.Block
	for _, r := range code {
		data, err := im.File.readAddr(r.Low, r.High-r.Low)
		if err != nil {
			continue // a symbol that lies
		}
		blocks = append(blocks, disasm.Blocks(data, r.Low+im.Bias)...)
	}
	return blocks, nil
}

// disjoint sorts ranges and leaves out those that overlap one that stands before them
// in the list.
func disjoint(ranges []unwind.Range) []unwind.Range {
	type ranked struct {
		unwind.Range
		rank int
	}
	sorted := make([]ranked, len(ranges))
	for i, r := range ranges {
		sorted[i] = ranked{r, i}
	}
	slices.SortFunc(sorted, func(a, b ranked) int { return cmp.Or(cmp.Compare(a.Low, b.Low), cmp.Compare(a.rank, b.rank)) })
	kept := sorted[:0]
	for _, r := range sorted {
		for len(kept) > 0 && kept[len(kept)-1].High > r.Low && kept[len(kept)-1].rank > r.rank {
			kept = kept[:len(kept)-1]
		}
		if r.Low < r.High && (len(kept) == 0 || kept[len(kept)-1].High <= r.Low) {
			kept = append(kept, r)
		}
	}
	ranges = make([]unwind.Range, len(kept))
	for i, r := range kept {
		ranges[i] = r.Range
	}
	return ranges
}

// isStub reports whether code lies in the procedure linkage table.
func (f *File) isStub(r unwind.Range) bool {
	for i := range f.sections {
		if s := &f.sections[i]; r.Low-s.Addr < s.Size && f.hasStubs(s) {
			return true
		}
	}
	return false
}

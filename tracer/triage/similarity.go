package triage

import "math"

// How much two frames that are the same count for: less the further they are from
// the innermost frame, and from each other's place.
const (
	decay = 0.04
	shift = 0.13
)

// Similarity returns how alike two stacks are, from 0 to 1: the best weight of matches
// in the order of the stacks, by the weight of the shorter stack matching itself.
func Similarity(a, b []string) float64 {
	ids := make(map[string]int32)
	return similarity(numberAll(ids, a), numberAll(ids, b), new(weights))
}

// numberAll returns the numbers of names, which it adds to ids.
func numberAll(ids map[string]int32, names []string) []int32 {
	list := make([]int32, len(names))
	for i, name := range names {
		id, ok := ids[name]
		if !ok {
			id = int32(len(ids))
			ids[name] = id
		}
		list[i] = id
	}
	return list
}

// weights are weights that were computed, and room to compute with.
type weights struct {
	byMin, byShift []float64
	row            []float64
	own            []float64 // of the first n frames matching themselves
}

func (w *weights) grow(n int) {
	for i := len(w.byMin); i <= n; i++ {
		w.byMin = append(w.byMin, math.Exp(-decay*float64(i)))
		w.byShift = append(w.byShift, math.Exp(-shift*float64(i)))
		sum := 0.0
		if i > 0 {
			sum = w.own[i-1] + w.byMin[i]
		}
		w.own = append(w.own, sum)
	}
	if len(w.row) <= n {
		w.row = make([]float64, 2*n+1)
	}
}

func similarity(a, b []int32, w *weights) float64 {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(a) == 0 {
		if len(b) == 0 {
			return 1
		}
		return 0
	}
	w.grow(len(b))
	row := w.row[:len(b)+1]
	clear(row)
	for i, x := range a {
		diagonal := 0.0
		for j, y := range b {
			best := max(row[j+1], row[j])
			if x == y {
				d := i - j
				if d < 0 {
					d = -d
				}
				best = max(best, diagonal+w.byMin[min(i, j)+1]*w.byShift[d])
			}
			diagonal, row[j+1] = row[j+1], best
		}
	}
	return min(1, row[len(b)]/w.own[len(a)])
}

package triage

import "math"

// How much two frames that are the same count for: less the further they are from
// the innermost frame, and from each other's place.
const (
	decay = 0.04
	shift = 0.13
)

// rounding is more than what is lost by it in a similarity.
const rounding = 1e-9

// Similarity returns how alike two stacks are, from 0 to 1: the best weight of matches
// in the order of the stacks, by the weight of the shorter stack matching itself.
func Similarity(a, b []string) float64 {
	ids := make(map[string]int32)
	return similarity(numberAll(ids, a), numberAll(ids, b), 0, new(weights))
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
	own            []float64 // of the first n frames matching themselves

	last   []int32   // by frame: its last place in a stack, from 1 on, or 0
	before []int32   // by place: where the same frame is before that, or 0
	best   []float64 // a Fenwick tree: the best weight of matches up to a place
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
	if len(w.best) <= n {
		w.best, w.before = make([]float64, 2*n+1), make([]int32, 2*n+1)
	}
}

// similarity returns how alike two stacks are, or 0 as soon as it is known that this is
// less than least, which the innermost frames of most stacks tell. It looks at the pairs
// of places alone that have the same frame, which are few.
func similarity(a, b []int32, least float64, w *weights) float64 {
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
	best := w.best[:len(b)+1]
	clear(best)
	for j, y := range b {
		for int(y) >= len(w.last) {
			w.last = append(w.last, 0)
		}
		w.before[j+1], w.last[y] = w.last[y], int32(j+1)
	}
	defer func() {
		for _, y := range b {
			w.last[y] = 0
		}
	}()
	total, most := w.own[len(a)], 0.0
	for i, x := range a {
		if int(x) < len(w.last) {
			// From the back, so that none follows another one of the same frame of a.
			for at := w.last[x]; at > 0; at = w.before[at] {
				d := i - int(at-1)
				if d < 0 {
					d = -d
				}
				sum := 0.0
				for k := at - 1; k > 0; k &= k - 1 {
					sum = max(sum, best[k])
				}
				sum += w.byMin[min(i, int(at-1))+1] * w.byShift[d]
				most = max(most, sum)
				for k := int(at); k < len(best) && best[k] < sum; k += k & -k {
					best[k] = sum
				}
			}
		}
		// No frame counts for more than in its own place.
		if most+total-w.own[i+1] < (least-rounding)*total {
			return 0
		}
	}
	return min(1, most/total)
}

package triage

import (
	"container/heap"
	"slices"
)

// link joins points, groups of distinct stacks, from the nearest on, as long as the
// furthest two of what is joined are less than limit apart. The first old ones are
// not joined with each other.
func (u *universe) link(points [][]int, old int, limit float64) [][]int {
	owner := make([]int, len(u.stacks)) // the point of each stack
	for p, group := range points {
		for _, i := range group {
			owner[i] = p
		}
	}
	// The distance of two points is known, and less than limit, if all pairs of their
	// stacks are.
	type reach struct {
		pairs int
		worst float64
	}
	links := make([]map[int]*reach, len(points))
	edges := u.near(limit)
	for p, group := range points {
		links[p] = make(map[int]*reach)
		for _, i := range group {
			for _, e := range edges[i] {
				q := owner[e.to]
				if q == p {
					continue
				}
				r := links[p][q]
				if r == nil {
					r = new(reach)
					links[p][q] = r
				}
				r.pairs++
				r.worst = max(r.worst, e.distance)
			}
		}
	}
	var queue joins
	at := make([]map[int]float64, len(points), 2*len(points))
	for p := range points {
		at[p] = make(map[int]float64)
		for q, r := range links[p] {
			if r.pairs == len(points[p])*len(points[q]) {
				at[p][q] = r.worst
				if p < q {
					queue = append(queue, join{r.worst, p, q})
				}
			}
		}
	}
	heap.Init(&queue)
	groups := slices.Clone(points)
	holdsOld := make([]bool, len(points), 2*len(points))
	for p := range old {
		holdsOld[p] = true
	}
	for len(queue) > 0 {
		j := heap.Pop(&queue).(join)
		if groups[j.a] == nil || groups[j.b] == nil || holdsOld[j.a] && holdsOld[j.b] {
			continue // one was joined with another since, or may not be
		}
		n := len(groups)
		groups = append(groups, slices.Concat(groups[j.a], groups[j.b]))
		groups[j.a], groups[j.b] = nil, nil
		holdsOld = append(holdsOld, holdsOld[j.a] || holdsOld[j.b])
		at = append(at, make(map[int]float64))
		for q, d := range at[j.a] {
			other, ok := at[j.b][q]
			if !ok || groups[q] == nil {
				continue
			}
			d = max(d, other)
			at[n][q], at[q][n] = d, d
			heap.Push(&queue, join{d, q, n})
		}
		at[j.a], at[j.b] = nil, nil
	}
	return slices.DeleteFunc(groups, func(g []int) bool { return g == nil })
}

// A join is a pair of groups that can be joined.
type join struct {
	distance float64
	a, b     int
}

// joins is a heap of pairs. Of those that are equally near, the one of the groups that
// were there first is the first.
type joins []join

func (q joins) Len() int      { return len(q) }
func (q joins) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *joins) Push(x any)   { *q = append(*q, x.(join)) }
func (q joins) Less(i, j int) bool {
	if q[i].distance != q[j].distance {
		return q[i].distance < q[j].distance
	}
	if q[i].a != q[j].a {
		return q[i].a < q[j].a
	}
	return q[i].b < q[j].b
}

func (q *joins) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// extend groups the stacks of a list whose first ones belong to old groups of the
// given sizes.
func (u *universe) extend(limit float64, sizes []int) [][]int {
	points := make([][]int, len(sizes))
	groups := make([][]int, len(sizes))
	home := make(map[int]int) // the old group of a distinct stack
	next := 0
	for g, size := range sizes {
		for range size {
			i := u.of[next]
			groups[g] = append(groups[g], next)
			next++
			if _, ok := home[i]; !ok { // the first group that has it keeps it
				home[i] = g
				points[g] = append(points[g], i)
			}
		}
	}
	diameters := make([]float64, len(points))
	for g, point := range points {
		for n, i := range point {
			for _, j := range point[:n] {
				diameters[g] = max(diameters[g], u.distance(i, j, 2))
			}
		}
	}
	edges := u.near(limit)
	var rest [][]int
	joined := make(map[int]int) // the old group that a new stack joins
	for i := range u.stacks {
		if _, ok := home[i]; ok {
			continue
		}
		worst, count := make(map[int]float64), make(map[int]int)
		for _, e := range edges[i] {
			if g, ok := home[e.to]; ok {
				worst[g], count[g] = max(worst[g], e.distance), count[g]+1
			}
		}
		best := -1
		for g := range points {
			inner := count[g] == len(points[g]) && count[g] > 0 && worst[g] <= diameters[g]
			if inner && (best < 0 || diameters[g] < diameters[best]) {
				best = g
			}
		}
		if best >= 0 {
			joined[i] = best // the group's extent stays what it was: the order does not matter
		} else {
			rest = append(rest, []int{i})
		}
	}
	old := len(points)
	for i := range u.stacks {
		if g, ok := joined[i]; ok {
			home[i] = g
			points[g] = append(points[g], i)
		}
	}
	var fresh [][]int
	for _, group := range u.link(append(points, rest...), old, limit) {
		at := -1
		for _, i := range group {
			if g, ok := home[i]; ok {
				at = g
			}
		}
		var members []int
		for _, i := range group {
			for _, m := range u.members[i] {
				if m >= next {
					members = append(members, m)
				}
			}
		}
		if at >= 0 {
			groups[at] = append(groups[at], members...)
		} else {
			fresh = append(fresh, members)
		}
	}
	for _, g := range groups {
		slices.Sort(g)
	}
	return append(groups, ordered(fresh)...)
}

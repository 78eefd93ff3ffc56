package triage

import (
	"slices"
	"strings"
)

// DefaultDistance is the distance that stacks of one cluster do not reach.
const DefaultDistance = 0.3

// Cluster groups stacks so that any two of a group are less than distance apart: 1
// less their Similarity. It returns the groups as indices of stacks, each sorted, in
// the order of their first ones. Groups are joined from the nearest on (complete
// linkage), and the same stacks make the same groups in whatever order they come.
//
// The stacks of old groups come first and stay together: old has their sizes. Each new
// stack that an old group has, or that is as near to all of it as its own are to each
// other, joins it; the others make new groups, or join an old one as a whole where
// that leaves all of it in reach.
func Cluster(stacks [][]string, distance float64, old ...int) [][]int {
	u := newUniverse(stacks)
	if len(old) > 0 {
		return u.extend(distance, old)
	}
	points := make([][]int, len(u.stacks))
	for i := range points {
		points[i] = []int{i}
	}
	var groups [][]int
	for _, group := range u.link(points, 0, distance) {
		var members []int
		for _, i := range group {
			members = append(members, u.members[i]...)
		}
		groups = append(groups, members)
	}
	return ordered(groups)
}

// ordered sorts groups by their first members.
func ordered(groups [][]int) [][]int {
	for _, g := range groups {
		slices.Sort(g)
	}
	slices.SortFunc(groups, func(a, b []int) int { return a[0] - b[0] })
	return groups
}

// A universe is the distinct stacks of a list, in an order that does not depend on
// the list's.
type universe struct {
	stacks  [][]int32 // frames by number
	members [][]int   // of the list, by distinct stack
	of      []int     // the distinct stack of each of the list
	frames  int       // different ones
	weights weights
}

func newUniverse(stacks [][]string) *universe {
	type distinct struct {
		frames  []string
		members []int
	}
	byText := make(map[string]*distinct)
	var list []*distinct
	for i, s := range stacks {
		key := strings.Join(s, "\x00")
		d := byText[key]
		if d == nil {
			d = &distinct{frames: s}
			byText[key] = d
			list = append(list, d)
		}
		d.members = append(d.members, i)
	}
	slices.SortFunc(list, func(a, b *distinct) int { return slices.Compare(a.frames, b.frames) })
	u := &universe{of: make([]int, len(stacks))}
	ids := make(map[string]int32)
	for i, d := range list {
		u.stacks = append(u.stacks, numberAll(ids, d.frames))
		u.members = append(u.members, d.members)
		for _, m := range d.members {
			u.of[m] = i
		}
	}
	u.frames = len(ids)
	return u
}

// distance returns how far apart two distinct stacks are, or 1 if that is limit or
// more.
func (u *universe) distance(i, j int, limit float64) float64 {
	a, b := u.stacks[i], u.stacks[j]
	if d := 1 - similarity(a, b, 1-limit, &u.weights); d < limit {
		return max(d, 0)
	}
	return 1
}

// An edge is a pair of points that are less than the limit apart.
type edge struct {
	to       int
	distance float64
}

// near returns for each distinct stack those that are less than limit apart from it.
// Only pairs are compared in which a frame of one's first few is in the other:
// without that even a perfect rest leaves them further apart.
func (u *universe) near(limit float64) [][]edge {
	edges := make([][]edge, len(u.stacks))
	holders := make(map[int32][]int) // the stacks before i that have a frame
	first := u.prefix(limit)
	last := make([]int, len(u.stacks)) // the stack that has been compared with last
	for i := range last {
		last[i] = -1
	}
	marked := make([]bool, u.frames) // those of stack i
	compare := func(i, j int) {
		if last[j] == i {
			return
		}
		last[j] = i
		if u.bound(u.stacks[j], marked, len(u.stacks[i])) <= 1-limit {
			return
		}
		if d := u.distance(i, j, limit); d < limit {
			edges[i] = append(edges[i], edge{j, d})
			edges[j] = append(edges[j], edge{i, d})
		}
	}
	for i, s := range u.stacks {
		if len(s) == 0 {
			continue // it is like no other
		}
		clear(marked)
		for _, id := range s {
			marked[id] = true
		}
		for _, id := range s[:min(len(s), first)] {
			for _, j := range holders[id] {
				compare(i, j)
			}
		}
		for n, id := range s {
			if !slices.Contains(s[:n], id) {
				holders[id] = append(holders[id], i)
			}
		}
	}
	return edges
}

// bound returns what the similarity of a stack with one of n frames, those that are
// marked, cannot exceed: no match counts for more than its frame does in its own place.
func (u *universe) bound(stack []int32, marked []bool, n int) float64 {
	u.weights.grow(max(len(stack), n))
	sum := 0.0
	for i, id := range stack {
		if marked[id] {
			sum += u.weights.byMin[i+1]
		}
	}
	return sum / u.weights.own[max(1, min(len(stack), n))]
}

// prefix returns how many frames from the innermost on must have a match in another
// stack that is less than limit apart. A match of frame i counts for exp(-decay*i) at
// most, so that without the first n the similarity is exp(-decay*n) at most.
func (u *universe) prefix(limit float64) int {
	n := 1
	u.weights.grow(256)
	for n < len(u.weights.byMin)-1 && u.weights.byMin[n] > 1-limit {
		n++
	}
	return n
}

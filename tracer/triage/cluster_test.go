package triage

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSimilarity checks the formula against sums by hand.
func TestSimilarity(t *testing.T) {
	e := func(x float64) float64 { return math.Exp(-x) }
	for _, c := range []struct {
		a, b string
		want float64
	}{
		{"abc", "abc", 1},
		{"abc", "ab", 1},
		{"abc", "xyz", 0},
		{"", "", 1},
		{"a", "", 0},
		{"abc", "axc", (e(.04) + e(.12)) / (e(.04) + e(.08) + e(.12))},
		{"abc", "xabc", (e(.04+.13) + e(.08+.13) + e(.12+.13)) / (e(.04) + e(.08) + e(.12))},
		{"ab", "ba", e(.04+.13) / (e(.04) + e(.08))},
	} {
		for _, got := range []float64{Similarity(letters(c.a), letters(c.b)), Similarity(letters(c.b), letters(c.a))} {
			if math.Abs(got-c.want) > 1e-12 {
				t.Errorf("%q and %q: %v, want %v", c.a, c.b, got, c.want)
			}
		}
	}
}

// TestSimilarityByTable compares similarities with those of the textbook's table of all
// pairs of places, and what is cut short with what is not.
func TestSimilarityByTable(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	stacks := append(randomStacks(r, 60), manyStacks(r, 20, 5)...)
	w, ids := new(weights), make(map[string]int32)
	for _, a := range stacks {
		for _, b := range stacks {
			short, long := numberAll(ids, a), numberAll(ids, b)
			if len(short) > len(long) {
				short, long = long, short
			}
			table := make([][]float64, len(short)+1)
			for i := range table {
				table[i] = make([]float64, len(long)+1)
			}
			own := 0.0
			for i, x := range short {
				own += math.Exp(-0.04 * float64(i))
				for j, y := range long {
					table[i+1][j+1] = max(table[i][j+1], table[i+1][j])
					if x == y {
						match := math.Exp(-0.04*float64(min(i, j)) - 0.13*math.Abs(float64(i-j)))
						table[i+1][j+1] = max(table[i+1][j+1], table[i][j]+match)
					}
				}
			}
			want := table[len(short)][len(long)] / own
			if len(short) == 0 {
				want = 0
				if len(long) == 0 {
					want = 1
				}
			}
			got := similarity(short, long, 0, w)
			if math.Abs(got-want) > 1e-9 {
				t.Fatalf("%q and %q: %v, want %v", a, b, got, want)
			}
			for _, least := range []float64{0.3, 0.7, 0.95} {
				if cut := similarity(short, long, least, w); cut != got && (cut != 0 || got >= least) {
					t.Fatalf("%q and %q, at least %v: %v, want %v", a, b, least, cut, got)
				}
			}
		}
	}
}

func letters(s string) []string {
	var list []string
	for _, c := range s {
		list = append(list, string(c))
	}
	return list
}

// randomStacks returns n stacks that resemble each other in many ways.
func randomStacks(r *rand.Rand, n int) [][]string {
	stacks := make([][]string, n)
	for i := range stacks {
		if i > 0 && r.IntN(3) > 0 {
			s := slices.Clone(stacks[r.IntN(i)])
			for range r.IntN(3) {
				if len(s) > 0 {
					s[r.IntN(len(s))] = fmt.Sprint(r.IntN(20))
				}
			}
			stacks[i] = s[r.IntN(len(s)/4+1):]
			continue
		}
		for range r.IntN(25) {
			stacks[i] = append(stacks[i], fmt.Sprint(r.IntN(20)))
		}
	}
	return stacks
}

// byText replaces indices by stacks, so that groups of lists in another order compare.
func byText(stacks [][]string, groups [][]int) []string {
	var list []string
	for _, g := range groups {
		var texts []string
		for _, i := range g {
			texts = append(texts, fmt.Sprint(stacks[i]))
		}
		slices.Sort(texts)
		texts = slices.Compact(texts)
		list = append(list, fmt.Sprint(texts))
	}
	slices.Sort(list)
	return list
}

// TestCluster compares groups with those of the textbook's method, and with those of
// the same stacks in another order.
func TestCluster(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		stacks := randomStacks(r, 60)
		got := Cluster(stacks, DefaultDistance)
		var all []int
		for _, g := range got {
			all = append(all, g...)
			for _, i := range g {
				for _, j := range g {
					if d := 1 - Similarity(stacks[i], stacks[j]); i != j && d >= DefaultDistance {
						t.Errorf("seed %d: %d and %d are %v apart", seed, i, j, d)
					}
				}
			}
		}
		slices.Sort(all)
		if len(all) != len(stacks) || all[0] != 0 || all[len(all)-1] != len(stacks)-1 || len(slices.Compact(all)) != len(stacks) {
			t.Errorf("seed %d: the groups have the members %v", seed, all)
		}
		sorted := slices.SortedFunc(slices.Values(stacks), slices.Compare) // as equals are chosen between
		sorted = slices.CompactFunc(sorted, slices.Equal)
		if a, b := byText(stacks, got), byText(sorted, textbook(sorted, DefaultDistance)); !slices.Equal(a, b) {
			t.Errorf("seed %d: got\n%v\nwant\n%v", seed, a, b)
		}
		want := byText(stacks, got)
		for range 3 {
			r.Shuffle(len(stacks), func(i, j int) { stacks[i], stacks[j] = stacks[j], stacks[i] })
			if again := byText(stacks, Cluster(stacks, DefaultDistance)); !slices.Equal(again, want) {
				t.Errorf("seed %d: in another order %v, want %v", seed, again, want)
			}
		}
	}
}

// textbook joins the two nearest groups until none are near enough.
func textbook(stacks [][]string, limit float64) [][]int {
	var groups [][]int
	for i := range stacks {
		groups = append(groups, []int{i})
	}
	apart := func(a, b []int) (worst float64) {
		for _, i := range a {
			for _, j := range b {
				worst = max(worst, 1-Similarity(stacks[i], stacks[j]))
			}
		}
		return worst
	}
	for {
		best, bestA, bestB := limit, -1, -1
		for b := range groups {
			for a := range b {
				if groups[a] == nil || groups[b] == nil {
					continue
				}
				if d := apart(groups[a], groups[b]); d < best {
					best, bestA, bestB = d, a, b
				}
			}
		}
		if bestA < 0 {
			return slices.DeleteFunc(groups, func(g []int) bool { return g == nil })
		}
		groups = append(groups, slices.Concat(groups[bestA], groups[bestB]))
		groups[bestA], groups[bestB] = nil, nil
	}
}

// TestClusterOld checks that old groups stay, and what joins them.
func TestClusterOld(t *testing.T) {
	a, b := letters("abcdefgh"), letters("stuvwxyz")
	nearA, middle := letters("abcdefgH"), letters("abcdefGH")
	stacks := [][]string{a, nearA, b, b, a, middle, letters("12345"), nearA, letters("12345")}
	got := Cluster(stacks, DefaultDistance, 2, 1)
	want := [][]int{{0, 1, 4, 5, 7}, {2, 3}, {6, 8}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// Two old groups stay two, alike as they may be.
	got = Cluster([][]string{a, nearA, a, middle}, DefaultDistance, 1, 1)
	if len(got) != 2 || got[0][0] != 0 || got[1][0] != 1 {
		t.Errorf("got %v, want two groups", got)
	}
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 2))
		old, fresh := randomStacks(r, 30), randomStacks(r, 30)
		groups := Cluster(old, DefaultDistance)
		var list [][]string
		var sizes []int
		for _, g := range groups {
			for _, i := range g {
				list = append(list, old[i])
			}
			sizes = append(sizes, len(g))
		}
		first := Cluster(append(slices.Clone(list), fresh...), DefaultDistance, sizes...)
		if len(first) < len(sizes) {
			t.Fatalf("seed %d: %d groups of %d old ones", seed, len(first), len(sizes))
		}
		all := append(slices.Clone(list), fresh...)
		want := byText(all, first)
		r.Shuffle(len(fresh), func(i, j int) { fresh[i], fresh[j] = fresh[j], fresh[i] })
		all = append(slices.Clone(list), fresh...)
		if again := byText(all, Cluster(all, DefaultDistance, sizes...)); !slices.Equal(again, want) {
			t.Errorf("seed %d: in another order %v, want %v", seed, again, want)
		}
	}
}

// BenchmarkCluster groups 100,000 crashes of 500 and more distinct stacks, shallow and deep
// ones.
func BenchmarkCluster(b *testing.B) {
	for _, c := range []struct{ distinct, depth int }{{500, 5}, {2000, 5}, {500, 200}, {2000, 200}} {
		b.Run(fmt.Sprintf("100000 of %d from %d frames", c.distinct, c.depth), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 3))
			some := manyStacks(r, c.distinct, c.depth)
			stacks := make([][]string, 100000)
			for i := range stacks {
				stacks[i] = some[r.IntN(len(some))]
			}
			for b.Loop() {
				Cluster(stacks, DefaultDistance)
			}
		})
	}
}

// manyStacks returns n distinct stacks of depth frames and up to 25 more, of a program that has many
// functions, most of them called from the same few.
func manyStacks(r *rand.Rand, n, depth int) [][]string {
	stacks := make([][]string, n)
	for i := range stacks {
		if i > 10 && i%2 == 0 { // a variant of another one
			stacks[i] = slices.Clone(stacks[i-10])
			for k := range 2 {
				stacks[i][k] = fmt.Sprintf("function_%d at file.c:%d:3", r.IntN(400), i%7)
			}
			continue
		}
		for range depth + r.IntN(25) {
			stacks[i] = append(stacks[i], fmt.Sprintf("function_%d at file.c:%d:3", r.IntN(400), i%7))
		}
		stacks[i] = append(stacks[i], "parse at parse.c:10:2", "run at main.c:40:2", "main at main.c:90:2")
	}
	return stacks
}

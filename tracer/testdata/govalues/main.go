// Command govalues has values of the language at different depths of the stack, in
// goroutines that panic, sleep and compute.
package main

import (
	"fmt"
	"sort"
	"strings"
	"sync"
)

type level uint8

type shape interface{ area(factor int) int }

type square struct {
	side int
	name string
}

type list struct {
	next  *list
	tags  []string
	level level
	index map[string]int
	point [2]float64
	any   any
}

//go:noinline
func (s *square) area(factor int) int { return s.side*s.side*factor + weigh(s.side) }

//go:noinline
func weigh(n int) int {
	sum := n
	for i := range n % 7 {
		sum = sum*31 ^ i
	}
	return sum
}

type number interface{ ~int | ~uint8 }

//go:noinline
func total[T number](of []T, name string) (sum T) {
	for _, v := range of {
		sum += v
	}
	return sum + T(len(name))
}

//go:noinline
func walk(l *list, depth int, s shape) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("recovered %v", r)
		}
	}()
	if l == nil {
		var p *list
		return len(p.tags), nil
	}
	inner, err := walk(l.next, depth+1, s)
	closure := func(x int) int { return x + depth + s.area(len(l.tags)) }
	return inner + closure(int(l.level)), err
}

func main() {
	l := &list{tags: []string{"a", "bc"}, level: 3, index: map[string]int{"x": 1}, point: [2]float64{0.5, -2}, any: "text"}
	l = &list{next: l, level: 7, any: 5}
	var s shape = &square{4, "square"}
	var results sync.Map
	for round := 0; ; round++ {
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				n, err := walk(l, i, s)
				results.Store(i, fmt.Sprint(n, err))
			})
		}
		words := strings.Fields("some words to be sorted by name and length")
		sort.Slice(words, func(i, j int) bool { return len(words[i])*100+weigh(i) < len(words[j])*100+weigh(j) })
		if total([]int{1, 2, round}, words[0])+int(total([]level{1, 2}, "level")) == 0 {
			fmt.Println(words, round)
		}
		wg.Wait()
	}
}

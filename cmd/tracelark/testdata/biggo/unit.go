// Package unit is one of the many of a large program, each of which has another number:
// it instantiates the same generic types for types of its own.
package unit

import (
	"fmt"
	"sort"
	"strings"
)

// first is the length of the first array of the unit: no two units share a type.
const first = unit*16 + 1

type key[A any] struct {
	id   int
	name string
	pad  A
}

type value[A any] struct {
	keys   []key[A]
	next   *value[A]
	weight A
}

type store[A any] struct {
	sorted    []*value[A]
	byName    map[string]*value[A]
	listeners []func(key[A]) (int, error)
}

func (s *store[A]) insert(id int) error {
	k := key[A]{id: id, name: fmt.Sprint("key", id)}
	v := s.byName[k.name]
	if v == nil {
		v = new(value[A])
		s.byName[k.name] = v
		s.sorted = append(s.sorted, v)
	}
	v.keys = append(v.keys, k)
	v.next = &value[A]{keys: v.keys}
	s.listeners = append(s.listeners, func(other key[A]) (int, error) {
		if strings.HasPrefix(other.name, k.name) {
			return 0, fmt.Errorf("%s is %s", other.name, k.name)
		}
		return other.id + s.count(k.name), nil
	})
	return s.notify(k)
}

func (s *store[A]) notify(k key[A]) error {
	for i, listener := range s.listeners {
		if n, err := listener(k); err != nil && n > 0 {
			return fmt.Errorf("listener %d: %w", i, err)
		}
	}
	return nil
}

func (s *store[A]) count(name string) int {
	n := 0
	for v := s.byName[name]; v != nil; v = v.next {
		n += len(v.keys)
	}
	return n
}

func (s *store[A]) sort() {
	sort.Slice(s.sorted, func(i, j int) bool { return len(s.sorted[i].keys) < len(s.sorted[j].keys) })
	for _, v := range s.sorted {
		sort.Slice(v.keys, func(i, j int) bool { return v.keys[i].name < v.keys[j].name })
	}
}

func (s *store[A]) names() (list []string) {
	seen := make(map[string]bool)
	for _, v := range s.sorted {
		for _, k := range v.keys {
			if name := strings.ToUpper(k.name); !seen[name] {
				seen[name] = true
				list = append(list, name)
			}
		}
	}
	return list
}

func use[A any](n int) int {
	s := &store[A]{byName: make(map[string]*value[A])}
	for i := range n {
		if err := s.insert(i); err != nil {
			return 0
		}
	}
	s.sort()
	return len(s.names())
}

// Run uses all types of the unit.
func Run(n int) int {
	return use[[first]int](n) + use[[first + 1]int](n) + use[[first + 2]int](n) + use[[first + 3]int](n) +
		use[[first + 4]int](n) + use[[first + 5]int](n) + use[[first + 6]int](n) + use[[first + 7]int](n) +
		use[[first + 8]int](n) + use[[first + 9]int](n) + use[[first + 10]int](n) + use[[first + 11]int](n) +
		use[[first + 12]int](n) + use[[first + 13]int](n) + use[[first + 14]int](n) + use[[first + 15]int](n)
}

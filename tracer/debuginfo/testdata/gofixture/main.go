// A Go program, whose compiler writes DWARF of its own.
package main

import (
	"fmt"
	"os"
)

type item struct {
	name  string
	sizes []int
	next  *item
}

//go:noinline
func total(list *item) int {
	sum := 0
	for it := list; it != nil; it = it.next {
		for _, n := range it.sizes {
			sum += n
		}
	}
	return sum
}

func main() {
	list := &item{name: os.Args[0], sizes: []int{1, 2, 3}}
	list.next = &item{name: "second", sizes: []int{4}}
	fmt.Println(total(list))
}

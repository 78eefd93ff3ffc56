// Command panics panics in the way that its argument names.
package main

import (
	"os"
	"unsafe"
)

type node struct {
	next  *node
	value int
}

//go:noinline
func walk(n *node) int { return n.next.value }

//go:noinline
func index(list []int, i int) int { return list[i] }

//go:noinline
func write(at uintptr) { *(*int)(unsafe.Pointer(at)) = 1 }

//go:noinline
func wait(c chan int) int { return <-c }

func main() {
	switch os.Args[1] {
	case "nil":
		walk(new(node))
	case "index":
		index(make([]int, 3), 7)
	case "panic":
		panic("out of cheese")
	case "far":
		write(0x123456789000)
	case "deadlock":
		wait(make(chan int))
	}
}

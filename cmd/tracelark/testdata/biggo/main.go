// The main package of a large program: it calls into each of its units.
package main

import "os"

// bottom is called by the last unit.
//
//go:noinline
func bottom(n int) int {
	return n + 1
}

func main() {
	sum := 0
	for i, run := range units {
		if sum += run(len(os.Args)); i == len(units)-1 {
			sum += bottom(sum)
		}
	}
	println(sum)
}

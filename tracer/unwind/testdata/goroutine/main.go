// Goroutine stops in a function that a goroutine calls.
package main

import (
	"runtime"
	"sort"
	"sync"
)

//go:noinline
func work(n int) int {
	var pad [100]int
	if n > 0 {
		pad[n%100] = work(n - 1)
	} else {
		runtime.Breakpoint()
	}
	return pad[n%100] + 1
}

func main() {
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		sort.Slice([]int{3, 2, 1}, func(i, j int) bool { return work(20) > i+j })
	}()
	wg.Wait()
}

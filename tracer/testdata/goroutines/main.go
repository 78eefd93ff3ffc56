// Goroutines calls work in several threads while the runtime preempts them: it sends
// SIGURG, and moves what it has stopped to other threads.
package main

import (
	"runtime"
	"sync"
)

var sink [4]int

//go:noinline
func work(n int) int { return int(float64(n) * float64(n)) }

func main() {
	var wg sync.WaitGroup
	for g := range sink {
		wg.Go(func() {
			for i := range 1000 {
				sink[g] += work(i)
				if i%50 == 0 {
					runtime.GC()
				}
			}
		})
	}
	wg.Wait()
}

// Parked has goroutines that wait and one that runs.
package main

//go:noinline
func wait(c chan int) { <-c }

//go:noinline
func spin() {
	for {
	}
}

func main() {
	c := make(chan int)
	for range 3 {
		go wait(c)
	}
	go spin()
	select {}
}

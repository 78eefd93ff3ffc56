// Command cgo calls a function of C in a goroutine, which calls one of Go, which calls one
// of C that stops by SIGTRAP.
package main

/*
#include <signal.h>

static int leaf(int n) { raise(SIGTRAP); return n + 1; }
static int __attribute__((noinline)) descend(int n) { return leaf(n * 2) + 1; }

extern int back(int);
static int __attribute__((noinline)) forth(int n) { return back(n) + 1; }
*/
import "C"

//export back
func back(n C.int) C.int { return C.descend(n) + 1 }

//go:noinline
func middle(n int) int { return int(C.forth(C.int(n))) + 1 }

func main() {
	done := make(chan int)
	go func() { done <- middle(3) }()
	<-done
}

// Command cgo calls a function of C in a goroutine, which calls one of Go, which calls one
// of C that stops by SIGTRAP. With an argument a function of C crashes.
package main

/*
#include <signal.h>

static int leaf(int n) { raise(SIGTRAP); return n + 1; }
static int __attribute__((noinline)) descend(int n) { return leaf(n * 2) + 1; }

static void __attribute__((noinline)) far(void) { *(volatile long *)0x123456789000 = 1; }

extern int back(int);
static int __attribute__((noinline)) forth(int n) { return back(n) + 1; }
*/
import "C"

import "os"

//export back
func back(n C.int) C.int { return C.descend(n) + 1 }

//go:noinline
func middle(n int) int { return int(C.forth(C.int(n))) + 1 }

func main() {
	if len(os.Args) > 1 {
		C.far()
	}
	done := make(chan int)
	go func() { done <- middle(3) }()
	<-done
}

package triage

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPrinted checks what is said of programs in whose C library no function has a name,
// by what it has printed.
func TestPrinted(t *testing.T) {
	for _, test := range []struct{ output, class, message, why string }{
		{"free(): double free detected in tcache 2\n", "HeapError", "free(): double free detected in tcache 2", "The allocator gave up: free(): double free detected in tcache 2."},
		{"loading\n*** stack smashing detected ***: terminated\n", "StackGuard", "*** stack smashing detected ***: terminated", "the canary of a function"},
		{"*** buffer overflow detected ***: terminated", "SafeFunctionCheck", "*** buffer overflow detected ***: terminated", "gave up: *** buffer"},
		{"a: a.c:3: f: Assertion `n > 0' failed.\nbye\n", "AbortSignal", "a: a.c:3: f: Assertion `n > 0' failed.", "An assertion failed: a: a.c:3"},
		{"pure virtual method called\nterminate called without an active exception\n", "AbortSignal", "pure virtual method called", "A pure virtual method was called:"},
		{"terminate called without an active exception\n", "AbortSignal", "terminate called without an active exception", "std::terminate was called."},
		{"terminate called after throwing an instance of 'std::out_of_range'\n  what():  no such key\nmore\n", "AbortSignal", "std::out_of_range: no such key", "not caught: std::out_of_range: no such key."},
		{"terminate called after throwing an instance of 'int'\n", "AbortSignal", "int", "not caught: int."},
		{strings.Repeat("\n", 101), "AbortSignal", "", "was sent by itself"},
		{"", "AbortSignal", "", "was sent by itself"},
	} {
		for _, frame := range []string{"", "raise"} {
			x := &examination{p: nowhere{}, Event: &Event{PID: 7, Sender: 7, Code: -6, Signal: int(unix.SIGABRT), Output: test.output}}
			x.Stack.Frames = []Frame{{Function: frame, PC: 1}}
			v := x.aborted()
			if frame != "" { // whose library says itself what it has to say
				if v.name != "AbortSignal" || v.message != "" {
					t.Errorf("%q in %s: %+v", test.output, frame, v)
				}
			} else if v.name != test.class || v.message != test.message || !strings.Contains(v.why, test.why) {
				t.Errorf("%q: %+v, want %+v", test.output, v, test)
			}
		}
	}
}

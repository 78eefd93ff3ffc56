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

// TestLongLines has programs print lines that are too long to be shown.
func TestLongLines(t *testing.T) {
	long := strings.Repeat("a", 1<<20)
	for output, by := range map[string]string{
		"Check failed: " + long + "\n":                                                 "check",
		"terminate called after throwing an instance of 'int'\n  what():  " + long:     "__cxa_throw",
		"panic: " + long + "\n\ngoroutine 1 [running]:\nmain.main()\n\t/a.go:3 +0x1\n": "main",
		"thread 'main' panicked at src/main.rs:8:5:\n" + long + "\n":                   "main",
	} {
		e := &Event{PID: 7, Sender: 7, Code: -6, Signal: int(unix.SIGABRT), Output: output}
		e.Stack.Frames = []Frame{{Function: "abort", PC: 1}, {Function: by}, {Function: "main"}}
		crash, err := New(nowhere{}, e, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(crash.Explanation) + len(crash.Message) + len(crash.Description); n > 4*maxPrinted {
			t.Errorf("%s: %d bytes are said of it", output[:40], n)
		}
	}
}

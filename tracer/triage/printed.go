package triage

import "strings"

// This file reads what the libraries of C and C++ print before they end a program. A static
// program without symbols does not tell where in memory they keep it, or who has called abort.

// terminated is what std::terminate prints: of libstdc++ with the text on a line of its own, of
// libc++ on the same one.
var terminated = lazy(`(?m)^(?:terminate called after throwing an instance of '(.+)'(?:\n  what\(\):  (.*))?|` +
	`libc\+\+abi: terminating (?:due to|with) (?:an )?uncaught exception of type (.+?)(?:: (.*))?)$`)

// What the C++ library prints without an exception.
const (
	pureVirtual = "pure virtual method called"
	noException = "terminate called without an active exception"
)

// maxPrinted bounds the bytes of a line of what a process wrote. Sanitizers have their symbolizer write
// no longer ones.
const maxPrinted = 1 << 14

// cutLines returns text with what is too much of its lines left out.
func cutLines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if len(line) > maxPrinted {
			line = line[:maxPrinted-1] + "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}

// nameless reports whether the program ended itself by functions that have no names.
func (x *examination) nameless() bool {
	return x.Sender == x.PID && len(x.Stack.Frames) > 0 && x.Stack.Frames[0].Function == "" && !x.calls("abort")
}

// printed returns the last line of what was printed that the C library would keep for debuggers.
func (x *examination) printed() (last string) {
	for line := range strings.Lines(x.Output) {
		line = strings.TrimSpace(line)
		if isHeapMessage(line) || fortified(line) || assertion().MatchString(line) {
			last = line
		}
	}
	return last
}

// uncaught returns the type of the exception that was printed, and its text.
func (x *examination) uncaught() string {
	if !strings.Contains(x.Output, "terminat") {
		return "" // which takes less time than to match it
	}
	m := terminated().FindStringSubmatch(x.Output)
	if m == nil {
		return ""
	}
	name, text := orElse(m[1], m[3]), orElse(m[2], m[4])
	if text == "" {
		return name
	}
	return name + ": " + text
}

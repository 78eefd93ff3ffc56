package triage

import "strings"

// This file parses what hardened allocators print: Scudo, which often exits then instead
// of raising a signal, and GWP-ASan, which guards a few allocations.

var (
	scudoLine = lazy(`^Scudo ERROR: (.+)$`)
	gwpLine   = lazy(`^(Use After Free|Double Free|Invalid \(Wild\) Free|Buffer Overflow|Buffer Underflow) at (0x[0-9a-f]+) `)
	gwpFrame  = lazy(`^(.*)\(([^()+]*)\+0x([0-9a-f]+)\) \[0x[0-9a-f]+\]$`)
)

// gwpStart is the line before that which says what it is.
const gwpStart = "*** GWP-ASan detected a memory error ***"

var gwpTypes = map[string]string{
	"Use After Free": "heap-use-after-free", "Double Free": "double-free", "Invalid (Wild) Free": "bad-free",
	"Buffer Overflow": "heap-buffer-overflow", "Buffer Underflow": "heap-buffer-overflow",
}

// scudoTypes are the types of Scudo's errors that have a class, by what their texts begin
// with or contain (scudo/standalone/report.cpp). All others are corruptions of the heap.
var scudoTypes = []struct{ text, name string }{
	{"invalid chunk state when deallocating", "double-free"},
	{"misaligned pointer when", "bad-free"},
	{"allocation type mismatch", "alloc-dealloc-mismatch"},
	{"invalid sized delete", "new-delete-type-mismatch"},
	{"requested allocation size", "allocation-size-too-big"},
	{"calloc parameters overflow", "calloc-overflow"},
	{"pvalloc parameters overflow", "pvalloc-overflow"},
	{"reallocarray parameters overflow", "reallocarray-overflow"},
	{"invalid alignment requested in aligned_alloc", "invalid-aligned-alloc-alignment"},
	{"invalid alignment requested in posix_memalign", "invalid-posix-memalign-alignment"},
	{"invalid allocation alignment", "invalid-allocation-alignment"},
	{"out of memory", "out-of-memory"},
	{"", "HeapError"},
}

// parseScudo parses Scudo's line.
func parseScudo(what string) *Report {
	r := &Report{Tool: "scudo", Summary: what, Text: []string{"Scudo ERROR: " + what}}
	for _, t := range scudoTypes {
		if strings.Contains(strings.ToLower(what), t.text) {
			r.Type = t.name
			break
		}
	}
	r.address(what)
	return r
}

// parseGWP parses a report of GWP-ASan behind its first line. Its own stack of the error is
// that of the handler of its signal, in which the process stops: that is known better.
func parseGWP(lines []string) *Report {
	if len(lines) == 0 {
		return nil
	}
	m := gwpLine().FindStringSubmatch(lines[0])
	if m == nil {
		return nil
	}
	r := &Report{Tool: "gwp-asan", Type: gwpTypes[m[1]], Summary: strings.TrimSuffix(lines[0], " here:")}
	r.address("at address " + m[2])
	var into *[]Frame
	for _, line := range lines {
		line = strings.TrimRight(line, "\r")
		if strings.HasPrefix(line, "*** End GWP-ASan report ***") {
			break
		}
		r.Text = append(r.Text, line)
		switch {
		case strings.Contains(line, " was deallocated by thread "):
			into = &r.Freed
		case strings.Contains(line, " was allocated by thread "):
			into = &r.Alloc
		}
		if m := frameLine().FindStringSubmatch(line); m != nil && into != nil && len(*into) < maxStack {
			if f := gwpFrame().FindStringSubmatch(m[3]); f != nil {
				*into = append(*into, Frame{Level: number(m[1]), Image: f[1], Function: f[2]})
			}
		}
	}
	return r
}

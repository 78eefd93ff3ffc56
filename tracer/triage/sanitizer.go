package triage

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Report is what a sanitizer printed of an error.
type Report struct {
	Tool    string // "asan", "ubsan", "msan", "tsan", "lsan", "hwasan", "libfuzzer", "scudo" or "gwp-asan"
	Type    string // such as "heap-buffer-overflow"
	Access  string // "read", "write" or ""
	Addr    uint64 // meaningful if HasAddr
	HasAddr bool
	Size    int     // of the access in bytes, or of what was leaked; 0 if it is not known
	Frames  []Frame // where it happened
	Freed   []Frame // where the memory was released
	Alloc   []Frame // where it was allocated
	Summary string  // the line that begins with SUMMARY, without that, or the first one
	Text    []string
}

// lazy compiles a regular expression when it is needed first: most runs of a program that
// could look at crashes look at none.
func lazy(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

// What reports are recognised by (compiler-rt's and libsanitizer's sources).
var (
	startLine  = lazy(`(?:^|==\d+==\s*)(?:ERROR|WARNING): (Address|HWAddress|Memory|Thread|Leak|UndefinedBehavior)Sanitizer:? ?(.*)$`)
	fuzzerLine = lazy(`==\d+==\s*ERROR: libFuzzer: (.*)$`)
	ubsanLine  = lazy(`^(\S.*?):(\d+):(?:(\d+):)? runtime error: (.+)$`)
	accessLine = lazy(`^\s*(?:Atomic |Previous (?:atomic )?|atomic )?(READ|WRITE|Read|Write|read|write) of size (\d+)(?: at (0x[0-9a-f]+))?`)
	signalLine = lazy(`caused by a (READ|WRITE|UNKNOWN) memory access`)
	addrText   = lazy(`(?:on|at|for) (?:unknown )?address (0x[0-9a-f]+)`)
	summary    = lazy(`^SUMMARY: ((?:Address|HWAddress|Memory|Thread|Leak|UndefinedBehavior)Sanitizer|libFuzzer): (.*)$`)
	leakBytes  = lazy(`^(\d+) byte\(s\) leaked`)
	causeLine  = lazy(`^(?:Potential )?Cause: (.*)$`)
	colours    = lazy(`\x1b\[[0-9;]*m`)
	nestedLine = lazy(`(?m)^(Address|HWAddress|Memory|Thread)Sanitizer: (nested bug in the same thread, aborting)\.`)
	frameLine  = lazy(`^\s*#(\d+)\s+(?:0x([0-9a-f]+)(?: in)?\s+)?(.*)$`)
	moduleTail = lazy(`^(.*?)\s*\(([^()]*)\+0x([0-9a-f]+)\)(?: \(BuildId: ([0-9a-f]+)\))?$`)
	sourceTail = lazy(`^(.*?)\s+((?:/|\./|\.\./|<|[A-Za-z]:\\)[^ ]*?|[^ ()]+\.[A-Za-z+]+):(\d+)(?::(\d+))?$`)
	objectTail = lazy(`^(.*?)\s+(\S+\.o)$`) // of a runtime without lines
	gdbTail    = lazy(`^(.*\)) at (.+?):(\d+)(?::(\d+))?$`)
)

var tools = map[string]string{
	"Address": "asan", "HWAddress": "hwasan", "Memory": "msan", "Thread": "tsan", "Leak": "lsan", "UndefinedBehavior": "ubsan",
}

// causes are the types that hwasan names as the cause of a tag mismatch, as asan has them.
var causes = map[string]string{
	"use-after-free": "heap-use-after-free", "heap-buffer-overflow": "heap-buffer-overflow", "global-overflow": "global-buffer-overflow",
}

const (
	maxReport = 1 << 20 // bytes of text that are looked at
	maxLines  = 10000   // lines of a report
	maxStack  = 1000    // frames of each of its stacks
)

// ParseReport returns the first report of a sanitizer in a text, or nil if there is
// none. A report that only announces a signal gives way to the one that tells of it.
func ParseReport(text string) *Report {
	if len(text) > maxReport {
		text = text[len(text)-maxReport:]
	}
	if !slices.ContainsFunc([]string{"Sanitizer", "libFuzzer", "runtime error", "Scudo ERROR", gwpStart}, func(s string) bool { return strings.Contains(text, s) }) {
		return nil // which takes less time than to look at each line
	}
	lines := strings.Split(colours().ReplaceAllString(text, ""), "\n")
	if len(lines) > maxLines {
		lines = lines[len(lines)-maxLines:]
	}
	for i, line := range lines {
		line = strings.TrimRight(line, "\r")
		if m := startLine().FindStringSubmatch(line); m != nil {
			lines[i] = m[0] // without what the program had printed in front
			if r := parseReport(tools[m[1]], m[2], lines[i:]); r != nil {
				return r
			}
		} else if m := fuzzerLine().FindStringSubmatch(line); m != nil {
			return parseReport("libfuzzer", m[1], lines[i:])
		} else if m := ubsanLine().FindStringSubmatch(line); m != nil {
			return parseUndefined(m, lines[i:])
		} else if m := scudoLine().FindStringSubmatch(line); m != nil {
			return parseScudo(m[1])
		} else if strings.HasSuffix(line, gwpStart) {
			if r := parseGWP(lines[i+1:]); r != nil {
				return r
			}
		}
	}
	if m := nestedLine().FindStringSubmatch(text); m != nil { // it failed before it could report
		return &Report{Tool: tools[m[1]], Type: "unknown-crash", Summary: m[2], Text: []string{m[0]}}
	}
	return nil
}

// parseReport parses a report whose first line says what after its tool's name.
func parseReport(tool, what string, lines []string) *Report {
	what = strings.TrimSpace(what)
	if typeOf(tool, what) == "" || strings.HasPrefix(what, "DEADLYSIGNAL") || strings.HasPrefix(what, "nested bug") {
		return nil
	}
	r := &Report{Tool: tool, Type: typeOf(tool, what), Summary: what}
	r.address(what)
	if tool == "tsan" || tool == "asan" && strings.Contains(what, "attempting double-free") {
		r.Access = ""
	}
	into := &r.Frames
	for n, line := range lines {
		line = strings.TrimRight(line, "\r")
		if n > 0 && (startLine().MatchString(line) || fuzzerLine().MatchString(line)) {
			break
		}
		r.Text = append(r.Text, line)
		lower := strings.ToLower(line)
		switch m := frameLine().FindStringSubmatch(line); {
		case m != nil:
			if into != nil && len(*into) < maxStack {
				*into = append(*into, parseFrame(m))
			}
			continue
		case strings.Contains(lower, "freed by thread") || strings.Contains(lower, "deallocated by") || strings.Contains(lower, "memory was marked as uninitialized"):
			into = r.section(&r.Freed)
		case strings.Contains(lower, "previously allocated ") || strings.HasPrefix(lower, "allocated by") || strings.HasPrefix(lower, "allocated here") || strings.Contains(lower, "is located in") && strings.Contains(lower, "allocated by"),
			strings.Contains(lower, "location is heap block"), strings.Contains(lower, "uninitialized value was created by"):
			into = r.section(&r.Alloc)
		case tool == "lsan" && strings.Contains(lower, "leak of "):
			into = r.section(&r.Alloc)
		case r.Type == "thread-leak" && strings.Contains(lower, "created by"):
			into = r.section(&r.Frames)
		case strings.Contains(lower, "thread t") && strings.Contains(lower, "created by"), strings.HasPrefix(strings.TrimSpace(lower), "previous "),
			strings.Contains(lower, "uninitialized value was stored to memory at"), strings.Contains(lower, "is located in stack of thread"):
			into = nil
		case strings.TrimSpace(line) == "":
			if len(r.Frames) > 0 && into == &r.Frames {
				into = nil
			}
		}
		if m := accessLine().FindStringSubmatch(line); m != nil && r.Size == 0 {
			r.Access = strings.ToLower(m[1])
			r.Size = number(m[2])
			if !r.HasAddr && m[3] != "" {
				r.address("at address " + m[3])
			}
		}
		if m := causeLine().FindStringSubmatch(line); m != nil {
			r.caused(m[1])
		}
		if m := signalLine().FindStringSubmatch(line); m != nil && r.Access == "" && m[1] != "UNKNOWN" {
			r.Access = strings.ToLower(m[1])
		}
		if m := summary().FindStringSubmatch(line); m != nil {
			r.Summary = m[2]
			if leak := leakBytes().FindStringSubmatch(m[2]); leak != nil {
				r.Size = number(leak[1])
			}
			break
		}
	}
	if r.Type == "memory-leaks" {
		r.Frames = r.Alloc
	}
	return r
}

// caused takes in what hwasan says of the cause of an error, which it finds by tags.
func (r *Report) caused(by string) {
	switch {
	case r.Type == "tag-mismatch" && causes[by] != "":
		r.Type = causes[by]
	case r.Type == "bad-free" && (by == "use-after-free" || by == "double-free"):
		r.Type = "double-free"
	}
}

// section returns where the frames of a section go: only its first stack is kept.
func (r *Report) section(frames *[]Frame) *[]Frame {
	if len(*frames) > 0 {
		return nil
	}
	return frames
}

// typeOf returns the type of an error by the words that a report begins with.
func typeOf(tool, what string) string {
	lower := strings.ToLower(what)
	first, _, _ := strings.Cut(what, " ")
	switch {
	case strings.Contains(lower, "detected memory leaks"), leakBytes().MatchString(what):
		return "memory-leaks"
	case strings.HasPrefix(lower, "attempting double-free"):
		return "double-free"
	case strings.HasPrefix(lower, "attempting free on address which was not malloc"), first == "invalid-free":
		return "bad-free"
	case strings.HasPrefix(lower, "attempting to call malloc_usable_size"):
		return "bad-malloc_usable_size"
	case strings.HasPrefix(lower, "requested allocation size"):
		return "allocation-size-too-big"
	case strings.HasPrefix(lower, "hard rss limit exhausted"), strings.HasPrefix(lower, "allocator is out of memory"), strings.HasPrefix(lower, "out-of-memory"):
		return "out-of-memory"
	case strings.HasPrefix(lower, "invalid allocation alignment"):
		return "invalid-allocation-alignment"
	case strings.HasPrefix(lower, "invalid alignment requested in aligned_alloc"):
		return "invalid-aligned-alloc-alignment"
	case strings.HasPrefix(lower, "invalid alignment requested in posix_memalign"):
		return "invalid-posix-memalign-alignment"
	case strings.HasPrefix(what, first+" parameters overflow"):
		return first + "-overflow"
	case strings.HasSuffix(first, "-param-overlap:"):
		return "param-overlap"
	case tool == "tsan" && strings.Contains(what, " (pid="): // else of a signal
		name, _, _ := strings.Cut(what, " (pid=")
		return strings.ReplaceAll(strings.TrimSpace(name), " ", "-")
	case tool == "libfuzzer":
		switch {
		case strings.HasPrefix(lower, "timeout"):
			return "timeout"
		case strings.HasPrefix(lower, "deadly signal"):
			return "deadly-signal"
		case strings.HasPrefix(lower, "fuzz target exited"):
			return "fuzz target exited"
		case strings.HasPrefix(lower, "fuzz target overwrites"):
			return "overwrites-const-input"
		}
	}
	return strings.TrimRight(first, ":")
}

// address takes the address from a line.
func (r *Report) address(line string) {
	if m := addrText().FindStringSubmatch(line); m != nil {
		if v, err := strconv.ParseUint(m[1], 0, 64); err == nil {
			r.Addr, r.HasAddr = v, true
		}
	}
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// parseFrame parses a line that frameLine has matched: "#1 0x55d0 in parse json.c:8:5",
// "#1 0x55d0 (/bin/json+0x11a0) (BuildId: 96fb...)" or "#1 parse json.c:8 (json+0x11a0)".
func parseFrame(m []string) Frame {
	f := Frame{Level: number(m[1])}
	f.PC, _ = strconv.ParseUint(m[2], 16, 64)
	rest := strings.TrimSpace(m[3])
	if t := moduleTail().FindStringSubmatch(rest); t != nil {
		f.Image, f.BuildID = t[2], t[4]
		f.ImageOffset, _ = strconv.ParseUint(t[3], 16, 64)
		rest = t[1]
	}
	t := gdbTail().FindStringSubmatch(rest)
	if t == nil {
		t = sourceTail().FindStringSubmatch(rest)
	}
	if t != nil {
		rest, f.File, f.Line, f.Column = t[1], t[2], number(t[3]), number(t[4])
	} else if t = objectTail().FindStringSubmatch(rest); t != nil {
		rest, f.File = t[1], t[2]
	}
	f.Function = strings.TrimSpace(f.cutTail(strings.TrimSuffix(rest, " <null>"))) // tsan writes so where it has no file
	if f.Function == "<null>" || f.Function == "??" || f.Function == "(<unknown module>)" {
		f.Function = ""
	}
	return f
}

package triage

import "strings"

// undefined are the kinds of undefined behaviour, by what their messages contain
// (compiler-rt, ubsan_handlers.cpp), the special ones first.
var undefined = []struct{ text, name string }{
	{"unsigned integer overflow", "unsigned-integer-overflow"},
	{"signed integer overflow", "signed-integer-overflow"},
	{"negation of", "signed-integer-overflow"},
	{"division by zero", "division-by-zero"},
	{"division of", "signed-integer-overflow"},
	{"shift exponent", "shift-exponent"},
	{"left shift of", "shift-base"},
	{"out of bounds for type", "index-out-of-bounds"},
	{"pointer index expression with base", "pointer-overflow"},
	{"pointer offset to null", "pointer-overflow"},
	{"applying ", "pointer-overflow"},
	{"addition of unsigned offset", "pointer-overflow"},
	{"subtraction of unsigned offset", "pointer-overflow"},
	{"null pointer", "null-pointer-use"},
	{"misaligned address", "misaligned-pointer-use"},
	{"insufficient space for an object", "insufficient-object-size"},
	{"does not point to an object of type", "dynamic-type-mismatch"},
	{"is outside the range of representable values", "float-cast-overflow"},
	{"not a valid value for type", "invalid-enum-load"},
	{"through pointer to incorrect function type", "function-type-mismatch"},
	{"variable length array bound", "non-positive-vla-bound"},
	{"execution reached an unreachable program point", "unreachable-call"},
	{"execution reached the end of a value-returning function", "missing-return"},
	{"implicit conversion", "implicit-conversion"},
	{"assumption of", "alignment-assumption"},
	{"passing zero to", "invalid-builtin-use"},
	{"control flow integrity check", "cfi-bad-type"},
}

// parseUndefined parses a report of UndefinedBehaviorSanitizer, whose first line
// ubsanLine has matched.
func parseUndefined(m []string, lines []string) *Report {
	what := m[4]
	r := &Report{Tool: "ubsan", Type: "undefined-behavior", Summary: what}
	for _, kind := range undefined {
		if strings.Contains(what, kind.text) {
			r.Type = kind.name
			break
		}
	}
	switch {
	case r.Type == "invalid-enum-load" && strings.Contains(what, "'bool'"):
		r.Type = "invalid-bool-load"
	case r.Type == "signed-integer-overflow" && strings.Contains(what, "'unsigned "): // a negation
		r.Type = "unsigned-integer-overflow"
	case r.Type == "null-pointer-use" && strings.Contains(what, "passed as argument"):
		r.Type = "invalid-null-argument"
	case r.Type == "null-pointer-use" && strings.Contains(what, "returned from function"):
		r.Type = "invalid-null-return"
	}
	switch {
	case strings.HasPrefix(what, "load of"):
		r.Access = "read"
	case strings.HasPrefix(what, "store to"):
		r.Access = "write"
	}
	r.address(what)
	for n, line := range lines {
		line = strings.TrimRight(line, "\r")
		if n > 0 && (ubsanLine().MatchString(line) || startLine().MatchString(line)) {
			break
		}
		r.Text = append(r.Text, line)
		if m := frameLine().FindStringSubmatch(line); m != nil {
			if len(r.Frames) < maxStack {
				r.Frames = append(r.Frames, parseFrame(m))
			}
		} else if m := summary().FindStringSubmatch(line); m != nil {
			r.Summary = m[2]
			break
		}
	}
	if len(r.Frames) == 0 {
		r.Frames = []Frame{{File: m[1], Line: number(m[2]), Column: number(m[3])}}
	}
	return r
}

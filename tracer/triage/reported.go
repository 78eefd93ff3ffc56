package triage

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tracelark/tracelark/tracer/image"
)

// This file makes verdicts of reports.

var (
	located   = lazy(`(?m)^(0x[0-9a-f]+ is located .*?|Address 0x[0-9a-f]+ is located in stack of thread \S+ at offset \d+) ?(?:in frame.*)?$`)
	faultPC   = lazy(`on unknown address 0x([0-9a-f]+) \(pc 0x([0-9a-f]+) `)
	assertion = lazy(`(?m)^(.*\bAssertion .* failed\.?|.*\b(?:Assertion|Check) failed: .+)$`) // of glibc, and of musl, glog and others
)

// reportOf returns the report of the process itself, if it has one: another process may have
// written one too, or the program what looks like one.
func (x *examination) reportOf(e *Event) *Report {
	for _, kind := range []string{"ERROR", "WARNING"} {
		if i := strings.Index(e.Output, fmt.Sprintf("==%d==%s: ", e.PID, kind)); i >= 0 {
			if r := ParseReport(e.Output[i:]); r != nil {
				return r
			}
		}
	}
	r := ParseReport(e.Output) // of the process in another namespace, or another run
	if r != nil && x.violation() && !x.has(r.Tool) {
		return nil
	}
	return r
}

// has reports whether the process has the runtime of a sanitizer, as far as that can be told.
func (x *examination) has(tool string) bool {
	if !slices.Contains([]string{"asan", "hwasan", "msan", "tsan"}, tool) {
		return true
	}
	return slices.ContainsFunc(x.images, func(im *image.Image) bool { return len(im.Lookup("__"+tool+"_init")) > 0 })
}

// reported is the verdict of a sanitizer.
func (x *examination) reported(r *Report) *verdict {
	if r == nil {
		return nil
	}
	v := &verdict{name: r.Type, why: "The sanitizer " + r.Tool + " reports: " + r.Summary + "."}
	isNull := r.HasAddr && r.Addr < x.near
	switch {
	case slices.Contains([]string{"SEGV", "BUS", "FPE", "ILL", "TRAP", "stack-overflow"}, r.Type) && x.after != "":
		// It tells of the signal, whose instruction says more.
		if native := x.raised(); native != nil {
			v.name, v.why = native.name, v.why+" "+strings.TrimSuffix(native.why, x.after)
		}
	case r.Type == "SEGV" || r.Type == "BUS":
		v.name = "AccessViolation"
		if m := faultPC().FindStringSubmatch(r.Text[0]); m != nil && m[1] == m[2] {
			v.name = nearNull("SegFaultOnPc", isNull)
		} else if r.Access == "read" {
			v.name = nearNull("SourceAv", isNull)
		} else if r.Access == "write" {
			v.name = nearNull("DestAv", isNull)
		}
	case r.Type == "ABRT" || r.Type == "deadly-signal":
		v.name = "AbortSignal"
		if m := assertion().FindString(x.Output); m != "" {
			v.message = strings.TrimSpace(m)
			v.why += " An assertion failed: " + v.message
		}
	case r.Type == "FPE" || r.Type == "division-by-zero":
		v.name = "FPE"
	case r.Type == "ILL":
		v.name = "BadInstruction"
	case r.Type == "TRAP":
		v.name = "TrapSignal"
	case r.Type == "stack-overflow":
		v.name = "StackOverflow"
	case r.Tool == "hwasan" && r.Type == "tag-mismatch":
		v.name = "unknown-crash"
	default:
		if _, ok := classNamed(r.Type + "(read)"); ok && r.Access != "" {
			v.name += "(" + r.Access + ")"
		}
	}
	if r.Tool == "ubsan" && len(r.Text) > 0 {
		if m := ubsanLine().FindStringSubmatch(r.Text[0]); m != nil { // its summary says less
			v.message = m[4]
			v.why = fmt.Sprintf("The sanitizer ubsan reports at %s:%s: %s.", path.Base(m[1]), m[2], m[4])
		}
	} else if m := located().FindStringSubmatch(strings.Join(r.Text, "\n")); m != nil && r.Access != "" && r.Size > 0 {
		v.why += fmt.Sprintf(" It was a %s of %s at %#x. %s.", r.Access, byteCount(r.Size), r.Addr, m[1])
	}
	return v
}

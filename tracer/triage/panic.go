package triage

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// This file reads the panics of Rust and Go, of what the program printed.

var (
	rustPanic      = lazy(`(?m)^\s*thread '.*?'(?: \(\d+\))? panicked at (?:'(.*)', (.*)|(.+):\n(.*))$`)
	backtraceFrame = lazy(`^\s*(\d+):\s+(?:0x[0-9a-f]+ - )?(\S.*)$`)
	rustPlace      = lazy(`^(?:\s+at )?(.+):(\d+):(\d+)$`)
	rustHash       = lazy(`::h[0-9a-f]{16}$|\[[0-9a-f]{13,16}\]`)
	goPanic        = lazy(`(?m)^(?:panic: |fatal error: )(.+)$`)
	goSignal       = lazy(`(?m)^\[signal (SIG\w+: .*)\]$`)
	goStack        = lazy(`(?m)^goroutine \d+ .*\[[^\]]*\]:$`)
	goPlace        = lazy(`^\t(.+?):(\d+)(?: \+0x[0-9a-f]+)?(?: fp=0x[0-9a-f]+ sp=.*)?$`)
)

// panicked is the verdict on panics of Rust and Go, by what was printed or, without
// that, by the functions that end the process.
func (x *examination) panicked() *verdict {
	if sig := unix.Signal(x.Signal); x.after == "" && (x.violation() || sig == unix.SIGFPE && x.Code > 0) {
		return nil // an instruction ended the process: a panic was caught before
	}
	output := x.Output
	if !strings.Contains(output, "panic") && !strings.Contains(output, "fatal error") {
		output = "" // which takes less time than to match it
	}
	if m := rustPanic().FindStringSubmatch(output); m != nil {
		text, at := orElse(m[1], m[4]), orElse(m[2], m[3])
		v := say("RustPanic", "A panic of Rust at %s: %s", at, text)
		v.message = text
		return v
	}
	if m := goPanic().FindStringSubmatch(output); m != nil && goStack().MatchString(output) {
		v := say("GoPanic", "A panic of Go: %s", m[1])
		if sig := goSignal().FindStringSubmatch(output); sig != nil {
			v.why += ". It came of " + sig[1] + "."
		}
		v.message = m[1]
		return v
	}
	for _, f := range x.Stack.Frames[:min(len(x.Stack.Frames), 32)] {
		switch f.Function {
		case "runtime.gopanic", "runtime.fatalpanic", "runtime.throw", "runtime.fatalthrow":
			return say("GoPanic", "A panic of Go ended the process%s.", by(&f))
		case "rust_panic", "rust_begin_unwind", "core::panicking::panic_fmt", "std::panicking::rust_panic_with_hook":
			return say("RustPanic", "A panic of Rust ended the process%s.", by(&f))
		}
	}
	return nil
}

// panicStack returns the stack that a panic has printed, or nil: of Rust the backtrace,
// or without one the place of the panic, and of Go that of the goroutine.
func panicStack(output string) []Frame {
	if m := rustPanic().FindStringSubmatchIndex(output); m != nil {
		var place Frame
		if at := rustPlace().FindStringSubmatch(orElse(group(output, m, 2), group(output, m, 3))); at != nil {
			place = Frame{File: at[1], Line: number(at[2]), Column: number(at[3])}
		}
		head, rest, ok := strings.Cut(output[m[0]:], "stack backtrace:\n")
		if frames := rustStack(rest); ok && len(frames) > 0 && len(rustPanic().FindAllStringIndex(head, 2)) == 1 {
			locate(frames, &place)
			return frames
		}
		if place.File == "" {
			return nil
		}
		return []Frame{place}
	}
	if m := goPanic().FindStringIndex(output); m != nil {
		if at := goStack().FindStringIndex(output[m[0]:]); at != nil {
			return goroutineStack(output[m[0]:][at[1]:])
		}
	}
	return nil
}

// locate gives the innermost frame of the program's own the place of the panic, if it has none,
// as in a program without debug information.
func locate(frames []Frame, place *Frame) {
	i := slices.IndexFunc(frames, func(f Frame) bool { return !own().frame(&f) })
	if i >= 0 && frames[i].File == "" && !own().frame(place) {
		frames[i].File, frames[i].Line, frames[i].Column = place.File, place.Line, place.Column
	}
}

// group returns what a group of a match is, or "".
func group(text string, match []int, n int) string {
	if match[2*n] < 0 {
		return ""
	}
	return text[match[2*n]:match[2*n+1]]
}

// rustStack parses lines such as "   3: app::parse" with "             at ./src/main.rs:8:5"
// below, or "   3:     0x55d0 - app::parse::h0123456789abcdef".
func rustStack(text string) (frames []Frame) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if m := backtraceFrame().FindStringSubmatch(line); m != nil && len(frames) < maxStack {
			if m[2] == "main" {
				break // that of C, which a full backtrace has
			}
			frames = append(frames, Frame{Level: number(m[1]), Function: rustHash().ReplaceAllString(m[2], "")})
			continue
		}
		m := rustPlace().FindStringSubmatch(line)
		if m == nil || !strings.Contains(line, " at ") || len(frames) == 0 {
			break
		}
		f := &frames[len(frames)-1]
		f.File, f.Line, f.Column = m[1], number(m[2]), number(m[3])
	}
	return frames
}

// goroutineStack parses the lines behind "goroutine 1 [running]:": "main.walk(...)" and
// below that "\t/src/main.go:8 +0x1d".
func goroutineStack(text string) (frames []Frame) {
	for line := range strings.Lines(strings.TrimPrefix(text, "\n")) {
		line = strings.TrimRight(line, "\r\n")
		if m := goPlace().FindStringSubmatch(line); m != nil {
			if n := len(frames); n > 0 && frames[n-1].File == "" {
				f := &frames[n-1]
				f.File, f.Line = m[1], number(m[2])
			}
			continue
		}
		if line == "" || strings.HasPrefix(line, "created by ") || len(frames) == maxStack {
			break
		}
		// The arguments are the last pair of brackets: a method has some of its own.
		if at := strings.LastIndexByte(line, '('); at > 0 && strings.HasSuffix(line, ")") {
			name := line[:at]
			if name == "panic" {
				name = "runtime.gopanic"
			}
			frames = append(frames, Frame{Level: len(frames), Function: name})
		}
	}
	return frames
}

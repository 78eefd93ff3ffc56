package triage

import "slices"

// This file makes of a stack what tells one crash from another.

// entry is the function that fuzzers call: what calls it is the fuzzer.
const entry = "LLVMFuzzerTestOneInput"

// maxPeriod bounds the functions of a recursion.
const maxPeriod = 64

// trace returns the frames of a stack but for those that are ignored or were only
// guessed, with recursions folded. Where that would be all, what only was asked for
// stays, and then everything. Of one
// that is exhausted only the recursion and its callers stay, because where in the
// recursion it ends is chance.
func (s *ignore) trace(stack Stack, exhausted bool) []Frame {
	head, tail := stack.Frames, []Frame(nil)
	if stack.Elided > 0 && stack.After <= len(head) {
		head, tail = head[:stack.After], head[stack.After:]
		// The frames that are left out may end in the middle of the recursion.
		if p := lastPeriod(texts(head)); p > 0 {
			head = head[:len(head)-(p-stack.Elided%p)%p]
		}
	}
	frames := make([]Frame, 0, len(head)+len(tail))
	for _, f := range slices.Concat(head, tail) {
		if f.Guess {
			break
		}
		frames = append(frames, f)
		if f.Function == entry {
			break
		}
	}
	for i := len(frames) - 1; i > 0; i-- {
		if frames[i].Function == "main" {
			frames = frames[:i+1] // what calls that has no name in a static program without symbols
			break
		}
	}
	if len(frames) > 1 && frames[0].Text() == "??" {
		frames = frames[1:] // what is called through a bad pointer is chance
	}
	kept := frames
	for _, s := range []*ignore{s, own()} {
		kept = slices.DeleteFunc(slices.Clone(frames), func(f Frame) bool { return s.frame(&f) })
		if len(kept) > 0 {
			break
		}
	}
	if len(kept) == 0 {
		kept = frames
	}
	if exhausted {
		kept = recursion(kept)
	}
	return fold(kept)
}

// lastPeriod returns the number of frames that take turns at the end of a list, or 0.
func lastPeriod(names []string) int {
	n := len(names)
	for p := 1; p <= min(maxPeriod, n/2); p++ {
		if slices.Equal(names[n-p:], names[n-2*p:n-p]) {
			return p
		}
	}
	return 0
}

// fold removes what follows its like: of A B A B C it leaves A B C.
func fold(frames []Frame) []Frame {
	names := texts(frames)
	for folded := true; folded; {
		folded = false
		for p := 1; p <= min(maxPeriod, len(names)/2); p++ {
			out := 0 // what stays is moved up to here
			for i := 0; i < len(names); {
				if out >= p && i+p <= len(names) && slices.Equal(names[out-p:out], names[i:i+p]) {
					i += p
					folded = true
					continue
				}
				names[out], frames[out] = names[i], frames[i]
				out++
				i++
			}
			names, frames = names[:out], frames[:out]
		}
	}
	return frames
}

// recursion returns the longest recursion of a stack once, from the function on whose
// name comes first, and what called it. Without one the stack stays.
func recursion(frames []Frame) []Frame {
	names := texts(frames)
	start, end, period := 0, 0, 0
	for p := 1; p <= min(maxPeriod, len(names)/3); p++ {
		for i := 0; i+p < len(names); i++ {
			j := i
			for j+p < len(names) && names[j] == names[j+p] {
				j++
			}
			if run := j + p - i; run >= 3*p && run > end-start {
				start, end, period = i, j+p, p
			}
			i = j
		}
	}
	if period == 0 {
		return frames
	}
	// The second round: the innermost frame was not calling.
	best := start + period
	for i := best + 1; i < start+2*period; i++ {
		if slices.Compare(names[i:i+period], names[best:best+period]) < 0 {
			best = i
		}
	}
	return slices.Concat(frames[best:best+period], frames[end:])
}

package unwind

import (
	"fmt"

	"github.com/tracelark/tracelark/tracer/arch"
)

// An Ends is the innermost and the outermost frames of a stack.
type Ends struct {
	Inner, Outer []Frame
	// Elided counts the frames between them, by their Lookup; nil if there are none.
	Elided map[uint64]int
}

// maxEnds bounds the frames that FindEnds follows one by one.
const maxEnds = 1 << 17

// FindEnds returns the first inner and the last outer frames of a thread with the
// registers regs: all frames if there are no more. What a recursion repeats is not
// unwound but compared: where the same calls have frames of the same sizes again and
// again, only their return addresses are looked at. The error says why the stack
// cannot be followed beyond the frames returned.
func FindEnds(mem Memory, images Images, regs *arch.Regs, inner, outer int) (*Ends, error) {
	u := unwinder{mem: pages{mem: mem}, images: images}
	frame := Frame{Regs: *regs, Known: AllRegs, By: Registers}
	frame.PC, frame.SP, frame.Lookup = regs.PC(), regs.SP(), regs.PC()
	e := new(Ends)
	var err error
	for n := 0; ; n++ {
		e.Outer = append(e.Outer, frame)
		var more bool
		if more, err = u.step(&e.Outer[len(e.Outer)-1], &frame); err != nil || !more {
			break
		}
		if n == maxEnds {
			err = fmt.Errorf("more than %d frames", maxEnds)
			break
		}
		if len(e.Inner) < inner {
			if len(e.Outer) == inner {
				e.Inner, e.Outer = e.Outer, nil
			}
			continue
		}
		if len(e.Outer) >= outer+maxRound*rounds {
			if u.leap(e, &frame, outer) {
				e.trim(0)
			} else {
				e.trim(outer + maxRound*rounds/2)
			}
		}
	}
	if len(e.Inner) == 0 {
		e.Inner, e.Outer = e.Outer, nil
	}
	if e.Elided != nil || len(e.Outer) > outer {
		e.trim(outer)
	}
	return e, err
}

// trim leaves n outer frames.
func (e *Ends) trim(n int) {
	drop := max(0, len(e.Outer)-n)
	for i := range e.Outer[:drop] {
		e.elide(e.Outer[i].Lookup, 1)
	}
	e.Outer = append(e.Outer[:0], e.Outer[drop:]...)
}

func (e *Ends) elide(lookup uint64, n int) {
	if e.Elided == nil {
		e.Elided = make(map[uint64]int)
	}
	e.Elided[lookup] += n
}

const (
	maxRound = 32 // frames of one round of a recursion
	rounds   = 3  // that must be alike before more are expected
)

// leap moves frame, the caller of the last outer one, over rounds of a recursion that
// are like the last ones, but for as many as make the last outer frames, and one more.
func (u *unwinder) leap(e *Ends, frame *Frame, outer int) bool {
	frames := e.Outer
	n := len(frames)
	for p := 1; p <= maxRound; p++ {
		stride := frame.SP - frames[n-p].SP
		if frame.PC != frames[n-p].PC || !alike(frames, p, stride) {
			continue
		}
		m := u.count(frames[n-p:], frame.PC, stride) - 1 - (outer+p-1)/p
		if m < 1 {
			return false
		}
		for i := n - p; i < n; i++ {
			e.elide(frames[i].Lookup, m)
		}
		by := uint64(m) * stride
		for r := range arch.Reg(arch.NumRegs) {
			// What the functions save for their callers is found again on the
			// stack, what they leave alone is the same in all rounds.
			switch frame.Regs[r] - frames[n-p].Regs[r] {
			case 0:
			case stride:
				frame.Regs[r] += by
			default:
				frame.Known &^= SetOf(r)
			}
		}
		frame.SP += by
		frame.set(arch.RSP, frame.SP)
		u.lowest += by
		return true
	}
	return false
}

// alike reports whether the last rounds of p frames have the same calls, and lie
// stride apart.
func alike(frames []Frame, p int, stride uint64) bool {
	n := len(frames)
	for i := n - p*(rounds-1); i < n; i++ {
		f, g := &frames[i], &frames[i-p]
		if f.PC != g.PC || f.SP-g.SP != stride || f.CFA-g.CFA != stride || f.Signal {
			return false
		}
	}
	return int64(stride) > 0
}

// count returns how many more rounds have the return addresses of the last one, whose
// last function returns to last.
func (u *unwinder) count(round []Frame, last, stride uint64) int {
	for m := 1; ; m++ {
		for i := range round {
			want := last
			if i+1 < len(round) {
				want = round[i+1].PC
			}
			if ra, err := u.mem.word(round[i].CFA - 8 + uint64(m)*stride); err != nil || ra != want {
				return m - 1
			}
		}
	}
}

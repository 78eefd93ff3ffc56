//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"math/bits"
	"sort"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
	"github.com/tracelark/tracelark/tracer/image"
)

// This file follows threads that leave functions otherwise than by returning: by
// longjmp, and by exceptions, of C++ or of any other language that raises them with
// the functions of the C++ ABI (Itanium C++ ABI: Exception Handling, 1.3). What runs
// to the end of a function has an internal breakpoint where they are about to jump,
// and ends where they jump to, if that is beyond the function.
//
// The places are found by symbols, which a dynamic library always has. In a program that
// has none of them and was stripped, as a static one may be, they are found by what such
// functions end with: they load the stack pointer and jump.

// jumpers are the functions that are given a jmp_buf. One address may have several
// of these names.
var jumpers = []string{"longjmp", "_longjmp", "siglongjmp", "__longjmp_chk"}

// unwinders are the functions that resume in a frame further out: those of libgcc by
// __builtin_eh_return, and what they call in LLVM's libunwind.
var unwinders = []string{
	"_Unwind_RaiseException", "_Unwind_Resume", "_Unwind_Resume_or_Rethrow", "_Unwind_ForcedUnwind",
	"__libunwind_Registers_x86_64_jumpto",
}

// maxUnwinder limits how much of a function in unwinders is looked at, in bytes.
const maxUnwinder = 1 << 16

// jumps maps the addresses where a thread is about to leave functions to what tells
// where it goes on.
type jumps map[uint64]func(*Thread) (goal, bool)

// A goal is where a thread goes on.
type goal struct{ pc, sp uint64 }

// jumps finds where threads leave functions, once for the images that are mapped.
func (p *Process) jumps() jumps {
	images, _ := p.Images()
	if p.images.jumps != nil {
		return p.images.jumps
	}
	e := make(jumps)
	for i, img := range images {
		known := len(e)
		for _, name := range jumpers {
			for _, s := range img.Lookup(name) {
				e[s.Addr] = (*Thread).goalOfJump
			}
		}
		for _, name := range unwinders {
			for _, s := range img.Lookup(name) {
				code := make([]byte, min(s.Size, maxUnwinder))
				n, _ := p.ReadAt(s.Addr, code)
				for len(code[:n]) > 0 {
					inst, err := disasm.Skim(code[:n], s.Addr)
					if err != nil {
						break
					}
					if inst.Kind == disasm.Return || inst.Kind == disasm.Jump && !inst.HasTarget {
						e[s.Addr] = (*Thread).goalOfUnwinder
					}
					code, n, s.Addr = code[len(inst.Data):], n-len(inst.Data), inst.Next()
				}
			}
		}
		if i == 0 && len(e) == known && img.File != nil {
			endings := img.File.Endings()
			for j := range endings {
				e[img.Bias+endings[j].Addr] = ask(&endings[j])
			}
		}
	}
	p.images.jumps = e
	return e
}

// ask returns what tells where an ending leads: before it loads the stack pointer, while
// the stack is the old one, or at its end.
func ask(e *image.Ending) func(*Thread) (goal, bool) {
	switch e.Kind {
	case image.EndingBuf:
		return (*Thread).goalOfJump
	case image.EndingLast:
		return (*Thread).goalOfUnwinder
	}
	return func(t *Thread) (goal, bool) { return t.goalOfEnding(e) }
}

// goalOfEnding returns where the ending that the thread begins leads.
func (t *Thread) goalOfEnding(e *image.Ending) (g goal, ok bool) {
	regs, err := t.Regs()
	if err != nil {
		return g, false
	}
	g = goal{pc: regs[e.To], sp: regs[e.From]}
	ok = true
	for _, r := range e.Popped {
		if r == e.To {
			g.pc, ok = t.p.word(g.sp)
		}
		g.sp += 8
	}
	if e.To == arch.RIP {
		g.pc, ok = t.p.word(g.sp)
		g.sp += 8
	}
	return g, ok && t.p.executable(g.pc)
}

// guard is where the C library keeps what it mangles pointers with, in the thread's
// control block (pointer_guard in glibc's tcbhead_t).
const guard = 0x30

// goalOfJump returns where the jmp_buf leads that longjmp is called with. Both
// glibc and musl keep rbx, rbp, r12 to r15, rsp and the pc there, in this order.
// glibc mangles rsp and the pc (PTR_MANGLE: xor with the guard, rotated left by 17).
func (t *Thread) goalOfJump() (goal, bool) {
	regs, err := t.Regs()
	if err != nil {
		return goal{}, false
	}
	var buf [16]byte
	if _, err := t.p.ReadAt(regs[arch.RDI]+6*8, buf[:]); err != nil {
		return goal{}, false
	}
	g := goal{pc: binary.LittleEndian.Uint64(buf[8:]), sp: binary.LittleEndian.Uint64(buf[:])}
	if !t.p.executable(g.pc) {
		key, _ := t.p.word(regs[arch.FSBase] + guard)
		g.pc, g.sp = bits.RotateLeft64(g.pc, -17)^key, bits.RotateLeft64(g.sp, -17)^key
	}
	return g, t.p.executable(g.pc)
}

// goalOfUnwinder returns where the instruction leads that the thread stands on, a
// return or a jump to what a register holds.
func (t *Thread) goalOfUnwinder() (g goal, ok bool) {
	regs, err := t.Regs()
	if err != nil {
		return g, false
	}
	var code [maxInst]byte
	n, _ := t.p.ReadAt(regs[arch.RIP], code[:])
	inst, err := disasm.Skim(code[:n], regs[arch.RIP])
	if err != nil {
		return g, false
	}
	g.sp = regs[arch.RSP]
	if inst.Kind == disasm.Return {
		g.pc, ok = t.p.word(g.sp)
		g.sp += 8
		return g, ok
	}
	r, ok := disasm.JumpRegister(inst.Data)
	g.pc = regs[r]
	return g, ok
}

// An exit ends what runs to the end of a function whose caller has the stack pointer
// sp: behind it, or where the thread goes on instead.
type exit struct {
	jumps jumps
	back  uint64
	sp    uint64
}

// addrs returns where a breakpoint is to lie that accepts the exit.
func (x *exit) addrs() []uint64 {
	addrs := []uint64{x.back}
	for addr := range x.jumps {
		addrs = append(addrs, addr)
	}
	return addrs
}

// accept reports whether t has come to the exit, or is about to leave the function
// otherwise.
func (x *exit) accept(t *Thread) bool {
	regs, err := t.Regs()
	if err != nil {
		return false
	}
	if regs[arch.RIP] == x.back && regs[arch.RSP] >= x.sp {
		return true
	}
	_, ok := x.goal(t)
	return ok
}

// goal returns where t goes on, if it is about to leave the function otherwise than by
// returning. Stacks are told apart by their mappings: a coroutine may jump on its own,
// and a signal handler from its stack to that of what it has interrupted.
func (x *exit) goal(t *Thread) (g goal, ok bool) {
	regs, err := t.Regs()
	if err != nil || x.jumps[regs[arch.RIP]] == nil {
		return g, false
	}
	if g, ok = x.jumps[regs[arch.RIP]](t); !ok {
		return g, false
	}
	switch {
	case g.pc == x.back && g.sp == x.sp:
		return g, false // it returns
	case t.p.together(g.sp, x.sp-1):
		return g, g.sp >= x.sp
	}
	return g, t.p.together(regs[arch.RSP], x.sp-1)
}

// together reports whether two addresses are in one mapping.
func (x *target) together(a, b uint64) bool {
	if a > b {
		a, b = b, a
	}
	maps := x.images.maps
	i := sort.Search(len(maps), func(i int) bool { return maps[i].End > a })
	for ; i < len(maps) && maps[i].Start <= a; i++ {
		if b < maps[i].End {
			return true
		}
		a = maps[i].End // a mapping may be shown in parts
	}
	return false
}

// runOut runs t until it comes to back with a stack pointer of sp at least, or goes on
// beyond that after longjmp or an exception. returned tells which it was.
func (p *Process) runOut(op string, t *Thread, back, sp uint64, o *MoveOptions) (stop *Stop, returned bool, err error) {
	x := &exit{jumps: p.jumps(), back: back, sp: sp}
	g, escapes := x.goal(t) // it may be in longjmp already
	if !escapes {
		var there bool
		if stop, there, err = p.runTo(op, t, x.addrs(), x.accept, o); !there {
			return stop, false, err
		}
		if g, escapes = x.goal(t); !escapes {
			return stop, true, nil
		}
	}
	stop, _, err = p.runTo(op, t, []uint64{g.pc}, g.reached, o)
	return stop, false, err
}

// reached reports whether t has come to the goal.
func (g goal) reached(t *Thread) bool {
	regs, err := t.Regs()
	return err == nil && regs[arch.RSP] == g.sp
}

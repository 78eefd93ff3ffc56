//go:build linux && amd64

package tracer

import (
	"debug/elf"
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
// The places are found by symbols, which a dynamic library always has. In a file that has
// none of them and was stripped, as a static program may be, they are found by what such
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
	for _, img := range images {
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
		if len(e) == known && img.File != nil {
			for at, goal := range p.endings(img) {
				e[img.Bias+at] = goal
			}
		}
	}
	p.images.jumps = e
	return e
}

// maxSearched limits how much code of one file is searched for endings, in bytes.
const maxSearched = 256 << 20

// endings returns the jumps in the code of a file without symbols that follow a load of
// the stack pointer, without its bias. The code is searched once.
func (p *Process) endings(img *image.Image) jumps {
	if e, ok := p.images.endings[img.File]; ok {
		return e
	}
	if p.images.endings == nil {
		p.images.endings = make(map[*image.File]jumps)
	}
	e := make(jumps)
	p.images.endings[img.File] = e
	if !img.File.Stripped() {
		return e
	}
	for _, s := range img.File.Segments() {
		if s.Flags&elf.PF_X == 0 {
			continue
		}
		code := make([]byte, min(s.Filesz, maxSearched))
		n, _ := p.ReadAt(img.Bias+s.Vaddr, code)
		code = code[:n]
		for i := 1; i+1 < len(code); i++ {
			// mov, with REX.W, to rsp
			if op := code[i]; op != 0x89 && op != 0x8b || code[i-1]&0xf8 != 0x48 || !loadsSP(code[i-1], op, code[i+1]) {
				continue
			}
			if at, goal := parseEnding(code[i-1:min(len(code), i+64)], s.Vaddr+uint64(i-1)); goal != nil {
				e[at] = goal
			}
		}
	}
	return e
}

// loadsSP reports whether a mov with a REX prefix sets rsp to what a register holds,
// other than rbp, which ends ordinary functions, or to a word of what rdi points to, as
// a jmp_buf.
func loadsSP(rex, op, modrm byte) bool {
	mod, reg, rm := modrm>>6, modrm>>3&7|rex&4<<1, modrm&7|rex&1<<3
	if op == 0x89 {
		reg, rm = rm, reg
		if mod != 3 {
			return false
		}
	}
	return reg == 4 && (mod == 3 && rm != 5 && rm != 4 || mod == 1 && rm == 7)
}

// An ending is a way out of a function: it loads the stack pointer from a register, pops
// some others, and jumps to what one holds, or returns.
type ending struct {
	from   arch.Reg
	popped []arch.Reg
	to     arch.Reg // or RIP for a return
}

// parseEnding looks at code that loads the stack pointer. If a return or a jump soon ends
// it, it returns where to ask where that leads: before the load, while the stack is the
// old one, if nothing but an ending follows, or else at the end.
func parseEnding(code []byte, addr uint64) (at uint64, ask func(*Thread) (goal, bool)) {
	start, e := addr, ending{to: arch.RIP}
	plain := true
	for i := range 6 {
		inst, err := disasm.Skim(code, addr)
		if err != nil {
			return 0, nil
		}
		to, jumps := disasm.JumpRegister(inst.Data)
		popped, pops := disasm.PopRegister(inst.Data)
		switch {
		case inst.Kind == disasm.Return || jumps:
			if !plain {
				return addr, (*Thread).goalOfUnwinder
			}
			if jumps {
				e.to = to
			}
			return start, e.goal
		case inst.Kind == disasm.Jump && len(inst.Data) == 3 && inst.Data[1] == 0x67: // to what rdi points to
			return start, (*Thread).goalOfJump
		case inst.Kind != disasm.Other:
			return 0, nil
		case i == 0:
			e.from, plain = disasm.MoveSource(inst.Data)
		case pops:
			e.popped = append(e.popped, popped)
		default: // other than mov to rbp
			plain = plain && len(inst.Data) == 3 && inst.Data[1] == 0x89 && inst.Data[2]&0xc7 == 0xc5
		}
		code, addr = code[len(inst.Data):], inst.Next()
	}
	return 0, nil
}

// goal returns where the ending that the thread begins leads.
func (e *ending) goal(t *Thread) (g goal, ok bool) {
	regs, err := t.Regs()
	if err != nil {
		return g, false
	}
	g.sp = regs[e.from]
	g.pc = regs[e.to]
	ok = true
	for _, r := range e.popped {
		if r == e.to {
			g.pc, ok = t.p.word(g.sp)
		}
		g.sp += 8
	}
	if e.to == arch.RIP {
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
		stop, err = p.runTo(op, t, x.addrs(), x.accept, o)
		if err != nil || stop.Reason != ReasonStep {
			return stop, false, err
		}
		if g, escapes = x.goal(t); !escapes {
			return stop, true, nil
		}
	}
	stop, err = p.runTo(op, t, []uint64{g.pc}, g.reached, o)
	return stop, false, err
}

// reached reports whether t has come to the goal.
func (g goal) reached(t *Thread) bool {
	regs, err := t.Regs()
	return err == nil && regs[arch.RSP] == g.sp
}

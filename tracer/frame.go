//go:build linux && amd64

package tracer

import (
	"fmt"
	"strings"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/unwind"
)

// A Frame is the activation of a function on a thread's stack.
type Frame struct {
	unwind.Frame
	Level int // 0 is the innermost

	in *target
}

// Frames returns the thread's stack, innermost frame first and max frames at
// most. The error says why the stack cannot be followed beyond them; it is nil
// if the last one is the outermost or number max.
func (t *Thread) Frames(max int) ([]*Frame, error) {
	regs, err := t.Regs()
	if err != nil {
		return nil, err
	}
	return t.p.stack(regs, max)
}

// stack returns the stack of a thread with the registers regs.
func (x *target) stack(regs *arch.Regs, max int) ([]*Frame, error) {
	stack, err := unwind.Stack(x.of, code{x}, regs, max)
	frames := make([]*Frame, len(stack))
	for i := range stack {
		frames[i] = &Frame{Frame: stack[i], Level: i, in: x}
	}
	return frames, err
}

// code is the target's code as the unwinder sees it.
type code struct{ in *target }

func (c code) CFI(pc uint64) (*unwind.Table, uint64, bool) {
	if !c.in.executable(pc) {
		return nil, 0, false
	}
	img, ok := c.in.ImageAt(pc)
	if !ok {
		return nil, 0, true
	}
	table, bias, _ := img.CFI()
	return table, bias, true
}

// Image returns the ELF file that the frame's code lies in, or nil.
func (f *Frame) Image() *image.Image {
	img, _ := f.in.ImageAt(f.Lookup)
	return img
}

// Symbol returns the function that the frame's code lies in, and how far into it
// PC is.
func (f *Frame) Symbol() (sym image.Symbol, offset uint64, ok bool) {
	sym, ok = f.in.SymbolAt(f.Lookup)
	return sym, f.PC - sym.Addr, ok
}

// String returns a line such as "#1 0x401196 in parse+0x1c from libc.so.6".
func (f *Frame) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "#%d %#x in ", f.Level, f.PC)
	if sym, offset, ok := f.Symbol(); !ok {
		b.WriteString("??")
	} else if offset == 0 {
		b.WriteString(sym.Demangled())
	} else {
		fmt.Fprintf(&b, "%s+%#x", sym.Demangled(), offset)
	}
	if img := f.Image(); img != nil {
		fmt.Fprintf(&b, " from %s", img.Name())
	}
	if f.Signal {
		b.WriteString(" (signal handler called)")
	}
	return b.String()
}

package builtins

import (
	"io"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/unwind"
	"github.com/tracelark/tracelark/tracer/value"
)

// A target is what those builtins see of a process that need nothing to run: a
// tracer.Process, a tracer.Core, a tracer.Observed or a
// tracer.Program.
type target interface {
	Exe() string
	Argv() []string
	ReadAt(addr uint64, buf []byte) (int, error)
	Dump(w io.Writer, addr, n uint64) (uint64, error)
	Find(*tracer.Pattern, *tracer.FindOptions) ([]uint64, error)
	Reach(blocks, roots []tracer.Block, words []uint64) ([]tracer.Reached, error)
	NameCode([]image.Symbol) error
	FramesFrom(regs *arch.Regs, known unwind.RegSet, max int) ([]*tracer.Frame, error)
	Maps() ([]procfs.Mapping, error)
	Images() ([]*image.Image, error)
	MainImage() (*image.Image, error)
	UseDebug(path string, img *image.Image, force bool) (*image.Image, error)
	SetUnwinder(func(f, caller *unwind.Frame) (bool, error))
	ImageAt(addr uint64) (*image.Image, bool)
	SymbolAt(addr uint64) (image.Symbol, bool)
	ProbeAt(addr uint64) (image.Probe, *image.Image, bool)
	Addr(loc string) (uint64, error)
	LineAt(addr uint64) (debuginfo.Line, error)
	Var(name string) (*value.Value, error)
	VarsAt(addr uint64) ([]*debuginfo.Var, error)
	Scope() value.Context
	Eval(expr string, o *tracer.EvalOptions) (*value.Value, error)
}

// A task is what they see of a thread: a tracer.Thread, a tracer.CoreThread or a
// tracer.ObservedThread.
type task interface {
	Name() string
	Regs() (*arch.Regs, error)
	XReg(*arch.XRegister) ([]byte, error)
	DebugReg(n int) (uint64, error)
	Sigmask() (uint64, error)
	Frames(max int) ([]*tracer.Frame, error)
	Var(name string) (*value.Value, error)
}

var (
	_ target = (*tracer.Process)(nil)
	_ target = (*tracer.Core)(nil)
	_ target = (*tracer.Observed)(nil)
	_ target = (*tracer.Program)(nil)
	_ task   = (*tracer.Thread)(nil)
	_ task   = (*tracer.CoreThread)(nil)
	_ task   = (*tracer.ObservedThread)(nil)
)

//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/unwind"
	"github.com/tracelark/tracelark/tracer/value"
)

// An owner is the thread that frames are of: a Thread or a CoreThread.
type owner interface {
	Regs() (*arch.Regs, error)
	XReg(*arch.XRegister) ([]byte, error)
	Frames(max int) ([]*Frame, error)
}

// A context is the value.Context of a frame, or of a process without one, for what
// comes from one image.
type context struct {
	x     *target
	f     *Frame // or nil
	t     owner  // or nil
	frame debuginfo.Frame
}

// scope returns what values of an image are read from. img, f and t may be nil.
func (x *target) scope(img *image.Image, f *Frame, t owner) *context {
	s := &context{x: x, f: f, t: t}
	s.frame.Memory = x.of
	if img != nil {
		s.frame.Bias = img.Bias
		s.frame.TLS = func(offset uint64) (uint64, error) {
			base, err := fsBase(t)
			if err != nil {
				return 0, err
			}
			return x.tls(img, base, offset)
		}
	}
	if f == nil {
		return s
	}
	s.frame.PC = f.Lookup - s.frame.Bias
	s.frame.Named = x.named
	s.frame.Reg = s.reg
	s.frame.CFA = func() (uint64, error) {
		if f.CFA == 0 {
			return 0, errors.New("the frame's address was not found")
		}
		return f.CFA, nil
	}
	s.frame.Caller = s.caller
	return s
}

// named reports whether a symbol called name means the function at addr.
func (x *target) named(name string, addr uint64) bool {
	img, ok := x.ImageAt(addr)
	return ok && slices.ContainsFunc(img.Lookup(name), func(sym image.Symbol) bool {
		return sym.Addr == addr || sym.Kind == image.IFunc && x.implementation(sym) == addr
	})
}

// Frame implements value.Context.
func (s *context) Frame() *debuginfo.Frame { return &s.frame }

// ReadAt implements value.Context.
func (s *context) ReadAt(addr uint64, buf []byte) (int, error) { return s.x.of.ReadAt(addr, buf) }

// WriteAt implements value.Context.
func (s *context) WriteAt(addr uint64, data []byte) (int, error) {
	switch of := s.x.of.(type) {
	case *Process:
		return of.WriteAt(addr, data)
	case *Observed:
		return 0, errors.New("a process that is observed cannot be changed")
	case *Program:
		return 0, ErrNotRunning
	}
	return 0, errors.New("a core cannot be changed")
}

// SymbolAt implements value.Context.
func (s *context) SymbolAt(addr uint64) (name string, offset uint64, ok bool) {
	sym, ok := s.x.SymbolAt(addr)
	if !ok || sym.Size == 0 && addr != sym.Addr && !s.x.executable(addr) { // such as _end, far before addr
		return "", 0, false
	}
	return sym.Demangled(), addr - sym.Addr, true
}

// Types implements value.Context. Those of the frame's image come first.
func (s *context) Types(name string) ([]*debuginfo.Type, error) { return s.x.typesNamed(name, s.f) }

// Var implements value.Context.
func (s *context) Var(name string) (*value.Value, error) {
	if s.f != nil {
		return s.f.Var(name)
	}
	return s.x.variable(name, nil, s.t)
}

// Symbol implements value.Context.
func (s *context) Symbol(name string) (uint64, error) {
	images, _, err := s.x.imagesOf("")
	if err != nil {
		return 0, err
	}
	found := linked(images, name)
	for _, img := range images {
		if len(found) == 0 {
			found = img.LookupDemangled(name)
		}
	}
	if len(found) == 0 {
		return 0, missing(&NotFoundError{Name: name})
	}
	return found[0].Addr, nil
}

// Vector registers by DWARF number (System V ABI, AMD64 supplement, figure 3.36).
const (
	dwarfXMM0 = 17
	dwarfST0  = 33
)

// xreg returns the vector or x87 register with a DWARF number, or nil.
func xreg(n int) *arch.XRegister {
	switch {
	case n >= dwarfXMM0 && n < dwarfXMM0+16:
		return arch.LookupX(fmt.Sprintf("xmm%d", n-dwarfXMM0))
	case n >= dwarfST0 && n < dwarfST0+8:
		return arch.LookupX(fmt.Sprintf("st%d", n-dwarfST0))
	}
	return nil
}

// reg returns a register of the frame.
func (s *context) reg(n int) ([]byte, error) {
	if n >= 0 && n < arch.NumDWARF {
		r := arch.FromDWARF[n]
		if !s.f.Known.Has(r) {
			return nil, &debuginfo.AbsentError{Reason: fmt.Sprintf("it was in %s, which the functions called since have not kept", r)}
		}
		return binary.LittleEndian.AppendUint64(nil, s.f.Regs[r]), nil
	}
	x := xreg(n)
	switch {
	case x == nil || s.t == nil:
		return nil, fmt.Errorf("register %d is not known", n)
	case s.f.By != unwind.Registers:
		return nil, &debuginfo.AbsentError{Reason: fmt.Sprintf("it was in %s, which functions need not keep", x.Name)}
	}
	if err := s.fresh(); err != nil {
		return nil, err
	}
	return s.t.XReg(x)
}

// fresh returns an error if the thread has moved since the frame was made.
func (s *context) fresh() error {
	if s.f.epoch != s.x.of.epoch() {
		return errors.New("the process has moved on since the frame was asked for: ask for it again")
	}
	return nil
}

// fixed returns why registers cannot be changed.
func fixed(t owner) error {
	if _, ok := t.(*given); ok {
		return errGiven
	}
	return errors.New("a core cannot be changed")
}

// SetReg implements value.Context.
func (s *context) SetReg(n int, data []byte) error {
	t, live := s.t.(*Thread)
	x := xreg(n)
	switch {
	case !live:
		return fixed(s.t)
	case s.f == nil:
		return errors.New("there is no frame whose register it is")
	case x == nil:
	case s.f.By != unwind.Registers:
		return fmt.Errorf("%s of a caller cannot be written: functions need not keep it", x.Name)
	default:
		if err := s.fresh(); err != nil {
			return err
		}
		return t.SetXReg(x, data)
	}
	if n < 0 || n >= arch.NumDWARF {
		return fmt.Errorf("register %d cannot be written", n)
	}
	return s.f.SetReg(arch.Lookup(arch.FromDWARF[n].String()), binary.LittleEndian.Uint64(data))
}

// SetReg changes a register or a part of one as it is in the frame: where a function
// that was called since has saved it, or in the thread where none has. The program's
// own code restores it from there.
func (f *Frame) SetReg(r *arch.Register, v uint64) error {
	t, live := f.t.(*Thread)
	if !live {
		return fixed(f.t)
	}
	s := f.scope()
	if err := s.fresh(); err != nil {
		return err
	}
	if f.By == unwind.Registers {
		if err := t.SetReg(r, v); err != nil {
			return err
		}
		r.Set(&f.Regs, v)
		return nil
	}
	if !f.Known.Has(r.Reg) {
		return fmt.Errorf("%s of frame #%d is not known: the stack does not keep it", r.Name, f.Level)
	}
	regs, err := t.Regs()
	if err != nil {
		return err
	}
	place, err := unwind.Locate(f.in.of, code{f.in}, regs, &f.Frame, r.Reg)
	if err != nil {
		return err
	}
	changed := f.Regs
	r.Set(&changed, v)
	switch place.Kind {
	case unwind.Saved:
		if _, err := t.p.WriteAt(place.Addr, binary.LittleEndian.AppendUint64(nil, changed[r.Reg])); err != nil {
			return err
		}
	case unwind.Live:
		if err := t.SetReg(arch.Lookup(place.Reg.String()), changed[r.Reg]); err != nil {
			return err
		}
	default:
		return fmt.Errorf("%s of frame #%d is saved nowhere: it follows from where the stack lies", r.Name, f.Level)
	}
	f.Regs = changed
	return nil
}

// caller returns the frame of the function that called the frame's.
func (s *context) caller() (*debuginfo.Data, *debuginfo.Frame, error) {
	if s.t == nil {
		return nil, nil, errors.New("the caller is not known")
	}
	if err := s.fresh(); err != nil {
		return nil, nil, err
	}
	outer := func(frames []*Frame) int {
		return slices.IndexFunc(frames, func(f *Frame) bool { return f.SP != s.f.SP || f.PC != s.f.PC })
	}
	if i := outer(s.f.outer); i >= 0 {
		return s.of(s.f.outer[i])
	}
	level := s.f.Level
	for more := 2; more <= 64; more *= 2 {
		frames, err := s.t.Frames(level + more)
		beyond := frames[min(level, len(frames)):]
		if i := outer(beyond); i >= 0 {
			return s.of(beyond[i])
		}
		if len(frames) < level+more {
			if err == nil {
				err = errors.New("there is no caller")
			}
			return nil, nil, err
		}
	}
	return nil, nil, errors.New("the caller was not found")
}

// of returns what expressions of another frame of the thread are evaluated in.
func (s *context) of(f *Frame) (*debuginfo.Data, *debuginfo.Frame, error) {
	img := f.Image()
	if img == nil {
		return nil, nil, errors.New("the caller's code is in no file")
	}
	data, err := img.DWARF()
	return data, s.x.scope(img, f, s.t).Frame(), err
}

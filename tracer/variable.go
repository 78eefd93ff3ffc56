//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/unwind"
	"github.com/tracelark/tracelark/tracer/value"
)

// A Variable is an argument or a variable of a frame.
type Variable struct {
	*debuginfo.Var
	Value    *value.Value
	Shadowed bool // by one of the same name in a block further in
}

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

// scope returns what the frame's values are read from.
func (f *Frame) scope() *context { return f.in.scope(f.Image(), f, f.t) }

// Scope returns what expressions and values of the frame are read from.
func (f *Frame) Scope() value.Context { return f.scope() }

// variables returns the arguments or the variables of the frame.
func (f *Frame) variables(params bool) ([]Variable, error) {
	if f.Func == nil {
		return nil, debuginfo.ErrNoDWARF
	}
	s := f.scope()
	vars, err := f.Func.Vars(s.frame.PC)
	if err != nil {
		return nil, err
	}
	var list []Variable
	seen := make(map[string]bool)
	for _, v := range vars {
		if v.Param == params {
			list = append(list, Variable{v, s.valueOf(v), seen[v.Name]})
		}
		seen[v.Name] = true
	}
	return list, nil
}

// valueOf returns the value of a variable. Where there is none, the value tells why.
func (s *context) valueOf(v *debuginfo.Var) *value.Value {
	t, err := v.Type()
	if err != nil {
		return value.Absent(s, nil, err)
	}
	loc, err := v.Location(&s.frame)
	if err != nil {
		return value.Absent(s, t, err)
	}
	if v.Static && loc.Kind == debuginfo.InMemory {
		if img, ok := s.x.ImageAt(loc.Addr); ok && img != s.x.images.images[0] {
			loc.Addr = s.x.images.images[0].Copy(img, loc.Addr)
		}
	}
	return value.New(s, t, loc)
}

// Args returns the arguments of the frame's function, in the order of the source. One
// that the compiler has dropped has a value that says so. The error is
// debuginfo.ErrNoDWARF if the function has no debug information. At the first
// instruction of a function they are where the ABI has them passed.
func (f *Frame) Args() ([]Variable, error) {
	args, err := f.variables(true)
	if err == nil && len(args) > 0 {
		if in := f.scope(); f.atEntry(in) {
			f.passed(in, args)
		}
	}
	return args, err
}

// Locals returns the variables of the frame's function that are in scope, those of the
// innermost block first, as Args does.
func (f *Frame) Locals() ([]Variable, error) { return f.variables(false) }

// local returns the variable or argument of the frame's function called name, the
// innermost first, or nil and the names that there are.
func (f *Frame) local(s *context, name string) (v *value.Value, names []string, err error) {
	if f.Func == nil {
		return nil, nil, nil
	}
	vars, err := f.Func.Vars(s.frame.PC)
	if err != nil {
		return nil, nil, err
	}
	for _, v := range vars {
		if v.Name == "&"+name { // a variable of Go that has moved to the heap
			moved, err := s.valueOf(v).Deref()
			return moved, nil, err
		}
		if v.Name != name {
			names = append(names, v.Name)
			continue
		}
		if v.Param && f.atEntry(s) {
			args, err := f.Args()
			if i := slices.IndexFunc(args, func(a Variable) bool { return a.Name == name }); err == nil && i >= 0 {
				return args[i].Value, nil, nil
			}
		}
		return s.valueOf(v), nil, nil
	}
	return nil, names, nil
}

// Var returns the variable that a name means in the frame: one of its function, the
// innermost first, or an argument, or else what Process.Var finds, in the frame's
// source file first.
func (f *Frame) Var(name string) (*value.Value, error) {
	own, near, err := f.local(f.scope(), name)
	if own != nil || err != nil {
		return own, err
	}
	v, err := f.in.variable(name, f, f.t)
	var missing *NotFoundError
	if errors.As(err, &missing) {
		if similar := image.Near(name, func(yield func(string) bool) {
			for _, n := range near {
				if !yield(n) {
					return
				}
			}
		}); len(similar) > 0 {
			missing.Near = similar
		}
	}
	return v, err
}

// Var returns the variable that a name means outside of functions: "counter",
// "ns::counter", or "file.c::counter" for one that several files have. What each
// thread has its own of is that of the thread that stopped last.
func (p *Process) Var(name string) (*value.Value, error) {
	if t := p.Thread(); t != nil {
		return p.variable(name, nil, t)
	}
	return p.variable(name, nil, nil)
}

// Var returns a variable as Process.Var does.
func (c *Core) Var(name string) (*value.Value, error) {
	if t := c.Thread(); t != nil {
		return c.variable(name, nil, t)
	}
	return c.variable(name, nil, nil)
}

// Var returns a variable as Process.Var does; a thread-local one is the thread's.
func (t *Thread) Var(name string) (*value.Value, error) { return t.p.variable(name, nil, t) }

// Var returns a variable as Process.Var does; a thread-local one is the thread's.
func (t *CoreThread) Var(name string) (*value.Value, error) { return t.c.variable(name, nil, t) }

// splitFile splits "file.c::name" and "file.c:name".
func splitFile(name string) (file, rest string) {
	i := strings.Index(name, ":")
	if i <= 0 || !strings.ContainsAny(name[:i], "./") || strings.ContainsAny(name[:i], "<(") {
		return "", name
	}
	return strings.Trim(name[:i], "'"), strings.TrimLeft(name[i:], ":")
}

// imagesFor returns the images, that of the frame first.
func (x *target) imagesFor(f *Frame) ([]*image.Image, error) {
	images, err := x.Images()
	if err != nil || f == nil {
		return images, err
	}
	own := f.Image()
	if own == nil {
		return images, nil
	}
	list := []*image.Image{own}
	for _, img := range images {
		if img != own {
			list = append(list, img)
		}
	}
	return list, nil
}

// variable returns a variable outside of functions.
func (x *target) variable(name string, f *Frame, t owner) (*value.Value, error) {
	if err := x.of.held(); err != nil {
		return nil, &Error{Op: "var", TID: x.of.id(), Err: err}
	}
	images, err := x.imagesFor(f)
	if err != nil {
		return nil, err
	}
	file, plain := splitFile(name)
	var private, found *value.Value
	missing := &NotFoundError{Name: name, what: "variable", early: x.early()}
	any := false
	main, _ := x.MainImage()
	for _, img := range images {
		data, err := img.DWARF()
		if err != nil {
			continue
		}
		any = true
		s := x.scope(img, f, t)
		vars, err := lookUp(x.tr, func() ([]*debuginfo.Var, error) { return data.Globals(plain, s.frame.PC) }, img)
		if err == ErrInterrupted {
			return nil, err
		}
		if err != nil {
			if !errors.Is(err, debuginfo.ErrNotFound) {
				missing.Err = err
			}
			continue
		}
		for _, v := range vars {
			if file != "" && v.File != file && !strings.HasSuffix(v.File, "/"+file) {
				continue
			}
			// What a library keeps to another of its units is hardly meant.
			w := s.valueOf(v)
			hidden := v.Private && img != main
			switch {
			case w.Err() == nil && !hidden:
				return w, nil
			case w.Err() == nil && private == nil:
				private = w
			case found == nil:
				found = w
			}
		}
	}
	switch {
	case private != nil:
		return private, nil
	case found != nil:
		return found, nil
	case !any:
		return nil, fmt.Errorf("%s: %w: compile with -g, or install the debug files", name, debuginfo.ErrNoDWARF)
	}
	for _, img := range images {
		if missing.symbol == "" && file == "" && len(img.Lookup(plain)) > 0 {
			missing.symbol = img.Name()
		}
		if missing.Near == nil && img.File != nil {
			missing.Near = img.File.Near(plain)
		}
	}
	return nil, missing
}

// typesNamed returns the types called name.
func (x *target) typesNamed(name string, f *Frame) ([]*debuginfo.Type, error) {
	images, err := x.imagesFor(f)
	if err != nil {
		return nil, err
	}
	missing := &NotFoundError{Name: name, what: "type", near: func() []string { return x.nearTypes(name, images) }}
	var declared []*debuginfo.Type
	for _, img := range images {
		data, err := img.DWARF()
		if err != nil {
			continue
		}
		types, err := lookUp(x.tr, func() ([]*debuginfo.Type, error) { return data.Types(name) }, img)
		switch {
		case err == ErrInterrupted:
			return nil, err
		case err != nil && !errors.Is(err, debuginfo.ErrNotFound):
			missing.Err = err
		case len(types) > 0 && !types[0].Declaration:
			return types, nil
		case declared == nil:
			declared = types
		}
	}
	if declared != nil {
		return declared, nil
	}
	return nil, missing
}

// nearTypes returns names of types that name may be a misspelling of. It leaves out images
// whose names take long to look through.
func (x *target) nearTypes(name string, images []*image.Image) []string {
	whole := make(map[string]string) // by the name without a keyword
	for _, img := range images {
		if data, err := img.DWARF(); err == nil && img.FileSize() <= 4*large {
			for _, other := range data.TypeNames(func(string) bool { return true }) {
				whole[bareType(other)] = other
			}
		}
	}
	near := image.Near(bareType(name), maps.Keys(whole))
	for i := range near {
		near[i] = whole[near[i]]
	}
	return near
}

// bareType returns the name of a type without the keyword that C has before it.
func bareType(name string) string {
	for _, keyword := range []string{"struct ", "union ", "enum "} {
		name = strings.TrimPrefix(name, keyword)
	}
	return name
}

// Types returns the types called name, "struct item" or "ns::item".
func (p *Process) Types(name string) ([]*debuginfo.Type, error) { return p.typesNamed(name, nil) }

// Types returns the types called name, as Process.Types does.
func (c *Core) Types(name string) ([]*debuginfo.Type, error) { return c.typesNamed(name, nil) }

// Scope returns what values are read from that belong to no frame.
func (p *Process) Scope() value.Context { return p.scope(nil, nil, nil) }

// Scope returns what values are read from that belong to no frame.
func (c *Core) Scope() value.Context { return c.scope(nil, nil, nil) }

//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/value"
)

// A Variable is an argument or a variable of a frame.
type Variable struct {
	*debuginfo.Var
	Value    *value.Value
	Shadowed bool // by one of the same name in a block further in
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
			missing.near = func() []string { return similar }
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
	missing := &NotFoundError{Name: name, what: "variable", early: x.early(), near: func() []string { return nearSymbols(images, plain) }}
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
		if file == "" && len(img.Lookup(plain)) > 0 {
			missing.symbol = img.Name()
			break
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

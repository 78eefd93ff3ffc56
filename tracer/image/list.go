package image

import (
	"slices"
	"strings"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// Types returns the names of the types that match a pattern as Match has it, sorted. In
// C those of structures, unions and enumerations have their keyword before them, which
// the pattern may leave out.
func (im *Image) Types(pattern string) ([]string, error) {
	data, err := im.DWARF()
	if err != nil {
		return nil, err
	}
	return data.TypeNames(func(name string) bool { return match(pattern, name) }), nil
}

// Lines returns the places where statements of a source file begin, as
// debuginfo.Data.Lines does.
func (im *Image) Lines(file string) ([]debuginfo.Line, error) {
	data, err := im.DWARF()
	if err != nil {
		return nil, err
	}
	lines, err := data.Lines(file)
	for i := range lines {
		lines[i].Low += im.Bias
		lines[i].High += im.Bias
	}
	return lines, err
}

// Section returns the name of the section that s lies in, such as ".text", or "".
func (im *Image) Section(s Symbol) string {
	if im.File == nil || int(s.section) >= len(im.File.sections) {
		return ""
	}
	name, _ := cString(im.File.names, uint64(im.File.sections[s.section].Name))
	return name
}

// Declared returns where a function or a variable is declared in the source. The error
// is debuginfo.ErrNotFound or ErrNoDWARF if that is not known.
func (im *Image) Declared(s Symbol) (file string, line int, err error) {
	data, err := im.DWARF()
	if err != nil {
		return "", 0, err
	}
	if s.Kind == Func || s.Kind == IFunc {
		funcs, err := data.Funcs(s.Addr - im.Bias)
		if err != nil {
			return "", 0, err
		}
		f := funcs[len(funcs)-1]
		return f.File, f.Line, nil
	}
	vars, err := data.Globals(s.Function(), 0)
	if err != nil {
		return "", 0, err
	}
	// Of several, static in their files, the one at the address is meant.
	i := slices.IndexFunc(vars, func(v *debuginfo.Var) bool {
		l, err := v.Location(&debuginfo.Frame{})
		return err == nil && l.Addr == s.Addr-im.Bias || len(vars) == 1
	})
	if i < 0 {
		return "", 0, debuginfo.ErrNotFound
	}
	return vars[i].File, vars[i].Line, nil
}

// Functions returns the functions among the symbols that match a pattern, as Match
// does.
func (im *Image) Functions(pattern string) []Symbol {
	return slices.DeleteFunc(im.Match(pattern), func(s Symbol) bool {
		return s.Kind != Func && s.Kind != IFunc || strings.Contains(s.Name, ".cold")
	})
}

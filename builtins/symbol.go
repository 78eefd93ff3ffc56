package builtins

import (
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/tracer/image"
)

// A symbol is a name for an address of a process.
type symbol struct {
	handle
	s  image.Symbol
	im *image.Image
}

var symbolClass = newClass("symbol", "A name for an address. It can be used wherever an address is taken. addr in symbol tells whether it lies in what has the name.", []attribute[*symbol]{
	{"name", "str", "The name as the program's source has it, such as \"ns::parse(int)\", without a version.", func(s *symbol) (starlark.Value, error) {
		return starlark.String(s.s.Demangled()), nil
	}},
	{"function", "str", "The same without parameters, as frames have it, such as \"ns::parse\".", func(s *symbol) (starlark.Value, error) {
		return starlark.String(s.s.Function()), nil
	}},
	{"linkage_name", "str", "The name as linkers know it, such as \"_ZN2ns5parseEi\".", func(s *symbol) (starlark.Value, error) {
		return starlark.String(s.s.Name), nil
	}},
	{"addr", "int", "The address; of a thread-local variable, the offset in the thread's block.", func(s *symbol) (starlark.Value, error) {
		return starlark.MakeUint64(s.s.Addr), nil
	}},
	{"size", "int", "The size in bytes, or 0 if the file does not tell.", func(s *symbol) (starlark.Value, error) {
		return starlark.MakeUint64(s.s.Size), nil
	}},
	{"kind", "str", "\"func\", \"ifunc\", \"object\", \"tls\", \"plt\" (a stub that jumps to a function of another file) or \"untyped\". The address of an \"ifunc\" is that of its resolver, while as a location its name is the function that was chosen.", func(s *symbol) (starlark.Value, error) {
		return starlark.String(s.s.Kind.String()), nil
	}},
	{"bind", "str", "\"local\", \"global\" or \"weak\".", func(s *symbol) (starlark.Value, error) {
		return starlark.String(s.s.Bind.String()), nil
	}},
	{"section", "str or None", "The section that it lies in, such as \".text\".", func(s *symbol) (starlark.Value, error) {
		return optional(s.im.Section(s.s)), nil
	}},
	{"file", "str or None", "The source file that declares the function or variable, if debug information tells.", func(s *symbol) (starlark.Value, error) {
		file, _, _ := s.im.Declared(s.s)
		return optional(file), nil
	}},
	{"line", "int or None", "The line there.", func(s *symbol) (starlark.Value, error) {
		_, line, _ := s.im.Declared(s.s)
		return optionalInt(line, line != 0), nil
	}},
	{"image", "image", "The ELF file that has it.", func(s *symbol) (starlark.Value, error) {
		return newImage(s.im), nil
	}},
}, nil)

var (
	_ starlark.HasAttrs   = (*symbol)(nil)
	_ starlark.Comparable = (*symbol)(nil)
	_ starlark.Container  = (*symbol)(nil)
)

func (s *symbol) String() string {
	return fmt.Sprintf("<symbol %s at %#x>", s.s.Demangled(), s.s.Addr)
}
func (s *symbol) Type() string                             { return "symbol" }
func (s *symbol) Hash() (uint32, error)                    { return starlark.String(s.s.Name).Hash() }
func (s *symbol) Attr(name string) (starlark.Value, error) { return symbolClass.attr(s, name) }
func (s *symbol) AttrNames() []string                      { return symbolClass.names() }
func (s *symbol) address() uint64                          { return s.s.Addr }

// CompareSameType compares symbols: the same one of the same image is equal.
func (s *symbol) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	t := y.(*symbol)
	return equality(s, op, s.s == t.s && sameImage(s.im, t.im))
}

// Has reports whether an address lies in what the symbol names.
func (s *symbol) Has(v starlark.Value) (bool, error) {
	var addr address
	if err := addr.Unpack(v); err != nil {
		return false, err
	}
	return uint64(addr)-s.s.Addr < max(s.s.Size, 1), nil
}

// MarshalJSON encodes all attributes, of the image its path.
func (s *symbol) MarshalJSON() ([]byte, error) {
	return encode(struct {
		Name  string `json:"name"`
		Addr  uint64 `json:"addr"`
		Size  uint64 `json:"size"`
		Kind  string `json:"kind"`
		Bind  string `json:"bind"`
		Image string `json:"image"`
	}{s.s.Demangled(), s.s.Addr, s.s.Size, s.s.Kind.String(), s.s.Bind.String(), s.im.Path})
}

// nameCode adds symbols for code that comes from no file.
func (p *process) nameCode(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var names starlark.Iterable
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "names", &names); err != nil {
		return nil, err
	}
	var symbols []image.Symbol
	for v := range starlark.Elements(names) {
		s := image.Symbol{Kind: image.Func, Bind: image.Global}
		row, ok := v.(starlark.Indexable)
		if !ok || row.Len() != 3 {
			return nil, fmt.Errorf("%s: got %s, want (addr, size, name)", b.Name(), brief(v))
		}
		name, ok := starlark.AsString(row.Index(2))
		if !ok || name == "" {
			return nil, fmt.Errorf("%s: the name is %s", b.Name(), brief(row.Index(2)))
		}
		if err := errors.Join(starlark.AsInt(row.Index(0), &s.Addr), starlark.AsInt(row.Index(1), &s.Size)); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", b.Name(), name, err)
		}
		s.Name = name
		symbols = append(symbols, s)
	}
	if err := p.in.NameCode(symbols); err != nil {
		return nil, err
	}
	return starlark.None, nil
}

// symbol looks up a symbol. An address may have several; where a name was given,
// the one of that name is meant.
func (p *process) symbol(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var loc location
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name_or_addr", &loc); err != nil {
		return nil, err
	}
	addr, err := loc.resolve(p)
	if err != nil {
		return nil, err
	}
	im, ok := p.in.ImageAt(addr)
	if !ok {
		return starlark.None, nil
	}
	_, name, found := strings.Cut(loc.name, "!")
	if !found {
		name = loc.name
	}
	for _, s := range im.Lookup(name) {
		if s.Addr == addr || s.Kind == image.IFunc {
			return &symbol{s: s, im: im}, nil
		}
	}
	if s, ok := im.At(addr); ok {
		return &symbol{s: s, im: im}, nil
	}
	return starlark.None, nil
}

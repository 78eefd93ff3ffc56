package builtins

import (
	"debug/elf"
	"errors"
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/disasm"
	"github.com/tracelark/tracelark/tracer/image"
)

// An elfImage is an ELF file at the addresses where a process has it.
type elfImage struct {
	handle
	im *image.Image
}

func newImage(im *image.Image) starlark.Value { return &elfImage{im: im} }

var imageClass = newClass("image", "An ELF file at the addresses where a process has it. An address of the file plus bias is one of the process. addr in image tells whether it lies between base and end.", []attribute[*elfImage]{
	{"name", "str", "The last element of the path, such as \"libc.so.6\".", func(i *elfImage) (starlark.Value, error) {
		return starlark.String(i.im.Name()), nil
	}},
	{"path", "str", "The path as the process has it, or \"[vdso]\".", func(i *elfImage) (starlark.Value, error) {
		return starlark.String(i.im.Path), nil
	}},
	{"base", "int", "The address of its first byte.", func(i *elfImage) (starlark.Value, error) {
		return starlark.MakeUint64(i.im.Start), nil
	}},
	{"end", "int", "The address behind its last byte.", func(i *elfImage) (starlark.Value, error) {
		return starlark.MakeUint64(i.im.End), nil
	}},
	{"bias", "int", "What to add to an address of the file to get one of the process: base for code that is independent of its position, 0 for a program linked for fixed addresses.", func(i *elfImage) (starlark.Value, error) {
		return starlark.MakeUint64(i.im.Bias), nil
	}},
	{"entry", "int or None", "The address of its first instruction.", func(i *elfImage) (starlark.Value, error) {
		if i.im.File == nil || i.im.File.Entry() == 0 {
			return starlark.None, nil
		}
		return starlark.MakeUint64(i.im.File.Entry() + i.im.Bias), nil
	}},
	{"pie", "bool", "Whether it is independent of its position.", func(i *elfImage) (starlark.Value, error) {
		return starlark.Bool(i.im.File != nil && i.im.File.Type() == elf.ET_DYN), nil
	}},
	{"build_id", "str or None", "The build ID in hexadecimal.", func(i *elfImage) (starlark.Value, error) {
		if i.im.File == nil {
			return starlark.None, nil
		}
		return optional(i.im.File.BuildID()), nil
	}},
	{"error", "str or None", "Why it has no symbols: the file could not be read, or it was unloaded.", func(i *elfImage) (starlark.Value, error) {
		if i.im.Err == nil {
			return starlark.None, nil
		}
		return starlark.String(i.im.Err.Error()), nil
	}},
	{"sources", "list of str", "The paths of the source files that debug information has lines of, sorted; none without debug information.", func(i *elfImage) (starlark.Value, error) {
		data, err := i.im.DWARF()
		if errors.Is(err, debuginfo.ErrNoDWARF) {
			return starlark.NewList(nil), nil
		}
		if err != nil {
			return nil, err
		}
		return listOf(data.Sources(), func(path string) starlark.Value { return starlark.String(path) }), nil
	}},
}, []method[*elfImage]{
	{"symbols", "(pattern=\"*\") -> list of symbol", "Return the symbols whose names match a pattern, in which * stands for any characters and ? for one, in order of address. An image that could not be read, or was unloaded, is an error.", (*elfImage).symbols},
	{"functions", "(pattern=\"*\") -> list of symbol", "Return the functions among the symbols, as symbols does. The part of a function that the compiler has split off as cold is none, nor is a function of which only inlined copies are left: it has no address of its own, but process.breakpoint finds the copies by name or pattern.", (*elfImage).functions},
	{"probes", "(pattern=\"*\") -> list of probe", "Return the probes (USDT, sys/sdt.h) whose PROVIDER:NAME matches a pattern as in symbols, in order of address.", (*elfImage).probes},
	{"blocks", "(pattern=\"*\") -> list of (int, int)", "Return the basic blocks of the functions that match a pattern, sorted, as their addresses and sizes in bytes. \"*\" stands for all code: functions without a symbol are found by their call frame information. Where code goes by jump tables is not known; what follows a jump counts as a block if the whole function looks like code.", (*elfImage).blocks},
	{"types", "(pattern=\"*\") -> list of str", "Return the names of the types whose names match a pattern as in symbols, sorted. Those inside of functions and classes are left out. In C, \"struct\", \"union\" or \"enum\" stands before the name, and the pattern may leave it out. An image without debug information is an error.", (*elfImage).types},
	{"lines", "(file) -> list of line", "Return the places where statements of a source file begin, in order of lines and addresses. The file is given by its path or the end of it, such as \"json.c\". One that no code comes from is an error.", (*elfImage).lines},
})

var (
	_ starlark.HasAttrs   = (*elfImage)(nil)
	_ starlark.Comparable = (*elfImage)(nil)
	_ starlark.Container  = (*elfImage)(nil)
)

func (i *elfImage) String() string {
	return fmt.Sprintf("<image %s at %#x>", i.im.Name(), i.im.Start)
}
func (i *elfImage) Type() string                             { return "image" }
func (i *elfImage) Hash() (uint32, error)                    { return starlark.String(i.im.Path).Hash() }
func (i *elfImage) Attr(name string) (starlark.Value, error) { return imageClass.attr(i, name) }
func (i *elfImage) AttrNames() []string                      { return imageClass.names() }

// CompareSameType compares images: the same file at the same place is equal.
func (i *elfImage) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return equality(i, op, sameImage(i.im, y.(*elfImage).im))
}

// Has reports whether an address lies in the image.
func (i *elfImage) Has(v starlark.Value) (bool, error) {
	var addr address
	if err := addr.Unpack(v); err != nil {
		return false, err
	}
	return i.im.Contains(uint64(addr)), nil
}

// sameImage reports whether a and b are the same file at the same place. The
// engine makes images anew when mappings change.
func sameImage(a, b *image.Image) bool { return a.Path == b.Path && a.Start == b.Start }

// MarshalJSON encodes the path, the place and the build ID.
func (i *elfImage) MarshalJSON() ([]byte, error) {
	v := struct {
		Path    string `json:"path"`
		Base    uint64 `json:"base"`
		End     uint64 `json:"end"`
		Bias    uint64 `json:"bias"`
		BuildID string `json:"build_id,omitempty"`
	}{Path: i.im.Path, Base: i.im.Start, End: i.im.End, Bias: i.im.Bias}
	if i.im.File != nil {
		v.BuildID = i.im.File.BuildID()
	}
	return encode(v)
}

func (i *elfImage) symbols(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	pattern, err := unpackPattern(b, args, kwargs)
	if err != nil {
		return nil, err
	}
	if i.im.File == nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), i.im.Err)
	}
	found, err := i.match(thread, i.im.Match, pattern)
	return listOf(found, i.symbol), err
}

// match returns the symbols that find finds for a pattern. The first time that takes an
// index of the file, which may be large.
func (i *elfImage) match(thread *starlark.Thread, find func(string) []image.Symbol, pattern string) ([]image.Symbol, error) {
	return aside(thread, large, func() ([]image.Symbol, error) { return find(pattern), nil })
}

func (i *elfImage) symbol(s image.Symbol) starlark.Value { return &symbol{s: s, im: i.im} }

// unpackPattern returns the argument of the builtins that take a pattern of names.
func unpackPattern(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (string, error) {
	pattern := "*"
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "pattern?", &pattern); err != nil {
		return "", err
	}
	if pattern == "" {
		return "", fmt.Errorf("%s: the pattern is empty: \"*\" matches all names", b.Name())
	}
	return pattern, nil
}

func (i *elfImage) functions(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	pattern, err := unpackPattern(b, args, kwargs)
	if err != nil {
		return nil, err
	}
	if i.im.File == nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), i.im.Err)
	}
	found, err := i.match(thread, i.im.Functions, pattern)
	return listOf(found, i.symbol), err
}

func (i *elfImage) blocks(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	pattern, err := unpackPattern(b, args, kwargs)
	if err != nil {
		return nil, err
	}
	blocks, err := aside(thread, large, func() ([]disasm.Block, error) { return i.im.Blocks(pattern) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return listOf(blocks, func(b disasm.Block) starlark.Value {
		return starlark.Tuple{starlark.MakeUint64(b.Addr), starlark.MakeInt(b.Size)}
	}), nil
}

func (i *elfImage) types(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	pattern, err := unpackPattern(b, args, kwargs)
	if err != nil {
		return nil, err
	}
	names, err := aside(thread, large, func() ([]string, error) { return i.im.Types(pattern) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return listOf(names, func(name string) starlark.Value { return starlark.String(name) }), nil
}

func (i *elfImage) lines(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var file string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "file", &file); err != nil {
		return nil, err
	}
	lines, err := aside(thread, large, func() ([]debuginfo.Line, error) { return i.im.Lines(file) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return listOf(lines, func(l debuginfo.Line) starlark.Value { return &line{l: l} }), nil
}

// useDebug gives debug information to an image.
func (p *process) useDebug(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var path string
	var of *elfImage
	var force bool
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "path", &path, "image??", &of, "force?", &force); err != nil {
		return nil, err
	}
	if err := p.env.allowed.file(b.Name(), path); err != nil {
		return nil, err
	}
	var im *image.Image
	if of != nil {
		im = of.im
	} else if force {
		return nil, fmt.Errorf("%s: force needs image, the one that the file is for", b.Name())
	}
	im, err := p.in.UseDebug(path, im, force)
	if err != nil {
		return nil, err
	}
	return newImage(im), nil
}

// symbols returns the symbols of all images.
func (p *process) symbols(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	pattern, err := unpackPattern(b, args, kwargs)
	if err != nil {
		return nil, err
	}
	images, err := p.in.Images()
	if err != nil {
		return nil, err
	}
	var list []starlark.Value
	for _, im := range images {
		i := &elfImage{im: im}
		found, err := i.match(thread, im.Match, pattern)
		if err != nil {
			return nil, err
		}
		for _, s := range found {
			list = append(list, i.symbol(s))
		}
	}
	return starlark.NewList(list), nil
}

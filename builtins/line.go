package builtins

import (
	"errors"
	"fmt"
	"path"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// A line is a line of source and instructions that come from it.
type line struct {
	handle
	l debuginfo.Line
}

var lineClass = newClass("line", "A line of source, and instructions that come from it. It can be used wherever an address is taken.", []attribute[*line]{
	{"file", "str", "The path of the source file, as the compiler was given it.", func(l *line) (starlark.Value, error) {
		return starlark.String(l.l.File), nil
	}},
	{"line", "int", "The number of the line, from 1 on.", func(l *line) (starlark.Value, error) {
		return starlark.MakeInt(l.l.Line), nil
	}},
	{"column", "int or None", "The column, from 1 on, if the compiler named one.", func(l *line) (starlark.Value, error) {
		return optionalInt(l.l.Column, l.l.Column != 0), nil
	}},
	{"addr", "int", "The address of the first instruction.", func(l *line) (starlark.Value, error) {
		return starlark.MakeUint64(l.l.Low), nil
	}},
	{"end", "int", "The address behind the last instruction. Others may come from the same line.", func(l *line) (starlark.Value, error) {
		return starlark.MakeUint64(l.l.High), nil
	}},
}, nil)

var (
	_ starlark.HasAttrs   = (*line)(nil)
	_ starlark.Comparable = (*line)(nil)
)

func (l *line) String() string                           { return fmt.Sprintf("%s:%d", path.Base(l.l.File), l.l.Line) }
func (l *line) Type() string                             { return "line" }
func (l *line) Hash() (uint32, error)                    { return starlark.MakeUint64(l.l.Low).Hash() }
func (l *line) Attr(name string) (starlark.Value, error) { return lineClass.attr(l, name) }
func (l *line) AttrNames() []string                      { return lineClass.names() }
func (l *line) address() uint64                          { return l.l.Low }

// CompareSameType compares lines: those alike in everything are equal.
func (l *line) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return equality(l, op, l.l == y.(*line).l)
}

// MarshalJSON encodes the attributes.
func (l *line) MarshalJSON() ([]byte, error) {
	return encode(struct {
		File   string `json:"file"`
		Line   int    `json:"line"`
		Column int    `json:"column,omitempty"`
		Addr   uint64 `json:"addr"`
		End    uint64 `json:"end"`
	}{l.l.File, l.l.Line, l.l.Column, l.l.Low, l.l.High})
}

// line returns the line of an address.
func (p *process) line(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	loc := location{name: "*rip"}
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "addr??", &loc); err != nil {
		return nil, err
	}
	addr, err := loc.resolve(p)
	if err != nil {
		return nil, err
	}
	l, ok, err := p.lineAt(addr)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	case !ok:
		return starlark.None, nil
	}
	return &line{l: l}, nil
}

// lineAt returns the line that an instruction comes from. It reports whether the
// debug information tells.
func (p *process) lineAt(addr uint64) (l debuginfo.Line, ok bool, err error) {
	l, err = p.in.LineAt(addr)
	if errors.Is(err, debuginfo.ErrNotFound) || errors.Is(err, debuginfo.ErrNoDWARF) {
		return l, false, nil
	}
	return l, err == nil, err
}

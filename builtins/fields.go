package builtins

import (
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A fields is a dict that has what is in it as attributes too: the variables of a frame,
// the registers that a request returns.
type fields struct {
	*starlark.Dict
	kind string // its type
}

var (
	_ starlark.HasSetField = fields{}
	_ starlark.HasBinary   = fields{}
	_ starlark.Comparable  = fields{}
)

func (f fields) Type() string { return f.kind }

// Attr returns a value, or else a method of the dict.
func (f fields) Attr(name string) (starlark.Value, error) {
	if v, found, err := f.Get(starlark.String(name)); found || err != nil {
		return v, err
	}
	return f.Dict.Attr(name)
}

// SetField replaces a value that is there.
func (f fields) SetField(name string, v starlark.Value) error {
	if _, found, _ := f.Get(starlark.String(name)); !found {
		return starlark.NoSuchAttrError(f.kind + " has no ." + name)
	}
	return f.SetKey(starlark.String(name), v)
}

// AttrNames returns the names of the values and of the dict's methods.
func (f fields) AttrNames() []string {
	names := f.Dict.AttrNames()
	for _, key := range f.Keys() {
		name, _ := starlark.AsString(key)
		names = append(names, name)
	}
	return names
}

// Binary joins it with a dict, or another fields, as two dicts are joined.
func (f fields) Binary(op syntax.Token, y starlark.Value, side starlark.Side) (starlark.Value, error) {
	other, ok := y.(*starlark.Dict)
	if g, same := y.(fields); same {
		other, ok = g.Dict, true
	}
	switch {
	case op != syntax.PIPE || !ok:
		return nil, nil
	case side == starlark.Right:
		return other.Union(f.Dict), nil
	}
	return f.Dict.Union(other), nil
}

// CompareSameType compares what is in two of them.
func (f fields) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	return f.Dict.CompareSameType(op, y.(fields).Dict, depth)
}

package builtins

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
)

// A coverage notes which of many addresses a process executes.
type coverage struct {
	handle
	c *tracer.Coverage
}

var coverageClass = newClass("coverage", "What process.cover returns: it notes which of many addresses are executed.", []attribute[*coverage]{
	{"reached", "list of int", "The addresses that were executed, in the order in which they were for the first time.", func(c *coverage) (starlark.Value, error) {
		return listOf(c.c.Reached(), func(addr uint64) starlark.Value { return starlark.MakeUint64(addr) }), nil
	}},
	{"left", "int", "How many addresses were not executed yet.", func(c *coverage) (starlark.Value, error) {
		return starlark.MakeInt(c.c.Left()), nil
	}},
}, []method[*coverage]{
	{"remove", "()", "End the noting; what was reached is kept. Removing twice is no error.", (*coverage).remove},
})

var _ starlark.HasAttrs = (*coverage)(nil)

func (c *coverage) String() string {
	return fmt.Sprintf("<coverage, %d of %d reached>", len(c.c.Reached()), len(c.c.Reached())+c.c.Left())
}
func (c *coverage) Type() string                             { return "coverage" }
func (c *coverage) Hash() (uint32, error)                    { return 0, unhashable(c) }
func (c *coverage) Attr(name string) (starlark.Value, error) { return coverageClass.attr(c, name) }
func (c *coverage) AttrNames() []string                      { return coverageClass.names() }

// MarshalJSON encodes the attributes.
func (c *coverage) MarshalJSON() ([]byte, error) {
	return encode(struct {
		Reached []uint64 `json:"reached"`
		Left    int      `json:"left"`
	}{append([]uint64{}, c.c.Reached()...), c.c.Left()})
}

func (c *coverage) remove(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	if err := c.c.Remove(); err != nil {
		return nil, err
	}
	return starlark.None, nil
}

// cover begins to note which of some addresses are executed.
func (p *process) cover(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var list starlark.Iterable
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "addrs", &list); err != nil {
		return nil, err
	}
	addrs := make([]uint64, 0, max(starlark.Len(list), 0))
	for v := range starlark.Elements(list) {
		var addr address
		if err := addr.Unpack(v); err != nil {
			return nil, fmt.Errorf("%s: addrs: %w", b.Name(), err)
		}
		addrs = append(addrs, uint64(addr))
	}
	c, err := p.p.Cover(addrs)
	if err != nil {
		return nil, err
	}
	return &coverage{c: c}, nil
}

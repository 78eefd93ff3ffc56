package builtins

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"go.starlark.net/starlark"
)

// A Case is an input, which the function case of a batch is called with.
type Case struct {
	handle
	path  string
	index int
	argv  []string
	state starlark.Value
	data  starlark.Value // nil until it was read
}

// NewCase returns the case with an index whose file is at path. A fuzzer found it with
// the command argv, which may be nil; state is what the script's setup returned.
func NewCase(path string, index int, argv []string, state starlark.Value) *Case {
	return &Case{path: path, index: index, argv: argv, state: state}
}

var caseClass = newClass("case", "An input of a batch (tracelark batch), which its script's function case is called with.", []attribute[*Case]{
	{"path", "str", "The path of its file.", func(c *Case) (starlark.Value, error) { return starlark.String(c.path), nil }},
	{"name", "str", "The name of its file, without the folder.", func(c *Case) (starlark.Value, error) {
		return starlark.String(filepath.Base(c.path)), nil
	}},
	{"index", "int", "Its place among the cases, from 0.", func(c *Case) (starlark.Value, error) { return starlark.MakeInt(c.index), nil }},
	{"data", "bytes", fmt.Sprintf("What is in its file, at most %d bytes; it is read when first asked for.", maxRead), (*Case).read},
	{"state", "", "What the script's function setup returned in this worker; None without one.", func(c *Case) (starlark.Value, error) { return c.state, nil }},
	{"argv", "list of str or None", "The command that found it, if a fuzzer left that beside it, with @@ for the file.", func(c *Case) (starlark.Value, error) {
		if c.argv == nil {
			return starlark.None, nil
		}
		return listOf(c.argv, newString), nil
	}},
}, nil)

// read returns what is in the file. That it may be read does not depend on the policy:
// the case is its user's choice, not the script's.
func (c *Case) read() (starlark.Value, error) {
	if c.data != nil {
		return c.data, nil
	}
	f, err := open(c.path, os.O_RDONLY|syscall.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	data, err := contents(f, info, c.path)
	if err != nil {
		return nil, fmt.Errorf("read the case: %w", err)
	}
	c.data = data
	return c.data, nil
}

var _ starlark.HasAttrs = (*Case)(nil)

func (c *Case) String() string                           { return fmt.Sprintf("<case %d %s>", c.index, c.path) }
func (c *Case) Type() string                             { return "case" }
func (c *Case) Hash() (uint32, error)                    { return 0, unhashable(c) }
func (c *Case) Attr(name string) (starlark.Value, error) { return caseClass.attr(c, name) }
func (c *Case) AttrNames() []string                      { return caseClass.names() }

// MarshalJSON encodes which case it is.
func (c *Case) MarshalJSON() ([]byte, error) {
	return encode(struct {
		Path  string `json:"path"`
		Index int    `json:"index"`
	}{c.path, c.index})
}

package builtins

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/tracer/procfs"
)

// A mapping is a range of addresses of a process and what lies behind it.
type mapping struct {
	handle
	m procfs.Mapping
}

func newMapping(m procfs.Mapping) starlark.Value { return &mapping{m: m} }

var mappingClass = newClass("mapping", "A range of addresses and what lies behind it, as in /proc/PID/maps. addr in mapping tells whether it holds an address.", []attribute[*mapping]{
	{"start", "int", "The first address.", func(m *mapping) (starlark.Value, error) {
		return starlark.MakeUint64(m.m.Start), nil
	}},
	{"end", "int", "The address behind the last.", func(m *mapping) (starlark.Value, error) {
		return starlark.MakeUint64(m.m.End), nil
	}},
	{"size", "int", "The size in bytes.", func(m *mapping) (starlark.Value, error) {
		return starlark.MakeUint64(m.m.End - m.m.Start), nil
	}},
	{"perms", "str", "The permissions, such as \"r-xp\"; p is private, s is shared.", func(m *mapping) (starlark.Value, error) {
		return starlark.String(m.m.Perms.String()), nil
	}},
	{"offset", "int", "The offset of start in the file.", func(m *mapping) (starlark.Value, error) {
		return starlark.MakeUint64(m.m.Offset), nil
	}},
	{"path", "str", "The path of the file, a name such as \"[stack]\", or \"\".", func(m *mapping) (starlark.Value, error) {
		return starlark.String(m.m.Path), nil
	}},
	{"deleted", "bool", "Whether the file has been deleted.", func(m *mapping) (starlark.Value, error) {
		return starlark.Bool(m.m.Deleted), nil
	}},
	{"inode", "int", "The file's inode number, or 0.", func(m *mapping) (starlark.Value, error) {
		return starlark.MakeUint64(m.m.Inode), nil
	}},
	{"device", "str", "The file's device, as in \"fe:01\".", func(m *mapping) (starlark.Value, error) {
		return starlark.String(m.m.Dev), nil
	}},
}, nil)

var (
	_ starlark.HasAttrs   = (*mapping)(nil)
	_ starlark.Comparable = (*mapping)(nil)
	_ starlark.Container  = (*mapping)(nil)
)

func (m *mapping) String() string {
	return strings.TrimRight(fmt.Sprintf("%#x-%#x %s %s", m.m.Start, m.m.End, m.m.Perms, m.m.Path), " ")
}
func (m *mapping) Type() string                             { return "mapping" }
func (m *mapping) Hash() (uint32, error)                    { return uint32(m.m.Start >> 12), nil }
func (m *mapping) Attr(name string) (starlark.Value, error) { return mappingClass.attr(m, name) }
func (m *mapping) AttrNames() []string                      { return mappingClass.names() }

// CompareSameType compares mappings: those alike in everything are equal.
func (m *mapping) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return equality(m, op, m.m == y.(*mapping).m)
}

// Has reports whether an address lies in the mapping.
func (m *mapping) Has(v starlark.Value) (bool, error) {
	var addr address
	if err := addr.Unpack(v); err != nil {
		return false, err
	}
	return m.m.Start <= uint64(addr) && uint64(addr) < m.m.End, nil
}

// MarshalJSON encodes the attributes but the size; the file's only if there is one.
func (m *mapping) MarshalJSON() ([]byte, error) {
	device := ""
	if m.m.Inode != 0 {
		device = m.m.Dev
	}
	return encode(struct {
		Start   uint64 `json:"start"`
		End     uint64 `json:"end"`
		Perms   string `json:"perms"`
		Offset  uint64 `json:"offset"`
		Path    string `json:"path"`
		Deleted bool   `json:"deleted,omitempty"`
		Inode   uint64 `json:"inode,omitempty"`
		Device  string `json:"device,omitempty"`
	}{m.m.Start, m.m.End, m.m.Perms.String(), m.m.Offset, m.m.Path, m.m.Deleted, m.m.Inode, device})
}

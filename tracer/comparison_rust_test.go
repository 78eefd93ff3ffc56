//go:build linux && amd64

package tracer

import (
	"regexp"
	"strings"

	"github.com/tracelark/tracelark/tracer/value"
)

// leaves returns the numbers, texts and variants in what gdb writes of a value of Rust,
// and the parts that are absent.
func leaves(text string) (list []string) {
	text = strings.ReplaceAll(text, "<optimized out>", "absent")
	for inner.MatchString(text) { // arguments of types
		text = inner.ReplaceAllString(text, "")
	}
	text = strings.NewReplacer("(", "((", ",", ",,").Replace(text) // they end one and begin the next
	for _, m := range rustLeaf.FindAllStringSubmatch(text, -1) {
		list = append(list, m[1]+m[2])
	}
	return list
}

// rustLeaf is what follows the name of a member, or begins a tuple or a slice; the end of a
// path that nothing follows is a variant, an enumerator or a structure without members.
var rustLeaf = regexp.MustCompile(`(?:^|: |, |[(\[{])(-?\d[\w.+-]*|true|false|"(?:[^"\\]|\\.)*"|absent)|::(\w+)(?:$|[,({})\]])`)

// rustLeaves returns the same of ours.
func rustLeaves(v *value.Value) (list []string) {
	name := ""
	if v.Type() != nil {
		name = v.Type().String()
	}
	members, err := v.Fields()
	switch {
	case err != nil || name == "&str" || v.IsScalar(): // such as a pointer to members
		return leaves(v.Format(&value.Format{Bare: true}))
	case len(members) == 0:
		return leaves(name)
	}
	for _, m := range members {
		if inner, err := m.Value.Fields(); m.Field.Variant != nil && err == nil && len(inner) > 0 { // else its type tells
			list = append(list, m.Field.Name)
		}
		list = append(list, rustLeaves(m.Value)...)
	}
	return list
}

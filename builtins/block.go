package builtins

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
)

// A block says which lines below one belong to a command.
type block int

const (
	noBlock    block = iota
	ofCommands       // which may have blocks too
	ofText
)

// Unpack implements starlark.Unpacker.
func (k *block) Unpack(v starlark.Value) error {
	switch v {
	case starlark.False:
		*k = noBlock
	case starlark.True:
		*k = ofCommands
	case starlark.String("text"):
		*k = ofText
	default:
		return fmt.Errorf("got %s, want False, True or \"text\"", v)
	}
	return nil
}

// BlockDepth returns in how many blocks of commands the line below one is that is a command
// and itself in depth of them. It is below zero in a block of text.
func (e *Env) BlockDepth(line string, depth int) int {
	if depth != 0 && strings.TrimSpace(line) == "end" {
		return max(depth, -depth) - 1
	}
	name, _ := SplitCommand(line)
	c := e.find(name)
	switch {
	case depth < 0 || c == nil || c.block == noBlock:
		return depth
	case c.block == ofText:
		return -depth - 1
	}
	return depth + 1
}

var splitCommandsRow = method[*Env]{"split_commands", "(text) -> list of str",
	"Divide lines into commands, each with the lines of its block and the line that ends it. Blank lines and those that begin with # are left out.", (*Env).splitCommands}

func (e *Env) splitCommands(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var text string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "text", &text); err != nil {
		return nil, err
	}
	var list []starlark.Value
	depth := 0
	var item []string
	for line := range strings.SplitSeq(text, "\n") {
		bare := strings.TrimSpace(line)
		if depth == 0 {
			if bare == "" || bare[0] == '#' {
				continue
			}
			line = bare
		}
		item = append(item, strings.TrimRight(line, " \t\r"))
		if depth = e.BlockDepth(line, depth); depth == 0 {
			list = append(list, starlark.String(strings.Join(item, "\n")))
			item = nil
		}
	}
	if item != nil {
		list = append(list, starlark.String(strings.Join(item, "\n")))
	}
	return starlark.NewList(list), nil
}

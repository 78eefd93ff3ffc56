package builtins

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
)

// reachRow is the row of reach, of processes and cores.
var reachRow = method[*process]{"reach", "(blocks, roots, words=[]) -> list of int", "Find out which blocks of memory pointers lead to, in the order of blocks: 2 to the first byte, 1 only into the middle, 0 nowhere. blocks and roots are lists of (address, size). Pointers are words at multiples of eight that are addresses in a block; they start from the memory in roots and from words, such as registers, and go on through the blocks that they lead to. Memory that cannot be read has none. Blocks that overlap are an error.", (*process).reach}

// reach finds out which blocks pointers lead to.
func (p *process) reach(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var blocks, roots blockList
	words := starlark.Iterable(starlark.Tuple{})
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "blocks", &blocks, "roots", &roots, "words?", &words); err != nil {
		return nil, err
	}
	var pointers []uint64
	for v := range starlark.Elements(words) {
		var addr address
		if err := addr.Unpack(v); err != nil {
			return nil, fmt.Errorf("%s: words: %w", b.Name(), err)
		}
		pointers = append(pointers, uint64(addr))
	}
	reached, err := p.in.Reach(blocks, roots, pointers)
	if err != nil {
		return nil, err
	}
	return listOf(reached, func(r tracer.Reached) starlark.Value { return starlark.MakeInt(int(r)) }), nil
}

// A blockList is an argument that is a list of (address, size).
type blockList []tracer.Block

func (l *blockList) Unpack(v starlark.Value) error {
	list, ok := v.(starlark.Iterable)
	if !ok {
		return fmt.Errorf("got %s, want a list of (address, size)", v.Type())
	}
	for v := range starlark.Elements(list) {
		pair, ok := v.(starlark.Tuple)
		if !ok || len(pair) != 2 {
			return fmt.Errorf("got %s in the list, want (address, size)", v)
		}
		var addr, size address
		if err := addr.Unpack(pair[0]); err != nil {
			return err
		}
		if err := size.Unpack(pair[1]); err != nil {
			return fmt.Errorf("size of the block at %#x: %w", uint64(addr), err)
		}
		*l = append(*l, tracer.Block{Addr: uint64(addr), Size: uint64(size)})
	}
	return nil
}

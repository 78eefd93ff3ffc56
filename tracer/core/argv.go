package core

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/tracelark/tracelark/tracer/procfs"
)

// Limits on what is looked at for the arguments.
const (
	maxStack = 4 << 20 // the kernel gives arguments a quarter of the stack's limit
	maxArgs  = 6 << 20 // of all strings, as execve(2) has it
)

// Argv returns the arguments that the program was started with, its name first. They
// are those on its stack, below the auxiliary vector (System V ABI, AMD64 supplement,
// 3.4.1). Where the core does not have that, they are the words of what it tells, of
// which the end may be missing.
func (c *Core) Argv() []string {
	if argv := c.argvOnStack(); argv != nil {
		return argv
	}
	return strings.Fields(c.info.Args)
}

func (c *Core) argvOnStack() []string {
	// The random bytes lie above the vector, with less than a page between.
	random := c.Auxv()[procfs.AT_RANDOM]
	s := c.segmentAt(random)
	if s == nil || len(c.auxv) < 16 {
		return nil
	}
	start := max(s.start, random-min(random, maxStack)) &^ 7
	stack := make([]byte, random-start)
	n, _ := c.held(start, stack)
	stack = stack[:n&^7]
	at := bytes.LastIndex(stack, c.auxv)
	if at < 0 || at%8 != 0 {
		return nil
	}
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(stack[8*i:]) }
	i := at/8 - 2 // below the null that ends the environment
	for i >= 0 && word(i) != 0 {
		i--
	}
	for count := uint64(0); i > 0; count++ {
		if i--; word(i) == count {
			return c.strings(stack[8*(i+1):][:8*count])
		}
	}
	return nil
}

// strings returns the strings that an array of pointers leads to.
func (c *Core) strings(pointers []byte) []string {
	argv := make([]string, 0, len(pointers)/8)
	left := maxArgs
	for p := range slices.Chunk(pointers, 8) {
		addr := binary.LittleEndian.Uint64(p)
		var text []byte
		var page [pageSize]byte
		for left > 0 {
			at := addr + uint64(len(text))
			n, err := c.held(at, page[:pageSize-at%pageSize])
			head, _, ended := bytes.Cut(page[:n], []byte{0})
			text = append(text, head...)
			left -= len(head) + 1
			if ended || err != nil {
				break
			}
		}
		argv = append(argv, string(text))
	}
	return argv
}

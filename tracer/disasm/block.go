package disasm

import "bytes"

// A Block is a basic block: instructions that are executed one after the other, from
// the first on. A call does not end it.
type Block struct {
	Addr uint64
	Size int // in bytes
}

// A mark is what is known of a byte of code.
type mark struct {
	size   uint8 // of the instruction that begins here, or 0
	last   bool  // the next instruction may not follow it
	leader bool  // a block begins here
	within bool  // an instruction goes on here
}

// Blocks divides the code of a function, which lies at addr, into basic blocks,
// sorted.
//
// Jumps by register or table do not say where they go. What follows a jump or a
// return counts as code if all of the function can be decoded and each direct jump
// in it goes to an instruction, so that data among the code would show. Otherwise
// the blocks are those that direct jumps reach. No block begins within an
// instruction of another one.
func Blocks(code []byte, addr uint64) []Block {
	if len(code) == 0 {
		return nil
	}
	marks, ok := sweep(code, addr)
	if !ok {
		marks = descend(code, addr)
	}
	var blocks []Block
	for at := 0; at < len(code); at++ {
		m := marks[at]
		if m.size == 0 || !m.leader || m.within {
			continue
		}
		end := at + int(m.size)
		for !m.last && marks[end].size > 0 && !marks[end].leader {
			m = marks[end]
			end += int(m.size)
		}
		blocks = append(blocks, Block{addr + uint64(at), end - at})
		at = end - 1
	}
	return blocks
}

// sweep marks code that is nothing but instructions; ok is false where it is not.
func sweep(code []byte, addr uint64) (marks []mark, ok bool) {
	marks = make([]mark, len(code)+1)
	marks[0].leader = true
	behind := false // what does not go on to the next instruction
	for at := 0; at < len(code); {
		inst, err := Skim(code[at:], addr+uint64(at))
		if err != nil {
			return nil, false
		}
		if behind && !isPadding(inst.Data) {
			marks[at].leader = true
			behind = false
		}
		note(marks, at, &inst)
		at += len(inst.Data)
		switch inst.Kind {
		case Jump, Return, Trap:
			behind = true
		case Branch:
			marks[at].leader = true
		}
	}
	for _, m := range marks[:len(code)] {
		if m.leader && m.size == 0 {
			return nil, false
		}
	}
	return marks, true
}

// descend marks the code that direct jumps reach.
func descend(code []byte, addr uint64) (marks []mark) {
	marks = make([]mark, len(code)+1)
	marks[0].leader = true
	for queue := []int{0}; len(queue) > 0; {
		at := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for at < len(code) && marks[at].size == 0 {
			inst, err := Skim(code[at:], addr+uint64(at))
			if err != nil {
				break
			}
			note(marks, at, &inst)
			if target := inst.Target - addr; inst.jumps() && target < uint64(len(code)) {
				queue = append(queue, int(target))
			}
			at += len(inst.Data)
			if inst.Kind == Branch {
				marks[at].leader = true
			} else if inst.Kind != Other && inst.Kind != Call && inst.Kind != Syscall {
				break
			}
		}
	}
	return marks
}

// jumps reports whether the instruction may jump to its target.
func (i *Inst) jumps() bool { return i.HasTarget && (i.Kind == Jump || i.Kind == Branch) }

// note marks an instruction, and that a block begins where it jumps to.
func note(marks []mark, at int, inst *Inst) {
	marks[at].size = uint8(len(inst.Data))
	for i := 1; i < len(inst.Data); i++ {
		marks[at+i].within = true
	}
	switch inst.Kind {
	case Jump, Branch, Return, Trap:
		marks[at].last = true
	}
	start := inst.Addr - uint64(at)
	if target := inst.Target - start; inst.jumps() && target < uint64(len(marks)-1) {
		marks[target].leader = true
	}
}

// isPadding reports whether an instruction does nothing, as those that fill up the
// space between functions and before loops.
func isPadding(inst []byte) bool {
	op := bytes.TrimLeft(inst, "\x66\x2e")
	return len(op) == 0 || op[0] == 0x90 || op[0] == 0xcc || len(op) > 1 && op[0] == 0x0f && op[1] == 0x1f
}

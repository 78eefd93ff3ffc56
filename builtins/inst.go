package builtins

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/disasm"
)

// An inst is an instruction.
type inst struct {
	handle
	p *process
	i disasm.Inst
}

var instClass = newClass("inst", "An instruction. It can be used wherever an address is taken.", []attribute[*inst]{
	{"addr", "int", "The address.", func(i *inst) (starlark.Value, error) {
		return starlark.MakeUint64(i.i.Addr), nil
	}},
	{"size", "int", "The length in bytes.", func(i *inst) (starlark.Value, error) {
		return starlark.MakeInt(len(i.i.Data)), nil
	}},
	{"data", "bytes", "The bytes.", func(i *inst) (starlark.Value, error) {
		return starlark.Bytes(i.i.Data), nil
	}},
	{"text", "str", "The instruction in the syntax that was asked for, with the symbols of the addresses in it. One that is not known is shown as its bytes, with its real length: 3DNow!, SSE4a, XOP, FMA4, ADX, GFNI without VEX, MPX, AMX, AVX512-FP16, -ER and -4FMAPS, key locker, cmpccxadd, shadow stacks, user interrupts, clflushopt, clwb, movdiri, enqcmd, ptwrite, umwait and their like, and some of the system's, such as vmcall, clac and rdpid. APX is not decoded at all: its bytes are shown one by one.", func(i *inst) (starlark.Value, error) {
		return starlark.String(i.i.Text), nil
	}},
	{"kind", "str", "What it does to the flow of control: \"call\", \"jump\", \"branch\" (a conditional jump), \"return\", \"syscall\", \"trap\" (it raises an exception) or \"other\".", func(i *inst) (starlark.Value, error) {
		return starlark.String(i.i.Kind.String()), nil
	}},
	{"target", "int or None", "Where it jumps to or what it calls, if the instruction alone tells.", func(i *inst) (starlark.Value, error) {
		if !i.i.HasTarget {
			return starlark.None, nil
		}
		return starlark.MakeUint64(i.i.Target), nil
	}},
	{"file", "str or None", "The path of the source file that it comes from, as the compiler was given it, if the debug information tells.", func(i *inst) (starlark.Value, error) {
		l, _, err := i.p.lineAt(i.i.Addr)
		return optional(l.File), err
	}},
	{"line", "int or None", "The line there, from 1 on. 0 is no line of that file in particular.", func(i *inst) (starlark.Value, error) {
		l, ok, err := i.p.lineAt(i.i.Addr)
		return optionalInt(l.Line, ok), err
	}},
	{"source", "str or None", "The text of that line, if the file can be read. None without the permission fs.", func(i *inst) (starlark.Value, error) {
		l, ok, err := i.p.lineAt(i.i.Addr)
		if !ok {
			return starlark.None, err
		}
		return i.p.env.source(l), nil
	}},
}, nil)

var (
	_ starlark.HasAttrs   = (*inst)(nil)
	_ starlark.Comparable = (*inst)(nil)
)

func (i *inst) String() string                           { return fmt.Sprintf("%#x: %s", i.i.Addr, i.i.Text) }
func (i *inst) Type() string                             { return "inst" }
func (i *inst) Hash() (uint32, error)                    { return starlark.MakeUint64(i.i.Addr).Hash() }
func (i *inst) Attr(name string) (starlark.Value, error) { return instClass.attr(i, name) }
func (i *inst) AttrNames() []string                      { return instClass.names() }
func (i *inst) address() uint64                          { return i.i.Addr }

// CompareSameType compares instructions: the same bytes at the same address are equal.
func (i *inst) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	j := y.(*inst)
	return equality(i, op, i.i.Addr == j.i.Addr && bytes.Equal(i.i.Data, j.i.Data))
}

// MarshalJSON encodes the attributes but source, the bytes in hexadecimal.
func (i *inst) MarshalJSON() ([]byte, error) {
	v := struct {
		Addr   uint64  `json:"addr"`
		Size   int     `json:"size"`
		Data   string  `json:"data"`
		Text   string  `json:"text"`
		Kind   string  `json:"kind"`
		Target *uint64 `json:"target,omitempty"`
		File   string  `json:"file,omitempty"`
		Line   int     `json:"line,omitempty"`
	}{Addr: i.i.Addr, Size: len(i.i.Data), Data: hex.EncodeToString(i.i.Data), Text: i.i.Text, Kind: i.i.Kind.String()}
	if l, ok, _ := i.p.lineAt(i.i.Addr); ok {
		v.File, v.Line = l.File, l.Line
	}
	if i.i.HasTarget {
		v.Target = &i.i.Target
	}
	return encode(v)
}

// maxSource bounds the bytes of a source file that are looked at.
const maxSource = 16 << 20

// source returns the text of a line, or None if it cannot be read. What is no file
// is not read: it might never end.
func (e *Env) source(l debuginfo.Line) starlark.Value {
	f, err := e.allowed.Open("inst.source", l.File)
	if err != nil {
		return starlark.None
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return starlark.None
	}
	lines := bufio.NewScanner(io.LimitReader(f, maxSource))
	for n := 1; lines.Scan(); n++ {
		if n == l.Line {
			return starlark.String(strings.ToValidUTF8(lines.Text(), "\ufffd"))
		}
	}
	return starlark.None
}

const (
	maxInsts = 1 << 20 // instructions that disasm returns
	maxInst  = 15      // bytes of the longest instruction
)

// disasm disassembles memory.
func (p *process) disasm(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	const unset = math.MinInt
	loc, to := location{name: "*rip"}, location{addr: math.MaxUint64}
	n, syntax := unset, "intel"
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "addr??", &loc, "n??", &n, "syntax?", &syntax, "end??", &to); err != nil {
		return nil, err
	}
	addr, err := loc.resolve(p)
	if err != nil {
		return nil, err
	}
	end, err := to.resolve(p)
	if err != nil {
		return nil, err
	}
	switch bounded := end != math.MaxUint64; {
	case bounded && (end < addr || end-addr > maxInsts):
		return nil, fmt.Errorf("%s: end is %#x, want %#x or up to %d more", b.Name(), end, addr, maxInsts)
	case n == unset && bounded:
		n = maxInsts
	case n == unset:
		n = 8
	case n < 0 || n > maxInsts:
		return nil, fmt.Errorf("%s: n is %d, want 0 to %d", b.Name(), n, maxInsts)
	}
	if syntax != "intel" && syntax != "att" {
		return nil, fmt.Errorf("%s: syntax is %q, want \"intel\" or \"att\"", b.Name(), syntax)
	}
	code := make([]byte, min(uint64(n*maxInst), end-addr+min(maxInst, math.MaxUint64-end)))
	got, err := p.in.ReadAt(addr, code)
	if got == 0 && err != nil {
		return nil, err
	}
	insts := make([]starlark.Value, 0, min(n, 64))
	for i := range disasm.All(code[:got], addr, p.name) {
		if len(insts) == n || i.Addr >= end {
			break
		}
		if len(insts)%4096 == 4095 {
			if err := canceled(thread); err != nil {
				return nil, err
			}
		}
		if syntax == "att" {
			i.Text = i.ATT(p.name)
		}
		insts = append(insts, &inst{p: p, i: i})
	}
	return starlark.NewList(insts), nil
}

// name returns the symbol that an address lies in, and where that begins.
func (p *process) name(addr uint64) (name string, base uint64) {
	s, _ := p.in.SymbolAt(addr)
	return s.Demangled(), s.Addr
}

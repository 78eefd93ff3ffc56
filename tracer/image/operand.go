package image

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tracelark/tracelark/tracer/arch"
)

// An Operand is where an argument of a probe is: a constant, a register, or memory.
type Operand struct {
	Text   string
	Size   int // in bytes: 1, 2, 4 or 8
	Signed bool
	Float  bool // a float of 4 or 8 bytes

	memory      bool // what the sum is the address of, and not the sum itself
	base, index string
	scale       uint64
	segment     string // "fs", "gs" or ""
	disp        uint64
	symbols     []string // to be added
}

// Registers are those that operands name. XReg gives the bytes of the extended ones.
type Registers interface {
	Regs() (*arch.Regs, error)
	XReg(*arch.XRegister) ([]byte, error)
}

// parseOperand parses SIZE@OPERAND, where the operand is as an assembler of AT&T's syntax
// has it. The size is negative for signed ones and has an f behind it for floats.
func parseOperand(text string) (Operand, error) {
	o := Operand{Text: text, Size: 8}
	rest := text
	if size, after, ok := strings.Cut(text, "@"); ok {
		rest = after
		size, o.Float = strings.CutSuffix(size, "f")
		size, o.Signed = strings.CutPrefix(size, "-")
		switch n, err := strconv.Atoi(size); {
		case err != nil, n != 1 && n != 2 && n != 4 && n != 8, o.Float && n < 4:
			return o, fmt.Errorf("size %w", errOperand)
		default:
			o.Size = n
		}
	}
	var err error
	switch {
	case strings.HasPrefix(rest, "$"):
		err = o.sum(rest[1:])
	case strings.HasPrefix(rest, "%") && !strings.Contains(rest, ":"):
		o.base, err = register(rest)
	default:
		o.memory = true
		err = o.parseMemory(rest)
	}
	return o, err
}

// register returns the name of a register without its percent sign.
func register(text string) (string, error) {
	name, ok := strings.CutPrefix(text, "%")
	if !ok || name != "rip" && arch.Lookup(name) == nil && arch.LookupX(name) == nil {
		return "", fmt.Errorf("register %w", errOperand)
	}
	return name, nil
}

// parseMemory parses [%SEGMENT:][DISPLACEMENT][(BASE, INDEX, SCALE)].
func (o *Operand) parseMemory(text string) error {
	if seg, after, ok := strings.Cut(text, ":"); ok {
		if o.segment = strings.TrimPrefix(seg, "%"); seg != "%fs" && seg != "%gs" {
			return fmt.Errorf("segment %w", errOperand)
		}
		text = after
	}
	disp, inner, ok := strings.Cut(text, "(")
	if !ok && disp == "" {
		return errOperand
	}
	if disp != "" {
		if err := o.sum(disp); err != nil {
			return err
		}
	}
	if !ok {
		return nil
	}
	inner, ok = strings.CutSuffix(inner, ")")
	parts := strings.Split(inner, ",")
	if !ok || len(parts) > 3 {
		return errOperand
	}
	o.scale = 1
	for i, part := range parts {
		part = strings.TrimSpace(part)
		var err error
		switch {
		case i == 2:
			o.scale, err = strconv.ParseUint(part, 0, 4)
		case part == "" && i == 0 && len(parts) > 1:
		case i == 0:
			o.base, err = register(part)
		default:
			o.index, err = register(part)
		}
		if err != nil {
			return errOperand
		}
	}
	if o.base == "rip" && len(o.symbols) > 0 {
		o.base = "" // a symbol's distance from rip, and rip
	}
	return nil
}

// sum takes in numbers and symbols with signs between them. Symbols can be added alone.
func (o *Operand) sum(text string) error {
	if text == "" {
		return errOperand
	}
	for text != "" {
		negative := text[0] == '-'
		if negative || text[0] == '+' {
			text = text[1:]
		}
		end := strings.IndexAny(text, "+-")
		if end < 0 {
			end = len(text)
		}
		term := strings.TrimSpace(text[:end])
		text = text[end:]
		n, err := strconv.ParseUint(term, 0, 64)
		switch {
		case err == nil && negative:
			o.disp -= n
		case err == nil:
			o.disp += n
		case negative || term == "" || term[0] >= '0' && term[0] <= '9' || strings.ContainsAny(term, "%$()*/, "):
			return errOperand
		default:
			o.symbols = append(o.symbols, term)
		}
	}
	return nil
}

// Value returns the bits of the operand, of which there are as many as its size says, for
// a thread that stands at the probe. Its symbols are those of the image.
func (o *Operand) Value(im *Image, t Registers, mem Memory) (uint64, error) {
	if r := arch.LookupX(o.base); r != nil && !o.memory {
		data, err := t.XReg(r)
		if err != nil {
			return 0, err
		}
		return o.cut(littleEndian(data)), nil
	}
	regs, err := t.Regs()
	if err != nil {
		return 0, err
	}
	get := func(name string) uint64 {
		if r := arch.Lookup(name); r != nil {
			return r.Get(regs)
		}
		return 0
	}
	v := o.disp + get(o.base) + get(o.index)*o.scale
	if o.segment != "" {
		v += get(o.segment + "_base")
	}
	for _, name := range o.symbols {
		found := im.Lookup(name)
		if len(found) == 0 {
			return 0, fmt.Errorf("operand %q of a probe: no symbol %q", o.Text, name)
		}
		v += found[0].Addr
	}
	if o.memory {
		data := make([]byte, o.Size)
		if _, err := mem.ReadAt(v, data); err != nil {
			return 0, err
		}
		v = littleEndian(data)
	}
	return o.cut(v), nil
}

func (o *Operand) cut(v uint64) uint64 { return v & (math.MaxUint64 >> (64 - 8*o.Size)) }

// littleEndian returns the number that the first eight bytes are, or all if there are less.
func littleEndian(data []byte) (v uint64) {
	for i, b := range data[:min(len(data), 8)] {
		v |= uint64(b) << (8 * i)
	}
	return v
}

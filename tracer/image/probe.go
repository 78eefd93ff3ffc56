package image

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// A Probe is a place that a program's author has marked, as sys/sdt.h does. The code
// there is a nop.
type Probe struct {
	Provider, Name string
	Addr           uint64
	// Semaphore is the address of a 16-bit number that counts who looks at the probe, or
	// 0. A program may leave out what only the probe needs while it is 0.
	Semaphore uint64
	Args      string // the operands, as ParseOperands takes them
}

// String returns PROVIDER:NAME.
func (p Probe) String() string { return p.Provider + ":" + p.Name }

// Probes returns the probes of a file, by address. A note that makes no sense ends them.
func (f *File) Probes() []Probe { return f.probes() }

func (f *File) loadProbes() []Probe {
	data, _, err := f.Section(".note.stapsdt")
	if err != nil {
		return nil
	}
	_, base, err := f.Section(".stapsdt.base")
	return parseProbes(data, base, err == nil)
}

// parseProbes takes probes from their notes. The addresses in a note go with that of a
// base, which prelink may have moved.
func parseProbes(data []byte, base uint64, hasBase bool) []Probe {
	const stapsdt = 3 // NT_STAPSDT
	var probes []Probe
	for len(data) >= 12 {
		nameSize := alignUp(uint64(binary.LittleEndian.Uint32(data)), 4)
		descSize := uint64(binary.LittleEndian.Uint32(data[4:]))
		typ := binary.LittleEndian.Uint32(data[8:])
		data = data[12:]
		if nameSize+descSize > uint64(len(data)) {
			break
		}
		owner, desc := data[:nameSize], data[nameSize:nameSize+descSize]
		data = data[min(nameSize+alignUp(descSize, 4), uint64(len(data))):]
		if typ != stapsdt || string(owner) != "stapsdt\x00" {
			continue
		}
		if p, ok := parseProbe(desc, base, hasBase); ok {
			probes = append(probes, p)
		}
	}
	slices.SortStableFunc(probes, func(a, b Probe) int { return cmp.Compare(a.Addr, b.Addr) })
	return probes
}

func parseProbe(desc []byte, base uint64, hasBase bool) (p Probe, ok bool) {
	var addrs [3]uint64 // of the probe, the base, the semaphore
	if len(desc) < len(addrs)*8 {
		return p, false
	}
	for i := range addrs {
		addrs[i] = binary.LittleEndian.Uint64(desc[8*i:])
	}
	if hasBase {
		moved := base - addrs[1]
		addrs[0] += moved
		if addrs[2] != 0 {
			addrs[2] += moved
		}
	}
	p.Addr, p.Semaphore = addrs[0], addrs[2]
	rest := desc[len(addrs)*8:]
	for _, s := range []*string{&p.Provider, &p.Name, &p.Args} {
		if *s, ok = cString(rest, 0); !ok {
			return p, false
		}
		rest = rest[len(*s)+1:]
	}
	return p, p.Provider != "" && p.Name != ""
}

// MatchProbes returns the probes whose PROVIDER:NAME matches a pattern as Match has it,
// at the addresses of the process.
func (im *Image) MatchProbes(pattern string) []Probe {
	if im.File == nil {
		return nil
	}
	var found []Probe
	for _, p := range im.File.Probes() {
		if match(pattern, p.String()) {
			found = append(found, im.moved(p))
		}
	}
	return found
}

// ProbeAt returns the probe at an address of the process.
func (im *Image) ProbeAt(addr uint64) (Probe, bool) {
	if im.File == nil {
		return Probe{}, false
	}
	probes := im.File.Probes()
	i, ok := slices.BinarySearchFunc(probes, addr-im.Bias, func(p Probe, addr uint64) int { return cmp.Compare(p.Addr, addr) })
	if !ok {
		return Probe{}, false
	}
	return im.moved(probes[i]), true
}

func (im *Image) moved(p Probe) Probe {
	p.Addr += im.Bias
	if p.Semaphore != 0 {
		p.Semaphore += im.Bias
	}
	return p
}

// errOperand is the error for an operand that is not understood.
var errOperand = errors.New("not understood")

// ParseOperands parses the arguments of a probe, such as "-4@%eax 8@-16(%rbp)".
func ParseOperands(args string) ([]Operand, error) {
	var operands []Operand
	for _, text := range fields(args) {
		o, err := parseOperand(text)
		if err != nil {
			return nil, fmt.Errorf("operand %q of a probe: %w", text, err)
		}
		operands = append(operands, o)
	}
	return operands, nil
}

// fields divides the arguments at spaces that are not in parentheses.
func fields(args string) (list []string) {
	depth, start := 0, -1
	for i, c := range []byte(args) {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		}
		if c == ' ' && depth <= 0 {
			if start >= 0 {
				list = append(list, args[start:i])
			}
			start = -1
		} else if start < 0 {
			start = i
		}
	}
	if start >= 0 {
		list = append(list, args[start:])
	}
	return list
}

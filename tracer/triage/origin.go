package triage

import (
	"encoding/binary"
	"slices"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
)

// An Origin is where the value in a register of a frame comes from.
type Origin struct {
	Kind OriginKind
	Inst disasm.Inst // that loaded it, or called what returned it
	Addr uint64      // of the memory (OfMemory)
	Size int         // of that, in bytes
	Reg  arch.Reg    // that held it where the function was entered (OfCaller)

	Value uint64 // what that held, if Exact
	Exact bool
}

// An OriginKind tells what a value comes from.
type OriginKind uint8

// The kinds of origins.
const (
	Unknown  OriginKind = iota
	OfMemory            // it was loaded, and is still there
	OfCall              // a function returned it
	OfCaller            // it was in a register when the function was entered
)

// String returns the kind in lower case.
func (k OriginKind) String() string {
	return [...]string{"unknown", "memory", "call", "caller"}[k]
}

// maxFunction bounds the bytes of a function that FindOrigin looks at.
const maxFunction = 1 << 16

// reader reads memory.
type reader interface {
	ReadAt(addr uint64, buf []byte) (int, error)
}

// A Place is where a frame is.
type Place struct {
	Start uint64 // of its function
	PC    uint64
	Regs  arch.Regs
	Known func(arch.Reg) bool       // which of Regs are known
	End   func(start uint64) uint64 // of the function that begins there, or 0
}

// A Wanted is the register whose value is looked for.
type Wanted struct {
	Reg    arch.Reg
	Value  *uint64 // what it held, or nil: what it holds now
	Callee uint64  // the function of the next inner frame, or 0
}

// FindOrigin returns where a value comes from that is in a register of a frame, or was there
// when the frame made its call. It follows the instructions back as they lie, and believes in
// a load only where the memory still holds the value.
func FindOrigin(mem reader, p *Place, w Wanted) Origin {
	if p.PC < p.Start || p.PC-p.Start > maxFunction {
		return Origin{}
	}
	insts, ok := decodeAll(mem, p.Start, p.PC)
	if !ok {
		return Origin{}
	}
	f := finder{mem: mem, regs: &p.Regs, known: p.Known, insts: insts}
	o := Origin{Kind: OfCaller, Reg: w.Reg, Value: p.Regs[w.Reg], Exact: p.Known(w.Reg)}
	if w.Value != nil {
		o.Value, o.Exact = *w.Value, true
	}
	if last := len(insts) - 1; last >= 0 && insts[last].Kind == disasm.Call {
		f.insts = insts[:last] // the one that this frame is in
		if o = f.jumped(p, &insts[last], w.Callee, o); o.Kind != OfCaller {
			return o
		}
	}
	return f.find(len(f.insts), o.Reg, o.Value, o.Exact)
}

// decodeAll decodes the instructions between two addresses.
func decodeAll(mem reader, start, end uint64) (insts []disasm.Inst, ok bool) {
	code := make([]byte, end-start)
	n, _ := mem.ReadAt(start, code)
	for at := uint64(0); at < uint64(n); {
		i, err := disasm.Skim(code[at:n], start+at)
		if err != nil {
			return insts, false
		}
		insts = append(insts, i)
		at += uint64(len(i.Data))
	}
	return insts, true
}

// A finder looks back from the end of a list of instructions.
type finder struct {
	mem   reader
	regs  *arch.Regs // at the end
	known func(arch.Reg) bool
	insts []disasm.Inst
	entry func(arch.Reg) (uint64, bool) // what a register held before the first one, or nil
}

// find returns the origin of what r holds before instruction n, which is value if
// exact is set.
func (f *finder) find(n int, r arch.Reg, value uint64, exact bool) Origin {
	for n--; n >= 0; n-- {
		i := &f.insts[n]
		if !writes(i, r) {
			continue
		}
		if i.Kind == disasm.Call {
			if r == arch.RAX {
				return Origin{Kind: OfCall, Inst: *i}
			}
			return Origin{}
		}
		if addr, size, ok := f.load(n); ok {
			v, ok := f.word(addr, size)
			if ok && (!exact || v == value&(1<<(8*size-1)<<1-1)) {
				return Origin{Kind: OfMemory, Inst: *i, Addr: addr, Size: size}
			}
			return Origin{}
		}
		read := i.Flow().Read
		if len(read) == 0 {
			return Origin{} // a constant
		}
		r, exact = read[0], exact && isMove(i) // a copy, or what is computed from it
	}
	return Origin{Kind: OfCaller, Reg: r, Value: value, Exact: exact}
}

// load returns the memory that instruction n loads a register from.
func (f *finder) load(n int) (addr uint64, size int, ok bool) {
	for _, a := range f.insts[n].Accesses() {
		if !a.Read || a.Write || a.Stack || a.Vector || a.Size == 0 || a.Size > 8 {
			continue
		}
		regs := *f.regs
		for _, r := range a.Registers() {
			if regs[r], ok = f.before(n, r, 8); !ok {
				return 0, 0, false
			}
		}
		return a.Addr(&regs), a.Size, true
	}
	return 0, 0, false
}

// before returns what a register held before instruction n, as far as that is still
// in the registers or in memory. It looks at depth instructions that wrote it.
func (f *finder) before(n int, r arch.Reg, depth int) (v uint64, ok bool) {
	kept := f.known(r)
	for k := n; k < len(f.insts) && kept; k++ {
		kept = !writes(&f.insts[k], r)
	}
	if kept || depth == 0 {
		return f.regs[r], kept
	}
	for n--; n >= 0; n-- {
		i := &f.insts[n]
		switch {
		case !writes(i, r):
		case i.Kind == disasm.Call:
			return 0, false
		case isMove(i):
			return f.before(n, i.Flow().Read[0], depth-1)
		case isAddress(i):
			return i.Next() + uint64(int32(binary.LittleEndian.Uint32(i.Data[3:]))), true
		default:
			addr, size, ok := f.load(n)
			if !ok || size < 4 { // which leaves a part
				return 0, false
			}
			return f.word(addr, size)
		}
	}
	if f.entry != nil {
		return f.entry(r)
	}
	return 0, false
}

// word returns the number in memory.
func (f *finder) word(addr uint64, size int) (uint64, bool) {
	var b [8]byte
	n, _ := f.mem.ReadAt(addr, b[:size])
	return binary.LittleEndian.Uint64(b[:]), n == size
}

// writes reports whether an instruction may change r: a call changes what functions
// need not keep.
func writes(i *disasm.Inst, r arch.Reg) bool {
	if i.Kind == disasm.Call {
		return slices.Contains(volatile, r)
	}
	return slices.Contains(i.Flow().Written, r)
}

// isMove reports whether the instruction copies a register of 64 bits.
func isMove(i *disasm.Inst) bool {
	n := len(i.Data)
	return n == 3 && i.Data[0]&0xf8 == 0x48 && (i.Data[1] == 0x89 || i.Data[1] == 0x8b) && i.Data[2] >= 0xc0
}

// isAddress reports whether the instruction is a lea of an address relative to it.
func isAddress(i *disasm.Inst) bool {
	return len(i.Data) == 7 && i.Data[0]&0xfb == 0x48 && i.Data[1] == 0x8d && i.Data[2]&0xc7 == 5
}

// volatile are the registers that a function need not keep (System V ABI).
var volatile = []arch.Reg{arch.RAX, arch.RCX, arch.RDX, arch.RSI, arch.RDI, arch.R8, arch.R9, arch.R10, arch.R11}

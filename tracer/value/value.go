// Package value shows the variables of a program: a Value is a type and where an
// object of it lies.
//
// It is a leaf. What it reads and writes is a Context, which a frame of a live
// process or of a core is. Nothing is read before it is needed, and again each time
// it is, so that a Value shows what there is now.
//
// Types, memory and the contents of objects may be hostile: what is shown is bounded
// by a Format, what is read by the size of the type, which is bounded too.
package value

import (
	"errors"
	"fmt"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// A Context is what values are read from and written to: a frame, or a process
// without one.
type Context interface {
	debuginfo.Memory

	// WriteAt writes memory, as io.WriterAt does. It fails for a core.
	WriteAt(addr uint64, data []byte) (int, error)

	// Frame returns what locations are evaluated in. It is not nil.
	Frame() *debuginfo.Frame

	// SetReg writes a register of the frame by its DWARF number.
	SetReg(n int, data []byte) error

	// SymbolAt returns the symbol that covers addr, demangled, and how far behind
	// its start addr is.
	SymbolAt(addr uint64) (name string, offset uint64, ok bool)

	// Types returns the types called name, a definition first.
	Types(name string) ([]*debuginfo.Type, error)

	// Var returns the variable that name means.
	Var(name string) (*Value, error)

	// Symbol returns the address of the symbol that has a name, as the linker knows it or
	// as C++ writes it.
	Symbol(name string) (uint64, error)
}

// A Value is an object of a program: its type and where it is.
type Value struct {
	in   Context
	typ  *debuginfo.Type
	loc  debuginfo.Location
	err  error  // why there is none, or nil
	bits uint64 // of a bit-field, or 0
}

// New returns the value of type t at a place.
func New(in Context, t *debuginfo.Type, loc debuginfo.Location) *Value {
	return &Value{in: in, typ: t, loc: loc}
}

// At returns the value of type t in memory.
func At(in Context, t *debuginfo.Type, addr uint64) *Value {
	return New(in, t, debuginfo.Location{Kind: debuginfo.InMemory, Addr: addr})
}

// FromBytes returns a value that lies nowhere. It is little-endian.
func FromBytes(in Context, t *debuginfo.Type, b []byte) *Value {
	return New(in, t, debuginfo.Location{Kind: debuginfo.Known, Bytes: b})
}

// Absent returns a value that is not there, and err says why.
func Absent(in Context, t *debuginfo.Type, err error) *Value {
	return &Value{in: in, typ: t, err: err, loc: debuginfo.Location{Kind: debuginfo.OptimisedOut}}
}

// Type returns the type of the value; nil is void.
func (v *Value) Type() *debuginfo.Type { return v.typ }

// Context returns what the value is read from.
func (v *Value) Context() Context { return v.in }

// Location returns where the value is.
func (v *Value) Location() debuginfo.Location { return v.loc }

// BitSize returns the number of bits of a bit-field, or 0.
func (v *Value) BitSize() uint64 { return v.bits }

// Err returns why the value is not there, or nil. What is in registers or memory may
// fail to be read all the same.
func (v *Value) Err() error {
	if v.err == nil && v.loc.Kind == debuginfo.OptimisedOut {
		return &debuginfo.AbsentError{Reason: "optimised out"}
	}
	return v.err
}

// Address returns where in memory the value is, if it is there and no bit-field.
func (v *Value) Address() (addr uint64, ok bool) {
	return v.loc.Addr, v.err == nil && v.bits == 0 && v.loc.Kind == debuginfo.InMemory
}

// strip returns the value's type without typedefs and qualifiers, and for one that is
// declared alone the definition that another image has. Void is an error.
func (v *Value) strip() (*debuginfo.Type, error) {
	if v.typ == nil {
		return nil, errors.New("a value of type void has nothing to read")
	}
	t, err := v.typ.Strip()
	if err == nil && t == nil {
		err = errors.New("a value of type void has nothing to read")
	}
	return v.defined(t), err
}

// defined returns the definition that an image has of t, where that is but a declaration.
func (v *Value) defined(t *debuginfo.Type) *debuginfo.Type {
	if t != nil && t.Declaration {
		if types, err := v.in.Types(t.String()); err == nil && types[0].Kind == t.Kind {
			return types[0]
		}
	}
	return t
}

// Size returns the size in bytes: that of a variable-length array is computed.
func (v *Value) Size() (int64, error) {
	t, err := v.strip()
	if err != nil {
		return 0, err
	}
	return v.sizeOf(t)
}

func (v *Value) sizeOf(t *debuginfo.Type) (int64, error) {
	t, err := t.Strip()
	t = v.defined(t)
	switch {
	case err != nil:
		return 0, err
	case t == nil:
		return 1, nil // of void, as GCC has it
	case t.Kind == debuginfo.Function:
		return 1, nil
	case t.Kind == debuginfo.Unspecified:
		return 8, nil // nullptr
	case t.Size >= 0:
		return t.Size, nil
	case t.Kind != debuginfo.Array:
		return 0, fmt.Errorf("the size of %s is not known: its definition is missing", t)
	}
	elem, err := t.Elem()
	if err != nil {
		return 0, err
	}
	size, err := v.sizeOf(elem)
	if err != nil {
		return 0, err
	}
	for _, d := range t.Dims() {
		n := d.Count
		if n < 0 {
			if n, err = t.CountIn(d, v.in.Frame()); err != nil {
				if absent := new(debuginfo.AbsentError); errors.As(err, &absent) {
					return 0, nil // a flexible array member
				}
				return 0, err
			}
		}
		if n > 0 && size > 1<<62/n {
			return 0, fmt.Errorf("%s is too large", t)
		}
		size *= n
	}
	return size, nil
}

// Bytes returns the bytes of the value, the lowest first: those of a bit-field as its
// type has them. What is not there is an error that says why.
func (v *Value) Bytes() ([]byte, error) {
	if err := v.Err(); err != nil {
		return nil, err
	}
	size, err := v.Size()
	if err != nil {
		return nil, err
	}
	return v.read(size)
}

// read returns the first size bytes of the value.
func (v *Value) read(size int64) ([]byte, error) {
	if err := v.Err(); err != nil {
		return nil, err
	}
	if size > maxRead {
		return nil, fmt.Errorf("%s has %d bytes, more than %d are not read at once", v.typ, size, int64(maxRead))
	}
	loc := v.loc
	if loc.Kind == debuginfo.Known && int64(len(loc.Bytes)) < size && v.bits == 0 {
		return nil, fmt.Errorf("%s has %d bytes, of which %d are known", v.typ, size, len(loc.Bytes))
	}
	b, err := v.in.Frame().Read(loc, int(size))
	if err == nil && v.bits > 0 && v.bits < uint64(size)*8 && v.signed() {
		extend(b, v.bits)
	}
	return b, err
}

// extend extends the sign of a number of so many bits.
func extend(b []byte, bits uint64) {
	if b[(bits-1)/8]>>((bits-1)%8)&1 == 0 {
		return
	}
	for i := bits; i < uint64(len(b))*8; i++ {
		b[i/8] |= 1 << (i % 8)
	}
}

// maxRead limits the bytes of one value.
const maxRead = 1 << 28

// part returns the value of type t that is size bits at offset bits of v. As a
// bit-field it has no address.
func (v *Value) part(t *debuginfo.Type, offset, size uint64, field bool) *Value {
	w := &Value{in: v.in, typ: t, err: v.err, loc: cut(v.loc, offset, size)}
	if field {
		w.bits = size
		w.loc = debuginfo.Location{Kind: debuginfo.InPieces, Pieces: append(
			asPieces(v.loc, offset, size),
			debuginfo.Piece{Location: debuginfo.Location{Kind: debuginfo.Known, Bytes: make([]byte, 16)}, Bits: 128})}
	}
	return w
}

// cut returns where size bits at offset bits of what is at loc are.
func cut(loc debuginfo.Location, offset, size uint64) debuginfo.Location {
	switch {
	case loc.Kind == debuginfo.InMemory && offset%8 == 0:
		loc.Addr += offset / 8
		return loc
	case offset == 0 && loc.Kind != debuginfo.InPieces && loc.Kind != debuginfo.Known, loc.Kind == debuginfo.OptimisedOut:
		return loc
	case loc.Kind == debuginfo.Known && offset%8 == 0 && size%8 == 0 && (offset+size)/8 <= uint64(len(loc.Bytes)):
		loc.Bytes = loc.Bytes[offset/8 : (offset+size)/8]
		return loc
	}
	pieces := asPieces(loc, offset, size)
	if len(pieces) == 1 {
		p := pieces[0]
		if p.Offset == 0 && p.Bits == size && p.Kind != debuginfo.Known || p.Kind == debuginfo.OptimisedOut {
			return p.Location
		}
		if p.Kind == debuginfo.InMemory && p.Offset%8 == 0 {
			p.Location.Addr += p.Offset / 8
			return p.Location
		}
	}
	return debuginfo.Location{Kind: debuginfo.InPieces, Pieces: pieces}
}

// asPieces returns the pieces that make up size bits at offset bits of what is at loc.
func asPieces(loc debuginfo.Location, offset, size uint64) []debuginfo.Piece {
	if loc.Kind != debuginfo.InPieces {
		if loc.Kind == debuginfo.InMemory {
			loc.Addr += offset / 8
			offset %= 8
		}
		return []debuginfo.Piece{{Location: loc, Bits: size, Offset: offset}}
	}
	var list []debuginfo.Piece
	for _, p := range loc.Pieces {
		if size == 0 {
			break
		}
		if offset >= p.Bits {
			offset -= p.Bits
			continue
		}
		p.Offset += offset
		p.Bits = min(p.Bits-offset, size)
		offset = 0
		size -= p.Bits
		list = append(list, p)
	}
	if size > 0 {
		list = append(list, debuginfo.Piece{Location: debuginfo.Location{Kind: debuginfo.OptimisedOut}, Bits: size})
	}
	return list
}

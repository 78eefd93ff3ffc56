package debuginfo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Memory is what expressions read of their target: a live process or a core.
type Memory interface {
	// ReadAt reads len(buf) bytes at addr. Like io.ReaderAt it returns how
	// many it read, and an error if they are fewer.
	ReadAt(addr uint64, buf []byte) (int, error)
}

// A Frame is what expressions are evaluated in: the registers and the memory of
// one function's activation. What is nil is not known, and what needs it fails.
type Frame struct {
	// PC is the address of the file whose variables are meant: that of the
	// instruction in the innermost frame, and in callers one within the call.
	PC     uint64
	Bias   uint64 // what to add to addresses of the file
	Memory Memory

	Reg    func(n int) ([]byte, error)           // a register by its DWARF number, little-endian
	CFA    func() (uint64, error)                // the canonical frame address
	TLS    func(offset uint64) (uint64, error)   // the address of a thread-local variable of the file
	Caller func() (d *Data, f *Frame, err error) // the frame of the caller
	Object func() (addr uint64, err error)       // the object whose member or type is evaluated
	Named  func(name string, addr uint64) bool   // whether a symbol, of any file, means the function at an address
}

func (f *Frame) reg(n uint64) ([]byte, error) {
	if f.Reg == nil || n > 1<<16 {
		return nil, fmt.Errorf("register %d is not known here", n)
	}
	return f.Reg(int(n))
}

// word returns the low eight bytes of a register.
func (f *Frame) word(n uint64) (uint64, error) {
	b, err := f.reg(n)
	var buf [8]byte
	copy(buf[:], b)
	return binary.LittleEndian.Uint64(buf[:]), err
}

func (f *Frame) read(addr uint64, buf []byte) error {
	if f.Memory == nil {
		return errors.New("no memory to read")
	}
	if n, err := f.Memory.ReadAt(addr, buf); n < len(buf) {
		return fmt.Errorf("read %d bytes at %#x: %w", len(buf), addr, err)
	}
	return nil
}

// A LocationKind says where a value is.
type LocationKind int

const (
	InMemory        LocationKind = iota // at Addr
	InRegister                          // in the register Reg
	Known                               // nowhere; it is Bytes
	InPieces                            // in the parts that Pieces has
	ImplicitPointer                     // nowhere; it points Offset bytes into Target, which has no address
	OptimisedOut
)

// A Location is where a value is.
type Location struct {
	Kind   LocationKind
	Addr   uint64 // of the process
	Reg    int    // DWARF number
	Bytes  []byte // little-endian
	Pieces []Piece
	Target *Var
	Offset int64
}

// A Piece is a part of a value.
type Piece struct {
	Location
	Bits   uint64 // its size
	Offset uint64 // in bits, where it starts in Location
}

// maxValue limits the bytes that Read returns.
const maxValue = 1 << 28

// Read returns size bytes of the value at l.
func (f *Frame) Read(l Location, size int) ([]byte, error) {
	if size < 0 || size > maxValue {
		return nil, fmt.Errorf("value of %d bytes", size)
	}
	switch l.Kind {
	case InMemory:
		buf := make([]byte, size)
		if err := f.read(l.Addr, buf); err != nil {
			return nil, err
		}
		return buf, nil
	case InRegister:
		b, err := f.reg(uint64(l.Reg))
		if err != nil {
			return nil, err
		}
		return resize(b, size)
	case Known:
		return resize(l.Bytes, size)
	case ImplicitPointer:
		return nil, errors.New("pointer to a variable that has been optimised out")
	case InPieces:
		return f.readPieces(l.Pieces, size)
	}
	return nil, &AbsentError{Reason: "optimised out"}
}

func resize(b []byte, size int) ([]byte, error) {
	if len(b) < size {
		return nil, fmt.Errorf("value of %d bytes in %d", size, len(b))
	}
	return slices.Clone(b[:size]), nil
}

// readPieces puts a value together. The first piece has the lowest bits.
func (f *Frame) readPieces(pieces []Piece, size int) ([]byte, error) {
	out := make([]byte, size)
	at := uint64(0)
	for i := range pieces {
		p := &pieces[i]
		n := min(p.Bits, uint64(size)*8-at)
		if n == 0 {
			break
		}
		l := p.Location
		skip := p.Offset
		if l.Kind == InMemory {
			l.Addr += skip / 8
			skip %= 8
		}
		if skip > maxValue*8 {
			return nil, fmt.Errorf("piece at bit %d", skip)
		}
		b, err := f.Read(l, int((skip+n+7)/8))
		if err != nil {
			return nil, err
		}
		if skip%8 == 0 && at%8 == 0 && n%8 == 0 {
			copy(out[at/8:], b[skip/8:])
		} else {
			for bit := range n {
				from, to := skip+bit, at+bit
				out[to/8] |= b[from/8] >> (from % 8) & 1 << (to % 8)
			}
		}
		at += n
	}
	if at < uint64(size)*8 {
		return nil, fmt.Errorf("value of %d bytes in pieces of %d bits", size, at)
	}
	return out, nil
}

// An AbsentError says why a variable has no value.
type AbsentError struct {
	Name   string // of the variable, or "" for a part of one
	Reason string
}

func (e *AbsentError) Error() string {
	if e.Name == "" {
		return e.Reason
	}
	return e.Name + ": " + e.Reason
}

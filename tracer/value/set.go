package value

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// Set writes the bytes of the value, the lowest first, to its memory, register or
// pieces. A value that lies nowhere is an error.
func (v *Value) Set(data []byte) error {
	v, err := v.referent()
	if err != nil {
		return err
	}
	size, err := v.Size()
	if err != nil {
		return err
	}
	if int64(len(data)) != size {
		return fmt.Errorf("%s has %d bytes, got %d", v.typ, size, len(data))
	}
	if err := v.Err(); err != nil {
		return err
	}
	if v.loc.Kind != debuginfo.InPieces {
		return v.write(v.loc, 0, uint64(size)*8, data)
	}
	bits := uint64(size) * 8
	if v.bits > 0 {
		bits = v.bits
	}
	for _, p := range v.loc.Pieces { // nothing is written if a part cannot be
		if bits == 0 {
			break
		}
		if p.Kind != debuginfo.InMemory && p.Kind != debuginfo.InRegister {
			return nowhereError(p.Location)
		}
		bits -= min(bits, p.Bits)
	}
	at := uint64(0)
	bits = uint64(size) * 8
	if v.bits > 0 {
		bits = v.bits
	}
	for _, p := range v.loc.Pieces {
		n := min(p.Bits, bits-at)
		if n == 0 {
			break
		}
		piece := make([]byte, (n+7)/8)
		for i := range n {
			piece[i/8] |= data[(at+i)/8] >> ((at + i) % 8) & 1 << (i % 8)
		}
		if err := v.write(p.Location, p.Offset, n, piece); err != nil {
			return err
		}
		at += n
	}
	return nil
}

func nowhereError(l debuginfo.Location) error {
	switch l.Kind {
	case debuginfo.OptimisedOut:
		return &debuginfo.AbsentError{Reason: "optimised out in part"}
	case debuginfo.Known:
		return errors.New("the value is a constant: there is nothing to write to")
	}
	return errors.New("the value is a pointer that the compiler has dropped: there is nothing to write to")
}

// write writes bits at offset bits of a place.
func (v *Value) write(l debuginfo.Location, offset, bits uint64, data []byte) error {
	switch l.Kind {
	case debuginfo.InMemory:
		l.Addr += offset / 8
		offset %= 8
		if offset != 0 || bits%8 != 0 {
			old := make([]byte, (offset+bits+7)/8)
			if _, err := v.in.ReadAt(l.Addr, old); err != nil {
				return err
			}
			merge(old, offset, bits, data)
			data = old
		}
		_, err := v.in.WriteAt(l.Addr, data)
		return err
	case debuginfo.InRegister:
		f := v.in.Frame()
		if f.Reg == nil {
			return errors.New("there are no registers here")
		}
		old, err := f.Reg(l.Reg)
		if err != nil {
			return err
		}
		if offset+bits > uint64(len(old))*8 {
			return fmt.Errorf("%d bits do not fit a register of %d", offset+bits, len(old)*8)
		}
		old = append([]byte(nil), old...)
		merge(old, offset, bits, data)
		return v.in.SetReg(l.Reg, old)
	}
	return nowhereError(l)
}

// merge puts bits of data over those at offset.
func merge(old []byte, offset, bits uint64, data []byte) {
	for i := range bits {
		to := offset + i
		old[to/8] = old[to/8]&^(1<<(to%8)) | data[i/8]>>(i%8)&1<<(to%8)
	}
}

// SetInt writes a number. One that does not fit, neither as a signed nor as an
// unsigned number, is an error.
func (v *Value) SetInt(n *big.Int) error {
	v, err := v.referent()
	if err != nil {
		return err
	}
	t, err := scalarType(v.typ)
	if err != nil {
		return err
	}
	bits := uint(t.Size * 8)
	if v.bits > 0 {
		bits = uint(v.bits)
	}
	if !isFloat(t) {
		low := new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), bits-1))
		if n.Cmp(low) < 0 || n.BitLen() > int(bits) && n.Sign() > 0 {
			return fmt.Errorf("%s does not fit %s of %d bits", n, v.typ, bits)
		}
	}
	b, err := encodeInt(v.typ, n)
	if err != nil {
		return err
	}
	return v.Set(b)
}

// SetFloat writes a number. An integer gets it truncated.
func (v *Value) SetFloat(f float64) error {
	v, err := v.referent()
	if err != nil {
		return err
	}
	w, err := FromFloat(v.in, v.typ, f)
	if err != nil {
		return err
	}
	return v.Set(w.loc.Bytes)
}

package value

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// A fake is a Context of some memory and one register.
type fake struct {
	base uint64
	mem  []byte
	reg  []byte
}

func (f *fake) ReadAt(addr uint64, buf []byte) (int, error) {
	if addr < f.base || addr-f.base > uint64(len(f.mem)) || uint64(len(buf)) > uint64(len(f.mem))-(addr-f.base) {
		return 0, fmt.Errorf("no memory at %#x", addr)
	}
	return copy(buf, f.mem[addr-f.base:]), nil
}

func (f *fake) WriteAt(addr uint64, data []byte) (int, error) {
	if _, err := f.ReadAt(addr, make([]byte, len(data))); err != nil {
		return 0, err
	}
	return copy(f.mem[addr-f.base:], data), nil
}

func (f *fake) Frame() *debuginfo.Frame {
	return &debuginfo.Frame{Memory: f, Reg: func(n int) ([]byte, error) { return f.reg, nil }}
}
func (f *fake) SetReg(n int, data []byte) error              { f.reg = data; return nil }
func (f *fake) SymbolAt(uint64) (string, uint64, bool)       { return "", 0, false }
func (f *fake) Types(name string) ([]*debuginfo.Type, error) { return nil, debuginfo.ErrNotFound }
func (f *fake) Var(name string) (*Value, error)              { return nil, debuginfo.ErrNotFound }
func (f *fake) Symbol(string) (uint64, error)                { return 0, debuginfo.ErrNotFound }

var (
	typeInt    = debuginfo.NewBase("int", 4, encSigned)
	typeUchar  = debuginfo.NewBase("unsigned char", 1, encUnsignedChar)
	typeDouble = debuginfo.NewBase("double", 8, encFloat)
	typeLong80 = debuginfo.NewBase("long double", 16, encFloat)
)

func TestFloats(t *testing.T) {
	f16, f32 := debuginfo.NewBase("_Float16", 2, encFloat), debuginfo.NewBase("float", 4, encFloat)
	f128 := debuginfo.NewBase("_Float128", 16, encFloat)
	for _, typ := range []*debuginfo.Type{f16, f32, typeDouble, typeLong80, f128} {
		for _, x := range []float64{0, 1, -1, 0.5, 1.5, -2048, 1.0 / 1024, 6.103515625e-05, 5.9604644775390625e-08, math.Inf(1), math.Inf(-1), math.NaN()} {
			v, err := FromFloat(&fake{}, typ, x)
			if err != nil {
				t.Fatal(err)
			}
			got, err := v.Float()
			if err != nil || got != x && !(math.IsNaN(x) && math.IsNaN(got)) {
				t.Errorf("%s %v: got %v, %v", typ, x, got, err)
			}
		}
	}
	for _, x := range []float64{math.SmallestNonzeroFloat64, math.MaxFloat64, math.Pi, 2.2250738585072009e-308} {
		v, _ := FromFloat(&fake{}, typeDouble, x)
		b, err := v.Bytes()
		if n := integer(b, false).Uint64(); err != nil || n != math.Float64bits(x) {
			t.Errorf("%v: got %#x, want %#x", x, n, math.Float64bits(x))
		}
	}
}

func TestIndexAndSet(t *testing.T) {
	f := &fake{base: 0x1000, mem: make([]byte, 64), reg: make([]byte, 8)}
	array := At(f, debuginfo.ArrayOf(debuginfo.ArrayOf(typeInt, 3), 2), 0x1000)
	row, err := array.Index(1)
	if err != nil {
		t.Fatal(err)
	}
	elem, err := row.Index(2)
	if err != nil {
		t.Fatal(err)
	}
	if err := elem.SetInt(big.NewInt(-7)); err != nil {
		t.Fatal(err)
	}
	if addr, _ := elem.Address(); addr != 0x1000+20 || f.mem[20] != 0xf9 || f.mem[23] != 0xff {
		t.Errorf("set at %#x: % x", addr, f.mem)
	}
	if err := elem.SetInt(big.NewInt(1 << 32)); err == nil {
		t.Error("an int takes 1<<32")
	}
	p, err := row.Add(2)
	if err != nil {
		t.Fatal(err)
	}
	if w, err := p.Deref(); err != nil || p.Type().String() != "int *" {
		t.Errorf("%s, %v", p.Type(), err)
	} else if n, err := w.Int(); err != nil || n.Int64() != -7 {
		t.Errorf("got %v, %v", n, err)
	}
	reg := New(f, typeUchar, debuginfo.Location{Kind: debuginfo.InRegister, Reg: 3})
	if err := reg.SetInt(big.NewInt(200)); err != nil || f.reg[0] != 200 {
		t.Errorf("% x, %v", f.reg, err)
	}
	if err := FromBytes(f, typeInt, make([]byte, 4)).SetInt(big.NewInt(1)); err == nil {
		t.Error("a constant can be written")
	}
}

// TestPieces reads and writes an array of which one element was dropped.
func TestPieces(t *testing.T) {
	f := &fake{base: 0x1000, mem: []byte{1, 0, 0, 0}, reg: []byte{9, 9, 9, 9, 2, 0, 0, 0}}
	v := New(f, debuginfo.ArrayOf(typeInt, 3), debuginfo.Location{Kind: debuginfo.InPieces, Pieces: []debuginfo.Piece{
		{Location: debuginfo.Location{Kind: debuginfo.InMemory, Addr: 0x1000}, Bits: 32},
		{Location: debuginfo.Location{Kind: debuginfo.InRegister}, Bits: 32, Offset: 32},
		{Location: debuginfo.Location{Kind: debuginfo.OptimisedOut}, Bits: 32},
	}})
	for i := range int64(2) {
		w, err := v.Index(i)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := w.Int(); err != nil || n.Int64() != i+1 {
			t.Errorf("element %d: %v, %v", i, n, err)
		}
		if err := w.SetInt(big.NewInt(i + 5)); err != nil {
			t.Error(err)
		}
	}
	if f.mem[0] != 5 || f.reg[4] != 6 || f.reg[3] != 9 {
		t.Errorf("% x % x", f.mem, f.reg)
	}
	w, err := v.Index(2)
	if err != nil {
		t.Fatal(err)
	}
	absent := new(debuginfo.AbsentError)
	if _, err := w.Int(); !errors.As(err, &absent) {
		t.Errorf("element 2: %v", err)
	}
	if _, err := v.Bytes(); !errors.As(err, &absent) {
		t.Errorf("the whole: %v", err)
	}
}

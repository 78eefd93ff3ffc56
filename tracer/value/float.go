package value

import (
	"fmt"
	"math"
	"math/big"
	"strings"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// A floatLayout is a binary floating-point format: a sign, an exponent, a mantissa.
type floatLayout struct {
	exp, man int
	explicit bool // the mantissa has its leading bit (x87)
}

// layoutOf returns the format of a floating-point type of size bytes.
func layoutOf(t *debuginfo.Type, size int) (floatLayout, error) {
	name := ""
	if under, err := t.Strip(); err == nil && under != nil {
		name = under.Name
	}
	switch size {
	case 2:
		if strings.Contains(name, "bf16") || strings.Contains(name, "BFloat16") {
			return floatLayout{8, 7, false}, nil
		}
		return floatLayout{5, 10, false}, nil
	case 4:
		return floatLayout{8, 23, false}, nil
	case 8:
		return floatLayout{11, 52, false}, nil
	case 10, 12:
		return floatLayout{15, 64, true}, nil
	case 16:
		if strings.Contains(name, "128") {
			return floatLayout{15, 112, false}, nil
		}
		return floatLayout{15, 64, true}, nil
	}
	return floatLayout{}, fmt.Errorf("%s: floating-point numbers of %d bytes are not known", t, size)
}

// decode returns the number that b is, or nil and the text of what is none.
func (l floatLayout) decode(b []byte) (f *big.Float, nan string) {
	n := integer(b, false)
	man := new(big.Int).And(n, mask(l.man))
	n.Rsh(n, uint(l.man))
	exp := int(new(big.Int).And(n, mask(l.exp)).Int64())
	negative := n.Bit(l.exp) != 0
	bits := l.man
	if l.explicit {
		bits-- // of the fraction
	}
	most := 1<<l.exp - 1
	if l.explicit && (exp == 0) != (man.Bit(bits) == 0) {
		return nil, "<invalid float value>" // no operation of the x87 makes it
	}
	if exp == most {
		fraction := new(big.Int).And(man, mask(bits))
		if fraction.Sign() != 0 {
			sign := ""
			if negative {
				sign = "-"
			}
			return nil, fmt.Sprintf("%snan(%#x)", sign, man)
		}
		return new(big.Float).SetInf(negative), ""
	}
	bias := most >> 1
	if exp == 0 {
		exp = 1
	} else if !l.explicit {
		man.SetBit(man, bits, 1)
	}
	f = new(big.Float).SetPrec(128).SetInt(man)
	f.SetMantExp(f, exp-bias-bits)
	if negative {
		f.Neg(f)
	}
	return f, ""
}

func mask(bits int) *big.Int {
	m := new(big.Int).Lsh(big.NewInt(1), uint(bits))
	return m.Sub(m, big.NewInt(1))
}

// encodeFloat returns f as type t has it, rounded to even.
func encodeFloat(t *debuginfo.Type, f *big.Float) ([]byte, error) {
	under, err := t.Strip()
	if err != nil {
		return nil, err
	}
	l, err := layoutOf(t, int(under.Size))
	if err != nil {
		return nil, err
	}
	bits := l.man
	if l.explicit {
		bits--
	}
	bias, most := 1<<(l.exp-1)-1, 1<<l.exp-1
	man, exp := new(big.Int), 0
	switch {
	case f.IsInf():
		exp = most
	case f.Sign() != 0:
		rounded := new(big.Float).SetPrec(uint(bits + 1)).Set(f)
		exp = rounded.MantExp(nil) - 1 + bias
		if exp <= 0 { // denormal: fewer bits are left
			scaled := new(big.Float).SetPrec(256).SetMantExp(new(big.Float).SetPrec(256).Set(f), bias+bits-1)
			scaled.Abs(scaled).Add(scaled, big.NewFloat(0.5))
			man, _ = scaled.Int(nil)
			exp = 0
			if man.BitLen() > bits {
				exp = 1
			}
		} else {
			m := new(big.Float)
			rounded.MantExp(m)
			m.SetMantExp(m, bits+1)
			man, _ = m.Abs(m).Int(nil)
		}
		if exp >= most {
			exp, man = most, new(big.Int)
		}
	}
	if l.explicit {
		if exp > 0 {
			man.SetBit(man, bits, 1)
		}
	} else {
		man.And(man, mask(bits))
	}
	n := new(big.Int).Lsh(big.NewInt(int64(exp)), uint(l.man))
	n.Or(n, man)
	if f.Signbit() {
		n.SetBit(n, l.man+l.exp, 1)
	}
	b := make([]byte, under.Size)
	putInt(b, n)
	return b, nil
}

func encodeFloat64(t *debuginfo.Type, f float64) ([]byte, error) {
	if !math.IsNaN(f) {
		return encodeFloat(t, big.NewFloat(f))
	}
	b, err := encodeFloat(t, new(big.Float).SetInf(false))
	if err != nil {
		return nil, err
	}
	l, err := layoutOf(t, len(b))
	if err != nil {
		return nil, err
	}
	top := l.man - 1 // the bit of quiet ones
	if l.explicit {
		top--
	}
	b[top/8] |= 1 << (top % 8)
	return b, nil
}

// digits returns how many digits tell all numbers apart.
func (l floatLayout) digits() int {
	bits := l.man
	if !l.explicit {
		bits++
	}
	return int(math.Ceil(1 + float64(bits)*math.Log10(2)))
}

// formatFloat writes a number as C's %g does, with enough digits to tell it from all
// others.
func formatFloat(t *debuginfo.Type, b []byte) (string, error) {
	l, err := layoutOf(t, len(b))
	if err != nil {
		return "", err
	}
	f, nan := l.decode(b)
	switch {
	case f == nil:
		return nan, nil
	case f.IsInf() && f.Signbit():
		return "-inf", nil
	case f.IsInf():
		return "inf", nil
	}
	return f.Text('g', l.digits()), nil
}

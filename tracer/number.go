package tracer

import (
	"errors"
	"fmt"
	"math"
	"math/big"
)

// A number is an integer of a condition: of any size, as in Starlark and Python,
// so that nothing wraps around. small holds it unless wide is set.
type number struct {
	small int64
	wide  *big.Int
}

// unsigned returns u as a number.
func unsigned(u uint64) number {
	if u <= math.MaxInt64 {
		return number{small: int64(u)}
	}
	return number{wide: new(big.Int).SetUint64(u)}
}

// signed returns the low bits of u as a signed number.
func signed(u uint64, bits uint8) number {
	return number{small: int64(u<<(64-bits)) >> (64 - bits)}
}

// narrow returns z as a number.
func narrow(z *big.Int) number {
	if z.IsInt64() {
		return number{small: z.Int64()}
	}
	return number{wide: z}
}

func (x number) big() *big.Int {
	if x.wide != nil {
		return x.wide
	}
	return big.NewInt(x.small)
}

// low64 returns the low 64 bits of x in two's complement.
func (x number) low64() uint64 {
	if x.wide == nil {
		return uint64(x.small)
	}
	return new(big.Int).And(x.wide, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
}

// within returns x as an int if it lies in 0 to limit.
func (x number) within(limit int) (int, bool) {
	return int(x.small), x.wide == nil && 0 <= x.small && x.small <= int64(limit)
}

func (x number) String() string { return x.big().String() }

// compareNumbers returns the sign of x - y.
func compareNumbers(x, y number) int {
	if x.wide == nil && y.wide == nil {
		switch {
		case x.small < y.small:
			return -1
		case x.small > y.small:
			return 1
		}
		return 0
	}
	return x.big().Cmp(y.big())
}

// maxShift bounds shifts to the left, and with them the numbers that a condition
// can make, as in Starlark.
const maxShift = 511

// An operator computes with two numbers.
type operator struct {
	level int // how tightly it binds
	// check says which right operands are errors; nil is none.
	check func(y number) error
	// fast computes with small numbers; ok is false if the result may be no
	// small one.
	fast func(x, y int64) (z int64, ok bool)
	slow func(z, x, y *big.Int) *big.Int
}

// operators has those of Starlark, with its precedence. Division rounds down, and
// the remainder has the sign of the divisor.
var operators = map[string]*operator{
	"|": {1, nil, func(x, y int64) (int64, bool) { return x | y, true }, (*big.Int).Or},
	"^": {2, nil, func(x, y int64) (int64, bool) { return x ^ y, true }, (*big.Int).Xor},
	"&": {3, nil, func(x, y int64) (int64, bool) { return x & y, true }, (*big.Int).And},
	"<<": {4, func(y number) error {
		if _, ok := y.within(maxShift); !ok {
			return fmt.Errorf("shift by %s is not in 0 to %d", y, maxShift)
		}
		return nil
	},
		func(x, y int64) (int64, bool) { return x << y, y < 63 && x<<y>>y == x },
		func(z, x, y *big.Int) *big.Int { return z.Lsh(x, uint(y.Uint64())) }},
	">>": {4, func(y number) error {
		if y.big().Sign() < 0 {
			return fmt.Errorf("shift by %s is negative", y)
		}
		return nil
	},
		func(x, y int64) (int64, bool) { return x >> y, true },
		func(z, x, y *big.Int) *big.Int {
			if y.BitLen() > 32 { // more than any number has
				y = big.NewInt(1 << 32)
			}
			return z.Rsh(x, uint(y.Uint64()))
		}},
	"+": {5, nil, func(x, y int64) (int64, bool) { return x + y, (x+y < x) == (y < 0) }, (*big.Int).Add},
	"-": {5, nil, func(x, y int64) (int64, bool) { return x - y, (x-y > x) == (y < 0) }, (*big.Int).Sub},
	"*": {6, nil,
		func(x, y int64) (int64, bool) { return x * y, int64(int32(x)) == x && int64(int32(y)) == y },
		(*big.Int).Mul},
	"//": {6, checkDivisor,
		func(x, y int64) (int64, bool) {
			q := x / y
			if x%y != 0 && (x < 0) != (y < 0) {
				q--
			}
			return q, y != -1
		},
		func(z, x, y *big.Int) *big.Int {
			if z.DivMod(x, y, new(big.Int)); y.Sign() < 0 && new(big.Int).Mul(z, y).Cmp(x) != 0 {
				z.Sub(z, big.NewInt(1)) // DivMod makes the remainder positive
			}
			return z
		}},
	"%": {6, checkDivisor,
		func(x, y int64) (int64, bool) {
			m := x % y
			if m != 0 && (m < 0) != (y < 0) {
				m += y
			}
			return m, true
		},
		func(z, x, y *big.Int) *big.Int {
			if z.Mod(x, y); y.Sign() < 0 && z.Sign() != 0 {
				z.Add(z, y)
			}
			return z
		}},
}

func checkDivisor(y number) error {
	if y.wide == nil && y.small == 0 {
		return errors.New("division by zero")
	}
	return nil
}

// apply computes x op y.
func (op *operator) apply(x, y number) (number, error) {
	if op.check != nil {
		if err := op.check(y); err != nil {
			return number{}, err
		}
	}
	if x.wide == nil && y.wide == nil {
		if z, ok := op.fast(x.small, y.small); ok {
			return number{small: z}, nil
		}
	}
	return narrow(op.slow(new(big.Int), x.big(), y.big())), nil
}

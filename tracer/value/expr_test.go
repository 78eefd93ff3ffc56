package value

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// A fakeScope has some variables in a little memory, a type, a register, and a function
// that adds its arguments.
type fakeScope struct {
	fake
	calls     [][]Arg
	variables map[string]*Value // of the debugger
}

const fakeBase = 0x1000

// fakeVars are the variables in the order of their addresses, 16 bytes apart.
var fakeVars = []struct {
	name string
	typ  *debuginfo.Type
	data uint64
}{
	{"i", intType, 42},
	{"u", uintType, 0xfffffff0},
	{"l", longType, 1 << 40},
	{"c", basicTypes["char"], 'x'},
	{"neg", basicTypes["signed char"], 0xff},
	{"s", basicTypes["unsigned short"], 0xffff},
	{"d", basicTypes["double"], math.Float64bits(2.5)},
	{"p", debuginfo.PointerTo(intType), fakeBase},
	{"arr", debuginfo.ArrayOf(intType, 4), 0x0000000200000001},
	{"vp", debuginfo.PointerTo(nil), fakeBase},
	{"b", boolType, 1},
	{"ref", debuginfo.ReferenceTo(intType), fakeBase},
	{"neg32", intType, 0xfffffffb},
}

func newFakeScope() *fakeScope {
	s := &fakeScope{variables: make(map[string]*Value), fake: fake{base: fakeBase, mem: make([]byte, 16*len(fakeVars)), reg: make([]byte, 8)}}
	for i, v := range fakeVars {
		binary.LittleEndian.PutUint64(s.mem[16*i:], v.data)
	}
	return s
}

func (s *fakeScope) Frame() *debuginfo.Frame { return &debuginfo.Frame{Memory: s} }

func (s *fakeScope) Var(name string) (*Value, error) {
	for i, v := range fakeVars {
		if v.name == strings.TrimPrefix(name, "::") {
			return At(s, v.typ, fakeBase+16*uint64(i)), nil
		}
	}
	return nil, debuginfo.ErrNotFound
}

func (s *fakeScope) Language() debuginfo.Language { return debuginfo.C }

func (s *fakeScope) Local(name string) (*Value, error) { return nil, debuginfo.ErrNotFound }

func (s *fakeScope) Types(name string) ([]*debuginfo.Type, error) {
	switch name {
	case "T", "ns::vec<int, char>", "struct item":
		return []*debuginfo.Type{longType}, nil
	}
	return nil, debuginfo.ErrNotFound
}

func (s *fakeScope) Constant(name string) (*Value, error) {
	if name == "RED" {
		return FromInt(s, uintType, newInt(3))
	}
	return nil, debuginfo.ErrNotFound
}

func (s *fakeScope) Functions(name string) ([]*Value, error) {
	if name == "add" {
		return []*Value{At(s, debuginfo.FunctionOf(intType, nil, false), 0x4000)}, nil
	}
	return nil, fmt.Errorf("no symbol %q here: %w", name, debuginfo.ErrNotFound)
}

func (s *fakeScope) Symbol(string) (uint64, error) { return 0, debuginfo.ErrNotFound }

func (s *fakeScope) Register(name string) (*Value, error) {
	if name == "rip" {
		return FromInt(s, debuginfo.PointerTo(nil), newInt(0x401000))
	}
	if v := s.variables[name]; v != nil {
		return v, nil
	}
	return nil, fmt.Errorf("no register %s", name)
}

func (s *fakeScope) Variable(name string) func(*Value) error {
	if name == "rip" {
		return nil
	}
	return func(v *Value) error {
		s.variables[name] = v
		return nil
	}
}

func (s *fakeScope) Operator(op string, x *Value, args []*Value) (*Value, error) {
	return nil, debuginfo.ErrNotFound
}

func (s *fakeScope) Call(addr uint64, ret *debuginfo.Type, args []Arg) (*Value, error) {
	s.calls = append(s.calls, args)
	sum := big.NewInt(0)
	for _, a := range args {
		sum.Add(sum, big.NewInt(int64(len(a.Data))))
		if a.Value != nil {
			n, err := a.Value.Int()
			if err != nil {
				return nil, err
			}
			sum.Add(sum, n)
		}
	}
	return FromInt(s, ret, sum)
}

// show writes the type and the value of an expression.
func show(v *Value) string {
	typ := "void"
	if v.Type() != nil {
		typ = v.Type().String()
	}
	if v.Type() == nil || !v.IsScalar() {
		return typ
	}
	if v.IsFloat() {
		f, err := v.Float()
		return fmt.Sprint(typ, " ", f, wrong(err))
	}
	n, err := v.Int()
	return fmt.Sprint(typ, " ", n, wrong(err))
}

func wrong(err error) string {
	if err == nil {
		return ""
	}
	return " " + err.Error()
}

func TestEval(t *testing.T) {
	for _, test := range []struct{ expr, want string }{
		{"1", "int 1"},
		{"1 + 2 * 3 - 4 / 2", "int 5"},
		{"(1 + 2) * 3", "int 9"},
		{"7 % 4 + -7 % 4 * 10", "int -27"},
		{"-7 / 2", "int -3"},
		{"1 << 3 | 1", "int 9"},
		{"1u << 31", "unsigned int 2147483648"},
		{"1 << 31", "int -2147483648"},
		{"0xffffffff", "unsigned int 4294967295"},
		{"4294967295", "long 4294967295"},
		{"0xffffffffffffffff", "unsigned long 18446744073709551615"},
		{"1ull", "unsigned long long 1"},
		{"1'000'000", "int 1000000"},
		{"0b101 + 0777 + 0xf", "int 531"},
		{"1.5", "double 1.5"},
		{"1.5f", "float 1.5"},
		{"1e3 + .5", "double 1000.5"},
		{"0x1.8p1", "double 3"},
		{"2.5L", "long double 2.5"},
		{"'a'", "char 97"},
		{`'\x41'`, "char 65"},
		{`'\101'`, "char 65"},
		{`'\n' + 0`, "int 10"},
		{`L'\u20ac'`, "wchar_t 8364"},
		{`sizeof("abc")`, "unsigned long 4"},
		{`sizeof(L"abc")`, "unsigned long 16"},
		{`sizeof(u"a\U0001F600")`, "unsigned long 8"},
		{`"abc"[1]`, "char 98"},
		{`"ab" "cd"[3]`, "char 100"},
		// Promotions and the usual conversions.
		{"c + 1", "int 121"},
		{"c", "char 120"},
		{"neg", "signed char -1"},
		{"neg + 0u", "unsigned int 4294967295"},
		{"s + s", "int 131070"},
		{"u + 0x20", "unsigned int 16"},
		{"u + 0x20l", "long 4294967312"},
		{"-u", "unsigned int 16"},
		{"~0", "int -1"},
		{"~c", "int -121"},
		{"!i", "int 0"},
		{"!!d", "int 1"},
		{"b + b", "int 2"},
		{"-1 < 1u", "int 0"},
		{"-1 < 1", "int 1"},
		{"-1l < 1u", "int 1"},
		{"i / 5", "int 8"},
		{"i / 5.0", "double 8.4"},
		{"i * 1.0f", "float 42"},
		{"d + 1", "double 3.5"},
		{"-d", "double -2.5"},
		{"-0.0 == 0", "int 1"},
		{"1.0 / 0", "double +Inf"},
		{"0.0 / 0.0 == 0.0 / 0.0", "int 0"},
		{"(__int128)1 << 100", "__int128 1267650600228229401496703205376"},
		{"(unsigned __int128)-1 >> 64", "unsigned __int128 18446744073709551615"},
		{"neg32 >> 1", "int -3"},
		{"neg32 / 2", "int -2"},
		{"(unsigned)neg32 >> 28", "unsigned int 15"},
		{"2147483647 + 1", "int -2147483648"},
		{"1 ? 2 : 1 / 0", "int 2"},
		{"0 && 1 / 0", "int 0"},
		{"1 || 1 / 0", "int 1"},
		{"(1, 2)", "int 2"},
		{"1 == 1 != 0", "int 1"},
		{"i > 41 && u > 5", "int 1"},
		{"RED | 4", "unsigned int 7"},
		{"true + true", "int 2"},
		{"nullptr == 0", "int 1"},
		// Pointers.
		{"p", "int * 4096"},
		{"*p", "int 42"},
		{"p + 4", "int * 4112"},
		{"4 + p", "int * 4112"},
		{"p[4]", "int -16"},
		{"4[p]", "int -16"},
		{"&i == p", "int 1"},
		{"&arr[3] - arr", "long 3"},
		{"&u - &i", "long 4"},
		{"arr[1]", "int 2"},
		{"*arr + *(arr + 1)", "int 3"},
		{"arr", "int [4]"},
		{"sizeof arr / sizeof arr[0]", "unsigned long 4"},
		{"sizeof(int *[3])", "unsigned long 24"},
		{"sizeof(int (*)[3])", "unsigned long 8"},
		{"alignof(long)", "unsigned long 8"},
		{"&arr", "int (*)[4] 4224"},
		{"p@2", "int *[2]"},
		{"*p@2", "int [2]"},
		{"(*p@5)[4]", "int -16"},
		{"p == 0x1000", "int 1"},
		{"!p", "int 0"},
		{"p && *p", "int 1"},
		{"*(char *)vp", "char 42"},
		{"*(unsigned char *)((char *)p + 16)", "unsigned char 240"},
		{"{int} 0x1000", "int 42"},
		{"{T} &l", "long 1099511627776"},
		{"(T)i", "long 42"},
		{"(T)-i", "long -42"},
		{"(i)-1", "int 41"},
		{"T(i)", "long 42"},
		{"int(2.9)", "int 2"},
		{"(unsigned char)300", "unsigned char 44"},
		{"(bool)5", "bool 1"},
		{"(char)0x141", "char 65"},
		{"(uint8_t)-1", "unsigned char 255"},
		{"(long long unsigned)-1", "unsigned long long 18446744073709551615"},
		{"(struct item)1", "long 1"},
		{"static_cast<T>(i)", "long 42"},
		{"reinterpret_cast<long>(p)", "long 4096"},
		{"sizeof(ns::vec<int, char>)", "unsigned long 8"},
		{"(ns::vec<int,char>)1", "long 1"},
		{"i < u", "int 1"},
		{"i<u>(0)", "int 1"},
		{"ref + 1", "int 43"},
		{"&ref", "int * 4096"},
		{"sizeof(ref)", "unsigned long 4"},
		{"$rip + 1", "void * 4198401"},
		{"$n = 3, $n++ * 10 + $n", "int 34"},
		{"$m = i, $m -= 2, --$m, $m--", "int 39"},
		{"arr[$1 = 1] + arr[$1++] + $1", "int 6"},
		{"($p = p) + 1", "int * 4100"},
		{"::i", "int 42"},
		{"add", "int (void)"},
		{"&add", "int (*)(void) 16384"},
		{"*add == add", "int 1"},
		{"add(1, 2)", "int 3"},
		{"add(add(1, 2), c)", "int 123"},
		{`add("abc")`, "int 4"},
		{"((long (*)(int, char *))add)(-1, 0)", "long -1"},
		{"(void)i", "void"},
		// Writes.
		{"i = 7", "int 7"},
		{"i += 8, i", "int 50"},
		{"i++", "int 42"},
		{"++i", "int 43"},
		{"i++, i", "int 43"},
		{"i--, --i, i", "int 40"},
		{"c = 'y', c", "char 121"},
		{"s <<= 4, s", "unsigned short 65520"},
		{"d *= 2", "double 5"},
		{"d = 3", "double 3"},
		{"i = d", "int 2"},
		{"p++, *p", "int 0"},
		{"arr[2] = arr[0] = 9, arr[2]", "int 9"},
		{"ref = 5, i", "int 5"},
		{"b = 12, b", "bool 1"},
	} {
		v, err := Eval(newFakeScope(), test.expr)
		if err != nil {
			t.Errorf("%s: %v", test.expr, err)
		} else if got := show(v); got != test.want {
			t.Errorf("%s: got %s, want %s", test.expr, got, test.want)
		}
	}
}

func TestEvalErrors(t *testing.T) {
	for _, test := range []struct {
		expr   string
		column int
		want   string
	}{
		{"", 1, "unexpected end, want a value"},
		{"1 +", 4, "unexpected end, want a value"},
		{"(1", 3, `want ")"`},
		{"1 2", 3, `unexpected "2", want an operator or the end`},
		{"p->", 4, "want the name of a member"},
		{"#", 1, "unexpected character '#'"},
		{"1 + nosuch", 5, `no symbol "nosuch" here`},
		{"$nosuch", 1, "no register nosuch"},
		{"i / 0", 3, "division by zero"},
		{"i %= 0", 3, "division by zero"},
		{"1 << 32", 3, "a shift by 32 bits, want 0 to 31"},
		{"1 << -1", 3, "a shift by -1 bits"},
		{"*i", 1, "int is no pointer"},
		{"*vp", 1, "void *"},
		{"i.x", 3, "int has no members"},
		{"3 = i", 3, "no object that can be assigned to"},
		{"&3", 1, "constant and has no address"},
		{"p * 2", 3, "cast a pointer to long"},
		{"p + q", 5, `no symbol "q"`},
		{"d % 2", 3, "% does not take double and int"},
		{"~d", 1, "~ does not take double"},
		{"int", 1, "a type where a value is wanted"},
		{"(long double long)1", 2, "no type is made of these words"},
		{"1.2.3", 1, "no number"},
		{"08", 1, "no number"},
		{"0x1ffffffffffffffff", 1, "does not fit 64 bits"},
		{`"abc`, 1, "without its end"},
		{`'\q'`, 2, `unknown escape \q`},
		{"i(3)", 2, "int is no function"},
		{"*(int *)0", 1, ""},
		{"p@0", 2, "an array of 0 elements"},
		{"3@2", 2, "@ wants an object in memory"},
		{"(nosuch)(1)", 2, `no symbol "nosuch"`},
		{"(struct nosuch *)p", 2, ""},
		{strings.Repeat("(", 300) + "1", 101, "within each other"},
		{strings.Repeat("~", 300) + "1", 200, "within each other"},
		{"1" + strings.Repeat("+1", 2000), 2002, "in a row"},
	} {
		v, err := Eval(newFakeScope(), test.expr)
		if err == nil {
			_, err = v.Bytes()
			if err == nil {
				t.Errorf("%s: got %s, want an error", clip(test.expr), show(v))
			}
			continue
		}
		at := new(ExprError)
		if !errors.As(err, &at) || at.At+1 != test.column || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want column %d and %q", clip(test.expr), err, test.column, test.want)
		}
	}
}

// FuzzEval checks that any text has a value or an error, and that both can be shown.
func FuzzEval(f *testing.F) {
	for _, s := range []string{
		"a.b->c[1](2, 3)@4", "(int (*)(char, ...))p", "'file.c'::x", "a<b<c>>::d", "sizeof(unsigned long[3][4])",
		"static_cast<int *>(p)", `L"\u20ac" "x"`, "0x1.8p-3", "1e999999999", "i ? p : arr", "i <<= 3", "{int} p", "$rip",
		"(*p@5)[4]", "neg32 >> 1", "add(1, \"x\")", "d / 0", "(__int128)u << 99", "u--", "dynamic_cast<T &>(*p)",
		"offsetof(struct item, a.b[2])", "container_of(p, struct item, a)->b",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := Eval(newFakeScope(), text)
		if (v == nil) == (err == nil) {
			t.Fatalf("got %v and %v", v, err)
		}
		if err != nil {
			_ = err.Error()
			return
		}
		show(v)
	})
}

//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/value"
)

// A CallFunc makes the calls of an expression, as Thread.Invoke does.
type CallFunc func(t *Thread, c *Call) (*Result, error)

// EvalOptions are what an expression may do. Nil and zero mean that it may assign, and
// call nothing.
type EvalOptions struct {
	Call     CallFunc // calls functions of the target, or nil
	ReadOnly error    // why nothing may be assigned, or nil

	// Name returns what stands for $name, where that is no register, SetName gives it
	// another value, and Operator is what package value asks a Scope for. Each may be nil;
	// Name and Operator may return debuginfo.ErrNotFound.
	Name     func(in value.Context, name string) (*value.Value, error)
	SetName  func(name string, v *value.Value) error
	Operator func(op string, x *value.Value, args []*value.Value) (*value.Value, error)
}

// Eval evaluates an expression of C or C++ in the frame: see value.Eval. What it
// assigns is written.
func (f *Frame) Eval(text string, o *EvalOptions) (*value.Value, error) {
	if o == nil {
		o = new(EvalOptions)
	}
	return value.Eval(&expression{f.scope(), o}, text)
}

// Eval evaluates an expression in no frame: of one with variables of functions or
// registers it is an error.
func (x *target) Eval(text string, o *EvalOptions) (*value.Value, error) {
	if o == nil {
		o = new(EvalOptions)
	}
	return value.Eval(&expression{x.scope(nil, nil, nil), o}, text)
}

// An expression is the scope of an expression in a frame, or in none.
type expression struct {
	*context
	may *EvalOptions
}

// WriteAt implements value.Context.
func (s *expression) WriteAt(addr uint64, data []byte) (int, error) {
	if s.may.ReadOnly != nil {
		return 0, s.may.ReadOnly
	}
	return s.context.WriteAt(addr, data)
}

// SetReg implements value.Context.
func (s *expression) SetReg(n int, data []byte) error {
	if s.may.ReadOnly != nil {
		return s.may.ReadOnly
	}
	return s.context.SetReg(n, data)
}

// missing returns the error of a look-up. Of what is not there, or not known for lack of
// debug information, it is one that says so to package value too.
func missing(err error) error {
	var none *NotFoundError
	if err != nil && (errors.As(err, &none) && none.Err == nil || errors.Is(err, debuginfo.ErrNoDWARF)) {
		return notFound{err}
	}
	return err
}

type notFound struct{ error }

func (e notFound) Unwrap() []error { return []error{e.error, debuginfo.ErrNotFound} }

// Var implements value.Context.
func (s *expression) Var(name string) (*value.Value, error) {
	if v, err := s.x.variable("::"+name, s.f, s.t); err == nil && name[0] != ':' {
		return v, nil // not one of a namespace
	}
	v, err := s.context.Var(name)
	return v, missing(err)
}

// Language implements value.Scope.
func (s *expression) Language() debuginfo.Language {
	if s.f == nil || s.f.Func == nil {
		return debuginfo.C
	}
	return s.f.Func.Language()
}

// Types implements value.Context.
func (s *expression) Types(name string) ([]*debuginfo.Type, error) {
	types, err := s.context.Types(name)
	return types, missing(err)
}

// Local implements value.Scope.
func (s *expression) Local(name string) (*value.Value, error) {
	if s.f == nil {
		return nil, debuginfo.ErrNotFound
	}
	v, _, err := s.f.local(s.context, name)
	if v == nil && err == nil {
		err = debuginfo.ErrNotFound
	}
	return v, err
}

// Constant implements value.Scope: the enumerations of the frame's source file are
// looked through.
func (s *expression) Constant(name string) (*value.Value, error) {
	if s.f == nil || s.f.Image() == nil {
		return nil, debuginfo.ErrNotFound
	}
	img := s.f.Image()
	data, err := img.DWARF()
	if err != nil {
		return nil, err
	}
	t, n, err := data.Constant(name, s.frame.PC)
	if err != nil {
		return nil, err
	}
	return value.FromInt(s, t, big.NewInt(n))
}

// Functions implements value.Scope. A symbol that is no function is an array of bytes.
func (s *expression) Functions(name string) ([]*value.Value, error) {
	images, err := s.x.imagesFor(s.f)
	if err != nil {
		return nil, err
	}
	var inner []*value.Value // of namespaces and classes, whose names were left out
	for _, img := range images {
		data, err := img.DWARF()
		if err != nil {
			continue
		}
		funcs, err := lookUp(s.x.tr, func() ([]*debuginfo.Func, error) { return data.FuncsNamed(name) }, img)
		if err == ErrInterrupted {
			return nil, err
		}
		if err != nil {
			continue
		}
		var list []*value.Value
		for _, f := range funcs {
			if f.Caller != nil { // inlined
				continue
			}
			t, err := f.Type()
			if err != nil {
				return nil, err
			}
			if ret, err := t.Elem(); err == nil && ret != nil && ret.Kind == debuginfo.Unspecified && ret.Name == "" {
				continue // in assembly, which has no types
			}
			if sym, ok := img.At(f.Entry + img.Bias); ok && sym.Kind == image.IFunc {
				continue // that of the resolver is none of what it chooses
			}
			if v := value.At(s, t, f.Entry+img.Bias); f.Name == strings.TrimPrefix(name, "::") {
				list = append(list, v)
			} else {
				inner = append(inner, v)
			}
		}
		if len(list) > 0 {
			return list, nil
		}
	}
	if len(inner) > 0 {
		return inner, nil
	}
	symbols, err := s.x.symbols(name)
	if err != nil {
		return nil, missing(err)
	}
	sym := symbols[0]
	switch sym.Kind {
	case image.Func, image.IFunc, image.Untyped:
		return []*value.Value{value.At(s, s.x.typeOfFunction(sym), sym.Addr)}, nil
	case image.TLS:
		return nil, fmt.Errorf("%s is thread-local and has no debug information, which tells where it is", name)
	}
	char := debuginfo.NewBase("char", 1, encSignedChar)
	return []*value.Value{value.At(s, debuginfo.ArrayOf(char, int64(min(sym.Size, 1<<31))), sym.Addr)}, nil
}

// typeOfFunction returns the type of a function with a symbol. The debug information may
// have it by another name, as malloc is __libc_malloc.
func (x *target) typeOfFunction(sym image.Symbol) *debuginfo.Type {
	img, ok := x.ImageAt(sym.Addr)
	funcs := x.funcsAt(sym.Addr)
	if !ok || len(funcs) == 0 || sym.Kind == image.IFunc {
		return value.UnknownFunction
	}
	f := funcs[len(funcs)-1]
	t, err := f.Type()
	if err != nil || f.Entry+img.Bias != sym.Addr {
		return value.UnknownFunction
	}
	if ret, err := t.Elem(); err != nil || ret != nil && ret.Kind == debuginfo.Unspecified {
		return value.UnknownFunction // in assembly
	}
	return t
}

// Encodings of base types (DWARF 5, 7.8).
const (
	encFloat      = 0x04
	encSigned     = 0x05
	encSignedChar = 0x06
)

// registerNames are other names of registers, as gdb has them.
var registerNames = map[string]string{"pc": "rip", "sp": "rsp", "fp": "rbp"}

// Register implements value.Scope. The types are gdb's, which are signed. General
// registers and their parts can be assigned to in the innermost frame.
func (s *expression) Register(name string) (*value.Value, error) {
	if real, ok := registerNames[name]; ok {
		name = real
	}
	if x := arch.LookupX(name); x != nil && s.f != nil {
		return s.vector(x)
	}
	r := arch.Lookup(name)
	if r == nil {
		if r = arch.LookupFlag(name); r == nil {
			if s.may.Name != nil {
				if v, err := s.may.Name(s, name); !errors.Is(err, debuginfo.ErrNotFound) {
					return v, err
				}
			}
			if name == "" {
				return nil, errors.New("$ without the name of a register")
			}
			return nil, fmt.Errorf("no register $%s%s", name, didYouMean(nearNames(name)))
		}
	}
	if s.f == nil {
		return nil, fmt.Errorf("$%s is of a frame", name)
	}
	if !s.f.Known.Has(r.Reg) {
		return nil, &debuginfo.AbsentError{Name: "$" + name, Reason: "the functions called since have not kept it"}
	}
	t := debuginfo.NewBase(map[uint8]string{8: "int8_t", 16: "int16_t", 32: "int", 64: "long"}[(r.Bits+7)&^7], int64(r.Bits+7)/8, encSigned)
	switch r.Name {
	case "rip":
		t = debuginfo.PointerTo(debuginfo.FunctionOf(nil, []debuginfo.Param{}, false))
	case "rsp", "rbp":
		t = debuginfo.PointerTo(nil)
	}
	for n, reg := range arch.FromDWARF {
		if reg != r.Reg {
			continue
		}
		loc := debuginfo.Location{Kind: debuginfo.InRegister, Reg: n}
		if r.Bits < 64 {
			piece := debuginfo.Piece{Location: loc, Bits: uint64(r.Bits), Offset: uint64(r.Shift)}
			loc = debuginfo.Location{Kind: debuginfo.InPieces, Pieces: []debuginfo.Piece{piece}}
		}
		return value.New(s, t, loc), nil
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], r.Get(&s.f.Regs))
	return value.FromBytes(s, t, b[:t.Size]), nil
}

// vector returns a register of the extended state.
func (s *expression) vector(x *arch.XRegister) (*value.Value, error) {
	if s.f.Level > 0 || s.t == nil {
		return nil, fmt.Errorf("$%s is known in the innermost frame alone", x.Name)
	}
	if err := s.fresh(); err != nil {
		return nil, err
	}
	b, err := s.t.XReg(x)
	if err != nil {
		return nil, err
	}
	if len(b) == 10 { // of the x87
		return value.FromBytes(s, debuginfo.NewBase("long double", 16, encFloat), append(b[:10:10], make([]byte, 6)...)), nil
	}
	return value.FromBytes(s, value.RegisterType(len(b)), b), nil
}

// Variable implements value.Scope.
func (s *expression) Variable(name string) func(*value.Value) error {
	if real, ok := registerNames[name]; ok {
		name = real
	}
	if s.may.SetName == nil || arch.LookupX(name) != nil || arch.Lookup(name) != nil || arch.LookupFlag(name) != nil {
		return nil
	}
	return func(v *value.Value) error { return s.may.SetName(name, v) }
}

// Operator implements value.Scope.
func (s *expression) Operator(op string, x *value.Value, args []*value.Value) (*value.Value, error) {
	if s.may.Operator == nil {
		return nil, debuginfo.ErrNotFound
	}
	return s.may.Operator(op, x, args)
}

// Call implements value.Scope.
func (s *expression) Call(addr uint64, ret *debuginfo.Type, args []value.Arg) (*value.Value, error) {
	t, live := s.t.(*Thread)
	switch {
	case s.f == nil:
		return nil, errors.New("a function is called in a frame")
	case !live:
		return nil, errors.New("a core has no process that could call a function")
	case s.may.Call == nil:
		return nil, errors.New("the expression calls a function of the target: pass call=True to let it")
	}
	if funcs := s.x.funcsAt(addr); len(funcs) > 0 {
		f := funcs[len(funcs)-1]
		t, err := f.Type()
		if err == nil {
			err = followsABI(f.Language(), t)
		}
		if err != nil {
			return nil, err
		}
	}
	c := &Call{Addr: addr, Args: make([]Arg, len(args)), Type: ret}
	for i, a := range args {
		arg := Arg{Data: a.Data}
		if a.Value != nil {
			var err error
			if arg.Object, err = a.Value.Bytes(); err != nil {
				return nil, fmt.Errorf("argument %d: %w", i+1, err)
			}
			arg.Type = a.Value.Type()
		}
		c.Args[i] = arg
	}
	r, err := s.may.Call(t, c)
	switch {
	case err != nil:
		return nil, err
	case ret == nil:
		return value.New(s, nil, debuginfo.Location{Kind: debuginfo.Known}), nil
	case r.Addr != 0:
		return value.At(s, ret, r.Addr), nil
	}
	return value.FromBytes(s, ret, r.Object), nil
}

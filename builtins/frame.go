package builtins

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/unwind"
	"github.com/tracelark/tracelark/tracer/value"
)

// A frame is a frame of a thread's stack as it was when it was asked for.
type frame struct {
	handle
	t *thread
	f *tracer.Frame
}

var frameClass = newClass("frame", "The activation of a function on a stack, as it was found. Its str is a line of a backtrace.", []attribute[*frame]{
	{"level", "int", "Its place on the stack; 0 is the innermost.", func(f *frame) (starlark.Value, error) {
		return starlark.MakeInt(f.f.Level), nil
	}},
	{"pc", "int", "The address of the next instruction that it will execute.", func(f *frame) (starlark.Value, error) {
		return starlark.MakeUint64(f.f.PC), nil
	}},
	{"sp", "int", "The stack pointer.", func(f *frame) (starlark.Value, error) {
		return starlark.MakeUint64(f.f.SP), nil
	}},
	{"cfa", "int or None", "The canonical frame address: what the stack pointer was before the call. None if it was not found.", func(f *frame) (starlark.Value, error) {
		if f.f.CFA == 0 {
			return starlark.None, nil
		}
		return starlark.MakeUint64(f.f.CFA), nil
	}},
	{"function", "str or None", "The name of the function, without its parameters in C++.", func(f *frame) (starlark.Value, error) {
		return optional(f.f.Function()), nil
	}},
	{"file", "str or None", "The path of the source file, as the compiler was given it, if the debug information tells.", func(f *frame) (starlark.Value, error) {
		line, _ := f.f.Line()
		return optional(line.File), nil
	}},
	{"line", "int or None", "The line in the source file that is executed, or that the call is in.", func(f *frame) (starlark.Value, error) {
		line, _ := f.f.Line()
		return optionalInt(line.Line, line.Line != 0), nil
	}},
	{"column", "int or None", "The column in that line, from 1 on, if the compiler named one.", func(f *frame) (starlark.Value, error) {
		line, _ := f.f.Line()
		return optionalInt(line.Column, line.Column != 0), nil
	}},
	{"inlined", "bool", "Whether the function was inlined into that of the next frame. It then shares that one's registers, and symbol is that one's.", func(f *frame) (starlark.Value, error) {
		return starlark.Bool(f.f.Inlined), nil
	}},
	{"symbol", "symbol or None", "The symbol of the function.", func(f *frame) (starlark.Value, error) {
		sym, _, ok := f.f.Symbol()
		if !ok {
			return starlark.None, nil
		}
		return &symbol{s: sym, im: f.f.Image()}, nil
	}},
	{"offset", "int or None", "How many bytes pc lies behind the start of the function.", func(f *frame) (starlark.Value, error) {
		_, offset, ok := f.f.Symbol()
		if !ok {
			return starlark.None, nil
		}
		return starlark.MakeUint64(offset), nil
	}},
	{"image", "image or None", "The ELF file that the function comes from.", func(f *frame) (starlark.Value, error) {
		if im := f.f.Image(); im != nil {
			return newImage(im), nil
		}
		return starlark.None, nil
	}},
	{"regs", "regs", "The registers as they were in this frame. One that the stack does not keep is an error.", func(f *frame) (starlark.Value, error) {
		return &regs{t: f.t, frame: f.f}, nil
	}},
	{"args", "variables", "The arguments of the function by name, as values: a dict, of which they are attributes too. One that the compiler has dropped is there, shows as <optimized out>, and fails with the reason when it is used. Without debug information it is an error.", func(f *frame) (starlark.Value, error) {
		return f.t.p.env.variables(f.f.Args())
	}},
	{"locals", "variables", "The variables of the function that are in scope, like args, without those that one of the same name in an inner block hides.", func(f *frame) (starlark.Value, error) {
		return f.t.p.env.variables(f.f.Locals())
	}},
	{"thread", "thread", "The thread on whose stack it is.", func(f *frame) (starlark.Value, error) {
		return f.t, nil
	}},
	{"by", "str", "How it was found, from the surest to the least sure: \"registers\", \"cfi\", \"signal-context\", \"walk\" (the instructions up to the return), \"frame-pointer\" or \"guess\".", func(f *frame) (starlark.Value, error) {
		return starlark.String(f.f.By.String()), nil
	}},
	{"guess", "bool", "Whether it may be none: a word on the stack looked like a return address, and nothing else told who the caller is. Its str ends in \"(?)\".", func(f *frame) (starlark.Value, error) {
		return starlark.Bool(f.f.By == unwind.Guess), nil
	}},
}, []method[*frame]{
	{"finish", "(timeout=None, only=False) -> stop", "Run until the frame's function returns; inner activations of it do not count. The stop is that of process.finish, and for a function that was inlined it is behind its code, without a value. A frame that has returned already is an error.", (*frame).finish},
	{"var", "(name) -> value", "The variable that a name means in the frame: one of the function, the innermost first, an argument, or what process.var finds, in the same source file first.", (*frame).variable},
	{"eval", evalSignature, "Evaluate an expression of C or C++ in the frame. " + evalDoc, (*frame).eval},
})

var (
	_ starlark.HasAttrs   = (*frame)(nil)
	_ starlark.Comparable = (*frame)(nil)
)

func (f *frame) String() string {
	return f.f.Text(&value.Format{Bare: true, Scalars: true, Print: f.t.p.env.printScalar})
}
func (f *frame) Type() string                             { return "frame" }
func (f *frame) Hash() (uint32, error)                    { return 0, unhashable(f) }
func (f *frame) Attr(name string) (starlark.Value, error) { return frameClass.attr(f, name) }
func (f *frame) AttrNames() []string                      { return frameClass.names() }
func (f *frame) address() uint64                          { return f.f.PC }

// CompareSameType compares frames: they are equal if they are at the same place of
// the same stack.
func (f *frame) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	g := y.(*frame)
	same := f.t == g.t && f.f.PC == g.f.PC && f.f.SP == g.f.SP
	return equality(f, op, same)
}

// equality returns the result of comparing v with another of its type, which can
// only be equal or not.
func equality(v starlark.Value, op syntax.Token, same bool) (bool, error) {
	switch op {
	case syntax.EQL:
		return same, nil
	case syntax.NEQ:
		return !same, nil
	}
	return false, fmt.Errorf("%s %s %s not implemented", v.Type(), op, v.Type())
}

// finish runs the thread until the frame's function returns.
func (f *frame) finish(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	o, err := unpackMove(b, args, kwargs)
	if err != nil {
		return nil, err
	}
	return f.finishWith(thread, b, o)
}

func (f *frame) finishWith(thread *starlark.Thread, b *starlark.Builtin, o *tracer.MoveOptions) (starlark.Value, error) {
	if f.t.t == nil {
		return nil, fmt.Errorf("%s: the frame is of a core, or of a process that is observed, and only one that is traced moves", b.Name())
	}
	return move(f.t, thread, b, func(t *tracer.Thread) (*tracer.Stop, error) { return t.FinishFrame(f.f, o) })
}

// MarshalJSON encodes the frame's place and function.
func (f *frame) MarshalJSON() ([]byte, error) {
	v := struct {
		Level    int     `json:"level"`
		PC       uint64  `json:"pc"`
		SP       uint64  `json:"sp"`
		Function string  `json:"function,omitempty"`
		File     string  `json:"file,omitempty"`
		Line     int     `json:"line,omitempty"`
		Inlined  bool    `json:"inlined,omitempty"`
		Offset   *uint64 `json:"offset,omitempty"`
		Image    string  `json:"image,omitempty"`
	}{Level: f.f.Level, PC: f.f.PC, SP: f.f.SP, Function: f.f.Function(), Inlined: f.f.Inlined}
	if _, offset, ok := f.f.Symbol(); ok {
		v.Offset = &offset
	}
	if line, err := f.f.Line(); err == nil {
		v.File, v.Line = line.File, line.Line
	}
	if im := f.f.Image(); im != nil {
		v.Image = im.Path
	}
	return encode(v)
}

package builtins

import (
	"errors"
	"fmt"
	"time"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/value"
)

// injections returns the rows of the methods that make the target call something.
func injections[T mover]() []method[T] {
	return []method[T]{
		{"syscall", "(name, *args) -> int", "Let the thread make a system call, given by name or number, and return what that returns; a negative errno is an error. Arguments are ints, values that are numbers or have an address, or bytes and strings, which are copied onto the thread's stack with a zero byte behind them and passed as addresses. The other threads stay stopped, and the thread is afterwards where it was.", injectSyscall[T]},
		{"call", "(fn, *args, timeout=None, only=False) -> int", "Let the thread call a function and return rax, as an unsigned word; eval returns what a function returns with its type. Arguments are those of syscall, and floats, which are doubles unless the function's debug information has other parameters, and values of structures, which are passed as those are where it has one. The other threads run meanwhile, unless only holds them, and breakpoints call their handlers. The thread is afterwards where it was. If a signal, a breakpoint or another stop surfaces first, or timeout seconds are over, the call is undone likewise, and the error tells what came and where.", injectCall[T]},
	}
}

func injectSyscall[T mover](v T, thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) == 0 {
		return nil, errors.New(b.Name() + ": missing argument for name")
	}
	var nr callNumber
	if err := starlark.UnpackArgs(b.Name(), args[:1], kwargs, "name", &nr); err != nil {
		return nil, err
	}
	words, err := callArgs(b, args[1:], nil)
	if err != nil {
		return nil, err
	}
	return inject(v, thread, b, func(t *tracer.Thread) (uint64, error) { return t.Syscall(int(nr), words...) })
}

func injectCall[T mover](v T, thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) == 0 {
		return nil, errors.New(b.Name() + ": missing argument for fn")
	}
	var fn location
	var limit timeout
	var o tracer.MoveOptions
	if err := starlark.UnpackArgs(b.Name(), args[:1], kwargs, "fn", &fn, "timeout??", &limit, "only?", &o.Only); err != nil {
		return nil, err
	}
	o.Timeout = time.Duration(limit)
	t, err := v.mover(b.Name())
	if err != nil {
		return nil, err
	}
	addr, err := fn.resolve(t.p)
	if err != nil {
		return nil, err
	}
	words, err := callArgs(b, args[1:], &funcParams{t.p.p.Scope(), t.p.p.ParamsAt(addr)})
	if err != nil {
		return nil, err
	}
	return inject(v, thread, b, func(t *tracer.Thread) (uint64, error) { return t.Call(addr, words, &o) })
}

// inject makes a call in v's thread, in which handlers may run, and returns its
// result.
func inject[T mover](v T, thread *starlark.Thread, b *starlark.Builtin, call func(*tracer.Thread) (uint64, error)) (starlark.Value, error) {
	t, err := v.mover(b.Name())
	if err != nil {
		return nil, err
	}
	var ret uint64
	_, err = t.p.run(thread, t.t, func(t *tracer.Thread) (_ *tracer.Stop, err error) {
		ret, err = call(t)
		return nil, err
	})
	if err != nil {
		return nil, err
	}
	return starlark.MakeUint64(ret), nil
}

// A funcParams is the parameters of a function, of which types is what its debug information
// tells.
type funcParams struct {
	in    value.Context
	types []debuginfo.Param
}

// callArgs returns the arguments of an injected call; params is nil for a system call.
func callArgs(b *starlark.Builtin, values starlark.Tuple, params *funcParams) ([]tracer.Arg, error) {
	args := make([]tracer.Arg, len(values))
	for i, v := range values {
		var err error
		if params != nil {
			if args[i], err = params.object(i, v); err != nil {
				return nil, fmt.Errorf("%s: argument %d: %w", b.Name(), i+1, err)
			}
			if args[i].Type != nil {
				continue
			}
		}
		if x := asTyped(v); x != nil && x.v.IsScalar() {
			if v, err = x.number(); err != nil {
				return nil, fmt.Errorf("%s: argument %d: %w", b.Name(), i+1, err)
			}
		}
		switch v := v.(type) {
		case *typed, *array:
			args[i].Word, err = asTyped(v).target()
		case starlark.Bytes:
			args[i].Data = append([]byte{}, v...)
		case starlark.String:
			args[i].Data = append([]byte{}, v...)
		case located:
			args[i].Word = v.address()
		default:
			args[i].Word, err = fit(v, 64)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: argument %d: %w", b.Name(), i+1, err)
		}
	}
	return args, nil
}

// object returns argument i if it is a floating-point number, or a structure that is
// passed by value, and one without a type if not.
func (p *funcParams) object(i int, v starlark.Value) (arg tracer.Arg, err error) {
	const floatEncoding = 4 // DW_ATE_float
	var t *debuginfo.Type   // of the parameter
	if i < len(p.types) && p.types[i].Type != nil {
		if t, err = p.types[i].Type.Strip(); err != nil {
			return arg, err
		}
	}
	if x := asTyped(v); x != nil {
		switch {
		case t == nil:
		case t.Kind == debuginfo.Struct || t.Kind == debuginfo.Class || t.Kind == debuginfo.Union:
			if t.ByReference() {
				arg.Word, err = x.target()
				return arg, err
			}
			arg.Object, err = x.v.Bytes()
			arg.Type = t
			if err == nil && int64(len(arg.Object)) != t.Size {
				err = fmt.Errorf("got %s, want %s", x.v.Type(), t)
			}
			return arg, err
		}
		if x.v.IsScalar() {
			if v, err = x.number(); err != nil {
				return arg, err
			}
		}
	}
	number, isFloat := v.(starlark.Float)
	_, isInt := v.(starlark.Int)
	wanted := t != nil && t.Kind == debuginfo.Base && t.Encoding == floatEncoding
	if !isFloat && !(isInt && wanted) {
		return arg, nil
	}
	if isInt {
		f, _ := starlark.AsFloat(v)
		number = starlark.Float(f)
	}
	if !wanted && t != nil {
		return arg, fmt.Errorf("got float, want %s", t)
	}
	if !wanted {
		t = debuginfo.NewBase("double", 8, floatEncoding)
	}
	passed, err := value.FromFloat(p.in, t, float64(number))
	if err == nil {
		arg.Object, err = passed.Bytes()
	}
	arg.Type = t
	return arg, err
}

package builtins

import (
	"errors"
	"fmt"
	"time"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
)

// injections returns the rows of the methods that make the target call something.
func injections[T mover]() []method[T] {
	return []method[T]{
		{"syscall", "(name, *args) -> int", "Let the thread make a system call, given by name or number, and return what that returns; a negative errno is an error. Arguments are ints, values that have an address, or bytes and strings, which are copied onto the thread's stack with a zero byte behind them and passed as addresses. The other threads stay stopped, and the thread is afterwards where it was.", injectSyscall[T]},
		{"call", "(fn, *args, timeout=None, only=False) -> int", "Let the thread call a function and return rax, as an unsigned word. Arguments are those of syscall. The other threads run meanwhile, unless only holds them, and breakpoints call their handlers. The thread is afterwards where it was. If a signal, a breakpoint or another stop surfaces first, or timeout seconds are over, the call is undone likewise, and the error tells what came and where.", injectCall[T]},
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
	words, err := callArgs(b, args[1:])
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
	words, err := callArgs(b, args[1:])
	if err != nil {
		return nil, err
	}
	t, err := v.mover(b.Name())
	if err != nil {
		return nil, err
	}
	addr, err := fn.resolve(t.p)
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

// callArgs returns the arguments of an injected call.
func callArgs(b *starlark.Builtin, values starlark.Tuple) ([]tracer.Arg, error) {
	args := make([]tracer.Arg, len(values))
	for i, v := range values {
		var err error
		switch v := v.(type) {
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

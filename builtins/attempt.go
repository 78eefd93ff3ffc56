package builtins

import (
	"errors"
	"fmt"
	"sync"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer"
)

// An ExitError is the error with which exit ends a script. It passes through
// attempt, handlers and verbs.
type ExitError struct {
	Code int // of the command, 0 to 255
}

func (e *ExitError) Error() string { return fmt.Sprintf("exit %d", e.Code) }

// exit ends the script.
func (e *Env) exit(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var code uint8
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "code?", &code); err != nil {
		return nil, err
	}
	return nil, &ExitError{int(code)}
}

// attempt calls a function and returns its error as a value.
func (e *Env) attempt(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(args) == 0 {
		return nil, errors.New(b.Name() + ": missing argument for fn")
	}
	v, err := starlark.Call(thread, args[0], args[1:], kwargs)
	if err == nil {
		return starlark.Tuple{v, starlark.None}, nil
	}
	if _, exit := errors.AsType[*ExitError](err); exit || canceled(thread) != nil {
		return nil, err
	}
	return starlark.Tuple{starlark.None, newFailure(err)}, nil
}

// nothing is a Starlark function that does nothing.
var nothing = sync.OnceValue(func() starlark.Value {
	globals, err := starlark.ExecFileOptions(new(syntax.FileOptions), new(starlark.Thread), "nothing.star", "def nothing(): pass", nil)
	if err != nil {
		panic(err)
	}
	return globals["nothing"]
})

// canceled returns the error with which the interpreter will end the thread, if
// it was canceled or has run out of steps. The interpreter alone can tell, and
// does so at the first step of any function.
func canceled(thread *starlark.Thread) error {
	_, err := starlark.Call(thread, nothing(), nil, nil)
	if eval, ok := err.(*starlark.EvalError); ok {
		return eval.Unwrap() // nothing is nowhere in the script
	}
	return err
}

// A failure is an error as a value.
type failure struct {
	handle
	message string
	cause   tracer.Error // zero if the engine had no part in it
	errno   string       // name, or ""
}

// newFailure returns the value of an error that ended a call.
func newFailure(err error) *failure {
	f := &failure{message: err.Error(), errno: errnoName(err)}
	if cause, ok := errors.AsType[*tracer.Error](err); ok {
		f.cause = *cause
	}
	return f
}

// errnoName returns the name of the error number in err, or "". What the engine
// found out without asking the kernel has the number that ptrace(2) gives it.
func errnoName(err error) string {
	var errno unix.Errno
	switch {
	case errors.As(err, &errno):
	case errors.Is(err, tracer.ErrExited), errors.Is(err, tracer.ErrThread):
		errno = unix.ESRCH
	case errors.Is(err, tracer.ErrDetached):
		errno = unix.EPERM
	case errors.Is(err, tracer.ErrVfork), errors.Is(err, tracer.ErrBusy):
		errno = unix.EBUSY
	default:
		return ""
	}
	return unix.ErrnoName(errno)
}

var failureClass = newClass("error", "What attempt caught. Its str is the message.", []attribute[*failure]{
	{"message", "str", "What failed, on what and why.", func(f *failure) (starlark.Value, error) {
		return starlark.String(f.message), nil
	}},
	{"op", "str or None", "The operation of the debugger that failed, such as \"read\".", func(f *failure) (starlark.Value, error) {
		return optional(f.cause.Op), nil
	}},
	{"errno", "str or None", "The name of the kernel's error number, such as \"ESRCH\".", func(f *failure) (starlark.Value, error) {
		return optional(f.errno), nil
	}},
	{"tid", "int or None", "The ID of the thread or process it failed on.", func(f *failure) (starlark.Value, error) {
		if f.cause.TID == 0 {
			return starlark.None, nil
		}
		return starlark.MakeInt(f.cause.TID), nil
	}},
	{"addr", "int or None", "The address it failed at.", func(f *failure) (starlark.Value, error) {
		if !f.cause.At {
			return starlark.None, nil
		}
		return starlark.MakeUint64(f.cause.Addr), nil
	}},
}, nil)

// optional returns s, or None if it is empty.
func optional(s string) starlark.Value {
	if s == "" {
		return starlark.None
	}
	return starlark.String(s)
}

var _ starlark.HasAttrs = (*failure)(nil)

func (f *failure) Type() string                             { return "error" }
func (f *failure) String() string                           { return f.message }
func (f *failure) Hash() (uint32, error)                    { return 0, unhashable(f) }
func (f *failure) Attr(name string) (starlark.Value, error) { return failureClass.attr(f, name) }
func (f *failure) AttrNames() []string                      { return failureClass.names() }

// MarshalJSON encodes the attributes that are not None.
func (f *failure) MarshalJSON() ([]byte, error) {
	var tid *int
	if f.cause.TID != 0 {
		tid = &f.cause.TID
	}
	var addr *uint64
	if f.cause.At {
		addr = &f.cause.Addr
	}
	return encode(struct {
		Message string  `json:"message"`
		Op      string  `json:"op,omitempty"`
		Errno   string  `json:"errno,omitempty"`
		TID     *int    `json:"tid,omitempty"`
		Addr    *uint64 `json:"addr,omitempty"`
	}{f.message, f.cause.Op, f.errno, tid, addr})
}

package script

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/builtins"
	"github.com/tracelark/tracelark/tracer"
)

// A fakeEngine has no processes. Its verb "hang" waits for an interrupt.
type fakeEngine struct {
	builtins starlark.StringDict
	started  chan struct{} // receives when hang or start is called
	wake     chan struct{}
	closed   atomic.Bool
}

func (e *fakeEngine) Predeclared() starlark.StringDict { return e.builtins }

func (e *fakeEngine) Abandon() {}

func (e *fakeEngine) Interrupt() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func (e *fakeEngine) ClearInterrupt() {
	select {
	case <-e.wake:
	default:
	}
}

func (e *fakeEngine) Traced() bool                                   { return false }
func (e *fakeEngine) Fates() []string                                { return nil }
func (e *fakeEngine) Status() string                                 { return "" }
func (e *fakeEngine) LastStop() *tracer.Stop                         { return nil }
func (e *fakeEngine) Subject() starlark.Value                        { return nil }
func (e *fakeEngine) SetScreen(builtins.Screen)                      {}
func (e *fakeEngine) SetTTY(func() (*os.File, error), func(bool))    {}
func (e *fakeEngine) SetQuiet(...unix.Signal)                        {}
func (e *fakeEngine) Away() bool                                     { return false }
func (e *fakeEngine) Wake()                                          {}
func (e *fakeEngine) Warm()                                          {}
func (e *fakeEngine) Await(*starlark.Thread) (starlark.Value, error) { return nil, nil }
func (e *fakeEngine) IsCommand(name string) bool {
	return name == "say" || name == "thing" || name == "if"
}
func (e *fakeEngine) BlockDepth(string, int) int                             { return 0 }
func (e *fakeEngine) Abbreviates(string) bool                                { return false }
func (e *fakeEngine) CommandNames() []string                                 { return []string{"say", "thing"} }
func (e *fakeEngine) Parameters(starlark.Value) []string                     { return nil }
func (e *fakeEngine) Symbols(string) []string                                { return nil }
func (e *fakeEngine) Sources(string) []string                                { return nil }
func (e *fakeEngine) Variables(string) []string                              { return nil }
func (e *fakeEngine) Types(string) []string                                  { return nil }
func (e *fakeEngine) Registers(string) []string                              { return nil }
func (e *fakeEngine) Running(string) []string                                { return nil }
func (e *fakeEngine) Members(string) []string                                { return nil }
func (e *fakeEngine) CommandWords(*starlark.Thread, string) ([]string, bool) { return nil, false }
func (e *fakeEngine) CommandIndex(*starlark.Thread) string                   { return "say\nthing\n" }

// RunCommand returns the line.
func (e *fakeEngine) RunCommand(_ *starlark.Thread, line string) (starlark.Value, error) {
	return starlark.String("ran " + line), nil
}

func (e *fakeEngine) RepeatCommand(thread *starlark.Thread, line string) (starlark.Value, bool, error) {
	v, err := e.RunCommand(thread, line+" again")
	return v, true, err
}

func (e *fakeEngine) Mark() func() error { return nil }
func (e *fakeEngine) Traces(int) bool    { return false }

func (e *fakeEngine) Close() error {
	e.closed.Store(true)
	return nil
}

var testModules = fstest.MapFS{
	"counter.star": {Data: []byte(`load("deep/er.star", "two")
_list = []
def frozen():
    check(catch(lambda: _list.append(1)), "append: cannot append to frozen list")
total = 1 + two
loads.append("counter")
`)},
	"assert.star":  {Data: []byte("def eq(got, want):\n    fail('got %r, want %r' % (got, want))\n")},
	"deep/er.star": {Data: []byte("two = 2\nloads.append('deeper')\n")},
}

// newFake returns a session over a fake engine, and what it prints.
func newFake(t *testing.T, opts Options) (*Session, *fakeEngine, *bytes.Buffer) {
	e := &fakeEngine{started: make(chan struct{}, 1), wake: make(chan struct{}, 1)}
	e.builtins = starlark.StringDict{
		"loads": starlark.NewList(nil),
		"thing": starlarkstruct.FromStringDict(starlark.String("thing"), starlark.StringDict{
			"color":   starlark.String("red"),
			"address": starlark.MakeUint64(0x7ffd00001000),
			"_secret": starlark.None,
		}),
		"bomb": bomb{},
	}
	define := func(name string, fn func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error)) {
		e.builtins[name] = starlark.NewBuiltin(name, fn)
	}
	define("check", func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var got, want starlark.Value
		if err := starlark.UnpackArgs(b.Name(), args, kwargs, "got", &got, "want", &want); err != nil {
			return nil, err
		}
		if ok, err := starlark.Equal(got, want); err != nil || !ok {
			return nil, fmt.Errorf("%v != %v", got, want)
		}
		return starlark.None, nil
	})
	define("call", func(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		v, err := starlark.Call(thread, args[0], args[1:], nil)
		if err != nil {
			return nil, fmt.Errorf("%s: callback: %w", b.Name(), err)
		}
		return v, nil
	})
	define("catch", func(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		if _, err := starlark.Call(thread, args[0], nil, nil); err != nil {
			return starlark.String(err.Error()), nil
		}
		return starlark.None, nil
	})
	define("exit", func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		code := 0
		if err := starlark.UnpackArgs(b.Name(), args, kwargs, "code?", &code); err != nil {
			return nil, err
		}
		return nil, &ExitError{Code: code}
	})
	define("hexdump", func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		return starlark.String(fmt.Sprintf("% x", string(args[0].(starlark.Bytes)))), nil
	})
	define("start", func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
		e.started <- struct{}{}
		return starlark.None, nil
	})
	define("hang", func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
		e.started <- struct{}{}
		<-e.wake
		return starlark.None, nil
	})
	define("crash", func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
		panic(io.ErrUnexpectedEOF)
	})
	out := new(bytes.Buffer)
	if opts.Stdout == nil {
		opts.Stdout = out
	}
	if opts.Stderr == nil {
		opts.Stderr = out
	}
	opts.Stdlib = testModules
	opts.Policy.Allow |= MayFS
	return newSession(&opts, e), e, out
}

// A bomb panics when its attribute is read.
type bomb struct{}

func (bomb) String() string                      { return "bomb" }
func (bomb) Type() string                        { return "bomb" }
func (bomb) Freeze()                             {}
func (bomb) Truth() starlark.Bool                { return starlark.True }
func (bomb) Hash() (uint32, error)               { return 0, errors.New("unhashable type: bomb") }
func (bomb) Attr(string) (starlark.Value, error) { panic("boom") }
func (bomb) AttrNames() []string                 { return []string{"fuse"} }

package builtins

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/value"
)

// A printer is a script's function that shows the values of some types.
type printer struct {
	pattern string
	matches *regexp.Regexp
	fn      starlark.Callable
	member  starlark.Callable // or nil
}

// Limits on printers: how deep they call each other, what one call may take, and what
// it may return.
const (
	maxPrinting      = 8
	maxPrinterSteps  = 1 << 20
	maxPrinterLength = 1 << 16
	maxPrinterParts  = 200
)

// addPrinter registers a printer; the last one registered for a type is used.
func (e *Env) addPrinter(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var pattern string
	var fn starlark.Value
	var member starlark.Callable
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "pattern", &pattern, "fn", &fn, "member??", &member); err != nil {
		return nil, err
	}
	if pattern == "" || len(pattern) > 4096 {
		return nil, fmt.Errorf("%s: a pattern has 1 to 4096 bytes", b.Name())
	}
	e.printers = slices.DeleteFunc(e.printers, func(p printer) bool { return p.pattern == pattern })
	if e.Printers != nil && !slices.Contains(e.named, pattern) { // those of the library yield to what it says
		e.named = append(e.named, pattern)
	}
	if fn == starlark.None {
		return starlark.None, nil
	}
	f, ok := fn.(starlark.Callable)
	if !ok {
		return nil, fmt.Errorf("%s: got %s, want a function of a value, or None", b.Name(), fn.Type())
	}
	quoted := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern))
	rx, err := regexp.Compile(`(?s)^` + quoted + `$`)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	e.printers = append(e.printers, printer{pattern, rx, f, member})
	return starlark.None, nil
}

// libraryPrefix begins the names of the types that the printers of Env.Printers are for.
const libraryPrefix = "std::"

// addLibrary puts the printers of Env.Printers before those that there are, without
// those whose patterns a script has named.
func (e *Env) addLibrary() {
	register, own, named := e.Printers, e.printers, e.named
	e.Printers, e.printers, e.named = nil, nil, nil
	register()
	e.printers = append(slices.DeleteFunc(e.printers, func(p printer) bool { return slices.Contains(named, p.pattern) }), own...)
}

// print shows a value by the printer for its type, if there is one.
func (e *Env) print(v *value.Value) (string, bool) { return e.show(v, false) }

// printScalar is print for a place where structures are left out: of what a printer
// returns, too.
func (e *Env) printScalar(v *value.Value) (string, bool) { return e.show(v, true) }

func (e *Env) show(v *value.Value, scalar bool) (string, bool) {
	if v.Type() == nil || v.Err() != nil {
		return "", false
	}
	p := e.printerFor(v)
	if p == nil {
		return "", false
	}
	if e.printing >= maxPrinting {
		return "{...}", true
	}
	shown, err := e.ask(p.fn, starlark.Tuple{e.typed(v)})
	if err != nil {
		return fmt.Sprintf("<error in printer of %s: %v>", p.pattern, err), true
	}
	if scalar && hasParts(shown) {
		return "...", true
	}
	e.printing++
	defer func() { e.printing-- }()
	text := e.children(shown, 0)
	if len(text) > maxPrinterLength {
		text = text[:maxPrinterLength] + "..."
	}
	return escapeText(text), true
}

// printerFor returns the printer for the type of a value, or nil.
func (e *Env) printerFor(v *value.Value) *printer {
	t, err := v.Type().Strip()
	if err != nil || t == nil || t.Name == "" {
		return nil
	}
	if e.Printers != nil && strings.HasPrefix(t.Name, libraryPrefix) {
		e.addLibrary()
	}
	for i := len(e.printers) - 1; i >= 0; i-- {
		if p := &e.printers[i]; p.matches.MatchString(t.Name) {
			return p
		}
	}
	return nil
}

// ask calls a function that a script has registered to tell something, as of a printer.
func (e *Env) ask(fn starlark.Callable, args starlark.Tuple) (starlark.Value, error) {
	e.printing++
	defer func() { e.printing-- }()
	thread := &starlark.Thread{Name: "printer"}
	thread.SetMaxExecutionSteps(maxPrinterSteps)
	return starlark.Call(thread, fn, args, nil)
}

// operator returns what an operator or a method makes of an object, as its printer tells.
func (e *Env) operator(op string, x *value.Value, args []*value.Value) (*value.Value, error) {
	p := e.printerFor(x)
	if p == nil || p.member == nil || len(args) > 1 || e.printing >= maxPrinting {
		return nil, debuginfo.ErrNotFound
	}
	var key starlark.Value = starlark.None
	if len(args) == 1 {
		key = e.typed(args[0])
	}
	v, err := e.ask(p.member, starlark.Tuple{e.typed(x), starlark.String(op), key})
	if err != nil {
		return nil, plainError(err)
	}
	return valueOf(x.Context(), v)
}

// plainError takes the backtrace, which is of no use there, from the error of a function
// that an expression has called.
func plainError(err error) error {
	failed, ok := errors.AsType[*starlark.EvalError](err)
	if !ok {
		return err
	}
	cause := failed.Unwrap()
	if text, ok := strings.CutPrefix(cause.Error(), "fail: "); ok {
		return errors.New(text)
	}
	return cause
}

// valueOf returns a value of Starlark as one of the program: an int as a long, a string as
// an array of characters. Of None the error is debuginfo.ErrNotFound.
func valueOf(in value.Context, v starlark.Value) (*value.Value, error) {
	const boolean, float, signed, char, unsigned = 2, 4, 5, 6, 7 // encodings of DWARF 5, 7.8
	if t := asTyped(v); t != nil {
		return t.v, nil
	}
	switch v := v.(type) {
	case starlark.NoneType:
		return nil, debuginfo.ErrNotFound
	case starlark.Bool:
		return value.FromBytes(in, debuginfo.NewBase("bool", 1, boolean), []byte{map[starlark.Bool]byte{true: 1}[v]}), nil
	case starlark.Int:
		t := debuginfo.NewBase("long", 8, signed)
		if _, ok := v.Int64(); !ok {
			t = debuginfo.NewBase("unsigned long", 8, unsigned)
		}
		return value.FromInt(in, t, v.BigInt())
	case starlark.Float:
		b := binary.LittleEndian.AppendUint64(nil, math.Float64bits(float64(v)))
		return value.FromBytes(in, debuginfo.NewBase("double", 8, float), b), nil
	case starlark.String, starlark.Bytes:
		var text blob
		if err := text.Unpack(v); err != nil {
			return nil, err
		}
		b := append([]byte(text), 0)
		return value.FromBytes(in, debuginfo.ArrayOf(debuginfo.NewBase("char", 1, char), int64(len(b))), b), nil
	}
	return nil, fmt.Errorf("%s is no value of C", brief(v))
}

// escapeText replaces what could change a terminal: what a printer returns may come
// from the target.
func escapeText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '.'
		}
		return r
	}, s)
}

// hasParts reports whether what a printer has returned is written in braces.
func hasParts(v starlark.Value) bool {
	if v := asTyped(v); v != nil {
		return !v.v.IsScalar()
	}
	switch v.(type) {
	case starlark.Iterable, *starlarkstruct.Struct:
		return true
	}
	return false
}

// children writes what a printer has returned: a string as it is, what has parts as
// C writes structures and arrays.
func (e *Env) children(v starlark.Value, depth int) string {
	if depth > maxPrinting {
		return "{...}"
	}
	var parts []string
	size, more := 0, false
	add := func(name string, v starlark.Value) bool {
		if more = size >= maxPrinterLength || len(parts) == maxPrinterParts; more {
			return false
		}
		text := e.children(v, depth+1)
		if name != "" {
			text = name + " = " + text
		}
		parts = append(parts, text)
		size += len(text)
		return true
	}
	switch v := v.(type) {
	case starlark.String:
		return string(v)
	case *typed:
		return v.v.Format(&value.Format{Bare: true, Print: e.print})
	case *array:
		return v.v.Format(&value.Format{Bare: true, Print: e.print})
	case *starlark.Dict:
		for _, item := range v.Items() {
			if !add(e.children(item[0], depth+1), item[1]) {
				break
			}
		}
	case *starlarkstruct.Struct:
		for _, name := range v.AttrNames() {
			field, err := v.Attr(name)
			if err != nil || !add(name, field) {
				break
			}
		}
	case starlark.Iterable:
		it := v.Iterate()
		defer it.Done()
		var x starlark.Value
		for it.Next(&x) {
			if !add("", x) {
				break
			}
		}
	default:
		return v.String()
	}
	text := strings.Join(parts, ", ")
	if more {
		text += "..."
	}
	return "{" + text + "}"
}

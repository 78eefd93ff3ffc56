package builtins

import (
	"fmt"
	"regexp"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/tracelark/tracelark/tracer/value"
)

// A printer is a script's function that shows the values of some types.
type printer struct {
	pattern string
	matches *regexp.Regexp
	fn      starlark.Callable
}

// Limits on printers: how deep they call each other, what one call may take, and what
// it may return.
const (
	maxPrinting      = 8
	maxPrinterSteps  = 1 << 20
	maxPrinterLength = 1 << 16
)

// addPrinter registers a printer; the last one registered for a type is used.
func (e *Env) addPrinter(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var pattern string
	var fn starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "pattern", &pattern, "fn", &fn); err != nil {
		return nil, err
	}
	if pattern == "" || len(pattern) > 4096 {
		return nil, fmt.Errorf("%s: a pattern has 1 to 4096 bytes", b.Name())
	}
	for i := range e.printers {
		if e.printers[i].pattern == pattern {
			e.printers = append(e.printers[:i], e.printers[i+1:]...)
			break
		}
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
	e.printers = append(e.printers, printer{pattern, rx, f})
	return starlark.None, nil
}

// printer returns what value.Format calls, or nil if there are no printers.
func (e *Env) printer() func(*value.Value) (string, bool) {
	if len(e.printers) == 0 {
		return nil
	}
	return e.print
}

// print shows a value by the printer for its type, if there is one.
func (e *Env) print(v *value.Value) (string, bool) {
	if v.Type() == nil || v.Err() != nil {
		return "", false
	}
	t, err := v.Type().Strip()
	if err != nil || t == nil || t.Name == "" {
		return "", false
	}
	for i := len(e.printers) - 1; i >= 0; i-- {
		p := &e.printers[i]
		if !p.matches.MatchString(t.Name) {
			continue
		}
		if e.printing >= maxPrinting {
			return "{...}", true
		}
		e.printing++
		defer func() { e.printing-- }()
		thread := &starlark.Thread{Name: "printer"}
		thread.SetMaxExecutionSteps(maxPrinterSteps)
		shown, err := starlark.Call(thread, p.fn, starlark.Tuple{e.typed(v)}, nil)
		if err != nil {
			return fmt.Sprintf("<error in printer of %s: %v>", p.pattern, err), true
		}
		text := e.children(shown, 0)
		if len(text) > maxPrinterLength {
			text = text[:maxPrinterLength] + "..."
		}
		return escapeText(text), true
	}
	return "", false
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

// children writes what a printer has returned: a string as it is, what has parts as
// C writes structures and arrays.
func (e *Env) children(v starlark.Value, depth int) string {
	if depth > maxPrinting {
		return "{...}"
	}
	var parts []string
	size := 0
	add := func(name string, v starlark.Value) bool {
		text := e.children(v, depth+1)
		if name != "" {
			text = name + " = " + text
		}
		parts = append(parts, text)
		size += len(text)
		return size < maxPrinterLength && len(parts) < 200
	}
	switch v := v.(type) {
	case starlark.String:
		return string(v)
	case *typed:
		return v.v.Format(&value.Format{Bare: true, Print: e.printer()})
	case *array:
		return v.v.Format(&value.Format{Bare: true, Print: e.printer()})
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
	if size >= maxPrinterLength || len(parts) >= 200 {
		text += "..."
	}
	return "{" + text + "}"
}

package script

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/builtins"
)

// An Error is the failure of a script.
type Error struct {
	Msg    string // what went wrong
	Report string // the same with where: backtrace, source lines, every syntax error
	Err    error  // the cause

	stopped bool // the session ended the run
}

func (e *Error) Error() string { return e.Msg }

// Unwrap returns the cause: ErrInterrupted, an error of the debugger, a
// *starlark.EvalError, and so on.
func (e *Error) Unwrap() error { return e.Err }

// Limits on what a report shows.
const (
	maxFrames = 20  // of a backtrace; deep recursion loses its middle
	maxLine   = 160 // runes of a source line
)

// panicError returns the error for a panic with the value p.
func panicError(p any, stack []byte) *Error {
	msg := builtins.Escape(fmt.Sprintf("internal error: %v", p), false)
	err, _ := p.(error)
	return &Error{
		Msg: msg,
		Report: fmt.Sprintf("Error: %s\nThis is a bug in tracelark. Please report it with your script and these lines:\n\n%s",
			msg, strings.TrimRight(string(stack), "\n")),
		Err: err,
	}
}

// report returns the Error for err, which ended a run. If the session stopped the
// run, cause says why. Misspelt names are compared with those in globals.
func (l *loader) report(err, cause error, globals starlark.StringDict) *Error {
	var b strings.Builder
	eval, msg := innermost(err)
	if command, ok := errors.AsType[commandError](err); ok {
		eval, msg = nil, command.Error()
	}
	function := ""
	if eval != nil {
		function = l.writeBacktrace(&b, eval.CallStack)
	}
	if cause != nil {
		err, msg, function = cause, cause.Error(), ""
	}
	if list := l.located(err, globals); len(list) > 0 {
		for _, e := range list {
			l.writeLocated(&b, e)
		}
		msg = list[0].Error()
	} else if text, ok := strings.CutPrefix(msg, "fail: "); ok && function == "fail" {
		fmt.Fprintf(&b, "Error: %s\n", text) // in the script's own words
	} else if function != "" {
		msg += habit(msg)
		fmt.Fprintf(&b, "Error in %s: %s\n", function, strings.TrimPrefix(msg, function+": "))
	} else {
		msg += habit(msg)
		fmt.Fprintf(&b, "Error: %s\n", msg)
	}
	return &Error{
		Msg:    builtins.Escape(msg, false),
		Report: builtins.Escape(strings.TrimSuffix(b.String(), "\n"), false),
		Err:    err,
	}
}

// innermost follows the chain of evaluation errors that failed loads and
// callbacks make, and returns the last, whose call stack includes those of the
// others, and the message to show: with the backtrace at hand, "cannot load" adds
// nothing.
func innermost(err error) (last *starlark.EvalError, msg string) {
	msg = err.Error()
	for {
		e, ok := errors.AsType[*starlark.EvalError](err)
		if !ok {
			return last, msg
		}
		if strings.HasPrefix(msg, "cannot load ") {
			msg = e.Msg
		}
		last, err = e, e.Unwrap()
	}
}

// checks is the module whose functions fail for the sake of their callers.
const checks = std + "assert.star"

// writeBacktrace writes stack to b, the most recent call last; a check that does not
// hold is that of the line that calls it. It returns the name of the builtin that
// failed, if it was one.
func (l *loader) writeBacktrace(b *strings.Builder, stack starlark.CallStack) (builtin string) {
	if n := len(stack) - 1; n >= 0 && !inSource(stack[n]) {
		builtin = stack[n].Name
		stack = stack[:n]
	}
	for n := len(stack); n > 0 && stack[n-1].Pos.Filename() == checks; n-- {
		stack = stack[:n-1]
	}
	if len(stack) > 0 {
		b.WriteString("Traceback (most recent call last):\n")
	}
	for i, fr := range stack {
		if skipped := len(stack) - maxFrames; skipped > 0 && i >= maxFrames/2 && i < maxFrames/2+skipped {
			if i == maxFrames/2 {
				fmt.Fprintf(b, "  ... %d more calls\n", skipped)
			}
			continue
		}
		fmt.Fprintf(b, "  %s: in %s\n", fr.Pos, fr.Name)
		if line, _ := l.sourceLine(fr.Pos); line != "" {
			fmt.Fprintf(b, "    %s\n", line)
		}
	}
	return builtin
}

// where returns err, which ended a run of a file, as what follows the file's name and a
// colon: "LINE: MESSAGE".
func (l *loader) where(err error, file string) string {
	if list := l.located(err, nil); len(list) > 0 {
		return fmt.Sprintf("%d: %s", list[0].Pos.Line, list[0].Msg)
	}
	eval, msg := innermost(err)
	if eval != nil {
		for _, call := range slices.Backward(eval.CallStack) {
			if call.Pos.Filename() == file {
				return fmt.Sprintf("%d: %s", call.Pos.Line, msg)
			}
		}
	}
	return " " + msg
}

// inSource reports whether fr is a call of a function written in Starlark.
func inSource(fr starlark.CallFrame) bool { return fr.Pos.Line > 0 }

// pythonisms are what Starlark has instead of words of Python that it reserves, and of
// f-strings.
var pythonisms = map[string]string{
	"'**'":           `there is no power: 1 << n is 2 to the n`,
	"assert":         `load("std/assert.star", "assert"), or fail(text)`,
	"class":          `struct(name = value) has attributes`,
	"del":            `dicts and lists have pop and remove`,
	"except":         `attempt(fn, ...) returns a value and an error`,
	"from":           `load("std/NAME.star", "name")`,
	"global":         `change an element of a list or dict instead`,
	"import":         `load("std/NAME.star", "name")`,
	"is":             `==`,
	"nonlocal":       `change an element of a list or dict instead`,
	"raise":          `fail(text)`,
	"string literal": `strings are joined by +, and "%s" % x is what f-strings are`,
	"try":            `attempt(fn, ...) returns a value and an error`,
	"with":           `there is none in Starlark`,
	"yield":          `append to a list and return it`,
}

// annotation finds types as Python has them.
var annotation = regexp.MustCompile(`^def .*\w *: *\w|^\w+ *: *\w+.*=`)

// habits are what is found at run time that scripts in Python may do, and how it is done here.
var habits = []struct{ error, advice string }{
	{"unknown conversion %[-+.0-9]", `Starlark knows no widths; hex(x, 8) has zeros in front, format(x, "8") spaces`},
	{"format spec features not supported", `format(x, "08x") does that for one value`},
	{`^bytes has no \.`, `bytes have no methods: str(data) is text; see unpack, hexdump and regex`},
	{`^builtin_function_or_method has no \.from_bytes `, `unpack("<Q", data) does that`},
}

// habit returns the advice for the message of an error, in parentheses, or "".
func habit(msg string) string {
	for _, h := range habits {
		if ok, _ := regexp.MatchString(h.error, msg); ok {
			return " (" + h.advice + ")"
		}
	}
	return ""
}

// located returns the syntax or resolve errors that err consists of, in the order
// of the source.
func (l *loader) located(err error, globals starlark.StringDict) []resolve.Error {
	if e, ok := errors.AsType[syntax.Error](err); ok {
		what, _, _ := strings.Cut(strings.TrimPrefix(e.Msg, "got "), ",")
		if advice := pythonisms[what]; advice != "" {
			e.Msg += " (" + advice + ")"
		} else if line, _ := l.sourceLine(e.Pos); what == "':'" && annotation.MatchString(line) {
			e.Msg += " (types are not written in Starlark)"
		}
		return []resolve.Error{resolve.Error(e)}
	}
	list, _ := errors.AsType[resolve.ErrorList](err)
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b resolve.Error) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col))
	})
	names := append(globals.Keys(), starlark.Universe.Keys()...)
	for i, e := range list {
		// The resolver's own hints know only the names of the file.
		if name, ok := strings.CutPrefix(e.Msg, "undefined: "); ok && !strings.Contains(name, " ") {
			list[i].Msg += hint(name, names)
		}
	}
	return list
}

// writeLocated writes e to b with the source line and a caret below it.
func (l *loader) writeLocated(b *strings.Builder, e resolve.Error) {
	fmt.Fprintln(b, e.Error())
	line, before := l.sourceLine(e.Pos)
	if line == "" {
		return
	}
	fmt.Fprintf(b, "    %s\n", line)
	if before <= maxLine {
		runes := []rune(line)
		pad := slices.Repeat([]rune{' '}, before)
		for i := range min(before, len(runes)) {
			if runes[i] == '\t' {
				pad[i] = '\t'
			}
		}
		fmt.Fprintf(b, "    %s^\n", string(pad))
	}
}

// sourceLine returns the line at pos without its indentation, and the number of
// its runes before pos.
func (l *loader) sourceLine(pos syntax.Position) (line string, before int) {
	lines := l.lines[pos.Filename()]
	if pos.Line < 1 || int(pos.Line) > len(lines) {
		return "", 0
	}
	full := strings.TrimRight(lines[pos.Line-1], " \t\r")
	line = strings.TrimLeft(full, " \t")
	before = max(0, int(pos.Col)-1-(len(full)-len(line)))
	if runes := []rune(line); len(runes) > maxLine {
		line = string(runes[:maxLine]) + "…"
	}
	return line, before
}

// hint returns " (did you mean NAME?)" for the one of names that is nearest to
// name, or "" if none is near.
func hint(name string, names []string) string {
	best, limit := "", (len(name)+1)/2
	if len(name) > 64 {
		return ""
	}
	for _, candidate := range names {
		if d := distance(name, candidate); 0 < d && d < limit { // the name itself is known elsewhere
			best, limit = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// distance returns the Levenshtein distance of a and b: how many bytes to insert,
// delete or replace makes one of the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

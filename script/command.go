package script

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/builtins"
)

// A line of the REPL is Starlark or a command. It is a command if it begins with the
// name of one and
//
//   - that stands alone, unless the user has a variable of that name,
//   - or a space follows it, and then what is no operator: "b main", "p x->next",
//   - or an operator that clings to what follows it: "p *list", "x -8", "l -". With a
//     space on both sides, as in "p * 2", or on none it is Starlark, unless it is one of
//     <, > and | behind what no variable is called, as in "run < file", and so is an
//     assignment and a call of what can be called.
//
// So is an if or while that asks about something with a $, which Starlark does not have.
// Of a name the beginning suffices, if that is no variable and no other command's name
// begins so. A format belongs to the name, as in "x/8gx $rsp". A line that begins with a dot is a
// command in any case, and one that begins or ends with a question mark asks for help.

var (
	// format is what may follow the name of a command at once.
	format = regexp.MustCompile(`^/[-0-9a-z]+(\s|$)`)
	// assigns begins what follows a variable that is assigned to or compared.
	assigns = regexp.MustCompile(`^([-+*/%&|^]|//|<<|>>)?=|^!=|^[<>]=`)
	// binary is an operator between spaces.
	binary = regexp.MustCompile(`^(\+|-|\*\*?|//?|%|&|\||\^|<<|>>|<|>|,|;|\.)\s+\S`)
	// quoted is a string.
	quoted = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	// word is a name, perhaps with dashes.
	word = regexp.MustCompile(`^[a-zA-Z_]\w*(-\w+)*$`)
	// wordy is an operator that is a word.
	wordy = regexp.MustCompile(`^(in|not|and|or|if)\s`)
)

// own are the REPL's own commands, most of which are written with a dot.
var own = map[string]func(*Session, *starlark.Thread, string) (starlark.Value, error){}

func init() {
	own["save"] = (*Session).saveCommand
	own["load"] = (*Session).loadCommand
	own["time"] = (*Session).timeCommand
	own["help"] = (*Session).helpCommand
	own["source"] = (*Session).sourceCommand
}

// isOwn reports whether a line that begins with a name, or a dot and that, is a command of
// the REPL's own.
func isOwn(name string, dotted bool) bool {
	return own[name] != nil && (dotted || name == "help" || name == "source")
}

// ownHelp is the help for them.
const ownHelp = `.save FILE       write the session as a script that runs
.load FILE       run a script, whose names the session then has
.time LINE       run a line and tell how long it took
source FILE      run the lines of a file as if they were typed
help NAME, ?NAME tell about a command, builtin, type, method or value
`

// isCommand reports whether a line is a command and not Starlark.
func (s *Session) isCommand(line string) bool {
	line = strings.TrimSpace(line)
	if asksHelp(line) || len(line) > 1 && line[0] == '.' && unicode.IsLetter(rune(line[1])) || line != "" && outward[line[0]] != "" {
		return true
	}
	name, rest := builtins.SplitCommand(line)
	if name == "" || assigns.MatchString(rest) {
		return false // without a look at the commands, which need not be loaded for "p = launch(args)"
	}
	if isCompound(name) {
		return s.engine.IsCommand(name) && strings.Contains(quoted.ReplaceAllString(rest, ""), "$")
	}
	if !isOwn(name, false) && !s.engine.IsCommand(name) && (s.lookup(name) != nil || !s.engine.Abbreviates(name)) {
		return false
	}
	after := line[len(name):]
	if format.MatchString(after) {
		_, after, _ = strings.Cut(after+" ", " ")
		rest = strings.TrimSpace(after)
	} else if rest != "" && !strings.ContainsRune(" \t\n", rune(after[0])) {
		return false
	}
	switch {
	case rest == "" || rest[0] == '#':
		return !s.isVariable(name)
	case strings.IndexByte("<>|", rest[0]) >= 0 && s.lookup(name) == nil: // run < file
	case binary.MatchString(rest):
		return false
	case wordy.MatchString(rest):
		_, err := replOptions.Parse(stdin, line, 0)
		return err != nil
	case rest[0] == '(':
		_, calls := s.lookup(name).(starlark.Callable)
		return !calls
	}
	return true
}

// unknownWord returns an error for a line that is just a word which means nothing, or a
// name with dashes, of which no part means anything.
func (s *Session) unknownWord(text string) error {
	name := strings.TrimSpace(text)
	if !word.MatchString(name) || slices.ContainsFunc(strings.Split(name, "-"), func(part string) bool { return s.lookup(part) != nil }) {
		return nil
	}
	if err := s.ambiguous(name); err != nil {
		return err
	}
	return fmt.Errorf("no command or variable is named %q%s; help lists the commands", name, hint(name, s.words()))
}

// ambiguous returns an error for the beginning of the names of several commands.
func (s *Session) ambiguous(name string) error {
	names := beginning(s.engine.CommandNames(), name)
	if len(names) < 2 {
		return nil
	}
	return fmt.Errorf("%q begins the names of several commands: %s", name, strings.Join(names, ", "))
}

// unknown returns the word that an item which is no Starlark begins with, if that looks
// like a command which is not there, or else "".
func (s *Session) unknown(text string) string {
	text = strings.TrimSpace(text)
	name, rest := builtins.SplitCommand(text)
	if rest == "" || text[len(name)] != ' ' || assigns.MatchString(rest) || binary.MatchString(rest+" x") || strings.Contains(rest, "\n") {
		return ""
	}
	if _, err := replOptions.ParseExpr(stdin, name, 0); err != nil || s.lookup(name) != nil {
		return "" // a keyword, an operand
	}
	return name
}

// outward are the commands that a character at the start of a line stands for.
var outward = map[byte]string{'!': "shell", '|': "pipe"}

// asksHelp reports whether a line is "?name" or "name?".
func asksHelp(line string) bool {
	if strings.HasPrefix(line, "?") {
		return true
	}
	name, ok := strings.CutSuffix(line, "?")
	return ok && chain().FindString(name) == name
}

// isVariable reports whether the user has assigned to a name.
func (s *Session) isVariable(name string) bool {
	v, ok := s.globals[name]
	return ok && v != s.loader.predeclared[name]
}

// lookup returns what a name means, or nil.
func (s *Session) lookup(name string) starlark.Value {
	if v, ok := s.globals[name]; ok {
		return v
	}
	return starlark.Universe[name]
}

// runLine runs a command and returns its value.
func (s *Session) runLine(thread *starlark.Thread, line string) (starlark.Value, error) {
	line = strings.TrimSpace(line)
	if asksHelp(line) {
		return s.helpCommand(thread, strings.Trim(line, "? "))
	}
	if name := outward[line[0]]; name != "" {
		line = name + " " + strings.TrimSpace(line[1:])
	}
	line, dotted := strings.CutPrefix(line, ".")
	name, rest := builtins.SplitCommand(line)
	if isOwn(name, dotted) {
		return own[name](s, thread, rest)
	}
	v, err := s.engine.RunCommand(thread, line)
	return v, plain(err)
}

// A commandError is what a command of the standard library fails with: where in that
// it did is of no interest.
type commandError struct{ error }

func (e commandError) Unwrap() error { return e.error }

func (e commandError) Error() string {
	_, msg := innermost(e.error)
	return strings.TrimPrefix(msg, "fail: ")
}

// plain takes the backtrace from the error of a command in which no other code is.
func plain(err error) error {
	eval, ok := errors.AsType[*starlark.EvalError](err)
	if !ok {
		return err
	}
	if _, ok := errors.AsType[*ExitError](err); ok {
		return err
	}
	for _, call := range eval.CallStack {
		if inSource(call) && !strings.HasPrefix(call.Pos.Filename(), std) {
			return err
		}
	}
	return commandError{err}
}

// helpCommand prints the help for a name, or an overview.
func (s *Session) helpCommand(thread *starlark.Thread, name string) (starlark.Value, error) {
	help := s.loader.predeclared["help"]
	if name == "" {
		return starlark.String(s.engine.CommandIndex(thread) + ownHelp + "\nhelp() lists the builtins, apropos WORD searches."), nil
	}
	_, known := builtins.Doc(name)
	if known || s.engine.IsCommand(name) || s.lookup(name) == nil && s.engine.Abbreviates(name) {
		return starlark.Call(thread, help, starlark.Tuple{starlark.String(name)}, nil)
	}
	if chain().FindString(name) != name {
		return nil, fmt.Errorf("help: %q is no name", name)
	}
	v := s.value(strings.Split(name, "."))
	if v == nil {
		return nil, fmt.Errorf("help: nothing is known about %q%s; apropos searches", name, hint(name, s.words()))
	}
	return starlark.Call(thread, help, starlark.Tuple{v}, nil)
}

// words returns the names of commands and variables.
func (s *Session) words() []string {
	return append(append(s.globals.Keys(), s.engine.CommandNames()...), starlark.Universe.Keys()...)
}

// timeCommand runs a line and tells how long that took.
func (s *Session) timeCommand(thread *starlark.Thread, line string) (starlark.Value, error) {
	if line == "" {
		return nil, errors.New(".time: nothing to run")
	}
	start := time.Now()
	v, err := s.runItem(thread, item{text: line + "\n", line: 1})
	if err != nil {
		return nil, err
	}
	took := time.Since(start)
	fmt.Fprintf(s.stdout, "%v\n", took.Round(took/1000+1))
	return v, nil
}

// loadCommand runs a file. Its names are the session's then.
func (s *Session) loadCommand(thread *starlark.Thread, path string) (starlark.Value, error) {
	if path == "" {
		return nil, errors.New(".load: no file given")
	}
	return starlark.None, s.include(thread, path)
}

// sourceCommand runs the lines of a file, which are commands and Starlark, and shows what
// they return. A failure ends it.
func (s *Session) sourceCommand(thread *starlark.Thread, path string) (starlark.Value, error) {
	if path == "" {
		return nil, errors.New("source: no file given")
	}
	if strings.HasSuffix(path, ".star") {
		return s.loadCommand(thread, path)
	}
	m, err := s.loader.open(path)
	if err != nil {
		return nil, err
	}
	lines := &plainReader{bufio.NewScanner(strings.NewReader(m.source)), io.Discard}
	items := &itemReader{readLine: lines.readLine, prompt: func() string { return "" }, isCommand: s.isCommand, blockDepth: s.engine.BlockDepth}
	for {
		it, err := items.next()
		if err == io.EOF {
			return starlark.None, nil
		}
		if text := strings.TrimSpace(it.text); err == nil && text != "" && text[0] != '#' {
			var v starlark.Value
			subject, isCommand := s.engine.Subject(), s.isCommand(it.text)
			if v, err = s.runItem(thread, it); err == nil {
				v, text := parts(v)
				s.view.note(it.text, isCommand, s.name(subject, isCommand), v)
				if v != starlark.None {
					s.globals["_"] = v
				}
				err = s.show(thread, text, isCommand, false)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, it.line, err)
		}
	}
}

// include runs a file, whose names the REPL has then.
func (s *Session) include(thread *starlark.Thread, path string) error {
	m, err := s.loader.open(path)
	if err != nil {
		return err
	}
	err = s.loader.init(thread, m)
	for name, v := range m.globals {
		s.globals[name] = v
	}
	return err
}

// runItem runs an item and returns its value, None if it is no expression.
func (s *Session) runItem(thread *starlark.Thread, it item) (starlark.Value, error) {
	if s.view.repeats(it.text) {
		v, _, err := s.engine.RepeatCommand(thread, strings.TrimPrefix(strings.TrimSpace(s.view.last), "."))
		return v, plain(err)
	}
	if s.isCommand(it.text) {
		return s.runLine(thread, it.text)
	}
	f, err := replOptions.Parse(stdin, syntax.FilePortion{Content: []byte(it.text), FirstLine: int32(it.line), FirstCol: 1}, 0)
	if err != nil {
		if name := s.unknown(it.text); name != "" && s.ambiguous(name) != nil {
			err = s.ambiguous(name)
		} else if name != "" {
			err = fmt.Errorf("no command is named %q%s; help lists them", name, hint(name, s.words()))
		}
		return nil, err
	}
	if len(f.Stmts) == 1 {
		if expr, ok := f.Stmts[0].(*syntax.ExprStmt); ok {
			if err := s.unknownWord(it.text); err != nil {
				return nil, err
			}
			s.loader.guard.rewrite(f)
			return starlark.EvalExprOptions(replOptions, thread, expr.X, s.globals)
		}
	}
	return starlark.None, s.execStmts(thread, f)
}

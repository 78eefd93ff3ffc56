package builtins

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.starlark.net/starlark"
)

// A command is a function that a line of words calls.
type command struct {
	names      []string
	fn, repeat action
	complete   action
	block      block
	help       string // or "", if it is the function's
}

// An action is the function of a command, or none. A command of the library names its function,
// so that only the modules are loaded whose commands are used.
type action struct {
	fn           starlark.Callable // or nil
	module, name string            // where it is, or ""
}

// Unpack implements starlark.Unpacker.
func (f *action) Unpack(v starlark.Value) error {
	switch v := v.(type) {
	case starlark.Callable:
		f.fn = v
		return nil
	case starlark.String:
		var ok bool
		if f.module, f.name, ok = strings.Cut(string(v), ":"); ok && (strings.HasPrefix(f.module, "std/") || strings.HasPrefix(f.module, "/")) {
			return nil
		}
		return fmt.Errorf("got %s, want a module of std or an absolute path, and a function, as in \"std/moves.star:cont\"", v)
	}
	return fmt.Errorf("got %s, want callable", v.Type())
}

// get returns the function, from its module if need be.
func (f *action) get(thread *starlark.Thread) (starlark.Callable, error) {
	if f.module == "" {
		return f.fn, nil
	}
	if thread.Load == nil {
		return nil, fmt.Errorf("load %s: nothing loads modules here", f.module)
	}
	globals, err := thread.Load(thread, f.module)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", f.module, err)
	}
	fn, ok := globals[f.name].(starlark.Callable)
	if !ok {
		return nil, fmt.Errorf("%s has no function %s", f.module, f.name)
	}
	return fn, nil
}

// call calls the function with the words of a line.
func (f *action) call(thread *starlark.Thread, words string) (starlark.Value, error) {
	fn, err := f.get(thread)
	if err != nil {
		return nil, err
	}
	return starlark.Call(thread, fn, starlark.Tuple{starlark.String(words)}, nil)
}

// A Shown is what a command returns that has a text shown for its value.
type Shown struct {
	handle
	Value starlark.Value
	Text  string
}

func (s *Shown) String() string        { return s.Text }
func (s *Shown) Type() string          { return "shown" }
func (s *Shown) Hash() (uint32, error) { return 0, unhashable(s) }

// commandRows are the functions about commands.
var commandRows = []method[*Env]{
	{"command", "(names, fn, repeat=None, block=False, doc=None, complete=None)",
		"Make fn a command: a line of the REPL that is not Starlark and begins with one of names, which are divided by spaces, calls it with the rest of the line as a str. " +
			"A str that fn returns is shown as text, anything but None as a value, which is \"_\" then. The docstring of fn, or doc, is the help for it. An empty line after it calls repeat, if given, with the same words. With block the lines below it belong to it, up to one that says end, and fn gets all of them: with True they are commands, which may have blocks of their own, with \"text\" they are any. complete tells what may stand at the end of the line: it is called with the words before that, and returns a list of str, or None for names of the program. For a function may stand where it is, as in \"std/moves.star:cont\", a module of std or an absolute path; it is loaded when it is needed first. A name that has a command already gets another one.",
		(*Env).addCommand},
	splitCommandsRow,
	{"shown", "(value, text) -> value", "What a command returns to have a text shown for its value, which is \"_\" then, and what run_command returns.", (*Env).shown},
	{"run_command", "(line, text=False) -> value", "Run a line of words as a command, such as \"x/4gx $rsp\", and return what it returns, or with text what the REPL shows of that, a str or None. Of a name the beginning suffices, if no other command's name begins so.", (*Env).runCommand},
	{"apropos", "(word) -> str", "List what of the manual and of the commands has a word, a line each.", (*Env).apropos},
	{"paint", "(text, style=\"\") -> str",
		"Return text with all in it that controls a terminal written as in a string, and in a style if colors are shown: words such as \"bold\", \"dim\", \"red\", \"green\", \"yellow\", \"blue\", \"magenta\" and \"cyan\".",
		(*Env).paint},
	{"fit", "(text, width) -> str", "Cut each line of a text to a number of columns, of which what paint adds takes none.", (*Env).fit},
}

func (e *Env) addCommand(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var words, doc string
	var fn, repeat, complete action
	var block block
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "names", &words, "fn", &fn, "repeat??", &repeat, "block?", &block, "doc??", &doc, "complete??", &complete); err != nil {
		return nil, err
	}
	names := strings.Fields(words)
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: no name given", b.Name())
	}
	for _, name := range names {
		if word, rest := SplitCommand(name); word == "" || rest != "" {
			return nil, fmt.Errorf("%s: %q is no name, want letters, digits, underscores and dashes", b.Name(), name)
		}
	}
	e.loadCommands()
	c := &command{names, fn, repeat, complete, block, doc}
	for _, name := range names {
		e.commands[name] = c
	}
	return starlark.None, nil
}

// loadCommands has the commands of the library registered before others are.
func (e *Env) loadCommands() {
	if register := e.Commands; register != nil {
		e.Commands = nil
		register()
	}
}

// SplitCommand divides a line into the name that it begins with, or "", and the rest. A
// name may have dashes within if a blank follows it.
func SplitCommand(line string) (name, rest string) {
	line = strings.TrimSpace(line)
	notName := func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	end := strings.IndexFunc(line, notName)
	if end < 0 {
		end = len(line)
	}
	if word, _, _ := strings.Cut(line, " "); end > 0 && end < len(word) && word[len(word)-1] != '-' && strings.IndexFunc(strings.ReplaceAll(word, "-", ""), notName) < 0 {
		end = len(word) // generate-core-file
	}
	if end > 0 && line[0] >= '0' && line[0] <= '9' {
		end = 0
	}
	return line[:end], strings.TrimLeft(line[end:], " \t")
}

// find returns the command that is called name, or else the only one that has a name
// which begins so; nil if there is none.
func (e *Env) find(name string) *command {
	e.loadCommands()
	if c, ok := e.commands[name]; ok || name == "" {
		return c
	}
	var found *command
	for full, c := range e.commands {
		if c != found && strings.HasPrefix(full, name) {
			if found != nil {
				return nil
			}
			found = c
		}
	}
	return found
}

// Abbreviates reports whether just one command has a name that begins with name.
func (e *Env) Abbreviates(name string) bool { return e.find(name) != nil }

// IsCommand reports whether a command is called name.
func (e *Env) IsCommand(name string) bool {
	e.loadCommands()
	_, ok := e.commands[name]
	return ok
}

// CommandNames returns the names of all commands, sorted.
func (e *Env) CommandNames() []string {
	e.loadCommands()
	return slices.Sorted(maps.Keys(e.commands))
}

func (e *Env) runCommand(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var line string
	var text bool
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "line", &line, "text?", &text); err != nil {
		return nil, err
	}
	v, err := e.RunCommand(thread, line)
	shown, differs := v.(*Shown)
	_, isText := v.(starlark.String)
	switch {
	case err != nil:
		return nil, err
	case differs && !text:
		v = shown.Value
	case text && !isText && v != starlark.None:
		v = starlark.String(v.String())
	}
	return v, nil
}

func (e *Env) shown(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var s Shown
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "value", &s.Value, "text", &s.Text); err != nil {
		return nil, err
	}
	return &s, nil
}

// RunCommand runs a line as a command.
func (e *Env) RunCommand(thread *starlark.Thread, line string) (starlark.Value, error) {
	name, rest := SplitCommand(line)
	c := e.find(name)
	if c == nil {
		return nil, fmt.Errorf("no command is named %q; help lists them", name)
	}
	return c.fn.call(thread, rest)
}

// RepeatCommand runs a line as what an empty line after it stands for. ok is false if
// that is nothing.
func (e *Env) RepeatCommand(thread *starlark.Thread, line string) (v starlark.Value, ok bool, err error) {
	name, rest := SplitCommand(line)
	c := e.find(name)
	if c == nil || c.repeat == (action{}) {
		return starlark.None, false, nil
	}
	v, err = c.repeat.call(thread, rest)
	return v, true, err
}

// CommandWords returns what may stand behind words of a line. ok is false if its command
// does not tell.
func (e *Env) CommandWords(thread *starlark.Thread, line string) (words []string, ok bool) {
	name, rest := SplitCommand(line)
	c := e.find(name)
	if c == nil || c.complete == (action{}) {
		return nil, false
	}
	v, err := c.complete.call(thread, rest)
	list, ok := v.(*starlark.List)
	if err != nil || !ok {
		return nil, false
	}
	for i := range list.Len() {
		if word, ok := starlark.AsString(list.Index(i)); ok {
			words = append(words, word)
		}
	}
	return words, true
}

// commandHelp returns the help for the command called name.
func (e *Env) commandHelp(thread *starlark.Thread, name string) (text string, ok bool) {
	c := e.find(name)
	if c == nil {
		return "", false
	}
	return strings.Join(c.names, ", ") + "\n    " + c.doc(thread), true
}

// doc returns the help for the command, which is the docstring of its function if it has no other.
func (c *command) doc(thread *starlark.Thread) string {
	if c.help != "" {
		return c.help
	}
	got, err := c.fn.get(thread)
	if err != nil {
		return err.Error()
	}
	if fn, ok := got.(*starlark.Function); ok && fn.Doc() != "" {
		return strings.TrimSpace(fn.Doc())
	}
	return "A command without documentation."
}

// summary returns the first line of the docstring.
func (c *command) summary(thread *starlark.Thread) string {
	first, _, _ := strings.Cut(c.doc(thread), "\n")
	return strings.TrimSuffix(first, ".")
}

// distinct returns the commands, sorted by their first names.
func (e *Env) distinct() (list []*command) {
	for _, name := range e.CommandNames() {
		if c := e.commands[name]; !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b *command) int { return strings.Compare(a.names[0], b.names[0]) })
	return list
}

// CommandIndex lists the commands, a line each.
func (e *Env) CommandIndex(thread *starlark.Thread) string {
	var b strings.Builder
	for _, c := range e.distinct() {
		fmt.Fprintf(&b, "%-24s %s.\n", strings.Join(c.names, " "), c.summary(thread))
	}
	return b.String()
}

func (e *Env) apropos(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var word string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "word", &word); err != nil {
		return nil, err
	}
	if word = strings.ToLower(strings.TrimSpace(word)); word == "" {
		return nil, errors.New("apropos: no word given")
	}
	has := func(text string) bool { return strings.Contains(strings.ToLower(text), word) }
	var text strings.Builder
	for _, c := range e.distinct() {
		if names := strings.Join(c.names, " "); has(names) || has(c.doc(thread)) {
			fmt.Fprintf(&text, "%-24s %s.\n", names, c.summary(thread))
		}
	}
	for _, name := range Topics() {
		if t := manual()[name]; has(t.name+t.sig) || has(t.doc) {
			fmt.Fprintf(&text, "%-24s %s.\n", name, t.summary())
		}
	}
	if text.Len() == 0 {
		return nil, fmt.Errorf("apropos: nothing is said about %q", word)
	}
	return starlark.String(strings.TrimSuffix(text.String(), "\n")), nil
}

// styles are the parameters of the sequences that set them (ECMA-48, "select graphic
// rendition").
var styles = map[string]string{
	"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "cyan": "36",
}

func (e *Env) paint(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var text, style string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "text", &text, "style?", &style); err != nil {
		return nil, err
	}
	text = Escape(text, false)
	var codes []string
	for word := range strings.FieldsSeq(style) {
		code, ok := styles[word]
		if !ok {
			return nil, fmt.Errorf("%s: no style is named %q, want one of %s", b.Name(), word, quoteAll(styles))
		}
		codes = append(codes, code)
	}
	if len(codes) > 0 && text != "" && e.screen.Color {
		text = fmt.Sprintf("\x1b[%sm%s\x1b[m", strings.Join(codes, ";"), text)
	}
	return starlark.String(text), nil
}

func (e *Env) fit(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var text string
	var width int
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "text", &text, "width", &width); err != nil {
		return nil, err
	}
	return starlark.String(Fit(text, width)), nil
}

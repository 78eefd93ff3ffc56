package script

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/chzyer/readline"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/builtins"
	"github.com/tracelark/tracelark/tracer"
)

// stdin is the name of the REPL's input in positions.
const stdin = "<stdin>"

// replOptions is the dialect of the REPL, where a load statement binds names for
// the items after it too.
var replOptions = func() *syntax.FileOptions {
	opts := *fileOptions
	opts.LoadBindsGlobally = true
	return &opts
}()

// A lineReader is where the REPL's lines come from.
type lineReader interface {
	readLine(prompt string) (string, error) // io.EOF at the end, readline.ErrInterrupt for ^C
	save(item string)                       // in the history
	freshLine()                             // makes sure that the next output starts a line
	busy()                                  // an item runs until ready is called
	ready()
	aside(f func()) // calls f, which has the terminal meanwhile, while an item runs
	close()
}

// REPL reads statements and commands from in, runs them and shows the values of
// expressions. On a terminal it prompts, edits lines, keeps their history and shows
// where targets stop; otherwise it is silent. A failure is reported and ends nothing
// but the item that failed.
//
// Each of first is a line that is run before those of in; REPL returns the error
// of one that fails. Otherwise it returns at the end of the input, after Quit, and
// with an *ExitError when the user calls exit with a code other than 0.
func (s *Session) REPL(in *os.File, first ...string) (err error) {
	input := readline.NewCancelableStdin(in)
	if err := s.setInput(input); err != nil {
		input.Close()
		return err
	}
	defer s.setInput(nil)
	lines, err := s.newLineReader(in, input)
	if err != nil {
		return err
	}
	defer lines.close()
	defer input.Close() // first, or readline may wait for a key

	s.view = view{lines: lines}
	s.engine.SetQuiet(unix.SIGALRM, unix.SIGIO) // as gdb does
	if err := s.runInit(); err != nil {
		return err
	}
	for i, line := range first {
		if err := s.eval(item{line + "\n", i + 1}); err != nil {
			return exited(err)
		}
	}
	s.view.terminal = readline.IsTerminal(int(in.Fd())) && s.stdout.terminal
	s.look()
	if stop := s.engine.LastStop(); s.engine.Subject() != nil && (stop == nil || stop.Reason != tracer.ReasonExec) {
		s.exec(func(thread *starlark.Thread) error { return s.show(thread, starlark.None, false, true) })
	}

	items := &itemReader{readLine: lines.readLine, prompt: s.prompt, isCommand: s.isCommand, blockDepth: s.engine.BlockDepth, blank: readline.IsTerminal(int(in.Fd())), lines: len(first)}
	defer func() {
		if s.view.terminal && !errors.Is(err, ErrInterrupted) {
			for _, fate := range s.engine.Fates() {
				fmt.Fprintln(s.stdout, fate)
			}
		}
	}()
	for {
		it, err := items.next()
		switch {
		case s.quitting():
			return ErrInterrupted
		case err == readline.ErrInterrupt:
			continue
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if items.done() {
			lines.save(items.entry)
			items.entry = ""
		}
		s.look()
		traced := s.engine.Traced()
		stop := s.engine.LastStop()
		err = s.eval(it)
		if err != nil && !errors.Is(err, ErrInterrupted) {
			s.view.last = "" // an empty line must not do what came before the failure
		}
		if traced || s.engine.Traced() { // a target may have written
			lines.freshLine()
		}
		if _, ok := errors.AsType[*ExitError](err); ok {
			return exited(err)
		}
		if failure, ok := errors.AsType[*Error](err); ok {
			// Of a command that moves the target the stop says that it was interrupted.
			stopped := errors.Is(err, ErrInterrupted) && s.engine.LastStop() != stop
			if !stopped || failure.Report != "Error: "+ErrInterrupted.Error() {
				fmt.Fprintln(s.stderr, failure.Report)
			}
			if stopped {
				s.exec(func(thread *starlark.Thread) error { return s.show(thread, starlark.None, false, true) })
			}
		}
		if err := cmp.Or(s.stdout.err, s.stderr.err); err != nil {
			return err
		}
	}
}

// runInit runs the user's own file, if there is one. An error in it is a line.
func (s *Session) runInit() error {
	if _, err := os.Stat(s.opts.Init); s.opts.Init == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	err := s.exec(func(thread *starlark.Thread) error { return s.include(thread, s.opts.Init) })
	if _, ok := errors.AsType[*ExitError](err); ok {
		return err
	}
	if err != nil {
		fmt.Fprintf(s.stderr, "%s:%s\n", s.opts.Init, s.loader.where(err, s.opts.Init))
	}
	return nil
}

// setInput makes c what Quit closes. Its error says why nothing can be read.
func (s *Session) setInput(c io.Closer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.input = c
	return s.over
}

func (s *Session) quitting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over != nil
}

// eval runs it and shows its value if it has one. The last value is "_".
func (s *Session) eval(it item) error {
	source := strings.TrimSuffix(it.text, "\n")
	s.loader.lines[stdin] = append(s.loader.lines[stdin], strings.Split(source, "\n")...)
	s.view.lines.busy()
	defer s.view.lines.ready()
	return s.exec(func(thread *starlark.Thread) error {
		stop, subject := s.engine.LastStop(), s.engine.Subject()
		isCommand := s.isCommand(it.text) || s.view.repeats(source)
		v, err := s.runItem(thread, it)
		renamed := s.name(subject, isCommand)
		if err != nil {
			return err
		}
		v, text := parts(v)
		s.view.note(source, isCommand, renamed, v)
		if v != starlark.None {
			s.globals["_"] = v
		}
		return s.show(thread, text, isCommand, s.engine.LastStop() != stop)
	})
}

// parts returns the value of an item, and what is shown of it.
func parts(v starlark.Value) (value, text starlark.Value) {
	if shown, ok := v.(*builtins.Shown); ok {
		return shown.Value, starlark.String(shown.Text)
	}
	return v, v
}

// await waits for a target in the background to stop, and returns what there is to show
// of that; "" if the line reader has something instead.
func (s *Session) await() (text string) {
	err := s.execAsIs(func(thread *starlark.Thread) error {
		subject := s.engine.Subject()
		stop, err := s.engine.Await(thread)
		if stop == nil || err != nil {
			return err
		}
		s.name(subject, true)
		s.look()
		s.globals["_"] = stop
		text = stop.String() + "\n"
		if !s.engine.IsCommand("context") {
			return nil
		}
		shown, err := s.engine.RunCommand(thread, "context")
		if err != nil {
			return plain(err)
		}
		if text, _ = starlark.AsString(shown); text != "" {
			text += "\n"
		}
		return nil
	})
	if failure, ok := errors.AsType[*Error](err); ok {
		return text + failure.Report + "\n"
	}
	return builtins.Escape(text, true)
}

// name gives the name p to what commands act on, which was old before, if nothing has
// it. Behind a command it follows too, unless the user has given it to something else;
// a statement such as q = launch("b") changes no other name. It reports whether p is
// another one now.
func (s *Session) name(old starlark.Value, isCommand bool) bool {
	subject := s.engine.Subject()
	p, ok := s.globals["p"]
	if subject == nil || subject == old || ok && (p != old || !isCommand) {
		return false
	}
	s.globals["p"] = subject
	return p != subject
}

// show shows the value of an item, and where the target is if it has stopped anew.
func (s *Session) show(thread *starlark.Thread, v starlark.Value, isCommand, stopped bool) error {
	if stopped {
		s.view.lines.freshLine()
	}
	stopped = stopped && s.view.terminal && s.engine.IsCommand("context")
	text, isText := starlark.AsString(v)
	switch {
	case v == starlark.None || stopped && v.Type() == "stop":
	case isText && isCommand:
		if text == "" {
			break
		}
		if err := s.page(text + "\n"); err != nil {
			return err
		}
	default:
		text, err := s.display(thread, v)
		if err != nil {
			return err
		}
		if err := s.page(text + "\n"); err != nil {
			return err
		}
	}
	if !stopped {
		return nil
	}
	v, err := s.engine.RunCommand(thread, "context")
	if err != nil {
		return plain(err)
	}
	if text, _ = starlark.AsString(v); text != "" {
		_, err = fmt.Fprintln(s.stdout, text)
	}
	return err
}

// execStmts runs the statements of f.
//
// Where it can, it makes the names of earlier items predeclared, which a function
// looks up when it uses them, so that it sees what later items assign to them.
// Statements that read and assign the same name need it to be a global, which
// ExecREPLChunk copies into and out of each item.
func (s *Session) execStmts(thread *starlark.Thread, f *syntax.File) error {
	both := slices.ContainsFunc(f.Stmts, func(stmt syntax.Stmt) bool {
		switch stmt := stmt.(type) {
		case *syntax.ForStmt, *syntax.IfStmt, *syntax.WhileStmt:
			return true
		case *syntax.AssignStmt:
			return stmt.Op != syntax.EQ
		}
		return false
	})
	s.loader.guard.rewrite(f)
	if both {
		return starlark.ExecREPLChunk(f, thread, s.globals)
	}
	prog, err := starlark.FileProgram(f, s.globals.Has)
	if err != nil {
		return err
	}
	globals, err := prog.Init(thread, s.globals)
	maps.Copy(s.globals, globals)
	return err
}

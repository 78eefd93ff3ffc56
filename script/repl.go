package script

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"

	"github.com/chzyer/readline"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
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
	close()
}

// REPL reads statements from in, runs them and shows the values of expressions. On
// a terminal it prompts, edits lines and keeps their history; otherwise it is
// silent. A failure is reported and ends nothing but the item that failed.
//
// Each of first is a line that is run before those of in; REPL returns the error
// of one that fails. Otherwise it returns at the end of the input, after Quit, and
// with an *ExitError when the user calls exit with a code other than 0.
func (s *Session) REPL(in *os.File, first ...string) error {
	for i, line := range first {
		if err := s.eval(item{line + "\n", i + 1}, func() {}); err != nil {
			return exited(err)
		}
	}

	input := readline.NewCancelableStdin(in)
	if !s.setInput(input) {
		return ErrInterrupted
	}
	defer s.setInput(nil)
	lines, err := s.newLineReader(in, input)
	if err != nil {
		return err
	}
	defer lines.close()
	defer input.Close() // first, or readline may wait for a key

	items := &itemReader{readLine: lines.readLine, blank: readline.IsTerminal(int(in.Fd())), lines: len(first)}
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
		lines.save(it.text)
		traced := s.engine.Traced()
		err = s.eval(it, lines.freshLine)
		if traced || s.engine.Traced() { // a target may have written
			lines.freshLine()
		}
		if _, ok := errors.AsType[*ExitError](err); ok {
			return exited(err)
		}
		if failure, ok := errors.AsType[*Error](err); ok {
			fmt.Fprintln(s.stderr, failure.Report)
		}
		if err := cmp.Or(s.stdout.err, s.stderr.err); err != nil {
			return err
		}
	}
}

// setInput makes c what Quit closes. It reports whether Quit has not been called.
func (s *Session) setInput(c io.Closer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.input = c
	return !s.quit
}

func (s *Session) quitting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.quit
}

// eval runs it and shows its value if it is an expression. The last value is "_".
func (s *Session) eval(it item, freshLine func()) error {
	source := strings.TrimSuffix(it.text, "\n")
	s.loader.lines[stdin] = append(s.loader.lines[stdin], strings.Split(source, "\n")...)
	return s.exec(func(thread *starlark.Thread) error {
		f, err := replOptions.Parse(stdin, syntax.FilePortion{Content: []byte(it.text), FirstLine: int32(it.line), FirstCol: 1}, 0)
		if err != nil {
			return err
		}
		if len(f.Stmts) != 1 {
			return s.execStmts(thread, f)
		}
		expr, ok := f.Stmts[0].(*syntax.ExprStmt)
		if !ok {
			return s.execStmts(thread, f)
		}
		v, err := starlark.EvalExprOptions(replOptions, thread, expr.X, s.globals)
		if err != nil || v == starlark.None {
			return err
		}
		s.globals["_"] = v
		text, err := s.display(thread, v)
		if err != nil {
			return err
		}
		if v.Type() == "stop" { // the target ran, and may have written
			freshLine()
		}
		_, err = fmt.Fprintln(s.stdout, text)
		return err
	})
}

// execStmts runs the statements of f.
//
// Where it can, it makes the names of earlier items predeclared, which a function
// looks up when it uses them, so that it sees what later items assign to them.
// Statements that read and assign the same name need it to be a global, which
// ExecREPLChunk copies into and out of each item.
func (s *Session) execStmts(thread *starlark.Thread, f *syntax.File) error {
	for _, stmt := range f.Stmts {
		switch stmt := stmt.(type) {
		case *syntax.ForStmt, *syntax.IfStmt, *syntax.WhileStmt:
			return starlark.ExecREPLChunk(f, thread, s.globals)
		case *syntax.AssignStmt:
			if stmt.Op != syntax.EQ {
				return starlark.ExecREPLChunk(f, thread, s.globals)
			}
		}
	}
	prog, err := starlark.FileProgram(f, s.globals.Has)
	if err != nil {
		return err
	}
	globals, err := prog.Init(thread, s.globals)
	maps.Copy(s.globals, globals)
	return err
}

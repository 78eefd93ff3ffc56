package script

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/chzyer/readline"

	"github.com/tracelark/tracelark/builtins"
)

// ErrOutput is in the chain of the error of a run that could not print, before the
// cause.
var ErrOutput = errors.New("write output")

// An output is a writer that keeps what it writes from controlling a terminal:
// text may come from a target. Each Write is one system call, so that what scripts
// print, what targets print and errors come in the order in which they happened.
type output struct {
	w        io.Writer
	terminal bool
	err      error // of the last Write
}

// newOutput returns an output to w, or to f if w is nil.
func newOutput(w io.Writer, f *os.File) *output {
	if w == nil {
		w = f
	}
	file, ok := w.(*os.File)
	return &output{w: w, terminal: ok && readline.IsTerminal(int(file.Fd()))}
}

// Write implements io.Writer. On a terminal, colors come through and all other
// control is escaped.
func (o *output) Write(p []byte) (int, error) {
	text := p
	if o.terminal {
		text = []byte(builtins.Escape(string(p), true))
	}
	_, o.err = o.w.Write(text)
	if pathErr, ok := errors.AsType[*fs.PathError](o.err); ok {
		o.err = pathErr.Err
	}
	if o.err != nil {
		o.err = fmt.Errorf("%w: %w", ErrOutput, o.err)
		return 0, o.err
	}
	return len(p), nil
}

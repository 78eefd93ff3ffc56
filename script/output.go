package script

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/chzyer/readline"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/builtins"
)

// ErrOutput is in the chain of the error of a run that could not print, before the
// cause.
var ErrOutput = errors.New("write output")

// An output is a writer that keeps what it writes from controlling a terminal:
// text may come from a target. Each short Write is one system call, so that what scripts
// print, what targets print and errors come in the order in which they happened.
type output struct {
	w        io.Writer
	file     *os.File // w, or nil if it is no file
	terminal bool
	stopped  func() bool // whether the run that writes was ended
	err      error       // of the last Write
}

// newOutput returns an output to w, or to f if w is nil.
func newOutput(w io.Writer, f *os.File) *output {
	if w == nil {
		w = f
	}
	file, ok := w.(*os.File)
	return &output{w: w, file: file, terminal: ok && readline.IsTerminal(int(file.Fd()))}
}

// File returns the file that is written to, or nil.
func (o *output) File() *os.File { return o.file }

// Write implements io.Writer. On a terminal, colors come through and all other
// control is escaped. It does not wait for whoever reads a pipe if the run is ended.
func (o *output) Write(p []byte) (int, error) {
	text := p
	if o.terminal {
		text = []byte(builtins.Escape(string(p), true))
	}
	o.err = nil
	for len(text) > 0 && o.err == nil {
		// A pipe that is ready takes so much without blocking (pipe(7), PIPE_BUF).
		n := min(len(text), 4096)
		if o.file == nil {
			n = len(text)
		} else if !o.ready() {
			return 0, ErrInterrupted
		}
		_, o.err = o.w.Write(text[:n])
		text = text[n:]
	}
	if pathErr, ok := errors.AsType[*fs.PathError](o.err); ok {
		o.err = pathErr.Err
	}
	if o.err != nil {
		o.err = fmt.Errorf("%w: %w", ErrOutput, o.err)
		return 0, o.err
	}
	return len(p), nil
}

// ready waits until the file can be written to, or has an error that Write tells. It
// returns false if the run is ended before.
func (o *output) ready() bool {
	const poll = 50 // ms
	fds := []unix.PollFd{{Fd: int32(o.file.Fd()), Events: unix.POLLOUT}}
	for wait := 0; ; wait = poll {
		if n, err := unix.Poll(fds, wait); n > 0 || err != nil && err != unix.EINTR {
			return true
		}
		if o.stopped != nil && o.stopped() {
			return false
		}
	}
}

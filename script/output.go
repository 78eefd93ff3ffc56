package script

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/chzyer/readline"
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
		text = []byte(escape(string(p), true))
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

// escape returns text with all that is neither visible nor a space, a tab or a
// newline written as Starlark would write it in a string: control characters,
// those that change the direction of writing, and bytes that are not UTF-8. If
// colors is set, the sequences that set colors and fonts (ECMA-48, "select graphic
// rendition") stay.
func escape(text string, colors bool) string {
	var b strings.Builder
	clean := 0 // what precedes it is in b
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		n := 0
		if colors && r == '\x1b' {
			n = graphicRendition(text[i:])
		}
		switch {
		case n > 0:
			size = n
		case r == utf8.RuneError && size == 1:
			b.WriteString(text[clean:i])
			fmt.Fprintf(&b, `\x%02x`, text[i])
			clean = i + size
		case r != '\n' && r != '\t' && !unicode.IsGraphic(r):
			b.WriteString(text[clean:i])
			quoted := strconv.QuoteRuneToGraphic(r)
			b.WriteString(quoted[1 : len(quoted)-1])
			clean = i + size
		}
		i += size
	}
	if clean == 0 {
		return text
	}
	b.WriteString(text[clean:])
	return b.String()
}

// graphicRendition returns the length of the sequence ESC [ numbers m with which
// text starts, or 0.
func graphicRendition(text string) int {
	rest, ok := strings.CutPrefix(text, "\x1b[")
	if !ok {
		return 0
	}
	rest, ok = strings.CutPrefix(strings.TrimLeft(rest, "0123456789;"), "m")
	if !ok {
		return 0
	}
	return len(text) - len(rest)
}

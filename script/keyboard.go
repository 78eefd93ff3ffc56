package script

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"

	"github.com/chzyer/readline"
)

// pastedLine stands for a newline within a line that is edited (Unicode, "line
// separator").
const pastedLine = "\u2028"

// The marks that a terminal puts around what is pasted.
var (
	pasteBegins = []byte("\x1b[200~")
	pasteEnds   = []byte("\x1b[201~")
)

var deleteKey = []byte("\x1b[3~")

// OnChange implements readline.Listener.
func (k *keyboard) OnChange(line []rune, _ int, _ rune) (newLine []rune, newPos int, ok bool) {
	k.empty.Store(len(line) == 0)
	return nil, 0, false
}

// A keyboard reads a terminal for readline, which does not know of pasting, stops the
// parent process too upon ^Z, and takes ^@ for the end of the input. What is pasted
// becomes one line; ^Z calls suspend; ^@ becomes ^G, which does nothing, and so does the
// Delete key on an empty line, which readline takes for ^D. ^C has a ^G before it: where
// completions are listed or the history is searched, that ends it, which is all that ^C
// alone would do there, and then ^C drops the line.
type keyboard struct {
	io.ReadCloser
	suspend func()
	empty   atomic.Bool // the line that is edited has nothing on it

	pasting bool
	raw     []byte // the start of what may be a mark
	keys    []byte // not read yet

	mu    sync.Mutex
	ahead []byte // typed before there was a prompt
}

// typeAhead adds keys that were typed while nobody was reading.
func (k *keyboard) typeAhead(keys []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ahead = append(k.ahead, keys...)
}

// takeAhead moves such keys to where they are read from.
func (k *keyboard) takeAhead() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.raw = append(k.raw, k.ahead...)
	k.ahead = nil
}

func (k *keyboard) Read(p []byte) (int, error) {
	var err error
	k.takeAhead()
	k.translate()
	for len(k.keys) == 0 {
		if err != nil {
			k.keys, k.raw = k.raw, nil
			if len(k.keys) == 0 {
				return 0, err
			}
			break
		}
		buf := make([]byte, 1<<10)
		var n int
		n, err = k.ReadCloser.Read(buf)
		k.raw = append(k.raw, buf[:n]...)
		k.translate()
	}
	n := copy(p, k.keys)
	k.keys = k.keys[n:]
	return n, nil
}

// translate takes keys out of raw as far as they are known.
func (k *keyboard) translate() {
	for len(k.raw) > 0 {
		mark := pasteBegins
		if k.pasting {
			mark = pasteEnds
		}
		if rest, ok := bytes.CutPrefix(k.raw, mark); ok {
			k.pasting, k.raw = !k.pasting, rest
			continue
		}
		if rest, ok := bytes.CutPrefix(k.raw, deleteKey); ok && !k.pasting && k.empty.Load() {
			k.raw = rest
			continue
		}
		if bytes.HasPrefix(mark, k.raw) || !k.pasting && bytes.HasPrefix(deleteKey, k.raw) || k.pasting && string(k.raw) == "\r" {
			return // more is to come; the Esc key alone says nothing yet to readline either
		}
		c := k.raw[0]
		after := k.raw[1:]
		switch {
		case k.pasting && c == '\r' && bytes.HasPrefix(after, []byte("\n")):
		case k.pasting && (c == '\r' || c == '\n'):
			k.keys = append(k.keys, pastedLine...)
		case k.pasting && c == '\t':
			k.keys = append(k.keys, "    "...)
		case k.pasting && (c < ' ' || c == 0x7f):
		case c == readline.CharCtrlZ:
			k.suspend()
		case c == 0:
			k.keys = append(k.keys, readline.CharBell)
		case c == readline.CharInterrupt:
			k.keys = append(k.keys, readline.CharBell, c)
		default:
			k.keys = append(k.keys, c)
		}
		k.raw = after
	}
}

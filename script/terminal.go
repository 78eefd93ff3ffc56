package script

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/chzyer/readline"
	"golang.org/x/sys/unix"
)

const (
	maxHistory = 1000 // items
	minWidth   = 40   // columns of a terminal, or readline may divide by zero
)

// newLineReader returns a reader of lines from input, which wraps in.
func (s *Session) newLineReader(in *os.File, input io.ReadCloser) (lineReader, error) {
	lines := bufio.NewScanner(input)
	lines.Buffer(nil, maxSource)
	switch {
	case !readline.IsTerminal(int(in.Fd())) || !s.stdout.terminal:
		return &plainReader{lines, io.Discard}, nil
	case os.Getenv("TERM") == "dumb":
		return &plainReader{lines, s.stdout.w}, nil
	}
	return newTerminal(s, in, input)
}

// A plainReader reads what is not a terminal, or one that cannot move its cursor.
type plainReader struct {
	lines   *bufio.Scanner
	prompts io.Writer
}

func (r *plainReader) readLine(prompt string) (string, error) {
	io.WriteString(r.prompts, prompt)
	if r.lines.Scan() {
		// Starlark's scanner takes a zero for the end of the text.
		return strings.ReplaceAll(r.lines.Text(), "\x00", "\ufffd"), nil
	}
	if err := r.lines.Err(); err != nil {
		return "", fmt.Errorf("read the input: %w", err)
	}
	return "", io.EOF
}

func (r *plainReader) save(string)    {}
func (r *plainReader) freshLine()     {}
func (r *plainReader) close()         {}
func (r *plainReader) busy()          {}
func (r *plainReader) ready()         {}
func (r *plainReader) aside(f func()) { f() }

// A terminal reads lines that a person edits. The terminal is in raw mode only
// during readLine; at all other times it is as it was found, or the relay's.
type terminal struct {
	rl      *readline.Instance
	out     io.Writer
	width   func() int
	history *os.File // or nil
	last    string   // item in history
	relay   *relay

	session *Session
	asking  atomic.Bool // for a line
	results chan result
	tabs    chan tab
}

// A result is a line that was read.
type result struct {
	line string
	err  error
}

// A tab asks for the completions of text. The line editor asks on a goroutine of
// its own, but attributes of values must be read on the session's.
type tab struct {
	text  string
	reply chan<- completions
}

type completions struct {
	names  []string
	prefix int // how many bytes of each are there already
}

// Sequences that have the terminal mark what is pasted, and no longer (xterm, "bracketed
// paste mode").
const (
	markPaste   = "\x1b[?2004h"
	unmarkPaste = "\x1b[?2004l"
)

func newTerminal(s *Session, in *os.File, input io.ReadCloser) (*terminal, error) {
	fd := int(in.Fd())
	mode, err := readline.GetState(fd)
	if err != nil {
		return nil, fmt.Errorf("read the terminal's mode: %w", err)
	}
	t := &terminal{
		out: s.stdout.w,
		width: func() int {
			if w, _, err := readline.GetSize(fd); err == nil && w > 0 {
				return max(w, minWidth)
			}
			return 80
		},
		session: s,
		results: make(chan result, 1),
		tabs:    make(chan tab, 1),
	}
	makeRaw := func() error {
		// A target may have left the terminal in a mode of its own.
		if err := readline.Restore(fd, mode); err != nil {
			return err
		}
		if _, err := readline.MakeRaw(fd); err != nil {
			return err
		}
		_, err := io.WriteString(s.stdout.w, markPaste)
		return err
	}
	exitRaw := func() error {
		io.WriteString(s.stdout.w, unmarkPaste)
		return readline.Restore(fd, mode)
	}
	keys := &keyboard{ReadCloser: input, suspend: func() { t.suspend(makeRaw, exitRaw) }}
	t.rl, err = readline.NewEx(&readline.Config{
		Stdin:                  keys,
		Stdout:                 s.stdout.w,
		Stderr:                 s.stderr.w,
		HistoryLimit:           maxHistory,
		HistorySearchFold:      true,
		DisableAutoSaveHistory: true,
		AutoComplete:           t,
		Painter:                t,
		Listener:               keys,
		FuncGetWidth:           t.width,
		FuncIsTerminal:         func() bool { return true },
		FuncMakeRaw:            makeRaw,
		FuncExitRaw:            exitRaw,
	})
	if err != nil {
		return nil, fmt.Errorf("open the terminal: %w", err)
	}
	if out, ok := s.stdout.w.(*os.File); ok {
		t.relay, err = newRelay(in, out, func(text []byte) {
			t.awaitReading()
			t.rl.Write(text)
		}, keys.typeAhead)
		if err != nil {
			t.rl.Close()
			return nil, fmt.Errorf("open the terminal: %w", err)
		}
		s.engine.SetTTY(t.relay.newTTY, t.relay.move)
	}
	t.openHistory(s.opts.History)
	return t, nil
}

func (t *terminal) close() {
	t.rl.Close()
	if t.history != nil {
		t.history.Close()
	}
}

// busy has the keys go to the targets until ready is called.
func (t *terminal) busy() {
	if t.relay != nil {
		t.relay.open(func() { t.session.Interrupt() })
	}
}

func (t *terminal) ready() {
	if t.relay != nil {
		t.relay.close()
	}
}

// aside has targets wait that write while f has the terminal.
func (t *terminal) aside(f func()) {
	t.ready()
	defer t.busy()
	if t.relay != nil {
		t.relay.mu.Lock()
		defer t.relay.mu.Unlock()
	}
	f()
}

// suspend stops this process, and it alone, until it is continued.
func (t *terminal) suspend(makeRaw, exitRaw func() error) {
	exitRaw()
	runtime.LockOSThread() // which gets the signal before Tgkill returns
	unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGTSTP)
	runtime.UnlockOSThread()
	makeRaw()
	t.rl.Refresh()
}

// readLine reads a line. Meanwhile it serves tabs, and shows the stops of targets that
// run in the background.
func (t *terminal) readLine(prompt string) (string, error) {
	t.rl.SetPrompt(prompt)
	t.asking.Store(true)
	defer t.asking.Store(false)
	go func() {
		line, err := t.rl.Readline()
		t.results <- result{line, err}
		t.session.engine.Wake()
	}()
	t.session.engine.Warm()
	for {
		// What has come before it is seen below, what comes later wakes Await.
		t.session.engine.ClearInterrupt()
		select {
		case r := <-t.results:
			return strings.ReplaceAll(r.line, pastedLine, "\n"), r.err
		case q := <-t.tabs:
			t.answer(q)
			continue
		default:
		}
		if t.session.engine.Away() {
			if text := t.session.await(); text != "" {
				t.awaitReading()
				t.rl.SetPrompt(t.session.prompt())
				io.WriteString(t.rl, text)
			}
			continue
		}
		select {
		case r := <-t.results:
			return strings.ReplaceAll(r.line, pastedLine, "\n"), r.err
		case q := <-t.tabs:
			t.answer(q)
		}
	}
}

// awaitReading waits until the line editor reads, if a line is asked for: what is written
// between the prompt and that has no prompt behind it. It begins at once, unless the
// input has ended.
func (t *terminal) awaitReading() {
	for range 100 {
		if t.rl.Terminal.IsReading() || len(t.results) > 0 || !t.asking.Load() {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func (t *terminal) answer(q tab) {
	names, prefix := t.session.complete(q.text)
	q.reply <- completions{names, prefix}
}

// Do implements readline.AutoCompleter. At the start of a line a tab indents.
func (t *terminal) Do(line []rune, pos int) (suffixes [][]rune, length int) {
	text := string(line[:pos])
	if strings.TrimSpace(text) == "" {
		return [][]rune{[]rune("    ")}, 0
	}
	reply := make(chan completions)
	t.tabs <- tab{text, reply}
	t.session.engine.Wake()
	c := <-reply
	for _, name := range c.names {
		// The editor's menu needs a column that is narrower than the screen.
		if len(name) < minWidth-1 || len(c.names) == 1 {
			suffixes = append(suffixes, []rune(name[c.prefix:]))
		}
	}
	return suffixes, len([]rune(text[len(text)-c.prefix:]))
}

// Paint implements readline.Painter. An item of several lines, pasted or recalled from
// the history, is edited in one.
func (t *terminal) Paint(line []rune, _ int) []rune {
	painted := make([]rune, len(line))
	for i, r := range line {
		if string(r) == pastedLine {
			r = '⏎'
		}
		painted[i] = r
	}
	return painted
}

// freshLine writes a line's width of spaces, which reach the next line only if
// output has left the cursor in the middle of one. Otherwise the prompt, which
// clears its line, would wipe that output out.
func (t *terminal) freshLine() {
	if t.relay != nil {
		t.relay.settle()
	}
	fmt.Fprintf(t.out, "%*s\r", t.width(), "")
}

var (
	escapeNewlines   = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	unescapeNewlines = strings.NewReplacer(`\\`, `\`, `\n`, "\n")
)

// openHistory loads the history from the file at path, whose lines are items with
// their newlines escaped. A file that cannot be used is as good as none.
func (t *terminal) openHistory(path string) {
	if path == "" || os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		return
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSource))
	if err != nil {
		f.Close()
		return
	}
	t.history = f
	items := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(items) > 2*maxHistory {
		items = items[len(items)-maxHistory:]
		f.Truncate(0)
		f.WriteString(strings.Join(items, "\n") + "\n")
	}
	for _, item := range items {
		t.remember(unescapeNewlines.Replace(item))
	}
}

// save adds item to the history, unless it is there already.
func (t *terminal) save(item string) {
	item = strings.TrimRight(item, "\n")
	if strings.TrimSpace(item) == "" || item == t.last {
		return
	}
	t.remember(item)
	if t.history != nil {
		t.history.WriteString(escapeNewlines.Replace(item) + "\n")
	}
}

// remember adds item to what the line editor recalls. The empty string resets the
// editor's place in the history; without it the line that was recalled last, as
// edited, would be added instead.
func (t *terminal) remember(item string) {
	t.last = item
	t.rl.SaveHistory("")
	t.rl.SaveHistory(strings.ReplaceAll(item, "\n", pastedLine))
}

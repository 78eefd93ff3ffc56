package script

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"unicode/utf8"

	"github.com/chzyer/readline"
	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/builtins"
)

// A view is what the REPL shows, and what it has shown.
type view struct {
	lines    lineReader
	terminal bool // a person sees it
	screen   builtins.Screen
	last     string // the last line, if it was a command
	journal  []entry
}

// An entry is an item that has succeeded.
type entry struct {
	text    string
	command bool
	named   bool // it made p another process
	valued  bool // it has set _
}

// look takes in what the terminal is like now.
func (s *Session) look() {
	if !s.view.terminal {
		return
	}
	screen := builtins.Screen{Color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
	if f, ok := s.stdout.w.(*os.File); ok {
		if width, height, err := readline.GetSize(int(f.Fd())); err == nil {
			screen.Width, screen.Height = cmp.Or(width, 80), height
		}
	}
	s.view.screen = screen
	s.engine.SetScreen(screen)
}

// prompt returns the prompt, which tells what commands act on.
func (s *Session) prompt() string {
	s.look()
	status := builtins.Escape(s.engine.Status(), false)
	if status == "" || !s.view.terminal || utf8.RuneCountInString(status) > s.view.screen.Width/2 {
		return prompt1
	}
	if s.view.screen.Color {
		return "\x1b[36m" + status + "\x1b[m " + prompt1
	}
	return status + " " + prompt1
}

// page writes text, through the user's pager if it has more lines than the terminal.
func (s *Session) page(text string) error {
	if s.view.terminal && s.view.screen.Height > 0 && rows(text, s.view.screen.Width) >= s.view.screen.Height {
		var err error
		s.view.lines.aside(func() { err = runPager(builtins.Escape(text, true)) })
		if err == nil {
			return nil
		}
	}
	_, err := s.stdout.Write([]byte(text))
	return err
}

// rows returns how many rows of a terminal text takes.
func rows(text string, width int) int {
	n := 0
	for line := range strings.Lines(text) {
		n += 1 + max(0, utf8.RuneCountInString(line)-2)/max(1, width)
	}
	return n
}

// runPager shows text by $PAGER, or else less. It is another goroutine that starts it,
// because the tracer must not have children of other kinds.
func runPager(text string) error {
	pager := os.Getenv("PAGER")
	if pager == "" {
		pager = "less"
	}
	done := make(chan error)
	go func() {
		cmd := exec.Command("/bin/sh", "-c", pager)
		cmd.Stdin = strings.NewReader(text)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		cmd.Env = os.Environ()
		if os.Getenv("LESS") == "" {
			cmd.Env = append(cmd.Env, "LESS=FRX")
		}
		done <- cmd.Run()
	}()
	return <-done
}

// repeats reports whether a line is empty and stands for the last command.
func (v *view) repeats(line string) bool {
	return v.terminal && v.last != "" && strings.TrimSpace(line) == ""
}

// note remembers an item that has succeeded.
func (v *view) note(source string, command, named bool, value starlark.Value) {
	text := strings.TrimRight(source, "\n")
	if strings.TrimSpace(text) == "" {
		text = v.last
	}
	v.last = ""
	if command {
		v.last = text
	}
	if text != "" {
		v.journal = append(v.journal, entry{text, command, named, value != starlark.None})
	}
}

// underscore matches a use of the last value.
var underscore = lazy(`(^|[^\pL\pN_.])_([^\pL\pN_]|$)`)

// saveCommand writes the items of the session to a file, as a script that does the same.
func (s *Session) saveCommand(_ *starlark.Thread, path string) (starlark.Value, error) {
	if path == "" {
		return nil, fmt.Errorf(".save: no file given")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# A session. It runs by: tracelark run %s\n", path)
	if len(s.opts.Args) > 0 {
		fmt.Fprintf(&b, "args = %s\n", s.loader.predeclared["args"])
	}
	n := 0
	for i, e := range s.view.journal {
		line := strings.TrimPrefix(strings.TrimSpace(e.text), ".")
		name, rest := builtins.SplitCommand(line)
		switch {
		case e.command && (asksHelp(line) || name == "help" || name == "save" || name == "source" && !strings.HasSuffix(rest, ".star")):
			continue
		case e.command && (name == "load" || name == "source"):
			data, err := os.ReadFile(rest)
			if err != nil {
				return nil, err
			}
			b.WriteString(strings.TrimRight(string(data), "\n") + "\n")
			continue
		case e.command && name == "time":
			line = rest
			e.command = s.isCommand(rest)
		case !e.command:
			line = e.text
		}
		if e.command {
			line = fmt.Sprintf("run_command(%s)", starlark.String(line))
		}
		if e.valued && s.usesValue(i+1) {
			line = "_ = " + line
		}
		b.WriteString(line + "\n")
		if e.named && e.command {
			b.WriteString("p = focus.process\n")
		}
		n++
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
		return nil, err
	}
	return starlark.String(fmt.Sprintf("%d items saved", n)), nil
}

// usesValue reports whether an item from the i-th on uses the value of the one before.
func (s *Session) usesValue(i int) bool {
	for _, e := range s.view.journal[i:] {
		if !e.command && underscore().MatchString(e.text) {
			return true
		}
		if e.valued {
			return false
		}
	}
	return false
}

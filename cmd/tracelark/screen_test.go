//go:build linux && amd64

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// A screen is a terminal of tmux with a command in it.
type screen struct {
	t      *testing.T
	socket string
	env    string // what a shell puts before the command to run it
	dir    string // the user's home
}

// newScreen starts the command with args on a terminal of a size. The variables are added
// to its environment.
func newScreen(t *testing.T, width, height int, variables []string, args ...string) *screen {
	s := prepare(t, variables...)
	s.start(width, height, s.env+" "+quote(args))
	return s
}

// prepare returns a screen without a command.
func prepare(t *testing.T, variables ...string) *screen {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, socket: filepath.Join(t.TempDir(), "tmux"), dir: t.TempDir()}
	variables = append([]string{asCommand + "=1", "HOME=" + s.dir, "XDG_STATE_HOME=", "XDG_CONFIG_HOME=", "NO_COLOR=1", "PAGER=less", "LESS=", "LANG=C.UTF-8"}, variables...)
	s.env = "env " + quote(append(variables, exe))
	return s
}

// quote returns words as a shell takes them.
func quote(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	return strings.Join(quoted, " ")
}

func (s *screen) start(width, height int, command string) {
	s.t.Helper()
	s.tmux("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height),
		command+"; echo status $?; exec cat") // the screen stays
	s.t.Cleanup(func() { exec.Command("tmux", "-S", s.socket, "kill-server").Run() })
}

func (s *screen) tmux(args ...string) string {
	s.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", s.socket}, args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %q: %v: %s", args, err, out)
	}
	return string(out)
}

// keys presses keys, by the names that tmux gives them.
func (s *screen) keys(names ...string) {
	s.t.Helper()
	s.tmux(append([]string{"send-keys"}, names...)...)
}

// typed types text as it is.
func (s *screen) typed(text string) {
	s.t.Helper()
	s.tmux("send-keys", "-l", text)
}

// enter types a line.
func (s *screen) enter(line string) {
	s.t.Helper()
	s.typed(line)
	s.keys("Enter")
}

// text returns what is on the screen.
func (s *screen) text(options ...string) string {
	s.t.Helper()
	return strings.TrimRight(s.tmux(append([]string{"capture-pane", "-p"}, options...)...), "\n")
}

// until waits until the screen is as wanted, and returns it.
func (s *screen) until(what string, holds func(text string) bool) string {
	s.t.Helper()
	return s.untilOf(nil, what, holds)
}

// untilOf is until for what text has with options.
func (s *screen) untilOf(options []string, what string, holds func(text string) bool) string {
	s.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		text := s.text(options...)
		if holds(text) {
			return text
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the screen does not show %s:\n%s", what, text)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// expect waits until the screen has all of the texts, in this order.
func (s *screen) expect(texts ...string) string {
	s.t.Helper()
	return s.expectOf(nil, texts)
}

// expectPast is expect for texts that may have left the screen, as output goes on.
func (s *screen) expectPast(texts ...string) string {
	s.t.Helper()
	return s.expectOf([]string{"-S", "-"}, texts)
}

func (s *screen) expectOf(options, texts []string) string {
	s.t.Helper()
	return s.untilOf(options, fmt.Sprintf("%q", texts), func(text string) bool {
		for _, want := range texts {
			i := strings.Index(text, want)
			if i < 0 {
				return false
			}
			text = text[i+len(want):]
		}
		return true
	})
}

// prompt waits until the last line is a prompt with the given text before and behind it.
func (s *screen) prompt(before, line string) {
	s.t.Helper()
	want := strings.TrimRight(before+">>> "+line, " ")
	s.until(want, func(text string) bool {
		last := text[strings.LastIndexByte(text, '\n')+1:]
		return strings.HasSuffix(last, want)
	})
}

// do enters a line at the prompt of an empty screen and expects the texts.
func (s *screen) do(line string, texts ...string) string {
	s.t.Helper()
	s.prompt("", "")
	s.keys("C-l")
	s.until("the prompt alone", func(text string) bool { return strings.HasSuffix(text, ">>>") && !strings.Contains(text, "\n") })
	s.enter(line)
	return s.expect(texts...)
}

var count = "../../examples/targets/count.c"

func TestScreenCommands(t *testing.T) {
	s := prepare(t)
	config := filepath.Join(s.dir, ".config", "tracelark")
	if err := os.MkdirAll(config, 0o755); err != nil {
		t.Fatal(err)
	}
	init := "def greet(text):\n    \"\"\"Greet someone.\"\"\"\n    return 'hello ' + text\ncommand('greet', greet)\nanswer = 42\nnope()\n"
	if err := os.WriteFile(filepath.Join(config, "init.star"), []byte(init), 0o644); err != nil {
		t.Fatal(err)
	}
	s.start(100, 60, s.env+" "+quote([]string{"repl", "--", tracertest.Build(t, count), "5"}))
	s.expect(config + "/init.star:6: undefined: nope") // one line, and the rest goes on
	s.do("greet you", "no command is named")           // a file that does not compile defines nothing
	if err := os.WriteFile(filepath.Join(config, "init.star"), []byte(strings.TrimSuffix(init, "nope()\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	s.do(".load "+config+"/init.star", ">>>")
	s.do("greet you", "hello you")
	s.do("wh", "several commands: whatis, where, while")
	s.do("wh x", "several commands: whatis, where, while")
	s.do("help greet", "Greet someone.")
	s.do("answer", "42")
	s.do("b work", "breakpoint 1 at 0x", "count.c:")
	s.do("c", "breakpoint 1 at", "in work (i=0)")
	s.do("bt", "#0 0x", "in work (i=0)", "#1 0x", "in main (argc=2")
	s.do("x/2gx $rsp", "0x7ff", ": 0x0")
	s.do("p i + 1", "$1 = 1")
	s.do("_", "\n1\n") // the last value
	s.do("up", "in main (")
	s.do("p n - $", "$2 = 4")
	s.do("n", "step at", "count.c:")
	// An empty line does the same again.
	s.keys("C-l", "Enter")
	s.expect(">>>", "step at", ">>>")
	// But not what came before something that has failed.
	s.do("n nothing_like_it", "no symbol")
	s.keys("C-l", "Enter")
	s.until("two prompts", func(text string) bool { return strings.Count(text, ">>>") == 2 && strings.Count(text, "\n") == 1 })
	s.do("p = 3", ">>>") // Starlark
	s.do("p * 2", "6")
	s.do("p = focus.process", ">>>")
	s.do("starti", "exec at 0x")
	s.do("commands 1", "...")
	for _, line := range []string{"silent", "p i * 11", "c"} {
		s.enter(line)
		s.expect("... "+line, "...")
	}
	s.enter("end")
	s.do("c", "\n$3 = 0\n", "\n$7 = 44\n", "exit 0")
	s.do("define count", "...")
	for _, line := range []string{"set $i = 0", "while $i < $arg0", "if $i % 2", "output $i", "end", "set $i++", "end"} {
		s.enter(line)
		s.expect("... "+line, "...")
	}
	s.enter("end")
	s.do("count 6", "\n1\n3\n5\n")
	s.do("if $i == 6", "...")
	for _, line := range []string{"echo it is six", "else", "echo it is not"} {
		s.enter(line)
		s.expect("... "+line, "...")
	}
	s.enter("end")
	s.expect("... end\nit is six\n")
	s.do("tbr main", "breakpoint 2 at main, pending until run")
	s.do("r 2", "breakpoint 2 at 0x", "in main (argc=2")
	s.do("p *argv", `/count"`) // a command
	s.do("!stty -a | grep -o icanon; exit 3", "\nicanon\nexit status 3")
	s.do("| info line main | sed s/count.c:/line./", "/line.15")
	s.do("shell echo rea'dy'; cat", "\nready")
	s.enter("typed to it")
	s.expect("typed to it\ntyped to it")
	s.keys("C-d")
	file := filepath.Join(s.dir, "file")
	if err := os.WriteFile(file, []byte("# a comment\nx = 5\np argc + 1\ndefine twice\noutput $arg0 * 2\nend\ntwice 21\nprint(x)\n1 // 0\n2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.do("source "+file, "= 3\n42\n5\n", file+":9: floored division by zero\n")
	s.do("generate-core-file "+file, "wrote "+file)
	s.do("q", "status 0")
}

func TestScreenContext(t *testing.T) {
	program := tracertest.Build(t, count)
	s := newScreen(t, 100, 60, []string{"NO_COLOR="}, "repl", "--", program)
	s.do("b work", "breakpoint 1")
	text := s.do("c", "breakpoint 1 at 0x", "-- regs -", "rip    0x", "<work+", "-- code -", "=> 0x", "-- source -", "=>", "sink += i;", "-- stack -", " -> ", "-- trace -", "#0 ", "#1 ", "count ")
	if !strings.Contains(text, "rbp") {
		t.Errorf("no register of the first stop is shown:\n%s", text)
	}
	if text := s.tmux("capture-pane", "-p", "-e"); !strings.Contains(text, "\x1b[1m") || !strings.Contains(text, "\x1b[31m") {
		t.Errorf("there are no colors:\n%q", text)
	}
	// Only the registers that have changed are shown.
	text = s.do("si", "step at", "-- regs -", "rip    ", "-- code -")
	if strings.Contains(text, "\nr14 ") {
		t.Errorf("registers that are what they were are shown:\n%s", text)
	}
	s.do("set context stack", ">>>")
	text = s.do("si", "step at", "-- stack -", ">>>")
	if strings.Contains(text, "-- code") {
		t.Errorf("code is shown:\n%s", text)
	}

	s = newScreen(t, 50, 60, nil, "repl", "--", program)
	s.do("b work", "breakpoint 1")
	s.do("c", "-- trace -", "#1 ")
	if text := s.tmux("capture-pane", "-p", "-e"); strings.Contains(text, "\x1b[") || !strings.Contains(text, "…\n") {
		t.Errorf("a narrow screen without colors is\n%s", text)
	}

	// What is no terminal gets no context.
	cmd := command(t, "repl", "--", program, "3")
	cmd.Stdin = strings.NewReader("b work\nc\np i\n")
	out, err := cmd.CombinedOutput()
	if lines := strings.Count(string(out), "\n"); err != nil || lines != 3 || strings.Contains(string(out), "\x1b") {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestScreenCompletion(t *testing.T) {
	s := newScreen(t, 100, 40, nil, "repl", "--", tracertest.Build(t, count))
	if err := os.WriteFile(filepath.Join(s.dir, "somefile"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s.do("b work", "breakpoint 1")
	s.do("set context reason", ">>>")
	s.do("c", "breakpoint 1 at")
	for _, test := range []struct{ typed, want string }{
		{"telesc", "telescope"}, // a command
		{"hexd", "hexdump"},     // a global
		{"p.breakp", "p.breakpoint"},
		{"p.main_image.build", "p.main_image.build_id"},
		{"p.cont(timeo", "p.cont(timeout="},
		{"b mai", "b main"}, // a symbol
		{"b count.", "b count.c"},
		{"p.breakpoint('mai", "p.breakpoint('main"},
		{"x/2gx $fs_b", "x/2gx $fs_base"},
		{"core " + s.dir + "/some", "core " + s.dir + "/somefile"},
		{"load('std/cras", "load('std/crash.star"},
		{"info sharedl", "info sharedlibrary"},
		{"info thr", "info threads"},
		{"set disas", "set disassembly-flavor"},
		{"catch syscall opena", "catch syscall openat"},
		{"thread app", "thread apply"},
		{"p stdout->_file", "p stdout->_fileno"},
		{"p *stdout._mark", "p *stdout._markers"},
		{"ptype struct _IO_FI", "ptype struct _IO_FILE"},
		{"whatis __off6", "whatis __off64_t"},
		{"p sizeof(_IO_FI", "p sizeof(_IO_FILE"},
		{".sav", ".save"},
		{"help telesc", "help telescope"},
		{"f().x", "f().x"}, // calls nothing
	} {
		s.prompt("", "")
		s.typed(test.typed)
		s.keys("Tab")
		if test.typed == test.want {
			s.typed("!")
			test.want += "!"
		}
		s.until(test.want, func(text string) bool { return strings.Contains(text, ">>> "+test.want) })
		s.keys("C-c")
		s.keys("C-l")
	}
	s.prompt("", "")
	s.typed(fmt.Sprintf("attach %d", os.Getpid()))
	s.keys("Tab")
	s.expect(fmt.Sprintf("%d tracelark.test", os.Getpid())) // in a list where other IDs begin alike
	s.keys("C-c")
	s.prompt("", "")
	// ^C leaves what is listed, chosen from or searched, and drops the line.
	for _, keys := range [][]string{{"Tab", "Tab"}, {"Tab", "Tab", "Tab", "Tab"}, {"C-r"}} {
		s.typed("b count.c:1")
		s.keys(keys...)
		if keys[0] == "Tab" {
			s.expect("count.c:16", "count.c:17")
		} else {
			s.expect("bck-i-search")
		}
		s.keys("C-c")
		s.expect("b count.c:1", "^C")
		s.prompt("", "")
		s.do("1 + 1", "\n2\n")
		s.prompt("", "")
	}
}

func TestScreenEditing(t *testing.T) {
	s := newScreen(t, 100, 40, nil, "repl")
	s.prompt("", "")
	s.tmux("set-buffer", "def f(n):\n\tif n < 0:\n\t\tfail(n)\n\n\treturn 2 * n\n\nprint(f(21))\n")
	s.tmux("paste-buffer", "-p")
	s.expect("def f(n):⏎    if n < 0:⏎        fail(n)⏎⏎    return 2 * n⏎⏎print(f(21))⏎")
	s.keys("Enter")
	s.expect("42")
	s.do("1 + 1", "2")
	s.prompt("", "")
	s.keys("Delete")   // which is not the end of the input
	s.keys("Up", "Up") // the paste is one entry
	s.expect(">>> def f(n):⏎    if n < 0:⏎        fail(n)⏎⏎    return 2 * n⏎⏎print(f(21))")
	s.keys("C-c")
	s.prompt("", "")
	s.keys("C-r")
	s.typed("1 +")
	s.expect("1 + 1")
	s.keys("Enter")
	s.expect("2")
	s.do("(1 +", "...")
	s.keys("C-c") // drops the item
	s.prompt("", "")
	s.enter("while True: print('bu' + 'sy')")
	s.keys("Enter")
	s.expect("busy")
	s.keys("C-c")
	s.expect("Error: interrupted")
	s.tmux("resize-window", "-x", "60", "-y", "20")
	s.do("'x' * 70", strings.Repeat("x", 59)+"\n")
	s.keys("C-d")
	s.expect("status 0")
}

func TestScreenHelp(t *testing.T) {
	s := newScreen(t, 100, 40, []string{"PAGER=cat"}, "repl", "--", tracertest.Build(t, count), "4")
	s.do("help telescope", "Show words of memory")
	s.do("?p.cont", "process.cont(sig=None")
	s.do("p.cont?", "process.cont(sig=None")
	s.do("help(attempt)", "attempt(fn, *args")
	s.do("?nothing_like_it", "nothing is known about")
	s.do("apropos core", "save_core")
	s.do(".time 6 * 7", "s\n42\n")
	typed := filepath.Join(s.dir, "typed")
	if err := os.WriteFile(typed, []byte("b work\ny = 'sourced '\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.do("source "+typed, "breakpoint 1")
	s.do("set context reason", ">>>")
	s.do("c", "breakpoint 1")
	s.do("p.frame.function", `"work"`)
	s.do("x = _ + '!'", ">>>")
	s.do("1 // 0", "division by zero")
	file := filepath.Join(s.dir, "session.star")
	s.do(".save "+file, "saved")
	s.do("print(x)", "work!")

	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(data, "print(y, x, p.state)\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, "run", file).CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "sourced  work! stopped\n") {
		t.Errorf("the session that was saved prints %q, %v:\n%s", out, err, data)
	}
	s.do("x = None", ">>>")
	s.do(".load "+file, "work! stopped")
	s.do("x", `"work!"`)
}

func TestScreenPager(t *testing.T) {
	s := newScreen(t, 100, 24, nil, "repl", "--", tracertest.Build(t, count))
	s.do("help", "apropos")
	s.until("the pager", func(text string) bool { return strings.HasSuffix(text, "\n:") })
	s.keys("q")
	s.do("1 + 1", "2")
	// Of what controls the terminal, the target's text shows, and nothing happens.
	s.do(`p.write(p.regs.rsp - 64, b"\x1b[2J\x1b]0;title\x07\x1b[31mred\x00")`, ">>>")
	s.do("x/s $rsp - 64", `"\x1b[2J\x1b]0;title\a\x1b[31mred"`)
	s.do("telescope $rsp-64 1", "0x")
	s.do("p.read_cstr(p.regs.rsp - 64)", "|.[2J.]0;title..[|")
}

// A target that writes while the pager has the terminal waits.
func TestScreenPagerAlone(t *testing.T) {
	begin, written := filepath.Join(t.TempDir(), "begin"), filepath.Join(t.TempDir(), "written")
	for _, fifo := range []string{begin, written} {
		if err := unix.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// It writes more than the kernel keeps for a terminal that nobody reads.
	s := newScreen(t, 100, 24, nil, "repl", "--", "/bin/sh", "-c", fmt.Sprintf("echo begun; read x <%s; seq 1 50000; read x <%s", begin, written))
	s.do("c &", "begun")
	s.do("help", "apropos")
	text := s.until("the pager", func(text string) bool { return strings.HasSuffix(text, "\n:") })
	f, err := os.OpenFile(begin, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	for range 20 {
		if fd, err := unix.Open(written, unix.O_WRONLY|unix.O_NONBLOCK, 0); err == nil { // something reads it
			unix.Close(fd)
			t.Fatal("the target has not waited")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if now := s.text(); now != text {
		t.Errorf("the pager's screen is\n%s", now)
	}
	s.keys("q")
	if f, err = os.OpenFile(written, os.O_WRONLY, 0); err != nil {
		t.Fatal(err)
	}
	f.Close()
	s.expectPast("\n50000\n")
	s.prompt("exited ", "")
}

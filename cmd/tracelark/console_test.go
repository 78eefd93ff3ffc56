//go:build linux && amd64

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A console is a pseudo-terminal with the command in its foreground.
type console struct {
	t      testing.TB
	cmd    *exec.Cmd
	master *os.File
	slave  *os.File
	mode   unix.Termios // of the terminal at first
	unread []byte
}

// newConsole starts the command with args on a new terminal. The variable is added
// to its environment.
func newConsole(t testing.TB, variable string, args ...string) *console {
	c := &console{t: t, cmd: command(t, args...)}
	c.cmd.Env = append(c.cmd.Env, "TERM=xterm", variable)
	// Without O_NONBLOCK reads have no deadline.
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	c.master = os.NewFile(uintptr(fd), "/dev/ptmx")
	t.Cleanup(func() { c.master.Close() })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if c.slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.slave.Close() })
	c.mode = c.termios()
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = c.slave, c.slave, c.slave
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *console) termios() unix.Termios {
	mode, err := unix.IoctlGetTermios(int(c.slave.Fd()), unix.TCGETS)
	if err != nil {
		c.t.Fatal(err)
	}
	return *mode
}

// send types keys.
func (c *console) send(keys string) {
	if _, err := c.master.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads until text has been shown.
func (c *console) expect(text string) {
	c.t.Helper()
	if !c.shows(text, time.Minute) {
		c.t.Fatalf("got %q, want %q", c.unread, text)
	}
}

// shows reads until text has been shown, or for the given time.
func (c *console) shows(text string, patience time.Duration) bool {
	c.t.Helper()
	c.master.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 4096)
	for {
		if i := bytes.Index(c.unread, []byte(text)); i >= 0 {
			c.unread = c.unread[i+len(text):]
			return true
		}
		n, err := c.master.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return false
		}
		if err != nil {
			c.t.Fatalf("got %q, error %v, want %q", c.unread, err, text)
		}
		c.unread = append(c.unread, buf[:n]...)
		for _, mark := range []string{"\x1b[?2004h", "\x1b[?2004l"} { // of what is pasted
			c.unread = bytes.ReplaceAll(c.unread, []byte(mark), nil)
		}
	}
}

// enter types a line and expects its output.
func (c *console) enter(line, output string) {
	c.t.Helper()
	c.expect(">>> ")
	c.send(line + "\r")
	c.expect(strings.ReplaceAll(line+"\n"+output, "\n", "\r\n"))
}

// end expects the command to end with the given status and to leave the terminal
// as it was.
func (c *console) end(want int) {
	c.t.Helper()
	if got := status(c.t, c.cmd.Wait()); got != want {
		c.t.Errorf("got status %d, want %d", got, want)
	}
	if c.termios() != c.mode {
		c.t.Error("the terminal is left in another mode")
	}
}

func TestConsole(t *testing.T) {
	state := t.TempDir()
	c := newConsole(t, "XDG_STATE_HOME="+state)
	c.enter("1 + 1", "2\n")
	c.enter("x = None", "")
	c.enter("def f(n):", "")
	c.expect("... ")
	c.send("\treturn 2 * n\r") // the tab indents
	c.expect("... ")
	c.send("\r")
	c.enter("f(21)", "42\n")
	c.enter("1 // 0", "")
	c.expect("Error: floored division by zero\r\n")
	c.expect(">>> ")
	c.send("hexd\t(b'A')\r") // the tab completes
	c.expect("hexdump(b'A')\r\n")
	c.expect("41 ")
	c.enter("print('\\x1b[1mbold\\x1b[m\\x07')", "\x1b[1mbold\x1b[m\\a\n")
	c.expect(">>> ")
	c.send("\x1a\x00") // ^Z and ^@ do nothing
	c.send("\x04")
	c.end(0)

	history := filepath.Join(state, "tracelark", "history")
	got, err := os.ReadFile(history)
	want := "1 + 1\nx = None\ndef f(n):\\n    return 2 * n\nf(21)\n1 // 0\nhexdump(b'A')\nprint('\\\\x1b[1mbold\\\\x1b[m\\\\x07')\n"
	if err != nil || string(got) != want {
		t.Errorf("got history %q, error %v, want %q", got, err, want)
	}
	if info, err := os.Stat(history); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got history with mode %v, error %v", info.Mode(), err)
	}

	c = newConsole(t, "XDG_STATE_HOME="+state, "repl")
	c.expect(">>> ")
	c.send(strings.Repeat("\x1b[A", 5) + "\r") // recalls the function
	c.expect("def f(n):⏎    return 2 * n\r\n")
	c.enter("f(4)", "8\n")
	c.enter("exit(3)", "")
	c.end(3)
}

func TestConsoleInterrupt(t *testing.T) {
	c := newConsole(t, "")
	c.expect(">>> ")
	c.send("garbage(\x03") // at the prompt it drops the line
	c.expect("^C")
	c.enter("x = 1", "")
	c.enter("(1 +", "")
	c.expect("... ")
	c.send("\x03") // within an item, all of it
	c.expect("^C")
	c.enter("x", "1\n")
	c.enter("while True:", "")
	c.expect("... ")
	c.send("  if x == 1: print('bu' + 'sy')\r")
	c.expect("... ")
	c.send("  x += 1\r")
	c.expect("... ")
	c.send("\r")
	c.expect("busy")
	c.send("\x03")
	c.expect("Error: interrupted\r\n")
	c.enter("x > 0", "True\n")
	c.expect(">>> ")
	c.send("\x04")
	c.end(0)
}

// The prompt spares what the target wrote, and interrupts stop target and script.
func TestConsoleTarget(t *testing.T) {
	c := newConsole(t, "NO_COLOR=1", "repl", "--", "/bin/sh", "-c", "printf partial; kill -TRAP $$; printf on; while :; do :; done")
	c.enter("p.state", `"stopped"`+"\n")
	c.enter("p.cont()", "partial"+strings.Repeat(" ", 80)+"\r[")
	c.enter("_.reason", "\"signal\"\n"+strings.Repeat(" ", 80)+"\r")
	c.expect(">>> ")
	c.send("p.cont(sig=0)\r")
	c.expect("\non")
	c.send("\x03")
	c.enter("p.state", `"stopped"`+"\n")
	// The key reached the target too, which does not show.
	c.enter("p.cont(timeout=0.01).reason", "")
	c.expect("\"timeout\"\r\n")
	c.enter("p.step().reason", "")
	c.expect("\"step\"\r\n")
	c.expect(">>> ")
	c.send("\x04")
	c.end(0)
}

// A terminal without cursor movement gets prompts but no line editor.
func TestDumbConsole(t *testing.T) {
	c := newConsole(t, "TERM=dumb")
	c.expect(">>> ")
	c.send("if True:\n")
	c.expect("... ")
	c.send("  print(1)\n")
	c.expect("... ")
	c.send("\n")
	c.expect("1\r\n>>> ")
	c.send("while True:\n  if not print('bu' + 'sy'): pass\n\n")
	c.expect("busy\r\n")
	c.send("\x03")
	c.expect("Error: interrupted\r\n>>> ")
	c.send("\x04")
	c.end(0)
	if bytes.Contains(c.unread, []byte("\x1b")) {
		t.Errorf("got %q", c.unread)
	}
}

func TestConsoleEnds(t *testing.T) {
	t.Run("terminated at the prompt", func(t *testing.T) {
		c := newConsole(t, "")
		c.expect(">>> ")
		c.send("print('not run')")
		c.expect("print('not run')")
		c.cmd.Process.Signal(unix.SIGTERM)
		c.end(128 + int(unix.SIGTERM))
		if bytes.Contains(c.unread, []byte("\nnot run")) {
			t.Errorf("got %q", c.unread)
		}
	})
	t.Run("hung up", func(t *testing.T) {
		c := newConsole(t, "")
		c.enter("x = 1", "")
		c.expect(">>> ")
		c.slave.Close()
		c.master.Close()
		if got := status(t, c.cmd.Wait()); got != 128+int(unix.SIGHUP) && got != 0 {
			t.Errorf("got status %d, want that of SIGHUP or of the end of the input", got)
		}
	})
	t.Run("interrupted twice", func(t *testing.T) {
		c := newConsole(t, "")
		c.enter("print('busy'); [[[[0] * 2000] * 2000] * 2000] == [[[[0] * 2000] * 2000] * 2000]", "busy\n")
		for !c.shows("does not stop", time.Second/10) {
			c.send("\x03")
		}
		c.end(128 + int(unix.SIGINT))
	})
}

// BenchmarkStart measures how long it takes until there is a prompt.
func BenchmarkStart(b *testing.B) {
	for name, args := range map[string][]string{"alone": {"repl"}, "program": {"repl", "--", "/bin/true"}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				c := newConsole(b, "", args...)
				c.expect(">>> ")
				c.cmd.Process.Kill()
				c.cmd.Wait()
			}
		})
	}
}

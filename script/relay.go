package script

import (
	"bytes"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chzyer/readline"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/builtins"
)

// A relay stands between the user's terminal and those of the targets that the REPL
// launches. Each has its own, so that its output can be kept apart from the prompt,
// and whatever becomes of it or of us, neither changes the other's.
//
// While an item runs, the relay is open: what targets write is shown as it comes, and what
// is typed goes to the one that was launched last, if targets run then, or else to the
// next prompt. At the prompt whole lines are shown above it.
type relay struct {
	in, out *os.File
	mode    *unix.Termios // of the user's terminal, as it was found
	above   func([]byte)  // writes above the prompt
	ahead   func([]byte)  // takes keys for the prompt
	moving  atomic.Bool   // targets run
	moved   atomic.Bool   // they have since settle

	mu        sync.Mutex
	ttys      []*tty
	buf       [1 << 14]byte
	interrupt func() // for ^C
	opened    bool
	raw       bool          // the user's terminal is in raw mode
	stop      *os.File      // closed, it ends the reading of keys
	done      chan struct{} // closed when that has ended
}

// A tty is our end of a target's terminal.
type tty struct {
	file *os.File
	held []byte // the last line, not shown yet

}

func newRelay(in, out *os.File, above, ahead func([]byte)) (*relay, error) {
	mode, err := unix.IoctlGetTermios(int(in.Fd()), unix.TCGETS)
	if err != nil {
		return nil, err
	}
	r := &relay{in: in, out: out, mode: mode, above: above, ahead: ahead}
	go r.resized()
	return r, nil
}

// resized tells the targets of a new size of the user's terminal, for ever.
func (r *relay) resized() {
	sizes := make(chan os.Signal, 1)
	signal.Notify(sizes, unix.SIGWINCH)
	for range sizes {
		size, err := unix.IoctlGetWinsize(int(r.out.Fd()), unix.TIOCGWINSZ)
		r.mu.Lock()
		for _, t := range r.ttys {
			if err == nil {
				t.control(func(fd int) { unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, size) })
			}
		}
		r.mu.Unlock()
	}
}

// newTTY makes the terminal of a target that is launched.
func (r *relay) newTTY() (*os.File, error) {
	width, height, err := readline.GetSize(int(r.out.Fd()))
	if err != nil {
		width, height = 80, 24
	}
	ours, program, err := builtins.OpenTTY(width, height)
	if err != nil {
		return nil, err
	}
	unix.IoctlSetTermios(int(program.Fd()), unix.TCSETS, r.mode)
	t := &tty{file: ours}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ttys = append(r.ttys, t)
	if r.opened && r.stop == nil {
		r.listen()
	}
	go r.show(t)
	return program, nil
}

// control calls f with the descriptor of the terminal, unless it is closed.
func (t *tty) control(f func(fd int)) {
	if raw, err := t.file.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { f(int(fd)) })
	}
}

// show shows what a target writes until its terminal has no program any more.
func (r *relay) show(t *tty) {
	defer t.file.Close()
	if raw, err := t.file.SyscallConn(); err == nil {
		raw.Read(func(fd uintptr) bool {
			for {
				if more, ended := r.take(t, int(fd)); !more {
					return ended
				}
			}
		})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flush(t)
	r.ttys = slices.DeleteFunc(r.ttys, func(u *tty) bool { return u == t })
}

// take reads once and shows that. It reports whether there may be more, and if not
// whether the terminal has no program any more. Whoever reads holds the lock until it is
// shown, so that settle misses nothing.
func (r *relay) take(t *tty, fd int) (more, ended bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := unix.Read(fd, r.buf[:])
	switch {
	case n > 0:
		r.write(t, r.buf[:n])
		return true, false
	case err == unix.EINTR:
		return true, false
	}
	return false, err != unix.EAGAIN
}

// write shows text, or at the prompt its whole lines.
//
// Precondition: r.mu is locked.
func (r *relay) write(t *tty, text []byte) {
	t.held = append(t.held, text...)
	if r.opened {
		r.mirror(t)
		r.out.Write(t.held)
		t.held = nil
		return
	}
	if end := bytes.LastIndexByte(t.held, '\n') + 1; end > 0 {
		lines := t.held[:end]
		t.held = bytes.Clone(t.held[end:])
		r.above(lines)
	}
}

// flush shows what is held of a line.
//
// Precondition: r.mu is locked.
func (r *relay) flush(t *tty) {
	if len(t.held) > 0 && r.opened {
		r.out.Write(t.held)
		t.held = nil
	} else if len(t.held) > 0 {
		r.above(append(t.held, '\n'))
		t.held = nil
	}
}

// mirror makes the user's terminal treat newlines as the target's does: a program that
// draws on the whole screen wants them alone.
//
// Precondition: r.mu is locked.
func (r *relay) mirror(t *tty) {
	if !r.raw {
		return
	}
	var theirs *unix.Termios
	t.control(func(fd int) { theirs, _ = unix.IoctlGetTermios(fd, unix.TCGETS) })
	ours, err := unix.IoctlGetTermios(int(r.in.Fd()), unix.TCGETS)
	if err == nil && theirs != nil && (ours.Oflag^theirs.Oflag)&unix.OPOST != 0 {
		ours.Oflag ^= unix.OPOST
		unix.IoctlSetTermios(int(r.in.Fd()), unix.TCSETS, ours)
	}
}

// open has what is typed go to the target. interrupt is called for ^C, unless the target
// wants that as a key.
func (r *relay) open(interrupt func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opened, r.interrupt = true, interrupt
	for _, t := range r.ttys {
		r.flush(t)
	}
	if len(r.ttys) > 0 {
		r.listen()
	}
}

// listen starts to read keys.
//
// Precondition: r.mu is locked.
func (r *relay) listen() {
	read, write, err := os.Pipe()
	if err != nil {
		return // the keys stay where they are
	}
	raw := *r.mode
	raw.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	unix.IoctlSetTermios(int(r.in.Fd()), unix.TCSETSW, &raw)
	r.raw, r.stop, r.done = true, write, make(chan struct{})
	go r.readKeys(read, r.done)
}

// readKeys reads keys until the writing end of stop is closed.
func (r *relay) readKeys(stop *os.File, done chan<- struct{}) {
	defer close(done)
	defer stop.Close()
	in := int(r.in.Fd())
	buf := make([]byte, 1<<10)
	for {
		fds := []unix.PollFd{{Fd: int32(in), Events: unix.POLLIN}, {Fd: int32(stop.Fd()), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err == unix.EINTR {
			continue
		} else if err != nil || fds[1].Revents != 0 {
			return
		}
		n, err := unix.Read(in, buf)
		if err == unix.EINTR || err == unix.EAGAIN {
			continue
		}
		if n <= 0 {
			return
		}
		r.keys(buf[:n])
	}
}

// patience is how long a target may take to make room for keys.
const patience = 100 * time.Millisecond

// keys hands on what was typed.
func (r *relay) keys(typed []byte) {
	r.mu.Lock()
	var t *tty
	if len(r.ttys) > 0 {
		t = r.ttys[len(r.ttys)-1]
	}
	interrupt := r.interrupt
	r.mu.Unlock()
	signals := true
	if t != nil {
		t.control(func(fd int) {
			if mode, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
				signals = mode.Lflag&unix.ISIG != 0
			}
		})
	}
	for len(typed) > 0 {
		end := len(typed)
		if i := bytes.IndexByte(typed, readline.CharInterrupt); signals && i >= 0 {
			end = i
		}
		if !r.moving.Load() {
			r.ahead(typed[:end])
		} else if t != nil && end > 0 {
			// A target that does not read loses keys at last, but must not keep ^C away.
			t.file.SetWriteDeadline(time.Now().Add(patience))
			t.file.Write(typed[:end])
		}
		if end == len(typed) {
			return
		}
		interrupt()
		typed = typed[end+1:]
	}
}

// close leaves the terminal to the prompt, when what the targets have written until now
// has been shown.
func (r *relay) close() {
	r.mu.Lock()
	stop, done := r.stop, r.done
	r.stop, r.done = nil, nil
	r.mu.Unlock()
	if stop != nil {
		stop.Close()
		<-done
	}
	r.settle()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opened, r.raw = false, false
	if stop != nil {
		unix.IoctlSetTermios(int(r.in.Fd()), unix.TCSETSW, r.mode)
	}
}

// move is told when targets begin to run and when they have stopped.
func (r *relay) move(moving bool) {
	r.moving.Store(moving)
	if moving {
		r.moved.Store(true)
	}
}

// settle shows what the targets have written before they stopped.
func (r *relay) settle() {
	if !r.moved.Swap(false) {
		return
	}
	r.mu.Lock()
	ttys := slices.Clone(r.ttys)
	r.mu.Unlock()
	for _, t := range ttys {
		t.control(func(fd int) {
			for range 64 { // a target that others write to may never be silent
				fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
				if n, err := unix.Poll(fds, handover); n <= 0 && err != unix.EINTR {
					return
				}
				if more, _ := r.take(t, fd); !more {
					return
				}
			}
		})
	}
}

// handover is how long the kernel is given to hand over what a target has written, in
// milliseconds. What comes later is shown above the prompt.
const handover = 2

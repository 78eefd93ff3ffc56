package builtins

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"go.starlark.net/starlark"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer"
)

// An input is the tracer's end of a target's standard input. A script that writes
// does not wait for the target to read: what the pipe does not take at once, a
// goroutine writes later.
type input struct {
	handle
	p    *process
	file *os.File

	mu      sync.Mutex
	queue   []byte // what the pipe did not take yet
	feeding bool   // a goroutine writes the queue
	closed  bool   // the file is to be closed when the queue is empty
	err     error  // why nothing more can be written, or nil
}

// newInput returns an input of p and the file that the target is to read.
func newInput(p *process) (*input, *os.File, error) {
	ends, err := newPipe("stdin", 1)
	if err != nil {
		return nil, nil, err
	}
	return &input{p: p, file: ends[1]}, ends[0], nil
}

// flush writes to the pipe what it takes. It reports whether that was all.
func (in *input) flush(fd int) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.queue) > 0 {
		n, err := unix.Write(fd, in.queue)
		switch {
		case n > 0:
			in.queue = in.queue[n:]
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return false
		default:
			in.err, in.queue = err, nil
		}
	}
	in.queue = nil
	return true
}

// feed writes the queue as fast as the target reads.
func (in *input) feed() {
	raw, err := in.file.SyscallConn()
	for {
		if err == nil {
			err = raw.Write(func(fd uintptr) bool { return in.flush(int(fd)) })
		}
		in.mu.Lock()
		if err != nil || len(in.queue) == 0 {
			in.feeding = false
			closed := in.closed
			in.mu.Unlock()
			if closed {
				in.file.Close()
			}
			return
		}
		in.mu.Unlock()
	}
}

// end closes the stream when the queue is written.
func (in *input) end() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return nil
	}
	in.closed, in.err = true, errors.New("it is closed")
	if in.feeding {
		return nil
	}
	return in.file.Close()
}

// abandon closes the stream of a process that is gone.
func (in *input) abandon() {
	in.mu.Lock()
	in.closed, in.err, in.queue = true, tracer.ErrExited, nil
	in.mu.Unlock()
	in.file.Close()
}

var inputClass = newClass("input", "The standard input of a target that was launched with stdin=PIPE.", nil, []method[*input]{
	{"write", "(data)", fmt.Sprintf("Write bytes. It does not wait for the target to read them: up to %d bytes are kept for it.", maxStream), (*input).write},
	{"close", "()", "Close the stream; the target reads its end behind what was written. Closing twice is no error.", (*input).close},
})

var _ starlark.HasAttrs = (*input)(nil)

func (in *input) String() string                           { return fmt.Sprintf("<stdin of process %d>", in.p.p.PID) }
func (in *input) Type() string                             { return "input" }
func (in *input) Hash() (uint32, error)                    { return 0, unhashable(in) }
func (in *input) Attr(name string) (starlark.Value, error) { return inputClass.attr(in, name) }
func (in *input) AttrNames() []string                      { return inputClass.names() }

// MarshalJSON encodes which stream it is.
func (in *input) MarshalJSON() ([]byte, error) {
	return encode(struct {
		Name string `json:"name"`
	}{"stdin"})
}

func (in *input) write(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var data blob
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "data", &data); err != nil {
		return nil, err
	}
	if err := in.push(data); err != nil {
		return nil, fmt.Errorf("write to stdin of process %d: %w", in.p.p.PID, err)
	}
	return starlark.None, nil
}

// push writes data, or leaves what the pipe does not take to feed.
func (in *input) push(data blob) error {
	if err := in.enqueue(data); err != nil {
		return err
	}
	raw, err := in.file.SyscallConn()
	if err != nil {
		return err
	}
	if err := raw.Control(func(fd uintptr) { in.flush(int(fd)) }); err != nil {
		return err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.queue) > 0 && !in.feeding {
		in.feeding = true
		go in.feed()
	}
	return in.err
}

// enqueue appends data to the queue.
func (in *input) enqueue(data blob) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err != nil {
		return in.err
	}
	if len(data) > maxStream-len(in.queue) {
		return fmt.Errorf("the target has not read %d bytes yet, which leaves no room for %d more", len(in.queue), len(data))
	}
	in.queue = append(in.queue, data...)
	return nil
}

func (in *input) close(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	if err := in.end(); err != nil {
		return nil, err
	}
	return starlark.None, nil
}

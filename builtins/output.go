package builtins

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"sync"
	"time"

	"go.starlark.net/starlark"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer"
)

// maxStream bounds what a stream keeps, in bytes.
const maxStream = 64 << 20

// maxAwaited is the longest match of a regex that is sure to be seen in a stream.
const maxAwaited = 64 << 10

// An output is the tracer's end of a target's standard output or error.
//
// The drains take out of the pipe what the target writes, so that no movement waits
// for a script to read. A script that reads looks into the pipe itself: it finds all
// that was written before the target stopped.
type output struct {
	handle
	p    *process
	name string
	keep bool // CAPTURE: what was read remains in data
	file *os.File

	follower sync.WaitGroup // the goroutine that waits for what comes

	mu       sync.Mutex
	data     []byte                  // what came; without keep, what was not read yet
	read     int                     // how much of data was read; 0 without keep
	cut      int64                   // bytes thrown away because data was full
	ended    bool                    // no more will come, and file is closed
	followed bool                    // there is a follower
	watched  func(unread []byte) int // finds what expect waits for, or nil
	found    func()                  // called when it has come
}

// A pipeful is a buffer that holds as much as a pipe does.
type pipeful [1 << 16]byte

var pipefuls = sync.Pool{New: func() any { return new(pipeful) }}

// newOutput returns an output of p and the file that the target is to write to.
func newOutput(p *process, name string, keep bool) (*output, *os.File, error) {
	ends, err := newPipe(name, -1)
	if err != nil {
		return nil, nil, err
	}
	unix.SetNonblock(int(ends[0].Fd()), true) // without the runtime, which a write would wake
	return p.readFrom(ends[0], name, keep), ends[1], nil
}

// readFrom returns an output whose tracer's end is a file.
func (p *process) readFrom(f *os.File, name string, keep bool) *output {
	o := &output{p: p, name: name, keep: keep, file: f}
	p.env.drains.add(o)
	return o
}

// newPipe returns the ends of a pipe, the one that reads first. Only one of them, if
// any, is set not to block, and goroutines can wait for it.
func newPipe(name string, waits int) (ends [2]*os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return ends, fmt.Errorf("make a pipe for %s: %w", name, err)
	}
	if waits >= 0 {
		unix.SetNonblock(fds[waits], true)
	}
	for i, fd := range fds {
		ends[i] = os.NewFile(uintptr(fd), name)
	}
	return ends, nil
}

// sync takes in what is in the pipe now, and closes it if no more will come. It returns
// how much came, and whether it is closed. Should something else than the target fill the
// pipe all the time, a full one of the largest size is enough.
func (o *output) sync() (n int, ended bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	raw, err := o.file.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			buf := pipefuls.Get().(*pipeful)
			defer pipefuls.Put(buf)
			for n < 1<<20 && !o.ended {
				came, err := unix.Read(int(fd), buf[:])
				switch {
				case came > 0:
					n += came
					o.add(buf[:came])
				case err == unix.EAGAIN:
					return
				case err != unix.EINTR:
					o.ended = true
				}
			}
		})
	}
	if o.ended = o.ended || err != nil; o.ended {
		o.file.Close()
	}
	return n, o.ended
}

// poll waits until there is something in the pipe, but not for longer than limit. It
// reports whether there is.
func (o *output) poll(limit time.Duration) (came bool) {
	if raw, err := o.file.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) {
			n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(limit.Milliseconds()))
			came = n > 0
		})
	}
	return came
}

// add appends to data as much as it may hold.
//
// Precondition: o.mu is locked.
func (o *output) add(data []byte) {
	fits := min(len(data), maxStream-len(o.data))
	o.data = append(o.data, data[:fits]...)
	o.cut += int64(len(data) - fits)
	o.find()
}

// find calls found if what is watched for has come.
//
// Precondition: o.mu is locked.
func (o *output) find() {
	if o.watched != nil && o.watched(o.data[o.read:]) >= 0 {
		o.watched = nil
		o.found()
	}
}

// pop returns the next n bytes as read.
//
// Precondition: o.mu is locked.
func (o *output) pop(n int) starlark.Bytes {
	s := starlark.Bytes(o.data[o.read:][:n])
	if o.keep {
		o.read += n
	} else if o.data = o.data[n:]; len(o.data) == 0 {
		o.data = nil
	}
	return s
}

// await waits until enough, which is given what was not read yet, returns how much
// to take, which is negative for not yet. It gives up where more is not to come:
// at the end of the stream, after limit, and without a limit unless the target
// runs untraced. What was not read is given back then.
func (o *output) await(thread *starlark.Thread, limit timeout, enough func(unread []byte) int) (data starlark.Bytes, ok bool, err error) {
	const cancelEach = 50 * time.Millisecond // the interpreter has nothing to wait for that tells of Cancel
	end := time.Now().Add(time.Duration(limit))
	for over := false; ; {
		o.sync()
		o.mu.Lock()
		n := enough(o.data[o.read:])
		over = over || o.ended || limit == 0 && o.p.p.State() != tracer.Detached
		if n >= 0 {
			data, ok = o.pop(n), true
		}
		o.mu.Unlock()
		if ok || over {
			return data, ok, nil
		}
		if err := canceled(thread); err != nil {
			return "", false, err
		}
		pause := cancelEach
		if limit > 0 {
			pause = min(pause, max(time.Until(end), time.Millisecond))
		}
		o.poll(pause)
		over = limit > 0 && !time.Now().Before(end)
	}
}

// soFar returns what came, or what of that was not read yet.
func (o *output) soFar() string {
	o.sync()
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.data)
}

var outputClass = newClass("output", "What a target writes to a standard stream that launch made a PIPE or CAPTURE. Reading resumes nothing, so it waits for more only if given a timeout or if the target was detached.", []attribute[*output]{
	{"data", "bytes", fmt.Sprintf("All bytes so far; of a PIPE, those not read yet. It holds %d bytes at most; what comes when it is full is lost.", maxStream), func(o *output) (starlark.Value, error) {
		return starlark.Bytes(o.soFar()), nil
	}},
	{"cut", "int", "How many bytes were lost because data was full.", func(o *output) (starlark.Value, error) {
		o.sync()
		o.mu.Lock()
		defer o.mu.Unlock()
		return starlark.MakeInt64(o.cut), nil
	}},
	{"ended", "bool", "Whether no more will come, as every process that had the stream has closed it.", func(o *output) (starlark.Value, error) {
		_, ended := o.sync()
		return starlark.Bool(ended), nil
	}},
}, []method[*output]{
	{"read", "(n=None, timeout=None) -> bytes", "Read n bytes, or those that there are. It waits up to timeout seconds for n bytes, or without n for any. What it returns is shorter when time is over or the stream has ended.", (*output).readN},
	{"read_until", "(needle, timeout=None) -> bytes", "Read up to and with needle. If needle does not come within timeout seconds or before the stream ends, it is an error, and nothing was read. A needle that is a regex has come as soon as what was written so far matches.", (*output).readUntil},
})

var _ starlark.HasAttrs = (*output)(nil)

// value returns o, or None if there is none.
func (o *output) value() starlark.Value {
	if o == nil {
		return starlark.None
	}
	return o
}

func (o *output) String() string                           { return fmt.Sprintf("<%s of process %d>", o.name, o.p.p.PID) }
func (o *output) Type() string                             { return "output" }
func (o *output) Hash() (uint32, error)                    { return 0, unhashable(o) }
func (o *output) Attr(name string) (starlark.Value, error) { return outputClass.attr(o, name) }
func (o *output) AttrNames() []string                      { return outputClass.names() }

// MarshalJSON encodes which stream it is and how much it holds.
func (o *output) MarshalJSON() ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return encode(struct {
		Name string `json:"name"`
		Size int    `json:"size"`
		Cut  int64  `json:"cut"`
	}{o.name, len(o.data), o.cut})
}

func (o *output) readN(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	n := -1
	var limit timeout
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "n??", &n, "timeout??", &limit); err != nil {
		return nil, err
	}
	if n < -1 {
		return nil, fmt.Errorf("%s: n is %d, want 0 or more", b.Name(), n)
	}
	data, ok, err := o.await(thread, limit, func(unread []byte) int {
		switch {
		case n < 0 && len(unread) > 0:
			return len(unread)
		case n >= 0 && len(unread) >= n:
			return n
		}
		return -1
	})
	if ok || err != nil {
		return data, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	rest := len(o.data) - o.read
	if n >= 0 {
		rest = min(rest, n) // more may have come since
	}
	return o.pop(rest), nil
}

func (o *output) readUntil(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var needle awaited
	var limit timeout
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "needle", &needle, "timeout??", &limit); err != nil {
		return nil, err
	}
	data, ok, err := o.await(thread, limit, needle.upTo())
	if err == nil && !ok {
		err = fmt.Errorf("%s: %s does not have %s", b.Name(), o.name, needle.name)
	}
	return data, err
}

// An awaited argument is what read_until and expect wait for: bytes or a regex.
type awaited struct {
	name  string // for errors
	bytes []byte
	re    *regexp.Regexp // or nil
}

func (a *awaited) Unpack(v starlark.Value) (err error) {
	if s, ok := v.(*sought); ok && s.kind == "regex" {
		a.name = s.String()
		a.re, err = regexp.Compile(s.pattern.String())
		return err
	}
	var d blob
	if d.Unpack(v) != nil {
		return fmt.Errorf("got %s, want bytes or regex", v.Type())
	}
	a.name, a.bytes = brief(starlark.Bytes(d)), []byte(d)
	return nil
}

// upTo returns a function that returns the end of the first a in what is unread, or -1.
// From one call to the next that only grows.
func (a *awaited) upTo() func(unread []byte) int {
	seen := 0
	return func(unread []byte) int {
		if a.re != nil {
			from := bytes.LastIndexByte(unread[:max(0, seen-maxAwaited)], '\n') + 1
			seen = len(unread)
			if at := a.re.FindIndex(unread[from:]); at != nil {
				return from + at[1]
			}
			return -1
		}
		from := max(0, seen-len(a.bytes)+1)
		seen = len(unread)
		if i := bytes.Index(unread[from:], a.bytes); i >= 0 {
			return from + i + len(a.bytes)
		}
		return -1
	}
}

// expect lets the target run until it has written a needle to its standard output.
func (p *process) expect(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var needle awaited
	var limit timeout
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "needle", &needle, "timeout??", &limit); err != nil {
		return nil, err
	}
	o := p.stdout
	if o == nil {
		return nil, fmt.Errorf("%s: launch process %d with stdout=PIPE or CAPTURE", b.Name(), p.p.PID)
	}
	if p.p.State() == tracer.Detached {
		return o.readUntil(thread, b, args, kwargs) // it runs
	}
	data, ok, err := o.await(thread, 0, needle.upTo())
	if ok || err != nil {
		return data, err
	}
	t, err := p.current(b.Name())
	if err != nil {
		return nil, err
	}
	o.watch(needle.upTo(), p.env.tr.Interrupt)
	s, err := p.run(thread, t.t, func(t *tracer.Thread) (*tracer.Stop, error) {
		return t.Cont(&tracer.MoveOptions{Timeout: time.Duration(limit)})
	})
	if came := o.unwatch(); came && (err != nil || s.Reason != tracer.ReasonInterrupt) {
		// The target stopped by itself at the same time.
		p.env.tr.ClearInterrupt()
	}
	if err != nil {
		return nil, err
	}
	if data, ok, err = o.await(thread, 0, needle.upTo()); err == nil && !ok {
		err = fmt.Errorf("%s: the target stopped before it wrote %s: %s", b.Name(), needle.name, p.stop(s))
	}
	return data, err
}

// watch makes found be called once, when needle is in what is unread.
func (o *output) watch(needle func(unread []byte) int, found func()) {
	o.mu.Lock()
	o.watched, o.found = needle, found
	o.find()
	o.mu.Unlock()
	o.follow()
}

func (o *output) isWatched() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.watched != nil
}

// unwatch ends watch. It reports whether found was called.
func (o *output) unwatch() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	came := o.watched == nil
	o.watched = nil
	return came
}

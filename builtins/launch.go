package builtins

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer"
)

// launch starts a program.
func (e *Env) launch(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var argv words
	var env environment
	var limits resourceLimits
	var filter callNumbers
	var stdin, stdout, stderr, tty starlark.Value
	var o tracer.LaunchOptions
	var f follow
	pin := true
	if err := starlark.UnpackArgs(b.Name(), args, kwargs,
		"argv", &argv, "env??", &env, "cwd??", &o.Dir,
		"stdin??", &stdin, "stdout??", &stdout, "stderr??", &stderr,
		"aslr?", &o.ASLR, "tty??", &tty, "limits??", &limits, "pin?", &pin, "filter??", &filter, "follow?", &f, "group?", &o.Group); err != nil {
		return nil, err
	}
	if f == follow(tracer.FollowChild) && filter != nil {
		return nil, fmt.Errorf("%s: follow=\"child\" lets processes go, which a filter does not allow", b.Name())
	}
	if env == nil && e.allowed.check("env", MayEnv) != nil {
		env = environment{}
	}
	o.Env, o.Limits, o.NoPin, o.Filter = env, limits, !pin, filter

	// The value is made before the process, which its streams go with.
	p := &process{env: e, launching: &launching{o, stdin, stdout, stderr, tty}}
	if err := p.start(b, func(o *tracer.LaunchOptions) (err error) {
		p.p, err = e.tr.Launch(argv, o)
		return err
	}); err != nil {
		p.closeStreams()
		return nil, err
	}
	p.first = p.p.PID
	p.p.SetFollow(tracer.Follow(f))
	e.add(p)
	e.focus.process = p
	return p, nil
}

// A launching is how a process was launched, and can be again.
type launching struct {
	o                          tracer.LaunchOptions // without files
	stdin, stdout, stderr, tty starlark.Value
}

// start opens the standard streams of the process and has it launched.
func (p *process) start(b *starlark.Builtin, launch func(*tracer.LaunchOptions) error) error {
	l := p.launching
	o := l.o
	err := p.connect(&o, l.stdin, l.stdout, l.stderr)
	var terminal *os.File
	if err == nil {
		terminal, err = p.terminal(l, &o)
	}
	if terminal != nil {
		defer terminal.Close()
	}
	opened := []*os.File{o.Stdin, o.Stdout, o.Stderr}
	if err == nil {
		o.Stdout, o.Stderr = cmp.Or(o.Stdout, terminal, p.env.TargetStdout), cmp.Or(o.Stderr, terminal, p.env.TargetStderr)
		o.Stdin = cmp.Or(o.Stdin, terminal)
		err = launch(&o)
	} else {
		err = fmt.Errorf("%s: %w", b.Name(), err)
	}
	for _, f := range opened {
		if f != nil {
			f.Close() // the target has its own
		}
	}
	return err
}

// terminal returns the terminal that the program is to have, or nil for the debugger's
// own. Where nothing is said about its streams, it may be one that Env.TTY makes.
func (p *process) terminal(l *launching, o *tracer.LaunchOptions) (*os.File, error) {
	streams := l.stdin != nil || l.stdout != nil || l.stderr != nil
	switch tty := l.tty.(type) {
	case starlark.String:
		if err := p.env.allowed.file("tty", string(tty)); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(string(tty), os.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			return nil, fmt.Errorf("tty: %w", err)
		}
		if _, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err != nil {
			f.Close()
			return nil, fmt.Errorf("tty: %s is no terminal", string(tty))
		}
		return f, nil
	case nil, starlark.Bool:
		if tty == starlark.True && streams {
			return nil, errors.New("tty: the standard streams are given too")
		}
		if tty == starlark.True {
			o.Session = true
			return p.attachTTY()
		}
		if tty == nil && !streams && p.env.TTY != nil {
			o.Session = true
			return p.env.TTY()
		}
		return nil, nil
	}
	return nil, fmt.Errorf("tty: got %s, want bool or the path of a terminal", l.tty.Type())
}

// restart launches the program of a process again. Its streams are new.
func (p *process) restart(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var given, stdin, stdout, aslr starlark.Value
	var env environment
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "args??", &given, "stdin??", &stdin, "stdout??", &stdout, "env??", &env, "aslr??", &aslr); err != nil {
		return nil, err
	}
	if p.launching == nil || p.p.State() == tracer.Detached {
		_, err := p.p.Restart(nil) // says why not
		return nil, err
	}
	if given != nil {
		var list words
		if err := list.Unpack(given); err != nil && starlark.Len(given) != 0 {
			return nil, fmt.Errorf("%s: args: %w", b.Name(), err)
		}
		p.p.SetArgs(list)
	}
	if env != nil {
		p.launching.o.Env = env
	}
	if aslr != nil {
		p.launching.o.ASLR = bool(aslr.Truth())
	}
	if stdin != nil {
		p.launching.stdin = stdin
	}
	if stdout != nil {
		p.launching.stdout = stdout
	}
	if err := p.p.Kill(); err != nil { // before a file that it writes is truncated
		return nil, err
	}
	p.closeStdin()
	in, out, errors := p.stdin, p.stdout, p.stderr
	p.stdin, p.stdout, p.stderr, p.last = nil, nil, nil, nil
	if err := p.start(b, func(o *tracer.LaunchOptions) error {
		_, err := p.p.Restart(o)
		return err
	}); err != nil {
		p.closeStdin()
		closeOutputs(p.stdout, p.stderr)
		p.stdin, p.stdout, p.stderr = in, out, errors
		return nil, err
	}
	p.past = slices.DeleteFunc(append(p.past, out, errors), (*output).finished)
	p.env.add(p)
	p.env.focus.process = p
	return p.stop(p.p.Stop()), nil
}

// setFollow says which children stay traced.
func (p *process) setFollow(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var f follow
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "follow", &f); err != nil {
		return nil, err
	}
	p.p.SetFollow(tracer.Follow(f))
	return starlark.None, nil
}

// connect opens the standard streams of a process that is to be launched. Files in
// o are the caller's to close.
func (p *process) connect(o *tracer.LaunchOptions, stdin, stdout, stderr starlark.Value) (err error) {
	switch v := stdin.(type) {
	case nil:
	case starlark.Bytes:
		o.Stdin, err = fileOf(string(v))
	case starlark.String:
		o.Stdin, err = p.env.allowed.openFile("stdin", string(v), os.O_RDONLY)
	default:
		if v != pipe {
			return fmt.Errorf("stdin is %s, want bytes, a path or PIPE", brief(v))
		}
		p.stdin, o.Stdin, err = newInput(p)
	}
	if err != nil {
		return err
	}
	if p.stdout, o.Stdout, err = p.output("stdout", stdout); err != nil {
		return err
	}
	p.stderr, o.Stderr, err = p.output("stderr", stderr)
	return err
}

// output opens a stream that the target writes to.
func (p *process) output(name string, v starlark.Value) (*output, *os.File, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil, nil
	case starlark.String:
		f, err := p.env.allowed.create(name, string(v))
		return nil, f, err
	}
	if v != pipe && v != capture {
		return nil, nil, fmt.Errorf("%s is %s, want a path, PIPE or CAPTURE", name, brief(v))
	}
	return newOutput(p, name, v == capture)
}

// fileOf returns a file in memory that holds data, open for reading.
func fileOf(data string) (*os.File, error) {
	fd, err := unix.MemfdCreate("stdin", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make a file of stdin: %w", err)
	}
	f := os.NewFile(uintptr(fd), "stdin")
	defer f.Close()
	if _, err := f.WriteString(data); err != nil {
		return nil, fmt.Errorf("make a file of stdin: %w", err)
	}
	return os.Open(fmt.Sprintf("/proc/self/fd/%d", fd))
}

// streamsEnded reports whether nothing more will come from the target.
func (p *process) streamsEnded() bool {
	return p.stdout.finished() && p.stderr.finished()
}

// finished reports whether nothing more will come from a stream and it is closed, or
// there is none.
func (o *output) finished() bool {
	if o == nil {
		return true
	}
	_, ended := o.sync()
	o.mu.Lock()
	defer o.mu.Unlock()
	return ended && !o.followed // who has the descriptor open until it looks again
}

// closeStdin closes the input of a process that is gone.
func (p *process) closeStdin() {
	if p.stdin != nil {
		p.stdin.abandon()
	}
}

// closeStreams closes all streams at once.
func (p *process) closeStreams() {
	p.closeStdin()
	closeOutputs(append(p.past, p.stdout, p.stderr)...)
}

func closeOutputs(outputs ...*output) {
	for _, o := range outputs {
		if o != nil {
			o.file.Close()
			o.sync()
			o.follower.Wait() // until then the descriptor is open
		}
	}
}

// A words is an argument that is a program with its arguments: a list, or a
// string that is split into words.
type words []string

func (c *words) Unpack(v starlark.Value) (err error) {
	switch v := v.(type) {
	case starlark.String:
		*c, err = splitWords(string(v))
	case starlark.Iterable:
		i := -1
		for arg := range starlark.Elements(v) {
			i++
			s, err := text(arg)
			if err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
			*c = append(*c, s)
		}
	default:
		return fmt.Errorf("got %s, want list or string", v.Type())
	}
	if err == nil && len(*c) == 0 {
		err = errors.New("it is empty, want a program")
	}
	return err
}

// text returns what a system call takes for a string: v, a string or bytes,
// which must not hold a zero byte.
func text(v starlark.Value) (string, error) {
	var s blob
	if err := s.Unpack(v); err != nil {
		return "", fmt.Errorf("got %s, want string", v.Type())
	}
	if strings.IndexByte(string(s), 0) >= 0 {
		return "", errors.New("it has a zero byte")
	}
	return string(s), nil
}

// An environment is an argument that is a dict of variables.
type environment []string

func (e *environment) Unpack(v starlark.Value) error {
	dict, ok := v.(*starlark.Dict)
	if !ok {
		return fmt.Errorf("got %s, want dict", v.Type())
	}
	*e = environment{} // not nil, which would be the tracer's own
	for _, item := range dict.Items() {
		name, err := text(item[0])
		if err == nil && (name == "" || strings.Contains(name, "=")) {
			err = errors.New("it is empty or has a =")
		}
		if err != nil {
			return fmt.Errorf("name %s: %w", brief(item[0]), err)
		}
		value, err := text(item[1])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		*e = append(*e, name+"="+value)
	}
	return nil
}

// A follow is an argument that says which processes stay traced.
type follow tracer.Follow

func (f *follow) Unpack(v starlark.Value) error {
	for _, known := range []tracer.Follow{tracer.FollowParent, tracer.FollowChild, tracer.FollowBoth} {
		if v == starlark.String(known.String()) {
			*f = follow(known)
			return nil
		}
	}
	return fmt.Errorf("got %s, want \"parent\", \"child\" or \"both\"", brief(v))
}

// A resourceLimits is an argument that is a dict of limits by their names.
type resourceLimits []tracer.Limit

// resources are the names of limits.
var resources = map[string]int{
	"cpu":    unix.RLIMIT_CPU,
	"memory": unix.RLIMIT_AS,
	"files":  unix.RLIMIT_NOFILE,
	"core":   unix.RLIMIT_CORE,
	"fsize":  unix.RLIMIT_FSIZE,
	"procs":  unix.RLIMIT_NPROC,
}

func (l *resourceLimits) Unpack(v starlark.Value) error {
	dict, ok := v.(*starlark.Dict)
	if !ok {
		return fmt.Errorf("got %s, want dict", v.Type())
	}
	for _, item := range dict.Items() {
		name, _ := starlark.AsString(item[0])
		resource, ok := resources[name]
		if !ok {
			return fmt.Errorf("no limit is named %s, want one of %s", brief(item[0]), quoteAll(resources))
		}
		var value uint64
		if err := starlark.AsInt(item[1], &value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		*l = append(*l, tracer.Limit{Resource: resource, Value: value})
	}
	return nil
}

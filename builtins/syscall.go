package builtins

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/syscalls"
)

// A systemCall is a system call at one of its stops.
type systemCall struct {
	handle
	c *tracer.Syscall
	p *process
}

var systemCallClass = newClass("syscall", "A system call at its entry or its exit.", []attribute[*systemCall]{
	{"nr", "int", "The number of the call, on x86-64 or where compat is true on i386.", func(c *systemCall) (starlark.Value, error) {
		return starlark.MakeInt(c.c.Nr), nil
	}},
	{"name", "str or None", "The name of the call, such as \"openat\"; None if the number has none, and for calls of i386.", func(c *systemCall) (starlark.Value, error) {
		return optional(c.c.Name()), nil
	}},
	{"args", "tuple of int", "Six arguments, as unsigned words, whether the call takes them or not.", func(c *systemCall) (starlark.Value, error) {
		args := make(starlark.Tuple, len(c.c.Args))
		for i, arg := range c.c.Args {
			args[i] = starlark.MakeUint64(arg)
		}
		return args, nil
	}},
	{"phase", "str", "\"enter\" before the call is made, \"exit\" after it.", func(c *systemCall) (starlark.Value, error) {
		return starlark.String(c.c.Phase.String()), nil
	}},
	{"ret", "int or None", "At the exit, what the kernel returned: a negative error number on failure.", func(c *systemCall) (starlark.Value, error) {
		if c.c.Phase != tracer.Exit {
			return starlark.None, nil
		}
		return starlark.MakeInt64(c.c.Ret), nil
	}},
	{"errno", "str or None", "The name of the error that the call failed with, such as \"ENOENT\". It is \"ERESTARTSYS\" or one of its kind where a signal handler interrupts the call, which the program sees as EINTR or, if the call is entered once more after the handler, not at all.", func(c *systemCall) (starlark.Value, error) {
		return optional(c.c.Errno()), nil
	}},
	{"compat", "bool", "Whether the call was made by int 0x80 or by 32-bit code, with a number of i386.", func(c *systemCall) (starlark.Value, error) {
		return starlark.Bool(c.c.Compat), nil
	}},
}, []method[*systemCall]{
	{"decode", "(strings=32, paths=False, whole=False) -> tuple",
		"Return the call as strace shows it: a list of the texts of its arguments, and what it returned. At the entry the list ends before the first argument that the kernel fills in, and what it returned is None; at the exit the list has the rest. " +
			"strings is the number of bytes shown of data, paths shows what descriptors stand for, whole shows structs with all their fields.",
		(*systemCall).decode},
	{"show", "(strings=32, paths=False, whole=False, column=0) -> str",
		"Return the call as a line of strace has it: at the entry what begins it, such as \"read(3, \", at the exit what ends it, such as \"\\\"text\\\", 4096) = 4\". That stands at column, which is the length of what goes before. The other arguments are those of decode.",
		(*systemCall).show},
})

var _ starlark.HasAttrs = (*systemCall)(nil)

func (c *systemCall) Type() string                             { return "syscall" }
func (c *systemCall) Hash() (uint32, error)                    { return 0, unhashable(c) }
func (c *systemCall) Attr(name string) (starlark.Value, error) { return systemCallClass.attr(c, name) }
func (c *systemCall) AttrNames() []string                      { return systemCallClass.names() }

// String returns a text such as "close(0x3039, 0x0, 0x0, 0x0, 0x0, 0x0) = -9 EBADF".
func (c *systemCall) String() string {
	var b strings.Builder
	b.WriteString(c.title())
	for i, arg := range c.c.Args {
		fmt.Fprintf(&b, "%c%#x", "(,"[min(i, 1)], arg)
	}
	text := strings.ReplaceAll(b.String(), ",", ", ") + ")"
	switch {
	case c.c.Phase != tracer.Exit:
		return text
	case c.c.Errno() != "":
		return fmt.Sprintf("%s = %d %s", text, c.c.Ret, c.c.Errno())
	case c.c.Ret < 0 || c.c.Ret>>32 > 0: // an address
		return fmt.Sprintf("%s = %#x", text, uint64(c.c.Ret))
	}
	return fmt.Sprintf("%s = %d", text, c.c.Ret)
}

// MarshalJSON encodes the attributes that apply.
func (c *systemCall) MarshalJSON() ([]byte, error) {
	v := struct {
		Nr     int       `json:"nr"`
		Name   string    `json:"name,omitempty"`
		Args   [6]uint64 `json:"args"`
		Phase  string    `json:"phase"`
		Ret    *int64    `json:"ret,omitempty"`
		Errno  string    `json:"errno,omitempty"`
		Compat bool      `json:"compat,omitempty"`
	}{Nr: c.c.Nr, Name: c.c.Name(), Args: c.c.Args, Phase: c.c.Phase.String(), Errno: c.c.Errno(), Compat: c.c.Compat}
	if c.c.Phase == tracer.Exit {
		v.Ret = &c.c.Ret
	}
	return encode(v)
}

func (c *systemCall) decode(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	d, err := c.decoder(b, args, kwargs)
	if err != nil {
		return nil, err
	}
	if c.c.Phase == tracer.Exit {
		texts, result := d.Exit(c.signature(), c.c.Args, c.c.Ret)
		return starlark.Tuple{listOf(texts, newString), starlark.String(result)}, nil
	}
	texts, _ := d.Enter(c.signature(), c.c.Args)
	return starlark.Tuple{listOf(texts, newString), starlark.None}, nil
}

func (c *systemCall) show(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	column := 0
	d, err := c.decoder(b, args, kwargs, "column?", &column)
	if err != nil {
		return nil, err
	}
	if c.c.Phase == tracer.Exit {
		return starlark.String(d.End(c.signature(), c.c.Args, c.c.Ret, column)), nil
	}
	return starlark.String(c.title() + "(" + d.Begin(c.signature(), c.c.Args)), nil
}

// decoder unpacks the arguments of what shows the call: its own, and those in pairs.
func (c *systemCall) decoder(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple, pairs ...any) (*syscalls.Decoder, error) {
	const most = 1 << 20
	d := &syscalls.Decoder{Memory: c.p.p, Stack: c.c.SP, Strings: 32}
	paths := false
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, append([]any{"strings?", &d.Strings, "paths?", &paths, "whole?", &d.Whole}, pairs...)...); err != nil {
		return nil, err
	}
	if d.Strings < 0 || d.Strings > most {
		return nil, fmt.Errorf("%s: strings is %d, want 0 to %d", b.Name(), d.Strings, most)
	}
	if paths {
		d.Path = c.p.p.DescriptorPath
	}
	return d, nil
}

// signature returns the number by which the call's arguments are known: those of i386
// are not.
func (c *systemCall) signature() int {
	if c.c.Compat {
		return -1
	}
	return c.c.Nr
}

// title returns the call's name, or a text that has its number.
func (c *systemCall) title() string {
	switch name := c.c.Name(); {
	case name != "":
		return name
	case c.c.Compat:
		return fmt.Sprintf("i386_syscall_%d", c.c.Nr)
	default:
		return fmt.Sprintf("syscall_%d", c.c.Nr)
	}
}

// A callNumber is an argument that is a system call's name or number.
type callNumber int

func (n *callNumber) Unpack(v starlark.Value) error {
	switch v := v.(type) {
	case starlark.Int:
		nr, err := starlark.AsInt32(v)
		if err != nil {
			return fmt.Errorf("%s is no number of a system call", v)
		}
		*n = callNumber(nr)
	case starlark.String:
		nr, ok := syscalls.Number(string(v))
		if !ok {
			return fmt.Errorf("no system call is named %s%s", v, hint(string(v), syscalls.Names()))
		}
		*n = callNumber(nr)
	default:
		return fmt.Errorf("got %s, want a system call's name or number", v.Type())
	}
	return nil
}

// callNumbers is an argument that is one or more system calls: names, numbers, patterns
// and groups such as "%file".
type callNumbers []int

func (n *callNumbers) Unpack(v starlark.Value) error {
	switch v := v.(type) {
	case starlark.String:
		if numbers, ok := syscalls.Group(string(v)); ok {
			*n = append(*n, numbers...)
			return nil
		}
		if numbers, ok, err := syscalls.Match(string(v)); ok {
			*n = append(*n, numbers...)
			return err
		}
	case starlark.Iterable:
		*n = callNumbers{} // empty is not all
		for elem := range starlark.Elements(v) {
			if _, nested := elem.(starlark.Iterable); nested {
				return fmt.Errorf("got %s in it, want names and numbers of system calls", elem.Type())
			}
			if err := n.Unpack(elem); err != nil {
				return err
			}
		}
		return nil
	}
	var one callNumber
	if err := one.Unpack(v); err != nil {
		return err
	}
	*n = append(*n, int(one))
	return nil
}

// syscalls returns the names of system calls.
func (e *Env) syscalls(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var numbers callNumbers
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "names??", &numbers); err != nil {
		return nil, err
	}
	var names []string
	for _, name := range syscalls.Names() {
		if nr, ok := syscalls.Number(name); ok && (numbers == nil || slices.Contains(numbers, nr)) {
			names = append(names, name)
		}
	}
	return listOf(names, newString), nil
}

// A phase is an argument that is a phase of a system call.
type phase tracer.Phase

func (p *phase) Unpack(v starlark.Value) error {
	for _, known := range []tracer.Phase{tracer.Enter, tracer.Exit} {
		if v == starlark.String(known.String()) {
			*p = phase(known)
			return nil
		}
	}
	return fmt.Errorf("got %s, want \"enter\" or \"exit\"", v)
}

// An errno is an argument that is an error's name or number.
type errno int64

func (e *errno) Unpack(v starlark.Value) error {
	switch v := v.(type) {
	case starlark.Int:
		if n, err := starlark.AsInt32(v); err == nil && n >= 1 && n <= syscalls.MaxErrno {
			*e = errno(n)
			return nil
		}
		return fmt.Errorf("error number %s is not in 1 to %d", v, syscalls.MaxErrno)
	case starlark.String:
		n, ok := syscalls.ErrnoNumber(string(v))
		if !ok {
			return fmt.Errorf("no error is named %s%s", v, hint(string(v), syscalls.ErrnoNames()))
		}
		*e = errno(n)
		return nil
	}
	return fmt.Errorf("got %s, want an error's name or number", v.Type())
}

// hint returns " (did you mean NAME?)" with the names that name may be a
// misspelling of, or "" if there is none.
func hint(name string, names []string) string {
	near := image.Near(name, slices.Values(names))
	if len(near) == 0 {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", strings.Join(near, " or "))
}

// changes are what can be done to the system call or signal of a stop.
var changes = []method[*stop]{
	{"drop", "()", "Have the process not get the signal that is about to be delivered, however it goes on.", (*stop).drop},
	{"replace", "(ret)", "Make the system call return ret. Before it is made, it is skipped; its exit is still reported to those who ask.", (*stop).replace},
	{"fail", "(errno)", "Make the system call fail with an error, by name or number, as replace does.", (*stop).fail},
	{"set_args", "(*args)", "Change the first arguments of the system call that is about to be made. The program's registers are as before after it.", (*stop).setArgs},
	{"set_nr", "(nr)", "Make another system call, by name or number, than the one that is about to be made.", (*stop).setNr},
}

func (s *stop) drop(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	if !s.delivers() {
		return nil, errors.New("drop: the process is not stopped here with a signal")
	}
	if err := s.s.Thread.DropSignal(); err != nil {
		return nil, err
	}
	return starlark.None, nil
}

func (s *stop) replace(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var v starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "ret", &v); err != nil {
		return nil, err
	}
	ret, err := fit(v, 64)
	if err != nil {
		return nil, fmt.Errorf("%s: for parameter \"ret\": %w", b.Name(), err)
	}
	return starlark.None, s.s.Replace(int64(ret))
}

func (s *stop) fail(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var e errno
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "errno", &e); err != nil {
		return nil, err
	}
	return starlark.None, s.s.Replace(-int64(e))
}

func (s *stop) setArgs(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(kwargs) > 0 {
		return nil, fmt.Errorf("%s: unexpected keyword arguments", b.Name())
	}
	words := make([]uint64, len(args))
	for i, arg := range args {
		var err error
		if words[i], err = fit(arg, 64); err != nil {
			return nil, fmt.Errorf("%s: argument %d: %w", b.Name(), i+1, err)
		}
	}
	return starlark.None, s.s.SetArgs(words...)
}

func (s *stop) setNr(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var nr callNumber
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "nr", &nr); err != nil {
		return nil, err
	}
	return starlark.None, s.s.SetNr(int(nr))
}

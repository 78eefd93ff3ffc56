package builtins

import (
	"errors"
	"fmt"
	"math/big"
	"path"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/tracer"
)

// A stop is the end of a movement.
type stop struct {
	handle
	p *process
	s *tracer.Stop
}

// stop returns the value of a stop of p, or of the process it belongs to.
func (p *process) stop(s *tracer.Stop) *stop {
	if s.Process != p.p {
		p = p.env.process(s.Process)
	}
	return &stop{p: p, s: s}
}

var stopClass = newClass("stop", "Why and where a process stopped. An attribute that does not apply to the reason is None.", []attribute[*stop]{
	{"reason", "str", "\"breakpoint\", \"watchpoint\", \"step\" (the verb did what it was asked to), \"limit\" (step was to end before that), \"signal\", \"syscall\", \"fork\", \"vfork\", \"vfork_done\", \"exec\", \"thread\", \"thread_exit\", \"load\", \"unload\", \"exit\", \"killed\", \"job_stop\", \"interrupt\", \"timeout\" or, after cont_fatal, \"memory\".", func(s *stop) (starlark.Value, error) {
		return starlark.String(s.s.Reason.String()), nil
	}},
	{"process", "process or core", "The process that stopped.", func(s *stop) (starlark.Value, error) {
		return s.p, nil
	}},
	{"thread", "thread or None", "The thread that stopped; None when the process is gone, or was let go to follow its child.", func(s *stop) (starlark.Value, error) {
		if t := s.thread(); t != nil {
			return t, nil
		}
		return starlark.None, nil
	}},
	{"tid", "int or None", "The ID of the thread.", func(s *stop) (starlark.Value, error) {
		if t := s.thread(); t != nil {
			return starlark.MakeInt(t.tid()), nil
		}
		return starlark.None, nil
	}},
	{"pc", "int or None", "The address of the thread's next instruction.", func(s *stop) (starlark.Value, error) {
		if s.thread() == nil {
			return starlark.None, nil
		}
		return starlark.MakeUint64(s.s.PC), nil
	}},
	{"frame", "frame or None", "The innermost frame of the thread, as it is now.", func(s *stop) (starlark.Value, error) {
		if t := s.thread(); t != nil {
			return t.frame()
		}
		return starlark.None, nil
	}},
	{"frames", "list of frame", "The thread's stack, as it is now, the innermost frame first; none when the process is gone.", func(s *stop) (starlark.Value, error) {
		if t := s.thread(); t != nil {
			return t.frames()
		}
		return starlark.NewList(nil), nil
	}},
	{"regs", "regs or None", "The thread's registers, as they are now: what thread.regs is.", func(s *stop) (starlark.Value, error) {
		if t := s.thread(); t != nil {
			return t.Attr("regs")
		}
		return starlark.None, nil
	}},
	{"signal", "int or None", "The signal that is about to be delivered (\"signal\"), or that killed the process (\"killed\").", func(s *stop) (starlark.Value, error) {
		return optionalInt(s.s.Signal, s.s.Signal != 0), nil
	}},
	{"signame", "str or None", "The signal's name, such as \"SIGSEGV\".", func(s *stop) (starlark.Value, error) {
		return optional(tracer.SignalName(s.s.Signal)), nil
	}},
	{"fatal", "bool", "Whether the signal will end the process when it is delivered: it has no handler, and its default is to end. False for other reasons.", func(s *stop) (starlark.Value, error) {
		return starlark.Bool(s.s.Fatal()), nil
	}},
	{"siginfo", "siginfo or None", "The kernel's record of the signal. Until the process goes on it can be changed, and a dict assigned to it.", func(s *stop) (starlark.Value, error) {
		info := s.s.Siginfo()
		if info == nil {
			return starlark.None, nil
		}
		v := &siginfo{info: *info}
		if s.delivers() {
			v.set = s.p.thread(s.s.Thread).writeSiginfo
		}
		return v, nil
	}},
	{"breakpoint", "breakpoint or None", "The breakpoint that was hit.", func(s *stop) (starlark.Value, error) {
		if s.s.Breakpoint == nil {
			return starlark.None, nil
		}
		return &breakpoint{p: s.p, b: s.s.Breakpoint}, nil
	}},
	{"probe", "probe or None", "The probe that the thread stopped at, by whatever breakpoint, with its arguments.", (*stop).probe},
	{"syscall", "syscall or None", "The system call that the thread is about to make or has made (\"syscall\").", func(s *stop) (starlark.Value, error) {
		if s.s.Syscall == nil {
			return starlark.None, nil
		}
		return &systemCall{c: s.s.Syscall, p: s.p}, nil
	}},
	{"watchpoint", "watchpoint or None", "The watchpoint that was hit.", func(s *stop) (starlark.Value, error) {
		if s.s.Watchpoint == nil {
			return starlark.None, nil
		}
		return &watchpoint{p: s.p, w: s.s.Watchpoint}, nil
	}},
	{"old", "int or None", "What the watched memory held when it was looked at before, as an unsigned int of its size (\"watchpoint\").", func(s *stop) (starlark.Value, error) {
		return unsigned(s.s.Old), nil
	}},
	{"new", "int or None", "What the watched memory holds now (\"watchpoint\"). Where several threads write, that may be another's value.", func(s *stop) (starlark.Value, error) {
		return unsigned(s.s.New), nil
	}},
	{"child", "process, int or None", "What was made. For \"fork\" and \"vfork\" it is the child as a process, stopped at its birth and without breakpoints of its own; it is let go when the handlers let the parent go on. A child of vfork runs in its parent's memory, and its parent waits, until it execs or ends: move it first, or detach it. For \"vfork_done\", which says that the wait is over, it is that child's ID, for \"thread\" the thread's ID.", func(s *stop) (starlark.Value, error) {
		if q := s.s.Held; q != nil {
			return s.p.env.process(q), nil
		}
		return optionalInt(s.s.Child, s.s.Child != 0), nil
	}},
	{"library", "image or None", "The library that was loaded or unloaded (\"load\", \"unload\"), the first if there are several.", func(s *stop) (starlark.Value, error) {
		if len(s.s.Libraries) == 0 {
			return starlark.None, nil
		}
		return newImage(s.s.Libraries[0]), nil
	}},
	{"libraries", "list of image", "The libraries that were loaded or unloaded together.", func(s *stop) (starlark.Value, error) {
		return listOf(s.s.Libraries, newImage), nil
	}},
	{"exit_code", "int or None", "The code that the process exited with (\"exit\").", func(s *stop) (starlark.Value, error) {
		return optionalInt(s.s.ExitCode, s.s.Reason == tracer.ReasonExit), nil
	}},
	{"value", "int or None", "After finish, what the function returned, as an unsigned word.", func(s *stop) (starlark.Value, error) {
		if !s.s.Finished {
			return starlark.None, nil
		}
		return starlark.MakeUint64(s.s.Value), nil
	}},
	{"result", "value or None", "After finish, what the function returned, with its type: a number of any kind, a structure, a reference. None for one that returns nothing. Without debug information, or if it is first asked for when the process has moved on, it is an error.", func(s *stop) (starlark.Value, error) {
		v, err := s.s.Result()
		if err != nil || v == nil {
			return starlark.None, err
		}
		return s.p.env.typed(v), nil
	}},
}, changes)

var (
	_ starlark.HasSetField = (*stop)(nil)
	_ starlark.Comparable  = (*stop)(nil)
)

func (s *stop) Type() string                             { return "stop" }
func (s *stop) Hash() (uint32, error)                    { return 0, unhashable(s) }
func (s *stop) Attr(name string) (starlark.Value, error) { return stopClass.attr(s, name) }
func (s *stop) AttrNames() []string                      { return stopClass.names() }

// delivers reports whether the stop's signal is about to be delivered.
func (s *stop) delivers() bool { return s.p.p != nil && s.s.Siginfo() != nil && s.p.p.Stop() == s.s }

// SetField changes the record of the signal that is about to be delivered.
func (s *stop) SetField(name string, v starlark.Value) error {
	switch {
	case name != "siginfo":
		return fmt.Errorf("cannot assign to .%s of a stop, only to .siginfo", name)
	case !s.delivers():
		return errors.New("siginfo: the process is not stopped here with a signal")
	}
	return s.p.thread(s.s.Thread).setSiginfo(v)
}

// CompareSameType compares stops: each is equal to itself alone.
func (s *stop) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	return equality(s, op, s.s == y.(*stop).s)
}

// String returns a line such as "[4242] breakpoint 1 at 0x401136 in work at loop.c:12".
func (s *stop) String() string {
	var b strings.Builder
	t := s.thread()
	if t == nil {
		fmt.Fprintf(&b, "[%d] %s", s.p.pid(), s.s.Reason)
	} else {
		fmt.Fprintf(&b, "[%d] %s", t.tid(), s.s.Reason)
	}
	switch {
	case s.s.Reason == tracer.ReasonExit:
		fmt.Fprintf(&b, " %d", s.s.ExitCode)
	case s.s.Reason == tracer.ReasonKilled:
		fmt.Fprintf(&b, " by %s", tracer.SignalName(s.s.Signal))
	case s.s.Signal != 0:
		fmt.Fprintf(&b, " %s", tracer.SignalName(s.s.Signal))
	case s.s.Breakpoint != nil:
		fmt.Fprintf(&b, " %d", s.s.Breakpoint.ID)
	case s.s.Watchpoint != nil:
		fmt.Fprintf(&b, " %d", s.s.Watchpoint.ID())
	case s.s.Syscall != nil:
		fmt.Fprintf(&b, " %s %s", s.s.Syscall.Phase, &systemCall{c: s.s.Syscall})
	case s.s.Child != 0:
		fmt.Fprintf(&b, " %d", s.s.Child)
	case len(s.s.Libraries) != 0:
		var names []string
		for _, im := range s.s.Libraries {
			names = append(names, im.Name())
		}
		fmt.Fprintf(&b, " %s", strings.Join(names, ", "))
	}
	if t == nil {
		return b.String()
	}
	fmt.Fprintf(&b, " at %#x", s.s.PC)
	line, err := s.p.in.LineAt(s.s.PC)
	sym, ok := s.p.in.SymbolAt(s.s.PC)
	name := sym.Demangled()
	if frames, _ := t.in.Frames(1); len(frames) > 0 && frames[0].PC == s.s.PC {
		line, err = frames[0].Line()
		if f := frames[0]; f.Inlined || f.Func != nil && strings.HasSuffix(name, ")") { // of C++, where the line tells which
			name, ok = f.Function(), true
		}
	}
	if ok {
		fmt.Fprintf(&b, " in %s", name)
		if offset := s.s.PC - sym.Addr; offset != 0 && err != nil {
			fmt.Fprintf(&b, "+%#x", offset)
		}
	}
	if err == nil {
		fmt.Fprintf(&b, " at %s:%d", path.Base(line.File), line.Line)
	}
	return b.String()
}

// MarshalJSON encodes the attributes that apply.
func (s *stop) MarshalJSON() ([]byte, error) {
	v := struct {
		Reason     string      `json:"reason"`
		PID        int         `json:"pid"`
		TID        int         `json:"tid,omitempty"`
		PC         *uint64     `json:"pc,omitempty"`
		Signal     int         `json:"signal,omitempty"`
		Signame    string      `json:"signame,omitempty"`
		Breakpoint int         `json:"breakpoint,omitempty"`
		Watchpoint int         `json:"watchpoint,omitempty"`
		Old        *big.Int    `json:"old,omitempty"`
		New        *big.Int    `json:"new,omitempty"`
		Syscall    *systemCall `json:"syscall,omitempty"`
		Child      int         `json:"child,omitempty"`
		Libraries  []string    `json:"libraries,omitempty"`
		ExitCode   *int        `json:"exit_code,omitempty"`
		Value      *uint64     `json:"value,omitempty"`
	}{
		Reason: s.s.Reason.String(), PID: s.p.pid(),
		Signal: s.s.Signal, Signame: tracer.SignalName(s.s.Signal), Child: s.s.Child,
	}
	if t := s.thread(); t != nil {
		v.TID, v.PC = t.tid(), &s.s.PC
	}
	for _, im := range s.s.Libraries {
		v.Libraries = append(v.Libraries, im.Path)
	}
	if b := s.s.Breakpoint; b != nil {
		v.Breakpoint = b.ID
	}
	if s.s.Syscall != nil {
		v.Syscall = &systemCall{c: s.s.Syscall}
	}
	if w := s.s.Watchpoint; w != nil {
		v.Watchpoint, v.Old, v.New = w.ID(), bigInt(s.s.Old), bigInt(s.s.New)
	}
	if s.s.Reason == tracer.ReasonExit {
		v.ExitCode = &s.s.ExitCode
	}
	if s.s.Finished {
		v.Value = &s.s.Value
	}
	return encode(v)
}

package builtins

import (
	"errors"
	"fmt"
	"slices"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/syscalls"
)

// A siginfo is the kernel's record of a signal.
type siginfo struct {
	handle
	info   tracer.Siginfo
	set    func(*tracer.Siginfo) error // changes what is delivered; nil where that cannot be
	queued bool
	shared bool // if it is queued
}

// siginfoField is the row of a field.
func siginfoField(name, typ, doc string) attribute[*siginfo] {
	f := fieldOfSiginfo(name)
	return attribute[*siginfo]{name, typ, doc, func(s *siginfo) (starlark.Value, error) {
		switch v := f.Get(&s.info); {
		case !s.has(f):
			return starlark.None, nil
		case f.Signed:
			return starlark.MakeInt64(int64(v)), nil
		default:
			return starlark.MakeUint64(v), nil
		}
	}}
}

// fieldOfSiginfo returns the field of a name, or nil.
func fieldOfSiginfo(name string) *tracer.SiginfoField {
	i := slices.IndexFunc(tracer.SiginfoFields, func(f tracer.SiginfoField) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return &tracer.SiginfoFields[i]
}

func (s *siginfo) has(f *tracer.SiginfoField) bool { return f.In(s.info.Signo(), s.info.Code()) }

var siginfoClass = newClass("siginfo", "The kernel's record of a signal, as in sigaction(2). What one has besides signo, code and errno depends on these. "+
	"That of a signal that is about to be delivered can be changed, and the program's handler sees the change: assign to its attributes, or to the siginfo of the stop or thread as a whole a dict, such as {\"signo\": 10, \"code\": -1, \"value\": 7}, of which what is not named is 0.", []attribute[*siginfo]{
	siginfoField("signo", "int", "The signal's number. Another one makes the thread get that signal."),
	siginfoField("code", "int", "Why it was sent: 0 and below by a process, above by the kernel."),
	siginfoField("errno", "int", "An error number, mostly 0."),
	siginfoField("addr", "int or None", "The address of the fault, for SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGTRAP from the kernel."),
	siginfoField("pid", "int or None", "The process that sent it, or the child that SIGCHLD tells of."),
	siginfoField("uid", "int or None", "The real user ID of that process."),
	siginfoField("value", "int or None", "The word that sigqueue or a timer has sent with it."),
	siginfoField("status", "int or None", "The exit code of the child that SIGCHLD tells of, or the signal that ended or stopped it."),
	{"text", "str", "The record as strace shows it, such as \"{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL}\".", func(s *siginfo) (starlark.Value, error) {
		return starlark.String(syscalls.SignalText(s.info)), nil
	}},
	{"shared", "bool or None", "Of a pending signal, whether it was sent to the process, for any of its threads that does not block it, and not to one thread.", func(s *siginfo) (starlark.Value, error) {
		if !s.queued {
			return starlark.None, nil
		}
		return starlark.Bool(s.shared), nil
	}},
}, nil)

var _ starlark.HasSetField = (*siginfo)(nil)

func (s *siginfo) Type() string                             { return "siginfo" }
func (s *siginfo) Hash() (uint32, error)                    { return 0, unhashable(s) }
func (s *siginfo) Attr(name string) (starlark.Value, error) { return siginfoClass.attr(s, name) }
func (s *siginfo) AttrNames() []string                      { return siginfoClass.names() }

// SetField changes a field, and what is delivered.
func (s *siginfo) SetField(name string, v starlark.Value) error {
	f := fieldOfSiginfo(name)
	switch {
	case f == nil && slices.Contains(siginfoClass.names(), name):
		return fmt.Errorf("cannot assign to .%s of a siginfo", name)
	case f == nil:
		return starlark.NoSuchAttrError(fmt.Sprintf("siginfo has no .%s field", name))
	case s.set == nil:
		return fmt.Errorf("%s: this is not the record of a signal that is about to be delivered", name)
	}
	info := s.info
	if err := setSiginfo(&info, f, v); err != nil {
		return err
	}
	if err := s.set(&info); err != nil {
		return err
	}
	s.info = info
	return nil
}

// setSiginfo changes a field of a record, which must have it.
func setSiginfo(info *tracer.Siginfo, f *tracer.SiginfoField, v starlark.Value) error {
	if signo, code := info.Signo(), info.Code(); !f.In(signo, code) {
		return fmt.Errorf("%s: a siginfo of %s with code %d has none", f.Name, tracer.SignalName(signo), code)
	}
	n, err := fit(v, 64)
	if f.Name == "signo" {
		var sig signal
		if err = sig.Unpack(v); err == nil && sig == 0 {
			err = errors.New("0 is no signal")
		}
		n = uint64(sig)
	}
	if err == nil {
		err = f.Set(info, n)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	return nil
}

// newSiginfo returns the record that v, which is assigned, stands for.
func newSiginfo(v starlark.Value, old *tracer.Siginfo) (*tracer.Siginfo, error) {
	switch v := v.(type) {
	case *siginfo:
		info := v.info
		return &info, nil
	case *starlark.Dict:
		info := new(tracer.Siginfo)
		if err := fieldOfSiginfo("signo").Set(info, uint64(old.Signo())); err != nil {
			return nil, err
		}
		// In the order of the fields: signo and code say which others there are.
		for i := range tracer.SiginfoFields {
			f := &tracer.SiginfoFields[i]
			value, found, err := v.Get(starlark.String(f.Name))
			if err != nil || !found {
				continue
			}
			if err := setSiginfo(info, f, value); err != nil {
				return nil, fmt.Errorf("siginfo: %w", err)
			}
		}
		for _, key := range v.Keys() {
			name, ok := starlark.AsString(key)
			if !ok || fieldOfSiginfo(name) == nil {
				return nil, fmt.Errorf("siginfo: there is no field %s%s", key, hint(name, siginfoClass.names()))
			}
		}
		return info, nil
	}
	return nil, fmt.Errorf("siginfo: got %s, want a dict or siginfo", v.Type())
}

// setSiginfo changes the record of the signal that t is about to get.
func (t *thread) setSiginfo(v starlark.Value) error {
	old, err := t.t.Siginfo()
	if err != nil {
		return err
	}
	info, err := newSiginfo(v, old)
	if err != nil {
		return err
	}
	return t.writeSiginfo(info)
}

// writeSiginfo replaces that record.
func (t *thread) writeSiginfo(info *tracer.Siginfo) error {
	if err := t.policy().check("siginfo", MayWrite); err != nil {
		return err
	}
	return t.t.SetSiginfo(info)
}

// queued returns the values of signals that are pending.
func queued(list []tracer.QueuedSignal, err error) (starlark.Value, error) {
	if err != nil {
		return nil, err
	}
	return listOf(list, func(q tracer.QueuedSignal) starlark.Value {
		return &siginfo{info: q.Siginfo, queued: true, shared: q.Shared}
	}), nil
}

func (s *siginfo) String() string {
	text := fmt.Sprintf("<siginfo %s code %d", tracer.SignalName(s.info.Signo()), s.info.Code())
	for i := range tracer.SiginfoFields[3:] {
		switch f := &tracer.SiginfoFields[3+i]; {
		case !s.has(f):
		case f.Name == "addr":
			text += fmt.Sprintf(" addr %#x", f.Get(&s.info))
		default:
			text += fmt.Sprintf(" %s %d", f.Name, int64(f.Get(&s.info)))
		}
	}
	return text + ">"
}

// MarshalJSON encodes the attributes that the record has.
func (s *siginfo) MarshalJSON() ([]byte, error) {
	v := make(map[string]any)
	for i := range tracer.SiginfoFields {
		switch f := &tracer.SiginfoFields[i]; {
		case !s.has(f):
		case f.Signed:
			v[f.Name] = int64(f.Get(&s.info))
		default:
			v[f.Name] = f.Get(&s.info)
		}
	}
	if s.queued {
		v["shared"] = s.shared
	}
	return encode(v)
}

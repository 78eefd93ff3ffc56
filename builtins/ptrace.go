package builtins

import (
	"fmt"
	"strings"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer"
)

const ptraceDoc = "The requests of ptrace(2) as FreeBSD has them, on plain IDs of processes and threads, with its errors: " +
	"ESRCH no such process, EPERM not permitted or not traced, EBUSY traced by another, running, or stopped and not yet waited for, EINVAL and EFAULT bad arguments. " +
	"What lets a process go on returns at once, and wait returns the next stop; until then every request is EBUSY. " +
	"An ID of a process stands for its oldest thread, and where a signal is given for the one that stopped last. " +
	"Memory is read as it is, with the int3 of breakpoints; what is written there goes under them."

// letGoArgs is the signature of the requests that let a process go on.
const letGoArgs = "(id, pc=None, sig=0)"

// requests are the members of the module ptrace.
var requests = append([]method[*Env]{
	{"launch", launchArgs + "int", "Start a program as the predeclared launch does and return its process ID. Its first stop, with SIGTRAP, is still to be waited for. PT_TRACE_ME.", (*Env).ptLaunch},
	{"attach", "(pid)", "Trace a running process. Its first stop, with SIGSTOP, is still to be waited for. Oneself, a kernel thread, and an ancestor while being traced are EINVAL, a process that is traced is EBUSY. PT_ATTACH.", (*Env).ptAttach},
	{"detach", "(pid, pc=None, sig=0)", "Let a process go on untraced, at pc and with the signal sig; 0 drops what is pending. PT_DETACH.", (*Env).ptDetach},
	{"cont", letGoArgs, "Let a process go on, at pc and with the signal sig; 0 drops what is pending. All threads that are not suspended run. A signal that is not in 0 to 64 is EINVAL. PT_CONTINUE.", letGo(tracer.GoOptions{})},
	{"step", letGoArgs, "Let a process go on, with a stop after one instruction of the thread. A signal that is delivered so is handled first. PT_STEP.", letGo(tracer.GoOptions{Step: true})},
	{"to_sce", letGoArgs, "Let a process go on up to the next entry to a system call. PT_TO_SCE.", letGo(tracer.GoOptions{Entry: true})},
	{"to_scx", letGoArgs, "Let a process go on up to the next exit from a system call. PT_TO_SCX.", letGo(tracer.GoOptions{Exit: true})},
	{"syscall", letGoArgs, "Let a process go on up to the next entry to or exit from a system call. PT_SYSCALL.", letGo(tracer.GoOptions{Entry: true, Exit: true})},
	{"wait", "(id=-1, timeout=None) -> struct or None", "Wait until a process that was let go on stops or ends, and return struct(pid, tid, event, sig, status, child): event is the reason as stop.reason has it, sig the signal that stopped or killed it, status that of wait4(2), child the ID of the process or thread that was made, or None. -1 is any process. None after timeout seconds; ECHILD if there is nothing to wait for. process.interrupt stops the process that is waited for.", (*Env).ptWait},
	{"kill", "(pid)", "Kill a process. Its end is still to be waited for. PT_KILL.", (*Env).ptKill},
	{"read_i", "(id, addr) -> int", "Read a signed int of 4 bytes. PT_READ_I.", (*Env).readWord},
	{"read_d", "(id, addr) -> int", "Read a signed int of 4 bytes. PT_READ_D.", (*Env).readWord},
	{"write_i", "(id, addr, value)", "Write an int of 4 bytes, whatever the protection of the page. PT_WRITE_I.", (*Env).writeWord},
	{"write_d", "(id, addr, value)", "Write an int of 4 bytes, whatever the protection of the page. PT_WRITE_D.", (*Env).writeWord},
	{"peek", "(id, addr, size=8) -> int", "Read an unsigned int of 1, 2, 4 or 8 bytes; another size is EINVAL.", (*Env).peek},
	{"poke", "(id, addr, value, size=8)", "Write an int of 1, 2, 4 or 8 bytes; another size is EINVAL.", (*Env).poke},
	{"io", "(id, op, offs, data_or_len) -> bytes or int", "Read (op \"read_d\" or \"read_i\") up to data_or_len bytes at offs, or write (\"write_d\", \"write_i\") the bytes data_or_len and return their number: short where a page is missing, EFAULT where the first is. Another op is EINVAL. PT_IO.", (*Env).ptIO},
	{"getregs", "(tid) -> registers", "Return the general registers by name: a dict, of which they are attributes too, so that r.rip += 1 and setregs(tid, r) is a way to change one. PT_GETREGS.", (*Env).getRegs},
	{"setregs", "(tid, regs)", "Write the general registers that a dict, or regs, has: all of them or none. A name or value that cannot be is EINVAL. PT_SETREGS.", (*Env).setRegs},
	{"getdbregs", "(tid) -> registers", "Return the debug registers dr0 to dr3, dr6 and dr7 by name, as getregs does. PT_GETDBREGS.", (*Env).getDebugRegs},
	{"setdbregs", "(tid, regs)", "Write the debug registers that a dict has: all of them or none. Addresses outside user space are EINVAL. PT_SETDBREGS.", (*Env).setDebugRegs},
}, threadRequests...)

// ptraceModule returns the module ptrace.
func (e *Env) ptraceModule() *starlarkstruct.Module {
	m := &starlarkstruct.Module{Name: "ptrace", Members: make(starlark.StringDict)}
	for _, r := range requests {
		m.Members[r.name] = r.bind(e, "ptrace."+r.name)
	}
	m.Members["request"] = starlark.NewBuiltin("ptrace.request", func(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		return e.request(m, thread, b, args, kwargs)
	})
	return m
}

func init() {
	chapters = append(chapters, func() {
		topic := newTopic("ptrace", "", ptraceDoc)
		for _, r := range requests {
			topic.add("ptrace."+r.name, r.sig, r.doc)
		}
		topic.add("ptrace.request", "(name, *args, **kwargs)", "Call the member called name, which may be written as PT_CONTINUE, continue or cont. An unknown one is EINVAL, but the process that the first argument names is checked before.")
	})
}

// synonyms are the names of requests that differ from those of the members.
var synonyms = map[string]string{
	"trace_me": "launch", "continue": "cont", "getnumlwps": "numlwps", "getlwplist": "lwps",
}

// request calls the member of m that is named.
func (e *Env) request(m *starlarkstruct.Module, thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var name string
	if err := starlark.UnpackPositionalArgs(b.Name(), args[:min(1, len(args))], nil, 1, &name); err != nil {
		return nil, err
	}
	args = args[1:]
	member := strings.ToLower(strings.TrimPrefix(strings.ToUpper(name), "PT_"))
	if s, ok := synonyms[member]; ok {
		member = s
	}
	if fn := m.Members[member]; fn != nil && fn != starlark.Value(b) && member != "request" {
		return starlark.Call(thread, fn, args, kwargs)
	}
	var id int
	if len(args) > 0 && starlark.AsInt(args[0], &id) == nil {
		if _, err := e.tr.Target(name, id); err != nil {
			return nil, err
		}
	}
	return nil, &tracer.Error{Op: name, TID: id, Err: fmt.Errorf("%w: there is no such request", unix.EINVAL)}
}

// requestOp returns the name of a request for errors.
func requestOp(b *starlark.Builtin) string { return strings.TrimPrefix(b.Name(), "ptrace.") }

// target unpacks the arguments of a request, of which the first, called idName,
// says what it acts on, and returns that.
func (e *Env) target(idName string, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple, pairs ...any) (*tracer.Target, error) {
	var id int
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, append([]any{idName, &id}, pairs...)...); err != nil {
		return nil, err
	}
	return e.tr.Target(requestOp(b), id)
}

// at returns the address of a location in the target.
func (e *Env) at(g *tracer.Target, loc *location) (uint64, error) {
	return loc.resolve(e.process(g.Process))
}

func (e *Env) ptLaunch(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	v, err := e.launch(thread, b, args, kwargs)
	if err != nil {
		return nil, err
	}
	p := v.(*process).p
	p.Withhold()
	return starlark.MakeInt(p.PID), nil
}

func (e *Env) ptAttach(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var id int
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "pid", &id); err != nil {
		return nil, err
	}
	return starlark.None, e.tr.AttachID(id)
}

// A deliverable is an argument that is a signal's number, any of which the request
// itself has to refuse, or its name.
type deliverable int

func (d *deliverable) Unpack(v starlark.Value) error {
	if n, ok := v.(starlark.Int); ok {
		*d = -1
		if i, err := starlark.AsInt32(n); err == nil {
			*d = deliverable(i)
		}
		return nil
	}
	var s signal
	err := s.Unpack(v)
	*d = deliverable(s)
	return err
}

// A counter is an argument that is a program counter, if it is given.
type counter struct {
	location
	given bool
}

func (c *counter) Unpack(v starlark.Value) error {
	c.given = true
	return c.location.Unpack(v)
}

// letGoTarget unpacks the arguments of a request that lets a process go on.
func (e *Env) letGoTarget(idName string, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (g *tracer.Target, pc *uint64, sig int, err error) {
	var c counter
	var d deliverable
	g, err = e.target(idName, b, args, kwargs, "pc??", &c, "sig?", &d)
	if err != nil || !c.given {
		return g, nil, int(d), err
	}
	if err := e.allowed.check(b.Name()+" with pc", MayWrite); err != nil {
		return nil, nil, 0, err
	}
	addr, err := e.at(g, &c.location)
	return g, &addr, int(d), err
}

// letGo returns the function of a request that lets a process go on.
func letGo(o tracer.GoOptions) call {
	return func(e *Env, _ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		g, pc, sig, err := e.letGoTarget("id", b, args, kwargs)
		if err != nil {
			return nil, err
		}
		o := o
		o.PC, o.Signal = pc, sig
		return starlark.None, g.Go(requestOp(b), &o)
	}
}

func (e *Env) ptDetach(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	g, pc, sig, err := e.letGoTarget("pid", b, args, kwargs)
	if err != nil {
		return nil, err
	}
	return starlark.None, g.Detach(pc, sig)
}

func (e *Env) ptKill(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	g, err := e.target("pid", b, args, kwargs)
	if err != nil {
		return nil, err
	}
	return starlark.None, g.Kill()
}

// ptWait waits for a stop. Handlers run on the Starlark thread that called it.
func (e *Env) ptWait(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	id := -1
	var limit timeout
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "id?", &id, "timeout??", &limit); err != nil {
		return nil, err
	}
	var s *tracer.Stop
	err := e.running(thread, func() (err error) {
		s, err = e.tr.Wait(id, time.Duration(limit))
		return err
	})
	if s == nil || err != nil {
		return starlark.None, err
	}
	if s.Gone() {
		e.process(s.Process).closeStdin()
	}
	tid := s.Process.PID
	if s.Thread != nil {
		tid = s.Thread.TID
	}
	sig, status := waitStatus(s)
	return starlarkstruct.FromStringDict(starlarkstruct.Default, starlark.StringDict{
		"pid":    starlark.MakeInt(s.Process.PID),
		"tid":    starlark.MakeInt(tid),
		"event":  starlark.String(s.Reason.String()),
		"sig":    starlark.MakeInt(sig),
		"status": starlark.MakeInt(status),
		"child":  optionalInt(s.Child, s.Child != 0),
	}), nil
}

// waitStatus returns the signal of a stop and its status as wait4(2) has it.
func waitStatus(s *tracer.Stop) (sig, status int) {
	switch s.Reason {
	case tracer.ReasonExit:
		return 0, s.ExitCode << 8
	case tracer.ReasonKilled:
		return s.Signal, s.Signal
	case tracer.ReasonSignal:
		sig = s.Signal
	case tracer.ReasonInterrupt:
		sig = int(unix.SIGSTOP)
	default:
		sig = int(unix.SIGTRAP)
	}
	return sig, sig<<8 | 0x7f
}

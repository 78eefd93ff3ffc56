package builtins

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/arch"
)

// This file shows the requests of FreeBSD's ptrace(2) on plain IDs, as kern_ptrace
// has them. What Linux cannot give, or gives otherwise:
//
//   - A child that asks to be traced (PT_TRACE_ME) has to exec: launch does both.
//   - PT_TO_SCE and PT_TO_SCX hold for one request. kern_ptrace never clears them.
//   - A process whose threads are all suspended cannot be continued. There it could,
//     and nothing could ever be asked of it again.
//   - PT_CLEARSTEP of the caller's own thread is EPERM as for others: it is not
//     traced, and has no step to clear.
//   - SIGKILL ends a process without a stop.
//   - A word that moved only in part is EFAULT and never EINVAL: there is always a
//     fault.
//   - dr4 and dr5 are left out, and dr6 and dr7 are as Linux shows them.
//   - A value that eflags, a segment or its base may not have is EINVAL, where
//     Linux says EIO or nothing.
//   - attach returns when all threads have stopped, which is at once unless one is
//     in a sleep that signals do not end. Its stop is still to be waited for.
//   - Delivering SIGSTOP leaves the process stopped until SIGCONT, without another
//     stop to wait for.
//   - Handlers, hooks and breakpoints of the objects go on working: those that
//     decline a stop do so inside wait.

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
	{"detach", letGoArgs, "Let a process go on untraced, at pc and with the signal sig; 0 drops what is pending. PT_DETACH.", (*Env).ptDetach},
	{"cont", letGoArgs, "Let a process go on, at pc and with the signal sig; 0 drops what is pending. All threads that are not suspended run. A signal that is not in 0 to 64 is EINVAL. PT_CONTINUE.", letGo(tracer.GoOptions{})},
	{"step", letGoArgs, "Let a process go on, with a stop after one instruction of the thread. A signal that is delivered so is handled first. PT_STEP.", letGo(tracer.GoOptions{Step: true})},
	{"to_sce", letGoArgs, "Let a process go on up to the next entry to a system call. PT_TO_SCE.", letGo(tracer.GoOptions{Entry: true})},
	{"to_scx", letGoArgs, "Let a process go on up to the next exit from a system call. PT_TO_SCX.", letGo(tracer.GoOptions{Exit: true})},
	{"syscall", letGoArgs, "Let a process go on up to the next entry to or exit from a system call. PT_SYSCALL.", letGo(tracer.GoOptions{Entry: true, Exit: true})},
	{"wait", "(id=-1, timeout=None) -> struct or None", "Wait until a process that was let go on stops or ends, and return struct(pid, tid, event, sig, status): event is the reason as stop.reason has it, sig the signal that stopped or killed it, status that of wait4(2). -1 is any process. None after timeout seconds; ECHILD if there is nothing to wait for. process.interrupt stops the process that is waited for.", (*Env).ptWait},
	{"kill", "(pid)", "Kill a process. Its end is still to be waited for. PT_KILL.", (*Env).ptKill},
	{"read_i", "(id, addr) -> int", "Read a signed int of 4 bytes. PT_READ_I.", (*Env).readWord},
	{"read_d", "(id, addr) -> int", "Read a signed int of 4 bytes. PT_READ_D.", (*Env).readWord},
	{"write_i", "(id, addr, value)", "Write an int of 4 bytes, whatever the protection of the page. PT_WRITE_I.", (*Env).writeWord},
	{"write_d", "(id, addr, value)", "Write an int of 4 bytes, whatever the protection of the page. PT_WRITE_D.", (*Env).writeWord},
	{"peek", "(id, addr, size=8) -> int", "Read an unsigned int of 1, 2, 4 or 8 bytes; another size is EINVAL.", (*Env).peek},
	{"poke", "(id, addr, value, size=8)", "Write an int of 1, 2, 4 or 8 bytes; another size is EINVAL.", (*Env).poke},
	{"io", "(id, op, offs, data_or_len) -> bytes or int", "Read (op \"read_d\" or \"read_i\") up to data_or_len bytes at offs, or write (\"write_d\", \"write_i\") the bytes data_or_len and return their number: short where a page is missing, EFAULT where the first is. Another op is EINVAL. PT_IO.", (*Env).ptIO},
	{"getregs", "(tid) -> dict", "Return the general registers by name. PT_GETREGS.", (*Env).getRegs},
	{"setregs", "(tid, regs)", "Write the general registers that a dict, or regs, has: all of them or none. A name or value that cannot be is EINVAL. PT_SETREGS.", (*Env).setRegs},
	{"getdbregs", "(tid) -> dict", "Return the debug registers dr0 to dr3, dr6 and dr7 by name. PT_GETDBREGS.", (*Env).getDebugRegs},
	{"setdbregs", "(tid, regs)", "Write the debug registers that a dict has: all of them or none. Addresses outside user space are EINVAL. PT_SETDBREGS.", (*Env).setDebugRegs},
}, threadRequests...)

// ptraceModule returns the module ptrace.
func (e *Env) ptraceModule() *starlarkstruct.Module {
	m := &starlarkstruct.Module{Name: "ptrace", Members: make(starlark.StringDict)}
	for _, r := range requests {
		m.Members[r.name] = starlark.NewBuiltin("ptrace."+r.name, func(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			return r.call(e, thread, b, args, kwargs)
		})
	}
	m.Members["request"] = starlark.NewBuiltin("ptrace.request", func(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		return e.request(m, thread, b, args, kwargs)
	})
	return m
}

func init() {
	topic := newTopic("ptrace", "", ptraceDoc)
	for _, r := range requests {
		topic.add("ptrace."+r.name, r.sig, r.doc)
	}
	topic.add("ptrace.request", "(name, *args, **kwargs)", "Call the member called name, which may be written as PT_CONTINUE, continue or cont. An unknown one is EINVAL, but the process that the first argument names is checked before.")
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
func (e *Env) letGoTarget(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (g *tracer.Target, pc *uint64, sig int, err error) {
	var c counter
	var d deliverable
	g, err = e.target("id", b, args, kwargs, "pc??", &c, "sig?", &d)
	if err != nil || !c.given {
		return g, nil, int(d), err
	}
	addr, err := e.at(g, &c.location)
	return g, &addr, int(d), err
}

// letGo returns the function of a request that lets a process go on.
func letGo(o tracer.GoOptions) call {
	return func(e *Env, _ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		g, pc, sig, err := e.letGoTarget(b, args, kwargs)
		if err != nil {
			return nil, err
		}
		o := o
		o.PC, o.Signal = pc, sig
		return starlark.None, g.Go(requestOp(b), &o)
	}
}

func (e *Env) ptDetach(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	g, pc, sig, err := e.letGoTarget(b, args, kwargs)
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

// word reads size bytes at a location.
func (e *Env) word(g *tracer.Target, loc *location, size int) (uint64, error) {
	addr, err := e.at(g, loc)
	if err != nil {
		return 0, err
	}
	var buf [8]byte
	_, err = g.Process.ReadRaw(addr, buf[:size])
	return binary.LittleEndian.Uint64(buf[:]), err
}

// setWord writes size bytes at a location.
func (e *Env) setWord(b *starlark.Builtin, g *tracer.Target, loc *location, v starlark.Value, size int) error {
	u, err := fit(v, uint(8*size))
	if err != nil {
		return fmt.Errorf("%s: %w", b.Name(), err)
	}
	addr, err := e.at(g, loc)
	if err != nil {
		return err
	}
	var buf [8]byte
	binary.LittleEndian.PutUint64(buf[:], u)
	_, err = g.Process.WriteAt(addr, buf[:size])
	return err
}

func (e *Env) readWord(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var loc location
	g, err := e.target("id", b, args, kwargs, "addr", &loc)
	if err != nil {
		return nil, err
	}
	u, err := e.word(g, &loc, 4)
	if err != nil {
		return nil, err
	}
	return starlark.MakeInt(int(int32(u))), nil
}

func (e *Env) writeWord(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var loc location
	var v starlark.Value
	g, err := e.target("id", b, args, kwargs, "addr", &loc, "value", &v)
	if err != nil {
		return nil, err
	}
	return starlark.None, e.setWord(b, g, &loc, v, 4)
}

// isWord checks the size of a word.
func isWord(b *starlark.Builtin, g *tracer.Target, size int) error {
	switch size {
	case 1, 2, 4, 8:
		return nil
	}
	return &tracer.Error{Op: requestOp(b), TID: g.Process.PID, Err: fmt.Errorf("%w: size is %d, want 1, 2, 4 or 8", unix.EINVAL, size)}
}

func (e *Env) peek(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var loc location
	size := 8
	g, err := e.target("id", b, args, kwargs, "addr", &loc, "size?", &size)
	if err == nil {
		err = isWord(b, g, size)
	}
	if err != nil {
		return nil, err
	}
	u, err := e.word(g, &loc, size)
	if err != nil {
		return nil, err
	}
	return starlark.MakeUint64(u), nil
}

func (e *Env) poke(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var loc location
	var v starlark.Value
	size := 8
	g, err := e.target("id", b, args, kwargs, "addr", &loc, "value", &v, "size?", &size)
	if err == nil {
		err = isWord(b, g, size)
	}
	if err != nil {
		return nil, err
	}
	return starlark.None, e.setWord(b, g, &loc, v, size)
}

func (e *Env) ptIO(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var op string
	var loc location
	var what starlark.Value
	g, err := e.target("id", b, args, kwargs, "op", &op, "offs", &loc, "data_or_len", &what)
	if err != nil {
		return nil, err
	}
	reads := op == "read_d" || op == "read_i"
	if !reads && op != "write_d" && op != "write_i" {
		return nil, &tracer.Error{Op: requestOp(b), TID: g.Process.PID, Err: fmt.Errorf("%w: op is %q, want \"read_d\", \"read_i\", \"write_d\" or \"write_i\"", unix.EINVAL, op)}
	}
	addr, err := e.at(g, &loc)
	if err != nil {
		return nil, err
	}
	if reads {
		var n int
		if err := starlark.AsInt(what, &n); err != nil || n < 0 || n > maxRead {
			return nil, fmt.Errorf("%s: to %s, data_or_len is %s, want 0 to %d", b.Name(), op, brief(what), maxRead)
		}
		data, err := readUpTo(g.Process, addr, n)
		if len(data) == 0 && err != nil {
			return nil, err
		}
		return starlark.Bytes(data), nil
	}
	var data blob
	if err := data.Unpack(what); err != nil {
		return nil, fmt.Errorf("%s: to %s, data_or_len: %w", b.Name(), op, err)
	}
	n, err := g.Process.WriteAt(addr, []byte(data))
	if n == 0 && err != nil {
		return nil, err
	}
	return starlark.MakeInt(n), nil
}

// readUpTo reads n bytes, as far as there are any. Room is made as they come.
func readUpTo(p *tracer.Process, addr uint64, n int) (data []byte, err error) {
	for len(data) < n && err == nil {
		part := make([]byte, min(n-len(data), chunk))
		var got int
		got, err = p.ReadRaw(addr+uint64(len(data)), part)
		data = append(data, part[:got]...)
	}
	return data, err
}

func (e *Env) getRegs(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	g, err := e.target("tid", b, args, kwargs)
	if err != nil {
		return nil, err
	}
	regs, err := g.Thread.Regs()
	if err != nil {
		return nil, err
	}
	dict := starlark.NewDict(len(arch.Registers))
	for _, r := range arch.Registers {
		dict.SetKey(starlark.String(r.Name), starlark.MakeUint64(r.Get(regs)))
	}
	return dict, nil
}

// A named is an argument that has values by name.
type named struct{ starlark.IterableMapping }

func (n *named) Unpack(v starlark.Value) error {
	var ok bool
	if n.IterableMapping, ok = v.(starlark.IterableMapping); !ok {
		return fmt.Errorf("got %s, want dict", v.Type())
	}
	return nil
}

// registers calls set with each register that n has. One that set does not know, or
// a value that does not fit its bits, is EINVAL.
func (n *named) registers(b *starlark.Builtin, t *tracer.Thread, bits func(name string) uint, set func(name string, u uint64)) error {
	for _, item := range n.Items() {
		name, _ := starlark.AsString(item[0])
		err := fmt.Errorf("there is no register %s", item[0])
		if width := bits(name); width > 0 {
			var u uint64
			if u, err = fit(item[1], width); err == nil {
				set(name, u)
				continue
			}
			err = fmt.Errorf("%s: %w", name, err)
		}
		return &tracer.Error{Op: requestOp(b), TID: t.TID, Err: fmt.Errorf("%w: %w", unix.EINVAL, err)}
	}
	return nil
}

func (e *Env) setRegs(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var values named
	g, err := e.target("tid", b, args, kwargs, "regs", &values)
	if err != nil {
		return nil, err
	}
	old, err := g.Thread.Regs()
	if err != nil {
		return nil, err
	}
	regs := *old
	err = values.registers(b, g.Thread, func(name string) uint {
		if r := arch.Lookup(name); r != nil {
			return uint(r.Bits)
		}
		return 0
	}, func(name string, u uint64) { arch.Lookup(name).Set(&regs, u) })
	if err != nil {
		return nil, err
	}
	return starlark.None, g.Thread.SetRegs(&regs)
}

// debugRegs are the numbers of the debug registers by name.
var debugRegs = map[string]int{"dr0": 0, "dr1": 1, "dr2": 2, "dr3": 3, "dr6": 6, "dr7": 7}

// readDebugRegs returns the debug registers of a thread.
func readDebugRegs(t *tracer.Thread) (dr [8]uint64, err error) {
	for _, n := range debugRegs {
		if dr[n], err = t.DebugReg(n); err != nil {
			return dr, err
		}
	}
	return dr, nil
}

func (e *Env) getDebugRegs(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	g, err := e.target("tid", b, args, kwargs)
	if err != nil {
		return nil, err
	}
	dr, err := readDebugRegs(g.Thread)
	if err != nil {
		return nil, err
	}
	dict := starlark.NewDict(len(debugRegs))
	for _, name := range []string{"dr0", "dr1", "dr2", "dr3", "dr6", "dr7"} {
		dict.SetKey(starlark.String(name), starlark.MakeUint64(dr[debugRegs[name]]))
	}
	return dict, nil
}

func (e *Env) setDebugRegs(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var values named
	g, err := e.target("tid", b, args, kwargs, "regs", &values)
	if err != nil {
		return nil, err
	}
	dr, err := readDebugRegs(g.Thread)
	if err != nil {
		return nil, err
	}
	err = values.registers(b, g.Thread, func(name string) uint {
		if _, ok := debugRegs[name]; ok {
			return 64
		}
		return 0
	}, func(name string, u uint64) { dr[debugRegs[name]] = u })
	if err != nil {
		return nil, err
	}
	return starlark.None, g.Thread.SetDebugRegs(dr)
}

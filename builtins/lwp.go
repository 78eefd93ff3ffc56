package builtins

import (
	"fmt"
	"math"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/arch"
)

// threadRequests are the requests of module ptrace that are about threads and what
// only this machine has.
var threadRequests = func() []method[*Env] {
	rows := []method[*Env]{
		{"setstep", "(tid)", "Let the thread stop after one instruction whenever its process goes on. PT_SETSTEP.", onThread((*tracer.Thread).SetStep)},
		{"clearstep", "(tid)", "Undo setstep. PT_CLEARSTEP.", onThread((*tracer.Thread).ClearStep)},
		{"suspend", "(tid)", "Hold the thread back when its process goes on. PT_SUSPEND.", onThread((*tracer.Thread).Suspend)},
		{"resume", "(tid)", "Undo suspend. PT_RESUME.", onThread((*tracer.Thread).Resume)},
		{"getfpregs", "(tid) -> bytes", "Return the x87 and SSE registers, 512 bytes as FXSAVE stores them (SDM volume 1, 10.5): fcw at 0, fsw at 2, mxcsr at 24, st0 from 32 on and xmm0 from 160 on, 16 bytes each. PT_GETFPREGS.", getArea((*tracer.Thread).FPRegs)},
		{"setfpregs", "(tid, regs)", "Write what getfpregs returns. Another length, and reserved bits in mxcsr, are EINVAL. PT_SETFPREGS.", setArea("regs", (*tracer.Thread).SetFPRegs)},
		{"getxstate", "(tid) -> bytes", "Return the extended registers as XSAVE stores them, in its standard form.", getArea(xstate)},
		{"setxstate", "(tid, area)", "Write what getxstate returns. Another length, and a header that is not valid, are EINVAL.", setArea("area", (*tracer.Thread).SetXState)},
		{"lwpinfo", "(id) -> struct", "Return struct(lwpid, event, flags, siginfo) of a thread, or of the one of a process that stopped last. event is \"signal\" if it has stopped its process or a signal waits for what becomes of it, else None. flags is a list of \"sce\" or \"scx\", where it enters or leaves a system call. siginfo is the record of its last signal, or None. PT_LWPINFO.", (*Env).lwpInfo},
		{"numlwps", "(pid) -> int", "Return the number of threads. PT_GETNUMLWPS.", (*Env).numLWPs},
		{"lwps", "(pid, max=None) -> list of int", "Return the IDs of the threads, the oldest first, at most max of them. A max of 0 and below is EINVAL. PT_GETLWPLIST.", (*Env).lwps},
	}
	for _, r := range []arch.Reg{arch.FSBase, arch.GSBase} {
		name := map[arch.Reg]string{arch.FSBase: "fsbase", arch.GSBase: "gsbase"}[r]
		rows = append(rows,
			method[*Env]{"get" + name, "(tid) -> int", "Return the register " + r.String() + ".", getBase(r)},
			method[*Env]{"set" + name, "(tid, addr)", "Write the register " + r.String() + ". An address outside user space is EINVAL.", setBase(r)})
	}
	return rows
}()

// call is the type of a request's function.
type call = func(*Env, *starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error)

// onThread returns the request that does something to a thread.
func onThread(do func(*tracer.Thread)) call {
	return func(e *Env, _ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		g, err := e.target("tid", b, args, kwargs)
		if err != nil {
			return nil, err
		}
		do(g.Thread)
		return starlark.None, nil
	}
}

func (e *Env) lwpInfo(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	g, err := e.target("id", b, args, kwargs)
	if err != nil {
		return nil, err
	}
	t := g.Stopped
	event, info := starlark.Value(starlark.None), starlark.Value(starlark.None)
	if t == g.Process.Thread() || t.Pending() != 0 {
		event = starlark.String("signal")
		if record, err := t.Siginfo(); err == nil {
			info = &siginfo{info: *record}
		}
	}
	var flags []starlark.Value
	switch t.SyscallPhase() {
	case tracer.Enter:
		flags = append(flags, starlark.String("sce"))
	case tracer.Exit:
		flags = append(flags, starlark.String("scx"))
	}
	return starlarkstruct.FromStringDict(starlarkstruct.Default, starlark.StringDict{
		"lwpid": starlark.MakeInt(t.TID), "event": event, "flags": starlark.NewList(flags), "siginfo": info,
	}), nil
}

func (e *Env) numLWPs(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	g, err := e.target("pid", b, args, kwargs)
	if err != nil {
		return nil, err
	}
	return starlark.MakeInt(len(g.Process.Threads())), nil
}

func (e *Env) lwps(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	limit := math.MaxInt
	g, err := e.target("pid", b, args, kwargs, "max??", &limit)
	if err != nil {
		return nil, err
	}
	if limit <= 0 {
		return nil, &tracer.Error{Op: requestOp(b), TID: g.Process.PID, Err: fmt.Errorf("%w: max is %d, want 1 or more", unix.EINVAL, limit)}
	}
	threads := g.Process.Threads()
	return listOf(threads[:min(limit, len(threads))], func(t *tracer.Thread) starlark.Value { return starlark.MakeInt(t.TID) }), nil
}

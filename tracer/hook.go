//go:build linux && amd64

package tracer

import (
	"errors"
	"slices"
)

// A Hook asks for the stops of one reason.
type Hook struct {
	p *Process
	o HookOptions
}

// HookOptions describe a Hook.
type HookOptions struct {
	Reason Reason
	Signal int // ReasonSignal: the only one, or 0 for all
	// ReasonSyscall: the only numbers, or nil for all, and the only phase, or
	// 0 for both. System calls of 32-bit code have other numbers, so only a
	// hook for all gets them.
	Syscalls []int
	Phase    Phase
	// Handler is called for each stop and says whether it surfaces; without
	// one all do. For ReasonExit and ReasonKilled, which always surface, the
	// answer does not matter.
	Handler func(*Stop) (surface bool, err error)
	// Fallback hooks say nothing of a stop that another hook asks for.
	Fallback bool
	// ReasonSyscall: call Handler while the other threads run on, which is much
	// cheaper where there are many. It may look at the process and at the thread
	// that stopped, and change the call, but what needs the others stopped is an
	// error. If it surfaces the stop, they are stopped then.
	Light bool
}

// On asks for stops. Reasons that nobody asks for cost the target nothing: only
// breakpoints, signals, exec and the end of the process surface unasked. A hook of a
// process that has ended is for when Restart launches it again.
func (p *Process) On(o HookOptions) (*Hook, error) {
	err := p.held()
	ended := err == ErrExited && p.command != nil
	if err != nil && !ended {
		return nil, &Error{Op: "on " + o.Reason.String(), TID: p.PID, Err: err}
	}
	if o.Light && (o.Reason != ReasonSyscall || o.Handler == nil) {
		return nil, &Error{Op: "on " + o.Reason.String(), TID: p.PID, Err: errors.New("only a handler of system calls can be light")}
	}
	h := &Hook{p, o}
	p.hooks = append(p.hooks, h)
	err = nil
	switch o.Reason {
	case ReasonLoad, ReasonUnload:
		if !ended {
			err = p.watchLinker()
		}
	case ReasonSyscall:
		if !p.filtered(h) {
			err = p.traceCalls()
		}
	}
	if err != nil {
		h.Remove()
		return nil, err
	}
	return h, nil
}

// Remove ends the hook. Removing twice is no error.
func (h *Hook) Remove() {
	h.p.hooks = slices.DeleteFunc(h.p.hooks, func(g *Hook) bool { return g == h })
	h.p.tracesCalls = h.p.tracesCalls && slices.ContainsFunc(h.p.hooks, func(g *Hook) bool {
		return g.o.Reason == ReasonSyscall && !h.p.filtered(g)
	})
}

func (h *Hook) matches(reason Reason, sig int) bool {
	return h.o.Reason == reason && (reason != ReasonSignal || h.o.Signal == 0 || h.o.Signal == sig)
}

// wants reports whether a hook or request asks for a reason.
func (p *Process) wants(reason Reason, sig int) bool {
	if p.parting {
		return false
	}
	return reason == ReasonSignal && p.sees.signals ||
		p.following != FollowParent && (reason == ReasonFork || reason == ReasonVfork) ||
		slices.ContainsFunc(p.hooks, func(h *Hook) bool { return h.matches(reason, sig) })
}

// hears calls the handlers of a system call while other threads run, if all of them
// are for that, and reports whether the thread goes on at once.
func (p *Process) hears(stop *Stop) bool {
	asks := func(h *Hook) bool { return h.matches(stop.Reason, 0) && h.admits(stop.Syscall) }
	if stop.Reason != ReasonSyscall || p.sees.call(stop.Syscall.Phase) || p.state != Running {
		return false
	}
	for _, h := range p.hooks {
		if asks(h) && !h.o.Light {
			return false
		}
	}
	stop.heard = true
	last, current := p.stop, p.current
	p.stop, p.current = stop, stop.Thread
	p.moves++ // what is known of the memory may be so no more
	p.tr.hearing = true
	defer func() { p.tr.hearing, p.stop, p.current = false, last, current }()
	for _, h := range slices.Clone(p.hooks) {
		if !asks(h) {
			continue
		}
		surface, err := h.o.Handler(stop)
		stop.surface, stop.err = stop.surface || surface, err
		if err != nil {
			break
		}
	}
	return !stop.surface && stop.err == nil
}

// consult lets breakpoints and hooks decide whether a stop surfaces.
func (p *Process) consult(stop *Stop) (bool, error) {
	if stop.heard {
		return stop.surface, stop.err
	}
	if stop.Reason == ReasonBreakpoint || stop.Reason == ReasonWatchpoint {
		surface, err := p.hit(stop)
		if err != nil || !surface || stop.Breakpoint == nil || stop.Breakpoint != p.linkHook {
			return surface, err
		}
		stop.Reason, stop.Breakpoint = stop.change, nil
	}
	asked := slices.DeleteFunc(slices.Clone(p.hooks), func(h *Hook) bool {
		return !h.matches(stop.Reason, stop.Signal) || !h.admits(stop.Syscall)
	})
	if slices.ContainsFunc(asked, func(h *Hook) bool { return !h.o.Fallback }) {
		asked = slices.DeleteFunc(asked, func(h *Hook) bool { return h.o.Fallback })
	}
	surface := false
	for _, h := range asked {
		if h.o.Handler == nil {
			surface = true
			continue
		}
		ok, err := h.o.Handler(stop)
		if err != nil {
			return false, err
		}
		surface = surface || ok
		if p.stop != stop {
			break // the handler moved the process
		}
	}
	switch stop.Reason {
	// These may have been pending when their hook was removed.
	case ReasonSyscall:
		return surface || p.sees.call(stop.Syscall.Phase), nil
	case ReasonThread, ReasonThreadExit, ReasonVforkDone, ReasonJobStop, ReasonLoad, ReasonUnload:
		return surface, nil
	case ReasonFork, ReasonVfork:
		return p.pursue(stop, surface)
	}
	return surface || len(asked) == 0, nil
}

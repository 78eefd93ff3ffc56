//go:build linux && amd64

package tracer

import "slices"

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
}

// On asks for stops. Reasons that nobody asks for cost the target nothing: only
// breakpoints, signals, exec and the end of the process surface unasked.
func (p *Process) On(o HookOptions) (*Hook, error) {
	if err := p.held(); err != nil {
		return nil, &Error{Op: "on " + o.Reason.String(), TID: p.PID, Err: err}
	}
	h := &Hook{p, o}
	p.hooks = append(p.hooks, h)
	var err error
	switch o.Reason {
	case ReasonLoad, ReasonUnload:
		err = p.watchLinker()
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

// consult lets breakpoints and hooks decide whether a stop surfaces.
func (p *Process) consult(stop *Stop) (bool, error) {
	if stop.Reason == ReasonBreakpoint || stop.Reason == ReasonWatchpoint {
		surface, err := p.hit(stop)
		if err != nil || !surface || stop.Breakpoint == nil || stop.Breakpoint != p.linkHook {
			return surface, err
		}
		stop.Reason, stop.Breakpoint = stop.change, nil
	}
	surface, asked := false, false
	for _, h := range slices.Clone(p.hooks) {
		if !h.matches(stop.Reason, stop.Signal) || !h.admits(stop.Syscall) {
			continue
		}
		asked = true
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
	case ReasonThread, ReasonThreadExit, ReasonVforkDone, ReasonLoad, ReasonUnload:
		return surface, nil
	case ReasonFork, ReasonVfork:
		return p.pursue(stop, surface)
	}
	return surface || !asked, nil
}

package builtins

import (
	"context"
	"fmt"
	"time"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
)

// A checkpoint is a copy of a process to go back to.
type checkpoint struct {
	handle
	p *process
	c *tracer.Checkpoint
}

var checkpointClass = newClass("checkpoint",
	"A copy of a process, to go back to it as it was, as often as wanted. It was made by a fork that was injected and never runs. "+
		"What the kernel keeps of the process is not copied: files have what was written to them since, the places in regular files alone are put back, but for those that the debugger prints to; memory that is mapped as shared stays as it is; pipes and sockets are drained. "+
		"It takes the memory of the pages that the process changes, and ends with drop, with the process's detach, and with the script.",
	[]attribute[*checkpoint]{
		{"process", "process", "The process that it was made of.", func(c *checkpoint) (starlark.Value, error) { return c.p, nil }},
	}, []method[*checkpoint]{
		{"restart", "() -> process",
			"Bring the process back to where it was, whatever has become of it since, its end included, and return it. Its breakpoints, watchpoints, hooks and their handlers stay as they are now; those on what was mapped later wait. The pid and the thread are new, p.stop is what it was then. Its standard streams stay: what it printed since stays printed.",
			(*checkpoint).restart},
		{"fork", "(follow=\"parent\") -> process", "Make another process of the checkpoint, beside the one that it was made of. It is where that was, without breakpoints and hooks. follow is that of launch.", (*checkpoint).fork},
		{"recycle", "(process)", "End a process that fork has made, as p.kill() does. If what it did can be undone, the next fork takes it, with the same pid, in a fraction of the time of a copy. That is so for a process of one thread that has stopped for a signal and has but read, written, opened and mapped files, and allocated memory. What it has written to files stays. From the first call on, what fork makes has a filter that tells of its system calls, and cannot be detached.", (*checkpoint).recycle},
		{"drop", "()", "End the checkpoint. The processes that were made of it stay.", (*checkpoint).drop},
	})

var _ starlark.HasAttrs = (*checkpoint)(nil)

func (c *checkpoint) policy() *Policy { return c.p.policy() }

func (c *checkpoint) String() string                           { return fmt.Sprintf("<checkpoint of process %d>", c.p.p.PID) }
func (c *checkpoint) Type() string                             { return "checkpoint" }
func (c *checkpoint) Hash() (uint32, error)                    { return 0, unhashable(c) }
func (c *checkpoint) Attr(name string) (starlark.Value, error) { return checkpointClass.attr(c, name) }
func (c *checkpoint) AttrNames() []string                      { return checkpointClass.names() }

// MarshalJSON encodes of which process it is.
func (c *checkpoint) MarshalJSON() ([]byte, error) {
	return encode(struct {
		PID int `json:"pid"`
	}{c.p.p.PID})
}

// checkpoint makes a checkpoint.
func (p *process) checkpoint(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	c, err := p.p.Checkpoint()
	if err != nil {
		return nil, err
	}
	return &checkpoint{p: p, c: c}, nil
}

func (c *checkpoint) restart(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	if _, err := c.c.Restart(); err != nil {
		return nil, err
	}
	c.p.last = nil
	c.p.env.add(c.p)
	return c.p, nil
}

func (c *checkpoint) fork(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var f follow
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "follow?", &f); err != nil {
		return nil, err
	}
	q, err := c.c.Fork()
	if err != nil {
		return nil, err
	}
	q.SetFollow(tracer.Follow(f))
	return c.p.env.process(q), nil
}

func (c *checkpoint) recycle(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var q *process
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "process", &q); err != nil {
		return nil, err
	}
	if err := c.c.Recycle(q.p); err != nil {
		return nil, err
	}
	q.closeStdin()
	return starlark.None, nil
}

func (c *checkpoint) drop(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(b.Name(), args, kwargs); err != nil {
		return nil, err
	}
	if err := c.c.Drop(); err != nil {
		return nil, err
	}
	return starlark.None, nil
}

// contFatal lets a process and its children go on until one of them is about to die.
func (p *process) contFatal(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var limit timeout
	var o tracer.RunOptions
	var m message
	settle := timeout(time.Second)
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "timeout??", &limit, "memory??", &o.Memory, "send??", &m, "settle??", &settle); err != nil {
		return nil, err
	}
	if m.port != 0 {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		o.Talk = func(over <-chan struct{}, ready, answered func()) bool {
			go func() {
				<-over
				cancel()
			}()
			return m.send(ctx, ready, answered)
		}
	}
	o.Timeout, o.Settle = time.Duration(limit), time.Duration(settle)
	if o.Memory < 0 {
		return nil, fmt.Errorf("%s: memory is %d, want a number of bytes", b.Name(), o.Memory)
	}
	var s *tracer.Stop
	err := p.env.running(thread, func() (err error) {
		s, err = p.p.ContFatal(&o)
		return err
	})
	if p.p.State() == tracer.Exited {
		p.closeStdin()
	}
	if err != nil {
		return nil, err
	}
	stop := p.stop(s)
	if m.port != 0 && !m.taken && (s.Reason == tracer.ReasonExit || s.Reason == tracer.ReasonTimeout) {
		return nil, fmt.Errorf("%s: nothing has listened on port %d of 127.0.0.1: %s", b.Name(), m.port, stop)
	}
	return stop, nil
}

//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/core"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/unwind"
)

// A Core is a process as a core has it. It can be looked at as a Process that is
// stopped, and does not run.
type Core struct {
	*core.Core
	target
	threads []*CoreThread
	stop    *Stop
}

// A CoreThread is a thread of a Core.
type CoreThread struct {
	TID int
	t   *core.Thread
	c   *Core
	x   *arch.XState // once it was asked for
}

// OpenCore opens a core.
func (tr *Tracer) OpenCore(path string, o *core.Options) (*Core, error) {
	file, err := core.Open(path, o)
	if err != nil {
		return nil, fmt.Errorf("open core: %w", err)
	}
	c := &Core{Core: file, target: target{tr: tr}}
	c.of = c
	for _, t := range file.Threads() {
		c.threads = append(c.threads, &CoreThread{TID: t.TID, t: t, c: c})
	}
	c.stop = &Stop{Reason: ReasonInterrupt}
	if t := c.Thread(); t != nil {
		c.stop.PC = t.t.Regs.PC()
		if sig := file.Signal(); sig != 0 {
			c.stop.Reason, c.stop.Signal = ReasonSignal, sig
		}
		if info := t.Siginfo(); info != nil && info.Signo() == c.stop.Signal {
			c.stop.siginfo, c.stop.hasSiginfo = *info, true
		}
	}
	return c, nil
}

// PID returns the process ID.
func (c *Core) PID() int { return c.Psinfo().PID }

// Threads returns the threads, the one that stopped first.
func (c *Core) Threads() []*CoreThread { return c.threads }

// Thread returns the thread that stopped, or nil for a core that was cut before its
// threads.
func (c *Core) Thread() *CoreThread {
	if len(c.threads) == 0 {
		return nil
	}
	return c.threads[0]
}

// Stop returns what the process was stopped by when the core was written: a signal,
// with ReasonSignal, or else a debugger, with ReasonInterrupt. Its Thread is nil:
// it is that of the Core.
func (c *Core) Stop() *Stop { return c.stop }

// ReadAt reads memory. It returns the number of bytes read; where that is less than
// len(buf), the error says why.
func (c *Core) ReadAt(addr uint64, buf []byte) (int, error) {
	n, err := c.Core.ReadAt(addr, buf)
	if err != nil {
		err = &Error{Op: "read", TID: c.PID(), Addr: addr + uint64(n), At: true, Err: err}
	}
	return n, err
}

// Maps returns the mappings in order of address.
func (c *Core) Maps() ([]procfs.Mapping, error) { return c.Core.Maps(), nil }

func (c *Core) id() int                                    { return c.PID() }
func (c *Core) held() error                                { return nil }
func (c *Core) epoch() uint64                              { return 0 }
func (c *Core) auxv() map[uint64]uint64                    { return c.Auxv() }
func (c *Core) open(m procfs.Mapping) (*image.File, error) { return c.OpenMapped(m) }

func (c *Core) registers() (*arch.Regs, error) {
	t := c.Thread()
	if t == nil {
		return nil, ErrCut
	}
	return t.Regs()
}

// searchable implements subject. A core has what was touched and nothing else.
func (c *Core) searchable() ([]procfs.Mapping, *pagemap, error) {
	return c.Readable(), &pagemap{fd: -1}, nil
}

// ErrCut is the error for the threads of a core that was cut before them.
var ErrCut = errors.New("the core was cut before its threads")

// Name returns the name of the thread, which is known of the oldest only.
func (t *CoreThread) Name() string { return t.t.Name() }

// Regs returns the general registers.
func (t *CoreThread) Regs() (*arch.Regs, error) { return &t.t.Regs, nil }

// XReg returns the value of a register of the extended state, the low byte first.
func (t *CoreThread) XReg(r *arch.XRegister) ([]byte, error) {
	var err error
	if t.x == nil {
		t.x, err = t.t.XState()
	}
	var v []byte
	if err == nil {
		v, err = t.x.Get(r)
	}
	if err != nil {
		return nil, &Error{Op: "read " + r.Name, TID: t.TID, Err: err}
	}
	return v, nil
}

// DebugReg returns an error: cores do not have debug registers.
func (t *CoreThread) DebugReg(n int) (uint64, error) {
	return 0, &Error{Op: fmt.Sprintf("read dr%d", n), TID: t.TID, Err: errors.New("cores do not have debug registers")}
}

// Sigmask returns the signals that the thread blocked, bit n-1 for signal n.
func (t *CoreThread) Sigmask() (uint64, error) { return t.t.Sigmask, nil }

// Siginfo returns the record of the signal that stopped the thread, or nil if the
// core has none.
func (t *CoreThread) Siginfo() *Siginfo {
	if len(t.t.Siginfo) == 0 {
		return nil
	}
	info := Siginfo(t.t.Siginfo)
	if info.Signo() == 0 {
		return nil
	}
	return &info
}

// Frames returns the thread's stack, as Thread.Frames does.
func (t *CoreThread) Frames(max int) ([]*Frame, error) {
	return t.c.stack(t, &t.t.Regs, unwind.AllRegs, max, 0)
}

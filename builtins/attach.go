package builtins

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// attach traces a running process.
func (e *Env) attach(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var who programOrPID
	var f follow
	var wait bool
	var limit timeout
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "pid", &who, "follow?", &f, "wait?", &wait, "timeout??", &limit); err != nil {
		return nil, err
	}
	p, err := e.attachTo(thread, who, wait, limit)
	if err != nil {
		return nil, err
	}
	p.SetFollow(tracer.Follow(f))
	e.focus.process = e.process(p)
	return e.focus.process, nil
}

func (e *Env) attachTo(thread *starlark.Thread, who programOrPID, wait bool, limit timeout) (*tracer.Process, error) {
	switch {
	case wait && who.name == "":
		return nil, errors.New("attach: wait is for a name, as the process ID of what is to start is not known")
	case limit != 0 && !wait:
		return nil, errors.New("attach: timeout is for wait=True")
	case wait:
		return e.awaitProgram(thread, who.name, time.Duration(limit))
	case who.name == "":
		return e.tr.Attach(who.pid)
	}
	var found []int
	pids, err := procfs.Processes()
	for _, pid := range pids {
		if runs(pid, who.name) && pid != os.Getpid() {
			found = append(found, pid)
		}
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("attach: %w", err)
	case len(found) == 0:
		return nil, fmt.Errorf("attach: no process is named %q (wait=True waits for one)", who.name)
	case len(found) > 1:
		return nil, fmt.Errorf("attach: %d processes are named %q: %s", len(found), who.name, strings.Trim(fmt.Sprint(found), "[]"))
	}
	return e.tr.Attach(found[0])
}

// A programOrPID is an argument that is the name of a program or a process ID.
type programOrPID struct {
	name string
	pid  int
}

func (w *programOrPID) Unpack(v starlark.Value) error {
	if name, ok := starlark.AsString(v); ok {
		if w.name = name; name == "" {
			return errors.New("got an empty name")
		}
		return nil
	}
	if err := starlark.AsInt(v, &w.pid); err != nil {
		return fmt.Errorf("%w, or the name of a program", err)
	}
	return nil
}

// isNamed reports whether a process with a name of its own and a program goes by name,
// which may be a path.
func isNamed(name, comm, exe string) bool {
	return name == comm || name == exe || name == filepath.Base(exe)
}

// runs reports whether a process goes by name.
func runs(pid int, name string) bool {
	comm, err := procfs.Comm(pid)
	if err != nil {
		return false
	}
	exe, _ := procfs.Exe(pid)
	return isNamed(name, comm, exe)
}

// awaitProgram waits for a process that begins to go by name, and attaches to it. One that
// ends before that is possible is passed over.
func (e *Env) awaitProgram(thread *starlark.Thread, name string, limit time.Duration) (*tracer.Process, error) {
	const (
		poll  = time.Millisecond
		young = 2000 // polls: how long a process is asked each time, as it may be about to exec
		each  = 64   // polls: how often the others are
	)
	type known struct {
		since int  // poll that saw it first
		named bool // went by the name before
	}
	seen := make(map[int]known)
	deadline := time.Now().Add(limit)
	for n := 0; ; n++ {
		pids, err := procfs.Processes()
		if err != nil {
			return nil, fmt.Errorf("attach: %w", err)
		}
		now := make(map[int]known, len(pids))
		for _, pid := range pids {
			k, old := seen[pid]
			switch {
			case !old && n == 0:
				k = known{-young, runs(pid, name)}
			case !old:
				k.since = n
			}
			if n > 0 && !k.named && (n-k.since < young || (n+pid)%each == 0) && runs(pid, name) {
				p, err := e.tr.Attach(pid)
				if err == nil || !gone(pid) {
					return p, err
				}
				k.named = true
			}
			now[pid] = k
		}
		seen = now
		if limit > 0 && time.Now().After(deadline) {
			return nil, fmt.Errorf("attach: no process named %q has started within %v", name, limit)
		}
		if err := pause(thread, poll); err != nil {
			return nil, err
		}
	}
}

// gone reports whether a process has ended, perhaps unseen by its parent.
func gone(pid int) bool {
	status, err := procfs.Status(pid)
	return err != nil || status.State == 'Z' || status.State == 'X'
}

// sleep lets time pass.
func (e *Env) sleep(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var d timeout
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "seconds", &d); err != nil {
		return nil, err
	}
	return starlark.None, pause(thread, time.Duration(d))
}

// pause lets d pass, or less if the thread is canceled.
func pause(thread *starlark.Thread, d time.Duration) error {
	const poll = 20 * time.Millisecond
	for end := time.Now().Add(d); ; {
		if err := canceled(thread); err != nil {
			return err
		}
		rest := time.Until(end)
		if rest <= 0 {
			return nil
		}
		time.Sleep(min(rest, poll))
	}
}

// list lists the processes of the machine.
func (e *Env) list(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var name string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name??", &name); err != nil {
		return nil, err
	}
	pids, err := procfs.Processes()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	var found []starlark.Value
	for _, pid := range pids {
		// What ends meanwhile is left out. Of kernel threads and of other
		// users' processes the program is not known.
		status, err := procfs.Status(pid)
		if err != nil {
			continue
		}
		exe, _ := procfs.Exe(pid)
		argv, _ := procfs.Cmdline(pid)
		if name != "" && !isNamed(name, status.Name, exe) {
			continue
		}
		found = append(found, starlarkstruct.FromStringDict(starlarkstruct.Default, starlark.StringDict{
			"pid":  starlark.MakeInt(pid),
			"exe":  optional(exe),
			"argv": listOf(argv, newString),
			"uid":  starlark.MakeInt(status.Uid),
		}))
	}
	return starlark.NewList(found), nil
}

package builtins

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"strings"
	"syscall"

	"go.starlark.net/starlark"
)

// shell runs a line of words as a shell does, untraced.
func (e *Env) shell(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var line string
	var input starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "line", &line, "input??", &input); err != nil {
		return nil, err
	}
	cmd := osexec.Command(cmp.Or(os.Getenv("SHELL"), "/bin/sh"), "-c", line)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, direct(e.Stdout), direct(e.Stderr)
	if input != nil {
		var text blob
		if err := text.Unpack(input); err != nil {
			return nil, fmt.Errorf("%s: input: %w", b.Name(), err)
		}
		cmd.Stdin = strings.NewReader(string(text))
	}
	if e.allowed.check("env", MayEnv) != nil {
		cmd.Env = []string{}
	}
	aside := e.Aside
	if aside == nil {
		aside = func(f func()) { f() }
	}
	var err error
	aside(func() {
		done := make(chan error)
		go func() { done <- cmd.Run() }() // it must not be a child of the thread that traces
		err = <-done
	})
	if exit, ok := errors.AsType[*osexec.ExitError](err); ok {
		status := exit.Sys().(syscall.WaitStatus)
		if status.Signaled() {
			return starlark.MakeInt(128 + int(status.Signal())), nil
		}
		return starlark.MakeInt(status.ExitStatus()), nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return starlark.MakeInt(0), nil
}

// direct returns the file that a writer has behind it, if it has one, so that a program
// finds a terminal there, or else the writer.
func direct(w io.Writer) io.Writer {
	if has, ok := w.(interface{ File() *os.File }); ok && has.File() != nil {
		return has.File()
	}
	return w
}

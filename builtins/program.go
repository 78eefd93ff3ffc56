package builtins

import (
	"slices"

	"go.starlark.net/starlark"
)

// This file shows programs that do not run. The value of one is a process without a
// tracer.Process, as that of a core is.

// program opens the file of a program.
func (e *Env) program(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var path string
	var bias address
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "path", &path, "bias?", &bias); err != nil {
		return nil, err
	}
	if err := e.allowed.file(b.Name(), path); err != nil {
		return nil, err
	}
	file, err := e.tr.OpenProgram(path, uint64(bias))
	if err != nil {
		return nil, err
	}
	p := &process{env: e, file: file, in: file}
	if e.focus.process == nil {
		e.focus.process = p
	}
	return p, nil
}

var programClass = func() *class[*process] {
	names := slices.DeleteFunc(lookers(), func(name string) bool {
		return slices.Contains([]string{"pid", "regs", "frame", "frames", "unwinder"}, name)
	})
	attributes, methods := processClass.pick(names...)
	return newClass("program",
		"The file of a program or library that does not run. It has what of a process needs no thread: code and data are those of the file, as if it had just been loaded and nothing in it been relocated, at the addresses it was linked for plus a bias. It cannot be written to. argv is its path.",
		append(attributes, attribute[*process]{"state", "str", "\"file\".", func(p *process) (starlark.Value, error) {
			return starlark.String(p.state()), nil
		}}),
		methods)
}()

// ran returns the file of the program of a process.
func (p *process) ran() (starlark.Value, error) {
	if err := p.env.allowed.file("program", p.in.Exe()); err != nil {
		return nil, err
	}
	file, err := p.p.Program()
	if err != nil {
		return nil, err
	}
	return &process{env: p.env, file: file, in: file}, nil
}

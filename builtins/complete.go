package builtins

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// This file has what a line editor completes words with. All of it is read and nothing
// called, and each function returns what begins with a prefix, in no order.

// Parameters returns the names of the parameters of a function.
func (e *Env) Parameters(fn starlark.Value) (names []string) {
	switch fn := fn.(type) {
	case *starlark.Function:
		for i := range fn.NumParams() {
			name, _ := fn.Param(i)
			names = append(names, name)
		}
	case *starlark.Builtin:
		name := fn.Name()
		if recv := fn.Receiver(); recv != nil {
			name = recv.Type() + "." + name
		}
		if sig, ok := SignatureOf(name); ok {
			for _, p := range sig.Params {
				names = append(names, p.Name)
			}
		}
	}
	return names
}

// images returns the images of what commands act on.
func (e *Env) images() []*image.Image {
	if e.focus.process == nil {
		return nil
	}
	images, _ := e.focus.process.in.Images()
	return images
}

// Warm reads the symbols of what commands act on in the background, so that the first
// word that is completed does not wait for them.
func (e *Env) Warm() {
	images := e.images()
	if slices.Equal(images, e.warmed) {
		return
	}
	e.warmed = images
	go func() {
		for _, im := range images {
			im.Match("")
			im.At(im.Start)
		}
	}()
}

// Symbols returns names of symbols.
func (e *Env) Symbols(prefix string) (names []string) {
	for _, im := range e.images() {
		for _, s := range im.Match(strings.ReplaceAll(prefix, "*", "?") + "*") {
			if name := s.Demangled(); strings.HasPrefix(name, prefix) {
				names = append(names, name)
			} else if strings.HasPrefix(s.Name, prefix) {
				names = append(names, s.Name)
			}
		}
	}
	return names
}

// Sources returns source files, each by the last element of its path, and behind a
// colon the lines that code comes from.
func (e *Env) Sources(prefix string) (names []string) {
	file, line, ok := strings.Cut(prefix, ":")
	for _, im := range e.images() {
		if ok {
			lines, _ := im.Lines(file)
			for _, l := range lines {
				if n := strconv.Itoa(l.Line); l.Line > 0 && strings.HasPrefix(n, line) {
					names = append(names, file+":"+n)
				}
			}
			continue
		}
		data, err := im.DWARF()
		if err != nil || data == nil {
			continue
		}
		for _, f := range data.Sources() {
			if name := filepath.Base(f); strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Types returns the names of types, in C without struct and the like before them too.
func (e *Env) Types(prefix string) (names []string) {
	for _, im := range e.images() {
		found, _ := im.Types(strings.ReplaceAll(prefix, "*", "?") + "*")
		for _, name := range found {
			if _, short, ok := strings.Cut(name, " "); ok && !strings.HasPrefix(name, prefix) {
				name = short
			}
			if strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Variables returns the arguments and variables of the frame that commands act on.
func (e *Env) Variables(prefix string) (names []string) {
	t := e.focus.current()
	if t == nil {
		return nil
	}
	v, err := focusClass.attr(e.focus, "frame")
	if f, ok := v.(*frame); ok && err == nil {
		args, _ := f.f.Args()
		locals, _ := f.f.Locals()
		for _, v := range slices.Concat(args, locals) {
			if strings.HasPrefix(v.Name, prefix) {
				names = append(names, v.Name)
			}
		}
	}
	return names
}

// Members returns the names of the members of the object that an expression is, or that it
// points to. It calls nothing of the target.
func (e *Env) Members(expr string) (names []string) {
	p := e.focus.process
	if p == nil {
		return nil
	}
	eval := p.in.Eval
	if v, err := focusClass.attr(e.focus, "frame"); err == nil {
		if f, ok := v.(*frame); ok {
			eval = f.f.Eval
		}
	}
	v, err := eval(expr, &tracer.EvalOptions{ReadOnly: errors.New("it is only looked at")})
	if err != nil {
		return nil
	}
	t, err := v.Type().Strip()
	if err == nil && t != nil && (t.Kind == debuginfo.Pointer || t.Kind == debuginfo.Reference || t.Kind == debuginfo.RvalueReference) {
		if t, err = t.Elem(); err == nil && t != nil {
			t, err = t.Strip()
		}
	}
	if err != nil || t == nil {
		return nil
	}
	return membersOf(t, 0)
}

// membersOf returns the names of the members of a type and of its base classes.
func membersOf(t *debuginfo.Type, depth int) (names []string) {
	const deepest = 16
	fields, _ := t.Fields()
	for i := range fields {
		f := &fields[i]
		if f.Name != "" {
			names = append(names, f.Name)
			continue
		}
		if inner, err := f.Type(); err == nil && inner != nil && depth < deepest {
			if inner, err = inner.Strip(); err == nil && inner != nil {
				names = append(names, membersOf(inner, depth+1)...)
			}
		}
	}
	return names
}

// Registers returns the names of registers with a dollar sign.
func (e *Env) Registers(prefix string) (names []string) {
	for _, name := range new(regs).AttrNames() {
		if name = "$" + name; strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names
}

// Running returns the IDs of the machine's processes, each with its name behind it.
func (e *Env) Running(prefix string) (names []string) {
	if e.allowed.check("processes", MayAttach) != nil {
		return nil
	}
	pids, _ := procfs.Processes()
	for _, pid := range pids {
		if status, err := procfs.Status(pid); err == nil {
			if name := fmt.Sprintf("%d %s", pid, status.Name); strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
	}
	return names
}

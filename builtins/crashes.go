package builtins

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
	"github.com/tracelark/tracelark/tracer/triage"
)

// crashFunctions are the members of the module crashes.
var crashFunctions = []method[*Env]{
	{"crash", "(x, output=None, near_null=0x10000, ignore=[], ignore_files=[], ignore_images=[]) -> crash",
		"Look at the crash of a stop, of a process that is stopped or of a core. output is what the process wrote to its standard error, in which reports of sanitizers and panics are looked for; without it that is known if the process was launched with stderr=CAPTURE. " +
			"Addresses below near_null are near the null pointer. ignore, ignore_files and ignore_images are regular expressions for whole names of functions, paths of source files and names of ELF files that stack and keys leave out, besides those of the languages' own libraries and of sanitizers. " +
			"Of a process that has ended, its output alone is looked at; if that has no report it is an error.",
		(*Env).crashOf},
	{"sanitizer", "(text) -> report or None",
		"Return the first report of AddressSanitizer, HWAddressSanitizer, UndefinedBehaviorSanitizer, MemorySanitizer, ThreadSanitizer, LeakSanitizer or libFuzzer in a text.",
		(*Env).sanitizer},
	{"similarity", "(frames_a, frames_b) -> float",
		"Return how alike two stacks are, from 0.0 to 1.0. A stack is a crash, or a list of strings or frames, the innermost first. Frames that both have in the same order count, and less the further they are from the innermost one and from each other's place.",
		(*Env).similarity},
	{"cluster", "(crashes, distance=0.3, old=[]) -> list of list of int",
		"Group crashes by their stacks, so that any two of a group are less than distance (1 - similarity) apart, joining the nearest first. The result has the indices of crashes, each group sorted, in the order of their first ones; the groups are the same whatever the order of crashes. " +
			"A crash is one, a dict with \"stack\", or a stack as similarity takes them. old has groups of such crashes, from before, that stay together: the groups of the result begin with what joins each of these, which may be nothing.",
		(*Env).cluster},
	{"summary", "(cases, distance=0.3) -> dict",
		"Group cases, dicts of \"case\", \"name\", \"severity\" and \"stack\" such as tracelark triage leaves in cases.jsonl, as cluster does, and return what tracelark cluster prints: a dict of \"cases\", \"unique\" (distinct stacks) and \"clusters\", the worst first, each a dict of \"id\", \"size\", \"unique\", \"name\", \"severity\", \"cases\" and \"stack\".",
		(*Env).summary},
	{"origin", "(frame, register, value=None, callee=None) -> struct or None",
		"Say where the value in a general register of a frame comes from, by the instructions of its function. kind is \"memory\", with addr and size (1 to 8 bytes) of where it was loaded from and still is, \"call\" if a function returned it, both with inst, or \"caller\" if it was in the register register when the function was entered, where it was value, if that is known: ask that of the next frame, with this value, and with the address of the function for callee, which may have been entered by the jump of another one. None if it cannot be told.",
		(*Env).origin},
}

// crashesModule returns the module crashes.
func (e *Env) crashesModule() *starlarkstruct.Module {
	m := &starlarkstruct.Module{Name: "crashes", Members: make(starlark.StringDict)}
	for _, f := range crashFunctions {
		m.Members[f.name] = f.bind(e, "crashes."+f.name)
	}
	return m
}

func init() {
	chapters = append(chapters, func() {
		topic := newTopic("crashes", "", "What std/triage.star is made of: looks at crashes, and tells them apart.")
		for _, f := range crashFunctions {
			topic.add("crashes."+f.name, f.sig, f.doc)
		}
	})
}

// crashOf looks at a crash.
func (e *Env) crashOf(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var x starlark.Value
	var output *blob
	var text blob
	var near address
	var functions, files, images names
	o := new(tracer.CrashOptions)
	given := optionalBlob{&text, &output}
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "x", &x, "output??", &given, "near_null?", &near,
		"ignore??", &functions, "ignore_files??", &files, "ignore_images??", &images); err != nil {
		return nil, err
	}
	o.NearNull = uint64(near)
	for kind, list := range map[string]names{"function": functions, "file": files, "image": images} {
		for _, expr := range list {
			o.Ignore = append(o.Ignore, triage.Pattern{Kind: kind, Regexp: expr})
		}
	}
	var p *process
	var s *tracer.Stop
	switch x := x.(type) {
	case *stop:
		p, s = x.p, x.s
	case *process:
		p = x
		if x.p != nil {
			s = x.p.Stop()
		}
	default:
		return nil, fmt.Errorf("%s: for parameter x: got %s, want a stop, process or core", b.Name(), x.Type())
	}
	if p.file != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), tracer.ErrNotRunning)
	}
	if p.core == nil && s == nil {
		return nil, fmt.Errorf("%s: the process is only observed: attach to it", b.Name())
	}
	if output != nil {
		o.Output = string(*output)
	} else if p.stderr != nil {
		o.Output = p.stderr.soFar()
	}
	var c *triage.Crash
	var err error
	if p.core != nil {
		c, err = p.core.Crash(o)
	} else {
		c, err = s.Crash(o)
	}
	if err != nil {
		return nil, err
	}
	return &crash{c: c}, nil
}

// An optionalBlob is an argument of bytes that may be None.
type optionalBlob struct {
	text *blob
	to   **blob
}

func (o *optionalBlob) Unpack(v starlark.Value) error {
	*o.to = o.text
	return o.text.Unpack(v)
}

// names is an argument that is a list of strings.
type names []string

func (n *names) Unpack(v starlark.Value) error {
	list, ok := v.(starlark.Iterable)
	if !ok {
		return fmt.Errorf("got %s, want a list of strings", v.Type())
	}
	*n = nil
	for elem := range starlark.Elements(list) {
		s, ok := starlark.AsString(elem)
		if !ok {
			return fmt.Errorf("got %s in the list, want a string", elem.Type())
		}
		*n = append(*n, s)
	}
	return nil
}

func (e *Env) sanitizer(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var text blob
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "text", &text); err != nil {
		return nil, err
	}
	return newReport(triage.ParseReport(string(text))), nil
}

// A trace is an argument that is a stack, or a crash that has one.
type trace []string

func (t *trace) Unpack(v starlark.Value) error {
	if c, ok := v.(*crash); ok {
		*t = c.c.Trace
		return nil
	}
	if d, ok := v.(starlark.Mapping); ok {
		stack, found, err := d.Get(starlark.String("stack"))
		if err != nil || !found {
			return fmt.Errorf("the dict of a crash has no \"stack\"")
		}
		v = stack
	}
	list, ok := v.(starlark.Iterable)
	if !ok {
		return fmt.Errorf("got %s, want a crash or a list of frames", v.Type())
	}
	*t = trace{}
	for elem := range starlark.Elements(list) {
		switch f := elem.(type) {
		case starlark.String:
			*t = append(*t, string(f))
		case *crashFrame:
			*t = append(*t, f.f.Text())
		case *frame:
			d := f.f.Describe()
			*t = append(*t, d.Text())
		default:
			return fmt.Errorf("got %s in the list, want a frame or its text", elem.Type())
		}
	}
	return nil
}

func (e *Env) similarity(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var x, y trace
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "frames_a", &x, "frames_b", &y); err != nil {
		return nil, err
	}
	return starlark.Float(triage.Similarity(x, y)), nil
}

// traces is an argument that is a list of crashes.
type traces [][]string

func (t *traces) Unpack(v starlark.Value) error {
	list, ok := v.(starlark.Iterable)
	if !ok {
		return fmt.Errorf("got %s, want a list of crashes", v.Type())
	}
	n := 0
	for elem := range starlark.Elements(list) {
		var one trace
		if err := one.Unpack(elem); err != nil {
			return fmt.Errorf("element %d: %w", n, err)
		}
		*t = append(*t, one)
		n++
	}
	return nil
}

// groups is an argument that is a list of lists of crashes.
type groups []traces

func (g *groups) Unpack(v starlark.Value) error {
	list, ok := v.(starlark.Iterable)
	if !ok {
		return fmt.Errorf("got %s, want a list of groups of crashes", v.Type())
	}
	for elem := range starlark.Elements(list) {
		var one traces
		if err := one.Unpack(elem); err != nil {
			return fmt.Errorf("group %d: %w", len(*g), err)
		}
		*g = append(*g, one)
	}
	return nil
}

func (e *Env) cluster(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var list traces
	var old groups
	distance := distanceArg(triage.DefaultDistance)
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "crashes", &list, "distance?", &distance, "old??", &old); err != nil {
		return nil, err
	}
	var all [][]string
	var sizes []int
	for _, g := range old {
		all = append(all, g...)
		sizes = append(sizes, len(g))
	}
	first := len(all)
	clusters := triage.Cluster(append(all, list...), float64(distance), sizes...)
	return listOf(clusters, func(group []int) starlark.Value {
		var members []starlark.Value
		for _, i := range group {
			if i >= first {
				members = append(members, starlark.MakeInt(i-first))
			}
		}
		return starlark.NewList(members)
	}), nil
}

// A caseArg is an argument that is a case.
type caseArg triage.Case

func (c *caseArg) Unpack(v starlark.Value) error {
	d, ok := v.(starlark.Mapping)
	if !ok {
		return fmt.Errorf("got %s, want a dict", v.Type())
	}
	var severity string
	for name, to := range map[string]*string{"case": &c.Case, "name": &c.Name, "severity": &severity} {
		x, found, err := d.Get(starlark.String(name))
		if err != nil || !found {
			return fmt.Errorf("the dict of a case has no %q", name)
		}
		if *to, ok = starlark.AsString(x); !ok {
			return fmt.Errorf("%s is a %s, want a string", name, x.Type())
		}
	}
	c.Severity = triage.Severity(severity)
	return (*trace)(&c.Stack).Unpack(v)
}

func (e *Env) summary(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var list starlark.Iterable
	distance := distanceArg(triage.DefaultDistance)
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "cases", &list, "distance?", &distance); err != nil {
		return nil, err
	}
	var cases []triage.Case
	for elem := range starlark.Elements(list) {
		var c caseArg
		if err := c.Unpack(elem); err != nil {
			return nil, fmt.Errorf("%s: element %d: %w", b.Name(), len(cases), err)
		}
		cases = append(cases, triage.Case(c))
	}
	s := triage.Summarize(cases, float64(distance))
	clusters := listOf(s.Clusters, func(m *triage.Members) starlark.Value {
		return dictOf("id", starlark.MakeInt(m.ID), "size", starlark.MakeInt(m.Size), "unique", starlark.MakeInt(m.Unique), "name", starlark.String(m.Name),
			"severity", starlark.String(m.Severity), "cases", listOf(m.Cases, newString), "stack", listOf(m.Stack, newString))
	})
	return dictOf("cases", starlark.MakeInt(s.Cases), "unique", starlark.MakeInt(s.Unique), "clusters", clusters), nil
}

// dictOf returns a dict of names and values in turns.
func dictOf(pairs ...any) *starlark.Dict {
	d := new(starlark.Dict)
	for i := 0; i < len(pairs); i += 2 {
		d.SetKey(starlark.String(pairs[i].(string)), pairs[i+1].(starlark.Value)) // a string can be hashed
	}
	return d
}

// A distanceArg is an argument that is a distance of stacks.
type distanceArg float64

func (d *distanceArg) Unpack(v starlark.Value) error {
	f, err := float(v)
	if err == nil && !(f >= 0 && f <= 1) {
		err = fmt.Errorf("got %v, want 0 to 1", f)
	}
	*d = distanceArg(f)
	return err
}

// origin says where a value comes from.
func (e *Env) origin(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var f *frame
	var name string
	var value starlark.Value
	var callee address
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "frame", &f, "register", &name, "value??", &value, "callee??", &callee); err != nil {
		return nil, err
	}
	r := arch.Lookup(name)
	if r == nil {
		return nil, fmt.Errorf("%s: no general register is named %q", b.Name(), name)
	}
	sym, _, ok := f.f.Symbol()
	if !ok {
		return starlark.None, nil
	}
	wanted := triage.Wanted{Reg: r.Reg, Callee: uint64(callee)}
	if value != nil {
		var v address
		if err := v.Unpack(value); err != nil {
			return nil, fmt.Errorf("%s: for parameter value: %w", b.Name(), err)
		}
		wanted.Value = (*uint64)(&v)
	}
	in := f.t.p.in
	o := triage.FindOrigin(in, &triage.Place{Start: sym.Addr, PC: f.f.PC, Regs: f.f.Regs, Known: f.f.Known.Has, End: func(start uint64) uint64 {
		if s, ok := in.SymbolAt(start); ok && s.Addr == start && s.Size > 0 {
			return start + s.Size
		}
		return 0
	}}, wanted)
	fields := starlark.StringDict{"kind": starlark.String(o.Kind.String()), "addr": starlark.None, "size": starlark.None, "inst": starlark.None, "register": starlark.None, "value": starlark.None}
	switch o.Kind {
	case triage.Unknown:
		return starlark.None, nil
	case triage.OfCaller:
		fields["register"] = starlark.String(o.Reg.String())
		if o.Exact {
			fields["value"] = starlark.MakeUint64(o.Value)
		}
	default:
		i, err := disasm.Decode(o.Inst.Data, o.Inst.Addr, f.t.p.name)
		if err != nil {
			return nil, err
		}
		fields["inst"] = &inst{p: f.t.p, i: i}
	}
	if o.Kind == triage.OfMemory {
		fields["addr"], fields["size"] = starlark.MakeUint64(o.Addr), starlark.MakeInt(o.Size)
	}
	return starlarkstruct.FromStringDict(starlark.String("origin"), fields), nil
}

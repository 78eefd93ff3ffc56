package builtins

import (
	"encoding/binary"
	"fmt"
	"math"
	"regexp"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
)

// maxHits bounds the addresses that find returns unless told.
const maxHits = 1 << 20

// A sought value is a pattern for find: a regex or a hex_pattern, by the name of the
// builtin that makes it.
type sought struct {
	handle
	kind    string
	pattern *tracer.Pattern
}

func (s *sought) String() string {
	return fmt.Sprintf("%s(%s)", s.kind, starlark.String(s.pattern.String()))
}
func (s *sought) Type() string                 { return s.kind }
func (s *sought) Hash() (uint32, error)        { return starlark.String(s.pattern.String()).Hash() }
func (s *sought) MarshalJSON() ([]byte, error) { return encode(s.pattern.String()) }

// regex compiles a regular expression.
func (e *Env) regex(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return seek(b, args, kwargs, tracer.Regexp)
}

// hexPattern compiles bytes with wildcards.
func (e *Env) hexPattern(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return seek(b, args, kwargs, tracer.Masked)
}

func seek(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple, compile func(string) (*tracer.Pattern, error)) (starlark.Value, error) {
	var text blob
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "pattern", &text); err != nil {
		return nil, err
	}
	pattern, err := compile(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return &sought{kind: b.Name(), pattern: pattern}, nil
}

// maxCompiled bounds the patterns that a session keeps compiled.
const maxCompiled = 100

// matches reports whether a regular expression matches in a text.
func (e *Env) matches(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var pattern string
	var text blob
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "pattern", &pattern, "text", &text); err != nil {
		return nil, err
	}
	re, err := e.compile(b, pattern)
	if err != nil {
		return nil, err
	}
	return aside(thread, len(text), func() (starlark.Value, error) { return starlark.Bool(re.MatchString(string(text))), nil })
}

// groups returns the parts of a text that the groups of a regular expression match.
func (e *Env) groups(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var pattern string
	var text blob
	var all bool
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "pattern", &pattern, "text", &text, "all?", &all); err != nil {
		return nil, err
	}
	re, err := e.compile(b, pattern)
	if err != nil {
		return nil, err
	}
	most := 1
	if all {
		most = -1
	}
	found, err := aside(thread, len(text), func() ([][]int, error) { return re.FindAllStringSubmatchIndex(string(text), most), nil })
	if err != nil {
		return nil, err
	}
	parts := func(at []int) starlark.Value {
		list := make([]starlark.Value, len(at)/2)
		for i := range list {
			list[i] = starlark.None // a group that took no part
			if at[2*i] >= 0 {
				list[i] = starlark.String(text[at[2*i]:at[2*i+1]])
			}
		}
		return starlark.NewList(list)
	}
	switch {
	case all:
		return listOf(found, parts), nil
	case len(found) == 0:
		return starlark.None, nil
	}
	return parts(found[0]), nil
}

// compile compiles a regular expression for the builtin b, or returns it as it was
// compiled before.
func (e *Env) compile(b *starlark.Builtin, pattern string) (*regexp.Regexp, error) {
	re := e.compiled[pattern]
	if re == nil {
		var err error
		if re, err = regexp.Compile(pattern); err != nil {
			return nil, fmt.Errorf("%s: %w", b.Name(), err)
		}
		if len(e.compiled) == maxCompiled {
			clear(e.compiled)
		}
		e.compiled[pattern] = re
	}
	return re, nil
}

// A needle is an argument of find: bytes, an int that stands for eight, a regex, a
// hex_pattern, or a mapping or range of addresses that is pointed to.
type needle struct{ pattern *tracer.Pattern }

func (n *needle) Unpack(v starlark.Value) (err error) {
	switch v := v.(type) {
	case *sought:
		n.pattern = v.pattern
		return nil
	case *mapping:
		n.pattern, err = tracer.Pointers(v.m.Start, v.m.End)
		return err
	case ints:
		if v.step != 1 || v.start < 0 {
			return fmt.Errorf("got %s, want a range of addresses", v)
		}
		n.pattern, err = tracer.Pointers(uint64(v.start), uint64(v.stop))
		return err
	case starlark.Int:
		u, err := fit(v, 64)
		if err != nil {
			return err
		}
		n.pattern, err = tracer.Literal(binary.LittleEndian.AppendUint64(nil, u))
		return err
	}
	var d blob
	if err := d.Unpack(v); err != nil {
		return fmt.Errorf("got %s, want bytes, int, regex, hex_pattern, range or mapping", v.Type())
	}
	n.pattern, err = tracer.Literal([]byte(d))
	return err
}

func (p *process) find(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var n needle
	start, end := location{}, location{addr: math.MaxUint64}
	o := tracer.FindOptions{Perms: "r"}
	limit := int64(-1)
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "needle", &n, "start??", &start, "end??", &end, "perms?", &o.Perms, "max??", &limit); err != nil {
		return nil, err
	}
	if limit < -1 {
		return nil, fmt.Errorf("%s: max is %d, want 0 or more", b.Name(), limit)
	}
	var err error
	if o.Start, err = start.resolve(p); err != nil {
		return nil, err
	}
	if o.End, err = end.resolve(p); err != nil {
		return nil, err
	}
	if limit == 0 || o.End == 0 { // which the engine takes for none
		return starlark.NewList(nil), nil
	}
	if o.Max = int(limit); limit < 0 {
		o.Max = maxHits + 1
	}
	hits, err := p.in.Find(n.pattern, &o)
	if err != nil {
		if err := canceled(thread); err != nil {
			return nil, err
		}
		return nil, err
	}
	if limit < 0 && len(hits) > maxHits {
		return nil, fmt.Errorf("%s: more than %d hits: give max", b.Name(), maxHits)
	}
	return listOf(hits, func(addr uint64) starlark.Value { return starlark.MakeUint64(addr) }), nil
}

package builtins

import (
	"strconv"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/triage"
)

// A jsonText is JSON while it is written. A crash is written for each of many cases,
// which package json takes several times as long for.
type jsonText []byte

// begin begins a value: of a member with a name, or of an element without one.
func (b *jsonText) begin(name string) {
	if n := len(*b); n > 0 && (*b)[n-1] != '{' && (*b)[n-1] != '[' {
		*b = append(*b, ',')
	}
	if name != "" {
		*b = append(appendQuoted(*b, name), ':')
	}
}

func (b *jsonText) raw(name, value string) {
	b.begin(name)
	*b = append(*b, value...)
}

func (b *jsonText) string(name, value string) {
	b.begin(name)
	*b = appendQuoted(*b, value)
}

// some writes a string, unless it is "".
func (b *jsonText) some(name, value string) {
	if value != "" {
		b.string(name, value)
	}
}

// optional writes a string, or null for "".
func (b *jsonText) optional(name, value string) {
	if value == "" {
		b.raw(name, "null")
	} else {
		b.string(name, value)
	}
}

func (b *jsonText) uint(name string, value uint64) {
	b.begin(name)
	*b = strconv.AppendUint(*b, value, 10)
}

// count writes a number, unless it is 0.
func (b *jsonText) count(name string, value uint64) {
	if value != 0 {
		b.uint(name, value)
	}
}

// known writes a number, or null if it is not known.
func (b *jsonText) known(name string, value uint64, known bool) {
	if known {
		b.uint(name, value)
	} else {
		b.raw(name, "null")
	}
}

func (b *jsonText) bool(name string, value bool) {
	b.begin(name)
	*b = strconv.AppendBool(*b, value)
}

func (b *jsonText) strings(name string, list []string) {
	b.raw(name, "[")
	for _, s := range list {
		b.string("", s)
	}
	*b = append(*b, ']')
}

func (b *jsonText) frames(name string, frames []triage.Frame) {
	b.raw(name, "[")
	for i := range frames {
		b.frame(&frames[i])
	}
	*b = append(*b, ']')
}

// frame writes the attributes that a frame has.
func (b *jsonText) frame(f *triage.Frame) {
	b.raw("", "{")
	b.uint("level", uint64(f.Level))
	b.uint("pc", f.PC)
	b.some("function", f.Function)
	b.some("file", f.File)
	b.count("line", uint64(f.Line))
	b.count("column", uint64(f.Column))
	b.some("image", f.Image)
	b.count("image_offset", f.ImageOffset)
	b.some("symbol", f.Symbol)
	b.count("offset", f.Offset)
	if f.Inlined {
		b.bool("inlined", true)
	}
	*b = append(*b, '}')
}

// MarshalJSON encodes the attributes that the frame has.
func (f *crashFrame) MarshalJSON() ([]byte, error) {
	var b jsonText
	b.frame(f.f)
	return b, nil
}

// report writes the attributes of a report but the text.
func (b *jsonText) report(r *triage.Report) {
	*b = append(*b, '{')
	b.string("tool", r.Tool)
	b.string("type", r.Type)
	b.optional("access", r.Access)
	b.known("addr", r.Addr, r.HasAddr)
	b.known("size", uint64(r.Size), r.Size != 0)
	b.frames("frames", r.Frames)
	b.frames("freed_frames", r.Freed)
	b.frames("alloc_frames", r.Alloc)
	b.string("summary", r.Summary)
	*b = append(*b, '}')
}

// MarshalJSON encodes the attributes but the text.
func (r *report) MarshalJSON() ([]byte, error) {
	var b jsonText
	b.report(r.r)
	return b, nil
}

// MarshalJSON encodes the attributes.
func (c *crash) MarshalJSON() ([]byte, error) {
	b := make(jsonText, 0, 4096)
	b.raw("", "{")
	if !c.brief {
		b.string("name", c.c.Name)
		b.string("severity", string(c.c.Severity))
	}
	b.strings("tags", c.c.Tags)
	b.string("description", c.c.Description)
	b.string("explanation", c.c.Explanation)
	b.optional("message", c.c.Message)
	b.frames("frames", c.c.Stack.Frames)
	b.uint("elided", uint64(c.c.Stack.Elided))
	if err := c.c.Stack.Err; err != nil {
		b.string("unwind_error", err.Error())
	} else {
		b.raw("unwind_error", "null")
	}
	b.raw("registers", "{")
	for _, r := range c.registers() {
		b.uint(r.Name, r.Get(&c.c.Regs))
	}
	b = append(b, '}')
	b.strings("disassembly", c.c.Disassembly)
	if c.c.Sanitizer != nil {
		b.begin("sanitizer")
		b.report(c.c.Sanitizer)
	} else {
		b.raw("sanitizer", "null")
	}
	if !c.brief {
		if err := b.whole(c.c); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// whole writes what of a crash is no evidence.
func (b *jsonText) whole(c *triage.Crash) error {
	b.known("signal", uint64(c.Signal), c.Signal != 0)
	b.optional("signame", tracer.SignalName(c.Signal))
	if f := c.Fault; f != nil {
		b.raw("fault", "{")
		b.optional("access", f.Access)
		b.uint("addr", f.Addr)
		b.bool("near_null", f.NearNull)
		b.bool("canonical", f.Canonical)
		b.strings("registers", f.Registers)
		b.known("loaded_from", f.LoadedFrom, f.LoadedFrom != 0)
		*b = append(*b, '}')
	} else {
		b.raw("fault", "null")
	}
	b.strings("stack", c.Trace)
	b.raw("keys", "{")
	for _, key := range c.Keys.All() {
		b.string(key.Name, key.Value)
	}
	*b = append(*b, '}')
	b.raw("maps", "[")
	for _, m := range c.Maps {
		text, err := (&mapping{m: m}).MarshalJSON()
		if err != nil {
			return err
		}
		b.raw("", string(text))
	}
	*b = append(*b, ']')
	b.raw("threads", "[")
	for _, t := range c.Threads {
		b.raw("", "{")
		b.uint("tid", uint64(t.TID))
		b.string("name", t.Name)
		b.bool("crashed", t.Crashed)
		b.frames("frames", t.Stack.Frames)
		*b = append(*b, '}')
	}
	*b = append(*b, ']')
	return nil
}

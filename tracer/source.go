//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/disasm"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/unwind"
	"github.com/tracelark/tracelark/tracer/value"
)

// LineAt returns the line of source that the instruction at addr comes from. The
// error is debuginfo.ErrNotFound or ErrNoDWARF if that is not known.
func (x *target) LineAt(addr uint64) (debuginfo.Line, error) {
	img, ok := x.ImageAt(addr)
	if !ok {
		return debuginfo.Line{}, fmt.Errorf("%#x: %w: no ELF file is mapped there", addr, debuginfo.ErrNotFound)
	}
	return lookUpAt(x.tr, img, addr, img.SlowLine, img.Line)
}

// funcsAt returns the functions around addr that the debug information knows, the
// innermost first.
func (x *target) funcsAt(addr uint64) []*debuginfo.Func {
	funcs, _ := x.functionsAt(addr)
	return funcs
}

// functionsAt is funcsAt, whose error is ErrInterrupted or nil.
func (x *target) functionsAt(addr uint64) ([]*debuginfo.Func, error) {
	img, ok := x.ImageAt(addr)
	if !ok {
		return nil, nil
	}
	funcs, err := lookUpAt(x.tr, img, addr, img.SlowFuncs, img.Funcs)
	if err != ErrInterrupted {
		err = nil
	}
	return funcs, err
}

// VarsAt returns the arguments and variables of the functions around addr that are in
// scope there: those of the innermost function first, within one those of the innermost
// block.
func (x *target) VarsAt(addr uint64) ([]*debuginfo.Var, error) {
	funcs, err := x.functionsAt(addr)
	if err != nil {
		return nil, err
	}
	if len(funcs) == 0 {
		return nil, fmt.Errorf("%#x: %w: no debug information tells of a function there", addr, debuginfo.ErrNotFound)
	}
	img, _ := x.ImageAt(addr)
	var list []*debuginfo.Var
	for _, f := range funcs {
		vars, err := f.Vars(addr - img.Bias)
		if err != nil {
			return nil, err
		}
		list = append(list, vars...)
	}
	return list, nil
}

// splitLine splits a location such as "json.c:88".
func splitLine(loc string) (file string, line int, ok bool) {
	i := strings.LastIndexByte(loc, ':')
	if i <= 0 || loc[i-1] == ':' {
		return "", 0, false
	}
	line, err := strconv.Atoi(loc[i+1:])
	return loc[:i], line, err == nil && line > 0
}

// places returns the addresses of a line of source in all images.
func (x *target) places(file string, line int) ([]uint64, error) {
	images, err := x.Images()
	if err != nil {
		return nil, err
	}
	missing := &NotFoundError{Name: fmt.Sprintf("%s:%d", file, line), what: "line", early: x.early(), near: func() []string { return x.nearLine(file, line) }}
	var addrs []uint64
	for _, img := range images {
		places, err := lookUp(x.tr, func() ([]debuginfo.Place, error) { return img.Places(file, line) }, img)
		for _, place := range places {
			addrs = append(addrs, place.Addr)
		}
		if err == ErrInterrupted {
			return nil, err
		}
		if err != nil && !errors.Is(err, debuginfo.ErrNoDWARF) && !errors.Is(err, debuginfo.ErrNotFound) {
			missing.Err = err
		}
	}
	if len(addrs) == 0 {
		return nil, missing
	}
	return addrs, nil
}

// nearLine returns what a line of source that has no code may have been meant to be:
// the next one of its file that has, or the last one, or one in files with nearly the
// same name.
func (x *target) nearLine(file string, line int) []string {
	images, err := x.Images()
	if err != nil {
		return nil
	}
	var names []string
	for _, img := range images {
		if lines, err := img.Lines(file); err == nil && len(lines) > 0 {
			next := slices.IndexFunc(lines, func(row debuginfo.Line) bool { return row.Line >= line })
			if next < 0 {
				next = len(lines) - 1
			}
			return []string{fmt.Sprintf("%s:%d", file, lines[next].Line)}
		}
		if data, err := img.DWARF(); err == nil {
			for _, source := range data.Sources() {
				names = append(names, path.Base(source))
			}
		}
	}
	near := image.Near(path.Base(file), slices.Values(names))
	for i := range near {
		near[i] += fmt.Sprintf(":%d", line)
	}
	return near
}

// PrologueEnd returns the address behind the code that makes the frame of the function
// that begins at entry, or entry where none does. Without debug information that code
// is push rbp and mov rbp, rsp. The error is ErrInterrupted or nil.
func (x *target) PrologueEnd(entry uint64) (uint64, error) {
	img, ok := x.ImageAt(entry)
	if !ok {
		return entry, nil
	}
	if data, err := img.DWARF(); err == nil {
		slow := func(addr uint64) bool { return img.SlowFuncs(addr) || img.SlowLine(addr) }
		end, err := lookUpAt(x.tr, img, entry, slow, func(entry uint64) (uint64, error) {
			funcs, err := data.Funcs(entry - img.Bias)
			if err != nil {
				return 0, err
			}
			fn := funcs[len(funcs)-1]
			if end, err := data.PrologueEnd(fn); err == nil && fn.Entry == entry-img.Bias {
				return end + img.Bias, nil
			}
			return entry, nil
		})
		if err == nil || err == ErrInterrupted {
			return end, err
		}
	}
	var code [3 * maxInst]byte
	n, _ := x.of.ReadAt(entry, code[:])
	end := entry
	for _, want := range []string{"endbr64", "push rbp", "mov rbp, rsp"} {
		inst, err := disasm.Decode(code[end-entry:n], end, nil)
		if err != nil || inst.Text != want && want != "endbr64" {
			break
		}
		if inst.Text == want {
			end = inst.Next()
		}
	}
	return end, nil
}

// Function returns the name of the frame's function, without the parameters of C++,
// or "" if it is not known.
func (f *Frame) Function() string {
	sym, _, _ := f.Symbol()
	if f.Func != nil && !f.names(&sym) {
		return f.own()
	}
	return sym.Function()
}

// own returns the name that the debug information has for the frame's function. For C++
// it is that which its symbol would have: compilers differ in how they write templates.
func (f *Frame) own() string {
	linked := image.Symbol{Name: f.Func.Linkage}
	if name := linked.Function(); name != linked.Name {
		return name
	}
	return f.Func.Name
}

// names reports whether a symbol names the frame's function: a function that was
// inlined has none, and what the compiler has split off has one of its own, such as
// "parse.cold".
func (f *Frame) names(sym *image.Symbol) bool {
	return f.Image() != nil && !f.Inlined && sym.Addr == f.Func.Entry+f.Image().Bias && !strings.Contains(sym.Name, ".")
}

// Line returns the line of source that the frame is at: for a function whose callee
// was inlined, that of the call.
func (f *Frame) Line() (debuginfo.Line, error) {
	if in := f.callee; in != nil {
		return debuginfo.Line{File: in.CallFile, Line: in.CallLine, Column: in.CallColumn}, nil
	}
	return f.in.LineAt(f.Lookup)
}

// String returns a line such as "#1 0x401196 in parse (n=12) at json.c:88", or "#1
// 0x401196 in parse+0x1c from libc.so.6" where the line is not known. A frame that is a
// guess has " (?)" behind it.
func (f *Frame) String() string { return f.Text(&value.Format{Bare: true, Scalars: true}) }

// Text returns what String does, with the arguments written as o says. If o is nil they
// are left out, and neither read nor looked up.
func (f *Frame) Text(o *value.Format) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#%d %#x in ", f.Level, f.PC)
	sym, offset, known := f.Symbol()
	line, err := f.Line()
	switch {
	case f.Func != nil && !f.names(&sym):
		b.WriteString(f.own())
	case !known:
		b.WriteString("??")
	case f.Func != nil && o != nil:
		b.WriteString(sym.Function())
	case offset == 0 || err == nil && f.Func != nil:
		b.WriteString(sym.Demangled())
	default:
		fmt.Fprintf(&b, "%s+%#x", sym.Demangled(), offset)
	}
	if f.Func != nil && o != nil {
		f.writeArgs(&b, o)
	}
	if err == nil {
		fmt.Fprintf(&b, " at %s:%d", path.Base(line.File), line.Line)
	} else if img := f.Image(); img != nil {
		fmt.Fprintf(&b, " from %s", img.Name())
	}
	if f.Inlined {
		b.WriteString(" (inlined)")
	}
	if f.By == unwind.Guess {
		b.WriteString(" (?)")
	}
	if f.Signal {
		b.WriteString(" (signal handler called)")
	}
	return b.String()
}

// maxArgs limits the bytes of the arguments in a line.
const maxArgs = 1 << 12

// writeArgs writes the arguments as "(buf=0x7ff0, n=12)".
func (f *Frame) writeArgs(b *strings.Builder, o *value.Format) {
	if f.epoch != f.in.of.epoch() || f.in.of.held() != nil { // what was there is gone
		if f.shown == "" {
			f.shown = " (...)"
		}
		b.WriteString(f.shown)
		return
	}
	args, err := f.Args()
	if err != nil {
		return
	}
	start := b.Len()
	b.WriteString(" (")
	for i, a := range args {
		if i > 0 {
			b.WriteString(", ")
		}
		if b.Len()-start > maxArgs {
			b.WriteString("...")
			break
		}
		b.WriteString(a.Name + "=" + a.Value.Format(o))
	}
	b.WriteString(")")
	f.shown = b.String()[start:]
}

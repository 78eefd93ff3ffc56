package builtins

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/triage"
)

// A crash is what is known of the end of a process. It outlives that.
type crash struct {
	handle
	c     *triage.Crash
	brief bool // in JSON
}

var crashClass = newClass("crash", "What the end of a process was: its class, why it is that, and the keys that tell it from others. It stays as it is when the process goes on or ends.", []attribute[*crash]{
	{"name", "str", "The class, as CASR names it, such as \"DestAv\" or \"heap-buffer-overflow(write)\".", func(c *crash) (starlark.Value, error) {
		return starlark.String(c.c.Name), nil
	}},
	{"severity", "str", "\"EXPLOITABLE\", \"PROBABLY_EXPLOITABLE\", \"NOT_EXPLOITABLE\" or \"UNDEFINED\".", func(c *crash) (starlark.Value, error) {
		return starlark.String(c.c.Severity), nil
	}},
	{"tags", "list of str", "The rules of exploitable that hold, from the worst on, such as \"DestAv\" and \"AccessViolation\".", func(c *crash) (starlark.Value, error) {
		return listOf(c.c.Tags, newString), nil
	}},
	{"description", "str", "The class in words, with the first line of the program's own message.", func(c *crash) (starlark.Value, error) {
		return starlark.String(c.c.Description), nil
	}},
	{"explanation", "str", "Why it is that class, with the values that this rests on.", func(c *crash) (starlark.Value, error) {
		return starlark.String(c.c.Explanation), nil
	}},
	{"message", "str or None", "What the program said at last: the text of an assertion, of the allocator, of a C++ exception with its type, or of a panic.", func(c *crash) (starlark.Value, error) {
		return optional(c.c.Message), nil
	}},
	{"signal", "int or None", "The signal.", func(c *crash) (starlark.Value, error) {
		return optionalInt(c.c.Signal, c.c.Signal != 0), nil
	}},
	{"signame", "str or None", "The signal's name, such as \"SIGSEGV\".", func(c *crash) (starlark.Value, error) {
		return optional(tracer.SignalName(c.c.Signal)), nil
	}},
	{"fault", "struct or None", "The access to memory that was not allowed: access is \"read\", \"write\", \"execute\" or None, addr the address, near_null whether that is near the null pointer, canonical whether the CPU has such addresses, registers the names of those that it was computed from. If code was to be executed there, registers are those of the call or jump that went there, and loaded_from is the address of the memory that the address was taken from, as a return takes it from the stack, or None. An address that the kernel does not tell is computed from the registers.", func(c *crash) (starlark.Value, error) {
		f := c.c.Fault
		if f == nil {
			return starlark.None, nil
		}
		from := starlark.Value(starlark.None)
		if f.LoadedFrom != 0 {
			from = starlark.MakeUint64(f.LoadedFrom)
		}
		return starlarkstruct.FromStringDict(starlark.String("fault"), starlark.StringDict{
			"access": optional(f.Access), "addr": starlark.MakeUint64(f.Addr), "near_null": starlark.Bool(f.NearNull), "canonical": starlark.Bool(f.Canonical),
			"registers": listOf(f.Registers, newString), "loaded_from": from,
		}), nil
	}},
	{"frames", "list of crash_frame", "The stack of the thread that crashed: all of it, or the innermost 192 and the outermost 64 frames.", func(c *crash) (starlark.Value, error) {
		return crashFrames(c.c.Stack.Frames), nil
	}},
	{"elided", "int", "How many frames are left out of frames, behind the first 192; 0 if it is all there.", func(c *crash) (starlark.Value, error) {
		return starlark.MakeInt(c.c.Stack.Elided), nil
	}},
	{"unwind_error", "str or None", "Why the stack cannot be followed beyond frames.", func(c *crash) (starlark.Value, error) {
		if c.c.Stack.Err == nil {
			return starlark.None, nil
		}
		return starlark.String(c.c.Stack.Err.Error()), nil
	}},
	{"stack", "list of str", "What tells the stack from others: a text for each frame, without the functions of the languages' own libraries and of sanitizers, and with recursions folded. With a sanitizer's report it is that report's stack.", func(c *crash) (starlark.Value, error) {
		return listOf(c.c.Trace, newString), nil
	}},
	{"keys", "dict of str", "What tells the crash from others, from exact to coarse: \"exact\" (build IDs and offsets), \"offset\" (functions and offsets), \"line\" (functions and lines, inlined ones too), \"function\", all hashes of the stack, \"top\", the innermost function, and \"crash_line\", the innermost line. They do not depend on where things are loaded, on file names of inputs, or on the run.", func(c *crash) (starlark.Value, error) {
		d := new(starlark.Dict)
		for _, key := range c.c.Keys.All() {
			if err := d.SetKey(starlark.String(key.Name), starlark.String(key.Value)); err != nil {
				return nil, err
			}
		}
		return d, nil
	}},
	{"registers", "dict of int", "The general registers by name; none if only output was looked at.", func(c *crash) (starlark.Value, error) {
		d := new(starlark.Dict)
		for _, r := range c.registers() {
			if err := d.SetKey(starlark.String(r.Name), starlark.MakeUint64(r.Get(&c.c.Regs))); err != nil {
				return nil, err
			}
		}
		return d, nil
	}},
	{"disassembly", "list of str", "The instruction that crashed and those behind it, 16 in all.", func(c *crash) (starlark.Value, error) {
		return listOf(c.c.Disassembly, newString), nil
	}},
	{"maps", "list of mapping", "What was mapped, in order of address.", func(c *crash) (starlark.Value, error) {
		return listOf(c.c.Maps, newMapping), nil
	}},
	{"threads", "list of struct", "The thread that this is about, for which crashed is true, and up to 256 others, each with tid, name, frames (the innermost 64) and crashed.", func(c *crash) (starlark.Value, error) {
		return listOf(c.c.Threads, func(t triage.Thread) starlark.Value {
			return starlarkstruct.FromStringDict(starlark.String("crash_thread"), starlark.StringDict{
				"tid": starlark.MakeInt(t.TID), "name": starlark.String(t.Name), "frames": crashFrames(t.Stack.Frames), "crashed": starlark.Bool(t.Crashed),
			})
		}), nil
	}},
	{"brief", "crash", "The same, but in JSON only the evidence: without maps, threads, and what stands for it in a list of crashes (name, severity, signal, fault, stack, keys).", func(c *crash) (starlark.Value, error) {
		return &crash{c: c.c, brief: true}, nil
	}},
	{"sanitizer", "report or None", "The report of a sanitizer, if the process printed one and its output is known.", func(c *crash) (starlark.Value, error) {
		return newReport(c.c.Sanitizer), nil
	}},
}, []method[*crash]{
	{"casrep", "(stdin=\"\") -> str", "Return the crash as a report that CASR's tools read, in JSON. stdin is the path of what the process had as its standard input.", (*crash).casrep},
})

func (c *crash) casrep(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var stdin string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "stdin?", &stdin); err != nil {
		return nil, err
	}
	data, err := c.c.CASREP(stdin)
	return starlark.String(data), err
}

// registers returns the registers that the crash has.
func (c *crash) registers() []arch.Register {
	if c.c.Regs == (arch.Regs{}) {
		return nil
	}
	return arch.Registers
}

var _ starlark.HasAttrs = (*crash)(nil)

func (c *crash) Type() string                             { return "crash" }
func (c *crash) Hash() (uint32, error)                    { return starlark.String(c.c.Keys.Exact).Hash() }
func (c *crash) Attr(name string) (starlark.Value, error) { return crashClass.attr(c, name) }
func (c *crash) AttrNames() []string                      { return crashClass.names() }

// String returns a line such as "DestAvNearNull (PROBABLY_EXPLOITABLE) in store at crash.c:74".
func (c *crash) String() string {
	s := fmt.Sprintf("%s (%s)", c.c.Name, c.c.Severity)
	if len(c.c.Trace) > 0 {
		s += " in " + c.c.Trace[0]
	}
	return s
}

// A crashFrame is a frame of a crash.
type crashFrame struct {
	handle
	f *triage.Frame
}

func newCrashFrames(frames []triage.Frame) []*crashFrame {
	list := make([]*crashFrame, len(frames))
	for i := range frames {
		list[i] = &crashFrame{f: &frames[i]}
	}
	return list
}

// crashFrames returns a list of the values of frames.
func crashFrames(frames []triage.Frame) *starlark.List {
	return listOf(newCrashFrames(frames), func(f *crashFrame) starlark.Value { return f })
}

var crashFrameClass = newClass("crash_frame", "A frame of a crash or of a sanitizer's report, in words. Its str is a line of a backtrace.", []attribute[*crashFrame]{
	{"level", "int", "Its place on the stack; 0 is the innermost.", func(f *crashFrame) (starlark.Value, error) {
		return starlark.MakeInt(f.f.Level), nil
	}},
	{"pc", "int", "The address of the next instruction to run in the frame; 0 if a report does not tell.", func(f *crashFrame) (starlark.Value, error) {
		return starlark.MakeUint64(f.f.PC), nil
	}},
	{"function", "str or None", "The name of the function.", func(f *crashFrame) (starlark.Value, error) {
		return optional(f.f.Function), nil
	}},
	{"file", "str or None", "The path of the source file.", func(f *crashFrame) (starlark.Value, error) {
		return optional(f.f.File), nil
	}},
	{"line", "int or None", "The line.", func(f *crashFrame) (starlark.Value, error) {
		return optionalInt(f.f.Line, f.f.File != ""), nil
	}},
	{"column", "int or None", "The column, from 1 on; 0 is the whole line.", func(f *crashFrame) (starlark.Value, error) {
		return optionalInt(f.f.Column, f.f.File != ""), nil
	}},
	{"image", "str or None", "The path of the ELF file.", func(f *crashFrame) (starlark.Value, error) {
		return optional(f.f.Image), nil
	}},
	{"image_offset", "int", "The pc in the file's own addresses.", func(f *crashFrame) (starlark.Value, error) {
		return starlark.MakeUint64(f.f.ImageOffset), nil
	}},
	{"build_id", "str or None", "The build ID of the file, in hexadecimal.", func(f *crashFrame) (starlark.Value, error) {
		return optional(f.f.BuildID), nil
	}},
	{"symbol", "str or None", "The name of the symbol, as linkers know it.", func(f *crashFrame) (starlark.Value, error) {
		return optional(f.f.Symbol), nil
	}},
	{"offset", "int", "How far into the symbol the pc is.", func(f *crashFrame) (starlark.Value, error) {
		return starlark.MakeUint64(f.f.Offset), nil
	}},
	{"inlined", "bool", "Whether the function was inlined into that of the next frame.", func(f *crashFrame) (starlark.Value, error) {
		return starlark.Bool(f.f.Inlined), nil
	}},
	{"text", "str", "What stands for the frame in crash.stack.", func(f *crashFrame) (starlark.Value, error) {
		return starlark.String(f.f.Text()), nil
	}},
}, nil)

var _ starlark.HasAttrs = (*crashFrame)(nil)

func (f *crashFrame) String() string                           { return f.f.String() }
func (f *crashFrame) Type() string                             { return "crash_frame" }
func (f *crashFrame) Hash() (uint32, error)                    { return starlark.String(f.f.Text()).Hash() }
func (f *crashFrame) Attr(name string) (starlark.Value, error) { return crashFrameClass.attr(f, name) }
func (f *crashFrame) AttrNames() []string                      { return crashFrameClass.names() }

// A report is what a sanitizer printed.
type report struct {
	handle
	r *triage.Report
}

// newReport returns the value of a report, which may be nil.
func newReport(r *triage.Report) starlark.Value {
	if r == nil {
		return starlark.None
	}
	return &report{r: r}
}

var reportClass = newClass("report", "What a sanitizer printed of an error.", []attribute[*report]{
	{"tool", "str", "\"asan\", \"hwasan\", \"ubsan\", \"msan\", \"tsan\", \"lsan\", \"libfuzzer\", or of an allocator \"scudo\" or \"gwp-asan\".", func(r *report) (starlark.Value, error) {
		return starlark.String(r.r.Tool), nil
	}},
	{"type", "str", "The kind of error, such as \"heap-buffer-overflow\", \"data-race\", \"signed-integer-overflow\" or \"memory-leaks\".", func(r *report) (starlark.Value, error) {
		return starlark.String(r.r.Type), nil
	}},
	{"access", "str or None", "\"read\" or \"write\".", func(r *report) (starlark.Value, error) {
		return optional(r.r.Access), nil
	}},
	{"addr", "int or None", "The address of the access.", func(r *report) (starlark.Value, error) {
		if !r.r.HasAddr {
			return starlark.None, nil
		}
		return starlark.MakeUint64(r.r.Addr), nil
	}},
	{"size", "int or None", "How many bytes were accessed, or leaked.", func(r *report) (starlark.Value, error) {
		return optionalInt(r.r.Size, r.r.Size != 0), nil
	}},
	{"frames", "list of crash_frame", "Where it happened; of a leak, where the first one was allocated.", func(r *report) (starlark.Value, error) {
		return crashFrames(r.r.Frames), nil
	}},
	{"freed_frames", "list of crash_frame", "Where the memory was released.", func(r *report) (starlark.Value, error) {
		return crashFrames(r.r.Freed), nil
	}},
	{"alloc_frames", "list of crash_frame", "Where the memory was allocated.", func(r *report) (starlark.Value, error) {
		return crashFrames(r.r.Alloc), nil
	}},
	{"summary", "str", "The line that sums it up.", func(r *report) (starlark.Value, error) {
		return starlark.String(r.r.Summary), nil
	}},
	{"text", "str", "The report itself.", func(r *report) (starlark.Value, error) {
		return starlark.String(strings.Join(r.r.Text, "\n")), nil
	}},
}, nil)

var _ starlark.HasAttrs = (*report)(nil)

func (r *report) String() string                           { return fmt.Sprintf("<report of %s: %s>", r.r.Tool, r.r.Summary) }
func (r *report) Type() string                             { return "report" }
func (r *report) Hash() (uint32, error)                    { return 0, unhashable(r) }
func (r *report) Attr(name string) (starlark.Value, error) { return reportClass.attr(r, name) }
func (r *report) AttrNames() []string                      { return reportClass.names() }

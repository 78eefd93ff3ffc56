// Package triage says what a crash is: its class and severity, why, and the keys
// that tell it from others.
//
// It looks at a process that is about to die of a signal, or at a core, through the
// interface Process, and at what a sanitizer printed; the answers are the same.
// Nothing here parses the output of a debugger. Package tracer fills in an Event.
//
// Classes and severities are those of CASR, tags the rules of exploitable. Both go by
// the operands of the instruction, decoded, and not by its name.
package triage

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/syscalls"
)

// A Process is what is looked at: a stopped process or a core.
type Process interface {
	ReadAt(addr uint64, buf []byte) (int, error)
	Maps() ([]procfs.Mapping, error)
	Images() ([]*image.Image, error)
}

// An Event is what the kernel says of the end of a process, and where its threads
// were.
type Event struct {
	PID      int
	Signal   int
	Code     int    // si_code
	Addr     uint64 // si_addr, meaningful if the kernel sent the signal for an instruction
	Sender   int    // process that sent the signal, or 0 if the kernel did
	TimedOut bool   // it is not a signal but the end of the time that the process had
	Regs     arch.Regs
	Stack    Stack
	Missing  uint64 // bytes of memory, of a core that was cut

	Exe  string
	Argv []string

	// Threads are all threads, the one that the event is of included.
	Threads []Thread
	// Output is what the process wrote to its standard error, as far as it is known.
	Output string
}

// A Thread is a thread of the process.
type Thread struct {
	TID     int
	Name    string
	Crashed bool // it is the one that the event is of
	Stack   Stack
}

// Options say how to look. The zero value is the default.
type Options struct {
	// NearNull is the address below which one counts as near the null pointer; 0 is
	// 64 KiB.
	NearNull uint64
	// Ignore is what stacks and keys leave out besides the functions of the
	// languages' own libraries.
	Ignore []Pattern
}

// defaultNearNull is what CASR and exploitable use. The kernel maps nothing below
// vm.mmap_min_addr, which is as much or less.
const defaultNearNull = 0x10000

// A Fault is an access to memory that was not allowed.
type Fault struct {
	Access    string // "read", "write", "execute", or "" if it is not known
	Addr      uint64
	NearNull  bool
	Canonical bool     // whether the CPU can address it at all
	Registers []string // that the address is computed from, or that where it was loaded from is

	// LoadedFrom is the address of the memory that a branch to Addr took Addr from, as a
	// return does, or 0.
	LoadedFrom uint64
}

// A Crash is what is known of the end of a process.
type Crash struct {
	Name        string
	Severity    Severity
	Tags        []string // the rules of exploitable that hold, from the worst on
	Description string   // the class in words
	Explanation string   // why it is that, with the values that it rests on
	Message     string   // what the program says: an assertion, a panic, an exception

	Exe         string
	Argv        []string
	Signal      int
	Fault       *Fault // or nil
	Stack       Stack
	Trace       []string // the stack without what is ignored and repeats
	Keys        Keys
	Regs        arch.Regs
	Disassembly []string
	Maps        []procfs.Mapping
	Threads     []Thread
	Sanitizer   *Report // or nil
}

// maxDisassembly is how many instructions a Crash has.
const maxDisassembly = 16

// New looks at a process whose end is event.
func New(p Process, event *Event, o *Options) (*Crash, error) {
	if o == nil {
		o = new(Options)
	}
	ignored, err := newIgnore(o.Ignore)
	if err != nil {
		return nil, err
	}
	maps, err := p.Maps()
	if err != nil {
		return nil, err
	}
	images, err := p.Images()
	if err != nil {
		return nil, err
	}
	seen := *event
	seen.Output = cutLines(event.Output)
	event = &seen
	x := &examination{
		p: p, Event: event, maps: maps, images: images, near: o.NearNull, ignored: ignored,
	}
	if x.near == 0 {
		x.near = defaultNearNull
	}
	if !x.unhandle() {
		x.decode()
	}
	c := &Crash{
		Exe: event.Exe, Argv: event.Argv, Signal: event.Signal, Fault: x.fault, Stack: event.Stack, Regs: x.Regs,
		Maps: maps, Threads: event.Threads, Sanitizer: x.reportOf(event),
	}
	c.Disassembly = x.listing
	if r := c.Sanitizer; r != nil {
		for _, frames := range [][]Frame{r.Frames, r.Freed, r.Alloc} {
			x.symbolize(frames)
		}
	}
	v := x.verdict(c.Sanitizer)
	class, known := classNamed(v.name)
	c.Name, c.Severity, c.Description = v.name, class.severity, class.description
	c.Explanation, c.Message = v.why, v.message
	if x.shortened() {
		c.Explanation += fmt.Sprintf(" The core was cut: its last %d bytes are missing, so the stack ends early.", x.Missing)
	}
	switch {
	case !known: // of a sanitizer that has more types than there are classes
		c.Severity, c.Description = NotExploitable, orElse(firstLine(v.message), c.Sanitizer.Summary)
	case v.message != "":
		c.Description += ": " + firstLine(v.message)
	}
	c.Tags = x.tags(v.name, c.Sanitizer)
	stack := x.Stack
	if len(stack.Frames) > 0 && x.violation() && !x.executable() { // what lies there is no function, and chance
		stack.Frames = slices.Clone(stack.Frames)
		stack.Frames[0] = Frame{PC: x.pc}
	}
	if r := c.Sanitizer; r != nil && len(r.Frames) > 0 && (slices.ContainsFunc(r.Frames, x.own) || !slices.ContainsFunc(stack.Frames, x.own)) {
		stack.Frames = r.Frames
	} else if (v.name == "RustPanic" || v.name == "GoPanic") && !slices.ContainsFunc(stack.Frames, x.own) {
		// The names are stripped, or another thread ended the process.
		if frames := panicStack(event.Output); len(frames) > 0 {
			stack = Stack{Frames: frames}
		}
		if len(c.Stack.Frames) == 0 {
			c.Stack.Frames = stack.Frames
		}
	}
	trace := ignored.trace(stack, v.name == "StackOverflow")
	if len(trace) == 0 {
		trace = []Frame{{}}
	}
	c.Trace, c.Keys = texts(trace), newKeys(trace)
	return c, nil
}

// An examination is a crash while it is looked at.
type examination struct {
	*Event
	p      Process
	maps   []procfs.Mapping
	images []*image.Image
	near   uint64

	ignored  *ignore
	after    string // what came of the fault, if it did not end the process at once
	pc, sp   uint64
	inst     *disasm.Inst // at pc, or nil
	listing  []string     // from pc on
	accesses []disasm.Access
	culprit  *disasm.Access // the one that was not allowed, or nil
	fault    *Fault
}

// A verdict is a class with its reason.
type verdict struct {
	name    string
	why     string
	message string
}

func say(name, format string, args ...any) *verdict {
	return &verdict{name: name, why: fmt.Sprintf(format, args...)}
}

// verdict finds the class: a sanitizer and a language's own runtime know more than
// the signal does.
func (x *examination) verdict(r *Report) *verdict {
	for _, rule := range []func() *verdict{
		func() *verdict { return x.reported(r) },
		x.panicked, x.timedOut, x.aborted, x.raised,
	} {
		if v := rule(); v != nil {
			return v
		}
	}
	if x.Signal == 0 {
		return say("Undefined", "No signal stopped the process.")
	}
	return say("Undefined", "%s is the signal of no kind of crash.", signalName(x.Signal))
}

func (x *examination) timedOut() *verdict {
	if !x.TimedOut {
		return nil
	}
	return say("timeout", "The process was still running, in %s, when its time was up.", x.place())
}

// raised is the verdict on a signal that the CPU raised.
func (x *examination) raised() *verdict {
	v := x.signalled()
	if v == nil {
		v = x.violated()
	}
	if v != nil {
		v.why += x.after
	}
	return v
}

// signalled knows the signals that say it all.
func (x *examination) signalled() *verdict {
	sent := x.Code <= 0 && !x.faulty()
	switch unix.Signal(x.Signal) {
	case unix.SIGTRAP:
		var before [1]byte
		if n, _ := x.p.ReadAt(x.pc-1, before[:]); x.Code == siKernel && n == 1 && before[0] == 0xcc {
			return say("TrapSignal", "SIGTRAP at %#x (int3).", x.pc-1)
		}
		if sent {
			return say("TrapSignal", "%s", x.sent())
		}
		return say("TrapSignal", "SIGTRAP at %#x%s.", x.pc, x.text())
	case unix.SIGILL:
		if sent {
			return say("BadInstruction", "%s", x.sent())
		}
		if check := x.check(); check != "" {
			return say("BadInstruction", "The instruction at %#x%s is one that compilers put where a program must not go on: %s (SIGILL).", x.pc, x.text(), check)
		}
		return say("BadInstruction", "The bytes at %#x%s are no instruction, or one that is not permitted (SIGILL).", x.pc, x.text())
	case unix.SIGSYS:
		if sent {
			return say("BadInstruction", "%s", x.sent())
		}
		if x.Regs == (arch.Regs{}) {
			return say("BadInstruction", "SIGSYS has ended the process. Which system call was not permitted, if any, is not known.")
		}
		nr := int(int32(x.Regs[arch.OrigRAX]))
		return say("BadInstruction", "The system call %s at %#x is not permitted (SIGSYS).", orElse(syscalls.Name(nr), strconv.Itoa(nr)), x.pc)
	case unix.SIGFPE:
		if sent {
			return say("FPE", "%s", x.sent())
		}
		what, value := arithmetic(x.Code), ""
		if name, divisor, ok := x.divisor(); ok && (x.Code <= 0 || x.Code == intDivide) {
			if value = fmt.Sprintf(" The divisor %s is %#x.", name, divisor); divisor != 0 {
				what = "A quotient that is too large" // for which x86 has no code of its own
			}
		}
		return say("FPE", "%s at %#x%s.%s", what, x.pc, x.text(), value)
	}
	return nil
}

const intDivide = 1 // FPE_INTDIV

// divisor returns the value by which the instruction divides integers, and where that is.
func (x *examination) divisor() (name string, value uint64, ok bool) {
	mnemonic, operand, _ := strings.Cut(strings.Trim(x.text(), " ()"), " ")
	if mnemonic != "div" && mnemonic != "idiv" {
		return "", 0, false
	}
	if r := arch.Lookup(operand); r != nil {
		return operand, r.Get(&x.Regs), true
	}
	if len(x.accesses) != 1 {
		return "", 0, false
	}
	a := &x.accesses[0]
	var b [8]byte
	n, _ := x.p.ReadAt(a.Addr(&x.Regs), b[:a.Size])
	return fmt.Sprintf("at %#x", a.Addr(&x.Regs)), binary.LittleEndian.Uint64(b[:]), n == a.Size
}

// own reports whether a frame is of a function of the program's that has a name.
func (x *examination) own(f Frame) bool { return f.Function != "" && !x.ignored.frame(&f) }

// arithmetic names the si_code of SIGFPE.
func arithmetic(code int) string {
	names := []string{1: "Integer division by zero", "Integer overflow", "Floating-point division by zero", "Floating-point overflow",
		"Floating-point underflow", "Inexact floating-point result", "Invalid floating-point operation", "Subscript out of range"}
	if code > 0 && code < len(names) {
		return names[code]
	}
	return "SIGFPE"
}

func signalName(sig int) string {
	if name := unix.SignalName(unix.Signal(sig)); name != "" {
		return name
	}
	return fmt.Sprintf("signal %d", sig)
}

// place describes where the thread is.
func (x *examination) place() string {
	if len(x.Stack.Frames) > 0 {
		if f := &x.Stack.Frames[0]; f.Function != "" {
			return f.Function
		}
	}
	return fmt.Sprintf("%#x", x.pc)
}

// text returns the instruction in brackets.
func (x *examination) text() string {
	if x.inst == nil || len(x.listing) == 0 {
		return ""
	}
	_, text, _ := strings.Cut(x.listing[0], ": ")
	return " (" + text + ")"
}

func (x *examination) disassembly() []string {
	code := make([]byte, maxDisassembly*15)
	n, _ := x.p.ReadAt(x.pc, code)
	return listings.get(x.pc, code[:n], x.images, func() (list []string) {
		for i := range disasm.All(code[:n], x.pc, x.symbol) {
			if len(list) == maxDisassembly {
				break
			}
			list = append(list, fmt.Sprintf("%#x: %s", i.Addr, i.Text))
		}
		return list
	})
}

// symbol names an address.
func (x *examination) symbol(addr uint64) (name string, base uint64) {
	for _, im := range x.images {
		if im.Contains(addr) {
			s, _ := im.At(addr)
			return s.Demangled(), s.Addr
		}
	}
	return "", 0
}

// symbolize names the frames of a report that has only their addresses, as sanitizers
// write them without a symbolizer.
func (x *examination) symbolize(frames []Frame) {
	for i := range frames {
		f := &frames[i]
		if f.Function != "" || f.PC == 0 {
			continue
		}
		for _, im := range x.images {
			if !im.Contains(f.PC) {
				continue
			}
			if s, ok := im.At(f.PC); ok {
				f.Function, f.Symbol, f.Offset = s.Function(), s.Name, f.PC-s.Addr
			}
			if line, err := im.Line(f.PC); err == nil {
				f.File, f.Line, f.Column = line.File, line.Line, line.Column
			}
		}
	}
}

// mapping returns the mapping that an address lies in, or nil.
func (x *examination) mapping(addr uint64) *procfs.Mapping {
	i := slices.IndexFunc(x.maps, func(m procfs.Mapping) bool { return m.Start <= addr && addr < m.End })
	if i < 0 {
		return nil
	}
	return &x.maps[i]
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// FromOutput says what the end of a process was by what it wrote to its standard
// error alone: a report of a sanitizer, or a panic. It returns nil if there is none.
func FromOutput(output string, o *Options) (*Crash, error) {
	c, err := New(nowhere{}, &Event{Output: output}, o)
	if err != nil || c.Name == "Undefined" {
		return nil, err
	}
	return c, nil
}

// nowhere is a process that is gone.
type nowhere struct{}

func (nowhere) ReadAt(uint64, []byte) (int, error) { return 0, unix.ESRCH }
func (nowhere) Maps() ([]procfs.Mapping, error)    { return nil, nil }
func (nowhere) Images() ([]*image.Image, error)    { return nil, nil }

// Package builtins shows the debugger to Starlark scripts: the values that stand
// for processes, threads, frames, stops and the rest, and the predeclared
// functions that make them.
//
// Everything a script sees is a row of a table, in which its documentation stands
// beside its implementation; help prints it, and Doc returns it. Addresses and
// registers are plain ints, wherever an address is taken a location is too, and
// what is not there is missing, so that Starlark says which name is near.
//
// An Env belongs to a tracer and must be used from the tracer's goroutine. A
// call that is to end early needs both Cancel of its starlark.Thread and
// Interrupt of the tracer.
//
// # The module ptrace
//
// It has the requests of FreeBSD's ptrace(2) on plain IDs, as kern_ptrace has them.
// What Linux cannot give, or gives otherwise:
//
//   - A child that asks to be traced (PT_TRACE_ME) has to exec: launch does both.
//   - PT_TO_SCE and PT_TO_SCX hold for one request. kern_ptrace never clears them.
//   - A process whose threads are all suspended cannot be continued. There it could,
//     and nothing could ever be asked of it again.
//   - PT_CLEARSTEP of the caller's own thread is EPERM as for others: it is not
//     traced, and has no step to clear.
//   - SIGKILL ends a process without a stop.
//   - A word that moved only in part is EFAULT and never EINVAL: there is always a
//     fault.
//   - dr4 and dr5 are left out, and dr6 and dr7 are as Linux shows them.
//   - A value that eflags, a segment or its base may not have is EINVAL, where
//     Linux says EIO or nothing.
//   - attach returns when all threads have stopped, which is at once unless one is
//     in a sleep that signals do not end. Its stop is still to be waited for.
//   - Delivering SIGSTOP leaves the process stopped until SIGCONT, without another
//     stop to wait for.
//   - Handlers, hooks and breakpoints of the objects go on working: those that
//     decline a stop do so inside wait.
package builtins

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"go.starlark.net/lib/math"
	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/image"
)

// An Env is what the scripts of one tracer share.
type Env struct {
	// Stdout is where write writes. It is os.Stdout unless set.
	Stdout io.Writer
	// Stderr is where log writes. It is os.Stderr unless set.
	Stderr io.Writer
	// Targets' streams are these where launch names none. nil is the debugger's own.
	TargetStdout, TargetStderr *os.File

	// Printers, unless nil, is called once, before the first value is shown whose type's
	// name begins with "std::". It calls the builtin printer, but what scripts have asked
	// of that comes first.
	Printers func()

	// Quiet are signals that processes get without a stop, beside those that they get so in
	// any case.
	Quiet []unix.Signal

	// TTY, unless nil, makes the terminal of a program that is launched without a word
	// about its streams.
	TTY func() (*os.File, error)

	// Aside, unless nil, calls a function that has the debugger's terminal meanwhile.
	Aside func(func())

	// Moving, unless nil, is called when targets begin to run and when they have stopped.
	Moving func(bool)

	// Commands, unless nil, is called once, before the first command is looked for. It
	// calls the builtin command; what scripts ask of that replaces what it has asked.
	Commands func()

	tr          *tracer.Tracer
	allowed     Policy
	thread      *starlark.Thread // of the verb that is running: handlers run on it
	processes   map[*tracer.Process]*process
	predeclared starlark.StringDict
	printers    []printer
	named       []string // the patterns of printers that scripts gave before those of Printers
	printing    int      // printers that are running
	commands    map[string]*command
	focus       *focus
	screen      Screen
	tempDirs    map[string]string // by name, or else by path
	compiled    map[string]*regexp.Regexp
	warmed      []*image.Image
	drains      drains
}

// New returns an Env for the processes of tr. Scripts see args as their arguments
// and may do what policy allows.
func New(tr *tracer.Tracer, args []string, policy Policy) *Env {
	e := &Env{
		Stdout:      os.Stdout,
		Stderr:      os.Stderr,
		tr:          tr,
		allowed:     policy,
		processes:   make(map[*tracer.Process]*process),
		predeclared: make(starlark.StringDict),
		commands:    make(map[string]*command),
		tempDirs:    make(map[string]string),
		compiled:    make(map[string]*regexp.Regexp),
	}
	e.focus = newFocus(e)
	e.predeclared["focus"] = e.focus
	for _, c := range constants {
		e.predeclared[c.name] = c.value
	}
	list := make([]starlark.Value, len(args))
	for i, arg := range args {
		list[i] = starlark.String(arg)
	}
	e.predeclared["args"] = starlark.NewList(list)
	e.predeclared["env"] = e.environ()
	for _, m := range e.modules() {
		e.predeclared[m.Name] = m
	}
	for _, f := range functions {
		e.predeclared[f.name] = f.bind(e, f.name)
	}
	return e
}

// modules returns the modules whose members are rows of tables.
func (e *Env) modules() []*starlarkstruct.Module {
	return []*starlarkstruct.Module{e.crashesModule(), e.jsonModule(), e.ptraceModule()}
}

// Predeclared returns the names that scripts have without loading anything. The
// caller may add to the map, and help lists what it adds.
func (e *Env) Predeclared() starlark.StringDict { return e.predeclared }

// Close closes the streams of the processes that were launched. It is called
// after the tracer's Close: a target that lives longer loses its streams.
func (e *Env) Close() {
	for _, p := range e.processes {
		p.closeStreams()
	}
	clear(e.processes)
	e.removeTempDirs()
}

// A constant is a value that scripts hand to builtins.
type constant string

const (
	surface constant = "STOP"
	pipe    constant = "PIPE"
	capture constant = "CAPTURE"
)

func (c constant) String() string               { return string(c) }
func (c constant) Type() string                 { return "constant" }
func (c constant) Freeze()                      {}
func (c constant) Truth() starlark.Bool         { return starlark.True }
func (c constant) Hash() (uint32, error)        { return starlark.String(c).Hash() }
func (c constant) MarshalJSON() ([]byte, error) { return encode(string(c)) }

// constants are the predeclared values that are not our functions. The value of
// args is the Env's.
var constants = []struct {
	name, typ, doc string
	value          starlark.Value
}{
	{"STOP", "", "What a handler returns to surface its stop from the verb that is running.", surface},
	{"PIPE", "", "For launch: connect a standard stream of the target to the script, as p.stdin, p.stdout or p.stderr.", pipe},
	{"CAPTURE", "", "For launch: keep what the target writes to stdout or stderr, as p.stdout.data.", capture},
	{"args", ": list of str", "The script's arguments.", starlark.None},
	{"env", ": dict of str", "The debugger's environment. It needs the permission env to be there.", starlark.None},
	{"math", "", "Starlark's module math: functions of floats.", math.Module},
	{"time", "", "Starlark's module time: now() is the time, and (time.now() - t).seconds the float number of seconds since t.", startime.Module},
	{"struct", "(**kwargs) -> struct", "Return a value with the given attributes.", starlark.NewBuiltin("struct", starlarkstruct.Make)},
	{"module", "(name, **kwargs) -> module", "Return a module with the given members.", starlark.NewBuiltin("module", starlarkstruct.MakeModule)},
}

// launchArgs is the signature of what starts a program, without what it returns.
const launchArgs = "(argv, env=None, cwd=None, stdin=None, stdout=None, stderr=None, aslr=False, tty=None, limits=None, pin=True, filter=None, follow=\"parent\", group=False) -> "

// functions are the predeclared functions.
var functions = append(concat([]method[*Env]{
	{"launch", launchArgs + "process",
		"Start a program, stopped at its first instruction. argv is a list, or a string that is split into words as a shell does; no shell runs. " +
			"env is a dict that replaces the environment, which a script that has not the permission env starts empty. stdin is bytes, a path or PIPE; stdout and stderr are a path, which is created and truncated, PIPE or CAPTURE; None is the debugger's own. " +
			"aslr lets the kernel randomise the address space. limits is a dict of cpu (seconds), memory (bytes), files, core and fsize (bytes of a core and of any file) and procs. " +
			"pin lets the debugger share a CPU with the target while stops come fast. " +
			"filter names the system calls, as on takes them, that hooks will ask for: those stop faster then, and the others cost nothing. Such a process and its children cannot be let go; they end with the script. " +
			"follow says what becomes of the children that it makes with fork or vfork, and of theirs: with \"parent\" they are let go unless catch or on asks for them; with \"both\" they stay, as if catch(\"fork\") and catch(\"vfork\") had been called in each process; with \"child\" that stop surfaces too, but its process has been let go by then, and stop.child is the one to go on with. " +
			"tty gives the program a terminal of its own, in a session of its own: with True it is worked by p.stdin and p.stdout, and a path is that of another one. In the REPL it has one unless False or a stream is given, whose output is shown, and what is typed while it runs goes there. " +
			"group gives it a process group of its own, as a session does anyway: what it sends to its group, by kill(0, n), does not reach the debugger. Of a terminal that they share it is in the background then, and is stopped when it reads from it.",
		(*Env).launch},
	{"attach", "(pid, follow=\"parent\", wait=False, timeout=None) -> process", "Trace a running process, with every thread stopped. It is let go when the script ends. pid may be the name or path of the program of one process. With wait it is one that starts from now on, or begins to run the program, and is waited for, for timeout seconds at most; it is looked for a thousand times a second, so one that lives shorter may be missed. follow is that of launch.", (*Env).attach},
	{"observe", "(pid) -> observed", "Look at a running process without stopping or tracing it. It needs what attach needs.", (*Env).observe},
	{"core", "(path, exe=None, sysroot=None) -> core", "Open a core. Files that the process had mapped are looked for below the directory sysroot, and its program at exe, if given.", (*Env).core},
	{"program", "(path, bias=0) -> program", "Look at the file of a program or library that does not run. bias is added to the addresses that it was linked for.", (*Env).program},
	{"processes", "(name=None) -> list of struct", "List the processes of the machine as structs of pid, exe, argv and uid; only those whose program or command name is name, if given.", (*Env).list},
	{"attempt", "(fn, *args, **kwargs) -> (value, error)", "Call fn and return (value, None), or (None, error) if it fails. It does not stop exit, an interrupt or a limit.", (*Env).attempt},
	{"exit", "(code=0)", "End the script with an exit code of 0 to 255. What it launched is killed, what it attached to is detached.", (*Env).exit},
	{"hex", "(x, width=0) -> str", "Format an int in hexadecimal, with at least width digits.", (*Env).hex},
	{"format", "(x, spec) -> str", "Format a value as Python's format does: spec is [[fill]align][sign][#][0][width][,_][.precision][type], where align is <, >, ^ or = (behind the sign), and type b, d, o, x, X, e, f, g, %, s or none. What sets colors takes no columns.", (*Env).format},
	{"hexdump", "(data, addr=0) -> str", "Format bytes sixteen a line, in hexadecimal and as text; addr is the address of the first.", (*Env).hexdump},
	{"pack", "(fmt, *values) -> bytes", "Pack values as a format of Python's module struct says, little-endian unless told.", (*Env).pack},
	{"unpack", "(fmt, data) -> tuple", "Unpack bytes as a format of Python's module struct says, little-endian unless told. data must have the format's size.", (*Env).unpack},
	{"regex", "(pattern) -> regex",
		"Compile a regular expression for find, in Go's syntax. It matches bytes: \\xff is one, and . any but a newline. A match of more than 65536 bytes may be missed, and an empty one is none. " +
			"Memory has no ends for ^ and $, which need the flag (?m) and match at newlines then.",
		(*Env).regex},
	{"hex_pattern", "(pattern) -> hex_pattern",
		"Compile bytes in hexadecimal for find, in which ? stands for any digit and, alone between spaces, for any byte, as debuggers and YARA write them: \"48 8b ?? ?4\", \"e8 ? ? ? ?\". There may be up to 1024 bytes, and one digit must be given.",
		(*Env).hexPattern},
	{"split_words", "(line) -> list of str", "Split the line of a program and its arguments into words as launch and a shell do: at blanks that neither quotes nor a backslash protect. Nothing is expanded. A list is taken as the words that it has.", (*Env).splitWords},
	{"matches", "(pattern, text) -> bool",
		"Report whether a regular expression, in Go's syntax, matches somewhere in a str or bytes; ^ and $ are its ends.",
		(*Env).matches},
	{"groups", "(pattern, text, all=False) -> list of str or None",
		"Return what the first match of a regular expression, in Go's syntax, is and what each of its groups has matched, or None for a group that took no part; None if it matches nowhere. With all, return a list of what each of the matches has, one behind the other.",
		(*Env).groups},
	{"read_file", "(path) -> bytes", fmt.Sprintf("Return what is in a file, at most %d bytes.", maxRead), (*Env).readFile},
	{"write_file", "(path, data, append=False)", "Make a file of bytes, or replace what is in it; with append, add them to its end.", (*Env).writeFile},
	{"list_dir", "(path=\".\", details=False) -> list of str", "List the names in a directory, in order. With details, each is a struct of name, type (\"file\", \"dir\", \"link\" or \"other\") and size in bytes, which is 0 unless it is a file.", (*Env).listDir},
	{"tempdir", "(name=\"\", keep=None) -> str", "Make a folder in the one for temporary files, which is removed when the session ends, and return its path. With a name it is the same one each time. keep, a list of names, is for a folder in which a target finds its files: all else that is in it is removed, and what is no file to read and write; other users, as whom a target may go on, can reach by name what is made in it.", (*Env).tempDir},
	{"sleep", "(seconds)", "Let time pass; an interrupt or a limit of the script ends it. Targets are not waited for: p.cont(timeout=seconds) is what lets one run so long.", (*Env).sleep},
	{"log", "(*args)", "Print to standard error, with the time.", (*Env).log},
	{"syscalls", "(names=None) -> list of str", "Return the names of system calls: those that names has, in the form that on takes, or all.", (*Env).syscalls},
	{"shell", "(line, input=None) -> int", "Run a line with the user's shell, $SHELL or sh, untraced, and return its exit code, or 128 and the number of the signal that has ended it. It has the debugger's standard streams, but input, a str or bytes, for its standard input if given. It needs the permission env to have the debugger's environment.", (*Env).shell},
	{"write", "(text)", "Write a str or bytes to standard output as it is, without the newline that print adds.", (*Env).write},
	{"int", "(x, base=10) -> int", "Starlark's int, which takes numbers and pointers of the program too.", (*Env).toInt},
	{"range", "(start, stop=None, step=1) -> range", "Starlark's range, the ints from start, or from 0 if it is alone, to below stop. x in range(start, stop) holds for addresses too.", (*Env).makeRange},
	{"sorted", "(iterable, key=None, reverse=False) -> list", "Starlark's sorted: a new list of the elements in ascending order, or descending with reverse, by what the function key makes of each. Equal ones keep their order.", (*Env).sorted},
	{"float", "(x) -> float", "Starlark's float, which takes numbers of the program too.", (*Env).toFloat},
	{"printer", "(pattern, fn, member=None)",
		"Have fn show the values of the types that match a pattern, in which * stands for any text, such as \"std::vector<*>\". fn takes the value and returns a string, or a list, dict or struct of parts to show. " +
			"member takes a value, an operator such as \"[]\", \"*\", \"->\" or \"==\" or the name of a method, and its argument or None, and returns what that is in an expression such as v[1] or v.size(), or None. " +
			"The last printer given for a type is used, and None takes the one of a pattern away. " +
			"Those of std/cxx.star are there from the start: printer(\"std::vector<*>\", None) has vectors shown as they are in memory, and its function register brings all back.",
		(*Env).addPrinter},
	{"help", "(x=None)", "Print what there is to know about a value, a function, or a name such as \"process.read\"; without x, list what is predeclared.", (*Env).help},
}, commandRows), func() (list []method[*Env]) {
	for _, t := range integers {
		kind := "an unsigned"
		if t.signed {
			kind = "a signed"
		}
		list = append(list, method[*Env]{t.name, "(x) -> int", fmt.Sprintf("Wrap an int to %s number of %d bits.", kind, t.bits), t.builtin})
	}
	return list
}()...)

func init() {
	chapters = append(chapters, func() {
		for _, c := range constants {
			newTopic(c.name, c.typ, c.doc)
		}
		for _, f := range functions {
			newTopic(f.name, f.sig, f.doc)
		}
	})
}

// log prints to standard error.
func (e *Env) log(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if len(kwargs) > 0 {
		return nil, fmt.Errorf("%s: unexpected keyword arguments", b.Name())
	}
	words := make([]string, len(args))
	for i, arg := range args {
		var s blob
		if s.Unpack(arg) != nil {
			s = blob(arg.String())
		}
		words[i] = string(s)
	}
	_, err := fmt.Fprintf(e.Stderr, "%s %s\n", time.Now().Format("15:04:05.000000"), strings.Join(words, " "))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return starlark.None, nil
}

// write writes to standard output.
func (e *Env) write(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var text blob
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "text", &text); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(e.Stdout, string(text)); err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return starlark.None, nil
}

// encode returns v in JSON, in which < and & stand for themselves.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// unhashable returns the error of hash(v).
func unhashable(v starlark.Value) error { return fmt.Errorf("unhashable type: %s", v.Type()) }

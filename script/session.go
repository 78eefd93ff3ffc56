// Package script runs Starlark scripts over the debugger: files, strings of
// code, and a REPL.
//
// It owns what surrounds a script: the dialect, modules and their loading,
// limits, cancellation, and the text of errors. The builtins that a script calls
// are those of package builtins.
//
// A Session belongs to the goroutine that made it, which New locks to its OS
// thread until Close, because the kernel ties a traced process to one thread.
// Only Interrupt, Wake, Finish and Quit may be called from others. Sessions are independent of
// each other: parallel work is several of them. A Batch has them in processes of their
// own, for inputs that kill what looks at them.
package script

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/builtins"
	"github.com/tracelark/tracelark/stdlib"
	"github.com/tracelark/tracelark/tracer"
)

// ErrInterrupted is the cause of the error of a run that Interrupt or Quit ended.
var ErrInterrupted = errors.New("interrupted")

// An ExitError is returned by the run of a script that called exit with a code
// other than 0.
type ExitError = builtins.ExitError

// A Policy says what scripts may do; see builtins.Policy.
type Policy = builtins.Policy

// A Permission is a set of things that scripts may do. The manual's topic
// "permissions" tells what they are and which builtins need them.
type Permission = builtins.Permission

// The permissions.
const (
	MayLaunch  = builtins.MayLaunch  // start programs
	MayAttach  = builtins.MayAttach  // list and trace processes that run already
	MayWrite   = builtins.MayWrite   // change targets, and call their functions
	MayFS      = builtins.MayFS      // read and write files, and load modules that are not in std
	MayEnv     = builtins.MayEnv     // read the environment of the debugger
	MaySyscall = builtins.MaySyscall // have targets make system calls, and change those that they make
	MayAll     = builtins.MayAll
)

// fileOptions is the dialect: Starlark with all that a script, as opposed to a
// build file, needs.
var fileOptions = &syntax.FileOptions{
	Set:             true,
	While:           true,
	TopLevelControl: true,
	GlobalReassign:  true,
	Recursion:       true,
}

// Options are the settings of a Session. The zero value is the default, with which
// scripts may do nothing but compute.
type Options struct {
	Policy   Policy              // what scripts may do
	Args     []string            // the script's arguments, its "args"
	Stdout   io.Writer           // where print and the REPL's values go, and what targets print if it is an *os.File; nil means os.Stdout
	Stderr   io.Writer           // the same for log and the REPL's errors; nil means os.Stderr
	Stdlib   fs.FS               // the modules: load("std/x.star") opens x.star; nil means those of package stdlib
	Names    starlark.StringDict // what scripts have besides what is predeclared, and help lists; they are not frozen
	Steps    uint64              // interpreter steps that one run may take; 0 means any number
	Deadline time.Duration       // time that one run may take; 0 means any
	Memory   uint64              // bytes that the heap of the whole process may take while a script runs; 0 means any number
	Stuck    func(error)         // unless nil, called on another goroutine if a script that a limit ends goes on for 3 seconds, or takes 3 times Memory, because the interpreter or a builtin is busy; the error tells the limit
	History  string              // file that keeps the REPL's input; "" means none
	Init     string              // script that the REPL runs first, if it is there; "" means none
}

// An engine is what a session's scripts drive: a tracer and the builtins over it.
type engine interface {
	Predeclared() starlark.StringDict
	Abandon()                     // takes breakpoints out of what was attached to; from any goroutine
	Interrupt()                   // ends the verb that is running, or else the next one; from any goroutine
	ClearInterrupt()              // forgets an Interrupt that no verb has noticed
	Traced() bool                 // whether there are targets
	Traces(id int) bool           // whether a process is traced, one that scripts do not see too
	Fates() []string              // what becomes of them when the session ends, a line each
	Mark() (release func() error) // has release let go of the targets that come from now on
	Close() error

	IsCommand(name string) bool
	Abbreviates(name string) bool
	BlockDepth(line string, depth int) int
	CommandNames() []string
	CommandIndex(thread *starlark.Thread) string
	RunCommand(thread *starlark.Thread, line string) (starlark.Value, error)
	RepeatCommand(thread *starlark.Thread, line string) (v starlark.Value, ok bool, err error)

	Warm() // prepares what completes words, in the background

	// What completes words, by their beginnings.
	Parameters(fn starlark.Value) []string
	Symbols(prefix string) []string
	Sources(prefix string) []string
	Types(prefix string) []string
	Variables(prefix string) []string
	Registers(prefix string) []string
	Running(prefix string) []string
	Members(expr string) []string
	CommandWords(thread *starlark.Thread, line string) (words []string, ok bool)

	Status() string          // what commands act on
	LastStop() *tracer.Stop  // of that
	Subject() starlark.Value // the same as a value, or nil
	SetScreen(builtins.Screen)
	// SetTTY has the first function make the terminals of targets, and calls the second
	// when they begin to run and when they have stopped.
	SetTTY(func() (*os.File, error), func(moving bool))

	SetQuiet(...unix.Signal) // are what targets get without a stop, beside those of scripts

	Away() bool                                            // whether a target runs in the background
	Await(thread *starlark.Thread) (starlark.Value, error) // its stop, or nil after Wake
	Wake()                                                 // from any goroutine
}

// A debugger is the real engine.
type debugger struct {
	*tracer.Tracer
	*builtins.Env
}

func (d *debugger) Traced() bool { return len(d.Processes()) > 0 }

func (d *debugger) Fates() (lines []string) {
	for _, p := range d.Processes() {
		switch {
		case p.State() == tracer.Exited || p.State() == tracer.Detached:
		case p.Launched():
			lines = append(lines, fmt.Sprintf("process %d is killed", p.PID))
		default:
			lines = append(lines, fmt.Sprintf("process %d is let go", p.PID))
		}
	}
	return lines
}

func (d *debugger) SetTTY(tty func() (*os.File, error), moving func(bool)) {
	d.Env.TTY, d.Env.Moving = tty, moving
}

func (d *debugger) SetQuiet(sigs ...unix.Signal) { d.Quiet = sigs }

// Close lets the targets go before it closes their streams.
func (d *debugger) Close() error {
	err := d.Tracer.Close()
	d.Env.Close()
	return err
}

// A Session runs scripts that share one debugger and one set of modules. A run is
// the execution of one script, or of one item that the REPL reads.
type Session struct {
	opts    Options
	engine  engine
	stdout  *output
	stderr  *output
	loader  *loader
	globals starlark.StringDict // of the REPL
	defined starlark.StringDict // by the last script
	view    view

	deadlineFlag string // by which a user gave the deadline
	watched      bool   // whoever made the session deals with runs that go on after the deadline

	mu    sync.Mutex
	run   *run      // the run under way, or nil
	over  error     // why no run can begin any more, or nil
	input io.Closer // what the REPL reads, or nil
}

type run struct {
	thread *starlark.Thread
	cause  error // why it was stopped, or nil
	woken  bool
}

// New returns a session and locks the calling goroutine to its OS thread until
// Close.
func New(opts *Options) (*Session, error) {
	if opts == nil {
		opts = new(Options)
	}
	if opts.Stdlib == nil {
		with := *opts
		with.Stdlib = stdlib.FS
		opts = &with
	}
	tr, err := tracer.New()
	if err != nil {
		return nil, fmt.Errorf("start the tracer: %w", err)
	}
	env := builtins.New(tr, opts.Args, opts.Policy)
	maps.Copy(env.Predeclared(), opts.Names)
	s := newSession(opts, &debugger{tr, env})
	env.Stdout, env.Stderr = s.stdout, s.stderr
	env.Printers = func() { s.register("cxx.star") }
	env.Aside = func(f func()) { s.view.lines.aside(f) }
	env.Commands = func() { s.register("commands.star") }
	env.TargetStdout, _ = opts.Stdout.(*os.File)
	env.TargetStderr, _ = opts.Stderr.(*os.File)
	return s, nil
}

func newSession(opts *Options, e engine) *Session {
	guard := guard{opts.Memory}
	predeclared := guard.predeclare(e.Predeclared())
	loader := newLoader(opts.Stdlib, opts.Policy, predeclared)
	loader.guard = guard
	s := &Session{
		opts:    *opts,
		engine:  e,
		stdout:  newOutput(opts.Stdout, os.Stdout),
		stderr:  newOutput(opts.Stderr, os.Stderr),
		loader:  loader,
		globals: maps.Clone(predeclared),
		view:    view{lines: &plainReader{}},

		deadlineFlag: "--deadline",
	}
	s.stdout.stopped, s.stderr.stopped = s.stopping, s.stopping
	return s
}

// register calls the function register of a module of the standard library, if it is
// there. The module is loaded on a thread of its own, since what needs it may be no run.
func (s *Session) register(file string) {
	if _, err := fs.Stat(s.loader.stdlib, file); err != nil {
		return
	}
	thread := &starlark.Thread{Name: file, Load: s.loader.load}
	globals, err := s.loader.load(thread, std+file)
	if register, ok := globals["register"]; ok {
		_, err = starlark.Call(thread, register, nil, nil)
	}
	if err != nil {
		fmt.Fprintf(s.stderr, "load %s%s: %v\n", std, file, err)
	}
}

// ErrClosed is the error of what is run after Close.
var ErrClosed = errors.New("the session is closed")

// Close ends the session: what it launched is killed, what it attached to is
// detached, and what is run later fails with ErrClosed.
func (s *Session) Close() error {
	s.mu.Lock()
	s.over = ErrClosed
	s.mu.Unlock()
	s.engine.ClearInterrupt()
	return s.engine.Close()
}

// Abandon takes the breakpoints out of processes that were attached to, for a program that
// is to end at once though a run does not, as Options.Stuck tells; see tracer.Abandon. It
// may be called from any goroutine.
func (s *Session) Abandon() { s.engine.Abandon() }

// RunFile runs the script at path. Its error is an *ExitError if the script
// called exit with a code other than 0, an *Error if the script failed, and
// otherwise says why the file could not be read.
func (s *Session) RunFile(path string) error {
	m, err := s.loader.open(path)
	if err != nil {
		return err
	}
	return s.runModule(m)
}

// RunCode runs code, whose modules load relative to the working directory. Its
// errors are those of RunFile.
func (s *Session) RunCode(code string) error {
	return s.runModule(&module{name: "<code>", source: code})
}

// runModule runs m, whose names are then those of Globals.
func (s *Session) runModule(m *module) error {
	err := s.exec(func(thread *starlark.Thread) error { return s.loader.init(thread, m) })
	s.defined = m.globals
	return exited(err)
}

// Globals returns what the last script that was run has defined, as far as it came, by
// name.
func (s *Session) Globals() starlark.StringDict { return s.defined }

// Call calls a function of a script with arguments, as a run of its own: a function among
// the Globals, or a value that a script gave to one of Options.Names. Its errors are those
// of RunFile.
func (s *Session) Call(fn starlark.Value, args ...starlark.Value) (v starlark.Value, err error) {
	err = s.exec(func(thread *starlark.Thread) error {
		v, err = starlark.Call(thread, fn, args, nil)
		return err
	})
	return v, exited(err)
}

// exited turns the error of exit(0) into nil.
func exited(err error) error {
	if exit, ok := errors.AsType[*ExitError](err); ok && exit.Code == 0 {
		return nil
	}
	return err
}

// Interrupt stops the run under way, its script and its targets, so that it
// returns an error whose cause is ErrInterrupted. It does nothing when there is
// none. It reports whether the run was stopped before and still goes on, which is
// when a builtin is busy with something other than waiting for a target.
func (s *Session) Interrupt() (stubborn bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stubborn = s.run != nil && s.run.cause != nil
	s.stop(s.run, ErrInterrupted)
	return stubborn
}

// Wake stops the targets of the run under way, but not its script: the verb that is
// running ends with reason "interrupt". It does nothing when there is no run. It
// reports whether the run was woken before.
func (s *Session) Wake() (again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		return false
	}
	again, s.run.woken = s.run.woken, true
	s.engine.Interrupt()
	return again
}

// Finish is Wake for a run that comes to its end then. If there is none, the next fails at
// once.
func (s *Session) Finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		s.over = ErrInterrupted
		return
	}
	s.run.woken = true
	s.engine.Interrupt()
}

// Quit is Interrupt for good: later runs fail at once, and REPL returns.
func (s *Session) Quit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = ErrInterrupted
	s.stop(s.run, ErrInterrupted)
	if s.input != nil {
		s.input.Close()
	}
}

// stop ends r because of cause, unless it is over or something else has ended it.
// The tracer must not be interrupted for a run that is over, because that would
// hit the next one.
//
// Precondition: s.mu is locked.
func (s *Session) stop(r *run, cause error) {
	if r == nil || r != s.run || r.cause != nil {
		return
	}
	r.cause = cause
	r.thread.Cancel(cause.Error())
	s.engine.Interrupt()
}

// fail is stop for the session's own reasons.
func (s *Session) fail(r *run, cause error) {
	const patience = 3 * time.Second
	s.mu.Lock()
	defer s.mu.Unlock()
	if r == s.run && r.cause == nil && s.opts.Stuck != nil && !s.watched {
		time.AfterFunc(patience, func() {
			if s.running(r) {
				s.opts.Stuck(cause)
			}
		})
	}
	s.stop(r, cause)
}

// stopping reports whether the run under way was ended.
func (s *Session) stopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.run != nil && s.run.cause != nil
}

// running reports whether r is not over.
func (s *Session) running(r *run) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.run == r
}

// begin makes the next run.
func (s *Session) begin() (*run, error) {
	r := new(run)
	r.thread = &starlark.Thread{
		Load: s.loader.load,
		Print: func(_ *starlark.Thread, msg string) {
			if err := s.page(msg + "\n"); err != nil {
				s.fail(r, err)
			}
		},
		OnMaxSteps: func(*starlark.Thread) {
			s.fail(r, fmt.Errorf("script ran for %d steps, the limit of --steps", s.opts.Steps))
		},
	}
	r.thread.SetMaxExecutionSteps(s.opts.Steps) // which takes 0 as we do
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over != nil {
		return nil, s.loader.report(s.over, nil, nil)
	}
	s.run = r
	return r, nil
}

// exec calls f with a new thread, under the session's limits. Its error is that of
// RunFile, or the *ExitError of exit(0). A panic is an error like any other, so
// that a bug in a builtin costs a run but not the session.
func (s *Session) exec(f func(*starlark.Thread) error) (err error) {
	s.engine.ClearInterrupt()
	return s.execAsIs(f)
}

// execAsIs is exec, but heeds an interrupt or Wake that came before.
func (s *Session) execAsIs(f func(*starlark.Thread) error) (err error) {
	r, err := s.begin()
	if err != nil {
		return err
	}
	if limit := s.opts.Deadline; limit > 0 {
		timer := time.AfterFunc(limit, func() {
			s.fail(r, fmt.Errorf("script ran for %v, the limit of %s", limit, s.deadlineFlag))
		})
		defer timer.Stop()
	}
	if s.opts.Memory > 0 {
		s.tidy()
		done := make(chan struct{})
		defer close(done)
		go s.watchMemory(r, done)
	}
	defer func() {
		s.mu.Lock()
		s.run = nil
		s.mu.Unlock()
		if p := recover(); p != nil {
			err = panicError(p, debug.Stack())
		} else if exit, ok := errors.AsType[*ExitError](err); ok {
			err = exit
		} else if err != nil {
			failure := s.loader.report(err, r.cause, s.globals)
			failure.stopped = r.cause != nil
			err = failure
		}
	}()
	return f(r.thread)
}

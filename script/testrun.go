package script

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/builtins"
)

// testSuffix ends the names of files with tests, and testPrefix begins those of
// their functions.
const (
	testSuffix = "_test.star"
	testPrefix = "test_"
)

// maxTestOutput bounds what is kept of the output of one test, in bytes.
const maxTestOutput = 64 << 10

// testPatience is how long a test that was stopped may take to end.
const testPatience = 3 * time.Second

var errStubborn = errors.New("the test was interrupted but does not stop: a builtin is busy; a process that it attached to may keep watchpoints")

// A Test is a function without parameters, whose name starts with "test_", at the
// top level of a file. It fails if its file or the function does.
type Test struct {
	File string
	Name string // "" stands for the file, which is no script
}

// FindTests returns the tests of files, and of all files in folders whose names end
// in "_test.star", by file and then in the order of the source. A file that is named
// twice counts once. A pattern that is not nil has to match the names of functions.
func FindTests(paths []string, pattern *regexp.Regexp) ([]Test, error) {
	var tests []Test
	seen := make(map[string]bool)
	add := func(file string) {
		file = filepath.Clean(file)
		if seen[file] {
			return
		}
		seen[file] = true
		names, err := testNames(file)
		if err != nil {
			tests = append(tests, Test{File: file}) // whose run tells
		}
		for _, name := range names {
			if pattern == nil || pattern.MatchString(name) {
				tests = append(tests, Test{file, name})
			}
		}
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			add(path)
			continue
		}
		// With the slash, a path that is a symbolic link is followed.
		if err := filepath.WalkDir(path+"/", func(file string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && strings.HasSuffix(file, testSuffix) {
				add(file)
			}
			return err
		}); err != nil {
			return nil, err
		}
	}
	return tests, nil
}

// testNames returns the names of the tests in a file.
func testNames(path string) ([]string, error) {
	m, err := new(loader).open(path)
	if err != nil {
		return nil, err
	}
	file, err := fileOptions.Parse(path, m.source, 0)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, stmt := range file.Stmts {
		def, ok := stmt.(*syntax.DefStmt)
		if ok && strings.HasPrefix(def.Name.Name, testPrefix) && !slices.Contains(names, def.Name.Name) {
			names = append(names, def.Name.Name)
		}
	}
	return names, nil
}

// A TestResult is what became of a test.
type TestResult struct {
	Test
	Err    error         // nil if it passed, else as that of Session.RunFile
	Output string        // what it and its targets printed, with control characters escaped
	Took   time.Duration // to run, with the loading of its file

	loaded bool
}

// A TestRun runs tests, each in a session of its own.
type TestRun struct {
	opts    Options
	jobs    int
	timeout time.Duration
	quit    chan struct{} // closed by Quit

	mu       sync.Mutex
	stopped  bool
	sessions map[*Session]bool
	broken   map[string]bool // files that do not load
}

// NewTestRun returns a TestRun for sessions with opts, but for their outputs, which
// are kept, and their deadline. It runs as many tests at a time as jobs says, 0
// meaning one a CPU. A test that takes longer than timeout is interrupted and fails; 0
// is no limit.
func NewTestRun(opts *Options, jobs int, timeout time.Duration) *TestRun {
	r := &TestRun{
		opts:     *opts,
		jobs:     cmp.Or(jobs, runtime.NumCPU()),
		timeout:  timeout,
		quit:     make(chan struct{}),
		sessions: make(map[*Session]bool),
		broken:   make(map[string]bool),
	}
	r.opts.Deadline = timeout
	if stuck := opts.Stuck; stuck != nil {
		r.opts.Stuck = func(cause error) {
			r.abandon(nil)
			stuck(cause)
		}
	}
	return r
}

// Quit interrupts the tests that run and has Run begin no more. It may be called
// from any goroutine.
func (r *TestRun) Quit() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.stopped {
		r.stopped = true
		close(r.quit)
	}
	for s := range r.sessions {
		s.Quit()
	}
}

// Run runs tests and calls report with their results in the order of the tests, as
// soon as they are there. A file that does not load is one result, which has no name.
// An error of report ends the run, as Quit does, and is returned.
func (r *TestRun) Run(tests []Test, report func(*TestResult) error) error {
	results := make([]chan *TestResult, len(tests))
	next := make(chan int)
	for i := range tests {
		results[i] = make(chan *TestResult, 1)
	}
	var workers sync.WaitGroup
	for range min(r.jobs, len(tests)) {
		workers.Go(func() {
			for i := range next {
				results[i] <- r.run(tests[i])
			}
		})
	}
	go func() {
		for i := range tests {
			next <- i
		}
		close(next)
	}()
	var err error
	told := make(map[string]bool) // files of which is known that they do not load
	for _, c := range results {
		result := <-c
		if result == nil || err != nil || !result.loaded && told[result.File] {
			continue
		}
		if !result.loaded {
			told[result.File] = true
			result.Name = ""
		}
		if err = report(result); err != nil {
			r.Quit()
		}
	}
	workers.Wait()
	return err
}

// abandon takes the breakpoints out of what a session, or with nil all that run, has
// attached to.
func (r *TestRun) abandon(only *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s := range r.sessions {
		if only == nil || s == only {
			s.Abandon()
		}
	}
}

// run runs one test, or returns nil if that is of no use any more. A test that a
// builtin keeps from ending is left behind.
func (r *TestRun) run(test Test) *TestResult {
	r.mu.Lock()
	useless := r.stopped || r.broken[test.File]
	r.mu.Unlock()
	if useless {
		return nil
	}
	result := &TestResult{Test: test}
	out, err := os.CreateTemp("", "tracelark-test-")
	if err != nil {
		result.Err = fmt.Errorf("keep what the test prints: %w", err)
		return result
	}
	os.Remove(out.Name()) // it is there as long as it is open
	start := time.Now()
	type end struct {
		loaded bool
		err    error
	}
	ended := make(chan end, 1)
	begun := make(chan *Session, 1)
	go func() { // has the thread that traces, which no other test gets
		loaded, err := r.session(test, out, begun)
		ended <- end{loaded, err}
	}()
	var limit <-chan time.Time
	if r.timeout > 0 {
		limit = time.After(r.timeout + testPatience)
	}
	quit := r.quit
	for over := false; !over; {
		select {
		case e := <-ended:
			result.loaded, result.Err = e.loaded, e.err
			over = true
		case <-quit:
			quit, limit = nil, time.After(testPatience)
		case <-limit:
			result.loaded, result.Err = true, errStubborn
			over = true
			select {
			case s := <-begun:
				r.abandon(s)
			default: // it has no session
			}
		}
	}
	result.Took = time.Since(start)
	result.Output = tail(out)
	if !errors.Is(result.Err, errStubborn) {
		out.Close()
	}
	if !result.loaded {
		r.mu.Lock()
		r.broken[test.File] = true
		r.mu.Unlock()
	}
	return result
}

// session runs a test in a session of its own, which begun gets, and reports whether its
// file was loaded.
func (r *TestRun) session(test Test, out *os.File, begun chan<- *Session) (loaded bool, err error) {
	defer close(begun)
	opts := r.opts
	opts.Stdout, opts.Stderr = out, out
	s, err := New(&opts)
	if err != nil {
		return false, err
	}
	begun <- s
	s.deadlineFlag, s.watched = "--timeout", true
	r.mu.Lock()
	r.sessions[s] = true
	stopped := r.stopped
	r.mu.Unlock()
	if stopped {
		s.Quit()
	}
	loaded, err = s.runTest(test)
	r.mu.Lock()
	delete(r.sessions, s)
	r.mu.Unlock()
	if closeErr := s.Close(); closeErr != nil {
		err = errors.Join(err, closeErr)
	}
	return loaded, err
}

// runTest runs a test and reports whether its file was loaded. A test that calls exit
// fails, for it has not come to its end.
func (s *Session) runTest(test Test) (loaded bool, err error) {
	m, err := s.loader.open(test.File)
	if err != nil {
		return false, err
	}
	err = s.exec(func(thread *starlark.Thread) error {
		if err := s.loader.init(thread, m); err != nil {
			return err
		}
		fn, ok := m.globals[test.Name]
		if !ok {
			return fmt.Errorf("%s changed while it was read", test.File)
		}
		loaded = true
		_, err := starlark.Call(thread, fn, nil, nil)
		return err
	})
	if exit, ok := errors.AsType[*ExitError](err); ok {
		err = fmt.Errorf("the test called exit(%d)", exit.Code)
	}
	return loaded, err
}

// tail returns what is in a file, escaped, without the beginning if it is long.
func tail(f *os.File) string {
	info, err := f.Stat()
	if err != nil {
		return err.Error()
	}
	skip := max(0, info.Size()-maxTestOutput)
	data, err := io.ReadAll(io.NewSectionReader(f, skip, maxTestOutput))
	text := builtins.Escape(string(data), false)
	if skip > 0 {
		text = fmt.Sprintf("... %d bytes before\n%s", skip, text)
	}
	if err != nil {
		text += err.Error()
	}
	return text
}

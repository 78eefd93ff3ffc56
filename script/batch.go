package script

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/tracelark/tracelark/builtins"
	"github.com/tracelark/tracelark/stdlib"
)

// BatchOptions are the settings of a Batch.
type BatchOptions struct {
	Script  string // path of the script, or in Std its name there
	Std     bool
	Args    []string
	Policy  Policy
	Steps   uint64        // as in Options, for a case
	Worker  []string      // the command that calls BatchWorker
	Jobs    int           // number of workers; 0 means one a CPU
	Timeout time.Duration // that a case, or setup, may take; 0 means any
	Memory  int64         // that a worker may take, in bytes; 0 means any
	Dir     string        // folder that keeps the results; "" means none
	Name    string        // of the file of lines there; "" means results.jsonl
	Restart bool          // begin anew, whatever Dir holds
	Stderr  io.Writer     // what cases print; nil means os.Stderr
	Targets io.Writer     // what targets print that nothing else takes; nil means it is dropped
}

// A Batch calls a script's function case for each of many inputs and makes a line of
// JSON of each dict that it returns.
//
// The workers are processes, not threads of this one. An input is there to break its
// target, and a target can break its tracer: by a signal, by memory, by a bug of ours
// that is found so. What a worker loses then is one case and its caches. Each has a
// session and a terminal-less process group of its own, and reaps all that its targets
// leave behind.
type Batch struct {
	opts    BatchOptions
	job     batchJob
	cases   []Case
	journal *journal

	mu       sync.Mutex
	news     *sync.Cond // a case is done, or the run is over
	status   BatchStatus
	ready    bool  // a worker was
	err      error // why the run is over
	quit     chan struct{}
	quitting bool
	session  *Session // of the summary, or nil
}

// A BatchStatus says how far a run is.
type BatchStatus struct {
	Cases    int            // all
	Done     int            // those with a line
	Resumed  int            // those whose line is of an earlier run
	Errors   int            // those whose line is an error
	Outcomes map[string]int // what "outcome" is in the lines that have it
}

// NewBatch returns a Batch over cases. It reads the script, and what an earlier run has
// left in the folder of results.
func NewBatch(opts *BatchOptions, cases []Case) (*Batch, error) {
	b := &Batch{opts: *opts, cases: cases, quit: make(chan struct{})}
	b.opts.Jobs = cmp.Or(b.opts.Jobs, runtime.NumCPU())
	b.opts.Name = cmp.Or(b.opts.Name, "results.jsonl")
	if b.opts.Stderr == nil {
		b.opts.Stderr = os.Stderr
	}
	b.news = sync.NewCond(&b.mu)
	m, err := b.open()
	if err != nil {
		return nil, err
	}
	b.job = batchJob{m.name, m.key, m.source, opts.Args, opts.Policy, opts.Steps, opts.Timeout, opts.Memory}
	head := journalHead{1, fmt.Sprintf("%x", sha256.Sum256([]byte(m.source))), opts.Args}
	if b.journal, err = openJournal(opts.Dir, head, cases, opts.Restart); err != nil {
		return nil, err
	}
	b.status = BatchStatus{Cases: len(cases), Outcomes: make(map[string]int)}
	for i := range cases {
		if b.journal.has(i) {
			line, err := b.journal.line(i)
			if err != nil {
				return nil, err
			}
			b.count(tallyLine(line))
			b.status.Resumed++
		}
	}
	return b, nil
}

// open reads the script.
func (b *Batch) open() (*module, error) {
	if b.opts.Std {
		m := &module{name: std + b.opts.Script, key: std + b.opts.Script}
		return m, newLoader(stdlib.FS, Policy{}, nil).fetch(m)
	}
	return new(loader).open(b.opts.Script)
}

// Close lets go of the results.
func (b *Batch) Close() error { return b.journal.f.Close() }

// Status returns how far the run is. It may be called from any goroutine.
func (b *Batch) Status() BatchStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.status
	s.Outcomes = make(map[string]int, len(s.Outcomes))
	for name, n := range b.status.Outcomes {
		s.Outcomes[name] = n
	}
	return s
}

// count takes a line into the status.
//
// Precondition: b.mu is locked, or nothing runs yet.
func (b *Batch) count(t batchTally) {
	b.status.Done++
	if t.Outcome != "" {
		b.status.Outcomes[t.Outcome]++
	} else if t.Failed {
		b.status.Errors++
	}
}

// tallyLine returns what counts of a line.
func tallyLine(line []byte) (t batchTally) {
	var v struct {
		Outcome any `json:"outcome"`
		Error   any `json:"error"`
	}
	json.Unmarshal(line, &v)
	t.Outcome, _ = v.Outcome.(string)
	t.Failed = t.Outcome == "" && v.Error != nil
	return t
}

// Quit ends the workers and has Run return ErrInterrupted. It may be called from any
// goroutine.
func (b *Batch) Quit() { b.fail(ErrInterrupted) }

// fail ends the run because of err.
func (b *Batch) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = cmp.Or(b.err, err)
	if !b.quitting {
		b.quitting = true
		close(b.quit)
	}
	if b.session != nil {
		b.session.Quit()
	}
	b.news.Broadcast()
}

// Run looks at the cases that have no line yet and calls report with all lines, in the
// order of the cases. It returns an *Error if the script does not load or its setup
// fails, ErrInterrupted after Quit, and the error of report. What was done until then
// is kept.
func (b *Batch) Run(report func(line []byte) error) error {
	out := io.Discard
	if b.opts.Dir != "" {
		f, err := os.Create(filepath.Join(b.opts.Dir, b.opts.Name))
		if err != nil {
			return fmt.Errorf("keep results: %w", err)
		}
		defer f.Close()
		out = f
	}
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(b.opts.Jobs, b.status.Cases-b.status.Resumed) {
		workers.Go(func() { b.look(next) })
	}
	go func() {
		defer close(next)
		for i := range b.cases {
			if b.journal.has(i) {
				continue
			}
			select {
			case next <- i:
			case <-b.quit:
				return
			}
		}
	}()
	for i := range b.cases {
		if !b.awaitLine(i) {
			break
		}
		line, err := b.journal.line(i)
		line = append(line, '\n')
		if err == nil {
			if _, err = out.Write(line); err != nil {
				err = fmt.Errorf("keep results: %w", err)
			}
		}
		if err == nil {
			err = report(line)
		}
		if err != nil {
			b.fail(err)
			break
		}
	}
	workers.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// awaitLine waits until a case is done, and reports whether it is.
func (b *Batch) awaitLine(i int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for !b.journal.has(i) && !b.quitting {
		b.news.Wait()
	}
	return b.journal.has(i)
}

// look looks at cases with one worker at a time, until there are no more.
func (b *Batch) look(next <-chan int) {
	type task struct {
		i    int
		sent bool // to w
	}
	var w *worker
	defer func() {
		if w != nil {
			w.end()
		}
	}()
	var tasks []task
	for more := true; ; {
		for more && len(tasks) <= ahead {
			var t task
			if t.i, more = <-next; more {
				tasks = append(tasks, t)
			}
		}
		if len(tasks) == 0 {
			return
		}
		first := tasks[0]
		reply := &batchReply{}
		if err := b.missing(first.i); err != nil && !first.sent {
			reply.Error = err.Error()
		} else {
			if w == nil {
				if w, reply = b.start(); reply != nil && !b.started() {
					b.fail(reply.err())
					return
				}
			}
			if w != nil {
				for k := range tasks {
					t := &tasks[k]
					if !t.sent && b.missing(t.i) == nil {
						t.sent = true
						w.send(&batchCase{[]byte(b.cases[t.i].Path), t.i, b.cases[t.i].Argv})
					}
				}
				reply = w.look()
				if w.over {
					w = nil
					for k := range tasks {
						tasks[k].sent = false
					}
				}
			}
		}
		if reply == nil {
			return // the run is over
		}
		tasks = tasks[1:]
		line := reply.Result
		if reply.Error != "" {
			line = errorLine(b.cases[first.i], first.i, reply)
			reply.Tally = batchTally{Failed: true}
		}
		if err := b.journal.put(first.i, b.cases[first.i], line); err != nil {
			b.fail(err)
			return
		}
		b.mu.Lock()
		b.count(reply.Tally)
		b.news.Broadcast()
		b.mu.Unlock()
	}
}

// missing returns why a case cannot be looked at, or nil.
func (b *Batch) missing(i int) error {
	if b.cases[i].Err != nil {
		return b.cases[i].Err
	}
	_, err := os.Stat(b.cases[i].Path)
	return err
}

// started reports whether any worker was ready yet.
func (b *Batch) started() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ready
}

// errorLine returns the line of a case that failed.
func errorLine(c Case, i int, reply *batchReply) []byte {
	line, err := json.Marshal(struct {
		Case      string `json:"case"`
		Index     int    `json:"index"`
		Error     string `json:"error"`
		Traceback string `json:"traceback,omitempty"`
	}{c.Path, i, reply.Error, reply.Report})
	if err != nil {
		return fmt.Appendf(nil, `{"index":%d,"error":"the error cannot be shown"}`, i)
	}
	return line
}

// err returns the error that a worker answered.
func (r *batchReply) err() error {
	if r.Report != "" {
		return &Error{Msg: r.Error, Report: r.Report, Err: errors.New(r.Error)}
	}
	return errors.New(r.Error)
}

// print shows what a case prints, with its name before each line.
func (b *Batch) print(c *batchCase, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := "setup"
	if c != nil {
		name = filepath.Base(string(c.Path))
	}
	for line := range lines(text) {
		fmt.Fprintf(b.opts.Stderr, "[%s] %s\n", builtins.Escape(name, false), builtins.Escape(line, false))
	}
}

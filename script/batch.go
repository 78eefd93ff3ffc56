package script

import (
	"bufio"
	"cmp"
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
	Network bool          // each has its own, see CanIsolate
	Timeout time.Duration // that a case, or setup, may take; 0 means any
	Memory  int64         // that a worker may take, in bytes; 0 means any
	Dir     string        // folder that keeps the results; "" means none
	Lines   string        // name of a file of lines there, or ""
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
	todo     []int      // cases that no worker was given yet
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
	if b.opts.Stderr == nil {
		b.opts.Stderr = os.Stderr
	}
	b.news = sync.NewCond(&b.mu)
	m, err := b.open()
	if err != nil {
		return nil, err
	}
	b.job = batchJob{m.name, m.key, m.source, opts.Args, opts.Policy, opts.Steps, opts.Timeout, opts.Memory, opts.Network}
	head := journalHead{1, m.digest(opts.Policy), opts.Args}
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
		} else {
			b.todo = append(b.todo, i)
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

// Line returns the line of a case that is done, by its index.
func (b *Batch) Line(i int) ([]byte, error) { return b.journal.line(i) }

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
	out := bufio.NewWriter(io.Discard)
	if b.opts.Dir != "" && b.opts.Lines != "" {
		f, err := os.Create(filepath.Join(b.opts.Dir, b.opts.Lines))
		if err != nil {
			return fmt.Errorf("keep results: %w", err)
		}
		defer f.Close()
		out.Reset(f)
	}
	var workers sync.WaitGroup
	for range min(b.opts.Jobs, len(b.todo)) {
		workers.Go(b.look)
	}
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
	if err := out.Flush(); err != nil {
		b.fail(fmt.Errorf("keep results: %w", err))
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

// A task is a case that is to be looked at.
type task struct {
	i  int
	id []byte // in the journal
}

// take returns the next cases that are to be looked at, n at most, and less where few
// are left, so that all workers end at about the same time.
func (b *Batch) take(n int) []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n <= 0 || b.quitting {
		return nil
	}
	n = min(n, len(b.todo), 1+len(b.todo)/(2*b.opts.Jobs))
	cases := b.todo[:n]
	b.todo = b.todo[n:]
	return cases
}

// look looks at cases with one worker at a time, until there are no more. It is sent
// some before it has answered, and answers several at once, if they take little time:
// else what wakes one process after the other would cost as much as the cases.
func (b *Batch) look() {
	var w *worker
	defer func() {
		if w != nil {
			w.end()
		}
	}()
	var tasks []task // of the worker, the oldest first
	ahead := 1       // how many it may have
	alone := 0       // how many of them are sent one by one, as one has ended its worker
	for {
		var done []record
		var tallies []batchTally
		put := func(t task, reply *batchReply) {
			line := reply.Result
			if reply.Error != "" {
				line = errorLine(b.cases[t.i], t.i, reply)
				reply.Tally = batchTally{Failed: true}
			}
			done, tallies = append(done, record{t.i, t.id, line}), append(tallies, reply.Tally)
		}
		if alone == 0 {
			for _, i := range b.take(ahead - len(tasks)) {
				id, err := b.journal.identity(b.cases[i])
				if t := (task{i, id}); err != nil {
					put(t, &batchReply{Error: err.Error()})
				} else {
					tasks = append(tasks, t)
				}
			}
		}
		if len(tasks) == 0 && len(done) == 0 {
			return
		}
		began := time.Now()
		for first := true; len(tasks) > 0 && (first || w != nil && w.answered()); first = false {
			reply := b.ask(&w, tasks, alone > 0)
			switch {
			case reply == nil:
				return // the run is over
			case reply.lost && alone == 0 && len(tasks) > 1:
				alone = len(tasks) // the answers to the first ones may be lost with it
				continue
			}
			put(tasks[0], reply)
			tasks, alone = tasks[1:], max(0, alone-1)
		}
		if n := len(done); n > 0 {
			fit := aheadTime * time.Duration(n) / max(1, time.Since(began))
			ahead = max(1, min(int(fit), 2*ahead, maxAhead))
		}
		if err := b.journal.put(done...); err != nil {
			b.fail(err)
			return
		}
		b.mu.Lock()
		for _, t := range tallies {
			b.count(t)
		}
		b.news.Broadcast()
		b.mu.Unlock()
	}
}

// ask sends a worker, which is started if need be, the tasks that it does not have, or
// just the first one, and returns the answer to that; nil if the run is over.
func (b *Batch) ask(w **worker, tasks []task, alone bool) (reply *batchReply) {
	if *w == nil {
		if *w, reply = b.start(); *w == nil {
			if reply != nil && !b.started() {
				b.fail(reply.err())
				return nil
			}
			return reply
		}
	}
	if alone {
		tasks = tasks[:1]
	}
	var cases []*batchCase
	for _, t := range tasks[len((*w).sent):] {
		c := b.cases[t.i]
		cases = append(cases, &batchCase{[]byte(c.Path), t.i, c.Argv})
	}
	(*w).send(cases...)
	reply = (*w).look()
	if (*w).over {
		*w = nil
	}
	return reply
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

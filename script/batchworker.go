package script

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"go.starlark.net/starlark"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/builtins"
)

// This file is what a worker of a batch does. It reads a batchJob and then cases from
// its standard input, and answers each on descriptor 3, in JSON. Its standard output
// and error are its targets'.

// replies is the descriptor that a worker answers on.
const replies = 3

// Limits of what one case may leave, in bytes.
const (
	maxResult = 16 << 20 // its line
	maxPrint  = 64 << 10 // what it prints
)

// A worker is sent as many cases ahead as take this time, and maxAhead at most. What it
// answers is held back for as long as answerTime, unless it has nothing else to do.
const (
	aheadTime  = 100 * time.Millisecond
	answerTime = 50 * time.Millisecond
	maxAhead   = 32
)

// batchPatience is how long a worker that is to end may take to let go of targets.
const batchPatience = 3 * time.Second

// A batchJob is what a worker is to do.
type batchJob struct {
	Name, Key, Source string // of the script, as in a module
	Args              []string
	Policy            Policy
	Steps             uint64
	Timeout           time.Duration
	Memory            int64
	Network           bool
}

// A batchCase is a case that a worker is to look at.
type batchCase struct {
	Path  []byte   `json:"path"` // which may be no UTF-8
	Index int      `json:"index"`
	Argv  []string `json:"argv,omitempty"`
}

// A batchReply is a line of output, that the worker is ready, or what came of a case.
// It is a line of JSON, and behind that the result, which is JSON too but need not be
// parsed to be passed on.
type batchReply struct {
	Print  string     `json:"print,omitempty"`
	Size   int        `json:"size,omitempty"` // of the result, in bytes
	Tally  batchTally `json:"tally,omitzero"` // of the result
	Error  string     `json:"error,omitempty"`
	Report string     `json:"report,omitempty"` // of the error, with its backtrace
	Last   bool       `json:"last,omitempty"`   // the worker takes no more cases

	Result []byte `json:"-"`
	lost   bool   // the worker is gone, and this is about that
}

// A batchTally is what counts of a line.
type batchTally struct {
	Outcome string `json:"outcome,omitempty"` // or ""
	Failed  bool   `json:"failed,omitempty"`  // it has an error and no outcome
}

// readReply reads what reply.write has written.
func readReply(r *bufio.Reader) (*batchReply, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	reply := new(batchReply)
	if err := json.Unmarshal(line, reply); err != nil {
		return nil, err
	}
	if reply.Size < 0 || reply.Size > maxResult {
		return nil, fmt.Errorf("a result of %d bytes", reply.Size)
	}
	reply.Result = make([]byte, reply.Size)
	_, err = io.ReadFull(r, reply.Result)
	return reply, err
}

func (r *batchReply) write(w io.Writer) error {
	r.Size = len(r.Result)
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = w.Write(slices.Concat(line, []byte("\n"), r.Result)) // at once, as others print meanwhile
	return err
}

// BatchWorker is the main function of a worker, which a Batch starts. It returns when
// there are no more cases.
func BatchWorker() error {
	unix.CloseOnExec(replies)
	out := os.NewFile(replies, "replies")
	in := os.Stdin
	if out == nil {
		return errors.New("a batch starts its workers itself")
	}
	fd, err := unix.FcntlInt(in.Fd(), unix.F_DUPFD_CLOEXEC, replies+1)
	if err != nil {
		return err
	}
	// Not to block is left to the Go runtime: a thread that waits in read(2) counts as
	// busy there, and the one that waits for targets would be looked after all the time.
	unix.SetNonblock(fd, true)
	in = os.NewFile(uintptr(fd), "cases")
	if os.Stdin, err = os.Open(os.DevNull); err != nil { // is that of targets
		return err
	}
	// What targets leave behind becomes a child of the worker, which ends it.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return err
	}
	dec := json.NewDecoder(in)
	var job batchJob
	if err := dec.Decode(&job); err != nil {
		return fmt.Errorf("read the job: %w", err)
	}
	w := &batchWorker{job: &job, out: &answers{w: out}}
	return w.work(dec)
}

// answers writes what a worker answers, several answers at once.
type answers struct {
	mu    sync.Mutex
	w     io.Writer
	text  []byte // not written yet
	timer *time.Timer
	err   error // of writing
}

func (a *answers) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.text) == 0 && a.timer == nil {
		a.timer = time.AfterFunc(answerTime, a.flush)
	} else if len(a.text) == 0 {
		a.timer.Reset(answerTime)
	}
	a.text = append(a.text, p...)
	return len(p), a.err
}

// flush writes what there is.
func (a *answers) flush() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.text) > 0 {
		a.timer.Stop()
		_, err := a.w.Write(a.text)
		a.text, a.err = a.text[:0], cmp.Or(a.err, err)
	}
}

type batchWorker struct {
	job     *batchJob
	out     *answers
	session *Session
	globals starlark.StringDict
	state   starlark.Value
	printed int // by the case, in bytes
}

// Write takes what the script prints.
func (w *batchWorker) Write(p []byte) (int, error) {
	defer w.out.flush()
	if w.printed += len(p); w.printed > maxPrint {
		if w.printed-len(p) > maxPrint {
			return len(p), nil
		}
		p = fmt.Appendf(nil, "... the case prints more than %d bytes\n", maxPrint)
	}
	return len(p), (&batchReply{Print: string(p)}).write(w.out)
}

// work answers that it is ready, and then cases until there are no more. If the batch
// has died or wants no more of the case that runs, the worker ends.
func (w *batchWorker) work(dec *json.Decoder) error {
	defer w.out.flush()
	if w.job.Network {
		if err := raiseLoopback(); err != nil {
			return failure(err, true).write(w.out)
		}
	}
	if w.job.Memory > 0 {
		debug.SetMemoryLimit(w.job.Memory / 10 * 9) // collect before the limit is met
	}
	s, err := New(&Options{Policy: w.job.Policy, Args: w.job.Args, Steps: w.job.Steps, Deadline: w.job.Timeout, Stdout: w, Stderr: w})
	if err != nil {
		return (&batchReply{Error: err.Error(), Last: true}).write(w.out)
	}
	defer s.Close()
	s.deadlineFlag = "--timeout"
	w.session = s
	cases := make(chan batchCase, maxAhead)
	go func() {
		defer close(cases)
		for {
			var c batchCase
			if err := dec.Decode(&c); err != nil {
				s.Quit()
				time.AfterFunc(batchPatience, func() { os.Exit(1) })
				return
			}
			cases <- c
		}
	}()
	strays := newStrays(s.engine.Traces)
	defer strays.close()
	if err := w.prepare(); err != nil {
		return failure(err, true).write(w.out)
	}
	if err := new(batchReply).write(w.out); err != nil {
		return err
	}
	strays.keep()
	for {
		if len(cases) == 0 {
			w.out.flush()
		}
		c, more := <-cases
		if !more {
			return nil
		}
		w.printed = 0
		reply := w.answer(&c)
		strays.kill()
		if err := reply.write(w.out); err != nil || reply.Last {
			return err
		}
	}
}

// prepare runs the script and its setup.
func (w *batchWorker) prepare() error {
	s := w.session
	m := &module{name: w.job.Name, key: w.job.Key, source: w.job.Source}
	w.state = starlark.None
	err := s.exec(func(thread *starlark.Thread) (err error) {
		if err := s.loader.init(thread, m); err != nil {
			return err
		}
		w.globals = m.globals
		if _, ok := m.globals["case"].(starlark.Callable); !ok {
			return fmt.Errorf("%s defines no function case(c)", m.name)
		}
		if setup, ok := m.globals["setup"]; ok {
			w.state, err = starlark.Call(thread, setup, nil, nil)
		}
		return err
	})
	return unexpectedExit(err, "the script")
}

// unexpectedExit turns an exit into an error that says that what has called it.
func unexpectedExit(err error, what string) error {
	if exit, ok := errors.AsType[*ExitError](err); ok {
		return fmt.Errorf("%s called exit(%d)", what, exit.Code)
	}
	return err
}

// answer runs a case. What it launched ends with it.
func (w *batchWorker) answer(c *batchCase) *batchReply {
	s := w.session
	release := s.engine.Mark()
	var line []byte
	var tally batchTally
	err := s.exec(func(thread *starlark.Thread) error {
		result, err := starlark.Call(thread, w.globals["case"], starlark.Tuple{builtins.NewCase(string(c.Path), c.Index, c.Argv, w.state)}, nil)
		if err != nil {
			return err
		}
		dict, ok := result.(*starlark.Dict)
		if !ok {
			return fmt.Errorf("case returned %s, want dict", result.Type())
		}
		tally = tallyOf(dict)
		if line, err = builtins.EncodeJSON(thread, result); err != nil {
			err = fmt.Errorf("the result: %w", err)
		}
		return err
	})
	s.engine.ClearInterrupt()
	err = unexpectedExit(err, "the case")
	if releaseErr := release(); releaseErr != nil {
		return failure(errors.Join(err, releaseErr), true)
	}
	if err != nil {
		// After an interrupt, what setup made may be in the middle of something.
		script, ok := errors.AsType[*Error](err)
		return failure(err, ok && script.stopped)
	}
	if len(line) > maxResult {
		return &batchReply{Error: fmt.Sprintf("the result has %d bytes in JSON, the most is %d", len(line), maxResult)}
	}
	return &batchReply{Result: line, Tally: tally}
}

func tallyOf(line *starlark.Dict) (t batchTally) {
	outcome, _, _ := line.Get(starlark.String("outcome"))
	if name, ok := outcome.(starlark.String); ok && name != "" {
		t.Outcome = string(name)
	} else if problem, _, _ := line.Get(starlark.String("error")); problem != nil && problem != starlark.None {
		t.Failed = true
	}
	return t
}

// failure returns the reply for an error.
func failure(err error, last bool) *batchReply {
	reply := &batchReply{Error: err.Error(), Last: last}
	if script, ok := errors.AsType[*Error](err); ok {
		reply.Report = script.Report
	}
	return reply
}

var _ io.Writer = (*batchWorker)(nil)

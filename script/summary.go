package script

import (
	"errors"
	"fmt"

	starjson "go.starlark.net/lib/json"
	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/builtins"
)

// Summary calls the script's function summary, if it has one, with what cases returned,
// in their order, in a session with opts. It returns what that returns in JSON, nil
// for None. It is to be called when Run has returned, and not from a goroutine with a
// tracer of its own.
func (b *Batch) Summary(opts *Options) (text []byte, err error) {
	with := *opts
	with.Args, with.Policy, with.Steps = b.opts.Args, b.opts.Policy, b.opts.Steps
	s, err := New(&with)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	b.mu.Lock()
	b.session = s
	if b.quitting {
		s.Quit()
	}
	b.mu.Unlock()
	m := &module{name: b.job.Name, key: b.job.Key, source: b.job.Source}
	return text, exited(s.exec(func(thread *starlark.Thread) error {
		if err := s.loader.init(thread, m); err != nil {
			return err
		}
		summary, ok := m.globals["summary"]
		if !ok {
			return nil
		}
		results := &results{b: b, thread: thread}
		for i := range b.cases {
			if b.journal.has(i) {
				results.cases = append(results.cases, i)
			}
		}
		v, err := starlark.Call(thread, summary, starlark.Tuple{results}, nil)
		switch {
		case results.err != nil:
			return results.err
		case err != nil || v == starlark.None:
			return err
		}
		text, err = builtins.EncodeJSON(thread, v)
		return err
	}))
}

// results are the lines of a batch as a sequence of dicts. Each is read when it is
// asked for, so that there may be more than fit in memory.
type results struct {
	b      *Batch
	thread *starlark.Thread
	cases  []int
	err    error // of reading
}

var _ starlark.Sequence = (*results)(nil)

func (r *results) String() string             { return fmt.Sprintf("<results of %d cases>", len(r.cases)) }
func (r *results) Type() string               { return "results" }
func (r *results) Freeze()                    {}
func (r *results) Truth() starlark.Bool       { return len(r.cases) > 0 }
func (r *results) Hash() (uint32, error)      { return 0, errors.New("unhashable type: results") }
func (r *results) Len() int                   { return len(r.cases) }
func (r *results) Iterate() starlark.Iterator { return &resultsIterator{r: r} }

type resultsIterator struct {
	r    *results
	next int
}

func (it *resultsIterator) Next(p *starlark.Value) bool {
	r := it.r
	if it.next == len(r.cases) || r.err != nil {
		return false
	}
	line, err := r.b.journal.line(r.cases[it.next])
	if err == nil {
		*p, err = starlark.Call(r.thread, starjson.Module.Members["decode"], starlark.Tuple{starlark.String(line)}, nil)
	}
	it.next++
	r.err = err
	return err == nil
}

func (it *resultsIterator) Done() {}

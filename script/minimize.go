package script

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/builtins"
)

// MinimizeOptions are the settings of Minimize. Its batch is that of std/campaign.star.
type MinimizeOptions struct {
	BatchOptions
	Key    string        // that is kept, by its name in the keys of a crash
	Votes  int           // of how many runs most have to keep it, if the first ones differ
	Budget time.Duration // after which the best so far counts; 0 means none
	Runs   int           // the same in runs of the program

	// Progress, if any, is told the bytes of the best so far and the runs, on any goroutine.
	Progress func(size, runs int)
}

// Minimized is what Minimize has found.
type Minimized struct {
	Data    []byte
	Was     int    // size of the input, in bytes
	Outcome string // and the key, that both have
	Name    string
	Key     string
	Runs    int  // of the program
	Votes   int  // runs that decided each time
	Over    bool // the budget ended it
}

// Minimize makes the input in a file smaller, and then plainer, as long as what comes
// of it is the same: the outcome, the class and the key of the crash, or the place of
// the hang. The result is the same whatever the number of workers, unless a budget or
// quit, which may be nil, ends it. It is not larger than the input.
func Minimize(o *MinimizeOptions, path string, quit <-chan struct{}) (*Minimized, error) {
	content, err := builtins.NewCase(path, 0, nil, nil).Attr("data")
	if err != nil {
		return nil, err
	}
	data := []byte(content.(starlark.Bytes))
	b, err := NewBatch(&o.BatchOptions, nil)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	dir, err := os.MkdirTemp("", "tracelark-minimize-")
	if err != nil {
		return nil, fmt.Errorf("keep inputs: %w", err)
	}
	defer os.RemoveAll(dir)
	m := &minimizer{o: o, b: b, dir: dir, size: len(data), seen: make(map[[sha256.Size]byte]bool), free: make(chan *slot, b.opts.Jobs)}
	for i := range b.opts.Jobs {
		m.free <- &slot{file: filepath.Join(dir, fmt.Sprintf("%04d", i))}
	}
	defer m.close()
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-quit:
			m.stop()
		case <-done:
		}
	}()
	if err := m.begin(data); err != nil {
		return nil, err
	}
	if o.Budget > 0 {
		timer := time.AfterFunc(o.Budget, m.stop)
		defer timer.Stop()
	}
	was := len(data)
	for before := []byte(nil); !m.ended() && !bytes.Equal(before, data); {
		before = data
		data = m.cut(data)
		data = m.fill(data, '0')
		data = m.fill(data, 0)
	}
	m.mu.Lock() // some guesses may run yet
	defer m.mu.Unlock()
	if m.err != nil && !errors.Is(m.err, errBudget) {
		return nil, m.err
	}
	return &Minimized{data, was, m.want.Outcome, m.want.Name, m.want.key, m.runs, m.votes, m.err != nil}, nil
}

// errBudget ends the search.
var errBudget = errors.New("the budget is used up")

// A minimizer tests inputs.
type minimizer struct {
	o     *MinimizeOptions
	b     *Batch
	dir   string
	want  identityOf
	votes int // runs that decide about an input
	free  chan *slot

	mu   sync.Mutex
	seen map[[sha256.Size]byte]bool // what came of inputs, by their hashes
	size int                        // of the smallest that is kept
	runs int
	err  error // why no more are tested
}

// A slot is a worker and the file that its input is in.
type slot struct {
	file string
	w    *worker // nil until it is needed, and after it has died
}

// An identityOf says what came of a run, as far as it is to be kept.
type identityOf struct {
	Outcome string            `json:"outcome"`
	Name    string            `json:"name"`
	Keys    map[string]string `json:"keys"`
	Hang    *struct {
		Kind  string `json:"kind"`
		Where string `json:"where"`
	} `json:"hang"`
	ExitCode *int   `json:"exit_code"`
	Signal   string `json:"signal"`
	Stderr   string `json:"stderr"`
	Error    string `json:"error"`
	key      string // the one of Keys that counts
}

// failed is the outcome of a run of which nothing is known.
const failed = "error"

func (x *identityOf) same(y *identityOf) bool {
	return x.Outcome == y.Outcome && x.Name == y.Name && x.key == y.key
}

// EndOf says how a program has ended that has not crashed, with the last line that it
// wrote to its standard error, or "" of a success.
func EndOf(code *int, signal, stderr string) string {
	how := "is ended by " + signal
	if code != nil {
		how = fmt.Sprintf("exits with %d", *code)
	}
	if code != nil && *code == 0 || code == nil && signal == "" {
		return ""
	}
	text := strings.TrimSpace(stderr)
	if last := text[strings.LastIndexByte(text, '\n')+1:]; last != "" {
		how += ", having written: " + last
	}
	return how
}

// begin finds out what is to be kept, and how certain that is.
func (m *minimizer) begin(data []byte) error {
	const tries = 5
	count := make(map[string]int)
	var found []*identityOf
	for range tries {
		s := <-m.free
		x, err := m.run(s, data)
		m.free <- s
		if err != nil {
			return err
		}
		found = append(found, x)
		count[x.Outcome+x.Name+x.key]++
	}
	best := found[0]
	for _, x := range found {
		if count[x.Outcome+x.Name+x.key] > count[best.Outcome+best.Name+best.key] {
			best = x
		}
	}
	n := count[best.Outcome+best.Name+best.key]
	switch {
	case best.Outcome == failed:
		return errors.New(strings.TrimPrefix(best.Name, "fail: "))
	case best.Outcome == "exit" && n == tries:
		if how := EndOf(best.ExitCode, best.Signal, best.Stderr); how != "" {
			return fmt.Errorf("it neither crashes nor hangs nor runs out of memory: it %s", how)
		}
		return errors.New("it neither crashes nor hangs nor runs out of memory")
	case best.Outcome == "exit":
		return fmt.Errorf("it neither crashes nor hangs nor runs out of memory in %d of %d runs: nothing can be kept", n, tries)
	case 2*n <= tries:
		return fmt.Errorf("it has the same end in %d of %d runs alone: nothing can be kept", n, tries)
	}
	m.want, m.votes = *best, 1
	if n < tries {
		m.votes = max(m.o.Votes, tries)
	}
	m.seen[sha256.Sum256(data)] = true
	return nil
}

// run runs the program on an input.
func (m *minimizer) run(s *slot, data []byte) (*identityOf, error) {
	if err := m.count(); err != nil {
		return nil, err
	}
	if err := os.WriteFile(s.file, data, 0o600); err != nil {
		return nil, fmt.Errorf("keep inputs: %w", err)
	}
	if s.w == nil {
		w, reply := m.b.start()
		if reply != nil {
			return nil, reply.err()
		}
		if w == nil {
			return nil, errBudget
		}
		s.w = w
	}
	s.w.send(&batchCase{Path: []byte(s.file), Index: 1})
	reply := s.w.look()
	if s.w.over {
		s.w = nil
	}
	if reply == nil {
		return nil, errBudget
	}
	x := new(identityOf)
	if reply.Error != "" {
		x.Outcome, x.Name = failed, reply.Error
		return x, nil
	}
	if err := json.Unmarshal(reply.Result, x); err != nil {
		return nil, err
	}
	x.key = x.Keys[m.o.Key]
	if x.Hang != nil && x.Hang.Kind != "memory" { // where that is exceeded is chance
		x.key = x.Hang.Kind + " in " + x.Hang.Where
	}
	return x, nil
}

// count counts a run, unless there are to be no more.
func (m *minimizer) count() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil && m.o.Runs > 0 && m.runs == m.o.Runs {
		m.err = errBudget
	}
	if m.err == nil {
		m.runs++
		if m.o.Progress != nil {
			m.o.Progress(m.size, m.runs)
		}
	}
	return m.err
}

// ended reports whether the search is over.
func (m *minimizer) ended() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err != nil
}

// keeps reports whether most of the runs on an input end as they are to.
func (m *minimizer) keeps(s *slot, data []byte) bool {
	sum := sha256.Sum256(data)
	m.mu.Lock()
	ok, known := m.seen[sum]
	m.mu.Unlock()
	if known {
		return ok
	}
	for yes, no := 0, 0; 2*yes <= m.votes && 2*no <= m.votes; {
		x, err := m.run(s, data)
		if err != nil {
			m.fail(err)
			return false
		}
		if x.same(&m.want) {
			yes++
		} else {
			no++
		}
		ok = 2*yes > m.votes
	}
	m.mu.Lock()
	m.seen[sum] = ok
	if ok {
		m.size = min(m.size, len(data))
	}
	m.mu.Unlock()
	return ok
}

func (m *minimizer) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = cmp.Or(m.err, err)
}

// stop ends the search with what was found by now.
func (m *minimizer) stop() {
	m.fail(errBudget)
	m.b.fail(errBudget)
}

func (m *minimizer) close() {
	for range m.b.opts.Jobs {
		if s := <-m.free; s.w != nil {
			s.w.end()
		}
	}
}

// first returns the first of some inputs that keeps what is to be kept, and its place;
// nil if none does. Workers look at those behind before it is known that the ones
// before fail.
func (m *minimizer) first(inputs iter.Seq[[]byte]) (data []byte, place int) {
	type guess struct {
		data []byte
		ok   chan bool
	}
	next, stop := iter.Pull(inputs)
	defer stop()
	var window []guess
	for place = 0; ; place++ {
		for len(window) < cap(m.free) && !m.ended() {
			data, ok := next()
			if !ok {
				break
			}
			g := guess{data, make(chan bool, 1)}
			s := <-m.free
			go func() {
				ok := m.keeps(s, g.data)
				m.free <- s
				g.ok <- ok
			}()
			window = append(window, g)
		}
		if len(window) == 0 {
			return nil, place
		}
		g := window[0]
		window = window[1:]
		if <-g.ok {
			return g.data, place
		}
	}
}

// cut removes pieces of the input, large ones first, until no byte can be spared.
func (m *minimizer) cut(data []byte) []byte {
	for size := powerBelow(len(data)); size > 0 && !m.ended(); {
		removed := false
		for at := 0; at < len(data); {
			smaller, n := m.first(func(yield func([]byte) bool) {
				for i := at; i < len(data); i += size {
					if !yield(append(bytes.Clone(data[:i]), data[min(len(data), i+size):]...)) {
						return
					}
				}
			})
			if smaller == nil {
				break
			}
			at += n * size
			data, removed = smaller, true
		}
		if size > 1 || !removed {
			size /= 2
		}
	}
	return data
}

// fill overwrites pieces of the input with a byte, large ones first.
func (m *minimizer) fill(data []byte, with byte) []byte {
	for size := powerBelow(len(data)); size > 0 && !m.ended(); size /= 2 {
		for at := 0; at < len(data); {
			var places []int
			plainer, n := m.first(func(yield func([]byte) bool) {
				for i := at; i < len(data); i += size {
					piece := data[i:min(len(data), i+size)]
					if isFilled(piece) {
						continue
					}
					filled := bytes.Clone(data)
					copy(filled[i:], bytes.Repeat([]byte{with}, len(piece)))
					places = append(places, i)
					if !yield(filled) {
						return
					}
				}
			})
			if plainer == nil {
				break
			}
			at = places[n] + size
			data = plainer
		}
	}
	return data
}

// isFilled reports whether bytes are all as fill leaves them.
func isFilled(piece []byte) bool {
	return len(bytes.Trim(piece, "0")) == 0 || len(bytes.Trim(piece, "\x00")) == 0
}

// powerBelow returns the largest power of two that is not above n; 0 for 0.
func powerBelow(n int) int {
	power := 0
	for next := 1; next <= n; next *= 2 {
		power = next
	}
	return power
}

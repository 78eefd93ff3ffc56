package script

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// journalName is the journal's name in the folder of results.
const journalName = "journal"

// A journal keeps the lines of the cases that are done, in the order in which they
// came, so that a run that was cut off can go on, whatever ended it: each record is one
// write, and one that is torn does not count.
type journal struct {
	mu   sync.Mutex
	f    *os.File
	end  int64
	text []byte // what was written last, for its room
	done []span // the line of each case, by index; the zero span if it has none
	cwd  string // that paths of cases start from
}

type span struct {
	off int64
	n   int
}

// A journalHead is the first record: what the lines depend on.
type journalHead struct {
	Batch  int      `json:"batch"`  // version of the format
	Script string   `json:"script"` // as module.digest returns it
	Args   []string `json:"args"`
}

// A journalRecord is a case that is done. Another file at its path is another case.
type journalRecord struct {
	Path  []byte          `json:"path"`            // which may be no UTF-8
	Size  int64           `json:"size"`            // -1 if there was no file
	Mtime int64           `json:"mtime"`           // in ns
	Build string          `json:"build,omitempty"` // of the program that a fuzzer has found it in
	Line  json.RawMessage `json:"line"`            // stands last
}

// identity returns the record of a case, without its line, and why the case cannot be
// looked at, or nil.
func (j *journal) identity(c Case) ([]byte, error) {
	r := journalRecord{Path: []byte(c.Path), Size: -1, Build: BuildOf(c.Argv)}
	if !filepath.IsAbs(c.Path) {
		r.Path = []byte(filepath.Join(j.cwd, c.Path))
	}
	missing := c.Err
	if missing == nil {
		var info os.FileInfo
		if info, missing = os.Stat(c.Path); missing == nil {
			r.Size, r.Mtime = info.Size(), info.ModTime().UnixNano()
		}
	}
	id, err := json.Marshal(r)
	return id, cmp.Or(err, missing)
}

// BuildOf returns what changes when a program is built anew, or "" if there is none.
func BuildOf(argv []string) string {
	if len(argv) == 0 {
		return ""
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return ""
	}
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d bytes, %d ns", info.Size(), info.ModTime().UnixNano())
}

// openJournal opens the journal of a run over cases in the folder dir, which is made if
// need be, and takes in what is there, unless anew is set. Without dir it is a file that
// nobody else sees.
func openJournal(dir string, head journalHead, cases []Case, anew bool) (*journal, error) {
	j := &journal{done: make([]span, len(cases))}
	var err error
	if j.cwd, err = os.Getwd(); err != nil {
		return nil, fmt.Errorf("keep results: %w", err)
	}
	if dir == "" {
		if j.f, err = os.CreateTemp("", "tracelark-batch-"); err != nil {
			return nil, fmt.Errorf("keep results: %w", err)
		}
		os.Remove(j.f.Name())
		return j, nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("keep results: %w", err)
	}
	if j.f, err = os.OpenFile(filepath.Join(dir, journalName), os.O_RDWR|os.O_CREATE, 0o666); err != nil {
		return nil, fmt.Errorf("keep results: %w", err)
	}
	if err := unix.Flock(int(j.f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		j.f.Close()
		return nil, fmt.Errorf("another run keeps its results in %s", dir)
	}
	if err := j.take(head, cases, anew); err != nil {
		j.f.Close()
		return nil, fmt.Errorf("%s: %w", j.f.Name(), err)
	}
	return j, nil
}

// take reads the journal, up to a record that is torn, and begins it if it is empty.
func (j *journal) take(head journalHead, cases []Case, anew bool) error {
	want, err := json.Marshal(head)
	if err != nil {
		return err
	}
	index := make(map[string]int, len(cases)) // of cases by their identities
	for i, c := range cases {
		id, _ := j.identity(c)
		index[string(id)] = i
	}
	r := bufio.NewReader(j.f)
	for first := true; !anew; first = false {
		record, err := r.ReadBytes('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		text := bytes.TrimSuffix(record, []byte("\n"))
		if first && !bytes.Equal(text, want) {
			return errors.New("it holds results of another script, of other arguments or of another build of the program: name another folder, or start anew with --restart")
		}
		if !first {
			j.adopt(text, index)
		}
		j.end += int64(len(record))
	}
	if err := j.f.Truncate(j.end); err != nil {
		return err
	}
	if j.end == 0 {
		return j.write(append(want, '\n'))
	}
	return nil
}

// adopt takes in a record of a case, if it is one.
func (j *journal) adopt(record []byte, index map[string]int) {
	var r journalRecord
	if json.Unmarshal(record, &r) != nil {
		return // something else wrote it
	}
	n := len(r.Line)
	if n == 0 || !bytes.HasSuffix(record, slices.Concat(r.Line, []byte("}"))) {
		return
	}
	r.Line = nil
	id, err := json.Marshal(r)
	if i, ok := index[string(id)]; ok && err == nil {
		j.done[i] = span{j.end + int64(len(record)-len("}")-n), n}
	}
}

// write appends to the file. What was written in part is taken back.
func (j *journal) write(record []byte) error {
	if _, err := j.f.WriteAt(record, j.end); err != nil {
		return errors.Join(err, j.f.Truncate(j.end))
	}
	j.end += int64(len(record))
	return nil
}

// A record is the line of a case, which is JSON without spaces around.
type record struct {
	i    int    // index of the case
	id   []byte // its identity
	line []byte
}

// put keeps lines, all in one write, or those for which there is space.
func (j *journal) put(records ...record) error {
	err := j.putAll(records)
	if err != nil && len(records) > 1 {
		for i := range records {
			if err = j.putAll(records[i : i+1]); err != nil {
				break
			}
		}
	}
	return err
}

func (j *journal) putAll(records []record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	text := j.text[:0]
	lines := make([]span, len(records))
	for k, r := range records {
		// In the place of the line it says null, and the line is to stay as it is.
		text = append(text, bytes.TrimSuffix(r.id, []byte("null}"))...)
		lines[k] = span{int64(len(text)), len(r.line)}
		text = append(append(text, r.line...), "}\n"...)
	}
	start := j.end
	j.text = text
	if err := j.write(text); err != nil {
		return fmt.Errorf("keep results: %w", err)
	}
	for k, r := range records {
		j.done[r.i] = span{start + lines[k].off, lines[k].n}
	}
	return nil
}

// has reports whether a case is done.
func (j *journal) has(i int) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.done[i].n > 0
}

// line returns the line of a case that is done.
func (j *journal) line(i int) ([]byte, error) {
	j.mu.Lock()
	s := j.done[i]
	j.mu.Unlock()
	line := make([]byte, s.n)
	if _, err := j.f.ReadAt(line, s.off); err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	return line, nil
}

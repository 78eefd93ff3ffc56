// Package report writes what a triage has found: as JSON, as CASREP, and as reports for
// people, editors and build servers.
//
// It takes the lines that std/campaign.star makes of cases. What is in them comes from
// targets and inputs, which may be hostile: each format escapes it.
package report

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/triage"
)

// A Case is a line of cases.jsonl.
type Case struct {
	Case      string            `json:"case"`
	Outcome   string            `json:"outcome"` // "" if it failed
	Name      string            `json:"name"`
	Severity  triage.Severity   `json:"severity"`
	Signal    string            `json:"signal"`
	ExitCode  *int              `json:"exit_code"`
	Keys      map[string]string `json:"keys"`
	Stack     []string          `json:"stack"`
	Seconds   float64           `json:"seconds"`
	Size      int               `json:"size"` // of the input, in bytes
	Argv      []string          `json:"argv"`
	Crash     *Crash            `json:"crash"`
	Hang      *Hang             `json:"hang"`
	CASREP    string            `json:"~casrep"` // last, and "" where another case of the crash has one
	Stderr    string            `json:"stderr"`
	Input     string            `json:"input"` // a hexdump of its beginning
	Certainty *Certainty        `json:"certainty"`
	Error     string            `json:"error"`

	delivery Delivery
}

// A Crash is the evidence of a case.
type Crash struct {
	Tags        []string          `json:"tags"`
	Description string            `json:"description"`
	Explanation string            `json:"explanation"`
	Message     string            `json:"message"`
	Frames      []Frame           `json:"frames"`
	Registers   map[string]uint64 `json:"registers"`
	Disassembly []string          `json:"disassembly"`
	Sanitizer   *struct {
		Tool    string  `json:"tool"`
		Type    string  `json:"type"`
		Summary string  `json:"summary"`
		Freed   []Frame `json:"freed_frames"`
		Alloc   []Frame `json:"alloc_frames"`
	} `json:"sanitizer"`
}

// RegisterLines returns the registers with their values, in hexadecimal.
func (c *Crash) RegisterLines() (lines []string) {
	for _, r := range arch.Registers {
		if v, ok := c.Registers[r.Name]; ok {
			lines = append(lines, fmt.Sprintf("%-8s %#x", r.Name, v))
		}
	}
	return lines
}

// A Frame is one of a stack.
type Frame struct {
	Level    int    `json:"level"`
	PC       uint64 `json:"pc"`
	Function string `json:"function"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Image    string `json:"image"`
	Offset   uint64 `json:"image_offset"`
}

// String returns a line of a backtrace.
func (f Frame) String() string {
	text := fmt.Sprintf("#%d %#x in %s", f.Level, f.PC, cmp.Or(f.Function, "??"))
	if f.File != "" {
		text += fmt.Sprintf(" at %s:%d", f.File, f.Line)
	}
	if f.Image != "" {
		text += fmt.Sprintf(" (%s+%#x)", f.Image, f.Offset)
	}
	return text
}

// A Hang is what a case was about that took too long, or too much memory.
type Hang struct {
	Kind  string `json:"kind"` // "loop", "blocked", "progress" or "memory"
	Where string `json:"where"`

	Stacks [][]struct { // at each look, of each thread
		TID    int      `json:"tid"`
		Name   string   `json:"name"`
		Waits  string   `json:"waits"`  // the system call that it is in, or ""
		Caller int      `json:"caller"` // the innermost frame of the program's own
		Frames []string `json:"frames"`
	} `json:"stacks"`
}

// Looks returns the stacks of each look as lines of text.
func (h *Hang) Looks() (list []string) {
	for i, look := range h.Stacks {
		for _, t := range look {
			at := fmt.Sprintf("look %d, thread %d (%s)", i+1, t.TID, t.Name)
			if t.Waits != "" {
				at += ", in " + t.Waits
			}
			list = append(list, at)
			for n, f := range t.Frames {
				list = append(list, fmt.Sprintf("  #%d %s", n, f))
			}
		}
	}
	return list
}

// A Certainty is how often a crash was the same when it was looked at again.
type Certainty struct {
	Key    string `json:"key"`
	Fixed  Share  `json:"fixed"`
	Random Share  `json:"random"`
	Flaky  bool   `json:"flaky"`
}

// A Share is that of some runs, with the interval of Wilson's score.
type Share struct {
	Runs int     `json:"runs"`
	Same int     `json:"same"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// String returns a text such as "5 of 5 (57 to 100 %)".
func (s Share) String() string {
	return fmt.Sprintf("%d of %d (%.0f to %.0f %%)", s.Same, s.Runs, 100*s.Low, 100*s.High)
}

// A Cluster is crashes, or hangs, that are taken for one bug.
type Cluster struct {
	ID       int             `json:"id"` // from 1
	Size     int             `json:"size"`
	Unique   int             `json:"unique"` // different stacks
	Name     string          `json:"name"`
	Severity triage.Severity `json:"severity"`
	Cases    []string        `json:"cases"`
	Stack    []string        `json:"stack"`
	Led      string          `json:"led,omitempty"` // what led to the crash of the best case

	Best    *Case `json:"-"` // the one that shows it best: certain, then small
	Members []int `json:"-"` // indices of cases
}

// Clusters are the contents of clusters.json.
type Clusters struct {
	Cases    int        `json:"cases"`  // that have a stack
	Unique   int        `json:"unique"` // different stacks
	Clusters []*Cluster `json:"clusters"`
}

// A Report is all that a triage has found.
type Report struct {
	Title    string
	Delivery Delivery
	Lines    func(i int) ([]byte, error) // the line of a case again, as Add was given it
	Cases    []*Case                     // with all that there is where it is the best of a cluster
	Clusters
	lines     []line              // of the cases
	stacks    map[string][]string // by how they stand in lines
	clusterOf []*Cluster          // by case, or nil
}

// Add takes in a line of a case.
func (r *Report) Add(text []byte) error {
	if r.stacks == nil {
		r.stacks = make(map[string][]string)
	}
	line, c, err := r.newLine(bytes.TrimSuffix(text, []byte("\n")))
	if err != nil {
		return fmt.Errorf("a line of a case: %w", err)
	}
	c.delivery = r.Delivery
	r.Cases = append(r.Cases, c)
	r.lines = append(r.lines, line)
	return nil
}

// hang begins the name of hangs, which no crash has.
const hang = "hang: "

// name returns what hangs in the same place are called.
func (h *Hang) name() string {
	switch {
	case h == nil:
		return hang + "?"
	case h.Kind == "memory":
		return "out of memory in " + h.Where
	}
	return hang + h.Kind + " in " + h.Where
}

// Cluster makes clusters of the cases: crashes whose stacks are less than distance
// apart, and hangs, and what takes too much memory, in the same place. The worst come first, and then the largest.
func (r *Report) Cluster(distance float64) error {
	var crashes, hangs []int
	var stacks [][]string
	places := make(map[string][]int)
	for i, c := range r.Cases {
		switch {
		case c.Outcome == "crash" || c.Outcome == "oom" && c.Name != "":
			crashes = append(crashes, i)
			stacks = append(stacks, triage.Telling(c.Name, c.Stack))
		case c.Outcome == "hang" || c.Outcome == "oom" && c.Hang != nil:
			if c.Name = c.Hang.name(); places[c.Name] == nil {
				hangs = append(hangs, i)
			}
			places[c.Name] = append(places[c.Name], i)
			if c.Hang != nil && len(c.Hang.Stacks) > 0 && len(c.Hang.Stacks[0]) > 0 {
				first := c.Hang.Stacks[0][0]
				c.Stack = first.Frames[max(0, min(first.Caller, len(first.Frames))):]
			}
		}
	}
	var groups [][]int
	for _, group := range triage.Cluster(stacks, distance) {
		for i := range group {
			group[i] = crashes[group[i]]
		}
		groups = append(groups, group)
	}
	for _, first := range hangs {
		groups = append(groups, places[r.Cases[first].Name])
	}
	r.clusterOf = make([]*Cluster, len(r.Cases))
	unique := make(map[string]bool)
	for _, group := range groups {
		c, err := r.cluster(group)
		if err != nil {
			return err
		}
		r.Clusters.Clusters = append(r.Clusters.Clusters, c)
		r.Clusters.Cases += c.Size
		for _, i := range group {
			r.clusterOf[i] = c
			unique[strings.Join(r.Cases[i].Stack, "\n")] = true
		}
	}
	r.Clusters.Unique = len(unique)
	slices.SortStableFunc(r.Clusters.Clusters, func(a, b *Cluster) int {
		return cmp.Or(a.Severity.Rank()-b.Severity.Rank(), b.Size-a.Size, a.Members[0]-b.Members[0])
	})
	for i, c := range r.Clusters.Clusters {
		c.ID = i + 1
	}
	return nil
}

// cluster returns the cluster of some cases.
func (r *Report) cluster(group []int) (*Cluster, error) {
	c := &Cluster{Size: len(group), Members: group, Severity: triage.Undefined}
	unique := make(map[string]bool)
	best := group[0]
	for _, i := range group {
		x := r.Cases[i]
		c.Cases = append(c.Cases, x.Case)
		unique[strings.Join(x.Stack, "\n")] = true
		if better(x, r.Cases[best]) {
			best = i
		}
	}
	c.Best = r.Cases[best]
	text, err := r.line(best)
	if err != nil {
		return nil, err
	}
	if err := complete(c.Best, text); err != nil {
		return nil, fmt.Errorf("the line of %s: %w", c.Best.Case, err)
	}
	c.Unique = len(unique)
	c.Name, c.Stack = c.Best.Name, c.Best.Stack
	if c.Best.Severity != "" {
		c.Severity = c.Best.Severity
	}
	return c, nil
}

// better reports whether x shows its cluster better than y.
func better(x, y *Case) bool {
	flaky := func(c *Case) int {
		if c.Certainty != nil && c.Certainty.Flaky {
			return 1
		}
		return 0
	}
	return cmp.Or(flaky(x)-flaky(y), x.Severity.Rank()-y.Severity.Rank(), x.Size-y.Size, strings.Compare(x.Case, y.Case)) < 0
}

// Outcomes counts the cases by outcome, "error" for those that failed.
func (r *Report) Outcomes() map[string]int {
	n := make(map[string]int)
	for _, c := range r.Cases {
		n[cmp.Or(c.Outcome, "error")]++
	}
	return n
}

// Write writes the report's files into a folder: cases.jsonl, clusters.json, report.md,
// report.sarif, junit.xml, index.html and a CASREP for each cluster of crashes, and for none
// else. It goes on where one cannot be written, unless there is no space.
func (r *Report) Write(dir string) error {
	var errs []error
	full := false
	fill := func(name string, fill func(io.Writer) error) {
		if full {
			return
		}
		if err := write(filepath.Join(dir, name), fill); err != nil {
			errs = append(errs, fmt.Errorf("write %s: %w", name, err))
			full = errors.Is(err, syscall.ENOSPC)
		}
	}
	put := func(name string, data []byte, err error) {
		fill(name, func(w io.Writer) error {
			if err == nil {
				_, err = w.Write(data)
			}
			return err
		})
	}
	fill("cases.jsonl", r.writeLines)
	text, err := r.JSON()
	put("clusters.json", text, err)
	put("report.md", r.Markdown(), nil)
	text, err = r.SARIF()
	put("report.sarif", text, err)
	fill("junit.xml", r.writeJUnit)
	text, err = r.HTML()
	put("index.html", text, err)
	of := make(map[string]bool)
	for _, c := range r.Clusters.Clusters {
		if c.Best.CASREP != "" {
			name := fmt.Sprintf("cluster%04d.casrep", c.ID)
			of[name] = true
			put(name, []byte(c.Best.CASREP), nil)
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...) // what is there may belong to the report of the last time
	}
	entries, err := os.ReadDir(dir)
	errs = append(errs, err)
	for _, e := range entries {
		if IsCASREP(e.Name()) && !of[e.Name()] { // of a cluster of the last time
			errs = append(errs, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// IsCASREP reports whether a file is named as Write names the CASREP of a cluster.
func IsCASREP(name string) bool { return casrep.MatchString(name) }

var casrep = regexp.MustCompile(`^cluster[0-9]{4,}\.casrep$`)

// write makes a file, or replaces it when all is there.
func write(path string, fill func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".tracelark-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	err = errors.Join(fill(f), f.Chmod(0o644), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// writeLines writes the lines with the numbers of their clusters.
func (r *Report) writeLines(w io.Writer) error {
	b := bufio.NewWriterSize(w, 1<<16)
	for i, l := range r.lines {
		all, err := r.line(i)
		if err != nil {
			return err
		}
		text := all[:l.end]
		if c := r.clusterOf[i]; c != nil && l.cluster > 0 {
			b.Write(text[:l.cluster])
			b.WriteString(strconv.Itoa(c.ID))
			text = bytes.TrimPrefix(text[l.cluster:], []byte("null"))
		}
		b.Write(text)
		if l.end < len(all) {
			b.WriteByte('}')
		}
		b.WriteByte('\n')
	}
	return b.Flush()
}

// JSON returns the contents of clusters.json.
func (r *Report) JSON() ([]byte, error) {
	c := r.Clusters
	if c.Clusters == nil {
		c.Clusters = []*Cluster{}
	}
	text, err := json.MarshalIndent(c, "", "  ")
	return append(text, '\n'), err
}

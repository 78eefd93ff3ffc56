package triage

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A Case is what of a crash tells which are alike.
type Case struct {
	Case     string   `json:"case"`
	Outcome  string   `json:"outcome"`
	Name     string   `json:"name"`
	Severity Severity `json:"severity"`
	Stack    []string `json:"stack"`
}

// A Summary is a list of clusters, the worst first.
type Summary struct {
	Cases    int        `json:"cases"`
	Unique   int        `json:"unique"` // distinct stacks
	Clusters []*Members `json:"clusters"`
}

// Members is a cluster. Its name, severity and stack are those of its worst case, or
// of the one that comes first of several.
type Members struct {
	ID       int      `json:"id"`
	Size     int      `json:"size"`
	Unique   int      `json:"unique"`
	Name     string   `json:"name"`
	Severity Severity `json:"severity"`
	Cases    []string `json:"cases"`
	Stack    []string `json:"stack"`
}

// Telling returns a stack as it is compared with others: where no function is known, the
// class of the crash, its name, has to tell it from them.
func Telling(name string, stack []string) []string {
	if slices.ContainsFunc(stack, func(frame string) bool { return frame != "??" }) {
		return stack
	}
	return append([]string{name}, stack...)
}

// Summarize groups cases by their stacks.
func Summarize(cases []Case, distance float64) *Summary {
	cases = slices.Clone(cases)
	slices.SortStableFunc(cases, func(a, b Case) int { return cmp.Compare(a.Case, b.Case) })
	stacks := make([][]string, len(cases))
	for i := range cases {
		stacks[i] = Telling(cases[i].Name, cases[i].Stack)
	}
	s := &Summary{Cases: len(cases), Clusters: []*Members{}}
	for _, group := range Cluster(stacks, distance) {
		m := &Members{Size: len(group)}
		distinct := make(map[string]bool)
		worst := &cases[group[0]]
		for _, i := range group {
			c := &cases[i]
			m.Cases = append(m.Cases, c.Case)
			distinct[strings.Join(c.Stack, "\x00")] = true
			if c.Severity.Rank() < worst.Severity.Rank() {
				worst = c
			}
		}
		m.Unique, m.Name, m.Severity, m.Stack = len(distinct), worst.Name, worst.Severity, worst.Stack
		if m.Stack == nil {
			m.Stack = []string{}
		}
		s.Unique += m.Unique
		s.Clusters = append(s.Clusters, m)
	}
	slices.SortStableFunc(s.Clusters, func(a, b *Members) int {
		return cmp.Or(cmp.Compare(a.Severity.Rank(), b.Severity.Rank()), cmp.Compare(b.Size, a.Size))
	})
	for i, m := range s.Clusters {
		m.ID = i + 1
	}
	return s
}

// maxLine bounds the bytes of a line of cases.
const maxLine = 16 << 20

// ReadCases returns the cases of a file of JSON lines that have a stack, as
// tracelark triage leaves them. A last line that was cut is left out.
func ReadCases(r io.Reader) ([]Case, error) {
	var cases []Case
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := readLine(in)
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if text := bytes.TrimSpace(line); len(text) > 0 {
			var c Case
			switch failed := json.Unmarshal(text, &c); {
			case failed != nil && err == io.EOF:
			case failed != nil:
				return nil, fmt.Errorf("line %d: not a case: %w", n, failed)
			case len(c.Stack) > 0:
				if c.Severity.Rank() == len(severities) {
					c.Severity = Undefined
				}
				cases = append(cases, c)
			}
		}
		if err == io.EOF {
			return cases, nil
		}
	}
}

// readLine reads up to the end of a line, which it does not drop.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return nil, errors.New("longer than a case can be")
		}
		if err != bufio.ErrBufferFull {
			return line, err
		}
	}
}

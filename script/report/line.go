package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"unicode/utf8"

	"github.com/tracelark/tracelark/tracer/triage"
)

// A line is where things are in that of a case. Most of it is evidence, which is of
// interest for few cases, so that it is neither kept nor taken apart for all of them:
// there may be many thousands.
type line struct {
	size    int
	cluster int  // where the value of "cluster" is, or 0
	end     int  // where the CASREP begins, which depends on the workers, or the end
	crash   part // the evidence, if any
	stderr  part // what the program wrote, in JSON
}

// A part of a text.
type part struct{ at, end int }

// newLine returns what is to be known of a line, and what is told of each case.
func (r *Report) newLine(text []byte) (line, *Case, error) {
	l := line{size: len(text), end: len(text)}
	c := new(Case)
	var err error
	for name, p := range fields(text) {
		value := text[p.at:p.end]
		var to any
		switch name {
		case "cluster":
			l.cluster = p.at
		case "~casrep":
			l.end = bytes.LastIndexByte(text[:p.at], ',')
		case "crash":
			l.crash = p
		case "stderr":
			l.stderr = p
		case "stack":
			stack, known := r.stacks[string(value)]
			if !known {
				if e := json.Unmarshal(value, &stack); e != nil {
					err = e
				}
				r.stacks[string(value)] = stack
			}
			c.Stack = stack
		case "case":
			to = &c.Case
		case "outcome":
			to = &c.Outcome
		case "name":
			to = &c.Name
		case "severity":
			to = &c.Severity
		case "seconds":
			to = &c.Seconds
		case "size":
			to = &c.Size
		case "hang":
			to = &c.Hang
		case "certainty":
			to = &c.Certainty
		case "error":
			to = &c.Error
		}
		if to != nil {
			if e := decode(value, to); e != nil {
				err = fmt.Errorf("%s: %w", name, e)
			}
		}
	}
	return l, c, err
}

// decode is json.Unmarshal, which is slow for what is as short as most values are.
func decode(value []byte, to any) error {
	if string(value) == "null" {
		return nil
	}
	special := func(r rune) bool { return r < ' ' || r >= utf8.RuneSelf || r == '\\' }
	if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' && bytes.IndexFunc(value, special) < 0 {
		switch text := value[1 : n-1]; to := to.(type) {
		case *string:
			*to = string(text)
			return nil
		case *triage.Severity:
			*to = triage.Severity(text)
			return nil
		}
	}
	return json.Unmarshal(value, to)
}

// line returns the line of a case.
func (r *Report) line(i int) ([]byte, error) {
	text, err := r.Lines(i)
	if text = bytes.TrimSuffix(text, []byte("\n")); err == nil && len(text) != r.lines[i].size {
		err = errors.New("it is not what it was")
	}
	if err != nil {
		return nil, fmt.Errorf("the line of %s: %w", r.Cases[i].Case, err)
	}
	return text, nil
}

// complete takes in all that is told of a case.
func complete(c *Case, text []byte) error {
	name, stack := c.Name, c.Stack // those of a hang are ours
	err := json.Unmarshal(text, c)
	c.Name, c.Stack = name, stack
	return err
}

// evidence returns what is said of a crash, and what the program wrote.
func (l line) evidence(text []byte) (explanation, stderr string) {
	crash := text[l.crash.at:l.crash.end]
	for name, p := range fields(crash) {
		if name == "explanation" {
			json.Unmarshal(crash[p.at:p.end], &explanation) // or it is not said
			break
		}
	}
	json.Unmarshal(text[l.stderr.at:l.stderr.end], &stderr)
	return explanation, stderr
}

// fields are the names of the fields of an object in JSON, and where their values are.
// The text is taken for valid.
func fields(text []byte) iter.Seq2[string, part] {
	return func(yield func(string, part) bool) {
		for i := bytes.IndexByte(text, '{') + 1; i < len(text) && text[i] == '"'; {
			n := quoted(text[i:])
			at := i + n + len(":")
			if at >= len(text) {
				return
			}
			end := at + extent(text[at:])
			if !yield(string(text[i+1:i+n-1]), part{at, end}) {
				return
			}
			i = end + len(",")
		}
	}
}

// extent returns the length of the value that a text begins with.
func extent(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += quoted(text[i:]) - 1
		case '{', '[':
			depth++
			continue
		case '}', ']', ',':
			if depth == 0 {
				return i // the end of what it is in
			}
			if text[i] == ',' {
				continue
			}
			depth--
		default:
			continue
		}
		if depth == 0 {
			return min(i+1, len(text))
		}
	}
	return len(text)
}

// quoted returns the length of the string that a text begins with.
func quoted(text []byte) int {
	for i := 1; ; i++ {
		n := bytes.IndexByte(text[i:], '"')
		if n < 0 {
			return len(text)
		}
		i += n
		slashes := 0
		for text[i-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i + 1
		}
	}
}

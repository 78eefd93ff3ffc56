package report

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"iter"
	"strings"
)

// A JUnitSuite is results that belong together, in the format of JUnit's reports as
// build servers read it: Jenkins has a schema that wants the number of errors, which are
// those of the test itself and none of ours, and times without exponents.
type JUnitSuite struct {
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Errors   int        `xml:"errors,attr"`
	Time     JUnitTime  `xml:"time,attr"`
	Cases    JUnitCases `xml:"testcase"`
}

// A JUnitCase is a result.
type JUnitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    JUnitTime     `xml:"time,attr"`
	Failure *JUnitFailure `xml:"failure,omitempty"`
	Output  string        `xml:"system-out,omitempty"`
}

// A JUnitFailure is why a test failed.
type JUnitFailure struct {
	Type    string `xml:"type,attr"` // a word for what failed
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// A JUnitTime is a time in seconds.
type JUnitTime float64

// MarshalText implements encoding.TextMarshaler.
func (t JUnitTime) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%.6f", float64(t)), nil }

// JUnitCases are results that are made while they are written, as there may be very many.
type JUnitCases iter.Seq2[*JUnitCase, error]

// MarshalXML implements xml.Marshaler.
func (s JUnitCases) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	for c, err := range s {
		if err == nil {
			err = e.EncodeElement(c, start)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// NewJUnitSuite returns a suite of results, which are asked for now, to count them, and
// again when they are written.
func NewJUnitSuite(name string, cases JUnitCases) (*JUnitSuite, error) {
	s := &JUnitSuite{Name: name, Cases: cases}
	for c, err := range cases {
		if err != nil {
			return nil, err
		}
		s.Tests++
		s.Time += c.Time
		if c.Failure != nil {
			s.Failures++
		}
	}
	return s, nil
}

// WriteJUnit writes suites as an XML document.
func WriteJUnit(w io.Writer, suites []*JUnitSuite) error {
	var report struct {
		XMLName xml.Name      `xml:"testsuites"`
		Suites  []*JUnitSuite `xml:"testsuite"`
	}
	report.Suites = suites
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(report); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// writeJUnit writes junit.xml, in which a case that crashed, hung or failed is a failure.
func (r *Report) writeJUnit(w io.Writer) error {
	suite, err := NewJUnitSuite(r.Title, func(yield func(*JUnitCase, error) bool) {
		for i := range r.Cases {
			if !yield(r.junitCase(i)) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	return WriteJUnit(w, []*JUnitSuite{suite})
}

func (r *Report) junitCase(i int) (*JUnitCase, error) {
	line, err := r.line(i)
	if err != nil {
		return nil, err
	}
	c := r.Cases[i]
	x := &JUnitCase{Class: r.Title, Name: c.Case, Time: JUnitTime(c.Seconds)}
	var explanation string
	explanation, x.Output = r.lines[i].evidence(line)
	if cluster := r.clusterOf[i]; cluster != nil {
		text := strings.Join(c.Stack, "\n")
		if explanation != "" {
			text = explanation + "\n" + text
		}
		x.Failure = &JUnitFailure{"crash", fmt.Sprintf("cluster %d: %s (%s)", cluster.ID, c.Name, cluster.Severity), text}
	} else if c.Outcome != "exit" {
		x.Failure = &JUnitFailure{cmp.Or(c.Outcome, "error"), c.Outcome, c.Error}
		if c.Outcome == "" {
			x.Failure.Message = "it failed: " + c.Error
		}
	}
	return x, nil
}

package report

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"strings"
)

// A JUnitSuite is results that belong together, in the format of JUnit's reports as
// build servers read it: Jenkins has a schema that wants the number of errors, which are
// those of the test itself and none of ours, and times without exponents.
type JUnitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Time     JUnitTime   `xml:"time,attr"`
	Cases    []JUnitCase `xml:"testcase"`
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

// Add adds a result.
func (s *JUnitSuite) Add(c JUnitCase) {
	s.Tests++
	s.Time += c.Time
	if c.Failure != nil {
		s.Failures++
	}
	s.Cases = append(s.Cases, c)
}

// JUnit returns suites as an XML document.
func JUnit(suites []*JUnitSuite) ([]byte, error) {
	var report struct {
		XMLName xml.Name      `xml:"testsuites"`
		Suites  []*JUnitSuite `xml:"testsuite"`
	}
	report.Suites = suites
	text, err := xml.MarshalIndent(report, "", "  ")
	return fmt.Appendf(nil, "%s%s\n", xml.Header, text), err
}

// JUnit returns the contents of junit.xml, in which a case that crashed, hung or
// failed is a failure.
func (r *Report) JUnit() ([]byte, error) {
	suite := &JUnitSuite{Name: r.Title}
	for i, c := range r.Cases {
		x := JUnitCase{Class: r.Title, Name: c.Case, Time: JUnitTime(c.Seconds)}
		line, err := r.line(i)
		if err != nil {
			return nil, err
		}
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
		suite.Add(x)
	}
	return JUnit([]*JUnitSuite{suite})
}

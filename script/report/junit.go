package report

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// A JUnitSuite is results that belong together, in the format of JUnit's reports as
// build servers read it.
type JUnitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Time     float64     `xml:"time,attr"` // seconds
	Cases    []JUnitCase `xml:"testcase"`
}

// A JUnitCase is a result.
type JUnitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    float64       `xml:"time,attr"`
	Failure *JUnitFailure `xml:"failure,omitempty"`
	Output  string        `xml:"system-out,omitempty"`
}

// A JUnitFailure is why a test failed.
type JUnitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

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
		x := JUnitCase{Class: r.Title, Name: c.Case, Time: c.Seconds, Output: c.Stderr}
		if cluster := r.clusterOf[i]; cluster != nil {
			text := strings.Join(c.Stack, "\n")
			if c.Crash != nil {
				text = c.Crash.Explanation + "\n" + text
			}
			x.Failure = &JUnitFailure{fmt.Sprintf("cluster %d: %s (%s)", cluster.ID, c.Name, cluster.Severity), text}
		} else if c.Outcome != "exit" {
			x.Failure = &JUnitFailure{Message: c.Outcome, Text: c.Error}
			if c.Outcome == "" {
				x.Failure.Message = "it failed: " + c.Error
			}
		}
		suite.Add(x)
	}
	return JUnit([]*JUnitSuite{suite})
}

package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestJUnitSchema holds a report against what Jenkins' and Maven's schemas ask for: which
// elements there are in which, the attributes that they must have, and the form of times.
func TestJUnitSchema(t *testing.T) {
	suite, err := NewJUnitSuite("a\x00\"b", func(yield func(*JUnitCase, error) bool) {
		_ = yield(&JUnitCase{Class: "a", Name: "quick", Time: 1e-7}, nil) &&
			yield(&JUnitCase{Class: "a", Name: "slow", Time: 123456.5, Output: "\x1b[0m]]>\xff<&"}, nil) &&
			yield(&JUnitCase{Class: "a", Name: "fails", Failure: &JUnitFailure{"failure", "a\nb", "<text>"}, Output: "out"}, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	results := newReport("title")
	for _, line := range []string{`{"case":"a","outcome":"hang","cluster":null}`, `{"case":"b","error":"x"}`, `{"case":"c","outcome":"exit","cluster":null}`} {
		if err := results.Add([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if err := results.Cluster(0.3); err != nil {
		t.Fatal(err)
	}
	var suites, campaign bytes.Buffer
	empty, err := NewJUnitSuite("empty", func(func(*JUnitCase, error) bool) {})
	if err := errors.Join(err, WriteJUnit(&suites, []*JUnitSuite{suite, empty}), results.writeJUnit(&campaign)); err != nil {
		t.Fatal(err)
	}
	within := map[string]string{"testsuites": "", "testsuite": "testsuites", "testcase": "testsuite", "failure": "testcase", "system-out": "testcase"}
	required := map[string]string{"testsuite": "name tests failures errors time", "testcase": "classname name time", "failure": "type message"}
	form := map[string]*regexp.Regexp{
		"time": regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`), "tests": regexp.MustCompile(`^[0-9]+$`),
		"failures": regexp.MustCompile(`^[0-9]+$`), "errors": regexp.MustCompile(`^0$`), "type": regexp.MustCompile(`^[a-z]+$`),
	}
	for _, text := range [][]byte{suites.Bytes(), campaign.Bytes()} {
		d := xml.NewDecoder(strings.NewReader(string(text)))
		var path []string
		counts := make(map[string]int)
		for {
			token, err := d.Token()
			if token == nil {
				if len(path) > 0 || len(counts) == 0 {
					t.Errorf("the report ends with %v:\n%s", err, text)
				}
				break
			}
			switch e := token.(type) {
			case xml.StartElement:
				parent := strings.Join(path[max(len(path)-1, 0):], "")
				if want, known := within[e.Name.Local]; !known || parent != want {
					t.Errorf("there is %s in %q", e.Name.Local, parent)
				}
				path = append(path, e.Name.Local)
				counts[e.Name.Local]++
				has := make(map[string]string)
				for _, a := range e.Attr {
					has[a.Name.Local] = a.Value
					if f := form[a.Name.Local]; f != nil && !f.MatchString(a.Value) {
						t.Errorf("%s of %s is %q", a.Name.Local, e.Name.Local, a.Value)
					}
				}
				for name := range strings.FieldsSeq(required[e.Name.Local]) {
					if _, ok := has[name]; !ok {
						t.Errorf("%s has no %s", e.Name.Local, name)
					}
				}
				if n, _ := strconv.Atoi(has["tests"]); e.Name.Local == "testsuite" && n > 0 && n != 3 {
					t.Errorf("the suite has %d tests", n)
				}
			case xml.EndElement:
				path = path[:len(path)-1]
			}
		}
	}
}

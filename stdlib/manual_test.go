package stdlib

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDoc reads the manual of each module that the README names.
func TestDoc(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	modules := regexp.MustCompile(`\(stdlib/(\w+)\.star\)`).FindAllStringSubmatch(string(readme), -1)
	if len(modules) < 15 {
		t.Fatalf("the README names %d modules, want more", len(modules))
	}
	for _, m := range modules {
		text, ok := Doc(m[1])
		if !ok || !strings.HasPrefix(text, "std/"+m[1]+".star\n    ") || m[1] != "cxx" && !strings.Contains(text, "(") {
			t.Errorf("manual of %s: %q, %v", m[1], text, ok)
		}
	}
	text, _ := Doc("std/hist.star")
	for _, want := range []string{
		"Shows how often values come", "\nhist.log2(values)\n    Returns ", `    >>> load("std/hist.star", "hist")`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("manual of hist lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "_counts") {
		t.Errorf("manual of hist has what is its own:\n%s", text)
	}
	text, _ = Doc("triage") // which hands on what others define
	for _, want := range []string{"\ntriage.run(command = None, ", "\ntriage.explain(argv, ", "\n    Returns what led to the crash", "\ntriage.crash\n    The builtin crashes.crash.\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("manual of triage lacks %q:\n%s", want, text)
		}
	}
	if text, ok := Doc("../stdlib/hist"); ok {
		t.Errorf("a path outside has the manual %q", text)
	}
	if names := Modules(); len(names) < len(modules) || !strings.HasPrefix(names[0], "std/") {
		t.Errorf("Modules() = %s", names)
	}
}

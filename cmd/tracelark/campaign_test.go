//go:build linux && amd64

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/script/report"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestCampaign triages what AFL++ finds in the parser. Each run of it has a seed that is
// one bit away from a bug, and flips each bit of it, so that chance has no part in which
// are found: all but the one in a child, which a fuzzer sees only where another bug
// follows. Each is one cluster.
func TestCampaign(t *testing.T) {
	fuzz := tracertest.Tool(t, "afl-fuzz")
	plain := tracertest.Build(t, "testdata/parser.c", "-fstack-protector-all", "-DCRASHES_ONLY")
	source, err := filepath.Abs("testdata/parser.c")
	if err != nil {
		t.Fatal(err)
	}
	seeds := make(map[string]string)
	var want []string
	for letter, class := range bugs {
		seeds["in "+string(letter)+"/seed"] = string(letter^0x20) + "."
		if letter != 'K' {
			want = append(want, class)
		}
	}
	t.Chdir(writeTests(t, seeds))
	afl := func(name string, args ...string) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Env = append(os.Environ(), "AFL_QUIET=1", "AFL_NO_UI=1", "AFL_NO_AFFINITY=1", "AFL_SKIP_CPUFREQ=1", "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out[max(0, len(out)-2000):])
		}
	}
	afl(tracertest.Tool(t, "afl-cc"), "-g", "-O0", "-pthread", "-w", "-fstack-protector-all", "-DCRASHES_ONLY", "-o", "parser", source)
	args := []string{"triage", "--timeout", "5", "-o", "report"}
	for letter := range bugs {
		out := "out " + string(letter)
		afl(fuzz, "-D", "-E", "1000", "-V", "60", "-t", "1000", "-i", "in "+string(letter), "-o", out, "--", "./parser", "@@")
		args = append(args, out)
	}
	_, stderr, exit := run(t, command(t, append(args, "--", plain, "@@")...))
	if exit != 0 {
		t.Errorf("status %d:\n%s", exit, stderr)
	}
	text, err := os.ReadFile("report/clusters.json")
	if err != nil {
		t.Fatal(err)
	}
	var clusters report.Clusters
	if err := json.Unmarshal(text, &clusters); err != nil {
		t.Fatal(err)
	}
	var got, places []string
	child := 0
	for _, c := range clusters.Clusters {
		places = append(places, fmt.Sprint(c.Stack))
		if strings.HasPrefix(c.Stack[0], "bug_child ") {
			child++
		} else {
			got = append(got, c.Name)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || child > 1 {
		t.Errorf("the clusters are %q, want %q; their stacks are\n%s", got, want, strings.Join(places, "\n"))
	}
}

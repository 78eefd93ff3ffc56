//go:build linux && amd64

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// TestTriageCompares has a program that cannot be copied at main, which each worker
// finds out by the first case that it looks at.
func TestTriageCompares(t *testing.T) {
	prog := tracertest.Build(t, "testdata/early.c")
	files := make(map[string]string)
	for i := range 8 {
		files[fmt.Sprintf("cases/%d", i)] = "S"
	}
	t.Chdir(writeTests(t, files))
	_, stderr, exit := run(t, command(t, "triage", "-j", "2", "-o", "out", "cases", "--", prog, "@@", "size"))
	if exit != 0 || !strings.Contains(stderr, "each case is launched from here on") {
		t.Errorf("status %d:\n%s", exit, stderr)
	}
	for _, c := range readLines(t, "out/cases.jsonl") {
		if c.Name != "DestAvNearNull" {
			t.Errorf("%s is %s %s", c.Case, c.Outcome, c.Name)
		}
	}
}

// TestTriageExplains looks for what led to a crash: who wrote the address.
func TestTriageExplains(t *testing.T) {
	prog := tracertest.Build(t, "testdata/written.c")
	t.Chdir(writeTests(t, map[string]string{"cases/b": "b", "cases/a": "a"}))
	for _, input := range []string{"@@", ""} {
		argv := strings.Fields(prog + " " + input)
		stdout, stderr, exit := run(t, command(t, append([]string{"triage", "--explain", "cases", "--"}, argv...)...))
		if want := regexp.MustCompile(`\n1\. DestAv .*\n(?s:.*)the value 0x6100000000 at 0x[0-9a-f]+ was last written by\n    #0 .* in keep `); exit != 0 || !want.MatchString(stdout) {
			t.Errorf("%q: status %d, %s, and\n%s", input, exit, stderr, stdout)
		}
	}
	if stdout, stderr, exit := run(t, command(t, "triage", "--explain", "-o", "out", "cases", "--", prog, "@@")); exit != 0 || strings.Contains(stdout, "was last written by") {
		t.Errorf("with -o: status %d, %s, and\n%s", exit, stderr, stdout)
	}
	for _, name := range []string{"index.html", "report.md", "clusters.json"} {
		if text, err := os.ReadFile("out/" + name); err != nil || !strings.Contains(string(text), "was last written by") {
			t.Errorf("%s does not explain: %v", name, err)
		}
	}
	core := exec.Command(tracertest.Tool(t, "gdb"), "-nx", "-batch", "-ex", "run cases/a", "-ex", "generate-core-file core", prog)
	if text, err := core.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if stdout, stderr, exit := run(t, command(t, "triage", "--explain", "core", "--", prog, "@@")); exit != 0 || !strings.HasSuffix(stdout, "\n1 clusters\n") {
		t.Errorf("of a core: status %d, %s, and\n%s", exit, stderr, stdout)
	}
}

// TestTriageAhead has a program read its input before main, where the snapshot is taken, and
// no input of the first ones that would show that what comes from the snapshot is another.
func TestTriageAhead(t *testing.T) {
	prog := tracertest.Build(t, "testdata/early.c")
	t.Chdir(writeTests(t, map[string]string{"cases/b": "b", "cases/c": "c", "cases/d": "S"}))
	for _, words := range [][]string{{prog, "@@"}, {prog, "/dev/stdin"}} {
		stdout, stderr, exit := run(t, command(t, append([]string{"triage", "-j", "1", "--mode", "snapshot", "cases", "--"}, words...)...))
		if exit != 0 || !strings.HasSuffix(stdout, "\n1 clusters\n") || !strings.Contains(stderr, "no snapshot, each case is launched: it reads the input before it comes to main\n") {
			t.Errorf("%v: status %d, %s, and\n%s", words, exit, stderr, stdout)
		}
	}
}

// TestTriageKilled has the kernel kill a program for want of memory, and another one die of
// the same signal. One worker runs them one after the other: the kernel counts whom it kills
// for the whole machine.
func TestTriageKilled(t *testing.T) {
	group, err := os.MkdirTemp("/sys/fs/cgroup/memory", "tracelark-test-")
	if err != nil {
		t.Skipf("a control group that bounds memory cannot be made: %v", err)
	}
	defer os.Remove(group)
	if err := os.WriteFile(group+"/memory.limit_in_bytes", []byte("64M"), 0o666); err != nil {
		t.Skipf("the memory of a control group cannot be bounded: %v", err)
	}
	t.Chdir(writeTests(t, map[string]string{"cases/a": "echo $$ > " + group + "/cgroup.procs; exec " + parser(t) + " fat", "cases/b": "kill -9 $$", "fat": "X."}))
	for _, mode := range []string{"exec", "snapshot"} {
		_, stderr, exit := run(t, command(t, "triage", "-j", "1", "--mode", mode, "-o", mode, "cases", "--", "/bin/sh", "@@"))
		lines := readLines(t, mode+"/cases.jsonl")
		if exit != 0 || len(lines) != 2 || lines[0].Outcome != "oom" || lines[1].Outcome != "exit" {
			t.Errorf("in mode %s: status %d, %s, and %+v", mode, exit, stderr, lines)
		}
	}
}

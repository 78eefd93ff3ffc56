//go:build linux && amd64

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/script"
	"github.com/tracelark/tracelark/script/report"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// parser is the program that triage is tested with, whose bugs are planted.
func parser(t *testing.T) string {
	return tracertest.Build(t, "testdata/parser.c", "-fstack-protector-all")
}

// bugs are the letters of its records that crash, with the class of that.
var bugs = map[byte]string{
	'S': "DestAv", 'L': "SourceAvNearNull", 'C': "SegFaultOnPc", 'F': "HeapError", 'D': "FPE", 'A': "AbortSignal",
	'R': "StackOverflow", 'M': "StackGuard", 'T': "DestAv", 'K': "DestAv",
}

// writeCampaign makes inputs as a fuzzer would leave them: records of any letters, of
// which the first one with a bug counts. Files are named by its letter.
func writeCampaign(t *testing.T, n int) (dir string) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	letters := "abcdefgh"
	for c := range bugs {
		letters += string(c)
	}
	sorted := []byte(letters)
	slices.Sort(sorted)
	files := make(map[string]string)
	for i := range n {
		var text []byte
		first := byte('-')
		for range 1 + random.IntN(12) {
			c := sorted[random.IntN(len(sorted))]
			if first == '-' && bugs[c] != "" {
				first = c
			}
			text = append(text, c, byte(1+random.IntN(255)))
		}
		files[fmt.Sprintf("cases/%c%03d", first, i)] = string(text)
	}
	return writeTests(t, files)
}

// readLines returns the cases of a cases.jsonl.
func readLines(t *testing.T, path string) (cases []*report.Case) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		c := new(report.Case)
		if err := json.Unmarshal([]byte(line), c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	return cases
}

// TestTriage triages a campaign both ways. Each planted bug is one cluster, of its
// class, and what comes of a case does not depend on the way.
func TestTriage(t *testing.T) {
	prog := parser(t)
	t.Chdir(writeCampaign(t, 200))
	var results [2][]*report.Case
	for i, mode := range []string{"exec", "snapshot"} {
		stdout, stderr, exit := run(t, command(t, "triage", "--mode", mode, "-j", fmt.Sprint(1+i), "-o", mode, "--json", "cases", "--", prog, "@@"))
		if exit != 0 {
			t.Fatalf("status %d:\n%s", exit, stderr)
		}
		if strings.Contains(stderr, "no snapshot") || strings.Contains(stderr, "each case is launched from here on") {
			t.Errorf("in mode %s:\n%s", mode, stderr)
		}
		file, err := os.ReadFile(mode + "/clusters.json")
		if err != nil || string(file) != stdout {
			t.Errorf("clusters.json is\n%s\nand the output\n%s (%v)", file, stdout, err)
		}
		checkClusters(t, file)
		again, stderr, exit := run(t, command(t, "cluster", mode))
		var one, two report.Clusters
		if err := errors.Join(json.Unmarshal(file, &one), json.Unmarshal([]byte(again), &two)); err != nil || exit != 0 || one.Cases != two.Cases || one.Unique != two.Unique || len(one.Clusters) != len(two.Clusters) {
			t.Errorf("tracelark cluster ends with %d (%v) and makes\n%s%sof\n%s", exit, err, again, stderr, file)
		}
		results[i] = readLines(t, mode+"/cases.jsonl")
		for _, name := range []string{"index.html", "report.md", "report.sarif", "junit.xml"} {
			if info, err := os.Stat(filepath.Join(mode, name)); err != nil || info.Size() == 0 {
				t.Errorf("%s: %v, %v", name, info, err)
			}
		}
	}
	for i, x := range results[0] {
		y := results[1][i]
		if x.Case != y.Case || x.Outcome != y.Outcome || x.Name != y.Name || x.Signal != y.Signal || x.Keys["offset"] != y.Keys["offset"] || !slices.Equal(x.Stack, y.Stack) {
			t.Errorf("launched, it is %+v, and from a snapshot %+v", x, y)
		}
	}
}

// checkClusters checks that there is one cluster for each bug.
func checkClusters(t *testing.T, file []byte) {
	var clusters report.Clusters
	if err := json.Unmarshal(file, &clusters); err != nil {
		t.Fatal(err)
	}
	seen := make(map[byte]bool)
	for _, c := range clusters.Clusters {
		letter := filepath.Base(c.Cases[0])[0]
		for _, path := range c.Cases {
			if filepath.Base(path)[0] != letter {
				t.Errorf("cluster %d, %s, has %s and %s", c.ID, c.Name, c.Cases[0], path)
			}
		}
		if seen[letter] {
			t.Errorf("a second cluster for %c: %+v", letter, c)
		}
		seen[letter] = true
		if c.Name != bugs[letter] || c.Size != len(c.Cases) || c.Unique < 1 || c.Unique > c.Size {
			t.Errorf("the cluster for %c, a %s, is %+v", letter, bugs[letter], c)
		}
	}
	if len(seen) != len(bugs) {
		t.Errorf("%d clusters, %d bugs were planted", len(seen), len(bugs))
	}
}

// TestTriageOutcomes tells hangs, lack of memory, ends and failures apart, with every
// way to give an input, and looks at how the target behaves badly.
func TestTriageOutcomes(t *testing.T) {
	prog := parser(t)
	t.Chdir(writeTests(t, map[string]string{
		"hangs/O": "O.", "hangs/W": "W.", "cases/X": "X.", "cases/a": "a.", "cases/S": "S.", "cases/empty": "",
		"hangs/I": "I.", "cases/P": "P.", "cases/B": "B.", "cases/K": "K.", "cases/U": "U.U.", "cases/V": "V.",
	}))
	makeCore := command(t, "run", "-c", `p = launch(args, stdout="/dev/null", stderr="/dev/null")
p.cont_fatal()
p.save_core("cases/core")`, prog, "cases/S")
	if out, err := makeCore.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Symlink("nowhere", "cases/gone"); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"O": "hang loop bug_loop", "W": "hang blocked read, called by bug_wait", "X": "oom memory bug_fill", "a": "exit", "S": "crash DestAv", "empty": "exit", "core": "crash DestAv",
		"I": "hang blocked pause, called by record", "P": "crash Undefined", "B": "exit", "K": "crash DestAv", "gone": "failed",
		"U": "exit", "V": "exit",
	}
	for _, how := range []struct {
		name string
		args []string
	}{
		{"file", []string{"--", prog, "@@"}},
		{"stdin", []string{"--", prog}},
		{"argument", []string{"--argument", "2", "--", prog, "-"}},
		{"variable", []string{"--variable", "PARSER_INPUT", "--", prog}},
	} {
		for _, mode := range []string{"exec", "auto"} {
			t.Run(how.name+" "+mode, func(t *testing.T) {
				triage := func(folder, timeout string) (cases []*report.Case, stderr string, exit int) {
					out := "out " + folder + how.name + mode
					_, stderr, exit = run(t, command(t, append([]string{"triage", "--timeout", timeout, "--rss", "24", "--mode", mode, "-o", out, folder}, how.args...)...))
					return readLines(t, out+"/cases.jsonl"), stderr, exit
				}
				hangs, stderr, exit := triage("hangs", "1")
				if exit != 0 {
					t.Errorf("status %d:\n%s", exit, stderr)
				}
				cases, stderr, exit := triage("cases", "60")
				if exit != 1 || !strings.Contains(stderr, "1 failed") {
					t.Errorf("status %d, want 1 for the case that is gone:\n%s", exit, stderr)
				}
				if len(hangs)+len(cases) != len(want) {
					t.Errorf("%d lines, want %d", len(hangs)+len(cases), len(want))
				}
				for _, c := range append(hangs, cases...) {
					got := strings.TrimSpace(c.Outcome + " " + c.Name)
					if c.Hang != nil {
						got = c.Outcome + " " + c.Hang.Kind + " " + c.Hang.Where
					} else if c.Error != "" {
						got = "failed"
					}
					if name := filepath.Base(c.Case); got != want[name] {
						t.Errorf("%s: got %q, want %q (%s)", name, got, want[name], c.Error)
					}
				}
			})
		}
	}
}

// TestTriageBadTargets has cases that cannot be read, and a target that forks without
// end, fills the disk, kills its process group and leaves a daemon that ignores signals. Each is a line, and
// nothing is left of them.
func TestTriageBadTargets(t *testing.T) {
	prog := tracertest.Build(t, "testdata/hostile.c")
	files := map[string]string{"cases/D": "D", "hangs/E": "E", "cases/F": "F", "cases/G": "G", "cases/K": "K", "cases/N": "N", "cases/S": "S", "cases/huge": ""}
	t.Chdir(writeTests(t, files))
	if err := errors.Join(os.Truncate("cases/huge", 20<<30), os.Symlink("/proc/self/mem", "cases/unreadable"), unix.Mkfifo("fifo", 0o600)); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"D": "exit", "E": "hang", "F": "processes that run at once", "G": "exit", "K": "crash", "N": "exit", "S": "crash",
		"huge": "at most 1073741824 can be read", "unreadable": "input/output error", "fifo": "not a regular file",
	}
	for _, mode := range []string{"exec", "snapshot"} {
		triage := func(want string, args ...string) []*report.Case {
			t.Helper()
			// The limit is below that of triage, and nobody may raise it.
			sh := exec.Command("sh", "-c", `ulimit -f 8192; exec setpriv --bounding-set -all --inh-caps -all "$@"`, "sh",
				command(t).Path, "triage", "--mode", mode, "--restart", "-o", mode)
			if os.Getuid() != 0 {
				sh.Args[2] = `ulimit -f 8192; exec "$@"`
			}
			sh.Args = append(append(sh.Args, args...), "--", prog, "@@")
			sh.Env = append(os.Environ(), asCommand+"=1")
			if _, stderr, exit := run(t, sh); !strings.Contains(stderr, want) || (exit == 1) != strings.HasSuffix(want, "failed") {
				t.Errorf("status %d, want %q:\n%s", exit, want, stderr)
			}
			return readLines(t, mode+"/cases.jsonl")
		}
		cases := append(triage("1 hang", "--timeout", "1", "hangs"), triage("4 failed", "--timeout", "60", "cases", "fifo")...)
		if len(cases) != len(want) {
			t.Errorf("%d lines, want %d", len(cases), len(want))
		}
		for _, c := range cases {
			name := filepath.Base(c.Case)
			if got := c.Outcome + c.Error; !strings.Contains(got, want[name]) {
				t.Errorf("%s in mode %s: got %q, want %q", name, mode, got, want[name])
			}
			if name == "D" && c.Signal != "SIGXFSZ" {
				t.Errorf("what fills the disk ends in mode %s by %q, want SIGXFSZ", mode, c.Signal)
			}
		}
	}
	exes, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, exe := range exes {
		if path, err := os.Readlink(exe); err == nil && path == prog {
			t.Errorf("%s outlives its case", exe)
		}
	}
}

// TestTriageInterrupted writes what was found when it is interrupted, and goes on later.
func TestTriageInterrupted(t *testing.T) {
	prog := parser(t)
	t.Chdir(writeTests(t, map[string]string{"cases/1": "S.", "cases/2": "I."}))
	cmd := command(t, "triage", "-j", "1", "--timeout", "1000", "-o", "out", "cases", "--", prog, "@@")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for {
		if text, _ := os.ReadFile("out/journal"); strings.Count(string(text), "\n") == 1+1 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	cmd.Process.Signal(unix.SIGINT)
	if got := status(t, cmd.Wait()); got != 128+int(unix.SIGINT) {
		t.Errorf("status %d", got)
	}
	if cases := readLines(t, "out/cases.jsonl"); len(cases) != 1 || cases[0].Outcome != "crash" {
		t.Errorf("cases.jsonl has %+v", cases)
	}
	if text, err := os.ReadFile("out/clusters.json"); err != nil || !strings.Contains(string(text), `"cases/1"`) {
		t.Errorf("clusters.json has %s (%v)", text, err)
	}
}

// TestTriageRebuilt does not go on from what was found in a program that has changed since.
func TestTriageRebuilt(t *testing.T) {
	t.Chdir(writeTests(t, map[string]string{
		"afl/crashes/1": "kill -SEGV $$", "afl/crashes/2": "exit 3", "afl/fuzzer_stats": "", "afl/cmdline": "./prog\n@@\n", "prog": "#!/bin/sh\n. $1\n",
	}))
	told := []string{"-o", "told", "afl"}
	for _, test := range []struct {
		prog string
		args []string
		exit int
		want string
	}{
		{"#!/bin/sh\n. $1\n", []string{"-o", "out", "afl", "--", "./prog", "@@"}, 0, "2 of 2 cases"},
		{"#!/bin/sh\n. $1\n", told, 0, "2 of 2 cases"},
		{"#!/bin/sh\nexit 0\n", []string{"-o", "out", "afl", "--", "./prog", "@@"}, 1, "of another build of the program: name another folder, or start anew with --restart"},
		{"#!/bin/sh\nexit 0\n", []string{"-o", "out", "--restart", "afl", "--", "./prog", "@@"}, 0, "2 of 2 cases in "},
		{"#!/bin/sh\nexit 0\n", told, 0, ": 2 exit"},
	} {
		if old, err := os.ReadFile("prog"); err != nil || string(old) != test.prog {
			if err := os.WriteFile("prog", []byte(test.prog), 0o777); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod("prog", 0o777); err != nil {
			t.Fatal(err)
		}
		_, stderr, exit := run(t, command(t, append([]string{"triage"}, test.args...)...))
		if exit != test.exit || !strings.Contains(stderr, test.want) {
			t.Errorf("%v ends with %d, want %d:\n%swant %q", test.args, exit, test.exit, stderr, test.want)
		}
	}
}

// TestTriageFull has no space for copies of inputs, for what is found, or for the report.
// It is one line each time, and what was found by then is kept.
func TestTriageFull(t *testing.T) {
	prog := parser(t)
	files := make(map[string]string)
	for i := range 40 {
		files[fmt.Sprintf("cases/%02d", i)] = "S."
	}
	t.Chdir(writeTests(t, files))
	unshare := "unshare -m"
	if os.Geteuid() != 0 {
		unshare = "unshare -Urm"
	}
	// A small file system is mounted on a folder, for this command alone.
	full := func(script string) (stderr string) {
		t.Helper()
		sh := exec.Command("sh", "-c", unshare+` sh -ec 'mkdir -p small; mount -t tmpfs -o size=64k tmpfs small; `+script+`' "$0" "$1"`, command(t).Path, prog)
		sh.Env = append(os.Environ(), asCommand+"=1")
		_, stderr, exit := run(t, sh)
		if exit != 1 {
			t.Errorf("status %d:\n%s", exit, stderr)
		}
		return stderr
	}
	check := func(stderr, line string) {
		t.Helper()
		if n := strings.Count(stderr, "no space left on device") + strings.Count(stderr, "file too large"); n != 1 || !strings.Contains(stderr, line) {
			t.Errorf("no space is told %d times, want %q:\n%s", n, line, stderr)
		}
	}
	stderr := full(`dd if=/dev/zero of=small/fill bs=64k count=1 2>&1; TMPDIR=$PWD/small exec "$0" triage -o copies cases -- "$1" @@`)
	check(stderr, "40 failed, the first of them cases/00: write_file: write ")
	stderr = full(`"$0" triage -j 1 -o small/found cases -- "$1" @@ || { cp -r small/found found; exit 1; }`)
	check(stderr, "tracelark: keep results: write small/found/journal: no space left on device\n")
	if _, stderr, exit := run(t, command(t, "triage", "-o", "found", "cases", "--", prog, "@@")); exit != 0 || !strings.Contains(stderr, " were done before: 40 crash\n") {
		t.Errorf("with space, status %d:\n%s", exit, stderr)
	}
	// The report is the largest file but for the journal, which is there by then.
	sh := exec.Command("sh", "-c", `ulimit -f 16; trap "" XFSZ; exec "$0" triage -o found cases -- "$1" @@`, command(t).Path, prog)
	sh.Env = append(os.Environ(), asCommand+"=1")
	_, stderr, exit := run(t, sh)
	if exit != 1 || !strings.Contains(stderr, "tracelark: write cases.jsonl: ") {
		t.Errorf("without space for the report, status %d:\n%s", exit, stderr)
	}
	if n := len(readLines(t, "found/cases.jsonl")); n != 40 {
		t.Errorf("cases.jsonl of the run before has %d lines now", n)
	}
}

// TestTriageServer sends inputs to servers that run at the same time on the same port,
// which another program uses. Where workers cannot have networks of their own, it is one
// after the other, which is said.
func TestTriageServer(t *testing.T) {
	prog := tracertest.Build(t, "testdata/server.c")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	isolated := script.CanIsolate("/bin/true") == nil
	if !isolated {
		l.Close()
	} else {
		defer l.Close()
	}
	t.Chdir(writeTests(t, map[string]string{"cases/S": "S\x01", "cases/a": "a", "cases/q": "q", "cases/O": "O", "cases/L": "L\x01", "cases/W": "W\x01", "cases/Z": "Z\x01", "cases/K": "K", "cases/E": "E"}))
	want := []string{"E exit", "K exit", "L crash DestAvNearNull", "O hang", "S crash DestAvNearNull", "W crash DestAvNearNull", "Z crash DestAvNearNull", "a exit", "q exit"}
	for _, server := range [][]string{{prog, port}, {prog, "-d", port}} { // a daemon is served when what was launched has ended
		_, stderr, exit := run(t, command(t, append([]string{"triage", "-j", "4", "--timeout", "4", "--port", port, "--restart", "-o", "out", "cases", "--"}, server...)...))
		if exit != 0 || strings.Contains(stderr, "one case at a time") == isolated {
			t.Fatalf("%v: status %d:\n%s", server, exit, stderr)
		}
		var got []string
		for _, c := range readLines(t, "out/cases.jsonl") {
			got = append(got, strings.TrimSpace(filepath.Base(c.Case)+" "+c.Outcome+" "+c.Name))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v: got %q, want %q", server, got, want)
		}
	}
	// What a thread is yet to do is not waited for.
	run(t, command(t, "triage", "--settle", "0", "--port", port, "-o", "hasty", "cases/W", "--", prog, port))
	if c := readLines(t, "hasty/cases.jsonl"); len(c) != 1 || c[0].Outcome != "exit" {
		t.Errorf("with --settle 0 it is %+v", c)
	}
}

// TestTriageCertainty looks again at crashes, one of which comes to half of the runs: it is
// found, marked, and no reason to take no more copies.
func TestTriageCertainty(t *testing.T) {
	prog := parser(t)
	t.Chdir(writeTests(t, map[string]string{"cases/S": "S.", "cases/Y": strings.Repeat("Y.", 4)}))
	for _, mode := range []string{"exec", "snapshot"} {
		_, stderr, exit := run(t, command(t, "triage", "--mode", mode, "--runs", "20", "--restart", "-j", "1", "-o", "out", "cases", "--", prog, "@@"))
		if exit != 0 || strings.Contains(stderr, "from here on") {
			t.Fatalf("status %d:\n%s", exit, stderr)
		}
		cases := readLines(t, "out/cases.jsonl")
		if c := cases[0].Certainty; c == nil || c.Flaky || c.Fixed.Same != 20 || c.Random.Same != 20 || c.Fixed.Low < 0.8 || c.Fixed.High != 1 {
			t.Errorf("a certain crash has %+v", c)
		}
		if c := cases[1].Certainty; c == nil || !c.Flaky || c.Fixed.Runs != 20 || c.Random.Runs != 20 {
			t.Errorf("a flaky crash is %s and has %+v", cases[1].Outcome, c)
		}
	}
}

// TestTriageUsage has command lines that make no sense, and exit codes for build servers.
func TestTriageUsage(t *testing.T) {
	prog := parser(t)
	start := tracertest.Build(t, "testdata/start.s", "-nostdlib", "-static")
	asan := tracertest.Build(t, "testdata/parser.c", "-fsanitize=address") // of GCC, in a library
	t.Chdir(writeTests(t, map[string]string{"cases/S": "S.", "afl/crashes/id:000000": "S.", "afl/fuzzer_stats": "", "afl/cmdline": prog + "\n@@\n"}))
	for _, test := range []struct {
		args []string
		exit int
		want string
	}{
		{[]string{"--", prog}, 2, "no CASE"},
		{[]string{"--mode", "fast", "cases", "--", prog}, 2, `--mode is "fast"`},
		{[]string{"--key", "shape", "cases", "--", prog}, 2, `--key is "shape"`},
		{[]string{"--timeout", "0", "cases", "--", prog}, 2, "a hang would never end"},
		{[]string{"--fail-on", "bad", "cases", "--", prog}, 2, `--fail-on is "bad"`},
		{[]string{"--distance", "2", "cases", "--", prog}, 2, "--distance is 2, want 0 to 1"},
		{[]string{"--ignore", "(", "cases", "--", prog}, 2, `--ignore is "(", want a regular expression: error parsing regexp`},
		{[]string{"--ignore-file", "", "cases", "--", prog}, 2, "--ignore-file is empty"},
		{[]string{"--near-null", "0", "cases", "--", prog}, 2, "--near-null is 0, want 1 or more"},
		{[]string{"--rss", "-5", "cases", "--", prog}, 2, "--rss is -5, want MB"},
		{[]string{"--settle", "-1", "cases", "--", prog}, 2, "--settle is -1, want seconds"},
		{[]string{"-v", "cases", "--", prog}, 2, "unknown shorthand flag: 'v'"}, // what the program prints is not to be had
		{[]string{"--settle", "inf", "cases", "--", prog}, 2, "--settle is +Inf, want seconds"},
		{[]string{"--rss", "8796093022208", "cases", "--", prog}, 2, "--rss is 8796093022208, want MB"},
		{[]string{"-j", "4294967295", "cases", "--", prog}, 2, `"--jobs" flag: want a smaller number`},
		{[]string{"--argument", "0", "cases", "--", prog}, 2, "--argument is 0, want 1 or more"},
		{[]string{"--variable", "", "cases", "--", prog}, 2, `--variable is "", want the name of a variable`},
		{[]string{"--variable", "A=B", "cases", "--", prog}, 2, `--variable is "A=B", want the name of a variable`},
		{[]string{"--port", "0", "cases", "--", prog}, 2, "--port is 0, want 1 to 65535"},
		{[]string{"--argument", "1", "--port", "1", "cases", "--", prog}, 2, "--argument and --port are different ways to give the input"},
		{[]string{"cases"}, 1, "1 failed"},
		{[]string{"cases", "--", "/no/such/program"}, 1, "1 failed, the first of them cases/S: launch /no/such/program: no such file or directory\n"},
		{[]string{"cases", "--", "sh", "-c", "echo no >&2; echo debugger detected >&2; exit 77"}, 0, "1 exit\nall cases end alike: for cases/S the program exits with 77, having written: debugger detected\n"},
		{[]string{"cases", "--", "sh", "-c", "kill -KILL $$"}, 0, "1 exit\nall cases end alike: for cases/S the program is ended by SIGKILL\n"},
		{[]string{"cases", "--", "true"}, 0, "1 exit\n"},
		{[]string{"afl"}, 0, "1 crash"},
		{[]string{"--fail-on", "exploitable", "cases", "--", prog, "@@"}, 1, "1 crash"},
		{[]string{"--fail-on", "any", "--mode", "snapshot", "cases", "--", prog, "@@"}, 1, "1 crash"},
		{[]string{"--mode", "snapshot", "--at", "nowhere", "cases", "--", prog, "@@"}, 0, "no snapshot, each case is launched: "},
		{[]string{"--mode", "snapshot", "cases", "--", start, "@@"}, 0, "no snapshot, each case is launched: it has no main\n"},
		{[]string{"--mode", "snapshot", "cases", "--", asan, "@@"}, 0, "no snapshot, each case is launched: it is built with a sanitizer\n"},
		{[]string{"--mode", "snapshot", "--at", "load", "cases", "--", prog, "@@"}, 0, "1 crash"},
	} {
		_, stderr, exit := run(t, command(t, append([]string{"triage"}, test.args...)...))
		if exit != test.exit || !strings.Contains(stderr, test.want) {
			t.Errorf("triage %v ends with %d, want %d:\n%swant %q", test.args, exit, test.exit, stderr, test.want)
		}
	}
}

//go:build linux && amd64

package main

import (
	"bytes"
	"encoding/xml"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/script/report"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// testFiles are files with tests, by name.
var testFiles = map[string]string{
	"a_test.star": `load("std/assert.star", "assert")
load("lib.star", "twice")

calls = []

def test_pass():
    calls.append(1)
    print("quiet")

def test_lines():
    assert.eq("a\nb", "a\nc")

def test_output():
    p = launch(["sh", "-c", "echo out; printf 'err\\033' >&2"])
    print("before")
    p.cont()
    log("logged")
    twice(p.exit_code, 1)

def test_alone():
    assert.eq(calls, [])

def test_args():
    assert.eq(args, ["x", "-v"])

def test_exit():
    exit()

def no_test():
    fail("no test")
`,
	"lib.star":                 "load('std/assert.star', 'assert')\ndef twice(got, want):\n    assert.eq(2 * got, want)\ndef test_lib(): fail()\n",
	"deep/er/load_test.star":   "print(1)\n1 // 0\ndef test_1(): pass\ndef test_2(): pass\n",
	"deep/er/syntax_test.star": "def test_1(): pass\nx = (\n",
	"deep/none_test.star":      "x = 1\n",
}

const wantTests = `FAIL a_test.star test_lines (S)
Traceback (most recent call last):
  a_test.star:11:14: in test_lines
    assert.eq("a\nb", "a\nc")
Error: got "a\nb", want "a\nc"
-got +want:
  a
- b
+ c
FAIL a_test.star test_output (S)
before
out
err\x1bTIME logged
Traceback (most recent call last):
  a_test.star:18:10: in test_output
    twice(p.exit_code, 1)
  lib.star:3:14: in twice
    assert.eq(2 * got, want)
Error: got 0, want 1
FAIL a_test.star test_exit (S)
Error: the test called exit(0)
FAIL deep/er/load_test.star (S)
1
Traceback (most recent call last):
  deep/er/load_test.star:2:3: in <toplevel>
    1 // 0
Error: floored division by zero
FAIL deep/er/syntax_test.star (S)
deep/er/syntax_test.star:3:1: got end of file, want primary expression
3 passed, 5 failed in S
`

// writeTests writes files into a new folder.
func writeTests(t *testing.T, files map[string]string) string {
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// runTest runs tracelark test in a folder. In what it prints times are S.
func runTest(t *testing.T, dir string, args ...string) (out string, exit int) {
	cmd := command(t, append([]string{"test"}, args...)...)
	cmd.Dir = dir
	var buf bytes.Buffer
	cmd.Stdout, cmd.Stderr = &buf, &buf
	exit = status(t, cmd.Run())
	out = regexp.MustCompile(`\d+\.\d+ s\b`).ReplaceAllString(buf.String(), "S")
	return regexp.MustCompile(`\d\d:\d\d:\d\d\.\d+ logged`).ReplaceAllString(out, "TIME logged"), exit
}

// TestTestsJSON checks the lines of JSON.
func TestTestsJSON(t *testing.T) {
	dir := writeTests(t, testFiles)
	out, exit := runTest(t, dir, "--json", "--run", "pass|exit|1", "a_test.star", "deep/er/load_test.star")
	var lines []string
	for line := range strings.Lines(out) {
		lines = append(lines, regexp.MustCompile(`"seconds":[0-9.e-]+`).ReplaceAllString(strings.TrimSpace(line), `"seconds":0`))
	}
	want := []string{
		`{"file":"a_test.star","name":"test_pass","passed":true,"seconds":0,"output":"quiet\n"}`,
		`{"file":"a_test.star","name":"test_exit","passed":false,"seconds":0,"error":"Error: the test called exit(0)\n"}`,
		`{"file":"deep/er/load_test.star","name":"","passed":false,"seconds":0,"output":"1\n","error":"Traceback (most recent call last):\n  deep/er/load_test.star:2:3: in \u003ctoplevel\u003e\n    1 // 0\nError: floored division by zero\n"}`,
	}
	if !slices.Equal(lines, want) || exit != 1 {
		t.Errorf("got status %d,\n%s\nwant 1,\n%s", exit, strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

// TestTests compares what is shown of tests, which does not depend on how many run at
// a time.
func TestTests(t *testing.T) {
	dir := writeTests(t, testFiles)
	if err := os.Symlink("deep/er", filepath.Join(dir, "link")); err != nil { // which only its own name leads to
		t.Fatal(err)
	}
	for _, jobs := range []string{"1", "2", "9"} {
		if out, exit := runTest(t, dir, "-j", jobs, "--", "x", "-v"); out != wantTests || exit != 1 {
			t.Errorf("with -j %s: got status %d,\n%swant 1,\n%s", jobs, exit, out, wantTests)
		}
	}
	for _, test := range []struct {
		args []string
		exit int
		out  string
	}{
		{[]string{"--run", "pass|alone", "a_test.star"}, 0, "2 passed, 0 failed in S\n"},
		{[]string{"-v", "--run", "pass|alone", "a_test.star", "./a_test.star"}, 0,
			"ok   a_test.star test_pass (S)\nquiet\nok   a_test.star test_alone (S)\n2 passed, 0 failed in S\n"},
		{[]string{"lib.star"}, 1,
			"FAIL lib.star test_lib (S)\nTraceback (most recent call last):\n  lib.star:4:21: in test_lib\n    def test_lib(): fail()\nError: \n0 passed, 1 failed in S\n"},
		{[]string{"--deny", "fs", "--run", "pass", "a_test.star"}, 1, "Error: cannot load lib.star: load: not allowed here, it needs the permission fs"},
		{[]string{"--steps", "5", "--run", "args", "a_test.star"}, 1, "the limit of --steps"},
		{[]string{"--run", "pass", "none"}, 2, "tracelark: test: stat none: no such file or directory (see tracelark test --help)\n"},
		{[]string{"deep/none_test.star"}, 2, "tracelark: test: no function test_* in deep/none_test.star (see tracelark test --help)\n"},
		{[]string{"--run", "fly", "lib.star", "deep/none_test.star"}, 2, "no function test_* that matches \"fly\" in lib.star deep/none_test.star (see"},
		{[]string{"--run", "1", "link"}, 1, "FAIL link/load_test.star (S)\n"},
		{[]string{"--run", "(", "a_test.star"}, 2, "tracelark: test: --run: error parsing regexp: missing closing ): `(` (see tracelark test --help)\n"},
		{[]string{"--junit", "none/x", "a_test.star"}, 2, "tracelark: test: --junit: open none/x: no such file or directory (see tracelark test --help)\n"},
	} {
		out, exit := runTest(t, dir, test.args...)
		if exit != test.exit || !strings.Contains(out, test.out) {
			t.Errorf("%q: got status %d,\n%swant %d,\n%s", test.args, exit, out, test.exit, test.out)
		}
	}
}

// TestJUnit reads the report that a build server gets.
func TestJUnit(t *testing.T) {
	dir := writeTests(t, testFiles)
	if out, exit := runTest(t, dir, "--junit", "report.xml", "--", "x", "-v"); out != wantTests || exit != 1 {
		t.Errorf("got status %d,\n%s", exit, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "report.xml"))
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Suites []struct {
			Name     string             `xml:"name,attr"`
			Tests    int                `xml:"tests,attr"`
			Failures int                `xml:"failures,attr"`
			Cases    []report.JUnitCase `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, suite := range report.Suites {
		for _, c := range suite.Cases {
			got.WriteString(suite.Name + " " + c.Name)
			if c.Failure != nil {
				got.WriteString(": " + c.Failure.Message)
			}
			got.WriteString("\n")
		}
	}
	const want = `a_test.star test_pass
a_test.star test_lines: fail: got "a\nb", want "a\nc"
-got +want:
  a
- b
+ c
a_test.star test_output: fail: got 0, want 1
a_test.star test_alone
a_test.star test_args
a_test.star test_exit: the test called exit(0)
deep/er/load_test.star load: floored division by zero
deep/er/syntax_test.star load: deep/er/syntax_test.star:3:1: got end of file, want primary expression
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", &got, want)
	}
	if len(report.Suites) == 3 {
		suite := report.Suites[0]
		output := suite.Cases[2]
		if suite.Tests != 6 || suite.Failures != 3 || !strings.HasPrefix(output.Output, "before\nout\nerr") ||
			!strings.HasPrefix(output.Failure.Text, "Traceback ") {
			t.Errorf("got %+v, %+v", suite, output)
		}
	}
}

// TestTestTimeout ends tests that hang in a target, in a script and in a builtin. What
// they launched is gone before the next one runs.
func TestTestTimeout(t *testing.T) {
	dir := writeTests(t, map[string]string{"hang_test.star": `load("std/assert.star", "assert")

def test_target():
    p = launch(["sleep", "1000"])
    write_file(args[0], str(p.pid))
    p.cont()

def test_gone():
    assert.raises(lambda: attach(int(str(read_file(args[0])))), "ESRCH")

def test_script():
    while True: pass

def test_builtin():
    attach(int(args[1])).breakpoint("stepped")
    [[[[0] * 2000] * 2000] * 2000] == [[[[0] * 2000] * 2000] * 2000]

def test_pass():
    pass
`})
	target := tracertest.Start(t, tracertest.Build(t, "testdata/turning.c"))
	target.ReadLine()
	out, exit := runTest(t, dir, "-j", "1", "--timeout", "1", "--", filepath.Join(dir, "pid"), strconv.Itoa(target.PID))
	out = regexp.MustCompile(`hang_test.star:1[12]:\d+: in test_script\n.*`).ReplaceAllString(out, "in the loop")
	const limit = "Error: script ran for 1s, the limit of --timeout\n"
	want := "FAIL hang_test.star test_target (S)\nTraceback (most recent call last):\n  hang_test.star:6:11: in test_target\n    p.cont()\n" + limit +
		"FAIL hang_test.star test_script (S)\nTraceback (most recent call last):\n  in the loop\n" + limit +
		"FAIL hang_test.star test_builtin (S)\nError: the test was interrupted but does not stop: a builtin is busy; a process that it attached to may keep watchpoints\n" +
		"2 passed, 3 failed in S\n"
	if out != want || exit != 1 {
		t.Errorf("got status %d,\n%swant 1,\n%s", exit, out, want)
	}
	if got := turns(t, target.PID); got == turns(t, target.PID) {
		t.Error("what a test had attached to stands still")
	}
}

// TestTestOutput shows the end of a long output.
func TestTestOutput(t *testing.T) {
	dir := writeTests(t, map[string]string{"x_test.star": `
def test_long():
    print("x" * (1 << 20))
    fail("end")
`})
	out, exit := runTest(t, dir)
	want := "FAIL x_test.star test_long (S)\n... 983041 bytes before\n" + strings.Repeat("x", 64<<10-1) + "\nTraceback "
	if exit != 1 || !strings.HasPrefix(out, want) {
		t.Errorf("got status %d,\n%.200s", exit, out)
	}
}

// TestTestInterrupt interrupts the command from a target. No further test begins.
func TestTestInterrupt(t *testing.T) {
	dir := writeTests(t, map[string]string{"int_test.star": `
def test_interrupt():
    p = launch(["sh", "-c", "kill -INT $PPID; exec sleep 1000"])
    while True: # the signal may come after the stop at exec
        p.cont()

def test_never(): pass
`})
	out, exit := runTest(t, dir, "-j", "1")
	if exit != 128+int(unix.SIGINT) || !strings.Contains(out, "Error: interrupted\n0 passed, 1 failed in S\n") {
		t.Errorf("got status %d,\n%s", exit, out)
	}
}

// TestTestClosedPipe has nobody read the results.
func TestTestClosedPipe(t *testing.T) {
	dir := writeTests(t, map[string]string{"x_test.star": "def test_1(): fail()\ndef test_2(): fail()\n"})
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	cmd := command(t, "test", dir)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = w, &stderr
	if got := status(t, cmd.Run()); got != 128+int(unix.SIGPIPE) || stderr.Len() > 0 {
		t.Errorf("got status %d and errors\n%s", got, &stderr)
	}
}

//go:build linux && amd64

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// newCases makes files with the numbers from 0 to n-1, in which the number stands that
// is their name, in a folder cases, and a script beside it, and goes there.
func newCases(t *testing.T, n int, script string) {
	t.Helper()
	files := map[string]string{"batch.star": script}
	for i := range n {
		name := fmt.Sprintf("%03d", i)
		files["cases/"+name] = name
	}
	t.Chdir(writeTests(t, files))
}

// run returns what a command prints, and its exit status.
func run(t *testing.T, cmd *exec.Cmd) (stdout, stderr string, exit int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	exit = status(t, cmd.Run())
	return out.String(), errs.String(), exit
}

// TestBatch looks at cases that go wrong in every way. The lines are the same whatever
// the number of workers.
func TestBatch(t *testing.T) {
	newCases(t, 16, `
def setup():
    return launch(["sleep", "1000"])

def case(c):
    kind = int(c.name)
    if kind == 1:
        write_file("tempdir", tempdir())
        fail("one")
    elif kind == 2:
        write_file("tempdir killed", tempdir())
        launch(["sh", "-c", "kill -9 $PPID"]).cont()
    elif kind == 3:
        while True: pass
    elif kind == 4:
        launch(["sleep", "1000"]).cont()
    elif kind == 5:
        [[[[0] * 2000] * 2000] * 2000] == [[[[0] * 2000] * 2000] * 2000]
    elif kind == 6:
        return None
    elif kind == 7:
        exit(3)
    elif kind == 8:
        list = ["x" * 50000000 for _ in range(100)]
    elif kind == 9:
        print("\033[31mprinted")
        launch(["sh", "-c", "echo noise; echo noise >&2"]).cont()
    elif kind == 10:
        launch(["sh", "-c", "setsid sh -c 'sleep 1000 & echo $! > pid; exec sleep 1000' & until test -s pid; do sleep 0.01; done"]).cont()
        return {"daemon": True}
    elif kind == 12:
        list = []
        list.append(list)
        return {"data": list}
    return {"name": c.name, "index": c.index, "text": str(c.data), "state": c.state.state, "path": c.path, "args": args}

def summary(results):
    print("%d results, %d errors" % (len(results), len([r for r in results if "error" in r])))
    return [r.get("index") for r in results].index(9) - 6
`)
	if err := os.Remove("cases/013"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("cases/014", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	var first string
	for _, jobs := range []string{"1", "4"} {
		cmd := command(t, "batch", "-j", jobs, "--timeout", "8", "--memory", "300", "batch.star", "cases", "cases/013", "none", "cases/000", "--", "x", "-y")
		stdout, stderr, exit := run(t, cmd)
		if exit != 1 {
			t.Errorf("exit status %d, want 1\n%s", exit, stderr)
		}
		if !strings.Contains(stderr, "[009] \x1b[31mprinted\n") && !strings.Contains(stderr, "[009] \\x1b[31mprinted\n") || strings.Contains(stderr, "noise") {
			t.Errorf("standard error is\n%s", stderr)
		}
		pid, err := os.ReadFile("pid")
		if err != nil {
			t.Fatal(err)
		}
		if name, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/comm"); string(name) == "sleep\n" {
			t.Errorf("a daemon outlives its case (%v)", err)
		}
		os.Remove("pid")
		for _, name := range []string{"tempdir", "tempdir killed"} {
			dir, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(string(dir)); err == nil || len(dir) == 0 {
				t.Errorf("%s is left behind", dir)
			}
		}
		if jobs == "1" {
			first = stdout
			checkBatch(t, stdout)
		} else if stdout != first {
			t.Errorf("with -j %s it is\n%swant\n%s", jobs, stdout, first)
		}
	}
}

// checkBatch checks the lines of TestBatch.
func checkBatch(t *testing.T, stdout string) {
	lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
	errors := map[int]string{
		1: "fail: one", 2: "the case has ended its worker: signal: killed",
		3: "script ran for 8s, the limit of --timeout", 4: "script ran for 8s, the limit of --timeout",
		5: "the case ran for 8s, the limit of --timeout, and its worker did not end it",
		6: "case returned NoneType, want dict", 7: "the case called exit(3)",
		8: "the worker took more than 300 MB of memory, the limit of --memory", 12: "the result: list is nested more than 1000 levels deep, or contains itself",
		15: "cases/013: no such file", 16: "none: no such file",
	}
	if len(lines) != 19 || lines[17] != "17 results, 11 errors" || lines[18] != `{"summary": 3}` {
		t.Fatalf("%d lines, want 17 and those of summary:\n%s", len(lines), stdout)
	}
	for i, line := range lines[:17] {
		var v struct{ Name, Text, State, Case, Error string }
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Errorf("line %d: %v", i, err)
		}
		if want := errors[i]; want != "" {
			if !strings.Contains(v.Error, want) || v.Case == "" {
				t.Errorf("line %d is %s, want %q", i, line, want)
			}
			continue
		}
		want := fmt.Sprintf(`{"args":["x","-y"],"index":%d,"name":"%03[1]d","path":"cases/%03[1]d","state":"stopped","text":"%03[1]d"}`, i)
		switch i {
		case 10:
			want = `{"daemon":true}`
		case 13:
			want = `{"args":["x","-y"],"index":13,"name":"014","path":"cases/014","state":"stopped","text":""}`
		case 14:
			want = strings.ReplaceAll(want, "014", "015")
		}
		if line != want {
			t.Errorf("line %d is\n%s, want\n%s", i, line, want)
		}
	}
}

// TestBatchResume kills a run with SIGKILL, tears its last record and goes on.
func TestBatchResume(t *testing.T) {
	newCases(t, 40, `
def case(c):
    write_file(env["MARKS"] + "/" + c.name, "")
    if int(c.name) == 25 and env["RUN"] == "1":
        launch(["sleep", "1000"]).cont()
    return {"name": c.name}
`)
	start := func(n string) *exec.Cmd {
		marks := "marks" + n
		if err := os.Mkdir(marks, 0o777); err != nil {
			t.Fatal(err)
		}
		cmd := command(t, "batch", "-j", "1", "--timeout", "0", "-o", "out", "batch.star", "cases")
		cmd.Env = append(cmd.Env, "RUN="+n, "MARKS="+marks)
		return cmd
	}
	cmd := start("1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for { // until the answers are there too
		_, err := os.Stat("marks1/025")
		if journal, _ := os.ReadFile("out/journal"); err == nil && bytes.Count(journal, []byte("\n")) == 1+25 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if _, stderr, exit := run(t, command(t, "batch", "-o", "out", "batch.star", "cases")); exit != 1 || !strings.Contains(stderr, "another run keeps its results in out\n") {
		t.Errorf("a second run ends with %d: %s", exit, stderr)
	}
	cmd.Process.Kill()
	cmd.Wait()
	journal, err := os.OpenFile("out/journal", os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	if _, err := journal.WriteString(`{"path":"L3g=","size":3,"mt`); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("cases/003", []byte("changed"), 0o666); err != nil {
		t.Fatal(err)
	}
	// The worker of the first run ends too, and holds no lock.
	stdout, stderr, exit := run(t, start("2"))
	if exit != 0 {
		t.Fatalf("exit status %d: %s", exit, stderr)
	}
	var want strings.Builder
	for i := range 40 {
		fmt.Fprintf(&want, "{\"name\":\"%03d\"}\n", i)
		_, err := os.Stat(fmt.Sprintf("marks2/%03d", i))
		if again := err == nil; again != (i == 3 || i >= 25) {
			t.Errorf("case %d is looked at again: %v", i, again)
		}
	}
	if stdout != want.String() {
		t.Errorf("got\n%swant\n%s", stdout, &want)
	}
	if results, err := os.ReadFile("out/results.jsonl"); string(results) != want.String() {
		t.Errorf("results.jsonl has\n%s(%v)", results, err)
	}
	if !strings.Contains(stderr, "16 of 16 cases in ") || !strings.Contains(stderr, ", 24 were done before: 40 done\n") {
		t.Errorf("standard error is\n%s", stderr)
	}
	// Another script or other arguments are another run.
	if _, stderr, exit := run(t, command(t, "batch", "-o", "out", "batch.star", "cases", "--", "x")); exit != 1 || !strings.Contains(stderr, "holds results of another script") {
		t.Errorf("with other arguments: status %d, %s", exit, stderr)
	}
	cmd = start("3")
	cmd.Args = append(cmd.Args[:2:2], append([]string{"--restart"}, cmd.Args[2:]...)...)
	if _, stderr, exit := run(t, cmd); exit != 0 || !strings.Contains(stderr, "40 of 40 cases in ") {
		t.Errorf("with --restart: status %d, %s", exit, stderr)
	}
}

// TestBatchModules does not go on from what a script has found with other modules.
func TestBatchModules(t *testing.T) {
	newCases(t, 1, "load(\"a.star\", \"two\")\n\ndef case(c):\n    return {\"two\": two()}\n")
	for _, test := range []struct {
		b    string
		exit int
		want string
	}{
		{"b = 1", 0, "1 of 1 cases"},
		{"b = 1", 0, "1 were done before"},
		{"b = 2", 1, "holds results of another script"},
	} {
		for name, text := range map[string]string{"a.star": "load(\"b.star\", \"b\")\n\ndef two():\n    return 2 * b\n", "b.star": test.b + "\n"} {
			if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if _, stderr, exit := run(t, command(t, "batch", "-o", "out", "batch.star", "cases")); exit != test.exit || !strings.Contains(stderr, test.want) {
			t.Errorf("with %s: status %d, want %d and %q:\n%s", test.b, exit, test.exit, test.want, stderr)
		}
	}
}

// TestBatchLost has cases that take no time and one in the midst of them that ends its
// worker, which has not told of those before it then.
func TestBatchLost(t *testing.T) {
	newCases(t, 300, `
def case(c):
    if c.index == 200:
        launch(["sh", "-c", "kill -9 $PPID"]).cont()
    return {"index": c.index}
`)
	var first string
	for _, jobs := range []string{"1", "3"} {
		stdout, stderr, exit := run(t, command(t, "batch", "-j", jobs, "batch.star", "cases"))
		lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
		if exit != 1 || len(lines) != 300 {
			t.Fatalf("status %d, %d lines:\n%s", exit, len(lines), stderr)
		}
		for i, line := range lines {
			if failed := strings.Contains(line, "the case has ended its worker: signal: killed"); failed != (i == 200) || !failed && line != fmt.Sprintf(`{"index":%d}`, i) {
				t.Errorf("with -j %s, line %d is %s", jobs, i, line)
			}
		}
		if first == "" {
			first = stdout
		} else if stdout != first {
			t.Errorf("with -j %s the lines are others", jobs)
		}
	}
}

// TestBatchEnds has the script not load, no cases, no space, an interrupt, and a code
// from summary.
func TestBatchEnds(t *testing.T) {
	newCases(t, 3, "def case(c):\n    return {}\n\ndef summary(results):\n    exit(7)\n")
	for name, text := range map[string]string{
		"syntax.star":  "x = (\n",
		"none.star":    "x = 1\n",
		"setup.star":   "def case(c): return {}\ndef setup(): fail('no server')\n",
		"forever.star": "def case(c):\n    if c.index == 0: return {}\n    p = launch(['sh', '-c', 'until test $(wc -l <out/journal) = 2; do sleep 0.01; done; kill -INT ' + args[0] + '; exec sleep 1000'])\n    p.cont()  # to the exec\n    p.cont()\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("empty", 0o777); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		exit int
		want string
	}{
		{[]string{"syntax.star", "cases"}, 1, "syntax.star:2:1: got end of file"},
		{[]string{"none.star", "cases"}, 1, "Error: none.star defines no function case(c)\n"},
		{[]string{"setup.star", "cases"}, 1, "Error: no server\n"},
		{[]string{"missing.star", "cases"}, 1, "open missing.star: no such file or directory\n"},
		{[]string{"batch.star", "empty"}, 2, "no cases in empty"},
		{[]string{"batch.star"}, 2, "no SCRIPT and CASE"},
		{[]string{"batch.star", "cases"}, 7, "3 of 3 cases"},
		{[]string{"-o", "/dev/null/x", "batch.star", "cases"}, 1, "keep results: mkdir /dev/null: not a directory\n"},
	} {
		_, stderr, exit := run(t, command(t, append([]string{"batch"}, test.args...)...))
		if exit != test.exit || !strings.Contains(stderr, test.want) {
			t.Errorf("batch %v ends with %d, want %d:\n%swant %q", test.args, exit, test.exit, stderr, test.want)
		}
	}
	sh := exec.Command("sh", "-c", `exec "$0" batch -j 1 -o out forever.star cases -- $$`, command(t).Path)
	sh.Env = append(os.Environ(), asCommand+"=1")
	stdout, stderr, exit := run(t, sh)
	if exit != 128+int(unix.SIGINT) || stdout != "{}\n" || !strings.Contains(stderr, "1 of 3 cases") {
		t.Errorf("an interrupt ends it with %d:\n%s%s", exit, stdout, stderr)
	}
}

// TestBatchFull has no space for the results.
func TestBatchFull(t *testing.T) {
	newCases(t, 5, "def case(c):\n    return {\"x\": \"x\" * 30000}\n")
	sh := exec.Command("sh", "-c", `ulimit -f 128; trap '' XFSZ; exec "$0" batch -j 1 -o out batch.star cases`, command(t).Path)
	sh.Env = append(os.Environ(), asCommand+"=1")
	_, stderr, exit := run(t, sh)
	if exit != 1 || !strings.Contains(stderr, "tracelark: keep results: write out/journal: file too large\n") {
		t.Errorf("status %d:\n%s", exit, stderr)
	}
	// What was done by then is kept.
	if _, stderr, exit := run(t, command(t, "batch", "-o", "out", "batch.star", "cases")); exit != 0 || !strings.Contains(stderr, ", 2 were done before") {
		t.Errorf("then status %d:\n%s", exit, stderr)
	}
}

// TestBatchNames has cases whose names are no UTF-8, or hostile.
func TestBatchNames(t *testing.T) {
	names := []string{"\x1b[31m", "a b", "new\nline", "quote\"'", "\xfe", "\xff"}
	files := map[string]string{"batch.star": "def case(c):\n    print(c.data)\n    return {\"data\": str(c.data), \"n\": c.index}\n"}
	for _, name := range names {
		files["cases/"+name] = fmt.Sprintf("%q", name)
	}
	t.Chdir(writeTests(t, files))
	for range 2 { // and again, from the journal
		stdout, stderr, exit := run(t, command(t, "batch", "-j", "2", "-o", "out", "batch.star", "cases"))
		lines := strings.Split(strings.TrimSpace(stdout), "\n")
		if exit != 0 || len(lines) != len(names) || strings.Contains(stdout+stderr, "\x1b") || strings.Contains(stdout+stderr, "\xff") {
			t.Fatalf("status %d\n%q\n%q", exit, stdout, stderr)
		}
		for i, line := range lines {
			want, _ := json.Marshal(map[string]any{"data": fmt.Sprintf("%q", names[i]), "n": i})
			if line != string(want) {
				t.Errorf("line %d is %s, want %s", i, line, want)
			}
		}
	}
}

// TestBatchDocument prints one document.
func TestBatchDocument(t *testing.T) {
	for _, test := range []struct {
		summary, want string
		exit          int
		stderr        string
	}{
		{"print('two')\n    return len(results)", "2", 0, ": 1 000, 1 001\ntwo\n"},
		{"pass", "null", 0, ": 1 000, 1 001\n"},
		{"exit(3)", "null", 3, ": 1 000, 1 001\n"},
		{"fail('no')", "null", 1, "Error: no\n"},
	} {
		newCases(t, 2, "def case(c):\n    return {\"outcome\": c.name}\n\ndef summary(results):\n    "+test.summary+"\n")
		stdout, stderr, exit := run(t, command(t, "batch", "--json", "batch.star", "cases"))
		if want := "{\"results\": [\n{\"outcome\":\"000\"},\n{\"outcome\":\"001\"}\n], \"summary\": " + test.want + "}\n"; stdout != want || exit != test.exit {
			t.Errorf("%s: got status %d and\n%swant\n%s", test.summary, exit, stdout, want)
		}
		if !strings.HasSuffix(stderr, test.stderr) {
			t.Errorf("%s: standard error is %q, want %q at its end", test.summary, stderr, test.stderr)
		}
	}
}

// TestBatchTerminal shows a bar on a terminal, between lines, and takes it away.
func TestBatchTerminal(t *testing.T) {
	newCases(t, 5, `
def case(c):
    if c.index == 2:
        launch(["sh", "-c", "until test -e go; do sleep 0.01; done"]).cont()
    return {"outcome": "fine", "index": c.index}
`)
	c := newConsole(t, "X=", "batch", "-j", "1", "batch.star", "cases")
	c.expect(`{"index":0,"outcome":"fine"}` + "\r\n\r") // the bar is there again at once
	c.expect(`{"index":1,"outcome":"fine"}`)
	c.expect("2 fine")
	c.expect("(2/5")
	if err := unix.IoctlSetWinsize(int(c.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 5, Col: 53}); err != nil {
		t.Fatal(err)
	}
	c.expect("\r...  40% |") // what does not fit is left out
	if err := os.WriteFile("go", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	c.expect(`{"index":4,"outcome":"fine"}`)
	c.expect("5 of 5 cases in")
	if err := c.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

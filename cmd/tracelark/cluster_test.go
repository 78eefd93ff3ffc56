//go:build linux && amd64

package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/triage"
)

// TestCluster checks what cluster prints of files and folders, and of such that are
// not what they should be.
func TestCluster(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one := write("deep/one.casrep", `{"CrashSeverity":{"Type":"EXPLOITABLE","ShortDescription":"DestAv"},"Stacktrace":["#0 0x1 in f () at a.c:1:2","#1 0x2 in main () at a.c:9:3"]}`)
	write("two.casrep", `{"CrashSeverity":{"Type":"NOT_EXPLOITABLE","ShortDescription":"SourceAv"},"Stacktrace":["#0 0x1 in f () at a.c:1:2","#1 0x2 in main () at a.c:9:3"]}`)
	lines := write("cases.jsonl", `{"case":"c","outcome":"crash","name":"FPE","severity":"NOT_EXPLOITABLE","stack":["g at b.c:1"]}`+"\n")
	write("other.json", "no report")

	for _, args := range [][]string{{dir}, {"--json", dir}, {lines, one, filepath.Join(dir, "two.casrep")}, {one, dir, dir + "/./cases.jsonl"}} {
		out, err, status := tracelark(t, append([]string{"cluster"}, args...)...)
		var s triage.Summary
		if status != 0 || err != "" || json.Unmarshal([]byte(out), &s) != nil {
			t.Fatalf("%q: status %d, %q, %q", args, status, out, err)
		}
		if s.Cases != 3 || s.Unique != 2 || len(s.Clusters) != 2 || s.Clusters[0].Name != "DestAv" || s.Clusters[0].Size != 2 || s.Clusters[0].Cases[0] != one || s.Clusters[1].Cases[0] != "c" {
			t.Errorf("%q: %s", args, out)
		}
		if oneLine := strings.Count(out, "\n") == 1; oneLine != (args[0] == "--json") {
			t.Errorf("%q: %s", args, out)
		}
	}
	file := filepath.Join(dir, "out.json")
	if out, err, status := tracelark(t, "cluster", "-o", file, dir); status != 0 || out+err != "" {
		t.Errorf("-o: status %d, %q, %q", status, out, err)
	}
	if data, err := os.ReadFile(file); err != nil || !strings.Contains(string(data), `"unique": 2`) {
		t.Errorf("-o: %s, %v", data, err)
	}

	empty, fifo := t.TempDir(), filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"", exitUsage, "cluster: no DIR and no FILE"},
		{"--distance 2 " + dir, exitUsage, "--distance is 2, want 0 to 1"},
		{empty, exitFailed, "no *.casrep and no cases.jsonl is there"},
		{write("bad.casrep", "{"), exitFailed, "bad.casrep: not a CASREP: unexpected end of JSON input"},
		{write("bad.jsonl", "{}\nx\n"), exitFailed, "bad.jsonl: line 2: not a case: "},
		{filepath.Join(dir, "none"), exitFailed, "none: no such file or directory"},
		{"/dev/zero", exitFailed, "/dev/zero: not a file"},
		{fifo, exitFailed, "fifo: not a file"},
	} {
		out, err, status := tracelark(t, append([]string{"cluster"}, strings.Fields(c.args)...)...)
		if status != c.status || out != "" || !strings.Contains(err, c.want) || strings.Count(err, "\n") != 1 {
			t.Errorf("%s: status %d, %q, %q, want %d and %s", c.args, status, out, err, c.status, c.want)
		}
	}
}

// TestClusterOfNothing does not take a name that is empty for the working directory.
func TestClusterOfNothing(t *testing.T) {
	t.Chdir(writeTests(t, map[string]string{"cases.jsonl": ""}))
	if out, err, status := tracelark(t, "cluster", ""); status != exitFailed || out != "" || !strings.Contains(err, "no such file or directory") {
		t.Errorf("status %d, %q, %q", status, out, err)
	}
}

// tracelark runs the command and returns what it writes and its exit status.
func tracelark(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := command(t, args...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	code = status(t, cmd.Run())
	return out.String(), errs.String(), code
}

// TestTriageCASREP tells CASR's tools where the input is that a program has read, and leaves
// no CASREP of clusters that there are no more.
func TestTriageCASREP(t *testing.T) {
	t.Chdir(writeTests(t, map[string]string{"cases/a \"b\"": "x"}))
	const script = `test "$(cat ${1:-/dev/stdin})" = x && kill -SEGV $$`
	for _, test := range []struct {
		words          []string
		cmdline, stdin string
	}{
		{[]string{"@@"}, "sh -c " + script + ` sh cases/a "b"`, ""},
		{nil, "sh -c " + script + " sh", `cases/a "b"`},
	} {
		args := append([]string{"triage", "--restart", "-o", "out", "cases", "--", "sh", "-c", script, "sh"}, test.words...)
		if _, stderr, exit := run(t, command(t, args...)); exit != 0 {
			t.Fatalf("status %d:\n%s", exit, stderr)
		}
		var r struct{ ProcCmdline, Stdin string }
		text, err := os.ReadFile("out/cluster0001.casrep")
		if err := errors.Join(err, json.Unmarshal(text, &r)); err != nil || r.ProcCmdline != test.cmdline || r.Stdin != test.stdin {
			t.Errorf("%+v, %v\nwant %+v", r, err, test)
		}
	}
	if _, stderr, exit := run(t, command(t, "triage", "--restart", "-o", "out", "cases", "--", "true")); exit != 0 {
		t.Fatalf("status %d:\n%s", exit, stderr)
	}
	if left, err := filepath.Glob("out/*.casrep"); len(left) != 0 {
		t.Errorf("of no cluster, %q is left (%v)", left, err)
	}
}

package report

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// hostile is what a target may print, be named, or have as a symbol.
const hostile = "</pre></script><script>document.title='injected'</script><img src=x onerror=\"document.title='injected'\">'\"]]>&lt;|`````\x1b[31m\u202e{{.}}\x00"

// A kept is a report of lines that are kept.
type kept struct {
	Report
	texts [][]byte
}

func newReport(title string) *kept {
	k := new(kept)
	k.Title = title
	k.Lines = func(i int) ([]byte, error) { return k.texts[i], nil }
	return k
}

func (k *kept) Add(text []byte) error {
	k.texts = append(k.texts, bytes.Clone(text))
	return k.Report.Add(text)
}

// hostileReport returns a report in which every text is hostile.
func hostileReport(t *testing.T) *kept {
	t.Helper()
	r := newReport("triage of " + hostile)
	add := func(v map[string]any) {
		t.Helper()
		line, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Add(append(line, '\n')); err != nil {
			t.Fatal(err)
		}
	}
	crash := func(i int, severity, function string, flaky bool) {
		add(map[string]any{
			"case": fmt.Sprintf("crashes/%d%s", i, hostile), "outcome": "crash", "name": "DestAv" + hostile, "severity": severity, "signal": "SIGSEGV",
			"keys": map[string]string{"function": hostile}, "stack": []string{function + hostile + " at " + hostile + ".c:12:3", "main" + hostile, "??"},
			"cluster": nil, "seconds": 0.5, "size": 10 + i, "argv": []string{"./a b" + hostile, "@@"}, "stderr": hostile, "input": hostile, "~casrep": "{\"report\": 1}\n",
			"crash": map[string]any{
				"tags": []string{hostile}, "explanation": hostile, "message": hostile, "disassembly": []string{hostile},
				"registers": map[string]uint64{"rax": 1 << 63}, "sanitizer": map[string]any{"tool": hostile, "type": hostile, "summary": hostile, "freed_frames": []map[string]any{{"function": "free" + hostile}}, "alloc_frames": []map[string]any{{"function": "alloc" + hostile}}},
				"frames": []map[string]any{{"level": 0, "pc": 1 << 40, "function": hostile, "file": hostile, "line": 3, "image": hostile, "image_offset": 5}, {"level": 1, "pc": 16, "file": "/src/" + hostile + ".c", "line": 12}},
			},
			"certainty": map[string]any{"key": hostile, "flaky": flaky, "fixed": map[string]any{"runs": 3, "same": 2, "low": 0.2, "high": 0.9}, "random": map[string]any{"runs": 3, "same": 3}},
		})
	}
	crash(1, "EXPLOITABLE", "first", false)
	crash(2, "EXPLOITABLE", "first", true)
	crash(0, "NOT_EXPLOITABLE", "second", true)
	add(map[string]any{"case": "h", "outcome": "hang", "stack": []string{}, "hang": map[string]any{"kind": "loop", "where": hostile, "stacks": [][]map[string][]string{{{"frames": {hostile}}}}}, "argv": nil, "cluster": nil})
	add(map[string]any{"case": "x", "outcome": "exit", "stack": []string{}, "argv": []string{"./a"}, "cluster": nil})
	add(map[string]any{"case": "o", "outcome": "oom", "stack": []string{}, "cluster": nil})
	add(map[string]any{"case": "e" + hostile, "index": 6, "error": hostile})
	if err := r.Cluster(0.3); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestFormats reads each file of a hostile report as its format, with the file's own
// idea of what is in it.
func TestFormats(t *testing.T) {
	r := hostileReport(t)
	dir := t.TempDir()
	for _, name := range []string{"cluster0009.casrep", "cluster0001-mine.casrep"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Write(dir); err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	var clusters Clusters
	if err := json.Unmarshal(read("clusters.json"), &clusters); err != nil {
		t.Fatal(err)
	}
	if got := clusters.Clusters; len(got) != 3 || clusters.Cases != 4 || clusters.Unique != 3 || got[0].Size != 2 || got[0].Unique != 1 || got[0].Severity != "EXPLOITABLE" || got[2].Severity != "UNDEFINED" {
		t.Errorf("the clusters are %+v", clusters)
	}
	if best := r.Clusters.Clusters[0].Best; best.Size != 11 {
		t.Errorf("a flaky case stands for a cluster: %+v", best)
	}
	for i, line := range strings.Split(strings.TrimSpace(string(read("cases.jsonl"))), "\n") {
		var v struct{ Cluster *int }
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		if want := []int{1, 1, 2, 3, 0, 0, 0}[i]; want == 0 && v.Cluster != nil || want > 0 && (v.Cluster == nil || *v.Cluster != want) {
			t.Errorf("the cluster of case %d is %v, want %d", i, v.Cluster, want)
		}
	}
	log, err := sarif.FromBytes(read("report.sarif"))
	if err != nil {
		t.Fatal(err)
	}
	// These have defaults, which the library does not write.
	log.Runs[0].Language, log.Runs[0].NewlineSequences, log.Runs[0].Tool.Driver.Language = "en-US", []string{"\n"}, "en-US"
	if err := log.Validate(); err != nil {
		t.Error(err)
	}
	if results := log.Runs[0].Results; len(results) != 3 || *results[0].Message.Text == "" {
		t.Errorf("the results in SARIF are %+v", results)
	}
	for _, result := range log.Runs[0].Results[:2] {
		if uri, err := url.Parse(*result.Locations[0].PhysicalLocation.ArtifactLocation.URI); err != nil || uri.Scheme != "file" || uri.Path != "/src/"+hostile+".c" {
			t.Errorf("the file in SARIF is %v, %v", uri, err)
		}
	}
	var junit struct {
		Suites []struct {
			Tests    int         `xml:"tests,attr"`
			Failures int         `xml:"failures,attr"`
			Cases    []JUnitCase `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(read("junit.xml"), &junit); err != nil {
		t.Fatal(err)
	}
	if s := junit.Suites[0]; s.Tests != 7 || s.Failures != 6 || len(s.Cases) != 7 {
		t.Errorf("JUnit's report has %d tests, %d failures", s.Tests, s.Failures)
	}
	checkMarkdown(t, string(read("report.md")))
	if !bytes.Contains(read("index.html"), []byte("look 1, thread 0 ()")) {
		t.Error("the page has no stacks of a hang")
	}
	if !bytes.Contains(read("index.html"), []byte("<span>first 7 cases: 3</span>")) {
		t.Error("the chart of clusters does not name its last bar")
	}
	for _, text := range []string{"#0 0x0 in free&lt;/pre&gt;", "#0 0x0 in alloc&lt;/pre&gt;"} {
		if !bytes.Contains(read("index.html"), []byte(text)) {
			t.Errorf("the page has no %q of a sanitizer", text)
		}
	}
	if !bytes.Contains(read("index.html"), []byte(`<span class="tag">NOT_EXPLOITABLE</span>`)) {
		t.Error("the page tells severities by colours alone")
	}
	if bytes.Contains(read("cases.jsonl"), []byte("casrep")) {
		t.Error("cases.jsonl has CASREPs, which depend on the workers")
	}
	if got := string(read("cluster0002.casrep")); got != "{\"report\": 1}\n" {
		t.Errorf("the CASREP of a cluster is %q", got)
	}
	for name, want := range map[string]bool{"cluster0009.casrep": false, "cluster0001-mine.casrep": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s is there: %t, want %t", name, !want, want)
		}
	}
}

// TestNothingFound has a report of a case that is no crash.
func TestNothingFound(t *testing.T) {
	r := new(Report)
	if err := r.Add([]byte(`{"case":"a","outcome":"exit","stack":[],"cluster":null,"hang":null,"crash":null}`)); err != nil {
		t.Fatal(err)
	}
	if err := r.Cluster(0.3); err != nil {
		t.Fatal(err)
	}
	page, err := r.HTML()
	for _, text := range []string{"<p>1 case, 0 clusters of 0 different stacks.</p>", "<p>No case is a crash, a hang or out of memory.</p>"} {
		if err != nil || !bytes.Contains(page, []byte(text)) {
			t.Errorf("the page has no %q (%v)", text, err)
		}
	}
	if text := string(r.Markdown()); !strings.Contains(text, "1 case: 1 exit. 0 clusters of 0 different stacks.") {
		t.Errorf("Markdown has %s", text)
	}
}

// TestHangs has programs wait in the same call: they are one where the caller is.
func TestHangs(t *testing.T) {
	r := newReport("")
	for i, caller := range []string{"load", "load", "reply"} {
		line := fmt.Sprintf(`{"case":"%d","outcome":"hang","stack":[],"cluster":null,"hang":{"kind":"blocked","where":"read, called by %s",`+
			`"stacks":[[{"caller":1,"frames":["read at read.c:26","%[2]s at a.c:%[1]d","main at a.c:90"]}]]}}`, i, caller)
		if err := r.Add([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Cluster(0.3); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range r.Clusters.Clusters {
		got = append(got, fmt.Sprint(c.Size, " ", c.Name, " ", c.Stack))
	}
	want := []string{"2 hang: blocked in read, called by load [load at a.c:0 main at a.c:90]", "1 hang: blocked in read, called by reply [reply at a.c:2 main at a.c:90]"}
	if !slices.Equal(got, want) {
		t.Errorf("the clusters are %q, want %q", got, want)
	}
}

// checkMarkdown checks that code ends nowhere before its end, so that the headings are
// those of the report.
func checkMarkdown(t *testing.T, text string) {
	headings, fence := 0, ""
	for line := range strings.Lines(text) {
		marks := len(line) - len(strings.TrimLeft(line, "`"))
		switch {
		case fence == "" && marks >= 3 && strings.TrimSpace(line) == strings.Repeat("`", marks):
			fence = strings.TrimSpace(line)
		case fence != "":
			if strings.TrimSpace(line) == fence {
				fence = ""
			}
		case strings.HasPrefix(line, "#"):
			headings++
		case strings.HasPrefix(line, "|") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") != 7:
			t.Errorf("a row of the table has another number of cells: %q", line)
		}
	}
	if headings != 4 || fence != "" {
		t.Errorf("%d headings and an open %q in\n%s", headings, fence, text)
	}
}

func TestCommand(t *testing.T) {
	for _, test := range []struct {
		c    Case
		want string
	}{
		{Case{Case: "a b", Argv: []string{"./prog", "-f", "@@"}}, "setarch -R ./prog -f 'a b'"},
		{Case{Case: "it's", Argv: []string{"./prog"}}, `setarch -R ./prog < 'it'\''s'`},
		{Case{Case: "x", Argv: []string{"", "--in=@@.png"}}, "setarch -R '' --in=x.png"},
		{Case{Case: "core.1"}, "tracelark bt core.1"},
		{Case{Case: "x", Argv: []string{"./prog", "-v"}, delivery: Delivery{Argument: 1}}, `x=$(cat x; echo .); setarch -R ./prog "${x%.}"`},
		{Case{Case: "x", Argv: []string{"./prog"}, delivery: Delivery{Argument: 1}}, `x=$(cat x; echo .); setarch -R ./prog "${x%.}"`},
		{Case{Case: "a b", Argv: []string{"./prog"}, delivery: Delivery{Variable: "NAME"}}, `x=$(cat 'a b'; echo .); NAME="${x%.}" setarch -R ./prog`},
		{Case{Case: "a\t\u202e'100%\n", Argv: []string{"./prog"}}, `setarch -R ./prog < "$(printf -- 'a\011\342\200\256\047100\045')"'` + "\n'"},
		{Case{Case: "x", Argv: []string{"./prog", "--sep=\t"}}, `setarch -R ./prog "$(printf -- '--sep=\011')" < x`},
		{Case{Case: "-rf", Argv: []string{"./prog", "@@"}}, `setarch -R ./prog ./-rf`},
		{Case{Case: "-rf", Argv: []string{"./prog"}, delivery: Delivery{Argument: 1}}, `x=$(cat ./-rf; echo .); setarch -R ./prog "${x%.}"`},
		{Case{Case: "x", Argv: []string{"./serve"}, delivery: Delivery{Port: 80}}, "setarch -R ./serve & sleep 1; nc 127.0.0.1 80 < x"},
	} {
		if got := test.c.Command(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

// TestPage looks at the page in a browser: nothing that was injected runs, and filters
// work.
func TestPage(t *testing.T) {
	dir := t.TempDir()
	if err := hostileReport(t).Write(dir); err != nil {
		t.Fatal(err)
	}
	for fragment, want := range map[string]string{"": "3 of 3 clusters", "#find=SECOND": "1 of 3 clusters", "#find=nothing": "0 of 3 clusters"} {
		dom := browse(t, "file://"+dir+"/index.html"+fragment)
		if !strings.Contains(dom, ">"+want+"</span>") {
			t.Errorf("with %q the page does not say %q:\n%s", fragment, want, dom)
		}
		if n := strings.Count(dom, "<script"); n != 1 || strings.Contains(dom, "<img") || strings.Contains(dom, "<title>injected") {
			t.Errorf("something was injected, there are %d scripts:\n%s", n, dom)
		}
		if n := strings.Count(dom, `<details class="cluster`); n != 3 {
			t.Errorf("%d clusters are on the page, want 3", n)
		}
	}
}

// browse returns the document that a browser makes of a page.
func browse(t *testing.T, url string, flags ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args := append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--user-data-dir=" + t.TempDir(), "--dump-dom",
	}, flags...)
	cmd := exec.CommandContext(ctx, tracertest.Tool(t, "chromium"), append(args, url)...)
	cmd.Env = append(os.Environ(), "TMPDIR=/tmp") // another path may be too long for its socket
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	return string(out)
}

// TestNoSpace has no folder to write to.
func TestNoSpace(t *testing.T) {
	err := hostileReport(t).Write("/dev/null/x")
	if err == nil || !strings.Contains(err.Error(), "write index.html: ") || !strings.Contains(err.Error(), "write cases.jsonl: ") {
		t.Errorf("got %v", err)
	}
}

// TestKept has a report that cannot be written whole, beside which that of the last time stays.
func TestKept(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "cluster0009.casrep")
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "index.html"), 0o777), os.WriteFile(old, nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	if err := hostileReport(t).Write(dir); err == nil {
		t.Error("a folder was overwritten")
	}
	if _, err := os.Stat(old); err != nil {
		t.Error(err)
	}
}

// TestLost has a line of a case that cannot be read again.
func TestLost(t *testing.T) {
	r := new(Report)
	if err := r.Add([]byte(`{"case":"a","outcome":"exit","stack":[],"cluster":null,"hang":null,"crash":null}`)); err != nil {
		t.Fatal(err)
	}
	if err := r.Cluster(0.3); err != nil {
		t.Fatal(err)
	}
	for want, lines := range map[string]func(int) ([]byte, error){
		"write cases.jsonl: the line of a: it is not what it was": func(int) ([]byte, error) { return []byte("{}"), nil },
		"write junit.xml: the line of a: input/output error":      func(int) ([]byte, error) { return nil, syscall.EIO },
	} {
		r.Lines = lines
		if err := r.Write(t.TempDir()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestMemory has what takes too much memory be clusters: by the place where it was, or by
// the stack of what has noticed.
func TestMemory(t *testing.T) {
	r := newReport("")
	for _, text := range []string{
		`{"case":"a","outcome":"oom","stack":[],"hang":{"kind":"memory","where":"grow","stacks":[[{"caller":1,"frames":["memset","grow at a.c:3"]}]]},"cluster":null}`,
		`{"case":"b","outcome":"oom","name":"AbortSignal","severity":"NOT_EXPLOITABLE","stack":["resize at a.c:9"],"hang":null,"cluster":null}`,
		`{"case":"c","outcome":"oom","stack":[],"hang":{"kind":"memory","where":"grow","stacks":[]},"cluster":null}`,
		`{"case":"d","outcome":"oom","stack":[],"hang":null,"cluster":null}`,
	} {
		if err := r.Add([]byte(text + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Cluster(0.3); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range r.Clusters.Clusters {
		got = append(got, fmt.Sprintf("%s %s %s", c.Name, c.Cases, c.Stack))
	}
	if want := []string{"AbortSignal [b] [resize at a.c:9]", "out of memory in grow [a c] [grow at a.c:3]"}; !slices.Equal(got, want) {
		t.Errorf("the clusters are %q, want %q", got, want)
	}
}

package triage

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// TestCASREP checks that a report has the members that CASR reads, in their forms, and
// that reading it gives the case back.
func TestCASREP(t *testing.T) {
	frames := []Frame{
		{Level: 0, PC: 0x401000, Function: "parse", File: "/src/a b/parse.c", Line: 10, Column: 3},
		{Level: 1, PC: 0x401100, Function: "ns::run(int, char const*)", File: "/src/run.cc", Line: 20, Column: 5},
		{Level: 2, PC: 0x7f0000001234, Function: "ext_call", Image: "/lib/libext.so.1"},
		{Level: 3, PC: 0x7f0000001334, Image: "/lib/libext.so.1"},
		{Level: 4, PC: 0x401200, Function: "main", File: "/src/main.c", Line: 30},
	}
	c := &Crash{
		Name: "DestAv", Severity: Exploitable, Description: "d", Explanation: "e", Exe: "/bin/x", Argv: []string{"x", "<a>"},
		Stack: Stack{Frames: frames}, Keys: newKeys(frames), Regs: arch.Regs{arch.RIP: 1 << 63}, Disassembly: []string{"0x401000: nop"},
		Maps: []procfs.Mapping{{Start: 0x7f0000001000, End: 0x7f0000002000, Offset: 0x1000, Perms: procfs.R | procfs.X, Path: "/lib/libext.so.1"}},
	}
	data, err := c.CASREP("/in")
	if err != nil {
		t.Fatal(err)
	}
	var r map[string]any
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	for name, form := range map[string]string{
		"Date": "string", "Uname": "string", "OS": "string", "OSRelease": "string", "Architecture": "string", "ExecutablePath": "string",
		"ProcCmdline": "string", "Stdin": "string", "ProcMaps": "[]interface {}", "CrashSeverity": "map[string]interface {}",
		"Stacktrace": "[]interface {}", "Registers": "map[string]interface {}", "Disassembly": "[]interface {}", "CrashLine": "string",
	} {
		if got := fmt.Sprintf("%T", r[name]); got != form {
			t.Errorf("%s is %s, want %s", name, got, form)
		}
	}
	if got := r["CrashSeverity"].(map[string]any); got["Type"] != "EXPLOITABLE" || got["ShortDescription"] != "DestAv" || got["Description"] != "d" || got["Explanation"] != "e" {
		t.Errorf("CrashSeverity is %v", got)
	}
	if !strings.Contains(string(data), `"rip": 9223372036854775808`) || !strings.Contains(string(data), `x <a>`) {
		t.Errorf("the registers or the command line are not as they were:\n%s", data)
	}
	back, err := ReadCASREP(data)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"parse at parse.c:10:3", "ns::run(int, char const*) at run.cc:20:5", "ext_call in libext.so.1+0x1234", "libext.so.1+0x1334", "main at main.c:30"}
	if back.Name != "DestAv" || back.Severity != Exploitable || !slices.Equal(back.Stack, want) {
		t.Errorf("%+v, want %q", back, want)
	}
}

// TestReadCASREP reads frames as the tools write them whose reports CASR takes.
func TestReadCASREP(t *testing.T) {
	for line, want := range map[string]string{
		"#0  0x00007ffff7e3ce7c in parse (buf=0x7ffd \\\"a at b\\\", n=12) at /src/json.c:88:5": "parse at json.c:88:5",
		"#1  main () at main.c:6": "main at main.c:6",
		"#1  0x0000000000401136 in item<int> (this=0x0) at /src/item.h:12":                    "item<int> at item.h:12",
		"    #2 0x4ea0c1 in ns::f(int, char) /src/f.cc:6:5":                                   "ns::f(int, char) at f.cc:6:5",
		"#2 0x4ea0c1 in ns::Map<std::function<int (char)> >::at(int (*)(long)) /src/f.cc:6:5": "ns::Map<std::function<int (char)> >::at(int (*)(long)) at f.cc:6:5",
		"#2 0x4ea0c1 in void (anonymous namespace)::f<int>(int) /src/f.cc:6:5":                "void (anonymous namespace)::f<int>(int) at f.cc:6:5",
		"#3 0x55d4 in g (/out/prog+0x1f4) (BuildId: 96fb)":                                    "g in prog+0x1f4",
		"#4 0x00005555 in ?? ()": "??",
		"   4:     0x557e25a5b2fc - app::decode::h123 at /src/lib.rs:9:21": "app::decode::h123 at lib.rs:9:21",
		"main.parse(0xc00006af58, 0x0) in /src/prog.go:17 +0x65":           "main.parse at prog.go:17",
		"  File \\\"/src/tool.py\\\", line 4, in load":                     "load at tool.py:4",
	} {
		c, err := ReadCASREP([]byte(`{"Stacktrace": ["` + line + `"]}`))
		if err != nil || len(c.Stack) != 1 || c.Stack[0] != want || c.Severity != Undefined {
			t.Errorf("%s: %+v, %v, want %s", line, c, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                  "not a CASREP: unexpected end of JSON input",
		"[]":                "not a CASREP: json: cannot unmarshal array",
		"{}":                "not a CASREP: it has no Stacktrace",
		`{"Stacktrace": 1}`: "not a CASREP: json: cannot unmarshal number",
	} {
		if _, err := ReadCASREP([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestReadCases(t *testing.T) {
	cases, err := ReadCases(strings.NewReader(`{"case":"a","outcome":"crash","name":"DestAv","severity":"EXPLOITABLE","stack":["f"]}` + "\n\n" +
		`{"case":"b","outcome":"exit","stack":null}` + "\n" + `{"case":"c","severity":"?","stack":["g"]}` + "\n" + `{"case":"d","sta`))
	if err != nil || len(cases) != 2 || cases[0].Case != "a" || cases[0].Severity != Exploitable || cases[1].Severity != Undefined {
		t.Errorf("%+v, %v", cases, err)
	}
	if _, err := ReadCases(strings.NewReader("{}\nnull\n[1]\n")); err == nil || !strings.HasPrefix(err.Error(), "line 3: not a case: ") {
		t.Errorf("%v", err)
	}
}

func TestSummarize(t *testing.T) {
	cases := []Case{
		{Case: "c", Name: "SourceAv", Severity: NotExploitable, Stack: letters("xyz")},
		{Case: "b", Name: "SourceAv", Severity: NotExploitable, Stack: letters("abcdefgh")},
		{Case: "a", Name: "DestAv", Severity: Exploitable, Stack: letters("abcdefgH")},
		{Case: "d", Name: "SourceAv", Severity: NotExploitable, Stack: letters("xyz")},
	}
	want := `{"cases":4,"unique":3,"clusters":[` +
		`{"id":1,"size":2,"unique":2,"name":"DestAv","severity":"EXPLOITABLE","cases":["a","b"],"stack":["a","b","c","d","e","f","g","H"]},` +
		`{"id":2,"size":2,"unique":1,"name":"SourceAv","severity":"NOT_EXPLOITABLE","cases":["c","d"],"stack":["x","y","z"]}]}`
	for range 2 {
		got, err := json.Marshal(Summarize(cases, DefaultDistance))
		if err != nil || string(got) != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
		slices.Reverse(cases)
	}
	if got, _ := json.Marshal(Summarize(nil, DefaultDistance)); string(got) != `{"cases":0,"unique":0,"clusters":[]}` {
		t.Errorf("no cases: %s", got)
	}
}

// FuzzReadCASREP checks that a file is a case or an error of one line.
func FuzzReadCASREP(f *testing.F) {
	f.Add([]byte(`{"CrashSeverity":{"Type":"EXPLOITABLE","ShortDescription":"StackOverflow"},"Stacktrace":["#0 0x1 in f () at a.c:1","#1 0x2 in f () from /lib/x"],"ProcMaps":["0x1 0x3 0x2 0x0 /lib/x"]}`))
	f.Add([]byte(`{"Stacktrace":["(a(b()","  1: x at y:2:3","a in b:3"],"ProcMaps":["0x9 0x1 0x2 0x0 /y",""]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ReadCASREP(data)
		if (c == nil) == (err == nil) {
			t.Errorf("%v, %v", c, err)
		}
	})
}

// FuzzReadCases checks that a file is a list of cases or an error.
func FuzzReadCases(f *testing.F) {
	f.Add(`{"case":"a","stack":["f"]}` + "\n" + `{"case":"b","stack":["g"]}` + "\n{")
	f.Fuzz(func(t *testing.T, text string) {
		cases, err := ReadCases(strings.NewReader(text))
		if err != nil && cases != nil {
			t.Errorf("%v, %v", cases, err)
		}
		if s := Summarize(cases, DefaultDistance); s.Cases != len(cases) {
			t.Errorf("%+v", s)
		}
	})
}

package script

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// writeTree makes files, and the folders that they are in, below a new folder.
func writeTree(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
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

const (
	aflReadme = "Command line used to find this crash:\n\nafl-fuzz -i in -o out -m none -t1000+ -f /tmp/in.png -- ./parse -v /tmp/in.png\n\nIf you can't reproduce"
	sha       = "0123456789abcdef0123456789abcdef01234567"
	finding   = "SIGSEGV.PC.555555555151.STACK.e.CODE.1.ADDR.0.INSTR.mov.fuzz"
)

func TestFindCases(t *testing.T) {
	dir := writeTree(t, map[string]string{
		"plain/b":                         "b",
		"plain/a":                         "",
		"plain/sub/README.txt":            "a case like any other",
		"plain/.hidden/x":                 "",
		"sync/one/fuzzer_stats":           "",
		"sync/one/cmdline":                "./parse\n-v\n@@\n",
		"sync/one/queue/id:000000,orig:s": "",
		"sync/one/crashes/id:000000,sig:11,src:000000": "x",
		"sync/one/crashes/README.txt":                  aflReadme,
		"sync/one/hangs/id:000000":                     "x",
		"sync/two/fuzzer_setup":                        "",
		"sync/two/crashes.2026-11-29-10:00:00/id:0":    "x",
		"sync/two/crashes/README.txt":                  aflReadme,
		"sync/two/crashes/id:000001":                   "x",
		"own/file/cmdline":                             "./parse\n/tmp/in.png\n",
		"own/file/fuzzer_stats":                        "start_time        : 1\ncommand_line      : afl-fuzz -i in -o out -f /tmp/in.png -- ./parse /tmp/in.png\ntarget_mode       : default\n",
		"own/file/hangs/id:000000":                     "x",
		"own/stats/fuzzer_stats":                       "\ncommand_line      : afl-fuzz -i in -o out -- ./parse -s\n",
		"own/stats/hangs/id:000000":                    "x",
		"libfuzzer/crash-" + sha:                       "x",
		"libfuzzer/oom-" + sha:                         "x",
		"libfuzzer/minimized-from-" + sha:              "x",
		"libfuzzer/corpus/seed":                        "x",
		"libfuzzer/fuzzer.cc":                          "x",
		"honggfuzz/" + finding:                         "x",
		"honggfuzz/" + finding + ".verified":           "x",
		"copy/id:000000":                               "x",
		"copy/README.txt":                              aflReadme,
		"honggfuzz/HONGGFUZZ.REPORT.TXT":               "x",
		"honggfuzz/seed":                               "x",
	})
	if err := os.Symlink("b", filepath.Join(dir, "plain/link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("..", filepath.Join(dir, "plain/loop")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	parse, parseF := "./parse -v @@", "./parse -v @@"
	one := "sync/one/crashes/id:000000,sig:11,src:000000 " + parse
	for _, test := range []struct {
		name, list string
		paths      []string
		want       []string
	}{
		{"folder", "", []string{"plain"}, []string{"plain/a", "plain/b", "plain/link", "plain/sub/README.txt"}},
		{"order and repetition", "", []string{"plain/sub/..//b", "plain"}, []string{"plain/b", "plain/a", "plain/link", "plain/sub/README.txt"}},
		{"sync folder", "", []string{"sync"}, []string{
			one, "sync/one/hangs/id:000000 " + parse,
			"sync/two/crashes/id:000001 " + parseF, "sync/two/crashes.2026-11-29-10:00:00/id:0 " + parseF,
		}},
		{"instance", "", []string{"sync/one"}, []string{one, "sync/one/hangs/id:000000 " + parse}},
		{"folder of crashes", "", []string{"sync/one/crashes"}, []string{one}},
		{"file of its own and no README.txt", "", []string{"own"}, []string{"own/file/hangs/id:000000 ./parse @@", "own/stats/hangs/id:000000 ./parse -s"}},
		{"folder of hangs", "", []string{"sync/one/hangs"}, []string{"sync/one/hangs/id:000000 " + parse}},
		{"find", "", []string{"sync/one/hangs/id:000000", "copy/id:000000"}, []string{"sync/one/hangs/id:000000 " + parse, "copy/id:000000 " + parseF}},
		{"copied folder", "", []string{"copy"}, []string{"copy/id:000000 " + parseF}},
		{"libFuzzer", "", []string{"libfuzzer"}, []string{"libfuzzer/crash-" + sha, "libfuzzer/minimized-from-" + sha, "libfuzzer/oom-" + sha}},
		{"honggfuzz", "", []string{"honggfuzz"}, []string{"honggfuzz/" + finding, "honggfuzz/" + finding + ".verified"}},
		{"missing", "", []string{"none", "plain/a"}, []string{"none: no such file or directory", "plain/a"}},
		{"device", "", []string{"/dev/null"}, []string{"/dev/null: not a regular file"}},
		{"list", "plain/b\r\n\nlibfuzzer\n", []string{"-", "plain/a"}, []string{"plain/b", "libfuzzer/crash-" + sha, "libfuzzer/minimized-from-" + sha, "libfuzzer/oom-" + sha, "plain/a"}},
		{"list with zeros", "plain/b\x00new\nline\x00r\r\x00", []string{"-"}, []string{"plain/b", "new\nline: no such file or directory", "r\r: no such file or directory"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cases, err := FindCases(test.paths, strings.NewReader(test.list), "")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range cases {
				text := strings.Join(append([]string{c.Path}, c.Argv...), " ")
				if c.Err != nil {
					text = strings.TrimPrefix(c.Err.Error(), "stat ")
				}
				got = append(got, text)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestAFLTarget(t *testing.T) {
	for line, want := range map[string]string{
		"afl-fuzz -i in -o out -- ./a.out @@":         "./a.out @@",
		"afl-fuzz -i in -o out ./a.out -x":            "./a.out -x",
		"afl-fuzz -Q -M main -iin -o out -n ./a.out":  "./a.out",
		"afl-fuzz -i - -o out -f in.txt ./a in.txt b": "./a @@ b",
		"afl-fuzz -i in -o out":                       "",
		"afl-fuzz -i":                                 "",
		"":                                            "",
	} {
		if got := strings.Join(at(aflTarget(strings.Fields(line))), " "); got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}

func FuzzAFLTarget(f *testing.F) {
	f.Add("afl-fuzz -i in -o out -f x -- ./a.out x @@")
	f.Add("afl-fuzz -f")
	f.Add("a -- ")
	f.Fuzz(func(t *testing.T, line string) {
		words := strings.Fields(line)
		if argv := at(aflTarget(words)); len(argv) > len(words) {
			t.Errorf("%q is more than %q", argv, words)
		}
	})
}

// TestFindCasesResults looks for cases around a folder of results.
func TestFindCasesResults(t *testing.T) {
	t.Chdir(writeTree(t, map[string]string{"in/a": "a", "in/out/journal": "{}", "in/sub/b": "b"}))
	for _, results := range []string{"in/out", "in/sub/../out"} {
		cases, err := FindCases([]string{"in"}, nil, results)
		if err != nil || len(cases) != 2 || cases[0].Path != "in/a" || cases[1].Path != "in/sub/b" {
			t.Errorf("results in %s: got %v, %v, want in/a and in/sub/b", results, cases, err)
		}
	}
	if cases, err := FindCases([]string{"in"}, nil, "in/new"); err != nil || len(cases) != 3 {
		t.Errorf("results in a folder that is not there: got %v, %v, want 3 cases", cases, err)
	}
	_, err := FindCases([]string{"in/a", "in/sub"}, nil, "in/../in/sub")
	if want := "in/sub: it is the folder of results too: name another with -o"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

package script

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestCheck checks that Check finds what the comments of a script say, and nothing else.
func TestCheck(t *testing.T) {
	const path = "testdata/check/mistakes.star"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	problems, err := Check(path)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[int][]string)
	for _, p := range problems {
		found[p.Line] = append(found[p.Line], fmt.Sprintf("%d: %s", p.Column, p.Message))
		if !strings.Contains(p.text, "^") {
			t.Errorf("%s shows no place", &p)
		}
	}
	quoted := regexp.MustCompile(`"(\\.|[^"\\])*"`)
	for i, line := range strings.Split(string(data), "\n") {
		_, comment, _ := strings.Cut(line, "### ")
		for _, q := range quoted.FindAllString(comment, -1) {
			// The comments have regular expressions, in which only quotes are escaped.
			want := regexp.MustCompile(strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`))
			n := slices.IndexFunc(found[i+1], want.MatchString)
			if n < 0 {
				t.Errorf("%s:%d: want %s, found %q", path, i+1, want, found[i+1])
				continue
			}
			found[i+1] = slices.Delete(found[i+1], n, n+1)
		}
		if len(found[i+1]) > 0 {
			t.Errorf("%s:%d: found %q too", path, i+1, found[i+1])
		}
	}
}

// TestCheckFindsNothing checks that scripts which work have no problems.
func TestCheckFindsNothing(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../stdlib/*.star", "../stdlib/testdata/*.star", "../examples/*.star", "../examples/*/*.star"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 10 {
		t.Fatalf("there are only %q", files)
	}
	for _, file := range files {
		problems, err := Check(file)
		if err != nil {
			t.Error(err)
		}
		for _, p := range problems {
			t.Error(&p)
		}
	}
}

// TestCheckBroken checks what is found in files that are no scripts or do not load.
func TestCheckBroken(t *testing.T) {
	for file, want := range map[string]string{
		"errors/syntax.star":         "syntax.star:3:13",
		"errors/undefined.star":      "undefined: ",
		"errors/load_syntax.star":    "cannot load ",
		"errors/cycle.star":          "cycle in load graph",
		"errors/self.star":           "cycle in load graph",
		"errors/load_missing.star":   "cannot load ",
		"errors/load_std.star":       "no such module in the standard library",
		"errors/load_name.star":      "not found in module",
		"errors/load_undefined.star": "cannot load ",
	} {
		problems, err := Check("testdata/" + file)
		if err != nil || len(problems) == 0 {
			t.Errorf("%s: %v, %v, want problems", file, problems, err)
			continue
		}
		if text := problems[0].String(); !strings.Contains(text, want) {
			t.Errorf("%s: %s, want %q", file, text, want)
		}
	}
	if _, err := Check("testdata/none.star"); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
	binary := filepath.Join(t.TempDir(), "binary")
	if err := os.WriteFile(binary, []byte("\x7fELF\x00"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Check(binary); err == nil || !strings.Contains(err.Error(), "not a script") {
		t.Errorf("a binary: %v", err)
	}
}

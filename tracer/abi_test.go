//go:build linux && amd64

package tracer

import (
	"regexp"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/tracer/tracertest"
	"github.com/tracelark/tracelark/tracer/value"
)

// What the functions of the programs have got where they begin.
var (
	entriesOfC = map[string]string{
		"plain":   "a = -1, b = \"text\", c = 99 'c', d = 1.5, e = 2.5",
		"structs": "p = {a = 1, b = 2}, m = {d = 0.5, n = 3}, l = {v = {5, 6, 7, 8}}, last = 9",
		"many":    "a = 218, b = 18, c = 3, d = 4, e = 5, f = 6, g = 7",
	}
	entriesOfCPlusPlus = map[string]string{
		"objects":      "o = {id = 1, more = 2}, c = {n = 3}, p = {a = 4, b = 5}, v = {_vptr.virt = VPTR, n = 4}, n = 6",
		"made":         "first = 9, o = {id = 7, more = 8}, big = 2.5, d = 0.5, last = 8",
		"deep":         "a = 1, b = 2, c = 3, d = 4, e = 5, w = {n = 6}, f = 7, g = {n = 8}, h = {a = 9, b = 10}, i = {a = 11, b = 12}",
		"method::call": "o = {id = 7, more = 8}, s = _M_string_length = 4",
	}
)

// TestArgsAtEntry reads arguments before the function has stored them.
func TestArgsAtEntry(t *testing.T) {
	for _, test := range []struct {
		source string
		flags  []string
		want   map[string]string
	}{
		{"entry.c", []string{"clang", "-O0"}, entriesOfC},
		{"entry.c", []string{"clang", "-O0", "-fomit-frame-pointer"}, entriesOfC},
		{"entry.cc", []string{"clang", "-O0", "-fstandalone-debug", "-lstdc++"}, entriesOfCPlusPlus},
		{"entry.c", []string{"-O0"}, entriesOfC},
		{"entry.c", []string{"-O1", "-fno-inline"}, entriesOfC},
		{"entry.cc", []string{"-O0", "-lstdc++"}, entriesOfCPlusPlus},
		{"entry.cc", []string{"-O1", "-fno-inline", "-fno-ipa-sra", "-fno-ipa-cp", "-gdwarf-4", "-lstdc++"}, entriesOfCPlusPlus},
	} {
		flags, want, compiler := test.flags, test.want, "gcc"
		if flags[0] == "clang" {
			flags, compiler = flags[1:], "clang"
		}
		p, err := newTracer(t).Launch([]string{tracertest.BuildWith(t, compiler, "testdata/"+test.source, flags...)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for fn := range want {
			if _, err := p.Breakpoint(&BreakpointOptions{Location: fn}); err != nil {
				t.Fatal(err)
			}
		}
		for range len(want) {
			if stop := cont(t, p); stop.Reason != ReasonBreakpoint {
				t.Fatalf("stop is %s", stop.Reason)
			}
			frames, err := p.Thread().Frames(1)
			if err != nil {
				t.Fatal(err)
			}
			args, err := frames[0].Args()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, a := range args {
				v, err := frames[0].Eval(a.Name, nil)
				if err != nil || v.String() != a.Value.String() {
					t.Errorf("%s evaluates to %v, %v, want %s", a.Name, v, err, a.Value)
				}
				if a.Name == "this" {
					continue
				}
				text := a.Value.Format(&value.Format{Bare: true})
				if _, s, ok := strings.Cut(text, ` "`); ok && a.Name != "s" {
					text = `"` + s
				}
				text = regexp.MustCompile(`0x\w+ <vtable for virt\+16>`).ReplaceAllString(text, "VPTR")
				text = strings.Replace(text, "_vptr$", "_vptr.", 1)
				text = regexp.MustCompile(`^@0x\w+: `).ReplaceAllString(text, "")
				if a.Name == "s" {
					text = regexp.MustCompile(`_M_string_length = \d+`).FindString(text)
				}
				got = append(got, a.Name+" = "+text)
			}
			fn := frames[0].Function()
			if text := strings.Join(got, ", "); text != want[fn] {
				t.Errorf("%s %s: got %s, want %s", flags[0], fn, text, want[fn])
			}
		}
	}
}

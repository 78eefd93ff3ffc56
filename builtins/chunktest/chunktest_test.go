package chunktest

import (
	"regexp"
	"slices"
	"testing"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

func TestRun(t *testing.T) {
	chunks := 0
	Run(t, "testdata/chunks.star", func(*testing.T) starlark.StringDict {
		chunks++
		return starlark.StringDict{"chunk": starlark.MakeInt(chunks)}
	})
	if chunks != 5 {
		t.Errorf("got %d chunks, want 5", chunks)
	}
}

func TestCompare(t *testing.T) {
	failure := []resolve.Error{{Pos: syntax.MakePosition(nil, 3, 1), Msg: "no such process"}}
	tests := []struct {
		want map[int]string
		got  []resolve.Error
		out  []string
	}{
		{nil, nil, nil},
		{map[int]string{3: "such"}, failure, nil},
		{map[int]string{3: "file"}, failure, []string{`3: got error "no such process", want "file"`}},
		{nil, failure, []string{`3: got error "no such process", want none`}},
		{map[int]string{4: "x"}, nil, []string{`4: got no error, want "x"`}},
	}
	for _, test := range tests {
		want := make(map[int]*regexp.Regexp)
		for line, pattern := range test.want {
			want[line] = regexp.MustCompile(pattern)
		}
		if out := compare(want, test.got); !slices.Equal(out, test.out) {
			t.Errorf("compare(%v, %v) = %q, want %q", test.want, test.got, out, test.out)
		}
	}
}

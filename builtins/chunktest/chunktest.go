// Package chunktest runs test scripts whose errors are expected in comments.
//
// A script is divided into chunks by lines of "---". Each chunk is a program of
// its own. A line that ends in
//
//	### "regexp"
//
// must fail with an error that matches the Go string; no other line may fail.
// load("assert.star", "assert") gives the module of package starlarktest.
package chunktest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarktest"
	"go.starlark.net/syntax"
)

var options = &syntax.FileOptions{Set: true, While: true, TopLevelControl: true, GlobalReassign: true, Recursion: true}

// Run runs each chunk of file as a subtest, named after its first line. The
// predeclared names of each are those that predeclared returns; it is called on
// the goroutine on which the chunk and the subtest's cleanups run.
func Run(t *testing.T, file string, predeclared func(t *testing.T) starlark.StringDict) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	line := 1
	for source := range strings.SplitSeq(string(data), "\n---\n") {
		t.Run(fmt.Sprintf("%s:%d", filepath.Base(file), line), func(t *testing.T) {
			run(t, file, syntax.FilePortion{Content: []byte(source), FirstLine: int32(line), FirstCol: 1}, predeclared(t))
		})
		line += strings.Count(source, "\n") + 2
	}
}

func run(t *testing.T, file string, source syntax.FilePortion, predeclared starlark.StringDict) {
	want := expectations(t, file, source)
	thread := &starlark.Thread{
		Print: func(_ *starlark.Thread, msg string) { t.Log(msg) },
		Load: func(_ *starlark.Thread, module string) (starlark.StringDict, error) {
			if module != "assert.star" {
				return nil, errors.New("no such module")
			}
			return starlarktest.LoadAssertModule()
		},
	}
	starlarktest.SetReporter(thread, t)
	_, err := starlark.ExecFileOptions(options, thread, file, source, predeclared)
	for _, problem := range compare(want, located(file, err)) {
		t.Errorf("\n%s:%s", file, problem)
	}
}

// compare describes how the errors that were got differ from those that were
// wanted, by line.
func compare(want map[int]*regexp.Regexp, got []resolve.Error) (problems []string) {
	for _, e := range got {
		line := int(e.Pos.Line)
		rx := want[line]
		delete(want, line)
		if rx == nil {
			problems = append(problems, fmt.Sprintf("%d: got error %q, want none", line, e.Msg))
		} else if !rx.MatchString(e.Msg) {
			problems = append(problems, fmt.Sprintf("%d: got error %q, want %q", line, e.Msg, rx))
		}
	}
	for line, rx := range want {
		problems = append(problems, fmt.Sprintf("%d: got no error, want %q", line, rx))
	}
	return problems
}

// expectations returns the expected errors of source by line.
func expectations(t *testing.T, file string, source syntax.FilePortion) map[int]*regexp.Regexp {
	want := make(map[int]*regexp.Regexp)
	for i, line := range strings.Split(string(source.Content), "\n") {
		_, quoted, ok := strings.Cut(line, "###")
		if !ok {
			continue
		}
		n := int(source.FirstLine) + i
		pattern, err := strconv.Unquote(strings.TrimSpace(quoted))
		if err != nil {
			t.Fatalf("\n%s:%d: %s is not a string", file, n, quoted)
		}
		if want[n], err = regexp.Compile(pattern); err != nil {
			t.Fatalf("\n%s:%d: %v", file, n, err)
		}
	}
	return want
}

// located divides err into errors with a line of file. That of an evaluation error
// is the line of the innermost call in file.
func located(file string, err error) []resolve.Error {
	if err == nil {
		return nil
	}
	if list, ok := errors.AsType[resolve.ErrorList](err); ok {
		return list
	}
	if e, ok := errors.AsType[syntax.Error](err); ok {
		return []resolve.Error{resolve.Error(e)}
	}
	at := resolve.Error{Msg: err.Error()}
	if e, ok := errors.AsType[*starlark.EvalError](err); ok {
		for _, fr := range e.CallStack {
			if fr.Pos.Filename() == file {
				at.Pos = fr.Pos
			}
		}
	}
	return []resolve.Error{at}
}

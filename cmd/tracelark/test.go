//go:build linux && amd64

package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tracelark/tracelark/script"
	"github.com/tracelark/tracelark/script/report"
)

// errTests is the end of a run in which tests failed. What they were was told.
var errTests = errors.New("tests failed")

func newTest() *cobra.Command {
	var opts script.Options
	var allowed permissions
	var pattern, junit string
	var jobs uint16
	var verbose, asJSON bool
	timeout := 60 * time.Second
	cmd := &cobra.Command{
		Use:   "test [flags] [PATH...] [-- ARG...]",
		Short: "Run tests",
		Long: "Run the functions test_* of files, and of all *_test.star in folders, which are\n" +
			"searched to any depth; without PATH, in the current one. Each function has a\n" +
			"session of its own, in which its file is loaded; several run at a time. What\n" +
			"they and their targets print is shown if they fail. What follows -- is their\n" +
			"\"args\". std/assert.star has checks.\n\n" +
			"The exit status is 0 if all tests pass, 1 if one fails, 2 if the command line is\n" +
			"wrong or there are no tests, and 128 plus its number for a signal.",
		Example: "  tracelark test\n  tracelark test -v --run parse tests/parser_test.star",
		RunE: func(cmd *cobra.Command, args []string) error {
			paths := args
			if n := cmd.ArgsLenAtDash(); n >= 0 {
				paths, opts.Args = args[:n], args[n:]
			}
			if len(paths) == 0 {
				paths = []string{"."}
			}
			opts.Policy = allowed.policy()
			wanted, err := regexp.Compile(pattern)
			if err != nil {
				return usageErrorf("test: --run: %w", err)
			}
			tests, err := script.FindTests(paths, wanted)
			if err != nil {
				return usageErrorf("test: %w", err)
			}
			if len(tests) == 0 {
				matching := ""
				if pattern != "" {
					matching = fmt.Sprintf(" that matches %q", pattern)
				}
				return usageErrorf("test: no function test_*%s in %s", matching, strings.Join(paths, " "))
			}
			show := &testPrinter{w: cmd.OutOrStdout(), verbose: verbose, json: asJSON}
			return runTests(script.NewTestRun(&opts, int(jobs), timeout), tests, show, junit)
		},
	}
	cmd.Flags().StringVar(&pattern, "run", "", "run the tests whose names match `REGEXP`")
	cmd.Flags().Uint16VarP(&jobs, "jobs", "j", 0, "run `N` tests at a time (0: one a CPU)")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "show tests that pass too, and what they print")
	cmd.Flags().Var((*seconds)(&timeout), "timeout", "end a test that takes `S` seconds (0: never)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON for each test instead")
	cmd.Flags().StringVar(&junit, "junit", "", "write the results to `FILE`, as JUnit's XML")
	allowed.register(cmd)
	registerLimits(cmd, &opts, "test")
	return cmd
}

// runTests runs tests, shows their results and writes them to a file, if one is named.
func runTests(run *script.TestRun, tests []script.Test, show *testPrinter, junit string) error {
	var report *os.File
	if junit != "" {
		var err error
		if report, err = os.Create(junit); err != nil {
			return usageErrorf("test: --junit: %w", err)
		}
		defer report.Close()
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	os.Stdin = null // is that of targets, which would take input from each other
	start := time.Now()
	return withSignals(run.Quit, func() error {
		err := run.Run(tests, show.result)
		if err == nil {
			err = show.summary(time.Since(start))
		}
		if report != nil {
			err = errors.Join(err, writeJUnit(report, show.results))
		}
		if err == nil && show.failed > 0 {
			err = errTests
		}
		return err
	})
}

// A testPrinter shows results as they come.
type testPrinter struct {
	w       io.Writer
	verbose bool
	json    bool
	results []*script.TestResult
	failed  int
}

// result shows a test that failed; one that passed too if asked for.
func (p *testPrinter) result(r *script.TestResult) error {
	p.results = append(p.results, r)
	if p.json {
		return p.line(r)
	}
	word, text := "ok  ", r.Output
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if r.Err != nil {
		p.failed++
		word, text = "FAIL", text+failureText(r.Err)
	} else if !p.verbose {
		return nil
	}
	line := strings.TrimSpace(r.File + " " + r.Name)
	return p.printf("%s %s (%.3f s)\n%s", word, line, r.Took.Seconds(), text)
}

// line shows a test as a line of JSON.
func (p *testPrinter) line(r *script.TestResult) error {
	v := struct {
		File    string  `json:"file"`
		Name    string  `json:"name"` // "" for a file that does not load
		Passed  bool    `json:"passed"`
		Seconds float64 `json:"seconds"`
		Output  string  `json:"output,omitempty"`
		Error   string  `json:"error,omitempty"`
	}{r.File, r.Name, r.Err == nil, r.Took.Seconds(), r.Output, ""}
	if r.Err != nil {
		p.failed++
		v.Error = failureText(r.Err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return p.printf("%s\n", text)
}

func (p *testPrinter) summary(took time.Duration) error {
	if p.json {
		return nil
	}
	return p.printf("%d passed, %d failed in %.3f s\n", len(p.results)-p.failed, p.failed, took.Seconds())
}

func (p *testPrinter) printf(format string, args ...any) error {
	if _, err := fmt.Fprintf(p.w, format, args...); err != nil {
		return fmt.Errorf("%w: %w", script.ErrOutput, err)
	}
	return nil
}

// failureText returns why a test failed, in lines.
func failureText(err error) string {
	if failure, ok := errors.AsType[*script.Error](err); ok {
		return failure.Report + "\n"
	}
	return "Error: " + err.Error() + "\n"
}

// writeJUnit writes results, which are in the order of their files.
func writeJUnit(w io.Writer, results []*script.TestResult) error {
	var suites []*report.JUnitSuite
	for len(results) > 0 {
		file := results[0].File
		n := slices.IndexFunc(results, func(r *script.TestResult) bool { return r.File != file })
		if n < 0 {
			n = len(results)
		}
		of := results[:n]
		results = results[n:]
		suite, err := report.NewJUnitSuite(file, func(yield func(*report.JUnitCase, error) bool) {
			for _, r := range of {
				if !yield(junitCase(r), nil) {
					return
				}
			}
		})
		if err != nil {
			return err
		}
		suites = append(suites, suite)
	}
	if err := report.WriteJUnit(w, suites); err != nil {
		return fmt.Errorf("write the report for --junit: %w", err)
	}
	return nil
}

func junitCase(r *script.TestResult) *report.JUnitCase {
	c := &report.JUnitCase{Class: r.File, Name: cmp.Or(r.Name, "load"), Time: report.JUnitTime(r.Took.Seconds()), Output: r.Output}
	if r.Err != nil {
		c.Failure = &report.JUnitFailure{Type: "failure", Message: r.Err.Error(), Text: failureText(r.Err)}
	}
	return c
}

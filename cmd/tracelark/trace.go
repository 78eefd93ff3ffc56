//go:build linux && amd64

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/script"
)

// traceFlags are the flags of trace. Those that strace(1) has too mean the same.
type traceFlags struct {
	pid                                                      int
	follow, paths, whole, count, summary, json, elapsed, rel bool
	stacks                                                   bool
	clock                                                    int
	strings                                                  int
	calls, output                                            string
}

func newTrace() *cobra.Command {
	var f traceFlags
	cmd := &cobra.Command{
		Use:   "trace [flags] [-p PID | [--] PROG [ARG...]]",
		Short: "Show the system calls of a program",
		Long: "Show the system calls of a program and its threads as strace(1) does, on standard\n" +
			"error or in a file. With -e of a program that is started, the kernel picks the\n" +
			"calls, and the others cost nothing; children that are still there when the program\n" +
			"has ended are ended too.\n\n" +
			"An interrupt ends the trace of a process that was attached to. A program that is\n" +
			"started gets it too, and the trace goes on until it ends. SIGTERM, SIGHUP and SIGQUIT\n" +
			"end the trace in any case, with its table, and a program that was started.\n\n" +
			"The exit status is that of the program, or 128 plus the number of the signal that\n" +
			"ended it or the trace.",
		Example: "  tracelark trace -f -e %file,connect -- make\n  tracelark trace -c -p 4242",
		Args: func(cmd *cobra.Command, args []string) error {
			switch attached := cmd.Flags().Changed("attach"); {
			case attached && len(args) > 0:
				return usageErrorf("trace: -p PID and a program")
			case !attached && len(args) == 0:
				return usageErrorf("trace: no program and no -p PID")
			case attached && f.pid <= 0:
				return usageErrorf("trace: %d is no process ID", f.pid)
			case f.strings < 0:
				return usageErrorf("trace: -s %d is negative", f.strings)
			case f.json && (f.count || f.summary):
				return usageErrorf("trace: --json and a summary")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return trace(&f, args) },
	}
	cmd.Flags().SetInterspersed(false)
	cmd.Flags().IntVarP(&f.pid, "attach", "p", 0, "attach to the process `PID` instead")
	cmd.Flags().BoolVarP(&f.follow, "follow", "f", false, "show the children of the program too")
	cmd.Flags().StringVarP(&f.calls, "expr", "e", "", "show only `CALLS`: names, patterns such as open*, /REGEXP and groups such as %file with commas between them, or behind ! all but these; trace= may go before")
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "write to `FILE`")
	cmd.Flags().BoolVarP(&f.count, "summary-only", "c", false, "show no call but a table of calls, errors and seconds")
	cmd.Flags().BoolVarP(&f.summary, "summary", "C", false, "show that table too")
	cmd.Flags().BoolVarP(&f.paths, "decode-fds", "y", false, "show what descriptors stand for")
	cmd.Flags().BoolVarP(&f.whole, "no-abbrev", "v", false, "show all fields of structs")
	cmd.Flags().IntVarP(&f.strings, "string-limit", "s", 32, "show at most `N` bytes of data")
	cmd.Flags().CountVarP(&f.clock, "absolute-timestamps", "t", "show the time of day; twice: microseconds; three times: seconds since 1970")
	cmd.Flags().BoolVarP(&f.rel, "relative-timestamps", "r", false, "show the time since the line before")
	cmd.Flags().BoolVarP(&f.elapsed, "syscall-times", "T", false, "show how long each call took")
	cmd.Flags().BoolVarP(&f.stacks, "stack-trace", "k", false, "show the stack that each call is made from")
	cmd.Flags().BoolVar(&f.json, "json", false, "print each call, signal and end as a line of JSON")
	return cmd
}

// trace runs std/strace.star as the flags say.
func trace(f *traceFlags, args []string) error {
	out, live := os.Stderr, "True"
	if f.output != "" {
		file, err := os.Create(f.output)
		if err != nil {
			return err
		}
		defer file.Close()
		out = file
		live = "False"
	}
	var options strings.Builder
	option := func(name, value string) { fmt.Fprintf(&options, ", %s=%s", name, value) }
	for name, set := range map[string]bool{"follow": f.follow, "paths": f.paths, "whole": f.whole, "json": f.json, "elapsed": f.elapsed, "stacks": f.stacks} {
		if set {
			option(name, "True")
		}
	}
	option("live", live)
	option("strings", strconv.Itoa(f.strings))
	if f.calls != "" {
		list, others := strings.CutPrefix(strings.TrimPrefix(f.calls, "trace="), "!")
		var names []string
		for name := range strings.SplitSeq(list, ",") {
			names = append(names, strconv.Quote(name))
		}
		value := "[" + strings.Join(names, ", ") + "]"
		if others {
			value = "[name for name in syscalls() if name not in syscalls(" + value + ")]"
		}
		option("names", value)
	}
	if clock := [...]string{"", "seconds", "time", "unix"}[min(f.clock, 3)]; clock != "" {
		option("clock", strconv.Quote(clock))
	} else if f.rel {
		option("clock", `"relative"`)
	}
	target := "strace.run(args" + options.String() + ", summary=summary, ended=True)"
	if f.pid != 0 {
		target = "strace.trace(attach(" + strconv.Itoa(f.pid) + ")" + options.String() + ", summary=summary)"
	}
	summary := "None"
	if f.count || f.summary {
		summary = "strace.Summary(quiet=" + map[bool]string{true: "True", false: "False"}[f.count] + ")"
	}
	// What targets print goes where it would without us.
	opts := &script.Options{Args: args, Policy: everything, Stdout: struct{ *os.File }{out}}
	react := reactions{interrupt: (*script.Session).Wake, finish: (*script.Session).Finish}
	if f.pid == 0 {
		pressed := false
		react.interrupt = func(*script.Session) (again bool) { // which the terminal sends to the program too
			again, pressed = pressed, true
			return again
		}
	}
	return withSession(opts, react, func(s *script.Session) error {
		return said(s.RunCode("load('std/strace.star', 'strace')\nsummary = " + summary + "\nend = " + target +
			fmt.Sprintf("\nif summary: print(strace.table(summary))\nexit({'exit': end.exit_code, 'killed': 128 + (end.signal or 0)}.get(end.reason, 128 + %d))", unix.SIGINT)))
	})
}

//go:build linux && amd64

// Command tracelark is a scripting debugger: it runs Starlark scripts, or a REPL,
// in which processes, threads and registers are values.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/builtins"
	"github.com/tracelark/tracelark/script"
)

// The exit statuses, besides those that scripts choose and 128 plus the number of
// the signal that ended the command.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	// The heap is small, so that by default the collector would run all the time: a
	// trace of system calls takes a third longer then.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	root := newRoot()
	cmd, err := root.ExecuteC()
	os.Exit(exitStatus(cmd, err))
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "tracelark",
		Short: "A scripting debugger for Linux on x86-64",
		Long: "tracelark runs Starlark scripts that launch, attach to and examine processes.\n" +
			"Without a command it starts the REPL.",
		Version: version(),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			if _, err := os.Stat(args[0]); err == nil {
				if isProgram(args[0]) {
					return usageErrorf("unknown command %q; to debug a program: tracelark repl %[1]s", args[0])
				}
				return usageErrorf("unknown command %q; to run a script: tracelark run %[1]s", args[0])
			}
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				return usageErrorf("unknown command %q, did you mean %s?", args[0], near[0])
			}
			return usageErrorf("unknown command %q", args[0])
		},
		SuggestionsMinimumDistance: 2,
		RunE:                       func(*cobra.Command, []string) error { return repl(&script.Options{Memory: defaultMemory()}) },
		SilenceErrors:              true,
		SilenceUsage:               true,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		invalid, ok := errors.AsType[*pflag.InvalidValueError](err)
		number, isNumber := errors.AsType[*strconv.NumError](err)
		if !ok || !isNumber {
			return usageErrorf("%w", err)
		}
		want := "a whole number"
		if strings.HasPrefix(invalid.GetFlag().Value.Type(), "uint") {
			want += ", 0 or more"
		}
		if number.Err == strconv.ErrRange {
			want = "a smaller number"
		}
		return usageErrorf("invalid argument %q for \"--%s\" flag: want %s", invalid.GetValue(), invalid.GetFlag().Name, want)
	})
	root.SetHelpCommand(&cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err == nil && len(rest) == 0 {
				return cmd.Help()
			}
			if _, ok := builtins.Doc(args[0]); ok {
				return usageErrorf("help: no command is named %q; the manual has it: tracelark doc %[1]s", args[0])
			}
			return usageErrorf("help: no command is named %q", strings.Join(args, " "))
		},
	})
	root.AddCommand(newRun(), newBatch(), newBatchWorker(), newTriage(), newMinimize(), newCluster(), newTest(), newCheck(), newREPL(), newBacktrace(), newTrace(), newDoc(), newVersion())
	return root
}

// A usageError says that the command line makes no sense.
type usageError struct{ error }

func usageErrorf(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// exitStatus prints the error of cmd and returns the exit status.
func exitStatus(cmd *cobra.Command, err error) int {
	if err == nil {
		return 0
	}
	ended, signaled := errors.AsType[*signalError](err)
	if exit, ok := errors.AsType[*script.ExitError](err); ok && !signaled {
		return exit.Code
	} else if ok {
		return 128 + int(ended.signal)
	}
	if errors.Is(err, script.ErrOutput) && errors.Is(err, unix.EPIPE) {
		return 128 + int(unix.SIGPIPE) // whoever read the output has had enough of it
	}
	if err == errTests || err == errCases || err == errProblems || err == errFound {
		return exitFailed
	}
	if usage, ok := errors.AsType[usageError](err); ok {
		fmt.Fprintf(os.Stderr, "tracelark: %s (see %s --help)\n", builtins.Escape(usage.Error(), false), cmd.CommandPath())
		return exitUsage
	}
	if failure, ok := errors.AsType[*script.Error](err); ok {
		fmt.Fprintln(os.Stderr, failure.Report)
	} else {
		fmt.Fprintf(os.Stderr, "tracelark: %s\n", builtins.Escape(err.Error(), false)) // as it may have names of files
	}
	if signaled {
		return 128 + int(ended.signal)
	}
	return exitFailed
}

//go:build linux && amd64

package main

import (
	"errors"
	"io/fs"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tracelark/tracelark/script"
)

func newBacktrace() *cobra.Command {
	var json bool
	cmd := &cobra.Command{
		Use:   "bt [--json] PID|CORE",
		Short: "Print the stacks of a process or core",
		Long: "Print the stacks of all threads of a process, which goes on afterwards, or of a\n" +
			"core. A number is a process ID; a core of that name is ./NUMBER.",
		Example: "  tracelark bt 4242\n  tracelark bt core.4242",
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usageErrorf("bt: no PID and no CORE")
			case len(args) > 1:
				return usageErrorf("bt: unexpected %q", args[1])
			case !isPID(args[0]) && missing(args[0]):
				return usageErrorf("bt: %q is no process ID, and no file", args[0])
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			target := "core(args[0])"
			if isPID(args[0]) {
				target = "attach(int(args[0]))"
			}
			show := "backtrace(" + target + ")"
			if json {
				show = "json.encode(stacks(" + target + "))"
			}
			return withSession(&script.Options{Args: args, Policy: everything}, reactions{}, func(s *script.Session) error {
				return said(s.RunCode("load('std/stack.star', 'backtrace', 'stacks')\nprint(" + show + ")"))
			})
		},
	}
	cmd.Flags().BoolVar(&json, "json", false, "print a list of threads as JSON")
	return cmd
}

// isPID reports whether text is a number, which bt takes for a process ID.
func isPID(text string) bool {
	_, err := strconv.ParseUint(text, 10, 31)
	return err == nil
}

// missing reports whether there is no file at path.
func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

//go:build linux && amd64

package main

import (
	"errors"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tracelark/tracelark/script"
)

func newRun() *cobra.Command {
	var code string
	var opts script.Options
	var allowed permissions
	cmd := &cobra.Command{
		Use:   "run [flags] SCRIPT [ARG...]",
		Short: "Run a script",
		Long: "Run a script. What follows SCRIPT, flags included, is the script's \"args\". After\n" +
			"-c CODE, arguments that start with a dash come after --.\n\n" +
			"The exit status is 0 if the script ends, 1 if it fails, 2 if the command line\n" +
			"is wrong, 128 plus its number for a signal, and else what the script gives to\n" +
			"exit.",
		Example: "  tracelark run crash.star ./a.out\n  tracelark run -c 'print(hex(42))'",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && !cmd.Flags().Changed("code") {
				return usageErrorf("run: no SCRIPT and no -c CODE")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.Policy = allowed.policy()
			if cmd.Flags().Changed("code") {
				opts.Args = args
				return withSession(&opts, reactions{}, func(s *script.Session) error { return s.RunCode(code) })
			}
			opts.Args = args[1:]
			return withSession(&opts, reactions{}, func(s *script.Session) error { return s.RunFile(args[0]) })
		},
	}
	cmd.Flags().SetInterspersed(false)
	cmd.Flags().StringVarP(&code, "code", "c", "", "run `CODE` instead of a SCRIPT")
	allowed.register(cmd)
	registerLimits(cmd, &opts, "script")
	cmd.Flags().Var((*seconds)(&opts.Deadline), "deadline", "end a script that takes `S` seconds (0: never)")
	return cmd
}

// seconds is a flag's value: a duration given as a number of seconds.
type seconds time.Duration

// maxSeconds is a little below the greatest time.Duration.
const maxSeconds = 1e9

func (s *seconds) String() string {
	return strconv.FormatFloat(time.Duration(*s).Seconds(), 'f', -1, 64)
}

func (s *seconds) Type() string { return "seconds" }

func (s *seconds) Set(text string) error {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !(f >= 0 && f <= maxSeconds) {
		return errors.New("want a number of seconds, 0 to 1e9")
	}
	*s = seconds(f * float64(time.Second))
	return nil
}

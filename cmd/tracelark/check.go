//go:build linux && amd64

package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tracelark/tracelark/script"
)

// errProblems is the end of a check that has found some, which were told.
var errProblems = errors.New("problems were found")

func newCheck() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check [--json] SCRIPT...",
		Short: "Look for mistakes in scripts without running them",
		Long: "Look for mistakes in scripts without running them: syntax, names that nothing\n" +
			"defines, modules that do not load or lack a name, names that are loaded and not\n" +
			"used, attributes that values do not have, arguments that functions do not take,\n" +
			"and statements that do nothing. What it cannot tell for sure it passes over.\n\n" +
			"The exit status is 0 if there are none, 1 if there are some, and 2 if the command\n" +
			"line is wrong or a script cannot be read.",
		Example: "  tracelark check crash.star",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageErrorf("check: no SCRIPT")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			all := []script.Problem{}
			for _, path := range args {
				problems, err := script.Check(path)
				if err != nil {
					return usageErrorf("check: %w", err)
				}
				all = append(all, problems...)
			}
			err := showProblems(cmd, all, asJSON)
			if err == nil && len(all) > 0 {
				err = errProblems
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a list of problems as JSON")
	return cmd
}

// showProblems prints problems, with the lines of source that they are in.
func showProblems(cmd *cobra.Command, problems []script.Problem, asJSON bool) error {
	if asJSON {
		text, err := json.Marshal(problems)
		if err == nil {
			_, err = fmt.Fprintln(cmd.OutOrStdout(), string(text))
		}
		return err
	}
	for i := range problems {
		if _, err := fmt.Fprintln(cmd.OutOrStdout(), &problems[i]); err != nil {
			return err
		}
	}
	return nil
}

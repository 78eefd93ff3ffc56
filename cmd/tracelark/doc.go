//go:build linux && amd64

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tracelark/tracelark/builtins"
	"github.com/tracelark/tracelark/tracer/image"
)

func newDoc() *cobra.Command {
	return &cobra.Command{
		Use:   "doc [NAME]",
		Short: "Print the manual",
		Long: "Print what the manual says of NAME: a function such as launch, a type such as\n" +
			"process, or a member such as process.read. Without NAME list what there is.",
		Example:           "  tracelark doc process.watch",
		ValidArgsFunction: cobra.FixedCompletions(builtins.Topics(), cobra.ShellCompDirectiveNoFileComp),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageErrorf("doc: unexpected %q", args[1])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			text, ok := builtins.Contents()+"\ntracelark doc NAME tells more.", true
			if len(args) > 0 {
				text, ok = builtins.Doc(args[0])
			}
			if !ok {
				err := fmt.Errorf("the manual has no %q", args[0])
				if near := image.Near(args[0], slices.Values(builtins.Topics())); len(near) > 0 {
					err = fmt.Errorf("%w (did you mean %s?)", err, strings.Join(near, " or "))
				}
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), text)
			return err
		},
	}
}

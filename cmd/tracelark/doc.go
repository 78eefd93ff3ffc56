//go:build linux && amd64

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tracelark/tracelark/builtins"
	"github.com/tracelark/tracelark/stdlib"
	"github.com/tracelark/tracelark/tracer/image"
)

func newDoc() *cobra.Command {
	var stub, asJSON bool
	cmd := &cobra.Command{
		Use:   "doc [--pyi|--json] [NAME]",
		Short: "Print the manual",
		Long: "Print what the manual says of NAME: a function such as launch, a type such as\n" +
			"process, a member such as process.read, a module such as std/heap, or what one has,\n" +
			"such as triage.run. Without NAME list what there is. With\n" +
			"--pyi, print all of it as a stub file, from which editors complete names and show\n" +
			"what they mean; with --json, NAME and its members, or all of it, as a list of entries.",
		Example: "  tracelark doc process.watch\n  tracelark doc --pyi >tracelark.pyi",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return documented(), cobra.ShellCompDirectiveNoFileComp
		},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageErrorf("doc: unexpected %q", args[1])
			}
			if stub && len(args) > 0 {
				return usageErrorf("doc: --pyi and %q", args[0])
			}
			if stub && asJSON {
				return usageErrorf("doc: --pyi and --json")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			text, ok := builtins.Contents()+"\nModules, which load(\"std/NAME.star\", ...) brings:\n\n"+modules()+"\ntracelark doc NAME tells more.", true
			switch {
			case stub:
				text = strings.TrimSuffix(builtins.Stub(), "\n")
			case len(args) > 0:
				if text, ok = builtins.Doc(args[0]); !ok && !asJSON {
					text, ok = stdlib.Doc(args[0])
				}
			}
			if asJSON && ok {
				out := json.NewEncoder(cmd.OutOrStdout())
				out.SetEscapeHTML(false)
				return out.Encode(builtins.Rows(strings.Join(args, "")))
			}
			if !ok {
				err := fmt.Errorf("the manual has no %q", args[0])
				near := image.Near(args[0], slices.Values(documented()))
				if _, member, ok := strings.Cut(args[0], "."); ok && len(near) == 0 { // of p.cont
					near = image.Near(member, slices.Values(builtins.Topics()))
				}
				if len(near) > 0 {
					err = fmt.Errorf("%w (did you mean %s?)", err, strings.Join(near, " or "))
				}
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), text)
			return err
		},
	}
	cmd.Flags().BoolVar(&stub, "pyi", false, "print the manual as a stub file for editors")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a list of entries as JSON")
	return cmd
}

// documented returns the names that there is a manual of: those of scripts, and modules.
func documented() []string { return append(builtins.Topics(), stdlib.Modules()...) }

// modules lists the modules, each with the first line about it.
func modules() string {
	var b strings.Builder
	for _, name := range stdlib.Modules() {
		text, _ := stdlib.Doc(name)
		_, about, _ := strings.Cut(text, "\n    ")
		about, _, _ = strings.Cut(about, "\n")
		fmt.Fprintf(&b, "%-20s %s\n", name, about)
	}
	return b.String()
}

//go:build linux && amd64

package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/tracelark/tracelark/builtins"
	"github.com/tracelark/tracelark/script"
)

// everything is the policy of commands that take no flags for it.
var everything = script.Policy{Allow: script.MayAll}

// permissions are the flags that say what a script may do: everything, unless
// --allow names what it may or --deny what it may not.
type permissions struct {
	allow, deny permissionSet
	roots       []string
}

func (p *permissions) register(cmd *cobra.Command) {
	const names = "launch, attach, write, fs, env, syscall or all"
	cmd.Flags().Var(&p.allow, "allow", "let the script do `WHAT` and nothing else: "+names)
	cmd.Flags().Var(&p.deny, "deny", "do not let the script do `WHAT`: "+names+" (tracelark doc permissions)")
	cmd.Flags().StringArrayVar(&p.roots, "root", nil, "let the script use files below `DIR` alone; may be repeated")
}

// policy returns what the flags say.
func (p *permissions) policy() script.Policy {
	policy := script.Policy{Allow: script.MayAll, Roots: p.roots}
	if p.allow.given {
		policy.Allow = p.allow.Permission
	}
	policy.Allow &^= p.deny.Permission
	return policy
}

// A permissionSet is a flag's value: names with commas between them. Those of several
// flags add up.
type permissionSet struct {
	script.Permission
	given bool
}

func (s *permissionSet) Type() string { return "permissions" }

func (s *permissionSet) Set(text string) error {
	s.given = true
	for name := range strings.SplitSeq(text, ",") {
		p, err := builtins.ParsePermission(strings.TrimSpace(name))
		if err != nil {
			return err
		}
		s.Permission |= p
	}
	return nil
}

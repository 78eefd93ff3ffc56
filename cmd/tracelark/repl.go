//go:build linux && amd64

package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tracelark/tracelark/script"
)

func newREPL() *cobra.Command {
	var pid int
	var opts script.Options
	cmd := &cobra.Command{
		Use:   "repl [-p PID | CORE | PROG | -- PROG [ARG...]]",
		Short: "Type statements and see their values",
		Long: "Read statements from the terminal, or from what standard input is, and show the\n" +
			"values of expressions. The process that is attached to or launched, or the core\n" +
			"that is opened, is \"p\".",
		Example: "  tracelark repl -p 4242\n  tracelark repl core.4242\n  tracelark repl ./a.out\n  tracelark repl -- ./a.out in.txt",
		Args: func(cmd *cobra.Command, args []string) error {
			dash := cmd.ArgsLenAtDash()
			switch {
			case dash > 0 || dash < 0 && len(args) > 1:
				return usageErrorf("repl: unexpected %q; a program to launch comes after --", args[len(args)-1])
			case len(args) > 0 && cmd.Flags().Changed("pid"):
				return usageErrorf("repl: both -p and a program to launch or a core")
			case dash == 0 && len(args) == 0:
				return usageErrorf("repl: no program after --")
			case cmd.Flags().Changed("pid") && pid <= 0:
				return usageErrorf("repl: %d is no process ID", pid)
			case dash < 0 && len(args) == 1 && missing(args[0]) && isPID(args[0]):
				return usageErrorf("repl: no file is named %s; to attach to a process: tracelark repl -p %[1]s", args[0])
			case dash < 0 && len(args) == 1 && missing(args[0]):
				return usageErrorf("repl: no file is named %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.Args = args
			switch {
			case pid != 0:
				return repl(&opts, fmt.Sprintf("p = attach(%d)", pid))
			case len(args) > 0 && cmd.ArgsLenAtDash() < 0 && !isProgram(args[0]):
				return repl(&opts, "p = core(args[0])")
			case len(args) > 0:
				return repl(&opts, "p = launch(args)")
			}
			return repl(&opts)
		},
	}
	cmd.Flags().IntVarP(&pid, "pid", "p", 0, "attach to process `PID`")
	registerLimits(cmd, &opts, "line")
	return cmd
}

// isProgram reports whether the file at path is an ELF file that is no core.
func isProgram(path string) bool {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() { // a FIFO would block
		return false
	}
	f, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return f.Type == elf.ET_EXEC || f.Type == elf.ET_DYN
}

// repl runs the lines of first, and then the REPL on standard input.
func repl(opts *script.Options, first ...string) error {
	opts.Policy = everything
	opts.History, opts.Init = userFile("XDG_STATE_HOME", ".local/state", "history"), userFile("XDG_CONFIG_HOME", ".config", "init.star")
	return withSession(opts, reactions{interrupt: (*script.Session).Interrupt}, func(s *script.Session) error {
		return said(s.REPL(os.Stdin, first...))
	})
}

// said returns the error of code that the user has not typed: no place in it helps.
func said(err error) error {
	if failure, ok := errors.AsType[*script.Error](err); ok {
		return errors.New(failure.Msg)
	}
	return err
}

// userFile returns the path of one of the user's files for us, in the directory that a
// variable names, or else in one of the home directory (XDG Base Directory
// Specification), or "" if there is no place for it.
func userFile(variable, dir, name string) string {
	base := os.Getenv(variable)
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		base = filepath.Join(home, dir)
	}
	return filepath.Join(base, "tracelark", name)
}

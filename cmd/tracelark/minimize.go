//go:build linux && amd64

package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chzyer/readline"
	"github.com/spf13/cobra"

	"github.com/tracelark/tracelark/script"
)

func newMinimize() *cobra.Command {
	var c campaign
	var timeout, budget time.Duration
	var jobs uint16
	var runs, votes uint32
	var out string
	var asJSON, quiet bool
	cmd := &cobra.Command{
		Use:   "minimize [flags] CASE -- PROG [ARG...]",
		Short: "Make an input smaller that crashes a program",
		Long: "Remove from an input, and then overwrite with plain bytes, what the crash does not\n" +
			"need: the outcome, the class and the key of the crash stay. Hangs and what runs out\n" +
			"of memory are kept likewise. ARG is as in tracelark triage. Where the crash does not\n" +
			"come each time, most of --votes runs decide. The result does not depend on -j.\n\n" +
			"The exit status is 0, 1 if the input does not crash the program, 2 if the command\n" +
			"line is wrong, and 128 plus its number for a signal, before which the best so far\n" +
			"is written.",
		Example: "  tracelark minimize -o small crashes/id:000000 -- ./parse @@",
		RunE: func(cmd *cobra.Command, args []string) error {
			n := cmd.ArgsLenAtDash()
			if n != 1 || len(args) < 2 {
				return usageErrorf("minimize: want a CASE, and a PROG behind --")
			}
			if err := c.settle(cmd, args[1:], timeout); err != nil {
				return err
			}
			batch, err := c.batch(1)
			if err != nil {
				return err
			}
			batch.Worker, batch.Jobs = []string{"/proc/self/exe", batchWorker}, int(jobs)
			if out == "" {
				out = args[0] + ".min"
			}
			_, missing := os.Lstat(out)
			f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE, 0o666)
			if err != nil {
				return err // before the work, not after it
			}
			f.Close()
			if missing != nil {
				os.Remove(out) // there may be no result
			}
			quit := make(chan struct{})
			stop := sync.OnceFunc(func() { close(quit) })
			return withSignals(stop, func() error {
				start := time.Now()
				o := &script.MinimizeOptions{BatchOptions: *batch, Key: c.Key, Votes: int(votes), Budget: budget, Runs: int(runs)}
				done := func() {}
				if !quiet {
					done = showSizes(os.Stderr, o)
				}
				m, err := script.Minimize(o, args[0], quit)
				done()
				if err != nil {
					return fmt.Errorf("minimize %s: %w", args[0], err)
				}
				if err := os.WriteFile(out, m.Data, 0o666); err != nil {
					return err
				}
				took := time.Since(start).Seconds()
				if asJSON {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{
						"case": args[0], "out": out, "size": len(m.Data), "was": m.Was, "outcome": m.Outcome, "name": m.Name,
						"key": m.Key, "runs": m.Runs, "votes": m.Votes, "finished": !m.Over, "seconds": took,
					})
				}
				over := ""
				if m.Over {
					over = ", cut short"
				}
				what := strings.TrimSpace(m.Outcome + " " + printable(cmp.Or(m.Name, m.Key)))
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d bytes of %d, %s, after %d runs in %.1f s%s\n",
					printable(out), len(m.Data), m.Was, what, m.Runs, took, over)
				return err
			})
		},
	}
	c.register(cmd, &timeout)
	cmd.Flags().Uint16VarP(&jobs, "jobs", "j", 0, "try `N` inputs at a time (0: one a CPU)")
	cmd.Flags().StringVarP(&out, "out", "o", "", "write the result to `FILE` (CASE.min unless told)")
	cmd.Flags().Var((*seconds)(&budget), "budget", "end after `S` seconds with the best so far (0: never)")
	cmd.Flags().Uint32Var(&runs, "max-runs", 0, "end after `N` runs of the program (0: never)")
	cmd.Flags().Uint32Var(&votes, "votes", 5, "have most of `N` runs decide where the crash does not come each time")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "show no progress")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return cmd
}

// showSizes shows on f how small the input is by now, until the function that it returns is
// called: on a terminal as a line that changes, else as one every now and then.
func showSizes(f *os.File, o *script.MinimizeOptions) (done func()) {
	const wipe = "\r\x1b[K"
	var size, runs atomic.Int64
	o.Progress = func(s, r int) {
		size.Store(int64(s))
		runs.Store(int64(r))
	}
	terminal := readline.IsTerminal(int(f.Fd()))
	each, format := lineEach, "%d bytes after %d runs\n"
	if terminal {
		each, format = barEach, wipe+"%d bytes after %d runs"
	}
	stop := repeat(each, func() { fmt.Fprintf(f, format, size.Load(), runs.Load()) })
	return func() {
		stop()
		if terminal {
			fmt.Fprint(f, wipe)
		}
	}
}

//go:build linux && amd64

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tracelark/tracelark/script"
)

// errCases is the end of a batch in which cases failed. What they were was told.
var errCases = errors.New("cases failed")

// batchWorker is the name of the command that a worker is.
const batchWorker = "batch-worker"

// newBatchWorker returns the command that batches start as their workers.
func newBatchWorker() *cobra.Command {
	return &cobra.Command{
		Use:    batchWorker,
		Short:  "Look at the cases of a batch, which starts this itself",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(*cobra.Command, []string) error { return script.BatchWorker() },
	}
}

// batchFlags are the flags of what runs as a batch.
type batchFlags struct {
	jobs    uint16
	memory  uint32
	quiet   bool
	json    bool
	verbose bool

	progress *progress
}

func (f *batchFlags) register(cmd *cobra.Command, opts *script.BatchOptions) {
	cmd.Flags().Uint16VarP(&f.jobs, "jobs", "j", 0, "look at `N` cases at a time (0: one a CPU)")
	cmd.Flags().Uint32Var(&f.memory, "memory", 4096, "end a worker that takes `MB` of memory (0: never)")
	cmd.Flags().StringVarP(&opts.Dir, "out", "o", "", "keep the results in `DIR`, and go on from those that it holds")
	cmd.Flags().BoolVar(&opts.Restart, "restart", false, "begin anew, whatever the folder of -o holds")
	cmd.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "show no progress")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON document instead of lines")
}

// open makes a batch of cases, which the caller closes.
func (f *batchFlags) open(opts *script.BatchOptions, paths []string) (*script.Batch, error) {
	opts.Jobs, opts.Memory = int(f.jobs), int64(f.memory)<<20
	// It stays the same program, whatever becomes of its file.
	opts.Worker = []string{"/proc/self/exe", batchWorker}
	f.progress = newProgress(os.Stderr, f.quiet)
	opts.Stderr = progressWriter{f.progress, os.Stderr}
	if f.verbose {
		opts.Targets = opts.Stderr
	}
	cases, err := script.FindCases(paths, os.Stdin, opts.Dir)
	if err != nil {
		return nil, err
	}
	if len(cases) == 0 {
		return nil, usageErrorf("no cases in %s", strings.Join(paths, " "))
	}
	return script.NewBatch(opts, cases)
}

// run runs a batch. out gets its lines, and then is called at the end.
func (f *batchFlags) run(b *script.Batch, out io.Writer, then func() error) error {
	return withSignals(b.Quit, func() error {
		f.progress.start(b)
		err := b.Run(func(line []byte) error {
			if _, err := out.Write(line); err != nil {
				return fmt.Errorf("%w: %w", script.ErrOutput, err)
			}
			return nil
		})
		f.progress.end()
		if err == nil {
			err = then()
		}
		if err == nil && b.Status().Errors > 0 {
			err = errCases
		}
		return err
	})
}

// A document makes one JSON document of the lines of a batch.
type document struct {
	w       io.Writer
	lines   int
	summary []byte // or nil
}

func (d *document) Write(line []byte) (int, error) {
	before := ",\n"
	if d.lines++; d.lines == 1 {
		before = "{\"results\": [\n"
	}
	if _, err := io.WriteString(d.w, before+strings.TrimSuffix(string(line), "\n")); err != nil {
		return 0, err
	}
	return len(line), nil
}

// end ends a document that was begun.
func (d *document) end() (err error) {
	if d.lines > 0 {
		_, err = fmt.Fprintf(d.w, "\n], \"summary\": %s}\n", cmp.Or(string(d.summary), "null"))
	}
	return err
}

func newBatch() *cobra.Command {
	var opts script.BatchOptions
	var flags batchFlags
	var allowed permissions
	opts.Timeout = 60 * time.Second
	cmd := &cobra.Command{
		Use:   "batch [flags] SCRIPT CASE... [-- ARG...]",
		Short: "Call a script's function for each of many inputs",
		Long: "Call the function case(c) of a script for every case, several at a time, and print\n" +
			"the dict that it returns as a line of JSON, in the order of the cases. c.path,\n" +
			"c.name, c.index and c.data are what there is to know of a case (tracelark doc\n" +
			"case). The script's setup(), if it has one, is called once in every worker, and\n" +
			"what it returns is c.state; summary(results) is called at the end, with a sequence\n" +
			"of the dicts. What follows -- is the script's \"args\".\n\n" +
			"A CASE is a file, a folder with all below it, a folder of AFL++, libFuzzer or\n" +
			"honggfuzz, whose finds count, or - for a list of them on standard input. What a\n" +
			"case has launched ends with it. A case that fails, takes longer than --timeout or\n" +
			"ends its worker is a line with \"error\". What cases print goes to standard error.\n\n" +
			"With -o DIR, a run that was cut off goes on where it was, and DIR/results.jsonl has\n" +
			"the lines.\n\n" +
			"The exit status is 0 if all cases gave a result, 1 if one failed or the script\n" +
			"does, 2 if the command line is wrong, 128 plus its number for a signal, and else\n" +
			"what summary gives to exit.",
		Example: "  tracelark batch classify.star -o out corpus/\n  find . -name '*.png' | tracelark batch -j 4 size.star -",
		RunE: func(cmd *cobra.Command, args []string) error {
			if n := cmd.ArgsLenAtDash(); n >= 0 {
				args, opts.Args = args[:n], args[n:]
			}
			if len(args) < 2 {
				return usageErrorf("batch: no SCRIPT and CASE")
			}
			opts.Script, opts.Policy, opts.Lines = args[0], allowed.policy(), "results.jsonl"
			stdout, printed := cmd.OutOrStdout(), cmd.OutOrStdout()
			out, doc := stdout, &document{w: stdout}
			if flags.json {
				out, printed = doc, os.Stderr
			}
			b, err := flags.open(&opts, args[1:])
			if err != nil {
				return err
			}
			defer b.Close()
			err = flags.run(b, progressWriter{flags.progress, out}, func() (err error) {
				doc.summary, err = b.Summary(&script.Options{Stdout: printed})
				if err == nil && doc.summary != nil && !flags.json {
					_, err = fmt.Fprintf(stdout, "{\"summary\": %s}\n", doc.summary)
				}
				return err
			})
			return cmp.Or(err, doc.end())
		},
	}
	flags.register(cmd, &opts)
	cmd.Flags().BoolVarP(&flags.verbose, "verbose", "v", false, "show what targets print, on standard error")
	cmd.Flags().Var((*seconds)(&opts.Timeout), "timeout", "end a case that takes `S` seconds (0: never)")
	allowed.register(cmd)
	cmd.Flags().Uint64Var(&opts.Steps, "steps", 0, "end a case that takes `N` interpreter steps (0: never)")
	return cmd
}

//go:build linux && amd64

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/builtins"
	"github.com/tracelark/tracelark/script"
	"github.com/tracelark/tracelark/script/report"
	"github.com/tracelark/tracelark/tracer/triage"
)

// errFound is the end of a triage that has found what --fail-on names.
var errFound = errors.New("crashes were found")

// A campaign is the settings of std/campaign.star.
type campaign struct {
	Argv         []string `json:"argv"`  // nil is what the folders of cases tell
	Build        string   `json:"build"` // tells apart what the program was when it was run; "" if that is not known
	Timeout      float64  `json:"timeout"`
	Memory       int64    `json:"memory"`
	Mode         string   `json:"mode"`
	At           string   `json:"at"`
	Runs         uint32   `json:"runs"`
	Key          string   `json:"key"`
	Arg          any      `json:"arg"`  // number of an argument, true for the last, or nil
	Env          any      `json:"env"`  // name of a variable, or nil
	Port         any      `json:"port"` // number, or nil
	Settle       float64  `json:"settle"`
	NearNull     uint64   `json:"near_null"`
	Ignore       []string `json:"ignore"`
	IgnoreFiles  []string `json:"ignore_files"`
	IgnoreImages []string `json:"ignore_images"`

	network bool // each worker has its own, in which the port is free
}

// register adds the flags that say how a program is run on an input.
func (c *campaign) register(cmd *cobra.Command, timeout *time.Duration) {
	*timeout = 10 * time.Second
	cmd.Flags().Var((*seconds)(timeout), "timeout", "a run that takes `S` seconds is a hang")
	cmd.Flags().Int64Var(&c.Memory, "rss", 2048, "a run that has `MB` in RAM is out of memory")
	cmd.Flags().StringVar(&c.Mode, "mode", "auto", "launch the program for each case (exec), copy it at main (snapshot), or that where it can be (auto)")
	cmd.Flags().StringVar(&c.At, "at", "main", "take the snapshot at `LOCATION`")
	cmd.Flags().StringVar(&c.Key, "key", "function", "tell crashes apart by `KEY`: exact, offset, line, function, top or crash_line")
	cmd.Flags().Uint64Var(&c.NearNull, "near-null", 0x10000, "addresses below `ADDR` are near the null pointer")
	cmd.Flags().StringArrayVar(&c.Ignore, "ignore", []string{}, "leave functions that match `REGEXP` out of stacks; may be repeated")
	cmd.Flags().StringArrayVar(&c.IgnoreFiles, "ignore-file", []string{}, "the same for source files")
	cmd.Flags().StringArrayVar(&c.IgnoreImages, "ignore-image", []string{}, "the same for programs and libraries")
	cmd.Flags().Int("argument", 0, "give the input as argument `N` of the program, not as a file or standard input")
	cmd.Flags().String("variable", "", "give the input as the variable `NAME`")
	cmd.Flags().Uint16("port", 0, "send the input to TCP port `N` of the loopback interface, in a network of its own; where that is not allowed, one case at a time")
	cmd.Flags().Float64Var(&c.Settle, "settle", 1, "a server may be about a case for `S` seconds after its answer, and children after the program's exit, unless all wait by then")
}

// settle takes in the program and the flags, and checks them.
func (c *campaign) settle(cmd *cobra.Command, argv []string, timeout time.Duration) error {
	c.Argv, c.Build, c.Timeout = argv, script.BuildOf(argv), timeout.Seconds()
	if c.Memory < 0 || c.Memory > math.MaxInt64>>20 {
		return usageErrorf("%s: --rss is %d, want MB", cmd.Name(), c.Memory)
	}
	c.Memory <<= 20
	if timeout == 0 {
		return usageErrorf("%s: --timeout is 0, and a hang would never end", cmd.Name())
	}
	switch c.Mode {
	case "auto", "exec", "snapshot":
	default:
		return usageErrorf("%s: --mode is %q, want auto, exec or snapshot", cmd.Name(), c.Mode)
	}
	if c.NearNull == 0 {
		return usageErrorf("%s: --near-null is 0, want 1 or more, which is the null pointer alone", cmd.Name())
	}
	if !(c.Settle >= 0 && c.Settle <= maxSeconds) {
		return usageErrorf("%s: --settle is %g, want seconds", cmd.Name(), c.Settle)
	}
	if _, ok := new(triage.Keys).Get(c.Key); !ok {
		return usageErrorf("%s: --key is %q, want exact, offset, line, function, top or crash_line", cmd.Name(), c.Key)
	}
	for flag, list := range map[string][]string{"ignore": c.Ignore, "ignore-file": c.IgnoreFiles, "ignore-image": c.IgnoreImages} {
		for _, expr := range list {
			if _, err := regexp.Compile(expr); err != nil {
				return usageErrorf("%s: --%s is %q, want a regular expression: %w", cmd.Name(), flag, expr, err)
			}
			if expr == "" {
				return usageErrorf("%s: --%s is empty", cmd.Name(), flag)
			}
		}
	}
	var ways []string
	for _, flag := range []string{"argument", "variable", "port"} {
		if cmd.Flags().Changed(flag) {
			ways = append(ways, "--"+flag)
		}
	}
	if len(ways) > 1 {
		return usageErrorf("%s: %s are different ways to give the input, want one", cmd.Name(), strings.Join(ways, " and "))
	}
	if n, _ := cmd.Flags().GetInt("argument"); n > 0 {
		c.Arg = n
	} else if cmd.Flags().Changed("argument") {
		return usageErrorf("%s: --argument is %d, want 1 or more", cmd.Name(), n)
	}
	if port, _ := cmd.Flags().GetUint16("port"); port == 0 && cmd.Flags().Changed("port") {
		return usageErrorf("%s: --port is 0, want 1 to 65535", cmd.Name())
	} else if port != 0 {
		c.Port = port
		if err := script.CanIsolate("/proc/self/exe", "version"); err != nil {
			fmt.Fprintf(os.Stderr, "there can be no network of its own for each worker (%v): one case at a time\n", err)
			cmd.Flags().Set("jobs", "1")
		} else {
			c.network = true
		}
	}
	if name, _ := cmd.Flags().GetString("variable"); name != "" && !strings.Contains(name, "=") {
		c.Env = name
	} else if cmd.Flags().Changed("variable") {
		return usageErrorf("%s: --variable is %q, want the name of a variable", cmd.Name(), name)
	}
	return nil
}

// batch returns the options of a batch that runs the program on cases, each runs times
// at most, and then the other way, and both ways once more where they differ.
func (c *campaign) batch(runs uint) (*script.BatchOptions, error) {
	settings, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	// What else a case takes: launching, stacks, symbols for the first time.
	limit := time.Duration(min((2*c.Timeout+30)*float64(runs)+3*c.Timeout, maxSeconds) * float64(time.Second))
	return &script.BatchOptions{
		Script: "campaign.star", Std: true,
		Args: []string{string(settings)}, Policy: everything, Timeout: limit, Network: c.network,
	}, nil
}

// explain runs the best case of each cluster of crashes again, and adds to the clusters
// what led to the crash.
func (c *campaign) explain(r *report.Report) error {
	var clusters []*report.Cluster
	var cases []script.Case
	for _, cluster := range r.Clusters.Clusters {
		if cluster.Best.Outcome == "crash" {
			clusters = append(clusters, cluster)
			cases = append(cases, script.Case{Path: cluster.Best.Case, Argv: cluster.Best.Argv})
		}
	}
	batch, err := c.batch(8) // once, and for each writer
	if err != nil {
		return err
	}
	batch.Script, batch.Worker = "explanation.star", []string{"/proc/self/exe", batchWorker}
	b, err := script.NewBatch(batch, cases)
	if err != nil {
		return err
	}
	defer b.Close()
	return withSignals(b.Quit, func() error {
		return b.Run(func(line []byte) error {
			var result struct{ Text, Error string }
			err := json.Unmarshal(line, &result)
			if result.Error != "" {
				result.Text = "It could not be found out: " + result.Error
			}
			clusters[0].Led = result.Text
			clusters = clusters[1:]
			return err
		})
	})
}

func newTriage() *cobra.Command {
	var opts script.BatchOptions
	var flags batchFlags
	var c campaign
	var timeout time.Duration
	var distance float64
	var failOn string
	var explain bool
	cmd := &cobra.Command{
		Use:   "triage [flags] CASE... [-- PROG [ARG...]]",
		Short: "Say what crashes a program, and which crashes are alike",
		Long: "Run a program on every case, and say of each whether it crashes, hangs, runs out of\n" +
			"memory or exits, what the crash is and why, and which crashes are one bug. An ARG\n" +
			"with @@ in it gets the path of a copy of the input, in a folder for that alone;\n" +
			"without one the program gets it on standard input. The file has no extension; for a\n" +
			"program that goes by it, such as gcc, let a shell make one:\n" +
			"sh -c 'ln $0 $0.c; exec gcc -c $0.c' @@.\n" +
			"Without PROG, the command that a folder of AFL++ tells is run.\n" +
			"Cases are those of tracelark batch; one that is a core is looked at as it is.\n\n" +
			"With -o DIR it leaves cases.jsonl, clusters.json, index.html, report.md, report.sarif,\n" +
			"junit.xml and a .casrep for each cluster, and goes on from what is there,\n" +
			"if the program is still the same.\n\n" +
			"The exit status is 0 if all cases were looked at, 1 if some could not be or if\n" +
			"--fail-on was met, 2 if the command line is wrong, and 128 plus its number for a\n" +
			"signal.",
		Example: "  tracelark triage -o out afl/out -- ./parse -v @@\n  tracelark triage --runs 5 -j 4 -o out crashes/ -- ./server --stdin",
		RunE: func(cmd *cobra.Command, args []string) error {
			var argv []string
			if n := cmd.ArgsLenAtDash(); n >= 0 {
				if args, argv = args[:n], args[n:]; len(argv) == 0 {
					return usageErrorf("triage: no program after --")
				}
			}
			if len(args) == 0 {
				return usageErrorf("triage: no CASE")
			}
			if err := c.settle(cmd, argv, timeout); err != nil {
				return err
			}
			if !(distance >= 0 && distance <= 1) {
				return usageErrorf("triage: --distance is %v, want 0 to 1", distance)
			}
			least, ok := failOns[failOn]
			if !ok {
				return usageErrorf("triage: --fail-on is %q, want never, any, probably or exploitable", failOn)
			}
			if explain && (c.Arg != nil || c.Env != nil || c.Port != nil) {
				return usageErrorf("triage: --explain is for inputs in files and on standard input")
			}
			batch, err := c.batch(1 + 3*uint(c.Runs))
			if err != nil {
				return err
			}
			batch.Dir, batch.Restart = opts.Dir, opts.Restart
			b, err := flags.open(batch, args)
			if err != nil {
				return err
			}
			defer b.Close()
			r := &report.Report{Title: "tracelark triage", Lines: b.Line}
			r.Delivery.Argument, _ = c.Arg.(int)
			r.Delivery.Variable, _ = c.Env.(string)
			if port, ok := c.Port.(uint16); ok {
				r.Delivery.Port = int(port)
			}
			if argv != nil {
				r.Title += " of " + filepath.Base(argv[0])
			}
			stdout := cmd.OutOrStdout()
			finish := func(explain, space bool) error {
				if err := r.Cluster(distance); err != nil {
					return err
				}
				var err error
				if explain {
					err = c.explain(r)
				}
				if opts.Dir != "" && space {
					err = errors.Join(err, r.Write(opts.Dir))
				}
				return errors.Join(err, printClusters(stdout, r, flags.json, opts.Dir == ""))
			}
			err = flags.run(b, adder{r}, func() error { return nil })
			if len(r.Cases) > 0 {
				if failed := finish(explain && (err == nil || errors.Is(err, errCases)), !errors.Is(err, unix.ENOSPC)); failed != nil {
					err = errors.Join(err, failed)
				}
			}
			if errors.Is(err, errCases) {
				tellFailed(r)
			} else if err == nil {
				err = tellRefused(r)
			}
			for _, cluster := range r.Clusters.Clusters {
				if err == nil && cluster.Severity.Rank() <= least {
					err = errFound
				}
			}
			return err
		},
	}
	flags.register(cmd, &opts)
	c.register(cmd, &timeout)
	cmd.Flags().Uint32Var(&c.Runs, "runs", 0, "look at each crash `N` times more, with and without random addresses, and at what exits until it crashes")
	cmd.Flags().BoolVar(&explain, "explain", false, "run the best case of each cluster again, and say who wrote the value that led to the crash")
	cmd.Flags().Float64Var(&distance, "distance", 0.3, "crashes whose stacks are less than `D` apart, from 0 to 1, are alike")
	cmd.Flags().StringVar(&failOn, "fail-on", "never", "exit with 1 for a cluster that is at least `THIS`: any, probably or exploitable")
	return cmd
}

// tellFailed says why the first of the cases that failed did so, whose lines are not
// printed. Often all have the same reason.
func tellFailed(r *report.Report) {
	for _, c := range r.Cases {
		if c.Outcome == "" {
			fmt.Fprintf(os.Stderr, "%d failed, the first of them %s\n", r.Outcomes()["error"], builtins.Escape(c.Case+": "+strings.TrimPrefix(c.Error, "fail: "), false))
			return
		}
	}
}

// tellRefused says how all cases end if that is in the same way and is no success: then it
// is more likely that the program cannot be run like this than that no input crashes it.
func tellRefused(r *report.Report) error {
	if len(r.Cases) == 0 || r.Outcomes()["exit"] < len(r.Cases) {
		return nil
	}
	var first report.Case
	for i := range r.Cases {
		text, err := r.Lines(i)
		if err != nil {
			return err
		}
		var c report.Case
		if err := json.Unmarshal(text, &c); err != nil {
			return err
		}
		if i == 0 {
			first = c
		}
		if how := script.EndOf(c.ExitCode, c.Signal, ""); how == "" || how != script.EndOf(first.ExitCode, first.Signal, "") {
			return nil
		}
	}
	how := script.EndOf(first.ExitCode, first.Signal, first.Stderr)
	fmt.Fprintf(os.Stderr, "all cases end alike: for %s the program %s\n", builtins.Escape(first.Case, false), builtins.Escape(how, false))
	return nil
}

// failOns are the values of --fail-on, and the ranks of severities up to which they hold.
var failOns = map[string]int{
	"never": -1, "exploitable": triage.Exploitable.Rank(), "probably": triage.ProbablyExploitable.Rank(), "any": triage.Undefined.Rank(),
}

// An adder adds the lines that it gets to a report.
type adder struct{ r *report.Report }

func (a adder) Write(line []byte) (int, error) { return len(line), a.r.Add(line) }

// printClusters prints what a triage has found: a line for each cluster, or the
// contents of clusters.json. With all it prints what led to the crashes too, if that is
// known.
func printClusters(w io.Writer, r *report.Report, asJSON, all bool) error {
	if asJSON {
		text, err := r.JSON()
		if err == nil {
			_, err = w.Write(text)
		}
		return err
	}
	var b strings.Builder
	for _, c := range r.Clusters.Clusters {
		where := "?"
		if len(c.Stack) > 0 {
			where = c.Stack[0]
		}
		fmt.Fprintf(&b, "%4d  %-20s %-28s %5d cases %5d stacks  %s\n", c.ID, c.Severity, c.Name, c.Size, c.Unique, where)
	}
	fmt.Fprintf(&b, "%d clusters\n", len(r.Clusters.Clusters))
	for _, c := range r.Clusters.Clusters {
		if all && c.Led != "" {
			fmt.Fprintf(&b, "\n%d. %s\n", c.ID, strings.TrimSuffix(c.Led, "\n"))
		}
	}
	_, err := io.WriteString(w, builtins.Escape(b.String(), false))
	return err
}

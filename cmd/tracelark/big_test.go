package main

import (
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// The benchmarks measure what a user waits for, from the start of a debugger to the end of
// it, in programs that take minutes to build the first time.

const (
	bigUnits   = 140 // make testdata/big a program of 257 MB
	bigGoUnits = 240 // make testdata/biggo one of 63 MB, or 94 MB where the debug information is not compressed
)

// BenchmarkFirstStop measures the first stop in a large program.
func BenchmarkFirstStop(b *testing.B) {
	firstStops(b, tracertest.BuildUnits(b, "testdata/big", bigUnits), []breakpoint{
		{"function", "big::bottom", "big::bottom"},
		{"line", "main.cc:12", "big::bottom"},
		{"inlined", "big::Store<28>::notify", `big::Store<28>::(notify|insert\(int\) \[inlined\])`}, // lldb names the function around it
	})
}

// BenchmarkFirstStopGo measures it in a large program of Go.
func BenchmarkFirstStopGo(b *testing.B) {
	b.Setenv("GODEBUG", "asyncpreemptoff=1") // lldb stops at the signals of that
	for _, compressed := range []bool{true, false} {
		b.Run(fmt.Sprintf("compressed=%v", compressed), func(b *testing.B) {
			program := tracertest.BuildGoUnits(b, "testdata/biggo", bigGoUnits, fmt.Sprintf("-ldflags=-compressdwarf=%v", compressed))
			firstStops(b, program, []breakpoint{
				{"function", "main.bottom", "main.bottom"},
				{"line", "main.go:10", "main.bottom"},
			})
		})
	}
}

// A breakpoint is where a debugger is told to stop, and what it then names.
type breakpoint struct{ name, loc, want string }

// firstStops runs a program up to each of the breakpoints.
func firstStops(b *testing.B, program string, stops []breakpoint) {
	for _, where := range stops {
		frame := "#0:? .*" + where.want // as each of the debuggers writes it
		code := fmt.Sprintf("p = launch([%q]); p.breakpoint(%q); print(p.cont().frame)", program, where.loc)
		beside(b, where.name, []contender{
			{"", built(b), []string{"run", "-c", code}, frame},
			{"gdb-", "gdb", []string{"-nx", "-batch", "-ex", "break " + where.loc, "-ex", "run", "-ex", "bt 1", program}, frame},
			{"lldb-", "lldb", []string{"-b", "-o", "b " + where.loc, "-o", "run", "-o", "bt 1", program}, frame},
			{"alone-", program, nil, ""}, // to its end, which is behind the stop
		})
	}
}

// BenchmarkCoreStacks measures the stacks of all threads of a core, of which there are 51,
// with 43 frames and more each.
func BenchmarkCoreStacks(b *testing.B) {
	program := tracertest.Build(b, "../../tracer/testdata/cores.c")
	core := tracertest.Core(b, program, "50")
	const deepest = `#4[23].*\bthread\b`
	beside(b, "bt", []contender{
		{"", built(b), []string{"bt", core}, deepest},
		{"gdb-", "gdb", []string{"-nx", "-batch", "-ex", "thread apply all bt", program, core}, deepest},
		{"lldb-", "lldb", []string{"-b", "-c", core, "-o", "bt all", program}, deepest},
	})
}

// BenchmarkStacks measures stacks of 147 frames in as many units as there are pairs of
// them, 47 of them inlined, after the first: their names and lines, and those written with
// arguments. tracelark takes 999, and gdb, which is slower, 50. What the stacks alone take
// of a CPU is what a run takes more of it than one that asks for no more than the first.
func BenchmarkStacks(b *testing.B) {
	program := tracertest.BuildUnits(b, "testdata/big", bigUnits)
	const script = `
p = launch([%q])
p.breakpoint("big::bottom")
p.cont()
shown = lambda: [%s for f in p.frames]
frames = len(shown())
took = 0
for i in range(999):
    p.cont()
    if %d:
        start = time.now()
        shown()
        took += (time.now() - start).seconds
print("stack", frames, took / 999)
`
	run := func(name string, args ...string) (frames int, seconds float64, cpu time.Duration) {
		cmd := exec.Command(tracertest.Tool(b, name), args...)
		out, err := cmd.CombinedOutput()
		_, printed, _ := strings.Cut(string(out), "stack ")
		if _, scanErr := fmt.Sscan(printed, &frames, &seconds); err != nil || scanErr != nil {
			b.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
		return frames, seconds, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	command := built(b)
	for _, what := range []struct{ name, frame, arguments string }{
		{"lines", "(f.function, f.file, f.line)", "none"},
		{"arguments", "str(f)", "scalars"},
	} {
		b.Run(what.name, func(b *testing.B) {
			wall, gdb := math.Inf(1), math.Inf(1)
			with, without := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
			var frames int
			for b.Loop() {
				for range 3 {
					n, seconds, cpu := run(command, "run", "-c", fmt.Sprintf(script, program, what.frame, 1))
					frames, wall, with = n, min(wall, seconds), min(with, cpu)
					_, _, cpu = run(command, "run", "-c", fmt.Sprintf(script, program, what.frame, 0))
					without = min(without, cpu)
					if n, seconds, _ = run("gdb", "-nx", "-batch", "-ex", "set print frame-arguments "+what.arguments, "-x", "testdata/stacks.py", program); n != frames {
						b.Fatalf("gdb has %d frames, tracelark %d", n, frames)
					}
					gdb = min(gdb, seconds)
				}
			}
			each := 50e6 / float64(frames)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(wall*each, "µs/50-frames")
			b.ReportMetric((with-without).Seconds()*each/999, "cpu-µs/50-frames")
			b.ReportMetric(gdb*each, "gdb-µs/50-frames")
			b.ReportMetric(gdb/wall, "gdb-times")
		})
	}
}

// built returns the command as users build it.
func built(b *testing.B) string {
	path := filepath.Join(b.TempDir(), "tracelark")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		b.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// A contender is a debugger that does what is measured.
type contender struct {
	prefix string // of its metrics, "" for tracelark
	name   string
	args   []string
	want   string // a regular expression that is in its output
}

// beside has all do the same by turns, three times. Of each it reports the least time, how
// many times that is tracelark's, the least time of a CPU, which depends less on what else
// the machine is about, and the most memory that it had.
func beside(b *testing.B, name string, all []contender) {
	b.Run(name, func(b *testing.B) {
		least := make([]time.Duration, len(all))
		used := make([]time.Duration, len(all))
		memory := make([]int64, len(all))
		for b.Loop() {
			for i := range 3 * len(all) {
				i %= len(all)
				c := &all[i]
				cmd := exec.Command(tracertest.Tool(b, c.name), c.args...)
				start := time.Now()
				out, err := cmd.CombinedOutput()
				took := time.Since(start)
				if err != nil || !regexp.MustCompile(c.want).Match(out) {
					b.Fatalf("%q: %v, want %q\n%s", cmd.Args, err, c.want, out)
				}
				if least[i] == 0 || took < least[i] {
					least[i] = took
				}
				if cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(); used[i] == 0 || cpu < used[i] {
					used[i] = cpu
				}
				memory[i] = max(memory[i], cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
			}
		}
		b.ReportMetric(0, "ns/op")
		for i, c := range all {
			b.ReportMetric(least[i].Seconds()*1000, c.prefix+"ms")
			b.ReportMetric(used[i].Seconds()*1000, c.prefix+"cpu-ms")
			b.ReportMetric(float64(memory[i])/1024, c.prefix+"MiB")
			if i > 0 {
				b.ReportMetric(least[i].Seconds()/least[0].Seconds(), c.prefix+"times")
			}
		}
	})
}

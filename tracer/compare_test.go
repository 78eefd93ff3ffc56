//go:build linux && amd64

package tracer

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

var compareStops = flag.Int("compare", 0, "at how many stops TestCompare compares what it sees of each program with gdb and addr2line; 0 is at 2 of a few programs")

// A compared is a program that TestCompare looks at.
type compared struct {
	name string
	most int    // instructions between two stops
	from string // function at which the stops begin, or "" for the program's entry
	runs bool   // stops follow at random times too
	test bool   // one of those that are compared when -compare is 0
	argv []string
	make [][]string // commands that make it at OUT
}

// compiled returns the programs of C and C++: each of the sources with each compiler and
// each set of flags, which name the linkers in turn.
func compiled() (list []compared) {
	for _, compiler := range []string{"gcc", "clang"} {
		for _, flags := range []string{
			"-g -O0", "-g -O2", "-g -O3 -fomit-frame-pointer", "-g -O3 -flto", "-gdwarf-4 -O2", "-gdwarf-5 -O1 -fno-omit-frame-pointer", "-O2 -static -g",
			"-g -O2 -fuse-ld=gold", "-g -O0 -fuse-ld=lld", "-gdwarf-4 -O3 -fuse-ld=lld", "-gdwarf-5 -Os -fuse-ld=gold -fcf-protection",
			"-g1 -O2", "-O2", "-O2 -s -fomit-frame-pointer", "-g -Og -fno-asynchronous-unwind-tables -Wl,-z,lazy", "-g -O2 -gz -no-pie",
		} {
			for _, source := range []string{"unwind/testdata/calls.c", "debuginfo/testdata/inline.c", "testdata/throws.cc", "debuginfo/testdata/shapes.cc"} {
				command := append([]string{compiler, "-o", "OUT", source, "-pthread"}, strings.Fields(flags)...)
				if strings.Contains(flags, "-flto") && compiler == "clang" {
					command = append(command, "-fuse-ld=lld") // its plugin for others is a package of its own
				}
				list = append(list, compared{
					test: len(list)%19 == 0, // most compilers, flags and sources are among them
					name: strings.Join([]string{compiler, flags, filepath.Base(source)}, " "), most: 400, from: "main",
					argv: []string{"OUT"}, make: [][]string{append(command, "-lstdc++")},
				})
			}
		}
	}
	return list
}

// TestCompare stops programs at random instructions, saves cores, and compares what is
// seen in them with gdb and addr2line: threads, frames, program counters, stack pointers,
// functions, what was inlined, lines, arguments and variables. Those differences that are
// known are listed with the functions that recognize them, and counted.
func TestCompare(t *testing.T) {
	list := compiled()
	for _, flags := range []string{"-g", "-O -g", "-O -C panic=abort"} {
		list = append(list, compared{
			test: flags == "-g", name: "rustc " + flags, most: 3000, from: "main", argv: []string{"OUT"},
			make: [][]string{append([]string{"rustc", "-o", "OUT", "testdata/values.rs"}, strings.Fields(flags)...)},
		})
	}
	// The threads of a Go program are elsewhere each time, so none is among the few of make test.
	for _, flags := range []string{"-ldflags=", "-gcflags=all=-N -l", "-ldflags=-s -w"} {
		list = append(list, compared{
			name: "go " + flags, most: 3000, from: "main.main", argv: []string{"OUT"}, runs: true,
			make: [][]string{{"go", "build", "-o", "OUT", flags, "./testdata/govalues"}},
		})
	}
	// Debian has the server under the name of a tool that is the same program.
	redis := filepath.Join(t.TempDir(), "redis-server")
	if err := os.Symlink("/usr/bin/redis-check-rdb", redis); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "busy.c")
	if err := os.WriteFile(script, []byte(strings.Repeat("#include <stdio.h>\n#include <math.h>\n", 2)+"int main(void) { return printf(\"%d\", 3); }\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	cc1, err := exec.Command(tracertest.Tool(t, "gcc"), "-print-prog-name=cc1").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, argv := range [][]string{
		{"/usr/bin/python3", "-c", "for i in range(1000): print(sorted(range(1000)), __import__('json').dumps([i] * 1000))"},
		{"/usr/bin/sort", "--parallel=2", "/usr/bin/gdb"}, {"/usr/bin/xz", "-kc", "/usr/bin/gdb"}, {"/bin/sh", "-c", "while :; do echo $((1+2)); done"},
		{strings.TrimSpace(string(cc1)), "-O2", "-quiet", script, "-o", "/dev/null"},
		{redis, "--port", "0", "--unixsocket", filepath.Join(t.TempDir(), "redis"), "--save", ""},
		{"/usr/bin/sqlite3", ":memory:", "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n where i * i % 7 = 3 group by i % 10;"},
		{"/bin/bash", "-c", "while :; do for i in {1..10}; do x=$(( x * 3 + i )); [[ $x =~ 1+ ]]; done; done"},
		{"/usr/bin/git", "diff", "--no-index", "--stat", "/usr/include/linux", "/usr/include/asm-generic"},
	} {
		list = append(list, compared{test: filepath.Base(argv[0]) == "python3", name: filepath.Base(argv[0]), most: 8000, argv: argv, runs: true})
	}
	for i, c := range list {
		if *compareStops == 0 && !c.test {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "program")
			for _, command := range c.make {
				for j := range command {
					if command[j] == "OUT" {
						command[j] = out
					}
				}
				if msg, err := exec.Command(tracertest.Tool(t, command[0]), command[1:]...).CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", command, err, msg)
				}
			}
			if c.argv[0] == "OUT" {
				c.argv[0] = out
			}
			compare(t, uint64(i), &c)
		})
	}
}

// compare compares what is seen of a program at its stops.
func compare(t *testing.T, seed uint64, prog *compared) {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	p, err := newTracer(t).Launch(prog.argv, &LaunchOptions{Stdin: null, Stdout: null, Stderr: null})
	if err != nil {
		t.Fatal(err)
	}
	// Before the dynamic linker has begun its list of libraries, gdb does not know it.
	start := must(p.MainImage()).File.Entry() + must(p.MainImage()).Bias
	if prog.from != "" {
		if addr, err := p.Addr(prog.from); err == nil {
			start = addr
		}
	}
	if _, err := p.Thread().Until(start, nil); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	var cores []string
	var opened []*Core
	stops := *compareStops
	switch {
	case stops == 0:
		stops = 2
	case prog.runs:
		stops *= 4
	}
	for len(cores) < stops {
		if prog.runs && *compareStops > 0 && random.IntN(3) > 0 {
			stop, err := p.Cont(&MoveOptions{Timeout: time.Duration(1+random.IntN(20)) * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if stop.Gone() {
				break
			}
		}
		stop, err := p.Thread().Step(1+random.IntN(prog.most), nil)
		if err != nil {
			t.Fatal(err)
		}
		if stop.Gone() {
			break
		}
		core := filepath.Join(dir, fmt.Sprint(len(cores)))
		if err := p.SaveCore(core); err != nil {
			t.Fatal(err)
		}
		compareThreads(t, p)
		c := openCore(t, core, nil)
		compareFrames(t, c.Thread().Frames, p.Thread().Frames)
		cores, opened = append(cores, core), append(opened, c)
	}
	if len(cores) == 0 {
		t.Fatal("the program has ended before the first stop")
	}
	p.Kill()
	compareCores(t, prog.argv[0], cores, opened)
}

// TestComparePanics compares with gdb and addr2line what is seen where programs of Rust
// and Go panic, and at a function on the way there.
func TestComparePanics(t *testing.T) {
	for _, c := range []struct {
		name  string
		make  []string
		argv  []string
		stops map[string][]string // functions to stop at, and those in the stack there
	}{
		{"rustc -g", []string{"rustc", "-g", "testdata/values.rs", "-o"}, nil, map[string][]string{
			"values.rs:67": {"values::measure", "values::main", "main"},
			"rust_panic":   {"core::panicking::panic_fmt", "values::fail", "values::main"},
		}},
		{"rustc -O", []string{"rustc", "-O", "-g", "testdata/values.rs", "-o"}, nil, map[string][]string{
			"rust_panic": {"core::panicking::panic_fmt", "values::fail", "values::main"},
		}},
		{"go", []string{"go", "build", "-o"}, []string{"index"}, map[string][]string{
			"runtime.fatalpanic": {"runtime.gopanic", "runtime.panicBounds", "main.index", "main.main", "runtime.main", "runtime.goexit"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			out := filepath.Join(dir, "program")
			command := append(c.make, out)
			if c.name == "go" {
				command = append(command, "./testdata/panics")
			}
			if msg, err := exec.Command(tracertest.Tool(t, command[0]), command[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", command, err, msg)
			}
			null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer null.Close()
			var cores []string
			var opened []*Core
			for at, want := range c.stops {
				p, err := newTracer(t).Launch(append([]string{out}, c.argv...), &LaunchOptions{Stdout: null, Stderr: null})
				if err != nil {
					t.Fatal(err)
				}
				breakAt(t, p, at, nil)
				stop := cont(t, p)
				for stop.Reason == ReasonSignal { // which Go sends itself
					stop = cont(t, p)
				}
				if stop.Reason != ReasonBreakpoint {
					t.Fatalf("the process does not come to %s: it stops by %s", at, stop.Reason)
				}
				core := filepath.Join(dir, fmt.Sprint(len(cores)))
				if err := p.SaveCore(core); err != nil {
					t.Fatal(err)
				}
				x := openCore(t, core, nil)
				compareFrames(t, x.Thread().Frames, stop.Thread.Frames)
				for _, f := range must(stop.Thread.Frames(100)) {
					if len(want) > 0 && f.Function() == want[0] {
						want = want[1:]
					}
				}
				if len(want) > 0 {
					t.Errorf("at %s the stack does not come to %s: %s", at, want, must(stop.Thread.Frames(100)))
				}
				cores, opened = append(cores, core), append(opened, x)
				p.Kill()
			}
			compareCores(t, out, cores, opened)
		})
	}
}

// compareThreads compares the threads of a process that has stopped with the kernel's:
// those that are not listed have to be ending.
func compareThreads(t *testing.T, p *Process) {
	t.Helper()
	listed := make(map[string]bool)
	for _, th := range p.Threads() {
		listed[fmt.Sprint(th.TID)] = true
	}
	tasks := fmt.Sprintf("/proc/%d/task", p.PID)
	for _, entry := range must(os.ReadDir(tasks)) {
		for end := time.Now().Add(10 * time.Second); !listed[entry.Name()]; {
			stat, err := os.ReadFile(filepath.Join(tasks, entry.Name(), "stat"))
			if err != nil {
				break // it has ended
			}
			const exiting = 4 // PF_EXITING, which comes after PTRACE_EVENT_EXIT
			fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
			if must(strconv.Atoi(fields[6]))&exiting != 0 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("thread %s is not listed: %s", entry.Name(), stat)
			}
		}
	}
}

// compareFrames compares a stack in a core with that in the process.
func compareFrames(t *testing.T, inCore, inProcess func(int) ([]*Frame, error)) {
	t.Helper()
	dead, _ := inCore(200)
	live, _ := inProcess(200)
	if len(dead) != len(live) {
		t.Errorf("%d frames in the core, %d in the process", len(dead), len(live))
		return
	}
	for i, f := range live {
		if f.String() != dead[i].String() || f.CFA != dead[i].CFA {
			t.Errorf("frame %s, in the core %s", f, dead[i])
		}
	}
}

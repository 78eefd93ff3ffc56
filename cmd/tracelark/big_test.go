package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// bigUnits makes testdata/big a program of 257 MB.
const bigUnits = 140

// built returns the command as users build it.
func built(b *testing.B) string {
	path := filepath.Join(b.TempDir(), "tracelark")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		b.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// BenchmarkFirstStop measures what a user waits for the first stop in a large program,
// from the start of the debugger to the end of it, beside gdb and lldb. The first time,
// the program is built, which takes minutes.
func BenchmarkFirstStop(b *testing.B) {
	command := built(b)
	program := tracertest.BuildUnits(b, "testdata/big", bigUnits)
	firstStops(b, command, program, []breakpoint{
		{"function", "big::bottom", "big::bottom"},
		{"line", "main.cc:12", "big::bottom"},
		{"inlined", "big::Store<28>::notify", `big::Store<28>::(notify|insert\(int\) \[inlined\])`}, // lldb names the function around it
	})
}

// BenchmarkFirstStopGo measures the same in a large program of Go: the go command, whose
// debug information is compressed, as the linker has it, or not.
func BenchmarkFirstStopGo(b *testing.B) {
	command := built(b)
	b.Setenv("GODEBUG", "asyncpreemptoff=1") // lldb stops at the signals of that
	for _, compressed := range []bool{true, false} {
		program := filepath.Join(b.TempDir(), "go")
		flag := fmt.Sprintf("-ldflags=-compressdwarf=%v", compressed)
		if out, err := exec.Command("go", "build", "-o", program, flag, "cmd/go").CombinedOutput(); err != nil {
			b.Fatalf("go build: %v\n%s", err, out)
		}
		b.Run(fmt.Sprintf("compressed=%v", compressed), func(b *testing.B) {
			firstStops(b, command, program, []breakpoint{
				{"function", "main.main", "main.main"},
				{"line", "main.go:100", "main.main"},
			})
		})
	}
}

// A breakpoint is where a debugger is told to stop, and what it then names.
type breakpoint struct{ name, loc, want string }

// firstStops runs a program up to each of the breakpoints, in each debugger.
func firstStops(b *testing.B, command, program string, stops []breakpoint) {
	for _, where := range stops {
		frame := regexp.MustCompile("#0:? .*" + where.want) // as each of the debuggers writes it
		code := fmt.Sprintf("p = launch([%q]); p.breakpoint(%q); print(p.cont().frame)", program, where.loc)
		for _, with := range []struct {
			name string
			args []string
		}{
			{"tracelark", []string{command, "run", "-c", code}},
			{"gdb", []string{"gdb", "-nx", "-batch", "-ex", "break " + where.loc, "-ex", "run", "-ex", "bt 1", program}},
			{"lldb", []string{"lldb", "-b", "-o", "b " + where.loc, "-o", "run", "-o", "bt 1", program}},
		} {
			b.Run(where.name+"/"+with.name, func(b *testing.B) {
				path := tracertest.Tool(b, with.args[0])
				for b.Loop() {
					out, err := exec.Command(path, with.args[1:]...).CombinedOutput()
					if err != nil || !frame.Match(out) {
						b.Fatalf("%q: %v, want %q\n%s", with.args, err, frame, out)
					}
				}
			})
		}
	}
}

// BenchmarkStacks measures stacks of 50 frames and more, each frame in another unit, with
// names and lines, after the first.
func BenchmarkStacks(b *testing.B) {
	command := built(b)
	program := tracertest.BuildUnits(b, "testdata/big", bigUnits)
	for range b.N {
		out, err := exec.Command(command, "run", "-c", fmt.Sprintf(`
p = launch([%q])
p.breakpoint("big::bottom")
p.cont()
frames = len([str(f) for f in p.frames])
start = time.now()
for _ in range(900):
    p.cont()
    [str(f) for f in p.frames]
print(frames, (time.now() - start).seconds / 900)
`, program)).CombinedOutput()
		var frames, seconds float64
		if _, scanErr := fmt.Sscan(string(out), &frames, &seconds); err != nil || scanErr != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		b.ReportMetric(frames, "frames")
		b.ReportMetric(seconds*1e9, "ns/stack")
		b.ReportMetric(seconds*1e9/frames, "ns/frame")
	}
}

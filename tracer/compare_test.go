//go:build linux && amd64

package tracer

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

var compareStops = flag.Int("compare", 0, "at how many stops TestCompare compares each program's stack with gdb's; 0 is at 2 of a few programs")

// gdbFrame is a frame as testdata/compare.py prints it.
type gdbFrame struct {
	PC, SP          uint64
	Function        string
	Inlined, Signal bool
	File            string
	Line            int
}

// TestCompare stops programs at random instructions, saves cores, and compares the
// stacks with those that gdb finds in the cores: frames, program counters, stack
// pointers, what was inlined, and lines.
//
// These differences are known, and not reported:
//
//   - gdb shows frames of functions that have left by a tail call, where call sites tell
//     who they were (TAILCALL_FRAME). They are on no stack.
//   - gdb passes over rows of the line table that begin no statement, and names the line
//     of the row before. addr2line decides, which does not.
//   - In some functions of a static libc gdb takes a return address from the wrong place
//     and goes on outside of executable memory. The stack is compared up to there.
//   - Before the dynamic linker has begun its list of libraries, gdb does not know it.
//     Programs are run to their entry first.
func TestCompare(t *testing.T) {
	var programs [][]string
	for _, compiler := range []string{"gcc", "clang"} {
		for _, flags := range []string{
			"-g -O0", "-g -O2", "-g -O3 -fomit-frame-pointer", "-g -O3 -flto", "-gdwarf-4 -O2", "-gdwarf-5 -O1 -fno-omit-frame-pointer", "-O2 -static -g",
		} {
			for _, source := range []string{"unwind/testdata/calls.c", "debuginfo/testdata/inline.c", "testdata/throws.cc", "debuginfo/testdata/shapes.cc"} {
				programs = append(programs, []string{compiler, flags, source})
			}
		}
	}
	for i, program := range programs {
		if *compareStops == 0 && i%9 != 0 {
			continue
		}
		t.Run(strings.Join(program, " "), func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "program")
			args := append([]string{"-o", out, program[2], "-pthread"}, strings.Fields(program[1])...)
			if msg, err := exec.Command(tracertest.Tool(t, program[0]), append(args, "-lstdc++")...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, msg)
			}
			compare(t, uint64(i), 400, "main", out)
		})
	}
	for i, argv := range [][]string{
		{"/usr/bin/python3", "-c", "print(sorted(range(100)))"}, {"/usr/bin/sort", "/etc/passwd"}, {"/usr/bin/xz", "--version"}, {"/bin/sh", "-c", "echo $((1+2))"},
	} {
		t.Run(argv[0], func(t *testing.T) { compare(t, uint64(i), 8000, "", argv...) })
	}
}

// compare compares stacks of a program after random numbers of instructions, up to
// most between two stops.
func compare(t *testing.T, seed uint64, most int, from string, argv ...string) {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	p, err := newTracer(t).Launch(argv, &LaunchOptions{Stdin: null, Stdout: null, Stderr: null})
	if err != nil {
		t.Fatal(err)
	}
	start := must(p.MainImage()).File.Entry() + must(p.MainImage()).Bias
	if from != "" {
		start = must(p.Addr(from))
	}
	if _, err := p.Thread().Until(start, nil); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	var cores []string
	var opened []*Core
	stops := *compareStops
	if stops == 0 {
		stops = 2
	}
	for len(cores) < stops {
		stop, err := p.Thread().Step(1+random.IntN(most), nil)
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
		c := openCore(t, core, nil)
		compareFrames(t, c.Thread().Frames, p.Thread().Frames)
		cores, opened = append(cores, core), append(opened, c)
	}
	cmd := exec.CommandContext(t.Context(), tracertest.Tool(t, "gdb"), "-nx", "-batch", "-iex", "set debuginfod enabled off", "-iex", "set auto-load no", "-x", "testdata/compare.py", argv[0])
	cmd.Env = append(os.Environ(), "CORES="+strings.Join(cores, "\n"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("gdb: %v\n%s", err, out)
	}
	n := 0
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "{") {
			continue
		}
		var answer struct{ Frames []gdbFrame }
		if err := json.Unmarshal([]byte(line), &answer); err != nil {
			t.Fatal(err)
		}
		compareStacks(t, opened[n], answer.Frames)
		n++
	}
	if n != len(cores) {
		t.Errorf("gdb shows %d of %d stacks:\n%s", n, len(cores), out)
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

// addr2line returns the line of source that addr2line names for a frame.
func addr2line(t *testing.T, f *Frame) string {
	t.Helper()
	file := f.Image().Path
	if debug, err := f.Image().File.Debug(); err == nil && debug != nil {
		file = debug.Name()
	}
	out, err := exec.Command(tracertest.Tool(t, "addr2line"), "-s", "-i", "-e", file, fmt.Sprintf("%#x", f.Lookup-f.Image().Bias)).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// compareStacks reports where a stack is not that of gdb.
func compareStacks(t *testing.T, c *Core, want []gdbFrame) {
	t.Helper()
	frames, err := c.Thread().Frames(200)
	if err != nil {
		t.Logf("the stack ends: %v", err)
	}
	for i, w := range want {
		if !c.executable(w.PC) {
			want = want[:i] // gdb is lost
			frames = frames[:min(i, len(frames))]
			break
		}
	}
	describe := func() string {
		var b strings.Builder
		for i := range max(len(frames), len(want)) {
			if i < len(frames) {
				fmt.Fprintf(&b, "%s sp %#x by %s", frames[i], frames[i].SP, frames[i].By)
			}
			if i < len(want) {
				fmt.Fprintf(&b, "\n   gdb %+v", want[i])
			}
			b.WriteByte('\n')
		}
		return b.String()
	}
	for i := range min(len(frames), len(want)) {
		f, w := frames[i], want[i]
		line, _ := f.Line()
		file := ""
		if line.Line != 0 {
			file = path.Base(line.File)
		}
		if line.Line != w.Line && w.Line != 0 && strings.Contains(addr2line(t, f), fmt.Sprintf("%s:%d", file, line.Line)) {
			file, line.Line = w.File, w.Line
		}
		if f.PC != w.PC || f.SP != w.SP || f.Inlined != w.Inlined || f.Signal != w.Signal || file != w.File || line.Line != w.Line {
			t.Errorf("frame %d: %s:%d, gdb has %s:%d\n%s", i, file, line.Line, w.File, w.Line, describe())
			return
		}
	}
	if len(frames) != len(want) {
		t.Errorf("%d frames, gdb has %d\n%s", len(frames), len(want), describe())
	}
}

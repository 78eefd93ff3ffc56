//go:build linux && amd64

package tracer

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/tracertest"
	"github.com/tracelark/tracelark/tracer/value"
)

// TestVariablesAsGDB compares the arguments and variables of all frames at all stops
// of programs with what gdb prints.
func TestVariablesAsGDB(t *testing.T) {
	for _, build := range [][]string{
		{"typed.c", "-O0"}, {"typed.c", "-O2"}, {"typed.c", "-O0", "-gdwarf-4"}, {"typed.c", "-O2", "-gdwarf-4"},
		{"typed.cc", "-O0"}, {"typed.cc", "-O2"}, {"typed.cc", "-O2", "-gdwarf-4"},
		{"dropped.c", "-O2", "-fno-ipa-ra"}, {"dropped.c", "-O2", "-fno-ipa-ra", "-gdwarf-4"},
	} {
		t.Run(strings.Join(build, " "), func(t *testing.T) {
			path := tracertest.Build(t, "testdata/"+build[0], append(build[1:], "-lstdc++")...)
			cmd := exec.Command(tracertest.Tool(t, "gdb"), "-nx", "-batch", "-iex", "set debuginfod enabled off", "-x", "testdata/typed.py", path)
			cmd.Env = append(cmd.Environ(), "LC_ALL=C.UTF-8")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("gdb: %v\n%s", err, out)
			}
			p, err := newTracer(t).Launch([]string{path}, &LaunchOptions{Env: []string{}})
			if err != nil {
				t.Fatal(err)
			}
			stops, compared, differ := -1, 0, 0
			var frames []*Frame
			for line := range strings.Lines(string(out)) {
				if !strings.HasPrefix(line, "{") {
					continue
				}
				var want struct {
					Stop, Level int
					Function    string
					Rows        [][3]string
				}
				if err := json.Unmarshal([]byte(line), &want); err != nil {
					t.Fatal(err)
				}
				for stops < want.Stop {
					stops++
					stop, err := p.Cont(&MoveOptions{Signal: Deliver(0), Timeout: 30 * time.Second})
					if err != nil {
						t.Fatal(err)
					}
					if stop.Reason != ReasonSignal || stop.Signal != int(unix.SIGTRAP) {
						t.Fatalf("stop %d is %s", stops, stop.Reason)
					}
					if frames, err = p.Thread().Frames(16); err != nil {
						t.Fatal(err)
					}
				}
				f := frames[want.Level]
				args, err := f.Args()
				if err != nil {
					t.Fatal(err)
				}
				locals, err := f.Locals()
				if err != nil {
					t.Fatal(err)
				}
				vars := append(args, locals...)
				if len(vars) != len(want.Rows) {
					t.Errorf("stop %d %s: %d variables, gdb has %d", stops, want.Function, len(vars), len(want.Rows))
					continue
				}
				for i, v := range vars {
					row := want.Rows[i]
					got := v.Value.Format(&value.Format{Bare: true})
					compared++
					if v.Name != row[1] || got != row[2] {
						if differ++; !knownDifference(f, v, got, row) {
							t.Errorf("stop %d %s: %s = %s\ngdb: %s = %s", stops, want.Function, v.Name, got, row[1], row[2])
						}
					}
				}
			}
			t.Logf("%d stops, %d values, %d differ", stops+1, compared, differ)
			if compared < 20 {
				t.Errorf("only %d values were compared:\n%.2000s", compared, out)
			}
		})
	}
}

// knownDifference reports whether a text may be other than gdb's.
func knownDifference(f *Frame, v Variable, got string, row [3]string) bool {
	_, err := v.Value.Bytes()
	switch {
	case v.Name != row[1]:
		return false
	case row[2] == "<optimized out>":
		return fromCaller(f, v) // gdb does not ask the caller what it passed
	case got == "<optimized out>" && err != nil:
		// gdb takes it that a function keeps the registers which it need not keep.
		return strings.Contains(err.Error(), "have not kept")
	}
	return false
}

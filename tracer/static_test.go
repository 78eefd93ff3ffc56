//go:build linux && amd64

package tracer

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/tracertest"
	"github.com/tracelark/tracelark/tracer/value"
)

// TestStaticMembers shows objects with static members that are defined elsewhere: in
// another unit or another library, with debug information and without.
func TestStaticMembers(t *testing.T) {
	plain := []string{"counted", "Counted::total", "Counted::limit", "counted.last->own", "counted.most"}
	for _, test := range []struct {
		compiler, shared, flag string
		keyed                  bool // the definition of Keyed is known
	}{
		{"g++", "-shared", "-g", true}, {"g++", "-shared", "-gdwarf-4", true}, {"g++", "-shared", "-g0", false}, {"g++", "-r", "-g", true}, {"g++", "-r", "-g0", false},
		{"clang++", "-shared", "-gdwarf-4", true}, {"clang++", "-shared", "-g0", false}, {"clang++", "-r", "-g0", false},
	} {
		t.Run(test.compiler+" "+test.shared+" "+test.flag, func(t *testing.T) {
			other := tracertest.BuildWith(t, test.compiler, "testdata/static.cc", test.flag, test.shared, "-fPIC", "-DOTHER", "-nostdlib")
			program := tracertest.BuildWith(t, test.compiler, "testdata/static.cc", "-fPIE", "-pie", other, "-Wl,-rpath,"+filepath.Dir(other))
			p, err := newTracer(t).Launch([]string{program}, &LaunchOptions{Env: []string{}})
			if err != nil {
				t.Fatal(err)
			}
			if stop := cont(t, p); stop.Signal != int(unix.SIGILL) {
				t.Fatalf("stop = %+v", stop)
			}
			f := must(p.Thread().Frames(1))[0]
			names := plain
			if test.keyed {
				names = append(names, "keyed", "Keyed::keys", "shared", "*alias")
			}
			args := []string{"-iex", "set auto-load no", "-ex", "run"}
			for _, name := range names {
				args = append(args, "-ex", "output "+name, "-ex", `echo \n`)
			}
			out := gdb(t, append(args, program)...)
			lines := strings.Split(strings.TrimSpace(out), "\n")
			want := lines[max(0, len(lines)-len(names)):]
			for i, name := range names {
				v, err := f.Eval(name, nil)
				if err != nil {
					t.Errorf("%s: %v, gdb has %s", name, err, want[i])
				} else if got := v.Format(&value.Format{Bare: true}); got != want[i] {
					t.Errorf("%s = %s, gdb has %s", name, got, want[i])
				}
			}
		})
	}
}

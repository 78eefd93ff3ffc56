//go:build linux && amd64

package tracer

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/tracertest"
	"github.com/tracelark/tracelark/tracer/value"
)

// TestForeignValues writes strings, slices, structs and enums of Rust and Go as their
// sources have them.
func TestForeignValues(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct {
		build []string
		out   string
		stop  string
		in    string
		want  map[string]string
	}{
		{[]string{"rustc", "-g", "-o", dir + "/rust", "testdata/values.rs"}, dir + "/rust", "values::measure", "values::main", map[string]string{
			"shapes":       `{Empty, Circle {radius = 1.5}, Named("disc", 12)}`,
			"item":         `{name = "first", tags = {1, 2, 3}, level = values::Level::High, next = Some(0xADDR), pair = {__0 = 7, __1 = 233 'é'}}`,
			"round":        "0",
			"item.tags[2]": "3", "shapes[2]": `Named("disc", 12)`,
		}},
		{[]string{"go", "build", "-gcflags=all=-N -l", "-o", dir + "/go", "./testdata/govalues"}, dir + "/go", "", "main.walk", map[string]string{
			"*l":             `{next = 0xADDR, tags = {}, level = 7, index = 0x0, point = {0, 0}, any = {_type = 0xADDR, data = 0xADDR}}`,
			"l.next.tags[1]": `"bc"`,
			"os.Args.len":    "1", // a package's
			"sizeof os.Args": "24",
			"*l.next":        `{next = 0x0, tags = {"a", "bc"}, level = 3, index = 0xADDR, point = {0.5, -2}, any = {_type = 0xADDR, data = 0xADDR}}`,
		}},
		{[]string{"go", "build", "-gcflags=all=-N -l", "-o", dir + "/moved", "./testdata/govalues"}, dir + "/moved", "", "main.main.func1", map[string]string{
			"l.level": "7", // l is on the heap
		}},
	} {
		t.Run(test.in, func(t *testing.T) {
			if out, err := exec.Command(tracertest.Tool(t, test.build[0]), test.build[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", test.build, err, out)
			}
			null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer null.Close()
			p, err := newTracer(t).Launch([]string{test.out}, &LaunchOptions{Stdout: null})
			if err != nil {
				t.Fatal(err)
			}
			if test.stop != "" {
				breakAt(t, p, test.stop, nil)
			}
			stop := cont(t, p)
			for stop.Reason == ReasonSignal && stop.Signal != int(unix.SIGSEGV) { // which the program expects
				stop = cont(t, p)
			}
			frames, err := stop.Thread.Frames(20)
			if err != nil {
				t.Fatal(err)
			}
			slices.Reverse(frames)
			f := frames[slices.IndexFunc(frames, func(f *Frame) bool { return f.Function() == test.in })]
			for expr, want := range test.want {
				v, err := f.Eval(expr, nil)
				if err != nil {
					t.Errorf("%s: %v", expr, err)
					continue
				}
				if got := addresses.ReplaceAllString(v.Format(&value.Format{Bare: true}), "0xADDR"); got != want {
					t.Errorf("%s = %s, want %s", expr, got, want)
				}
			}
		})
	}
}

var addresses = regexp.MustCompile(`0x[0-9a-f]{5,}`)

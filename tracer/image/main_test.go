package image

import (
	"os/exec"
	"testing"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestMainOfStripped finds main where there are no symbols.
func TestMainOfStripped(t *testing.T) {
	for _, flags := range [][]string{{"-pie", "-fPIE"}, {"-no-pie"}, {"-static"}, {"-static-pie", "-fPIE"}, {"-O2"}, {"-no-pie", "-fcf-protection"}} {
		path := build(t, "report.c", flags...)
		whole, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		stripped := copied(t, path)
		if out, err := exec.Command(tracertest.Tool(t, "strip"), stripped).CombinedOutput(); err != nil {
			t.Fatalf("strip: %v\n%s", err, out)
		}
		f, err := Open(stripped)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"main", "_start"} {
			want, got := whole.Lookup(name), f.Lookup(name)
			if len(got) != 1 || len(want) != 1 || got[0].Addr != want[0].Addr || got[0].Size != want[0].Size || got[0].Kind != Func || f.sections[got[0].section].Addr != whole.sections[want[0].section].Addr {
				t.Errorf("%q: %s is %+v, want %+v", flags, name, got, want)
			}
		}
		if s, ok := f.At(whole.Lookup("main")[0].Addr - 1); ok && s.Name == "main" {
			t.Errorf("%q: main is too large", flags)
		}
	}
	if f, err := Open("/lib/x86_64-linux-gnu/libc.so.6"); err == nil && len(f.Lookup("main")) > 0 {
		t.Error("a library has main")
	}
}

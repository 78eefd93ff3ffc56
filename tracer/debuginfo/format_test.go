package debuginfo

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// goBinary builds testdata/gofixture.
func goBinary(tb testing.TB, flags ...string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "gofixture")
	args := append(append([]string{"build", "-o", path}, flags...), "./testdata/gofixture")
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		tb.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// TestGo compares the lines and functions of a Go program's main package with
// gdb's, and looks at what its types are.
func TestGo(t *testing.T) {
	path := goBinary(t, "-gcflags=-N -l")
	d := openFile(t, path)
	var questions [][]any
	for _, name := range []string{"main.main", "main.total", "fmt.Println"} {
		list, err := d.FuncsNamed(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			for pc := f.Ranges[0].Low; pc < f.Ranges[0].High; pc += 3 {
				questions = append(questions, []any{"pc", pc})
			}
		}
	}
	for i, want := range askGDB[gdbPC](t, path, questions) {
		pc := questions[i][1].(uint64)
		line, err := d.Line(pc)
		if err != nil {
			t.Fatal(err)
		}
		chain, err := d.Funcs(pc)
		if err != nil {
			t.Fatal(err)
		}
		if last := want.Functions[len(want.Functions)-1]; line.Line != want.Line || chain[len(chain)-1].Name != last {
			t.Errorf("%#x: line %d in %s, gdb says %v", pc, line.Line, chain[len(chain)-1].Name, want)
		}
	}
	total, err := d.FuncsNamed("main.total")
	if err != nil {
		t.Fatal(err)
	}
	vars, err := total[0].Vars(total[0].Ranges[0].High - 1)
	if err != nil || !slices.ContainsFunc(vars, func(v *Var) bool { return v.Name == "list" && v.Param }) {
		t.Errorf("variables of main.total: %v, %v", vars, err)
	}
	for short, full := range map[string]string{"poll.(*FD).Write": "internal/poll.(*FD).Write", "fmtsort.Sort": "internal/fmtsort.Sort"} {
		list, err := d.FuncsNamed(short)
		want, fullErr := d.FuncsNamed(full)
		if err != nil || fullErr != nil || len(list) != 1 || list[0] != want[0] || list[0].Name != full {
			t.Errorf("%s is %v, %v; %s is %v, %v", short, list, err, full, want, fullErr)
		}
	}
	types, err := d.Types("main.item")
	if err != nil {
		t.Fatal(err)
	}
	const want = "struct main.item {\n    string name;\n    []int sizes;\n    *main.item next;\n}"
	if got, err := types[0].Define(); got != want || err != nil {
		t.Errorf("main.item is %s, %v; want %s", got, err, want)
	}
}

// TestSplit checks that a program whose debug information is elsewhere has lines
// and says where the rest is.
func TestSplit(t *testing.T) {
	for _, version := range []string{"-gdwarf-4", "-gdwarf-5"} {
		path := build(t, "inline.c", "-gsplit-dwarf", version)
		d := openFile(t, path)
		if _, err := d.Places("inline.c", 35); err != nil {
			t.Error(err)
		}
		places, err := d.Places("inline.c", 35)
		if err != nil {
			t.Fatal(err)
		}
		if line, err := d.Line(places[0].Addr); err != nil || line.Line != 35 {
			t.Errorf("line %v, %v", line, err)
		}
		_, err = d.Funcs(places[0].Addr)
		var split *SplitError
		if !errors.As(err, &split) || !strings.HasSuffix(split.File, ".dwo") || !filepath.IsAbs(split.File) {
			t.Errorf("functions: %v", err)
		}
	}
}

// TestSupplementary checks programs that share parts of their debug information
// in a file that dwz has made.
func TestSupplementary(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for _, flags := range [][]string{{"-O2"}, {"-O1"}} {
		path := build(t, "shapes.cc", append(flags, "-gdwarf-4", "-lstdc++")...)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(dir, "shapes"+flags[0])
		if err := os.WriteFile(copied, data, 0o777); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, copied)
	}
	common := filepath.Join(dir, "common.debug")
	args := append([]string{"-m", common}, paths...)
	if out, err := exec.Command(tracertest.Tool(t, "dwz"), args...).CombinedOutput(); err != nil {
		t.Fatalf("dwz: %v\n%s", err, out)
	}

	without := openFile(t, paths[0])
	name, id := without.Supplementary()
	if name != common || len(id) == 0 {
		t.Errorf("supplementary file is %q, build ID %x", name, id)
	}
	_, err := without.Types("geo::Square")
	if err == nil {
		_, err = without.FuncsNamed("geo_main")
	}
	if err == nil || !strings.Contains(err.Error(), common) {
		t.Errorf("without the supplementary file: %v", err)
	}

	d := openFile(t, paths[0])
	d.SetSupplementary(openFile(t, common), nil)
	plain := openFile(t, build(t, "shapes.cc", "-O2", "-gdwarf-4", "-lstdc++"))
	for _, name := range []string{"geo_main", "geo::Square::area", "geo::Ring<int, 4>::push", "_M_data"} {
		want, wantErr := plain.FuncsNamed(name)
		got, err := d.FuncsNamed(name)
		if wantErr != nil || err != nil || len(got) != len(want) {
			t.Errorf("%s: %d functions, %v; without dwz %d, %v", name, len(got), err, len(want), wantErr)
			continue
		}
		for i := range got {
			if got[i].Entry != want[i].Entry || got[i].Name != want[i].Name {
				t.Errorf("%s: %s at %#x, without dwz %s at %#x", name, got[i].Name, got[i].Entry, want[i].Name, want[i].Entry)
			}
		}
	}
	types, err := d.Types("geo::Square")
	if err != nil {
		t.Fatal(err)
	}
	want, err := plain.Types("geo::Square")
	if err != nil {
		t.Fatal(err)
	}
	gotText, gotErr := types[0].Define()
	wantText, wantErr := want[0].Define()
	if gotText != wantText || gotErr != nil || wantErr != nil {
		t.Errorf("geo::Square is %s, %v; without dwz %s, %v", gotText, gotErr, wantText, wantErr)
	}
}

// TestParallel looks up the same from many goroutines.
func TestParallel(t *testing.T) {
	d := openFile(t, build(t, "shapes.cc", "-O2", "-lstdc++"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			list, err := d.FuncsNamed("geo::Square::area")
			if err != nil {
				t.Error(err)
				return
			}
			for _, f := range list {
				chain, err := d.Funcs(f.Entry)
				if err != nil || !slices.Contains(chain, f) {
					t.Errorf("functions at the entry of %s: %v, %v", f.Name, chain, err)
				}
				if _, err := d.Line(f.Entry); err != nil {
					t.Error(err)
				}
			}
			if _, err := d.Places("shapes.cc", 33); err != nil {
				t.Error(err)
			}
			if _, err := d.Types("geo::Square"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

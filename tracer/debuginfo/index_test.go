package debuginfo

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// indexed returns a copy of a program to which gdb has added an index.
func indexed(tb testing.TB, path string, flags ...string) string {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	copied := filepath.Join(tb.TempDir(), filepath.Base(path))
	if err := os.WriteFile(copied, data, 0o777); err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(tracertest.Tool(tb, "gdb-add-index"), append(flags, copied)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("gdb-add-index: %v\n%s", err, out)
	}
	return copied
}

// TestIndexes compares what is found through an index with what a scan finds.
func TestIndexes(t *testing.T) {
	for _, c := range []struct {
		index string
		sec   section
		flags []string
		build []string
	}{
		{"gdb_index", secGDBIndex, nil, []string{"-O2", "-lstdc++"}},
		{"debug_names", secNames, []string{"-dwarf-5"}, []string{"-O2", "-lstdc++"}},
		{"gdb_index with type units", secGDBIndex, nil, []string{"-O1", "-gdwarf-4", "-fdebug-types-section", "-lstdc++"}},
		{"debug_names with type units", secNames, []string{"-dwarf-5"}, []string{"-O1", "-fdebug-types-section", "-lstdc++"}},
	} {
		t.Run(c.index, func(t *testing.T) {
			t.Parallel()
			path := build(t, "shapes.cc", c.build...)
			scan, with := openFile(t, path), openFile(t, indexed(t, path, c.flags...))
			if with.section(c.sec) == nil || with.names().index == nil {
				t.Fatal("no index")
			}
			for _, h := range with.names().items {
				if with.units[h.unit].kind != unitType {
					t.Fatal("units were scanned beside the index")
				}
			}
			scanned := func() (n int) {
				for i := range with.units {
					if with.names().scanned[i].items != nil {
						n++
					}
				}
				return n
			}
			for _, name := range []string{"main", "geo_main", "area", "geo::Ring<int, 4>::push", "push", "hidden", "operator+", "basic_string::_M_data", "absent"} {
				want, wantErr := scan.FuncsNamed(name)
				got, err := with.FuncsNamed(name)
				entries := func(list []*Func) (entries []uint64) {
					for _, f := range list {
						entries = append(entries, f.Entry)
					}
					return entries
				}
				if (err == nil) != (wantErr == nil) || !slices.Equal(entries(got), entries(want)) {
					t.Errorf("%s: %#x, %v; want %#x, %v", name, entries(got), err, entries(want), wantErr)
				}
				if name == "main" && len(with.units) > 1 && scanned() > len(with.units)/2 {
					t.Errorf("%d of %d units were scanned for main", scanned(), len(with.units))
				}
			}
			for _, name := range []string{"geo::Shape", "geo::Ring<int, 4>", "geo::Color", "int"} {
				want, wantErr := scan.Types(name)
				got, err := with.Types(name)
				if err != nil || wantErr != nil || len(got) != len(want) || got[0].Size != want[0].Size {
					t.Errorf("type %s: %v, %v; want %v, %v", name, got, err, want, wantErr)
				}
			}
		})
	}
}

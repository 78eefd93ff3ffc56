package image

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// splitSources are compiled to one program: in C++, and in C without its main.
var splitSources = []string{"../debuginfo/testdata/shapes.cc", "../debuginfo/testdata/types.c"}

// buildSplit compiles splitSources in a directory of its own and returns the program.
func buildSplit(t *testing.T, compiler string, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	gcc, gxx := tracertest.Tool(t, "gcc"), tracertest.Tool(t, "g++")
	if compiler == "clang" {
		gcc, gxx = tracertest.Tool(t, "clang"), tracertest.Tool(t, "clang")
	}
	program := filepath.Join(dir, "split")
	link := []string{"-C", dir, gxx, "-o", program}
	for i, source := range splitSources {
		name := filepath.Base(source)
		copyFile(t, source, filepath.Join(dir, name))
		object := strings.TrimSuffix(name, filepath.Ext(name)) + ".o"
		args := append([]string{"-C", dir, []string{gxx, gcc}[i], "-c", "-o", object, name}, flags...)
		if i == 1 {
			args = append(args, "-Dmain=other_main")
		}
		run(t, "env", args...)
		link = append(link, object)
	}
	run(t, "env", append(link, "-lstdc++")...)
	return program
}

// splitData returns the debug information of a program, which is not shared with others of
// the same build ID.
func splitData(t *testing.T, path string) *debuginfo.Data {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(bytes.NewReader(text), int64(len(text)), path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := f.DWARF()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// described returns all that the debug information of a program says that a test can
// compare: of each function its place, variables and type, of lines, globals and types.
func described(t *testing.T, path string) []string {
	t.Helper()
	d := splitData(t, path)
	everything := func(string) bool { return true }
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, name := range d.FuncNames(everything) {
		funcs, err := d.FuncsNamed(name)
		if err != nil {
			say("%s: %v", name, errors.Is(err, debuginfo.ErrNotFound))
			continue
		}
		for _, f := range funcs {
			say("%s %x %s:%d in %s:%d", f.Name, f.Ranges, filepath.Base(f.File), f.Line, filepath.Base(f.CallFile), f.CallLine)
			for _, r := range f.Ranges {
				for _, pc := range []uint64{r.Low, (r.Low + r.High) / 2, r.High - 1} {
					chain, err := d.Funcs(pc)
					if err != nil {
						t.Fatalf("functions at %#x in %s: %v", pc, f.Name, err)
					}
					line, lineErr := d.Line(pc)
					say("%x: %d deep, in %s at %d %v", pc, len(chain), chain[0].Name, line.Line, lineErr != nil)
					vars, err := chain[0].Vars(pc)
					if err != nil {
						t.Fatalf("variables at %#x in %s: %v", pc, f.Name, err)
					}
					for _, v := range vars {
						l, err := v.Location(fakeFrame(pc))
						if absent := new(debuginfo.AbsentError); err != nil && !errors.As(err, &absent) {
							t.Errorf("%s at %#x in %s: %v", v.Name, pc, f.Name, err)
						}
						if err != nil || l.Kind == debuginfo.ImplicitPointer {
							l = debuginfo.Location{Kind: debuginfo.OptimisedOut} // GCC does not say where to
						}
						l.Bytes = nil // Clang converts them in another way
						say("  %s %s:%d %v", v.Name, filepath.Base(v.File), v.Line, l)
					}
				}
			}
		}
	}
	// Of the types of libraries, compilers leave others out if nothing is split.
	for _, name := range d.TypeNames(func(name string) bool { return !libraryType.MatchString(name) }) {
		types, err := d.Types(name)
		if err != nil {
			t.Fatalf("type %s: %v", name, err)
		}
		var texts []string
		for _, typ := range types {
			text, err := typ.Define()
			if err != nil {
				t.Errorf("type %s: %v", name, err)
			}
			texts = append(texts, text)
		}
		slices.Sort(texts)
		for _, text := range slices.Compact(texts) {
			say("type %s: %s", name, text)
		}
	}
	for _, name := range []string{"names", "cv", "table"} {
		vars, err := d.Globals(name, 0)
		if err != nil {
			t.Fatal(err)
		}
		l, err := vars[0].Location(fakeFrame(0))
		say("%s at %x %v, line %d", name, l.Addr, err, vars[0].Line)
	}
	for _, line := range []int{30, 60, 90} {
		places, err := d.Places("shapes.cc", line)
		for _, p := range places {
			say("line %d at %x in %s", line, p.Addr, p.Func.Name)
		}
		say("%d places of line %d, %v", len(places), line, err != nil)
	}
	return lines
}

// fakeFrame returns a frame whose registers hold their numbers.
func fakeFrame(pc uint64) *debuginfo.Frame {
	return &debuginfo.Frame{
		PC: pc, Memory: noMemory{},
		Reg: func(n int) ([]byte, error) { return []byte{byte(n), 7, 0, 0, 0, 0, 0, 0}, nil },
		CFA: func() (uint64, error) { return 0x7000, nil },
	}
}

var libraryType = regexp.MustCompile(`^(std::|_|DW_ATE|.*gnu)`)

type noMemory struct{}

func (noMemory) ReadAt(addr uint64, buf []byte) (int, error) { return len(buf), nil }

// TestSplit compares programs whose debug information is split with the same ones in
// which it is not: as the compiler leaves it, moved beside the program, and packed.
func TestSplit(t *testing.T) {
	const types = "-fdebug-types-section"
	for compiler, list := range map[string][][]string{
		"gcc":   {{"-gdwarf-4", "-O0"}, {"-gdwarf-5", "-O2"}, {"-gdwarf-4", "-O0", types}, {"-gdwarf-5", "-O1", types}},
		"clang": {{"-gdwarf-4", "-O1", types}, {"-gdwarf-5", "-O2"}},
	} {
		for _, flags := range list {
			t.Run(compiler+strings.Join(flags, ""), func(t *testing.T) {
				t.Parallel()
				want := described(t, buildSplit(t, compiler, append([]string{"-g"}, flags...)...))
				path := buildSplit(t, compiler, append([]string{"-g", "-gsplit-dwarf"}, flags...)...)
				check := func(how, path string) {
					t.Helper()
					got := described(t, path)
					for i := range min(len(got), len(want)) {
						if got[i] != want[i] {
							t.Fatalf("%s:\n%s\nwant\n%s", how, got[i], want[i])
						}
					}
					if len(got) != len(want) || len(got) < 300 {
						t.Fatalf("%s: %d lines, want %d", how, len(got), len(want))
					}
				}
				dwos := globbed(t, filepath.Dir(path), "*.dwo")
				check("as compiled", path)
				for _, tool := range []string{"dwp", "llvm-dwp"} {
					if tool == "dwp" && flags[0] == "-gdwarf-5" || tool == "llvm-dwp" && compiler == "gcc" {
						continue // they crash or hang
					}
					run(t, "env", "-C", filepath.Dir(path), tracertest.Tool(t, tool), "-e", path, "-o", path+".dwp")
					packed := copied(t, path)
					move(t, path+".dwp", packed+".dwp")
					hidden := t.TempDir()
					for _, name := range dwos {
						move(t, name, filepath.Join(hidden, filepath.Base(name)))
					}
					check(tool, packed)
					for _, name := range dwos {
						move(t, filepath.Join(hidden, filepath.Base(name)), name)
					}
				}
				moved := copied(t, path)
				for _, name := range dwos {
					move(t, name, filepath.Join(filepath.Dir(moved), filepath.Base(name)))
				}
				check("beside the program", moved)
			})
		}
	}
}

// TestSplitMissing checks what is said of split debug information that is not there, or
// that of another build.
func TestSplitMissing(t *testing.T) {
	path := buildSplit(t, "gcc", "-g", "-gsplit-dwarf", "-gdwarf-5")
	dwo := filepath.Join(filepath.Dir(path), "shapes.dwo")
	for _, c := range []struct {
		name, want string
		change     func()
	}{
		{"missing", "does not exist", func() { move(t, dwo, dwo+".away") }},
		{"other build", "is of another build: it has no unit with ID 0x", func() {
			copyFile(t, filepath.Join(filepath.Dir(dwo), "types.dwo"), dwo)
		}},
		{"no file", "not an ELF file", func() {
			if err := os.WriteFile(dwo, []byte("no"), 0o666); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		c.change()
		d := splitData(t, path)
		places, err := d.Places("shapes.cc", 34)
		if err != nil {
			t.Fatal(err)
		}
		if line, err := d.Line(places[0].Addr); err != nil || line.Line != 34 {
			t.Errorf("%s: line %d, %v", c.name, line.Line, err)
		}
		if list, err := d.FuncsNamed("other_main"); err != nil || len(list) != 1 {
			t.Errorf("%s: functions of the other unit: %v, %v", c.name, list, err)
		}
		_, funcsErr := d.Funcs(places[0].Addr)
		_, namedErr := d.FuncsNamed("geo_main")
		_, typesErr := d.Types("geo::Square")
		for _, err := range []error{funcsErr, namedErr, typesErr} {
			var split *debuginfo.SplitError
			if !errors.As(err, &split) || split.File != dwo || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %s", c.name, err, c.want)
			}
		}
	}
}

func globbed(t *testing.T, dir, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

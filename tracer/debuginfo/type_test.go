package debuginfo

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var typeVariants = [][]string{{"-gdwarf-2"}, {"-gdwarf-3"}, {"-gdwarf-4"}, {"-gdwarf-4", "-fdebug-types-section"}, {"-gdwarf-5"}, {"-gdwarf-5", "-fdebug-types-section"}}

// defineGlobal returns the definition of a global variable's type.
func defineGlobal(t *testing.T, d *Data, name string) string {
	t.Helper()
	vars, err := d.Globals(name, 0)
	if err != nil {
		t.Fatal(err)
	}
	vt, err := vars[0].Type()
	if err != nil {
		t.Fatal(err)
	}
	text, err := vt.Define()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestTypesAsGDB compares definitions with gdb's ptype.
func TestTypesAsGDB(t *testing.T) {
	names := []string{
		"bits", "word", "*later", "*alias", "color", "call", "table", "grid", "names", "cv", "nested", "truth", "unprototyped", "anonymous",
	}
	for _, flags := range typeVariants {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			t.Parallel()
			path := build(t, "types.c", flags...)
			d := openFile(t, path)
			var questions [][]any
			for _, name := range names {
				questions = append(questions, []any{"ptype", name})
			}
			for i, want := range askGDB[string](t, path, questions) {
				want = strings.TrimPrefix(strings.TrimSpace(want), "type = ")
				name, deref := strings.CutPrefix(names[i], "*")
				got := defineGlobal(t, d, name)
				if deref {
					vars, _ := d.Globals(name, 0)
					p, err := vars[0].Type()
					if err != nil {
						t.Fatal(err)
					}
					elem, err := p.Elem()
					if err != nil {
						t.Fatal(err)
					}
					if got, err = elem.Define(); err != nil {
						t.Fatal(err)
					}
				}
				if got != want {
					t.Errorf("%s is %s\ngdb says %s", names[i], got, want)
				}
			}
		})
	}
}

// TestClassesAsGDB compares members of C++ classes with those of ptype, without
// methods and access labels.
func TestClassesAsGDB(t *testing.T) {
	names := []string{"geo::Shape", "geo::Named", "geo::Tagged", "geo::Square", "geo::Ring<int, 4>", "geo::Word"}
	for _, flags := range typeVariants {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			t.Parallel()
			path := build(t, "shapes.cc", append(flags, "-lstdc++")...)
			d := openFile(t, path)
			var questions [][]any
			for _, name := range names {
				questions = append(questions, []any{"ptype", "/mtr " + name})
			}
			for i, want := range askGDB[string](t, path, questions) {
				types, err := d.Types(names[i])
				if err != nil {
					t.Error(err)
					continue
				}
				got, err := types[0].Define()
				if err != nil {
					t.Error(err)
					continue
				}
				want = strings.TrimPrefix(strings.TrimSpace(want), "type = ")
				want = regexp.MustCompile(`(?m)^ *(public|private|protected):\n`).ReplaceAllString(want, "")
				if got != want {
					t.Errorf("%s is %s\ngdb says %s", names[i], got, want)
				}
			}
		})
	}
}

// TestBitFields checks where bit-fields are, which DWARF has written in two ways.
func TestBitFields(t *testing.T) {
	var first []string
	for _, flags := range typeVariants {
		d := openFile(t, build(t, "types.c", flags...))
		types, err := d.Types("struct bits")
		if err != nil {
			t.Fatal(err)
		}
		fields, err := types[0].Fields()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range fields {
			bit := f.Offset*8 + f.BitOffset
			got = append(got, fmt.Sprintf("%s %d %d", f.Name, bit, f.BitSize))
		}
		want := []string{"a 0 3", "b 3 7", "c 10 5", "wide 15 40", "on 55 1", "tail 56 0"}
		if first == nil {
			first = want
		}
		if !slices.Equal(got, first) {
			t.Errorf("%v: %v, want %v", flags, got, first)
		}
	}
}

func TestEnumerators(t *testing.T) {
	for _, flags := range typeVariants {
		d := openFile(t, build(t, "types.c", flags...))
		types, err := d.Types("enum color")
		if err != nil {
			t.Fatal(err)
		}
		list, err := types[0].Enumerators()
		want := []Enumerator{{"RED", 0}, {"GREEN", 5}, {"BLUE", 6}, {"NEGATIVE", -3}}
		if !slices.Equal(list, want) || err != nil {
			t.Errorf("%v: %v, %v, want %v", flags, list, err, want)
		}
	}
}

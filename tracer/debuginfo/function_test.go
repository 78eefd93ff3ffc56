package debuginfo

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestFuncsNamedAsGDB looks up the functions of C and C++ by name.
func TestFuncsNamedAsGDB(t *testing.T) {
	names := map[string][]string{
		"inline.c":  {"main", "work", "length", "fail", "mix", "twice"},
		"shapes.cc": {"main", "geo_main", "apply", "geo::Square::Square", "geo::Square::area", "geo::Ring<int, 4>::push", "operator+"},
	}
	programs(t, func(t *testing.T, path string) {
		d := openFile(t, path)
		source := "inline.c"
		if filepath.Base(path) == "shapes" {
			source = "shapes.cc"
		}
		var questions [][]any
		for _, name := range names[source] {
			questions = append(questions, []any{"function", name})
		}
		for i, want := range askGDB[[]uint64](t, path, questions) {
			name := names[source][i]
			list, err := d.FuncsNamed(name)
			if err != nil && (len(want) > 0 || !errors.Is(err, ErrNotFound)) {
				t.Errorf("%s: %v, gdb says %#x", name, err, want)
				continue
			}
			// gdb takes the start of the first range for the entry, even where the
			// compiler names another.
			var got []uint64
			for _, f := range list {
				e, err := f.u.readEntry(f.off)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, e.ranges()[0].Low)
			}
			slices.Sort(got)
			if got = slices.Compact(got); !slices.Equal(got, want) {
				t.Errorf("%s: %#x, gdb says %#x", name, got, want)
			}
		}
	})
}

// TestPlacesAsGDB looks up every line of the sources. In optimised code gdb
// drops rows that share their addresses with others; TestPlaces has that.
func TestPlacesAsGDB(t *testing.T) {
	programs(t, func(t *testing.T, path string) {
		if regexp.MustCompile("-O[123]").MatchString(t.Name()) {
			return
		}
		d := openFile(t, path)
		source, lines := "inline.c", 70
		if filepath.Base(path) == "shapes" {
			source, lines = "shapes.cc", 106
		}
		var questions [][]any
		for n := range lines {
			questions = append(questions, []any{"line", source, n + 1})
		}
		for i, want := range askGDB[[]uint64](t, path, questions) {
			places, err := d.Places(source, i+1)
			if errors.Is(err, ErrNotFound) {
				// Unlike "break", gdb.decode_line goes on to the next function.
				next, nextErr := d.NextLine(source, i+1)
				if nextErr == nil {
					places, err = d.Places(source, next)
				}
			}
			if err != nil && (len(want) > 0 || !errors.Is(err, ErrNotFound)) {
				t.Errorf("line %d: %v, gdb says %#x", i+1, err, want)
				continue
			}
			var got []uint64
			for _, p := range places {
				got = append(got, p.Addr)
			}
			if !slices.Equal(got, want) {
				t.Errorf("line %d: %#x, gdb says %#x", i+1, got, want)
			}
		}
	})
}

// TestPlaces checks that a line with statements has one place in each function
// that has one of them, and no others.
func TestPlaces(t *testing.T) {
	programs(t, func(t *testing.T, path string) {
		if filepath.Base(path) != "inline" {
			return
		}
		d := openFile(t, path)
		rows := make(map[int][]uint64) // the addresses of statements by line
		for _, row := range readelfRows(t, path) {
			var line int
			var addr uint64
			row, isStmt := strings.CutSuffix(row, " x")
			if rest, ok := strings.CutPrefix(row, "inline.c:"); ok && isStmt {
				if n, err := fmt.Sscanf(rest, "%d 0x%x", &line, &addr); n == 2 && err == nil {
					rows[line] = append(rows[line], addr)
				}
			}
		}
		function := func(addr uint64) *Func {
			chain, err := d.Funcs(addr)
			if err != nil {
				return nil
			}
			return chain[0]
		}
		for line, addrs := range rows {
			want := make(map[*Func]bool)
			for _, addr := range addrs {
				want[function(addr)] = true
			}
			places, err := d.Places("inline.c", line)
			if err != nil || len(places) != len(want) {
				t.Errorf("line %d: %d places in %d functions, %v", line, len(places), len(want), err)
			}
			for _, p := range places {
				if !slices.Contains(addrs, p.Addr) || !want[p.Func] || p.Line.Line != line || !p.IsStmt {
					t.Errorf("line %d: place %+v", line, p)
				}
				delete(want, p.Func)
			}
		}
	})
}

func TestPartsOfNames(t *testing.T) {
	for _, c := range []struct {
		name string
		want []string
	}{
		{"main", []string{"main"}},
		{"::main", []string{"", "main"}},
		{"std::vector<std::pair<int, a::b> >::size", []string{"std", "vector<std::pair<int, a::b> >", "size"}},
		{"a::operator<<", []string{"a", "operator<<"}},
		{"a::operator->", []string{"a", "operator->"}},
		{"operators::x", []string{"operators", "x"}},
		{"f(int)::local", []string{"f(int)", "local"}},
		{"(anonymous namespace)::f", []string{"(anonymous namespace)", "f"}},
	} {
		if got := parts(c.name); !slices.Equal(got, c.want) {
			t.Errorf("parts of %s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestNamesMatch(t *testing.T) {
	for _, c := range []struct {
		full, name string
		want       bool
	}{
		{"main", "main", true},
		{"main", "ain", false},
		{"a::b::f", "f", true},
		{"a::b::f", "b::f", true},
		{"a::b::f", "a::f", false},
		{"a::b::f", "::f", false},
		{"a::b::f", "::a::b::f", true},
		{"a::v<int>::f<long>", "v::f", true},
		{"a::v<int>::f<long>", "v<int>::f", true},
		{"a::v<int>::f<long>", "v<char>::f", false},
		{"std::__cxx11::basic_string<char>::size", "std::basic_string::size", true},
		{"(anonymous namespace)::f", "f", true},
		{"a::(anonymous namespace)::f", "a::f", true},
		{"a::operator<", "operator<", true},
	} {
		if got := matches(c.full, c.name); got != c.want {
			t.Errorf("%s means %s: %v, want %v", c.name, c.full, got, c.want)
		}
	}
}

// TestPrologueEnd compares with where gdb's "break NAME" stops.
func TestPrologueEnd(t *testing.T) {
	path := build(t, "inline.c")
	d := openFile(t, path)
	var questions [][]any
	names := []string{"main", "work", "length", "fail"}
	for _, name := range names {
		questions = append(questions, []any{"prologue", name})
	}
	for i, want := range askGDB[uint64](t, path, questions) {
		list, err := d.FuncsNamed(names[i])
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.PrologueEnd(list[0])
		if got != want || err != nil {
			t.Errorf("prologue of %s ends at %#x, %v; gdb says %#x", names[i], got, err, want)
		}
	}
}

// TestCallSites checks where inlined functions say that they were called.
func TestCallSites(t *testing.T) {
	d := openFile(t, build(t, "inline.c"))
	list, err := d.FuncsNamed("twice")
	if err != nil {
		t.Fatal(err)
	}
	type site struct {
		caller string
		line   int
	}
	var got []site
	for _, f := range list {
		if f.Caller == nil || filepath.Base(f.CallFile) != "inline.c" || f.CallColumn == 0 {
			t.Fatalf("call site of twice: %+v", f)
		}
		got = append(got, site{f.Caller.Name, f.CallLine})
	}
	slices.SortFunc(got, func(a, b site) int { return cmp.Or(cmp.Compare(a.caller, b.caller), a.line-b.line) })
	want := []site{{"mix", 24}, {"mix", 24}, {"mix", 27}, {"mix", 27}, {"work", 60}}
	if !slices.Equal(got, want) {
		t.Errorf("twice is called at %v, want %v", got, want)
	}
}

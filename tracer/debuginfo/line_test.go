package debuginfo

import (
	"debug/dwarf"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// variants are flags that make compilers write the same in different ways.
var variants = [][]string{
	{"-gdwarf-2"},
	{"-gdwarf-3", "-O2"},
	{"-gdwarf-4"},
	{"-gdwarf-4", "-O2", "-ffunction-sections", "-Wl,--gc-sections"},
	{"-gdwarf-4", "-fdebug-types-section"},
	{"-gdwarf-5"},
	{"-gdwarf-5", "-O2"},
	{"-gdwarf-5", "-O3", "-fdebug-types-section", "-gz=zlib"},
	{"-gdwarf-5", "-O2", "-flto"},
	{"-gdwarf-5", "-O1", "-gno-as-loc-support"},
	{"-gdwarf64", "-O2"},
	{"-gz=zlib-gnu", "-O1"},
}

// programs calls f with the fixtures in all variants.
func programs(t *testing.T, f func(t *testing.T, path string)) {
	for _, source := range []string{"inline.c", "shapes.cc"} {
		for _, flags := range variants {
			t.Run(source+" "+strings.Join(flags, " "), func(t *testing.T) {
				t.Parallel()
				all := slices.Clone(flags)
				if filepath.Ext(source) == ".cc" {
					all = append(all, "-lstdc++")
				}
				f(t, build(t, source, all...))
			})
		}
	}
}

// readelfRows returns the rows of all line tables as readelf prints them:
// "file:line address stmt", with "-" for the line behind a sequence.
func readelfRows(t *testing.T, path string) []string {
	var rows, sequence []string
	out := output(t, "readelf", "-W", "--debug-dump=decodedline", "--debug-dump=no-follow-links", path)
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) < 3 || len(f) > 5 || !strings.HasPrefix(f[2], "0x") && f[2] != "0" {
			continue
		}
		stmt := ""
		if f[len(f)-1] == "x" {
			stmt = " x"
		}
		sequence = append(sequence, fmt.Sprintf("%s:%s %s%s", f[0], f[1], f[2], stmt))
		if f[1] == "-" {
			if !strings.Contains(sequence[0]+" ", " 0 ") { // not dropped by the linker
				rows = append(rows, sequence...)
			}
			sequence = nil
		}
	}
	return rows
}

// TestRowsAsReadelf compares every row of the line tables with readelf's.
func TestRowsAsReadelf(t *testing.T) {
	programs(t, func(t *testing.T, path string) {
		d := openFile(t, path)
		var rows []string
		for _, u := range d.units {
			if !u.hasLinesOf(d) {
				continue
			}
			table, err := u.lineTable()
			if err != nil {
				t.Fatal(err)
			}
			err = table.sequences(func(list []row) {
				for i := range list {
					r := &list[i]
					line, stmt := strconv.Itoa(int(r.line)), ""
					if r.flags&rowIsStmt != 0 {
						stmt = " x"
					}
					if r.flags&rowEnd != 0 {
						line, stmt = "-", ""
					}
					rows = append(rows, fmt.Sprintf("%s:%s %#x%s", filepath.Base(table.path(r.file)), line, r.addr, stmt))
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		want := readelfRows(t, path)
		t.Logf("%d rows", len(rows))
		for i := range max(len(rows), len(want)) {
			if i >= len(rows) || i >= len(want) || rows[i] != want[i] {
				t.Fatalf("row %d of %d, %d: %q, readelf says %q", i, len(rows), len(want), rows[min(i, len(rows)-1)], want[min(i, len(want)-1)])
			}
		}
	})
}

// hasLinesOf reports whether u is the first unit with its line table.
func (u *unit) hasLinesOf(d *Data) bool {
	if err := u.open(); err != nil || !u.hasLines {
		return false
	}
	for _, v := range d.units[:u.index] {
		if v.hasLines && v.lineOff == u.lineOff {
			return false
		}
	}
	return true
}

type gdbPC struct {
	File      string
	Line      int
	Low, High uint64
	Functions []string
}

// TestPCAsGDB compares the line and the functions of every address that has a
// row with gdb's.
func TestPCAsGDB(t *testing.T) {
	programs(t, func(t *testing.T, path string) {
		d := openFile(t, path)
		var questions [][]any
		for _, pc := range rowAddresses(t, d) {
			questions = append(questions, []any{"pc", pc})
		}
		bad := 0
		for i, want := range askGDB[gdbPC](t, path, questions) {
			pc := questions[i][1].(uint64)
			var got gdbPC
			if line, err := d.Line(pc); err == nil {
				got.File, got.Line, got.Low, got.High = line.File, line.Line, line.Low, line.High
			} else if !errors.Is(err, ErrNotFound) {
				t.Errorf("line at %#x: %v", pc, err)
			}
			chain, err := d.Funcs(pc)
			for _, f := range chain {
				got.Functions = append(got.Functions, f.Name)
			}
			if err != nil && !errors.Is(err, ErrNotFound) {
				t.Errorf("functions at %#x: %v", pc, err)
			}
			plain(got.Functions)
			plain(want.Functions)
			// To gdb a lambda and a method of a local class are called by the function
			// that they are written in.
			if len(chain) > 0 && len(want.Functions) > len(chain) && chain[len(chain)-1].isLocal() {
				want.Functions = want.Functions[:len(chain)]
			}
			// gdb drops a row that has the line of the one before it, even if that
			// one was dropped for sharing its address with a statement.
			if want.Low < got.Low && want.High == got.High {
				if line, err := d.Line(want.Low); err == nil && line.Line == want.Line {
					got.File, got.Line = want.File, want.Line
				}
			}
			if got.File != want.File || got.Line != want.Line || !slices.Equal(got.Functions, want.Functions) {
				if bad++; bad < 5 {
					t.Errorf("%#x: %.400s, gdb says %.400s", pc, fmt.Sprint(got), fmt.Sprint(want))
				}
			}
		}
		t.Logf("%d addresses, %d differ", len(questions), bad)
	})
}

// isLocal reports whether the function is written in another.
func (f *Func) isLocal() bool {
	s, ok := f.u.scopeOf(f.off)
	for ok && s.tag != dwarf.TagSubprogram {
		s, ok = f.u.scopeOf(s.off)
	}
	return ok
}

// plain removes what gdb writes in its own way: template arguments, and the
// types of parameters.
func plain(names []string) {
	for i, name := range names {
		list := parts(name)
		for j, part := range list {
			if k := strings.IndexAny(part, "(<"); k > 0 && !isOperator(part) {
				list[j] = part[:k]
			} else if isOperator(part) {
				list[j] = operatorName.FindString(part)
			}
		}
		names[i] = strings.Join(list, "::")
	}
}

var operatorName = regexp.MustCompile(`^operator(\(\)|[^(<]+|<+=?)`)

// rowAddresses returns the addresses of all rows.
func rowAddresses(t *testing.T, d *Data) []uint64 {
	var addrs []uint64
	for _, u := range d.units {
		if !u.hasLinesOf(d) {
			continue
		}
		table, err := u.lineTable()
		if err != nil {
			t.Fatal(err)
		}
		table.sequences(func(rows []row) {
			for i := range rows[:len(rows)-1] {
				addrs = append(addrs, rows[i].addr)
			}
		})
	}
	slices.Sort(addrs)
	return slices.Compact(addrs)
}
